//! What holds for every observation, tried on many at random.

use overt_sdk::{Decision, Probe};

use super::{decide, earlier, observation, probe};

/// Observations at random, from a fixed seed (xorshift, Marsaglia 2003): each decision keeps the promises that hold for every input.
#[test]
fn no_observation_makes_it_alert_outside_its_rules() {
    let mut state = 0x2545_f491_u32;
    let mut random = |below: u32| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state % below
    };
    let mut alerts = 0;
    for _ in 0..20_000 {
        let probes: Vec<Probe> = (0..random(7))
            .map(|_| {
                let candidates: Vec<(u32, f32)> = (0..random(4))
                    .map(|_| (random(3), random(100) as f32 / 100.0))
                    .collect();
                Probe {
                    width: random(100) as f32,
                    ..probe(&candidates)
                }
            })
            .collect();
        let mut track = observation(probes);
        track.ended = random(2) == 0;
        track.raised = (0..random(2))
            .map(|_| earlier(random(3), random(6), f64::from(random(100))))
            .collect();
        match decide(track.clone()) {
            Decision::Alert(proposal) => {
                alerts += 1;
                let entry = proposal.offered;
                let category = &track.offered[entry as usize].category;
                let (threshold, silence) = match category.as_str() {
                    "wanted-on-warrant" => (0.5, 30.0),
                    _ => (0.6, 5.0),
                };
                let good = track.probes.iter().filter(|probe| {
                    probe.width >= 40.0
                        && probe.results[0]
                            .candidates
                            .iter()
                            .any(|found| found.offered == entry && found.score >= threshold)
                });
                assert!(good.count() >= 2, "{track:?}");
                for alert in &track.raised {
                    assert_ne!(alert.track, track.track);
                    assert!(alert.offered != entry || track.time - alert.time >= silence);
                }
                assert!(proposal.reason.len() <= 256);
            }
            Decision::Hold(_) => assert!(!track.ended),
            Decision::Ignore(_) => {
                assert!(track.ended || track.raised.iter().any(|alert| alert.track == track.track));
            }
        }
    }
    assert!(alerts > 100, "{alerts} alerts are too few to say anything");
}
