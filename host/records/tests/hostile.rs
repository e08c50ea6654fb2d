//! Files that are not what they should be: each is an error that names the file, and never a panic.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use overt_records::{HeldInputs, RecordsError, RunId, Store};
use redb::{ReadableDatabase, ReadableTable, TableDefinition, TypeName, Value};
use std::fs;
use std::path::Path;
use support::{Folder, NOW, alert, counts, encoder, header, image, settings};

fn open(folder: &Folder) -> Result<Store, RecordsError> {
    Store::open(&folder.records(), &settings())
}

/// A store with an entry and two alerts, closed.
fn filled() -> Folder {
    let folder = Folder::new();
    let store = folder.store();
    store.watchlist().enrol(&[image("W-1", 1)], NOW).unwrap();
    let run = store.begin_run(&header()).unwrap();
    run.commit_decisions(&[alert(1), alert(2)], &counts(2), NOW)
        .unwrap();
    folder
}

#[test]
fn a_store_that_is_not_there_is_missing_and_nothing_is_made() {
    let folder = Folder::new();
    let error = open(&folder).err().unwrap();
    assert!(matches!(error, RecordsError::Missing { .. }), "{error}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_file_of_garbage_is_no_store_and_stays_as_it_is() {
    let mut random = fastrand::Rng::with_seed(3);
    for length in [1, 511, 4096, 70_000] {
        let folder = Folder::new();
        let garbage: Vec<u8> = (0..length).map(|_| random.u8(..)).collect();
        fs::write(folder.records(), &garbage).unwrap();
        for _ in 0..2 {
            let result = Store::open_or_create(&folder.records(), &settings());
            let error = result.err().unwrap();
            assert!(
                matches!(error, RecordsError::NotAStore { .. }),
                "{length}: {error:?}"
            );
        }
        assert_eq!(fs::read(folder.records()).unwrap(), garbage);
        assert!(!folder.keys().exists());
    }
}

#[test]
fn a_redb_file_of_another_program_is_no_store() {
    let folder = Folder::new();
    let table: TableDefinition<u64, u64> = TableDefinition::new("theirs");
    let theirs = redb::Database::create(folder.records()).unwrap();
    let change = theirs.begin_write().unwrap();
    change.open_table(table).unwrap().insert(1, 2).unwrap();
    change.commit().unwrap();
    drop(theirs);
    let error = open(&folder).err().unwrap();
    assert!(matches!(error, RecordsError::NotAStore { .. }), "{error}");
    assert!(!folder.keys().exists());
}

#[test]
fn a_store_is_held_by_one_opener_at_a_time() {
    let folder = Folder::new();
    let store = folder.store();
    let error = open(&folder).err().unwrap();
    assert!(matches!(error, RecordsError::AlreadyOpen { .. }), "{error}");
    drop(store);
    assert!(open(&folder).is_ok());
}

#[test]
fn a_store_of_another_deployment_is_refused_by_name() {
    let folder = filled();
    let mut other = settings();
    other.deployment = "elsewhere".into();
    let error = Store::open(&folder.records(), &other).err().unwrap();
    let text = error.to_string();
    assert!(matches!(error, RecordsError::ForeignDeployment { .. }));
    assert!(text.contains("elsewhere") && text.contains("walk-past"));
}

#[test]
fn a_store_of_a_later_layout_is_refused() {
    let folder = filled();
    let meta: TableDefinition<&str, &str> = TableDefinition::new("meta");
    rewrite(&folder.records(), |change| {
        let mut meta = change.open_table(meta).unwrap();
        meta.insert("schema", "4").unwrap();
    });
    let error = open(&folder).err().unwrap();
    assert!(
        matches!(
            error,
            RecordsError::OtherSchema {
                expected: 3,
                found: 4,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn a_missing_key_file_is_named_and_none_is_made_in_its_place() {
    let folder = filled();
    fs::remove_file(folder.keys()).unwrap();
    for result in [
        open(&folder),
        Store::open_or_create(&folder.records(), &settings()),
    ] {
        let error = result.err().unwrap();
        assert!(matches!(error, RecordsError::KeyFileMissing { .. }));
        assert!(error.to_string().contains("records.keys"), "{error}");
    }
    assert!(!folder.keys().exists());
}

#[test]
fn the_key_file_of_another_store_is_refused() {
    let (folder, other) = (filled(), filled());
    fs::copy(other.keys(), folder.keys()).unwrap();
    let error = open(&folder).err().unwrap();
    assert!(matches!(error, RecordsError::KeyFileForeign { .. }));
    assert!(error.to_string().contains("records.keys"), "{error}");
}

#[test]
fn a_key_file_that_was_cut_short_is_an_error_that_counts_what_is_lost() {
    // Six keys: an image and its entry's grounds, and two for each of two alerts.
    for (slots, lost) in [(0, 6), (1, 5), (2, 4), (5, 1)] {
        let folder = filled();
        let file = fs::OpenOptions::new().write(true).open(folder.keys());
        file.unwrap().set_len(512 + 128 * slots + 5).unwrap();
        let error = open(&folder).err().unwrap();
        assert!(
            matches!(error, RecordsError::KeysLost { lost: found, held: 6, .. } if found == lost),
            "{error}"
        );
        let length = fs::metadata(folder.keys()).unwrap().len();
        assert_eq!(length, 512 + 128 * slots + 5, "nothing is tidied away");
    }
}

#[test]
fn a_key_file_without_its_store_is_not_taken_over_by_a_new_one() {
    let folder = filled();
    fs::remove_file(folder.records()).unwrap();
    let error = Store::open_or_create(&folder.records(), &settings());
    let error = error.err().unwrap();
    assert!(matches!(error, RecordsError::KeysWithoutStore { .. }));
    assert!(!folder.records().exists());
    assert!(folder.keys().exists());
}

#[test]
fn a_store_whose_making_was_interrupted_is_made_when_it_is_opened_again() {
    // The key file is there, the store is an empty file.
    let folder = Folder::new();
    drop(folder.store());
    fs::write(folder.records(), "").unwrap();
    let store = Store::open_or_create(&folder.records(), &settings()).unwrap();
    assert!(store.watchlist().list().unwrap().is_empty());
}

#[test]
fn what_a_killed_making_of_a_store_leaves_beside_it_goes() {
    let folder = Folder::new();
    let unfinished = folder.path().join("records.redb.new");
    // Killed while redb made its file; and killed between the store's two names.
    fs::write(&unfinished, [0; 9000]).unwrap();
    drop(folder.store());
    assert!(!unfinished.exists());
    fs::hard_link(folder.records(), &unfinished).unwrap();
    drop(folder.store());
    assert!(!unfinished.exists());
    assert!(open(&folder).is_ok());
}

#[test]
fn only_the_owner_can_read_the_store_and_its_keys() {
    use std::os::unix::fs::PermissionsExt;
    let folder = filled();
    let audit = folder.path().join("records.audit");
    for path in [folder.records(), folder.keys(), audit] {
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", path.display());
    }
}

#[test]
fn a_store_whose_name_is_that_of_its_key_file_is_refused() {
    let folder = Folder::new();
    let result = Store::open_or_create(&folder.keys(), &settings());
    assert!(matches!(result, Err(RecordsError::Refused { .. })));
}

#[test]
fn a_store_in_a_folder_that_is_not_there_yet_is_made_with_it() {
    let folder = Folder::new();
    let path = folder.path().join("a/b/records.redb");
    drop(Store::open_or_create(&path, &settings()).unwrap());
    assert!(Store::open(&path, &settings()).is_ok());
}

#[test]
fn a_flipped_bit_anywhere_in_the_store_is_noticed_or_harmless_and_never_a_panic() {
    let folder = filled();
    let good = fs::read(folder.records()).unwrap();
    let keys = fs::read(folder.keys()).unwrap();
    let mut random = fastrand::Rng::with_seed(11);
    let used: Vec<usize> = (0..good.len()).filter(|&byte| good[byte] != 0).collect();
    let mut noticed = 0;
    for _ in 0..300 {
        let mut bad = good.clone();
        bad[used[random.usize(..used.len())]] ^= 1 << random.u8(..8);
        fs::write(folder.records(), &bad).unwrap();
        // Opening may rewrite the key file, where the flip made it see another state of the store.
        fs::write(folder.keys(), &keys).unwrap();
        match open(&folder) {
            Err(_) => noticed += 1,
            Ok(store) => {
                // The flip lies in a page that is not in use, or in redb's own recovery data.
                let list = store.watchlist().list();
                let templates = store.watchlist().templates(&encoder(1));
                if let (Ok(list), Ok(templates)) = (list, templates) {
                    assert!(list.len() <= 1 && templates.len() <= 1);
                    assert!(
                        templates
                            .iter()
                            .all(|found| found.values == image("W-1", 1).template)
                    );
                }
                if let Ok(Some(held)) = store.alert_payload(1) {
                    assert!(held == support::payload(1));
                }
            }
        }
    }
    assert!(noticed > 50, "only {noticed} of 300 flips were noticed");
}

#[test]
fn a_store_that_was_cut_short_is_noticed() {
    let folder = filled();
    let good = fs::read(folder.records()).unwrap();
    for length in [good.len() - 4096, good.len() / 2, 8192, 4096, 100] {
        fs::write(folder.records(), &good[..length]).unwrap();
        assert!(open(&folder).is_err(), "{length} bytes");
    }
}

/// Sealed bytes as they lie in the store, past the types that guard them.
#[derive(Debug)]
struct Raw;

impl Value for Raw {
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
        TypeName::new("overt-records::SealedPayload")
    }
}

const SEALED_ALERTS: TableDefinition<u64, Raw> = TableDefinition::new("sealed-alerts");
const SEALED_TEMPLATES: TableDefinition<u64, Raw> = TableDefinition::new("sealed-templates");

fn rewrite(path: &Path, change: impl FnOnce(&redb::WriteTransaction)) {
    let database = redb::Database::open(path).unwrap();
    let writing = database.begin_write().unwrap();
    change(&writing);
    writing.commit().unwrap();
}

fn sealed(path: &Path, table: TableDefinition<u64, Raw>) -> Vec<(u64, Vec<u8>)> {
    let database = redb::Database::open(path).unwrap();
    let reading = database.begin_read().unwrap();
    let table = reading.open_table(table).unwrap();
    let rows = table.iter().unwrap().map(Result::unwrap);
    rows.map(|(record, bytes)| (record.value(), bytes.value()))
        .collect()
}

#[test]
fn any_flipped_bit_in_a_sealed_payload_is_noticed_and_harms_no_other() {
    let folder = filled();
    let rows = sealed(&folder.records(), SEALED_ALERTS);
    let (record, good) = &rows[0];
    for byte in [0, 23, 24, 60, good.len() - 17, good.len() - 1] {
        let mut bad = good.clone();
        bad[byte] ^= 4;
        rewrite(&folder.records(), |change| {
            let mut table = change.open_table(SEALED_ALERTS).unwrap();
            table.insert(record, &bad).unwrap();
        });
        let store = open(&folder).unwrap();
        let error = store.alert_payload(1).err().unwrap();
        assert!(
            matches!(error, RecordsError::Altered { record: found, .. } if found == *record),
            "{error}"
        );
        assert!(store.alert_payload(2).unwrap().is_some());
        assert_eq!(store.alerts(RunId(1)).unwrap().len(), 2);
    }
}

#[test]
fn payloads_swapped_between_two_records_are_noticed() {
    let folder = filled();
    let rows = sealed(&folder.records(), SEALED_ALERTS);
    rewrite(&folder.records(), |change| {
        let mut table = change.open_table(SEALED_ALERTS).unwrap();
        table.insert(rows[0].0, &rows[1].1).unwrap();
        table.insert(rows[1].0, &rows[0].1).unwrap();
    });
    let store = open(&folder).unwrap();
    for number in [1, 2] {
        let error = store.alert_payload(number).err().unwrap();
        assert!(matches!(error, RecordsError::Altered { .. }), "{error}");
    }
}

#[test]
fn a_payload_moved_to_another_table_is_noticed() {
    let folder = filled();
    let template = sealed(&folder.records(), SEALED_TEMPLATES)[0].0;
    let alerts = sealed(&folder.records(), SEALED_ALERTS);
    rewrite(&folder.records(), |change| {
        let mut table = change.open_table(SEALED_TEMPLATES).unwrap();
        table.insert(template, &alerts[0].1).unwrap();
    });
    let error = open(&folder).unwrap().watchlist().templates(&encoder(1));
    assert!(matches!(error, Err(RecordsError::Altered { .. })));
}

#[test]
fn a_payload_that_is_cut_to_nothing_is_noticed() {
    let folder = filled();
    let record = sealed(&folder.records(), SEALED_ALERTS)[0].0;
    for length in [0, 10, 40] {
        rewrite(&folder.records(), |change| {
            let mut table = change.open_table(SEALED_ALERTS).unwrap();
            table.insert(record, &vec![0; length]).unwrap();
        });
        let error = open(&folder).unwrap().alert_payload(1);
        assert!(matches!(error, Err(RecordsError::Altered { .. })));
    }
}

const SEALED_INPUTS: TableDefinition<u64, Raw> = TableDefinition::new("sealed-inputs");
const HELD: TableDefinition<u64, (u8, i64)> = TableDefinition::new("held");

/// A plain row as it lies in the store.
#[derive(Debug)]
struct Plain;

impl Value for Plain {
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
        TypeName::new("overt-records::Alert")
    }
}

const ALERTS: TableDefinition<u32, Plain> = TableDefinition::new("alerts");

/// Changes the plain row of alert 1 as text.
fn change_row(folder: &Folder, from: &str, to: &str) {
    rewrite(&folder.records(), |change| {
        let mut table = change.open_table(ALERTS).unwrap();
        let row = String::from_utf8(table.get(1).unwrap().unwrap().value()).unwrap();
        let changed = row.replace(from, to);
        assert_ne!(changed, row, "{row}");
        table.insert(1, changed.into_bytes()).unwrap();
    });
}

/// That the inputs of alert 1 are told to be altered, and those of alert 2 are not.
fn inputs_are_altered(folder: &Folder, how: &str) {
    let store = open(folder).unwrap();
    let found = store.alert_inputs(1, NOW);
    assert!(matches!(found, Err(RecordsError::Altered { .. })), "{how}");
    let other = store.alert_inputs(2, NOW).unwrap();
    assert!(other == HeldInputs::Held(support::inputs(2)), "{how}");
}

#[test]
fn a_changed_byte_of_an_alerts_inputs_is_noticed() {
    let folder = filled();
    let (record, good) = sealed(&folder.records(), SEALED_INPUTS).remove(0);
    for byte in [0, 24, good.len() / 2, good.len() - 1] {
        let mut bad = good.clone();
        bad[byte] ^= 1;
        rewrite(&folder.records(), |change| {
            let mut table = change.open_table(SEALED_INPUTS).unwrap();
            table.insert(record, &bad).unwrap();
        });
        inputs_are_altered(&folder, &format!("byte {byte}"));
    }
}

#[test]
fn inputs_do_not_belong_to_an_alert_whose_row_says_something_else() {
    for (from, to) in [
        ("\"reference\":\"W-1\"", "\"reference\":\"W-2\""),
        ("\"track\":7", "\"track\":8"),
        ("\"raised_at\":18000", "\"raised_at\":18001"),
        ("\"desk-1\"", "\"desk-9\""),
    ] {
        let folder = filled();
        change_row(&folder, from, to);
        inputs_are_altered(&folder, to);
    }
    // The inputs of the other alert, which open.
    let folder = filled();
    let records: Vec<u64> = sealed(&folder.records(), SEALED_INPUTS)
        .into_iter()
        .map(|(record, _)| record)
        .collect();
    let named = |record: u64| format!("\"inputs\":{{\"record\":{record},");
    change_row(&folder, &named(records[0]), &named(records[1]));
    inputs_are_altered(&folder, "another alert's");
}

#[test]
fn inputs_that_are_gone_before_their_time_are_not_taken_for_expired() {
    let folder = filled();
    let record = sealed(&folder.records(), SEALED_INPUTS)[0].0;
    rewrite(&folder.records(), |change| {
        change
            .open_table(SEALED_INPUTS)
            .unwrap()
            .remove(record)
            .unwrap();
    });
    inputs_are_altered(&folder, "the payload is gone");
    rewrite(&folder.records(), |change| {
        change.open_table(HELD).unwrap().remove(record).unwrap();
    });
    inputs_are_altered(&folder, "all of it is gone");
}
