//! Proposes an alert once enough looks at one passer-by scored high enough on one and the same watchlist entry. It is a proposal: a person decides. It sees
//! scores and categories, and neither who passes nor who is sought.

use overt_sdk::config::{Number, Whole};
use overt_sdk::{Decision, MatcherPolicy, Observation, PolicyError, Priority, Proposal};
use serde::Deserialize;

/// The plugin.
pub struct EnoughLooks;

/// What a force sets, under `[plugins.matcher-policy.config]`. A wrong value is an error that names it.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Settings {
    /// The least score of a look that counts. There is no usual value: a score means something only for one encoder and model.
    threshold: Number<-1, 1>,
    /// How many looks have to count.
    #[serde(default = "two")]
    looks: Whole<1, 32>,
}

fn two() -> Whole<1, 32> {
    const { Whole::new(2) }
}

impl MatcherPolicy for EnoughLooks {
    fn decide(observation: Observation) -> Result<Decision, PolicyError> {
        let settings: Settings = overt_sdk::config()?;
        // A second alert for one entry on one track would be this policy's error.
        let of_this_track =
            |camera: &str, track| camera == observation.camera && track == observation.track;
        let mut earlier = observation.raised.iter();
        if earlier.any(|alert| of_this_track(&alert.camera, alert.track)) {
            return Ok(Decision::Ignore("this passer-by has had an alert".into()));
        }
        let needed = settings.looks.get();
        let (mut most, mut best) = (0, None);
        for offered in 0..observation.offered.len() as u32 {
            let looks = looks(&observation, offered, settings.threshold.get());
            if looks > most {
                (most, best) = (looks, Some(offered));
            }
        }
        match best {
            Some(offered) if most >= needed => Ok(Decision::Alert(Proposal {
                offered,
                priority: Priority::Normal,
                reason: format!(
                    "{most} looks at {:.2} or more, {needed} are needed",
                    settings.threshold.get()
                ),
            })),
            _ if observation.ended => Ok(Decision::Ignore(format!("{most} of {needed} looks"))),
            _ => Ok(Decision::Hold(format!("{most} of {needed} looks so far"))),
        }
    }
}

/// Looks in which this entry was the best of the first encoder's search, with a score of at least the threshold.
fn looks(observation: &Observation, offered: u32, threshold: f32) -> u32 {
    let counts = observation.probes.iter().filter(|probe| {
        let results = probe.results.first();
        let best = results.and_then(|result| result.candidates.iter().find(|one| one.rank == 1));
        best.is_some_and(|best| best.offered == offered && best.score >= threshold)
    });
    counts.count() as u32
}

#[cfg(test)]
mod tests {
    use overt_sdk::native::Workbench;
    use overt_sdk::{Candidate, Offer, PolicyErrorCode, Probe, SearchResult};

    use super::*;

    /// A passer-by at whom the camera looked once for each score.
    fn observation(scores: &[f32], ended: bool) -> Observation {
        let probe = |score: &f32| Probe {
            time: 0.0,
            width: 90.0,
            height: 120.0,
            confidence: 0.9,
            quality: Vec::new(),
            results: vec![SearchResult {
                encoder: "any".into(),
                candidates: vec![Candidate {
                    offered: 0,
                    score: *score,
                    rank: 1,
                }],
            }],
        };
        Observation {
            track: 1,
            camera: "gate".into(),
            time: 1.0,
            ended,
            offered: vec![Offer {
                category: "sought".into(),
                image_quality: None,
            }],
            probes: scores.iter().map(probe).collect(),
            raised: Vec::new(),
        }
    }

    fn decide(scores: &[f32], ended: bool) -> Result<Decision, PolicyError> {
        Workbench::new()
            .config(r#"{"threshold": 0.5, "looks": 2}"#)
            .decide::<EnoughLooks>(observation(scores, ended))
    }

    #[test]
    fn two_looks_over_the_threshold_are_an_alert_and_one_is_not() {
        let alert = decide(&[0.6, 0.1, 0.7], false);
        assert!(matches!(alert, Ok(Decision::Alert(_))), "{alert:?}");
        let hold = decide(&[0.6, 0.1], false);
        assert!(matches!(hold, Ok(Decision::Hold(_))), "{hold:?}");
        let ignore = decide(&[0.6, 0.1], true);
        assert!(matches!(ignore, Ok(Decision::Ignore(_))), "{ignore:?}");
    }

    #[test]
    fn without_a_threshold_it_decides_nothing_and_says_what_is_missing() {
        let error = Workbench::new().decide::<EnoughLooks>(observation(&[0.9], false));
        let found = error.map_err(|error| (error.code, error.message));
        let expected = (PolicyErrorCode::BadConfig, "threshold: missing".to_owned());
        assert_eq!(found, Err(expected));
    }
}
