//! What opening a store checks, and how the store and its key file are brought into step. Knows nothing of entries, runs
//! or alerts.

use crate::cipher;
use crate::error::RecordsError;
use crate::fault::Fault;
use crate::files;
use crate::keys::{KeyFile, StoreId};
use crate::sealed::Kind;
use crate::store::StoreSettings;
use crate::tables::{ALERTS, ENTRIES, HELD, META, QUARANTINES, RUNS, SCHEMA};
use redb::backends::FileBackend;
use redb::{Database, ReadableDatabase, ReadableTable, TableHandle};
use std::collections::HashSet;
use std::path::Path;

/// A store that was checked: redb, the store's id, its keys and the next record's number.
pub(crate) struct Opened {
    pub(crate) database: Database,
    pub(crate) id: StoreId,
    pub(crate) keys: KeyFile,
    pub(crate) next_record: u64,
}

/// Opens a store with its key file; makes both where the store is new.
pub(crate) fn open(
    path: &Path,
    key_path: &Path,
    settings: &StoreSettings,
    is_new: bool,
) -> Result<Opened, RecordsError> {
    if is_new && KeyFile::read(key_path)?.is_some_and(|keys| keys.len() > 0) {
        return Err(RecordsError::KeysWithoutStore {
            keys: key_path.to_path_buf(),
            store: path.to_path_buf(),
        });
    }
    let database = open_database(path)?;
    let facts = read_facts(&database, path)?;
    let (id, mut keys) = match facts {
        Some(facts) => {
            facts.check(path, settings)?;
            (facts.store, keys_of(key_path, path, &facts.store)?)
        }
        None => create(&database, path, key_path, settings)?,
    };
    let held = held_records(&database, path)?;
    check_keys(&held, key_path, &keys)?;
    upgrade(&database, path)?;
    match keys.retain(|record| held.contains(&record)) {
        // On a full disk the store has to stay readable; a later sweep or opening destroys those keys.
        Ok(()) | Err(RecordsError::Full { .. }) => {}
        Err(error) => return Err(error),
    }
    let last = held.iter().copied().max().unwrap_or(0);
    Ok(Opened {
        next_record: last.max(keys.last_record()) + 1,
        database,
        id,
        keys,
    })
}

/// Opens redb anew after a failed write. Keys of what was not committed are forgotten, and destroyed with the next
/// payload that is removed or at the next opening: the disk may be too full to do it now.
pub(crate) fn reopen(
    path: &Path,
    key_path: &Path,
    keys: &mut KeyFile,
) -> Result<Database, RecordsError> {
    let database = open_database(path)?;
    let held = held_records(&database, path)?;
    check_keys(&held, key_path, keys)?;
    keys.forget(|record| !held.contains(&record));
    Ok(database)
}

/// Opens the redb file, verifying every page, for a plain opening trusts the file and may panic on a damaged one.
pub(crate) fn open_database(path: &Path) -> Result<Database, RecordsError> {
    let not_a_store = |cause: String| RecordsError::NotAStore {
        path: path.to_path_buf(),
        cause,
    };
    let file = files::open_private(path)?;
    let opened = FileBackend::new(file).and_then(|backend| {
        Database::builder()
            .set_check_integrity_on_open(true)
            .create_with_backend(backend)
    });
    opened.map_err(|error| match error {
        redb::DatabaseError::Storage(redb::StorageError::Io(cause))
            if cause.kind() == std::io::ErrorKind::InvalidData =>
        {
            not_a_store("it is not a redb file".into())
        }
        redb::DatabaseError::UpgradeRequired(version) => {
            not_a_store(format!("it has version {version} of redb's format"))
        }
        error => Fault::from(error).at(path),
    })
}

/// What the store says of itself.
struct Facts {
    deployment: String,
    schema: u32,
    store: StoreId,
}

impl Facts {
    fn check(&self, path: &Path, settings: &StoreSettings) -> Result<(), RecordsError> {
        let path = path.to_path_buf();
        if !(1..=SCHEMA).contains(&self.schema) {
            return Err(RecordsError::OtherSchema {
                path,
                expected: SCHEMA,
                found: self.schema,
            });
        }
        if self.deployment != settings.deployment {
            return Err(RecordsError::ForeignDeployment {
                path,
                expected: settings.deployment.clone(),
                found: self.deployment.clone(),
            });
        }
        Ok(())
    }
}

/// The store's facts; `None` where the file is an empty redb file, which is what a crash while making it leaves.
fn read_facts(database: &Database, path: &Path) -> Result<Option<Facts>, RecordsError> {
    let read = || -> Result<Option<Facts>, Fault> {
        let reading = database.begin_read()?;
        let mut tables = reading.list_tables()?.peekable();
        if tables.peek().is_none() && reading.list_multimap_tables()?.next().is_none() {
            return Ok(None);
        }
        let foreign = |cause: &str| {
            let (path, cause) = (path.to_path_buf(), cause.to_owned());
            Fault::Records(RecordsError::NotAStore { path, cause })
        };
        if !tables.any(|table| table.name() == META.name()) {
            return Err(foreign("it is a redb file of another program"));
        }
        let meta = match reading.open_table(META) {
            Err(redb::TableError::Storage(error)) => return Err(error.into()),
            Err(_) => return Err(foreign("it is a redb file of another program")),
            Ok(meta) => meta,
        };
        let fact = |name| -> Result<String, Fault> {
            match meta.get(name)? {
                Some(text) => Ok(text.value().to_owned()),
                None => Err(foreign(&format!("it does not say its {name}"))),
            }
        };
        let number = fact("schema")?.parse();
        let store = parse_id(&fact("store")?);
        let (Ok(schema), Some(store)) = (number, store) else {
            return Err(foreign("what it says of itself makes no sense"));
        };
        let deployment = fact("deployment")?;
        Ok(Some(Facts {
            deployment,
            schema,
            store,
        }))
    };
    read().map_err(|fault| fault.at(path))
}

/// Makes an empty store in an empty redb file, the key file first.
fn create(
    database: &Database,
    path: &Path,
    key_path: &Path,
    settings: &StoreSettings,
) -> Result<(StoreId, KeyFile), RecordsError> {
    let keys = match KeyFile::read(key_path)? {
        // A crash while the store was made left it.
        Some(keys) if keys.len() == 0 => keys,
        Some(_) => {
            return Err(RecordsError::KeysWithoutStore {
                keys: key_path.to_path_buf(),
                store: path.to_path_buf(),
            });
        }
        None => KeyFile::create(key_path, cipher::random()?)?,
    };
    let write = || -> Result<(), Fault> {
        let change = database.begin_write()?;
        {
            let mut meta = change.open_table(META)?;
            meta.insert("schema", SCHEMA.to_string().as_str())?;
            meta.insert("deployment", settings.deployment.as_str())?;
            meta.insert("store", format_id(keys.store()).as_str())?;
            // Reading a table that was never written is an error in redb, so all are made here.
            change.open_table(HELD)?;
            change.open_table(ENTRIES)?;
            change.open_table(RUNS)?;
            change.open_table(ALERTS)?;
            change.open_table(QUARANTINES)?;
            for kind in Kind::ALL {
                change.open_table(kind.table())?;
            }
        }
        change.commit()?;
        Ok(())
    };
    write().map_err(|fault| fault.at(path))?;
    files::sync_folder_of(path)?;
    Ok((*keys.store(), keys))
}

/// Brings a store of layout 1 up to date, in one transaction: it lacks tables. From then on an older host refuses it, which would take the keys of
/// a class that it does not know for damage, and destroy them.
fn upgrade(database: &Database, path: &Path) -> Result<(), RecordsError> {
    let write = || -> Result<(), Fault> {
        let current = SCHEMA.to_string();
        let meta = database.begin_read()?.open_table(META)?;
        let is_current = |schema: redb::AccessGuard<'_, &str>| schema.value() == current;
        if meta.get("schema")?.is_some_and(is_current) {
            return Ok(());
        }
        let change = database.begin_write()?;
        change
            .open_table(META)?
            .insert("schema", current.as_str())?;
        change.open_table(QUARANTINES)?;
        change.open_table(Kind::Inputs.table())?;
        change.commit()?;
        Ok(())
    };
    write().map_err(|fault| fault.at(path))
}

/// The key file of a store that exists.
fn keys_of(key_path: &Path, path: &Path, store: &StoreId) -> Result<KeyFile, RecordsError> {
    let Some(keys) = KeyFile::read(key_path)? else {
        return Err(RecordsError::KeyFileMissing {
            path: key_path.to_path_buf(),
            store: path.to_path_buf(),
        });
    };
    if keys.store() != store {
        return Err(RecordsError::KeyFileForeign {
            path: key_path.to_path_buf(),
            store: path.to_path_buf(),
        });
    }
    Ok(keys)
}

/// The records of all payloads.
fn held_records(database: &Database, path: &Path) -> Result<HashSet<u64>, RecordsError> {
    let read = || -> Result<HashSet<u64>, Fault> {
        let table = database.begin_read()?.open_table(HELD)?;
        let records: Result<_, redb::StorageError> = table
            .iter()?
            .map(|row| row.map(|(record, _)| record.value()))
            .collect();
        Ok(records?)
    };
    read().map_err(|fault| fault.at(path))
}

fn check_keys(held: &HashSet<u64>, path: &Path, keys: &KeyFile) -> Result<(), RecordsError> {
    let lost = held.iter().filter(|record| !keys.holds(**record)).count();
    if lost == 0 {
        return Ok(());
    }
    Err(RecordsError::KeysLost {
        path: path.to_path_buf(),
        lost,
        held: held.len(),
    })
}

fn format_id(id: &StoreId) -> String {
    format!("{:032x}", u128::from_be_bytes(*id))
}

fn parse_id(text: &str) -> Option<StoreId> {
    let is_digit = |byte: u8| byte.is_ascii_hexdigit();
    if text.len() != 32 || !text.bytes().all(is_digit) {
        return None;
    }
    Some(u128::from_str_radix(text, 16).ok()?.to_be_bytes())
}
