//! `overt watchlist remove`: takes entries off the watchlist, with their images and templates.

use std::path::PathBuf;

use clap::Args;
use overt_deployment::Deployment;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;

/// Take entries off the watchlist; their images and templates are destroyed
#[derive(Args)]
#[command(after_help = "\
Examples:
  overt watchlist remove deployment.toml custody-2026-0117
  overt watchlist remove deployment.toml custody-2026-0117 custody-2026-0118

Exit status: 0 if all of them were on the watchlist, 1 if one was not.")]
pub(crate) struct Arguments {
    /// The deployment file
    deployment: PathBuf,
    /// The entries' references
    #[arg(required = true)]
    references: Vec<String>,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let deployment = Deployment::read(&arguments.deployment)?;
    let store = super::open(&deployment)?;
    let mut exit = Exit::Done;
    for reference in &arguments.references {
        let shown = output::printable(reference);
        match store.watchlist().remove(reference, super::now())? {
            Some(1) => output::print(&format!("{shown}: removed, with 1 image\n"))?,
            Some(images) => output::print(&format!("{shown}: removed, with {images} images\n"))?,
            None => {
                output::say(&format!("{shown}: not on the watchlist\n"));
                exit = Exit::Failed;
            }
        }
    }
    Ok(exit)
}
