//! `overt watchlist list`: who is sought, without a face.

use std::path::PathBuf;

use clap::Args;
use overt_deployment::Deployment;
use overt_records::EntrySummary;
use serde::Serialize;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::{output, times};

/// List the watchlist's entries: reference, category, images, and when they have to be gone
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
    images: usize,
    enrolled_at: Option<String>,
    expires_at: Option<String>,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let deployment = Deployment::read(&arguments.deployment)?;
    let rows: Vec<_> = super::open(&deployment)?
        .watchlist()
        .list()?
        .iter()
        .map(row)
        .collect();
    if arguments.json {
        output::print_json(&rows)?;
    } else {
        output::print(&table(&rows))?;
    }
    Ok(Exit::Done)
}

/// An entry's times are those of its first image to come and its first to go.
fn row(entry: &EntrySummary) -> Row {
    let shown = |time| times::for_lists(times::of_records(time));
    Row {
        reference: entry.reference.clone(),
        category: entry.category.clone(),
        images: entry.images.len(),
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
        "{:<reference$}  {:<category$}  IMAGES  GONE BY\n",
        "REFERENCE", "CATEGORY"
    );
    for row in rows {
        let gone = row.expires_at.as_deref().unwrap_or("-");
        text += &format!(
            "{:<reference$}  {:<category$}  {:>6}  {gone}\n",
            row.reference, row.category, row.images
        );
    }
    let entries = if rows.len() == 1 { "entry" } else { "entries" };
    let images: usize = rows.iter().map(|row| row.images).sum();
    let pictures = if images == 1 { "image" } else { "images" };
    text + &format!("{} {entries}, {images} {pictures}\n", rows.len())
}
