//! `overt search`: photographs against the watchlist of a deployment. It parses and prints; what a search is stands in the pipeline.

mod photographs;
mod report;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::{Args, ValueEnum};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use overt_deployment::{Deployment, Trust};
use overt_pipeline::lock::{LockError, LockFile};
use overt_pipeline::search::{Found, Photograph, Search, SearchMode};
use overt_pipeline::{Authority, Event, PipelineError};
use overt_records::{Footage, Searched, Store, Timestamp};

use crate::control::client;
use crate::control::server::{Begun, Server};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::run::{self, gate};
use crate::{confine, control, interrupt, machine, output, watchlist};
use photographs::Listed;
use report::Report;

/// Search stored images, or one photograph that an officer took, for the people on a deployment's watchlist
///
/// The photographs go through the same plugins as a live camera's frames, under the same score floor. What comes out is alerts, which two people judge as any other (`overt
/// alerts list`); it says of nobody who they are. Of a face that raises no alert nothing is kept, and of one that does, the face alone. Each photograph stands for itself.
///
/// You are signed in, in a role that the force's rules let search (`started-by` of the mode). The mode is off unless `modes` under [authority] names it and the register says that
/// it is authorised; what is missing is listed, all of it. Who searched what, when and why is on record.
///
/// While a run of the deployment goes on, its records are the run's: search in a deployment of its own, with an authority and records of its own.
#[derive(Args)]
#[command(after_help = "\
Examples:
  overt search deployment.toml frames/ --mode retrospective --reason \"robbery, crime 4711\" \\
      --taken-at 2026-01-31T09:00:00Z --taken-until 2026-01-31T10:00:00Z \\
      --taken-place \"Market Square\" --source \"till camera\" --owner \"A. Shop Ltd\"
  overt search deployment.toml list.csv --mode retrospective …    a CSV file with the column `file`
  overt search deployment.toml face.jpg --mode operator --reason \"found unconscious\" \\
      --taken-at 2026-01-31T22:14:00Z --taken-place \"Harbour Road\"
  overt search deployment.toml frames/ --mode retrospective … --json | jq '.alerts[].number'

Exit status:
  0    every photograph was searched; whether there were alerts is told
  1    one was not, or something is missing that a search needs
  2    a mistake in the arguments or in the deployment file
  130  ended by Ctrl-C, in good order: what was searched so far counts
The JSON is described by search.schema.json in the source of overt.")]
pub(crate) struct Arguments {
    /// The deployment file
    deployment: PathBuf,
    /// Photographs (JPEG, PNG), folders of them, or CSV files with the column `file`
    #[arg(required = true, value_name = "PHOTOGRAPH")]
    photographs: Vec<PathBuf>,
    /// How: stored images, or one photograph that you took
    #[arg(long)]
    mode: ModeArgument,
    /// Why
    #[arg(long)]
    reason: String,
    /// When they were taken: a moment, or a day
    #[arg(long, value_name = "TIME", value_parser = taken)]
    taken_at: Taken,
    /// When the last of them was taken, where it was not all at once
    #[arg(long, value_name = "TIME", value_parser = taken)]
    taken_until: Option<Taken>,
    /// Where they were taken
    #[arg(long, value_name = "PLACE")]
    taken_place: String,
    /// What stored images are out of, such as the camera of a shop
    #[arg(long, required_if_eq("mode", "retrospective"))]
    source: Option<String>,
    /// Whose they are
    #[arg(long, required_if_eq("mode", "retrospective"))]
    owner: Option<String>,
    /// Compare every face of an officer's photograph, bystanders included. Of stored images every face is compared
    #[arg(long)]
    all_faces: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// [`SearchMode`] on the command line.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ModeArgument {
    /// Stored images
    Retrospective,
    /// One photograph that an officer took
    Operator,
}

impl From<ModeArgument> for SearchMode {
    fn from(mode: ModeArgument) -> Self {
        match mode {
            ModeArgument::Retrospective => Self::Retrospective,
            ModeArgument::Operator => Self::Operator,
        }
    }
}

/// When something was taken.
#[derive(Clone, Copy)]
struct Taken {
    from: Timestamp,
    to: Timestamp,
}

/// A day, of which the part that is over counts, or a moment.
fn taken(text: &str) -> Result<Taken, String> {
    let expected = |_| {
        "expected a moment, such as 2026-01-31T09:00:00Z, or a day, such as 2026-01-31".to_owned()
    };
    let of = |time: jiff::Timestamp| Timestamp::from_unix_ms(time.as_millisecond());
    let Ok(day) = text.parse::<Date>() else {
        let moment = of(text.parse::<jiff::Timestamp>().map_err(expected)?);
        return Ok(Taken {
            from: moment,
            to: moment,
        });
    };
    let midnight = |day: Date| {
        day.to_zoned(TimeZone::UTC)
            .map(|zoned| of(zoned.timestamp()))
    };
    let from = midnight(day).map_err(expected)?;
    let next = day.tomorrow().and_then(midnight).map_err(expected)?;
    Ok(Taken {
        from,
        // Today is not over; of a day that is to come nothing was taken, and the records say so.
        to: next.min(watchlist::now()).max(from),
    })
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let mode = SearchMode::from(arguments.mode);
    check(&arguments)?;
    let listed = photographs::listed(&arguments.photographs)?;
    if mode == SearchMode::Operator && listed.files.len() != 1 {
        return Err(Failure::mistake(
            format!(
                "an officer's photograph is one, and here are {}",
                listed.files.len()
            ),
            "search them one by one; stored images are searched with `--mode retrospective`",
        ));
    }
    let deployment = Deployment::read(&arguments.deployment)?;
    if client::is_running(&deployment) {
        return Err(running(&deployment));
    }
    let lock = match LockFile::read(&deployment.host.lock, &arguments.deployment) {
        // The gate tells it, among all else that is missing.
        Err(LockError::Missing { .. }) => None,
        read => Some(read?),
    };
    let brought = gate::Brought::of(&deployment)?;
    // Before any thread, and before a photograph is opened. Cameras are none of a search's business.
    let mut bare = deployment.clone();
    bare.cameras.clear();
    let confinement = confine::confine(&bare, &listed.places)?;
    let shut_in = match confinement.is_whole() {
        true => format!("Shut in: {confinement}."),
        false => format!("NOT SHUT IN: {confinement}."),
    };
    let stop =
        interrupt::watch("the photographs that are under way are finished, the rest is left")?;
    let store = Store::open(&deployment.host.records, &watchlist::settings(&deployment))?;
    store.keep_membership(deployment.retention.membership_days);
    watchlist::say_gone(&store.sweep(watchlist::now())?);
    let passed = gate::pass(
        &deployment,
        &store,
        lock.as_ref(),
        brought,
        mode.registered(),
    )?;
    let machine = machine::start(&deployment).map(|machine| machine.confined(confinement));
    let found = machine.and_then(|machine| {
        let search = Search {
            mode,
            about: about(&arguments),
            photographs: listed.files.iter().cloned().map(Photograph::File).collect(),
            lock: lock.as_ref(),
            authority: Authority {
                authorised: &passed.authorised,
                by: &passed.started.by,
                until: &passed.until,
                score_floor: passed.started.entry.terms().score_floor,
            },
        };
        under_way(
            &deployment,
            &machine,
            search,
            &store,
            &stop,
            &passed,
            &listed,
            &shut_in,
        )
    });
    let interrupted = !matches!(&found, Ok(found) if !found.interrupted);
    passed.end(interrupted)?;
    told(&arguments, &deployment, &passed, &listed, &found?)
}

/// What the arguments say of one another.
fn check(arguments: &Arguments) -> Result<(), Failure> {
    let is_stored = arguments.mode == ModeArgument::Retrospective;
    if !is_stored && (arguments.source.is_some() || arguments.owner.is_some()) {
        return Err(Failure::mistake(
            "`--source` and `--owner` say where stored images come from, and an officer's photograph is the officer's",
            "take them out, or search with `--mode retrospective`",
        ));
    }
    if is_stored && arguments.all_faces {
        return Err(Failure::mistake(
            "`--all-faces` is for an officer's photograph",
            "take it out: of stored images every face is compared",
        ));
    }
    Ok(())
}

/// What is put on record of the search.
fn about(arguments: &Arguments) -> Searched {
    let last = arguments.taken_until.unwrap_or(arguments.taken_at);
    let footage = arguments.source.clone().zip(arguments.owner.clone());
    Searched {
        reason: arguments.reason.clone(),
        // The pipeline counts them.
        photographs: 0,
        every_face: arguments.all_faces || arguments.mode == ModeArgument::Retrospective,
        place: arguments.taken_place.clone(),
        taken_from: arguments.taken_at.from,
        taken_to: last.to,
        footage: footage.map(|(source, owner)| Footage { source, owner }),
    }
}

/// Said where the records are a run's.
fn running(deployment: &Deployment) -> Failure {
    Failure::new(
        format!(
            "a run of {} goes on, and its records and alerts are the run's until it ends",
            deployment.id
        ),
        "search in a deployment of its own (another id, records and authority), which holds no run up; or wait until the run has ended",
    )
}

/// The search itself, once it may begin. People can judge its alerts meanwhile.
#[allow(clippy::too_many_arguments)] // Called once, with everything that was prepared.
fn under_way(
    deployment: &Deployment,
    machine: &overt_pipeline::Machine,
    search: Search<'_>,
    store: &Store,
    stop: &Arc<AtomicBool>,
    passed: &gate::Passed,
    listed: &Listed,
    shut_in: &str,
) -> Result<Found, Failure> {
    let (ask, requests) = crossbeam_channel::unbounded();
    let begun = Begun {
        file: deployment.file().to_owned(),
        deployment: deployment.id.clone(),
        cameras: Vec::new(),
        locked: search.lock.is_some(),
        force: deployment.host.force.clone(),
    };
    let socket = Server::start(&control::folder(deployment), begun, ask)?;
    // Before a photograph is opened.
    confine::close_local_sockets(deployment)?;
    let count = listed.files.len() as u64;
    let progress = Arc::new(Progress::new("photographs", Some(count)));
    progress.line(shut_in);
    let given = &passed.authorised;
    progress.line(&output::printable(&format!(
        "Deployment {} of the register, search {}: authorised by {} {}, reference {}; searched by {}.",
        given.number, given.run, given.rank, given.officer, given.reference, given.started_by
    )));
    if matches!(deployment.trust, Trust::Unsigned) {
        progress.line(run::UNSIGNED);
    }
    progress.at(0, || "loading plugins and models".to_owned());
    let over = Arc::new(AtomicBool::new(false));
    let watch = passed.watch(stop.clone(), over.clone(), progress.clone())?;
    let tell = |event: Event<'_>| match event {
        // Whom it is about, those learn who judge it.
        Event::Alert(alert) => {
            progress.line(&format!("ALERT {}: a person looks at it.", alert.number))
        }
        Event::Camera { .. } => {}
        other => run::show(&progress, other),
    };
    let found =
        overt_pipeline::search::search(machine, deployment, search, store, stop, requests, &tell);
    over.store(true, Ordering::Relaxed);
    watch.end();
    progress.end();
    drop(socket);
    Ok(found?)
}

/// What it came to.
fn told(
    arguments: &Arguments,
    deployment: &Deployment,
    passed: &gate::Passed,
    listed: &Listed,
    found: &Found,
) -> Result<Exit, Failure> {
    let report = Report::of(
        deployment,
        passed.authorised.number,
        arguments.mode.into(),
        listed,
        found,
    );
    match arguments.json {
        true => output::print_json(&report)?,
        false => output::print(&output::printable(&report.text(&arguments.deployment)))?,
    }
    for quarantine in &found.quarantines {
        complain(quarantine);
    }
    if let Some(faces) = found.not_one_face {
        return Err(match faces {
            0 => Failure::new(
                "no face was found, so nothing was compared",
                "take another photograph, of the whole face, in good light",
            ),
            faces => Failure::new(
                format!(
                    "{faces} faces were found, and nobody can say who is meant: nothing was compared"
                ),
                "crop the photograph to the one face; or compare them all: `--all-faces`",
            ),
        });
    }
    let is_whole = report.left_out.is_empty()
        && found.quarantines.is_empty()
        && found.counts.frames.unseen == 0;
    Ok(match (found.interrupted, is_whole) {
        (true, _) => Exit::Interrupted,
        (false, true) => Exit::Done,
        (false, false) => Exit::Failed,
    })
}

fn complain(error: &PipelineError) {
    output::say(&Failure::new(error.to_string(), error.mend()).render(output::colour_on_stderr()));
}

/// A path as it is shown.
fn shown(path: &Path) -> String {
    path.display().to_string()
}
