//! What opening a store checks, and how the store and its key file are brought into step. Knows nothing of entries, runs
//! or alerts.

use crate::audit::{self, Actor, AuditEvent, AuditFile, Identity, Log};
use crate::cipher;
use crate::error::RecordsError;
use crate::fault::Fault;
use crate::files::{self, At};
use crate::keys::{KeyFile, StoreId};
use crate::retention::Timestamp;
use crate::sealed::Kind;
use crate::store::StoreSettings;
use crate::tables::{ALERTS, ENTRIES, HELD, META, QUARANTINES, RUNS, SCHEMA};
use redb::backends::FileBackend;
use redb::{
    Database, ReadableDatabase, ReadableTable, ReadableTableMetadata, StorageBackend, TableHandle,
    WriteTransaction,
};
use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// A store that was checked: redb, the store's id, its keys and the next record's number.
pub(crate) struct Opened {
    pub(crate) database: Database,
    pub(crate) id: StoreId,
    pub(crate) keys: KeyFile,
    pub(crate) next_record: u64,
    pub(crate) audit: Log,
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
    // A new store gets its name once it is whole: a kill in the middle of redb's own making of a file would leave what is no store.
    let unfinished = files::with_suffix(path, "new");
    let database = match is_new {
        true => open_database(&unfinished, true)?,
        false => open_database(path, false)?,
    };
    let facts = read_facts(&database, path)?;
    let (id, mut keys, audit) = match facts {
        Some(facts) => {
            facts.check(path, &settings.deployment)?;
            let keys = keys_of(key_path, path, &facts.store)?;
            let audit = audit_of(path, &facts, settings)?;
            (facts.store, keys, audit)
        }
        None => create(&database, path, key_path, settings)?,
    };
    if is_new {
        // Not renamed: that would replace a store which somebody else has made by now.
        fs::hard_link(&unfinished, path).at(path)?;
    }
    // A kill right here leaves the store two names.
    if files::same_file(path, &unfinished) {
        fs::remove_file(&unfinished).at(&unfinished)?;
        files::sync_folder_of(path)?;
    }
    let held = held_records(&database, path)?;
    check_keys(&held, key_path, &keys)?;
    upgrade(&database, path, &audit)?;
    reconcile(&database, path, &audit)?;
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
        audit,
    })
}

/// Opens redb anew after a failed write. Keys of what was not committed are forgotten, and destroyed with the next
/// payload that is removed or at the next opening: the disk may be too full to do it now.
pub(crate) fn reopen(
    path: &Path,
    key_path: &Path,
    keys: &mut KeyFile,
) -> Result<Database, RecordsError> {
    let database = open_database(path, false)?;
    let held = held_records(&database, path)?;
    check_keys(&held, key_path, keys)?;
    keys.forget(|record| !held.contains(&record));
    Ok(database)
}

/// What redb may keep in memory of a file. Most of a large one is sealed images, each read once in a while; without a word it would keep a gibibyte of them.
const CACHE: usize = 64 << 20;

/// Opens the redb file, verifying every page, for a plain opening trusts the file and may panic on a damaged one.
/// What is there is thrown away where the file is to be new, unless another process is making it.
pub(crate) fn open_database(path: &Path, is_new: bool) -> Result<Database, RecordsError> {
    let not_a_store = |cause: String| RecordsError::NotAStore {
        path: path.to_path_buf(),
        cause,
    };
    let file = files::open_private(path)?;
    let ours = files::identity(&file, path)?;
    let opened = FileBackend::new(file).and_then(|backend| {
        if is_new {
            backend.set_len(0).map_err(redb::StorageError::Io)?;
        }
        Database::builder()
            .set_check_integrity_on_open(true)
            .set_cache_size(CACHE)
            .create_with_backend(backend)
    });
    // Somebody may have given the name to another file while this one was waited for (`force/rewrite.rs`): what was opened then is not the store any more.
    if files::identity_at(path)? != Some(ours) {
        let path = path.to_path_buf();
        return Err(RecordsError::AlreadyOpen { path });
    }
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
    fn check(&self, path: &Path, deployment: &str) -> Result<(), RecordsError> {
        let path = path.to_path_buf();
        if !(1..=SCHEMA).contains(&self.schema) {
            return Err(RecordsError::OtherSchema {
                path,
                expected: SCHEMA,
                found: self.schema,
            });
        }
        if self.deployment != deployment {
            return Err(RecordsError::ForeignDeployment {
                path,
                expected: deployment.to_owned(),
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
) -> Result<(StoreId, KeyFile, Log), RecordsError> {
    let audit_path = audit::path_of(path);
    let audit_file = AuditFile::read(&audit_path)?;
    let keys = match KeyFile::read(key_path)? {
        // A crash while the store was made left it.
        Some(keys) if keys.len() == 0 => keys,
        Some(_) => {
            return Err(RecordsError::KeysWithoutStore {
                keys: key_path.to_path_buf(),
                store: path.to_path_buf(),
            });
        }
        None if audit_file.is_some() => {
            return Err(foreign_audit_file(audit_path, path));
        }
        None => KeyFile::create(key_path, cipher::random()?)?,
    };
    let file = match audit_file {
        // A crash while the store was made left it; or the store was there, and is gone, which its head tells.
        Some(file) if file.store() == keys.store() => file,
        Some(_) => return Err(foreign_audit_file(audit_path, path)),
        None => AuditFile::create(&audit_path, *keys.store())?,
    };
    let audit = log_of(file, settings);
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
        audit::begin(&change, &audit)?;
        let host_version = HOST_VERSION.to_owned();
        let appended = audit::Appended::default();
        let created = AuditEvent::StoreCreated { host_version };
        appended.append(&change, &audit, clock(), Actor::Host, created)?;
        note_version(&change)?;
        change.commit()?;
        Ok(())
    };
    write().map_err(|fault| fault.at(path))?;
    files::sync_folder_of(path)?;
    Ok((*keys.store(), keys, audit))
}

/// Brings a store of an older layout up to date, in one transaction: it lacks tables, and its audit log begins with an event that says so. From then on an older host refuses it, which would take the keys of
/// a class that it does not know for damage, and destroy them.
fn upgrade(database: &Database, path: &Path, audit: &Log) -> Result<(), RecordsError> {
    let write = || -> Result<(), Fault> {
        let current = SCHEMA.to_string();
        let meta = database.begin_read()?.open_table(META)?;
        let found = meta.get("schema")?.map(|schema| schema.value().to_owned());
        if found.as_deref() == Some(current.as_str()) {
            return Ok(());
        }
        let change = database.begin_write()?;
        change
            .open_table(META)?
            .insert("schema", current.as_str())?;
        change.open_table(QUARANTINES)?;
        change.open_table(Kind::Inputs.table())?;
        audit::begin(&change, audit)?;
        let begun = AuditEvent::LogBegun {
            host_version: HOST_VERSION.to_owned(),
            layout: found.and_then(|layout| layout.parse().ok()).unwrap_or(0),
            runs: change.open_table(RUNS)?.len()?,
            alerts: change.open_table(ALERTS)?.len()?,
            entries: change.open_table(ENTRIES)?.len()?,
        };
        let appended = audit::Appended::default();
        appended.append(&change, audit, clock(), Actor::Host, begun)?;
        note_version(&change)?;
        change.commit()?;
        Ok(())
    };
    write().map_err(|fault| fault.at(path))
}

/// The version of the host that this is.
pub(crate) const HOST_VERSION: &str = env!("CARGO_PKG_VERSION");
/// The row of `META` with the version of the host that opened the store last.
const OPENED_BY: &str = "opened-by";

fn note_version(change: &WriteTransaction) -> Result<(), Fault> {
    change.open_table(META)?.insert(OPENED_BY, HOST_VERSION)?;
    Ok(())
}

/// What the opening of a store is logged with: its caller does not say when it is.
pub(crate) fn clock() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let milliseconds = since.map_or(0, |since| since.as_millis());
    Timestamp::from_unix_ms(i64::try_from(milliseconds).unwrap_or(i64::MAX))
}

pub(crate) fn log_of(file: AuditFile, settings: &StoreSettings) -> Log {
    Log {
        identity: Identity::of(&settings.deployment, file.store(), file.public()),
        file: Mutex::new(file),
        facts: META,
    }
}

pub(crate) fn foreign_audit_file(path: PathBuf, store: &Path) -> RecordsError {
    RecordsError::AuditFileForeign {
        path,
        store: store.to_path_buf(),
    }
}

/// The audit file of a store that exists. One of an older layout gets it now.
fn audit_of(path: &Path, facts: &Facts, settings: &StoreSettings) -> Result<Log, RecordsError> {
    let audit_path = audit::path_of(path);
    match AuditFile::read(&audit_path)? {
        Some(file) if *file.store() == facts.store => Ok(log_of(file, settings)),
        Some(_) => Err(foreign_audit_file(audit_path, path)),
        None if facts.schema < FIRST_WITH_LOG => {
            let file = AuditFile::create(&audit_path, facts.store)?;
            Ok(log_of(file, settings))
        }
        None => Err(RecordsError::AuditFileMissing {
            path: audit_path,
            store: path.to_path_buf(),
        }),
    }
}

/// Compares the log with the head that was noted outside redb, and notes where it is now. A store that lacks the event of that head is an older copy: the log
/// says so from then on. Also logs that another version of the host opens the store.
fn reconcile(database: &Database, path: &Path, audit: &Log) -> Result<(), RecordsError> {
    let outside = audit.file().head();
    let write = || -> Result<(), Fault> {
        let change = database.begin_write()?;
        let appended = audit::Appended::default();
        let tip = audit.tip(&change)?;
        appended.find_rollback(&change, audit, clock())?;
        let opened_by = {
            let meta = change.open_table(META)?;
            let version = meta.get(OPENED_BY)?;
            version.map(|version| version.value().to_owned())
        };
        if opened_by.as_deref() != Some(HOST_VERSION) {
            let changed = AuditEvent::HostChanged {
                from: opened_by.unwrap_or_default(),
                to: HOST_VERSION.to_owned(),
            };
            appended.append(&change, audit, clock(), Actor::Host, changed)?;
            note_version(&change)?;
        }
        if appended.is_empty() {
            change.abort()?;
            if outside != Some(tip) {
                audit.note(&tip);
            }
            return Ok(());
        }
        change.commit()?;
        appended.committed(audit);
        Ok(())
    };
    match write().map_err(|fault| fault.at(path)) {
        // On a full disk the store has to stay readable; the next opening says it.
        Err(RecordsError::Full { .. }) => Ok(()),
        done => done,
    }
}

/// Opens redb for an auditor: nothing is brought up to date, and no key is touched.
pub(crate) fn for_audit(
    path: &Path,
    deployment: &str,
) -> Result<(Database, StoreId), RecordsError> {
    let database = open_database(path, false)?;
    let Some(facts) = read_facts(&database, path)? else {
        let path = path.to_path_buf();
        return Err(RecordsError::NoAuditLog { path });
    };
    facts.check(path, deployment)?;
    if facts.schema < FIRST_WITH_LOG {
        let path = path.to_path_buf();
        return Err(RecordsError::NoAuditLog { path });
    }
    Ok((database, facts.store))
}

/// The first layout with an audit log.
const FIRST_WITH_LOG: u32 = 3;

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

pub(crate) fn format_id(id: &StoreId) -> String {
    format!("{:032x}", u128::from_be_bytes(*id))
}

pub(crate) fn parse_id(text: &str) -> Option<StoreId> {
    let is_digit = |byte: u8| byte.is_ascii_hexdigit();
    if text.len() != 32 || !text.bytes().all(is_digit) {
        return None;
    }
    Some(u128::from_str_radix(text, 16).ok()?.to_be_bytes())
}
