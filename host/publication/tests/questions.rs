//! Every question is asked, and each has its answer: information, nothing, or not ours to say.
#![allow(clippy::unwrap_used)]

mod support;

use overt_publication::period::Period;
use overt_publication::questions::{Held, Question, answers};
use overt_publication::record::{Footage, Mode};
use overt_publication::register::RegisterState::*;
use support::{at, entry, january, register, whole};

fn of(states: &[overt_publication::register::RegisterState]) -> Period {
    let records: Vec<_> = (1..)
        .zip(states)
        .filter(|(_, state)| matches!(state, Run | Closed))
        .map(|(number, _)| whole(number))
        .collect();
    Period::of(january(), &register(states), &records, &[]).unwrap()
}

fn information(
    period: &Period,
    question: Question,
) -> (String, Vec<&'static str>, Vec<Vec<String>>) {
    match question.answer(period).answer {
        Held::Information {
            sentence,
            columns,
            rows,
        } => {
            assert!(
                rows.iter().all(|row| row.len() == columns.len()),
                "{question:?}"
            );
            (sentence, columns, rows)
        }
        other => panic!("{question:?}: {other:?}"),
    }
}

fn none(period: &Period, question: Question) -> String {
    match question.answer(period).answer {
        Held::None { because } => because,
        other => panic!("{question:?}: {other:?}"),
    }
}

#[test]
fn every_question_has_its_answer_where_two_deployments_ran() {
    let period = of(&[Closed, Run, Planned]);
    for question in Question::ALL {
        match question {
            Question::Retrospective | Question::OperatorInitiated | Question::BodyWorn => {
                assert!(none(&period, question).contains("whole from 1 to 3"));
            }
            Question::PlannedRetrospective
            | Question::PlannedOperatorInitiated
            | Question::PlannedBodyWorn => {
                assert!(none(&period, question).contains("none that has not run is a plan for"));
            }
            Question::Cost => {
                assert!(matches!(
                    question.answer(&period).answer,
                    Held::OutOfScope { .. }
                ));
            }
            Question::PlannedLive => {
                let (sentence, _, rows) = information(&period, question);
                assert_eq!(
                    (sentence.as_str(), rows.len()),
                    ("1 deployment: 1 planned.", 1)
                );
            }
            _ => {
                let (_, _, rows) = information(&period, question);
                for number in ["1", "2"] {
                    assert!(rows.iter().any(|row| row[0] == number), "{question:?}");
                }
            }
        }
    }
    let numbers: Vec<_> = answers(&period)
        .iter()
        .map(|answer| answer.number)
        .collect();
    assert_eq!(numbers, (1..=Question::ALL.len()).collect::<Vec<_>>());
}

#[test]
fn the_answers_are_those_of_the_records() {
    let period = of(&[Closed, Closed]);
    let (sentence, columns, rows) = information(&period, Question::Deployments);
    assert_eq!(sentence, "2 deployments.");
    assert_eq!(columns[..4], ["Number", "Deployment", "Date", "Place"]);
    assert_eq!(
        rows[0][1..4],
        [
            "high-street-1",
            "31 January 2026, 09:02 UTC",
            "High Street, Anytown"
        ]
    );
    let (_, _, rows) = information(&period, Question::WatchlistSize);
    assert_eq!(rows[1][4..8], ["16,020", "16,890", "16,021", "16,892"]);
    let (_, _, rows) = information(&period, Question::ImageSources);
    assert_eq!(rows[0][4..], ["custody", "16,500"]);
    let (sentence, _, rows) = information(&period, Question::NotWantedForArrest);
    assert!(sentence.contains("A person can be on the list for several reasons"));
    assert_eq!(
        rows[0][6..],
        [
            "1,820",
            "missing and at risk: 330; under a court order: 1,502"
        ]
    );
    let (sentence, ..) = information(&period, Question::Alerts);
    assert!(
        sentence.starts_with("Alerts raised: 30; False alerts: 4;"),
        "{sentence}"
    );
    let (sentence, ..) = information(&period, Question::Stops);
    assert_eq!(
        sentence,
        "Stops: 12. A stop is not an identity check, and neither is an arrest."
    );
    let (sentence, ..) = information(&period, Question::IdentityChecks);
    assert!(
        sentence.contains("Identity checked: 8") && sentence.contains("Fingerprints asked for: 2")
    );
    let (sentence, ..) = information(&period, Question::VerifiedCorrect);
    assert!(sentence.contains("6"));
    let (sentence, ..) = information(&period, Question::Outcomes);
    assert!(sentence.starts_with("Arrests: 6; Other outcomes: 2; No further action: 4"));
    let (_, _, rows) = information(&period, Question::Judges);
    assert_eq!(
        rows[0][4..9],
        [
            "operator",
            "2",
            "14",
            "local selection",
            "facial recognition, part 2"
        ]
    );
    let (_, _, rows) = information(&period, Question::Documents);
    assert_eq!(rows.len(), 10);
}

#[test]
fn none_held_rests_on_the_registers_completeness_even_where_nothing_was_ever_planned() {
    let period = Period::of(january(), &register(&[]), &[], &[]).unwrap();
    for question in Question::ALL
        .into_iter()
        .filter(|question| *question != Question::Cost)
    {
        let because = none(&period, question);
        assert!(
            because.contains("has given none"),
            "{question:?}: {because}"
        );
    }
}

#[test]
fn retrospective_use_says_when_and_where_the_footage_was_taken() {
    let mut record = whole(1);
    record.deployment.mode = Mode::Retrospective.into();
    record.deployment.footage = vec![Footage {
        place: "Station Road".into(),
        from: at("2026-01-12T20:00:00Z"),
        to: at("2026-01-12T22:00:00Z"),
        owner: "the railway".into(),
    }]
    .into();
    let mut register = register(&[Closed]);
    register.entries[0].modes = vec![Mode::Retrospective];
    let period = Period::of(january(), &register, &[record], &[]).unwrap();
    let (_, columns, rows) = information(&period, Question::Retrospective);
    assert_eq!(columns.last(), Some(&"Footage that was searched"));
    assert_eq!(
        rows[0].last().unwrap(),
        "Station Road, 12 January 2026, 20:00 UTC, 12 January 2026, 22:00 UTC, the railway"
    );
    none(&period, Question::Deployments);
}

#[test]
fn body_worn_cameras_are_counted_apart_and_silence_of_a_plan_is_no_none() {
    let mut record = whole(1);
    record.cameras.body_worn = 1.into();
    let mut register = register(&[Closed, Planned]);
    register.entries[1].body_worn = None;
    let period = Period::of(january(), &register, &[record], &[]).unwrap();
    let (sentence, ..) = information(&period, Question::BodyWorn);
    assert!(sentence.contains("Of these worn on the body: 1"));
    let (_, _, rows) = information(&period, Question::PlannedBodyWorn);
    assert_eq!(rows[0][7], "not recorded: the plan does not say");
}

#[test]
fn a_count_that_nobody_made_is_not_counted_as_none() {
    let mut record = whole(2);
    record.stops.total = overt_publication::field::Field::not_recorded("the sheet was lost");
    let register = overt_publication::register::Register {
        last_number: 2,
        entries: vec![entry(1, Closed), entry(2, Closed)],
        gone: Vec::new(),
    };
    let period = Period::of(january(), &register, &[whole(1), record], &[]).unwrap();
    let (sentence, _, rows) = information(&period, Question::Stops);
    assert!(
        sentence.starts_with("Stops: 6 in 1 of 2 deployments."),
        "{sentence}"
    );
    assert_eq!(rows[1][4], "not recorded: the sheet was lost");
}
