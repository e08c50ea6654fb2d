//! The facts of a document: a deployment's record out of its file, its store and its log, and the register.

use std::path::{Path, PathBuf};

use clap::Args;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use overt_deployment::Deployment;
use overt_pipeline::publication;
use overt_publication::facts::Redaction;
use overt_publication::field::Field;
use overt_publication::period::{Period, Span};
use overt_publication::record::{DeploymentRecord, Mode};
use overt_publication::register::Register;
use overt_records::{AuditLog, RecordsError};

use crate::failure::Failure;
use crate::{output, watchlist};

/// The deployments of a period.
#[derive(Args)]
pub(super) struct PeriodArguments {
    /// The deployment files of all deployments of the period that ran; more do no harm
    #[arg(value_name = "DEPLOYMENT")]
    deployments: Vec<PathBuf>,
    /// The register as JSON: its newest number and every entry
    #[arg(long, value_name = "FILE")]
    register: PathBuf,
    /// The first day (UTC)
    #[arg(long, value_name = "YYYY-MM-DD")]
    from: Date,
    /// The last day (UTC), which belongs to it
    #[arg(long, value_name = "YYYY-MM-DD")]
    to: Date,
}

impl PeriodArguments {
    /// The period, every number of the register accounted for.
    pub(super) fn read(&self, redactions: &[Redaction]) -> Result<Period, Failure> {
        let span = Span {
            from: midnight(self.from)?,
            to: midnight(self.to.saturating_add(1.day()))?,
        };
        let register = register(&self.register)?;
        let mut records = Vec::new();
        for file in &self.deployments {
            let deployment = Deployment::read(file)?;
            let entry = register
                .entries
                .iter()
                .find(|entry| entry.deployment == deployment.id);
            let mut record = match record(&deployment, None) {
                Ok(record) => record,
                Err(Unread::NothingThere) if entry.is_none_or(|entry| !entry.state.has_run()) => {
                    continue;
                }
                Err(unread) => return Err(unread.failure()),
            };
            let has_run = record.deployment.start.value().is_some();
            if !has_run && entry.is_none_or(|entry| !entry.state.has_run()) {
                continue;
            }
            record.deployment.number = Field::from_option(
                entry.map(|entry| entry.number),
                "the register has no entry of it",
            );
            records.push(record);
        }
        Ok(Period::of(span, &register, &records, redactions)?)
    }
}

fn midnight(date: Date) -> Result<Timestamp, Failure> {
    let zoned = date.to_zoned(TimeZone::UTC).map_err(|error| {
        Failure::mistake(
            format!("{date} cannot be reckoned with: {error}"),
            "give an earlier day",
        )
    })?;
    Ok(zoned.timestamp())
}

/// The register, as it was handed over.
pub(super) fn register(path: &Path) -> Result<Register, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| Failure::file(path, &error))?;
    serde_json::from_str(&text).map_err(|error| {
        Failure::mistake(
            format!("{}: it is no register: {error}", path.display()),
            "it is an object with `last-number` and `entries`",
        )
    })
}

/// Why there is no record.
pub(super) enum Unread {
    /// There is no store: nothing was ever put on record.
    NothingThere,
    /// The store.
    Records(Box<RecordsError>),
}

impl Unread {
    pub(super) fn failure(self) -> Failure {
        match self {
            Self::NothingThere => Failure::new(
                "nothing is on record of this deployment: it has no store",
                "run it first, or correct `records` under [host]",
            ),
            Self::Records(error) => (*error).into(),
        }
    }
}

/// The record of a deployment in a mode, or else in the first that it ran in; the others are told of. What has reached the end of its retention is gone before anybody looks.
pub(super) fn record(
    deployment: &Deployment,
    wanted: Option<Mode>,
) -> Result<DeploymentRecord, Unread> {
    let unread = |error: RecordsError| match error {
        RecordsError::Missing { .. } => Unread::NothingThere,
        error => Unread::Records(Box::new(error)),
    };
    let now = watchlist::now();
    let settings = watchlist::settings(deployment);
    let mut record = {
        let store =
            overt_records::Store::open(&deployment.host.records, &settings).map_err(unread)?;
        store.sweep(now).map_err(unread)?;
        let modes = publication::modes(&store).map_err(unread)?;
        let mode = wanted.or(modes.first().copied()).unwrap_or(Mode::Live);
        for other in modes.into_iter().filter(|other| *other != mode) {
            output::say(&format!(
                "{} ran in another mode as well, which this record is not of: {}.\n",
                deployment.id,
                other.words()
            ));
        }
        publication::record(deployment, &store, mode, now).map_err(unread)?
    };
    // The log is read with the store closed.
    let log = AuditLog::read(&deployment.host.records, &deployment.id).map_err(unread)?;
    publication::add_log(&mut record, &log.entries());
    Ok(record)
}
