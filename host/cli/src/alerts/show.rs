//! `overt alerts show`: opens an alert's images to whoever judges it, as a page of their own.

use std::path::PathBuf;

use clap::Args;
use overt_deployment::Deployment;
use overt_pipeline::desk::{Ask, Told};
use serde::Serialize;

use super::{Row, page};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;

/// Look at an alert: writes a page with the passer-by's face beside the entry's images
///
/// The page shows no score: judge on the images first. That you opened it is on record, with your role and when; nobody can judge an alert that they have not opened. It
/// is readable by you alone, on record as a file that shows a face, and destroyed with the alert's images at the latest: destroy it yourself once the alert is judged.
#[derive(Args)]
#[command(after_help = "\
Examples:
  overt alerts show deployment.toml 3
  overt alerts show deployment.toml 3 -o /run/user/1000/alert.html
  overt alerts show deployment.toml 3 --as engagement-officer --json

Exit status: 0 if the page is written, 1 if there is no such alert, its images are gone or you may not.
The JSON is described by alerts.schema.json in the source of overt.")]
pub(crate) struct Arguments {
    /// The deployment file
    deployment: PathBuf,
    /// The alert's number
    alert: u32,
    /// Where the page goes [default: alert-NUMBER.html in the deployment's output folder]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// In which of your roles [default: the one that the alert waits for]
    #[arg(long = "as", value_name = "ROLE")]
    role: Option<Role>,
    /// Print what it is about as JSON
    #[arg(long)]
    json: bool,
}

/// A role that judges.
#[derive(Clone, Copy, clap::ValueEnum)]
enum Role {
    Operator,
    EngagementOfficer,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'r> {
    page: String,
    alert: Row<'r>,
    role: overt_records::JudgingRole,
    /// How many of the entry's images it shows.
    pictures: usize,
    /// Null before you have judged.
    score: Option<f32>,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let deployment = Deployment::read(&arguments.deployment)?;
    let name = format!("alert-{}.html", arguments.alert);
    let file = arguments
        .output
        .unwrap_or_else(|| deployment.host.output.join(name));
    let folder = output::folder_of(&file);
    let failed = |error: std::io::Error| Failure::file(folder, &error);
    std::fs::create_dir_all(folder).map_err(failed)?;
    let Some(name) = file.file_name() else {
        return Err(Failure::mistake(
            format!("{}: this names no file", file.display()),
            "name the page: `-o alert.html`",
        ));
    };
    let file = folder.canonicalize().map_err(failed)?.join(name);
    // What an earlier look left there goes first: a run that is asked next may not reach that folder.
    overt_records::destroy_file(&file)?;
    let ask = Ask::View {
        file: Some(file.clone()),
        alert: arguments.alert,
        role: arguments.role.map(|role| match role {
            Role::Operator => overt_records::JudgingRole::Operator,
            Role::EngagementOfficer => overt_records::JudgingRole::EngagementOfficer,
        }),
    };
    let (Told::View(viewed), _) = super::ask(&deployment, ask)? else {
        return Err(super::something_else());
    };
    output::write(&file, &page::page(&deployment, &viewed)?)?;
    if arguments.json {
        output::print_json(&Report {
            page: file.display().to_string(),
            alert: Row::of(&viewed.listed),
            role: viewed.role,
            pictures: viewed.pictures.len(),
            score: viewed.after.as_ref().map(|after| after.score),
        })?;
    } else {
        output::print(&format!("{}\n", file.display()))?;
    }
    Ok(Exit::Done)
}
