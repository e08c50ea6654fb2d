//! `overt evaluate verification`: pairs of photographs through the deployment's plugins, and the figures by which face recognition is compared.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use askama::Template;
use clap::Args;
use overt_deployment::Deployment;
use overt_evaluation::drawings::{self, percent};
use overt_evaluation::faces;
use overt_evaluation::pairs::{Pairs, PairsError};
use overt_evaluation::statistics::Scores;
use overt_evaluation::verification::{self, Compared, MadeBy, Verification};
use overt_pipeline::{Perception, stills};

use super::{Files, TOLD, complain, unwritable};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::{confine, interrupt, machine, output};

/// Compare pairs of photographs: do two show one person?
///
/// The pairs are in the format of Labeled Faces in the Wild: a first line with a count, or with a number of folds and a count; then `name n1 n2` for two
/// photographs of one person and `name1 n1 name2 n2` for photographs of two, fields between tabs or spaces. They stand for DIR/name/name_nnnn.jpg.
///
/// Each photograph goes through the deployment's detector, quality and encoder plugins as a live frame does; of several faces the large one near the
/// middle is meant. A pair of which a photograph shows no face never matches. Accuracy is told over ten folds: each at the threshold that
/// is best on the nine others.
///
/// Beside OUT it leaves OUT's name with `.det.svg`, `.scores.svg` and `.html`. None of them holds a photograph, a name or a template.
#[derive(Args)]
#[command(after_help = "\
Examples:
  overt evaluate verification --deployment deployment.toml --pairs pairs.txt --images lfw/ --json result.json
  overt evaluate verification --deployment deployment.toml --pairs pairs.txt --images lfw/ --json result.json --scores scores.csv

Exit status: 0 if it was measured, 1 if not, 2 for a mistake in a file, 130 after Ctrl-C.")]
pub(crate) struct Arguments {
    /// The deployment file: its plugins, models and back end are measured
    #[arg(long)]
    deployment: PathBuf,
    /// The pair file
    #[arg(long)]
    pairs: PathBuf,
    /// The folder with a folder of photographs for each person
    #[arg(long, value_name = "DIR")]
    images: PathBuf,
    /// Where the figures go
    #[arg(long, value_name = "OUT")]
    json: PathBuf,
    /// Where each pair's score goes as well, as CSV. It names people
    #[arg(long, value_name = "CSV")]
    scores: Option<PathBuf>,
}

/// The page.
#[derive(Template)]
#[template(path = "verification.html")]
struct Page<'a> {
    deployment: &'a str,
    figures: &'a Verification,
    tiles: Vec<(String, &'static str)>,
    det: &'a str,
    scores: &'a str,
    bins: Vec<(String, u64, u64)>,
}

impl Page<'_> {
    fn percent(&self, rate: &f64) -> String {
        percent(*rate)
    }

    fn threshold(&self, threshold: &f32) -> String {
        format!("{threshold:.4}")
    }
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let deployment = Deployment::read(&arguments.deployment)?;
    let pairs = Pairs::read(&arguments.pairs).map_err(refused)?;
    let photographs: Vec<PathBuf> = pairs
        .photographs
        .iter()
        .map(|photograph| photograph.path(&arguments.images))
        .collect();
    all_there(&photographs, &arguments.images)?;
    let files = Files::new(
        &arguments.json,
        ["det", "scores"],
        arguments.scores.as_deref(),
        &[&arguments.deployment, &arguments.pairs],
    )?;
    let left = [&arguments.json].into_iter().chain(&arguments.scores);
    let left: Vec<&Path> = left.map(PathBuf::as_path).collect();
    confine::confine_aside(&deployment, &photographs, &left)?;
    let stop = interrupt::watch("nothing is written: part of the pairs would give other figures")?;
    let machine = machine::start(&deployment)?;
    let perception = Perception::load(&machine, &deployment)?;
    let progress = Progress::new("photographs", Some(photographs.len() as u64));
    let seen = faces::look(
        &machine,
        &perception,
        stills::workers(&deployment),
        &photographs,
        &stop,
        &|done| progress.at(done as u64, String::new),
    );
    progress.end();
    let seen = seen?;
    if stop.load(Ordering::SeqCst) {
        return Ok(Exit::Interrupted);
    }
    complain(photographs.iter().map(PathBuf::as_path), &seen);
    let compared = verification::compare(&pairs, &seen);
    let undetected = seen.iter().filter(|seen| seen.template().is_none()).count();
    let figures = Verification::new(
        &compared,
        pairs.folds,
        photographs.len(),
        undetected,
        MadeBy::new(&perception, machine.backend()),
    );
    if let Some(csv) = &arguments.scores {
        output::write(csv, &scores_csv(&pairs, &compared)?)?;
    }
    leave(&files, &deployment.id, &figures, &compared)?;
    output::print(&table(&figures, &files))?;
    Ok(Exit::Done)
}

fn refused(error: PairsError) -> Failure {
    match error {
        PairsError::Mistakes { .. } => Failure::mistake(
            error.to_string(),
            "correct the lines; `overt evaluate verification --help` shows the format",
        ),
        _ => Failure::new(error.to_string(), "check the path of `--pairs`"),
    }
}

/// Every photograph that is missing, before any is looked at.
fn all_there(photographs: &[PathBuf], images: &Path) -> Result<(), Failure> {
    let missing: Vec<&PathBuf> = photographs.iter().filter(|path| !path.is_file()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let mut lines: Vec<String> = missing
        .iter()
        .take(TOLD)
        .map(|path| format!("{}: there is no such photograph", path.display()))
        .collect();
    if missing.len() > TOLD {
        lines.push(format!("and {} more", missing.len() - TOLD));
    }
    Err(Failure::mistake(
        lines.join("\n"),
        format!(
            "check `--images` ({}): it holds a folder for each person, with photographs named like it",
            images.display()
        ),
    ))
}

fn scores_csv(pairs: &Pairs, compared: &[Compared]) -> Result<String, Failure> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    let failed = |error: &dyn std::fmt::Display| {
        Failure::new(format!("the scores cannot be written down: {error}"), "")
    };
    csv.write_record(["first", "second", "genuine", "fold", "score"])
        .map_err(|error| failed(&error))?;
    for (pair, compared) in pairs.pairs.iter().zip(compared) {
        let name = |index: usize| {
            let photograph = &pairs.photographs[index];
            format!("{}_{:04}", photograph.name, photograph.number)
        };
        csv.write_record([
            name(pair.first),
            name(pair.second),
            u8::from(pair.genuine).to_string(),
            pair.fold.to_string(),
            compared
                .score
                .map(|score| score.to_string())
                .unwrap_or_default(),
        ])
        .map_err(|error| failed(&error))?;
    }
    let bytes = csv.into_inner().map_err(|error| failed(&error))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Drawings, page and figures.
fn leave(
    files: &Files,
    deployment: &str,
    figures: &Verification,
    compared: &[Compared],
) -> Result<(), Failure> {
    let genuine = Scores::new(verification::of(compared, true));
    let impostor = Scores::new(verification::of(compared, false));
    let det = drawings::det(&genuine, &impostor, figures).svg();
    let scores = drawings::scores(&genuine, &impostor, figures).svg();
    let page = Page {
        deployment,
        figures,
        tiles: tiles(figures),
        det: &det,
        scores: &scores,
        bins: bins(&genuine, &impostor),
    };
    let page = page.render().map_err(unwritable)?;
    files.write(figures, [&det, &scores], &page)
}

fn tiles(figures: &Verification) -> Vec<(String, &'static str)> {
    let mut tiles = vec![
        (figures.pairs.to_string(), "pairs"),
        (figures.images.to_string(), "photographs"),
        (figures.undetected.to_string(), "without a face"),
        (percent(figures.accuracy_mean), "told rightly, ten folds"),
    ];
    let names = ["found at 1 % false accepts", "found at 0.1 % false accepts"];
    for (point, name) in figures.operating_points.iter().zip(names) {
        tiles.push((percent(point.true_accepts.rate), name));
    }
    tiles.push((
        percent(figures.equal_error.rate),
        "where misses and false accepts are equal",
    ));
    tiles.push((figures.impostor.to_string(), "pairs of two people"));
    tiles
}

/// The histogram as a table: a line for each tenth of a score.
fn bins(genuine: &Scores, impostor: &Scores) -> Vec<(String, u64, u64)> {
    let within = |scores: &Scores, from: f32, to: f32| {
        (scores.at_or_over(from) - scores.at_or_over(to)) as u64
    };
    (-10..=10)
        .map(|tenth| {
            let (from, to) = (tenth as f32 / 10.0, (tenth + 1) as f32 / 10.0);
            (
                format!("{from:.1} to {to:.1}"),
                within(genuine, from, to),
                within(impostor, from, to),
            )
        })
        .filter(|(_, genuine, impostor)| genuine + impostor > 0)
        .collect()
}

fn table(figures: &Verification, files: &Files) -> String {
    let mut rows = vec![
        (
            "pairs".to_owned(),
            format!(
                "{} ({} of one person, {} of two)",
                figures.pairs, figures.genuine, figures.impostor
            ),
        ),
        ("photographs".to_owned(), figures.images.to_string()),
        (
            "without a face".to_owned(),
            format!(
                "{} (in {} pairs, which never match)",
                figures.undetected, figures.pairs_undetected
            ),
        ),
        (
            "accuracy".to_owned(),
            format!(
                "{:.4} ± {:.4} over {} folds",
                figures.accuracy_mean,
                figures.accuracy_std,
                figures.folds.len()
            ),
        ),
    ];
    for point in &figures.operating_points {
        let (found, passed) = (&point.true_accepts, &point.false_accepts);
        rows.push((
            format!("found at {} false accepts", percent(point.far)),
            format!(
                "{:.4} ({:.4} to {:.4}) at threshold {:.4}",
                found.rate, found.low, found.high, point.threshold
            ),
        ));
        if !point.shown {
            rows.push((
                String::new(),
                format!(
                    "{} of {} impostor pairs passed, which shows no more than a rate under {}",
                    passed.count,
                    passed.of,
                    percent(passed.high)
                ),
            ));
        }
    }
    rows.push((
        "equal error".to_owned(),
        format!(
            "{:.4} at threshold {:.4}",
            figures.equal_error.rate, figures.equal_error.threshold
        ),
    ));
    let mut text = output::columns(
        rows.iter()
            .map(|(name, value)| (name.as_str(), value.clone())),
    );
    text += &files.list();
    output::printable(&text)
}
