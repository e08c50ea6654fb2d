//! Somebody who is signed in, as a value: what asks for one cannot be done by a name that somebody typed.

use super::person::{Credential, Person, PersonRole};
use super::session::Proof;
use crate::retention::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// Who acts now. Made by [`Force::sign_in`](super::Force::sign_in) and [`Force::verify`](super::Force::verify) and in no other way: ask for it anew for each thing
/// that is done.
#[derive(Debug)]
pub struct SignedIn {
    id: String,
    name: String,
    rank: String,
    roles: BTreeMap<PersonRole, Standing>,
    session: Proof,
}

/// How somebody stands in a role that they have.
#[derive(Debug)]
enum Standing {
    /// By this credential.
    Valid(Credential),
    /// The last one is valid no more since then.
    Expired(Timestamp),
    /// There is none that was valid.
    None,
}

/// Why somebody may not act in a role.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MayNot {
    /// They do not have the role.
    #[error("{person} is no {role}")]
    Role {
        /// The person's id.
        person: String,
        /// The role that it takes.
        role: PersonRole,
    },
    /// Nothing on record says that they are trained for it.
    #[error("{person} has no valid credential as {role}")]
    Credential {
        /// The person's id.
        person: String,
        /// The role.
        role: PersonRole,
    },
    /// What said so is valid no more.
    #[error("the credential of {person} as {role} has expired")]
    Expired {
        /// The person's id.
        person: String,
        /// The role.
        role: PersonRole,
        /// When.
        at: Timestamp,
    },
}

impl MayNot {
    /// What the reader can do about it.
    pub fn mend(&self) -> String {
        match self {
            Self::Role { person, role } => format!(
                "somebody who is one signs in, or an authorising officer gives the role: `overt people role add {person} {role}`"
            ),
            Self::Credential { person, role } | Self::Expired { person, role, .. } => format!(
                "an authorising officer puts the credential on record: `overt people credential add {person} --role {role} …`"
            ),
        }
    }
}

impl SignedIn {
    /// As they stand at this moment.
    pub(super) fn of(person: &Person, now: Timestamp, session: Proof) -> Self {
        let standing = |role: PersonRole| match person.credential(role, now) {
            Some(credential) => Standing::Valid(credential.clone()),
            None => {
                let held = person.credentials.iter();
                let ends = held
                    .filter(|held| held.withdrawn.is_none() && held.credential.role == role)
                    .map(|held| held.credential.until)
                    .filter(|until| *until <= now);
                ends.max().map_or(Standing::None, Standing::Expired)
            }
        };
        Self {
            id: person.id.clone(),
            name: person.name.clone(),
            rank: person.rank.clone(),
            roles: person
                .roles
                .iter()
                .map(|role| (*role, standing(*role)))
                .collect(),
            session,
        }
    }

    /// The session.
    pub(super) fn proof(&self) -> &Proof {
        &self.session
    }

    /// The person's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Their full name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Their rank.
    pub fn rank(&self) -> &str {
        &self.rank
    }

    /// When the session ends at the latest.
    pub fn until(&self) -> Timestamp {
        self.session.until
    }

    /// Their roles, each with the credential that is valid now, if there is one.
    pub fn roles(&self) -> impl Iterator<Item = (PersonRole, Option<&Credential>)> {
        self.roles.iter().map(|(role, standing)| match standing {
            Standing::Valid(credential) => (*role, Some(credential)),
            _ => (*role, None),
        })
    }

    /// The person in a role, for the record: proof that they have it, and a credential for it that is valid now.
    ///
    /// # Errors
    /// [`MayNot`], which says what is missing.
    pub fn acting_as(&self, role: PersonRole) -> Result<By, MayNot> {
        let person = self.id.clone();
        match self.roles.get(&role) {
            None => Err(MayNot::Role { person, role }),
            Some(Standing::None) => Err(MayNot::Credential { person, role }),
            Some(Standing::Expired(at)) => Err(MayNot::Expired {
                person,
                role,
                at: *at,
            }),
            Some(Standing::Valid(credential)) => Ok(By {
                name: self.name.clone(),
                person: Some(person),
                credential: Some(credential.clone()),
            }),
        }
    }
}

/// Who did something, as the record names them. Made of a [`SignedIn`]; in records from before people signed in it is a name that somebody typed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Written")]
pub struct By {
    person: Option<String>,
    name: String,
    credential: Option<Credential>,
}

/// The two forms on record.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Typed(String),
    Person {
        person: Option<String>,
        name: String,
        credential: Option<Credential>,
    },
}

impl From<Written> for By {
    fn from(written: Written) -> Self {
        match written {
            Written::Typed(name) => Self {
                person: None,
                name,
                credential: None,
            },
            Written::Person {
                person,
                name,
                credential,
            } => Self {
                person,
                name,
                credential,
            },
        }
    }
}

impl By {
    /// The person's id; absent where the name was typed.
    pub fn person(&self) -> Option<&str> {
        self.person.as_deref()
    }

    /// Their name then.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The role that they acted in, and the credential that was valid then; absent where the name was typed.
    pub fn credential(&self) -> Option<&Credential> {
        self.credential.as_ref()
    }
}

impl fmt::Display for By {
    /// `Anna B. Engineer (anna)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.person {
            Some(person) => write!(f, "{} ({person})", self.name),
            None => f.write_str(&self.name),
        }
    }
}
