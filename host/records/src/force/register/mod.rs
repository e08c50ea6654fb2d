//! The register: every deployment of the force under a number of its own, from 1 and without gaps, before it may start. Each step is a transaction that names the
//! signed-in person who took it, and an event of the force's log; the row here has to say the same as the log, which verifying it finds out.

mod entry;
mod gate;
mod terms;

use super::certificate::SignedCertificate;
use super::error::ForceError;
use super::layout::{self, GONE, RECORDS, REGISTER};
use super::log::Changing;
use super::person::PersonRole;
use super::retention::{self, RegisterGone};
use super::rules;
use super::session::again;
use super::signed_in::{By, SignedIn};
use super::{Force, Moment, Stop};
use crate::audit::{Actor, AuditEvent};
use crate::closing::ClosedRecords;
use crate::error::RecordsError;
use crate::payload;
use crate::published::Published;
use crate::retention::Timestamp;
use crate::tables::{Row, RowBytes, if_there, last_number, number_after};
use redb::ReadableTable;
use sha2::{Digest, Sha256};

pub use entry::{
    Authorisation, OutOfTurn, RegisterEntry, RegisterRecord, RegisterState, RegisterStep,
    RegisteredRun,
};
pub use gate::{ListApproved, Missing, RunAsked, RunStarted, WatchlistFacts};
pub use terms::{Beyond, CameraTerms, Document, DocumentKind, Mode, Notice, ScoreFloor, Terms};

/// The most bytes of a record that is kept.
const MOST_RECORD: usize = 1 << 20;

/// Who may plan and decide.
const WHO_MAY: PersonRole = PersonRole::AuthorisingOfficer;

/// A written authority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Its reference.
    pub reference: String,
    /// Whether it is urgent: then a lower rank may give it, for a shorter time.
    pub urgent: bool,
}

impl Force {
    /// Gives a deployment its number.
    ///
    /// # Errors
    /// [`ForceError::MayNot`]; [`ForceError::AlreadyPlanned`]: an id is used again only where it was refused, or cancelled before any run.
    pub fn plan(
        &self,
        terms: &Terms,
        by: &SignedIn,
        now: &Moment,
    ) -> Result<RegisterEntry, ForceError> {
        payload::name("a deployment's id", &terms.deployment)?;
        self.change(|change| {
            let by = again(change, by, now)?.acting_as(WHO_MAY)?;
            if let Some(found) = newest_of(change, &terms.deployment)? {
                let is_free = match found.state() {
                    RegisterState::Refused => true,
                    RegisterState::Cancelled => found.runs().is_empty(),
                    _ => false,
                };
                if !is_free {
                    return Err(ForceError::AlreadyPlanned {
                        deployment: terms.deployment.clone(),
                        number: found.number(),
                        state: found.state(),
                    }
                    .into());
                }
            }
            let last = last_number(&change.open_table(REGISTER)?)?;
            // A number is dealt out once, whatever became of its entry.
            let number = number_after(
                last.max(retention::last_gone(change)?),
                "a deployment in the register",
            )?;
            let planned = RegisterStep::Planned {
                terms: Box::new(terms.clone()),
            };
            let event = logged(change, number, &planned, &by, now.at)?;
            let entry = RegisterEntry::plan(number, terms.clone(), event, now.at, by);
            change
                .open_table(REGISTER)?
                .insert(number, RowBytes::of(&entry)?)?;
            Ok(entry)
        })
    }

    /// Authorises a plan, on its terms.
    ///
    /// # Errors
    /// [`ForceError::MayNot`], [`ForceError::OutOfTurn`], [`ForceError::NoRules`]; [`ForceError::Rank`], [`ForceError::Planner`], [`ForceError::Urgent`] and
    /// [`ForceError::BeyondRules`] by the force's rules.
    pub fn authorise(
        &self,
        number: u32,
        order: &Order,
        by: &SignedIn,
        now: &Moment,
    ) -> Result<RegisterEntry, ForceError> {
        payload::name("the reference of an authority", &order.reference)?;
        self.change(|change| {
            let (rank, by) = officer(change, by, now)?;
            let entry = entry(change, number)?;
            let adopted = rules::required(change)?;
            let breaches = adopted.rules.breaches(entry.terms());
            if !breaches.is_empty() {
                return Err(ForceError::BeyondRules { breaches }.into());
            }
            may_order(&adopted.rules, &entry, &rank, order.urgent, entry.until())?;
            let is_planner = entry.planned_by().person() == by.person();
            if is_planner && !adopted.rules.planner_may_authorise {
                let person = by.name().to_owned();
                return Err(ForceError::Planner { person }.into());
            }
            let authorised = RegisterStep::Authorised {
                rank,
                reference: order.reference.clone(),
                urgent: order.urgent,
                rules_version: adopted.rules.version,
                rules_sha256: adopted.sha256,
            };
            step(change, number, authorised, &by, now.at)
        })
    }

    /// Refuses a plan.
    ///
    /// # Errors
    /// [`ForceError::MayNot`], [`ForceError::OutOfTurn`].
    pub fn refuse(
        &self,
        number: u32,
        reason: &str,
        by: &SignedIn,
        now: &Moment,
    ) -> Result<RegisterEntry, ForceError> {
        payload::name("why a deployment is refused", reason)?;
        let reason = reason.to_owned();
        self.decide(number, RegisterStep::Refused { reason }, by, now)
    }

    /// Lets a deployment go on for longer.
    ///
    /// # Errors
    /// As [`Force::authorise`].
    pub fn extend(
        &self,
        number: u32,
        until: Timestamp,
        reference: &str,
        reason: &str,
        by: &SignedIn,
        now: &Moment,
    ) -> Result<RegisterEntry, ForceError> {
        payload::name("the reference of an authority", reference)?;
        payload::name("why a deployment is extended", reason)?;
        self.change(|change| {
            let (rank, by) = officer(change, by, now)?;
            let entry = entry(change, number)?;
            let adopted = rules::required(change)?;
            let urgent = entry.authorisation().is_some_and(|given| given.urgent);
            may_order(&adopted.rules, &entry, &rank, urgent, until)?;
            let extended = RegisterStep::Extended {
                until,
                rank,
                reference: reference.to_owned(),
                reason: reason.to_owned(),
            };
            step(change, number, extended, &by, now.at)
        })
    }

    /// Takes a plan or an authority back, at once: a run that goes on stops.
    ///
    /// # Errors
    /// [`ForceError::MayNot`], [`ForceError::OutOfTurn`].
    pub fn cancel(
        &self,
        number: u32,
        reason: &str,
        by: &SignedIn,
        now: &Moment,
    ) -> Result<RegisterEntry, ForceError> {
        payload::name("why a deployment is cancelled", reason)?;
        let reason = reason.to_owned();
        self.decide(number, RegisterStep::Cancelled { reason }, by, now)
    }

    /// Whether somebody may close a deployment now: asked before anything is destroyed.
    ///
    /// # Errors
    /// [`ForceError::MayNot`], [`ForceError::OutOfTurn`].
    pub fn may_close(&self, number: u32, by: &SignedIn, now: &Moment) -> Result<By, ForceError> {
        self.change(|change| {
            let by = again(change, by, now)?.acting_as(WHO_MAY)?;
            let closed = RegisterStep::Closed {
                certificate_sha256: String::new(),
                record_sha256: None,
            };
            let latest = layout::latest(change, now.at)?;
            entry(change, number)?
                .allow(&closed, now.at, latest)
                .map_err(ForceError::OutOfTurn)?;
            Ok(by)
        })
    }

    /// Puts on record that a deployment is over, signs what became of what it held, and keeps its record, which outlives its store. What stands in that is for whoever
    /// publishes; it holds no image, no score and no name of a person sought.
    ///
    /// # Errors
    /// As [`Force::may_close`]; [`RecordsError::Refused`] for a record of more than a mebibyte.
    pub fn close(
        &self,
        number: u32,
        records: &ClosedRecords,
        record: &str,
        by: &SignedIn,
        now: &Moment,
    ) -> Result<SignedCertificate, ForceError> {
        if record.len() > MOST_RECORD {
            return Err(RecordsError::Refused {
                what: format!("the record of deployment {number}"),
                problem: format!(
                    "it has {} bytes, and {MOST_RECORD} is the most",
                    record.len()
                ),
            }
            .into());
        }
        self.change(|change| {
            let by = again(change, by, now)?.acting_as(WHO_MAY)?;
            let deployment = entry(change, number)?.terms().deployment.clone();
            let certificate =
                SignedCertificate::sign(number, &deployment, &by, now.at, records, &change.file())?;
            let closed = RegisterStep::Closed {
                certificate_sha256: certificate.sha256(),
                record_sha256: Some(digest(record)),
            };
            step(change, number, closed, &by, now.at)?;
            change.open_table(RECORDS)?.insert(number, record)?;
            Ok(certificate)
        })
    }

    /// The record that was kept of a deployment when it was closed; `None` where none was.
    ///
    /// # Errors
    /// [`ForceError::RecordDiffers`] where it is not what the register has the digest of.
    pub fn kept_record(&self, number: u32) -> Result<Option<String>, ForceError> {
        let entry = self.registered(number)?;
        let Some(sha256) = entry.record_sha256() else {
            return Ok(None);
        };
        let kept = self.read(|reading| {
            let Some(table) = if_there(reading.open_table(RECORDS))? else {
                return Ok(None);
            };
            Ok(table.get(number)?.map(|row| row.value().to_owned()))
        })?;
        match kept {
            Some(record) if digest(&record) == sha256 => Ok(Some(record)),
            _ => Err(ForceError::RecordDiffers { number }),
        }
    }

    /// Whether a certificate is this force's: its register holds the digest.
    ///
    /// # Errors
    /// Whatever is wrong with the store.
    pub fn knows(&self, certificate: &SignedCertificate) -> Result<bool, ForceError> {
        let sha256 = certificate.sha256();
        let number = certificate.certificate.number;
        let found = self
            .register()?
            .into_iter()
            .find(|entry| entry.number() == number);
        Ok(found.is_some_and(|entry| {
            entry.steps().iter().any(|record| {
                matches!(&record.what, RegisterStep::Closed { certificate_sha256, .. } if *certificate_sha256 == sha256)
            })
        }))
    }

    /// Puts on record that a system engineer has decided what a deployment consists of.
    ///
    /// # Errors
    /// [`ForceError::MayNot`].
    pub fn note_lock(
        &self,
        deployment: &str,
        lock_sha256: &str,
        by: &SignedIn,
        now: &Moment,
    ) -> Result<(), ForceError> {
        payload::name("a deployment's id", deployment)?;
        payload::digest("a lock", lock_sha256)?;
        self.change(|change| {
            let by = again(change, by, now)?.acting_as(PersonRole::SystemEngineer)?;
            let event = AuditEvent::Locked {
                deployment: deployment.to_owned(),
                lock_sha256: lock_sha256.to_owned(),
            };
            change.log(now.at, Actor::from(&by), event)?;
            Ok(())
        })
    }

    /// Puts on record that a document about the register's deployments is published. Write it only once this has returned.
    ///
    /// # Errors
    /// [`ForceError::MayNot`] for anybody but an authorising officer or an auditor.
    pub fn note_published(
        &self,
        published: &Published,
        by: &SignedIn,
        now: &Moment,
    ) -> Result<(), ForceError> {
        let event = published.event()?;
        self.change(|change| {
            let by = By::publishing(&again(change, by, now)?)?;
            change.log(now.at, Actor::from(&by), event)?;
            Ok(())
        })
    }

    fn decide(
        &self,
        number: u32,
        what: RegisterStep,
        by: &SignedIn,
        now: &Moment,
    ) -> Result<RegisterEntry, ForceError> {
        self.change(|change| {
            let by = again(change, by, now)?.acting_as(WHO_MAY)?;
            step(change, number, what, &by, now.at)
        })
    }

    /// The register, by number.
    ///
    /// # Errors
    /// Whatever is wrong with the store.
    pub fn register(&self) -> Result<Vec<RegisterEntry>, ForceError> {
        self.read(|reading| {
            let mut found = Vec::new();
            for row in reading.open_table(REGISTER)?.iter()? {
                found.push(row?.1.value().read()?);
            }
            Ok(found)
        })
    }

    /// One deployment of it.
    ///
    /// # Errors
    /// [`ForceError::NoSuchEntry`]; [`ForceError::EntryGone`] for one that there was.
    pub fn registered(&self, number: u32) -> Result<RegisterEntry, ForceError> {
        self.read(|reading| match reading.open_table(REGISTER)?.get(number)? {
            Some(row) => Ok(row.value().read()?),
            None => Err(no_entry(&reading.open_table(GONE)?, number)?),
        })
    }

    /// The newest entry of a deployment, by its id.
    ///
    /// # Errors
    /// Whatever is wrong with the store.
    pub fn registered_as(&self, deployment: &str) -> Result<Option<RegisterEntry>, ForceError> {
        let found = self.register()?.into_iter().rev();
        Ok(found
            .into_iter()
            .find(|entry| entry.terms().deployment == deployment))
    }
}

fn digest(record: &str) -> String {
    hex::encode(Sha256::digest(record.as_bytes()))
}

/// An authorising officer who is signed in yet: their rank, and who they are.
fn officer(change: &Changing<'_>, by: &SignedIn, now: &Moment) -> Result<(String, By), Stop> {
    let found = again(change, by, now)?;
    let by = found.acting_as(WHO_MAY)?;
    Ok((found.rank().to_owned(), by))
}

/// Whether the rules let this rank order a deployment that goes on until then.
fn may_order(
    rules: &super::Rules,
    entry: &RegisterEntry,
    rank: &str,
    urgent: bool,
    until: Timestamp,
) -> Result<(), ForceError> {
    let hours = terms::hours_between(entry.terms().start, until);
    for mode in &entry.terms().modes {
        let Some(rule) = rules.mode(*mode) else {
            // Found by `Rules::breaches` when it was authorised; the rules may have changed since.
            let breaches = vec![Beyond::new(
                "authority.modes",
                "what the rules allow".to_owned(),
                mode.name().to_owned(),
            )];
            return Err(ForceError::BeyondRules { breaches });
        };
        let is_among = |ranks: &[String]| ranks.iter().any(|one| one.eq_ignore_ascii_case(rank));
        let may = is_among(&rule.ranks) || (urgent && is_among(&rule.urgent_ranks));
        if !may {
            let mut ranks = rule.ranks.clone();
            if urgent {
                ranks.extend(rule.urgent_ranks.iter().cloned());
            }
            let (mode, rank) = (*mode, rank.to_owned());
            return Err(ForceError::Rank { rank, mode, ranks });
        }
        if urgent && hours > u64::from(rule.urgent_hours) {
            let most = rule.urgent_hours;
            return Err(ForceError::Urgent { hours, most });
        }
    }
    if hours > u64::from(rules.longest_hours) {
        let breaches = vec![Beyond::new(
            "deployment.end",
            format!("at most {} hours after the start", rules.longest_hours),
            format!("{hours} hours after it"),
        )];
        return Err(ForceError::BeyondRules { breaches });
    }
    Ok(())
}

/// An entry, in a change.
fn entry(change: &Changing<'_>, number: u32) -> Result<RegisterEntry, Stop> {
    match change.open_table(REGISTER)?.get(number)? {
        Some(row) => Ok(row.value().read()?),
        None => Err(no_entry(&change.open_table(GONE)?, number)?),
    }
}

/// Why there is no entry of this number.
fn no_entry(gone: &impl ReadableTable<u32, Row<RegisterGone>>, number: u32) -> Result<Stop, Stop> {
    Ok(match retention::gone_of(gone, number)? {
        Some(RegisterGone {
            at, rules_version, ..
        }) => ForceError::EntryGone {
            number,
            at,
            rules_version,
        },
        None => ForceError::NoSuchEntry { number },
    }
    .into())
}

/// The newest entry of a deployment, by its id.
fn newest_of(change: &Changing<'_>, deployment: &str) -> Result<Option<RegisterEntry>, Stop> {
    for row in change.open_table(REGISTER)?.iter()?.rev() {
        let found = row?.1.value().read()?;
        if found.terms().deployment == deployment {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// Says a step in the log; returns the event's number.
fn logged(
    change: &Changing<'_>,
    number: u32,
    what: &RegisterStep,
    by: &By,
    at: Timestamp,
) -> Result<u64, Stop> {
    layout::seen(change, at)?;
    let event = AuditEvent::Registered {
        number,
        by: by.clone(),
        what: what.clone(),
    };
    change.log(at, Actor::from(by), event)
}

/// Takes a step, if it is in turn.
fn step(
    change: &Changing<'_>,
    number: u32,
    what: RegisterStep,
    by: &By,
    at: Timestamp,
) -> Result<RegisterEntry, Stop> {
    let mut entry = entry(change, number)?;
    let latest = layout::latest(change, at)?;
    entry
        .allow(&what, at, latest)
        .map_err(ForceError::OutOfTurn)?;
    let event = logged(change, number, &what, by, at)?;
    entry.add(RegisterRecord {
        event,
        at,
        by: by.clone(),
        what,
    });
    change
        .open_table(REGISTER)?
        .insert(number, RowBytes::of(&entry)?)?;
    Ok(entry)
}
