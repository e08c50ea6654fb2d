//! The end of a deployment's own records: counts, decisions and the log of who looked, which are kept for the period of the force's rules. Once it is over their files are
//! overwritten and removed, on the word of an authorising officer who names the day, as entries of the register are (`retention.rs`); that they went, and how far their log
//! went, is in the force's log before they do.

use super::error::ForceError;
use super::register::RegisterState;
use super::retention::{MAY_LOOK, within};
use super::rules;
use super::session::{again, still};
use super::signed_in::SignedIn;
use super::{Force, Moment, PersonRole};
use crate::audit::{Actor, AuditEntry, AuditEvent, AuditHead, AuditLog, path_of};
use crate::error::RecordsError;
use crate::fault::Fault;
use crate::files::{self, At};
use crate::keys::StoreId;
use crate::membership::{self, membership_key_file};
use crate::opening;
use crate::retention::Timestamp;
use crate::tables::{ENTRIES, HELD, META};
use redb::{Database, ReadableDatabase, ReadableTableMetadata};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// A deployment's own records that are over their time, or went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OwnRecords {
    /// The deployment's id.
    pub deployment: String,
    /// Everything in them is of before this moment.
    pub before: Timestamp,
    /// Version of the force's rules.
    pub rules_version: u32,
    /// When the last thing was done with them, housekeeping aside.
    pub newest: Timestamp,
    /// How far their log goes.
    pub head: AuditHead,
    /// Their files.
    pub files: Vec<PathBuf>,
}

/// Why a deployment's own records stay.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordsStay {
    /// The register says that it has not ended.
    #[error("it is deployment {number} of the register, and {state}")]
    NotEnded {
        /// Its number.
        number: u32,
        /// Where it stands.
        state: RegisterState,
    },
    /// Something of it is younger.
    #[error("something was done with them at {newest}, and all has to be of before {before}")]
    Younger {
        /// The newest.
        newest: Timestamp,
        /// The moment.
        before: Timestamp,
    },
    /// There is something that has a time of its own: sealed images, people on a watchlist, or what answers who was on it.
    #[error("they hold something yet that has a time of its own: {what}")]
    Holds {
        /// What.
        what: &'static str,
    },
}

impl Force {
    /// Whether a deployment's own records, in this file, may go now by the rules in force, or where all of them are of before an earlier moment. Nothing is changed.
    ///
    /// # Errors
    /// [`ForceError::RecordsStay`]; [`ForceError::MayNot`] for anybody but an authorising officer or an auditor; [`ForceError::NoRules`], [`ForceError::WithinPeriod`];
    /// [`RecordsError::AlreadyOpen`] while a run goes on, and whatever is wrong with the records.
    pub fn own_records(
        &self,
        deployment: &str,
        path: &Path,
        before: Option<Timestamp>,
        by: &SignedIn,
        now: &Moment,
    ) -> Result<OwnRecords, ForceError> {
        let (before, rules_version) = self.change(|change| {
            membership::acting_as_any(&again(change, by, now)?, &MAY_LOOK)?;
            let adopted = rules::required(change)?;
            Ok((within(&adopted, before, now)?, adopted.rules.version))
        })?;
        let (found, _) = self.look_at(deployment, path, before, rules_version)?;
        Ok(found)
    }

    /// Destroys a deployment's own records. What a kill leaves of it is done by the next call.
    ///
    /// # Errors
    /// As [`Force::own_records`], for anybody but an authorising officer.
    pub fn destroy_own_records(
        &self,
        deployment: &str,
        path: &Path,
        before: Timestamp,
        by: &SignedIn,
        now: &Moment,
    ) -> Result<OwnRecords, ForceError> {
        let adopted = self.change(|change| {
            still(change, by, PersonRole::AuthorisingOfficer, now)?;
            rules::required(change)
        })?;
        let before = within(&adopted, Some(before), now)?;
        let rules_version = adopted.rules.version;
        let (found, database) = self.look_at(deployment, path, before, rules_version)?;
        self.change(|change| {
            let by = still(change, by, PersonRole::AuthorisingOfficer, now)?;
            let event = AuditEvent::RecordsDestroyed {
                deployment: deployment.to_owned(),
                head: found.head.events,
                hash: found.head.hash.clone(),
                before,
                rules_version,
                rules_sha256: adopted.sha256.clone(),
            };
            change.log(now.at, Actor::from(&by), event)?;
            Ok(())
        })?;
        // From here on nobody opens them: the name is gone while they are locked yet.
        let going = going(path);
        std::fs::rename(path, &going).at(path)?;
        files::sync_folder_of(path)?;
        drop(database);
        finish(path)?;
        Ok(found)
    }

    /// What is there, if it may go; open, so that nothing is done with it meanwhile.
    fn look_at(
        &self,
        deployment: &str,
        path: &Path,
        before: Timestamp,
        rules_version: u32,
    ) -> Result<(OwnRecords, Database), ForceError> {
        let stay = |why| {
            let deployment = deployment.to_owned();
            ForceError::RecordsStay { deployment, why }
        };
        if let Some(entry) = self.registered_as(deployment)?
            && !entry.has_ended()
        {
            let (number, state) = (entry.number(), entry.state());
            return Err(stay(RecordsStay::NotEnded { number, state }));
        }
        if !path.try_exists().at(path)? {
            // What a kill has left of them was on record as destroyed.
            finish(path)?;
            let path = path.to_path_buf();
            return Err(RecordsError::Missing { path }.into());
        }
        let (database, store) = opening::for_audit(path, deployment)?;
        let holds = held(&database).map_err(|fault| fault.at(path))?;
        if let Some(what) = holds {
            return Err(stay(RecordsStay::Holds { what }));
        }
        let (newest, head) = newest(&database, path, deployment, &store)?;
        if newest >= before {
            return Err(stay(RecordsStay::Younger { newest, before }));
        }
        let found = OwnRecords {
            deployment: deployment.to_owned(),
            before,
            rules_version,
            newest,
            head,
            files: files_of(path),
        };
        Ok((found, database))
    }
}

/// When the last thing was done with the records that was not the host's housekeeping, and how far their log goes.
fn newest(
    database: &Database,
    path: &Path,
    deployment: &str,
    store: &StoreId,
) -> Result<(Timestamp, AuditHead), RecordsError> {
    let log = AuditLog::of(database, path, deployment, store, META)?;
    let is_somebody_s = |entry: &AuditEntry| {
        !matches!(
            entry.event,
            AuditEvent::StoreCreated { .. }
                | AuditEvent::LogBegun { .. }
                | AuditEvent::HostChanged { .. }
                | AuditEvent::Swept { .. }
                | AuditEvent::KeysDestroyed { .. }
                | AuditEvent::MembershipDestroyed {}
                | AuditEvent::BackedUp {}
        )
    };
    let entries = log.entries();
    let times = entries.iter().filter(|entry| is_somebody_s(entry));
    // Of a store in which nothing was ever done, when it was made.
    let made = entries.first().map(|entry| entry.at);
    let newest = times.map(|entry| entry.at).max().or(made);
    Ok((
        newest.unwrap_or(Timestamp::from_unix_ms(i64::MAX)),
        log.head(),
    ))
}

/// What the records hold that goes by another time than theirs.
fn held(database: &Database) -> Result<Option<&'static str>, Fault> {
    let reading = database.begin_read()?;
    if !reading.open_table(HELD)?.is_empty()? {
        return Ok(Some("sealed images or inputs, some perhaps on hold"));
    }
    if !reading.open_table(ENTRIES)?.is_empty()? {
        return Ok(Some("people on a watchlist"));
    }
    let commitments = reading.open_table(META)?.get(membership::UNTIL)?.is_some();
    Ok(commitments.then_some("what answers who was on the watchlist"))
}

/// The name of records that are on record as destroyed.
fn going(path: &Path) -> PathBuf {
    files::with_suffix(path, "going")
}

/// The files of a deployment's records: what opens them first, the records themselves last.
fn files_of(path: &Path) -> Vec<PathBuf> {
    let all = [
        path.with_extension("keys"),
        membership_key_file(path),
        path_of(path),
        path.to_path_buf(),
    ];
    all.into_iter().filter(|file| file.exists()).collect()
}

/// Destroys the files of records whose name is gone; nothing where there are none.
fn finish(path: &Path) -> Result<(), RecordsError> {
    let going = going(path);
    if !going.try_exists().at(&going)? {
        return Ok(());
    }
    for file in files_of(path) {
        files::destroy(&file)?;
    }
    files::destroy_unused(&going)
}
