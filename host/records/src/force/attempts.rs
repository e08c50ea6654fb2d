//! Failed attempts to sign in: how many, and how long that keeps anybody from the next one.
//!
//! An attempt is counted before the password is looked at, and forgotten when it was the right one: whoever is killed, or kills, in between has used it up. An id
//! that nobody has is counted as well, or its answers would tell. Such ids are not stored, since people type passwords into the wrong field: ten bits of a salted
//! hash choose one of 1,024 counters, which says next to nothing of what was typed and cannot be made to grow.

use super::error::ForceError;
use super::{Moment, layout};
use redb::{ReadableTable, WriteTransaction};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Stop;
use super::layout::{PEOPLE, STRANGERS};
use super::password::{Hashed, Hashing};
use crate::retention::Timestamp;
use crate::tables::RowBytes;

/// So many wrong passwords cost nothing but the time to check them.
const FREE: u32 = 4;

/// How long the next attempt has to wait after one more: it doubles with each.
const FIRST_LOCK_MS: u64 = 30_000;

/// And how long at most.
const LONGEST_LOCK_MS: u64 = 3_600_000;

/// What is kept of failed attempts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Attempts {
    /// Since the last time that it was the right password.
    pub(super) failed: u32,
    /// When the last one began.
    last: Option<Moment>,
}

impl Attempts {
    /// Seconds until there may be another attempt; 0: now.
    pub(super) fn wait_s(&self, now: &Moment) -> u64 {
        let Some(last) = &self.last else {
            return 0;
        };
        if self.failed <= FREE {
            return 0;
        }
        let doublings = (self.failed - FREE - 1).min(16);
        let lock = (FIRST_LOCK_MS << doublings).min(LONGEST_LOCK_MS);
        // Another start of the machine leaves only the calendar. One that was set back before the attempt cannot lock anybody out for longer than once.
        let gone = match last.boot == now.boot {
            true => now.since_boot_ms.saturating_sub(last.since_boot_ms),
            false => u64::try_from(now.at.unix_ms().saturating_sub(last.at.unix_ms())).unwrap_or(0),
        };
        lock.saturating_sub(gone).div_ceil(1000)
    }

    fn count(&mut self, now: &Moment) {
        self.failed = self.failed.saturating_add(1);
        self.last = Some(now.clone());
    }
}

/// Counts an attempt, and says what the password has to fit: something that nothing fits where nobody has this id, or they are disabled.
pub(super) fn begin(
    change: &WriteTransaction,
    id: &str,
    now: &Moment,
    hashing: Hashing,
) -> Result<Hashed, Stop> {
    let locked = |wait_s| Stop::Rule(ForceError::Locked { wait_s });
    let mut people = change.open_table(PEOPLE)?;
    let found = match people.get(id)? {
        Some(row) => Some(row.value().read()?),
        None => None,
    };
    if let Some(mut row) = found {
        match row.attempts.wait_s(now) {
            0 => row.attempts.count(now),
            wait_s => return Err(locked(wait_s)),
        }
        people.insert(id, RowBytes::of(&row)?)?;
        return match row.person.disabled {
            None => Ok(row.password),
            Some(_) => Ok(Hashed::nobodys(hashing)?),
        };
    }
    let bucket = bucket(&layout::salt(change)?, id);
    let mut strangers = change.open_table(STRANGERS)?;
    let mut attempts = match strangers.get(bucket)? {
        Some(row) => row.value().read()?,
        None => Attempts::default(),
    };
    match attempts.wait_s(now) {
        0 => attempts.count(now),
        wait_s => return Err(locked(wait_s)),
    }
    strangers.insert(bucket, RowBytes::of(&attempts)?)?;
    Ok(Hashed::nobodys(hashing)?)
}

/// Forgets attempts of before this moment, with ids that nobody has and with those of people.
pub(super) fn forget(change: &WriteTransaction, before: Timestamp) -> Result<(), Stop> {
    let is_old = |attempts: &Attempts| {
        let last = attempts.last.as_ref();
        last.is_some_and(|last| last.at < before)
    };
    let mut strangers = change.open_table(STRANGERS)?;
    let mut old = Vec::new();
    for row in strangers.iter()? {
        let (bucket, attempts) = row?;
        if is_old(&attempts.value().read()?) {
            old.push(bucket.value());
        }
    }
    for bucket in old {
        strangers.remove(bucket)?;
    }
    let mut people = change.open_table(PEOPLE)?;
    let mut old = Vec::new();
    for row in people.iter()? {
        let mut person = row?.1.value().read()?;
        if is_old(&person.attempts) {
            person.attempts = Attempts::default();
            old.push(person);
        }
    }
    for row in old {
        people.insert(row.person.id.as_str(), RowBytes::of(&row)?)?;
    }
    Ok(())
}

fn bucket(salt: &[u8; 32], id: &str) -> u16 {
    let hash = Sha256::new().chain_update(salt).chain_update(id).finalize();
    u16::from_be_bytes([hash[0], hash[1]]) >> 6
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::retention::Timestamp;

    fn moment(boot: &str, at: i64, since_boot_ms: u64) -> Moment {
        Moment {
            at: Timestamp::from_unix_ms(at),
            boot: boot.to_owned(),
            since_boot_ms,
        }
    }

    #[test]
    fn the_wait_doubles_from_the_fifth_wrong_password_and_ends_at_an_hour() {
        let now = moment("a", 0, 0);
        let mut attempts = Attempts::default();
        let mut waits = Vec::new();
        for _ in 0..14 {
            attempts.count(&now);
            waits.push(attempts.wait_s(&now));
        }
        assert_eq!(
            waits,
            [
                0, 0, 0, 0, 30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600
            ]
        );
        attempts.failed = u32::MAX;
        attempts.count(&now);
        assert_eq!(attempts.wait_s(&now), 3600);
    }

    #[test]
    fn setting_the_calendar_shortens_no_wait_and_lengthens_none() {
        let mut attempts = Attempts::default();
        for _ in 0..5 {
            attempts.count(&moment("a", 1_000_000, 1_000));
        }
        for at in [0, 1_000_000, i64::MAX] {
            assert_eq!(attempts.wait_s(&moment("a", at, 11_000)), 20);
            assert_eq!(attempts.wait_s(&moment("a", at, 31_000)), 0);
        }
        // After the machine was switched on again there is the calendar alone.
        assert_eq!(attempts.wait_s(&moment("b", 1_010_000, 5)), 20);
        assert_eq!(attempts.wait_s(&moment("b", 0, 5)), 30);
        assert_eq!(attempts.wait_s(&moment("b", 1_030_000, 5)), 0);
    }
}
