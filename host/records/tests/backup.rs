//! A copy of the records brings back what was decided, and never a face.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use overt_records::{
    Actor, AuditEvent, AuditLog, BackupError, Closed, HeldInputs, LifeState, LogRows, Store,
    Verdict, membership_key_file, restore, restore_force,
};
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use support::{Folder, NOW, alert, counts, folder_holds, header, image, inputs, settings};

fn filled(folder: &Folder) -> Store {
    let store = folder.store();
    store
        .watchlist()
        .enrol(&[image("W-1", 1), image("W-2", 2)], NOW)
        .unwrap();
    let run = store.begin_run(&header()).unwrap();
    let mut first = alert(1);
    first.inputs = Some(inputs(1));
    run.commit_decisions(&[first, alert(2)], &counts(2), NOW)
        .unwrap();
    run.finish(&counts(2), false, NOW).unwrap();
    store
}

fn elsewhere(folder: &Folder) -> PathBuf {
    folder.path().join("elsewhere/records.redb")
}

#[test]
fn a_copy_brings_back_runs_alerts_and_the_log_and_nothing_that_was_sealed() {
    let folder = Folder::new();
    let store = filled(&folder);
    let runs = store.runs().unwrap();
    let copy = folder.path().join("copy");
    let later = NOW.after_hours(1);
    let backup = store.backup(&copy, later).unwrap();
    assert_eq!(backup.head, store.audit_head().unwrap());
    let id = runs[0].id;
    let alerts = store.alerts(id).unwrap();
    drop(store);
    // Neither the copy nor what is made of it holds a key.
    assert!(!copy.join("records.keys").exists());

    let path = elsewhere(&folder);
    let now = NOW.after_hours(2);
    assert_eq!(restore(&copy, &path, &settings(), now).unwrap(), backup);
    let store = Store::open(&path, &settings()).unwrap();
    assert_eq!(store.runs().unwrap(), runs);
    assert_eq!(store.alerts(id).unwrap(), alerts);
    assert!(store.watchlist().list().unwrap().is_empty());
    for number in [1, 2] {
        assert!(store.alert_payload(number).unwrap().is_none());
        // Nobody is sought by what came back, so nobody may be stopped over it.
        let state = store.living_alert(number).unwrap().life.state();
        assert_eq!(state, LifeState::Closed(Closed::Withdrawn));
    }
    let late = NOW.after_hours(400);
    let held = store.alert_inputs(1, late).unwrap();
    assert!(matches!(held, HeldInputs::Expired { .. }));
    // It is a store like any other from here on, once the custodian has put the key of who was on the watchlist back.
    let key = membership_key_file(&folder.records());
    fs::copy(key, membership_key_file(&path)).unwrap();
    store.watchlist().enrol(&[image("W-3", 3)], now).unwrap();
    let run = store.begin_run(&header()).unwrap();
    run.commit_decisions(&[alert(3)], &counts(1), NOW).unwrap();
    assert!(store.alert_payload(3).unwrap().is_some());
    drop((run, store));

    let log = AuditLog::read(&path, "walk-past").unwrap();
    assert_eq!(log.verify(&[]).verdict, Verdict::TailUnproven);
    let told: Vec<_> = log
        .entries()
        .into_iter()
        .filter(|entry| entry.by == Actor::Host)
        .map(|entry| entry.event)
        .filter(|event| matches!(event, AuditEvent::BackedUp {} | AuditEvent::Restored { .. }))
        .collect();
    let [
        AuditEvent::BackedUp {},
        AuditEvent::Restored {
            copied_at,
            events,
            sealed_records,
            entries,
        },
    ] = &told[..]
    else {
        panic!("{told:?}");
    };
    assert_eq!(
        (*copied_at, *events, *entries),
        (later, backup.head.events, 2)
    );
    assert!(*sealed_records >= 5, "{sealed_records}");
}

#[test]
fn a_copy_from_before_a_sweep_brings_back_no_face_even_beside_the_keys_of_today() {
    let folder = Folder::new();
    let store = filled(&folder);
    let copy = folder.path().join("copy");
    store.backup(&copy, NOW).unwrap();
    store.sweep(NOW.after_hours(24 * 30)).unwrap();
    drop(store);
    // The copied store in the place of the swept one, with its keys: they are gone.
    fs::copy(copy.join("store.redb"), folder.records()).unwrap();
    assert!(Store::open(&folder.records(), &settings()).is_err());
    assert!(!folder_holds(&copy, support::CROP));
}

#[test]
fn a_copy_holds_nothing_that_is_sealed() {
    let folder = Folder::new();
    let store = folder.store();
    let mut large = image("W-1", 1);
    large.picture.jpeg = zeroize::Zeroizing::new(vec![1; 1 << 20]);
    store.watchlist().enrol(&[large], NOW).unwrap();
    let copy = folder.path().join("copy");
    store.backup(&copy, NOW).unwrap();
    let bytes = |path: PathBuf| fs::metadata(path).unwrap().len();
    assert!(bytes(folder.records()) > 1 << 20);
    assert!(bytes(copy.join("store.redb")) < 1 << 20);
}

#[test]
fn the_log_that_is_told_row_by_row_while_others_write_is_never_broken() {
    let folder = Folder::new();
    let store = filled(&folder);
    let over = AtomicBool::new(false);
    let told = || {
        let mut rows = LogRows::beside(store.path()).unwrap();
        for piece in store.rows_of_log().unwrap() {
            rows.take(piece).unwrap();
        }
        rows.log("walk-past").unwrap()
    };
    let mut events = 0;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                let run = store.begin_run(&header()).unwrap();
                run.finish(&counts(0), false, NOW).unwrap();
            }
        });
        for _ in 0..20 {
            let log = told();
            let verified = log.verify(&[]);
            assert_eq!(verified.verdict, Verdict::TailUnproven);
            assert!(verified.events >= events && log.has_head_outside());
            events = verified.events;
        }
        over.store(true, Ordering::Relaxed);
    });
    let last = told();
    drop(store);
    let read = AuditLog::read(&folder.records(), "walk-past").unwrap();
    assert_eq!(last.verify(&[]), read.verify(&[]));
    let rows = LogRows::beside(&folder.records()).unwrap();
    assert!(rows.log("another").is_err());
}

#[test]
fn a_copy_is_made_while_others_write() {
    let folder = Folder::new();
    let store = filled(&folder);
    let over = AtomicBool::new(false);
    let copies: Vec<PathBuf> = (0..8)
        .map(|number| folder.path().join(format!("copy-{number}")))
        .collect();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                let run = store.begin_run(&header()).unwrap();
                run.finish(&counts(0), false, NOW).unwrap();
            }
        });
        for copy in &copies {
            store.backup(copy, NOW).unwrap();
        }
        over.store(true, Ordering::Relaxed);
    });
    let mut runs = 0;
    for (number, copy) in copies.iter().enumerate() {
        let path = folder.path().join(format!("back-{number}/records.redb"));
        restore(copy, &path, &settings(), NOW).unwrap();
        let store = Store::open(&path, &settings()).unwrap();
        let found = store.runs().unwrap().len();
        assert!(found >= runs, "a later copy has no less");
        runs = found;
    }
}

#[test]
fn nothing_is_overwritten_and_no_copy_is_taken_that_is_not_whole_or_of_something_else() {
    let folder = Folder::new();
    let store = filled(&folder);
    let copy = folder.path().join("copy");
    store.backup(&copy, NOW).unwrap();
    let again = store.backup(&copy, NOW);
    assert!(
        matches!(again, Err(BackupError::InTheWay { .. })),
        "{again:?}"
    );
    let in_the_way = restore(&copy, &folder.records(), &settings(), NOW);
    assert!(matches!(in_the_way, Err(BackupError::InTheWay { .. })));

    let path = elsewhere(&folder);
    let mut other = settings();
    other.deployment = "another".into();
    let wrong = restore(&copy, &path, &other, NOW);
    assert!(matches!(wrong, Err(BackupError::OfSomethingElse { .. })));
    let force = restore_force(&copy, &path);
    assert!(matches!(force, Err(BackupError::OfSomethingElse { .. })));
    for name in ["store.redb", "store.audit", "backup.json"] {
        let file = copy.join(name);
        let whole = fs::read(&file).unwrap();
        let mut changed = whole.clone();
        let middle = changed.len() / 2;
        changed[middle] ^= 0x10;
        fs::write(&file, &changed).unwrap();
        let refused = restore(&copy, &path, &settings(), NOW);
        assert!(refused.is_err(), "{name}");
        fs::remove_file(&file).unwrap();
        assert!(restore(&copy, &path, &settings(), NOW).is_err(), "{name}");
        fs::write(&file, &whole).unwrap();
    }
    assert!(!path.exists());
    restore(&copy, &path, &settings(), NOW).unwrap();
}

#[test]
fn people_come_back_with_their_passwords_and_their_log() {
    let place = support::force::Place::new();
    place.with("anna", &[overt_records::PersonRole::SystemEngineer]);
    let folder = Folder::new();
    let copy = folder.path().join("copy");
    place.force.backup(&copy, NOW).unwrap();
    let path = folder.path().join("back/force.redb");
    restore_force(&copy, &path).unwrap();
    let force = overt_records::Force::with_hashing(&path, overt_records::Hashing::cheapest());
    let now = support::force::moment(60_000);
    let own = support::force::password("anna own password");
    let session = force
        .sign_in("anna", &own, support::force::UID, &now)
        .unwrap();
    assert_eq!(session.signed_in.id(), "anna");
}
