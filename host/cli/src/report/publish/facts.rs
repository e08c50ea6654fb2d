//! The facts of a document about a period: the force's register, and a record of each deployment that ran.

use std::path::PathBuf;

use clap::Args;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use overt_deployment::Deployment;
use overt_pipeline::publication;
use overt_publication::facts::Redaction;
use overt_publication::period::{Period, Span};

use super::Publisher;
use crate::failure::Failure;
use crate::inquiry;

/// The deployments of a period.
#[derive(Args)]
pub(super) struct PeriodArguments {
    /// Deployment files of those that are not closed; of a closed one the force has the record. More do no harm
    #[arg(value_name = "DEPLOYMENT")]
    deployments: Vec<PathBuf>,
    /// The file of the force's people and register [default: the one of whoever is signed in]
    #[arg(long, value_name = "FILE")]
    force: Option<PathBuf>,
    /// The first day (UTC)
    #[arg(long, value_name = "YYYY-MM-DD")]
    from: Date,
    /// The last day (UTC), which belongs to it
    #[arg(long, value_name = "YYYY-MM-DD")]
    to: Date,
}

impl PeriodArguments {
    /// Who publishes it.
    pub(super) fn publisher(&self) -> Result<Publisher, Failure> {
        Publisher::of(self.force.as_deref())
    }

    /// The period, every number of the register accounted for.
    pub(super) fn read(
        &self,
        publisher: &Publisher,
        redactions: &[Redaction],
    ) -> Result<Period, Failure> {
        let span = Span {
            from: midnight(self.from)?,
            to: midnight(self.to.saturating_add(1.day()))?,
        };
        let mut deployments = Vec::with_capacity(self.deployments.len());
        for file in &self.deployments {
            deployments.push(Deployment::read(file)?);
        }
        let (register, records) =
            publication::period(&deployments, &publisher.force, &inquiry::record)?;
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
