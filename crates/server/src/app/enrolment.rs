//! How a new bank comes in: an administrator is given a token, and the controller that shows its secret once, over a
//! connection with its own key, is that bank from then on.

use bailee_domain::access::{Permission, Scope};
use bailee_domain::compartment::Layout;
use bailee_domain::id::{BankId, SiteId};
use bailee_domain::platform::{Actor, PlatformEventKind};
use bailee_domain::roster::Roster;
use bailee_domain::time::WallTime;
use bailee_vault::Secret;
use bailee_wire::enrol::Enrolment;
use bailee_wire::event::{NO_EVENT, chain_hash};

use super::banks::{noting_denial, roster};
use super::{App, AppError, Change, FieldError, LiveChange, Principal, Refused, codes};
use crate::store::tables::bank::{self, BankRow, BankState};
use crate::store::tables::damaged;
use crate::store::tables::enrolment::{self, EnrolmentRow};

/// How long an enrolment token works, in milliseconds.
pub const TOKEN_MS: i64 = 24 * 3_600_000;
/// Longest name of a bank, in bytes.
pub const MAX_NAME_BYTES: usize = 60;
/// The first epoch of a bank's code key.
const FIRST_EPOCH: u32 = 1;

/// A place for a new bank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfferEnrolment {
    /// Where it stands.
    pub site: SiteId,
    /// What it is to be called; unique at its site.
    pub name: String,
    /// Where banks reach this platform, `host:port`.
    pub address: String,
}

/// A token, shown once.
pub struct Offered {
    /// The bank it makes.
    pub bank: BankId,
    /// The text to carry to the bank's controller.
    pub token: Secret<String>,
    /// Until when it works.
    pub expires: WallTime,
}

/// Makes a place for a new bank and the one-time token that lets a controller in.
///
/// # Errors
/// [`Refused::NotAllowed`], [`Refused::Invalid`] (`name`, `address`), [`Refused::AlreadyInUse`]; the store's.
pub async fn offer(app: &App, principal: &Principal, input: OfferEnrolment) -> Result<Offered, AppError> {
    app.authorise(principal, Permission::EnrolBanks, Scope::Site(input.site), Some(input.site)).await?;
    let name = checked_name(&input.name)?;
    let bank = new_bank(app, input.site, name)?;
    let (token, secret_hash, row) = new_token(app, bank.id, input.address)?;
    let (id, expires) = (bank.id, row.expires_at);
    app.change(principal.actor, async move |change: &Change| {
        if !bank::is_site(&change.tx, change.org, bank.site).await? {
            return Err(Refused::NotFound.into());
        }
        if bank::is_name_taken(&change.tx, bank.site, &bank.name).await? {
            return Err(Refused::AlreadyInUse { field: "name" }.into());
        }
        bank::insert_offered(&change.tx, &bank).await?;
        enrolment::replace(&change.tx, secret_hash, &row).await?;
        change.event(PlatformEventKind::EnrolmentOffered { bank: bank.id }).await
    })
    .await?;
    Ok(Offered { bank: id, token, expires })
}

/// Makes a new token for a bank no controller has come for yet; the one before stops working.
///
/// # Errors
/// [`Refused::NotFound`], [`Refused::NotAllowed`], [`Refused::Invalid`] (`address`), [`Refused::NotPossibleNow`]
/// (`enrolled`); the store's.
pub async fn offer_again(
    app: &App,
    principal: &Principal,
    id: BankId,
    address: String,
) -> Result<Offered, AppError> {
    let (token, secret_hash, row) = new_token(app, id, address)?;
    let expires = row.expires_at;
    let whose = principal.clone();
    let offered = app.change(principal.actor, async move |change: &Change| {
        let found = bank::by_id(&change.tx, change.org, id).await?.ok_or(Refused::NotFound)?;
        whose.require(Permission::EnrolBanks, Scope::Bank(id), Some(found.site))?;
        if found.state != BankState::Offered {
            return Err(Refused::NotPossibleNow { why: "enrolled" }.into());
        }
        enrolment::replace(&change.tx, secret_hash, &row).await?;
        change.event(PlatformEventKind::EnrolmentOffered { bank: id }).await
    });
    noting_denial(app, principal, offered.await).await?;
    Ok(Offered { bank: id, token, expires })
}

fn checked_name(name: &str) -> Result<String, Refused> {
    let name = name.trim();
    let wrong = |code| Refused::Invalid(vec![FieldError { field: "name", code }]);
    if name.is_empty() {
        return Err(wrong("required"));
    }
    if name.len() > MAX_NAME_BYTES {
        return Err(wrong("too_long"));
    }
    if name.chars().any(char::is_control) {
        return Err(wrong("control_character"));
    }
    Ok(name.to_owned())
}

fn new_bank(app: &App, site: SiteId, name: String) -> Result<BankRow, AppError> {
    let at = app.now();
    let (id, key) = app.draw(|mut rng| (BankId::new(at, &mut rng), Secret::<[u8; 32]>::random(&mut rng)));
    let code_salt = app.draw(|rng| {
        let mut salt = [0; 16];
        rng.fill_bytes(&mut salt);
        salt
    });
    let row = id.to_bytes();
    let place = codes::bank_key_place(&row);
    let sealed = app.draw(|mut rng| app.keys().bank().seal(&place, key.expose(), &mut rng));
    Ok(BankRow {
        id,
        org: app.org(),
        site,
        name,
        state: BankState::Offered,
        pin: None,
        device_key: None,
        layout: None,
        code_key: sealed.map_err(|_| damaged("bank.code_key"))?,
        code_salt,
        code_epoch: FIRST_EPOCH,
        roster_acked: 0,
        last_seq: 0,
        last_hash: NO_EVENT,
        online: false,
        last_seen: None,
        created_at: at,
    })
}

type NewToken = (Secret<String>, [u8; 32], EnrolmentRow);

fn new_token(app: &App, bank: BankId, address: String) -> Result<NewToken, AppError> {
    let secret = app.draw(|rng| {
        let mut secret = [0; 32];
        rng.fill_bytes(&mut secret);
        secret
    });
    let expires = app.now().plus_ms(TOKEN_MS);
    let token = Enrolment { address, pins: vec![app.keys().link.pin().0], bank, secret, expires };
    let wrong = Refused::Invalid(vec![FieldError { field: "address", code: "not_host_and_port" }]);
    let text = token.text().map_err(|_| wrong)?;
    let row = EnrolmentRow { bank, expires_at: expires, used_at: None };
    Ok((Secret::new(text), chain_hash(&secret), row))
}

/// What a controller shows to become a bank; its proof of possession has been checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redeem {
    /// The bank its token names.
    pub bank: BankId,
    /// SHA-256 of the token's secret.
    pub secret_hash: [u8; 32],
    /// SHA-256 of the public key it shows on the link.
    pub pin: [u8; 32],
    /// The Ed25519 key that will sign its chain heads.
    pub device_key: [u8; 32],
    /// How it is built.
    pub layout: Layout,
}

/// What a new bank is given.
pub struct Redeemed {
    /// Who it is.
    pub bank: BankId,
    /// Its first roster.
    pub roster: Roster,
    /// `K_bank`.
    pub code_key: Secret<[u8; 32]>,
    /// Salt of the stretch of its codes.
    pub code_salt: [u8; 16],
    /// Counts its key changes.
    pub code_epoch: u32,
}

/// Lets a controller in, once. The same controller with the same keys may ask again until the token expires, because
/// the answer can get lost; nobody else can.
///
/// # Errors
/// [`Refused::NoLongerValid`] for an unknown, used or expired secret, and for keys of another bank; the store's.
pub async fn redeem(app: &App, input: Redeem) -> Result<Redeemed, AppError> {
    let this = app.clone();
    let redeemed = app
        .change(Actor::Bank(input.bank), async move |change: &Change| {
            let gone = || AppError::Refused(Refused::NoLongerValid);
            let token = enrolment::find(&change.tx, input.secret_hash).await?;
            let token = token.filter(|token| token.bank == input.bank && change.at < token.expires_at);
            let token = token.ok_or_else(gone)?;
            let found = bank::by_id(&change.tx, change.org, input.bank).await?.ok_or_else(gone)?;
            match token.used_at {
                None => let_in(change, &input).await?,
                Some(_) if is_same(&found, &input) => {}
                Some(_) => return Err(gone()),
            }
            let roster = roster::of_bank(&this, &change.tx, input.bank).await?;
            let code_key = codes::open_bank_key(&this, &found)?;
            let BankRow { id: bank, code_salt, code_epoch, .. } = found;
            Ok(Redeemed { bank, roster, code_key, code_salt, code_epoch })
        })
        .await?;
    app.live().tell(LiveChange::Bank(redeemed.bank));
    Ok(redeemed)
}

async fn let_in(change: &Change, input: &Redeem) -> Result<(), AppError> {
    let gone = || AppError::Refused(Refused::NoLongerValid);
    if bank::by_pin(&change.tx, input.pin).await?.is_some() {
        return Err(gone());
    }
    let used = enrolment::use_up(&change.tx, input.secret_hash, change.at).await?;
    let keys = (input.pin, input.device_key);
    if !used || !bank::enrol(&change.tx, input.bank, keys, &input.layout).await? {
        return Err(gone());
    }
    let kind = PlatformEventKind::BankEnrolled { bank: input.bank, device_key: input.device_key };
    change.event(kind).await
}

fn is_same(bank: &BankRow, input: &Redeem) -> bool {
    bank.state == BankState::Enrolled
        && bank.pin == Some(input.pin)
        && bank.device_key == Some(input.device_key)
}
