//! `overt deployment`: what can be seen of a deployment, from its file and while it runs.

mod inspect;
mod status;

use clap::{Args, Subcommand};

use crate::exit::Exit;
use crate::failure::Failure;

/// See what a deployment consists of, and whether anything is out of order
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Inspect(inspect::Arguments),
    Status(status::Arguments),
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    match arguments.command {
        Command::Inspect(arguments) => inspect::run(arguments),
        Command::Status(arguments) => status::run(arguments),
    }
}
