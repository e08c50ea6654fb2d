//! `overt rules adopt`: signed rules come into force.

use std::path::PathBuf;

use clap::Args;
use overt_deployment::RulesFile;
use overt_pipeline::authority;
use overt_records::SignedRules;

use super::{SignatureFile, show, signature_path};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::{self, ForceArguments};

/// Put signed rules in force; you are signed in as an authorising officer
///
/// The first rules pin the key: all later ones have to be signed by it and to have a higher version. Every version stays on record.
#[derive(Args)]
#[command(after_help = "\
Examples:
  overt rules adopt rules.toml
  overt rules adopt rules.toml --force /var/lib/overt/force.redb

Exit status: 0 if they are in force, 1 if not, 2 for mistakes in the file.")]
pub(crate) struct Arguments {
    /// The rules file; its signature lies beside it, as rules.toml.sig
    rules: PathBuf,
    #[command(flatten)]
    force: ForceArguments,
    /// What is in force now, as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let file = RulesFile::read(&arguments.rules)?;
    let path = signature_path(&arguments.rules);
    let unsigned = || {
        Failure::new(
            format!("{}: this is no signature of rules", path.display()),
            format!(
                "sign them: `overt rules sign {} --key KEY`",
                arguments.rules.display()
            ),
        )
    };
    let text = match std::fs::read_to_string(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(unsigned()),
        read => read.map_err(|error| Failure::file(&path, &error))?,
    };
    let signature: SignatureFile = serde_json::from_str(&text).map_err(|_| unsigned())?;
    let signed = SignedRules {
        rules: authority::rules(&file),
        text: file.source().to_owned(),
        key: bytes(&signature.key).ok_or_else(unsigned)?,
        signature: bytes(&signature.signature).ok_or_else(unsigned)?,
    };
    let (force, who) = arguments.force.signed_in()?;
    let adopted = force.adopt_rules(&signed, &who, &session::now()?)?;
    show::print(&adopted, arguments.json)
}

/// Bytes from hexadecimal digits.
fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != 2 * N || !text.is_ascii() {
        return None;
    }
    let mut bytes = [0; N];
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * index..2 * index + 2], 16).ok()?;
    }
    Some(bytes)
}
