//! `overt run`: runs a deployment, shows how far it is, and leaves `summary.json` and `report.html`.

pub(crate) mod gate;
mod log;
mod metrics;
mod table;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;
use overt_confinement::Confinement;
use overt_deployment::{Channel, Deployment, Purpose, Role, Trust};
use overt_pipeline::lock::{LockError, LockFile};
use overt_pipeline::report::AlertReport;
use overt_pipeline::{
    Authority, CameraNews, Event, Finished, GenerationCause, GenerationFacts, PipelineError, Terms,
};
use overt_records::{Actor, ExportKind, Letter, Mode, News, RunMode, Store, SweepReport};

use crate::control::server::{Begun, Server};
use crate::exit::Exit;
use crate::failure::{Diagnostic, Failure};
use crate::progress::Progress;
use crate::{confine, control, interrupt, machine, output, report, times, watchlist};

/// Run a deployment: faces walk past, plugins decide, a person is asked
///
/// It is live, and starts only within what the force's register says is authorised, with the people, documents and lock that the force's rules ask for; what is
/// missing is listed, all of it. You are signed in as a system engineer. A rehearsal needs none of this.
///
/// It ends when its cameras do, when the deployment's time is over, or at Ctrl-C. A live camera that goes away is waited for. It leaves two files in the deployment's output folder: `summary.json` with the numbers and
/// `report.html`, a page of its own that shows every alert. Both name people who are sought and are readable by you alone.
#[derive(Args)]
#[command(after_help = "\
Examples:
  overt run examples/walk-past/deployment.toml
  overt run deployment.toml --camera gate --camera van
  overt run deployment.toml --rehearsal          nobody is alerted on, and nobody has to have authorised it
  overt run deployment.toml --rehearsal --unlocked
  overt run deployment.toml --log run.jsonl --log-format json

Exit status:
  0    every camera ended as it should
  1    one did not, nothing could be processed, or something is missing that a live run needs
  2    mistakes in the deployment file
  130  ended by Ctrl-C, in good order")]
pub(crate) struct Arguments {
    /// The deployment file
    deployment: PathBuf,

    /// Try out cameras, plugins and limits: no alert is raised and nobody is told of one; those that there would have been are counted
    #[arg(long)]
    rehearsal: bool,

    /// Rehearse without a lock: nobody has decided what runs, and everything that the run leaves says so
    #[arg(long, requires = "rehearsal")]
    unlocked: bool,

    /// Run this camera of the file and no other; can be given several times
    #[arg(long = "camera", value_name = "ID")]
    cameras: Vec<String>,

    #[command(flatten)]
    log: log::LogArguments,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    arguments.log.start()?;
    let mut deployment = Deployment::read(&arguments.deployment)?;
    keep_cameras(&mut deployment, &arguments.cameras)?;
    deployment.check_files()?;
    let mode = match arguments.rehearsal {
        true => RunMode::Rehearsal,
        false => RunMode::Live,
    };
    let lock = match arguments.unlocked {
        true => None,
        false => match LockFile::read(&deployment.host.lock, &arguments.deployment) {
            // The gate tells it, among all else that is missing.
            Err(LockError::Missing { .. }) if mode == RunMode::Live => None,
            read => Some(read?),
        },
    };
    let brought = match arguments.rehearsal {
        false => Some(gate::Brought::of(&deployment)?),
        true => None,
    };
    let listener = deployment.host.metrics.map(metrics::listen).transpose()?;
    // Before any thread, and before anything of a stranger's is opened. What has its file or port already keeps it.
    let confinement = confine::confine(&deployment, &[])?;
    let stop =
        interrupt::watch("the frames that are under way are finished, then the report is written")?;
    let store = Store::open(&deployment.host.records, &watchlist::settings(&deployment))?;
    store.keep_membership(deployment.retention.membership_days);
    watchlist::say_gone(&store.sweep(watchlist::now())?);
    let passed = match brought {
        Some(brought) => Some(gate::pass(
            &deployment,
            &store,
            lock.as_ref(),
            brought,
            Mode::Live,
        )?),
        None => None,
    };
    let ran = live_or_rehearsed(
        arguments,
        &deployment,
        mode,
        lock,
        &store,
        &stop,
        listener,
        confinement,
        passed.as_ref(),
    );
    if let Some(passed) = &passed {
        let interrupted = !matches!(ran, Ok(Exit::Done));
        passed.end(interrupted)?;
    }
    ran
}

/// The run itself, once it may begin.
#[allow(clippy::too_many_arguments)] // Called once, with everything that was prepared.
fn live_or_rehearsed(
    arguments: Arguments,
    deployment: &Deployment,
    mode: RunMode,
    lock: Option<LockFile>,
    store: &Store,
    stop: &Arc<AtomicBool>,
    listener: Option<std::net::TcpListener>,
    confinement: Confinement,
    passed: Option<&gate::Passed>,
) -> Result<Exit, Failure> {
    let folder = &deployment.host.output;
    let shut_in = confinement.to_string();
    let is_whole = confinement.is_whole();
    let machine = machine::start(deployment)?.confined(confinement);

    let (ask, requests) = crossbeam_channel::unbounded();
    let begun = Begun {
        file: arguments.deployment,
        deployment: deployment.id.clone(),
        cameras: arguments.cameras,
        locked: lock.is_some(),
        force: deployment.host.force.clone(),
    };
    let socket = Server::start(&control::folder(deployment), begun, ask)?;
    // Before a plugin or a model is opened.
    confine::close_local_sockets(deployment)?;

    let progress = Arc::new(Progress::new("frames", None));
    if let (Some(address), Some(listener)) = (deployment.host.metrics, listener) {
        metrics::serve(listener, machine.metrics().clone())?;
        progress.line(&format!("Metrics at http://{address}/metrics"));
    }
    progress.line(&match is_whole {
        true => format!("Shut in: {shut_in}."),
        false => format!("NOT SHUT IN: {shut_in}."),
    });
    if mode == RunMode::Rehearsal {
        progress.line(REHEARSAL);
    }
    if lock.is_none() {
        progress.line(UNLOCKED);
    }
    if matches!(deployment.trust, Trust::Unsigned) {
        progress.line(UNSIGNED);
    }
    progress.at(0, || "loading plugins and models".to_owned());
    let over = Arc::new(AtomicBool::new(false));
    let watch = match passed {
        Some(passed) => {
            let given = &passed.authorised;
            progress.line(&output::printable(&format!(
                "Deployment {} of the register, run {}: authorised by {} {}, reference {}; started by {}.",
                given.number, given.run, given.rank, given.officer, given.reference, given.started_by
            )));
            Some(passed.watch(stop.clone(), over.clone(), progress.clone())?)
        }
        None => None,
    };
    let finished = overt_pipeline::run(
        &machine,
        deployment,
        Terms {
            mode,
            lock: lock.as_ref(),
            authority: passed.map(|passed| Authority {
                authorised: &passed.authorised,
                by: &passed.started.by,
                until: &passed.until,
                score_floor: passed.started.entry.terms().score_floor,
            }),
        },
        store,
        stop,
        requests,
        &|event| show(&progress, event),
    );
    over.store(true, Ordering::Relaxed);
    if let Some(watch) = watch {
        watch.end();
    }
    progress.end();
    drop(socket);
    let Finished {
        mut summary,
        report,
        troubles,
    } = finished?;

    let summary_file = folder.join("summary.json");
    let report_file = folder.join("report.html");
    if report.alerts.iter().any(|alert| alert.shown.is_some()) {
        let until = overt_records::Timestamp::from_unix_ms(report.keep_until.as_millisecond());
        for (file, kind) in [
            (&summary_file, ExportKind::Summary),
            (&report_file, ExportKind::Report),
        ] {
            let file = std::path::absolute(file).map_err(|error| Failure::file(file, &error))?;
            store.export(&file, kind, Actor::Host, until, watchlist::now())?;
        }
        // That these files left is the newest event now.
        summary.audit = store.audit_head()?;
    }
    let json = serde_json::to_string_pretty(&summary).map_err(unwritable)?;
    output::write(&summary_file, &(json + "\n"))?;
    output::write(&report_file, &report::page(&report).map_err(unwritable)?)?;
    output::print(&table::table(&summary))?;
    output::print(&format!(
        "\n{}\n{}\n",
        summary_file.display(),
        report_file.display()
    ))?;
    for trouble in &troubles {
        complain(trouble);
    }
    let nothing = summary.frames.read > 0 && summary.frames.processed == 0;
    if nothing {
        output::say("No frame went all its way; the table says why.\n");
    }
    Ok(match summary.interrupted || stop.load(Ordering::SeqCst) {
        true => Exit::Interrupted,
        false if nothing || !troubles.is_empty() => Exit::Failed,
        false => Exit::Done,
    })
}

/// Said of a run that raises no alert.
const REHEARSAL: &str = "REHEARSAL: no alert is raised and nobody is told of one; those that there would have been are counted.";

/// Said where there is no lock.
const UNLOCKED: &str = "UNLOCKED: nobody has decided that these plugins, models and settings run here. `overt lock` does.";

/// Said where plugins need no signature.
pub(crate) const UNSIGNED: &str =
    "UNSIGNED: these plugins run whoever made them (`unsigned = true` under [trust]).";

/// Said where the authority names no calibration.
const NO_CALIBRATION: &str = "The score floor rests on no calibration: nobody has measured how often these plugins err at it. \
     `overt evaluate identification` does.";

/// Leaves the cameras that were asked for, where any were. One that the file does not name is refused.
pub(crate) fn keep_cameras(deployment: &mut Deployment, wanted: &[String]) -> Result<(), Failure> {
    if wanted.is_empty() {
        return Ok(());
    }
    let named: Vec<_> = deployment
        .cameras
        .iter()
        .map(|camera| camera.id.clone())
        .collect();
    if let Some(unknown) = wanted.iter().find(|id| !named.contains(id)) {
        return Err(Failure::new(
            format!(
                "{}: there is no camera `{unknown}` in the deployment file",
                deployment.file().display()
            ),
            format!(
                "the cameras are {}; one that the file does not name is not run",
                named.join(", ")
            ),
        ));
    }
    deployment
        .cameras
        .retain(|camera| wanted.contains(&camera.id));
    Ok(())
}

/// What happens while it happens.
pub(crate) fn show(progress: &Progress, event: Event<'_>) {
    match event {
        Event::Started {
            frames,
            workers,
            calibration,
        } => {
            progress.set_length(frames);
            let threads = if workers == 1 {
                "1 worker".to_owned()
            } else {
                format!("{workers} workers")
            };
            progress.line(&format!("Started with {threads}."));
            match calibration {
                Some(facts) => {
                    for sentence in facts.sentences() {
                        progress.line(&sentence);
                    }
                }
                None => progress.line(NO_CALIBRATION),
            }
        }
        Event::Progress {
            done,
            faces,
            alerts,
            ..
        } => progress.at(done, || format!("faces {faces}, alerts {alerts}")),
        Event::Alert(alert) => progress.line(&output::printable(&alert_line(alert))),
        Event::Camera { camera, news } => {
            progress.line(&output::printable(&camera_line(camera, &news)));
        }
        Event::Quarantine(quarantine) => {
            progress.line(&format!(
                "QUARANTINE {} {} as {}: {} of its last {} calls failed, the last with {}.",
                quarantine.plugin.id,
                quarantine.plugin.version,
                quarantine.plugin.role,
                quarantine.strikes,
                quarantine.calls,
                quarantine.cause
            ));
        }
        Event::Retention(report) => progress.line(&retention_line(report)),
        Event::Generation(facts) => progress.line(&output::printable(&generation_line(facts))),
        Event::Message { channel, letter } => {
            progress.line(&output::printable(&message_line(channel, letter)));
        }
        Event::Undelivered { channel, cause } => progress.line(&output::printable(&format!(
            "CHANNEL {} has not taken a message: {cause}. Its messages wait and are sent again.",
            channel.name
        ))),
        Event::Reached { channel } => {
            progress.line(&format!("CHANNEL {} takes messages again.", channel.name));
        }
        Event::Stopping { role } => progress.line(&match role {
            Role::AlertRouter => "There is no fallback: alerts go to the default desk.".to_owned(),
            _ => "There is no fallback: NOBODY CAN BE RECOGNISED, and the cameras stop.".to_owned(),
        }),
        Event::PluginError(error) => {
            progress.line(&output::printable(&format!(
                "A plugin failed: {error}. Further failures of this kind are counted."
            )));
        }
    }
}

/// What went from the watchlist because its retention was over. It names nobody.
fn retention_line(report: &SweepReport) -> String {
    format!(
        "RETENTION {}",
        watchlist::gone(
            report.watchlist_images as u64,
            report.watchlist_entries as u64,
            &report.withdrawn
        )
    )
}

fn generation_line(facts: &GenerationFacts) -> String {
    let why = match &facts.cause {
        GenerationCause::Start => "the run begins".to_owned(),
        GenerationCause::Swap { by, reason } => format!("swapped by {by}: {reason}"),
        GenerationCause::Watchlist { by, reason, change } => format!(
            "{} {} by {by}: {reason}",
            change.reference,
            change.kind.name()
        ),
        GenerationCause::Retention { .. } => "without images whose retention is over".to_owned(),
        GenerationCause::Fallback { role } => {
            format!("the fallback comes in as {role}")
        }
    };
    let plugins: Vec<String> = facts
        .plugins
        .iter()
        .filter(|plugin| facts.changed.contains(&plugin.role))
        .map(|plugin| format!("{} {} as {}", plugin.id, plugin.version, plugin.role))
        .collect();
    let changed = match plugins.is_empty() {
        true => String::new(),
        false => format!(" with {}", plugins.join(", ")),
    };
    format!("GENERATION {} serves{changed}; {why}", facts.number)
}

fn alert_line(alert: &AlertReport) -> String {
    let desks: Vec<_> = alert
        .routes
        .iter()
        .map(|route| route.channel.as_str())
        .collect();
    format!(
        "ALERT {} for {}: {} ({}), camera {}, at {}",
        alert.number,
        desks.join(", "),
        alert.reference,
        alert.category,
        alert.camera,
        times::on_a_clock(alert.time)
    )
}

/// What a channel that is this terminal is told. It names nobody.
fn message_line(channel: &Channel, letter: &Letter) -> String {
    let (message, alert) = (&letter.message, &letter.alert);
    let late =
        match letter.state.is_closed() && !matches!(message.news, News::Lapsed | News::Withdrawn) {
            true => format!(
                "; it is {} by now, and nobody acts on it",
                letter.state.name()
            ),
            false => String::new(),
        };
    let again = if letter.again {
        " (told before, perhaps)"
    } else {
        ""
    };
    format!(
        "{} {}: alert {} {}: {}, camera {}, at {}{late}{again}",
        match channel.purpose {
            Purpose::Review => "DESK",
            Purpose::Action => "ACTION",
        },
        channel.name,
        alert.number,
        message.news.name(),
        alert.category,
        alert.camera,
        times::on_a_clock(alert.time),
    )
}

fn camera_line(camera: &str, news: &CameraNews) -> String {
    match news {
        CameraNews::Away { cause, retry_in } => format!(
            "CAMERA {camera} is away: {cause}. Trying again in {} s.",
            retry_in.as_secs()
        ),
        CameraNews::Back { seconds } => {
            format!(
                "CAMERA {camera} is back after {seconds:.0} s; nobody who passed in that time was seen."
            )
        }
        CameraNews::Alarm(fault) => {
            format!("CAMERA {camera}: {fault}. Nobody can be recognised on it.")
        }
        CameraNews::AlarmOver { fault, seconds } => {
            format!("CAMERA {camera} shows something again: {fault} no more, after {seconds:.0} s.")
        }
        CameraNews::TooSlow { seconds } => format!(
            "CAMERA {camera}: this machine is too slow for it. {seconds:.1} s lay between two frames that were looked at; nobody can be followed over \
             so long, so people who pass are not recognised. Told once; further times are counted."
        ),
        CameraNews::Broken => format!(
            "CAMERA {camera} is read no further: the host's thread that reads it panicked. Nobody can be recognised on it. This is a fault of Overt."
        ),
        CameraNews::Closed => {
            format!("The deployment's time is over; camera {camera} is read no further.")
        }
    }
}

fn complain(trouble: &PipelineError) {
    let diagnostic = Diagnostic {
        what: trouble.to_string(),
        mend: Some(trouble.mend()),
    };
    output::say(&diagnostic.render(output::colour_on_stderr()));
}

fn unwritable(error: impl std::fmt::Display) -> Failure {
    Failure::new(
        format!("the results cannot be written down: {error}"),
        "this is a fault of Overt; the alerts are in the records",
    )
}
