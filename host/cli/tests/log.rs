//! The log of a run: incidents with a field for each fact, and a span for each call of a plugin. It names nobody.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;
use support::Place;

/// Runs with a log of JSON lines at this level: the lines.
fn logged(place: &Place, level: &str) -> Vec<Value> {
    let log = place.path("run.jsonl");
    let deployment = place.deployment();
    let mut command = place.runs();
    command.args([
        deployment.as_os_str(),
        "--log".as_ref(),
        log.as_os_str(),
        "--log-format".as_ref(),
        "json".as_ref(),
        "--log-level".as_ref(),
        level.as_ref(),
    ]);
    command.output().unwrap();
    let text = std::fs::read_to_string(&log).unwrap();
    for about in ["MP-0001", "missing-person", "score"] {
        assert!(!text.contains(about), "{about}");
    }
    let mode = std::fs::metadata(&log).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn a_hostile_plugin_leaves_incidents_with_their_facts_as_fields() {
    let place = Place::with_person_a();
    place.film(60);
    place.hostile_detector("", "box-of-nan");
    let lines = logged(&place, "info");
    let of = |incident: &str| -> Vec<&Value> {
        let wanted = |line: &&Value| line["incident"] == incident;
        lines.iter().filter(wanted).collect()
    };
    let failed = of("call-failed");
    assert!(failed.len() >= 10, "{lines:?}");
    for (line, frame) in failed.iter().zip(1..) {
        assert_eq!(line["target"], "overt::incident");
        assert_eq!(line["level"], "WARN");
        assert_eq!(line["plugin"], "hostile-perception");
        assert_eq!(line["role"], "detector");
        assert_eq!(line["camera"], "concourse");
        assert_eq!(line["cause"], "answer");
        assert_eq!(line["frame"], frame, "{line}");
        assert!(line["version"].is_string());
    }
    let [quarantine] = of("quarantine")[..] else {
        panic!("{lines:?}");
    };
    assert_eq!(quarantine["level"], "ERROR");
    assert_eq!(quarantine["plugin"], "hostile-perception");
    assert_eq!(quarantine["strikes"], 10);
    assert!(lines.iter().all(|line| line["span"].is_null()), "{lines:?}");
}

#[test]
fn every_call_of_a_plugin_is_a_span_that_says_what_it_came_to() {
    let place = Place::with_person_a();
    place.film(40);
    let lines = logged(&place, "debug");
    let spans: Vec<&Value> = lines
        .iter()
        .filter(|line| line["target"] == "overt::call" && line["message"] == "close")
        .map(|line| &line["span"])
        .collect();
    let of = |role: &str| -> Vec<&&Value> {
        let wanted = |span: &&&Value| span["role"] == role && span["camera"] == "concourse";
        spans.iter().filter(wanted).collect()
    };
    let frames: std::collections::BTreeSet<u64> = of("detector")
        .iter()
        .map(|span| span["frame"].as_u64().unwrap())
        .collect();
    assert_eq!(frames.len(), 40);
    for span in of("detector") {
        assert_eq!(span["name"], "plugin_call");
        assert_eq!(span["plugin"], "detector-centerface");
        assert_eq!(span["outcome"], "answered");
        assert!(span["micros"].as_u64().unwrap() > 0 && span["memory"].as_u64().unwrap() > 0);
        assert!(span["fuel"].is_null());
    }
    let policy = of("matcher-policy");
    assert!(!policy.is_empty());
    assert!(policy.iter().all(|span| span["fuel"].as_u64().unwrap() > 0));
}

#[test]
fn a_level_that_is_none_is_a_mistake_and_the_environment_gives_one_as_well() {
    let place = Place::new();
    let with = |level: &str| -> support::Ended {
        let mut command = place.runs();
        command.arg(place.deployment());
        command.env("OVERT_LOG", level).output().unwrap().into()
    };
    let ended = with("overt=loud");
    assert_eq!(ended.status, Some(2), "{}", ended.err);
    assert!(
        ended.err.contains("is no level") && ended.err.contains("OVERT_LOG"),
        "{}",
        ended.err
    );
}
