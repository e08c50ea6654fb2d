//! `overt audit`: what an auditor does with what a deployment has left.

mod replay;

use clap::{Args, Subcommand};

use crate::exit::Exit;
use crate::failure::Failure;

/// Verify what a deployment has left on record
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Replay(replay::Arguments),
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    match arguments.command {
        Command::Replay(arguments) => replay::run(arguments),
    }
}
