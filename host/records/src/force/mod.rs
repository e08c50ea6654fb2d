//! The force's store: its people and their sessions, its rules, and the register of its deployments, in one redb file that is no deployment's, with a log of all that was done in it.
//!
//! redb lets one process have a file open. Every command and every run needs this one, and none of them for long, so nobody holds it: each operation opens it,
//! makes one transaction and closes it, and waits where somebody else has it. So a run that goes on for a day keeps nobody from signing in, and a person who was
//! disabled a moment ago is disabled for it. The file is small; opening it, every page verified, takes milliseconds. What takes long, the hashing of a password,
//! is done while it is closed.

mod attempts;
mod certificate;
mod error;
mod events;
mod layout;
mod log;
mod own_records;
mod password;
mod people;
mod person;
mod register;
mod retention;
mod rewrite;
mod rules;
mod session;
mod signed_in;

use crate::audit;
use crate::cipher;
use crate::fault::Fault;
use crate::files::{self, At};
use crate::opening;
use crate::retention::Timestamp;
use layout::Found;
use log::Changing;
use redb::{Database, ReadTransaction, ReadableDatabase};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

pub use certificate::{Certificate, NoCertificate, SignedCertificate};
pub use error::{ForceError, PasswordProblem, SessionEnd};
pub use events::{PeopleChange, PeopleEvent};
pub use log::FORCE_LOG;
pub use own_records::{OwnRecords, RecordsStay};
pub use password::{Hashing, LEAST_PASSWORD, Password};
pub use people::NewPerson;
pub use person::{Credential, HeldCredential, Person, PersonRole, Withdrawn};
pub use register::{
    Authorisation, Beyond, CameraTerms, Document, DocumentKind, ListApproved, Missing, Mode,
    Notice, Order, OutOfTurn, RegisterEntry, RegisterRecord, RegisterState, RegisterStep,
    RegisteredRun, RunAsked, RunStarted, ScoreFloor, Terms, WatchlistFacts,
};
pub use retention::{EntryOver, OverPeriod, RegisterGone};
pub use rules::{
    AdoptedRules, KeepRules, ModeRule, PeopleRule, RULES_DOMAIN, Rules, SignedRules, WatchlistRules,
};
pub use session::{NoToken, SESSION_HOURS, SESSION_IDLE_MINUTES, Session, SessionToken};
pub use signed_in::{By, MayNot, SignedIn};

use crate::error::RecordsError;

/// How long somebody waits for another process to be done with the file.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often they look.
const LOOK: Duration = Duration::from_millis(5);

/// A moment by two clocks. The calendar's can be set; that of the machine since it was switched on cannot, and it counts while the machine sleeps. Sessions and
/// locks are measured by the second one, so setting the first back lengthens none.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Moment {
    /// By the calendar.
    pub at: Timestamp,
    /// Which time it is that the machine was switched on: Linux's `boot_id`.
    pub boot: String,
    /// Milliseconds since then: `CLOCK_BOOTTIME`.
    pub since_boot_ms: u64,
}

/// The force's store. It holds no file open; any thread may use it, and any number of processes.
#[derive(Clone, Debug)]
pub struct Force {
    path: PathBuf,
    hashing: Hashing,
}

impl Force {
    /// The store in this file, whether or not it is there yet.
    pub fn at(path: &Path) -> Self {
        Self::with_hashing(path, Hashing::owasp())
    }

    /// The same with passwords hashed at another cost: a dearer one, or a cheap one for tests.
    pub fn with_hashing(path: &Path, hashing: Hashing) -> Self {
        let path = path.to_path_buf();
        Self { path, hashing }
    }

    /// The store's file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The later of this time and the latest at which anybody signed in: what had expired then has expired, even where the calendar was set back since.
    ///
    /// # Errors
    /// [`ForceError::Missing`], and whatever is wrong with the store.
    pub fn no_earlier_than_seen(&self, at: Timestamp) -> Result<Timestamp, ForceError> {
        self.read(|reading| layout::latest_of(&reading.open_table(layout::FACTS)?, at))
    }

    /// Reads in one snapshot.
    fn read<T>(
        &self,
        read: impl FnOnce(&ReadTransaction) -> Result<T, Stop>,
    ) -> Result<T, ForceError> {
        let (database, _) = self.open()?;
        let reading = || read(&database.begin_read()?);
        reading().map_err(|stop| stop.at(&self.path))
    }

    /// Makes a change and commits it, with what it appends to the log; nothing is changed where `change` fails.
    fn change<T>(
        &self,
        change: impl FnOnce(&Changing<'_>) -> Result<T, Stop>,
    ) -> Result<T, ForceError> {
        let (database, log) = self.open()?;
        let changing = || {
            let open = Changing::begin(&database, &log)?;
            let answer = change(&open)?;
            open.commit()?;
            Ok(answer)
        };
        changing().map_err(|stop: Stop| stop.at(&self.path))
    }

    /// Does something while nobody else has the file, and says how far its log goes.
    pub(crate) fn while_open(
        &self,
        work: impl FnOnce(&Database) -> Result<(), RecordsError>,
    ) -> Result<audit::AuditHead, ForceError> {
        let (database, log) = self.open()?;
        work(&database)?;
        let head = || -> Result<audit::AuditHead, Stop> {
            let change = database.begin_write()?;
            let tip = log.tip(&change)?;
            change.abort()?;
            Ok(tip.shown())
        };
        head().map_err(|stop| stop.at(&self.path))
    }

    /// Opens the file, which has to be there, and its log.
    fn open(&self) -> Result<(Database, audit::Log), ForceError> {
        if !self.path.try_exists().at(&self.path)? {
            let path = self.path.clone();
            return Err(ForceError::Missing { path });
        }
        let database = self.open_file()?;
        rewrite::tidy(&self.path)?;
        match layout::check(&database, &self.path)? {
            Found::First => {
                let log = log::create(&self.path)?;
                layout::upgrade(&database, &self.path, &log)?;
                Ok((database, log))
            }
            Found::WithLog {
                store,
                is_second,
                rewrite,
            } => {
                let log = log::open(&self.path, &store)?;
                if is_second {
                    layout::upgrade_second(&database, &self.path)?;
                }
                if rewrite {
                    return Ok((self.rewritten(database)?, log));
                }
                Ok((database, log))
            }
        }
    }

    /// Makes the file where there is none, with the folders on the way to it.
    fn make(&self, at: Timestamp) -> Result<(), ForceError> {
        let folder = files::folder_of(&self.path);
        std::fs::create_dir_all(folder).at(folder)?;
        let database = self.open_file()?;
        if layout::is_empty(&database, &self.path)? {
            let log = log::create(&self.path)?;
            layout::create(&database, &self.path, &cipher::random()?, &log, at)?;
            files::sync_folder_of(&self.path)?;
        }
        layout::check(&database, &self.path)?;
        Ok(())
    }

    /// Opens the file once nobody else has it open.
    fn open_file(&self) -> Result<Database, ForceError> {
        let begun = Instant::now();
        loop {
            match opening::open_database(&self.path, false) {
                Err(RecordsError::AlreadyOpen { .. }) if begun.elapsed() < PATIENCE => {
                    std::thread::sleep(LOOK);
                }
                Err(RecordsError::AlreadyOpen { path }) => return Err(ForceError::Busy { path }),
                Err(error) => return Err(error.into()),
                Ok(database) => {
                    self.is_private()?;
                    return Ok(database);
                }
            }
        }
    }

    /// It holds what passwords are checked against: nobody else may read it, or guess at leisure.
    fn is_private(&self) -> Result<(), ForceError> {
        let mode = std::fs::metadata(&self.path).at(&self.path)?.mode() & 0o777;
        match mode & 0o077 {
            0 => Ok(()),
            _ => Err(ForceError::Exposed {
                path: self.path.clone(),
                mode,
            }),
        }
    }
}

/// What stopped a transaction: a failure of the store, or a rule.
enum Stop {
    Fault(Fault),
    Rule(ForceError),
}

impl Stop {
    fn at(self, path: &Path) -> ForceError {
        match self {
            Self::Fault(fault) => fault.at(path).into(),
            Self::Rule(error) => error,
        }
    }
}

impl<E: Into<Fault>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Fault(error.into())
    }
}

impl From<ForceError> for Stop {
    fn from(error: ForceError) -> Self {
        Self::Rule(error)
    }
}

impl From<MayNot> for Stop {
    fn from(cause: MayNot) -> Self {
        Self::Rule(cause.into())
    }
}
