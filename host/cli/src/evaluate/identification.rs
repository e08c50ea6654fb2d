//! `overt evaluate identification`: searches in a gallery, for people who are in it and for others; and the calibration that a score floor rests on.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use askama::Template;
use clap::Args;
use overt_deployment::{Deployment, Timestamp};
use overt_evaluation::drawings::{self, percent};
use overt_evaluation::faces;
use overt_evaluation::identification::{self, CurvePoint, Identification, Sizes};
use overt_evaluation::people::{self, PeopleError, Shown};
use overt_evaluation::verification::MadeBy;
use overt_pipeline::calibration::{Calibration, GallerySize};
use overt_pipeline::{Perception, stills};
use sha2::{Digest, Sha256};

use super::{Files, complain, unwritable};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::{confine, interrupt, machine, output, times};

/// Search a gallery: who of it is it, if anybody?
///
/// Three folders of photographs: the gallery, probes of people who are in it (mated), and probes of people who are not (non-mated). Each holds a folder for
/// each person, or files named like their person, with or without a number (Ann_Other_0002.jpg). Every photograph goes through the deployment's
/// plugins as a live frame does, and every probe through the same exact search.
///
/// For each threshold it tells the misses (FNIR) and the false positives (FPIR, ISO/IEC 19795-1) with 95 % intervals, and the least threshold that keeps
/// a rate of false positives. With `--calibration` the curve is written as the file that `calibration` under [authority] names: a run then says what its
/// score floor rests on, and refuses a calibration of other plugins, models or another back end.
///
/// Beside OUT it leaves OUT's name with `.rates.svg`, `.trade.svg` and `.html`. None of them holds a photograph, a name or a template.
#[derive(Args)]
#[command(after_help = "\
Examples:
  overt evaluate identification --deployment deployment.toml --gallery gallery/ --mated mated/ --non-mated others/ --json result.json
  overt evaluate identification --deployment deployment.toml --gallery gallery/ --mated mated/ --non-mated others/ --json result.json \\
      --target-fpir 0.001 --calibration calibration.json --description \"custody images of 2025, probes from the trial\"

Exit status: 0 if it was measured, 1 if not, 2 for a mistake in the folders, 130 after Ctrl-C.")]
pub(crate) struct Arguments {
    /// The deployment file: its plugins, models and back end are measured
    #[arg(long)]
    deployment: PathBuf,
    /// The folder of those who are sought
    #[arg(long, value_name = "DIR")]
    gallery: PathBuf,
    /// The folder of other photographs of them
    #[arg(long, value_name = "DIR")]
    mated: PathBuf,
    /// The folder of photographs of others
    #[arg(long, value_name = "DIR")]
    non_mated: PathBuf,
    /// The rate of false positives that the threshold is to keep, over 0 and under 1
    #[arg(long, value_name = "RATE", default_value_t = 0.001, value_parser = rate)]
    target_fpir: f64,
    /// Where the figures go
    #[arg(long, value_name = "OUT")]
    json: PathBuf,
    /// Where the calibration goes as well
    #[arg(long, value_name = "FILE")]
    calibration: Option<PathBuf>,
    /// What the photographs are, for the calibration
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "on photographs that nobody described"
    )]
    description: String,
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if rate > 0.0 && rate < 1.0 => Ok(rate),
        _ => Err("expected a rate over 0 and under 1, such as 0.001".to_owned()),
    }
}

/// The page.
#[derive(Template)]
#[template(path = "identification.html")]
struct Page<'a> {
    deployment: &'a str,
    figures: &'a Identification,
    tiles: Vec<(String, &'static str)>,
    rates: &'a str,
    trade: &'a str,
    points: Vec<&'a CurvePoint>,
}

impl Page<'_> {
    fn percent(&self, rate: &f64) -> String {
        percent(*rate)
    }

    fn hundredth(&self, threshold: &f32) -> String {
        format!("{threshold:.2}")
    }
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let deployment = Deployment::read(&arguments.deployment)?;
    let folder = |path: &Path| people::read(path).map_err(refused);
    let gallery = folder(&arguments.gallery)?;
    let (mated, non_mated) = (folder(&arguments.mated)?, folder(&arguments.non_mated)?);
    identification::check_places(&gallery, &mated, &non_mated).map_err(|misplaced| {
        Failure::mistake(
            misplaced.to_string(),
            "move or rename them: a mated probe's person is in the gallery, a non-mated one's is not",
        )
    })?;
    let files = Files::new(
        &arguments.json,
        ["rates", "trade"],
        arguments.calibration.as_deref(),
        &[&arguments.deployment],
    )?;
    let photographs: Vec<PathBuf> = [&gallery, &mated, &non_mated]
        .into_iter()
        .flatten()
        .map(|shown| shown.path.clone())
        .collect();
    let left = [&arguments.json].into_iter().chain(&arguments.calibration);
    let left: Vec<&Path> = left.map(PathBuf::as_path).collect();
    confine::confine_aside(&deployment, &photographs, &left)?;
    let stop = interrupt::watch("nothing is written: part of the probes would give other figures")?;
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
    let (seen_gallery, seen_probes) = seen.split_at(gallery.len());
    let (seen_mated, seen_others) = seen_probes.split_at(mated.len());
    let failed = |error: &dyn std::fmt::Display| {
        Failure::new(
            format!("the gallery cannot be searched: {error}"),
            "look at what is said above of its photographs",
        )
    };
    let search = identification::enrol(&perception, &gallery, seen_gallery)
        .map_err(|error| failed(&error))?;
    let searches = |probes: &[Shown], seen, are_mated| {
        identification::search(&search, probes, seen, are_mated).map_err(|error| failed(&error))
    };
    let mut all = searches(&mated, seen_mated, true)?;
    all.extend(searches(&non_mated, seen_others, false)?);
    let (people_not_enrolled, enrolment_failures) =
        identification::not_enrolled(&gallery, seen_gallery);
    let people: std::collections::BTreeSet<&str> =
        gallery.iter().map(|shown| shown.person.as_str()).collect();
    let sizes = Sizes {
        people: people.len() - people_not_enrolled,
        images: gallery.len() - enrolment_failures,
        enrolment_failures,
        people_not_enrolled,
        undetected: seen_probes
            .iter()
            .filter(|seen| seen.template().is_none())
            .count(),
    };
    if sizes.people == 0 {
        return Err(failed(&"no photograph of it gave a template"));
    }
    let figures = Identification::new(
        &all,
        sizes,
        arguments.target_fpir,
        MadeBy::new(&perception, machine.backend()),
    );
    leave(&files, &deployment.id, &figures)?;
    let mut text = table(&figures, &files);
    if let Some(path) = &arguments.calibration {
        let size = GallerySize {
            people: sizes.people as u64,
            images: sizes.images as u64,
        };
        let calibration = Calibration::new(
            &perception,
            machine.backend_identity(),
            times::for_lists(Timestamp::now()),
            arguments.description.clone(),
            size,
            digests(&photographs)?,
            figures.points(),
        );
        let json = serde_json::to_string_pretty(&calibration).map_err(unwritable)?;
        output::write(path, &(json + "\n"))?;
        text += &format!("{}\n", path.display());
    }
    output::print(&output::printable(&text))?;
    Ok(Exit::Done)
}

fn refused(error: PeopleError) -> Failure {
    Failure::mistake(
        error.to_string(),
        "a folder for each person with photographs, or photographs named like their person",
    )
}

/// SHA-256 of each photograph.
fn digests(photographs: &[PathBuf]) -> Result<Vec<[u8; 32]>, Failure> {
    photographs
        .iter()
        .map(|path| {
            let bytes = std::fs::read(path).map_err(|error| Failure::file(path, &error))?;
            Ok(Sha256::digest(bytes).into())
        })
        .collect()
}

fn leave(files: &Files, deployment: &str, figures: &Identification) -> Result<(), Failure> {
    let rates = drawings::rates(figures).svg();
    let trade = drawings::trade(figures).svg();
    let page = Page {
        deployment,
        figures,
        tiles: tiles(figures),
        rates: &rates,
        trade: &trade,
        // Every twentieth of a score: the whole curve is in the JSON.
        points: figures.curve.iter().step_by(5).collect(),
    };
    let page = page.render().map_err(unwritable)?;
    files.write(figures, [&rates, &trade], &page)
}

fn tiles(figures: &Identification) -> Vec<(String, &'static str)> {
    vec![
        (figures.gallery_people.to_string(), "people in the gallery"),
        (figures.mated.to_string(), "searches for them"),
        (figures.non_mated.to_string(), "searches for others"),
        (figures.undetected.to_string(), "probes without a face"),
        (percent(figures.target_fpir), "false positives wanted"),
        (
            format!("{:.4}", figures.threshold),
            "least threshold for that",
        ),
        (percent(figures.fnir.rate), "misses there"),
        (percent(figures.fpir.rate), "false positives there"),
    ]
}

fn table(figures: &Identification, files: &Files) -> String {
    let rate = |rate: &overt_evaluation::statistics::Rate| {
        format!(
            "{:.4} ({} of {}, {:.4} to {:.4})",
            rate.rate, rate.count, rate.of, rate.low, rate.high
        )
    };
    let mut rows = vec![
        (
            "gallery",
            format!(
                "{} people, {} images",
                figures.gallery_people, figures.gallery_images
            ),
        ),
        (
            "not enrolled",
            format!(
                "{} people, {} images",
                figures.people_not_enrolled, figures.enrolment_failures
            ),
        ),
        (
            "probes",
            format!(
                "{} mated, {} non-mated, {} of them without a face",
                figures.mated, figures.non_mated, figures.undetected
            ),
        ),
        (
            "threshold",
            format!(
                "{:.4} for {} false positives",
                figures.threshold,
                percent(figures.target_fpir)
            ),
        ),
        ("misses (FNIR)", rate(&figures.fnir)),
        ("false positives (FPIR)", rate(&figures.fpir)),
    ];
    if !figures.shown {
        rows.push((
            "",
            format!(
                "{} non-mated probes are too few to show {}: it may be up to {}",
                figures.non_mated,
                percent(figures.target_fpir),
                percent(figures.fpir.high)
            ),
        ));
    }
    output::columns(rows) + &files.list()
}
