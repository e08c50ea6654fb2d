//! `overt watchlist enrol`: photographs become watchlist entries; every one that does not is reported with its reason.

use std::path::PathBuf;
use std::sync::atomic::Ordering;

use clap::Args;
use overt_deployment::Deployment;
use overt_pipeline::{Enrolment, ImageFailure, ImageToEnrol, enrol};
use overt_records::{Enrolled, Store};
use serde::Serialize;

use super::sources;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::{interrupt, machine, output};

/// Put people on the watchlist, from a folder or a CSV file of photographs
///
/// A folder holds a photograph for each person, named by reference (`custody-0117.jpg`), or a folder for each person with several photographs. A CSV file
/// has the columns `reference`, `category` and `file`; paths in it start at its own folder. The photographs pass through the same detector and encoder that
/// will see the passers-by.
///
/// A photograph is refused if it cannot be read, shows no face or several, if its face is too small, or if its category is none of the
/// deployment's. The others are enrolled.
#[derive(Args)]
#[command(after_help = "\
Examples:
  overt watchlist enrol deployment.toml watchlist/ --category missing-person
  overt watchlist enrol deployment.toml watchlist.csv
  overt watchlist enrol deployment.toml watchlist.csv --json | jq '.[] | select(.refused)'

Exit status: 0 if every photograph was enrolled, 1 if one was not.")]
pub(crate) struct Arguments {
    /// The deployment file
    deployment: PathBuf,
    /// A folder of photographs, or a CSV file
    source: PathBuf,
    /// The category of everybody for whom the source gives none
    #[arg(long)]
    category: Option<String>,
    /// As JSON, an item for each photograph
    #[arg(long)]
    json: bool,
}

/// What became of a photograph.
#[derive(Serialize)]
struct Row {
    file: PathBuf,
    reference: String,
    category: String,
    /// `added` or `replaced`.
    enrolled: Option<&'static str>,
    /// Why not.
    refused: Option<String>,
    /// Unified quality of the face, 0 to 100, where a plugin measured it.
    quality: Option<f32>,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let deployment = Deployment::read(&arguments.deployment)?;
    let (photographs, mistakes) = sources::read(&arguments.source, arguments.category.as_deref())?;
    if photographs.is_empty() && mistakes.is_empty() {
        return Err(Failure::mistake(
            format!("{} names no photograph", arguments.source.display()),
            "see `overt watchlist enrol --help`",
        ));
    }
    let stop = interrupt::watch("what was enrolled so far stays")?;
    let machine = machine::start(&deployment)?;
    let store = Store::open_or_create(&deployment.host.records, &super::settings(&deployment))?;
    store.sweep(super::now())?;
    let images: Vec<_> = photographs
        .into_iter()
        .map(|photograph| ImageToEnrol {
            reference: photograph.reference,
            category: photograph.category,
            path: photograph.file,
        })
        .collect();
    let progress = Progress::new("photographs", Some(images.len() as u64));
    let enrolments = enrol::enrol(&machine, &deployment, &store, images, &stop, &|done| {
        progress.at(done as u64, String::new)
    });
    progress.end();
    let rows: Vec<_> = enrolments?.into_iter().map(row).collect();
    for mistake in &mistakes {
        output::say(&format!("left out: {}\n", output::printable(mistake)));
    }
    if arguments.json {
        output::print_json(&rows)?;
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

fn row(enrolment: Enrolment) -> Row {
    let Enrolment {
        image,
        outcome,
        quality,
    } = enrolment;
    let (enrolled, refused) = match outcome {
        Ok(Enrolled::Added) => (Some("added"), None),
        Ok(Enrolled::Replaced) => (Some("replaced"), None),
        Err(failure) => (None, Some(reason(&failure))),
    };
    Row {
        file: image.path,
        reference: image.reference,
        category: image.category,
        enrolled,
        refused,
        quality,
    }
}

/// Why, and what would be better.
fn reason(failure: &ImageFailure) -> String {
    let mend = match failure {
        ImageFailure::NoFace => "; take a photograph from the front, with the whole face",
        ImageFailure::SeveralFaces { .. } => "; cut out the person who is sought",
        ImageFailure::PoorQuality { .. } => "; take or find a better photograph",
        ImageFailure::TooSmall { .. } => "; find a larger photograph",
        _ => "",
    };
    format!("{failure}{mend}")
}

fn text(rows: &[Row]) -> String {
    let mut text = String::new();
    for row in rows {
        text += &match (&row.refused, row.enrolled) {
            (Some(reason), _) => format!("refused   {}: {reason}\n", row.file.display()),
            (None, enrolled) => {
                let quality = row
                    .quality
                    .map(|quality| format!(", quality {quality:.0}"))
                    .unwrap_or_default();
                format!(
                    "{:<8}  {} ({}{quality}): {}\n",
                    enrolled.unwrap_or_default(),
                    row.reference,
                    row.category,
                    row.file.display()
                )
            }
        };
    }
    let refused = rows.iter().filter(|row| row.refused.is_some()).count();
    text + &format!(
        "{} of {} photographs are on the watchlist, {refused} refused\n",
        rows.len() - refused,
        rows.len()
    )
}
