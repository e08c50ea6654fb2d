//! What happened to people and sessions: one row for each change, in its own transaction, numbered on and never rewritten. Here is the one place from which the
//! audit log hears of people.

use super::layout::{EVENTS, PEOPLE};
use super::log::Changing;
use super::person::PersonRole;
use super::signed_in::By;
use super::{Force, ForceError, Stop};
use crate::audit::{Actor, AuditEvent};
use crate::retention::Timestamp;
use crate::tables::{RowBytes, next_number};
use redb::{ReadableTable, ReadableTableMetadata};
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

/// Puts a change on record and in the log, in the transaction that makes it.
pub(super) fn noted(
    change: &Changing<'_>,
    at: Timestamp,
    person: Option<&str>,
    by: Option<&By>,
    what: PeopleChange,
) -> Result<(), Stop> {
    let mut events = change.open_table(EVENTS)?;
    let number = next_number(&events, "an event")?;
    let actor = match (by, person) {
        (Some(by), _) => Actor::from(by),
        // Whoever made the first person was at the console, and asked for no name.
        _ if what == PeopleChange::FirstMade => Actor::Unnamed,
        (None, Some(id)) => its_own(change, id)?,
        (None, None) => Actor::Host,
    };
    let logged = AuditEvent::PersonChanged {
        person: person.map(str::to_owned),
        change: what.clone(),
    };
    change.log(at, actor, logged)?;
    let event = PeopleEvent {
        at,
        person: person.map(str::to_owned),
        by: by.cloned(),
        change: what,
    };
    events.insert(number, RowBytes::of(&event)?)?;
    Ok(())
}

/// Forgets all but the newest.
pub(super) fn forget_events(change: &Changing<'_>, keep: u64) -> Result<(), Stop> {
    let mut events = change.open_table(EVENTS)?;
    let old = events.len()?.saturating_sub(keep);
    for _ in 0..old {
        events.pop_first()?;
    }
    Ok(())
}

/// The person as the one who did it.
fn its_own(change: &Changing<'_>, id: &str) -> Result<Actor, Stop> {
    let people = change.open_table(PEOPLE)?;
    let name = match people.get(id)? {
        Some(row) => row.value().read()?.person.name,
        None => String::new(),
    };
    let id = id.to_owned();
    Ok(Actor::Person { id, name })
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
