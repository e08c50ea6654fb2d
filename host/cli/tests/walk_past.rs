//! The demonstration's video, from end to end: what is raised, and that it does not depend on the machine.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use overt_records::{Retention, Store, StoreSettings};
use serde_json::Value;
use support::{Place, module, run, set_up};

/// A file that the video's maker left.
fn made(name: &str) -> PathBuf {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../out/demo")
        .join(name);
    assert!(
        file.exists(),
        "{} is not there: run `make demo` or `make test`",
        file.display()
    );
    file.canonicalize().unwrap()
}

/// A place with person A on the watchlist and the demonstration's video.
fn place(workers: usize) -> Place {
    let place = Place::with_person_a();
    place.change("video.avi", made("walk-past.avi").to_str().unwrap());
    place.change(
        "device = \"cpu\"",
        &format!("device = \"cpu\"\nworkers = {workers}"),
    );
    place
}

fn summary(place: &Place) -> Value {
    let ended = place.run();
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    serde_json::from_slice(&std::fs::read(place.path("out/summary.json")).unwrap()).unwrap()
}

#[test]
fn the_person_sought_raises_one_alert_a_pass_and_nobody_else_any_whatever_the_number_of_workers() {
    let (one, three) = (summary(&place(1)), summary(&place(3)));
    for key in ["frames", "faces", "tracks", "alerts", "plugin_errors"] {
        assert_eq!(one[key], three[key], "{key}");
    }
    one_alert_a_pass(&one);
}

#[test]
fn another_detector_is_one_line_of_the_deployment_file_and_raises_the_same_alerts() {
    let place = place(2);
    place.change("detector-centerface.wasm\"\n", "detector-rfb320.wasm\"\n");
    let summary = summary(&place);
    assert_eq!(summary["plugins"][0]["id"], "detector-rfb320");
    assert_eq!(summary["models"].as_array().unwrap().len(), 3);
    one_alert_a_pass(&summary);
}

#[test]
fn another_back_end_is_one_line_of_the_deployment_file_and_raises_the_same_alerts() {
    let place = place(2);
    place.change(
        "device = \"cpu\"\n",
        "device = \"cpu\"\nbackend = \"openvino\"\n",
    );
    let refused = place.run();
    assert_eq!(refused.status, Some(1), "{}", refused.out);
    assert!(
        refused.err.contains("onnxruntime f32") && refused.err.contains("enrol"),
        "templates of one back end are not compared with another's: {}",
        refused.err
    );

    place.enrol_person_a();
    let summary = summary(&place);
    let backend = summary["backend"].as_str().unwrap();
    assert!(
        backend.starts_with("openvino ") && backend.ends_with(" f32"),
        "{backend}"
    );
    one_alert_a_pass(&summary);
}

/// The person sought raised one alert at each pass, and nobody else any.
fn one_alert_a_pass(summary: &Value) {
    let truth: Value =
        serde_json::from_slice(&std::fs::read(made("walk-past.json")).unwrap()).unwrap();
    assert_eq!(summary["frames"]["processed"], truth["frames"]);
    let passes: Vec<&Value> = truth["passes"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|pass| pass["sought"] == true)
        .collect();
    let alerts = summary["alerts"].as_array().unwrap();
    assert_eq!(alerts.len(), passes.len());
    assert!(alerts.iter().all(|alert| alert["reference"] == "MP-0001"));
    for pass in passes {
        // A track begins and ends with the face in sight, the pass with the person; both have the same middle, more or less.
        let number = |value: &Value| value.as_u64().unwrap();
        let within = |alert: &&Value| {
            let middle = (number(&alert["first_frame"]) + number(&alert["last_frame"])) / 2;
            (number(&pass["first_frame"])..=number(&pass["last_frame"])).contains(&middle)
        };
        assert_eq!(
            alerts.iter().filter(within).count(),
            1,
            "the pass from frame {}",
            pass["first_frame"]
        );
    }
}

#[test]
fn a_kill_loses_no_alert_that_anybody_heard_of() {
    let place = place(2);
    let mut child = place
        .runs()
        .arg(place.deployment())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let heard = BufReader::new(child.stderr.take().unwrap())
        .lines()
        .map(Result::unwrap)
        .find(|line| line.starts_with("ALERT 1"));
    child.kill().unwrap();
    child.wait().unwrap();
    let heard = heard.expect("an alert is raised");
    let settings = StoreSettings {
        deployment: "walk-past".into(),
        retention: Retention {
            alerts_hours: 24,
            inputs_hours: 24,
            watchlist_hours: 24,
        },
    };
    let store = Store::open(&place.path("out/records.redb"), &settings).unwrap();
    let runs = store.runs().unwrap();
    let alerts = store.alerts(runs.last().unwrap().id).unwrap();
    assert_eq!(
        (alerts[0].alert.number, alerts[0].alert.reference.as_str()),
        (1, "MP-0001")
    );
    let payload = store
        .alert_payload(1)
        .unwrap()
        .expect("its time is not over");
    // What the policy says can name scores, and nobody has judged yet.
    assert!(!heard.contains(payload.reason.as_str()), "{heard}");
    assert!(overt_vision::decode_still(&payload.crop).is_ok());
}

/// Runs and expects a refusal that says all of this.
fn refused(place: &Place, status: i32, words: &[&str]) {
    let ended = place.run();
    assert_eq!(ended.status, Some(status), "{}", ended.err);
    for word in words {
        assert!(
            ended.err.contains(word),
            "{word:?} is not in: {}",
            ended.err
        );
    }
}

#[test]
fn what_is_not_granted_is_named_with_its_mend() {
    let place = place(1);
    place.change("grants = [\"frames\", \"pixels\"]", "grants = [\"frames\"]");
    refused(
        &place,
        1,
        &[
            "plugins.quality",
            "declares the capability pixels, which the deployment does not grant",
            "add \"pixels\"",
        ],
    );
}

#[test]
fn a_model_of_another_digest_is_named_with_both() {
    let place = place(1);
    let other = set_up("models/centerface.onnx");
    let models = format!(
        "[plugins.encoder]\nmodels = {{ mobilefacenet = \"{}\" }}\n",
        other.display()
    );
    place.change("[plugins.encoder]\n", &models);
    refused(
        &place,
        1,
        &[
            "plugins.encoder",
            "the model `mobilefacenet` is pinned to SHA-256",
            "centerface.onnx has",
        ],
    );
}

#[test]
fn a_model_that_is_in_no_table_and_not_in_the_folder_of_models_is_named_with_its_mend() {
    let place = place(1);
    let folder = set_up("models");
    place.change(folder.to_str().unwrap(), "no-such-folder");
    refused(
        &place,
        1,
        &[
            "[plugins.detector] model centerface",
            "no-such-folder/centerface.onnx",
            "[plugins.encoder] model mobilefacenet",
            "overt models fetch",
        ],
    );
}

#[test]
fn a_graphics_processor_that_is_not_there_is_an_error_and_never_the_cpu_instead() {
    let place = place(1);
    place.change("device = \"cpu\"", "device = \"cuda:0\"");
    let library = set_up("onnxruntime/libonnxruntime.so");
    let library = format!("[host]\nonnxruntime = \"{}\"\n", library.display());
    place.change("[host]\n", &library);
    refused(&place, 1, &["cuda:0", "device = \"cpu\""]);
}

#[test]
fn several_plugins_that_are_refused_are_all_told_at_once() {
    let place = place(1);
    place.change("plugins/router-desk.wasm", "plugins/policy-threshold.wasm");
    place.change("grants = [\"frames\", \"pixels\"]", "grants = []");
    refused(
        &place,
        1,
        &[
            "plugins.quality",
            "plugins.alert-router",
            "the deployment uses it as alert-router",
        ],
    );
}

#[test]
fn a_watchlist_of_another_encoder_never_meets_this_one() {
    let place = place(1);
    // The same component under another version is another file, and so another encoder.
    let manifest = std::fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../plugins/encoder-mobilefacenet/plugin.toml"),
    )
    .unwrap();
    std::fs::write(
        place.path("plugin.toml"),
        manifest.replacen("version = \"0.1.0\"", "version = \"0.2.0\"", 1),
    )
    .unwrap();
    let packed = place.path("encoder.wasm");
    let ended = run([
        Path::new("plugin"),
        Path::new("pack"),
        &place.path("plugin.toml"),
        &module("encoder_mobilefacenet"),
        Path::new("-o"),
        &packed,
    ]);
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    let signed = run([
        Path::new("plugin"),
        Path::new("sign"),
        &packed,
        Path::new("--key"),
        &set_up("keys/this-machine.key"),
    ]);
    assert_eq!(signed.status, Some(0), "{}", signed.err);
    let encoder = set_up("plugins/encoder-mobilefacenet.wasm");
    place.change(encoder.to_str().unwrap(), packed.to_str().unwrap());
    refused(
        &place,
        1,
        &[
            "were enrolled with encoder-mobilefacenet",
            "overt watchlist enrol",
        ],
    );
}
