//! `overt evaluate`: how well a deployment's plugins tell faces apart.

mod verification;

use clap::{Args, Subcommand};

use crate::exit::Exit;
use crate::failure::Failure;

/// Measure how well a deployment's plugins tell faces apart
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Verification(verification::Arguments),
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    match arguments.command {
        Command::Verification(arguments) => verification::run(arguments),
    }
}
