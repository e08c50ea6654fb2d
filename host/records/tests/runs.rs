//! Runs and alerts as the pipeline and the report see them.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use overt_records::{
    AlertState, CameraUsed, Counts, Footage, FrameCounts, ModelUsed, NewAlert, PersonRole,
    PluginUsed, RecordsError, RunHeader, RunId, RunMode, RunOutcome, Searched, Store,
};
use support::people::People;
use support::{CROP, Folder, NOW, alert, counts, digest, folder_holds, header, payload, settings};

#[test]
fn a_run_is_on_record_with_its_plugins_counts_and_end() {
    let folder = Folder::new();
    let full = RunHeader {
        plugins: vec![PluginUsed {
            role: "detector".into(),
            id: "detector-example".into(),
            version: "1.2.3".into(),
            sha256: digest(1),
        }],
        models: vec![ModelUsed {
            name: "example".into(),
            sha256: digest(2),
        }],
        cameras: vec![CameraUsed {
            id: "gate".into(),
            kind: "fixed".into(),
        }],
        ..header()
    };
    let mut last = counts(0);
    last.frames = FrameCounts {
        read: 10,
        processed: 7,
        dropped: 2,
        unseen: 1,
    };
    let end = NOW.after_hours(1);
    folder
        .store()
        .begin_run(&full)
        .unwrap()
        .finish(&last, false, end)
        .unwrap();
    let second = folder.store().begin_run(&header()).unwrap();
    second.finish(&counts(0), true, end).unwrap();
    drop(folder.store().begin_run(&header()).unwrap());

    let runs = folder.store().runs().unwrap();
    assert_eq!(runs.len(), 3);
    assert_eq!(runs[0].id, RunId(1));
    assert_eq!(runs[0].header, full);
    assert_eq!(runs[0].counts, last);
    assert_eq!(runs[0].outcome, RunOutcome::Finished);
    assert_eq!(runs[0].finished_at, Some(end));
    assert_eq!(runs[1].outcome, RunOutcome::Interrupted);
    assert_eq!(runs[2].outcome, RunOutcome::Unfinished);
    assert_eq!(runs[2].finished_at, None);
}

#[test]
fn a_committed_alert_comes_back_bit_for_bit_after_the_store_was_closed() {
    let folder = Folder::new();
    let store = folder.store();
    let run = store.begin_run(&header()).unwrap();
    let mut alerts = [alert(1), alert(2)];
    alerts[1].alert.time = 0.1 + 0.2;
    alerts[1].payload.score = 1.0 / 3.0;
    run.commit_decisions(&alerts, &counts(2), NOW).unwrap();
    let id = run.id();
    drop((run, store));

    let store = Store::open(&folder.records(), &settings()).unwrap();
    let stored = store.alerts(id).unwrap();
    assert_eq!(stored.len(), 2);
    for (stored, new) in stored.iter().zip(&alerts) {
        assert_eq!(stored.alert, new.alert);
        assert_eq!(stored.run, id);
        assert_eq!(stored.state, AlertState::Raised);
        assert_eq!(stored.expires_at, NOW.after_hours(24));
        let held = store.alert_payload(new.alert.number).unwrap().unwrap();
        assert!(held == new.payload);
    }
    assert_eq!(store.runs().unwrap()[0].counts, counts(2));
}

#[test]
fn alerts_are_numbered_without_a_gap_through_all_runs_of_a_store() {
    let folder = Folder::new();
    let store = folder.store();
    let first = store.begin_run(&header()).unwrap();
    first
        .commit_decisions(&[alert(1)], &counts(1), NOW)
        .unwrap();
    let second = store.begin_run(&header()).unwrap();
    assert_eq!(second.next_alert_number().unwrap(), 2);
    for wrong in [0, 1, 3] {
        let error = second.commit_decisions(&[alert(wrong)], &counts(1), NOW);
        assert!(
            matches!(error, Err(RecordsError::AlertNumber { expected: 2, found }) if found == wrong)
        );
    }
    let gap = [alert(2), alert(4)];
    assert!(second.commit_decisions(&gap, &counts(2), NOW).is_err());
    second
        .commit_decisions(&[alert(2)], &counts(1), NOW)
        .unwrap();
    let numbers = |run: &overt_records::Run| -> Vec<u32> {
        let alerts = store.alerts(run.id()).unwrap();
        alerts.iter().map(|stored| stored.alert.number).collect()
    };
    assert_eq!((numbers(&first), numbers(&second)), (vec![1], vec![2]));
}

#[test]
fn an_alert_with_a_value_outside_its_limits_is_refused_and_nothing_of_its_group_is_kept() {
    type Spoil = (&'static str, fn(&mut NewAlert));
    let spoils: [Spoil; 9] = [
        ("empty", |new| new.alert.reference.clear()),
        ("control", |new| new.alert.camera = "\u{7}".into()),
        ("routes", |new| new.alert.routes = vec!["desk".into(); 65]),
        ("name", |new| new.alert.routes = vec!["x".repeat(257)]),
        ("time", |new| new.alert.time = f64::NAN),
        ("score", |new| new.payload.score = f32::NAN),
        ("reason", |new| new.payload.reason = "x".repeat(4097).into()),
        ("JPEG", |new| new.payload.crop.resize((16 << 20) + 1, 0)),
        ("scores", |new| {
            let score = new.payload.scores[0].clone();
            new.payload.scores = vec![score; 65_537];
        }),
    ];
    let folder = Folder::new();
    let store = folder.store();
    let run = store.begin_run(&header()).unwrap();
    for (expected, spoil) in spoils {
        let mut bad = alert(2);
        spoil(&mut bad);
        let error = run.commit_decisions(&[alert(1), bad], &counts(2), NOW);
        let error = error.unwrap_err();
        assert!(matches!(error, RecordsError::Refused { .. }), "{error}");
        assert!(error.to_string().contains(expected), "{expected}: {error}");
    }
    assert!(store.alerts(run.id()).unwrap().is_empty());
    assert_eq!(run.next_alert_number().unwrap(), 1);
}

#[test]
fn a_run_of_another_deployment_cannot_begin() {
    let folder = Folder::new();
    let mut foreign = header();
    foreign.deployment = "elsewhere".into();
    let error = folder.store().begin_run(&foreign).err().unwrap();
    assert!(matches!(error, RecordsError::ForeignDeployment { .. }));
}

#[test]
fn a_run_or_an_alert_that_is_not_there_is_an_error_that_names_it() {
    let folder = Folder::new();
    let store = folder.store();
    assert!(matches!(
        store.alerts(RunId(3)),
        Err(RecordsError::NoSuchRun { run: 3, .. })
    ));
    assert!(matches!(
        store.alert_payload(5),
        Err(RecordsError::NoSuchAlert { number: 5, .. })
    ));
}

#[test]
fn no_crop_score_or_reason_of_an_alert_stands_readable_on_disk() {
    let folder = Folder::new();
    let store = folder.store();
    let run = store.begin_run(&header()).unwrap();
    run.commit_decisions(&[alert(1)], &counts(1), NOW).unwrap();
    drop((run, store));
    assert!(folder_holds(folder.path(), b"desk-1"), "the search works");
    assert!(!folder_holds(folder.path(), CROP));
    assert!(!folder_holds(folder.path(), b"score 0.718"));
    assert!(!folder_holds(
        folder.path(),
        &payload(1).score.to_le_bytes()
    ));
    assert!(!folder_holds(folder.path(), b"0.718"));
}

#[test]
fn several_threads_may_use_one_store() {
    let folder = Folder::new();
    let store = folder.store();
    std::thread::scope(|scope| {
        for number in 0..4u8 {
            let store = &store;
            scope.spawn(move || {
                let new = support::image(&format!("W-{number}"), number);
                store.watchlist().enrol(&[new], NOW).unwrap();
                store.watchlist().list().unwrap();
                store.begin_run(&header()).unwrap();
            });
        }
    });
    assert_eq!(store.runs().unwrap().len(), 4);
    assert_eq!(store.watchlist().list().unwrap().len(), 4);
}

#[test]
fn a_rehearsal_keeps_no_alert_whoever_asks_for_it() {
    let folder = Folder::new();
    let store = folder.store();
    let header = RunHeader {
        mode: RunMode::Rehearsal,
        ..header()
    };
    let run = store.begin_run(&header).unwrap();
    let refused = run.commit_decisions(&[alert(1)], &counts(1), NOW);
    assert!(
        matches!(refused, Err(RecordsError::Rehearsal { run: 1 })),
        "{refused:?}"
    );
    let withheld = Counts {
        withheld: 2,
        ..counts(0)
    };
    run.commit_decisions(&[], &withheld, NOW).unwrap();
    run.finish(&withheld, false, NOW).unwrap();
    let run = store.runs().unwrap().remove(0);
    assert_eq!(
        (run.header.mode, run.counts),
        (RunMode::Rehearsal, withheld)
    );
    assert!(store.alerts(run.id).unwrap().is_empty());
}

#[test]
fn a_search_is_on_record_only_with_what_it_searches_why_and_who_answers_for_it() {
    let folder = Folder::new();
    let store = folder.store();
    let people = People::new();
    let by = people
        .engineer()
        .acting_as(PersonRole::SystemEngineer)
        .unwrap();
    let search = Searched {
        reason: "crime 4711".into(),
        photographs: 2,
        every_face: true,
        place: "Market Square".into(),
        taken_from: NOW,
        taken_to: NOW,
        footage: Some(Footage {
            source: "till camera".into(),
            owner: "A. Shop Ltd".into(),
        }),
    };
    let stored = RunHeader {
        mode: RunMode::Retrospective,
        register: Some(1),
        started_by: Some(by),
        search: Some(search.clone()),
        ..header()
    };
    let with = |search: Searched| RunHeader {
        search: Some(search),
        ..stored.clone()
    };
    let officers = |photographs| RunHeader {
        mode: RunMode::Operator,
        ..with(Searched {
            photographs,
            every_face: false,
            footage: None,
            ..search.clone()
        })
    };
    for wrong in [
        RunHeader {
            search: None,
            ..stored.clone()
        },
        RunHeader {
            started_by: None,
            ..stored.clone()
        },
        RunHeader {
            register: None,
            ..stored.clone()
        },
        RunHeader {
            mode: RunMode::Live,
            ..stored.clone()
        },
        RunHeader {
            mode: RunMode::Operator,
            ..stored.clone()
        },
        with(Searched {
            footage: None,
            ..search.clone()
        }),
        with(Searched {
            reason: " ".into(),
            ..search.clone()
        }),
        with(Searched {
            place: "x\u{1b}[2J".into(),
            ..search.clone()
        }),
        with(Searched {
            every_face: false,
            ..search.clone()
        }),
        with(Searched {
            taken_to: NOW.after_hours(1),
            ..search.clone()
        }),
        with(Searched {
            taken_from: NOW.after_hours(1),
            ..search.clone()
        }),
        officers(2),
    ] {
        let refused = store.begin_run(&wrong).err();
        assert!(
            matches!(refused, Some(RecordsError::Refused { .. })),
            "{wrong:?}"
        );
    }
    assert!(store.runs().unwrap().is_empty());
    for right in [stored.clone(), officers(1)] {
        let run = store.begin_run(&right).unwrap();
        run.commit_decisions(&[], &counts(0), NOW).unwrap();
        run.finish(&counts(0), false, NOW).unwrap();
        let kept = store.runs().unwrap().pop().unwrap();
        assert_eq!(kept.header, right);
    }
}
