//! The key file under crashes, damage and full use.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use std::os::unix::fs::PermissionsExt;
use tempfile::TempDir;

const STORE: StoreId = [9; 16];
const CLASS: RetentionClass = RetentionClass::Alerts;

fn one(record: u64, key: &Key) -> BTreeMap<u64, (RetentionClass, Key)> {
    BTreeMap::from([(record, (CLASS, key.clone()))])
}

struct Fixture {
    folder: TempDir,
    path: PathBuf,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("records.keys");
        Self { folder, path }
    }

    fn with_keys(records: &[u64]) -> (Self, KeyFile, Vec<Key>) {
        let fixture = Self::new();
        let mut file = KeyFile::create(&fixture.path, STORE).unwrap();
        let keys: Vec<Key> = records
            .iter()
            .map(|_| cipher::random_key().unwrap())
            .collect();
        for (record, key) in records.iter().zip(&keys) {
            file.append(&one(*record, key)).unwrap();
        }
        (fixture, file, keys)
    }

    fn read(&self) -> KeyFile {
        KeyFile::read(&self.path).unwrap().unwrap()
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        files::with_suffix(&self.path, suffix)
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

#[test]
fn keys_are_there_again_after_reading_the_file() {
    let (fixture, file, keys) = Fixture::with_keys(&[1, 2, 7]);
    drop(file);
    let file = fixture.read();
    assert_eq!((file.len(), file.last_record()), (3, 7));
    for (record, key) in [1, 2, 7].into_iter().zip(&keys) {
        assert_eq!(*file.key(record).unwrap(), **key);
    }
    assert!(file.key(3).is_none());
}

#[test]
fn only_the_owner_can_read_the_file_and_no_key_stands_in_it_as_it_is() {
    let (fixture, _, keys) = Fixture::with_keys(&[1]);
    let mode = fs::metadata(&fixture.path).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o600);
    let bytes = fs::read(&fixture.path).unwrap();
    assert!(!bytes.windows(KEY).any(|window| window == &keys[0][..]));
}

#[test]
fn a_file_that_others_can_read_is_refused() {
    for mode in [0o640, 0o604, 0o620, 0o602] {
        let (fixture, _, _) = Fixture::with_keys(&[1]);
        fs::set_permissions(&fixture.path, fs::Permissions::from_mode(mode)).unwrap();
        let error = KeyFile::read(&fixture.path).err().unwrap();
        assert!(
            matches!(error, RecordsError::KeyFileExposed { mode: found, .. } if found == mode),
            "{error}"
        );
    }
}

#[test]
fn adding_a_key_writes_that_key_only() {
    let (fixture, mut file, _) = Fixture::with_keys(&[1, 2, 3]);
    let before = fs::read(&fixture.path).unwrap();
    file.append(&one(4, &cipher::random_key().unwrap()))
        .unwrap();
    let after = fs::read(&fixture.path).unwrap();
    assert_eq!(after.len(), before.len() + SLOT);
    assert_eq!(after[..before.len()], before);
}

#[test]
fn a_destroyed_key_is_gone_and_the_others_stay_under_a_fresh_key_encryption_key() {
    let (fixture, mut file, keys) = Fixture::with_keys(&[1, 2, 3]);
    let other_name = fixture.folder.path().join("copy");
    fs::hard_link(&fixture.path, &other_name).unwrap();
    let before = fs::read(&fixture.path).unwrap();
    file.destroy(&[2]).unwrap();
    let after = fs::read(&fixture.path).unwrap();
    assert_ne!(before[32..64], after[32..64], "the key-encryption key");
    let old = fs::read(&other_name).unwrap();
    assert!(old.iter().all(|byte| *byte == 0), "the old file's bytes");
    for file in [file, fixture.read()] {
        assert!(file.key(2).is_none());
        assert_eq!(*file.key(1).unwrap(), *keys[0]);
        assert_eq!(*file.key(3).unwrap(), *keys[2]);
    }
    assert_eq!(fixture.names(), ["copy", "records.keys"]);
}

#[test]
fn keys_can_be_added_after_others_were_destroyed() {
    let (fixture, mut file, keys) = Fixture::with_keys(&[1, 2]);
    file.destroy(&[1]).unwrap();
    let key = cipher::random_key().unwrap();
    file.append(&one(3, &key)).unwrap();
    let file = fixture.read();
    assert_eq!(file.len(), 2);
    assert_eq!(*file.key(2).unwrap(), *keys[1]);
    assert_eq!(*file.key(3).unwrap(), *key);
}

#[test]
fn a_rewrite_that_a_crash_stopped_before_the_new_name_leaves_the_old_keys() {
    // Steps 1 and 2 of a rewrite, and then the crash.
    let (fixture, file, _) = Fixture::with_keys(&[1, 2]);
    drop(file);
    fs::write(fixture.beside("new"), "half a file").unwrap();
    fs::hard_link(&fixture.path, fixture.beside("old")).unwrap();
    assert_eq!(fixture.read().len(), 2);
    assert_eq!(fixture.names(), ["records.keys"]);
}

#[test]
fn a_rewrite_that_a_crash_stopped_after_the_new_name_is_finished_when_the_file_is_read() {
    // Step 3 of a rewrite: the file has its name, the old one only its second.
    let (fixture, file, _) = Fixture::with_keys(&[1, 2]);
    drop(file);
    let witness = fixture.folder.path().join("witness");
    fs::hard_link(&fixture.path, &witness).unwrap();
    fs::rename(&fixture.path, fixture.beside("old")).unwrap();
    KeyFile::create(&fixture.beside("made"), STORE).unwrap();
    fs::rename(fixture.beside("made"), &fixture.path).unwrap();
    assert_eq!(fixture.read().len(), 0);
    assert_eq!(fixture.names(), ["records.keys", "witness"]);
    let old = fs::read(&witness).unwrap();
    assert!(old.iter().all(|byte| *byte == 0));
}

#[test]
fn keys_that_were_forgotten_are_destroyed_by_the_next_rewrite() {
    let (fixture, mut file, _) = Fixture::with_keys(&[1, 2]);
    file.forget(|record| record == 1);
    assert!(file.key(1).is_none());
    assert_eq!(fixture.read().len(), 2, "nothing was written yet");
    file.destroy(&[]).unwrap();
    assert_eq!(fixture.read().len(), 1);
}

#[test]
fn nothing_is_written_where_nothing_is_to_be_destroyed() {
    let (fixture, mut file, _) = Fixture::with_keys(&[1]);
    let before = fs::read(&fixture.path).unwrap();
    file.retain(|_| true).unwrap();
    file.destroy(&[5]).unwrap();
    assert_eq!(fs::read(&fixture.path).unwrap(), before);
}

#[test]
fn a_slot_that_was_cut_short_counts_as_absent_and_is_written_over() {
    for cut in [1, SLOT / 2, SLOT - 1] {
        let (fixture, file, keys) = Fixture::with_keys(&[1, 2]);
        let whole = file.length;
        drop(file);
        let raw = fs::OpenOptions::new().write(true).open(&fixture.path);
        raw.unwrap().set_len(whole - cut as u64).unwrap();
        let mut file = fixture.read();
        assert_eq!(file.len(), 1);
        file.append(&one(3, &keys[1])).unwrap();
        let file = fixture.read();
        assert!(file.holds(1) && !file.holds(2) && file.holds(3));
    }
}

#[test]
fn a_flipped_bit_in_a_slot_costs_that_key_and_no_other() {
    let (fixture, file, _) = Fixture::with_keys(&[1, 2, 3]);
    drop(file);
    let good = fs::read(&fixture.path).unwrap();
    // Number, class, nonce, wrapped key and tag; the rest of a slot is padding.
    for byte in (0..9).chain(16..16 + WRAPPED) {
        let mut bad = good.clone();
        bad[HEAD + SLOT + byte] ^= 0x10;
        fs::write(&fixture.path, &bad).unwrap();
        let file = fixture.read();
        assert!(
            file.holds(1) && !file.holds(2) && file.holds(3),
            "byte {byte}"
        );
        assert_eq!(file.len(), 2, "byte {byte}");
    }
}

#[test]
fn a_flipped_bit_in_the_head_is_noticed() {
    let (fixture, file, _) = Fixture::with_keys(&[1]);
    drop(file);
    let good = fs::read(&fixture.path).unwrap();
    for byte in 0..64 + NONCE + TAG {
        let mut bad = good.clone();
        bad[byte] ^= 1;
        fs::write(&fixture.path, &bad).unwrap();
        let error = KeyFile::read(&fixture.path).err().unwrap();
        assert!(
            matches!(error, RecordsError::KeyFileDamaged { .. }),
            "byte {byte}: {error}"
        );
    }
}

#[test]
fn a_file_that_is_too_short_or_too_long_or_no_file_is_refused() {
    let (fixture, file, _) = Fixture::with_keys(&[]);
    drop(file);
    let raw = fs::OpenOptions::new().write(true).open(&fixture.path);
    let raw = raw.unwrap();
    // A file of holes takes no space.
    for length in [
        0,
        HEAD as u64 - 1,
        HEAD as u64 + (MOST_KEYS + 1) * SLOT as u64,
    ] {
        raw.set_len(length).unwrap();
        let error = KeyFile::read(&fixture.path).err().unwrap();
        assert!(matches!(error, RecordsError::KeyFileDamaged { .. }));
    }
    let folder = fixture.folder.path().join("folder");
    fs::create_dir(&folder).unwrap();
    assert!(KeyFile::read(&folder).is_err());
}

#[test]
fn a_key_moved_to_another_record_does_not_open() {
    let (fixture, file, _) = Fixture::with_keys(&[1, 2]);
    drop(file);
    let mut bytes = fs::read(&fixture.path).unwrap();
    let (first, second) = bytes[HEAD..].split_at_mut(SLOT);
    first[16..].swap_with_slice(&mut second[16..SLOT]);
    fs::write(&fixture.path, &bytes).unwrap();
    assert_eq!(fixture.read().len(), 0);
}
