//! The audit log: what was done with a deployment's records, or with a force's people and register, as a chain of events that nobody can change, take out or add to unseen. It holds no image, no
//! template and no score, and nothing of anybody who raised no alert. Its format is published in `AUDIT.md` beside this crate's manifest.

mod chain;
mod event;
mod file;
mod log;
mod verify;

pub use event::{Actor, AuditEntry, AuditEvent, RecordRange, WatchlistEncoder};
pub use log::{AuditLog, Exported, LogRows, Selection};
pub use verify::{Break, BreakKind, HeadError, LodgedHead, Verdict, Verification, verify_export};

pub(crate) use chain::{
    Appended, Identity, Log, META_HEAD, begin, digest, digits, read_tip, split_event,
};
pub(crate) use event::{ranges, watchlist_encoder};
pub(crate) use file::{AuditFile, path_of};
pub(crate) use verify::{Gone, gone_line};

use serde::{Deserialize, Serialize};

/// How far a log goes: the number of its newest event, and that event's hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditHead {
    /// The newest event's number; 0 where there is none.
    pub events: u64,
    /// Its hash, 64 lower-case hexadecimal digits.
    pub hash: String,
}
