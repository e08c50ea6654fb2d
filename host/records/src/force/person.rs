//! A person of the force: who they are, which roles they have, and by which credentials.

use super::attempts::Attempts;
use super::password::Hashed;
use super::signed_in::By;
use crate::retention::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What somebody may be in a deployment. A vendor is none of these: a vendor may do nothing on a live system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PersonRole {
    /// Plans, authorises, extends and cancels deployments; makes people and gives them roles.
    AuthorisingOfficer,
    /// Cameras, thresholds within the authority, plugins from the lock.
    SystemEngineer,
    /// Judges an alert first.
    Operator,
    /// Judges it second, engages, says what came of it.
    EngagementOfficer,
    /// Reads, verifies, replays, exports.
    Auditor,
}

impl PersonRole {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::AuthorisingOfficer,
        Self::SystemEngineer,
        Self::Operator,
        Self::EngagementOfficer,
        Self::Auditor,
    ];

    /// Its name in files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::AuthorisingOfficer => "authorising-officer",
            Self::SystemEngineer => "system-engineer",
            Self::Operator => "operator",
            Self::EngagementOfficer => "engagement-officer",
            Self::Auditor => "auditor",
        }
    }
}

impl fmt::Display for PersonRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why somebody may act in a role: how they were selected for it and how trained.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credential {
    /// The role.
    pub role: PersonRole,
    /// The route by which the person was selected.
    pub selection: String,
    /// The course.
    pub course: String,
    /// The course's version.
    pub version: String,
    /// Since when it is valid.
    pub from: Timestamp,
    /// Until when, that moment not included.
    pub until: Timestamp,
}

impl Credential {
    /// Whether it is valid at this moment.
    pub fn is_valid_at(&self, now: Timestamp) -> bool {
        self.from <= now && now < self.until
    }
}

/// A credential on record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldCredential {
    /// Its number among the person's, from 1.
    pub number: u32,
    /// The credential.
    pub credential: Credential,
    /// Who put it on record; absent where the first person was made.
    pub added_by: Option<By>,
    /// When.
    pub added_at: Timestamp,
    /// That it was taken back; a credential is never removed.
    pub withdrawn: Option<Withdrawn>,
}

impl HeldCredential {
    /// Whether it counts at this moment.
    pub fn counts_at(&self, now: Timestamp) -> bool {
        self.withdrawn.is_none() && self.credential.is_valid_at(now)
    }
}

/// Something taken back: a credential, or a person's account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withdrawn {
    /// Who did it.
    pub by: By,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

/// A person, as anybody may see them who is signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// 1 to 32 lower-case letters, digits, hyphens and dots; never used again.
    pub id: String,
    /// Full name.
    pub name: String,
    /// A rank of the force's list.
    pub rank: String,
    /// In the order of [`PersonRole::ALL`], each once.
    pub roles: Vec<PersonRole>,
    /// All that they ever had, oldest first.
    pub credentials: Vec<HeldCredential>,
    /// Who made them; absent: nobody, on the machine's console, while nobody could.
    pub made_by: Option<By>,
    /// When.
    pub made_at: Timestamp,
    /// That they can sign in no more.
    pub disabled: Option<Withdrawn>,
}

impl Person {
    /// The credential that counts for a role at this moment, the one that lasts longest.
    pub fn credential(&self, role: PersonRole, now: Timestamp) -> Option<&Credential> {
        self.credentials
            .iter()
            .filter(|held| held.credential.role == role && held.counts_at(now))
            .map(|held| &held.credential)
            .max_by_key(|credential| credential.until)
    }

    /// Whether they may sign in and act in a role.
    pub fn may_act_as(&self, role: PersonRole, now: Timestamp) -> bool {
        self.disabled.is_none()
            && self.roles.contains(&role)
            && self.credential(role, now).is_some()
    }
}

/// A person in the store.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PersonRow {
    pub(super) person: Person,
    pub(super) password: Hashed,
    /// Whether somebody else chose the password: then it opens no session.
    pub(super) initial: bool,
    pub(super) attempts: Attempts,
}
