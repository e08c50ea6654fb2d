//! The audit file: the secret key that signs heads, and how far the log went when it was last written to. It lies beside the store, outside redb, so that an
//! older copy of the store is found out.
//!
//! Three sectors of 512 bytes. The first is written once: magic (16 bytes), the store's id (16), the key's seed (32), SHA-256 of these (32). The other two hold a
//! head each and are written in turn, so that a torn write leaves the one before: number (8, little-endian), hash (32), SHA-256 of these (32).
//!
//! The head here may be behind the store's, and is never ahead of it:
//!
//! 1. redb commits the event, and syncs;
//! 2. the head is written here; it is synced only with a checkpoint.
//!
//! A kill between the steps leaves it one commit behind; a loss of power, as many commits as the system had not written back. Then the store still holds the
//! event that this head names, and opening moves the head on. But a store that does not hold that event is not the one that was written: it was put there.
//! Whoever puts an older copy of this file back too is found out by a head that was lodged elsewhere, and by nothing on this machine.

use super::chain::{Hash, Tip};
use crate::cipher;
use crate::error::RecordsError;
use crate::files::{self, At};
use crate::keys::StoreId;
use ed25519_compact::{KeyPair, Seed};
use sha2::{Digest, Sha256};
use std::fs::{self, File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

const MAGIC: [u8; 16] = *b"overt-audit v1\n\0";
const SECTOR: usize = 512;
const SEED: usize = 32;
const BYTES: usize = 3 * SECTOR;

/// Where the audit file of a store lies.
pub(crate) fn path_of(store: &Path) -> PathBuf {
    store.with_extension("audit")
}

/// The audit file of a store, open.
pub(crate) struct AuditFile {
    path: PathBuf,
    file: File,
    store: StoreId,
    /// Zeroed when it is dropped.
    pair: KeyPair,
    head: Option<Tip>,
    /// Which sector holds the newest head.
    turn: usize,
}

impl AuditFile {
    /// Makes one with a fresh key and without a head. None must exist.
    pub(crate) fn create(path: &Path, store: StoreId) -> Result<Self, RecordsError> {
        let seed = cipher::random_key()?;
        let mut bytes = Zeroizing::new([0; BYTES]);
        bytes[..16].copy_from_slice(&MAGIC);
        bytes[16..32].copy_from_slice(&store);
        bytes[32..32 + SEED].copy_from_slice(&*seed);
        let check = Sha256::digest(&bytes[..64]);
        bytes[64..96].copy_from_slice(&check);
        let fresh = files::with_suffix(path, "new");
        files::destroy(&fresh)?;
        let file = files::write_private(&fresh, &*bytes)?;
        fs::rename(&fresh, path).at(path)?;
        files::sync_folder_of(path)?;
        Ok(Self {
            path: path.to_path_buf(),
            file,
            store,
            pair: KeyPair::from_seed(Seed::new(*seed)),
            head: None,
            turn: 0,
        })
    }

    /// Reads it; `None` where there is none.
    pub(crate) fn read(path: &Path) -> Result<Option<Self>, RecordsError> {
        let file = match OpenOptions::new().read(true).write(true).open(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            opened => opened.at(path)?,
        };
        let damaged = |cause| RecordsError::AuditFileDamaged {
            path: path.to_path_buf(),
            cause,
        };
        let facts = file.metadata().at(path)?;
        if !facts.is_file() || facts.len() != BYTES as u64 {
            return Err(damaged("it is not as long as such a file is"));
        }
        if facts.mode() & 0o077 != 0 {
            return Err(RecordsError::KeyFileExposed {
                path: path.to_path_buf(),
                mode: facts.mode() & 0o7777,
            });
        }
        let mut bytes = Zeroizing::new([0; BYTES]);
        file.read_exact_at(&mut *bytes, 0).at(path)?;
        if bytes[..16] != MAGIC {
            return Err(damaged("it does not begin like one of this version"));
        }
        if Sha256::digest(&bytes[..64])[..] != bytes[64..96] {
            return Err(damaged("its key was altered"));
        }
        let mut store = StoreId::default();
        store.copy_from_slice(&bytes[16..32]);
        let mut seed = Zeroizing::new([0; SEED]);
        seed.copy_from_slice(&bytes[32..64]);
        let one = read_slot(&bytes[SECTOR..2 * SECTOR]);
        let two = read_slot(&bytes[2 * SECTOR..]);
        let number = |head: &Option<Tip>| head.map(|tip| tip.number);
        let (head, turn) = match number(&two) > number(&one) {
            true => (two, 2),
            false => (one, 1),
        };
        Ok(Some(Self {
            path: path.to_path_buf(),
            file,
            store,
            pair: KeyPair::from_seed(Seed::new(*seed)),
            head,
            turn,
        }))
    }

    /// The store that it says it belongs to.
    pub(crate) fn store(&self) -> &StoreId {
        &self.store
    }

    /// The public key.
    pub(crate) fn public(&self) -> [u8; 32] {
        *self.pair.pk
    }

    /// How far the log went when this file was last written; `None` where it never was.
    pub(crate) fn head(&self) -> Option<Tip> {
        self.head
    }

    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 64] {
        *self.pair.sk.sign(message, None)
    }

    /// Notes how far the log goes.
    pub(crate) fn note(&mut self, tip: &Tip, sync: bool) -> Result<(), RecordsError> {
        let turn = if self.turn == 1 { 2 } else { 1 };
        let mut slot = [0; SECTOR];
        slot[..8].copy_from_slice(&tip.number.to_le_bytes());
        slot[8..40].copy_from_slice(&tip.hash);
        let check = Sha256::digest(&slot[..40]);
        slot[40..72].copy_from_slice(&check);
        self.file
            .write_all_at(&slot, (turn * SECTOR) as u64)
            .and_then(|()| if sync { self.file.sync_data() } else { Ok(()) })
            .at(&self.path)?;
        (self.head, self.turn) = (Some(*tip), turn);
        Ok(())
    }
}

fn read_slot(slot: &[u8]) -> Option<Tip> {
    if Sha256::digest(&slot[..40])[..] != slot[40..72] {
        return None;
    }
    let mut hash = Hash::default();
    hash.copy_from_slice(&slot[8..40]);
    let number = u64::from_le_bytes(*slot.first_chunk()?);
    (number > 0).then_some(Tip { number, hash })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    fn tip(number: u64) -> Tip {
        Tip {
            number,
            hash: [number as u8; 32],
        }
    }

    #[test]
    fn a_torn_write_of_a_head_leaves_the_one_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("records.audit");
        let mut file = AuditFile::create(&path, [7; 16]).unwrap();
        assert_eq!(file.head(), None);
        for number in 1..=4 {
            file.note(&tip(number), true).unwrap();
            let read = AuditFile::read(&path).unwrap().unwrap();
            assert_eq!(read.head(), Some(tip(number)));
            assert_eq!(read.public(), file.public());
            // Torn: the sector that the newest head is in has half of it.
            let good = fs::read(&path).unwrap();
            let mut torn = good.clone();
            let at = file.turn * SECTOR + 20;
            torn[at..at + 30].fill(0xee);
            fs::write(&path, torn).unwrap();
            let read = AuditFile::read(&path).unwrap().unwrap();
            assert_eq!(read.head(), (number > 1).then(|| tip(number - 1)));
            fs::write(&path, good).unwrap();
        }
    }

    #[test]
    fn a_flipped_bit_in_the_key_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("records.audit");
        drop(AuditFile::create(&path, [7; 16]).unwrap());
        let good = fs::read(&path).unwrap();
        for byte in [0, 17, 40, 70] {
            let mut bad = good.clone();
            bad[byte] ^= 1;
            fs::write(&path, bad).unwrap();
            let error = AuditFile::read(&path).err().unwrap();
            assert!(matches!(error, RecordsError::AuditFileDamaged { .. }));
        }
    }
}
