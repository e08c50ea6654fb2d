//! `overt watchlist check`: the list before an officer approves it.

use std::path::PathBuf;

use clap::Args;
use overt_deployment::Deployment;
use overt_pipeline::inquiry::{Ask, Told, answer};
use overt_pipeline::list_check::{Likeness, ListReport};
use overt_pipeline::replay::Replayer;
use overt_records::Store;

use crate::control::something_else;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::{inquiry, machine, output};

/// Pairs that are printed for people; `--json` has up to a thousand.
const PRINTED: usize = 20;

/// Check the watchlist: age, counts, sources, image quality, duplicates, and who would be taken for whom
///
/// Every image is searched for among all others, exactly, as a passer-by would be. A pair of references whose score lies at the authority's floor or over it would raise alerts
/// for one another; one that lies more than half-way from the floor to 1, or has the same photograph, is likely one person. Image quality is named by components of ISO/IEC
/// 29794-5; that by itself is no conformity with the capture standard of the NPIA.
#[derive(Args)]
#[command(after_help = "\
Examples:
  overt watchlist check deployment.toml
  overt watchlist check deployment.toml --json | jq '.findings'

Exit status: 0 if everything is in order, 1 if something is not.")]
pub(crate) struct Arguments {
    /// The deployment file
    deployment: PathBuf,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let deployment = Deployment::read(&arguments.deployment)?;
    let progress = Progress::new("images", None);
    let show = |done: u64, of: u64| {
        if done < of {
            progress.set_length(Some(of));
            progress.at(done, String::new);
        }
    };
    let mut steps = |told| {
        if let Told::Compared { done, of } = told {
            show(done, of);
        }
        Ok(())
    };
    let told = match inquiry::of_run(&deployment, Ask::Check, &mut steps) {
        Ok(Some(Told::Checked(report))) => Ok(*report),
        Ok(None) => here(&deployment, &show),
        Ok(Some(_)) => Err(something_else()),
        Err(failure) => Err(failure),
    };
    progress.end();
    let report = told?;
    match arguments.json {
        true => output::print_json(&report)?,
        false => output::print(&output::printable(&text(&report)))?,
    }
    Ok(match report.findings.is_empty() {
        true => Exit::Done,
        false => Exit::Failed,
    })
}

/// Opens the records. They are not swept before: what has expired is to be told.
fn here(deployment: &Deployment, show: &dyn Fn(u64, u64)) -> Result<ListReport, Failure> {
    let store = Store::open(&deployment.host.records, &super::settings(deployment))?;
    store.keep_membership(deployment.retention.membership_days);
    let step = |told| {
        if let Told::Compared { done, of } = told {
            show(done, of);
        }
        true
    };
    let options = machine::options()?;
    let replayer = || Replayer::new(deployment, options.clone(), &[]);
    let (ask, now) = (Ask::Check, super::now());
    let told = answer(deployment, &store, &ask, None, now, &replayer, &step)?;
    super::say_gone(&store.sweep(super::now())?);
    match told {
        Told::Checked(report) => Ok(*report),
        _ => Err(something_else()),
    }
}

fn text(report: &ListReport) -> String {
    let counts = &report.counts;
    let mut rows = vec![
        ("digest", report.digest.clone()),
        (
            "people",
            format!(
                "{}, of whom {} not wanted for arrest, {} under 18",
                counts.people, counts.not_wanted, counts.under_18
            ),
        ),
        ("images", counts.images.to_string()),
    ];
    if let Some((first, last)) = &report.enrolled {
        rows.push(("enrolled", format!("{first} to {last}")));
    }
    if let Some((oldest, newest)) = &report.taken {
        rows.push(("taken", format!("{oldest} to {newest}")));
    }
    if let Some(expires) = &report.expires {
        rows.push(("first gone by", expires.clone()));
    }
    for (title, counts) in [
        ("by category", &report.categories),
        ("by source", &report.sources),
        ("not wanted, by reason", &report.reasons),
    ] {
        let counts: Vec<String> = counts
            .iter()
            .map(|(name, count)| format!("{name}: {count}"))
            .collect();
        if !counts.is_empty() {
            rows.push((title, counts.join(", ")));
        }
    }
    if let Some(quality) = &report.quality {
        rows.push((
            "image quality",
            format!(
                "{:.0} lowest, {:.0} lower quartile, {:.0} median, {:.0} upper quartile, {:.0} highest; {} not measured",
                quality.lowest,
                quality.lower_quartile,
                quality.median,
                quality.upper_quartile,
                quality.highest,
                quality.unmeasured
            ),
        ));
    }
    let mut text = output::columns(rows);
    if !report.alike.is_empty() {
        text += "\nWho would be taken for whom:\n";
    }
    for pair in report.alike.iter().take(PRINTED) {
        let kind = match pair.kind {
            Likeness::SamePhotograph => "the same photograph",
            Likeness::LikelySame => "likely one person",
            Likeness::OverFloor => "over the floor",
        };
        text += &format!(
            "  {} and {}: {:.3}, {kind}\n",
            pair.one, pair.other, pair.score
        );
    }
    if report.alike.len() > PRINTED {
        text += &format!("  and {} more\n", report.alike.len() - PRINTED);
    }
    text += "\nImage quality is named by components of ISO/IEC 29794-5; that by itself is no conformity with the capture standard of the NPIA.\n";
    match report.findings.is_empty() {
        true => text += "Everything is in order.\n",
        false => text += "\nOut of order:\n",
    }
    for finding in &report.findings {
        text += &format!("  {finding}: {}\n", finding.mend());
    }
    text
}
