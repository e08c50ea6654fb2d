//! What the policy promises, claim by claim.
#![allow(clippy::unwrap_used)]

mod random;

use overt_sdk::native::Workbench;
use overt_sdk::{
    AlertState, Candidate, Decision, EarlierAlert, Observation, Offer, PolicyError,
    PolicyErrorCode, Priority, Probe, Proposal, QualityValue, SearchResult,
};

use crate::Threshold;

const CONFIG: &str = r#"{
    "thresholds": {"wanted-on-warrant": 0.5, "default": 0.6},
    "least-face-width": 40,
    "agree": {"probes": 2, "of": 4},
    "margin": 0.1,
    "silence-seconds": {"default": 30, "missing-person": 5},
    "priority": {"wanted-on-warrant": "high"}
}"#;

/// Entry 0 is wanted, entry 1 missing, entry 2 wanted.
fn observation(probes: Vec<Probe>) -> Observation {
    let offer = |category: &str| Offer {
        category: category.into(),
        image_quality: None,
    };
    Observation {
        track: 4,
        camera: "gate".into(),
        time: 100.0,
        ended: false,
        offered: vec![
            offer("wanted-on-warrant"),
            offer("missing-person"),
            offer("wanted-on-warrant"),
        ],
        probes,
        raised: Vec::new(),
    }
}

/// A probe 80 pixels wide with these candidates (entry, score).
fn probe(candidates: &[(u32, f32)]) -> Probe {
    let ranked = candidates.iter().zip(1..);
    Probe {
        time: 99.0,
        width: 80.0,
        height: 100.0,
        confidence: 0.9,
        quality: Vec::new(),
        results: vec![SearchResult {
            encoder: "encoder-mobilefacenet".into(),
            candidates: ranked
                .map(|(&(offered, score), rank)| Candidate {
                    offered,
                    score,
                    rank,
                })
                .collect(),
        }],
    }
}

fn of_quality(value: f32, probe: Probe) -> Probe {
    Probe {
        quality: vec![
            QualityValue {
                name: "Sharpness".into(),
                value: 99.0,
            },
            QualityValue {
                name: "UnifiedQualityScore".into(),
                value,
            },
        ],
        ..probe
    }
}

fn earlier(offered: u32, track: u32, time: f64) -> EarlierAlert {
    EarlierAlert {
        offered,
        camera: "gate".into(),
        track,
        time,
        state: AlertState::Raised,
    }
}

fn decide_with(config: &str, observation: Observation) -> Result<Decision, PolicyError> {
    Workbench::new()
        .config(config)
        .decide::<Threshold>(observation)
}

fn decide(observation: Observation) -> Decision {
    decide_with(CONFIG, observation).unwrap()
}

fn alerted(decision: Decision) -> Option<Proposal> {
    match decision {
        Decision::Alert(proposal) => Some(proposal),
        Decision::Hold(_) | Decision::Ignore(_) => None,
    }
}

#[test]
fn two_probes_that_agree_raise_an_alert_that_says_what_it_rests_on() {
    let decision = decide(observation(vec![
        probe(&[(0, 0.625), (1, 0.25)]),
        probe(&[(1, 0.25)]),
        probe(&[(0, 0.75), (2, 0.125)]),
    ]));
    assert_eq!(
        decision,
        Decision::Alert(Proposal {
            offered: 0,
            priority: Priority::High,
            reason: "2 of 3 probes at or over 0.500, best 0.750, next candidate 0.125".into(),
        })
    );
}

#[test]
fn the_threshold_itself_is_enough_and_the_number_before_it_is_not() {
    let track = |score| observation(vec![probe(&[(0, score)]), probe(&[(0, score)])]);
    let alert = alerted(decide(track(0.5))).unwrap();
    assert_eq!(
        alert.reason,
        "2 of 2 probes at or over 0.500, best 0.500, no other candidate"
    );
    assert_eq!(alerted(decide(track(0.5f32.next_down()))), None);
}

#[test]
fn each_category_has_its_own_threshold() {
    let track = |entry| observation(vec![probe(&[(entry, 0.55)]), probe(&[(entry, 0.55)])]);
    assert!(alerted(decide(track(0))).is_some());
    assert!(alerted(decide(track(1))).is_none());
}

#[test]
fn one_probe_is_not_enough_where_two_must_agree() {
    assert_eq!(
        decide(observation(vec![probe(&[(0, 0.9)])])),
        Decision::Hold("1 of 2 probes that must agree, best 0.900".into())
    );
}

#[test]
fn two_probes_for_two_different_entries_do_not_agree() {
    let track = observation(vec![probe(&[(0, 0.9)]), probe(&[(2, 0.9)])]);
    assert_eq!(alerted(decide(track)), None);
}

#[test]
fn only_the_newest_probes_count() {
    let mut probes = vec![probe(&[(0, 0.9)])];
    probes.extend(vec![probe(&[(0, 0.1)]); 3]);
    probes.push(probe(&[(0, 0.9)]));
    assert_eq!(alerted(decide(observation(probes.clone()))), None);
    probes.remove(1);
    assert!(alerted(decide(observation(probes))).is_some());
}

#[test]
fn faces_that_are_too_small_do_not_count() {
    let small = |width| Probe {
        width,
        ..probe(&[(0, 0.9)])
    };
    let enough = observation(vec![small(40.0), small(40.0)]);
    assert!(alerted(decide(enough)).is_some());
    assert_eq!(
        decide(observation(vec![small(39.9), small(f32::NAN)])),
        Decision::Hold("no probe that counts; 2 too small".into())
    );
}

#[test]
fn probes_that_do_not_count_take_no_place_among_the_newest() {
    let small = Probe {
        width: 10.0,
        ..probe(&[(0, 0.1)])
    };
    let mut probes = vec![probe(&[(0, 0.9)]), probe(&[(0, 0.9)])];
    probes.extend(vec![small; 10]);
    assert!(alerted(decide(observation(probes))).is_some());
}

#[test]
fn faces_of_too_low_quality_do_not_count() {
    let config = r#"{"thresholds": {"default": 0.5}, "least-quality": 30}"#;
    let track = |value| observation(vec![of_quality(value, probe(&[(0, 0.9)])); 2]);
    assert!(alerted(decide_with(config, track(30.0)).unwrap()).is_some());
    assert_eq!(
        decide_with(config, track(29.0)),
        Ok(Decision::Hold(
            "no probe that counts; 2 of too low quality".into()
        ))
    );
}

#[test]
fn a_quality_that_was_asked_for_and_not_measured_is_said() {
    let config = r#"{"thresholds": {"default": 0.5}, "least-quality": 30}"#;
    let track = observation(vec![probe(&[(0, 0.9)]); 2]);
    assert_eq!(
        decide_with(config, track),
        Ok(Decision::Hold(
            "no probe that counts; 2 without a measured quality, which least-quality asks for"
                .into()
        ))
    );
}

#[test]
fn a_probe_in_which_two_entries_are_alike_speaks_for_neither() {
    let track = |next| observation(vec![probe(&[(0, 0.75), (2, next)]); 2]);
    assert!(alerted(decide(track(0.625))).is_some());
    assert_eq!(
        decide(track(0.75)),
        Decision::Hold("none of 2 probes good enough, best 0.750".into())
    );
}

#[test]
fn a_second_score_of_the_same_entry_is_no_other_candidate() {
    let track = observation(vec![probe(&[(0, 0.75), (0, 0.74)]); 2]);
    assert!(alerted(decide(track)).is_some());
}

#[test]
fn the_second_candidate_is_not_alerted_where_the_best_misses_its_threshold() {
    let config = r#"{"thresholds": {"wanted-on-warrant": 0.3, "default": 0.9}}"#;
    let track = observation(vec![probe(&[(1, 0.8), (0, 0.5)]); 2]);
    assert_eq!(alerted(decide_with(config, track).unwrap()), None);
}

#[test]
fn the_order_in_which_candidates_are_given_does_not_matter() {
    let forward = decide(observation(vec![probe(&[(0, 0.7), (1, 0.2), (2, 0.1)]); 2]));
    let backward = decide(observation(vec![probe(&[(2, 0.1), (1, 0.2), (0, 0.7)]); 2]));
    assert_eq!(forward, backward);
    assert_eq!(alerted(forward).unwrap().offered, 0);
}

#[test]
fn of_two_entries_with_enough_votes_the_one_with_more_is_alerted_then_the_better() {
    let config = r#"{"thresholds": {"default": 0.5}, "agree": {"probes": 2, "of": 5}}"#;
    let wanted = probe(&[(0, 0.7)]);
    let missing = probe(&[(1, 0.9)]);
    let of = |probes| {
        alerted(decide_with(config, observation(probes)).unwrap())
            .unwrap()
            .offered
    };
    let more = vec![
        wanted.clone(),
        missing.clone(),
        wanted.clone(),
        missing.clone(),
        wanted.clone(),
    ];
    assert_eq!(of(more), 0);
    assert_eq!(
        of(vec![wanted.clone(), missing.clone(), wanted, missing]),
        1
    );
}

#[test]
fn a_track_has_one_alert_whomever_it_was_about() {
    let mut track = observation(vec![probe(&[(0, 0.9)]); 2]);
    track.raised = vec![earlier(1, 4, 10.0)];
    assert_eq!(
        decide(track),
        Decision::Ignore("this track has had its alert".into())
    );
}

#[test]
fn the_same_number_on_another_camera_or_before_the_run_is_another_track() {
    let elsewhere = EarlierAlert {
        camera: "bridge".into(),
        ..earlier(0, 4, 10.0)
    };
    for alert in [elsewhere, earlier(0, 4, -0.5)] {
        let mut track = observation(vec![probe(&[(0, 0.9)]); 2]);
        track.raised = vec![alert];
        assert!(alerted(decide(track)).is_some());
    }
}

#[test]
fn an_entry_is_silent_for_a_while_after_its_alert() {
    let at = |time, state| {
        let mut track = observation(vec![probe(&[(0, 0.9)]); 2]);
        track.raised = vec![EarlierAlert {
            state,
            ..earlier(0, 3, time)
        }];
        decide(track)
    };
    assert_eq!(
        at(70.5, AlertState::Raised),
        Decision::Hold("the entry had an alert 29.5 s ago, silence 30 s".into())
    );
    assert!(alerted(at(70.5, AlertState::Closed)).is_none());
    assert!(alerted(at(70.0, AlertState::Raised)).is_some());
}

#[test]
fn a_silence_is_about_one_entry_and_as_long_as_its_category_says() {
    let track = |entry, raised| {
        let mut track = observation(vec![probe(&[(entry, 0.9)]); 2]);
        track.raised = vec![earlier(raised, 3, 90.0)];
        alerted(decide(track))
    };
    assert!(track(0, 0).is_none());
    assert!(track(0, 2).is_some());
    assert!(track(1, 1).is_some());
}

#[test]
fn an_alert_raised_on_another_camera_a_moment_later_silences_too() {
    let mut track = observation(vec![probe(&[(0, 0.9)]); 2]);
    track.raised = vec![earlier(0, 3, 100.2)];
    assert_eq!(alerted(decide(track)), None);
}

#[test]
fn a_track_that_ends_without_an_alert_is_ignored_and_not_held() {
    let mut track = observation(vec![probe(&[(0, 0.3)])]);
    track.ended = true;
    assert_eq!(
        decide(track),
        Decision::Ignore("none of 1 probes good enough, best 0.300".into())
    );
}

#[test]
fn a_track_without_probes_or_candidates_is_held() {
    assert_eq!(
        decide(observation(Vec::new())),
        Decision::Hold("no probe that counts".into())
    );
    let unsearched = Probe {
        results: Vec::new(),
        ..probe(&[])
    };
    assert_eq!(
        decide(observation(vec![unsearched, probe(&[])])),
        Decision::Hold("no candidate in 2 probes".into())
    );
}

#[test]
fn scores_and_entries_that_make_no_sense_are_refused() {
    for (candidate, message) in [
        ((3, 0.9), "probe 1 names entry 3 of 3"),
        ((0, f32::NAN), "probe 1 has a score that is not a number"),
        (
            (0, f32::INFINITY),
            "probe 1 has a score that is not a number",
        ),
    ] {
        let track = observation(vec![probe(&[(0, 0.9)]), probe(&[candidate])]);
        let error = decide_with(CONFIG, track).unwrap_err();
        assert_eq!(error.code, PolicyErrorCode::BadObservation);
        assert_eq!(error.message, message);
    }
    let mut track = observation(Vec::new());
    track.raised = vec![earlier(3, 1, 0.0)];
    let error = decide_with(CONFIG, track).unwrap_err();
    assert_eq!(error.message, "an earlier alert names entry 3 of 3");
    let mut track = observation(Vec::new());
    track.time = f64::NAN;
    assert!(decide_with(CONFIG, track).is_err());
}

#[test]
fn where_several_encoders_searched_the_deployment_must_name_one() {
    let mut both = probe(&[(0, 0.9)]);
    both.results.push(SearchResult {
        encoder: "encoder-b".into(),
        candidates: vec![Candidate {
            offered: 1,
            score: 0.95,
            rank: 1,
        }],
    });
    let track = || observation(vec![both.clone(), both.clone()]);
    let error = decide_with(CONFIG, track()).unwrap_err();
    assert_eq!(error.code, PolicyErrorCode::BadConfig);
    assert_eq!(
        error.message,
        "encoder: missing; encoder-mobilefacenet and encoder-b both searched, and the thresholds can be for one of them only"
    );
    let named = r#"{"thresholds": {"default": 0.5}, "encoder": "encoder-b"}"#;
    assert_eq!(
        alerted(decide_with(named, track()).unwrap())
            .unwrap()
            .offered,
        1
    );
}

#[test]
fn a_mistake_in_the_configuration_is_told_with_its_key() {
    let error =
        decide_with(r#"{"thresholds": {"wanted": "high"}}"#, observation(vec![])).unwrap_err();
    assert_eq!(error.code, PolicyErrorCode::BadConfig);
    assert_eq!(
        error.message,
        r#"thresholds.wanted: expected a number from -1 to 1, found "high""#
    );
}
