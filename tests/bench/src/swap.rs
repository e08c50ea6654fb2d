//! How long frames pause while plugins are swapped under them: the demonstration with two workers, which are as busy as they can be. The longest time between
//! two frames in the time of a swap stands beside the longest in as much time without one.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Sender, unbounded};
use overt_deployment::Deployment;
use overt_pipeline::Event;
use overt_pipeline::control::{Answer, Question, Request};
use overt_pipeline::swap::Swap;
use overt_tests::engineer::Engineer;

use crate::demo::Demo;
use crate::pairs::Pairs;
use crate::project::Project;
use crate::row::{Row, Unit};
use crate::{Outcome, Scale};

/// Frames before the first swap: the first ones are slower.
const FIRST: usize = 20;

/// The rows.
pub(crate) fn rows(project: &Project, scale: Scale) -> Outcome<Vec<Row>> {
    let swaps = |count| if scale.quick { 2 } else { count };
    let decisions = |text: &str| {
        text.replace("missing-person = 0.5,", "missing-person = 0.52,")
            .replace("channels = [\"desk-2\"]", "channels = [\"desk-1\"]")
    };
    let detector = |text: &str| text.replace("detector-centerface.wasm", "detector-rfb320.wasm");
    Ok(vec![
        row(
            project,
            "longest pause while policy and router are swapped",
            &decisions,
            swaps(20),
        )?,
        row(
            project,
            "longest pause while the detector is swapped",
            &detector,
            swaps(10),
        )?,
    ])
}

fn row(
    project: &Project,
    name: &str,
    change: &dyn Fn(&str) -> String,
    swaps: usize,
) -> Outcome<Row> {
    let mut demo = Demo::open(project)?;
    demo.deployment.host.workers = Some(2);
    let text = demo.deployment.source();
    let changed = change(text);
    if changed == text {
        return Err("the demonstration's file is not as it was when this was written".into());
    }
    let file = demo.deployment.file().to_owned();
    let mut other = Deployment::parse(&file, &changed)?;
    other.host = demo.deployment.host.clone();
    let both = [other, demo.deployment.clone()];

    let (mut ours, mut idle, mut median) = (Vec::new(), Vec::new(), Vec::new());
    // The video ends before there are enough: then it begins again.
    while ours.len() < swaps {
        let before = ours.len();
        let frames = run(&demo, &both, swaps, &mut ours, &mut idle)?;
        median.extend(frames);
        if ours.len() == before {
            return Err("the video is too short for a swap".into());
        }
    }
    median.sort_by(f64::total_cmp);
    let each = median[median.len() / 2];
    let pairs = Pairs::of(ours, idle);
    Ok(Row::new(
        name,
        Unit::Frames(each),
        "the longest pause in as much time without a swap",
        &pairs,
    ))
}

/// One run, with swaps until there are enough or the video ends; seconds between its frames.
fn run(
    demo: &Demo,
    both: &[Deployment; 2],
    swaps: usize,
    ours: &mut Vec<f64>,
    idle: &mut Vec<f64>,
) -> Outcome<Vec<f64>> {
    let frames: Mutex<Vec<Instant>> = Mutex::new(Vec::new());
    let count = || frames.lock().map_or(0, |frames| frames.len());
    let stop = AtomicBool::new(false);
    let tell = |event: Event<'_>| {
        if let (Event::Progress { .. }, Ok(mut frames)) = (event, frames.lock()) {
            frames.push(Instant::now());
        }
    };
    let (ask, requests) = unbounded();
    let engineer = Engineer::new();
    let mut windows = Vec::new();
    let finished = std::thread::scope(|scope| {
        let run = scope.spawn(|| {
            overt_pipeline::run(
                &demo.machine,
                &demo.deployment,
                overt_pipeline::Terms::UNLOCKED,
                &demo.store,
                &stop,
                requests,
                &tell,
            )
        });
        while count() < FIRST && !run.is_finished() {
            std::thread::sleep(Duration::from_millis(5));
        }
        for wanted in both.iter().cycle() {
            let began = Instant::now();
            if run.is_finished() || !swap(&ask, wanted, &engineer)? {
                break;
            }
            let swapped = Instant::now();
            std::thread::sleep(swapped - began);
            windows.push((began, swapped, Instant::now()));
            if ours.len() + windows.len() >= swaps {
                break;
            }
        }
        stop.store(true, Ordering::Relaxed);
        run.join()
            .map_err(|_| "the run panicked".into())
            .and_then(|finished| -> Outcome<_> { Ok(finished?) })
    })?;
    if finished.summary.frames.read != finished.summary.frames.processed {
        return Err(format!("frames were lost: {:?}", finished.summary.frames).into());
    }
    let frames = frames.into_inner().map_err(|_| "a run panicked")?;
    let between = |from: Instant, to: Instant| {
        let pairs = frames
            .windows(2)
            .filter(|pair| pair[1] > from && pair[0] < to);
        pairs
            .map(|pair| (pair[1] - pair[0]).as_secs_f64())
            .fold(0.0, f64::max)
    };
    for (began, swapped, after) in windows {
        // The last window may reach over the video's end.
        if frames.last().is_some_and(|last| *last > after) {
            ours.push(between(began, swapped));
            idle.push(between(swapped, after));
        }
    }
    Ok(frames
        .windows(2)
        .skip(FIRST)
        .map(|pair| (pair[1] - pair[0]).as_secs_f64())
        .collect())
}

/// Swaps, and waits until the last frame of what served before is through. False where the run ended meanwhile.
fn swap(ask: &Sender<Request>, wanted: &Deployment, engineer: &Engineer) -> Outcome<bool> {
    let (answers, told) = unbounded();
    let swap = Swap {
        deployment: wanted.clone(),
        lock: None,
        by: engineer.signed_in(),
        reason: "to see how long it takes".into(),
    };
    let what = Question::Swap(Box::new(swap));
    if ask.send(Request { what, answers }).is_err() {
        return Ok(false);
    }
    for answer in told {
        if let Answer::Swapped(swapped) = answer {
            return match *swapped {
                Ok(swapped) => Ok(swapped.drained),
                Err(overt_pipeline::swap::SwapError::Ending) => Ok(false),
                Err(error) => Err(error.into()),
            };
        }
    }
    Ok(false)
}
