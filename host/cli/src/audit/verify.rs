//! `overt audit verify`: whether the audit log of a deployment is what was written.

use std::path::{Path, PathBuf};

use clap::Args;
use overt_records::{LodgedHead, Verdict, Verification, verify_export};
use serde::Serialize;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;

/// Verify the audit log: is anything changed, missing, added, out of its place or of an older copy?
///
/// Every change of a deployment's records is an event in a hash-chained log. The log is verified against itself, against the head that is kept beside the
/// store, and against the heads that were lodged with somebody else (`overt audit lodge`). Only a lodged head can prove that no event is missing at the end:
/// whoever can put older copies of all files in their place can do so with everything that lies on this machine. Nothing is changed by verifying.
#[derive(Args)]
#[command(after_help = "\
Examples:
  overt audit verify deployment.toml                          the log in the store
  overt audit verify deployment.toml --head head-0117.json    with a head that was lodged
  overt audit verify --force force.redb                       that of the force's people and register
  overt audit verify --export log.jsonl --head head-0117.json
  overt audit verify deployment.toml --json | jq .verdict

What can be wrong: changed, dropped, inserted, reordered, cut, rolled-back, foreign.

Exit status: 0 if a lodged head proves the log to its end, 1 if it is broken, 3 if nothing is wrong and its tail is unproven.
The JSON is described by audit-verify.schema.json in the source of overt, the log's format by host/records/AUDIT.md, with a verifier in Python.")]
pub(crate) struct Arguments {
    #[command(flatten)]
    whose: super::WhoseArguments,
    /// Verify an export instead
    #[arg(long, value_name = "FILE", conflicts_with_all = ["deployment", "force"])]
    export: Option<PathBuf>,
    /// A head that was lodged; can be given several times
    #[arg(long, value_name = "FILE")]
    head: Vec<PathBuf>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'r> {
    #[serde(flatten)]
    verification: &'r Verification,
    /// Whether the head beside the store was there; absent for an export.
    #[serde(skip_serializing_if = "Option::is_none")]
    has_head_outside: Option<bool>,
    /// The first deployment of which the register says something else than the log; absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    register_differs: Option<u32>,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let mut heads = Vec::with_capacity(arguments.head.len());
    for path in &arguments.head {
        heads.push(read_head(path)?);
    }
    let (verification, has_head_outside, register_differs) = match &arguments.export {
        Some(export) => (verify_export(&read(export)?, &heads), None, None),
        None => {
            let log = arguments.whose.required()?;
            (
                log.verify(&heads),
                Some(log.has_head_outside()),
                log.register_differs(),
            )
        }
    };
    if arguments.json {
        output::print_json(&Report {
            verification: &verification,
            has_head_outside,
            register_differs,
        })?;
    } else {
        let mut text = text(&verification, has_head_outside);
        if let Some(number) = register_differs {
            text += &format!(
                "THE REGISTER WAS CHANGED: what it says of deployment {number} is not what the log tells.\n"
            );
        }
        output::print(&output::printable(&text))?;
    }
    Ok(match verification.verdict {
        _ if register_differs.is_some() => Exit::Failed,
        Verdict::Proven => Exit::Done,
        Verdict::Broken(_) => Exit::Failed,
        Verdict::TailUnproven => Exit::Unproven,
    })
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| Failure::file(path, &error))
}

fn read_head(path: &Path) -> Result<LodgedHead, Failure> {
    LodgedHead::read(&read(path)?).map_err(|error| {
        Failure::mistake(
            format!("{}: {error}", path.display()),
            "give a file that `overt audit lodge` wrote, as it was when it was lodged",
        )
    })
}

fn text(verification: &Verification, has_head_outside: Option<bool>) -> String {
    let short = |text: &str| text.chars().take(16).collect::<String>();
    let rows = [
        ("deployment", verification.deployment.clone()),
        ("store", short(&verification.store)),
        ("key", short(&verification.key)),
        ("events", verification.events.to_string()),
        ("left out", verification.left_out.to_string()),
        ("gone by the rules' period", verification.gone.to_string()),
        ("signed heads", verification.heads.to_string()),
        ("proven to", verification.proven_to.to_string()),
    ];
    let mut text = output::columns(rows) + "\n";
    if has_head_outside == Some(false) {
        text += "The audit file beside the store, which would tell an older copy of it, is missing or empty.\n";
    }
    text += &match verification.verdict {
        Verdict::Proven => "PROVEN: the log is what was written, to its end.".to_owned(),
        Verdict::TailUnproven if verification.proven_to == 0 => {
            "TAIL UNPROVEN: nothing is wrong with what is there. Whether events are missing at the end only a lodged head can tell (`overt audit lodge`)."
                .to_owned()
        }
        Verdict::TailUnproven => format!(
            "TAIL UNPROVEN: the log is what was written up to event {}. Of those after it, nothing is wrong with what is there, and whether some are missing \
             only a newer lodged head can tell.",
            verification.proven_to
        ),
        Verdict::Broken(found) => super::words(found.kind, found.event),
    };
    text + "\n"
}
