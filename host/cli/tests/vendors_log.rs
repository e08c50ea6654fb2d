//! Lines that a plugin logs: one that sees faces may write them on its vendor's machine, and no host runs it.

#![allow(clippy::unwrap_used)]

mod support;

use std::path::Path;

use serde_json::Value;
use support::{Place, module, run, set_up};

/// The hostile detector that logs where it sees a face.
fn talks() -> String {
    set_up("hostile/detector-talks.wasm")
        .to_str()
        .unwrap()
        .to_owned()
}

#[test]
fn the_lines_of_a_plugin_that_sees_faces_are_shown_to_its_vendor() {
    let tested = run(["plugin", "test", &talks()]);
    assert_eq!(tested.status, Some(0), "{}{}", tested.out, tested.err);
    assert!(
        tested.err.contains("INFO a face at 240 180"),
        "{}",
        tested.err
    );
    assert!(tested.out.contains("1 of 1 answered"), "{}", tested.out);

    let folder = tempfile::tempdir().unwrap();
    let packed = run([
        Path::new("plugin"),
        Path::new("pack"),
        &Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../tests/hostile/detector-talks/plugin.toml"),
        &module("detector_talks"),
        Path::new("-o"),
        &folder.path().join("talks.wasm"),
    ]);
    assert_eq!(packed.status, Some(0), "{}", packed.err);
    assert!(packed.err.contains("note: ") && packed.err.contains("vendor tests it"));

    // Once for the case's first call, and not for those that are measured.
    let measured = run(["plugin", "bench", &talks(), "--runs", "20"]);
    assert_eq!(measured.status, Some(0), "{}{}", measured.out, measured.err);
    assert_eq!(
        measured.err.matches("a face at").count(),
        1,
        "{}",
        measured.err
    );
    assert!(measured.out.contains("of 20 calls"), "{}", measured.out);
}

#[test]
fn no_host_runs_locks_or_signs_a_plugin_that_sees_faces_and_logs() {
    const MEND: &str = "take `log = true` out of plugin.toml";
    let place = Place::with_person_a();
    place.film(5);
    place.unsigned();
    place.change(
        set_up("plugins/detector-centerface.wasm").to_str().unwrap(),
        &talks(),
    );
    let deployment = place.deployment();
    let deployment = deployment.to_str().unwrap();
    for command in [
        &["lock", deployment][..],
        &["run", "--rehearsal", "--unlocked", deployment],
    ] {
        let refused = place.run_as("anna", command);
        assert_eq!(refused.status, Some(1), "{command:?}: {}", refused.err);
        assert!(
            refused.err.contains("only while its vendor tests it") && refused.err.contains(MEND),
            "{command:?}: {}",
            refused.err
        );
    }
    let inspected = run(["deployment", "inspect", deployment, "--json"]);
    let report: Value = serde_json::from_str(&inspected.out).unwrap();
    let findings = report["findings"].as_array().unwrap();
    let found = findings.iter().any(|finding| {
        finding["part"] == "plugins.detector"
            && finding["what"]
                .as_str()
                .unwrap()
                .contains("vendor tests it")
            && finding["mend"].as_str().unwrap().contains(MEND)
    });
    assert!(found, "{report}");

    let key = place.path("a.key");
    let made = run([
        "key",
        "new",
        "a",
        "--folder",
        place.folder.path().to_str().unwrap(),
    ]);
    assert_eq!(made.status, Some(0), "{}", made.err);
    let signed = run(["plugin", "sign", &talks(), "--key", key.to_str().unwrap()]);
    assert_eq!(signed.status, Some(1));
    assert!(signed.err.contains(MEND), "{}", signed.err);
    let told = run(["plugin", "inspect", &talks()]);
    assert_eq!(told.status, Some(1));
    assert!(
        told.out.contains("NO HOST ACCEPTS this plugin"),
        "{}",
        told.out
    );
}
