//! The audit log of a store: what stands in it, what it proves, and what somebody did to it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use overt_records::{
    Actor, AuditEvent, BreakKind, ChangeCause, GenerationChange, LodgedHead, PersonRole,
    PluginUsed, Quarantine, RecordsError, RunId, Selection, Store, Verdict, verify_export,
};
use redb::ReadableTable;
use std::fs;
use std::path::Path;
use support::log::{broken, filled, lodged, log};
use support::people::People;
use support::{Folder, NOW, alert, counts, digest, header, image, removal, settings};

const EVENTS: redb::TableDefinition<u64, &[u8]> = redb::TableDefinition::new("audit");
const HEADS: redb::TableDefinition<u64, &[u8]> = redb::TableDefinition::new("audit-heads");
const META: redb::TableDefinition<&str, &str> = redb::TableDefinition::new("meta");

fn plugin() -> PluginUsed {
    PluginUsed {
        role: "detector".into(),
        id: "detector-example".into(),
        version: "1.0.0".into(),
        sha256: digest(0xdd),
    }
}

fn rewrite(path: &Path, change: impl FnOnce(&redb::WriteTransaction)) {
    let database = redb::Database::open(path).unwrap();
    let writing = database.begin_write().unwrap();
    change(&writing);
    writing.commit().unwrap();
}

#[test]
fn every_change_of_a_store_stands_in_its_log_with_who_did_it() {
    let folder = Folder::new();
    let store = folder.store();
    let people = People::new();
    let anna = people.engineer();
    let watchlist = store.watchlist();
    watchlist.enrol(&[image("W-1", 1)], NOW).unwrap();
    watchlist.enrol(&[image("W-1", 1)], NOW).unwrap();
    let run = store.begin_run(&header()).unwrap();
    run.commit_decisions(&[], &counts(0), NOW).unwrap();
    run.commit_decisions(&[alert(1)], &counts(1), NOW).unwrap();
    let quarantine = Quarantine {
        number: 0,
        run: RunId(0),
        at: NOW,
        plugin: plugin(),
        content: None,
        cause: "overrun".into(),
        strikes: 10,
        calls: 90,
        release: None,
    };
    run.quarantine(&quarantine).unwrap();
    let swap = GenerationChange {
        run: run.id(),
        number: 1,
        at: NOW,
        cause: ChangeCause::Swap {
            by: anna.acting_as(PersonRole::SystemEngineer).unwrap(),
            reason: "a better one".into(),
        },
        plugins: vec![plugin()],
        models: vec![],
        lock_sha256: None,
        score_floor: 0.45,
    };
    run.change_generation(&swap, None).unwrap();
    run.finish(&counts(1), true, NOW).unwrap();
    store
        .release("detector-example", &anna, "the cable was broken", NOW)
        .unwrap();
    store.sweep(NOW.after_hours(30)).unwrap();
    watchlist.remove("W-1", &removal(NOW)).unwrap().unwrap();
    // What changes nothing leaves nothing.
    assert_eq!(watchlist.remove("W-1", &removal(NOW)).unwrap(), None);
    store.sweep(NOW).unwrap();
    let head = store.audit_head().unwrap();
    drop(store);

    let log = log(&folder);
    assert_eq!(log.head(), head);
    let entries = log.entries();
    let kinds: Vec<String> = entries
        .iter()
        .map(|entry| {
            let event = serde_json::to_value(&entry.event).unwrap();
            let by = match &entry.by {
                Actor::Host => "host",
                Actor::Unnamed => "unnamed",
                Actor::Named(name) => name,
                Actor::Person { id, .. } => id,
            };
            format!("{} by {by}", event["kind"].as_str().unwrap())
        })
        .collect();
    assert_eq!(
        kinds,
        [
            "store-created by host",
            "image-enrolled by anna",
            "image-enrolled by anna",
            "keys-destroyed by host",
            "run-begun by unnamed",
            "alert-raised by host",
            "plugin-quarantined by host",
            "generation-changed by anna",
            "run-finished by host",
            "plugin-released by anna",
            "swept by host",
            "keys-destroyed by host",
            "entry-removed by anna",
            "alert-step by host",
            "keys-destroyed by host",
        ]
    );
    let AuditEvent::AlertRaised {
        alert, reference, ..
    } = &entries[5].event
    else {
        panic!("{:?}", entries[5]);
    };
    assert_eq!((*alert, reference.as_str()), (1, "W-1"));
    // No score, no reason, no crop, no template: the names of every fact that the log holds are known.
    let text = log.export(&Selection::default(), NOW).unwrap().text;
    for word in ["score", "0.7", "crop", "template", "reason\":\"score"] {
        assert!(!text.contains(word), "{word}: {text}");
    }
}

#[test]
fn a_change_that_fails_leaves_nothing_in_the_log() {
    let folder = filled();
    let store = folder.store();
    let before = store.audit_head().unwrap();
    let run = store.begin_run(&header()).unwrap();
    let begun = store.audit_head().unwrap();
    assert_eq!(begun.events, before.events + 1);
    // The first of the two would have been logged.
    let error = run.commit_decisions(&[alert(81), alert(83)], &counts(0), NOW);
    assert!(matches!(error, Err(RecordsError::AlertNumber { .. })));
    assert_eq!(store.audit_head().unwrap(), begun);
}

#[test]
fn without_a_lodged_head_the_tail_is_unproven_and_with_one_it_is_proven_as_far_as_that_goes() {
    let folder = filled();
    let verification = log(&folder).verify(&[]);
    assert_eq!(verification.verdict, Verdict::TailUnproven);
    assert_eq!((verification.events, verification.proven_to), (87, 0));
    // One after 64 events, one at the end of each run.
    assert_eq!(verification.heads, 3);

    let head = lodged(&folder);
    assert_eq!(head.events(), 87);
    let verification = log(&folder).verify(std::slice::from_ref(&head));
    assert_eq!(verification.verdict, Verdict::Proven);

    folder.store().begin_run(&header()).unwrap();
    let verification = log(&folder).verify(&[head]);
    assert_eq!(verification.verdict, Verdict::TailUnproven);
    assert_eq!((verification.events, verification.proven_to), (88, 87));
}

#[test]
fn what_was_done_to_the_log_in_the_store_is_told_apart() {
    type Deed = fn(&redb::WriteTransaction);
    fn move_line(rows: &redb::WriteTransaction, from: u64, to: u64) {
        let mut events = rows.open_table(EVENTS).unwrap();
        let line = events.get(from).unwrap().unwrap().value().to_vec();
        events.insert(to, &line[..]).unwrap();
    }
    let deeds: [(BreakKind, u64, Deed); 8] = [
        (BreakKind::Changed, 10, |rows| {
            let mut events = rows.open_table(EVENTS).unwrap();
            let line = events.get(10).unwrap().unwrap().value().to_vec();
            let other = String::from_utf8(line).unwrap().replace("W-1", "W-2");
            events.insert(10, other.as_bytes()).unwrap();
        }),
        (BreakKind::Dropped, 10, |rows| {
            rows.open_table(EVENTS).unwrap().remove(10).unwrap();
        }),
        (BreakKind::Inserted, 20, |rows| move_line(rows, 20, 88)),
        // A line that is none of the log's.
        (BreakKind::Changed, 88, |rows| {
            let mut events = rows.open_table(EVENTS).unwrap();
            events.insert(88, &b"{}"[..]).unwrap();
        }),
        (BreakKind::Reordered, 10, |rows| {
            move_line(rows, 10, 1_000);
            move_line(rows, 11, 10);
            move_line(rows, 1_000, 11);
            rows.open_table(EVENTS).unwrap().remove(1_000).unwrap();
        }),
        (BreakKind::Cut, 80, |rows| {
            let mut events = rows.open_table(EVENTS).unwrap();
            events.retain(|number, _| number < 80).unwrap();
        }),
        // The row that says how far the log goes fits what is left, but a signed head does not.
        (BreakKind::Cut, 80, |rows| {
            let mut events = rows.open_table(EVENTS).unwrap();
            events.retain(|number, _| number < 80).unwrap();
            let line = events.get(79).unwrap().unwrap().value().to_vec();
            let hash = std::str::from_utf8(&line[9..73]).unwrap();
            let mut meta = rows.open_table(META).unwrap();
            meta.insert("audit-head", format!("79 {hash}").as_str())
                .unwrap();
        }),
        // No signed head speaks of what is gone, but the head outside does.
        (BreakKind::RolledBack, 87, |rows| {
            let mut events = rows.open_table(EVENTS).unwrap();
            events.retain(|number, _| number < 80).unwrap();
            let mut heads = rows.open_table(HEADS).unwrap();
            heads.retain(|number, _| number < 80).unwrap();
            let line = events.get(79).unwrap().unwrap().value().to_vec();
            let hash = std::str::from_utf8(&line[9..73]).unwrap();
            let mut meta = rows.open_table(META).unwrap();
            meta.insert("audit-head", format!("79 {hash}").as_str())
                .unwrap();
        }),
    ];
    for (kind, event, deed) in deeds {
        let folder = filled();
        rewrite(&folder.records(), deed);
        let log = log(&folder);
        assert_eq!(log.verify(&[]).verdict, broken(kind, event));
        let error = log.lodge(NOW).err().unwrap();
        assert!(matches!(error, RecordsError::AuditBroken { .. }), "{error}");
    }
}

/// Puts an older copy of a store in its place, which lacks event 88.
fn roll_back(folder: &Folder) {
    let old = fs::read(folder.records()).unwrap();
    folder.store().begin_run(&header()).unwrap();
    fs::write(folder.records(), old).unwrap();
}

#[test]
fn an_older_copy_put_in_the_stores_place_is_found_out_and_the_log_says_so_for_good() {
    let folder = filled();
    roll_back(&folder);
    assert_eq!(
        log(&folder).verify(&[]).verdict,
        broken(BreakKind::RolledBack, 88)
    );
    // The deployment goes on. The trace stays.
    for _ in 0..2 {
        let store = folder.store();
        store.begin_run(&header()).unwrap();
        drop(store);
        let log = log(&folder);
        assert_eq!(log.verify(&[]).verdict, broken(BreakKind::RolledBack, 88));
        let found =
            |event: &AuditEvent| matches!(event, AuditEvent::RollbackFound { number: 88, .. });
        let times = log.entries().iter().filter(|e| found(&e.event)).count();
        assert_eq!(times, 1);
        // Not even where every other event is left out.
        let selection = Selection {
            to: Some(0),
            ..Selection::default()
        };
        let export = log.export(&selection, NOW).unwrap().text;
        let head = LodgedHead::read(log.lodge(NOW).unwrap().as_bytes()).unwrap();
        assert_eq!(
            verify_export(export.as_bytes(), &[head]).verdict,
            broken(BreakKind::RolledBack, 88)
        );
    }
}

#[test]
fn an_older_copy_of_everything_is_found_out_by_a_lodged_head_and_by_nothing_else() {
    let folder = filled();
    let audit = folder.path().join("records.audit");
    let (old, old_audit) = (
        fs::read(folder.records()).unwrap(),
        fs::read(&audit).unwrap(),
    );
    let store = folder.store();
    store.begin_run(&header()).unwrap();
    drop(store);
    let head = lodged(&folder);
    fs::write(folder.records(), old).unwrap();
    fs::write(audit, old_audit).unwrap();
    assert_eq!(log(&folder).verify(&[]).verdict, Verdict::TailUnproven);
    let verdict = broken(BreakKind::RolledBack, 88);
    assert_eq!(
        log(&folder).verify(std::slice::from_ref(&head)).verdict,
        verdict
    );
    // Going on from there brings the same number, and another event.
    folder.store().begin_run(&header()).unwrap();
    assert_eq!(log(&folder).verify(&[head]).verdict, verdict);
}

#[test]
fn a_head_outside_that_is_behind_is_what_a_kill_leaves_and_is_no_rollback() {
    let folder = filled();
    let audit = folder.path().join("records.audit");
    let old_audit = fs::read(&audit).unwrap();
    let run = folder.store().begin_run(&header()).unwrap();
    run.commit_decisions(&[alert(81)], &counts(1), NOW).unwrap();
    drop(run);
    fs::write(&audit, old_audit).unwrap();
    assert_eq!(log(&folder).verify(&[]).verdict, Verdict::TailUnproven);
    drop(folder.store());
    assert_eq!(log(&folder).head().events, 89, "opening said nothing");
    assert_eq!(log(&folder).verify(&[]).verdict, Verdict::TailUnproven);
}

#[test]
fn a_head_of_another_store_is_foreign_and_a_changed_one_is_none() {
    let (folder, other) = (filled(), filled());
    let head = lodged(&other);
    assert_eq!(
        log(&folder).verify(&[head]).verdict,
        broken(BreakKind::Foreign, 87)
    );
    let line = log(&folder).lodge(NOW).unwrap();
    assert!(LodgedHead::read(line.replace(":87,", ":86,").as_bytes()).is_err());
    assert!(LodgedHead::read(b"").is_err());
}

#[test]
fn a_store_without_its_audit_file_or_with_that_of_another_is_refused() {
    let (folder, other) = (filled(), filled());
    let audit = |folder: &Folder| folder.path().join("records.audit");
    fs::copy(audit(&other), audit(&folder)).unwrap();
    let error = Store::open(&folder.records(), &settings()).err().unwrap();
    assert!(
        matches!(error, RecordsError::AuditFileForeign { .. }),
        "{error}"
    );
    fs::remove_file(audit(&folder)).unwrap();
    let error = Store::open(&folder.records(), &settings()).err().unwrap();
    assert!(
        matches!(error, RecordsError::AuditFileMissing { .. }),
        "{error}"
    );
    // What is there is verified all the same.
    assert_eq!(log(&folder).verify(&[]).verdict, Verdict::TailUnproven);
    assert!(!log(&folder).has_head_outside());
}
