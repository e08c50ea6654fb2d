//! The words of an alert's life: states, steps, and what a judgement records of whoever made it.

use crate::retention::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The two roles that judge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum JudgingRole {
    /// Judges an alert first, on the images.
    Operator,
    /// Judges it second, on the spot, and says what came of it.
    EngagementOfficer,
}

impl fmt::Display for JudgingRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Operator => "operator",
            Self::EngagementOfficer => "engagement officer",
        })
    }
}

/// The credential that was valid when somebody judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CredentialUsed {
    /// How the person was selected for the role.
    pub selection: String,
    /// The course and its version.
    pub course: String,
    /// Since when it is valid.
    pub from: Timestamp,
    /// Until when, that moment not included.
    pub until: Timestamp,
}

/// Whoever made a judgement, as they were then. Made of a signed-in person and in no other way outside this crate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judge {
    pub(crate) person: String,
    pub(crate) name: String,
    pub(crate) role: JudgingRole,
    pub(crate) credential: CredentialUsed,
}

impl Judge {
    /// The person's id.
    pub fn person(&self) -> &str {
        &self.person
    }

    /// The person's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// In which role.
    pub fn role(&self) -> JudgingRole {
        self.role
    }

    /// By which credential.
    pub fn credential(&self) -> &CredentialUsed {
        &self.credential
    }
}

/// Why an operator rejects an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reject {
    /// The passer-by is somebody else. This one counts as a false alert.
    NotThisPerson,
    /// The person is not sought any more.
    NoLongerWanted,
    /// To engage would not be proportionate.
    NotProportionate,
    /// The images do not show it.
    CannotTell,
}

/// Whether an identity was checked at a stop. A stop is not an identity check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IdentityCheck {
    /// None was asked for.
    None,
    /// It was made.
    Made,
    /// The person refused it.
    Refused,
    /// It did not establish who the person is.
    NotEstablished,
}

/// A stop: an officer spoke to the person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    /// Where.
    pub place: String,
    /// When it began.
    pub from: Timestamp,
    /// When it ended.
    pub to: Timestamp,
    /// Whether an identity was checked.
    pub identity: IdentityCheck,
    /// How: by a document, by a database, by word. Empty where none was made.
    pub method: String,
    /// Whether fingerprints were asked for.
    pub fingerprints: bool,
}

/// Which limit ran out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LimitOf {
    /// Nobody adjudicated it in time.
    Adjudication,
    /// No engagement officer judged it in time.
    Engagement,
    /// Nobody reported whether the person was found in time.
    Location,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepKind {
    /// The operator rejected it.
    Rejected(Reject),
    /// The operator passed it on.
    Passed,
    /// The engagement officer found it not viable.
    NotViable,
    /// The engagement officer found it viable.
    Viable,
    /// The person was not found.
    NotLocated,
    /// An officer speaks to the person.
    Engaged,
    /// The stop is over, and says whether it was the person.
    Confirmed {
        /// Whether it was the person sought.
        correct: bool,
        /// The stop.
        stop: Stop,
    },
    /// What came of it: arrest, other outcome, no further action.
    Disposal(String),
    /// Nobody judged it in time.
    Lapsed {
        /// Which limit ran out.
        limit: LimitOf,
    },
    /// The entry was removed from the watchlist.
    Withdrawn,
}

/// A step of an alert's life.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// When.
    pub at: Timestamp,
    /// Who; absent where time or the watchlist did it.
    pub by: Option<Judge>,
    /// When they opened the images that they judged by: for how long they looked is the time since then.
    pub opened_at: Option<Timestamp>,
    /// What.
    pub kind: StepKind,
}

/// Where an alert is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LifeState {
    /// Nobody has judged it.
    Raised,
    /// An operator passed it on.
    Passed,
    /// An engagement officer found it viable.
    Viable,
    /// An officer speaks to the person.
    Engaged,
    /// It has ended.
    Closed(Closed),
}

/// How an alert ended. Each ends in exactly one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Closed {
    /// The operator rejected it.
    Rejected(Reject),
    /// The engagement officer found it not viable.
    NotViable,
    /// The person was not found.
    NotLocated,
    /// It was the person sought.
    ConfirmedTrue,
    /// It was somebody else.
    ConfirmedFalse,
    /// Nobody judged it in time.
    Lapsed,
    /// The entry was removed.
    Withdrawn,
}

impl Closed {
    /// Whether it counts in the numerator of a false alert rate.
    pub fn is_false_alert(self) -> bool {
        matches!(
            self,
            Closed::Rejected(Reject::NotThisPerson) | Closed::ConfirmedFalse
        )
    }
}

impl LifeState {
    /// The state after a step that the rules allowed.
    pub(crate) fn after(self, kind: &StepKind) -> LifeState {
        use LifeState::Closed as End;
        match kind {
            StepKind::Rejected(reject) => End(Closed::Rejected(*reject)),
            StepKind::Passed => LifeState::Passed,
            StepKind::NotViable => End(Closed::NotViable),
            StepKind::Viable => LifeState::Viable,
            StepKind::NotLocated => End(Closed::NotLocated),
            StepKind::Engaged => LifeState::Engaged,
            StepKind::Confirmed { correct: true, .. } => End(Closed::ConfirmedTrue),
            StepKind::Confirmed { correct: false, .. } => End(Closed::ConfirmedFalse),
            // What came of a stop changes nothing about whether it was the person.
            StepKind::Disposal(_) => self,
            StepKind::Lapsed { .. } => End(Closed::Lapsed),
            StepKind::Withdrawn => End(Closed::Withdrawn),
        }
    }
}
