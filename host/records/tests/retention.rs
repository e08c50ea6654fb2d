//! The end of retention: what a sweep destroys, what it leaves, and that it is final.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use overt_records::{HeldInputs, RecordsError, Store, SweepReport};
use std::fs;
use support::{
    Folder, INPUTS, NOW, alert, counts, encoder, folder_holds, header, image, inputs, settings,
};

#[test]
fn a_sweep_destroys_what_has_expired_and_nothing_else() {
    let folder = Folder::new();
    let store = folder.store();
    let run = store.begin_run(&header()).unwrap();
    let mut later = alert(2);
    later.alert.raised_at = NOW.after_hours(10);
    run.commit_decisions(&[alert(1), later], &counts(2), NOW)
        .unwrap();
    let watchlist = store.watchlist();
    watchlist
        .enrol(&[image("W-1", 1), image("W-2", 2)], NOW)
        .unwrap();
    let second = image("W-1", 3);
    watchlist.enrol(&[second], NOW.after_hours(1)).unwrap();

    // The inputs have a limit of their own, 12 hours.
    let report = store.sweep(NOW.after_hours(23)).unwrap();
    let expected = SweepReport {
        inputs: 2,
        ..SweepReport::default()
    };
    assert_eq!(report, expected);

    // A millisecond before the first limit of 24 hours.
    let early = overt_records::Timestamp::from_unix_ms(NOW.after_hours(24).unix_ms() - 1);
    assert_eq!(store.sweep(early).unwrap(), SweepReport::default());
    assert!(store.alert_payload(1).unwrap().is_some());

    let report = store.sweep(NOW.after_hours(24)).unwrap();
    let expected = SweepReport {
        alerts: 1,
        ..SweepReport::default()
    };
    assert_eq!(report, expected);
    assert!(store.alert_payload(1).unwrap().is_none());
    assert!(store.alert_payload(2).unwrap().is_some());

    let report = store.sweep(NOW.after_hours(48)).unwrap();
    let expected = SweepReport {
        watchlist_images: 2,
        watchlist_entries: 1,
        images: vec![("W-1".into(), 0), ("W-2".into(), 0)],
        alerts: 1,
        ..SweepReport::default()
    };
    assert_eq!(report, expected);
    let list = watchlist.list().unwrap();
    assert_eq!((list.len(), list[0].images.len()), (1, 1));
    let templates = watchlist.templates(&encoder(1)).unwrap();
    assert_eq!(templates.len(), 1);
    assert_eq!(templates[0].image, 1, "an image keeps its number");
    assert!(watchlist.picture("W-1", 0).unwrap().is_none());
    assert!(watchlist.picture("W-1", 1).unwrap().is_some());

    // That the alerts were raised stays on record, after the store was closed too.
    let id = run.id();
    drop((run, store));
    let store = Store::open(&folder.records(), &settings()).unwrap();
    assert_eq!(store.alerts(id).unwrap().len(), 2);
    assert!(store.alert_payload(1).unwrap().is_none());
}

#[test]
fn an_expired_payload_cannot_be_brought_back_by_an_old_copy_of_the_store() {
    let folder = Folder::new();
    let store = folder.store();
    let run = store.begin_run(&header()).unwrap();
    run.commit_decisions(&[alert(1)], &counts(1), NOW).unwrap();
    drop((run, store));
    // redb's pages as they were: what copying on write may leave in the file.
    let copy = fs::read(folder.records()).unwrap();
    folder.store().sweep(NOW.after_hours(24)).unwrap();
    fs::write(folder.records(), copy).unwrap();
    let error = Store::open(&folder.records(), &settings()).err().unwrap();
    assert!(
        matches!(
            error,
            RecordsError::KeysLost {
                lost: 2,
                held: 2,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn inputs_come_back_as_they_were_and_after_their_time_they_are_expired_and_nothing_else_is() {
    let folder = Folder::new();
    let store = folder.store();
    let run = store.begin_run(&header()).unwrap();
    let mut without = alert(2);
    without.inputs = None;
    run.commit_decisions(&[alert(1), without], &counts(2), NOW)
        .unwrap();
    drop((run, store));
    assert!(!folder_holds(folder.path(), INPUTS), "they are sealed");

    let store = folder.store();
    assert_eq!(store.alert_numbers().unwrap(), [1, 2]);
    let held = |number, hours| store.alert_inputs(number, NOW.after_hours(hours)).unwrap();
    assert!(held(1, 0) == HeldInputs::Held(inputs(1)));
    assert!(held(2, 0) == HeldInputs::NeverKept);
    let end = NOW.after_hours(12);
    assert_eq!(store.sweep(end).unwrap().inputs, 1);
    assert!(held(1, 12) == HeldInputs::Expired { at: end });
    assert!(held(2, 12) == HeldInputs::NeverKept);
    assert!(store.alert_payload(1).unwrap().is_some());
    assert_eq!(store.alert(1).unwrap().alert, alert(1).alert);
}

#[test]
fn inputs_of_an_old_copy_of_the_store_do_not_open_after_their_time() {
    let folder = Folder::new();
    let store = folder.store();
    let run = store.begin_run(&header()).unwrap();
    run.commit_decisions(&[alert(1)], &counts(1), NOW).unwrap();
    drop((run, store));
    let copy = fs::read(folder.records()).unwrap();
    folder.store().sweep(NOW.after_hours(12)).unwrap();
    fs::write(folder.records(), copy).unwrap();
    let error = Store::open(&folder.records(), &settings()).err().unwrap();
    assert!(
        matches!(
            error,
            RecordsError::KeysLost {
                lost: 1,
                held: 2,
                ..
            }
        ),
        "the key is gone, and the old pages open no more: {error}"
    );
}

#[test]
fn a_sweep_leaves_no_trace_of_the_old_key_file() {
    let folder = Folder::new();
    let store = folder.store();
    let run = store.begin_run(&header()).unwrap();
    run.commit_decisions(&[alert(1)], &counts(1), NOW).unwrap();
    let other_name = folder.path().join("witness");
    fs::hard_link(folder.keys(), &other_name).unwrap();
    store.sweep(NOW.after_hours(24)).unwrap();
    let old = fs::read(&other_name).unwrap();
    assert!(!old.is_empty() && old.iter().all(|byte| *byte == 0));
}

#[test]
fn a_limit_of_no_hours_keeps_an_alert_until_the_next_sweep() {
    let folder = Folder::new();
    let mut strict = settings();
    strict.retention.alerts_hours = 0;
    let store = Store::open_or_create(&folder.records(), &strict).unwrap();
    let run = store.begin_run(&header()).unwrap();
    run.commit_decisions(&[alert(1)], &counts(1), NOW).unwrap();
    assert_eq!(store.sweep(NOW).unwrap().alerts, 1);
}

#[test]
fn a_changed_limit_does_not_lengthen_what_was_stored_under_the_old_one() {
    let folder = Folder::new();
    let store = folder.store();
    store.watchlist().enrol(&[image("W-1", 1)], NOW).unwrap();
    drop(store);
    let mut longer = settings();
    longer.retention.watchlist_hours = 1000;
    let store = Store::open(&folder.records(), &longer).unwrap();
    let report = store.sweep(NOW.after_hours(48)).unwrap();
    assert_eq!(report.watchlist_entries, 1);
    assert!(store.watchlist().list().unwrap().is_empty());
}

#[test]
fn records_can_be_added_after_everything_was_swept() {
    let folder = Folder::new();
    let store = folder.store();
    store.watchlist().enrol(&[image("W-1", 1)], NOW).unwrap();
    store.sweep(NOW.after_hours(48)).unwrap();
    drop(store);
    let store = folder.store();
    store.watchlist().enrol(&[image("W-2", 2)], NOW).unwrap();
    drop(store);
    let templates = folder.store().watchlist().templates(&encoder(1)).unwrap();
    assert_eq!(templates.len(), 1);
}

#[test]
fn a_time_past_the_end_of_time_expires_never_rather_than_at_once() {
    let last = overt_records::Timestamp::from_unix_ms(i64::MAX - 5);
    assert_eq!(last.after_hours(u32::MAX).unix_ms(), i64::MAX);
}
