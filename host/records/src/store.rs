//! The store: one redb file for a deployment, and its key file beside it. Knows how a transaction is run and recovered
//! from, and nothing of what is stored.

use crate::audit::{self, Log};
use crate::entry::OF_AGE;
use crate::error::RecordsError;
use crate::fault::Fault;
use crate::files::{self, At};
use crate::keys::{KeyFile, StoreId};
use crate::membership::MEMBERSHIP_DAYS;
use crate::opening;
use crate::retention::Retention;
use crate::transaction::{Change, Context, Reading};
use crate::watchlist::Watchlist;
use redb::Database;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// What a store has to know of its deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreSettings {
    /// Id of the deployment, 1 to 256 bytes.
    pub deployment: String,
    /// How long each class of data may be kept.
    pub retention: Retention,
}

/// A deployment's records. Cheap to clone; all clones are one store, and any thread may use it.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

struct Shared {
    path: PathBuf,
    key_path: PathBuf,
    settings: StoreSettings,
    id: StoreId,
    /// `None` after a failed write: redb then refuses everything until it is opened anew, which the next use does.
    database: RwLock<Option<Database>>,
    keys: Mutex<KeyFile>,
    next_record: AtomicU64,
    audit: Log,
    membership_days: AtomicU32,
    approval_under: AtomicU8,
}

impl Store {
    /// Opens a store that exists. Reads the whole file once, to verify it.
    ///
    /// # Errors
    /// [`RecordsError::Missing`], and whatever is wrong with the store or its key file.
    pub fn open(path: &Path, settings: &StoreSettings) -> Result<Self, RecordsError> {
        if !path.try_exists().at(path)? {
            let path = path.to_path_buf();
            return Err(RecordsError::Missing { path });
        }
        Self::open_with(path, settings, false)
    }

    /// Opens a store, or makes an empty one where there is none, with the folders on the way to it.
    ///
    /// # Errors
    /// Whatever is wrong with the store or its key file.
    pub fn open_or_create(path: &Path, settings: &StoreSettings) -> Result<Self, RecordsError> {
        let folder = files::folder_of(path);
        fs::create_dir_all(folder).at(folder)?;
        let exists = path.try_exists().at(path)?;
        Self::open_with(path, settings, !exists)
    }

    fn open_with(
        path: &Path,
        settings: &StoreSettings,
        is_new: bool,
    ) -> Result<Self, RecordsError> {
        crate::payload::name("the deployment's id", &settings.deployment)?;
        let key_path = path.with_extension("keys");
        for (other, whose) in [(&key_path, "key"), (&audit::path_of(path), "audit")] {
            if other == path {
                return Err(RecordsError::Refused {
                    what: path.display().to_string(),
                    problem: format!("this extension is the {whose} file's"),
                });
            }
        }
        let opened = opening::open(path, &key_path, settings, is_new)?;
        Ok(Self {
            shared: Arc::new(Shared {
                path: path.to_path_buf(),
                key_path,
                settings: settings.clone(),
                id: opened.id,
                database: RwLock::new(Some(opened.database)),
                keys: Mutex::new(opened.keys),
                next_record: AtomicU64::new(opened.next_record),
                audit: opened.audit,
                membership_days: AtomicU32::new(MEMBERSHIP_DAYS),
                approval_under: AtomicU8::new(OF_AGE),
            }),
        })
    }

    /// The store's file.
    pub fn path(&self) -> &Path {
        &self.shared.path
    }

    /// The key file: the store's path with the extension `keys`.
    pub fn key_file(&self) -> &Path {
        &self.shared.key_path
    }

    /// What the store was opened with.
    pub fn settings(&self) -> &StoreSettings {
        &self.shared.settings
    }

    /// What tells it from every other store.
    pub(crate) fn id(&self) -> &StoreId {
        &self.shared.id
    }

    /// The people sought.
    pub fn watchlist(&self) -> Watchlist<'_> {
        Watchlist { store: self }
    }

    /// Signs a message that leaves, with the audit log's key.
    ///
    /// A message is JSON and begins with `{`, and what is signed of the log itself begins with words (`AUDIT.md`): no signature of the one passes for the other.
    pub fn sign_message(&self, message: &[u8]) -> [u8; 64] {
        self.shared.audit.file().sign(message)
    }

    /// The public half of that key, 64 hexadecimal digits.
    pub fn audit_key(&self) -> String {
        hex::encode(self.shared.audit.identity.key)
    }

    /// Keeps membership commitments for so many days after the watchlist's last change; [`MEMBERSHIP_DAYS`] otherwise.
    pub fn keep_membership(&self, days: u32) {
        self.shared.membership_days.store(days, Ordering::Relaxed);
    }

    /// Takes nobody under this age on the watchlist without a reason and an approval of their own; 18 otherwise, and never less.
    pub fn ask_approval_under(&self, years: u8) {
        self.shared.approval_under.store(years, Ordering::Relaxed);
    }

    /// That age.
    pub fn approval_under(&self) -> u8 {
        self.shared.approval_under.load(Ordering::Relaxed)
    }

    /// Days for which membership commitments are kept.
    pub fn membership_days(&self) -> u32 {
        self.shared.membership_days.load(Ordering::Relaxed)
    }

    /// Reads in one snapshot.
    pub(crate) fn read<T>(
        &self,
        read: impl FnOnce(&Reading<'_>) -> Result<T, Fault>,
    ) -> Result<T, RecordsError> {
        self.with_database(|database| read(&Reading::begin(database, self.context())?))
    }

    /// Makes a change and commits it; nothing is changed where `change` fails.
    pub(crate) fn change<T>(
        &self,
        change: impl FnOnce(&mut Change<'_>) -> Result<T, Fault>,
    ) -> Result<T, RecordsError> {
        self.with_database(|database| {
            let mut open = Change::begin(database, self.context())?;
            let answer = change(&mut open)?;
            open.commit()?;
            Ok(answer)
        })
    }

    /// Destroys keys that an earlier change could not destroy.
    pub(crate) fn destroy_leftover_keys(&self) -> Result<(), RecordsError> {
        let keys = self.shared.keys.lock();
        keys.unwrap_or_else(PoisonError::into_inner).destroy(&[])
    }

    fn context(&self) -> Context<'_> {
        Context {
            path: &self.shared.path,
            store: &self.shared.id,
            keys: &self.shared.keys,
            next_record: &self.shared.next_record,
            audit: &self.shared.audit,
        }
    }

    pub(crate) fn with_database<T>(
        &self,
        work: impl FnOnce(&Database) -> Result<T, Fault>,
    ) -> Result<T, RecordsError> {
        // The lock guards no invariant of its own beyond the option, so a panic elsewhere does not spoil it.
        let lock = &self.shared.database;
        let mut database = lock.read().unwrap_or_else(PoisonError::into_inner);
        if database.is_none() {
            drop(database);
            self.reopen()?;
            database = lock.read().unwrap_or_else(PoisonError::into_inner);
        }
        let Some(open) = &*database else {
            // Another thread's write failed in between.
            return Err(Fault::Redb(redb::Error::PreviousIo).at(&self.shared.path));
        };
        let answer = work(open);
        drop(database);
        answer.map_err(|fault| {
            if fault.needs_reopening() {
                *lock.write().unwrap_or_else(PoisonError::into_inner) = None;
            }
            fault.at(&self.shared.path)
        })
    }

    fn reopen(&self) -> Result<(), RecordsError> {
        let shared = &self.shared;
        let lock = &shared.database;
        let mut database = lock.write().unwrap_or_else(PoisonError::into_inner);
        if database.is_none() {
            let mut keys = shared.keys.lock().unwrap_or_else(PoisonError::into_inner);
            *database = Some(opening::reopen(&shared.path, &shared.key_path, &mut keys)?);
        }
        Ok(())
    }
}
