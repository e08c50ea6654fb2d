//! `overt doctor`: what is here, what is missing, and how to mend it. It changes nothing.

mod checks;

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::{models, output};

/// Say what is missing on this machine, and how to mend it
#[derive(Args)]
#[command(after_help = "\
Examples:
  overt doctor
  overt doctor examples/walk-past/deployment.toml
  overt doctor --json | jq '.checks[] | select(.state == \"missing\")'

Exit status: 0 if nothing that is needed is missing, 1 if something is.")]
pub(crate) struct Arguments {
    /// A deployment file: check it, and look for the files that it names
    deployment: Option<PathBuf>,
    /// The folder of the models
    #[arg(long, default_value = models::FOLDER)]
    models: PathBuf,
    /// The folder of the plugins
    #[arg(long, default_value = ".overt/plugins")]
    plugins: PathBuf,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum State {
    /// As it should be.
    Ok,
    /// Not here or not right, and nothing runs without it.
    Missing,
    /// Not here, and only some need it.
    Absent,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Check {
    name: String,
    state: State,
    /// What was found.
    found: String,
    /// What to do, where something is to be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    mend: Option<String>,
}

impl Check {
    fn ok(name: impl Into<String>, found: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            state: State::Ok,
            found: found.into(),
            mend: None,
        }
    }

    fn missing(name: impl Into<String>, found: impl Into<String>, mend: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            state: State::Missing,
            found: found.into(),
            mend: Some(mend.into()),
        }
    }

    fn absent(name: impl Into<String>, found: impl Into<String>, mend: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            state: State::Absent,
            found: found.into(),
            mend: Some(mend.into()),
        }
    }
}

#[derive(Serialize)]
struct Report {
    ok: bool,
    checks: Vec<Check>,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let (mut checks, deployment) = checks::deployment(arguments.deployment.as_deref());
    checks.extend(checks::backends(deployment.as_ref()));
    checks.push(checks::confinement(deployment.as_ref()));
    checks.push(checks::memory());
    checks.push(checks::model_memory());
    checks.push(checks::opencv());
    checks.extend(checks::models(&arguments.models)?);
    checks.extend(checks::plugins(&arguments.plugins));
    checks.push(checks::processor());
    checks.push(checks::wasm_target());
    let ok = checks.iter().all(|check| check.state != State::Missing);
    if arguments.json {
        output::print_json(&Report { ok, checks })?;
    } else {
        output::print(&output::printable(&text(&checks)))?;
    }
    Ok(if ok { Exit::Done } else { Exit::Failed })
}

fn text(checks: &[Check]) -> String {
    let width = checks
        .iter()
        .map(|check| check.name.chars().count())
        .max()
        .unwrap_or(0);
    let mut text = String::new();
    for check in checks {
        let state = match check.state {
            State::Ok => "ok",
            State::Missing => "MISSING",
            State::Absent => "absent",
        };
        let indent = width + 11;
        let found = check
            .found
            .trim_end()
            .replace('\n', &format!("\n{:indent$}", ""));
        text += &format!("{state:<7}  {:<width$}  {found}\n", check.name);
        if let Some(mend) = &check.mend {
            text += &format!("{:indent$}→ {mend}\n", "");
        }
    }
    let missing = checks
        .iter()
        .filter(|check| check.state == State::Missing)
        .count();
    text + &match missing {
        0 => "\nNothing that is needed is missing.\n".to_owned(),
        1 => "\n1 thing that is needed is missing.\n".to_owned(),
        more => format!("\n{more} things that are needed are missing.\n"),
    }
}
