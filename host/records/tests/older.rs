//! A store that an older version wrote: what it lacks is said in words, and nothing is guessed.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use overt_records::{Enrolled, RecordsError};
use redb::{ReadableTable, TableDefinition, TypeName, Value};
use support::{Folder, NOW, encoder, image};

/// An entry's plain row, as the bytes that it is.
#[derive(Debug)]
struct Entry;

impl Value for Entry {
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
        TypeName::new("overt-records::Entry")
    }
}

const ENTRIES: TableDefinition<&str, Entry> = TableDefinition::new("entries");

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
