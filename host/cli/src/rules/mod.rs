//! `overt rules`: the force's policy, signed and in force.

mod adopt;
mod show;
mod sign;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde::{Deserialize, Serialize};

use crate::exit::Exit;
use crate::failure::Failure;

/// Sign and adopt the force's rules: ranks, categories, ages, periods
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Sign(sign::Arguments),
    Adopt(adopt::Arguments),
    Show(show::Arguments),
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    match arguments.command {
        Command::Sign(arguments) => sign::run(arguments),
        Command::Adopt(arguments) => adopt::run(arguments),
        Command::Show(arguments) => show::run(arguments),
    }
}

/// What lies beside a rules file once it is signed: digits.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SignatureFile {
    key: String,
    signature: String,
}

/// `rules.toml.sig`.
fn signature_path(rules: &Path) -> PathBuf {
    let mut name = rules.as_os_str().to_owned();
    name.push(".sig");
    name.into()
}
