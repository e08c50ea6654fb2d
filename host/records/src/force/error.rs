//! Everything that can go wrong with people and sessions, as values that carry the facts, each with its mend.

use super::own_records::RecordsStay;
use super::password::LEAST_PASSWORD;
use super::person::PersonRole;
use super::register::{Beyond, Missing, Mode, OutOfTurn, RegisterState};
use super::session::{SESSION_HOURS, SESSION_IDLE_MINUTES};
use super::signed_in::MayNot;
use crate::error::RecordsError;
use crate::retention::Timestamp;
use std::path::PathBuf;

/// Why something about people is not done.
#[derive(Debug, thiserror::Error)]
pub enum ForceError {
    /// There is no store of people here.
    #[error("there is no store of the force's people at {path}")]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// Others have had it open all the time.
    #[error("{path} is in use by other processes, and stayed so for ten seconds")]
    Busy {
        /// The store.
        path: PathBuf,
    },
    /// Others than the owner can read it.
    #[error("{path} can be read by others (mode {mode:04o}), who could guess passwords at leisure")]
    Exposed {
        /// The store.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// There is somebody already who can make people.
    #[error("{path} has somebody who can make people: {person}")]
    NotFirst {
        /// The store.
        path: PathBuf,
        /// Their id.
        person: String,
    },
    /// Somebody has the id, or had it.
    #[error("there is a person {id} already")]
    Exists {
        /// The id.
        id: String,
    },
    /// Nobody has the id.
    #[error("there is no person {id}")]
    NoSuchPerson {
        /// The id.
        id: String,
    },
    /// The person was disabled before.
    #[error("{id} is disabled already")]
    Disabled {
        /// The id.
        id: String,
    },
    /// Somebody would change what they may do themselves.
    #[error("{id} cannot change their own roles, credentials or account")]
    Own {
        /// The id.
        id: String,
    },
    /// The person has the role.
    #[error("{id} is {role} already")]
    HasRole {
        /// The id.
        id: String,
        /// The role.
        role: PersonRole,
    },
    /// The person does not have the role.
    #[error("{id} is no {role}")]
    HasNotRole {
        /// The id.
        id: String,
        /// The role.
        role: PersonRole,
    },
    /// The person has no such credential, or it was withdrawn.
    #[error("{id} has no credential {number} that could be withdrawn")]
    NoSuchCredential {
        /// The id.
        id: String,
        /// The number asked for.
        number: u32,
    },
    /// The password is not accepted.
    #[error("this password is not accepted: {cause}")]
    Password {
        /// Why.
        cause: PasswordProblem,
    },
    /// The password could not be hashed.
    #[error("the password cannot be hashed: {cause}")]
    Hashing {
        /// Why.
        cause: argon2::Error,
    },
    /// Not the password, or nobody has the id, or they are disabled: it is not said which.
    #[error("this is not the id and the password of anybody who may sign in")]
    WrongPassword,
    /// Too many wrong passwords.
    #[error("too many wrong passwords with this id; the next one is looked at in {wait_s} s")]
    Locked {
        /// Seconds until then.
        wait_s: u64,
    },
    /// The password is one that somebody else chose.
    #[error("the password of {id} was chosen by somebody else, and opens nothing")]
    InitialPassword {
        /// The id.
        id: String,
    },
    /// There is no such session, or it is over.
    #[error("nobody is signed in: {cause}")]
    Session {
        /// Why.
        cause: SessionEnd,
    },
    /// The signed-in person may not do it.
    #[error(transparent)]
    MayNot(#[from] MayNot),
    /// The text of rules does not fit its signature.
    #[error("these rules are not signed, or were changed since")]
    RulesUnsigned,
    /// They are signed by another key than the first ones.
    #[error("these rules are signed by {key}, and the force's are signed by {pinned}")]
    RulesKey {
        /// The key of the first rules.
        pinned: String,
        /// The key of these.
        key: String,
    },
    /// They are not newer.
    #[error("these rules are version {version}, and version {adopted} is in force")]
    RulesVersion {
        /// In force.
        adopted: u32,
        /// Of these.
        version: u32,
    },
    /// No rules are in force.
    #[error("the force has adopted no rules")]
    NoRules,
    /// The register has no such number.
    #[error("there is no deployment {number} in the register")]
    NoSuchEntry {
        /// The number.
        number: u32,
    },
    /// The entry of this number went by the period of the rules.
    #[error(
        "the entry of deployment {number} is gone: the period of the force's rules, version {rules_version}, was over for it"
    )]
    EntryGone {
        /// The number.
        number: u32,
        /// When it went.
        at: Timestamp,
        /// The rules' version.
        rules_version: u32,
    },
    /// The file could not be written anew.
    #[error(
        "what went is off the record, and {path} could not be written anew: pages of it can hold what went"
    )]
    NotRewritten {
        /// The store.
        path: PathBuf,
    },
    /// A deployment's own records may not go yet.
    #[error("the records of {deployment} stay: {why}")]
    RecordsStay {
        /// The deployment's id.
        deployment: String,
        /// Why.
        why: RecordsStay,
    },
    /// What is younger than the rules' period would go.
    #[error(
        "the force's rules keep the register for {days} days, so that nothing of {before} or later may go, and {asked} was asked for"
    )]
    WithinPeriod {
        /// The day that was asked for.
        asked: Timestamp,
        /// The latest that there may be now.
        before: Timestamp,
        /// The rules' period, days.
        days: u32,
    },
    /// The record that was kept of a closed deployment is missing, or is another.
    #[error(
        "the record that was kept of deployment {number} is not the one that the register has the digest of"
    )]
    RecordDiffers {
        /// The number.
        number: u32,
    },
    /// The deployment has a number.
    #[error("{deployment} is deployment {number} of the register already, and {state}")]
    AlreadyPlanned {
        /// The deployment's id.
        deployment: String,
        /// Its number.
        number: u32,
        /// Its state.
        state: RegisterState,
    },
    /// The step is not for the deployment where it stands.
    #[error(transparent)]
    OutOfTurn(#[from] OutOfTurn),
    /// The rules do not let this rank order it.
    #[error("{rank} is no rank that may order {mode} deployments; the rules name {}", ranks.join(", "))]
    Rank {
        /// The officer's rank.
        rank: String,
        /// The mode.
        mode: Mode,
        /// The ranks that may.
        ranks: Vec<String>,
    },
    /// Who planned it would authorise it.
    #[error("{person} planned this deployment; the rules ask for somebody else to authorise it")]
    Planner {
        /// Their name.
        person: String,
    },
    /// An urgent deployment would last too long.
    #[error("an urgent deployment may last {most} hours, and this would last {hours}")]
    Urgent {
        /// Its hours.
        hours: u64,
        /// At most.
        most: u32,
    },
    /// The terms go beyond the force's rules.
    #[error("beyond the force's rules: {}", breaches.iter().map(Beyond::to_string).collect::<Vec<_>>().join("; "))]
    BeyondRules {
        /// Where; at least one.
        breaches: Vec<Beyond>,
    },
    /// A live run lacks something.
    #[error("{} things are missing for a live run", missing.len())]
    NotReady {
        /// What; at least one.
        missing: Vec<Missing>,
    },
    /// A failure of the store itself, or a value outside its limits.
    #[error(transparent)]
    Records(Box<RecordsError>),
}

impl From<RecordsError> for ForceError {
    fn from(error: RecordsError) -> Self {
        Self::Records(Box::new(error))
    }
}

/// Why a password is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordProblem {
    /// It is too short.
    #[error("it has fewer than {LEAST_PASSWORD} characters")]
    Short,
    /// It is too long.
    #[error("it has more than {most} bytes")]
    Long {
        /// The most there may be.
        most: usize,
    },
    /// Everybody who guesses would try it.
    #[error("it is one of the commonest")]
    Common,
    /// It is the person's own id or name.
    #[error("it is the person's own id or name")]
    OwnName,
    /// It is the old one.
    #[error("it is the old one")]
    Same,
}

/// Why there is no session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SessionEnd {
    /// The store knows no such session: it was ended, or is of another force's store.
    #[error("this store knows no such session")]
    Unknown,
    /// It has lasted as long as any may.
    #[error("the session was over after {SESSION_HOURS} hours")]
    Over,
    /// Nothing was done in it.
    #[error("the session was over after {SESSION_IDLE_MINUTES} minutes in which nothing was done")]
    Idle,
    /// The machine was switched off, or it is another machine.
    #[error("the session was begun before this machine was switched on, or on another")]
    SwitchedOff,
    /// Another user's process shows the token.
    #[error("the session is another user's of this machine")]
    OtherUser,
    /// The person was disabled since.
    #[error("the person was disabled")]
    Disabled,
}

impl ForceError {
    /// What the reader can do about it; empty where nothing is to be said.
    pub fn mend(&self) -> String {
        match self {
            Self::Missing { .. } => "make the first person: `overt people init`; or correct `force` under [host]".into(),
            Self::Busy { .. } => "try again; each command has it open for milliseconds".into(),
            Self::Exposed { path, .. } => format!(
                "make it its owner's alone (`chmod 600 {}`), and consider who may have read it",
                path.display()
            ),
            Self::NotFirst { person, .. } => format!(
                "{person} signs in (`overt sign-in {person}`) and makes the others: `overt people add`"
            ),
            Self::Exists { .. } => "choose another id; one that was used stays its person's".into(),
            Self::NoSuchPerson { .. } => "`overt people list` shows who there is".into(),
            Self::Disabled { .. } | Self::HasRole { .. } | Self::HasNotRole { .. } | Self::NoSuchCredential { .. } => {
                "`overt people show ID` shows roles, credentials and whether somebody is disabled".into()
            }
            Self::Own { .. } => "another authorising officer does it".into(),
            Self::Password { .. } => format!(
                "choose {LEAST_PASSWORD} characters or more of any kind that nobody would guess, such as five words"
            ),
            Self::Hashing { .. } => "close other programs: it needs 19 MiB of memory".into(),
            Self::WrongPassword => "check the id and type the password again; who has forgotten it gets another account from an authorising officer".into(),
            Self::Locked { .. } => "wait; and if it was not you, tell your authorising officer".into(),
            Self::InitialPassword { id } => format!("choose your own: `overt people change-password {id}`"),
            Self::Session { cause: SessionEnd::Disabled } => "somebody who is not disabled signs in: `overt sign-in ID`".into(),
            Self::Session { .. } => "sign in: `overt sign-in ID`".into(),
            Self::MayNot(cause) => cause.mend(),
            Self::RulesUnsigned => "sign them as they are now: `overt rules sign rules.toml --key KEY`".into(),
            Self::RulesKey { .. } => "sign them with the key of the first ones; it was pinned when they were adopted".into(),
            Self::RulesVersion { adopted, .. } => format!("write a `version` above {adopted} and sign them again"),
            Self::NoRules => "adopt them first: `overt rules adopt rules.toml`".into(),
            Self::NoSuchEntry { .. } => "`overt deployment register` shows all".into(),
            Self::EntryGone { .. } => "whoever was given a report of it has it; the register keeps the number alone".into(),
            Self::NotRewritten { .. } => "make room on its disk for another file of its size, and see that its folder can be written to; the next command that opens it tries again".into(),
            Self::RecordsStay { why: RecordsStay::NotEnded { .. }, .. } => "refuse, cancel or close it first: `overt deployment close DEPLOYMENT`".into(),
            Self::RecordsStay { why: RecordsStay::Younger { .. }, .. } => "they go once all of them is over the period of the rules".into(),
            Self::RecordsStay { why: RecordsStay::Holds { .. }, .. } => "let go what is over its own time first: `overt retention run DEPLOYMENT`; `overt retention show DEPLOYMENT` says what is held".into(),
            Self::WithinPeriod { .. } => "name an earlier day; `overt retention register` says what would go. If the day was right, look at this machine's clock".into(),
            Self::RecordDiffers { .. } => "find out who changed the store: `overt audit verify --force FORCE`; a copy of it may have the record".into(),
            Self::AlreadyPlanned { .. } => "give another deployment an id of its own; an id that ran stays that deployment's".into(),
            Self::OutOfTurn(_) => "`overt deployment register` shows where it stands".into(),
            Self::Rank { .. } => "an officer of such a rank does it; with `--urgent` the rules may name others".into(),
            Self::Planner { .. } => "another authorising officer authorises it".into(),
            Self::Urgent { .. } => "plan a shorter one, or have it authorised by a rank that needs no urgency".into(),
            Self::BeyondRules { .. } => "bring the deployment file within the rules (`overt rules show`) and plan it anew".into(),
            Self::NotReady { missing } => missing.first().map_or_else(String::new, Missing::mend),
            Self::Records(_) => String::new(),
        }
    }
}
