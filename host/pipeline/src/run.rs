//! A run: starts the threads, waits for them, and puts together what they leave.

pub(crate) mod outcome;

use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender, unbounded};
use overt_deployment::{Camera, Channel, Deployment, Role, RtspSource, Source, Timestamp, Zone};
use overt_records as records;
use overt_runtime::{CallError, PluginBytes};
use overt_vision::{FileCamera, InferenceError, LiveCamera, LiveSource, Patience, RtspStream};

use crate::authority::{Authority, Until};
use crate::calibration::CalibrationFacts;
use crate::capture::{Capture, Feed, Intake};
use crate::caught::{SetOnDrop, caught};
use crate::control::{Control, Request};
use crate::decision::{Decided, DecisionThread};
use crate::delivery::Courier;
use crate::desk::Desk;
use crate::error::PipelineError;
use crate::failures::Failures;
use crate::generation::Generation;
use crate::generations::{GenerationFacts, Generations};
use crate::health::{CameraNews, HealthRecord};
use crate::incident;
use crate::lane::Lane;
use crate::list_change::Listing;
use crate::lock::LockFile;
use crate::machine::Machine;
use crate::report::{AlertReport, ReportData};
use crate::stages::Stages;
use crate::standing::Standing;
use crate::stills;
use crate::summary::Summary;
use crate::swap::Swapping;
use crate::way::{CaptureEnd, Job, Permits, ToDecision, ToLane};
use crate::worker::Worker;
use outcome::{Times, gather, header};

/// What a run tells while it goes on.
#[derive(Clone, Debug)]
pub enum Event<'a> {
    /// The cameras are open and the models loaded.
    Started {
        /// Frames in all, where every camera knows.
        frames: Option<u64>,
        /// Threads that run plugins.
        workers: usize,
        /// What the score floor rests on, where the authority names a calibration.
        calibration: Option<&'a CalibrationFacts>,
    },
    /// A frame went all its way.
    Progress {
        /// Frames read.
        read: u64,
        /// Frames processed or unseen.
        done: u64,
        /// Faces in the zones of recognition.
        faces: u64,
        /// Alerts raised.
        alerts: u64,
    },
    /// An alert was committed.
    Alert(&'a AlertReport),
    /// A plugin failed too often and is in quarantine. [`Event::Generation`] or [`Event::Stopping`] follows.
    Quarantine(&'a records::Quarantine),
    /// A plugin in quarantine has no fallback: the cameras stop, or, where it is the router, alerts go to the default desk.
    Stopping {
        /// Its role.
        role: Role,
    },
    /// Images of the watchlist went, for their retention was over. [`Event::Generation`] follows.
    Retention(&'a records::SweepReport),
    /// Another generation serves from now on.
    Generation(&'a GenerationFacts),
    /// A plugin failed for a cause for which it had not failed before.
    PluginError(&'a CallError),
    /// A message for a channel that is this terminal: about an alert that was passed, has lapsed or was withdrawn, or that an earlier run could not tell of.
    Message {
        /// The channel.
        channel: &'a Channel,
        /// The message.
        letter: &'a records::Letter,
    },
    /// A channel did not take a message. Told once until it takes one again; meanwhile its messages wait.
    Undelivered {
        /// The channel.
        channel: &'a Channel,
        /// Why.
        cause: &'a str,
    },
    /// A channel takes messages again.
    Reached {
        /// The channel.
        channel: &'a Channel,
    },
    /// A camera went away or came back, or its picture shows nothing, or does again.
    Camera {
        /// Its id.
        camera: &'a str,
        /// What happened.
        news: CameraNews,
    },
}

/// What a run leaves.
pub struct Finished {
    /// The numbers of `summary.json`.
    pub summary: Summary,
    /// The content of `report.html`.
    pub report: ReportData,
    /// Cameras that did not end as they should, such as a video that was cut short. What they gave was processed.
    pub troubles: Vec<PipelineError>,
}

/// What a run is held to.
#[derive(Clone, Copy)]
pub struct Terms<'a> {
    /// What it is for: a rehearsal raises no alert and asks no router.
    pub mode: records::RunMode,
    /// What was decided to run. What differs from it is refused; without one, the run says so wherever it is told of.
    pub lock: Option<&'a LockFile>,
    /// Under whose authority, and until when. Without it a run ends when the deployment file says, and nobody has authorised it.
    pub authority: Option<Authority<'a>>,
}

impl Terms<'_> {
    /// A live run of which nobody has decided what runs.
    pub const UNLOCKED: Terms<'static> = Terms {
        mode: records::RunMode::Live,
        lock: None,
        authority: None,
    };
}

/// An opened camera.
pub(crate) struct Opened {
    pub(crate) id: Arc<str>,
    pub(crate) feed: Feed,
    pub(crate) zone: Option<Zone>,
}

/// Runs a deployment until its cameras end, its time is over, or `stop` is set. A live camera ends with the deployment's time alone: one that goes away
/// is waited for. `requests` are answered meanwhile. `tell` is called from several threads: from the decision thread, and about a camera from its own.
pub fn run(
    machine: &Machine,
    deployment: &Deployment,
    Terms {
        mode,
        lock,
        authority,
    }: Terms<'_>,
    store: &records::Store,
    stop: &AtomicBool,
    requests: Receiver<Request>,
    tell: &(dyn Fn(Event<'_>) + Sync),
) -> Result<Finished, PipelineError> {
    let tell = &|event: Event<'_>| {
        incident::told(&event);
        tell(event);
    };
    let own_end = Until::new(milliseconds(deployment.end));
    let until = authority.map_or(&own_end, |authority| authority.until);
    let authorised = authority.map(|authority| authority.authorised);
    let started = may_begin(machine, deployment, lock, until, store)?;
    let cameras = open_cameras(deployment)?;
    let frames = cameras
        .iter()
        .map(|opened| opened.feed.frames_expected())
        .sum();
    let generations = Generations::new(Generation::load(machine, deployment, lock, store)?);
    let workers = stills::workers(deployment);
    let first = generations.facts().remove(0);
    let record = store.begin_run(&header(deployment, mode, authority, &first, started))?;
    let (standing, first_alert) = (Standing::default(), record.next_alert_number()?);
    let failures = Failures::default();
    let before = store.channel_counts()?;
    let (stages, intake) = (Arc::new(Stages::default()), Intake::default());
    let metrics = machine.metrics.begin(deployment, &stages);
    let clock = Instant::now();
    // Set where the run fails, whatever thread it fails in, and where nobody can be recognised any more: no camera needs to go on then.
    let halt = AtomicBool::new(false);
    let decided = {
        let decision = DecisionThread {
            deployment,
            store,
            run: &record,
            stages: &stages,
            intake: &intake,
            metrics: &machine.metrics,
            cameras: &metrics,
            tell,
            halt: &halt,
            generations: &generations,
            standing: &standing,
            failures: &failures,
            by_arrival: deployment
                .cameras
                .iter()
                .any(|camera| camera.source.is_live()),
        };
        let calibration = first.calibration.as_ref();
        let began = || {
            tell(Event::Started {
                frames,
                workers,
                calibration,
            });
        };
        let first = (decision, first_alert);
        way(
            machine,
            cameras,
            requests,
            workers,
            stop,
            (until, authority.map(|authority| authority.score_floor)),
            first,
            &began,
        )?
    };
    let seconds = clock.elapsed().as_secs_f64();
    let interrupted = stop.load(Ordering::Relaxed);
    let finished = Timestamp::now();
    record.finish(&decided.counts, interrupted, milliseconds(finished))?;
    gather(
        machine,
        deployment,
        store,
        mode,
        authorised,
        generations.facts(),
        generations.shadows(),
        decided,
        &stages,
        Times {
            started,
            finished,
            seconds,
        },
        workers,
        interrupted,
        &before,
    )
}

/// Whether a deployment may begin now, which it does then: it is its time, nothing differs from its lock, and none of its plugins is in quarantine.
pub(crate) fn may_begin(
    machine: &Machine,
    deployment: &Deployment,
    lock: Option<&LockFile>,
    until: &Until,
    store: &records::Store,
) -> Result<Timestamp, PipelineError> {
    let now = Timestamp::now();
    if now < deployment.start || until.is_over_at(now) {
        return Err(PipelineError::NotOpen {
            start: deployment.start,
            end: deployment.end,
            now,
        });
    }
    if let Some(lock) = lock {
        lock.check(machine, deployment)?;
    }
    held_out(deployment, store)?;
    Ok(now)
}

/// That no plugin of the deployment is in quarantine from an earlier run: asked before anything of it is parsed.
pub(crate) fn held_out(
    deployment: &Deployment,
    store: &records::Store,
) -> Result<(), PipelineError> {
    let mut lasting = store.quarantines()?;
    lasting.retain(|quarantine| quarantine.release.is_none());
    if lasting.is_empty() {
        return Ok(());
    }
    // A file that cannot be read is complained of when it is loaded.
    let files: Vec<PluginBytes> = deployment
        .plugins
        .all()
        .filter_map(|plugin| PluginBytes::read(&plugin.file).ok())
        .collect();
    let errors: Vec<PipelineError> = lasting
        .iter()
        .filter(|quarantine| files.iter().any(|file| is_out(quarantine, file)))
        .map(|quarantine| PipelineError::quarantined(deployment, quarantine))
        .collect();
    match errors.is_empty() {
        true => Ok(()),
        false => Err(PipelineError::together(errors)),
    }
}

/// Whether a quarantine is of this file, or of one that differs from it in its signatures alone.
pub(crate) fn is_out(quarantine: &records::Quarantine, file: &PluginBytes) -> bool {
    let content = file.content_sha256().ok();
    quarantine.is_of(file.sha256(), content.as_deref())
}

/// This moment, as the records have it.
pub(crate) fn now() -> records::Timestamp {
    milliseconds(Timestamp::now())
}

pub(crate) fn milliseconds(time: Timestamp) -> records::Timestamp {
    records::Timestamp::from_unix_ms(time.as_millisecond())
}

/// Opens every camera, so that all that are missing are known before the first frame.
fn open_cameras(deployment: &Deployment) -> Result<Vec<Opened>, PipelineError> {
    let (mut opened, mut errors) = (Vec::new(), Vec::new());
    for camera in &deployment.cameras {
        match open_camera(camera) {
            Ok(camera) => opened.push(camera),
            Err(error) => errors.push(error),
        }
    }
    match errors.len() {
        0 => Ok(opened),
        1 => Err(errors.remove(0)),
        _ => Err(PipelineError::Several(errors)),
    }
}

fn open_camera(camera: &Camera) -> Result<Opened, PipelineError> {
    let id: Arc<str> = camera.id.as_str().into();
    let refused = |cause| PipelineError::Camera {
        camera: camera.id.clone(),
        cause,
    };
    let live = |source: LiveSource| {
        let camera = LiveCamera::open(&source, Patience::default()).map_err(refused)?;
        Ok(Feed::Live(source, camera))
    };
    let feed = match &camera.source {
        Source::File(path) => FileCamera::open(path, id.clone())
            .map(Feed::File)
            .map_err(refused),
        Source::V4l2(number) => live(LiveSource::V4l2(*number)),
        Source::Rtsp(source) => live(LiveSource::Rtsp(stream(camera, source)?)),
        // `Source` may grow; a kind that this host cannot open is the host's mistake, and no frame of it is read.
        _ => return Err(PipelineError::Panicked("camera")),
    }?;
    let (width, height) = feed.size();
    if let Some(zone) = camera
        .zone
        .as_ref()
        .filter(|zone| !zone.fits(width, height))
    {
        return Err(PipelineError::ZoneOutside {
            camera: camera.id.clone(),
            corners: zone.corners().to_vec(),
            width,
            height,
        });
    }
    Ok(Opened {
        id,
        feed,
        zone: camera.zone.clone(),
    })
}

/// Most bytes of a file with credentials.
const CREDENTIALS: u64 = 1_024;

/// A camera on the network, with the credentials that its file holds.
fn stream(camera: &Camera, source: &RtspSource) -> Result<RtspStream, PipelineError> {
    let address = &source.address;
    let of =
        |credentials| RtspStream::new(address.host(), address.port(), address.path(), credentials);
    let Some(path) = &source.credentials else {
        return Ok(of(None));
    };
    let refused = |cause: String| PipelineError::Credentials {
        camera: camera.id.clone(),
        path: path.clone(),
        cause,
    };
    let file = std::fs::File::open(path).map_err(|error| refused(error.to_string()))?;
    let metadata = file
        .metadata()
        .map_err(|error| refused(error.to_string()))?;
    if metadata.permissions().mode() & 0o077 != 0 {
        return Err(refused("others than its owner may read it".to_owned()));
    }
    let mut text = zeroize::Zeroizing::new(String::with_capacity(CREDENTIALS as usize + 1));
    file.take(CREDENTIALS + 1)
        .read_to_string(&mut text)
        .map_err(|error| refused(error.to_string()))?;
    match text.lines().next().and_then(|line| line.split_once(':')) {
        Some(("", _)) | None => Err(refused("its first line is not `user:password`".to_owned())),
        Some(_) if text.len() as u64 > CREDENTIALS => {
            Err(refused(format!("it is longer than {CREDENTIALS} bytes")))
        }
        Some(pair) => Ok(of(Some(pair))),
    }
}

/// Starts every thread of a frame's way and waits until the last frame is through.
#[allow(clippy::too_many_arguments)] // What the threads share; each is used by another of them.
pub(crate) fn way(
    machine: &Machine,
    cameras: Vec<Opened>,
    requests: Receiver<Request>,
    workers: usize,
    stop: &AtomicBool,
    // When it ends, and the least score that was authorised.
    (until, authorised_floor): (&Until, Option<records::ScoreFloor>),
    // The number that its first alert will have.
    (decision, first_alert): (DecisionThread<'_>, u32),
    began: &dyn Fn(),
) -> Result<Decided, PipelineError> {
    let (stages, intake, generations) = (decision.stages, decision.intake, decision.generations);
    let (halt, figures, failures) = (decision.halt, decision.cameras, decision.failures);
    let (detect, detect_jobs) = unbounded::<Job>();
    let (compare, compare_jobs) = unbounded::<Job>();
    let (to_lanes, lane_messages): (Vec<Sender<ToLane>>, Vec<Receiver<ToLane>>) =
        cameras.iter().map(|_| unbounded()).unzip();
    let (to_decision, decision_messages): (Vec<Sender<ToDecision>>, Vec<Receiver<ToDecision>>) =
        cameras.iter().map(|_| unbounded()).unzip();
    let (loaded, loadings) = unbounded::<Result<(), InferenceError>>();
    let (ended, busy) = (AtomicBool::new(false), AtomicBool::new(false));
    // A rehearsal tells nobody anything, not even what a live run has left.
    let is_told = decision.run.mode() != records::RunMode::Rehearsal;
    let control = Control {
        requests,
        swapping: Swapping {
            machine,
            deployment: decision.deployment,
            store: decision.store,
            run: decision.run,
            generations,
            workers,
            authorised_floor,
            over: [stop, halt, &ended],
        },
        desk: Desk::of_run(
            decision.store,
            decision.deployment,
            decision.standing,
            is_told,
        ),
        troubled: AtomicBool::new(false),
        unswept: AtomicBool::new(false),
        listing: Listing {
            machine,
            deployment: decision.deployment,
            store: decision.store,
            run: decision.run,
            generations,
        },
        inquiring: AtomicBool::new(false),
        intake,
        failures,
        tell: decision.tell,
    };
    let channels = decision.deployment.channels.iter();
    let couriers: Vec<Courier<'_>> = channels
        .filter(|_| is_told)
        .map(|channel| Courier {
            store: decision.store,
            deployment: &decision.deployment.id,
            channel,
            first_alert,
            tell: decision.tell,
        })
        .collect();
    let named = |name: &str| std::thread::Builder::new().name(name.to_owned());
    std::thread::scope(|scope| {
        // The scope waits for the cameras' threads; they have to hear of every way in which it is left.
        let halting = SetOnDrop(halt);
        // So does whoever answers questions: the other end of this goes with the scope's body.
        let (going_on, over) = unbounded::<()>();
        let ending = SetOnDrop(&ended);
        let mut threads = Vec::new();
        for _ in 0..workers {
            let (compare_jobs, detect_jobs, lanes, loaded) = (
                compare_jobs.clone(),
                detect_jobs.clone(),
                to_lanes.clone(),
                loaded.clone(),
            );
            let work = move || {
                let generation = generations.current();
                let worker = Worker::new(&generation, &*machine.backend, stages, lanes);
                drop(generation);
                let (worker, answer) = match worker {
                    Ok(worker) => (Some(worker), Ok(())),
                    Err(error) => (None, Err(error)),
                };
                let _ = loaded.send(answer);
                drop(loaded);
                if let Some(worker) = worker {
                    worker.run(compare_jobs, detect_jobs);
                }
            };
            let worker = named("overt-worker").spawn_scoped(scope, work);
            threads.push(("worker", worker.map_err(PipelineError::Thread)?));
        }
        drop((loaded, compare_jobs, detect_jobs));
        if loadings.iter().collect::<Result<Vec<()>, _>>()?.len() < workers {
            return Err(PipelineError::Panicked("worker"));
        }
        caught("decision", began)?;
        for courier in &couriers {
            let over = over.clone();
            let courier = named("overt-courier").spawn_scoped(scope, move || courier.run(&over));
            threads.push(("courier", courier.map_err(PipelineError::Thread)?));
        }
        let answer = || control.run(scope, &busy, over);
        let answering = named("overt-control").spawn_scoped(scope, answer);
        threads.push(("control", answering.map_err(PipelineError::Thread)?));
        let in_flight = (2 * workers + 2).max(4);
        let (origin, tell) = (Instant::now(), decision.tell);
        for (index, ((opened, messages), to_decision)) in cameras
            .into_iter()
            .zip(lane_messages)
            .zip(to_decision)
            .enumerate()
        {
            let lane = Lane::new(
                opened.feed.fps(),
                opened.feed.following(),
                opened.zone,
                compare.clone(),
                to_decision,
                stages,
                &figures[index],
            );
            let lane = named("overt-lane").spawn_scoped(scope, move || lane.run(messages));
            threads.push(("lane", lane.map_err(PipelineError::Thread)?));
            let capture = Capture {
                index,
                id: opened.id.clone(),
                feed: opened.feed,
                origin,
                until,
                permits: Permits::new(in_flight),
                generations,
                jobs: detect.clone(),
                lane: to_lanes[index].clone(),
                stop: [stop, halt],
                intake,
                stages,
                metrics: &figures[index],
            };
            let run = move || {
                let camera = &*opened.id;
                capture.run(&|news| tell(Event::Camera { camera, news }));
            };
            match named("overt-camera").spawn_scoped(scope, run) {
                Ok(camera) => threads.push(("camera", camera)),
                Err(error) => {
                    // The lane waits for a camera that will never speak.
                    let _ = to_lanes[index].send(ToLane::Ended(CaptureEnd {
                        admitted: 0,
                        record: HealthRecord::default(),
                        trouble: None,
                    }));
                    return Err(PipelineError::Thread(error));
                }
            }
        }
        drop((detect, compare, to_lanes));
        let decided = caught("decision", || decision.run(decision_messages)).flatten();
        drop((halting, ending, going_on));
        let mut panicked = None;
        for (name, thread) in threads {
            if thread.join().is_err() {
                panicked.get_or_insert(name);
            }
        }
        // Whoever broke off, the decision thread sees a lane that is gone; here it is known which thread it was.
        match (decided, panicked) {
            (Ok(_) | Err(PipelineError::Panicked("lane")), Some(name)) => {
                Err(PipelineError::Panicked(name))
            }
            (Ok(mut decided), _) => {
                decided.counts.plugin_errors = failures.total();
                decided.errors = failures.by_cause();
                Ok(decided)
            }
            (failed, _) => failed,
        }
    })
}
