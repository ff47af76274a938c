//! `/settings` and the pages under it: the site, message texts, API tokens, enrolling a bank.

use axum::Extension;
use axum::extract::{Path, State};
use bailee_domain::access::{Permission, Scope};
use bailee_domain::id::TokenId;
use bailee_ui::form::Field;
use bailee_ui::layout::Page;

use super::conflict::{self, Shared};
use super::form::{Form, again};
use super::gate::Who;
use super::notice::Done;
use super::shell::{Answer, draw, shell, show};
use super::site_form::{SITE, typed_site};
use super::views::Section;
use super::views::people::Conflict;
use super::views::settings::{
    ApiTokens, ChannelStatus, Enrol, FreshEnrolment, PermissionChoice, Settings, TemplateForm, TemplateRow,
    TokenRow,
};
use super::words;
use crate::app::enrolment::{self, OfferEnrolment, Offered};
use crate::app::log::LogFilter;
use crate::app::settings::{self, SiteInput};
use crate::app::templates::{self, Saved, Setting};
use crate::app::tokens::{self, NewToken};
use crate::app::{AppError, FieldError, Principal, Refused};
use crate::http::Http;
use crate::http::problem::Problem;
use crate::notify::NotifyConfig;
use crate::notify::config::SmsConfig;
use crate::notify::templates::{TemplateFault, TemplateKey, TemplateText};

/// A version nothing has: what a form without one was made from.
const UNKNOWN: i64 = -1;
/// Parts of a message text that two people may change at once.
const TEXT: [Shared; 2] = [("subject", "template-subject"), ("text", "template-text")];

/// `/settings`
pub async fn page(State(http): State<Http>, Extension(who): Extension<Who>) -> Answer {
    Ok(show(&settings_view(&http, &who, None).await?))
}

/// `/settings/site`, posted. Saved under the version the page was made from.
pub async fn change_site(
    State(http): State<Http>,
    Extension(who): Extension<Who>,
    Extension(form): Extension<Form>,
) -> Answer {
    let principal = &who.session()?.principal;
    let input = SiteInput {
        name: form.text("name"),
        help: form.text("help"),
        expiry_days: form.read("expiry_days").unwrap_or(0),
        receipt_days: form.some("receipt_days").map(|_| form.read("receipt_days").unwrap_or(0)),
        version: form.read("version").unwrap_or(UNKNOWN),
    };
    match settings::change_site(http.app(), principal, input).await {
        Ok(()) => Ok(Done::SettingsSaved.at("/settings")),
        Err(AppError::Refused(refused @ (Refused::Invalid(_) | Refused::Conflict { .. }))) => {
            let problem = Problem::from(refused);
            let view = settings_view(&http, &who, Some((&form, &problem))).await?;
            Ok(problem.wrap_page(draw(&view)))
        }
        Err(error) => Err(error.into()),
    }
}

async fn settings_view(
    http: &Http,
    who: &Who,
    refused: Option<(&Form, &Problem)>,
) -> Result<Settings, Problem> {
    let (principal, mut page) = (&who.session()?.principal, who.page());
    page.error = refused.is_some();
    let stored = typed_site(&settings::site(http.app(), principal).await?);
    let (form, wrong) =
        refused.map_or((&stored, &[][..]), |(form, problem)| (form, problem.fields.as_slice()));
    let conflict = match refused {
        Some((form, problem)) if problem.is_conflict() => {
            Some(conflict::theirs(http, principal, changed(), (&stored, form), &SITE).await?)
        }
        _ => None,
    };
    let all = templates::all(http.app(), principal).await?;
    Ok(Settings {
        shell: shell(http, who, Section::Settings).await?,
        version: if conflict.is_some() { &stored } else { form }.text("version").to_owned(),
        name: form.field(&page, "name", wrong),
        help: form.field(&page, "help", wrong),
        expiry_days: form.field(&page, "expiry_days", wrong),
        receipt_days: form.field(&page, "receipt_days", wrong),
        conflict,
        channels: channels(&http.options().notify),
        templates: all.iter().flat_map(|setting| template_rows(&page, setting)).collect(),
        page,
    })
}

/// Finds the last change of a setting in the log.
fn changed() -> LogFilter {
    LogFilter { kind: Some("SettingChanged".into()), ..LogFilter::default() }
}

/// The ways out that are set up. How the last try went is not kept anywhere yet.
fn channels(notify: &NotifyConfig) -> Vec<ChannelStatus> {
    let status = |name: &str, target: String| ChannelStatus {
        name: name.to_owned(),
        target,
        working: true,
        last: String::new(),
        problem: String::new(),
        waiting: 0,
    };
    let email = notify.email.as_ref().map(|email| status("SMTP", email.host.clone()));
    let sms = notify.sms.as_ref().map(|sms| match sms {
        SmsConfig::Twilio(twilio) => status("SMS", twilio.url.clone()),
        SmsConfig::Kannel(kannel) => status("SMS", kannel.url.clone()),
    });
    email.into_iter().chain(sms).collect()
}

/// By which channel a text goes: the end of its id in addresses.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Email,
    Sms,
}

impl Way {
    const fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Sms => "sms",
        }
    }

    fn row(self, page: &Page, setting: &Setting) -> TemplateRow {
        let key = match self {
            Self::Email => "way-email",
            Self::Sms => "way-sms",
        };
        TemplateRow {
            id: format!("{}-{}", setting.key.name(), self.name()),
            name: template_name(page, setting.key),
            channel: page.t(key),
            edited: setting.edited,
        }
    }
}

fn template_name(page: &Page, key: TemplateKey) -> String {
    page.t(match key {
        TemplateKey::ParcelReady => "parcel-ready",
        TemplateKey::ParcelReminder => "parcel-overdue",
        TemplateKey::Alarm => "urgency-alarm",
        TemplateKey::CourierCode => "courier-code",
        TemplateKey::Receipt => "receipt",
        TemplateKey::BadgeCode => "badge-send",
        TemplateKey::WorkCode => "order-code",
    })
}

fn template_rows(page: &Page, setting: &Setting) -> Vec<TemplateRow> {
    let sms = setting.text.sms.as_ref().map(|_| Way::Sms.row(page, setting));
    std::iter::once(Way::Email.row(page, setting)).chain(sms).collect()
}

async fn find(http: &Http, principal: &Principal, id: &str) -> Result<(Setting, Way), Problem> {
    let all = templates::all(http.app(), principal).await?;
    let (name, way) = id.rsplit_once('-').ok_or_else(Problem::not_found)?;
    let way = [Way::Email, Way::Sms]
        .into_iter()
        .find(|known| known.name() == way)
        .ok_or_else(Problem::not_found)?;
    let setting =
        all.into_iter().find(|setting| setting.key.name() == name).ok_or_else(Problem::not_found)?;
    Ok((setting, way))
}

/// `/settings/templates/{id}`
pub async fn template(
    State(http): State<Http>,
    Extension(who): Extension<Who>,
    Path(template): Path<String>,
) -> Answer {
    let (setting, way) = find(&http, &who.session()?.principal, &template).await?;
    let form = stored(&setting, way);
    Ok(show(&template_view(&http, &who, (&setting, way), &form, &[], None).await?))
}

/// `/settings/templates/{id}`, posted: shows what it would look like, or saves it.
pub async fn change_template(
    State(http): State<Http>,
    Extension(who): Extension<Who>,
    Path(template): Path<String>,
    Extension(form): Extension<Form>,
) -> Answer {
    let principal = &who.session()?.principal;
    let (setting, way) = find(&http, principal, &template).await?;
    let which = (&setting, way);
    if form.text("act") == "preview" {
        return Ok(show(&template_view(&http, &who, which, &form, &[], None).await?));
    }
    let (text, version) = (typed(&setting, way, &form), form.read("version").unwrap_or(UNKNOWN));
    match templates::change(http.app(), principal, setting.key, text, version).await {
        Ok(Saved::Saved { .. }) => Ok(Done::TemplateSaved.at("/settings")),
        Ok(Saved::Faulty(faults)) => {
            let view = template_view(&http, &who, which, &form, &faults, None).await?;
            Ok(Problem::from(Refused::Invalid(Vec::new())).wrap_page(draw(&view)))
        }
        Err(error) => template_conflict(&http, &who, which, &form, error).await,
    }
}

/// Somebody else changed the text in between: what both wrote is on the page.
async fn template_conflict(
    http: &Http,
    who: &Who,
    (setting, way): (&Setting, Way),
    form: &Form,
    error: AppError,
) -> Answer {
    let problem = Problem::from(error);
    if !problem.is_conflict() {
        return Err(problem);
    }
    let (stored, mut form) = (stored(setting, way), form.clone());
    form.set("version", setting.version.to_string());
    let principal = &who.session()?.principal;
    let theirs = conflict::theirs(http, principal, changed(), (&stored, &form), &TEXT).await?;
    let view = template_view(http, who, (setting, way), &form, &[], Some(theirs)).await?;
    Ok(problem.wrap_page(draw(&view)))
}

/// What is stored, as if it had been typed.
fn stored(setting: &Setting, way: Way) -> Form {
    let (text, version) = (&setting.text, setting.version.to_string());
    match way {
        Way::Email => Form::of([("subject", &text.subject), ("text", &text.text), ("version", &version)]),
        Way::Sms => {
            let sms = text.sms.clone().unwrap_or_default();
            Form::of([("text", sms.as_str()), ("version", version.as_str())])
        }
    }
}

/// The stored text with the part that was typed.
fn typed(setting: &Setting, way: Way, form: &Form) -> TemplateText {
    let body = form.text("text").replace("\r\n", "\n");
    match way {
        Way::Email => {
            TemplateText { subject: form.text("subject").to_owned(), text: body, ..setting.text.clone() }
        }
        Way::Sms => TemplateText { sms: Some(body), ..setting.text.clone() },
    }
}

async fn template_view(
    http: &Http,
    who: &Who,
    (setting, way): (&Setting, Way),
    form: &Form,
    faults: &[TemplateFault],
    conflict: Option<Conflict>,
) -> Result<TemplateForm, Problem> {
    let (principal, mut page) = (&who.session()?.principal, who.page());
    let text = typed(setting, way, form);
    let previewed = templates::preview(http.app(), principal, setting.key, &text).await?;
    let (email, sms, found) = match previewed {
        Ok((email, sms)) => ((email.subject, email.text), sms.unwrap_or_default(), Vec::new()),
        Err(faults) => ((String::new(), String::new()), String::new(), faults),
    };
    let faults = if faults.is_empty() { found } else { faults.to_vec() };
    page.error = !faults.is_empty() || conflict.is_some();
    let why = faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    let body = if way == Way::Sms { text.sms.clone().unwrap_or_default() } else { text.text.clone() };
    let field = Field::new(body);
    let segments = u32::try_from(sms.chars().count().div_ceil(153).max(1)).unwrap_or(1);
    Ok(TemplateForm {
        shell: shell(http, who, Section::Settings).await?,
        template: way.row(&page, setting),
        version: form.text("version").to_owned(),
        conflict,
        subject: Field::new(if way == Way::Email { text.subject.clone() } else { String::new() }),
        text: if why.is_empty() { field } else { field.wrong(why) },
        placeholders: placeholders(setting.key),
        preview: if way == Way::Email { email } else { (String::new(), sms) },
        parts: (way == Way::Sms).then_some(segments),
        page,
    })
}

fn placeholders(key: TemplateKey) -> Vec<(String, String)> {
    let named = |name: &&str| (format!("{{{{ {name} }}}}"), (*name).to_owned());
    key.variables().iter().map(named).collect()
}

/// `/settings/templates/{id}/reset`, posted.
pub async fn reset_template(
    State(http): State<Http>,
    Extension(who): Extension<Who>,
    Path(template): Path<String>,
    Extension(form): Extension<Form>,
) -> Answer {
    let principal = &who.session()?.principal;
    let (setting, way) = find(&http, principal, &template).await?;
    let version = form.read("version").unwrap_or(UNKNOWN);
    match templates::reset(http.app(), principal, setting.key, version).await {
        Ok(_version) => Ok(Done::TemplateReset.at("/settings")),
        Err(error) => template_conflict(&http, &who, (&setting, way), &stored(&setting, way), error).await,
    }
}

/// `/settings/tokens`
pub async fn tokens(State(http): State<Http>, Extension(who): Extension<Who>) -> Answer {
    Ok(show(&tokens_view(&http, &who, None, None).await?))
}

/// `/settings/tokens`, posted: shows the new token, this once.
pub async fn create_token(
    State(http): State<Http>,
    Extension(who): Extension<Who>,
    Extension(form): Extension<Form>,
) -> Answer {
    let principal = &who.session()?.principal;
    let permissions = offered(principal).filter(|it| !form.text(&checkbox(*it)).is_empty()).collect();
    let input = NewToken { name: form.text("name"), permissions, days: form.read("days").unwrap_or(0) };
    match tokens::create(http.app(), principal, input).await {
        Ok(made) => {
            let fresh = Some(made.token.expose().to_owned());
            Ok(show(&tokens_view(&http, &who, fresh, None).await?))
        }
        Err(AppError::Refused(Refused::Invalid(wrong))) => {
            let view = tokens_view(&http, &who, None, Some((&form, &wrong))).await?;
            Ok(Problem::from(Refused::Invalid(wrong)).wrap_page(draw(&view)))
        }
        Err(error) => Err(error.into()),
    }
}

/// What a token of this maker may be allowed.
fn offered(maker: &Principal) -> impl Iterator<Item = Permission> {
    Permission::ALL.iter().copied().filter(|it| maker.may(*it, Scope::Organisation, None))
}

/// The name of a permission's checkbox, which is also the key of its words.
fn checkbox(permission: Permission) -> String {
    format!("may-{}", permission.name().replace('.', "-"))
}

async fn tokens_view(
    http: &Http,
    who: &Who,
    fresh: Option<String>,
    refused: Option<(&Form, &[FieldError])>,
) -> Result<ApiTokens, Problem> {
    let mut page = who.page();
    page.error = refused.is_some();
    let principal = &who.session()?.principal;
    let listed = tokens::list(http.app(), principal).await?;
    let words_of = |all: Vec<Permission>| all.into_iter().map(|it| page.t(&checkbox(it))).collect();
    let row = |token: tokens::TokenSummary| TokenRow {
        id: token.id.to_string(),
        name: token.name,
        may: words_of(token.permissions),
        created: words::time(token.created_at),
        expires: words::time(token.expires_at),
        last_used: words::time_opt(token.last_used),
    };
    let rows = listed.into_iter().map(row).collect();
    let untyped = Form::of([("days", "90")]);
    let (form, wrong) = refused.unwrap_or((&untyped, &[]));
    let choice = |permission: Permission| {
        let id = checkbox(permission);
        PermissionChoice { label: page.t(&id), chosen: !form.text(&id).is_empty(), id }
    };
    Ok(ApiTokens {
        shell: shell(http, who, Section::Settings).await?,
        fresh,
        rows,
        name: form.field(&page, "name", wrong),
        days: form.field(&page, "days", wrong),
        choices: offered(principal).map(choice).collect(),
        permissions: form.field(&page, "permissions", wrong),
        page,
    })
}

/// `/settings/tokens/{id}/revoke`, posted.
pub async fn revoke_token(
    State(http): State<Http>,
    Extension(who): Extension<Who>,
    Path(token): Path<String>,
) -> Answer {
    let id: TokenId = token.parse().map_err(|_| Problem::not_found())?;
    tokens::revoke(http.app(), &who.session()?.principal, id).await?;
    Ok(Done::TokenRevoked.at("/settings/tokens"))
}

/// `/settings/enrol`
pub async fn enrol_form(State(http): State<Http>, Extension(who): Extension<Who>) -> Answer {
    Ok(show(&enrol_view(&http, &who, &Form::default(), &[], None).await?))
}

/// `/settings/enrol`, posted: shows the one-time token, this once.
pub async fn enrol(
    State(http): State<Http>,
    Extension(who): Extension<Who>,
    Extension(form): Extension<Form>,
) -> Answer {
    let principal = &who.session()?.principal;
    let site = settings::site(http.app(), principal).await?.id;
    let address = http.options().link_address.clone();
    let input = OfferEnrolment { site, name: form.text("name").to_owned(), address };
    match enrolment::offer(http.app(), principal, input).await {
        Ok(offered) => Ok(show(&enrol_view(&http, &who, &Form::default(), &[], Some(&offered)).await?)),
        Err(AppError::Refused(refused @ (Refused::Invalid(_) | Refused::AlreadyInUse { .. }))) => {
            let problem = Problem::from(refused);
            let view = enrol_view(&http, &who, &form, &problem.fields, None).await?;
            Ok(problem.wrap_page(draw(&view)))
        }
        Err(error) => Err(error.into()),
    }
}

async fn enrol_view(
    http: &Http,
    who: &Who,
    form: &Form,
    wrong: &[FieldError],
    offered: Option<&Offered>,
) -> Result<Enrol, Problem> {
    let mut page = who.page();
    page.error = !wrong.is_empty();
    let mut name = form.field(&page, "name", wrong);
    if let Some(other) = wrong.iter().find(|it| it.field != "name") {
        name = again(&page, &name.value, "name", &[FieldError { field: "name", code: other.code }]);
    }
    let fresh = offered.map(|offered| FreshEnrolment {
        token: offered.token.expose().clone(),
        command: format!("bailee edge enrol {}", offered.token.expose()),
        qr_svg: qr(offered.token.expose()),
        expires: words::time(offered.expires),
    });
    Ok(Enrol { shell: shell(http, who, Section::Settings).await?, page, name, fresh })
}

/// A QR code as an `<svg>` of one path, dark on white with four modules of quiet zone.
fn qr(text: &str) -> String {
    use std::fmt::Write as _;
    let Ok(code) = fast_qr::QRBuilder::new(text).ecl(fast_qr::ECL::M).build() else { return String::new() };
    let (size, mut path) = (code.size, String::new());
    for y in 0..size {
        for x in 0..size {
            if code[y][x].value() {
                let _ = write!(path, "M{} {}h1v1h-1z", x + 4, y + 4);
            }
        }
    }
    let side = size + 8;
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}" width="{side}" height="{side}" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h{side}v{side}H0z"/><path fill="#000" d="{path}"/></svg>"##
    )
}
