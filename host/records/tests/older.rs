//! A store that an older version wrote: what it lacks is said in words, and nothing is guessed.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use overt_records::{AuditEvent, AuditLog, Enrolled, HeldInputs, RecordsError, Store, Verdict};
use redb::{ReadableTable, TableDefinition, TypeName, Value};
use support::{Folder, NOW, alert, counts, encoder, header, image, settings};

/// A plain row, as the bytes that it is: of an entry, or of an alert.
#[derive(Debug)]
struct Row<const ALERT: bool>;

impl<const ALERT: bool> Value for Row<ALERT> {
    type SelfType<'a> = Vec<u8>;
    type AsBytes<'a> = Vec<u8>;

    fn fixed_width() -> Option<usize> {
        None
    }

    fn from_bytes<'a>(data: &'a [u8]) -> Vec<u8>
    where
        Self: 'a,
    {
        data.to_vec()
    }

    fn as_bytes<'a, 'b: 'a>(value: &'a Vec<u8>) -> Vec<u8>
    where
        Self: 'b,
    {
        value.clone()
    }

    fn type_name() -> TypeName {
        TypeName::new(match ALERT {
            true => "overt-records::Alert",
            false => "overt-records::Entry",
        })
    }
}

const ENTRIES: TableDefinition<&str, Row<false>> = TableDefinition::new("entries");
const ALERTS: TableDefinition<u32, Row<true>> = TableDefinition::new("alerts");
const META: TableDefinition<&str, &str> = TableDefinition::new("meta");

#[test]
fn templates_from_before_back_ends_were_noted_are_refused_until_they_are_enrolled_again() {
    let folder = Folder::new();
    let enrolled = folder.store().watchlist().enrol(&[image("W-1", 1)], NOW);
    assert_eq!(enrolled.unwrap(), [Enrolled::Added]);
    // The row as the older version wrote it: without the back end.
    let database = redb::Database::open(folder.records()).unwrap();
    let writing = database.begin_write().unwrap();
    {
        let mut entries = writing.open_table(ENTRIES).unwrap();
        let row = String::from_utf8(entries.get("W-1").unwrap().unwrap().value()).unwrap();
        let older = row.replace(r#""backend":"onnxruntime f32","#, "");
        assert_ne!(older, row);
        entries.insert("W-1", older.into_bytes()).unwrap();
    }
    writing.commit().unwrap();
    drop(database);

    let store = folder.store();
    let list = store.watchlist().list().unwrap();
    assert_eq!(list[0].images[0].encoder.backend, "");
    let error = store.watchlist().templates(&encoder(1)).err().unwrap();
    assert!(matches!(error, RecordsError::OtherEncoder(_)), "{error}");
    let words = error.to_string();
    for word in [
        "W-1",
        "a back end that was not noted",
        "onnxruntime f32",
        "enrol them again",
    ] {
        assert!(words.contains(word), "{words}");
    }

    let again = store.watchlist().enrol(&[image("W-1", 1)], NOW).unwrap();
    assert_eq!(again, [Enrolled::Replaced]);
    assert_eq!(store.watchlist().templates(&encoder(1)).unwrap().len(), 1);
}

/// Takes a store back to layout 1, which knew no inputs and no audit log: its alert has none.
fn as_layout_1(folder: &Folder) {
    let database = redb::Database::open(folder.records()).unwrap();
    let writing = database.begin_write().unwrap();
    {
        let mut meta = writing.open_table(META).unwrap();
        meta.insert("schema", "1").unwrap();
        let mut alerts = writing.open_table(ALERTS).unwrap();
        let row = String::from_utf8(alerts.get(1).unwrap().unwrap().value()).unwrap();
        let older = row.replace(r#","inputs":null"#, "");
        assert_ne!(older, row);
        alerts.insert(1, older.into_bytes()).unwrap();
        for fact in ["audit-key", "audit-head", "opened-by"] {
            meta.remove(fact).unwrap().unwrap();
        }
    }
    for table in ["audit", "audit-heads"] {
        let table = redb::TableDefinition::<u64, &[u8]>::new(table);
        assert!(writing.delete_table(table).unwrap());
    }
    std::fs::remove_file(folder.path().join("records.audit")).unwrap();
    let inputs = redb::TableDefinition::<u64, u64>::new("sealed-inputs");
    assert!(writing.delete_table(inputs).unwrap());
    writing.commit().unwrap();
}

#[test]
fn a_store_from_before_inputs_were_kept_is_brought_up_to_date_and_its_alerts_are_told_to_have_none()
{
    let folder = Folder::new();
    let store = folder.store();
    let run = store.begin_run(&header()).unwrap();
    let mut without = alert(1);
    without.inputs = None;
    run.commit_decisions(&[without], &counts(1), NOW).unwrap();
    drop((run, store));
    as_layout_1(&folder);

    // Twice: it is brought up to date once, and stays so.
    for number in [2, 3] {
        let store = Store::open(&folder.records(), &settings()).unwrap();
        assert!(store.alert_inputs(1, NOW).unwrap() == HeldInputs::NeverKept);
        assert!(store.alert_payload(1).unwrap().is_some());
        let run = store.begin_run(&header()).unwrap();
        run.commit_decisions(&[alert(number)], &counts(1), NOW)
            .unwrap();
        let kept = store.alert_inputs(number, NOW).unwrap();
        assert!(kept == HeldInputs::Held(support::inputs(number)));
    }
    let log = AuditLog::read(&folder.records(), "walk-past").unwrap();
    let begun = &log.entries()[0].event;
    assert!(
        matches!(
            begun,
            AuditEvent::LogBegun {
                layout: 1,
                runs: 1,
                alerts: 1,
                entries: 0,
                ..
            }
        ),
        "{begun:?}"
    );
    assert_eq!(log.verify(&[]).verdict, Verdict::TailUnproven);
    drop(log);
    // An older host would take the new class's keys for damage.
    let database = redb::Database::open(folder.records()).unwrap();
    let reading = redb::ReadableDatabase::begin_read(&database).unwrap();
    let meta = reading.open_table(META).unwrap();
    assert_eq!(meta.get("schema").unwrap().unwrap().value(), "3");
}

#[test]
fn an_entry_from_before_grounds_were_asked_for_is_told_to_have_none_and_gets_them_with_its_next_image()
 {
    let folder = Folder::new();
    let images = [image("W-1", 1)];
    folder.store().watchlist().enrol(&images, NOW).unwrap();
    // The row as the older version wrote it.
    let database = redb::Database::open(folder.records()).unwrap();
    let writing = database.begin_write().unwrap();
    {
        let mut entries = writing.open_table(ENTRIES).unwrap();
        let row = entries.get("W-1").unwrap().unwrap().value();
        let mut row: serde_json::Value = serde_json::from_slice(&row).unwrap();
        for field in ["wanted", "under_18", "grounds", "added"] {
            row.as_object_mut().unwrap().remove(field).unwrap();
        }
        row["images"][0]
            .as_object_mut()
            .unwrap()
            .remove("facts")
            .unwrap();
        entries
            .insert("W-1", serde_json::to_vec(&row).unwrap())
            .unwrap();
    }
    for table in ["members", "removals", "sealed-grounds"] {
        let table = redb::TableDefinition::<u64, u64>::new(table);
        writing.delete_table(table).unwrap();
    }
    writing
        .open_table(META)
        .unwrap()
        .remove("membership-until")
        .unwrap();
    writing.commit().unwrap();
    drop(database);

    let store = folder.store();
    let watchlist = store.watchlist();
    let list = watchlist.list().unwrap();
    assert_eq!((list[0].wanted, list[0].under_18), (None, None));
    assert!(list[0].added.is_none() && list[0].images[0].facts.source.is_none());
    assert_eq!(watchlist.grounds("W-1").unwrap(), None);
    assert_eq!(watchlist.templates(&encoder(1)).unwrap().len(), 1);
    assert!(
        watchlist.sources(&encoder(1)).unwrap().is_empty(),
        "they are enrolled again"
    );
    // Nobody approves of somebody of whom it is not said why they are sought.
    let boss = support::people::People::new().boss();
    assert!(watchlist.approve(&boss, None, NOW).is_err());
    watchlist.enrol(&[image("W-1", 2)], NOW).unwrap();
    assert_eq!(watchlist.list().unwrap()[0].wanted, Some(true));
    assert!(watchlist.grounds("W-1").unwrap().is_some());
    assert_eq!(watchlist.sources(&encoder(1)).unwrap().len(), 2);
    watchlist.approve(&boss, None, NOW).unwrap();
}
