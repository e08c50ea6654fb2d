//! Swaps while frames keep coming: policy and router a hundred times, detector and encoder ten times. Every frame that was read is processed by somebody.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam_channel::unbounded;
use overt_deployment::Deployment;
use overt_pipeline::Event;
use overt_pipeline::control::{Answer, Question, Request};
use overt_pipeline::swap::Swap;
use overt_tests::engineer::Engineer;
use support::eyes::{calibrate, other_encoder};
use support::{Place, machine_and_store, set_up};

/// Swaps of policy and router.
const DECISIONS: usize = 100;

/// Swaps of detector and encoder.
const EYES: usize = 10;

/// A deployment that sees with another detector and another encoder, and its calibration; `own` is its deployment file's name.
fn other_eyes(place: &Place, own: &str) -> PathBuf {
    let encoder = other_encoder(place);
    let text = std::fs::read_to_string(place.deployment()).unwrap();
    let text = text
        .replace("detector-centerface.wasm", "detector-rfb320.wasm")
        .replace(
            set_up("plugins/encoder-mobilefacenet.wasm")
                .to_str()
                .unwrap(),
            encoder.to_str().unwrap(),
        );
    let file = place.path(own);
    std::fs::write(&file, text).unwrap();
    file
}

/// Measures a deployment, and names what comes of it in its file.
fn calibrated(place: &Place, file: &Path, calibration: &str) {
    calibrate(place, file, calibration);
    let text = std::fs::read_to_string(file).unwrap();
    let named = format!("[authority]\ncalibration = \"{calibration}\"\n");
    std::fs::write(file, text.replace("[authority]\n", &named)).unwrap();
}

/// How often the whole is done; `make soak` sets it.
fn rounds() -> u32 {
    let set = std::env::var("OVERT_SWAP_ROUNDS").ok();
    set.map_or(1, |rounds| rounds.parse().expect("a number of rounds"))
}

#[test]
fn a_hundred_swaps_of_policy_and_router_and_ten_of_detector_and_encoder_lose_no_frame() {
    let place = Place::new();
    place.unsigned();
    place.change("cameras = 1 ", "cameras = 2 ");
    place.change(
        "[watchlist]\n",
        "[[camera]]\nid = \"stairs\"\nkind = \"fixed\"\nowner = \"The demonstration\"\nfile = \"video.avi\"\n\n[watchlist]\n",
    );
    place.enrol_person_a();
    place.film(2500);
    let other = other_eyes(&place, "other.toml");
    calibrated(&place, &place.deployment(), "one.json");
    calibrated(&place, &other, "other.json");
    // Two of each: the same eyes with other thresholds and desks.
    let texts = [place.deployment(), other].map(|file| std::fs::read_to_string(file).unwrap());
    let deployment = |eyes: usize, decisions: usize| {
        let text = match decisions {
            0 => texts[eyes].clone(),
            _ => texts[eyes]
                .replace("missing-person = 0.5,", "missing-person = 0.52,")
                .replace(
                    "channels = [\"desk-2\"]",
                    "channels = [\"desk-1\", \"desk-2\"]",
                ),
        };
        Deployment::parse(&place.deployment(), &text).unwrap()
    };

    for _ in 0..rounds() {
        round(&deployment);
    }
}

/// A run, with every swap under it.
fn round(deployment: &dyn Fn(usize, usize) -> Deployment) {
    let first = deployment(0, 0);
    let (machine, store) = machine_and_store(&first);
    let engineer = Engineer::new();
    let (ask, requests) = unbounded();
    let stop = AtomicBool::new(false);
    let begun = AtomicBool::new(false);
    let tell = |event: Event<'_>| {
        if let Event::Progress { .. } = event {
            begun.store(true, Ordering::Relaxed);
        }
    };
    let finished = std::thread::scope(|scope| {
        let run = scope.spawn(|| {
            overt_pipeline::run(
                &machine,
                &first,
                overt_pipeline::Terms::UNLOCKED,
                &store,
                &stop,
                requests,
                &tell,
            )
        });
        while !begun.load(Ordering::Relaxed) && !run.is_finished() {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        let (mut eyes, mut decisions) = (0, 0);
        for swap in 0..DECISIONS + EYES {
            // Ten of the other kind among the hundred.
            let is_eyes = swap % (DECISIONS / EYES + 1) == DECISIONS / EYES;
            match is_eyes {
                true => eyes = 1 - eyes,
                false => decisions = 1 - decisions,
            }
            let (answers, told) = unbounded();
            ask.send(Request {
                what: Question::Swap(Box::new(Swap {
                    deployment: deployment(eyes, decisions),
                    lock: None,
                    by: engineer.signed_in(),
                    reason: format!("swap {swap}"),
                })),
                answers,
            })
            .unwrap();
            let swapped = told.iter().find_map(|answer| match answer {
                Answer::Swapped(swapped) => Some(*swapped),
                _ => None,
            });
            let swapped = swapped
                .expect("the run went on")
                .unwrap_or_else(|error| panic!("swap {swap}: {error}"));
            assert_eq!(swapped.generation.number, swap as u64 + 1);
            assert!(swapped.drained, "swap {swap}");
            assert_eq!(swapped.re_encoded, u64::from(is_eyes));
        }
        stop.store(true, Ordering::Relaxed);
        run.join().unwrap().unwrap()
    });

    let summary = finished.summary;
    assert_eq!(summary.generations.len(), 1 + DECISIONS + EYES);
    assert!(
        summary.interrupted,
        "the video was long enough for all swaps"
    );
    let frames = summary.frames;
    assert_eq!((frames.dropped, frames.unseen), (0, 0));
    assert_eq!(frames.processed, frames.read);
    for camera in &summary.cameras {
        assert_eq!(camera.frames.processed, camera.frames.read);
        assert!(camera.frames.read > 100, "{}", camera.frames.read);
    }
    assert_eq!(summary.plugin_errors, []);
    // One person in view all along on either camera: one alert each, whatever was swapped meanwhile.
    assert_eq!(summary.alerts.len(), 2);
    let mut recorded = store.generations().unwrap();
    let run = recorded.last().unwrap().run;
    recorded.retain(|generation| generation.run == run);
    assert_eq!(recorded.len(), DECISIONS + EYES);
    assert!(
        recorded
            .iter()
            .zip(1..)
            .all(|(generation, number)| generation.number == number)
    );
}
