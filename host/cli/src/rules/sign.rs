//! `overt rules sign`: whoever holds the force's key vouches for its rules.

use std::path::PathBuf;

use clap::Args;
use overt_deployment::RulesFile;
use overt_records::RULES_DOMAIN;

use super::{SignatureFile, signature_path};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::typed::PassphraseArguments;

/// Check a rules file and sign it: the signature goes beside it, as rules.toml.sig
#[derive(Args)]
#[command(after_help = "\
Examples:
  overt key new force
  overt rules sign rules.toml --key force.key
  overt rules sign rules.toml --key force.key --passphrase-file /run/credentials/force

Exit status: 0 if it is signed, 1 if the key cannot be used, 2 for mistakes in the file, all of them told.")]
pub(crate) struct Arguments {
    /// The rules file
    rules: PathBuf,
    /// The secret key, as `overt key new` makes it
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    #[command(flatten)]
    passphrase: PassphraseArguments,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let rules = RulesFile::read(&arguments.rules)?;
    let key = arguments.passphrase.secret_key(&arguments.key)?;
    let message = [RULES_DOMAIN, rules.source().as_bytes()].concat();
    let file = SignatureFile {
        key: digits(key.public().as_bytes()),
        signature: digits(&key.sign_message(&message)),
    };
    let path = signature_path(&arguments.rules);
    let text = serde_json::to_string(&file).map_err(|error| {
        Failure::new(format!("the signature cannot be written down: {error}"), "")
    })?;
    output::write(&path, &(text + "\n"))?;
    output::print(&format!(
        "{}: version {} of the rules of {}, signed by {}\n",
        path.display(),
        rules.version,
        output::printable(&rules.force),
        key.public().fingerprint()
    ))?;
    Ok(Exit::Done)
}

fn digits(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
