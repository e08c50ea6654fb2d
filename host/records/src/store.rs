//! The store: one redb file for a deployment, and its key file beside it.

use crate::error::RecordsError;
use crate::retention::{Retention, SweepReport, Timestamp};
use crate::watchlist::Watchlist;
use std::path::Path;

/// What a store has to know of its deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreSettings {
    /// Id of the deployment.
    pub deployment: String,
    /// How long each class of data may be kept.
    pub retention: Retention,
}

/// A deployment's records. Cheap to clone; all clones are one store, and any thread may use it.
#[derive(Clone)]
pub struct Store {}

impl Store {
    /// Opens a store that exists.
    ///
    /// # Errors
    /// [`RecordsError::Missing`], and whatever is wrong with the store or its key file.
    pub fn open(_path: &Path, _settings: &StoreSettings) -> Result<Self, RecordsError> {
        todo!()
    }

    /// Opens a store, or makes an empty one where there is none.
    ///
    /// # Errors
    /// Whatever is wrong with the store or its key file.
    pub fn open_or_create(_path: &Path, _settings: &StoreSettings) -> Result<Self, RecordsError> {
        todo!()
    }

    /// The store's file.
    pub fn path(&self) -> &Path {
        todo!()
    }

    /// The key file: the store's path with the extension `keys`.
    pub fn key_file(&self) -> &Path {
        todo!()
    }

    /// The people sought.
    pub fn watchlist(&self) -> Watchlist<'_> {
        Watchlist { store: self }
    }

    /// Destroys what has reached the end of its retention: its rows go, and then the key file is rewritten under a fresh
    /// key-encryption key without its keys, and the old file is overwritten.
    ///
    /// # Errors
    /// [`RecordsError::Full`] and the like; then nothing is lost, and the next sweep or opening goes on.
    pub fn sweep(&self, _now: Timestamp) -> Result<SweepReport, RecordsError> {
        todo!()
    }
}
