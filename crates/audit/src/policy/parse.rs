//! The text of a policy: one rule a line, names defined before they are used.

use std::collections::{BTreeMap, BTreeSet};

use super::{Policy, PolicyLog, PolicyWitness, Rule, RuleName};
use crate::key::{ED25519_KEY_LEN, KeyError};
use crate::tile::parse_decimal;

/// Bytes of the longest policy that is read.
pub const MAX_POLICY_LEN: usize = 512 << 10;
/// Most logs, and most witnesses and groups together, of a policy.
pub const MAX_RULES: usize = 2_048;

/// Why a policy can't be used, and the line that says so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {fault}")]
pub struct PolicyError {
    /// From 1; the line after the last when something is missing.
    pub line: usize,
    /// What is wrong.
    pub fault: PolicyFault,
}

/// What is wrong with a policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyFault {
    /// More than [`MAX_POLICY_LEN`] bytes.
    #[error("the policy is longer than {MAX_POLICY_LEN} bytes")]
    TooLong,
    /// More than [`MAX_RULES`] rules.
    #[error("the policy has more than {MAX_RULES} rules")]
    TooMany,
    /// A control character other than tab and newline.
    #[error("a control character")]
    ControlCharacter,
    /// The last line doesn't end.
    #[error("the last line does not end in a newline")]
    Unended,
    /// No such kind of line.
    #[error("a line starts with log, witness, group or quorum")]
    Keyword,
    /// Too few or too many words.
    #[error("this line has the wrong number of words")]
    Words,
    /// A key that can't be read.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The same public key twice among logs, or among witnesses.
    #[error("this key was given before")]
    DuplicateKey,
    /// `none`, or a name used before.
    #[error("the name {0:?} is taken")]
    NameTaken(RuleName),
    /// Not a witness or group of an earlier line.
    #[error("no witness or group {0:?} is defined before this line")]
    Undefined(RuleName),
    /// A witness or group that counts in two groups, or twice in one.
    #[error("{0:?} is already a member of a group")]
    CountedTwice(RuleName),
    /// Not `any`, `all` or a number from 1 to the number of members.
    #[error("a group needs any, all, or a number from 1 to the number of its members")]
    Threshold,
    /// A second quorum.
    #[error("there is a quorum already")]
    SecondQuorum,
    /// No quorum at all.
    #[error("there is no quorum line")]
    NoQuorum,
}

pub(super) fn policy(bytes: &[u8]) -> Result<Policy, PolicyError> {
    let at = |line| move |fault| PolicyError { line, fault };
    if bytes.len() > MAX_POLICY_LEN {
        return Err(at(1)(PolicyFault::TooLong));
    }
    let mut reader = Reader::default();
    let mut lines = 0;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        lines += 1;
        let line = line.strip_suffix(b"\n").ok_or_else(|| at(lines)(PolicyFault::Unended))?;
        reader.line(line).map_err(at(lines))?;
    }
    let quorum = reader.quorum.ok_or_else(|| at(lines + 1)(PolicyFault::NoQuorum))?;
    Ok(Policy { logs: reader.logs, witnesses: reader.witnesses, rules: reader.rules, quorum })
}

#[derive(Default)]
struct Reader {
    logs: Vec<PolicyLog>,
    witnesses: Vec<PolicyWitness>,
    rules: Vec<Rule>,
    quorum: Option<Option<usize>>,
    names: BTreeMap<RuleName, usize>,
    members: BTreeSet<usize>,
    log_keys: BTreeSet<[u8; ED25519_KEY_LEN]>,
    witness_keys: BTreeSet<[u8; ED25519_KEY_LEN]>,
}

impl Reader {
    fn line(&mut self, line: &[u8]) -> Result<(), PolicyFault> {
        if line.iter().any(|byte| (*byte < 0x20 && *byte != b'\t') || *byte == 0x7f) {
            return Err(PolicyFault::ControlCharacter);
        }
        let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
        let words: Vec<&[u8]> = line.split(is_blank).filter(|word| !word.is_empty()).collect();
        if self.logs.len() > MAX_RULES || self.rules.len() > MAX_RULES {
            return Err(PolicyFault::TooMany);
        }
        match words[..] {
            [] => Ok(()),
            [first, ..] if first.starts_with(b"#") => Ok(()),
            [b"log", key] => self.log(key, None),
            [b"log", key, url] => self.log(key, Some(url)),
            [b"witness", name, key] => self.witness(name, key, None),
            [b"witness", name, key, url] => self.witness(name, key, Some(url)),
            [b"group", name, least, ref members @ ..] if !members.is_empty() => {
                self.group(name, least, members)
            }
            [b"quorum", name] => self.quorum(name),
            [b"log" | b"witness" | b"group" | b"quorum", ..] => Err(PolicyFault::Words),
            _ => Err(PolicyFault::Keyword),
        }
    }

    fn log(&mut self, key: &[u8], url: Option<&[u8]>) -> Result<(), PolicyFault> {
        let log = PolicyLog { key: text(key)?.parse()?, url: url.map(address) };
        if !self.log_keys.insert(*log.key.public()) {
            return Err(PolicyFault::DuplicateKey);
        }
        self.logs.push(log);
        Ok(())
    }

    fn witness(&mut self, name: &[u8], key: &[u8], url: Option<&[u8]>) -> Result<(), PolicyFault> {
        let name = RuleName(name.to_vec());
        let witness = PolicyWitness { name: name.clone(), key: text(key)?.parse()?, url: url.map(address) };
        if !self.witness_keys.insert(*witness.key.public()) {
            return Err(PolicyFault::DuplicateKey);
        }
        self.define(name, Rule::Witness(self.witnesses.len()))?;
        self.witnesses.push(witness);
        Ok(())
    }

    fn group(&mut self, name: &[u8], least: &[u8], members: &[&[u8]]) -> Result<(), PolicyFault> {
        let mut places = Vec::with_capacity(members.len());
        for member in members {
            let place = self.defined(member)?;
            if !self.members.insert(place) {
                return Err(PolicyFault::CountedTwice(RuleName(member.to_vec())));
            }
            places.push(place);
        }
        let most = places.len();
        let least = match least {
            b"any" => 1,
            b"all" => most,
            number => {
                let number = std::str::from_utf8(number).map_err(|_| PolicyFault::Threshold)?;
                let number = parse_decimal(number, most as u64).ok_or(PolicyFault::Threshold)?;
                usize::try_from(number).map_err(|_| PolicyFault::Threshold)?
            }
        };
        if least == 0 {
            return Err(PolicyFault::Threshold);
        }
        self.define(RuleName(name.to_vec()), Rule::Group { least, members: places })
    }

    fn quorum(&mut self, name: &[u8]) -> Result<(), PolicyFault> {
        let quorum = if name == b"none" { None } else { Some(self.defined(name)?) };
        match self.quorum.replace(quorum) {
            Some(_) => Err(PolicyFault::SecondQuorum),
            None => Ok(()),
        }
    }

    fn define(&mut self, name: RuleName, rule: Rule) -> Result<(), PolicyFault> {
        if name.0 == b"none" || self.names.contains_key(&name) {
            return Err(PolicyFault::NameTaken(name));
        }
        self.names.insert(name, self.rules.len());
        self.rules.push(rule);
        Ok(())
    }

    fn defined(&self, name: &[u8]) -> Result<usize, PolicyFault> {
        let name = RuleName(name.to_vec());
        self.names.get(&name).copied().ok_or(PolicyFault::Undefined(name))
    }
}

fn text(word: &[u8]) -> Result<&str, PolicyFault> {
    std::str::from_utf8(word).map_err(|_| PolicyFault::Key(KeyError::Form))
}

/// Only shown and dialled, never compared.
fn address(word: &[u8]) -> String {
    String::from_utf8_lossy(word).into_owned()
}
