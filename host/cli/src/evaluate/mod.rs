//! `overt evaluate`: how well a deployment's plugins tell faces apart.

mod identification;
mod verification;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use overt_evaluation::faces::Seen;
use serde::Serialize;

use crate::exit::Exit;
use crate::failure::{Diagnostic, Failure};
use crate::output;

/// Measure how well a deployment's plugins tell faces apart
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Verification(verification::Arguments),
    Identification(identification::Arguments),
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    match arguments.command {
        Command::Verification(arguments) => verification::run(arguments),
        Command::Identification(arguments) => identification::run(arguments),
    }
}

/// Photographs that are named one by one.
const TOLD: usize = 20;

/// Names the photographs that gave no template, with the reason.
fn complain<'a>(photographs: impl Iterator<Item = &'a Path>, seen: &[Seen]) {
    let told = photographs.zip(seen).filter_map(|(path, seen)| {
        let what = match seen {
            Seen::Failed(failure) => failure.to_string(),
            Seen::NoFace => "no face was found".to_owned(),
            Seen::Template(_) | Seen::NotReached => return None,
        };
        Some(Diagnostic {
            what: format!("{}: {what}", path.display()),
            mend: None,
        })
    });
    for (index, diagnostic) in told.enumerate() {
        match index {
            0..TOLD => output::say(&diagnostic.render(output::colour_on_stderr())),
            TOLD => output::say("and more; all are counted\n"),
            _ => {}
        }
    }
}

/// Something of the result cannot be put into its form.
fn unwritable(error: impl std::fmt::Display) -> Failure {
    Failure::new(
        format!("the figures cannot be written down: {error}"),
        "this is a fault of Overt",
    )
}

/// A result's files: its JSON, and beside it two drawings and a page.
struct Files {
    json: PathBuf,
    drawings: [PathBuf; 2],
    page: PathBuf,
}

impl Files {
    /// Before the work, so that a folder that cannot be made and a file that would take another's place are known at once. `beside`: a further file that
    /// the command is to leave. `read`: files that it reads.
    fn new(
        json: &Path,
        drawings: [&str; 2],
        beside: Option<&Path>,
        read: &[&Path],
    ) -> Result<Files, Failure> {
        let files = Files {
            json: json.to_owned(),
            drawings: drawings.map(|name| json.with_extension(format!("{name}.svg"))),
            page: json.with_extension("html"),
        };
        let [one, other] = &files.drawings;
        let mut taken = Vec::new();
        for path in read {
            taken.push(place(path)?);
        }
        let left = [json, one, other, &files.page];
        for path in left.into_iter().chain(beside) {
            let folder = output::folder_of(path);
            std::fs::create_dir_all(folder).map_err(|error| Failure::file(folder, &error))?;
            let mistake = |what: &str| {
                Failure::mistake(
                    format!("{} {what}", path.display()),
                    "name another file; beside the one in `--json` three more are left, named like it",
                )
            };
            if path.is_dir() {
                return Err(mistake("is a folder"));
            }
            let place = place(path)?;
            if taken.contains(&place) {
                return Err(mistake(
                    "would take the place of another file of this command",
                ));
            }
            taken.push(place);
        }
        Ok(files)
    }

    fn write(
        &self,
        figures: &impl Serialize,
        drawings: [&str; 2],
        page: &str,
    ) -> Result<(), Failure> {
        let json = serde_json::to_string_pretty(figures).map_err(unwritable)?;
        output::write(&self.json, &(json + "\n"))?;
        for (path, svg) in self.drawings.iter().zip(drawings) {
            output::write(path, svg)?;
        }
        output::write(&self.page, page)
    }

    /// Their names, a line each.
    fn list(&self) -> String {
        let [one, other] = &self.drawings;
        [&self.json, one, other, &self.page]
            .iter()
            .map(|file| format!("{}\n", file.display()))
            .collect()
    }
}

/// Where a file is, by whatever way its folder is named.
fn place(file: &Path) -> Result<PathBuf, Failure> {
    let folder = output::folder_of(file);
    let folder = folder
        .canonicalize()
        .map_err(|error| Failure::file(folder, &error))?;
    Ok(folder.join(file.file_name().unwrap_or_default()))
}
