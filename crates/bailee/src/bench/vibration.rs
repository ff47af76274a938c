//! How well vibration is named at cabinets the thresholds were not set on, how often a day at a busy bank ends in a false
//! alarm, how long an attack goes unnoticed, and what listening costs. Counts over simulated signals; the cost is measured.

use std::collections::BTreeMap;

use bailee_domain::tamper::{ALARM_SCORE, FeltClass};
use bailee_edge::clock::Clocks;
use bailee_edge::sensors::vibration::{Classifier, Reading, Sample, Thresholds};
use bailee_sim::vibration::elsewhere::{self, Cabinet};
use bailee_sim::vibration::{LEAD_S, RATE, Scene};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

use super::report::{Report, Table, number};

/// Seeds the tests do not use.
const FIRST_SEED: u64 = 1_000_000;
const SCENE_S: f32 = 12.0;
/// A day at a busy bank: what happens in its minutes, in parts of a thousand.
const DAY: [(Scene, u32); 4] =
    [(Scene::Truck, 150), (Scene::Hum, 100), (Scene::Parcel, 100), (Scene::Slam, 250)];
const MINUTES: u32 = 24 * 60;
const ONE_CORE: f64 = 3.0;

const CLASSES: [FeltClass; 6] =
    [FeltClass::Quiet, FeltClass::Knock, FeltClass::Impact, FeltClass::Pry, FeltClass::Drill, FeltClass::Saw];

/// What a scene should be called.
const fn truth(scene: Scene) -> FeltClass {
    match scene {
        Scene::Ambient | Scene::Truck | Scene::Hum => FeltClass::Quiet,
        Scene::Parcel | Scene::Slam => FeltClass::Knock,
        Scene::Blows => FeltClass::Impact,
        Scene::Pry => FeltClass::Pry,
        Scene::Drill => FeltClass::Drill,
        Scene::HandSaw | Scene::PowerSaw => FeltClass::Saw,
    }
}

fn is_alarm(reading: &Reading) -> bool {
    !matches!(reading.felt.class, FeltClass::Quiet | FeltClass::Knock) && reading.felt.score >= ALARM_SCORE
}

/// What was made of one scene.
struct Heard {
    class: FeltClass,
    alarm_s: Option<f32>,
}

fn hear(samples: &[Sample]) -> Heard {
    let mut classifier = Classifier::new(RATE, Thresholds::default());
    let mut counts = BTreeMap::<FeltClass, u32>::new();
    let mut alarm_s = None;
    for (n, sample) in samples.iter().enumerate() {
        let Some(reading) = classifier.push(*sample) else { continue };
        *counts.entry(reading.felt.class).or_default() += 1;
        if is_alarm(&reading) {
            alarm_s = alarm_s.or(Some(n as f32 / RATE - LEAD_S));
        }
    }
    let attacks = counts.iter().filter(|(class, times)| **class > FeltClass::Knock && **times >= 2);
    let knocked = || if counts.contains_key(&FeltClass::Knock) { FeltClass::Knock } else { FeltClass::Quiet };
    let class = attacks.max_by_key(|(_, times)| **times).map_or_else(knocked, |(class, _)| *class);
    Heard { class, alarm_s }
}

/// Runs the bench: `samples` scenes of each kind.
pub fn run(samples: u32) -> Report {
    let title = "vibration at cabinets the thresholds were not set on";
    let mut report = Report::new("vibration", title);
    let mut votes = BTreeMap::<(FeltClass, FeltClass), u32>::new();
    let mut table = Table::new(&["scene", "named right", "alarms", "time to alarm p50 s", "longest s"]);
    for scene in Scene::ALL {
        let seeds = (0..u64::from(samples)).map(|n| FIRST_SEED + 1_000 * n + scene as u64);
        let heard: Vec<Heard> = seeds
            .map(|seed| hear(&elsewhere::signal(scene, SCENE_S, &mut ChaCha20Rng::seed_from_u64(seed))))
            .collect();
        heard.iter().for_each(|it| *votes.entry((truth(scene), it.class)).or_default() += 1);
        let mut times: Vec<f32> = heard.iter().filter_map(|it| it.alarm_s).collect();
        times.sort_by(f32::total_cmp);
        let seconds =
            |time: Option<&f32>| time.map_or_else(|| "–".to_owned(), |time| number(f64::from(*time)));
        table.row(vec![
            format!("{scene:?}"),
            heard.iter().filter(|it| it.class == truth(scene)).count().to_string(),
            times.len().to_string(),
            seconds(times.get(times.len() / 2)),
            seconds(times.last()),
        ]);
    }
    report.table(table);
    report.table(classes(&votes));
    day(&mut report);
    report.note(format!(
        "{samples} scenes of {SCENE_S} s of each kind after {LEAD_S} quiet seconds; all simulated"
    ));
    report
}

/// Precision and recall of every class.
fn classes(votes: &BTreeMap<(FeltClass, FeltClass), u32>) -> Table {
    let mut table = Table::new(&["class", "precision %", "recall %"]);
    for class in CLASSES {
        let sum = |fits: &dyn Fn(&(FeltClass, FeltClass)) -> bool| {
            votes.iter().filter(|(key, _)| fits(key)).map(|(_, count)| *count).sum::<u32>()
        };
        let right = votes.get(&(class, class)).copied().unwrap_or_default();
        let share = |of: u32| number(100.0 * f64::from(right) / f64::from(of.max(1)));
        let (named, there) = (sum(&|(_, named)| *named == class), sum(&|(there, _)| *there == class));
        table.row(vec![format!("{class:?}"), share(named), share(there)]);
    }
    table
}

/// A day at one cabinet: trucks, hums, parcels and slams, each slam beside a door that closes.
fn day(report: &mut Report) {
    let clocks = Clocks::start();
    let mut rng = ChaCha20Rng::seed_from_u64(FIRST_SEED);
    let mut cabinet = Cabinet::new(&mut rng);
    let mut classifier = Classifier::new(RATE, Thresholds::default());
    let (mut alarms, mut events, mut loud, mut spent_s) = (0_u32, 0_u32, false, 0.0);
    for _ in 0..MINUTES {
        let scene = drawn(&mut rng);
        let samples = cabinet.plays(scene, 30.0, 30.0, &mut rng);
        events += u32::from(scene != Scene::Ambient);
        let began = clocks.elapsed();
        for sample in &samples {
            let Some(reading) = classifier.push(*sample) else { continue };
            let alarm = is_alarm(&reading);
            alarms += u32::from(alarm && !loud);
            loud = alarm;
            // The controller knows of the door a poll later.
            if scene == Scene::Slam && reading.felt.class == FeltClass::Knock {
                classifier.door_closed();
            }
        }
        spent_s += (clocks.elapsed() - began).as_secs_f64();
    }
    report.value("false alarms in a simulated day", f64::from(alarms), "", None);
    report.note(format!("the day held {events} passing trucks, humming minutes, parcels and slams"));
    let share = 100.0 * spent_s / (f64::from(MINUTES) * 60.0);
    report.value("one core spent on listening", share, "%", Some(ONE_CORE));
}

fn drawn(rng: &mut impl Rng) -> Scene {
    let mut draw = rng.next_u32() % 1_000;
    for (scene, share) in DAY {
        if draw < share {
            return scene;
        }
        draw -= share;
    }
    Scene::Ambient
}
