//! `overt key`: the keys by which plugins are signed.

mod new;
mod show;

use clap::{Args, Subcommand};
use overt_runtime::signature::KeyError;

use crate::exit::Exit;
use crate::failure::Failure;

/// Make keys to sign plugins with, and tell them apart
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    New(new::Arguments),
    Show(show::Arguments),
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    match arguments.command {
        Command::New(arguments) => new::run(arguments),
        Command::Show(arguments) => show::run(arguments),
    }
}

impl From<KeyError> for Failure {
    fn from(error: KeyError) -> Self {
        Self::new(error.to_string(), error.mend())
    }
}
