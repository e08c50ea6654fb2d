//! The force's file written anew, without what was destroyed. redb copies pages on write, so a row that was removed can stand in its file for long; and nothing in this
//! file is sealed. So all rows that are left are copied into a new file, which takes the name, and the old one is overwritten with zeros.
//!
//! 1. `force.redb.new` is written and synced; what a kill leaves of it is destroyed at the next opening.
//! 2. The old file gets the name `force.redb.old` beside its own.
//! 3. The new file takes the old one's name. A kill before this leaves the old file under both names, and only the second is taken away.
//! 4. The old file is overwritten and removed; the next opening does it after a kill.
//!
//! The old file stays locked until the new one has its name, so nobody writes into either meanwhile; who waited for the old one finds that the name is another file's now, and
//! opens that.

use super::Force;
use super::error::ForceError;
use super::layout::{
    EVENTS, FACTS, GONE, PEOPLE, RECORDS, REGISTER, REWRITE, RULES, SALT, SESSIONS, STRANGERS,
};
use crate::error::RecordsError;
use crate::fault::Fault;
use crate::files::{self, At};
use crate::opening;
use crate::tables::{AUDIT, AUDIT_HEADS, if_there};
use redb::{
    Database, Key, ReadTransaction, ReadableDatabase, ReadableTable, TableDefinition, TableHandle,
    Value, WriteTransaction,
};
use std::path::Path;

/// Takes away what a kill in the middle of a rewriting has left. The store is open here, so no rewriting goes on.
pub(super) fn tidy(path: &Path) -> Result<(), RecordsError> {
    // The file itself, where the path is a link to it.
    let path = path.canonicalize().at(path)?;
    files::destroy(&files::with_suffix(&path, "new"))?;
    let old = files::with_suffix(&path, "old");
    match files::same_file(&path, &old) {
        true => std::fs::remove_file(&old).at(&old),
        false => files::destroy_unused(&old),
    }
}

impl Force {
    /// The store in a file that holds nothing but its rows. Where there is no room for it, or its folder cannot be written to, it stays as it is for whoever has to sign in
    /// meanwhile, and the next opening tries again.
    pub(super) fn rewritten(&self, database: Database) -> Result<Database, ForceError> {
        match rewrite(&database, &self.path) {
            Ok(()) => {}
            Err(RecordsError::Full { .. } | RecordsError::Io { .. }) => {
                // What there is of the new file is in nobody's way but the disk's.
                tidy(&self.path)?;
                return Ok(database);
            }
            Err(error) => return Err(error.into()),
        }
        drop(database);
        // The old file is overwritten by whoever has the new one open: nobody else rewrites it then.
        let database = self.open_file()?;
        tidy(&self.path)?;
        Ok(database)
    }

    /// Whether the file was written anew, which opening it does.
    pub(super) fn is_rewritten(&self) -> Result<(), ForceError> {
        let is_due = self.read(|reading| Ok(reading.open_table(FACTS)?.get(REWRITE)?.is_some()))?;
        match is_due {
            false => Ok(()),
            true => Err(ForceError::NotRewritten {
                path: self.path.clone(),
            }),
        }
    }
}

fn rewrite(database: &Database, path: &Path) -> Result<(), RecordsError> {
    let path = &path.canonicalize().at(path)?;
    let (new, old) = (
        files::with_suffix(path, "new"),
        files::with_suffix(path, "old"),
    );
    let fresh = opening::open_database(&new, true)?;
    let copy = || -> Result<(), Fault> {
        let to = fresh.begin_write()?;
        copy_all(&database.begin_read()?, &to)?;
        to.open_table(FACTS)?.remove(REWRITE)?;
        to.commit()?;
        Ok(())
    };
    copy().map_err(|fault| fault.at(&new))?;
    drop(fresh);
    std::fs::hard_link(path, &old).at(&old)?;
    std::fs::rename(&new, path).at(path)?;
    files::sync_folder_of(path)
}

/// That every table of the store is one that would be copied: asked before anything goes, for what is not written anew afterwards could not be opened.
pub(super) fn knows_all(change: &WriteTransaction) -> Result<(), Fault> {
    let known = [
        FACTS.name(),
        PEOPLE.name(),
        SESSIONS.name(),
        STRANGERS.name(),
        SALT.name(),
        EVENTS.name(),
        RULES.name(),
        REGISTER.name(),
        GONE.name(),
        RECORDS.name(),
        AUDIT.name(),
        AUDIT_HEADS.name(),
    ];
    for table in change.list_tables()? {
        if !known.contains(&table.name()) {
            return Err(unknown(table.name()));
        }
    }
    Ok(())
}

fn unknown(table: &str) -> Fault {
    Fault::Inconsistent(format!(
        "it has a table {table:?} that this version does not know"
    ))
}

/// Copies every table. One that is not named here would be lost, so that it is an error where there is one.
fn copy_all(from: &ReadTransaction, to: &WriteTransaction) -> Result<(), Fault> {
    let mut copied = Vec::new();
    copy(from, to, FACTS, &mut copied)?;
    copy(from, to, PEOPLE, &mut copied)?;
    copy(from, to, SESSIONS, &mut copied)?;
    copy(from, to, STRANGERS, &mut copied)?;
    copy(from, to, SALT, &mut copied)?;
    copy(from, to, EVENTS, &mut copied)?;
    copy(from, to, RULES, &mut copied)?;
    copy(from, to, REGISTER, &mut copied)?;
    copy(from, to, GONE, &mut copied)?;
    copy(from, to, RECORDS, &mut copied)?;
    copy(from, to, AUDIT, &mut copied)?;
    copy(from, to, AUDIT_HEADS, &mut copied)?;
    for table in from.list_tables()? {
        if !copied.contains(&table.name().to_owned()) {
            return Err(unknown(table.name()));
        }
    }
    Ok(())
}

fn copy<K: Key + 'static, V: Value + 'static>(
    from: &ReadTransaction,
    to: &WriteTransaction,
    table: TableDefinition<'static, K, V>,
    copied: &mut Vec<String>,
) -> Result<(), Fault> {
    copied.push(table.name().to_owned());
    let Some(rows) = if_there(from.open_table(table))? else {
        return Ok(());
    };
    let mut into = to.open_table(table)?;
    for row in rows.iter()? {
        let (key, value) = row?;
        into.insert(key.value(), value.value())?;
    }
    Ok(())
}
