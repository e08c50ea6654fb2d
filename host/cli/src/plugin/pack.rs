//! `overt plugin pack`: one file out of a component (or core module) and its manifest.

use std::path::PathBuf;

use clap::Args;
use overt_runtime::{PluginError, agreement, pack};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;

/// Make a plugin file out of a component or core module and its manifest
///
/// A core module becomes a component first, so no other tool is needed. The result is read back as a host would read it: what would be refused
/// there is refused here, and nothing is written.
#[derive(Args)]
#[command(after_help = "\
Examples:
  overt plugin pack plugin.toml target/wasm32-unknown-unknown/release/my_detector.wasm
  overt plugin pack plugin.toml component.wasm -o my-detector.wasm")]
pub(crate) struct Arguments {
    /// The manifest
    manifest: PathBuf,
    /// The component or core module
    wasm: PathBuf,
    /// The plugin file to write [default: the plugin's id with .wasm, in the working folder]
    #[arg(short, long)]
    output: Option<PathBuf>,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let file = pack::pack(&arguments.manifest, &arguments.wasm)?;
    let manifest = file.manifest();
    let path = arguments
        .output
        .unwrap_or_else(|| PathBuf::from(format!("{}.wasm", manifest.plugin.id)));
    output::write_for_all(&path, file.bytes()).map_err(|cause| PluginError::Write {
        path: path.clone(),
        cause,
    })?;
    output::print(&format!(
        "{}: {} {}, {} bytes\nsha256  {}\n",
        path.display(),
        manifest.plugin.id,
        manifest.plugin.version,
        file.bytes().len(),
        file.sha256()
    ))?;
    // Packed all the same: its vendor tests it so.
    if let Err(error) = agreement::live(&path, manifest) {
        output::say(&format!("note: {error}\n"));
    }
    Ok(Exit::Done)
}
