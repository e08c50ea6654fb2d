//! A record out of everything that knows of it: the deployment's file, store and log while they are there, the record that was kept of it when it was closed once they
//! are not, and the force's register.

use std::path::PathBuf;

use overt_deployment::Deployment;
use overt_publication::record::DeploymentRecord;
use overt_publication::register::Register;
use overt_records::{
    Force, ForceError, RecordsError, RegisterEntry, RegisterState, Store, StoreSettings, Timestamp,
};

use super::{add_entry, add_log, is_of_destruction, kept, records, whole_register};
use crate::authority::retention;

/// Why there is nothing to publish.
#[derive(Debug, thiserror::Error)]
pub enum PublicationError {
    /// There is neither a store nor a record that was kept.
    #[error("nothing is on record of {deployment}: it has no store, and no record was kept of it")]
    NothingThere {
        /// Its id.
        deployment: String,
    },
    /// The deployment's records.
    #[error(transparent)]
    Records(Box<RecordsError>),
    /// The force's store.
    #[error(transparent)]
    Force(Box<ForceError>),
    /// The force's log is not what was written.
    #[error("the log of {} is broken at event {event}: nothing can be shown by this register", .path.display())]
    LogBroken {
        /// The force's store.
        path: PathBuf,
        /// The event; 0: before the first.
        event: u64,
    },
    /// The register is not what its log tells.
    #[error("the register in {} says otherwise of deployment {number} than its log", .path.display())]
    RegisterDiffers {
        /// The force's store.
        path: PathBuf,
        /// The deployment's number.
        number: u32,
    },
    /// It takes place no more, so that there is nothing to tell.
    #[error(
        "deployment {number} of the register is {state}: the public is told of none that takes place no more"
    )]
    TakesNoPlace {
        /// Its number.
        number: u32,
        /// Refused or cancelled.
        state: RegisterState,
    },
    /// What was kept is no record that this version can read.
    #[error("the record that was kept of deployment {number} cannot be read: {cause}")]
    Kept {
        /// The deployment's number.
        number: u32,
        /// Why not.
        cause: String,
    },
}

impl From<RecordsError> for PublicationError {
    fn from(error: RecordsError) -> Self {
        Self::Records(Box::new(error))
    }
}

impl From<ForceError> for PublicationError {
    fn from(error: ForceError) -> Self {
        match error {
            ForceError::Records(error) => Self::Records(error),
            error => Self::Force(Box::new(error)),
        }
    }
}

/// What a record was made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The deployment's own store.
    Store,
    /// What was kept of it when it was closed, under this number.
    Kept(u32),
}

/// The records of a deployment, one for each mode: from its store where that is there, and else those that were kept when it was closed. At least one. `of_own` says what
/// its own records say: [`of_file`], or a run that has them open ([`crate::inquiry::Ask::Record`]).
///
/// # Errors
/// [`PublicationError`], and what `of_own` says.
pub fn deployment<E: From<PublicationError>>(
    deployment: &Deployment,
    force: &Force,
    of_own: &dyn Fn(&Deployment) -> Result<Vec<DeploymentRecord>, E>,
) -> Result<(Vec<DeploymentRecord>, Source), E> {
    let entry = force
        .registered_as(&deployment.id)
        .map_err(PublicationError::from)?;
    let mut found = of_own(deployment)?;
    add_entries(&mut found, entry.as_ref());
    if !found.is_empty() {
        return Ok((found, Source::Store));
    }
    if let Some(entry) = &entry {
        let found = of_kept(force, entry)?;
        if !found.is_empty() {
            return Ok((found, Source::Kept(entry.number())));
        }
    }
    Err(E::from(PublicationError::NothingThere {
        deployment: deployment.id.clone(),
    }))
}

/// Adds what the register says.
fn add_entries(records: &mut [DeploymentRecord], entry: Option<&RegisterEntry>) {
    for record in records {
        if let Some(entry) = entry {
            add_entry(record, entry);
        }
    }
}

/// The register of a force, and the records of its deployments: those that were kept when they were closed, and of these files' deployments what their stores say now.
/// A deployment that was only rehearsed needs no number, and is left out where it has none. `of_own` is as for [`deployment`].
///
/// # Errors
/// [`PublicationError`], and what `of_own` says. What has run and has no record is for [`overt_publication::period::Period::of`] to refuse, which knows the period.
pub fn period<E: From<PublicationError>>(
    deployments: &[Deployment],
    force: &Force,
    of_own: &dyn Fn(&Deployment) -> Result<Vec<DeploymentRecord>, E>,
) -> Result<(Register, Vec<DeploymentRecord>), E> {
    let (register, entries) = whole_register(force)?;
    let mut found = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        let id = &entry.terms().deployment;
        // An id is given anew only where nothing of it ran.
        let is_newest = !entries[index + 1..]
            .iter()
            .any(|later| later.terms().deployment == *id);
        let file = deployments
            .iter()
            .find(|deployment| is_newest && deployment.id == *id);
        let mut of_file = match file {
            Some(file) => of_own(file)?,
            None => Vec::new(),
        };
        add_entries(&mut of_file, Some(entry));
        found.extend(match of_file.is_empty() {
            true => of_kept(force, entry)?,
            false => of_file,
        });
    }
    let is_known = |deployment: &&Deployment| {
        entries
            .iter()
            .any(|entry| entry.terms().deployment == deployment.id)
    };
    for stranger in deployments.iter().filter(|file| !is_known(file)) {
        let ran = |record: &DeploymentRecord| record.deployment.rehearsal.value() == Some(&false);
        // It ran without a number: the period refuses it by its name.
        found.extend(of_own(stranger)?.into_iter().filter(ran));
    }
    Ok((register, found))
}

/// The records of a deployment's store that nobody has open, without what the register says; none where there is no store. What has reached the end of its retention is
/// gone before anybody looks.
///
/// # Errors
/// [`PublicationError`].
pub fn of_file(
    deployment: &Deployment,
    now: Timestamp,
) -> Result<Vec<DeploymentRecord>, PublicationError> {
    let settings = StoreSettings {
        deployment: deployment.id.clone(),
        retention: retention(deployment),
    };
    let store = match Store::open(&deployment.host.records, &settings) {
        Err(RecordsError::Missing { .. }) => return Ok(Vec::new()),
        opened => opened?,
    };
    store.sweep(now)?;
    Ok(of_store(deployment, &store, now)?)
}

/// The same of a store that is open, as it is.
///
/// # Errors
/// [`RecordsError::Damaged`] and the like.
pub fn of_store(
    deployment: &Deployment,
    store: &Store,
    now: Timestamp,
) -> Result<Vec<DeploymentRecord>, RecordsError> {
    let mut found = records(deployment, store, now)?;
    let log = store.audit_entries(is_of_destruction)?;
    for record in &mut found {
        add_log(record, &log);
    }
    Ok(found)
}

/// What was kept; none where nothing was.
fn of_kept(
    force: &Force,
    entry: &RegisterEntry,
) -> Result<Vec<DeploymentRecord>, PublicationError> {
    let number = entry.number();
    let Some(text) = force.kept_record(number)? else {
        return Ok(Vec::new());
    };
    kept::read(&text).map_err(|error| PublicationError::Kept {
        number,
        cause: error.to_string(),
    })
}
