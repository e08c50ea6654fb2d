//! `overt report`: what is published is what is on record, and what is not on record is not made up.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::fs;

use serde_json::{Value, json};
use support::{Ended, Place};

/// A report of the place's deployment, by the force's auditor.
fn report(place: &Place, arguments: &[&str]) -> Ended {
    let mut all = vec!["report".to_owned(), arguments[0].to_owned()];
    all.push(place.deployment().to_str().unwrap().to_owned());
    all.extend(arguments[1..].iter().map(|argument| (*argument).to_owned()));
    place.run_as("ada", all)
}

fn json_of(ended: &Ended) -> Value {
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    serde_json::from_str(&ended.out).unwrap()
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
    // What nobody says is not made up, and nobody who was not stopped is counted.
    assert_eq!(
        record["outcomes"]["arrests-by-reason"]["recorded"],
        json!([])
    );
    assert_eq!(record["people-engaged"]["sex"]["recorded"], json!([]));
    assert_eq!(record["deployment"]["rehearsals"]["recorded"], json!([]));
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

#[test]
fn a_notice_tells_what_was_authorised_and_nothing_of_what_takes_place_no_more() {
    let place = Place::new();
    let deployment = |who: &str, verb: &str, more: &[&str]| {
        let mut overt = place.overt_as(who);
        overt.args(["deployment", verb]).arg(place.deployment());
        let ended: Ended = overt.args(more).output().unwrap().into();
        assert_eq!(ended.status, Some(0), "{verb}: {}", ended.err);
    };
    // The deployment file names the particulars.
    place.film(2);
    let text = || report(&place, &["notice", "--format", "text"]);
    place.change("A drawn station concourse", "Platform 1");
    let planned = text();
    assert_eq!(planned.status, Some(0), "{}", planned.err);
    assert!(
        planned.out.contains("Platform 1.") && planned.out.contains("You can walk another way.")
    );

    deployment("paula", "plan", &[]);
    deployment("boss", "authorise", &["--reference", "T/1"]);
    let later = [
        "--until",
        "2036-01-02T03:00:00Z",
        "--reference",
        "T/1a",
        "--reason",
        "more time",
    ];
    deployment("boss", "extend", &later);
    // What the file says since is not what was authorised.
    place.change("Platform 1", "Platform 2");
    let told = text().out;
    assert!(
        told.contains("Platform 1.") && !told.contains("Platform 2"),
        "{told}"
    );
    assert!(told.contains("2 January 2036, 03:00 UTC"), "{told}");

    deployment("boss", "cancel", &["--reason", "it rained"]);
    let refused = text();
    assert_eq!((refused.status, refused.out.as_str()), (Some(1), ""));
    assert!(
        refused
            .err
            .contains("deployment 1 of the register is cancelled"),
        "{}",
        refused.err
    );
    place.change("particulars = ", "# ");
    let unnamed = text();
    assert_eq!(unnamed.status, Some(2), "{}", unnamed.err);
    assert!(
        unnamed.err.contains("`particulars` under [notice]"),
        "{}",
        unnamed.err
    );
}
