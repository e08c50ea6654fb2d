//! `overt models fetch`: gets the models that are not there yet, each checked by its digest.

use clap::Args;
use overt_models::{Fetcher, Progress, cards};

use super::Folder;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;

/// Fetch the models that are not there yet, each checked by its SHA-256
///
/// They come out of packages of public registries, through those registries' own clients. What is there already and right is left alone.
#[derive(Args)]
#[command(after_help = "\
Examples:
  overt models fetch
  overt models fetch centerface --folder /srv/overt/models")]
pub(crate) struct Arguments {
    /// The models; all of them if none is named
    names: Vec<String>,
    #[command(flatten)]
    folder: Folder,
}

struct Lines;

impl Progress for Lines {
    fn step(&mut self, what: &str) {
        output::say(&format!("{what}\n"));
    }
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let cards = cards()?;
    if let Some(unknown) = arguments
        .names
        .iter()
        .find(|name| cards.iter().all(|card| card.name != **name))
    {
        let known: Vec<_> = cards.iter().map(|card| card.name.as_str()).collect();
        return Err(Failure::mistake(
            format!("there is no model {unknown:?}"),
            format!("the models are {}", known.join(", ")),
        ));
    }
    let mut fetcher = Fetcher::default();
    for card in cards
        .iter()
        .filter(|card| arguments.names.is_empty() || arguments.names.contains(&card.name))
    {
        let path = fetcher.model(card, &arguments.folder.folder, &mut Lines)?;
        output::print(&format!("{}\n", path.display()))?;
    }
    Ok(Exit::Done)
}
