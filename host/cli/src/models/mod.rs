//! `overt models`: the models that Overt's own plugins use.

mod bench;
mod fetch;
mod list;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::exit::Exit;
use crate::failure::Failure;

/// The folder in which models are looked for, seen from the working folder.
pub(crate) const FOLDER: &str = ".overt/models";

/// Fetch, list and measure the models that Overt's own plugins use
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Fetch(fetch::Arguments),
    List(list::Arguments),
    Bench(bench::Arguments),
}

/// Where models are.
#[derive(Args)]
struct Folder {
    /// The folder of the models
    #[arg(long, default_value = FOLDER)]
    folder: PathBuf,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    match arguments.command {
        Command::Fetch(arguments) => fetch::run(arguments),
        Command::List(arguments) => list::run(arguments),
        Command::Bench(arguments) => bench::run(arguments),
    }
}
