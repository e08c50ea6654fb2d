//! What is kept: the watchlist, runs and their alerts, in one redb file per deployment.
//!
//! Images, templates, crops, scores and what plugins were asked are stored only as sealed payloads. Every record, be it a watchlist image, an
//! alert or an alert's inputs, is encrypted under a random key of its own, which lies, wrapped, in a key file outside redb. So the end of a
//! record's retention is real although redb copies pages on write: its key is gone. This crate knows no plugin and no search; every time is given by the caller, but for
//! what the audit log says of the opening of a store.
//!
//! Every change writes into the audit log, in the same transaction; but for counts of people engaged, which no time may lead to. The force's people and the register of its
//! deployments have a store of their own ([`Force`]), with such a log.
//!
//! ```no_run
//! use overt_records::{Retention, Store, StoreSettings, Timestamp};
//!
//! let store = Store::open_or_create(
//!     "records.redb".as_ref(),
//!     &StoreSettings {
//!         deployment: "walk-past".into(),
//!         retention: Retention { alerts_hours: 24, inputs_hours: 24, watchlist_hours: 24 },
//!     },
//! )?;
//! for entry in store.watchlist().list()? {
//!     println!("{} ({}): {} images", entry.reference, entry.category, entry.images.len());
//! }
//! store.sweep(Timestamp::from_unix_ms(1_790_000_000_000))?;
//! # Ok::<(), overt_records::RecordsError>(())
//! ```

mod alerts;
mod approval;
mod audit;
mod backup;
mod cipher;
mod closing;
mod described;
mod entry;
mod error;
mod exports;
mod fault;
mod files;
mod force;
mod generations;
mod holds;
mod inputs;
mod judgements;
mod keys;
mod life;
mod live;
mod membership;
mod opening;
mod outbox;
mod payload;
mod published;
mod quarantine;
mod retention;
mod rows;
mod runs;
mod sealed;
mod store;
mod sweep;
mod tables;
mod transaction;
mod watchlist;

pub use alerts::{Alert, AlertState, NewAlert, Priority, StoredAlert};
pub use approval::{ListApproval, ListCounts, ListStanding, ListState};
pub use audit::{
    Actor, AuditEntry, AuditEvent, AuditHead, AuditLog, Break, BreakKind, Exported, HeadError,
    LodgedHead, LogRows, RecordRange, Selection, Verdict, Verification, WatchlistEncoder,
    verify_export,
};
pub use backup::{Backup, BackupError, BackupOf, Copying, restore, restore_force};
pub use closing::{ClosedRecords, Destroyed, StillHeld};
pub use described::{AgeBand, DefinedBy, Described, DescribedCount, Said, Sex};
pub use entry::{
    AddedBy, Day, Grounds, GroundsProblem, ImageFacts, ImageSource, Minor, NoDay, NoSource,
};
pub use error::RecordsError;
pub use exports::{Export, ExportKind};
pub use files::destroy as destroy_file;
pub use force::{
    AdoptedRules, Authorisation, Beyond, By, CameraTerms, Certificate, Credential, Document,
    DocumentKind, EntryOver, FORCE_LOG, Force, ForceError, Hashing, HeldCredential, KeepRules,
    LEAST_PASSWORD, ListApproved, MayNot, Missing, Mode, ModeRule, Moment, NewPerson,
    NoCertificate, NoToken, Notice, Order, OutOfTurn, OverPeriod, OwnRecords, Password,
    PasswordProblem, PeopleChange, PeopleEvent, PeopleRule, Person, PersonRole, RULES_DOMAIN,
    RecordsStay, RegisterEntry, RegisterGone, RegisterRecord, RegisterState, RegisterStep,
    RegisteredRun, Rules, RunAsked, RunStarted, SESSION_HOURS, SESSION_IDLE_MINUTES, ScoreFloor,
    Session, SessionEnd, SessionToken, SignedCertificate, SignedIn, SignedRules, Terms,
    WatchlistFacts, WatchlistRules, Withdrawn,
};
pub use generations::{ChangeCause, GenerationChange, ReEncoded};
pub use holds::{Hold, HoldRelease, LONGEST_HOLD_DAYS, NoReceiptCode, Receipt, ReceiptCode};
pub use inputs::{AlertInputs, HeldInputs, SettledAction};
pub use judgements::{
    Adjudication, AlertView, JudgementError, LivingAlert, PassedAlert, Report, View,
};
pub use life::{
    Closed, Disposal, IdentityCheck, Judge, JudgementLimits, JudgingRole, Life, LifeState, LimitOf,
    NotAllowed, Reject, RetentionOf, Step, StepKind, Stop,
};
pub use live::{ListChange, ListChangeKind, ListComposition, ListSize, ListSizes};
pub use membership::{
    Interval, MEMBERSHIP_DAYS, MembershipError, MembershipKey, membership_key_file,
};
pub use outbox::{ChannelCounts, Delivered, Letter, Message, News};
pub use payload::{AlertPayload, AlertScore, Picture};
pub use published::{Published, PublishedKind};
pub use quarantine::{Quarantine, Release};
pub use retention::{GoneByRetention, Retained, Retention, RetentionClass, SweepReport, Timestamp};
pub use rows::Piece;
pub use runs::{
    CameraUsed, Counts, Footage, FrameCounts, ModelUsed, PluginUsed, Run, RunHeader, RunId,
    RunMode, RunOutcome, RunRecord, Searched,
};
pub use store::{Store, StoreSettings};
pub use watchlist::{
    Addition, Encoder, Enrolled, EntrySummary, ImageSummary, NewImage, OtherEncoder, Removal,
    Removed, SourceOf, StoredTemplate, Watchlist,
};
