//! What a bank is built of, what a site demands of it, and what is missing before it may be used.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

/// One thing about a bank's body that somebody answers for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Item {
    /// Gauge of the steel: a lower number is thicker.
    SteelGauge,
    /// The model of its locks.
    LockModel,
    /// Anti-pry plates.
    AntiPry,
    /// The class of its hinges.
    Hinges,
    /// The class of its frame.
    Frame,
    /// Anti-drill plates.
    AntiDrill,
    /// The IP rating: a higher number is tighter.
    IpRating,
    /// Rating against ultraviolet light and vandals.
    UvVandal,
}

impl Item {
    /// Every one, in the order they are asked for.
    pub const ALL: [Self; 8] = [
        Self::SteelGauge,
        Self::LockModel,
        Self::AntiPry,
        Self::Hinges,
        Self::Frame,
        Self::AntiDrill,
        Self::IpRating,
        Self::UvVandal,
    ];

    /// The stable name, in forms, in the store and in keys of texts.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SteelGauge => "steel-gauge",
            Self::LockModel => "lock-model",
            Self::AntiPry => "anti-pry",
            Self::Hinges => "hinges",
            Self::Frame => "frame",
            Self::AntiDrill => "anti-drill",
            Self::IpRating => "ip-rating",
            Self::UvVandal => "uv-vandal",
        }
    }

    /// The item of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|item| item.name() == name)
    }

    /// Whether it is a number that can be too weak, and then whether `has` satisfies `wants`.
    const fn satisfies(self, has: u32, wants: u32) -> bool {
        match self {
            Self::SteelGauge => has <= wants,
            Self::IpRating => has >= wants,
            _ => true,
        }
    }

    /// Whether a number is demanded of it.
    pub const fn is_measured(self) -> bool {
        matches!(self, Self::SteelGauge | Self::IpRating)
    }
}

/// What is recorded of one item.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// What it is, such as `14`, `IP54` or the name of a class.
    pub value: String,
    /// Where that can be seen: a photograph, a certificate.
    pub evidence: String,
}

/// The hardware record of a bank.
pub type HardwareRecord = BTreeMap<Item, Entry>;

/// What a site demands before a bank is used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Demands {
    /// Its doors and parts are proved, without a fault.
    pub commissioned: bool,
    /// Whatever is demanded of its body names its evidence.
    pub evidence: bool,
    /// Items that must be recorded, with the number demanded of those that are measured.
    pub items: BTreeMap<Item, u32>,
}

impl Demands {
    /// What a cabinet outdoors is expected to have.
    pub fn usual() -> Self {
        let number = |item| match item {
            Item::SteelGauge => 16,
            Item::IpRating => 54,
            _ => 0,
        };
        let items = Item::ALL.into_iter().map(|item| (item, number(item))).collect();
        Self { commissioned: true, evidence: true, items }
    }

    /// Whether nothing is demanded.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

/// One way in which a bank falls short.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shortfall {
    /// Commissioning has not come to its end.
    NotCommissioned,
    /// It ended with so many faults.
    Faults(u16),
    /// An item is not recorded.
    Missing(Item),
    /// A measured item is weaker than demanded, or is no number.
    TooWeak(Item),
    /// An item names no evidence.
    NoEvidence(Item),
}

/// How a bank falls short of what is demanded; `faults` are those its last commissioning ended with.
pub fn shortfalls(demands: &Demands, record: &HardwareRecord, faults: Option<u16>) -> Vec<Shortfall> {
    let walk = match faults {
        _ if !demands.commissioned => None,
        None => Some(Shortfall::NotCommissioned),
        Some(0) => None,
        Some(count) => Some(Shortfall::Faults(count)),
    };
    let items = demands.items.iter().filter_map(|(item, wants)| {
        let Some(entry) = record.get(item).filter(|entry| !entry.value.is_empty()) else {
            return Some(Shortfall::Missing(*item));
        };
        if item.is_measured() && !number(&entry.value).is_some_and(|has| item.satisfies(has, *wants)) {
            return Some(Shortfall::TooWeak(*item));
        }
        (demands.evidence && entry.evidence.is_empty()).then_some(Shortfall::NoEvidence(*item))
    });
    walk.into_iter().chain(items).collect()
}

/// The first number in a text: `IP54` is 54.
fn number(text: &str) -> Option<u32> {
    let digits: String =
        text.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(value: &str, evidence: &str) -> Entry {
        Entry { value: value.into(), evidence: evidence.into() }
    }

    #[test]
    fn a_bank_that_falls_short_is_told_in_what() {
        let demands = Demands::usual();
        let mut record: HardwareRecord =
            Item::ALL.into_iter().map(|item| (item, entry("class 3", "certificate 12"))).collect();
        record.insert(Item::SteelGauge, entry("14", "photograph 1"));
        record.insert(Item::IpRating, entry("IP65", "certificate 2"));
        assert_eq!(shortfalls(&demands, &record, Some(0)), []);
        assert_eq!(shortfalls(&demands, &record, None), [Shortfall::NotCommissioned]);
        record.insert(Item::SteelGauge, entry("18 gauge", "photograph 1"));
        record.insert(Item::IpRating, entry("weatherproof", "certificate 2"));
        record.insert(Item::LockModel, entry("KR-S8815", ""));
        record.remove(&Item::Frame);
        assert_eq!(
            shortfalls(&demands, &record, Some(2)),
            [
                Shortfall::Faults(2),
                Shortfall::TooWeak(Item::SteelGauge),
                Shortfall::NoEvidence(Item::LockModel),
                Shortfall::Missing(Item::Frame),
                Shortfall::TooWeak(Item::IpRating),
            ]
        );
        assert_eq!(shortfalls(&Demands::default(), &HardwareRecord::new(), None), []);
    }
}
