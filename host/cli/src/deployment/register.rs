//! `overt deployment register`: every deployment of the force, by number.

use clap::Args;
use overt_records::{By, RegisterEntry, RegisterGone, RegisterStep, Terms};
use serde::Serialize;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::session::ForceArguments;
use crate::times::shown;

/// List every deployment of the force, planned, authorised, refused, cancelled and closed; you are signed in
#[derive(Args)]
#[command(after_help = "\
Examples:
  overt deployment register
  overt deployment register --deployment deployment.toml
  overt deployment register --json | jq '.[] | select(.state == \"refused\")'

A number that is missing from the JSON has gone by the rules' period (`overt retention register`).

Whether the register is what was written: `overt audit verify --force force.redb`.
The JSON is described by register.schema.json in the source of overt.")]
pub(crate) struct Arguments {
    #[command(flatten)]
    force: ForceArguments,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let (force, _) = arguments.force.signed_in()?;
    let register = force.register()?;
    if arguments.json {
        output::print_json(&register.iter().map(Row::of).collect::<Vec<_>>())?;
        return Ok(Exit::Done);
    }
    let gone = force.register_gone()?;
    let mut text: String = gone.iter().map(gone_text).collect();
    text.extend(register.iter().map(self::text));
    if text.is_empty() {
        text = "No deployment was ever planned.\n".to_owned();
    }
    output::print(&output::printable(&text))?;
    Ok(Exit::Done)
}

/// One entry, after a step.
pub(super) fn print(entry: &RegisterEntry, json: bool) -> Result<Exit, Failure> {
    match json {
        true => output::print_json(&Row::of(entry))?,
        false => output::print(&output::printable(&text(entry)))?,
    }
    Ok(Exit::Done)
}

/// An entry as `--json` prints it.
#[derive(Serialize)]
struct Row<'r> {
    number: u32,
    deployment: &'r str,
    state: &'static str,
    start: String,
    until: String,
    terms: &'r Terms,
    steps: Vec<StepRow<'r>>,
    runs: Vec<RunRow<'r>>,
}

/// A step: what, when and by whom. What it says beyond that stands beside it.
#[derive(Serialize)]
struct StepRow<'r> {
    step: &'static str,
    at: String,
    by: Who<'r>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rank: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    urgent: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
}

#[derive(Serialize)]
struct RunRow<'r> {
    run: u32,
    mode: &'static str,
    by: Who<'r>,
    begun: String,
    ended: Option<String>,
    lock_sha256: &'r str,
}

#[derive(Serialize)]
struct Who<'r> {
    person: Option<&'r str>,
    name: &'r str,
}

impl<'r> Who<'r> {
    fn of(by: &'r By) -> Self {
        Self {
            person: by.person(),
            name: by.name(),
        }
    }
}

impl<'r> Row<'r> {
    fn of(entry: &'r RegisterEntry) -> Self {
        let step = |record: &'r overt_records::RegisterRecord| {
            let mut row = StepRow {
                step: record.what.name(),
                at: shown(record.at),
                by: Who::of(&record.by),
                rank: None,
                reference: None,
                urgent: None,
                reason: None,
                until: None,
            };
            match &record.what {
                RegisterStep::Authorised {
                    rank,
                    reference,
                    urgent,
                    ..
                } => {
                    (row.rank, row.reference) = (Some(rank.as_str()), Some(reference.as_str()));
                    row.urgent = Some(*urgent);
                }
                RegisterStep::Extended {
                    until,
                    rank,
                    reference,
                    reason,
                } => {
                    (row.rank, row.reference) = (Some(rank.as_str()), Some(reference.as_str()));
                    (row.until, row.reason) = (Some(shown(*until)), Some(reason.as_str()));
                }
                RegisterStep::Refused { reason } | RegisterStep::Cancelled { reason } => {
                    row.reason = Some(reason);
                }
                _ => {}
            }
            row
        };
        let run = |run: overt_records::RegisteredRun<'r>| RunRow {
            run: run.run,
            mode: run.mode.name(),
            by: Who::of(run.by),
            begun: shown(run.begun),
            ended: run.ended.map(shown),
            lock_sha256: run.lock_sha256,
        };
        Self {
            number: entry.number(),
            deployment: &entry.terms().deployment,
            state: entry.state().name(),
            start: shown(entry.terms().start),
            until: shown(entry.until()),
            terms: entry.terms(),
            steps: entry.steps().iter().map(step).collect(),
            runs: entry.runs().into_iter().map(run).collect(),
        }
    }
}

fn gone_text(gone: &RegisterGone) -> String {
    let numbers = match gone.first == gone.last {
        true => gone.first.to_string(),
        false => format!("{} to {}", gone.first, gone.last),
    };
    format!(
        "{numbers}: GONE {} by the period of the force's rules, version {}\n",
        shown(gone.at),
        gone.rules_version
    )
}

fn text(entry: &RegisterEntry) -> String {
    let terms = entry.terms();
    let mut text = format!(
        "{} {}: {}\n  {}, {}\n  {} to {}\n",
        entry.number(),
        terms.deployment,
        entry.state().name().to_uppercase(),
        terms.place,
        terms.purpose,
        shown(terms.start),
        shown(entry.until())
    );
    for record in entry.steps() {
        let by = &record.by;
        let said = match &record.what {
            RegisterStep::Planned { .. } => format!("planned by {by}"),
            RegisterStep::Authorised {
                rank,
                reference,
                urgent,
                ..
            } => format!(
                "authorised by {by}, {rank}, reference {reference}{}",
                if *urgent { ", URGENT" } else { "" }
            ),
            RegisterStep::Refused { reason } => format!("refused by {by}: {reason}"),
            RegisterStep::Extended {
                until,
                rank,
                reference,
                reason,
            } => format!(
                "extended to {} by {by}, {rank}, reference {reference}: {reason}",
                shown(*until)
            ),
            RegisterStep::Cancelled { reason } => format!("cancelled by {by}: {reason}"),
            RegisterStep::RunBegun { run, mode, .. } => match mode {
                overt_records::Mode::Live => format!("run {run} begun by {by}"),
                mode => format!("run {run}, {mode}, begun by {by}"),
            },
            RegisterStep::RunEnded { run, .. } => format!("run {run} ended"),
            RegisterStep::Closed { .. } => format!("closed by {by}"),
        };
        text += &format!("    {} {said}\n", shown(record.at));
    }
    text
}
