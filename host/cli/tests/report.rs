//! `overt report`: what is published is what is on record, and what is not on record is not made up.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::fs;

use serde_json::{Value, json};
use support::{Ended, Place, run};

/// A report of the place's deployment.
fn report(place: &Place, arguments: &[&str]) -> Ended {
    let mut all = vec!["report".to_owned(), arguments[0].to_owned()];
    all.push(place.deployment().to_str().unwrap().to_owned());
    all.extend(arguments[1..].iter().map(|argument| (*argument).to_owned()));
    run(all)
}

fn json_of(ended: &Ended) -> Value {
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    serde_json::from_str(&ended.out).unwrap()
}

/// Puts a register beside the deployment: the place's own deployment, in this state, and a plan that was cancelled.
fn register(place: &Place, state: &str, last_number: u64) -> String {
    let entry = |number: u64, deployment: &str, state: &str, reason: &str| {
        json!({
            "number": number, "deployment": deployment, "mode": "live", "state": state,
            "planned-start": "2026-01-31T09:00:00Z", "planned-end": "2026-01-31T17:00:00Z",
            "place": "Market Square", "use-case": "crime hotspot", "purpose": "A test.", "body-worn": 0, "reason": reason,
        })
    };
    let id = overt_deployment::Deployment::read(&place.deployment())
        .unwrap()
        .id;
    let register = json!({
        "last-number": last_number,
        "entries": [entry(1, &id, state, ""), entry(2, "never", "cancelled", "it rained")],
    });
    let file = place.path("register.json");
    fs::write(&file, register.to_string()).unwrap();
    file.to_str().unwrap().to_owned()
}

fn particulars(place: &Place, text: &str) -> String {
    let file = place.path("force.toml");
    fs::write(&file, text).unwrap();
    file.to_str().unwrap().to_owned()
}

const PARTICULARS: &str = "controller = \"The Chief Constable of Anytown\"
contact = \"1 Station Road\"
data-protection-officer = \"dpo@anytown.example\"
lawful-basis = \"The force’s own words.\"
rights = [\"You can ask what is held about you.\"]
how-to-use-rights = \"Write to the data protection officer.\"
complaints = \"complaints@anytown.example\"
regulator = \"The regulator.\"
more = \"anytown.example/lfr\"
";

#[test]
fn what_a_run_counted_is_what_is_published_and_asked_for() {
    let place = Place::with_person_a();
    place.film(60);
    let ran = place.run();
    assert_eq!(ran.status, Some(0), "{}", ran.err);
    let summary: Value =
        serde_json::from_slice(&fs::read(place.path("out/summary.json")).unwrap()).unwrap();

    let report_of_it = json_of(&report(&place, &["deployment", "--format", "json"]));
    let record = &report_of_it["record"];
    let raised = summary["alerts"].as_array().unwrap().len();
    assert!(raised > 0);
    for (path, expected) in [
        ("/alerts/raised", json!(raised)),
        ("/alerts/open", json!(raised)),
        ("/faces/detections", summary["faces"].clone()),
        ("/faces/tracks", summary["tracks"].clone()),
        ("/frames/read", summary["frames"]["read"].clone()),
        ("/frames/unseen", summary["frames"]["unseen"].clone()),
        ("/stops/total", json!(0)),
        ("/cameras/total", json!(1)),
        ("/deployment/rehearsal", json!(false)),
    ] {
        assert_eq!(
            record.pointer(path).unwrap()["recorded"],
            expected,
            "{path}"
        );
    }
    let plugins = record["software"]["plugins"]["recorded"]
        .as_array()
        .unwrap();
    for plugin in summary["plugins"].as_array().unwrap() {
        let published = plugins
            .iter()
            .find(|one| one["name"] == plugin["id"])
            .unwrap();
        assert_eq!(published["sha256"], plugin["sha256"]);
    }
    // What no register and no list says is not made up.
    for path in [
        "/deployment/number",
        "/watchlist/everybody/not-wanted-for-arrest",
        "/people-engaged/sex",
    ] {
        assert!(
            record.pointer(path).unwrap().get("not-recorded").is_some(),
            "{path}"
        );
    }
    for sum in report_of_it["sums"].as_array().unwrap() {
        assert!(sum["verdict"].get("does-not-hold").is_none(), "{sum}");
    }
    // No score of an alert that somebody still has to judge.
    assert_eq!(record["alerts"]["scores"]["recorded"], json!([]));

    let file = place.path("record.html");
    let written = report(&place, &["deployment", "-o", file.to_str().unwrap()]);
    assert_eq!(
        (written.status, written.out.as_str()),
        (Some(0), ""),
        "{}",
        written.err
    );
    assert!(
        fs::read_to_string(file)
            .unwrap()
            .starts_with("<!DOCTYPE html>")
    );

    let whole = register(&place, "closed", 2);
    let january = [
        "--register",
        &whole,
        "--from",
        "2026-01-01",
        "--to",
        "2026-01-31",
    ];
    let with = |what: &str, format: &str| {
        report(
            &place,
            &[&[what][..], &january, &["--format", format]].concat(),
        )
    };
    let answers = json_of(&with("questions", "json"));
    let answer = |id: &str| {
        let answers = answers["answers"].as_array().unwrap();
        answers.iter().find(|answer| answer["id"] == id).unwrap()["answer"].clone()
    };
    assert_eq!(answer("deployments")["information"]["rows"][0][0], "1");
    assert_eq!(
        answer("planned-live")["information"]["rows"][0][8],
        "it rained"
    );
    assert!(
        answer("body-worn")["none"]["because"]
            .as_str()
            .unwrap()
            .contains("whole from 1 to 2")
    );
    assert!(answer("cost").get("out-of-scope").is_some());
    let period = json_of(&with("period", "json"));
    let totals = period["modes"][0]["totals"].as_array().unwrap();
    let total = totals
        .iter()
        .find(|total| total["field"] == "alerts.raised")
        .unwrap();
    assert_eq!(total["total"], raised);
    assert_eq!(with("period", "csv").out.lines().count(), 3);

    let gap = register(&place, "closed", 3);
    let refused = report(
        &place,
        &[
            "period",
            "--register",
            &gap,
            "--from",
            "2026-01-01",
            "--to",
            "2026-01-31",
        ],
    );
    assert_eq!(refused.status, Some(1));
    assert!(
        refused.err.contains("no entry with the number 3") && refused.err.contains("help: "),
        "{}",
        refused.err
    );
    let never = register(&place, "refused", 2);
    let refused = report(
        &place,
        &[
            "questions",
            "--register",
            &never,
            "--from",
            "2026-01-01",
            "--to",
            "2026-01-31",
        ],
    );
    assert_eq!(refused.status, Some(1));
    assert!(
        refused
            .err
            .contains("the register says that it was refused"),
        "{}",
        refused.err
    );

    let redactions = place.path("left-out.toml");
    fs::write(
        &redactions,
        "[[redaction]]\nfield = \"alerts.open\"\nreason = \"a reason\"\n",
    )
    .unwrap();
    let redact = [
        "deployment",
        "--format",
        "csv",
        "--redact",
        redactions.to_str().unwrap(),
    ];
    let told = report(&place, &redact);
    assert_eq!(told.status, Some(0), "{}", told.err);
    assert!(
        told.out
            .contains("alerts.open,Not closed yet,redacted,,a reason")
    );
    assert!(
        told.err.contains("alerts.open is left out in vain"),
        "{}",
        told.err
    );
    fs::write(
        &redactions,
        "[[redaction]]\nfield = \"alert.open\"\nreason = \"a reason\"\n",
    )
    .unwrap();
    let refused = report(&place, &redact);
    assert_eq!((refused.status, refused.out.as_str()), (Some(2), ""));
    assert!(
        refused.err.contains("did you mean alerts.open?"),
        "{}",
        refused.err
    );
}

#[test]
fn a_deployment_without_a_store_has_no_record_and_a_notice_all_the_same() {
    let place = Place::new();
    let refused = report(&place, &["deployment"]);
    assert_eq!((refused.status, refused.out.as_str()), (Some(1), ""));
    assert!(
        refused.err.contains("nothing is on record") && refused.err.contains("help: "),
        "{}",
        refused.err
    );

    let force = particulars(&place, PARTICULARS);
    let text = report(
        &place,
        &["notice", "--particulars", &force, "--format", "text"],
    );
    assert_eq!(text.status, Some(0), "{}", text.err);
    for said in [
        "The Chief Constable of Anytown",
        "missing-person",
        "at most 24 hours",
        "To the regulator: The regulator.",
    ] {
        assert!(text.out.contains(said), "{said}\n{}", text.out);
    }
    let sign = report(
        &place,
        &["notice", "--particulars", &force, "--format", "sign-a3"],
    );
    assert!(sign.out.contains("size: A3"));
    let silent = particulars(&place, &PARTICULARS.replace("The regulator.", " "));
    let refused = report(&place, &["notice", "--particulars", &silent]);
    assert_eq!((refused.status, refused.out.as_str()), (Some(2), ""));
    assert!(
        refused.err.contains("would not say: regulator"),
        "{}",
        refused.err
    );
    let unknown = particulars(&place, &format!("{PARTICULARS}motto = \"x\"\n"));
    let refused = report(&place, &["notice", "--particulars", &unknown]);
    assert_eq!(refused.status, Some(2));
    assert!(refused.err.contains("motto"), "{}", refused.err);
}
