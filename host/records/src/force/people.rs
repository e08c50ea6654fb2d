//! Changes to people. Each is one transaction that names whoever made it: an authorising officer with a valid credential, who cannot change what they may do
//! themselves. Nobody is ever removed: what was done under an id stays that person's.

use super::attempts::Attempts;
use super::error::ForceError;
use super::events::{self, PeopleChange};
use super::layout::{self, PEOPLE};
use super::password::{Hashed, Password};
use super::person::{Credential, HeldCredential, Person, PersonRole, PersonRow, Withdrawn};
use super::session::{remove_sessions, still};
use super::signed_in::{By, SignedIn};
use super::{Force, Moment, Stop};
use crate::error::RecordsError;
use crate::payload;
use crate::retention::Timestamp;
use crate::tables::RowBytes;
use redb::{ReadableTable, WriteTransaction};

/// Who may make people and change them.
const WHO_MAY: PersonRole = PersonRole::AuthorisingOfficer;

/// The most credentials of one person, withdrawn ones too.
const MOST_CREDENTIALS: usize = 1_000;

/// Somebody who is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPerson {
    /// 1 to 32 lower-case letters, digits, hyphens and dots.
    pub id: String,
    /// Full name.
    pub name: String,
    /// A rank of the force's list.
    pub rank: String,
    /// Roles.
    pub roles: Vec<PersonRole>,
}

impl NewPerson {
    fn check(&self) -> Result<(), RecordsError> {
        let is_plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.');
        let starts = self
            .id
            .starts_with(|first: char| first.is_ascii_alphanumeric());
        if self.id.len() > 32 || !starts || !self.id.bytes().all(is_plain) {
            return Err(RecordsError::Refused {
                what: format!("the id {:?}", self.id),
                problem: "it takes 1 to 32 lower-case letters, digits, hyphens and dots, a letter or digit first".into(),
            });
        }
        payload::name("a person's name", &self.name)?;
        payload::name("a person's rank", &self.rank)
    }

    /// The person, with roles in order and each once.
    fn person(&self, made_by: Option<By>, made_at: Timestamp) -> Person {
        let roles = PersonRole::ALL.into_iter();
        Person {
            id: self.id.clone(),
            name: self.name.clone(),
            rank: self.rank.clone(),
            roles: roles.filter(|role| self.roles.contains(role)).collect(),
            credentials: Vec::new(),
            made_by,
            made_at,
            disabled: None,
        }
    }
}

impl Credential {
    fn check(&self) -> Result<(), RecordsError> {
        for text in [&self.selection, &self.course, &self.version] {
            payload::name("a credential", text)?;
        }
        if self.from < self.until {
            return Ok(());
        }
        Err(RecordsError::Refused {
            what: "a credential".into(),
            problem: "it ends before it begins".into(),
        })
    }
}

impl Force {
    /// Makes an authorising officer while there is nobody who may make anybody: at first, and again if none is left who has a valid credential. It is on record
    /// as made by nobody.
    ///
    /// # Errors
    /// [`ForceError::NotFirst`]; as [`Force::add`].
    pub fn init(
        &self,
        new: &NewPerson,
        credential: &Credential,
        password: &Password,
        now: &Moment,
    ) -> Result<Person, ForceError> {
        new.check()?;
        credential.check()?;
        password
            .check(&new.id, &new.name)
            .map_err(|cause| ForceError::Password { cause })?;
        let password = Hashed::new(password, self.hashing)?;
        self.make(now.at)?;
        self.change(|change| {
            let latest = layout::latest(change, now.at)?;
            for row in change.open_table(PEOPLE)?.iter()? {
                let person = row?.1.value().read()?.person;
                if person.may_act_as(WHO_MAY, latest) {
                    return Err(ForceError::NotFirst {
                        path: self.path.clone(),
                        person: person.id,
                    }
                    .into());
                }
            }
            let mut person = new.person(None, now.at);
            person.roles = vec![WHO_MAY];
            person.credentials.push(HeldCredential {
                number: 1,
                credential: Credential {
                    role: WHO_MAY,
                    ..credential.clone()
                },
                added_by: None,
                added_at: now.at,
                withdrawn: None,
            });
            let row = PersonRow {
                person,
                password: password.clone(),
                initial: false,
                attempts: Attempts::default(),
            };
            insert_new(change, &row)?;
            events::noted(change, now.at, Some(&new.id), None, PeopleChange::FirstMade)?;
            Ok(row.person)
        })
    }

    /// Makes a person. Their password opens no session until they have chosen one themselves.
    ///
    /// # Errors
    /// [`ForceError::MayNot`], [`ForceError::Exists`], [`ForceError::Password`], and [`RecordsError::Refused`] for a text outside its limits.
    pub fn add(
        &self,
        new: &NewPerson,
        initial: &Password,
        by: &SignedIn,
        now: &Moment,
    ) -> Result<Person, ForceError> {
        new.check()?;
        by.acting_as(WHO_MAY)?;
        initial
            .check(&new.id, &new.name)
            .map_err(|cause| ForceError::Password { cause })?;
        let password = Hashed::new(initial, self.hashing)?;
        self.change(|change| {
            let by = still(change, by, WHO_MAY, now)?;
            let row = PersonRow {
                person: new.person(Some(by.clone()), now.at),
                password: password.clone(),
                initial: true,
                attempts: Attempts::default(),
            };
            insert_new(change, &row)?;
            events::noted(change, now.at, Some(&new.id), Some(&by), PeopleChange::Made)?;
            Ok(row.person)
        })
    }

    /// Everybody, by id, the disabled too.
    ///
    /// # Errors
    /// Whatever is wrong with the store.
    pub fn people(&self) -> Result<Vec<Person>, ForceError> {
        self.read(|reading| {
            let mut found = Vec::new();
            for row in reading.open_table(PEOPLE)?.iter()? {
                found.push(row?.1.value().read()?.person);
            }
            Ok(found)
        })
    }

    /// One person.
    ///
    /// # Errors
    /// [`ForceError::NoSuchPerson`].
    pub fn person(&self, id: &str) -> Result<Person, ForceError> {
        self.read(|reading| {
            let people = reading.open_table(PEOPLE)?;
            match people.get(id)? {
                Some(row) => Ok(row.value().read()?.person),
                None => Err(ForceError::NoSuchPerson { id: id.to_owned() }.into()),
            }
        })
    }

    /// Keeps somebody from signing in, at once and for good, and ends their sessions.
    ///
    /// # Errors
    /// [`ForceError::MayNot`], [`ForceError::Own`], [`ForceError::NoSuchPerson`], [`ForceError::Disabled`].
    pub fn disable(
        &self,
        id: &str,
        reason: &str,
        by: &SignedIn,
        now: &Moment,
    ) -> Result<Person, ForceError> {
        payload::name("why a person is disabled", reason)?;
        let reason = reason.to_owned();
        self.of_another(id, by, now, |person, by| {
            person.disabled = Some(Withdrawn {
                by: by.clone(),
                reason: reason.clone(),
                at: now.at,
            });
            Ok(PeopleChange::Disabled { reason })
        })
    }

    /// Gives a role. To act in it takes a credential for it, too.
    ///
    /// # Errors
    /// As [`Force::disable`]; [`ForceError::HasRole`].
    pub fn add_role(
        &self,
        id: &str,
        role: PersonRole,
        by: &SignedIn,
        now: &Moment,
    ) -> Result<Person, ForceError> {
        self.of_another(id, by, now, |person, _| {
            if person.roles.contains(&role) {
                let id = person.id.clone();
                return Err(ForceError::HasRole { id, role });
            }
            person.roles.push(role);
            person.roles.sort();
            Ok(PeopleChange::RoleAdded(role))
        })
    }

    /// Takes a role back, at once.
    ///
    /// # Errors
    /// As [`Force::disable`]; [`ForceError::HasNotRole`].
    pub fn remove_role(
        &self,
        id: &str,
        role: PersonRole,
        by: &SignedIn,
        now: &Moment,
    ) -> Result<Person, ForceError> {
        self.of_another(id, by, now, |person, _| {
            let before = person.roles.len();
            person.roles.retain(|held| *held != role);
            if person.roles.len() == before {
                let id = person.id.clone();
                return Err(ForceError::HasNotRole { id, role });
            }
            Ok(PeopleChange::RoleRemoved(role))
        })
    }

    /// Puts a credential on record.
    ///
    /// # Errors
    /// As [`Force::disable`], and [`RecordsError::Refused`] for one that makes no sense.
    pub fn add_credential(
        &self,
        id: &str,
        credential: &Credential,
        by: &SignedIn,
        now: &Moment,
    ) -> Result<Person, ForceError> {
        credential.check()?;
        self.of_another(id, by, now, |person, by| {
            if person.credentials.len() >= MOST_CREDENTIALS {
                return Err(RecordsError::Refused {
                    what: format!("a credential of {}", person.id),
                    problem: format!("there are {MOST_CREDENTIALS} already"),
                }
                .into());
            }
            // Fits: there are a thousand at most.
            let number = person.credentials.len() as u32 + 1;
            person.credentials.push(HeldCredential {
                number,
                credential: credential.clone(),
                added_by: Some(by.clone()),
                added_at: now.at,
                withdrawn: None,
            });
            Ok(PeopleChange::CredentialAdded { number })
        })
    }

    /// Takes a credential back, at once. It stays on record.
    ///
    /// # Errors
    /// As [`Force::disable`]; [`ForceError::NoSuchCredential`].
    pub fn withdraw_credential(
        &self,
        id: &str,
        number: u32,
        reason: &str,
        by: &SignedIn,
        now: &Moment,
    ) -> Result<Person, ForceError> {
        payload::name("why a credential is withdrawn", reason)?;
        let reason = reason.to_owned();
        self.of_another(id, by, now, |person, by| {
            let found = person
                .credentials
                .iter_mut()
                .find(|held| held.number == number && held.withdrawn.is_none());
            let Some(held) = found else {
                let id = person.id.clone();
                return Err(ForceError::NoSuchCredential { id, number });
            };
            held.withdrawn = Some(Withdrawn {
                by: by.clone(),
                reason: reason.clone(),
                at: now.at,
            });
            Ok(PeopleChange::CredentialWithdrawn { number, reason })
        })
    }

    /// Changes somebody who is not disabled and not whoever changes them.
    fn of_another(
        &self,
        id: &str,
        by: &SignedIn,
        now: &Moment,
        work: impl FnOnce(&mut Person, &By) -> Result<PeopleChange, ForceError>,
    ) -> Result<Person, ForceError> {
        if by.id() == id {
            return Err(ForceError::Own { id: id.to_owned() });
        }
        self.change(|change| {
            let by = still(change, by, WHO_MAY, now)?;
            let mut people = change.open_table(PEOPLE)?;
            let mut row = match people.get(id)? {
                Some(row) => row.value().read()?,
                None => return Err(ForceError::NoSuchPerson { id: id.to_owned() }.into()),
            };
            if row.person.disabled.is_some() {
                return Err(ForceError::Disabled { id: id.to_owned() }.into());
            }
            let what = work(&mut row.person, &by)?;
            people.insert(id, RowBytes::of(&row)?)?;
            drop(people);
            if row.person.disabled.is_some() {
                remove_sessions(change, |session| session.person() == id)?;
            }
            events::noted(change, now.at, Some(id), Some(&by), what)?;
            Ok(row.person)
        })
    }
}

fn insert_new(change: &WriteTransaction, row: &PersonRow) -> Result<(), Stop> {
    let mut people = change.open_table(PEOPLE)?;
    let id = row.person.id.as_str();
    if people.get(id)?.is_some() {
        return Err(ForceError::Exists { id: id.to_owned() }.into());
    }
    people.insert(id, RowBytes::of(row)?)?;
    Ok(())
}
