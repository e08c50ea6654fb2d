//! A period accounts for every number of the register, or there is no report of it.
#![allow(clippy::unwrap_used)]

#[path = "../../../tests/src/schema.rs"]
#[allow(dead_code, unreachable_pub)]
mod schema;
mod support;

use overt_publication::document::PeriodReport;
use overt_publication::period::{Period, PeriodError, Span};
use overt_publication::questions::{Held, answers};
use overt_publication::record::Mode;
use overt_publication::register::RegisterState::*;
use overt_publication::register::{Gone, Register, RegisterError};
use schema::Schema;
use support::{at, january, made, register, whole};

fn refused(
    register: &Register,
    records: &[overt_publication::record::DeploymentRecord],
) -> PeriodError {
    Period::of(january(), register, records, &[]).unwrap_err()
}

#[test]
fn gaps_in_the_numbers_are_refused_and_named() {
    let mut register = register(&[Closed, Planned, Planned, Planned, Planned, Planned]);
    register
        .entries
        .retain(|entry| ![2, 4, 5].contains(&entry.number));
    let error = refused(&register, &[whole(1)]);
    assert_eq!(
        error.to_string(),
        "the register has no entry with the number 2, 4, 5; its newest is 6"
    );
}

#[test]
fn a_tail_that_was_cut_off_is_a_gap() {
    let mut register = register(&[Closed, Planned, Planned]);
    register.entries.pop();
    let error = refused(&register, &[whole(1)]);
    assert_eq!(
        error,
        PeriodError::Register(RegisterError::Gap {
            missing: vec![3],
            last: 3
        })
    );
}

#[test]
fn a_gap_outside_the_period_is_a_gap_too() {
    let mut register = register(&[Planned, Closed]);
    register.entries.remove(0);
    assert!(matches!(
        refused(&register, &[whole(2)]),
        PeriodError::Register(_)
    ));
}

#[test]
fn numbers_given_twice_or_never_are_refused() {
    let mut twice = register(&[Planned, Planned]);
    twice.entries[1].number = 1;
    assert_eq!(
        refused(&twice, &[]),
        PeriodError::Register(RegisterError::Twice { number: 1 })
    );
    let mut never = register(&[Planned, Planned]);
    never.last_number = 1;
    assert_eq!(
        refused(&never, &[]),
        PeriodError::Register(RegisterError::NeverGiven { number: 2, last: 1 })
    );
}

#[test]
fn a_deployment_that_ran_without_a_record_is_refused_and_so_is_a_record_that_never_ran() {
    let ran = register(&[Closed, Run]);
    assert!(matches!(
        refused(&ran, &[whole(1)]),
        PeriodError::NoRecord { number: 2, .. }
    ));
    for state in [Planned, Authorised, Refused, Cancelled] {
        assert_eq!(
            refused(&register(&[state]), &[whole(1)]),
            PeriodError::NeverRan { number: 1, state }
        );
    }
    assert_eq!(
        refused(&register(&[Closed]), &[whole(1), whole(7)]),
        PeriodError::Unregistered { number: 7 }
    );
    assert_eq!(
        refused(&register(&[Closed]), &[whole(1), whole(1)]),
        PeriodError::TwoRecords { number: 1 }
    );
    let mut unnumbered = whole(1);
    unnumbered.deployment.number = overt_publication::field::Field::default();
    assert!(matches!(
        refused(&register(&[Closed]), &[unnumbered]),
        PeriodError::NoNumber { .. }
    ));
}

/// Entries 1 and 2 are gone, all of them of before this time.
fn with_gone(before: &str) -> Register {
    let mut register = register(&[Planned, Planned, Closed]);
    register.entries.drain(..2);
    register.gone.push(Gone {
        first: 1,
        last: 2,
        at: at("2036-03-01T10:00:00Z"),
        before: at(before),
        rules_version: 3,
    });
    register
}

#[test]
fn entries_that_are_gone_by_the_rules_period_are_said_to_be_and_are_no_gap() {
    let said = "1, 2 (on 1 March 2036, by version 3 of the rules)";
    let register = with_gone("2026-01-20T00:00:00Z");
    let period = Period::of(january(), &register, &[whole(3)], &[]).unwrap();
    for answer in answers(&period) {
        match answer.answer {
            Held::Information { sentence: text, .. } | Held::None { because: text } => {
                assert!(text.contains(said), "{text}");
                assert!(text.contains("nothing here counts those"), "{text}");
            }
            _ => {}
        }
    }
    let report = PeriodReport::of(period, &[], made());
    let html = report.html().unwrap();
    assert!(html.contains("accounts for each from 1 to 3"), "{html}");
    assert!(html.contains("nothing here counts those"));
    let csv = report.csv().unwrap();
    assert_eq!(csv.lines().count(), 4);
    assert!(csv.contains("2,,,gone by the period of the force’s rules,"));
    let json: serde_json::Value = serde_json::from_str(&report.json().unwrap()).unwrap();
    assert_eq!(json["register"]["gone"][0]["last"], 2);
    let schema = Schema::parse(include_str!("../period-report.schema.json"));
    assert_eq!(schema.errors(&json), Vec::<String>::new());
}

#[test]
fn entries_that_went_and_were_of_an_earlier_time_are_in_nobodys_way() {
    let register = with_gone("2026-01-01T00:00:00Z");
    let period = Period::of(january(), &register, &[whole(3)], &[]).unwrap();
    let report = PeriodReport::of(period, &[], made());
    let html = report.html().unwrap();
    assert!(html.contains("the entries 1, 2 (on 1 March 2036"), "{html}");
    assert!(!html.contains("nothing here counts those"));
    assert_eq!(report.csv().unwrap().lines().count(), 2);
}

#[test]
fn a_number_that_is_gone_and_there_or_gone_and_never_given_is_refused() {
    let mut twice = with_gone("2026-01-20T00:00:00Z");
    twice.gone[0].last = 3;
    assert_eq!(
        refused(&twice, &[whole(3)]),
        PeriodError::Register(RegisterError::Twice { number: 3 })
    );
    let mut never = with_gone("2026-01-20T00:00:00Z");
    never.entries.clear();
    never.gone[0].last = u64::MAX;
    assert_eq!(
        refused(&never, &[]),
        PeriodError::Register(RegisterError::NeverGiven { number: 4, last: 3 })
    );
}

#[test]
fn planned_refused_and_cancelled_deployments_are_listed_with_their_reasons() {
    let register = register(&[Closed, Planned, Authorised, Refused, Cancelled]);
    let period = Period::of(january(), &register, &[whole(1)], &[]).unwrap();
    let report = PeriodReport::of(period, &[], made());
    let html = report.html().unwrap();
    for shown in [
        "5 in the register (1 planned, 1 authorised, 1 refused, 1 cancelled, 0 run, 1 closed)",
        "not proportionate",
        "the vehicle was needed elsewhere",
        "whole from 1 to 5",
    ] {
        assert!(html.contains(shown), "{shown}");
    }
    let csv = report.csv().unwrap();
    assert_eq!(csv.lines().count(), 6);
}

#[test]
fn a_period_is_half_open_and_may_be_empty() {
    let register = register(&[Closed]);
    let before = Span {
        from: at("2026-01-01T00:00:00Z"),
        to: at("2026-01-31T09:00:00Z"),
    };
    let period = Period::of(before, &register, &[whole(1)], &[]).unwrap();
    assert!(period.entries().is_empty() && period.deployments().is_empty());
    let report = PeriodReport::of(period, &[], made());
    assert!(
        report
            .html()
            .unwrap()
            .contains("None: no deployment of this mode ran")
    );
    let backwards = Span {
        from: january().to,
        to: january().from,
    };
    assert_eq!(
        Period::of(backwards, &register, &[], &[]).unwrap_err(),
        PeriodError::Backwards
    );
}

#[test]
fn a_rehearsal_is_listed_and_counts_in_no_total() {
    let mut rehearsal = whole(2);
    rehearsal.deployment.rehearsal = true.into();
    let period = Period::of(
        january(),
        &register(&[Closed, Authorised]),
        &[whole(1), rehearsal.clone()],
        &[],
    )
    .unwrap();
    assert_eq!(period.disagreements(), []);
    let totals = period.totals(Mode::Live);
    let raised = totals
        .iter()
        .find(|total| total.field == "alerts.raised")
        .unwrap();
    assert_eq!((raised.total, raised.of), (15, 1));
    assert_eq!(period.deployments().len(), 2);
    let page = PeriodReport::of(period, &[], made()).html().unwrap();
    assert!(page.contains("Only rehearsed"));

    // Where the register knows of a live run, rehearsals are not its record.
    let register = register(&[Closed, Closed]);
    let period = Period::of(january(), &register, &[whole(1), rehearsal], &[]).unwrap();
    assert_eq!(period.disagreements()[0].what, "runs");
}

#[test]
fn a_record_that_says_otherwise_than_the_register_is_marked() {
    let mut record = whole(1);
    record.deployment.place = "Elsewhere".to_owned().into();
    let period = Period::of(january(), &register(&[Closed]), &[record], &[]).unwrap();
    let found = period.disagreements();
    assert_eq!(
        (found.len(), found[0].what, found[0].number),
        (1, "place", 1)
    );
    let html = PeriodReport::of(period, &[], made()).html().unwrap();
    assert!(
        html.contains("Records say otherwise than the register.") && html.contains("Elsewhere")
    );
}

#[test]
fn a_sum_that_does_not_hold_in_one_record_is_marked_in_the_period_with_its_number() {
    let mut record = whole(2);
    record.alerts.lapsed = 4.into();
    let period = Period::of(
        january(),
        &register(&[Closed, Closed]),
        &[whole(1), record],
        &[],
    )
    .unwrap();
    let report = PeriodReport::of(period, &[], made());
    assert_eq!(
        report
            .broken()
            .iter()
            .map(|(number, check)| (*number, check.id))
            .collect::<Vec<_>>(),
        [(2, "alerts-by-state")]
    );
    assert!(
        report
            .html()
            .unwrap()
            .contains("number 2: “Alerts raised” is 15")
    );
    assert!(
        report
            .csv()
            .unwrap()
            .contains("alerts-by-state: 15 against 18")
    );
}

#[test]
fn a_deployment_that_ran_in_two_modes_has_a_record_for_each_and_counts_in_both() {
    let mut stored = whole(1);
    stored.deployment.mode = Mode::Retrospective.into();
    stored.alerts.raised = 2.into();
    let mut register = register(&[Closed]);
    register.entries[0].modes.push(Mode::Retrospective);
    let period = Period::of(january(), &register, &[whole(1), stored.clone()], &[]).unwrap();
    assert_eq!(period.disagreements(), []);
    for (mode, expected) in [(Mode::Live, 15), (Mode::Retrospective, 2)] {
        let totals = period.totals(mode);
        let raised = totals.iter().find(|total| total.field == "alerts.raised");
        assert_eq!(
            raised.map(|total| (total.total, total.of)),
            Some((expected, 1))
        );
    }
    let sheet = PeriodReport::of(period, &[], made()).csv().unwrap();
    assert_eq!(sheet.lines().count(), 3, "{sheet}");
    assert_eq!(
        refused(&register, &[stored.clone(), stored]),
        PeriodError::TwoRecords { number: 1 }
    );
}
