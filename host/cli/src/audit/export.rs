//! `overt audit export`: the audit log as a file that anybody can verify.

use std::path::PathBuf;

use clap::Args;
use overt_records::Selection;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::{output, watchlist};

/// Export the audit log as JSON lines that anybody can verify
///
/// An event a line, signed heads between them, and one at the end. With --from, --to or --run the other events are left out: a digest stands for each, from
/// which nobody can tell what it was, and the chain is verified all the same. There is no image, template or score in it; references of people sought are.
///
/// You are signed in as an auditor or an authorising officer, and that you exported it is in the log from then on, with the file's digest. Beside a copy of the records without the force's store nobody can be
/// signed in, and nothing is put on record.
#[derive(Args)]
#[command(after_help = "\
Examples:
  overt audit export deployment.toml --out log.jsonl
  overt audit export deployment.toml --run 3 --out run-3.jsonl
  overt audit export deployment.toml --from 100 --to 180 --out part.jsonl
  overt audit export --force force.redb --out people-and-register.jsonl
  python3 host/records/audit/verify.py log.jsonl --head head-0117.json
  jq 'select(.event.kind == \"alert-raised\").event.facts' log.jsonl

Exit status: 0 if it was written, 1 if the log is broken: nobody vouches for that.
The format is described by host/records/AUDIT.md in the source of overt.")]
pub(crate) struct Arguments {
    #[command(flatten)]
    whose: super::WhoseArguments,
    /// The file to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// From this event on
    #[arg(long, value_name = "EVENT")]
    from: Option<u64>,
    /// Up to this event
    #[arg(long, value_name = "EVENT")]
    to: Option<u64>,
    /// From the beginning to the end of this run
    #[arg(long, value_name = "RUN", conflicts_with_all = ["from", "to"])]
    run: Option<u64>,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let publisher = arguments.whose.publisher()?;
    let log = arguments.whose.required()?;
    let selection = Selection {
        from: arguments.from,
        to: arguments.to,
        run: arguments.run,
    };
    let exported = log.export(&selection, watchlist::now())?;
    drop(log);
    if let Some(publisher) = publisher {
        // Before it is written, and so not in it.
        arguments.whose.note(&publisher, &exported)?;
    }
    output::write(&arguments.out, &exported.text)?;
    output::print(&format!(
        "{}: {} events, {} left out{}\n",
        arguments.out.display(),
        exported.events,
        exported.left_out,
        match exported.gone {
            0 => String::new(),
            gone => format!(", {gone} gone by the rules' period"),
        }
    ))?;
    Ok(Exit::Done)
}
