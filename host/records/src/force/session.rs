//! Sessions: somebody who showed their password acts for a while under a token. The store keeps the token's hash alone, so a copy of the store opens no session.

use super::attempts;
use super::error::{ForceError, SessionEnd};
use super::events::{self, PeopleChange};
use super::layout::{self, PEOPLE, SESSIONS};
use super::password::{Hashed, Password};
use super::person::{PersonRole, PersonRow};
use super::signed_in::{By, SignedIn};
use super::{Force, Moment, Stop};
use crate::cipher;
use crate::fault::Fault;
use crate::retention::Timestamp;
use crate::tables::RowBytes;
use redb::{ReadableTable, WriteTransaction};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;
use std::str::FromStr;
use zeroize::Zeroizing;

/// Hours that a session lasts at most.
pub const SESSION_HOURS: u32 = 8;

/// Minutes that it lasts while nothing is done in it.
pub const SESSION_IDLE_MINUTES: u32 = 30;

const LONGEST_MS: u64 = SESSION_HOURS as u64 * 3_600_000;
const IDLE_MS: u64 = SESSION_IDLE_MINUTES as u64 * 60_000;

/// What opens a session: 256 random bits. Gone from memory with the value, and never printed by accident.
#[derive(Clone)]
pub struct SessionToken(Zeroizing<[u8; 32]>);

impl SessionToken {
    fn new() -> Result<Self, ForceError> {
        Ok(Self(Zeroizing::new(cipher::random()?)))
    }

    /// As it is kept in a file: 64 hexadecimal digits.
    pub fn to_text(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(64));
        for byte in *self.0 {
            for digit in [byte >> 4, byte & 15] {
                // A digit is under 16.
                text.push(char::from_digit(digit.into(), 16).unwrap_or('0'));
            }
        }
        text
    }

    /// What the store finds a session by. A token cannot be guessed digit by digit from the time that this takes: what is compared is its hash.
    fn hash(&self) -> [u8; 32] {
        Sha256::digest(*self.0).into()
    }
}

/// A text that is no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no session token")]
pub struct NoToken;

impl FromStr for SessionToken {
    type Err = NoToken;

    fn from_str(text: &str) -> Result<Self, NoToken> {
        let mut bytes = Zeroizing::new([0; 32]);
        let digits = text.as_bytes();
        if digits.len() != 64 {
            return Err(NoToken);
        }
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
            for digit in pair {
                let digit = char::from(*digit).to_digit(16).ok_or(NoToken)?;
                // Under 16.
                *byte = *byte << 4 | digit as u8;
            }
        }
        Ok(Self(bytes))
    }
}

impl fmt::Debug for SessionToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionToken")
    }
}

/// A session in the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SessionRow {
    person: String,
    /// The operating system's user that signed in; nobody else's process may use it.
    uid: u32,
    begun: Moment,
    last: Moment,
}

impl SessionRow {
    /// Why it is over for this user at this moment; `None` while it goes on. By both clocks, whichever ends it first.
    fn end(&self, uid: u32, now: &Moment) -> Option<SessionEnd> {
        let calendar = |since: &Moment| {
            let gone = now.at.unix_ms().saturating_sub(since.at.unix_ms());
            u64::try_from(gone).unwrap_or(0)
        };
        let machine = |since: &Moment| now.since_boot_ms.saturating_sub(since.since_boot_ms);
        let gone = |since: &Moment| calendar(since).max(machine(since));
        if self.uid != uid {
            Some(SessionEnd::OtherUser)
        } else if self.begun.boot != now.boot {
            Some(SessionEnd::SwitchedOff)
        } else if gone(&self.begun) >= LONGEST_MS {
            Some(SessionEnd::Over)
        } else if gone(&self.last) >= IDLE_MS {
            Some(SessionEnd::Idle)
        } else {
            None
        }
    }
}

/// What signing in comes to.
#[derive(Debug)]
pub struct Session {
    /// For this user's eyes alone.
    pub token: SessionToken,
    /// Who it is now.
    pub signed_in: SignedIn,
    /// Wrong passwords with this id since the last time: somebody else's, perhaps.
    pub failed_before: u32,
}

impl Force {
    /// Opens a session for whoever shows their password, in a process of this user.
    ///
    /// # Errors
    /// [`ForceError::WrongPassword`], the same for an id that nobody has and for somebody disabled; [`ForceError::Locked`] after several;
    /// [`ForceError::InitialPassword`].
    pub fn sign_in(
        &self,
        id: &str,
        password: &Password,
        uid: u32,
        now: &Moment,
    ) -> Result<Session, ForceError> {
        let shown = self.check_password(id, password, now)?;
        let token = SessionToken::new()?;
        self.change(|change| {
            let row = shown.still(change)?;
            if row.initial {
                return Err(ForceError::InitialPassword { id: id.to_owned() }.into());
            }
            layout::seen(change, now.at)?;
            remove_sessions(change, |row| row.end(row.uid, now).is_some())?;
            let session = SessionRow {
                person: id.to_owned(),
                uid,
                begun: now.clone(),
                last: now.clone(),
            };
            change
                .open_table(SESSIONS)?
                .insert(token.hash(), RowBytes::of(&session)?)?;
            let latest = layout::latest(change, now.at)?;
            let signed_in = SignedIn::of(&row.person, latest, session.proof(token.hash()));
            events::noted(change, now.at, Some(id), None, PeopleChange::SignedIn)?;
            Ok(signed_in)
        })
        .map(|signed_in| Session {
            token,
            signed_in,
            failed_before: shown.failed_before,
        })
    }

    /// Says who acts under this token, in a process of this user: the one way to a [`SignedIn`]. It counts as something done in the session.
    ///
    /// # Errors
    /// [`ForceError::Session`] with why it is over, or none.
    pub fn verify(
        &self,
        token: &SessionToken,
        uid: u32,
        now: &Moment,
    ) -> Result<SignedIn, ForceError> {
        self.change(|change| who_acts(change, token.hash(), uid, now))
    }

    /// Ends a session. Nothing happens where there is none.
    ///
    /// # Errors
    /// Whatever is wrong with the store.
    pub fn sign_out(&self, token: &SessionToken, now: Timestamp) -> Result<(), ForceError> {
        self.change(|change| {
            let ended = match change.open_table(SESSIONS)?.remove(token.hash())? {
                None => None,
                Some(row) => Some(row.value().read()?),
            };
            if let Some(session) = ended {
                let person = Some(session.person.as_str());
                events::noted(change, now, person, None, PeopleChange::SignedOut)?;
            }
            Ok(())
        })
    }

    /// Replaces a password by one that its owner chooses, and ends every session of theirs. Whoever knows the old one may; nobody else, whatever their role.
    ///
    /// # Errors
    /// As [`Force::sign_in`]; [`ForceError::Password`] for one that is not accepted, or is the old one.
    pub fn change_password(
        &self,
        id: &str,
        old: &Password,
        new: &Password,
        now: &Moment,
    ) -> Result<(), ForceError> {
        let shown = self.check_password(id, old, now)?;
        new.check(id, &shown.name)
            .map_err(|cause| ForceError::Password { cause })?;
        if shown.password.fits(new)? {
            let cause = super::PasswordProblem::Same;
            return Err(ForceError::Password { cause });
        }
        let password = Hashed::new(new, self.hashing)?;
        self.change(|change| {
            let row = PersonRow {
                password: password.clone(),
                initial: false,
                ..shown.still(change)?
            };
            change.open_table(PEOPLE)?.insert(id, RowBytes::of(&row)?)?;
            remove_sessions(change, |row| row.person == id)?;
            events::noted(
                change,
                now.at,
                Some(id),
                None,
                PeopleChange::PasswordChanged,
            )
        })
    }

    /// Checks a password, and counts the attempt first. The file is closed while it is hashed.
    fn check_password(
        &self,
        id: &str,
        password: &Password,
        now: &Moment,
    ) -> Result<Shown, ForceError> {
        let kept = self.change(|change| attempts::begin(change, id, now, self.hashing))?;
        if !kept.fits(password)? {
            return Err(ForceError::WrongPassword);
        }
        let mut shown = Shown {
            id: id.to_owned(),
            name: String::new(),
            password: kept,
            failed_before: 0,
        };
        self.change(|change| {
            let mut row = shown.still(change)?;
            // This attempt was counted too, and is none of the failed ones.
            shown.failed_before = row.attempts.failed.saturating_sub(1);
            shown.name.clone_from(&row.person.name);
            row.attempts = attempts::Attempts::default();
            change.open_table(PEOPLE)?.insert(id, RowBytes::of(&row)?)?;
            Ok(())
        })?;
        Ok(shown)
    }
}

/// Somebody who has shown the password that was kept a moment ago.
struct Shown {
    id: String,
    name: String,
    password: Hashed,
    /// Wrong ones before it.
    failed_before: u32,
}

impl Shown {
    /// The person, if this is their password yet and they are not disabled: the file was closed in between.
    fn still(&self, change: &WriteTransaction) -> Result<PersonRow, Stop> {
        let people = change.open_table(PEOPLE)?;
        let row = people
            .get(self.id.as_str())?
            .ok_or(ForceError::WrongPassword)?;
        let row = row.value().read()?;
        match row.password == self.password && row.person.disabled.is_none() {
            true => Ok(row),
            false => Err(ForceError::WrongPassword.into()),
        }
    }
}

/// Who acts in a session: looked up, and counted as use, in the transaction of what they do.
fn who_acts(
    change: &WriteTransaction,
    hash: [u8; 32],
    uid: u32,
    now: &Moment,
) -> Result<SignedIn, Stop> {
    let over = |cause| Stop::Rule(ForceError::Session { cause });
    let mut sessions = change.open_table(SESSIONS)?;
    let mut session = match sessions.get(hash)? {
        None => return Err(over(SessionEnd::Unknown)),
        Some(row) => row.value().read()?,
    };
    if let Some(end) = session.end(uid, now) {
        return Err(over(end));
    }
    let people = change.open_table(PEOPLE)?;
    let person = match people.get(session.person.as_str())? {
        Some(row) => row.value().read()?.person,
        None => {
            let missing = format!(
                "there is a session of {:?}, who is not in it",
                session.person
            );
            return Err(Fault::Inconsistent(missing).into());
        }
    };
    if person.disabled.is_some() {
        return Err(over(SessionEnd::Disabled));
    }
    // Two commands can come to this in another order than they looked at the clock.
    if now.since_boot_ms > session.last.since_boot_ms {
        session.last = now.clone();
    }
    sessions.insert(hash, RowBytes::of(&session)?)?;
    let latest = layout::latest(change, now.at)?;
    Ok(SignedIn::of(&person, latest, session.proof(hash)))
}

/// The person in a role, if they are signed in yet and may act in it: asked in the transaction of what they do.
pub(super) fn still(
    change: &WriteTransaction,
    signed_in: &SignedIn,
    role: PersonRole,
    now: &Moment,
) -> Result<By, Stop> {
    Ok(again(change, signed_in, now)?.acting_as(role)?)
}

/// The person as they stand now, if they are signed in yet: asked in the transaction of what they do.
pub(super) fn again(
    change: &WriteTransaction,
    signed_in: &SignedIn,
    now: &Moment,
) -> Result<SignedIn, Stop> {
    let Proof { hash, uid, .. } = signed_in.proof();
    who_acts(change, *hash, *uid, now)
}

/// Removes the sessions that this is true of.
pub(super) fn remove_sessions(
    change: &WriteTransaction,
    which: impl Fn(&SessionRow) -> bool,
) -> Result<(), Stop> {
    let mut sessions = change.open_table(SESSIONS)?;
    let mut ended = Vec::new();
    for row in sessions.iter()? {
        let (hash, session) = row?;
        if which(&session.value().read()?) {
            ended.push(hash.value());
        }
    }
    for hash in ended {
        sessions.remove(hash)?;
    }
    Ok(())
}

/// Forgets sessions that are over, or were begun before this moment.
pub(super) fn forget_sessions(
    change: &WriteTransaction,
    before: Timestamp,
    now: &Moment,
) -> Result<(), Stop> {
    remove_sessions(change, |row| {
        row.begun.at < before || row.end(row.uid, now).is_some()
    })
}

/// The session that somebody was found signed in by.
#[derive(Debug)]
pub(super) struct Proof {
    hash: [u8; 32],
    uid: u32,
    /// When it ends at the latest, by the calendar.
    pub(super) until: Timestamp,
}

impl SessionRow {
    /// Whose it is.
    pub(super) fn person(&self) -> &str {
        &self.person
    }

    fn proof(&self, hash: [u8; 32]) -> Proof {
        Proof {
            hash,
            uid: self.uid,
            until: self.begun.at.after_hours(SESSION_HOURS),
        }
    }
}
