//! Before the portal: set-up by the one-time link (`/setup`) and sign-in (`/sign-in`). Both post to their own address.

use askama::Template;
use bailee_ui::form::{Field, Tokens};
use bailee_ui::layout::Page;

/// `/setup?token=…`: the first administrator names themselves and chooses a password. Posts `token`, `name`, `email`, `password`, `again`.
#[derive(Clone, Debug, Template)]
#[template(path = "portal/setup.html")]
pub struct SetUp {
    /// The document.
    pub page: Page,
    /// Form tokens.
    pub tokens: Tokens,
    /// The one-time token of the link; empty when the link is used up or wrong.
    pub token: String,
    /// The administrator's name.
    pub name: Field,
    /// The administrator's e-mail address.
    pub email: Field,
    /// The new password; its value is never shown again.
    pub password: Field,
    /// The password once more.
    pub again: Field,
}

/// `/sign-in`: posts `email`, `password`, `next`.
#[derive(Clone, Debug, Template)]
#[template(path = "portal/sign_in.html")]
pub struct SignIn {
    /// The document.
    pub page: Page,
    /// Form tokens.
    pub tokens: Tokens,
    /// The e-mail address typed.
    pub email: Field,
    /// The password; its error is the one message for every refusal.
    pub password: Field,
    /// The address to go to afterwards, a path of this site.
    pub next: String,
}

#[cfg(test)]
impl SetUp {
    pub(super) fn sample(page: Page) -> Self {
        let wrong = Field::default().wrong(page.t("setup-password-short"));
        Self {
            page: Page { error: true, ..page },
            tokens: Tokens { csrf: "c5rf".into(), idempotency: "1d3m".into() },
            token: "set_4fj2".into(),
            name: Field::new("Alex Example"),
            email: Field::new("alex@example.org"),
            password: wrong,
            again: Field::default(),
        }
    }

    pub(super) fn sample_used(page: Page) -> Self {
        Self { token: String::new(), page: page.clone(), ..Self::sample(page) }
    }
}

#[cfg(test)]
impl SignIn {
    pub(super) fn sample(page: Page) -> Self {
        Self {
            page,
            tokens: Tokens { csrf: "c5rf".into(), idempotency: "1d3m".into() },
            email: Field::default(),
            password: Field::default(),
            next: "/".into(),
        }
    }
}
