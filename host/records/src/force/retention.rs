//! The end of what the register keeps. What is older than the period of the force's rules goes: entries that have ended with the records that were kept of them, and
//! what is on record of people's sessions, accounts, locks and publications. In the log stands the digest of each event from then on, so that the chain holds, and
//! one event says which went, when and by which version of the rules.
//!
//! A clock that is wrong must not empty a register. So nothing goes by itself: an authorising officer looks at what would go, and names the day before which all
//! of it has to be; the machine's clock only keeps them from naming a day that is within the period. And nothing is older than what stands before it in the log, whatever
//! the clock said when it was written: what was written while a calendar was set back stays as long as its neighbours.

use super::error::ForceError;
use super::events::forget_events;
use super::layout::{FACTS, GONE, RECORDS, REGISTER, REWRITE};
use super::log::Changing;
use super::register::{RegisterEntry, RegisterState};
use super::rules::{self, AdoptedRules};
use super::session::{again, forget_sessions, still};
use super::signed_in::SignedIn;
use super::{Force, Moment, PersonRole, Stop, attempts, rewrite};
use crate::audit::{self, Actor, AuditEntry, AuditEvent, ranges};
use crate::fault::Fault;
use crate::membership::acting_as_any;
use crate::retention::Timestamp;
use crate::tables::{AUDIT, Row, RowBytes};
use redb::ReadableTable;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Who may see what would go.
pub(super) const MAY_LOOK: [PersonRole; 2] = [PersonRole::AuthorisingOfficer, PersonRole::Auditor];

/// Milliseconds of a day.
const DAY: i64 = 24 * 3_600_000;

/// Numbers of the register, in a row, whose entries are gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisterGone {
    /// The first.
    pub first: u32,
    /// The last.
    pub last: u32,
    /// The event of the force's log that says so.
    pub event: u64,
    /// When they went.
    pub at: Timestamp,
    /// All that was in them was of before this moment, and ended before it.
    pub before: Timestamp,
    /// Version of the rules by which they went.
    pub rules_version: u32,
}

impl RegisterGone {
    /// Whether it is about this number.
    pub fn has(&self, number: u32) -> bool {
        (self.first..=self.last).contains(&number)
    }
}

/// What is over its time, or went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OverPeriod {
    /// Everything of it is of before this moment.
    pub before: Timestamp,
    /// Version of the force's rules.
    pub rules_version: u32,
    /// Days that they keep the register.
    pub register_days: u32,
    /// Entries of the register, by number.
    pub entries: Vec<EntryOver>,
    /// Numbers of entries that are as old and stay, for they have not ended: nobody decided on them, or they ran and were never closed.
    pub not_ended: Vec<u32>,
    /// Events of the log whose content goes: those of the entries, and what is said of people, locks and publications.
    pub events: u64,
    /// How many of these are about people: that they signed in, changed a password, were given a role.
    pub people: u64,
}

/// An entry that is over its time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EntryOver {
    /// Its number.
    pub number: u32,
    /// The deployment's id.
    pub deployment: String,
    /// Closed, refused or cancelled.
    pub state: RegisterState,
    /// When the last thing happened to it.
    pub ended: Timestamp,
}

impl OverPeriod {
    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.events == 0
    }
}

/// What is found to be over its time.
struct Found {
    over: OverPeriod,
    /// The events, by number.
    events: Vec<u64>,
    /// The first event that is of that moment or later.
    first_kept: u64,
    /// Events about people from there on.
    people_kept: u64,
}

impl Force {
    /// What would go now by the rules in force, or all of it that is of before an earlier moment. Nothing is changed.
    ///
    /// # Errors
    /// [`ForceError::MayNot`] for anybody but an authorising officer or an auditor; [`ForceError::NoRules`], [`ForceError::WithinPeriod`].
    pub fn over_period(
        &self,
        before: Option<Timestamp>,
        by: &SignedIn,
        now: &Moment,
    ) -> Result<OverPeriod, ForceError> {
        self.change(|change| {
            acting_as_any(&again(change, by, now)?, &MAY_LOOK)?;
            let adopted = rules::required(change)?;
            let before = within(&adopted, before, now)?;
            Ok(look(change, before, &adopted)?.over)
        })
    }

    /// Destroys what is of before this moment and over its time, and writes the file anew, so that no page of it keeps what went.
    ///
    /// # Errors
    /// [`ForceError::MayNot`] for anybody but an authorising officer; [`ForceError::NoRules`], [`ForceError::WithinPeriod`]. With [`ForceError::NotRewritten`] all of it
    /// is off the record, and the file is written anew by whoever opens it once it can be.
    pub fn destroy_over_period(
        &self,
        before: Timestamp,
        by: &SignedIn,
        now: &Moment,
    ) -> Result<OverPeriod, ForceError> {
        let over = self.change(|change| {
            let by = still(change, by, PersonRole::AuthorisingOfficer, now)?;
            let adopted = rules::required(change)?;
            let before = within(&adopted, Some(before), now)?;
            let found = look(change, before, &adopted)?;
            if !found.over.is_empty() {
                destroy(change, &found, &adopted, Actor::from(&by), now)?;
            }
            Ok(found.over)
        })?;
        self.is_rewritten()?;
        Ok(over)
    }

    /// The numbers of the register whose entries are gone, by number.
    ///
    /// # Errors
    /// Whatever is wrong with the store.
    pub fn register_gone(&self) -> Result<Vec<RegisterGone>, ForceError> {
        self.read(|reading| Ok(gone(&reading.open_table(GONE)?)?))
    }
}

/// The moment before which all has to be: the one that was asked for where it is not within the period.
pub(super) fn within(
    adopted: &AdoptedRules,
    asked: Option<Timestamp>,
    now: &Moment,
) -> Result<Timestamp, ForceError> {
    let days = adopted.rules.keep.register_days;
    let before = Timestamp::from_unix_ms(now.at.unix_ms().saturating_sub(i64::from(days) * DAY));
    match asked {
        Some(asked) if asked > before => Err(ForceError::WithinPeriod {
            asked,
            before,
            days,
        }),
        Some(asked) => Ok(asked),
        None => Ok(before),
    }
}

fn look(change: &Changing<'_>, before: Timestamp, adopted: &AdoptedRules) -> Result<Found, Stop> {
    let lines = change.open_table(AUDIT)?;
    let mut log = Vec::new();
    for row in lines.iter()? {
        let (_, line) = row?;
        // What went before has no body.
        if let Some((_, body)) = audit::split_event(line.value()) {
            log.push(serde_json::from_slice::<AuditEntry>(body)?);
        }
    }
    let young = log.iter().find(|entry| entry.at >= before);
    let first_kept = young.map_or(u64::MAX, |entry| entry.number);
    let (mut entries, mut not_ended) = (Vec::new(), Vec::new());
    for row in change.open_table(REGISTER)?.iter()? {
        let entry: RegisterEntry = row?.1.value().read()?;
        let Some(last) = entry.steps().last() else {
            continue;
        };
        if last.event >= first_kept || entry.until() >= before {
            continue;
        }
        match entry.has_ended() {
            true => entries.push(EntryOver {
                number: entry.number(),
                deployment: entry.terms().deployment.clone(),
                state: entry.state(),
                ended: last.at,
            }),
            false => not_ended.push(entry.number()),
        }
    }
    let numbers: BTreeSet<u32> = entries.iter().map(|entry| entry.number).collect();
    let (mut events, mut people, mut people_kept) = (Vec::new(), 0, 0);
    for entry in &log {
        let is_old = entry.number < first_kept;
        let is_of_people = matches!(entry.event, AuditEvent::PersonChanged { .. });
        let goes = match &entry.event {
            AuditEvent::Registered { number, .. } => numbers.contains(number),
            AuditEvent::PersonChanged { .. }
            | AuditEvent::Locked { .. }
            | AuditEvent::RecordsDestroyed { .. }
            | AuditEvent::Published { .. } => is_old,
            // Versions of the rules stay, and whatever says what became of the store and its log.
            _ => false,
        };
        if goes {
            events.push(entry.number);
        }
        people += u64::from(goes && is_of_people);
        people_kept += u64::from(!goes && is_of_people);
    }
    Ok(Found {
        over: OverPeriod {
            before,
            rules_version: adopted.rules.version,
            register_days: adopted.rules.keep.register_days,
            entries,
            not_ended,
            events: events.len() as u64,
            people,
        },
        events,
        first_kept,
        people_kept,
    })
}

fn destroy(
    change: &Changing<'_>,
    found: &Found,
    adopted: &AdoptedRules,
    by: Actor,
    now: &Moment,
) -> Result<(), Stop> {
    rewrite::knows_all(change)?;
    let before = found.over.before;
    {
        let mut lines = change.open_table(AUDIT)?;
        for number in &found.events {
            let line = {
                let line = lines.get(number)?;
                let line = line.as_ref().map(|line| line.value());
                gone_line(line.unwrap_or_default())?
            };
            lines.insert(number, line.as_bytes())?;
        }
    }
    let numbers: Vec<u64> = found
        .over
        .entries
        .iter()
        .map(|entry| entry.number.into())
        .collect();
    {
        let (mut register, mut records) =
            (change.open_table(REGISTER)?, change.open_table(RECORDS)?);
        for entry in &found.over.entries {
            register.remove(entry.number)?;
            records.remove(entry.number)?;
        }
    }
    // Rows from before there was a log come first; the log's first event is younger than they are.
    if found.first_kept > 1 {
        forget_events(change, found.people_kept)?;
    }
    forget_sessions(change, before, now)?;
    attempts::forget(change, before)?;
    let gone = ranges(&numbers);
    let event = change.log(
        now.at,
        by,
        AuditEvent::ContentDestroyed {
            events: ranges(&found.events),
            register: gone.clone(),
            before,
            rules_version: adopted.rules.version,
            rules_sha256: adopted.sha256.clone(),
        },
    )?;
    let mut rows = change.open_table(GONE)?;
    for range in gone {
        // Numbers of the register fit.
        let (first, last) = (range.0 as u32, range.1 as u32);
        let row = RegisterGone {
            first,
            last,
            event,
            at: now.at,
            before,
            rules_version: adopted.rules.version,
        };
        rows.insert(first, RowBytes::of(&row)?)?;
    }
    change.open_table(FACTS)?.insert(REWRITE, "due")?;
    Ok(())
}

/// The line of an event without its content.
fn gone_line(line: &[u8]) -> Result<String, Stop> {
    let (hash, body) = audit::split_event(line)
        .ok_or_else(|| Fault::Inconsistent("an event of its log cannot be read".to_owned()))?;
    let entry: AuditEntry = serde_json::from_slice(body)?;
    let gone = audit::Gone {
        number: entry.number,
        previous: entry.previous,
        body_sha256: hex::encode(audit::digest(body)),
    };
    Ok(audit::gone_line(&hash, &gone)?)
}

/// All numbers that are gone.
pub(super) fn gone(
    table: &impl ReadableTable<u32, Row<RegisterGone>>,
) -> Result<Vec<RegisterGone>, Fault> {
    let mut found = Vec::new();
    for row in table.iter()? {
        found.push(row?.1.value().read()?);
    }
    Ok(found)
}

/// What is said of a number that is gone.
pub(super) fn gone_of(
    table: &impl ReadableTable<u32, Row<RegisterGone>>,
    number: u32,
) -> Result<Option<RegisterGone>, Fault> {
    let row = match table.range(..=number)?.next_back() {
        None => return Ok(None),
        Some(row) => row?.1.value().read()?,
    };
    Ok(Some(row).filter(|row| row.has(number)))
}

/// The last number that is gone; 0 where none is.
pub(super) fn last_gone(change: &Changing<'_>) -> Result<u32, Stop> {
    let table = change.open_table(GONE)?;
    match table.last()? {
        None => Ok(0),
        Some((_, row)) => Ok(row.value().read()?.last),
    }
}
