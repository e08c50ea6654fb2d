//! `overt watchlist add`: puts one person on the watchlist, by an authority for it. A run that goes on looks at the photographs and searches for the person from then
//! on; where there is none, it is done in the records.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use clap::Args;
use overt_deployment::Deployment;
use overt_pipeline::enrol;
use overt_pipeline::stills;
use overt_records::{Addition, Force, RecordsError};
use serde::Serialize;

use super::enrolled::{self, Row};
use super::grounds::GroundsArguments;
use crate::control::client::{self, ask_as};
use crate::control::listed::{AddAsked, ListTold, Photograph};
use crate::control::{Ask, QUESTION_BYTES, Told};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::{machine, output, session};

/// Put a person on the watchlist, by an authority for it
///
/// You are signed in (`overt sign-in`) as an authorising officer. While the deployment runs, the run looks at the photographs aside and then searches for the person: no frame
/// is lost and no plugin is loaded anew. Who added whom, when, why and by which authority is on record. The list is another one then, which an authorising officer approves
/// before the next run: `overt watchlist approve`.
#[derive(Args)]
#[command(after_help = "\
Examples:
  overt watchlist add deployment.toml front.jpg side.jpg --reference MP-0042 --category missing-person \\
      --because \"missing since noon, at risk\" --reason \"seen in the area\" --authority LFR-2026-11/2

Exit status: 0 if every photograph is on the watchlist, 1 if one is not.")]
pub(crate) struct Arguments {
    /// The deployment file
    deployment: PathBuf,
    /// Photographs of the person
    #[arg(required = true)]
    photographs: Vec<PathBuf>,
    /// The entry's reference
    #[arg(long)]
    reference: String,
    /// Its category
    #[arg(long)]
    category: String,
    /// Why it is added now
    #[arg(long)]
    reason: String,
    /// The reference of the authority for it
    #[arg(long)]
    authority: String,
    #[command(flatten)]
    grounds: GroundsArguments,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report {
    photographs: Vec<Row>,
    /// The generation of the run that searches for the person.
    generation: Option<u64>,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let deployment = Deployment::read(&arguments.deployment)?;
    let force = Force::at(&deployment.host.force);
    let asked = asked(&arguments, &deployment)?;
    let report = match client::is_running(&deployment) {
        true => live(asked, &deployment, &force)?,
        false => stored(&asked, &deployment, &force)?,
    };
    match arguments.json {
        true => output::print_json(&report)?,
        false => {
            let mut text = enrolled::text(&report.photographs);
            if let Some(generation) = report.generation {
                text += &format!(
                    "generation {generation} searches for {}\n",
                    arguments.reference
                );
            }
            output::print(&output::printable(&text))?;
        }
    }
    let refused = report.photographs.iter().any(|row| row.refused.is_some());
    Ok(if refused { Exit::Failed } else { Exit::Done })
}

/// What is asked, photographs and all.
fn asked(arguments: &Arguments, deployment: &Deployment) -> Result<AddAsked, Failure> {
    let grounds = arguments
        .grounds
        .checked(super::now(), super::approval_under(deployment)?)?;
    let mut photographs = Vec::new();
    let mut bytes = 0;
    for path in &arguments.photographs {
        let read = stills::read(path).map_err(|error| {
            Failure::new(format!("{}: {error}", path.display()), "check the path")
        })?;
        // Base64 makes four bytes of three.
        bytes += read.len() as u64 / 3 * 4 + 4;
        photographs.push(Photograph::of(path.clone(), &read));
    }
    if bytes > QUESTION_BYTES - (64 << 10) {
        return Err(Failure::mistake(
            "the photographs are too large to be added at once",
            "add one after the other, or make them smaller",
        ));
    }
    Ok(AddAsked {
        reference: arguments.reference.clone(),
        category: arguments.category.clone(),
        reason: arguments.reason.clone(),
        authority: arguments.authority.clone(),
        wanted: grounds.wanted,
        reasons: grounds.reasons,
        offence: grounds.offence,
        lawful_basis: grounds.lawful_basis,
        born: grounds.born,
        minor: grounds.minor.map(|minor| (minor.reason, minor.approval)),
        facts: arguments.grounds.facts(),
        photographs,
    })
}

/// By the run.
fn live(asked: AddAsked, deployment: &Deployment, force: &Force) -> Result<Report, Failure> {
    let token = session::token_for(force)?;
    match ask_as(deployment, Ask::Add(Box::new(asked)), &token, &|_| {})? {
        Told::List(ListTold::Added {
            photographs,
            generation,
        }) => Ok(Report {
            photographs,
            generation,
        }),
        _ => Err(Failure::new(
            "the run answered something else",
            "ask with the version that runs",
        )),
    }
}

/// In the records, which nobody else has open.
fn stored(asked: &AddAsked, deployment: &Deployment, force: &Force) -> Result<Report, Failure> {
    let by = session::signed_in(force)?;
    let addition =
        Addition::by(&by, &asked.reason, &asked.authority).map_err(RecordsError::from)?;
    // They were encoded above.
    let images = asked.images().unwrap_or_default();
    let machine = machine::start(deployment)?;
    let store = super::open_or_create(deployment)?;
    let stop = AtomicBool::new(false);
    let enrolments = enrol::add(&machine, deployment, &store, &addition, images, &stop)?;
    Ok(Report {
        photographs: enrolments.into_iter().map(enrolled::row).collect(),
        generation: None,
    })
}
