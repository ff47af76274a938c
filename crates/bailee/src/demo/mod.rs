//! `bailee demo`: one platform, two banks with simulated cabinets, a mailbox; everything else is real.
//!
//! The banks enrol themselves over the real link with real tokens, their boards speak `8A/80` on pseudo terminals,
//! notifications go through a real SMTP conversation and a real gateway call. Only the hardware, the mail server and
//! the SMS gateway are simulated, and nothing leaves the computer.

mod banks;
mod mailbox;
mod pages;

use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use bailee_domain::access::{Assignment, Permission, Role, Scope};
use bailee_server::app::enrolment::{self, OfferEnrolment};
use bailee_server::app::tokens::{self, NewToken};
use bailee_server::app::{Principal, settings};
use bailee_server::config::ServerConfig;
use bailee_server::serve::{self, Running};
use bailee_sim::mailbox::{Credentials, GatewayPeer, Mailbox, SmtpPeer};
use clap::Args;
use serde::Serialize;

use banks::DemoBank;

const PORTAL_PORT: u16 = 8080;
const GATEWAY_USER: &str = "AC00000000000000000000000000000000";
const GATEWAY_PASSWORD: &str = "demo";

/// What `bailee demo` takes.
#[derive(Args)]
pub struct DemoArgs {
    /// Where the data goes; a fresh temporary folder without it. The same folder again goes on where it stopped.
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Write the addresses and a token as JSON into this file once everything answers.
    #[arg(long)]
    ready_file: Option<PathBuf>,
    /// The portal's port; the kiosks take the ports after it. 0 picks free ones.
    #[arg(long, default_value_t = PORTAL_PORT)]
    port: u16,
    /// Start with the network between banks and platform cut.
    #[arg(long)]
    offline: bool,
}

/// What stands in the ready file.
#[derive(Serialize)]
struct Ready {
    portal: String,
    kiosks: Vec<String>,
    api_token: String,
    log_id: String,
    set_up: Option<String>,
}

/// File with the number of the port that banks know the platform by.
const LINK_PORT: &str = "link-port";

/// Runs the demonstration until Ctrl-C.
pub async fn run(args: DemoArgs) -> anyhow::Result<()> {
    let stop = crate::stop_signal()?;
    let temporary = tempfile::Builder::new().prefix("bailee-demo-").tempdir()?;
    let dir = args.dir.clone().unwrap_or_else(|| temporary.path().to_owned());
    std::fs::create_dir_all(&dir).with_context(|| format!("creating {}", dir.display()))?;
    let demo = Demo::start(&dir, args.port).await?;
    if args.offline {
        demo.banks.iter().for_each(|bank| bank.controller.switch.cut());
    }
    let ready = demo.ready().await?;
    if let Some(file) = &args.ready_file {
        let beside = file.with_extension("new");
        std::fs::write(&beside, serde_json::to_vec_pretty(&ready)?)?;
        std::fs::rename(&beside, file)?;
    }
    demo.greet(&ready, &dir);
    stop.await;
    eprintln!("stopping");
    demo.stop().await;
    Ok(())
}

struct Demo {
    platform: Running,
    banks: Arc<Vec<DemoBank>>,
    _mail: SmtpPeer,
    _gateway: GatewayPeer,
}

impl Demo {
    async fn start(dir: &Path, port: u16) -> anyhow::Result<Self> {
        let clock = bailee_edge::clock::Clocks::start();
        let mailbox = Mailbox::new(move || clock.rtc().unix_ms());
        let mail = SmtpPeer::start(mailbox.clone()).await?;
        let credentials =
            Credentials { user: GATEWAY_USER.to_owned(), password: GATEWAY_PASSWORD.to_owned() };
        let gateway = GatewayPeer::start(mailbox.clone(), credentials).await?;
        let config = platform_config(dir, port, mail.address(), gateway.address())?;
        let pages = pages::Slot::default();
        let demo_pages = pages::router(pages.clone()).merge(mailbox::router(mailbox));
        let demo = serve::Demo { pages: Some(demo_pages), switches: None };
        let platform = serve::start(config, demo).await.context("starting the platform")?;
        std::fs::write(dir.join(LINK_PORT), platform.link_address.rsplit(':').next().unwrap_or_default())?;
        let banks = Arc::new(start_banks(dir, port, &platform).await?);
        pages.fill(banks.clone());
        Ok(Self { platform, banks, _mail: mail, _gateway: gateway })
    }

    async fn ready(&self) -> anyhow::Result<Ready> {
        Ok(Ready {
            portal: self.platform.portal_url.clone(),
            kiosks: self.banks.iter().map(|bank| format!("http://{}", bank.controller.kiosk)).collect(),
            api_token: api_token(&self.platform).await?,
            log_id: self.platform.app.log_id().to_owned(),
            set_up: self.platform.set_up_link.clone(),
        })
    }

    fn greet(&self, ready: &Ready, dir: &Path) {
        crate::say("Bailee demo\n");
        match &ready.set_up {
            Some(link) => crate::say(&format!(
                "  start here   {link}\n               (makes the first administrator; works once)"
            )),
            None => crate::say(&format!("  sign in at   {}", ready.portal)),
        }
        crate::say(&format!("  portal       {}", ready.portal));
        for (bank, kiosk) in self.banks.iter().zip(&ready.kiosks) {
            crate::say(&format!(
                "  kiosk        {kiosk}  ({}, {} doors)",
                bank.name,
                bank.config.compartments.len()
            ));
        }
        crate::say(&format!(
            "  cabinets     {}/demo  (close doors, force doors, cut the network)",
            ready.portal
        ));
        crate::say(&format!("  mailbox      {}/demo/mailbox", ready.portal));
        crate::say(&format!("  check it     bailee verify ledger {}/log/{}", ready.portal, ready.log_id));
        crate::say(&format!("  data         {}\n\nCtrl-C stops it.", dir.display()));
    }

    async fn stop(self) {
        let Self { platform, banks, .. } = self;
        // The pages hold the banks until the platform has stopped serving them.
        platform.shutdown().await;
        match Arc::try_unwrap(banks) {
            Ok(banks) => {
                for bank in banks {
                    bank.controller.stop().await;
                }
            }
            Err(_) => tracing::warn!("a page still shows the banks; they stop with the process"),
        }
    }
}

async fn start_banks(dir: &Path, port: u16, platform: &Running) -> anyhow::Result<Vec<DemoBank>> {
    let mut banks = Vec::new();
    for (index, name) in banks::NAMES.iter().enumerate() {
        let dir = dir.join(format!("bank-{}", index + 1));
        let kiosk_port = if port == 0 { 0 } else { port + 1 + u16::try_from(index)? };
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, kiosk_port));
        let token = if dir.join("bank").exists() { None } else { Some(offer_bank(platform, name).await?) };
        banks.push(DemoBank::start(index, &dir, listen, token.as_deref()).await?);
    }
    Ok(banks)
}

/// A token that may do everything a program can be allowed, for trying the API.
async fn api_token(platform: &Running) -> anyhow::Result<String> {
    let permissions = Permission::ALL.iter().copied().filter(|p| *p != Permission::ManageTokens).collect();
    let input = NewToken { name: "demo", permissions, days: 1 };
    let made = tokens::create(&platform.app, &installer(), input).await?;
    Ok(made.token.expose().to_owned())
}

async fn offer_bank(platform: &Running, name: &str) -> anyhow::Result<String> {
    let site = settings::site(&platform.app, &installer()).await?.id;
    let input = OfferEnrolment { site, name: name.to_owned(), address: platform.link_address.clone() };
    let offered = enrolment::offer(&platform.app, &installer(), input).await?;
    Ok(offered.token.expose().clone())
}

/// The installation itself, before there is an administrator.
fn installer() -> Principal {
    let everything = Assignment { role: Role::SuperAdmin, scope: Scope::Organisation };
    Principal { roles: vec![everything], ..Principal::PLATFORM }
}

fn platform_config(
    dir: &Path,
    port: u16,
    mail: SocketAddr,
    gateway: SocketAddr,
) -> anyhow::Result<ServerConfig> {
    let data_dir = dir.join("platform");
    std::fs::create_dir_all(&data_dir)?;
    let secret = data_dir.join("sms-password");
    std::fs::write(&secret, GATEWAY_PASSWORD)?;
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600))?;
    let quoted = |text: String| toml::Value::String(text).to_string();
    // Where banks enrolled earlier look for the platform.
    let link_port: u16 =
        std::fs::read_to_string(dir.join(LINK_PORT)).ok().and_then(|port| port.parse().ok()).unwrap_or(0);
    let text = format!(
        r#"
data_dir = {data_dir}
listen = "127.0.0.1:{port}"

[link]
listen = "127.0.0.1:{link_port}"

[first_start]
organisation = "Bailee demo"
site = "Harbour House"

[notify.email]
host = "{mail_host}"
port = {mail_port}
security = "plain"
from = "Bailee demo <lockers@demo.example>"

[notify.sms]
gateway = "twilio"
url = "http://{gateway}"
account_sid = "{GATEWAY_USER}"
auth_token_file = {secret}
from = "+15005550006"
"#,
        data_dir = quoted(data_dir.display().to_string()),
        mail_host = mail.ip(),
        mail_port = mail.port(),
        secret = quoted(secret.display().to_string()),
    );
    toml::from_str(&text).context("the demonstration's own configuration")
}
