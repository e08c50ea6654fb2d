//! One change to the store: plain rows, sealed payloads and their keys, all or none. Knows nothing of what is stored.
//!
//! The order of a commit. A record's key is in the key file exactly as long as its payloads are in redb, except between
//! two steps:
//!
//! 1. the keys of new records are appended to the key file and synced;
//! 2. redb commits the rows, the payloads and the events of the audit log, and syncs;
//! 3. how far the log goes is noted outside redb (`audit/file.rs`);
//! 4. the keys of records that the commit removed are destroyed.
//!
//! A crash or a full disk between the steps leaves keys without a record, never a record without its key; opening the
//! store destroys such keys. So a record without a key always means that the key file was damaged.

use crate::audit::{self, Actor, AuditEvent};
use crate::cipher::{self, Key};
use crate::error::RecordsError;
use crate::fault::Fault;
use crate::keys::{KeyFile, StoreId};
use crate::retention::{RetentionClass, Timestamp};
use crate::sealed::{Kind, Sealable, SealedPayload};
use crate::tables::HELD;
use redb::{ReadableDatabase, ReadableTable, WriteTransaction};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// What a transaction needs of its store.
pub(crate) struct Context<'a> {
    pub(crate) path: &'a Path,
    pub(crate) store: &'a StoreId,
    pub(crate) keys: &'a Mutex<KeyFile>,
    pub(crate) next_record: &'a AtomicU64,
    pub(crate) audit: &'a audit::Log,
}

impl Context<'_> {
    fn keys(&self) -> std::sync::MutexGuard<'_, KeyFile> {
        // A panic while the lock was held leaves the key file consistent: its fields change together, after the write.
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn altered(&self, record: u64) -> Fault {
        let path = self.path.to_path_buf();
        RecordsError::Altered { path, record }.into()
    }
}

/// Reading, in a snapshot of the store.
pub(crate) struct Reading<'a> {
    pub(crate) rows: redb::ReadTransaction,
    context: Context<'a>,
}

impl<'a> Reading<'a> {
    pub(crate) fn begin(database: &redb::Database, context: Context<'a>) -> Result<Self, Fault> {
        let rows = database.begin_read()?;
        Ok(Self { rows, context })
    }

    /// Opens a payload; `None` where the store holds none of this record, or no longer.
    pub(crate) fn open<T: Sealable>(&self, record: u64) -> Result<Option<T>, Fault> {
        // The key first: if a sweep destroys it now, the payload counts as gone.
        let Some(key) = self.context.keys().key(record) else {
            return Ok(None);
        };
        let table = self.rows.open_table(T::KIND.table())?;
        let Some(sealed) = table.get(record)? else {
            return Ok(None);
        };
        let payload = sealed.value().open(&key, self.context.store, record);
        payload.map(Some).map_err(|_| self.context.altered(record))
    }
}

/// A change that is not committed yet; dropping it undoes it.
pub(crate) struct Change<'a> {
    pub(crate) rows: WriteTransaction,
    context: Context<'a>,
    added: BTreeMap<u64, (RetentionClass, Key)>,
    removed: Vec<u64>,
    appended: audit::Appended,
}

impl<'a> Change<'a> {
    pub(crate) fn begin(database: &redb::Database, context: Context<'a>) -> Result<Self, Fault> {
        Ok(Self {
            rows: database.begin_write()?,
            context,
            added: BTreeMap::new(),
            removed: Vec::new(),
            appended: audit::Appended::default(),
        })
    }

    /// Appends an event to the audit log: it is on record if the change is, and only then.
    pub(crate) fn log(&self, at: Timestamp, by: Actor, event: AuditEvent) -> Result<(), Fault> {
        self.appended
            .append(&self.rows, self.context.audit, at, by, event)
    }

    /// That this store holds no such alert.
    pub(crate) fn no_such_alert(&self, number: u32) -> Fault {
        let path = self.context.path.to_path_buf();
        RecordsError::NoSuchAlert { path, number }.into()
    }

    /// How far the audit log goes with what this change has appended so far.
    pub(crate) fn head(&self) -> Result<audit::AuditHead, Fault> {
        self.appended.head(&self.rows, self.context.audit)
    }

    /// The same about the keys that go once this change is committed, where any do.
    pub(crate) fn log_destroyed_keys(&self, at: Timestamp) -> Result<(), Fault> {
        if self.removed.is_empty() {
            return Ok(());
        }
        let records = audit::ranges(&self.removed);
        self.log(at, Actor::Host, AuditEvent::KeysDestroyed { records })
    }

    /// Makes a record with a fresh key.
    pub(crate) fn add_record(
        &mut self,
        class: RetentionClass,
        expires_at: Timestamp,
    ) -> Result<u64, Fault> {
        let record = self.context.next_record.fetch_add(1, Ordering::Relaxed);
        let held = (class.code(), expires_at.unix_ms());
        self.rows.open_table(HELD)?.insert(record, held)?;
        self.added.insert(record, (class, cipher::random_key()?));
        Ok(record)
    }

    /// Seals a payload of a record that this change made.
    pub(crate) fn seal<T: Sealable>(&mut self, record: u64, payload: &T) -> Result<(), Fault> {
        let Some((_, key)) = self.added.get(&record) else {
            return Err(Fault::Inconsistent(format!("record {record} is not new")));
        };
        let sealed = SealedPayload::seal(payload, key, self.context.store, record)?;
        self.rows
            .open_table(T::KIND.table())?
            .insert(record, sealed)?;
        Ok(())
    }

    /// Opens a payload of the store, or one sealed in this change.
    pub(crate) fn open<T: Sealable>(&self, record: u64) -> Result<T, Fault> {
        let key = match self.added.get(&record) {
            Some((_, key)) => Some(key.clone()),
            None => self.context.keys().key(record),
        };
        let table = self.rows.open_table(T::KIND.table())?;
        let sealed = table.get(record)?;
        match (key, sealed) {
            (Some(key), Some(sealed)) => sealed
                .value()
                .open(&key, self.context.store, record)
                .map_err(|_| self.context.altered(record)),
            _ => Err(self.context.altered(record)),
        }
    }

    /// Removes a record's payloads; its key is destroyed once the change is committed.
    pub(crate) fn remove(&mut self, class: RetentionClass, record: u64) -> Result<(), Fault> {
        for kind in Kind::ALL.into_iter().filter(|kind| kind.class() == class) {
            self.rows.open_table(kind.table())?.remove(record)?;
        }
        self.rows.open_table(HELD)?.remove(record)?;
        // The key of a record that this change made itself never reaches the disk.
        if self.added.remove(&record).is_none() {
            self.removed.push(record);
        }
        Ok(())
    }

    /// Commits. An error means that nothing was changed, except after step 3 above, where it means that keys of removed
    /// payloads are still on disk; the next change that removes something, or the next opening, destroys them.
    pub(crate) fn commit(self) -> Result<(), Fault> {
        if !self.added.is_empty() {
            self.context.keys().append(&self.added)?;
        }
        self.rows.commit()?;
        self.appended.committed(self.context.audit);
        if !self.removed.is_empty() {
            self.context.keys().destroy(&self.removed)?;
        }
        Ok(())
    }
}
