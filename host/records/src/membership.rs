//! Whether somebody was on the watchlist, once everything about them is gone: a commitment for each entry and interval, under a key that nothing else has.
//!
//! The key lies in a file of its own, `records.membership`, which may be given to a custodian and put back when somebody asks. A commitment is a row of fixed size. Its
//! name is an HMAC-SHA256, under the key, of the store's random id, the deployment, the reference and the interval's number; its content is the interval,
//! encrypted and bound to that name. So the rows lie in the order of random numbers and say nothing without the key: not who, not when, not in which order. Nor does
//! their number: it is a power of two, filled up with rows that are like the others. A row that counts the others, sealed like them, tells a row that was taken
//! away or made up.
//!
//! What it cannot tell: whether somebody was there under another reference, and anything of a time before the store was put back to an older copy (the audit log tells
//! that). The audit log names references for its own period; this says nothing about that. Once the period of the commitments is over, they and the key are destroyed
//! together.

use crate::audit::{Actor, AuditEvent};
use crate::cipher::{self, KEY, Key, NONCE, TAG};
use crate::entry::is_text;
use crate::error::RecordsError;
use crate::fault::Fault;
use crate::files::{self, At};
use crate::force::{By, MayNot, PersonRole, SignedIn};
use crate::keys::StoreId;
use crate::payload;
use crate::retention::Timestamp;
use crate::store::Store;
use crate::tables::{ENTRIES, META, if_there};
use crate::transaction::Change;
use hmac::{Hmac, KeyInit, Mac};
use redb::{ReadableTable, ReadableTableMetadata, TableDefinition};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Commitments by their names.
pub(crate) const MEMBERS: TableDefinition<&[u8], &[u8]> = TableDefinition::new("members");

/// The row of `META` with the time at which the commitments have to be gone; there is none where there are no commitments.
pub(crate) const UNTIL: &str = "membership-until";

const MAGIC: [u8; 16] = *b"overt-members 1\n";
/// Magic, store, key and SHA-256 of these.
const FILE: usize = 16 + 16 + KEY + 32;
/// Three times of 64 bits.
const PLAIN: usize = 24;
/// Bytes of a commitment's content.
const SEALED: usize = NONCE + PLAIN + TAG;
/// The least number of rows.
const LEAST_ROWS: u64 = 64;
/// Stands for an end that is still to come.
const OPEN: i64 = i64::MAX;

/// Days that commitments are kept after the last change of the watchlist, where nobody says otherwise.
pub const MEMBERSHIP_DAYS: u32 = 31;

/// Who may ask.
const MAY_ASK: [PersonRole; 2] = [PersonRole::Auditor, PersonRole::AuthorisingOfficer];

/// Where the key of a store's commitments lies.
pub fn membership_key_file(store: &Path) -> PathBuf {
    store.with_extension("membership")
}

/// A time in which somebody was on the watchlist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interval {
    /// Since when.
    pub from: Timestamp,
    /// Until when; absent: their end is not on record.
    pub to: Option<Timestamp>,
    /// When they had to be gone at the latest.
    pub latest: Timestamp,
}

impl Interval {
    /// Whether it holds a moment. One whose end is not on record holds what comes before its latest.
    pub fn holds(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.to.unwrap_or(self.latest)
    }
}

/// Why nothing can be told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MembershipError {
    /// The key is not there.
    #[error(
        "the key of the membership commitments, {path}, is not there; without it nothing can be told"
    )]
    KeyMissing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The key is another store's, or is none.
    #[error("{path} is not the key of this store's membership commitments")]
    OtherKey {
        /// The file.
        path: PathBuf,
    },
    /// Others than its owner may read the key.
    #[error("the key {path} can be read by others (mode {mode:04o})")]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// There is nothing: the period is over, or nobody was ever on the watchlist.
    #[error(
        "there are no membership commitments: their period is over, or nobody was on the watchlist since they are kept"
    )]
    Over,
    /// Rows were changed, taken away or made up.
    #[error("the membership commitments are not what was written; nothing can be told from them")]
    Altered,
}

impl MembershipError {
    /// What the reader can do about it.
    pub fn mend(&self) -> &'static str {
        match self {
            Self::KeyMissing { .. } => "have its custodian put it back, or name it with `--key`",
            Self::OtherKey { .. } => "have the custodian look for the one of this deployment",
            Self::Exposed { .. } => "make it 0600, and consider who may have read it",
            Self::Over => "nothing brings them back; that is what the period is for",
            Self::Altered => {
                "keep every file as it is for whoever looks into it; a backup may hold them whole"
            }
        }
    }
}

impl From<MembershipError> for RecordsError {
    fn from(cause: MembershipError) -> Self {
        RecordsError::Membership { cause }
    }
}

impl From<MembershipError> for Fault {
    fn from(cause: MembershipError) -> Self {
        RecordsError::from(cause).into()
    }
}

/// The key, and what is derived from it.
pub(crate) struct Members {
    key: Key,
    seal: Key,
    salt: Vec<u8>,
}

/// How many rows there are of either kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Filled {
    real: u64,
    padding: u64,
}

impl Filled {
    fn rows(self) -> u64 {
        self.real + self.padding + 1
    }
}

impl Members {
    fn new(key: Key, store: &StoreId, deployment: &str) -> Members {
        let mut members = Members {
            key,
            seal: Key::new([0; KEY]),
            salt: store.iter().copied().chain(deployment.bytes()).collect(),
        };
        let seal = members.mac(b"seal", &[], 0);
        members.seal.copy_from_slice(&seal);
        members
    }

    /// HMAC-SHA256 of what a row is for. Lengths stand before what has one.
    fn mac(&self, what: &[u8; 4], reference: &[u8], number: u64) -> [u8; 32] {
        // A key is filled up with zeros to a block: so says RFC 2104.
        let mut block = Zeroizing::new([0; 64]);
        block[..KEY].copy_from_slice(&*self.key);
        let mut mac = <Hmac<Sha256> as KeyInit>::new((&*block).into());
        mac.update(&(self.salt.len() as u64).to_le_bytes());
        mac.update(&self.salt);
        mac.update(what);
        mac.update(&(reference.len() as u64).to_le_bytes());
        mac.update(reference);
        mac.update(&number.to_le_bytes());
        mac.finalize().into_bytes().into()
    }

    fn name(&self, reference: &str, number: u64) -> [u8; 32] {
        self.mac(b"name", reference.as_bytes(), number)
    }

    fn padding(&self, number: u64) -> [u8; 32] {
        self.mac(b"fill", &[], number)
    }

    fn count(&self) -> [u8; 32] {
        self.mac(b"rows", &[], 0)
    }

    fn seal(&self, name: &[u8; 32], values: [i64; 3]) -> Result<Vec<u8>, RecordsError> {
        let mut plain = Zeroizing::new([0; PLAIN]);
        for (place, value) in plain.chunks_exact_mut(8).zip(values) {
            place.copy_from_slice(&value.to_le_bytes());
        }
        cipher::seal(&self.seal, &*plain, name)
    }

    fn open(&self, name: &[u8], sealed: &[u8]) -> Result<[i64; 3], MembershipError> {
        let altered = |_| MembershipError::Altered;
        let plain = cipher::open(&self.seal, sealed, name).map_err(altered)?;
        let mut values = [0; 3];
        for (value, bytes) in values.iter_mut().zip(plain.chunks_exact(8)) {
            let mut number = [0; 8];
            number.copy_from_slice(bytes);
            *value = i64::from_le_bytes(number);
        }
        Ok(values)
    }

    /// What a row holds; `None` where there is none of this name.
    fn get(
        &self,
        rows: &impl ReadableTable<&'static [u8], &'static [u8]>,
        name: &[u8; 32],
    ) -> Result<Option<[i64; 3]>, Fault> {
        let Some(sealed) = rows.get(&name[..])? else {
            return Ok(None);
        };
        Ok(Some(self.open(name, sealed.value())?))
    }

    fn filled(
        &self,
        rows: &impl ReadableTable<&'static [u8], &'static [u8]>,
    ) -> Result<Option<Filled>, Fault> {
        let found = self.get(rows, &self.count())?;
        // Neither is negative: they are written below.
        Ok(found.map(|[real, padding, _]| Filled {
            real: real.unsigned_abs(),
            padding: padding.unsigned_abs(),
        }))
    }

    /// The intervals of a reference, oldest first.
    fn intervals(
        &self,
        rows: &impl ReadableTable<&'static [u8], &'static [u8]>,
        reference: &str,
    ) -> Result<Vec<Interval>, Fault> {
        let mut found = Vec::new();
        while let Some([from, to, latest]) =
            self.get(rows, &self.name(reference, found.len() as u64))?
        {
            found.push(Interval {
                from: Timestamp::from_unix_ms(from),
                to: (to != OPEN).then(|| Timestamp::from_unix_ms(to)),
                latest: Timestamp::from_unix_ms(latest),
            });
        }
        Ok(found)
    }

    fn put(
        &self,
        change: &Change<'_>,
        reference: &str,
        number: u64,
        interval: &Interval,
    ) -> Result<(), Fault> {
        let name = self.name(reference, number);
        let to = interval.to.map_or(OPEN, Timestamp::unix_ms);
        let sealed = self.seal(
            &name,
            [interval.from.unix_ms(), to, interval.latest.unix_ms()],
        )?;
        let mut rows = change.rows.open_table(MEMBERS)?;
        rows.insert(&name[..], &sealed[..])?;
        Ok(())
    }

    /// Somebody is on the watchlist from now on, or is to be gone later than was said.
    pub(crate) fn joined(
        &self,
        change: &Change<'_>,
        reference: &str,
        now: Timestamp,
        latest: Timestamp,
    ) -> Result<(), Fault> {
        let known = self.intervals(&change.rows.open_table(MEMBERS)?, reference)?;
        let number = known.len() as u64;
        if let Some(last) = known.last().filter(|last| last.to.is_none()) {
            if last.latest < latest {
                let longer = Interval { latest, ..*last };
                self.put(change, reference, number - 1, &longer)?;
            }
            return Ok(());
        }
        let new = Interval {
            from: now,
            to: None,
            latest,
        };
        self.put(change, reference, number, &new)?;
        self.make_room(change)
    }

    /// Counts one more, and keeps the number of rows a power of two.
    fn make_room(&self, change: &Change<'_>) -> Result<(), Fault> {
        let mut rows = change.rows.open_table(MEMBERS)?;
        let mut filled = self.filled(&rows)?.unwrap_or_default();
        filled.real += 1;
        match filled.padding.checked_sub(1) {
            Some(last) => {
                rows.remove(&self.padding(last)[..])?;
                filled.padding = last;
            }
            None => {
                let wanted = filled.rows().next_power_of_two().max(LEAST_ROWS);
                filled.padding = wanted - filled.rows();
                for number in 0..filled.padding {
                    let name = self.padding(number);
                    rows.insert(&name[..], &self.seal(&name, [0; 3])?[..])?;
                }
            }
        }
        let name = self.count();
        // A store holds fewer than 2^63 rows.
        let counts = [filled.real as i64, filled.padding as i64, 0];
        rows.insert(&name[..], &self.seal(&name, counts)?[..])?;
        Ok(())
    }

    /// Somebody is on the watchlist no more.
    pub(crate) fn left(
        &self,
        change: &Change<'_>,
        reference: &str,
        now: Timestamp,
    ) -> Result<(), Fault> {
        let known = self.intervals(&change.rows.open_table(MEMBERS)?, reference)?;
        // From before there were commitments, or of a period that is over.
        let Some(last) = known.last().filter(|last| last.to.is_none()) else {
            return Ok(());
        };
        let ended = Interval {
            to: Some(now.min(last.latest).max(last.from)),
            ..*last
        };
        self.put(change, reference, known.len() as u64 - 1, &ended)
    }

    /// That every row is one that was written, and none is missing.
    fn verify(&self, rows: &impl ReadableTable<&'static [u8], &'static [u8]>) -> Result<(), Fault> {
        let filled = self.filled(rows)?.ok_or(MembershipError::Altered)?;
        let mut found = 0;
        for row in rows.iter()? {
            let (name, sealed) = row?;
            if sealed.value().len() != SEALED {
                return Err(MembershipError::Altered.into());
            }
            self.open(name.value(), sealed.value())?;
            found += 1;
        }
        match found == filled.rows() {
            true => Ok(()),
            false => Err(MembershipError::Altered.into()),
        }
    }
}

/// A key's file as it was read, be it by whoever brings it: a run reads no file outside its folders.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MembershipKey {
    path: PathBuf,
    /// Its permission bits.
    mode: u32,
    /// Absent where there is no such file; empty for one that is not as long as a key's.
    bytes: Option<Zeroizing<Vec<u8>>>,
}

impl std::fmt::Debug for MembershipKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MembershipKey")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl MembershipKey {
    /// Reads the file. That it is missing, or no key, is told by whoever wants to use it.
    ///
    /// # Errors
    /// [`RecordsError::Io`].
    pub fn read(path: &Path) -> Result<Self, RecordsError> {
        let of = |mode, bytes| Self {
            path: path.to_path_buf(),
            mode,
            bytes,
        };
        let facts = match fs::metadata(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(of(0, None)),
            facts => facts.at(path)?,
        };
        let bytes = match facts.is_file() && facts.len() == FILE as u64 {
            true => Zeroizing::new(fs::read(path).at(path)?),
            false => Zeroizing::default(),
        };
        Ok(of(facts.mode(), Some(bytes)))
    }

    /// The key of this store; `None` where there was no file.
    fn of(&self, store: &StoreId) -> Result<Option<Key>, RecordsError> {
        let Some(bytes) = &self.bytes else {
            return Ok(None);
        };
        let other = || MembershipError::OtherKey {
            path: self.path.clone(),
        };
        if bytes.len() != FILE {
            return Err(other().into());
        }
        if self.mode & 0o077 != 0 {
            return Err(MembershipError::Exposed {
                path: self.path.clone(),
                mode: self.mode & 0o7777,
            }
            .into());
        }
        let whole = Sha256::digest(&bytes[..64])[..] == bytes[64..];
        if !whole || bytes[..16] != MAGIC || bytes[16..32] != store[..] {
            return Err(other().into());
        }
        let mut key = Key::new([0; KEY]);
        key.copy_from_slice(&bytes[32..64]);
        Ok(Some(key))
    }
}

/// Reads a key file; `None` where there is none.
fn read_key(path: &Path, store: &StoreId) -> Result<Option<Key>, RecordsError> {
    MembershipKey::read(path)?.of(store)
}

fn create_key(path: &Path, store: &StoreId) -> Result<Key, RecordsError> {
    let key = cipher::random_key()?;
    let mut bytes = Zeroizing::new([0; FILE]);
    bytes[..16].copy_from_slice(&MAGIC);
    bytes[16..32].copy_from_slice(store);
    bytes[32..64].copy_from_slice(&*key);
    let check = Sha256::digest(&bytes[..64]);
    bytes[64..].copy_from_slice(&check);
    let fresh = files::with_suffix(path, "new");
    files::destroy(&fresh)?;
    drop(files::write_private(&fresh, &*bytes)?);
    fs::rename(&fresh, path).at(path)?;
    files::sync_folder_of(path)?;
    Ok(key)
}

fn until(change: &Change<'_>) -> Result<Option<i64>, Fault> {
    let meta = change.rows.open_table(META)?;
    let until = meta.get(UNTIL)?;
    Ok(until.and_then(|until| until.value().parse().ok()))
}

/// Keeps the commitments for their period from now on.
fn keep(change: &Change<'_>, now: Timestamp, days: u32) -> Result<(), Fault> {
    let keep_until = now.after_hours(days.saturating_mul(24)).unix_ms();
    let longest = until(change)?.map_or(keep_until, |until| until.max(keep_until));
    let mut meta = change.rows.open_table(META)?;
    meta.insert(UNTIL, longest.to_string().as_str())?;
    Ok(())
}

impl Store {
    /// The commitments of this store, for somebody who is put on the watchlist: with a new key where there were none.
    pub(crate) fn members_to_join(
        &self,
        change: &Change<'_>,
        now: Timestamp,
    ) -> Result<Members, Fault> {
        let path = membership_key_file(self.path());
        let key = match (until(change)?, read_key(&path, self.id())?) {
            (_, Some(key)) => key,
            // Another key would make all that is committed to untold.
            (Some(_), None) => return Err(MembershipError::KeyMissing { path }.into()),
            (None, None) => create_key(&path, self.id())?,
        };
        keep(change, now, self.membership_days())?;
        Ok(Members::new(key, self.id(), &self.settings().deployment))
    }

    /// The same for somebody who goes. `None` where the key is not to be had: what has to be destroyed does not wait for it, and the commitment says until
    /// when they had to be gone.
    pub(crate) fn members_to_leave(
        &self,
        change: &Change<'_>,
        now: Timestamp,
    ) -> Result<Option<Members>, Fault> {
        if until(change)?.is_none() {
            return Ok(None);
        }
        keep(change, now, self.membership_days())?;
        let key = match read_key(&membership_key_file(self.path()), self.id()) {
            Ok(Some(key)) => key,
            Ok(None) => return Ok(None),
            Err(RecordsError::Membership { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let members = Members::new(key, self.id(), &self.settings().deployment);
        Ok(Some(members))
    }

    /// When somebody of this reference was on the watchlist, oldest first; nothing where they were not. The question is on record before it is answered. `key`
    /// is the key as somebody brings it; absent: the one that lies where it was made.
    ///
    /// # Errors
    /// [`RecordsError::MayNot`] unless whoever asks is an auditor or an authorising officer; [`RecordsError::Membership`] where nothing can be told.
    pub fn prove(
        &self,
        reference: &str,
        at: Option<Timestamp>,
        reason: &str,
        by: &SignedIn,
        key: Option<&MembershipKey>,
        now: Timestamp,
    ) -> Result<Vec<Interval>, RecordsError> {
        let by = acting_as_any(by, &MAY_ASK)?;
        payload::name("a watchlist entry", reference)?;
        if !is_text(reason) {
            return Err(RecordsError::Refused {
                what: "why it is asked".into(),
                problem: "it is empty, too long or not printable".into(),
            });
        }
        let event = AuditEvent::MembershipAsked {
            reference: reference.to_owned(),
            at,
            reason: reason.to_owned(),
        };
        self.change(|change| change.log(now, Actor::from(&by), event))?;
        self.read(|store| {
            let Some(rows) = if_there(store.rows.open_table(MEMBERS))? else {
                return Err(MembershipError::Over.into());
            };
            if rows.is_empty()? {
                return Err(MembershipError::Over.into());
            }
            let usual;
            let file = match key {
                Some(brought) => brought,
                None => {
                    usual = MembershipKey::read(&membership_key_file(self.path()))?;
                    &usual
                }
            };
            let Some(key) = file.of(self.id())? else {
                let path = file.path.clone();
                return Err(MembershipError::KeyMissing { path }.into());
            };
            let members = Members::new(key, self.id(), &self.settings().deployment);
            members.verify(&rows)?;
            members.intervals(&rows, reference)
        })
    }

    /// Destroys commitments and key once their period is over and nobody is on the watchlist. Returns whether it did.
    pub(crate) fn sweep_membership(&self, now: Timestamp) -> Result<bool, RecordsError> {
        let over = self.read(|store| {
            let meta = store.rows.open_table(META)?;
            let until = meta.get(UNTIL)?;
            let until: Option<i64> = until.and_then(|until| until.value().parse().ok());
            let nobody = store.rows.open_table(ENTRIES)?.is_empty()?;
            Ok(nobody && until.is_some_and(|until| until <= now.unix_ms()))
        })?;
        if !over {
            return Ok(false);
        }
        // The key first: a crash in between leaves rows that say nothing, and the next sweep takes them.
        files::destroy(&membership_key_file(self.path()))?;
        self.change(|change| {
            change.rows.delete_table(MEMBERS)?;
            change.rows.open_table(META)?.remove(UNTIL)?;
            change.log(now, Actor::Host, AuditEvent::MembershipDestroyed {})
        })?;
        Ok(true)
    }
}

/// Whoever is signed in, in the first of these roles that they may act in; why not in the first, where they may in none.
pub(crate) fn acting_as_any(by: &SignedIn, roles: &[PersonRole]) -> Result<By, MayNot> {
    let mut refused = None;
    for role in roles {
        match by.acting_as(*role) {
            Ok(by) => return Ok(by),
            // What somebody lacks of a role that they have says more than that they lack another.
            Err(cause @ MayNot::Role { .. }) => {
                refused.get_or_insert(cause);
            }
            Err(cause) => refused = Some(cause),
        }
    }
    // Never empty: the lists above are written here.
    Err(refused.unwrap_or(MayNot::Role {
        person: by.id().to_owned(),
        role: PersonRole::AuthorisingOfficer,
    }))
}
