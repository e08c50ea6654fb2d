//! Holds: why an alert is kept past its time, on whose word and until when. A hold is on one alert, with its inputs, and on nothing else: the watchlist of a
//! deployment is destroyed whatever anybody holds, and a whole class is never kept for the sake of one complaint.
//!
//! A person who was stopped gets a receipt: a code by which their alert can be held, and nobody else's, without anybody having to know their name. The store keeps
//! a digest of it.

use crate::audit::{Actor, AuditEvent};
use crate::cipher;
use crate::error::RecordsError;
use crate::fault::Fault;
use crate::force::{By, PersonRole, SignedIn};
use crate::life::{Life, LifeState};
use crate::payload;
use crate::retention::Timestamp;
use crate::store::Store;
use crate::tables::{
    ALERTS, ActionRow, AlertRow, HOLDS, LIVES, RECEIPTS, RouterRow, Row, RowBytes, if_there,
    next_number,
};
use crate::transaction::Change;
use redb::ReadableTable;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// The longest hold, in days. Whoever needs it for longer says so again, with a reason.
pub const LONGEST_HOLD_DAYS: u32 = 366;

/// A hold on record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hold {
    /// Its number in the store, from 1.
    pub number: u64,
    /// The alert that it keeps.
    pub alert: u32,
    /// Why.
    pub reason: String,
    /// Who answers for it.
    pub by: By,
    /// Since when.
    pub at: Timestamp,
    /// When it ends by itself.
    pub until: Timestamp,
    /// Its end before that.
    pub release: Option<HoldRelease>,
}

/// The end of a hold before its time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HoldRelease {
    /// Who ended it.
    pub by: By,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

impl Hold {
    /// Whether it keeps anything at this time.
    pub fn lasts(&self, now: Timestamp) -> bool {
        self.release.is_none() && now < self.until
    }
}

/// A receipt on record, without its code.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    /// The alert over which somebody was stopped.
    pub alert: u32,
    /// Who gave it.
    pub by: By,
    /// When.
    pub at: Timestamp,
    /// SHA-256 of the store's id and the code, 64 lower-case hexadecimal digits.
    pub(crate) sha256: String,
}

/// Letters of a code: Crockford's base 32, in which none is taken for another.
const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// A receipt's code: 80 random bits, so that nobody finds one by trying. It is shown once, to whoever it is for.
#[derive(Clone, PartialEq, Eq)]
pub struct ReceiptCode([u8; 10]);

impl fmt::Debug for ReceiptCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReceiptCode")
    }
}

impl fmt::Display for ReceiptCode {
    /// Four groups of four letters and digits: `7K2M-…`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bits = self
            .0
            .iter()
            .fold(0u128, |bits, byte| bits << 8 | u128::from(*byte));
        let mut letters = [0; 16];
        for letter in letters.iter_mut().rev() {
            *letter = LETTERS[(bits & 31) as usize];
            bits >>= 5;
        }
        for (index, letter) in letters.into_iter().enumerate() {
            if index > 0 && index % 4 == 0 {
                f.write_str("-")?;
            }
            write!(f, "{}", char::from(letter))?;
        }
        Ok(())
    }
}

/// This is no receipt's code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a receipt's code is 16 letters and digits, as 7K2M-0QZX-…")]
pub struct NoReceiptCode;

impl FromStr for ReceiptCode {
    type Err = NoReceiptCode;

    /// As people write it: hyphens, spaces and case do not matter, and O is read as 0, I and L as 1.
    fn from_str(text: &str) -> Result<Self, NoReceiptCode> {
        let (mut bits, mut letters) = (0u128, 0);
        for letter in text.bytes().filter(|letter| !matches!(letter, b'-' | b' ')) {
            let letter = match letter.to_ascii_uppercase() {
                b'O' => b'0',
                b'I' | b'L' => b'1',
                letter => letter,
            };
            let value = LETTERS.iter().position(|known| *known == letter);
            letters += 1;
            match value {
                // Fits: there are 32.
                Some(value) if letters <= 16 => bits = bits << 5 | value as u128,
                _ => return Err(NoReceiptCode),
            }
        }
        if letters != 16 {
            return Err(NoReceiptCode);
        }
        let mut code = [0; 10];
        code.copy_from_slice(&bits.to_be_bytes()[6..]);
        Ok(Self(code))
    }
}

impl Store {
    /// Keeps an alert with its inputs past its time. Whoever places the hold answers for it: an authorising officer or an auditor.
    ///
    /// # Errors
    /// [`RecordsError::MayNot`]; [`RecordsError::NoSuchAlert`]; [`RecordsError::Refused`] for an alert whose images are gone, an end that has passed or lies more
    /// than [`LONGEST_HOLD_DAYS`] away, or a reason that is none.
    pub fn hold(
        &self,
        alert: u32,
        reason: &str,
        until: Timestamp,
        by: &SignedIn,
        now: Timestamp,
    ) -> Result<Hold, RecordsError> {
        let by = owner(by)?;
        why("why the alert is held", reason)?;
        let refused = |problem: &str| RecordsError::Refused {
            what: format!("a hold on alert {alert}"),
            problem: problem.to_owned(),
        };
        if until <= now {
            return Err(refused("its end has passed"));
        }
        if until > now.after_hours(24 * LONGEST_HOLD_DAYS) {
            return Err(refused(
                "its end is more than 366 days away; whoever needs it for longer says so again by then",
            ));
        }
        if self.alert_payload(alert)?.is_none() {
            return Err(refused("its images are gone: there is nothing to keep"));
        }
        self.change(|change| {
            let mut rows = change.rows.open_table(HOLDS)?;
            let number = next_number(&rows, "a hold")?;
            let hold = Hold {
                number,
                alert,
                reason: reason.to_owned(),
                by,
                at: now,
                until,
                release: None,
            };
            rows.insert(number, RowBytes::of(&hold)?)?;
            let event = AuditEvent::HoldPlaced {
                hold: number,
                alert,
                reason: hold.reason.clone(),
                until,
            };
            change.log(now, Actor::from(&hold.by), event)?;
            Ok(hold)
        })
    }

    /// Ends a hold before its time: what it kept goes with the next sweep, if its own time is over. One that has ended stays as it is.
    ///
    /// # Errors
    /// [`RecordsError::MayNot`]; [`RecordsError::Refused`] where there is none of this number, or for a reason that is none.
    pub fn end_hold(
        &self,
        number: u64,
        reason: &str,
        by: &SignedIn,
        now: Timestamp,
    ) -> Result<Hold, RecordsError> {
        let by = owner(by)?;
        why("why the hold ends", reason)?;
        self.change(|change| {
            let mut rows = change.rows.open_table(HOLDS)?;
            let found = match rows.get(number)? {
                Some(row) => Some(row.value().read()?),
                None => None,
            };
            let Some(mut hold) = found else {
                let (what, problem) = (format!("hold {number}"), "there is none".to_owned());
                return Err(RecordsError::Refused { what, problem }.into());
            };
            if !hold.lasts(now) {
                return Ok(hold);
            }
            let release = HoldRelease {
                by,
                reason: reason.to_owned(),
                at: now,
            };
            let event = AuditEvent::HoldEnded {
                hold: number,
                alert: hold.alert,
                reason: release.reason.clone(),
            };
            change.log(now, Actor::from(&release.by), event)?;
            hold.release = Some(release);
            rows.insert(number, RowBytes::of(&hold)?)?;
            Ok(hold)
        })
    }

    /// Every hold, oldest first, those that have ended too.
    ///
    /// # Errors
    /// [`RecordsError::Damaged`] and the like.
    pub fn holds(&self) -> Result<Vec<Hold>, RecordsError> {
        self.read(|store| {
            let Some(rows) = if_there(store.rows.open_table(HOLDS))? else {
                return Ok(Vec::new());
            };
            all(&rows)
        })
    }

    /// Gives the person who was stopped over an alert a code by which it can be held. A second one replaces the first.
    ///
    /// # Errors
    /// [`RecordsError::MayNot`] unless by an engagement officer; [`RecordsError::NoSuchAlert`]; [`RecordsError::Refused`] where nobody was stopped over it.
    pub fn receipt(
        &self,
        alert: u32,
        by: &SignedIn,
        now: Timestamp,
    ) -> Result<ReceiptCode, RecordsError> {
        let by = by.acting_as(PersonRole::EngagementOfficer)?;
        let code = ReceiptCode(cipher::random()?);
        let sha256 = self.digest_of(&code);
        self.change(|change| {
            if change.rows.open_table(ALERTS)?.get(alert)?.is_none() {
                let (path, number) = (self.path().to_path_buf(), alert);
                return Err(RecordsError::NoSuchAlert { path, number }.into());
            }
            if !was_stopped(change, alert)? {
                let what = format!("a receipt for alert {alert}");
                let problem = "nobody was stopped over it".to_owned();
                return Err(RecordsError::Refused { what, problem }.into());
            }
            let receipt = Receipt {
                alert,
                by,
                at: now,
                sha256,
            };
            let row = RowBytes::of(&receipt)?;
            change.rows.open_table(RECEIPTS)?.insert(alert, row)?;
            let event = AuditEvent::ReceiptGiven { alert };
            change.log(now, Actor::from(&receipt.by), event)
        })?;
        Ok(code)
    }

    /// The alert that a receipt is for; `None` where no receipt of this store has this code.
    ///
    /// # Errors
    /// [`RecordsError::Damaged`] and the like.
    pub fn alert_of(&self, code: &ReceiptCode) -> Result<Option<u32>, RecordsError> {
        let wanted = self.digest_of(code);
        self.read(|store| {
            let Some(rows) = if_there(store.rows.open_table(RECEIPTS))? else {
                return Ok(None);
            };
            for row in rows.iter()? {
                let receipt = row?.1.value().read()?;
                if receipt.sha256 == wanted {
                    return Ok(Some(receipt.alert));
                }
            }
            Ok(None)
        })
    }

    fn digest_of(&self, code: &ReceiptCode) -> String {
        let digest = Sha256::new()
            .chain_update(self.id())
            .chain_update(code.0)
            .finalize();
        hex::encode(digest)
    }
}

/// The records that are kept past their time: of each alert that is held its payload and its inputs, those of its passing too. `actions` is absent in a store in which
/// nobody has passed any.
pub(crate) fn held_records(
    holds: &impl ReadableTable<u64, Row<Hold>>,
    alerts: &impl ReadableTable<u32, Row<AlertRow>>,
    actions: Option<&impl ReadableTable<u32, Row<ActionRow>>>,
    now: Timestamp,
) -> Result<BTreeSet<u64>, Fault> {
    let mut records = BTreeSet::new();
    for hold in all(holds)?.iter().filter(|hold| hold.lasts(now)) {
        if let Some(row) = alerts.get(hold.alert)? {
            let row = row.value().read()?;
            records.insert(row.record);
            records.extend(row.inputs.map(|inputs| inputs.record));
        }
        let action = match actions {
            Some(actions) => actions.get(hold.alert)?,
            None => None,
        };
        if let Some(row) = action
            && let RouterRow::Kept(inputs) = row.value().read()?.router
        {
            records.insert(inputs.record);
        }
    }
    Ok(records)
}

fn all(rows: &impl ReadableTable<u64, Row<Hold>>) -> Result<Vec<Hold>, Fault> {
    let mut found = Vec::new();
    for row in rows.iter()? {
        found.push(row?.1.value().read()?);
    }
    Ok(found)
}

fn was_stopped(change: &Change<'_>, alert: u32) -> Result<bool, Fault> {
    use crate::life::Closed::{ConfirmedFalse, ConfirmedTrue};
    let lives = change.rows.open_table(LIVES)?;
    let life: Life = match lives.get(alert)? {
        Some(life) => life.value().read()?,
        None => return Ok(false),
    };
    Ok(matches!(
        life.state(),
        LifeState::Engaged | LifeState::Closed(ConfirmedTrue | ConfirmedFalse)
    ))
}

/// Whoever may hold something and end a hold.
fn owner(by: &SignedIn) -> Result<By, RecordsError> {
    let authorising = by.acting_as(PersonRole::AuthorisingOfficer);
    // Where they are neither, what is missing is said of the first.
    match authorising {
        Ok(by) => Ok(by),
        Err(may_not) => Ok(by.acting_as(PersonRole::Auditor).map_err(|_| may_not)?),
    }
}

fn why(what: &str, reason: &str) -> Result<(), RecordsError> {
    payload::name(what, reason)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn a_code_is_read_as_people_write_it() {
        let code = ReceiptCode([0xff, 0, 0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde, 0xf1]);
        let shown = code.to_string();
        assert_eq!(shown.len(), 19, "{shown}");
        assert_eq!(shown.parse(), Ok(code.clone()));
        let as_written = shown
            .to_lowercase()
            .replace('-', " ")
            .replace('0', "o")
            .replace('1', "l");
        assert_eq!(as_written.parse(), Ok(code.clone()));
        assert!(!format!("{code:?}").contains(&shown[..4]));
        for wrong in ["", "7K2M", "7K2M-0QZX-0000-000U", &format!("{shown}0")] {
            assert_eq!(wrong.parse::<ReceiptCode>(), Err(NoReceiptCode), "{wrong}");
        }
    }
}
