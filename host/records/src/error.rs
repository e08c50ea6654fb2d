//! Everything that can go wrong with a store, as values that carry the facts.

use crate::audit::Break;
use crate::entry::GroundsProblem;
use crate::force::MayNot;
use crate::watchlist::OtherEncoder;
use std::io;
use std::path::PathBuf;

/// Why a store cannot be opened, read or written. Each message names the file and, where there is one, the mend.
#[derive(Debug, thiserror::Error)]
pub enum RecordsError {
    /// There is no store here.
    #[error("there is no store at {path}")]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// Another process, or another part of this one, holds the store.
    #[error("{path} is in use by another process; only one may hold a deployment's records")]
    AlreadyOpen {
        /// The store.
        path: PathBuf,
    },
    /// The file is no store of ours.
    #[error("{path} is not a store of Overt: {cause}")]
    NotAStore {
        /// The file.
        path: PathBuf,
        /// What gave it away.
        cause: String,
    },
    /// The store is damaged.
    #[error("{path} is damaged: {cause}")]
    Damaged {
        /// The store.
        path: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
    /// The store is of another deployment.
    #[error("{path} holds the records of deployment {found}, not of {expected}")]
    ForeignDeployment {
        /// The store.
        path: PathBuf,
        /// The deployment that was to be opened.
        expected: String,
        /// The deployment whose records it holds.
        found: String,
    },
    /// The store has another layout.
    #[error("{path} has layout {found}; this version reads layout {expected}")]
    OtherSchema {
        /// The store.
        path: PathBuf,
        /// The layout this version reads.
        expected: u32,
        /// The layout found.
        found: u32,
    },
    /// The store has no key file, so nothing sealed in it can be read.
    #[error(
        "the key file {path} of {store} is missing; without it no image, template or score in the store can be read"
    )]
    KeyFileMissing {
        /// Where the key file should be.
        path: PathBuf,
        /// The store.
        store: PathBuf,
    },
    /// The key file belongs to another store.
    #[error("the key file {path} belongs to another store than {store}")]
    KeyFileForeign {
        /// The key file.
        path: PathBuf,
        /// The store.
        store: PathBuf,
    },
    /// The key file's head cannot be trusted.
    #[error("the key file {path} is damaged: {cause}")]
    KeyFileDamaged {
        /// The key file.
        path: PathBuf,
        /// What is wrong with it.
        cause: &'static str,
    },
    /// Others than the owner can read the key file.
    #[error(
        "the key file {path} can be read by others (mode {mode:04o}); make it 0600 and consider who may have read it"
    )]
    KeyFileExposed {
        /// The key file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The store has no audit file, so nothing can be written into its audit log.
    #[error(
        "the audit file {path} of {store} is missing; without it nobody can sign how far the audit log goes, nor tell an older copy of the store"
    )]
    AuditFileMissing {
        /// Where it should be.
        path: PathBuf,
        /// The store.
        store: PathBuf,
    },
    /// The audit file belongs to another store.
    #[error(
        "the audit file {path} belongs to another store than {store}; move it away, or put that store back"
    )]
    AuditFileForeign {
        /// The audit file.
        path: PathBuf,
        /// The store.
        store: PathBuf,
    },
    /// The audit file cannot be trusted.
    #[error("the audit file {path} is damaged: {cause}")]
    AuditFileDamaged {
        /// The audit file.
        path: PathBuf,
        /// What is wrong with it.
        cause: &'static str,
    },
    /// The store is of a layout that had no audit log.
    #[error(
        "{path} has no audit log: an older version wrote it, and no newer one has opened it since"
    )]
    NoAuditLog {
        /// The store.
        path: PathBuf,
    },
    /// Alerts have not ended, so the deployment cannot be closed.
    #[error("{path}: {} alerts have not ended: {}", alerts.len(), alerts.iter().map(u32::to_string).collect::<Vec<_>>().join(", "))]
    AlertsOpen {
        /// The store.
        path: PathBuf,
        /// Their numbers; at least one.
        alerts: Vec<u32>,
    },
    /// The audit log is not what was written, so nothing vouches for it.
    #[error("the audit log of {path} is broken at event {}", found.event)]
    AuditBroken {
        /// The store.
        path: PathBuf,
        /// How.
        found: Box<Break>,
    },
    /// A key file with keys in it lies where a new store was to be made.
    #[error(
        "{keys} holds keys of a store, but {store} does not exist; put the store back or move the key file away"
    )]
    KeysWithoutStore {
        /// The key file.
        keys: PathBuf,
        /// The store that is not there.
        store: PathBuf,
    },
    /// The key file lacks keys of records that the store holds.
    #[error(
        "the key file {path} lacks the keys of {lost} of {held} sealed records; it was cut short, damaged, or is an old copy"
    )]
    KeysLost {
        /// The key file.
        path: PathBuf,
        /// How many keys are lost.
        lost: usize,
        /// How many sealed records the store holds.
        held: usize,
    },
    /// A sealed payload is not what was stored under this record.
    #[error("what is sealed as record {record} in {path} was altered or belongs to another record")]
    Altered {
        /// The store.
        path: PathBuf,
        /// The number of the record.
        record: u64,
    },
    /// The disk, the quota or the process's file size limit is used up. What was committed before stays readable.
    #[error("no space left to write {path}")]
    Full {
        /// The file that could not be written.
        path: PathBuf,
    },
    /// Another failure of the file system.
    #[error("{path}: {cause}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The operating system's error.
        #[source]
        cause: io::Error,
    },
    /// The operating system gave no random bytes.
    #[error("the operating system gave no random bytes: {cause}")]
    NoRandomness {
        /// Its error.
        cause: getrandom::Error,
    },
    /// A stored template is of another encoder than the one asked for.
    #[error(transparent)]
    OtherEncoder(#[from] Box<OtherEncoder>),
    /// A value that was to be stored is outside its limits.
    #[error("{what}: {problem}")]
    Refused {
        /// Which value, of which entry or alert.
        what: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The signed-in person may not do it.
    #[error(transparent)]
    MayNot(#[from] MayNot),
    /// An entry is already held under another category.
    #[error(
        "{reference} is on the watchlist as {held}, not as {given}; remove it first to change its category"
    )]
    CategoryDiffers {
        /// The entry.
        reference: String,
        /// Its category on the watchlist.
        held: String,
        /// The category given now.
        given: String,
    },
    /// A run that raises no alert was to keep one.
    #[error("run {run} is a rehearsal, and a rehearsal raises no alert")]
    Rehearsal {
        /// The run.
        run: u64,
    },
    /// An entry says too little of why somebody is sought, or what cannot be.
    #[error("{reference}: {cause}")]
    Grounds {
        /// The entry.
        reference: String,
        /// What is wrong.
        cause: GroundsProblem,
    },
    /// An entry is already held on other grounds.
    #[error("{reference} is on the watchlist on other grounds; remove it first to change them")]
    GroundsDiffer {
        /// The entry.
        reference: String,
    },
    /// Nothing can be told of who was on the watchlist.
    #[error("{cause}")]
    Membership {
        /// Why.
        cause: crate::membership::MembershipError,
    },
    /// Alerts were not numbered on from the last one.
    #[error("the next alert has number {expected}, not {found}")]
    AlertNumber {
        /// The number that was due.
        expected: u32,
        /// The number given.
        found: u32,
    },
    /// There is no such run.
    #[error("{path} holds no run {run}")]
    NoSuchRun {
        /// The store.
        path: PathBuf,
        /// The run asked for.
        run: u64,
    },
    /// There is no such alert.
    #[error("{path} holds no alert {number}")]
    NoSuchAlert {
        /// The store.
        path: PathBuf,
        /// The alert asked for.
        number: u32,
    },
}
