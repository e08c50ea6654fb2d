//! The reader of a live camera: reads without a pause, keeps the newest frame for whoever takes it, and when the camera goes away tries again,
//! each time after a longer wait, until it is back or the run is over.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use overt_vision::{CameraError, Frame, FrameInfo, LiveCamera, LiveSource, Patience};

use crate::health::{CameraNews, Health, HealthRecord};
use crate::newest::Newest;
use crate::stages::{Stage, Stages};

/// The first wait before a camera is tried again. Each further one is twice as long.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// The longest wait: a camera whose cable is put back is back within half a minute.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// A camera that gave frames for so long is one that works: the next wait is the first again. One that comes and goes at once stays one
/// that is waited for.
const STEADY: Duration = Duration::from_secs(10);

/// How often somebody who waits looks whether the run is over.
const LOOK: Duration = Duration::from_millis(50);

/// Waits that grow.
#[derive(Debug)]
pub(crate) struct BackOff {
    next: Duration,
}

impl BackOff {
    pub(crate) fn new() -> BackOff {
        BackOff { next: FIRST_WAIT }
    }

    /// The next wait.
    pub(crate) fn wait(&mut self) -> Duration {
        let wait = self.next;
        self.next = (2 * wait).min(LONGEST_WAIT);
        wait
    }

    /// The camera gave frames for so long.
    pub(crate) fn worked(&mut self, duration: Duration) {
        if duration >= STEADY {
            self.next = FIRST_WAIT;
        }
    }
}

/// The reader of a live camera.
pub(crate) struct Reader<'a> {
    pub(crate) camera: Arc<str>,
    pub(crate) source: &'a LiveSource,
    /// When the run began: the zero of its live cameras' times.
    pub(crate) origin: Instant,
    pub(crate) newest: &'a Newest<Frame>,
    pub(crate) stop: [&'a AtomicBool; 2],
    pub(crate) read: &'a AtomicU64,
    pub(crate) dropped: &'a AtomicU64,
    pub(crate) stages: &'a Stages,
    pub(crate) tell: &'a (dyn Fn(CameraNews) + Sync),
}

impl Reader<'_> {
    fn stopped(&self) -> bool {
        self.stop.iter().any(|stop| stop.load(Ordering::Relaxed))
    }

    /// Reads from the opened camera until the run is over, and closes the place for the newest frame.
    pub(crate) fn run(self, opened: LiveCamera) -> HealthRecord {
        let mut health = Health::new(self.tell);
        let mut back_off = BackOff::new();
        let mut sequence = 0;
        let mut camera = Some(opened);
        while !self.stopped() {
            let Some(mut working) = camera.take() else {
                break;
            };
            let since = Instant::now();
            let lost = self.read(&mut working, &mut sequence, &mut health);
            // Closed before it is opened again: a device is one program's at a time.
            drop(working);
            let Some(lost) = lost else { break };
            back_off.worked(since.elapsed());
            camera = self.reopen(lost, &mut back_off, &mut health);
        }
        self.newest.close();
        health.finish(self.origin.elapsed().as_secs_f64())
    }

    /// Reads until the camera is lost, or the run over.
    fn read(
        &self,
        camera: &mut LiveCamera,
        sequence: &mut u32,
        health: &mut Health<'_>,
    ) -> Option<CameraError> {
        while !self.stopped() {
            let stamp = || FrameInfo {
                camera: self.camera.clone(),
                sequence: *sequence,
                captured_at: self.origin.elapsed().as_secs_f64(),
            };
            let frame = match self.stages.time(Stage::Capture, || camera.next(stamp)) {
                Ok(frame) => frame,
                Err(error) => return Some(error),
            };
            // At 240 frames a second it would take 200 days; the run is over long before.
            *sequence = sequence.saturating_add(1);
            self.read.fetch_add(1, Ordering::Relaxed);
            health.note(&frame);
            if self.newest.put(frame).is_some() {
                self.dropped.fetch_add(1, Ordering::Relaxed);
                health.record.dropped += 1;
            }
        }
        None
    }

    /// Tries until the camera is back. Nothing where the run is over first.
    fn reopen(
        &self,
        lost: CameraError,
        back_off: &mut BackOff,
        health: &mut Health<'_>,
    ) -> Option<LiveCamera> {
        let mut cause = lost;
        loop {
            let wait = back_off.wait();
            health.lost(self.origin.elapsed().as_secs_f64(), cause, wait);
            let until = Instant::now() + wait;
            while Instant::now() < until {
                if self.stopped() {
                    return None;
                }
                std::thread::sleep(LOOK);
            }
            match LiveCamera::open(self.source, Patience::default()) {
                Ok(camera) => {
                    health.back(self.origin.elapsed().as_secs_f64());
                    return Some(camera);
                }
                Err(error) => cause = error,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_half_a_minute_and_start_again_after_steady_work() {
        let mut back_off = BackOff::new();
        let waits: Vec<u64> = (0..7).map(|_| back_off.wait().as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30]);
        back_off.worked(Duration::from_secs(2));
        assert_eq!(back_off.wait().as_secs(), 30);
        back_off.worked(STEADY);
        assert_eq!(back_off.wait().as_secs(), 1);
    }
}
