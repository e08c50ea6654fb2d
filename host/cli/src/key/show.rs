//! `overt key show`: which key a file holds.

use std::path::PathBuf;

use clap::Args;
use overt_runtime::signature::read_public_key;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;

/// Say which public key a file holds, to compare it by telephone
#[derive(Args)]
#[command(after_help = "\
Examples:
  overt key show acme-2026.pub")]
pub(crate) struct Arguments {
    /// The public key's file
    file: PathBuf,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let key = read_public_key(&arguments.file)?;
    output::print(&output::columns([
        ("fingerprint", key.fingerprint()),
        ("public-key", key.to_string()),
    ]))?;
    Ok(Exit::Done)
}
