//! Who was on the watchlist, after everything about them is gone: told with the key, and by nothing else.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use overt_records::{
    AuditEvent, AuditLog, Interval, MembershipError, MembershipKey, RecordsError, Store, Timestamp,
    membership_key_file,
};
use redb::{ReadableDatabase, ReadableTable, ReadableTableMetadata, TableDefinition};
use support::people::People;
use support::{Folder, NOW, image, removal};

const MEMBERS: TableDefinition<&[u8], &[u8]> = TableDefinition::new("members");

fn later(hours: u32) -> Timestamp {
    NOW.after_hours(hours)
}

fn ask(store: &Store, people: &People, reference: &str) -> Result<Vec<Interval>, MembershipError> {
    let asked = store.prove(
        reference,
        None,
        "complaint 7",
        &people.boss(),
        None,
        later(100),
    );
    asked.map_err(|error| match error {
        RecordsError::Membership { cause } => cause,
        other => panic!("{other}"),
    })
}

/// Somebody who was there twice, and somebody who was swept.
fn gone() -> Folder {
    let folder = Folder::new();
    let store = folder.store();
    let watchlist = store.watchlist();
    watchlist.enrol(&[image("W-1", 1)], NOW).unwrap();
    watchlist
        .remove("W-1", &removal(later(1)))
        .unwrap()
        .unwrap();
    watchlist
        .enrol(&[image("W-1", 1), image("W-2", 2)], later(2))
        .unwrap();
    watchlist
        .remove("W-1", &removal(later(3)))
        .unwrap()
        .unwrap();
    store.sweep(later(60)).unwrap();
    assert!(watchlist.list().unwrap().is_empty());
    folder
}

fn rows(folder: &Folder) -> Vec<(Vec<u8>, Vec<u8>)> {
    let database = redb::Database::open(folder.records()).unwrap();
    let reading = database.begin_read().unwrap();
    let table = reading.open_table(MEMBERS).unwrap();
    let rows = table.iter().unwrap().map(|row| {
        let (name, sealed) = row.unwrap();
        (name.value().to_vec(), sealed.value().to_vec())
    });
    rows.collect()
}

#[test]
fn who_was_there_is_told_with_their_times_and_who_was_not_is_not() {
    let folder = gone();
    let (store, people) = (folder.store(), People::new());
    let interval = |from, to, latest| Interval {
        from: later(from),
        to: Some(later(to)),
        latest: later(latest),
    };
    assert_eq!(
        ask(&store, &people, "W-1").unwrap(),
        [interval(0, 1, 48), interval(2, 3, 50)]
    );
    // Swept at the end of its retention, and not when somebody looked.
    assert_eq!(ask(&store, &people, "W-2").unwrap(), [interval(2, 50, 50)]);
    assert_eq!(ask(&store, &people, "W-3").unwrap(), []);
    let first = interval(0, 1, 48);
    assert!(first.holds(later(0)) && !first.holds(later(1)));
}

#[test]
fn every_question_is_on_record_with_who_and_why_and_without_the_answer() {
    let folder = gone();
    let (store, people) = (folder.store(), People::new());
    ask(&store, &people, "W-1").unwrap();
    ask(&store, &people, "W-3").unwrap();
    let refused = store.prove(
        "W-1",
        None,
        "curiosity",
        &people.engineer(),
        None,
        later(100),
    );
    assert!(matches!(refused, Err(RecordsError::MayNot(_))));
    let refused = store.prove("W-1", None, " ", &people.boss(), None, later(100));
    assert!(matches!(refused, Err(RecordsError::Refused { .. })));
    drop(store);
    let log = AuditLog::read(&folder.records(), "walk-past").unwrap();
    let asked: Vec<_> = log
        .entries()
        .iter()
        .filter(|entry| matches!(entry.event, AuditEvent::MembershipAsked { .. }))
        .map(|entry| serde_json::to_string(&entry).unwrap())
        .collect();
    assert_eq!(asked.len(), 2);
    for (asked, reference) in asked.iter().zip(["W-1", "W-3"]) {
        assert!(
            asked.contains(reference) && asked.contains("complaint 7") && asked.contains("boss")
        );
    }
}

#[test]
fn without_the_key_or_with_another_nothing_is_told() {
    let (folder, other, people) = (gone(), gone(), People::new());
    let key = membership_key_file(&folder.records());
    let away = folder.path().join("custodian");
    std::fs::rename(&key, &away).unwrap();
    let store = folder.store();
    assert!(matches!(
        ask(&store, &people, "W-1"),
        Err(MembershipError::KeyMissing { .. })
    ));
    let with = |path: &std::path::Path| {
        store.prove(
            "W-1",
            None,
            "complaint 7",
            &people.boss(),
            Some(&MembershipKey::read(path).unwrap()),
            later(100),
        )
    };
    assert_eq!(with(&away).unwrap().len(), 2);
    let foreign = membership_key_file(&other.records());
    assert!(matches!(
        with(&foreign),
        Err(RecordsError::Membership {
            cause: MembershipError::OtherKey { .. }
        })
    ));
    // One bit of the key.
    let mut bytes = std::fs::read(&away).unwrap();
    bytes[40] ^= 1;
    std::fs::write(&away, bytes).unwrap();
    assert!(with(&away).is_err());
    // Nobody is put on the watchlist of whom nothing could be told later; whoever goes, goes.
    let refused = store.watchlist().enrol(&[image("W-9", 9)], later(61));
    assert!(matches!(refused, Err(RecordsError::Membership { .. })));
}

#[test]
fn what_has_to_be_destroyed_does_not_wait_for_the_key() {
    let (folder, people) = (Folder::new(), People::new());
    let store = folder.store();
    store.watchlist().enrol(&[image("W-1", 1)], NOW).unwrap();
    let key = membership_key_file(&folder.records());
    let away = folder.path().join("custodian");
    std::fs::rename(&key, &away).unwrap();
    store
        .watchlist()
        .remove("W-1", &removal(later(1)))
        .unwrap()
        .unwrap();
    std::fs::rename(&away, &key).unwrap();
    let told = ask(&store, &people, "W-1").unwrap();
    let open = Interval {
        from: NOW,
        to: None,
        latest: later(48),
    };
    assert_eq!(told, [open]);
    assert!(open.holds(later(47)) && !open.holds(later(48)));
}

#[test]
fn a_commitment_that_was_changed_taken_away_or_made_up_is_found_out() {
    type Change = fn(&mut redb::Table<'_, &[u8], &[u8]>, &[u8], &[u8]);
    let changes: [Change; 4] = [
        |table, name, sealed| {
            let mut sealed = sealed.to_vec();
            sealed[30] ^= 1;
            table.insert(name, &sealed[..]).unwrap();
        },
        |table, name, _| {
            table.remove(name).unwrap();
        },
        |table, name, sealed| {
            table.insert(&[7; 32][..], sealed).unwrap();
            table.remove(name).unwrap();
        },
        |table, _, sealed| {
            table.insert(&[7; 32][..], sealed).unwrap();
        },
    ];
    for change in changes {
        // Every row: also those that are there to fill up, for nobody but the key's holder can tell them apart.
        for place in [0, 17, 63] {
            let (folder, people) = (gone(), People::new());
            let (name, sealed) = rows(&folder).swap_remove(place);
            let database = redb::Database::open(folder.records()).unwrap();
            let writing = database.begin_write().unwrap();
            change(&mut writing.open_table(MEMBERS).unwrap(), &name, &sealed);
            writing.commit().unwrap();
            drop(database);
            assert_eq!(
                ask(&folder.store(), &people, "W-1"),
                Err(MembershipError::Altered),
                "{place}"
            );
        }
    }
}

#[test]
fn the_rows_are_a_power_of_two_of_one_size_and_hold_no_reference() {
    for (people, expected) in [
        (1, 64),
        (62, 64),
        (63, 64),
        (64, 128),
        (127, 128),
        (128, 256),
    ] {
        let folder = Folder::new();
        let images: Vec<_> = (0..people)
            .map(|number| image(&format!("somebody-{number}"), 1))
            .collect();
        folder.store().watchlist().enrol(&images, NOW).unwrap();
        let rows = rows(&folder);
        assert_eq!(rows.len(), expected, "{people}");
        for (name, sealed) in rows {
            assert_eq!((name.len(), sealed.len()), (32, 64));
            assert!(!sealed.windows(8).any(|part| part == b"somebody"));
        }
    }
}

#[test]
fn the_same_entry_in_two_deployments_has_nothing_in_common() {
    let (one, other) = (gone(), gone());
    let other = rows(&other);
    for row in rows(&one) {
        assert!(
            other
                .iter()
                .all(|(name, sealed)| *name != row.0 && *sealed != row.1)
        );
    }
}

#[test]
fn once_their_period_is_over_key_and_commitments_are_destroyed() {
    let (folder, people) = (gone(), People::new());
    let key = membership_key_file(&folder.records());
    let store = folder.store();
    // 31 days after the sweep that took the last entry.
    let period = 60 + 31 * 24;
    store.sweep(later(period - 1)).unwrap();
    assert!(ask(&store, &people, "W-1").is_ok());
    store.sweep(later(period)).unwrap();
    assert!(!key.exists());
    assert_eq!(ask(&store, &people, "W-1"), Err(MembershipError::Over));
    // A list of a later time begins anew.
    store
        .watchlist()
        .enrol(&[image("W-1", 1)], later(period + 1))
        .unwrap();
    assert_eq!(ask(&store, &people, "W-1").unwrap().len(), 1);
    drop(store);
    let database = redb::Database::open(folder.records()).unwrap();
    let reading = database.begin_read().unwrap();
    assert_eq!(reading.open_table(MEMBERS).unwrap().len().unwrap(), 64);
}

#[test]
fn the_period_does_not_end_while_somebody_is_on_the_watchlist() {
    let (folder, people) = (Folder::new(), People::new());
    let store = folder.store();
    store.keep_membership(1);
    store.watchlist().enrol(&[image("W-1", 1)], NOW).unwrap();
    // Its own retention is 48 hours.
    store.sweep(later(47)).unwrap();
    assert!(ask(&store, &people, "W-1").is_ok());
    store.sweep(later(49)).unwrap();
    assert!(ask(&store, &people, "W-1").is_ok());
    store.sweep(later(49 + 24)).unwrap();
    assert_eq!(ask(&store, &people, "W-1"), Err(MembershipError::Over));
}
