//! A run: starts the threads, waits for them, and puts together what they leave.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use arc_swap::ArcSwap;
use crossbeam_channel::{Receiver, Sender, unbounded};
use overt_deployment::{Deployment, Source, Timestamp};
use overt_records as records;
use overt_runtime::CallError;
use overt_vision::{FileCamera, InferenceError, Rect};

use crate::capture::Capture;
use crate::decision::{Decided, DecisionThread};
use crate::error::PipelineError;
use crate::generation::{Generation, Loaded};
use crate::lane::Lane;
use crate::machine::Machine;
use crate::report::{
    AlertReport, CameraReport, DeploymentFacts, HostFacts, ModelReport, PluginReport, ReportData,
};
use crate::stages::Stages;
use crate::summary::{self, Summary};
use crate::way::{CaptureEnd, Job, LaneEnd, Permits, ToDecision, ToLane};
use crate::worker::Worker;

/// What a run tells while it goes on.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// The cameras are open and the models loaded.
    Started {
        /// Frames in all, where every camera knows.
        frames: Option<u64>,
        /// Threads that run plugins.
        workers: usize,
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
    /// A plugin failed for a cause for which it had not failed before.
    PluginError(&'a CallError),
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

/// An opened camera.
struct Opened {
    camera: FileCamera,
    zone: Option<Rect>,
}

/// Runs a deployment until its cameras end or `stop` is set. `tell` is called from the decision thread.
pub fn run(
    machine: &Machine,
    deployment: &Deployment,
    store: &records::Store,
    stop: &AtomicBool,
    tell: &(dyn Fn(Event<'_>) + Sync),
) -> Result<Finished, PipelineError> {
    let started = Timestamp::now();
    if !deployment.is_open_at(started) {
        return Err(PipelineError::NotOpen {
            start: deployment.start,
            end: deployment.end,
            now: started,
        });
    }
    let cameras = open_cameras(deployment)?;
    let frames = cameras
        .iter()
        .map(|opened| opened.camera.frames_expected())
        .sum();
    let generation = Arc::new(Generation::load(machine, deployment, store)?);
    let workers = deployment
        .host
        .workers
        .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    let record = store.begin_run(&header(deployment, &generation, started))?;
    let (stages, read) = (Stages::default(), AtomicU64::new(0));
    let current = ArcSwap::new(generation.clone());
    let clock = Instant::now();
    let decided = {
        let decision = DecisionThread {
            deployment,
            store,
            run: &record,
            stages: &stages,
            read: &read,
            tell,
        };
        let began = || tell(Event::Started { frames, workers });
        way(
            machine, cameras, &current, workers, stop, &stages, &read, decision, &began,
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
        &generation,
        decided,
        &stages,
        Times {
            started,
            finished,
            seconds,
        },
        workers,
        interrupted,
    )
}

fn milliseconds(time: Timestamp) -> records::Timestamp {
    records::Timestamp::from_unix_ms(time.as_millisecond())
}

fn open_cameras(deployment: &Deployment) -> Result<Vec<Opened>, PipelineError> {
    let (mut opened, mut errors) = (Vec::new(), Vec::new());
    for camera in &deployment.cameras {
        let Source::File(path) = &camera.source else {
            continue;
        };
        match FileCamera::open(path, camera.id.as_str().into()) {
            Ok(file) => opened.push(Opened {
                camera: file,
                zone: camera.zone.map(|zone| Rect {
                    x: zone.x as f32,
                    y: zone.y as f32,
                    width: zone.width as f32,
                    height: zone.height as f32,
                }),
            }),
            Err(cause) => errors.push(PipelineError::Camera {
                camera: camera.id.clone(),
                cause,
            }),
        }
    }
    match errors.len() {
        0 => Ok(opened),
        1 => Err(errors.remove(0)),
        _ => Err(PipelineError::Several(errors)),
    }
}

/// Starts every thread of a frame's way and waits until the last frame is through.
#[allow(clippy::too_many_arguments)] // What the threads share; each is used by another of them.
fn way(
    machine: &Machine,
    cameras: Vec<Opened>,
    current: &ArcSwap<Generation>,
    workers: usize,
    stop: &AtomicBool,
    stages: &Stages,
    read: &AtomicU64,
    decision: DecisionThread<'_>,
    began: &dyn Fn(),
) -> Result<Decided, PipelineError> {
    let generation = current.load_full();
    // Set where the decision thread gives up: no camera needs to go on then.
    let halt = AtomicBool::new(false);
    let (detect, detect_jobs) = unbounded::<Job>();
    let (compare, compare_jobs) = unbounded::<Job>();
    let (to_lanes, lane_messages): (Vec<Sender<ToLane>>, Vec<Receiver<ToLane>>) =
        cameras.iter().map(|_| unbounded()).unzip();
    let (to_decision, decision_messages): (Vec<Sender<ToDecision>>, Vec<Receiver<ToDecision>>) =
        cameras.iter().map(|_| unbounded()).unzip();
    let (loaded, loadings) = unbounded::<Result<(), InferenceError>>();
    let named = |name: &str| std::thread::Builder::new().name(name.to_owned());
    std::thread::scope(|scope| {
        for _ in 0..workers {
            let (compare_jobs, detect_jobs, lanes, loaded) = (
                compare_jobs.clone(),
                detect_jobs.clone(),
                to_lanes.clone(),
                loaded.clone(),
            );
            let generation = &generation;
            let work = move || {
                let worker = Worker::new(generation, &*machine.backend, stages, lanes);
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
            named("overt-worker")
                .spawn_scoped(scope, work)
                .map_err(PipelineError::Thread)?;
        }
        drop((loaded, compare_jobs, detect_jobs));
        loadings.iter().collect::<Result<Vec<()>, _>>()?;
        began();
        let in_flight = (2 * workers + 2).max(4);
        for (index, ((opened, messages), to_decision)) in cameras
            .into_iter()
            .zip(lane_messages)
            .zip(to_decision)
            .enumerate()
        {
            let lane = Lane::new(
                opened.camera.fps(),
                opened.zone,
                compare.clone(),
                to_decision,
                stages,
            );
            named("overt-lane")
                .spawn_scoped(scope, move || lane.run(messages))
                .map_err(PipelineError::Thread)?;
            let capture = Capture {
                index,
                camera: opened.camera,
                permits: Permits::new(in_flight),
                generation: current,
                jobs: detect.clone(),
                lane: to_lanes[index].clone(),
                stop: [stop, &halt],
                read,
                stages,
            };
            let spawned = named("overt-camera").spawn_scoped(scope, move || capture.run());
            if let Err(error) = spawned {
                // The lane waits for a camera that will never speak.
                let _ = to_lanes[index].send(ToLane::Ended(CaptureEnd {
                    frames: 0,
                    trouble: None,
                }));
                halt.store(true, Ordering::Relaxed);
                return Err(PipelineError::Thread(error));
            }
        }
        drop((detect, compare, to_lanes));
        let decided = decision.run(decision_messages);
        halt.store(decided.is_err(), Ordering::Relaxed);
        decided
    })
}

fn header(
    deployment: &Deployment,
    generation: &Generation,
    started: Timestamp,
) -> records::RunHeader {
    records::RunHeader {
        deployment: deployment.id.clone(),
        started_at: milliseconds(started),
        host_version: env!("CARGO_PKG_VERSION").to_owned(),
        plugins: generation
            .plugins()
            .map(|loaded| {
                let identity = loaded.plugin.identity();
                records::PluginUsed {
                    role: loaded.plugin.role().name().to_owned(),
                    id: identity.id.to_string(),
                    version: identity.version.to_string(),
                    sha256: identity.sha256.to_string(),
                }
            })
            .collect(),
        models: generation
            .plugins()
            .flat_map(|loaded| loaded.plugin.models())
            .map(|(name, sha256)| records::ModelUsed {
                name: name.to_owned(),
                sha256: sha256.to_owned(),
            })
            .collect(),
        cameras: deployment
            .cameras
            .iter()
            .map(|camera| records::CameraUsed {
                id: camera.id.clone(),
                kind: camera.kind.name().to_owned(),
            })
            .collect(),
    }
}

struct Times {
    started: Timestamp,
    finished: Timestamp,
    seconds: f64,
}

/// Summary and report of what the threads left.
#[allow(clippy::too_many_arguments)] // Called once, with everything that a run has come to.
fn gather(
    machine: &Machine,
    deployment: &Deployment,
    store: &records::Store,
    generation: &Generation,
    decided: Decided,
    stages: &Stages,
    times: Times,
    workers: usize,
    interrupted: bool,
) -> Result<Finished, PipelineError> {
    let Decided {
        counts,
        mut alerts,
        spans,
        lanes,
        errors,
    } = decided;
    for (alert, span) in alerts.iter_mut().zip(&spans) {
        (alert.track_from, alert.track_to) = (span.first_time, span.last_time);
    }
    let summary = Summary {
        frames: summary::Frames {
            read: counts.frames.read,
            processed: counts.frames.processed,
            dropped: counts.frames.dropped,
            unseen: counts.frames.unseen,
        },
        faces: counts.faces,
        tracks: counts.tracks,
        alerts: alerts
            .iter()
            .zip(&spans)
            .map(|(alert, span)| summary::Alert {
                reference: alert.reference.clone(),
                category: alert.category.clone(),
                camera: alert.camera.clone(),
                track: alert.track,
                score: alert.score,
                first_frame: span.first_frame,
                last_frame: span.last_frame,
                reason: alert.reason.clone(),
            })
            .collect(),
        fps: counts.frames.processed as f64 / times.seconds.max(1e-9),
        stages_ms: stages.per_frame(counts.frames.processed),
        plugins: generation.plugins().map(plugin_used).collect(),
        models: generation.plugins().flat_map(models_used).collect(),
        plugin_errors: errors,
        interrupted,
    };
    let watchlist = store.watchlist().list()?;
    let mut categories: BTreeMap<&str, u64> = BTreeMap::new();
    for entry in &watchlist {
        *categories.entry(&entry.category).or_default() += 1;
    }
    let first_alert = alerts
        .iter()
        .map(|alert| alert.raised)
        .min()
        .unwrap_or(times.finished);
    let keep = deployment.retention.alerts;
    let mut troubles = Vec::new();
    let report = ReportData {
        deployment: DeploymentFacts {
            id: deployment.id.clone(),
            purpose: deployment.purpose.clone(),
            place: deployment.place.clone(),
            use_case: deployment.use_case.clone(),
            authorised_by: format!(
                "{} {}",
                deployment.authority.rank, deployment.authority.officer
            ),
            authority_reference: deployment.authority.reference.clone(),
            score_floor: deployment.authority.score_floor,
        },
        started: times.started,
        finished: times.finished,
        keep_until: first_alert.checked_add(keep).unwrap_or(Timestamp::MAX),
        host: HostFacts {
            overt: env!("CARGO_PKG_VERSION").to_owned(),
            backend: machine.backend(),
            device: machine.device().to_string(),
            workers,
        },
        cameras: deployment
            .cameras
            .iter()
            .zip(lanes)
            .map(|(camera, lane)| {
                let LaneEnd {
                    in_view,
                    width,
                    height,
                    frames,
                    seconds,
                    trouble,
                    ..
                } = lane;
                let words = trouble.as_ref().map(ToString::to_string);
                troubles.extend(trouble.map(|cause| PipelineError::Camera {
                    camera: camera.id.clone(),
                    cause,
                }));
                CameraReport {
                    id: camera.id.clone(),
                    kind: camera.kind.name().to_owned(),
                    owner: camera.owner.clone(),
                    width,
                    height,
                    frames: u64::from(frames),
                    seconds,
                    in_view,
                    trouble: words,
                }
            })
            .collect(),
        watchlist_entries: watchlist.len() as u64,
        watchlist_images: watchlist
            .iter()
            .map(|entry| entry.images.len() as u64)
            .sum(),
        categories: deployment
            .watchlist
            .categories
            .iter()
            .map(|category| {
                (
                    category.clone(),
                    categories.get(category.as_str()).copied().unwrap_or(0),
                )
            })
            .collect(),
        alerts,
        plugins: generation.plugins().map(plugin_report).collect(),
        summary: summary.clone(),
    };
    Ok(Finished {
        summary,
        report,
        troubles,
    })
}

fn plugin_used(loaded: &Loaded) -> summary::PluginUsed {
    let identity = loaded.plugin.identity();
    summary::PluginUsed {
        role: loaded.plugin.role(),
        id: identity.id.to_string(),
        version: identity.version.to_string(),
        sha256: identity.sha256.to_string(),
    }
}

fn models_used(loaded: &Loaded) -> impl Iterator<Item = summary::ModelUsed> {
    loaded
        .plugin
        .models()
        .map(|(name, sha256)| summary::ModelUsed {
            plugin: loaded.plugin.identity().id.to_string(),
            name: name.to_owned(),
            sha256: sha256.to_owned(),
        })
}

fn plugin_report(loaded: &Loaded) -> PluginReport {
    let used = plugin_used(loaded);
    PluginReport {
        role: used.role,
        id: used.id,
        version: used.version,
        sha256: used.sha256,
        vendor: loaded.manifest.plugin.vendor.clone(),
        licence: loaded.manifest.plugin.licence.clone(),
        capabilities: loaded.capabilities.clone(),
        models: loaded
            .manifest
            .models
            .iter()
            .map(|model| ModelReport {
                name: model.name.clone(),
                sha256: model.sha256.clone(),
                licence: model.licence.clone(),
                training_data: model.training_data.clone(),
            })
            .collect(),
    }
}
