//! Copies against the loss of a disk: of a deployment's records and of the force's store, and how they are put in place again.
//!
//! A copy of records holds nothing that is sealed, and no key of it. So what was destroyed cannot come back by one, and no face can: it brings back what was decided and counted,
//! with its log. It is made of rows (`rows.rs`), which whoever has the records open can give out while others write. The log's signing key is in the copy, for the log goes on after it; keep it as the
//! records themselves are kept. The key of the membership commitments is not: its custodian keeps it, and puts it back.
//!
//! A copy is a folder of its owner's alone with the files and `backup.json`, which is written last: without it the copy is none.

use crate::audit::{self, Actor, AuditEvent, AuditFile, AuditHead};
use crate::error::RecordsError;
use crate::fault::Fault;
use crate::files::{self, At};
use crate::force::{Force, ForceError};
use crate::judgements::withdraw;
use crate::keys::KeyFile;
use crate::life::StepKind;
use crate::opening;
use crate::retention::Timestamp;
use crate::rows::Piece;
use crate::sealed::Kind;
use crate::store::{Store, StoreSettings};
use crate::tables::{ENTRIES, EXPORTS, HELD, META};
use crate::transaction::{Change, Context};
use redb::{Database, ReadableTable, WriteTransaction};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;

/// Version of the format.
const FORMAT: &str = "overt-backup-1";
/// What says that a copy is whole.
const MANIFEST: &str = "backup.json";
/// The store's file in a copy.
const STORE: &str = "store.redb";
/// Its log's file.
const AUDIT: &str = "store.audit";

/// What a copy is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BackupOf {
    /// The records of this deployment.
    Deployment(String),
    /// The force's people and register.
    Force,
}

/// A copy, as its `backup.json` describes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Backup {
    /// `overt-backup-1`.
    pub format: String,
    /// What it is of.
    pub of: BackupOf,
    /// When it was made.
    pub at: Timestamp,
    /// How far the log goes in it.
    pub head: AuditHead,
    /// SHA-256 of the files, in the order store, log.
    pub sha256: [String; 2],
    /// SHA-256 of all that stands before it: a copy that a disk has spoiled is told from a whole one.
    pub check: String,
}

impl Backup {
    fn checked(mut self) -> Self {
        self.check = self.digest();
        self
    }

    fn digest(&self) -> String {
        let Self {
            format,
            of,
            at,
            head,
            sha256,
            ..
        } = self;
        let parts = format!("{format}\n{of:?}\n{at}\n{head:?}\n{sha256:?}\n");
        hex::encode(Sha256::digest(parts))
    }
}

/// Why there is no copy, or why it cannot be put in place.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// Something is there already, and nothing is overwritten.
    #[error("{path} is there already")]
    InTheWay {
        /// What is in the way.
        path: PathBuf,
    },
    /// The folder holds no whole copy.
    #[error("{path}: {cause}")]
    NoBackup {
        /// The folder.
        path: PathBuf,
        /// What is wrong.
        cause: String,
    },
    /// It is a copy of something else.
    #[error("this is a copy of {found:?}, and {expected:?} was asked for")]
    OfSomethingElse {
        /// What it is of.
        found: BackupOf,
        /// What it should be of.
        expected: BackupOf,
    },
    /// The force's store.
    #[error("{0}")]
    Force(#[from] Box<ForceError>),
    /// The records.
    #[error("{0}")]
    Records(#[from] RecordsError),
}

impl BackupError {
    /// What the reader can do about it.
    pub fn mend(&self) -> &'static str {
        match self {
            Self::InTheWay { .. } => {
                "name another folder, or move away what is there: nothing is overwritten"
            }
            Self::NoBackup { .. } => "take another copy: this one is not whole, or was changed",
            Self::OfSomethingElse { .. } => {
                "name the deployment file that belongs to it, or another copy"
            }
            Self::Force(_) | Self::Records(_) => "check the disk and the files that it names",
        }
    }
}

impl Store {
    /// Copies the records into a folder that is made for it, while others read and write.
    ///
    /// # Errors
    /// [`BackupError::InTheWay`]; [`RecordsError::Io`] and the like, and then the folder is no copy.
    pub fn backup(&self, folder: &Path, now: Timestamp) -> Result<Backup, BackupError> {
        let copying = Copying::begin(folder, self.path(), &self.settings().deployment)?;
        for piece in self.rows_to_copy(now)? {
            copying.take(&piece)?;
        }
        copying.finish(now)
    }
}

/// A copy of records that is being made, of rows that come from whoever has them open.
pub struct Copying {
    folder: PathBuf,
    deployment: String,
    database: Database,
    change: WriteTransaction,
}

impl Copying {
    /// Makes the folder for a copy of the records in this file. Ask for the rows once this has returned: the log's file is copied here, and may be behind them, but
    /// not ahead.
    ///
    /// # Errors
    /// [`BackupError::InTheWay`]; [`RecordsError::Io`] and the like.
    pub fn begin(folder: &Path, records: &Path, deployment: &str) -> Result<Self, BackupError> {
        make(folder)?;
        put(&audit::path_of(records), "", &folder.join(AUDIT))?;
        let path = folder.join(STORE);
        let database = opening::open_database(&path, true)?;
        let change = database
            .begin_write()
            .map_err(|error| error_at(&path, error))?;
        Ok(Self {
            folder: folder.to_path_buf(),
            deployment: deployment.to_owned(),
            database,
            change,
        })
    }

    /// Takes some rows.
    ///
    /// # Errors
    /// [`RecordsError::Full`] and the like.
    pub fn take(&self, piece: &Piece) -> Result<(), BackupError> {
        let put = piece.put(&self.change);
        Ok(put.map_err(|fault| fault.at(&self.folder.join(STORE)))?)
    }

    /// Says that the copy is whole, once every row was taken.
    ///
    /// # Errors
    /// As [`Copying::take`]; then the folder is no copy.
    pub fn finish(self, now: Timestamp) -> Result<Backup, BackupError> {
        let path = self.folder.join(STORE);
        let commit = || -> Result<AuditHead, Fault> {
            let head = {
                let meta = self.change.open_table(META)?;
                let text = meta.get(audit::META_HEAD)?;
                let text = text.map(|text| text.value().to_owned());
                audit::read_tip(text.as_deref())?.shown()
            };
            self.change.commit()?;
            Ok(head)
        };
        let head = commit().map_err(|fault| fault.at(&path))?;
        // Closed before its digest is taken.
        drop(self.database);
        finish(
            &self.folder,
            BackupOf::Deployment(self.deployment),
            head,
            now,
        )
    }
}

fn error_at(path: &Path, error: redb::TransactionError) -> RecordsError {
    Fault::from(error).at(path)
}

impl Force {
    /// Copies the force's store into a folder that is made for it. Everybody else waits meanwhile.
    ///
    /// # Errors
    /// As [`Store::backup`].
    pub fn backup(&self, folder: &Path, now: Timestamp) -> Result<Backup, BackupError> {
        make(folder)?;
        let head = self
            .while_open(|database| {
                copy(database, self.path(), folder).map_err(|fault| fault.at(self.path()))
            })
            .map_err(Box::new)?;
        finish(folder, BackupOf::Force, head, now)
    }
}

/// Puts a copy of a deployment's records in place, where there are none. Nothing that is sealed comes back: images, templates, scores and the watchlist are gone, and the log
/// says that and from when the copy is.
///
/// # Errors
/// [`BackupError`]; nothing that was there before is changed.
pub fn restore(
    folder: &Path,
    path: &Path,
    settings: &StoreSettings,
    now: Timestamp,
) -> Result<Backup, BackupError> {
    let expected = BackupOf::Deployment(settings.deployment.clone());
    let keys = path.with_extension("keys");
    let audit = audit::path_of(path);
    let backup = take(folder, &expected, &[path, &keys, &audit])?;
    let place = || -> Result<(), RecordsError> {
        let parent = files::folder_of(path);
        fs::create_dir_all(parent).at(parent)?;
        put(folder, AUDIT, &audit)?;
        let file = AuditFile::read(&audit)?.ok_or_else(|| RecordsError::AuditFileMissing {
            path: audit.clone(),
            store: path.to_path_buf(),
        })?;
        let keys = KeyFile::create(&keys, *file.store())?;
        // The store last: without it there are no records, and a restoration that was broken off can be begun again once its files are removed.
        let unfinished = files::with_suffix(path, "restored");
        put(folder, STORE, &unfinished)?;
        empty(&unfinished, settings, keys, file, &backup, now)?;
        fs::rename(&unfinished, path).at(path)?;
        files::sync_folder_of(path)
    };
    place()?;
    Ok(backup)
}

/// Puts a copy of the force's store in place, where there is none.
///
/// # Errors
/// [`BackupError`].
pub fn restore_force(folder: &Path, path: &Path) -> Result<Backup, BackupError> {
    let audit = audit::path_of(path);
    let backup = take(folder, &BackupOf::Force, &[path, &audit])?;
    let place = || -> Result<(), RecordsError> {
        let parent = files::folder_of(path);
        fs::create_dir_all(parent).at(parent)?;
        put(folder, AUDIT, &audit)?;
        put(folder, STORE, path)?;
        files::sync_folder_of(path)
    };
    place()?;
    Ok(backup)
}

/// Takes out what opens no more, and says so in the log. Nobody is on the watchlist then, so what was under way about anybody is withdrawn.
fn empty(
    path: &Path,
    settings: &StoreSettings,
    keys: KeyFile,
    file: AuditFile,
    backup: &Backup,
    now: Timestamp,
) -> Result<(), RecordsError> {
    let database = opening::open_database(path, false)?;
    let store = *file.store();
    let (keys, next_record) = (Mutex::new(keys), AtomicU64::new(0));
    let log = opening::log_of(file, settings);
    let write = || -> Result<(), Fault> {
        let context = Context {
            path,
            store: &store,
            keys: &keys,
            next_record: &next_record,
            audit: &log,
        };
        let change = Change::begin(&database, context)?;
        let rows = &change.rows;
        for kind in Kind::ALL {
            let mut table = rows.open_table(kind.table())?;
            table.retain(|_, _| false)?;
        }
        let (mut images, mut entries) = (0, 0);
        {
            let mut held = rows.open_table(HELD)?;
            held.retain(|_, _| {
                images += 1;
                false
            })?;
            let mut list = rows.open_table(ENTRIES)?;
            list.retain(|_, _| {
                entries += 1;
                false
            })?;
            // What another machine's disk holds is not this one's to destroy.
            rows.open_table(EXPORTS)?.retain(|_, _| false)?;
        }
        let restored = AuditEvent::Restored {
            copied_at: backup.at,
            events: backup.head.events,
            sealed_records: images,
            entries,
        };
        change.log(now, Actor::Host, restored)?;
        withdraw(&change, &|_| true, &StepKind::Withdrawn, now)?;
        change.commit()
    };
    write().map_err(|fault| fault.at(path))
}

fn make(folder: &Path) -> Result<(), BackupError> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            Err(BackupError::InTheWay {
                path: folder.to_path_buf(),
            })
        }
        made => Ok(made.at(folder)?),
    }
}

/// Copies redb's file of the force as it was last committed: a write transaction that changes nothing keeps everybody from committing while its bytes are read. The copy is one that
/// was not closed, which redb sets right when it is opened.
fn copy(database: &Database, path: &Path, folder: &Path) -> Result<(), Fault> {
    let still = database.begin_write()?;
    let copied = (|| {
        put(path, "", &folder.join(STORE))?;
        put(&audit::path_of(path), "", &folder.join(AUDIT))
    })();
    still.abort()?;
    Ok(copied?)
}

/// Copies `from/name` to a new file of the owner's alone.
fn put(from: &Path, name: &str, to: &Path) -> Result<(), RecordsError> {
    let from = match name {
        "" => from.to_path_buf(),
        name => from.join(name),
    };
    let bytes = zeroize::Zeroizing::new(fs::read(&from).at(&from)?);
    files::write_private(to, &bytes)?;
    Ok(())
}

fn finish(
    folder: &Path,
    of: BackupOf,
    head: AuditHead,
    at: Timestamp,
) -> Result<Backup, BackupError> {
    let backup = Backup {
        format: FORMAT.to_owned(),
        of,
        at,
        head,
        sha256: [sha256(&folder.join(STORE))?, sha256(&folder.join(AUDIT))?],
        check: String::new(),
    }
    .checked();
    let path = folder.join(MANIFEST);
    // Plain values: serialising them cannot fail; if it does, the disk is blamed rather than nothing.
    let text = serde_json::to_vec_pretty(&backup).map_err(|error| RecordsError::Io {
        path: path.clone(),
        cause: std::io::Error::other(error),
    })?;
    files::write_private(&path, &text)?;
    files::sync_folder_of(&path)?;
    Ok(backup)
}

/// The copy in a folder, checked, where nothing is in the way of it.
fn take(folder: &Path, expected: &BackupOf, places: &[&Path]) -> Result<Backup, BackupError> {
    for place in places {
        if place.try_exists().at(place)? {
            return Err(BackupError::InTheWay {
                path: place.to_path_buf(),
            });
        }
    }
    let none = |cause: &str| BackupError::NoBackup {
        path: folder.to_path_buf(),
        cause: cause.to_owned(),
    };
    let text = fs::read(folder.join(MANIFEST)).map_err(|error| none(&error.to_string()))?;
    let backup: Backup = serde_json::from_slice(&text).map_err(|error| none(&error.to_string()))?;
    if backup.format != FORMAT {
        return Err(none("it is of another version"));
    }
    if backup.check != backup.digest() {
        return Err(none("backup.json is not what was written"));
    }
    if backup.of != *expected {
        return Err(BackupError::OfSomethingElse {
            found: backup.of,
            expected: expected.clone(),
        });
    }
    for (name, expected) in [STORE, AUDIT].iter().zip(&backup.sha256) {
        if sha256(&folder.join(name))? != *expected {
            return Err(none(&format!("{name} is not what was copied")));
        }
    }
    Ok(backup)
}

fn sha256(path: &Path) -> Result<String, RecordsError> {
    let bytes = zeroize::Zeroizing::new(fs::read(path).at(path)?);
    Ok(hex::encode(Sha256::digest(&*bytes)))
}
