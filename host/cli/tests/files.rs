//! Mistakes in arguments and files: each is told with its place and its mend, and the exit status says whose it is.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::path::{Path, PathBuf};

use serde_json::Value;
use support::run;

fn case(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../deployment/tests/ui")
        .join(name)
}

#[test]
fn ten_mistakes_in_a_deployment_file_are_told_in_one_run() {
    let ended = run([Path::new("run"), &case("ten-mistakes.toml")]);
    assert_eq!(ended.status, Some(2));
    assert_eq!(ended.err.matches("error: ").count(), 10, "{}", ended.err);
    assert_eq!(ended.err.matches("= help: ").count(), 10, "{}", ended.err);
    assert!(ended.err.contains("ten-mistakes.toml:3:6"), "{}", ended.err);
    assert!(
        !ended.err.contains('\u{1b}'),
        "colours go to terminals alone"
    );
}

#[test]
fn files_that_a_deployment_names_and_that_are_missing_are_all_told_before_anything_starts() {
    let ended = run([Path::new("run"), &case("least.toml")]);
    assert_eq!(ended.status, Some(2));
    for key in [
        "camera[0].file",
        "plugins.detector.file",
        "plugins.encoder.file",
        "plugins.matcher-policy.file",
        "plugins.alert-router.file",
    ] {
        assert!(ended.err.contains(key), "{key}: {}", ended.err);
    }
    assert!(!case("out").exists(), "nothing was made");
}

#[test]
fn a_deployment_file_that_is_not_there_is_told_with_its_mend() {
    let ended = run(["watchlist", "list", "/nowhere/deployment.toml"]);
    assert_eq!(ended.status, Some(2));
    assert!(
        ended.err.contains("/nowhere/deployment.toml") && ended.err.contains("check the path"),
        "{}",
        ended.err
    );
}

#[test]
fn a_watchlist_that_was_never_made_says_how_to_make_it() {
    let ended = run([
        Path::new("watchlist"),
        Path::new("list"),
        &case("least.toml"),
    ]);
    assert_eq!(ended.status, Some(1));
    assert!(ended.err.contains("overt watchlist enrol"), "{}", ended.err);
}

#[test]
fn an_argument_that_is_none_ends_with_2() {
    assert_eq!(run(["fly"]).status, Some(2));
    assert_eq!(run(["models", "fetch", "no-such-model"]).status, Some(2));
    assert_eq!(run(["--help"]).status, Some(0));
}

#[test]
fn models_that_are_missing_are_listed_as_missing_and_the_status_tells() {
    let folder = tempfile::tempdir().unwrap();
    let ended = run([
        Path::new("models"),
        Path::new("list"),
        Path::new("--json"),
        Path::new("--folder"),
        folder.path(),
    ]);
    assert_eq!(ended.status, Some(1));
    let models: Vec<Value> = serde_json::from_str(&ended.out).unwrap();
    assert!(models.iter().any(|model| model["name"] == "centerface"));
    assert!(
        models
            .iter()
            .all(|model| model["state"] == "missing" && model["licence"] != "")
    );
}

#[test]
fn a_file_that_is_no_plugin_is_told_what_it_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.wasm");
    std::fs::write(&file, "no wasm").unwrap();
    let ended = run([Path::new("plugin"), Path::new("inspect"), &file]);
    assert_eq!(ended.status, Some(1));
    assert!(
        ended.err.contains("is no WebAssembly") && ended.err.contains("= help: "),
        "{}",
        ended.err
    );
}

#[test]
fn a_manifest_with_a_mistake_is_somebodys_mistake_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = folder.path().join("plugin.toml");
    std::fs::write(&manifest, "[plugin]\nid = 7\n").unwrap();
    let output = folder.path().join("out.wasm");
    let ended = run([
        Path::new("plugin"),
        Path::new("pack"),
        &manifest,
        &manifest,
        Path::new("-o"),
        &output,
    ]);
    assert_eq!(ended.status, Some(2), "{}", ended.err);
    assert!(ended.err.contains("plugin.toml"), "{}", ended.err);
    assert!(!output.exists());
}

#[test]
fn completions_are_made_for_every_shell() {
    for shell in ["bash", "zsh", "fish"] {
        let ended = run(["completions", shell]);
        assert_eq!(ended.status, Some(0));
        assert!(ended.out.contains("watchlist"), "{shell}");
    }
}

#[test]
fn doctor_names_what_is_missing_with_its_mend_and_the_status_tells() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["doctor", "--json", "--models"].map(Path::new);
    let ended =
        run(arguments
            .into_iter()
            .chain([folder.path(), Path::new("--plugins"), folder.path()]));
    assert_eq!(ended.status, Some(1));
    let report: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(report["ok"], false);
    let checks = report["checks"].as_array().unwrap();
    let check = |name: &str| checks.iter().find(|check| check["name"] == name).unwrap();
    assert_eq!(check("model centerface")["state"], "missing");
    assert_eq!(check("model centerface")["mend"], "`overt models fetch`");
    assert_eq!(check("plugins")["state"], "missing");
    assert_eq!(check("OpenCV")["state"], "ok");
}
