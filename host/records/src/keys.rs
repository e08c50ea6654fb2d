//! The key file: one random key per record, wrapped under a key-encryption key, outside redb. Knows nothing of
//! what the keys open.
//!
//! Layout: a head of 512 bytes, then one slot of 128 bytes per key, so that a slot never straddles two disk sectors.
//!
//! | bytes of the head | |   | bytes of a slot | |
//! |---|---|---|---|---|
//! | 0..16 | magic | | 0..8 | number of the record, little-endian |
//! | 16..32 | the store's id | | 8 | retention class |
//! | 32..64 | key-encryption key | | 16..88 | nonce, wrapped key, tag |
//! | 64..104 | nonce and tag over magic and id | | | |
//!
//! Adding keys appends slots: the cost is that of the keys added, not of the keys held. Destroying keys always rewrites
//! the whole file under a fresh key-encryption key and overwrites the old file. The order of a rewrite, and what opening
//! does if a crash stops it there:
//!
//! 1. the new file is written beside the old one as `.keys.new` and synced. *Opening destroys the new file.*
//! 2. the old file gets a second name, `.keys.old`. *Opening destroys the new file and drops the second name.*
//! 3. the new file takes the name `.keys`. *Opening destroys the old file.*
//! 4. the old file is overwritten with zeros, synced, removed.
//!
//! Limits: the key-encryption key lies in the same file, so whoever can read the file can read all that it opens; and no
//! overwriting reaches copies of the file (backups, snapshots) nor blocks that an SSD has remapped.

use crate::cipher::{self, KEY, Key, NONCE, TAG};
use crate::error::RecordsError;
use crate::files::{self, At};
use crate::retention::RetentionClass;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufReader, ErrorKind, Read};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Says which store a key file belongs to; random.
pub(crate) type StoreId = [u8; 16];

const MAGIC: [u8; 16] = *b"overt-keys v1\n\0\0";
const HEAD: usize = 512;
const SLOT: usize = 128;
const WRAPPED: usize = NONCE + KEY + TAG;
/// Most keys a file may hold: 1 GiB of slots, eighty times a watchlist of 100,000.
const MOST_KEYS: u64 = 1 << 23;

/// A wrapped key.
struct Slot {
    class: RetentionClass,
    wrapped: [u8; WRAPPED],
}

/// The key file of a store, open for appending.
pub(crate) struct KeyFile {
    path: PathBuf,
    store: StoreId,
    file: File,
    kek: Key,
    slots: BTreeMap<u64, Slot>,
    /// Where the next slot is written; what lies behind was never acknowledged.
    length: u64,
    /// Whether the file holds a slot that is not in `slots`.
    has_leftovers: bool,
}

impl KeyFile {
    /// Makes a key file without keys. One must not exist.
    pub(crate) fn create(path: &Path, store: StoreId) -> Result<Self, RecordsError> {
        Self::clear_unfinished_rewrites(path)?;
        let kek = cipher::random_key()?;
        let fresh = files::with_suffix(path, "new");
        let file = files::write_private(&fresh, &*head(&store, &kek)?)?;
        fs::rename(&fresh, path).at(path)?;
        files::sync_folder_of(path)?;
        Ok(Self {
            path: path.to_path_buf(),
            store,
            file,
            kek,
            slots: BTreeMap::new(),
            length: HEAD as u64,
            has_leftovers: false,
        })
    }

    /// Reads a key file; `None` where there is none. Slots that were cut short or cannot be unwrapped count as absent:
    /// the store knows which keys it needs.
    pub(crate) fn read(path: &Path) -> Result<Option<Self>, RecordsError> {
        let opened = fs::OpenOptions::new().read(true).write(true).open(path);
        let file = match opened {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            opened => opened.at(path)?,
        };
        let damaged = |cause| RecordsError::KeyFileDamaged {
            path: path.to_path_buf(),
            cause,
        };
        let facts = file.metadata().at(path)?;
        if !facts.is_file() {
            return Err(damaged("it is not a plain file"));
        }
        if facts.mode() & 0o077 != 0 {
            return Err(RecordsError::KeyFileExposed {
                path: path.to_path_buf(),
                mode: facts.mode() & 0o7777,
            });
        }
        if facts.len() < HEAD as u64 {
            return Err(damaged("it is cut short"));
        }
        if facts.len() > HEAD as u64 + MOST_KEYS * SLOT as u64 {
            return Err(damaged("it is larger than a key file can be"));
        }
        Self::clear_unfinished_rewrites(path)?;

        let mut reader = BufReader::with_capacity(1 << 16, &file);
        let mut head = Zeroizing::new([0; HEAD]);
        reader.read_exact(&mut *head).at(path)?;
        let (store, kek) = read_head(&head).map_err(damaged)?;
        let mut slots = BTreeMap::new();
        let mut has_leftovers = false;
        let mut bytes = [0; SLOT];
        for _ in 0..(facts.len() - HEAD as u64) / SLOT as u64 {
            reader.read_exact(&mut bytes).at(path)?;
            match read_slot(&bytes, &store, &kek) {
                Some((record, slot)) => has_leftovers |= slots.insert(record, slot).is_some(),
                None => has_leftovers = true,
            }
        }
        drop(reader);
        let length = facts.len() - (facts.len() - HEAD as u64) % SLOT as u64;
        Ok(Some(Self {
            path: path.to_path_buf(),
            store,
            file,
            kek,
            slots,
            length,
            has_leftovers: has_leftovers || length < facts.len(),
        }))
    }

    /// The store that the file says it belongs to.
    pub(crate) fn store(&self) -> &StoreId {
        &self.store
    }

    /// How many keys there are.
    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there is a key for a record.
    pub(crate) fn holds(&self, record: u64) -> bool {
        self.slots.contains_key(&record)
    }

    /// The highest record that has a key; 0 without any.
    pub(crate) fn last_record(&self) -> u64 {
        self.slots.last_key_value().map_or(0, |(record, _)| *record)
    }

    /// The key of a record; `None` where there is none.
    pub(crate) fn key(&self, record: u64) -> Option<Key> {
        unwrap(record, self.slots.get(&record)?, &self.store, &self.kek)
    }

    /// Appends keys and waits until they are on disk. After an error none of them is held.
    pub(crate) fn append(
        &mut self,
        keys: &BTreeMap<u64, (RetentionClass, Key)>,
    ) -> Result<(), RecordsError> {
        if (self.slots.len() + keys.len()) as u64 > MOST_KEYS {
            let (what, problem) = (
                "a sealed payload".into(),
                format!("the store holds {MOST_KEYS} already"),
            );
            return Err(RecordsError::Refused { what, problem });
        }
        let mut slots = Vec::with_capacity(keys.len());
        let mut bytes = Vec::with_capacity(keys.len() * SLOT);
        for (record, (class, key)) in keys {
            let slot = wrap(*record, *class, key, &self.store, &self.kek)?;
            bytes.extend_from_slice(&write_slot(*record, &slot));
            slots.push((*record, slot));
        }
        let written = self
            .file
            .write_all_at(&bytes, self.length)
            .and_then(|()| self.file.sync_all());
        if let Err(cause) = written {
            // Whatever was written lies behind `length`, where the next append writes over it. Cutting it off as well
            // gives the space back at once; if that fails, nothing is lost.
            let _ = self.file.set_len(self.length);
            return Err(files::io_error(&self.path, cause));
        }
        self.length += bytes.len() as u64;
        self.slots.extend(slots);
        Ok(())
    }

    /// Destroys the keys of these records, and whatever an earlier attempt had to leave.
    pub(crate) fn destroy(&mut self, records: &[u64]) -> Result<(), RecordsError> {
        for record in records {
            self.has_leftovers |= self.slots.remove(record).is_some();
        }
        self.rewrite()
    }

    /// Destroys every key that is not to be kept.
    pub(crate) fn retain(&mut self, keep: impl Fn(u64) -> bool) -> Result<(), RecordsError> {
        self.forget(|record| !keep(record));
        self.rewrite()
    }

    /// Drops keys from memory only; the next rewrite destroys them.
    pub(crate) fn forget(&mut self, forget: impl Fn(u64) -> bool) {
        let before = self.slots.len();
        self.slots.retain(|record, _| !forget(*record));
        self.has_leftovers |= self.slots.len() < before;
    }

    /// Rewrites the file in the order described above. Does nothing where the file holds only what `slots` holds.
    fn rewrite(&mut self) -> Result<(), RecordsError> {
        if !self.has_leftovers {
            return Ok(());
        }
        Self::clear_unfinished_rewrites(&self.path)?;
        let kek = cipher::random_key()?;
        let mut slots = BTreeMap::new();
        let mut bytes = Zeroizing::new(Vec::with_capacity(HEAD + self.slots.len() * SLOT));
        bytes.extend_from_slice(&*head(&self.store, &kek)?);
        for (record, slot) in &self.slots {
            // Every slot held was unwrapped when it was read, or made here.
            let Some(key) = unwrap(*record, slot, &self.store, &self.kek) else {
                continue;
            };
            let slot = wrap(*record, slot.class, &key, &self.store, &kek)?;
            bytes.extend_from_slice(&write_slot(*record, &slot));
            slots.insert(*record, slot);
        }

        let (fresh, old) = (
            files::with_suffix(&self.path, "new"),
            files::with_suffix(&self.path, "old"),
        );
        let written = files::write_private(&fresh, &bytes);
        let file = match written {
            Ok(file) => file,
            Err(error) => {
                // A half-written file of keys must not stay; opening would destroy it too.
                let _ = files::destroy(&fresh);
                return Err(error);
            }
        };
        fs::hard_link(&self.path, &old).at(&old)?;
        files::sync_folder_of(&self.path)?;
        fs::rename(&fresh, &self.path).at(&self.path)?;
        // From here on the new file is the key file, whatever fails.
        self.file = file;
        self.kek = kek;
        self.slots = slots;
        self.length = bytes.len() as u64;
        self.has_leftovers = false;
        files::sync_folder_of(&self.path)?;
        files::destroy(&old)
    }

    /// Finishes what a crash in the middle of a rewrite left.
    fn clear_unfinished_rewrites(path: &Path) -> Result<(), RecordsError> {
        let old = files::with_suffix(path, "old");
        if files::same_file(path, &old) {
            fs::remove_file(&old).at(&old)?;
        }
        files::destroy(&old)?;
        files::destroy(&files::with_suffix(path, "new"))
    }
}

fn head(store: &StoreId, kek: &Key) -> Result<Zeroizing<[u8; HEAD]>, RecordsError> {
    let mut head = Zeroizing::new([0; HEAD]);
    head[..16].copy_from_slice(&MAGIC);
    head[16..32].copy_from_slice(store);
    head[32..64].copy_from_slice(&**kek);
    let check = cipher::seal(kek, &[], &head[..32])?;
    head[64..64 + NONCE + TAG].copy_from_slice(&check);
    Ok(head)
}

fn read_head(head: &[u8; HEAD]) -> Result<(StoreId, Key), &'static str> {
    if head[..16] != MAGIC {
        return Err("it does not begin like a key file of this version");
    }
    let mut store = StoreId::default();
    store.copy_from_slice(&head[16..32]);
    let mut kek = Key::new([0; KEY]);
    kek.copy_from_slice(&head[32..64]);
    match cipher::open(&kek, &head[64..64 + NONCE + TAG], &head[..32]) {
        Ok(_) => Ok((store, kek)),
        Err(cipher::NotAuthentic) => Err("its head was altered"),
    }
}

/// What a wrapped key is bound to.
fn binding(record: u64, class: RetentionClass, store: &StoreId) -> [u8; 32] {
    let mut bytes = *b"key\0................\0........\0\0\0";
    bytes[4..20].copy_from_slice(store);
    bytes[20] = class.code();
    bytes[21..29].copy_from_slice(&record.to_le_bytes());
    bytes
}

fn wrap(
    record: u64,
    class: RetentionClass,
    key: &Key,
    store: &StoreId,
    kek: &Key,
) -> Result<Slot, RecordsError> {
    let sealed = cipher::seal(kek, &**key, &binding(record, class, store))?;
    let mut wrapped = [0; WRAPPED];
    wrapped.copy_from_slice(&sealed);
    Ok(Slot { class, wrapped })
}

fn unwrap(record: u64, slot: &Slot, store: &StoreId, kek: &Key) -> Option<Key> {
    let text = cipher::open(kek, &slot.wrapped, &binding(record, slot.class, store)).ok()?;
    let mut key = Key::new([0; KEY]);
    key.copy_from_slice(&text);
    Some(key)
}

fn write_slot(record: u64, slot: &Slot) -> [u8; SLOT] {
    let mut bytes = [0; SLOT];
    bytes[..8].copy_from_slice(&record.to_le_bytes());
    bytes[8] = slot.class.code();
    bytes[16..16 + WRAPPED].copy_from_slice(&slot.wrapped);
    bytes
}

fn read_slot(bytes: &[u8; SLOT], store: &StoreId, kek: &Key) -> Option<(u64, Slot)> {
    let record = u64::from_le_bytes(*bytes.first_chunk()?);
    let slot = Slot {
        class: RetentionClass::from_code(bytes[8])?,
        wrapped: *bytes[16..].first_chunk()?,
    };
    unwrap(record, &slot, store, kek)?;
    Some((record, slot))
}

#[cfg(test)]
mod tests;
