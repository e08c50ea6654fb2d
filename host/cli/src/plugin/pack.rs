//! `overt plugin pack`: one file out of a component (or core module) and its manifest.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use overt_runtime::{PluginError, pack};

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
    write(&path, file.bytes()).map_err(|cause| PluginError::Write {
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
    Ok(Exit::Done)
}

/// Beside its place, and renamed: a host never meets half a plugin.
pub(super) fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new()
        .prefix(".packing-")
        .permissions(permissions())
        .tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// A plugin is for every user of the machine; the umask takes away what it takes away.
fn permissions() -> std::fs::Permissions {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::Permissions::from_mode(0o644)
}
