//! What is left out is left out of every format, of every sum and of every rate, and says why.
#![allow(clippy::unwrap_used)]

mod support;

use overt_publication::document::{AnswersReport, DeploymentReport, DocumentError, PeriodReport};
use overt_publication::facts::{FactsError, Redaction};
use overt_publication::fields::{self, Kind};
use overt_publication::period::Period;
use overt_publication::register::RegisterState::{Cancelled, Closed};
use support::{january, made, register, whole};

fn redaction(field: &str) -> Redaction {
    Redaction {
        field: field.into(),
        reason: "exempt under the test’s own section 31".into(),
        deployment: None,
    }
}

#[test]
fn every_field_can_be_left_out_and_its_mark_with_the_reason_stands_in_every_format() {
    for field in fields::all() {
        let redactions = [redaction(field.path)];
        let report = match DeploymentReport::of(&whole(1), &redactions, made()) {
            Err(DocumentError::Facts(FactsError::Needed { .. })) => {
                assert!(["deployment.number", "deployment.mode"].contains(&field.path));
                continue;
            }
            report => report.unwrap(),
        };
        let mark = "redacted: exempt under the test’s own section 31";
        let (html, csv, json) = (
            report.html().unwrap(),
            report.csv().unwrap(),
            report.json().unwrap(),
        );
        assert!(html.contains(mark), "{}", field.path);
        let row = csv
            .lines()
            .find(|line| line.starts_with(&format!("{},", field.path)))
            .unwrap();
        assert!(
            row.ends_with("redacted,,exempt under the test’s own section 31"),
            "{row}"
        );
        assert!(!csv.contains(&format!("{}[", field.path)));
        let value: serde_json::Value = serde_json::from_str(&json).unwrap();
        let at = field
            .path
            .split('.')
            .fold(&value["record"], |value, key| &value[key]);
        assert_eq!(*at, serde_json::json!({ "redacted": redactions[0].reason }));
        assert_eq!(value["redactions"][0]["field"], field.path);
    }
}

#[test]
fn the_value_that_is_left_out_stands_nowhere() {
    let mut record = whole(1);
    // A figure that nothing else has.
    record.stops.fingerprints_asked = 7_654_321.into();
    record.deployment.place = "a place that nobody may know".to_owned().into();
    let redactions = [
        redaction("stops.fingerprints-asked"),
        redaction("deployment.place"),
    ];
    let report = DeploymentReport::of(&record, &redactions, made()).unwrap();
    for document in [
        report.html().unwrap(),
        report.csv().unwrap(),
        report.json().unwrap(),
    ] {
        assert!(!document.contains("7654321") && !document.contains("7,654,321"));
        assert!(!document.contains("a place that nobody may know"));
    }
}

#[test]
fn the_register_and_the_answers_leave_out_what_the_record_leaves_out() {
    let mut register = register(&[Closed, Cancelled]);
    register.entries[0].place = "a place that nobody may know".into();
    register.entries[1].reason = "a reason that nobody may know".into();
    let mut record = whole(1);
    record.deployment.place = "a place that nobody may know".to_owned().into();
    let redactions = [
        redaction("deployment.place"),
        redaction("register.reason"),
        redaction("deployment.planned-start"),
    ];
    let period = Period::of(january(), &register, &[record], &redactions).unwrap();
    let answers = AnswersReport::of(&period, &redactions, made());
    let report = PeriodReport::of(period, &redactions, made());
    for document in [
        report.html().unwrap(),
        report.csv().unwrap(),
        report.json().unwrap(),
        answers.html().unwrap(),
        answers.csv().unwrap(),
        answers.json().unwrap(),
    ] {
        assert!(!document.contains("nobody may know"));
        assert!(document.contains("exempt under the test’s own section 31"));
    }
}

#[test]
fn a_sum_or_a_rate_that_needs_what_is_left_out_says_that_it_cannot_be_had() {
    let report = DeploymentReport::of(&whole(1), &[redaction("alerts.raised")], made()).unwrap();
    let json: serde_json::Value = serde_json::from_str(&report.json().unwrap()).unwrap();
    for sum in json["sums"].as_array().unwrap() {
        let needs = [&sum["left"], &sum["right"]]
            .iter()
            .any(|side| side.as_array().unwrap().contains(&"alerts.raised".into()));
        assert_eq!(
            sum["verdict"].get("cannot-be-checked").is_some(),
            needs,
            "{sum}"
        );
    }
    for rate in json["rates"].as_array().unwrap() {
        let needs = rate["count"] == "alerts.raised" || rate["of"] == "alerts.raised";
        assert_eq!(rate["measured"].get("missing").is_some(), needs, "{rate}");
    }
    assert!(
        report
            .html()
            .unwrap()
            .contains("cannot be checked: something in it is redacted")
    );
}

#[test]
fn a_count_that_a_sum_gives_away_all_the_same_is_told_to_whoever_redacts() {
    let one = DeploymentReport::of(&whole(1), &[redaction("alerts.lapsed")], made()).unwrap();
    assert_eq!(
        one.given_away()
            .iter()
            .map(|(field, _)| *field)
            .collect::<Vec<_>>(),
        ["alerts.lapsed"]
    );
    let both = [redaction("alerts.lapsed"), redaction("alerts.withdrawn")];
    let two = DeploymentReport::of(&whole(1), &both, made()).unwrap();
    assert!(two.given_away().is_empty());
}

#[test]
fn a_part_of_the_record_is_left_out_whole() {
    let report =
        DeploymentReport::of(&whole(1), &[redaction("watchlist.everybody")], made()).unwrap();
    let json: serde_json::Value = serde_json::from_str(&report.json().unwrap()).unwrap();
    for field in fields::all().filter(|field| field.path.starts_with("watchlist.")) {
        let at = field
            .path
            .split('.')
            .fold(&json["record"], |value, key| &value[key]);
        assert_eq!(
            at.get("redacted").is_some(),
            field.path.contains("everybody"),
            "{}",
            field.path
        );
    }
}

#[test]
fn a_redaction_of_nothing_or_without_a_reason_is_refused() {
    let refused = |redaction| match DeploymentReport::of(&whole(1), &[redaction], made()) {
        Err(DocumentError::Facts(error)) => error,
        _ => panic!("it was not refused"),
    };
    let error = refused(redaction("alert.lapsd"));
    assert_eq!(
        error,
        FactsError::NoSuchField {
            field: "alert.lapsd".into(),
            nearest: "alerts.lapsed".into()
        }
    );
    // A member of a field is no field.
    assert!(matches!(
        refused(redaction("alerts.lapsed.recorded")),
        FactsError::NoSuchField { .. }
    ));
    let mut without = redaction("alerts.lapsed");
    without.reason = " ".into();
    assert!(matches!(refused(without), FactsError::NoReason { .. }));
    let mut elsewhere = redaction("alerts.lapsed");
    elsewhere.deployment = Some(9);
    assert!(Period::of(january(), &register(&[Closed]), &[whole(1)], &[elsewhere]).is_err());
}

#[test]
fn a_total_leaves_out_the_deployment_that_leaves_it_out_and_says_so() {
    let mut only_one = redaction("alerts.raised");
    only_one.deployment = Some(2);
    let period = Period::of(
        january(),
        &register(&[Closed, Closed]),
        &[whole(1), whole(2)],
        &[only_one],
    )
    .unwrap();
    let totals = period.totals(overt_publication::record::Mode::Live);
    let raised = totals
        .iter()
        .find(|total| total.field == "alerts.raised")
        .unwrap();
    assert_eq!((raised.total, raised.recorded_by, raised.of), (15, 1, 2));
    assert_eq!(raised.missing[0].number, 2);
}

#[test]
fn a_sum_is_checked_whatever_kind_its_fields_are() {
    let kinds = fields::all()
        .filter(|field| matches!(field.kind, Kind::Rows(_)))
        .count();
    assert!(kinds > 10);
    let report = DeploymentReport::of(&whole(1), &[redaction("cameras.groups")], made()).unwrap();
    assert!(report.broken().is_empty());
    assert!(
        report
            .given_away()
            .iter()
            .any(|(field, _)| *field == "cameras.groups")
    );
}
