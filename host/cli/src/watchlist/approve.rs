//! `overt watchlist approve`: an authorising officer has reviewed the list as it stands.

use std::path::PathBuf;

use clap::Args;
use overt_deployment::Deployment;
use overt_records::{Force, ListApproval, ListCounts};
use serde::Serialize;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::{output, session, times};

/// Approve the watchlist as it stands
///
/// You are signed in (`overt sign-in`) as an authorising officer, and have reviewed the list: `overt watchlist check` and `list` show it, and `check` its digest. The approval
/// holds for this list and no other: whatever is enrolled, removed or expires afterwards makes it another one, which has to be approved again. Who approved what and when
/// is on record.
#[derive(Args)]
#[command(after_help = "\
Examples:
  overt watchlist check deployment.toml
  overt watchlist approve deployment.toml
  overt watchlist approve deployment.toml --reviewed 4f1c09a27be3

Exit status: 0 if the list is approved, 1 if not.")]
pub(crate) struct Arguments {
    /// The deployment file
    deployment: PathBuf,
    /// The first digits of the digest of the list that you reviewed: another one is refused
    #[arg(long, value_name = "DIGEST")]
    reviewed: Option<String>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Approval<'a> {
    number: u64,
    at: String,
    by: String,
    digest: &'a str,
    counts: ListCounts,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let deployment = Deployment::read(&arguments.deployment)?;
    let by = session::signed_in(&Force::at(&deployment.host.force))?;
    let store = super::open(&deployment)?;
    let approval = store
        .watchlist()
        .approve(&by, arguments.reviewed.as_deref(), super::now())?;
    match arguments.json {
        true => output::print_json(&json(&approval))?,
        false => output::print(&output::printable(&text(&approval)))?,
    }
    Ok(Exit::Done)
}

fn json(approval: &ListApproval) -> Approval<'_> {
    Approval {
        number: approval.number,
        at: times::for_lists(times::of_records(approval.at)),
        by: approval.by.to_string(),
        digest: &approval.digest,
        counts: approval.counts,
    }
}

fn text(approval: &ListApproval) -> String {
    let ListCounts {
        people,
        images,
        not_wanted,
        under_18,
        ..
    } = approval.counts;
    format!(
        "approved by {} on {}\n  digest  {}\n  people  {people}, of whom {not_wanted} not wanted for arrest, {under_18} under 18\n  images  {images}\n",
        approval.by,
        times::for_people(times::of_records(approval.at)),
        approval.digest,
    )
}
