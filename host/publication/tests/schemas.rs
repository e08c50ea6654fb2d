//! The published schemas and what is written are one.
#![allow(clippy::unwrap_used)]

#[path = "../../../tests/src/schema.rs"]
#[allow(dead_code, unreachable_pub)]
mod schema;
mod support;

use overt_publication::document::{AnswersReport, DeploymentReport, PeriodReport};
use overt_publication::facts::Redaction;
use overt_publication::field::Field;
use overt_publication::period::Period;
use overt_publication::record::DeploymentRecord;
use overt_publication::register::RegisterState::*;
use schema::Schema;
use serde_json::Value;
use support::{january, made, oxford_circus, register, the_year, whole};

fn redactions() -> Vec<Redaction> {
    vec![Redaction {
        field: "watchlist.everybody".into(),
        reason: "a reason".into(),
        deployment: None,
    }]
}

fn deployment(record: &DeploymentRecord, redactions: &[Redaction]) -> Value {
    let report = DeploymentReport::of(record, redactions, made()).unwrap();
    serde_json::from_str(&report.json().unwrap()).unwrap()
}

fn deployment_schema() -> Schema {
    Schema::parse(include_str!("../deployment-report.schema.json"))
}

fn agrees(schema: &Schema, value: &Value) {
    let errors = schema.errors(value);
    assert!(errors.is_empty(), "{errors:#?}");
}

#[test]
fn what_is_written_of_a_deployment_is_as_its_schema_says() {
    let schema = deployment_schema();
    let mut impossible = oxford_circus();
    impossible.alerts.false_alerts = 12.into();
    impossible.stops.identity_checked = 0.into();
    impossible.stops.verified_correct = 0.into();
    impossible.alerts.scores = Field::Expired("gone".into());
    for record in [
        whole(1),
        oxford_circus(),
        the_year(),
        impossible,
        DeploymentRecord::default(),
    ] {
        agrees(&schema, &deployment(&record, &[]));
        agrees(&schema, &deployment(&record, &redactions()));
    }
}

#[test]
fn the_schema_asks_for_every_field_and_knows_no_other() {
    let schema = deployment_schema();
    let whole = deployment(&whole(1), &[]);
    let mut dropped = 0;
    for (part, fields) in whole["record"].as_object().unwrap() {
        for field in fields.as_object().unwrap().keys() {
            let mut less = whole.clone();
            less["record"][part].as_object_mut().unwrap().remove(field);
            assert!(!schema.is_valid(&less), "{part}.{field}");
            let mut bare = whole.clone();
            bare["record"][part][field] = 0.into();
            assert!(!schema.is_valid(&bare), "{part}.{field} as a bare number");
            dropped += 1;
        }
        let mut more = whole.clone();
        more["record"][part]["another"] = 1.into();
        assert!(!schema.is_valid(&more), "{part}");
    }
    assert!(dropped > 60);
}

#[test]
fn what_is_written_of_a_period_and_answered_is_as_its_schema_says() {
    let period_schema = Schema::parse(include_str!("../period-report.schema.json"));
    let answers_schema = Schema::parse(include_str!("../answers.schema.json"));
    let mut broken = whole(2);
    broken.alerts.lapsed = 9.into();
    broken.deployment.place = "Elsewhere".to_owned().into();
    let register = register(&[Closed, Run, Planned, Authorised, Refused, Cancelled]);
    for redactions in [Vec::new(), redactions()] {
        let period = Period::of(
            january(),
            &register,
            &[whole(1), broken.clone()],
            &redactions,
        )
        .unwrap();
        let answers = AnswersReport::of(&period, &redactions, made());
        let report = PeriodReport::of(period, &redactions, made());
        agrees(
            &period_schema,
            &serde_json::from_str(&report.json().unwrap()).unwrap(),
        );
        agrees(
            &answers_schema,
            &serde_json::from_str(&answers.json().unwrap()).unwrap(),
        );
    }
}
