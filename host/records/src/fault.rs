//! Errors inside a transaction, before the store's path is known: redb's, a row's, or one of ours.

use crate::error::RecordsError;
use crate::files;
use std::path::Path;

/// What stopped a transaction.
pub(crate) enum Fault {
    Redb(redb::Error),
    Row(serde_json::Error),
    /// A row or a number that the store's own rules exclude.
    Inconsistent(String),
    Records(RecordsError),
}

impl Fault {
    /// Whether redb refuses all further work until the file is opened anew.
    pub(crate) fn needs_reopening(&self) -> bool {
        matches!(
            self,
            Self::Redb(
                redb::Error::Io(_)
                    | redb::Error::PreviousIo
                    | redb::Error::DatabaseClosed
                    | redb::Error::LockPoisoned(_)
            )
        )
    }

    /// The error for the caller.
    pub(crate) fn at(self, store: &Path) -> RecordsError {
        let path = store.to_path_buf();
        let cause = match self {
            Self::Records(error) => return error,
            Self::Redb(redb::Error::Io(cause)) => return files::io_error(store, cause),
            Self::Redb(redb::Error::DatabaseAlreadyOpen) => {
                return RecordsError::AlreadyOpen { path };
            }
            Self::Redb(error) => error.to_string(),
            Self::Row(error) => format!("a row cannot be read: {error}"),
            Self::Inconsistent(cause) => cause,
        };
        RecordsError::Damaged { path, cause }
    }
}

macro_rules! from_redb {
    ($($error:ty),*) => {
        $(impl From<$error> for Fault {
            fn from(error: $error) -> Self {
                Self::Redb(error.into())
            }
        })*
    };
}

from_redb!(
    redb::CommitError,
    redb::DatabaseError,
    redb::StorageError,
    redb::TableError,
    redb::TransactionError
);

impl From<serde_json::Error> for Fault {
    fn from(error: serde_json::Error) -> Self {
        Self::Row(error)
    }
}

impl From<RecordsError> for Fault {
    fn from(error: RecordsError) -> Self {
        Self::Records(error)
    }
}
