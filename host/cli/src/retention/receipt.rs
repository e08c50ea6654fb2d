//! `overt retention receipt`: a code for the person who was stopped.

use std::path::PathBuf;

use clap::Args;
use overt_deployment::Deployment;
use overt_pipeline::custody::{Ask, Told};
use serde::Serialize;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;

/// Give the person who was stopped over an alert a code by which it is kept if they complain
///
/// An engagement officer gives it. The code leads to this alert and to no other, and says nothing about anybody; the records keep a digest of it. It is shown once; a second one takes its place.
#[derive(Args)]
#[command(after_help = "\
Examples:
  overt retention receipt deployment.toml 3
  overt retention receipt deployment.toml 3 --json | jq -r .code

Exit status: 0 if there is a code, 1 if nobody was stopped over the alert or you may not.")]
pub(crate) struct Arguments {
    /// The deployment file
    deployment: PathBuf,
    /// The alert's number
    alert: u32,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report<'r> {
    deployment: &'r str,
    code: &'r str,
    /// Without a hold the images are gone after so many hours.
    kept_hours: u64,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let deployment = Deployment::read(&arguments.deployment)?;
    let ask = Ask::Receipt {
        alert: arguments.alert,
    };
    let Told::Receipt(code) = super::ask_as(&deployment, ask)? else {
        return Err(super::something_else());
    };
    let report = Report {
        deployment: &deployment.id,
        code: &code,
        kept_hours: deployment.retention.alerts.as_secs() / 3600,
    };
    if arguments.json {
        output::print_json(&report)?;
    } else {
        output::print(&output::printable(&format!(
            "{code}\nDeployment {}. Without a complaint the images are gone {} hours after the alert; with this code they are kept until it is settled.\n",
            report.deployment, report.kept_hours
        )))?;
    }
    Ok(Exit::Done)
}
