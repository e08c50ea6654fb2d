//! What an auditor is told of a plugin and of a deployment, and that nothing is compiled or run for it.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::path::Path;

use overt_tests::schema::Schema;
use serde_json::Value;
use support::{Ended, Place, module, run, set_up};

fn inspect(plugin: &Path, more: &[&str]) -> Ended {
    let mut arguments = vec!["plugin", "inspect", plugin.to_str().unwrap()];
    arguments.extend(more);
    run(arguments)
}

#[test]
fn what_inspect_says_is_as_its_schema_says_with_and_without_a_deployment() {
    let place = Place::new();
    let deployment = place.deployment();
    let schema = Schema::parse(include_str!("../plugin-inspection.schema.json"));
    for plugin in [
        "detector-centerface",
        "encoder-mobilefacenet",
        "quality-basic",
        "policy-threshold",
        "router-desk",
        "brightest",
    ] {
        let file = set_up(&format!("plugins/{plugin}.wasm"));
        for more in [
            &["--json"][..],
            &["--json", "--deployment", deployment.to_str().unwrap()],
        ] {
            let ended = inspect(&file, more);
            assert_eq!(ended.status, Some(0), "{plugin}: {}", ended.err);
            let report: Value = serde_json::from_str(&ended.out).unwrap();
            assert_eq!(
                schema.errors(&report),
                Vec::<String>::new(),
                "{plugin} {more:?}"
            );
            assert_eq!(report["given"].is_object(), more.len() > 1, "{plugin}");
        }
    }
}

#[test]
fn a_capability_is_told_as_claimed_asked_for_and_granted() {
    let place = Place::new();
    place.change("grants = [\"frames\", \"pixels\"]", "grants = [\"frames\"]");
    let file = set_up("plugins/quality-basic.wasm");
    let ended = inspect(
        &file,
        &["--deployment", place.deployment().to_str().unwrap()],
    );
    let words =
        |line: &str| -> Vec<String> { line.split_whitespace().map(str::to_owned).collect() };
    let rows: Vec<_> = ended.out.lines().map(words).collect();
    for row in [
        ["frames", "yes", "yes", "yes"],
        ["pixels", "yes", "yes", "no"],
    ] {
        assert!(
            rows.iter().any(|found| *found == row),
            "{row:?}: {}",
            ended.out
        );
    }
    assert!(
        ended.out.contains("it is signed by this-machine (vendor)"),
        "{}",
        ended.out
    );
    // An encoder that never reads a number holds no template either.
    let encoder = inspect(&set_up("plugins/encoder-mobilefacenet.wasm"), &[]);
    assert!(
        encoder.out.contains("no template enters its memory"),
        "{}",
        encoder.out
    );
    assert!(
        encoder
            .out
            .contains("run natively and are trusted like the host"),
        "{}",
        encoder.out
    );
}

#[test]
fn evidence_of_another_digest_or_a_smaller_gallery_is_marked() {
    let place = Place::new();
    let manifest =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins/router-desk/plugin.toml");
    let evidence = "[[algorithm.evidence]]\nreport = \"R-1\"\ndate = \"2026\"\ndataset = \"D\"\ngallery-size = 10\nfigure = \"none\"\ndigests = []\n\n[build]";
    let text = std::fs::read_to_string(manifest)
        .unwrap()
        .replacen("[build]", evidence, 1);
    std::fs::write(place.path("plugin.toml"), text).unwrap();
    let packed = place.path("router.wasm");
    let ended = run([
        Path::new("plugin"),
        Path::new("pack"),
        &place.path("plugin.toml"),
        &module("router_desk"),
        Path::new("-o"),
        &packed,
    ]);
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    let told = inspect(
        &packed,
        &["--deployment", place.deployment().to_str().unwrap()],
    );
    assert!(
        told.out.contains("BUT it was made for another digest"),
        "{}",
        told.out
    );
    assert!(
        told.out.contains("BUT its gallery was smaller"),
        "{}",
        told.out
    );
}

fn deployment(place: &Place, more: &[&str]) -> Ended {
    let deployment = place.deployment();
    let mut arguments = vec!["deployment", "inspect", deployment.to_str().unwrap()];
    arguments.extend(more);
    run(arguments)
}

#[test]
fn everything_that_is_out_of_order_in_a_deployment_is_listed_with_its_mend() {
    let place = Place::new();
    place.unsigned();
    place.change(
        "plugins/router-desk.wasm\"",
        "hostile/hostile-decision.wasm\"",
    );
    place.change("grants = [\"frames\", \"pixels\"]", "grants = [\"frames\"]");
    let ended = deployment(&place, &["--json"]);
    assert_eq!(ended.status, Some(1), "{}", ended.err);
    let report: Value = serde_json::from_str(&ended.out).unwrap();
    let findings = report["findings"].as_array().unwrap();
    let found = |part: &str, words: &str| {
        let finding = findings.iter().find(|finding| {
            finding["part"] == part && finding["what"].as_str().unwrap().contains(words)
        });
        let finding = finding.unwrap_or_else(|| panic!("{part}, {words}: {report}"));
        assert!(!finding["mend"].as_str().unwrap().is_empty());
    };
    let kept = &report["retention"];
    assert_eq!((&kept["alerts"], &kept["inputs"]), (&24.into(), &24.into()));
    found("trust", "unsigned = true");
    found("authority", "no calibration");
    found("lock", "there is no lock");
    found("plugins.alert-router", "no self-test");
    found("plugins.quality", "does not grant");
    let told = deployment(&place, &[]);
    assert!(
        told.out.contains("things are out of order:")
            && told.out.contains("what their plugins were asked for 24,"),
        "{}",
        told.out
    );
    let long = deployment(&place, &["--long"]);
    assert!(
        long.out.contains("== matcher-policy")
            && long.out.contains("The manifest and the bytes agree.")
    );
}

#[test]
fn whatever_keeps_a_plugin_from_running_is_listed_beside_the_rest() {
    let place = Place::new();
    let router = place.path("router.wasm");
    let file = set_up("plugins/router-desk.wasm");
    let mut bytes = std::fs::read(&file).unwrap();
    // A custom section `a` with nothing in it: changed after it was signed.
    bytes.extend([0, 2, 1, b'a']);
    std::fs::write(&router, bytes).unwrap();
    place.change(file.to_str().unwrap(), "router.wasm");
    place.change("encoder-mobilefacenet.wasm\"", "detector-centerface.wasm\"");
    std::fs::copy(
        set_up("models/mobilefacenet.onnx"),
        place.path("other.onnx"),
    )
    .unwrap();
    place.change(
        "detector-centerface.wasm\"",
        "detector-centerface.wasm\"\nmodels = { centerface = \"other.onnx\" }",
    );
    place.change(
        set_up("keys/this-machine.pub").to_str().unwrap(),
        "gone.pub",
    );
    let ended = deployment(&place, &["--json"]);
    assert_eq!(ended.status, Some(1), "{}", ended.err);
    let report: Value = serde_json::from_str(&ended.out).unwrap();
    for (part, words) in [
        ("trust", "gone.pub"),
        ("plugins.alert-router", "was changed after it was signed"),
        (
            "plugins.encoder",
            "uses it as encoder, but it has the roles detector",
        ),
        (
            "plugins.detector",
            "the model `centerface` is pinned to SHA-256",
        ),
        // The demonstration's film was not made here.
        ("camera[0].file", "expected"),
    ] {
        let found = report["findings"]
            .as_array()
            .unwrap()
            .iter()
            .any(|finding| {
                finding["part"] == part
                    && finding["what"].as_str().unwrap().contains(words)
                    && !finding["mend"].as_str().unwrap().is_empty()
            });
        assert!(found, "{part}, {words}: {report}");
    }
}

#[test]
fn a_key_that_expires_before_the_deployment_ends_is_told() {
    let place = Place::new();
    place.change(
        "signer = \"vendor\"\n",
        "signer = \"vendor\"\nexpires = 2035-01-01T00:00:00Z\n",
    );
    let ended = deployment(&place, &[]);
    assert!(
        ended.out.contains(
            "the key this-machine expires at 2035-01-01T00:00:00Z, before the deployment ends"
        ),
        "{}",
        ended.out
    );
}
