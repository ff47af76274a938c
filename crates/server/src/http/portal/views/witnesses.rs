//! `/witnesses`: who vouches for the custody log, and how far.

use super::Shell;
use askama::Template;
use bailee_ui::layout::{Page, Tone};

/// One witness.
#[derive(Clone, Debug)]
pub struct WitnessLine {
    /// What it is called: a bank's name, or the name of its key.
    pub name: String,
    /// Its verifier key.
    pub vkey: String,
    /// Entries it last cosigned; 0 for none yet.
    pub size: u64,
    /// When it last cosigned (RFC 3339, UTC); empty for never.
    pub cosigned_at: String,
    /// How long ago, in words; empty for never.
    pub age: String,
    /// How it stands, in the reader's language.
    pub state: String,
    /// What that means.
    pub tone: Tone,
    /// What it last refused and why, in the reader's language; empty if nothing since.
    pub refusal: String,
    /// When (RFC 3339, UTC).
    pub refused_at: String,
}

impl WitnessLine {
    /// The symbol of its state.
    #[must_use]
    pub fn icon(&self) -> &'static str {
        match self.tone {
            Tone::Ok | Tone::Accent => "check",
            Tone::Warn | Tone::Neutral => "clock",
            Tone::Bad => "warning",
        }
    }
}

/// What a witness holds against the log.
#[derive(Clone, Debug)]
pub struct EvidenceLine {
    /// Its number.
    pub id: i64,
    /// Which witness.
    pub name: String,
    /// What, in the reader's language.
    pub what: String,
    /// When (RFC 3339, UTC).
    pub at: String,
    /// The checkpoint it had cosigned.
    pub kept: String,
    /// The checkpoint it refused.
    pub shown: String,
}

/// `/witnesses`
#[derive(Template)]
#[template(path = "portal/witnesses.html")]
pub struct Witnesses {
    /// Language, theme and texts.
    pub page: Page,
    /// What surrounds the page.
    pub shell: Shell,
    /// Witnesses that are current.
    pub current: usize,
    /// Witnesses in all.
    pub all: usize,
    /// Entries in the log.
    pub size: u64,
    /// Entries under the newest checkpoint a quorum cosigned.
    pub witnessed: Option<u64>,
    /// The witnesses.
    pub rows: Vec<WitnessLine>,
    /// Evidence, newest first.
    pub evidence: Vec<EvidenceLine>,
    /// Where the suggested policy is.
    pub policy: String,
    /// The command that checks the log with a policy.
    pub command: String,
}

#[cfg(test)]
impl Witnesses {
    /// Made-up witnesses: a current one, a new one, and one that refuses.
    pub fn sample(page: Page) -> Self {
        let vkey =
            "bailee/bnk_01ja1b2c3d4e5f6g7h8j9kmnpq+a3e00fe2+BNy/co4C1Hn1p+INwJrfUlgz7W55dSZReusH/GhUhJ/G";
        let line = |name: &str, key: &str, tone: Tone, size: u64| WitnessLine {
            name: name.to_owned(),
            vkey: vkey.to_owned(),
            size,
            cosigned_at: if size > 0 { "2026-11-23T09:41:00Z".to_owned() } else { String::new() },
            age: if size > 0 { "12 s".to_owned() } else { String::new() },
            state: page.t(key),
            tone,
            refusal: if tone == Tone::Bad { page.t("witness-why-gap") } else { String::new() },
            refused_at: if tone == Tone::Bad { "2026-11-23T09:41:10Z".to_owned() } else { String::new() },
        };
        let note = "bailee/org_01ja\n1204\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\u{2014} bailee/org_01ja AAAA\n";
        Self {
            shell: Shell::sample(super::Section::Audit),
            current: 1,
            all: 3,
            size: 1_310,
            witnessed: Some(1_204),
            rows: vec![
                line("Lobby", "witness-current", Tone::Ok, 1_204),
                line("Courtyard", "witness-never", Tone::Neutral, 0),
                line("witness.example.org/bailee", "witness-refuses", Tone::Bad, 998),
            ],
            evidence: vec![EvidenceLine {
                id: 7,
                name: "witness.example.org/bailee".to_owned(),
                what: page.t("witness-why-gap"),
                at: "2026-11-23T09:41:10Z".to_owned(),
                kept: note.to_owned(),
                shown: note.to_owned(),
            }],
            policy: "/log/org_01ja/policy".to_owned(),
            command: "bailee verify ledger https://lockers.example.org/log/org_01ja --policy policy.txt"
                .to_owned(),
            page,
        }
    }

    /// A platform whose banks are no witnesses yet.
    pub fn sample_empty(page: Page) -> Self {
        Self {
            current: 0,
            all: 0,
            witnessed: None,
            rows: Vec::new(),
            evidence: Vec::new(),
            ..Self::sample(page)
        }
    }
}
