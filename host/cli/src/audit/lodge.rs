//! `overt audit lodge`: how far the audit log goes, signed, for somebody else to keep.

use std::path::PathBuf;

use clap::Args;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::{output, watchlist};

/// Sign how far the audit log goes, to be given to somebody else
///
/// A small file with the number and the hash of the newest event, the store's public key and its signature. Give it to somebody whom nobody with access to this
/// machine can make change it: an oversight body, another department, a newspaper. With it, `overt audit verify --head` finds out whether events up to there
/// were changed or taken away since, be it by older copies of every file. It names nobody.
#[derive(Args)]
#[command(after_help = "\
Examples:
  overt audit lodge deployment.toml --out head-0117.json
  overt audit lodge --force force.redb --out force-0117.json
  overt audit lodge deployment.toml | mail -s \"head of the log\" auditor@example.org

Exit status: 0 if it was signed, 1 if the log is broken: nobody vouches for that.")]
pub(crate) struct Arguments {
    #[command(flatten)]
    whose: super::WhoseArguments,
    /// Write it to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let log = arguments.whose.required()?;
    let head = log.lodge(watchlist::now())?;
    match &arguments.out {
        None => output::print(&head)?,
        Some(path) => {
            output::write(path, &head)?;
            output::print(&format!(
                "{}: signed up to event {}\n",
                path.display(),
                log.head().events
            ))?;
        }
    }
    Ok(Exit::Done)
}
