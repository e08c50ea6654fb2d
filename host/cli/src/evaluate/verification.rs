//! `overt evaluate verification`: pairs of photographs through the deployment's plugins, and the figures by which face recognition is compared.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use askama::Template;
use clap::Args;
use overt_deployment::Deployment;
use overt_evaluation::drawings::{self, percent};
use overt_evaluation::faces::{self, Seen};
use overt_evaluation::pairs::{Pairs, PairsError};
use overt_evaluation::statistics::Scores;
use overt_evaluation::verification::{self, Compared, MadeBy, Verification};
use overt_pipeline::{Machine, Perception, stills};

use crate::exit::Exit;
use crate::failure::{Diagnostic, Failure};
use crate::progress::Progress;
use crate::{interrupt, machine, output};

/// Missing files that are named one by one.
const TOLD: usize = 20;

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
    det: String,
    scores: String,
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
    // Before the work, so that a folder that cannot be written is known at once.
    let files = Files::new(&arguments.json)?;
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
    complain(&photographs, &seen);
    let compared = verification::compare(&pairs, &seen);
    let undetected = seen.iter().filter(|seen| seen.template().is_none()).count();
    let figures = Verification::new(
        &compared,
        pairs.folds,
        photographs.len(),
        undetected,
        made_by(&machine, &perception),
    );
    if let Some(csv) = &arguments.scores {
        write(csv, &scores_csv(&pairs, &compared)?)?;
    }
    files.write(&deployment.id, &figures, &compared)?;
    output::print(&table(&figures, &files))?;
    Ok(Exit::Done)
}

fn made_by(machine: &Machine, perception: &Perception) -> MadeBy {
    MadeBy::new(perception, machine.backend())
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

/// Photographs without a template, with the reason.
fn complain(photographs: &[PathBuf], seen: &[Seen]) {
    let told = photographs.iter().zip(seen).filter_map(|(path, seen)| {
        let what = match seen {
            Seen::Failed(failure) => failure.to_string(),
            Seen::NoFace => "no face was found".to_owned(),
            Seen::Template(_) | Seen::NotReached => return None,
        };
        Some(Diagnostic {
            what: format!("{}: {what}", path.display()),
            mend: None,
        })
    });
    for (index, diagnostic) in told.enumerate() {
        match index {
            0..TOLD => eprint!("{}", diagnostic.render(output::colour_on_stderr())),
            TOLD => eprintln!("and more; all are counted"),
            _ => {}
        }
    }
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

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text).map_err(|error| Failure::file(path, &error))
}

/// The four files of a result.
struct Files {
    json: PathBuf,
    det: PathBuf,
    scores: PathBuf,
    page: PathBuf,
}

impl Files {
    fn new(json: &Path) -> Result<Files, Failure> {
        let folder = match json.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        std::fs::create_dir_all(folder).map_err(|error| Failure::file(folder, &error))?;
        if json.is_dir() {
            return Err(Failure::mistake(
                format!("{} is a folder", json.display()),
                "name a file in `--json`",
            ));
        }
        Ok(Files {
            json: json.to_owned(),
            det: json.with_extension("det.svg"),
            scores: json.with_extension("scores.svg"),
            page: json.with_extension("html"),
        })
    }

    fn write(
        &self,
        deployment: &str,
        figures: &Verification,
        compared: &[Compared],
    ) -> Result<(), Failure> {
        let genuine = Scores::new(verification::of(compared, true));
        let impostor = Scores::new(verification::of(compared, false));
        let det = drawings::det(&genuine, &impostor, figures).svg();
        let scores = drawings::scores(&genuine, &impostor, figures).svg();
        let unwritable = |error: &dyn std::fmt::Display| {
            Failure::new(
                format!("the figures cannot be written down: {error}"),
                "this is a fault of Overt",
            )
        };
        let json = serde_json::to_string_pretty(figures).map_err(|error| unwritable(&error))?;
        let page = Page {
            deployment,
            figures,
            tiles: tiles(figures),
            det: det.clone(),
            scores: scores.clone(),
            bins: bins(&genuine, &impostor),
        };
        let page = page.render().map_err(|error| unwritable(&error))?;
        write(&self.json, &(json + "\n"))?;
        write(&self.det, &det)?;
        write(&self.scores, &scores)?;
        write(&self.page, &page)
    }
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
    for file in [&files.json, &files.det, &files.scores, &files.page] {
        text += &format!("{}\n", file.display());
    }
    output::printable(&text)
}
