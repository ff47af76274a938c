//! What the classifier makes of a cabinet it has not met: signals of the held-out builder.
//!
//! The bounds are well below what `bailee bench vibration` measures; they fail when a class stops being told.

use bailee_domain::tamper::{ALARM_SCORE, FeltClass};
use bailee_edge::sensors::vibration::{Classifier, Reading, Sample, Thresholds};
use bailee_sim::vibration::{LEAD_S, Scene, elsewhere};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

fn readings(samples: &[Sample]) -> Vec<Reading> {
    let mut classifier = Classifier::new(800.0, Thresholds::default());
    samples.iter().filter_map(|sample| classifier.push(*sample)).collect()
}

fn scene(scene: Scene, seed: u64) -> Vec<Reading> {
    readings(&elsewhere::signal(scene, 8.0, &mut ChaCha20Rng::seed_from_u64(seed)))
}

fn is_alarm(reading: &Reading) -> bool {
    let attack =
        matches!(reading.felt.class, FeltClass::Impact | FeltClass::Pry | FeltClass::Drill | FeltClass::Saw);
    attack && reading.felt.score >= ALARM_SCORE
}

fn alarms(of: Scene, seeds: std::ops::Range<u64>) -> usize {
    seeds.filter(|seed| scene(of, *seed).iter().any(is_alarm)).count()
}

#[test]
fn attacks_are_alarms() {
    for attack in [Scene::Blows, Scene::Drill, Scene::PowerSaw] {
        assert_eq!(alarms(attack, 0..6), 6, "{attack:?}");
    }
    for attack in [Scene::Pry, Scene::HandSaw] {
        assert!(alarms(attack, 0..6) >= 4, "{attack:?}");
    }
}

#[test]
fn daily_life_is_none() {
    for scene in [Scene::Ambient, Scene::Hum, Scene::Parcel, Scene::Slam] {
        assert_eq!(alarms(scene, 0..6), 0, "{scene:?}");
    }
}

#[test]
fn a_drill_is_a_drill_and_a_saw_a_saw() {
    let most = |of, seed| {
        let readings = scene(of, seed);
        let count = |class| readings.iter().filter(|it| it.felt.class == class).count();
        [FeltClass::Drill, FeltClass::Saw].into_iter().max_by_key(|class| count(*class)).unwrap()
    };
    assert!((0..6).filter(|seed| most(Scene::Drill, *seed) == FeltClass::Drill).count() >= 5);
    assert!((0..6).filter(|seed| most(Scene::HandSaw, *seed) == FeltClass::Saw).count() >= 5);
}

/// An hour's slams in half a minute, each beside a door that closes.
#[test]
fn slams_beside_closing_doors_add_up_to_nothing_and_kicks_do() {
    let slam = elsewhere::signal(Scene::Slam, 3.0, &mut ChaCha20Rng::seed_from_u64(3));
    let slam = &slam[(LEAD_S * 800.0) as usize..];
    let size = |g: &Sample| g.iter().map(|axis| axis * axis).sum::<f32>();
    let hardest = slam.iter().enumerate().max_by(|a, b| size(a.1).total_cmp(&size(b.1))).unwrap().0;
    let score = |with_doors: bool| {
        let mut classifier = Classifier::new(800.0, Thresholds::default());
        let mut last = 0;
        for _ in 0..12 {
            for (n, sample) in slam.iter().enumerate() {
                // The board is asked about its doors ten times a second.
                if with_doors && n == hardest + 80 {
                    classifier.door_closed();
                }
                last = classifier.push(*sample).map_or(last, |reading| reading.felt.score);
            }
        }
        last
    };
    assert!(score(true) < score(false), "{} {}", score(true), score(false));
    assert!(score(true) < 100);
}

#[test]
fn a_dead_a_stuck_and_a_dreaming_sensor_are_broken() {
    let last = |samples: Vec<Sample>| readings(&samples).last().unwrap().felt.class;
    let quiet = elsewhere::signal(Scene::Ambient, 8.0, &mut ChaCha20Rng::seed_from_u64(1));
    assert_eq!(last(quiet.clone()), FeltClass::Quiet);
    let stuck = quiet.iter().copied().chain(std::iter::repeat_n([0.0, 0.0, 1.0], 2_400)).collect();
    assert_eq!(last(stuck), FeltClass::SensorFault);
    assert_eq!(last(quiet.iter().map(|g| g.map(|axis| axis * 0.2)).collect()), FeltClass::SensorFault);
    assert_eq!(last(vec![[f32::NAN; 3]; 2_400]), FeltClass::SensorFault);
}
