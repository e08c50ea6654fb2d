//! Judgements in the store: one decision, recorded once, never without a person, and never without a look.
#![allow(clippy::unwrap_used)]

use std::sync::Barrier;

use super::*;
use crate::alerts::{NewAlert, Priority};
use crate::entry::{Grounds, ImageFacts};
use crate::force::{Credential, PersonRole};
use crate::life::{Closed, Disposal, IdentityCheck, JudgingRole, LimitOf};
use crate::payload::{AlertPayload, Picture};
use crate::retention::Retention;
use crate::runs::{Counts, RunHeader};
use crate::store::StoreSettings;
use crate::watchlist::{Encoder, NewImage};

const RAISED: i64 = 1_800_000_000_000;

pub(crate) const LIMITS: JudgementLimits = JudgementLimits {
    adjudication_ms: 60_000,
    engagement_ms: 120_000,
    location_ms: 600_000,
};

pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix_ms(RAISED + 1_000 * seconds)
}

fn judge(person: &str, role: JudgingRole) -> Judge {
    Judge {
        person: person.into(),
        name: format!("Officer {person}"),
        role,
        credential: Credential {
            role: PersonRole::Operator,
            selection: "by interview".into(),
            course: "LFR operators".into(),
            version: "3".into(),
            from: at(-1_000),
            until: at(1_000_000),
        },
    }
}

pub(crate) fn operator(person: &str) -> Judge {
    judge(person, JudgingRole::Operator)
}

pub(crate) fn officer(person: &str) -> Judge {
    judge(person, JudgingRole::EngagementOfficer)
}

fn header() -> RunHeader {
    RunHeader {
        deployment: "walk-past".into(),
        started_at: at(-10),
        mode: crate::runs::RunMode::Live,
        register: None,
        started_by: None,
        search: None,
        host_version: "0.1.0".into(),
        lock_sha256: None,
        plugins: Vec::new(),
        models: Vec::new(),
        cameras: Vec::new(),
    }
}

/// Adds a search of stored images, with an alert of this number.
pub(crate) fn searched(store: &Store, number: u32) {
    let search = crate::runs::Searched {
        reason: "crime 1".into(),
        photographs: 1,
        every_face: true,
        place: "Market Square".into(),
        taken_from: at(-1000),
        taken_to: at(-900),
        footage: Some(crate::runs::Footage {
            source: "till camera".into(),
            owner: "A. Shop Ltd".into(),
        }),
    };
    let run = store.begin_run(&RunHeader {
        mode: crate::runs::RunMode::Retrospective,
        register: Some(1),
        started_by: serde_json::from_str("\"A. N. Operator\"").unwrap(),
        search: Some(search),
        ..header()
    });
    let new = [alert(number)];
    let of_it = [sought(&new[0].alert.reference)];
    store.watchlist().enrol(&of_it, at(-10)).unwrap();
    run.unwrap()
        .commit_decisions(&new, &Counts::default(), at(0))
        .unwrap();
}

/// A store with so many alerts, each about another entry.
pub(crate) fn store(alerts: u32) -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let run = store.begin_run(&header()).unwrap();
    let new: Vec<NewAlert> = (1..=alerts).map(alert).collect();
    let sought: Vec<NewImage> = new.iter().map(|new| sought(&new.alert.reference)).collect();
    store.watchlist().enrol(&sought, at(-10)).unwrap();
    run.commit_decisions(&new, &Counts::default(), at(0))
        .unwrap();
    (folder, store)
}

pub(crate) fn open(folder: &std::path::Path) -> Store {
    let settings = StoreSettings {
        deployment: "walk-past".into(),
        retention: Retention {
            alerts_hours: 24,
            inputs_hours: 24,
            watchlist_hours: 24,
        },
    };
    Store::open_or_create(&folder.join("records.redb"), &settings).unwrap()
}

/// An image of a person sought.
fn sought(reference: &str) -> NewImage {
    NewImage {
        reference: reference.into(),
        category: "wanted-on-warrant".into(),
        picture: Picture {
            jpeg: vec![1; 100].into(),
            source_name: "w.jpg".into(),
            source_sha256: "0c".repeat(32),
            landmarks: None,
            quality: Vec::new(),
        },
        encoder: Encoder {
            plugin_id: "encoder-example".into(),
            plugin_sha256: "0a".repeat(32),
            model_sha256: "0b".repeat(32),
            backend: "onnxruntime f32".into(),
            dimension: 2,
        },
        template: vec![1.0, 0.5].into(),
        grounds: Grounds {
            wanted: true,
            offence: Some("theft".into()),
            ..Grounds::default()
        },
        facts: ImageFacts::default(),
        // As older records have it.
        by: serde_json::from_str("\"A. N. Engineer\"").unwrap(),
    }
}

fn alert(number: u32) -> NewAlert {
    NewAlert {
        alert: Alert {
            number,
            reference: format!("W-{number}"),
            category: "wanted-on-warrant".into(),
            camera: "gate".into(),
            track: number,
            time: 1.0,
            raised_at: at(0),
            first_frame: 0,
            last_frame: 9,
            generation: 0,
            priority: Priority::Normal,
            routes: vec!["desk-1".into()],
        },
        image: 0,
        payload: AlertPayload {
            score: 0.75,
            crop: vec![1, 2, 3].into(),
            reason: "two of five".to_owned().into(),
            scores: Vec::new(),
        },
        inputs: None,
    }
}

fn state(store: &Store, alert: u32) -> LifeState {
    store.known(alert).unwrap().life.state()
}

fn not_allowed<T: std::fmt::Debug>(result: Result<T, JudgementError>) -> NotAllowed {
    match result.unwrap_err() {
        JudgementError::NotAllowed { cause, .. } => cause,
        other => panic!("{other}"),
    }
}

#[test]
fn a_passed_alert_is_had_only_of_a_committed_pass_and_outlives_the_process() {
    let (folder, store) = store(2);
    assert_eq!(store.passed(1).unwrap(), None);
    let unseen = store.adjudicate(1, &operator("a"), Adjudication::Pass, &LIMITS, at(1));
    assert!(matches!(not_allowed(unseen), NotAllowed::NotSeen { .. }));
    store.view(1, &operator("a"), at(2)).unwrap().unwrap();
    // Another person's look, or one at another alert, is no look of this person at this one.
    let other = store.adjudicate(1, &operator("b"), Adjudication::Pass, &LIMITS, at(3));
    assert!(matches!(not_allowed(other), NotAllowed::NotSeen { .. }));
    let other = store.adjudicate(2, &operator("a"), Adjudication::Pass, &LIMITS, at(3));
    assert!(matches!(not_allowed(other), NotAllowed::NotSeen { .. }));

    let passed = store
        .adjudicate(1, &operator("a"), Adjudication::Pass, &LIMITS, at(4))
        .unwrap()
        .unwrap();
    assert_eq!((passed.alert().number, passed.at()), (1, at(4)));
    assert_eq!(passed.by().person(), "a");
    drop(store);
    let store = open(folder.path());
    assert_eq!(store.passed(1).unwrap(), Some(passed));
    let known = store.known(1).unwrap();
    assert_eq!(
        known.life.steps()[0].opened_at,
        Some(at(2)),
        "for how long they looked"
    );
    assert_eq!(store.views().unwrap().len(), 1);
}

#[test]
fn the_score_is_shown_to_those_who_have_judged_and_to_nobody_else() {
    let (_folder, store) = store(1);
    let view = store.view(1, &operator("a"), at(1)).unwrap().unwrap();
    assert_eq!(
        (view.probe.to_vec(), view.state),
        (vec![1, 2, 3], LifeState::Raised)
    );
    assert_eq!(
        store.score_after_judgement(1, &operator("a")).unwrap(),
        None
    );
    let reject = Adjudication::Reject(Reject::CannotTell);
    store
        .adjudicate(1, &operator("a"), reject, &LIMITS, at(2))
        .unwrap();
    let shown = |person| store.score_after_judgement(1, &operator(person)).unwrap();
    assert_eq!((shown("a"), shown("b")), (Some(0.75), None));
}

#[test]
fn a_judgement_that_is_sent_twice_is_recorded_once_and_another_in_its_place_is_refused() {
    let (_folder, store) = store(1);
    store.view(1, &operator("a"), at(1)).unwrap();
    let send =
        |verdict, seconds| store.adjudicate(1, &operator("a"), verdict, &LIMITS, at(seconds));
    let first = send(Adjudication::Pass, 2).unwrap();
    assert_eq!(send(Adjudication::Pass, 3).unwrap(), first);
    let changed = send(Adjudication::Reject(Reject::NotThisPerson), 4);
    assert!(matches!(not_allowed(changed), NotAllowed::OutOfTurn { .. }));
    assert_eq!(store.known(1).unwrap().life.steps().len(), 1);
}

#[test]
fn of_many_who_judge_at_once_one_does() {
    const PEOPLE: usize = 8;
    let (_folder, store) = store(1);
    let names: Vec<String> = (0..PEOPLE).map(|number| format!("p{number}")).collect();
    for name in &names {
        store.view(1, &operator(name), at(1)).unwrap();
    }
    let together = Barrier::new(PEOPLE);
    let (store, together) = (&store, &together);
    let done: Vec<bool> = std::thread::scope(|scope| {
        let judging: Vec<_> = names
            .iter()
            .enumerate()
            .map(|(number, name)| {
                scope.spawn(move || {
                    let verdict = match number % 2 {
                        0 => Adjudication::Pass,
                        _ => Adjudication::Reject(Reject::NotThisPerson),
                    };
                    together.wait();
                    store
                        .adjudicate(1, &operator(name), verdict, &LIMITS, at(2))
                        .is_ok()
                })
            })
            .collect();
        judging.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert_eq!(done.iter().filter(|done| **done).count(), 1, "{done:?}");
    let life = store.known(1).unwrap().life;
    assert_eq!(life.steps().len(), 1);
    let winner = &names[done.iter().position(|done| *done).unwrap()];
    assert_eq!(life.steps()[0].by.as_ref().unwrap().person(), winner);
}

#[test]
fn an_alert_ends_by_its_second_judgement_and_the_stop_has_its_own_record() {
    let (folder, store) = store(1);
    store.view(1, &operator("a"), at(1)).unwrap();
    store
        .adjudicate(1, &operator("a"), Adjudication::Pass, &LIMITS, at(2))
        .unwrap();
    store.view(1, &officer("b"), at(3)).unwrap();
    let report = |report, seconds| store.report(1, &officer("b"), report, &LIMITS, at(seconds));
    report(Report::Viable, 4).unwrap();
    report(Report::Engaged, 5).unwrap();
    let stop = Stop {
        place: "Market Square".into(),
        from: at(5),
        to: at(400),
        identity: IdentityCheck::Refused,
        method: String::new(),
        fingerprints: false,
    };
    let mut backwards = stop.clone();
    backwards.to = at(4);
    let confirmed = |stop| Report::Confirmed {
        correct: false,
        stop,
    };
    let refused = not_allowed(report(confirmed(backwards), 400));
    assert!(matches!(refused, NotAllowed::NotInOrder(_)));
    report(confirmed(stop.clone()), 401).unwrap();
    report(Report::Disposal(Disposal::NoFurtherAction), 402).unwrap();
    drop(store);
    let life = open(folder.path()).known(1).unwrap().life;
    assert_eq!(life.state(), LifeState::Closed(Closed::ConfirmedFalse));
    let kinds: Vec<&StepKind> = life.steps().iter().map(|step| &step.kind).collect();
    assert!(matches!(
        kinds[3],
        StepKind::Confirmed { correct: false, stop: kept } if *kept == stop
    ));
}

#[test]
fn what_nobody_judges_lapses_and_what_is_removed_is_withdrawn_and_neither_can_be_judged() {
    let (_folder, store) = store(3);
    for alert in 1..=3 {
        store.view(alert, &operator("a"), at(1)).unwrap();
    }
    store
        .adjudicate(2, &operator("a"), Adjudication::Pass, &LIMITS, at(50))
        .unwrap();
    assert_eq!(store.withdraw("W-3", at(51)).unwrap(), [3]);
    assert_eq!(store.withdraw("W-3", at(52)).unwrap(), [0; 0]);
    // At 61 s alert 1 is over its time, and alert 2 has until 170 s.
    assert_eq!(store.lapse(&LIMITS, at(60)).unwrap(), [0; 0]);
    assert_eq!(store.lapse(&LIMITS, at(61)).unwrap(), [1]);
    assert_eq!(store.lapse(&LIMITS, at(61)).unwrap(), [0; 0]);
    assert_eq!(state(&store, 1), LifeState::Closed(Closed::Lapsed));
    assert_eq!(state(&store, 3), LifeState::Closed(Closed::Withdrawn));
    for alert in [1, 3] {
        let late = store.adjudicate(alert, &operator("a"), Adjudication::Pass, &LIMITS, at(62));
        assert!(matches!(not_allowed(late), NotAllowed::OutOfTurn { .. }));
        assert_eq!(store.passed(alert).unwrap(), None);
    }
    // A judgement that comes too late finds the alert lapsed, although nobody had looked after it.
    store.view(2, &officer("b"), at(100)).unwrap();
    let late = store.report(2, &officer("b"), Report::Viable, &LIMITS, at(171));
    assert_eq!(not_allowed(late), NotAllowed::TooLate);
    let life = store.known(2).unwrap().life;
    assert!(matches!(
        life.steps()[1].kind,
        StepKind::Lapsed {
            limit: LimitOf::Engagement
        }
    ));
}

#[test]
fn images_that_are_gone_are_shown_to_nobody_and_judged_by_nobody() {
    let (_folder, store) = store(1);
    store.sweep(at(25 * 3_600)).unwrap();
    assert!(
        store
            .view(1, &operator("a"), at(25 * 3_600))
            .unwrap()
            .is_none()
    );
    assert_eq!(store.views().unwrap(), []);
    assert!(matches!(
        store.view(7, &operator("a"), at(1)),
        Err(RecordsError::NoSuchAlert { number: 7, .. })
    ));
}
