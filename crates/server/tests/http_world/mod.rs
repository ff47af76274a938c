//! A platform over HTTP whose banks answer.

#![allow(dead_code, reason = "each test binary uses its part")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::Arc;

use bailee_domain::access::Permission::{ManagePeople, ManageStaff, OperateBanks, ViewBanks, ViewPeople};
use bailee_domain::access::{Assignment, Role, Scope};
use bailee_domain::id::PersonId;
use bailee_domain::platform::Actor;
use bailee_server::app::Principal;
use bailee_server::http::{self, Options};

use crate::app_bank::{Banks, FakeBank};
use crate::http_support::{Browser, EMAIL, PASSWORD, Platform, Program, URL, platform};

pub fn principal(person: PersonId) -> Principal {
    let roles = vec![Assignment { role: Role::SuperAdmin, scope: Scope::Organisation }];
    Principal { actor: Actor::Person(person), roles, limited_to: None }
}

/// A platform whose banks answer.
pub struct World {
    pub platform: Platform,
    pub admin: PersonId,
    pub browser: Browser,
    pub program: Program,
    pub banks: Banks,
}

impl World {
    pub async fn new() -> Self {
        let platform = platform().await;
        let admin = platform.administrator().await;
        let program = platform.token(&[ViewBanks, OperateBanks, ManagePeople, ManageStaff, ViewPeople]).await;
        let browser = platform.browser();
        Self { platform, admin, browser, program, banks: Banks::default() }
    }

    /// A bank that is enrolled now and reached from now on.
    pub async fn bank(&mut self) -> FakeBank {
        let app = &self.platform.app;
        let bank = FakeBank::enrolled(app, &self.platform.clock, &principal(self.admin), "Lobby", 1).await;
        let options = Options { link_address: "127.0.0.1:8443".into(), ..Options::new(URL) };
        self.banks.0.push(bank.clone());
        let router = http::router(app.clone(), Arc::new(self.banks.clone()), options);
        (self.browser.router, self.program.router) = (router.clone(), router);
        self.browser.sign_in(EMAIL, PASSWORD).await;
        bank
    }
}
