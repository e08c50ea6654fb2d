//! `overt deployment plan`: a deployment gets its number in the register.

use std::path::PathBuf;

use clap::Args;
use overt_deployment::Deployment;
use overt_pipeline::authority;
use overt_records::Force;

use super::register;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::{output, session};

/// Put a deployment into the force's register, with a number of its own; you are signed in as an authorising officer
///
/// The terms are what the deployment file says: place, purpose, use case, window, cameras, categories, the watchlist's size and age, score floor and calibration,
/// retention, documents and notice. What is authorised is these terms: the file can be narrowed later, and never widened.
#[derive(Args)]
#[command(after_help = "\
Examples:
  overt deployment plan deployment.toml
  overt deployment plan deployment.toml --json | jq .number

Exit status: 0 if it has its number, 1 if not, 2 for mistakes in the deployment file.")]
pub(crate) struct Arguments {
    /// The deployment file
    deployment: PathBuf,
    /// The entry as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let deployment = Deployment::read(&arguments.deployment)?;
    deployment.check_files()?;
    let force = Force::at(&deployment.host.force);
    let who = session::signed_in(&force)?;
    let terms = authority::terms(&deployment)?;
    let entry = force.plan(&terms, &who, &session::now()?)?;
    if !arguments.json
        && let Some(adopted) = force.rules()?
    {
        for beyond in adopted.rules.breaches(&terms) {
            output::say(&format!(
                "The rules will not let anybody authorise this. {beyond}\n"
            ));
        }
    }
    register::print(&entry, arguments.json)
}
