//! The self-test: a plugin that answers otherwise than its vendor saw it answer is not accepted, and a vendor can ask beforehand.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::path::Path;

use overt_tests::schema::Schema;
use serde_json::Value;
use support::{Ended, Place, run, set_up};

fn schema() -> Schema {
    Schema::parse(include_str!("../plugin-test.schema.json"))
}

fn tested(plugin: &str, more: &[&str]) -> Ended {
    let (plugin, models) = (set_up(plugin), set_up("models"));
    let mut arguments = vec!["plugin", "test", plugin.to_str().unwrap()];
    arguments.extend(["--models", models.to_str().unwrap()]);
    arguments.extend(more);
    run(arguments)
}

#[test]
fn an_encoder_that_gives_its_model_pixels_from_0_to_255_is_not_accepted() {
    let place = Place::with_person_a();
    place.film(5);
    place.unsigned();
    place.change(
        set_up("plugins/encoder-mobilefacenet.wasm")
            .to_str()
            .unwrap(),
        set_up("hostile/encoder-raw.wasm").to_str().unwrap(),
    );
    let refused = place.run();
    assert_eq!(refused.status, Some(1));
    for words in [
        "[plugins.encoder]",
        "self-test fails on this machine",
        "expected a cosine of 0.99 or more, found",
    ] {
        assert!(refused.err.contains(words), "{words}: {}", refused.err);
    }
    assert!(!place.path("out/summary.json").exists());
    // Nor does it come as far as making a template of anybody who is sought.
    let enrolled = place.enrol(&[("MP-0002", "missing-person", &support::photograph("b.jpg"))]);
    assert_eq!(enrolled.status, Some(1));
    assert!(enrolled.err.contains("self-test"), "{}", enrolled.err);
}

#[test]
fn every_plugin_of_overt_answers_on_every_back_end_as_its_manifest_says() {
    for plugin in [
        "detector-centerface",
        "detector-rfb320",
        "encoder-mobilefacenet",
        "quality-basic",
        "policy-threshold",
        "router-desk",
    ] {
        for backend in ["onnxruntime", "openvino"] {
            let file = format!("plugins/{plugin}.wasm");
            let ended = tested(&file, &["--json", "--backend", backend]);
            assert_eq!(
                ended.status,
                Some(0),
                "{plugin}: {}{}",
                ended.out,
                ended.err
            );
            let rows: Value = serde_json::from_str(&ended.out).unwrap();
            assert_eq!(schema().errors(&rows), Vec::<String>::new(), "{rows}");
            assert!(rows[0]["questions"].as_u64().unwrap() > 0, "{rows}");
        }
    }
}

#[test]
fn what_is_answered_otherwise_is_told_as_the_schema_says() {
    let ended = tested("hostile/encoder-raw.wasm", &["--json"]);
    assert_eq!(ended.status, Some(1), "{}", ended.err);
    let rows: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(schema().errors(&rows), Vec::<String>::new(), "{rows}");
    assert_eq!(rows[0]["failures"].as_array().unwrap().len(), 1, "{rows}");
}

#[test]
fn what_a_plugin_answers_is_printed_as_a_manifest_would_hold_it() {
    let ended = tested("plugins/detector-rfb320.wasm", &["--answers"]);
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    let manifest =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins/detector-rfb320/plugin.toml");
    let manifest = std::fs::read_to_string(manifest).unwrap();
    assert!(manifest.contains(ended.out.trim()), "{}", ended.out);
    let none = tested("plugins/detector-boxes.wasm", &[]);
    assert_eq!(none.status, Some(1));
    assert!(none.out.contains("NO SELF-TEST"), "{}", none.out);
}
