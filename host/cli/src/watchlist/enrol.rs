//! `overt watchlist enrol`: photographs become watchlist entries; every one that does not is reported with its reason.

use std::path::PathBuf;
use std::sync::atomic::Ordering;

use clap::Args;
use overt_deployment::Deployment;
use overt_pipeline::{ImageToEnrol, enrol};
use overt_records::{By, Force, RecordsError};

use super::enrolled::{lines, row, text};
use super::grounds::GroundsArguments;
use super::sources::{self, ForAll};
use crate::control::client;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::{confine, interrupt, machine, output, session};

/// Put people on the watchlist, from a folder or a CSV file of photographs
///
/// You are signed in (`overt sign-in`) as a system engineer. A folder holds a photograph for each person, named by reference (`custody-0117.jpg`), or a folder for each
/// person with several photographs; what is said on the command line holds for all of them. A CSV file has a line for each photograph. Its columns are `reference`,
/// `file` (a path that starts at the CSV file's own folder), `category`, `wanted` (yes or no: wanted for arrest), `reasons` (several with `;` between; at least one
/// for whoever is not wanted), `offence`, `lawful-basis`, `born` (2008-05-31), `under-18-reason` and `under-18-approval` (both for whoever is under 18),
/// `source` (custody, force, partner or other:NAME) and `taken` (2026-05-31). The photographs pass through the same detector and encoder that will see the passers-by.
///
/// A photograph is refused if it cannot be read, shows no face or several, if its face is too small or too poor, or if its category is none of the deployment's.
/// The others are enrolled. One that is there already is left as it is, so an enrolment that was interrupted or killed goes on where it was when it is
/// started again. When all are there, an authorising officer approves the list: `overt watchlist approve`.
#[derive(Args)]
#[command(after_help = "\
Examples:
  overt watchlist enrol deployment.toml watchlist.csv
  overt watchlist enrol deployment.toml watchlist/ --category wanted-on-warrant --wanted --source custody
  overt watchlist enrol deployment.toml watchlist/ --category missing-person --because \"missing, at risk\"
  overt watchlist enrol deployment.toml watchlist.csv --csv > enrolled.csv
  overt watchlist enrol deployment.toml watchlist.csv --json | jq '.[] | select(.refused)'

Exit status: 0 if every photograph is on the watchlist, 1 if one is not.")]
pub(crate) struct Arguments {
    /// The deployment file
    deployment: PathBuf,
    /// A folder of photographs, or a CSV file
    photographs: PathBuf,
    /// The category of everybody for whom the source gives none
    #[arg(long)]
    category: Option<String>,
    #[command(flatten)]
    grounds: GroundsArguments,
    /// As JSON, an item for each photograph
    #[arg(long)]
    json: bool,
    /// As CSV, a line for each photograph
    #[arg(long, conflicts_with = "json")]
    csv: bool,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let deployment = Deployment::read(&arguments.deployment)?;
    let all = ForAll {
        category: arguments.category.as_deref(),
        grounds: &arguments.grounds,
    };
    let (photographs, mistakes) = sources::read(
        &arguments.photographs,
        &all,
        super::now(),
        super::approval_under(&deployment)?,
    )?;
    if client::is_running(&deployment) {
        return Err(Failure::new(
            format!("{} runs, and the run holds its records", deployment.id),
            "add people one by one, by an authority for each: `overt watchlist add`; or enrol once it has ended",
        ));
    }
    let by = session::signed_in(&Force::at(&deployment.host.force))?;
    if photographs.is_empty() && mistakes.is_empty() {
        return Err(Failure::mistake(
            format!("{} names no photograph", arguments.photographs.display()),
            "see `overt watchlist enrol --help`",
        ));
    }
    // Before anything is loaded for somebody who may not.
    By::enrolling(&by).map_err(RecordsError::from)?;
    // Before any thread, and before a photograph is opened.
    let files: Vec<PathBuf> = photographs.iter().map(|one| one.file.clone()).collect();
    confine::confine_aside(&deployment, &files, &[])?;
    let stop = interrupt::watch("what was enrolled so far stays, and is left out next time")?;
    let machine = machine::start(&deployment)?;
    let store = super::open_or_create(&deployment)?;
    let images: Vec<_> = photographs
        .into_iter()
        .map(|photograph| ImageToEnrol {
            reference: photograph.reference,
            category: photograph.category,
            path: photograph.file,
            bytes: None,
            grounds: photograph.grounds,
            facts: photograph.facts,
        })
        .collect();
    let progress = Progress::new("photographs", Some(images.len() as u64));
    let enrolments = enrol::enrol(&machine, &deployment, &store, &by, images, &stop, &|done| {
        progress.at(done as u64, String::new)
    });
    progress.end();
    let rows: Vec<_> = enrolments?.into_iter().map(row).collect();
    for mistake in &mistakes {
        output::say(&format!("left out: {}\n", output::printable(mistake)));
    }
    if arguments.json {
        output::print_json(&rows)?;
    } else if arguments.csv {
        output::print(&lines(&rows)?)?;
    } else {
        output::print(&output::printable(&text(&rows)))?;
    }
    Ok(if stop.load(Ordering::SeqCst) {
        Exit::Interrupted
    } else if mistakes.is_empty() && rows.iter().all(|row| row.refused.is_none()) {
        Exit::Done
    } else {
        Exit::Failed
    })
}
