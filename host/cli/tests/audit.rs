//! `overt audit verify | lodge | export`: what a deployment has left is proven with a head that was lodged, unproven without one, and broken once somebody laid
//! hands on it; an export is verified by the verifier in Python.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::path::Path;
use std::process::Command;

use overt_tests::schema::Schema;
use serde_json::Value;
use support::{Ended, Place, run};

fn audit(place: &Place, command: &str, more: &[&str]) -> Ended {
    let deployment = place.deployment();
    let mut arguments = vec!["audit", command, deployment.to_str().unwrap()];
    arguments.extend(more);
    run(arguments)
}

/// The same by somebody who is signed in.
fn audit_as(place: &Place, who: &str, command: &str, more: &[&str]) -> Ended {
    let deployment = place.deployment();
    let mut arguments = vec!["audit", command, deployment.to_str().unwrap()];
    arguments.extend(more);
    place.run_as(who, arguments)
}

/// What `verify --json` says, which is as the schema says.
fn verify(place: &Place, more: &[&str], status: i32) -> Value {
    let ended = audit(place, "verify", &[more, &["--json"]].concat());
    assert_eq!(ended.status, Some(status), "{}{}", ended.out, ended.err);
    let report: Value = serde_json::from_str(&ended.out).unwrap();
    let schema = Schema::parse(include_str!("../audit-verify.schema.json"));
    assert_eq!(schema.errors(&report), Vec::<String>::new(), "{report}");
    report
}

/// The verifier in Python, and what it ends with.
fn python(export: &Path, head: &Path) -> (Option<i32>, Value) {
    let verifier = Path::new(env!("CARGO_MANIFEST_DIR")).join("../records/audit/verify.py");
    let output = Command::new("python3")
        .arg("-B")
        .arg(verifier)
        .arg(export)
        .arg("--head")
        .arg(head)
        .output()
        .unwrap();
    let said = serde_json::from_slice(&output.stdout).unwrap_or_default();
    (output.status.code(), said)
}

#[test]
fn a_run_is_proven_by_a_lodged_head_and_an_older_copy_of_its_records_is_found_out() {
    let place = Place::with_person_a();
    place.film(60);
    let enrolled = std::fs::read(place.path("out/records.redb")).unwrap();
    let ended = place.run();
    assert_eq!(ended.status, Some(0), "{}{}", ended.out, ended.err);
    assert!(ended.err.contains("ALERT 1"), "{}", ended.err);

    let report = verify(&place, &[], 3);
    assert_eq!(report["verdict"], "tail-unproven");
    assert_eq!(report["has_head_outside"], true);
    let words = audit(&place, "verify", &[]);
    assert!(words.out.contains("TAIL UNPROVEN"), "{}", words.out);

    // What the run left names the newest event.
    let summary = std::fs::read(place.path("out/summary.json")).unwrap();
    let summary: Value = serde_json::from_slice(&summary).unwrap();
    assert_eq!(summary["audit"]["events"], report["events"]);

    let (head, export) = (place.path("head.json"), place.path("log.jsonl"));
    let (head_name, export_name) = (head.to_str().unwrap(), export.to_str().unwrap());
    let lodged = audit(&place, "lodge", &["--out", head_name]);
    assert_eq!(lodged.status, Some(0), "{}", lodged.err);
    let text = std::fs::read_to_string(&head).unwrap();
    assert!(text.contains(summary["audit"]["hash"].as_str().unwrap()));
    let report = verify(&place, &["--head", head_name], 0);
    assert_eq!(report["verdict"], "proven");

    let export_run = ["--run", "1", "--out", export_name];
    let nobody = audit(&place, "export", &export_run);
    assert!(nobody.err.contains("nobody is signed in"), "{}", nobody.err);
    let exported = audit_as(&place, "ada", "export", &export_run);
    assert_eq!(exported.status, Some(0), "{}", exported.err);
    let text = std::fs::read_to_string(&export).unwrap();
    assert!(text.contains(r#""kind":"alert-raised""#), "{text}");
    assert!(!text.contains("image-enrolled"), "that was before the run");
    let (status, said) = python(&export, &head);
    assert_eq!((status, &said["verdict"]), (Some(0), &"proven".into()));
    let ended = run([
        "audit",
        "verify",
        "--export",
        export_name,
        "--head",
        head_name,
    ]);
    assert_eq!(ended.status, Some(0), "{}{}", ended.out, ended.err);
    std::fs::write(&export, text.replace("alert-raised", "alert-folded")).unwrap();
    let (status, said) = python(&export, &head);
    assert_eq!((status, &said["kind"]), (Some(1), &"changed".into()));
    let ended = run([
        "audit",
        "verify",
        "--export",
        export_name,
        "--head",
        head_name,
    ]);
    assert_eq!(ended.status, Some(1), "{}{}", ended.out, ended.err);
    assert!(ended.out.contains("CHANGED"), "{}", ended.out);

    // A copy of before the run is put in the place of the records.
    std::fs::write(place.path("out/records.redb"), enrolled).unwrap();
    for more in [&[][..], &["--head", head_name]] {
        let report = verify(&place, more, 1);
        assert_eq!(report["kind"], "rolled-back");
    }
    let refused = audit(&place, "lodge", &[]);
    assert_eq!(refused.status, Some(1));
    assert!(
        refused.err.contains("overt audit verify"),
        "{}",
        refused.err
    );
}

#[test]
fn a_mistake_in_what_is_given_is_told_with_its_mend() {
    let place = Place::with_person_a();
    let none = place.path("none.json");
    std::fs::write(&none, "{}").unwrap();
    let ended = audit(&place, "verify", &["--head", none.to_str().unwrap()]);
    assert_eq!(ended.status, Some(2), "{}{}", ended.out, ended.err);
    assert!(ended.err.contains("none.json") && ended.err.contains("overt audit lodge"));
    let ended = run(["audit", "verify"]);
    assert_eq!(ended.status, Some(2));
    let ended = audit_as(
        &place,
        "ada",
        "export",
        &["--run", "7", "--out", "/dev/null"],
    );
    assert_eq!(ended.status, Some(1));
    assert!(ended.err.contains("no run 7"), "{}", ended.err);
}
