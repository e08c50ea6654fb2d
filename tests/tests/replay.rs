//! What is kept of an alert's calls and what comes of making them again, with a real policy: any observation replays the same, a falsified answer or fuel
//! figure is found out, and what a track keeps is bounded.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::PathBuf;
use std::sync::OnceLock;

use overt_pipeline::inputs::{BYTES, CALLS, Calls, Inputs, Outcome, Routing};
use overt_pipeline::replay::{Replayed, Replayer, Verdict};
use overt_runtime::compiler::Compiler;
use overt_runtime::decision::{
    Alert, AlertState, Candidate, Decision, EarlierAlert, Observation, Offer, Probe, QualityValue,
    SearchResult, Urgency,
};
use overt_runtime::{
    Capability, Limits, Metered, Plugin, PluginFile, Role, Runtime, RuntimeOptions, Terms, Trust,
    TrustedFile,
};
use overt_tests::hostile::setup;
use proptest::collection::vec;
use proptest::prelude::*;

const POLICY: &str = r#"{"thresholds": {"wanted": 0.5, "missing": 0.6}, "agree": {"probes": 2, "of": 5},
    "margin": 0.05, "silence-seconds": {"default": 3}}"#;
const ROUTER: &str = r#"{"review": [{"categories": ["wanted"], "channels": ["desk-2"]}]}"#;

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        Runtime::new(RuntimeOptions {
            compiler: Compiler {
                program: env!("CARGO_BIN_EXE_compile").into(),
                arguments: Vec::new(),
            },
            cache: None,
        })
        .unwrap()
    })
}

fn file(name: &str) -> PathBuf {
    setup().file(&format!("plugins/{name}.wasm"))
}

fn plugin(name: &str, role: Role, config: &str) -> Plugin {
    let file = TrustedFile::unsigned(PluginFile::read(&file(name)).unwrap());
    let terms = Terms {
        role,
        grants: [Capability::Log].into(),
        limits: Limits::default(),
        config: config.into(),
        models: Default::default(),
    };
    runtime().accept(&file, terms).unwrap()
}

fn policy() -> &'static Plugin {
    static POLICY_PLUGIN: OnceLock<Plugin> = OnceLock::new();
    POLICY_PLUGIN.get_or_init(|| plugin("policy-threshold", Role::MatcherPolicy, POLICY))
}

fn router() -> &'static Plugin {
    static ROUTER_PLUGIN: OnceLock<Plugin> = OnceLock::new();
    ROUTER_PLUGIN.get_or_init(|| plugin("router-desk", Role::AlertRouter, ROUTER))
}

fn replayer() -> Replayer {
    let files = ["policy-threshold", "router-desk"].map(file);
    Replayer::with(runtime().clone(), Trust::unsigned(), files)
}

fn score() -> impl Strategy<Value = f32> {
    prop_oneof![
        4 => -1.0..=1.0_f32,
        1 => prop::sample::select(vec![0.0, -0.0, 0.5, 1.0, f32::MIN_POSITIVE, 1e-42]),
    ]
}

fn probe(offered: u32) -> impl Strategy<Value = Probe> {
    let quality = vec(
        (0.0..=100.0_f32).prop_map(|value| QualityValue {
            name: "UnifiedQualityScore".into(),
            value,
        }),
        0..2,
    );
    let candidates = vec((0..offered.max(1), score(), 1..11_u32), 0..10).prop_map(move |found| {
        let candidates = found.into_iter().filter(|_| offered > 0);
        candidates
            .map(|(offered, score, rank)| Candidate {
                offered,
                score,
                rank,
            })
            .collect()
    });
    (
        0.0..100.0_f64,
        1.0..400.0_f32,
        0.0..=1.0_f32,
        quality,
        candidates,
    )
        .prop_map(|(time, width, confidence, quality, candidates)| Probe {
            time,
            width,
            height: width * 1.3,
            confidence,
            quality,
            results: vec![SearchResult {
                encoder: "encoder".into(),
                candidates,
            }],
        })
}

/// Observations of one track, each with a probe more than the one before.
fn track() -> impl Strategy<Value = Vec<Observation>> {
    (1..12_u32).prop_flat_map(|offered| {
        let category = prop::sample::select(vec!["wanted", "missing", "unknown"]);
        let offers = vec(
            (category, proptest::option::of(0.0..=100.0_f32)),
            offered as usize,
        );
        let raised = vec((0..offered, -500.0..100.0_f64), 0..3);
        (offers, vec(probe(offered), 1..40), raised, any::<bool>()).prop_map(
            |(offers, probes, raised, ended)| {
                let offered: Vec<Offer> = offers
                    .into_iter()
                    .map(|(category, image_quality)| Offer {
                        category: category.into(),
                        image_quality,
                    })
                    .collect();
                let raised: Vec<EarlierAlert> = raised
                    .into_iter()
                    .map(|(offered, time)| EarlierAlert {
                        offered,
                        camera: "gate".into(),
                        track: 9,
                        time,
                        state: AlertState::Raised,
                    })
                    .collect();
                (1..=probes.len())
                    .map(|count| Observation {
                        track: 3,
                        camera: "gate".into(),
                        time: count as f64 / 5.0,
                        ended: ended && count == probes.len(),
                        offered: offered.clone(),
                        probes: probes[count.saturating_sub(32)..count].to_vec(),
                        raised: raised.clone(),
                    })
                    .collect()
            },
        )
    })
}

fn alert(number: u32, score: f32) -> Alert {
    Alert {
        number,
        camera: "gate".into(),
        track: 3,
        time: 0.5,
        category: "wanted".into(),
        urgency: Urgency::High,
        score,
    }
}

/// The bytes of what is sealed after these calls. `change` sees each call before it is noted.
fn sealed(track: &[Observation], change: impl Fn(usize, &mut Metered<Decision>)) -> Vec<u8> {
    let mut calls = Calls::default();
    for (index, observation) in track.iter().enumerate() {
        let mut called = policy().decide_metered(observation);
        change(index, &mut called);
        calls.note(policy(), &[], observation, &called);
    }
    calls.came_to(Outcome::Raised(1));
    let alert = alert(1, 0.7);
    let called = router().for_review_metered(&alert);
    let routing = Routing {
        plugin: router(),
        capabilities: &[],
        alert: &alert,
        called: &called,
    };
    let inputs = calls.inputs(Some(routing)).unwrap();
    inputs.bytes.to_vec()
}

/// What an observation is, bit by bit.
fn bits(observation: &Observation) -> Vec<u8> {
    postcard::to_allocvec(observation).unwrap()
}

fn verdict(bytes: &[u8]) -> (Verdict, Replayed) {
    let mut replayed = Replayed::nothing(1);
    let inputs = Inputs::read(bytes).unwrap();
    let verdict = replayer().again(&inputs, &mut replayed);
    (verdict, replayed)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_track_comes_back_as_it_was_and_replays_the_same(track in track()) {
        let bytes = sealed(&track, |_, _| {});
        let inputs = Inputs::read(&bytes).unwrap();
        prop_assert_eq!(inputs.calls.len(), track.len());
        for (call, observation) in inputs.calls.iter().zip(&track) {
            prop_assert_eq!(bits(&call.observation), bits(observation));
        }
        let (verdict, replayed) = verdict(&bytes);
        prop_assert_eq!(verdict, Verdict::Same);
        prop_assert_eq!(replayed.compared as usize, track.len() + 1);
    }

    #[test]
    fn a_falsified_figure_or_answer_is_found_at_its_call(track in track(), at in any::<prop::sample::Index>(), answer in any::<bool>()) {
        let at = at.index(track.len());
        let bytes = sealed(&track, |index, called| {
            if index != at {
                return;
            }
            match answer {
                true => called.answer = Ok(Decision::Hold("as it was not".into())),
                false => called.fuel += 1,
            }
        });
        let (Verdict::Differs { difference }, _) = verdict(&bytes) else {
            panic!("it should differ");
        };
        prop_assert_eq!(difference.call as usize, at + 1);
        prop_assert_eq!(difference.recorded != difference.found, true);
        if !answer {
            prop_assert_eq!(&difference.recorded.answer, &difference.found.answer);
        }
    }

    #[test]
    fn bytes_that_were_cut_or_changed_are_read_as_something_else_or_refused(track in track(), at in any::<prop::sample::Index>(), bit in 0..8_u32) {
        let good = sealed(&track, |_, _| {});
        let at = at.index(good.len());
        prop_assert!(Inputs::read(&good[..at]).is_err());
        let mut bad = good.clone();
        bad[at] ^= 1 << bit;
        // No panic, whatever it is.
        let _ = Inputs::read(&bad);
    }
}

#[test]
fn what_another_version_of_the_host_asked_is_the_same_but_for_its_fuel() {
    let observation = growing().next().unwrap();
    let bytes = sealed(&[observation], |_, called| called.fuel += 5);
    let mut inputs = Inputs::read(&bytes).unwrap();
    inputs.host.version = "0.0.9".into();
    let mut replayed = Replayed::nothing(1);
    assert_eq!(replayer().again(&inputs, &mut replayed), Verdict::OtherHost);
    assert_eq!(replayed.host.as_deref(), Some("0.0.9"));
}

/// Observations of a track without an end, as full as the contract lets them be.
fn growing() -> impl Iterator<Item = Observation> {
    let offered: Vec<Offer> = (0..64)
        .map(|_| Offer {
            category: "wanted".into(),
            image_quality: Some(60.0),
        })
        .collect();
    let probe = |number: u32| Probe {
        time: f64::from(number) / 5.0,
        width: 90.0,
        height: 110.0,
        confidence: 0.9,
        quality: (0..32)
            .map(|component| QualityValue {
                name: format!("Component{component}"),
                value: (number % 100) as f32,
            })
            .collect(),
        results: vec![SearchResult {
            encoder: "encoder-mobilefacenet".into(),
            candidates: (0..10)
                .map(|candidate| Candidate {
                    offered: candidate,
                    score: 0.3 + (number % 7) as f32 / 100.0,
                    rank: candidate + 1,
                })
                .collect(),
        }],
    };
    (0_u32..).map(move |newest| Observation {
        track: 3,
        camera: "gate".into(),
        time: f64::from(newest) / 5.0,
        ended: false,
        offered: offered.clone(),
        probes: (newest.saturating_sub(31)..=newest).map(probe).collect(),
        raised: Vec::new(),
    })
}

#[test]
fn what_an_endless_track_keeps_is_bounded_and_what_made_way_is_counted() {
    let called = policy().decide_metered(&growing().next().unwrap());
    let mut calls = Calls::default();
    let (mut most, total) = (0, 1_000);
    for observation in growing().take(total) {
        calls.note(policy(), &[], &observation, &called);
        most = most.max(calls.bytes());
    }
    assert!(most <= BYTES, "{most} bytes");
    let bytes = calls.inputs(None).unwrap().bytes;
    assert!(bytes.len() < BYTES, "{} bytes", bytes.len());
    let inputs = Inputs::read(&bytes).unwrap();
    assert_eq!(inputs.calls.len(), CALLS);
    assert_eq!(inputs.left_out as usize, total - CALLS);
    let newest: Vec<_> = growing().take(total).skip(total - CALLS).collect();
    for (call, observation) in inputs.calls.iter().zip(&newest) {
        assert_eq!(bits(&call.observation), bits(observation));
    }
}

#[test]
fn a_track_whose_every_look_is_another_keeps_fewer_calls_and_no_more_bytes() {
    let called = policy().decide_metered(&growing().next().unwrap());
    let mut calls = Calls::default();
    for (round, mut observation) in growing().skip(40).take(200).enumerate() {
        for probe in &mut observation.probes {
            probe.width = round as f32;
        }
        calls.note(policy(), &[], &observation, &called);
        assert!(calls.bytes() <= BYTES, "{} bytes", calls.bytes());
    }
    let inputs = Inputs::read(&calls.inputs(None).unwrap().bytes).unwrap();
    assert!(
        (2..CALLS).contains(&inputs.calls.len()),
        "{}",
        inputs.calls.len()
    );
    assert_eq!(inputs.left_out as usize, 200 - inputs.calls.len());
}

/// The form in which observations lie in records. If this differs, those of earlier versions are read no more: give the form another number.
#[test]
fn the_written_form_of_an_observation_is_the_one_on_record() {
    let observation = Observation {
        track: 300,
        camera: "gate".into(),
        time: 1.5,
        ended: true,
        offered: vec![Offer {
            category: "wanted".into(),
            image_quality: Some(0.5),
        }],
        probes: vec![Probe {
            time: 0.25,
            width: 2.0,
            height: 4.0,
            confidence: 1.0,
            quality: vec![QualityValue {
                name: "Q".into(),
                value: 8.0,
            }],
            results: vec![SearchResult {
                encoder: "e".into(),
                candidates: vec![Candidate {
                    offered: 0,
                    score: -1.0,
                    rank: 1,
                }],
            }],
        }],
        raised: vec![EarlierAlert {
            offered: 0,
            camera: "x".into(),
            track: 2,
            time: -1.0,
            state: AlertState::Closed,
        }],
    };
    let parts = [
        "ac02",
        "0467617465",
        "000000000000f83f",
        "01",
        "01",
        "0677616e746564",
        "010000003f",
        "01",
        "000000000000d03f",
        "00000040",
        "00008040",
        "0000803f",
        "01",
        "0151",
        "00000041",
        "01",
        "0165",
        "01",
        "00",
        "000080bf",
        "01",
        "01",
        "00",
        "0178",
        "02",
        "000000000000f0bf",
        "02",
    ];
    assert_eq!(hex::encode(bits(&observation)), parts.concat());
    let read: Observation = postcard::from_bytes(&bits(&observation)).unwrap();
    assert_eq!(bits(&read), bits(&observation));
}
