//! `overt plugin bench`: what a call of a plugin costs on this machine, in the very sandbox of a force, beside the limits that it declares.

mod asked;
mod figures;
mod told;

use std::path::PathBuf;
use std::sync::atomic::Ordering;

use clap::Args;
use overt_runtime::Sessions;

use super::workbench::{Workbench, WorkbenchArguments, show_log};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::{interrupt, output};
use asked::{Asked, Case};
use figures::Samples;
use told::{CaseReport, Report, RoleReport};

/// Measure what a call of a plugin costs on this machine, beside the limits that it declares
///
/// The plugin is compiled and run in the sandbox, with everything granted that it declares, whoever signed it. A perception plugin is asked about the host's test
/// card, once with one face and once with as many as a call can have, and about photographs; a decision plugin about the cases in its manifest, and a policy about
/// the largest observation that a host makes. Before each call there is an empty one, a fresh instance of which nothing is asked: what every call costs before the
/// plugin does anything. The declared limits end no call here, so that what is needed can be seen: a call may take a minute, and any memory that a host has. What
/// it logs in each case's first call, which is not measured, is shown on standard error.
#[derive(Args)]
#[command(after_help = "\
Memory and fuel are the same on every machine; times are this machine's. So the limits that are suggested leave room: twice the memory and the fuel that were
used at most, and ten times the CPU time, since another machine may be slower.

Examples:
  overt plugin bench detector.wasm
  overt plugin bench encoder.wasm --models models/ --runs 200 --photograph crowd.jpg --detector detector.wasm
  overt plugin bench policy.wasm --config config.toml --json | jq '.limits'

The JSON is described by plugin-bench.schema.json in the source of overt.

Exit status: 0 if every call answered within the limits that the plugin declares, 1 if not, 130 if Ctrl-C ended it: what was measured until then is told.")]
pub(crate) struct Arguments {
    #[command(flatten)]
    workbench: WorkbenchArguments,
    /// How often each case is asked
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    runs: u32,
    /// A photograph to ask a perception plugin about as well; can be given several times
    #[arg(long = "photograph", value_name = "FILE")]
    photographs: Vec<PathBuf>,
    /// The detector that finds the faces on photographs, for an encoder or a quality measure [default: the plugin itself, if it is one]
    #[arg(long, value_name = "PLUGIN", requires = "photographs")]
    detector: Option<PathBuf>,
    /// The plugin's own table of a deployment file, as a TOML file [default: an empty one; for a case of the manifest, the case's own]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let mut more = arguments.photographs.clone();
    more.extend(arguments.detector.clone());
    more.extend(arguments.config.clone());
    let workbench = Workbench::open(&arguments.workbench, &more)?;
    let stop = interrupt::watch("telling what was measured so far")?;
    let roles = workbench.manifest().plugin.roles.iter();
    let mut asked: Vec<Asked> = roles
        .map(|role| asked::asked(&workbench, *role, &arguments))
        .collect::<Result<_, _>>()?;
    let cases: usize = asked.iter().map(|asked| asked.cases.len()).sum();
    let progress = Progress::new("calls", Some(cases as u64 * u64::from(arguments.runs)));
    let mut done = 0;
    let mut roles = Vec::new();
    for Asked {
        role,
        cases,
        sessions,
    } in &mut asked
    {
        let mut reports = Vec::new();
        for case in cases.iter() {
            let failed = first_call(case, sessions, &progress);
            let mut samples = Samples::default();
            let mut report = CaseReport {
                case: case.name.clone(),
                figures: None,
                failed,
            };
            for _ in 0..arguments.runs {
                if report.failed.is_some() || stop.load(Ordering::SeqCst) {
                    break;
                }
                let pair = case
                    .empty()
                    .and_then(|empty| Ok((empty, case.ask(sessions)?)));
                match pair {
                    Ok((empty, call)) => samples.push(empty, call),
                    Err(error) => report.failed = Some(error.cause.to_string()),
                }
                done += 1;
                progress.at(done, || format!("{role}: {}", case.name));
            }
            report.figures = samples.figures();
            reports.push(report);
        }
        roles.push(RoleReport {
            role: *role,
            cases: reports,
        });
    }
    progress.end();
    let report = Report::of(&workbench, arguments.runs, roles);
    match arguments.json {
        true => output::print_json(&report)?,
        false => output::print(&output::printable(&report.text()))?,
    }
    Ok(match (stop.load(Ordering::SeqCst), report.is_sound()) {
        (true, _) => Exit::Interrupted,
        (false, true) => Exit::Done,
        (false, false) => Exit::Failed,
    })
}

/// Asks a case once and shows what is logged meanwhile. It is not measured: the first call is the one for which libraries make room. Why there was no usable
/// answer, if there was none.
fn first_call(case: &Case, sessions: &mut Sessions, progress: &Progress) -> Option<String> {
    progress.hide(|| {
        let _shown = show_log();
        let asked = case.ask(sessions);
        asked.err().map(|error| error.cause.to_string())
    })
}
