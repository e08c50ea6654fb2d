//! `overt retention hold` and `end-hold`: an alert is kept past its time, on somebody's word and for a reason.

use std::path::PathBuf;

use clap::Args;
use overt_deployment::Deployment;
use overt_pipeline::custody::{Ask, HoldOf, Told};
use overt_records::Timestamp;

use crate::exit::Exit;
use crate::failure::Failure;

/// Keep one alert past its time, with its images and what its plugins were asked
///
/// You answer for it: an authorising officer or an auditor. It holds this alert and no other, nothing of the watchlist, and for 366 days at most; it ends by itself. With a receipt's code nobody
/// has to know whose alert it is.
#[derive(Args)]
#[command(after_help = "\
Examples:
  overt retention hold deployment.toml --receipt 7K2M-0QZX-V4TB-11RA --reason \"complaint 2027/12\" --until 2027-03-31
  overt retention hold deployment.toml --alert 3 --reason \"order of the court, 14 March\" --until 2027-03-31

Exit status: 0 if it is held, 1 if it is not: its images are gone, you may not, or the end lies too far away.")]
pub(crate) struct Arguments {
    /// The deployment file
    deployment: PathBuf,
    /// The alert's number
    #[arg(long, value_name = "NUMBER", required_unless_present = "receipt")]
    alert: Option<u32>,
    /// The code on the receipt of the person who was stopped
    #[arg(long, value_name = "CODE", conflicts_with = "alert")]
    receipt: Option<String>,
    /// Why
    #[arg(long)]
    reason: String,
    /// Until when: a day, to its end, or a moment
    #[arg(long, value_parser = super::end)]
    until: Timestamp,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let deployment = Deployment::read(&arguments.deployment)?;
    let of = match (arguments.alert, arguments.receipt) {
        (Some(alert), _) => HoldOf::Alert(alert),
        // One of the two is there: the command line says so.
        (None, code) => HoldOf::Receipt(code.unwrap_or_default()),
    };
    let ask = Ask::Hold {
        of,
        reason: arguments.reason,
        until: arguments.until,
    };
    match super::ask_as(&deployment, ask)? {
        Told::Hold(hold) => super::print_hold(&hold, arguments.json),
        _ => Err(super::something_else()),
    }
}

/// End a hold before its time
///
/// What it kept goes with the next sweep, if its own time is over and no other hold keeps it.
#[derive(Args)]
#[command(after_help = "\
Examples:
  overt retention end-hold deployment.toml 1 --reason \"complaint withdrawn\"")]
pub(crate) struct EndArguments {
    /// The deployment file
    deployment: PathBuf,
    /// The hold's number
    hold: u64,
    /// Why
    #[arg(long)]
    reason: String,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn end(arguments: EndArguments) -> Result<Exit, Failure> {
    let deployment = Deployment::read(&arguments.deployment)?;
    let ask = Ask::EndHold {
        hold: arguments.hold,
        reason: arguments.reason,
    };
    match super::ask_as(&deployment, ask)? {
        Told::Hold(hold) => super::print_hold(&hold, arguments.json),
        _ => Err(super::something_else()),
    }
}
