//! `overt watchlist prove`: was this person on the watchlist, after everything about them is gone?

use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;
use overt_deployment::Deployment;
use overt_pipeline::inquiry::{Ask, Told};
use overt_records::{Interval, MembershipKey};
use serde::Serialize;

use crate::control::something_else;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::{inquiry, output, times};

/// Say whether somebody was on the watchlist, and when, from commitments that outlive it
///
/// You are signed in (`overt sign-in`) as an auditor or an authorising officer. Every question is on record, with who asked and why, before it is answered; the answer is not.
/// It is read from commitments under a key of their own, which lies in a file beside the records that ends in `.membership` and may be given to a custodian. Without that
/// key nothing can be told, and once the period under [retention] (`membership-days`) is over both are destroyed.
///
/// It answers for the reference that is asked about and for no other: who was enrolled under another reference is not found. It says nothing of a time before these records were
/// put back to an older copy; `overt audit verify` tells of that.
#[derive(Args)]
#[command(after_help = "\
Examples:
  overt watchlist prove deployment.toml custody-2026-0117 --reason \"complaint 44/26\"
  overt watchlist prove deployment.toml custody-2026-0117 --at 2026-11-26T14:00:00Z --reason \"complaint 44/26\"
  overt watchlist prove deployment.toml custody-2026-0117 --key /media/custodian/records.membership --reason \"court order\"

Exit status: 0 if it was on the watchlist (at that time), 1 if it was not or nothing can be told.")]
pub(crate) struct Arguments {
    /// The deployment file
    deployment: PathBuf,
    /// The entry's reference
    reference: String,
    /// A moment, as 2026-11-26T14:00:00Z; absent: ever
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
    /// Why it is asked
    #[arg(long)]
    reason: String,
    /// The key's file [default: where it was made, beside the records]
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'r> {
    reference: &'r str,
    at: Option<String>,
    /// Whether it was on the watchlist, at that moment where one was asked about.
    was_on_the_watchlist: bool,
    intervals: Vec<Shown>,
}

#[derive(Serialize)]
struct Shown {
    from: String,
    /// Null: its end is not on record.
    to: Option<String>,
    /// When it had to be gone at the latest.
    latest: String,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let deployment = Deployment::read(&arguments.deployment)?;
    let at = arguments
        .at
        .map(|at| overt_records::Timestamp::from_unix_ms(at.as_millisecond()));
    let key = arguments.key.as_deref().map(MembershipKey::read);
    let asked = Ask::Prove {
        reference: arguments.reference.clone(),
        at,
        reason: arguments.reason.clone(),
        key: key.transpose()?,
    };
    let Told::Proved(intervals) = inquiry::ask_as(&deployment, asked)? else {
        return Err(something_else());
    };
    let was = match at {
        Some(at) => intervals.iter().any(|interval| interval.holds(at)),
        None => !intervals.is_empty(),
    };
    if arguments.json {
        output::print_json(&Report {
            reference: &arguments.reference,
            at: arguments.at.map(times::for_lists),
            was_on_the_watchlist: was,
            intervals: intervals.iter().map(shown).collect(),
        })?;
    } else {
        output::print(&output::printable(&text(&arguments, was, &intervals)))?;
    }
    Ok(if was { Exit::Done } else { Exit::Failed })
}

fn shown(interval: &Interval) -> Shown {
    let time = |time| times::for_lists(times::of_records(time));
    Shown {
        from: time(interval.from),
        to: interval.to.map(time),
        latest: time(interval.latest),
    }
}

fn text(arguments: &Arguments, was: bool, intervals: &[Interval]) -> String {
    let reference = &arguments.reference;
    let mut text = match (&arguments.at, was) {
        (None, true) => format!("{reference} was on the watchlist:\n"),
        (None, false) => return format!("{reference} was not on the watchlist\n"),
        (Some(at), true) => format!(
            "{reference} was on the watchlist at {}. All its times:\n",
            times::for_lists(*at)
        ),
        (Some(at), false) if intervals.is_empty() => {
            return format!(
                "{reference} was not on the watchlist at {}, nor ever\n",
                times::for_lists(*at)
            );
        }
        (Some(at), false) => format!(
            "{reference} was not on the watchlist at {}. It was at other times:\n",
            times::for_lists(*at)
        ),
    };
    for interval in intervals {
        let Shown { from, to, latest } = shown(interval);
        text += &match to {
            Some(to) => format!("  from {from} to {to}\n"),
            None => format!("  from {from}; its end is not on record, {latest} at the latest\n"),
        };
    }
    text
}
