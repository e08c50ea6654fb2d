//! The force's own audit log: what happened to its people and what is in its register, chained like a deployment's log and in the same format (`AUDIT.md`). Its
//! signing key and its newest head lie outside redb, in the audit file beside the store.

use super::error::ForceError;
use super::layout::{self, FACTS, Found, GONE, REGISTER};
use super::register::RegisterEntry;
use super::retention::{self, RegisterGone};
use super::{Force, Stop};
use crate::audit::{Actor, Appended, AuditEvent, AuditFile, AuditLog, Identity, Log, path_of};
use crate::error::RecordsError;
use crate::fault::Fault;
use crate::files::At;
use crate::keys::StoreId;
use crate::opening;
use crate::retention::Timestamp;
use redb::{Database, ReadableDatabase, ReadableTable, WriteTransaction};
use std::collections::BTreeMap;
use std::ops::Deref;
use std::path::Path;
use std::sync::{Mutex, MutexGuard};

/// What stands in the log where a deployment's has the deployment's id. No deployment has this one: a space is in no id.
pub const FORCE_LOG: &str = "the force";

/// The register's rows by number; `None` for one that cannot be read.
type RegisterRows = BTreeMap<u32, Option<RegisterEntry>>;

/// A change of the force's store that is not committed yet, and what it appends to the log.
pub(super) struct Changing<'a> {
    rows: WriteTransaction,
    log: &'a Log,
    appended: Appended,
}

impl Deref for Changing<'_> {
    type Target = WriteTransaction;

    fn deref(&self) -> &WriteTransaction {
        &self.rows
    }
}

impl<'a> Changing<'a> {
    /// Begins a change. That an older copy of the store was put in its place is the first thing that it says.
    pub(super) fn begin(database: &Database, log: &'a Log) -> Result<Self, Fault> {
        let changing = Self {
            rows: database.begin_write()?,
            log,
            appended: Appended::default(),
        };
        changing
            .appended
            .find_rollback(&changing.rows, log, opening::clock())?;
        Ok(changing)
    }

    /// Appends an event, which is on record if the change is, and only then. Returns its number.
    pub(super) fn log(&self, at: Timestamp, by: Actor, event: AuditEvent) -> Result<u64, Stop> {
        self.appended.append(&self.rows, self.log, at, by, event)?;
        Ok(self.appended.number())
    }

    /// The file with the force's key.
    pub(super) fn file(&self) -> MutexGuard<'_, AuditFile> {
        self.log.file()
    }

    pub(super) fn commit(self) -> Result<(), Fault> {
        self.rows.commit()?;
        self.appended.committed(self.log);
        Ok(())
    }
}

fn of(file: AuditFile) -> Log {
    Log {
        identity: Identity::of(FORCE_LOG, file.store(), file.public()),
        file: Mutex::new(file),
        facts: FACTS,
    }
}

/// The log of a store that is being made, or of one that kept none: with the file that a crash in the middle of it has left, or a new one.
pub(super) fn create(path: &Path) -> Result<Log, RecordsError> {
    let beside = path_of(path);
    Ok(of(match AuditFile::read(&beside)? {
        Some(file) => file,
        None => AuditFile::create(&beside, crate::cipher::random()?)?,
    }))
}

/// The log of a store that is there.
pub(super) fn open(path: &Path, store: &StoreId) -> Result<Log, RecordsError> {
    let beside = path_of(path);
    match AuditFile::read(&beside)? {
        Some(file) if file.store() == store => Ok(of(file)),
        Some(_) => Err(opening::foreign_audit_file(beside, path)),
        None => Err(RecordsError::AuditFileMissing {
            path: beside,
            store: path.to_path_buf(),
        }),
    }
}

impl Force {
    /// The force's log, as an auditor takes it.
    ///
    /// # Errors
    /// [`ForceError::Missing`]; [`RecordsError::NoAuditLog`] for a store that an older version made and nothing was done in since; whatever is wrong with its files.
    pub fn audit_log(&self) -> Result<AuditLog, ForceError> {
        let path = &self.path;
        if !path.try_exists().at(path)? {
            let path = path.clone();
            return Err(ForceError::Missing { path });
        }
        let database = self.open_file()?;
        let Found::WithLog {
            store, is_second, ..
        } = layout::check(&database, path)?
        else {
            let path = path.clone();
            return Err(RecordsError::NoAuditLog { path }.into());
        };
        let rows = || -> Result<(RegisterRows, Vec<RegisterGone>), Fault> {
            let reading = database.begin_read()?;
            let mut rows = BTreeMap::new();
            for row in reading.open_table(REGISTER)?.iter()? {
                let (number, entry) = row?;
                rows.insert(number.value(), entry.value().read().ok());
            }
            // Reading brings nothing up to date.
            let gone = match is_second {
                true => Vec::new(),
                false => retention::gone(&reading.open_table(GONE)?)?,
            };
            Ok((rows, gone))
        };
        let (rows, gone) = rows().map_err(|fault| fault.at(path))?;
        let log = AuditLog::of(&database, path, FORCE_LOG, &store, FACTS)?;
        Ok(log.with_register(rows, gone))
    }
}
