//! Gets a package's archive through the registry's ordinary client, so that mirrors, proxies and certificates that the machine is set up
//! for are used. Knows nothing of what is inside.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::source::{Registry, Sha256Hex, Source};

/// The wheels that are asked for are those for CPython 3.11 on 64-bit Linux, whatever Python runs pip: they are unpacked, not installed.
const WHEEL_TAGS: &[&str] = &[
    "--only-binary=:all:",
    "--implementation=cp",
    "--python-version=3.11",
    "--platform=manylinux_2_28_x86_64",
    "--platform=manylinux_2_17_x86_64",
    "--platform=manylinux2014_x86_64",
];

/// What pip needs to look at a source package, pinned here because pip would otherwise fetch the newest.
const BUILD_TOOLS: &[(&str, &str, &str)] = &[
    (
        "setuptools",
        "80.9.0",
        "062d34222ad13e0cc312a4c02d73f059e86a4acbfbdea8f8f76b28c99f306922",
    ),
    (
        "wheel",
        "0.45.1",
        "708e7481cc80179af0e556bbf0cc00b8444c7321e2700b8d8580231d13017248",
    ),
];

/// The most lines of a client's complaint that are repeated.
const COMPLAINT_LINES: usize = 12;

/// Why an archive could not be had.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// The client is not installed.
    #[error("{client} could not be started ({cause}): {mend}")]
    NoClient {
        /// The command.
        client: &'static str,
        /// The system's reason.
        cause: io::Error,
        /// What to do.
        mend: &'static str,
    },
    /// The client ended with an error.
    #[error(
        "{client} could not fetch {package} {version} from {registry}:\n{complaint}\nIs the network there, and {client} set up for it?"
    )]
    Failed {
        /// The command.
        client: &'static str,
        /// The registry's name.
        registry: &'static str,
        /// The package.
        package: String,
        /// Its version.
        version: String,
        /// The last lines of what the client said.
        complaint: String,
    },
    /// The client said that all was well, and left no archive, or several.
    #[error("{client} left {found} files where one was expected")]
    NotOneFile {
        /// The command.
        client: &'static str,
        /// How many files it left.
        found: usize,
    },
    /// The archive is not the pinned one.
    #[error(
        "{package} {version} from {registry} has SHA-256 {found}, expected {expected}; it was thrown away"
    )]
    Differs {
        /// The registry's name.
        registry: &'static str,
        /// The package.
        package: String,
        /// Its version.
        version: String,
        /// The pinned digest.
        expected: Sha256Hex,
        /// The digest of what came.
        found: Sha256Hex,
    },
    /// A file could not be read or written.
    #[error("{path}: {cause}")]
    Io {
        /// Which.
        path: PathBuf,
        /// The system's reason.
        cause: io::Error,
    },
}

/// Fetches the archive of a package into an empty folder and checks it. Gives its path.
pub(crate) fn fetch(source: &Source, folder: &Path) -> Result<PathBuf, RegistryError> {
    let out = folder.join("archive");
    make_folder(&out)?;
    match source.registry {
        Registry::Npm => npm_pack(source, &out)?,
        Registry::Pypi => pip_download(source, folder, &out, WHEEL_TAGS, None)?,
        Registry::PypiSource => {
            let tools = install_build_tools(folder)?;
            let options = ["--no-binary=:all:", "--no-build-isolation"];
            pip_download(source, folder, &out, &options, Some(&tools))?;
        }
    }
    let archive = only_file(client(source.registry), &out)?;
    let found = Sha256Hex::of_file(&archive).map_err(|cause| RegistryError::Io {
        path: archive.clone(),
        cause,
    })?;
    if found == source.archive_sha256 {
        return Ok(archive);
    }
    Err(RegistryError::Differs {
        registry: source.registry.name(),
        package: source.package.clone(),
        version: source.version.clone(),
        expected: source.archive_sha256.clone(),
        found,
    })
}

fn client(registry: Registry) -> &'static str {
    match registry {
        Registry::Pypi | Registry::PypiSource => "python3 -m pip",
        Registry::Npm => "npm",
    }
}

fn npm_pack(source: &Source, out: &Path) -> Result<(), RegistryError> {
    let mut command = Command::new("npm");
    command
        .args(["pack", "--ignore-scripts", "--pack-destination"])
        .arg(out);
    // Run in the empty folder, so that no package.json of a folder above has a say.
    command
        .arg(format!("{}@{}", source.package, source.version))
        .current_dir(out);
    run(command, source, "install npm (Debian's package npm)")
}

/// pip checks the archive against the pinned digest itself, before it looks inside: a source package is a program.
fn pip_download(
    source: &Source,
    folder: &Path,
    out: &Path,
    options: &[&str],
    tools: Option<&Path>,
) -> Result<(), RegistryError> {
    let requirements = folder.join("requirements.txt");
    let line = format!(
        "{}=={} --hash=sha256:{}\n",
        source.package, source.version, source.archive_sha256
    );
    std::fs::write(&requirements, line).map_err(|cause| RegistryError::Io {
        path: requirements.clone(),
        cause,
    })?;
    let mut command = pip();
    command.args([
        "download",
        "--no-deps",
        "--require-hashes",
        "--no-cache-dir",
        "--progress-bar=off",
    ]);
    command
        .args(options)
        .arg("--dest")
        .arg(out)
        .arg("--requirement")
        .arg(&requirements);
    if let Some(tools) = tools {
        command.env("PYTHONPATH", tools);
    }
    run(command, source, PIP_MEND)
}

const PIP_MEND: &str = "install Python 3 with pip (Debian's packages python3 and python3-pip)";

fn pip() -> Command {
    let mut command = Command::new("python3");
    command.args(["-m", "pip", "--disable-pip-version-check", "--no-input"]);
    command
}

/// Unpacks the pinned build tools into a folder of their own, and gives it.
fn install_build_tools(folder: &Path) -> Result<PathBuf, RegistryError> {
    let installed = folder.join("build-tools");
    for (package, version, sha256) in BUILD_TOOLS {
        let source = Source {
            registry: Registry::Pypi,
            package: (*package).to_owned(),
            version: (*version).to_owned(),
            archive_sha256: Sha256Hex::pinned(sha256),
            path: String::new(),
        };
        let own = folder.join(package);
        make_folder(&own)?;
        let wheel = fetch(&source, &own)?;
        let mut command = pip();
        command
            .args(["install", "--quiet", "--no-index", "--no-deps", "--target"])
            .arg(&installed)
            .arg(wheel);
        run(command, &source, PIP_MEND)?;
    }
    Ok(installed)
}

fn run(mut command: Command, source: &Source, mend: &'static str) -> Result<(), RegistryError> {
    let client = client(source.registry);
    let output =
        command
            .stdin(Stdio::null())
            .output()
            .map_err(|cause| RegistryError::NoClient {
                client,
                cause,
                mend,
            })?;
    if output.status.success() {
        return Ok(());
    }
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    let lines: Vec<&str> = said
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    let complaint = lines[lines.len().saturating_sub(COMPLAINT_LINES)..].join("\n");
    Err(RegistryError::Failed {
        client,
        registry: source.registry.name(),
        package: source.package.clone(),
        version: source.version.clone(),
        complaint,
    })
}

fn only_file(client: &'static str, folder: &Path) -> Result<PathBuf, RegistryError> {
    let unreadable = |cause| RegistryError::Io {
        path: folder.to_owned(),
        cause,
    };
    let entries: Result<Vec<_>, _> = std::fs::read_dir(folder).map_err(unreadable)?.collect();
    match &entries.map_err(unreadable)?[..] {
        [only] => Ok(only.path()),
        files => Err(RegistryError::NotOneFile {
            client,
            found: files.len(),
        }),
    }
}

fn make_folder(path: &Path) -> Result<(), RegistryError> {
    std::fs::create_dir(path).map_err(|cause| RegistryError::Io {
        path: path.to_owned(),
        cause,
    })
}
