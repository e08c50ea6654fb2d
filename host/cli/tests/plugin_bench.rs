//! What a vendor is told of a plugin's cost: the figures are there for every role, limits that are too small are found out, and nothing is left out in silence.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use overt_tests::schema::Schema;
use serde_json::Value;
use support::{Ended, module, overt, photograph, run, set_up};

fn bench(plugin: &Path, more: &[&str]) -> Ended {
    let mut command = overt();
    command.args(["plugin", "bench"]).arg(plugin);
    command.arg("--models").arg(set_up("models"));
    command.args(more).output().unwrap().into()
}

/// What it says as JSON, which is as its schema says.
fn report(ended: &Ended) -> Value {
    let schema = Schema::parse(include_str!("../plugin-bench.schema.json"));
    let report: Value =
        serde_json::from_str(&ended.out).unwrap_or_else(|_| panic!("{}", ended.err));
    assert_eq!(schema.errors(&report), Vec::<String>::new(), "{report}");
    report
}

fn plugin(name: &str) -> PathBuf {
    set_up(&format!("plugins/{name}.wasm"))
}

fn cases(report: &Value) -> Vec<&Value> {
    let roles = report["roles"].as_array().unwrap();
    let cases = roles.iter().map(|role| role["cases"].as_array().unwrap());
    cases.flatten().collect()
}

#[test]
fn every_role_is_measured_and_told_as_the_schema_says() {
    for (name, count, bounded_by) in [
        ("detector-rfb320", 1, "deadline-ms"),
        ("quality-basic", 2, "deadline-ms"),
        // Its own cases, and the largest observation.
        ("policy-threshold", 4, "fuel"),
        ("router-desk", 2, "fuel"),
    ] {
        let ended = bench(&plugin(name), &["--runs", "5", "--json"]);
        assert_eq!(ended.status, Some(0), "{name}: {}", ended.err);
        let report = report(&ended);
        let cases = cases(&report);
        assert_eq!(cases.len(), count, "{report}");
        for case in &cases {
            let figures = &case["figures"];
            assert_eq!(figures["calls"], 5, "{name}: {case}");
            // A call does what an empty one does, and more.
            assert!(figures["memory_bytes"].as_u64() > Some(1 << 16), "{case}");
            assert_eq!(figures["fuel"].is_u64(), bounded_by == "fuel", "{case}");
            let in_models = figures["models_us"]["median"].as_f64().unwrap();
            assert_eq!(in_models > 0.0, name == "detector-rfb320", "{case}");
        }
        let limits = report["limits"].as_array().unwrap();
        assert_eq!(limits[1]["limit"], bounded_by, "{report}");
        for limit in limits {
            let (used, suggested) = (limit["used"].as_f64(), limit["suggested"].as_f64());
            assert!(used < suggested, "{limit}");
        }
    }
}

#[test]
fn fuel_is_the_same_in_every_run_and_the_largest_observation_takes_the_most() {
    let fuel = || -> Vec<u64> {
        let report = report(&bench(
            &plugin("policy-threshold"),
            &["--runs", "2", "--json"],
        ));
        let cases = cases(&report);
        cases
            .iter()
            .map(|case| case["figures"]["fuel"].as_u64().unwrap())
            .collect()
    };
    let (first, second) = (fuel(), fuel());
    assert_eq!(first, second);
    let (largest, others) = first.split_last().unwrap();
    assert!(others.iter().all(|fuel| fuel < largest), "{first:?}");
}

#[test]
fn limits_that_are_too_small_are_found_out_and_better_ones_suggested() {
    let folder = tempfile::tempdir().unwrap();
    let manifest =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins/policy-threshold/plugin.toml");
    let text = std::fs::read_to_string(manifest).unwrap();
    let text = text.replace("fuel = 5000000", "fuel = 5000");
    let (manifest, packed) = (
        folder.path().join("plugin.toml"),
        folder.path().join("p.wasm"),
    );
    std::fs::write(&manifest, text).unwrap();
    let done = run([
        Path::new("plugin"),
        Path::new("pack"),
        &manifest,
        &module("policy_threshold"),
        Path::new("-o"),
        &packed,
    ]);
    assert_eq!(done.status, Some(0), "{}", done.err);
    let ended = bench(&packed, &["--runs", "2", "--json"]);
    assert_eq!(ended.status, Some(1), "{}", ended.err);
    let report = report(&ended);
    let fuel = &report["limits"][1];
    assert_eq!(
        (&fuel["declared"], &fuel["enough"]),
        (&5000.into(), &false.into())
    );
    assert!(fuel["suggested"].as_u64() > Some(20_000), "{fuel}");
    let text = bench(&packed, &["--runs", "2"]).out;
    assert!(text.contains("TOO LITTLE"), "{text}");
    // And the self-test, which holds it to them, fails.
    let tested = run([Path::new("plugin"), Path::new("test"), &packed]);
    assert_eq!(tested.status, Some(1), "{}", tested.out);
}

#[test]
fn an_encoder_is_asked_about_the_faces_that_a_detector_finds_on_photographs() {
    let photograph = photograph("b.jpg");
    let photograph = photograph.to_str().unwrap();
    let encoder = plugin("encoder-mobilefacenet");
    let with = |detector: &str| {
        let detector = plugin(detector);
        bench(
            &encoder,
            &[
                "--runs",
                "1",
                "--json",
                "--photograph",
                photograph,
                "--detector",
                detector.to_str().unwrap(),
            ],
        )
    };
    let ended = with("detector-centerface");
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    let found = report(&ended);
    let last = cases(&found)[2].clone();
    assert!(
        last["case"].as_str().unwrap().ends_with("faces: 1"),
        "{last}"
    );

    // This one finds no landmarks, without which the encoder makes no template.
    let ended = with("detector-boxes");
    assert_eq!(ended.status, Some(1), "{}", ended.err);
    let found = report(&ended);
    let last = cases(&found)[2].clone();
    assert!(
        last["failed"]
            .as_str()
            .unwrap()
            .contains("landmarks-missing"),
        "{last}"
    );
    assert!(last["figures"].is_null(), "{last}");

    let alone = bench(&encoder, &["--runs", "1", "--photograph", photograph]);
    assert_eq!(alone.status, Some(2), "{}", alone.out);
    assert!(
        alone.err.contains("--detector detector.wasm"),
        "{}",
        alone.err
    );
}

#[test]
fn the_plugins_own_table_can_be_given_and_a_wrong_one_is_the_plugins_to_refuse() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.toml");
    let ask = |text: &str| {
        std::fs::write(&config, text).unwrap();
        let more = [
            "--runs",
            "1",
            "--json",
            "--config",
            config.to_str().unwrap(),
        ];
        bench(&plugin("policy-threshold"), &more)
    };
    let sound = ask("thresholds = { default = 0.4 }");
    assert_eq!(sound.status, Some(0), "{}", sound.err);
    let wrong = ask("tresholds = { default = 0.4 }");
    assert_eq!(wrong.status, Some(1));
    let failed = cases(&report(&wrong))[0]["failed"].clone();
    assert!(
        failed.as_str().unwrap().contains("tresholds: no such key"),
        "{failed}"
    );
    let pictured = bench(&plugin("policy-threshold"), &["--photograph", "face.jpg"]);
    assert_eq!(pictured.status, Some(2), "{}", pictured.out);
    assert!(
        pictured.err.contains("sees no photograph"),
        "{}",
        pictured.err
    );
    let broken = ask("thresholds = {");
    assert_eq!(broken.status, Some(2), "{}", broken.out);
    assert!(broken.err.contains("config.toml"), "{}", broken.err);
}

#[test]
fn ctrl_c_ends_it_with_what_was_measured_so_far() {
    let mut command = overt();
    command.args(["plugin", "bench", "--runs", "100000", "--json"]);
    command.arg(plugin("detector-rfb320"));
    command.arg("--models").arg(set_up("models"));
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let first = lines.next().unwrap().unwrap();
    assert!(first.contains("of 100000 calls"), "{first}");
    let process = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(process, rustix::process::Signal::INT).unwrap();
    let rest: Vec<String> = lines.map_while(Result::ok).collect();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{rest:?}");
    let ended = Ended {
        status: Some(130),
        out: String::from_utf8(output.stdout).unwrap(),
        err: rest.join("\n"),
    };
    let report = report(&ended);
    let calls = cases(&report)[0]["figures"]["calls"].as_u64().unwrap();
    assert!((1..100_000).contains(&calls), "{calls}");
}
