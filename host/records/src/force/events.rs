//! What happened to people and sessions: one row for each change, in its own transaction, numbered on and never rewritten. Here is the one place from which the
//! audit log hears of people.

use super::layout::EVENTS;
use super::person::PersonRole;
use super::signed_in::By;
use super::{Force, ForceError, Stop};
use crate::fault::Fault;
use crate::retention::Timestamp;
use crate::tables::RowBytes;
use redb::{ReadableTable, WriteTransaction};
use serde::{Deserialize, Serialize};

/// A change on record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeopleEvent {
    /// When.
    pub at: Timestamp,
    /// Whom it is about.
    pub person: Option<String>,
    /// Who made it; absent where it is the person's own doing, and where the first person was made.
    pub by: Option<By>,
    /// What.
    pub change: PeopleChange,
}

/// What can happen to a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PeopleChange {
    /// They were made while nobody could make anybody.
    FirstMade,
    /// They were made.
    Made,
    /// They can sign in no more.
    Disabled {
        /// Why.
        reason: String,
    },
    /// They have one role more.
    RoleAdded(PersonRole),
    /// They have one role less.
    RoleRemoved(PersonRole),
    /// A credential was put on record.
    CredentialAdded {
        /// Its number among theirs.
        number: u32,
    },
    /// A credential was taken back.
    CredentialWithdrawn {
        /// Its number among theirs.
        number: u32,
        /// Why.
        reason: String,
    },
    /// They chose another password.
    PasswordChanged,
    /// They signed in.
    SignedIn,
    /// They signed out.
    SignedOut,
}

/// Puts a change on record, in the transaction that makes it.
pub(super) fn noted(
    change: &WriteTransaction,
    at: Timestamp,
    person: Option<&str>,
    by: Option<&By>,
    what: PeopleChange,
) -> Result<(), Stop> {
    let mut events = change.open_table(EVENTS)?;
    let last = events.last()?.map_or(0, |(number, _)| number.value());
    let number = last
        .checked_add(1)
        .ok_or_else(|| Fault::Inconsistent("there is no number left for an event".into()))?;
    let event = PeopleEvent {
        at,
        person: person.map(str::to_owned),
        by: by.cloned(),
        change: what,
    };
    events.insert(number, RowBytes::of(&event)?)?;
    Ok(())
}

impl Force {
    /// What happened to people, oldest first.
    ///
    /// # Errors
    /// Whatever is wrong with the store.
    pub fn events(&self) -> Result<Vec<PeopleEvent>, ForceError> {
        self.read(|reading| {
            let mut found = Vec::new();
            for row in reading.open_table(EVENTS)?.iter()? {
                found.push(row?.1.value().read()?);
            }
            Ok(found)
        })
    }
}
