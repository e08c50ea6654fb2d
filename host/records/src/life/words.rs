//! The words of an alert's life: states, steps, and what a judgement records of whoever made it.

use crate::force::{Credential, MayNot, PersonRole, SignedIn};
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

/// Whoever made a judgement, as they were then. Made of a signed-in person by [`SignedIn::judging`] and in no other way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judge {
    pub(crate) person: String,
    pub(crate) name: String,
    pub(crate) role: JudgingRole,
    pub(crate) credential: Credential,
}

impl SignedIn {
    /// Whoever is signed in, as a judge: proof that they have the role, and a credential for it that is valid now.
    ///
    /// # Errors
    /// [`MayNot`], which says what is missing.
    pub fn judging(&self, role: JudgingRole) -> Result<Judge, MayNot> {
        let of_force = match role {
            JudgingRole::Operator => PersonRole::Operator,
            JudgingRole::EngagementOfficer => PersonRole::EngagementOfficer,
        };
        let by = self.acting_as(of_force)?;
        let lacking = || MayNot::Credential {
            person: self.id().to_owned(),
            role: of_force,
        };
        // Whoever may act in a role has a credential for it.
        let credential = by.credential().cloned().ok_or_else(lacking)?;
        Ok(Judge {
            person: self.id().to_owned(),
            name: self.name().to_owned(),
            role,
            credential,
        })
    }
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
    pub fn credential(&self) -> &Credential {
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

/// What came of a stop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Disposal {
    /// An arrest, with no word of what it was for.
    Arrest,
    /// An arrest, with what it was for: of the closed list of the force's rules.
    ArrestFor(String),
    /// Something else, in the officer's words.
    Other(String),
    /// Nothing.
    NoFurtherAction,
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
    /// What came of it.
    Disposal(Disposal),
    /// Nobody judged it in time.
    Lapsed {
        /// Which limit ran out.
        limit: LimitOf,
    },
    /// The entry was removed from the watchlist.
    Withdrawn,
    /// What it rests on has reached the end of its retention.
    WithdrawnByRetention {
        /// Whether the whole entry has.
        of: RetentionOf,
    },
}

/// What of the watchlist has reached the end of its retention, so that an alert is withdrawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RetentionOf {
    /// Every image of the entry: nobody is sought by it any more.
    Entry,
    /// The image that the alert rests on, before the alert was on record; the person is sought by another.
    Image,
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
    /// The entry was removed, or the retention of what the alert rests on was over.
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
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Raised => "raised",
            Self::Passed => "passed",
            Self::Viable => "viable",
            Self::Engaged => "engaged",
            Self::Closed(Closed::Rejected(_)) => "rejected",
            Self::Closed(Closed::NotViable) => "not-viable",
            Self::Closed(Closed::NotLocated) => "not-located",
            Self::Closed(Closed::ConfirmedTrue) => "confirmed-true",
            Self::Closed(Closed::ConfirmedFalse) => "confirmed-false",
            Self::Closed(Closed::Lapsed) => "lapsed",
            Self::Closed(Closed::Withdrawn) => "withdrawn",
        }
    }

    /// Whether it has ended.
    pub fn is_closed(self) -> bool {
        matches!(self, Self::Closed(_))
    }

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
            StepKind::Withdrawn | StepKind::WithdrawnByRetention { .. } => End(Closed::Withdrawn),
        }
    }
}
