//! `overt plugin new`: a folder with all that a vendor needs for a plugin that works.

mod project;
mod sdk;
mod starters;

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use overt_runtime::Role;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use project::{Project, is_name};

/// Make a new plugin's project: a crate of Rust that builds, passes its tests and runs as it is
///
/// The folder NAME gets a small working algorithm of each role, a manifest in which every section is explained, tests, and a README with the commands that come
/// next. The SDK and the contract (WIT) are in it too, as this program carries them: nothing else of Overt is needed. For another language than Rust take the
/// folder overt/wit alone. A folder that is there already is never touched.
#[derive(Args)]
#[command(after_help = "\
Examples:
  overt plugin new acme-detector --role detector
  overt plugin new acme-faces --role detector --role quality --vendor \"Acme Ltd\"
  overt plugin new acme-policy --role matcher-policy --folder ~/plugins

Exit status: 0 if it was made, 1 if a file could not be written, 2 for a mistake in the arguments.")]
pub(crate) struct Arguments {
    /// The plugin's id, and the folder's and the crate's name: 1 to 64 of a–z, 0–9 and `-`, beginning with a letter
    name: String,
    /// detector, encoder, quality, matcher-policy or alert-router; can be given several times, within the first three or the last two
    #[arg(long = "role", value_name = "ROLE", required = true, value_parser = role)]
    roles: Vec<Role>,
    /// Who makes it, as the manifest says it
    #[arg(long, default_value = "Your company")]
    vendor: String,
    /// The folder to make it in
    #[arg(long, default_value = ".")]
    folder: PathBuf,
    /// The SDK's crate, where a copy of it is not wanted: that of another project (overt/sdk/rust), or of the source of overt (sdk/rust)
    #[arg(long, value_name = "FOLDER")]
    sdk: Option<PathBuf>,
}

fn role(text: &str) -> Result<Role, String> {
    Role::named(text).ok_or_else(|| {
        let names = Role::ALL.map(Role::name);
        format!("expected one of {}", names.join(", "))
    })
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    check(&arguments)?;
    let Arguments {
        name,
        roles,
        vendor,
        folder,
        sdk,
    } = arguments;
    let (sdk, copies) = match sdk {
        Some(folder) => (named_sdk(&folder)?, Vec::new()),
        None => (format!("{}/sdk/rust", sdk::FOLDER), sdk::files()?),
    };
    let project = Project {
        name,
        vendor,
        roles,
        sdk,
    };
    let root = match folder.as_os_str() == "." {
        true => PathBuf::from(&project.name),
        false => folder.join(&project.name),
    };
    let copies = copies
        .into_iter()
        .map(|(path, text)| (format!("{}/{path}", sdk::FOLDER), text));
    let files: Vec<(String, String)> = project.files().into_iter().chain(copies).collect();
    write(&root, &files)?;
    let shown = root.display();
    output::print(&format!(
        "{shown}: a plugin of the role {}, {} files\n\nNext:\n\n  cd {shown}\n  cargo test\n  cargo build --release --target wasm32-unknown-unknown\n  overt plugin pack plugin.toml target/wasm32-unknown-unknown/release/{}\n  overt plugin test {name}.wasm\n\nREADME.md says more.\n",
        project
            .roles
            .iter()
            .map(|role| role.name())
            .collect::<Vec<_>>()
            .join(" and "),
        files.len(),
        project.module(),
        name = project.name,
    ))?;
    Ok(Exit::Done)
}

fn check(arguments: &Arguments) -> Result<(), Failure> {
    let Arguments {
        name,
        roles,
        vendor,
        ..
    } = arguments;
    if !is_name(name) {
        return Err(Failure::mistake(
            format!("{name:?} is no name for a plugin"),
            "choose 1 to 64 of a–z, 0–9 and `-`, beginning with a letter, and no word of Rust's own",
        ));
    }
    if vendor.trim().is_empty() || vendor.chars().any(char::is_control) {
        return Err(Failure::mistake(
            format!("{vendor:?} is no vendor's name"),
            "give some text in one line",
        ));
    }
    for (index, role) in roles.iter().enumerate() {
        if roles[..index].contains(role) {
            return Err(Failure::mistake(
                format!("the role {role} is given twice"),
                "give each once",
            ));
        }
        if role.family() != roles[0].family() {
            return Err(Failure::mistake(
                format!(
                    "one plugin cannot be {} and {role}: what sees faces decides nothing",
                    roles[0]
                ),
                "make two plugins: roles go together within detector, encoder and quality, or within matcher-policy and alert-router",
            ));
        }
    }
    Ok(())
}

/// The SDK that was named, by its whole path: the project may be moved, and this stays.
fn named_sdk(folder: &Path) -> Result<String, Failure> {
    let whole = fs::canonicalize(folder).map_err(|error| Failure::file(folder, &error))?;
    let manifest = fs::read_to_string(whole.join("Cargo.toml")).unwrap_or_default();
    let table: toml::Table = manifest.parse().unwrap_or_default();
    let name = table.get("package").and_then(|package| package.get("name"));
    let text = whole.to_str();
    match (name.and_then(toml::Value::as_str), text) {
        (Some("overt-sdk"), Some(text)) => Ok(text.to_owned()),
        _ => Err(Failure::mistake(
            format!("{}: this is not the crate overt-sdk", folder.display()),
            "name the folder with its Cargo.toml, or leave `--sdk` out: the project gets a copy",
        )),
    }
}

/// Writes every file into a folder that is not there yet. Where one cannot be written, all that was goes again.
fn write(root: &Path, files: &[(String, String)]) -> Result<(), Failure> {
    if let Some(parent) = root.parent() {
        fs::create_dir_all(parent).map_err(|error| Failure::file(parent, &error))?;
    }
    fs::create_dir(root).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => Failure::mistake(
            format!("{}: is there already", root.display()),
            "choose another name, or another `--folder`: nothing is ever overwritten",
        ),
        _ => Failure::file(root, &error),
    })?;
    let written = files.iter().try_for_each(|(path, text)| {
        let path = root.join(path);
        let folder = output::folder_of(&path);
        let made = fs::create_dir_all(folder).and_then(|()| {
            let mut file = OpenOptions::new()
                .write(true)
                .create_new(true)
                .open(&path)?;
            file.write_all(text.as_bytes())
        });
        made.map_err(|error| Failure::file(&path, &error))
    });
    written.inspect_err(|_| {
        // It was made above, by this call, and holds nothing else.
        let _ = fs::remove_dir_all(root);
    })
}
