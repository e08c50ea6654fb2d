//! Frames per second of the demonstration: the walk-past deployment over the first part of its video, with one worker and with two, and beside a
//! plain loop, from the moment the models are loaded until the last of these frames has gone all its way.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use overt_deployment::{Deployment, Source};
use overt_pipeline::{Event, ImageToEnrol, Machine, MachineOptions};
use overt_records::{Retention, Store, StoreSettings};
use overt_vision::FileCamera;

use crate::pairs::{Effort, Pairs};
use crate::plain_loop::{PlainLoop, THREADS};
use crate::project::Project;
use crate::row::{Row, Target, Unit};
use crate::{Outcome, Scale};

const DEPLOYMENT: &str = "examples/walk-past/deployment.toml";

/// Frames of a run: eight seconds of video, with up to three people in view.
const FRAMES: u64 = 200;

/// The demonstration with records of its own, and one person on its watchlist.
pub(crate) struct Demo {
    pub(crate) deployment: Deployment,
    pub(crate) machine: Machine,
    pub(crate) store: Store,
    _folder: tempfile::TempDir,
}

impl Demo {
    pub(crate) fn open(project: &Project) -> Outcome<Demo> {
        let folder = tempfile::tempdir()?;
        let mut deployment = Deployment::read(&project.path(DEPLOYMENT))?;
        deployment.host.records = folder.path().join("records.redb");
        let machine = Machine::start(
            &deployment,
            MachineOptions {
                compiler: project.compiler()?,
                cache: Some(project.cache.clone()),
            },
        )?;
        let hours = |time: Duration| (time.as_secs() / 3_600) as u32;
        let retention = Retention {
            alerts_hours: hours(deployment.retention.alerts),
            inputs_hours: hours(deployment.retention.inputs),
            watchlist_hours: hours(deployment.retention.watchlist),
        };
        let settings = StoreSettings {
            deployment: deployment.id.clone(),
            retention,
        };
        let store = Store::open_or_create(&deployment.host.records, &settings)?;
        let image = ImageToEnrol {
            reference: "BENCH-1".into(),
            category: deployment.watchlist.categories[0].clone(),
            path: project.photograph("person-a-1.jpg"),
        };
        let enrolled = overt_pipeline::enrol::enrol(
            &machine,
            &deployment,
            &store,
            vec![image],
            &AtomicBool::new(false),
            &|_| {},
        )?;
        if let Some(Err(failure)) = enrolled
            .into_iter()
            .next()
            .map(|enrolment| enrolment.outcome)
        {
            return Err(failure.into());
        }
        Ok(Demo {
            deployment,
            machine,
            store,
            _folder: folder,
        })
    }
}

/// The rows.
pub(crate) fn rows(project: &Project, scale: Scale) -> Outcome<Vec<Row>> {
    let demo = Demo::open(project)?;
    let Demo {
        deployment,
        machine,
        store,
        ..
    } = &demo;
    let (frames, video_fps, video) = match &deployment.cameras[0].source {
        Source::File(path) => {
            let video = FileCamera::open(path, "bench".into())
                .map_err(|error| format!("{error}; `make demo` makes the video"))?;
            (
                video
                    .frames_expected()
                    .unwrap_or(FRAMES)
                    .min(if scale.quick { 5 } else { FRAMES }),
                video.fps(),
                path.to_string_lossy().into_owned(),
            )
        }
        _ => return Err(format!("{DEPLOYMENT}: expected a video file as the first camera").into()),
    };
    let run = |workers| {
        let mut deployment = deployment.clone();
        deployment.host.workers = Some(workers);
        seconds_a_frame(machine, &deployment, store, frames)
    };
    let seconds = |workers| run(workers).map(|(seconds, _)| seconds);
    let pairs = Pairs::take(
        scale.effort(Effort {
            least: 5,
            most: 9,
            seconds: 60.0,
        }),
        || seconds(2),
        || seconds(1),
    )?;
    let one = pairs.clone().swapped();
    let live = one.against(1.0 / video_fps);
    let mut rows = vec![
        Row::new(
            "the demonstration, one worker",
            Unit::Rate(1.0, "frames/s"),
            format!("the video's own {video_fps} frames/s"),
            &live,
        ),
        Row::new(
            "the demonstration, two workers",
            Unit::Rate(1.0, "frames/s"),
            "one worker",
            &pairs,
        ),
    ];
    if let Some(plain) = PlainLoop::start(project, &video)? {
        rows.push(against(plain, &run, frames, scale)?);
    }
    Ok(rows)
}

/// The host with two workers beside the plain loop with two threads. Both have to see the same faces: a loop that saw fewer would be fast for
/// nothing.
fn against(
    mut plain: PlainLoop,
    run: &dyn Fn(usize) -> Outcome<(f64, u64)>,
    frames: u64,
    scale: Scale,
) -> Outcome<Row> {
    let (_, ours) = run(THREADS)?;
    let theirs = plain.run(frames)?;
    let apart = ours.abs_diff(theirs.faces) as f64;
    if apart > 2.0 + 0.02 * ours as f64 {
        return Err(format!(
            "the plain loop found {} faces in {frames} frames, the host {ours}: they do not do the same work",
            theirs.faces
        )
        .into());
    }
    // Somebody of the first frames is the person on its watchlist.
    if !scale.quick && theirs.best < 0.5 {
        return Err(format!(
            "the plain loop scored the person sought {:.3} at best: it does not do its work",
            theirs.best
        )
        .into());
    }
    let effort = Effort {
        least: 5,
        most: 9,
        seconds: 90.0,
    };
    let pairs = Pairs::take(
        scale.effort(effort),
        || run(THREADS).map(|(seconds, _)| seconds),
        || plain.run(frames).map(|answer| answer.each()),
    )?;
    let row = Row::new(
        "the demonstration, two workers, end to end",
        Unit::Rate(1.0, "frames/s"),
        "a plain loop in Python (OpenCV, ONNX Runtime, NumPy), two threads",
        &pairs,
    );
    Ok(row.target(Target::RatioSurelyAtLeast(2.0)))
}

/// Seconds a frame, of a run that is ended after so many, and the faces in them.
fn seconds_a_frame(
    machine: &Machine,
    deployment: &Deployment,
    store: &Store,
    frames: u64,
) -> Outcome<(f64, u64)> {
    let stop = AtomicBool::new(false);
    let clock = Mutex::new((Instant::now(), Duration::ZERO, 0, 0));
    let tell = |event: Event<'_>| {
        // Nobody panics while holding it.
        let Ok(mut clock) = clock.lock() else { return };
        match event {
            Event::Started { .. } => clock.0 = Instant::now(),
            Event::Progress { done, faces, .. } if clock.2 < frames => {
                (clock.1, clock.2, clock.3) = (clock.0.elapsed(), done, faces);
                stop.store(done >= frames, Ordering::Relaxed);
            }
            _ => {}
        }
    };
    let finished = overt_pipeline::run(
        machine,
        deployment,
        overt_pipeline::Terms::UNLOCKED,
        store,
        &stop,
        overt_pipeline::control::nobody(),
        &tell,
    )?;
    let (_, time, done, faces) = *clock.lock().map_err(|_| "a run panicked")?;
    if let Some(error) = finished.summary.plugin_errors.first() {
        return Err(format!("a plugin failed: {error:?}").into());
    }
    Ok((time.as_secs_f64() / done as f64, faces))
}
