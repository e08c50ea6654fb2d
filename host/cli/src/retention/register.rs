//! `overt retention register`: what the force's register keeps no longer than its rules say.

use clap::Args;
use jiff::civil::Date;
use overt_records::OverPeriod;
use serde::Serialize;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::session::{self, ForceArguments};
use crate::times::shown;

/// See what the force's register has kept for longer than the rules say (`register-days`), and let it go
///
/// Entries that have ended go with the record that was kept of them, and so does what is on record of sessions, accounts, locks and publications of that time. Their numbers stay, and a report of a period
/// that they can have been of says that they are gone; the log stays a whole chain, with a digest in place of each event.
///
/// Nothing of this goes by itself, for a clock that is wrong must not empty a register. Without --delete it is only said what would go; any authorising officer or auditor may ask. With it, you are signed
/// in as an authorising officer, and you name the day before which all of it has to be: a day that is within the period by this machine's clock is refused. What has not ended stays, however old it is.
#[derive(Args)]
#[command(after_help = "\
Examples:
  overt retention register
  overt retention register --before 2017-01-01 --json | jq '.entries[].number'
  overt retention register --before 2017-01-01 --delete

A copy that `overt backup` made before holds what it held then: destroy old copies, too.

Exit status: 0 if it was said or is gone, 1 if the day is within the period, you may not, or the force has no rules.
The JSON is described by retention-register.schema.json in the source of overt.")]
pub(crate) struct Arguments {
    #[command(flatten)]
    force: ForceArguments,
    /// Only what is of before this day (UTC)
    #[arg(long, value_name = "YYYY-MM-DD")]
    before: Option<Date>,
    /// Let it go for good
    #[arg(long, requires = "before")]
    delete: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'r> {
    deleted: bool,
    before: String,
    rules_version: u32,
    register_days: u32,
    entries: Vec<EntryRow<'r>>,
    not_ended: &'r [u32],
    events: u64,
    people_events: u64,
}

#[derive(Serialize)]
struct EntryRow<'r> {
    number: u32,
    deployment: &'r str,
    state: &'static str,
    ended: String,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let (force, who) = arguments.force.signed_in()?;
    let before = arguments.before.map(super::beginning).transpose()?;
    let now = session::now()?;
    let over = match (arguments.delete, before) {
        (true, Some(before)) => force.destroy_over_period(before, &who, &now)?,
        _ => force.over_period(before, &who, &now)?,
    };
    if arguments.json {
        output::print_json(&Report::of(&over, arguments.delete))?;
    } else {
        output::print(&output::printable(&text(&over, arguments.delete)))?;
    }
    Ok(Exit::Done)
}

impl<'r> Report<'r> {
    fn of(over: &'r OverPeriod, deleted: bool) -> Self {
        let row = |entry: &'r overt_records::EntryOver| EntryRow {
            number: entry.number,
            deployment: &entry.deployment,
            state: entry.state.name(),
            ended: shown(entry.ended),
        };
        Self {
            deleted,
            before: shown(over.before),
            rules_version: over.rules_version,
            register_days: over.register_days,
            entries: over.entries.iter().map(row).collect(),
            not_ended: &over.not_ended,
            events: over.events,
            people_events: over.people,
        }
    }
}

fn text(over: &OverPeriod, deleted: bool) -> String {
    let mut text = format!(
        "Version {} of the rules keeps the register for {} days. Looked at: what is of before {}.\n",
        over.rules_version,
        over.register_days,
        shown(over.before)
    );
    text += match (over.is_empty(), deleted) {
        (true, _) => "Nothing of it is over its time.\n",
        (false, true) => "GONE for good:\n",
        (false, false) => "It is over its time:\n",
    };
    for entry in &over.entries {
        text += &format!(
            "  {} {}: {} {}\n",
            entry.number,
            entry.deployment,
            entry.state,
            shown(entry.ended)
        );
    }
    if !over.is_empty() {
        text += &format!(
            "  {} events of the log, {} of them about people\n",
            over.events, over.people
        );
    }
    if !over.not_ended.is_empty() {
        let numbers: Vec<_> = over.not_ended.iter().map(u32::to_string).collect();
        text += &format!(
            "As old, and kept because they have not ended (refuse, cancel or close them): {}\n",
            numbers.join(", ")
        );
    }
    if !over.is_empty() && !deleted {
        text += "If that day is right by the calendar on the wall: overt retention register --before DAY --delete\n";
    }
    text
}
