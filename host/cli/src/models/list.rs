//! `overt models list`: which models there are, what is known about them, and whether they are here.

use clap::Args;
use overt_models::{Card, Status, cards, status};
use serde::Serialize;

use super::Folder;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;

/// List the models: what each does, its licence, and whether it is here
#[derive(Args)]
#[command(after_help = "\
Examples:
  overt models list
  overt models list --long
  overt models list --json | jq '.[] | select(.state != \"present\")'

Exit status: 0 if every model is here and right, 1 if not.")]
pub(crate) struct Arguments {
    #[command(flatten)]
    folder: Folder,
    /// Everything that the cards say
    #[arg(long)]
    long: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Row<'c> {
    name: &'c str,
    /// present, missing, differs or unreadable.
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    found: Option<String>,
    file: String,
    sha256: String,
    task: &'c str,
    licence: &'c str,
    licence_note: &'c str,
    training_data: &'c str,
    accuracy: &'c str,
    known_limits: &'c str,
    source: String,
}

fn row<'c>(card: &'c Card, folder: &std::path::Path) -> Row<'c> {
    let (state, found) = match status(card, folder) {
        Status::Present => ("present", None),
        Status::Missing => ("missing", None),
        Status::Differs { found } => ("differs", Some(found.to_string())),
        Status::Unreadable { cause } => ("unreadable", Some(cause)),
    };
    Row {
        name: &card.name,
        state,
        found,
        file: folder.join(card.file_name()).display().to_string(),
        sha256: card.sha256.to_string(),
        task: &card.task,
        licence: &card.licence,
        licence_note: &card.licence_note,
        training_data: &card.training_data,
        accuracy: &card.accuracy,
        known_limits: &card.known_limits,
        source: format!(
            "{} {} ({})",
            card.source.package,
            card.source.version,
            card.source.registry.name()
        ),
    }
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let cards = cards()?;
    let rows: Vec<_> = cards
        .iter()
        .map(|card| row(card, &arguments.folder.folder))
        .collect();
    if arguments.json {
        output::print_json(&rows)?;
    } else {
        let text: Vec<_> = rows
            .iter()
            .map(|row| {
                if arguments.long {
                    long(row)
                } else {
                    short(row)
                }
            })
            .collect();
        output::print(&text.join(if arguments.long { "\n" } else { "" }))?;
    }
    if rows.iter().all(|row| row.state == "present") {
        return Ok(Exit::Done);
    }
    if !arguments.json {
        output::say("`overt models fetch` gets what is not present\n");
    }
    Ok(Exit::Failed)
}

fn short(row: &Row<'_>) -> String {
    format!(
        "{:<16} {:<10} {:<14} {}\n",
        row.name, row.state, row.licence, row.task
    )
}

fn long(row: &Row<'_>) -> String {
    let state = match &row.found {
        Some(found) => format!("{}: {found}", row.state),
        None => row.state.to_owned(),
    };
    format!("{}\n", row.name)
        + &output::columns([
            ("  state", state),
            ("  file", row.file.clone()),
            ("  sha256", row.sha256.clone()),
            ("  source", row.source.clone()),
            ("  task", row.task.to_owned()),
            (
                "  licence",
                format!("{}. {}", row.licence, row.licence_note),
            ),
            ("  training data", row.training_data.to_owned()),
            ("  accuracy", row.accuracy.to_owned()),
            ("  known limits", row.known_limits.to_owned()),
        ])
}
