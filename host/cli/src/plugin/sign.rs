//! `overt plugin sign`: a signature more in a plugin file.

use std::path::PathBuf;

use clap::Args;
use overt_runtime::signature::sign;
use overt_runtime::{PluginError, PluginFile, agreement};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::typed::PassphraseArguments;

/// Sign a plugin: the whole file, beside the signatures that it has
///
/// The file is read as a host would read it first: what no host accepts is not signed. Signing changes the file's digest, and not what it is measured
/// and calibrated by. A key that is under a passphrase asks for it.
#[derive(Args)]
#[command(after_help = "\
Examples:
  overt plugin sign detector.wasm --key acme-2026.key
  overt plugin sign detector.wasm --key office.key -o accepted/detector.wasm
  overt plugin sign detector.wasm --key office.key --passphrase-file /run/credentials/office

Exit status: 0 if it was signed, 1 if not.")]
pub(crate) struct Arguments {
    /// The plugin file
    plugin: PathBuf,
    /// The secret key's file
    #[arg(long)]
    key: PathBuf,
    #[command(flatten)]
    passphrase: PassphraseArguments,
    /// The signed file to write [default: in place]
    #[arg(short, long)]
    output: Option<PathBuf>,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    // The file first: nobody should type a passphrase for what is not signed anyhow.
    let file = PluginFile::read(&arguments.plugin)?;
    agreement::declared(file.path(), file.manifest(), file.imports(), file.exports())?;
    agreement::live(file.path(), file.manifest())?;
    let key = arguments.passphrase.secret_key(&arguments.key)?;
    let signed = sign(&file, &key)?;
    let path = arguments.output.unwrap_or(arguments.plugin);
    output::write_for_all(&path, signed.bytes()).map_err(|cause| PluginError::Write {
        path: path.clone(),
        cause,
    })?;
    let about = &file.manifest().plugin;
    output::print(&format!(
        "{}: {} {}, signed by {}\nsha256   {}\ncontent  {}\n",
        path.display(),
        about.id,
        about.version,
        key.public().fingerprint(),
        signed.sha256(),
        file.content_sha256(),
    ))?;
    Ok(Exit::Done)
}
