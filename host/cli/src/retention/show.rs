//! `overt retention show`: what is kept, until when, and why.

use std::path::PathBuf;

use clap::Args;
use overt_deployment::Deployment;
use overt_pipeline::custody::{Ask, Kept, Limits, Told};
use overt_records::RetentionClass;
use serde::Serialize;

use super::{HoldRow, shown};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;

/// Say what is kept, until when, what is held and why, and which files show faces
#[derive(Args)]
#[command(after_help = "\
Examples:
  overt retention show deployment.toml
  overt retention show deployment.toml --json | jq '.holds[] | select(.lasts)'")]
pub(crate) struct Arguments {
    /// The deployment file
    deployment: PathBuf,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report {
    limits: Limits,
    kept: Vec<ClassRow>,
    holds: Vec<HoldRow>,
    files: Vec<FileRow>,
}

#[derive(Serialize)]
struct ClassRow {
    class: RetentionClass,
    records: u64,
    first_expires_at: String,
    last_expires_at: String,
}

#[derive(Serialize)]
struct FileRow {
    file: PathBuf,
    at: String,
    expires_at: String,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let deployment = Deployment::read(&arguments.deployment)?;
    let Told::Kept(kept) = super::ask(&deployment, Ask::Kept)? else {
        return Err(super::something_else());
    };
    let report = Report::of(&kept);
    if arguments.json {
        output::print_json(&report)?;
    } else {
        output::print(&output::printable(&report.text()))?;
    }
    Ok(Exit::Done)
}

impl Report {
    fn of(kept: &Kept) -> Report {
        Report {
            limits: kept.limits,
            kept: kept
                .retained
                .iter()
                .map(|retained| ClassRow {
                    class: retained.class,
                    records: retained.records,
                    first_expires_at: shown(retained.first_expires_at),
                    last_expires_at: shown(retained.last_expires_at),
                })
                .collect(),
            holds: kept.holds.iter().map(HoldRow::of).collect(),
            files: kept
                .exports
                .iter()
                .map(|export| FileRow {
                    file: export.path.clone(),
                    at: shown(export.at),
                    expires_at: shown(export.expires_at),
                })
                .collect(),
        }
    }

    fn text(&self) -> String {
        let hours = |class| match class {
            RetentionClass::Alerts => self.limits.alerts_hours,
            RetentionClass::Inputs => self.limits.inputs_hours,
            RetentionClass::Watchlist => self.limits.watchlist_hours,
        };
        let rows = [
            (RetentionClass::Alerts, "alerts"),
            (RetentionClass::Inputs, "inputs of alerts"),
            (RetentionClass::Watchlist, "watchlist images"),
        ]
        .map(|(class, name)| {
            let row = self.kept.iter().find(|row| row.class == class);
            let kept = match row {
                None => "none".to_owned(),
                Some(row) => format!(
                    "{}, the first to go {}, the last {}",
                    row.records, row.first_expires_at, row.last_expires_at
                ),
            };
            (name, format!("{kept} (limit: {} hours)", hours(class)))
        });
        let mut text = output::columns(rows.to_vec());
        for hold in &self.holds {
            text += &hold.text();
        }
        for file in &self.files {
            text += &format!(
                "{} shows faces or scores; it goes {}\n",
                file.file.display(),
                file.expires_at
            );
        }
        text
    }
}
