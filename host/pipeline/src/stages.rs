//! Where the time goes: one counter a stage, added to by all threads.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// A part of a frame's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Capture,
    Detect,
    Track,
    Assess,
    Encode,
    Search,
    Picture,
    Decide,
    Route,
    Commit,
    Shadow,
}

impl Stage {
    pub(crate) const ALL: [Stage; 11] = [
        Stage::Capture,
        Stage::Detect,
        Stage::Track,
        Stage::Assess,
        Stage::Encode,
        Stage::Search,
        Stage::Picture,
        Stage::Decide,
        Stage::Route,
        Stage::Commit,
        Stage::Shadow,
    ];

    /// The stage's name in `summary.json`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Stage::Capture => "capture",
            Stage::Detect => "detect",
            Stage::Track => "track",
            Stage::Assess => "assess",
            Stage::Encode => "encode",
            Stage::Search => "search",
            Stage::Picture => "picture",
            Stage::Decide => "decide",
            Stage::Route => "route",
            Stage::Commit => "commit",
            Stage::Shadow => "shadow",
        }
    }
}

/// Nanoseconds by stage.
#[derive(Default)]
pub(crate) struct Stages([AtomicU64; Stage::ALL.len()]);

impl Stages {
    /// Does the work and charges its wall-clock time to the stage.
    pub(crate) fn time<T>(&self, stage: Stage, work: impl FnOnce() -> T) -> T {
        let started = Instant::now();
        let result = work();
        let nanoseconds = u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.0[stage as usize].fetch_add(nanoseconds, Ordering::Relaxed);
        result
    }

    /// Seconds that a stage has taken so far.
    pub(crate) fn seconds(&self, stage: Stage) -> f64 {
        self.0[stage as usize].load(Ordering::Relaxed) as f64 / 1e9
    }

    /// Milliseconds by stage for one of `frames` frames.
    pub(crate) fn per_frame(&self, frames: u64) -> BTreeMap<String, f64> {
        let frames = frames.max(1) as f64;
        Stage::ALL
            .iter()
            .map(|stage| (stage.name().to_owned(), self.seconds(*stage) * 1e3 / frames))
            .collect()
    }
}
