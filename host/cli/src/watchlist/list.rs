//! `overt watchlist list`: who is sought, without a face.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::Args;
use overt_deployment::Deployment;
use overt_records::{Actor, EntrySummary, GoneByRetention};
use serde::Serialize;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::{inquiry, output, times};

/// List the watchlist's entries: reference, category, whether wanted for arrest or under 18, images, and when they have to be gone
#[derive(Args)]
#[command(after_help = "\
Examples:
  overt watchlist list deployment.toml
  overt watchlist list deployment.toml --json | jq length")]
pub(crate) struct Arguments {
    /// The deployment file
    deployment: PathBuf,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Row {
    reference: String,
    category: String,
    /// Wanted for arrest; null: an older version did not ask.
    wanted: Option<bool>,
    under_18: Option<bool>,
    added_by: Option<String>,
    /// The reference of the authority by which it was added.
    authority: Option<String>,
    images: usize,
    /// Where the images come from, each source once.
    sources: Vec<String>,
    enrolled_at: Option<String>,
    expires_at: Option<String>,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let deployment = Deployment::read(&arguments.deployment)?;
    let (entries, gone_since) = inquiry::watchlist(&deployment)?;
    let rows: Vec<_> = entries.iter().map(row).collect();
    if arguments.json {
        output::print_json(&rows)?;
    } else {
        output::print(&(table(&rows) + &gone(&gone_since)))?;
    }
    Ok(Exit::Done)
}

/// An entry's times are those of its first image to come and its first to go.
fn row(entry: &EntrySummary) -> Row {
    let shown = |time| times::for_lists(times::of_records(time));
    Row {
        reference: entry.reference.clone(),
        category: entry.category.clone(),
        wanted: entry.wanted,
        under_18: entry.under_18,
        added_by: entry.added.as_ref().map(|added| name(&added.by)),
        authority: entry
            .added
            .as_ref()
            .and_then(|added| added.authority.clone()),
        images: entry.images.len(),
        sources: entry
            .images
            .iter()
            .filter_map(|image| image.facts.source.as_ref())
            .map(ToString::to_string)
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect(),
        enrolled_at: entry
            .images
            .iter()
            .map(|image| image.enrolled_at)
            .min()
            .map(shown),
        expires_at: entry
            .images
            .iter()
            .map(|image| image.expires_at)
            .min()
            .map(shown),
    }
}

/// What is not in the list any more because its retention was over.
fn gone(gone: &GoneByRetention) -> String {
    if gone.images == 0 && gone.withdrawn == 0 {
        return String::new();
    }
    format!(
        "Gone since, for their retention was over: entries {}, images {}; alerts withdrawn: {}\n",
        gone.entries, gone.images, gone.withdrawn
    )
}

/// Whoever did it, as people name them.
fn name(actor: &Actor) -> String {
    match actor {
        Actor::Host => "the host".to_owned(),
        Actor::Unnamed => "somebody".to_owned(),
        Actor::Named(name) => name.clone(),
        Actor::Person { id, name } => format!("{name} ({id})"),
    }
}

fn yes_or_no(said: Option<bool>) -> &'static str {
    match said {
        Some(true) => "yes",
        Some(false) => "no",
        None => "?",
    }
}

fn table(rows: &[Row]) -> String {
    let width = |title: &str, of: fn(&Row) -> &str| {
        rows.iter()
            .map(|row| of(row).chars().count())
            .chain([title.len()])
            .max()
            .unwrap_or(0)
    };
    let (reference, category) = (
        width("REFERENCE", |row| &row.reference),
        width("CATEGORY", |row| &row.category),
    );
    let mut text = format!(
        "{:<reference$}  {:<category$}  WANTED  UNDER 18  IMAGES  GONE BY\n",
        "REFERENCE", "CATEGORY"
    );
    for row in rows {
        let gone = row.expires_at.as_deref().unwrap_or("-");
        text += &format!(
            "{:<reference$}  {:<category$}  {:<6}  {:<8}  {:>6}  {gone}\n",
            row.reference,
            row.category,
            yes_or_no(row.wanted),
            yes_or_no(row.under_18),
            row.images
        );
    }
    let entries = if rows.len() == 1 { "entry" } else { "entries" };
    let images: usize = rows.iter().map(|row| row.images).sum();
    let pictures = if images == 1 { "image" } else { "images" };
    text + &format!("{} {entries}, {images} {pictures}\n", rows.len())
}
