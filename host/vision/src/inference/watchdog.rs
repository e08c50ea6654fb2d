//! Tells runs to stop at their deadlines: one thread for the whole process, asleep until the next deadline. Knows no library, only what to call.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How long after it was told to stop a run is told again: one that was told before it had quite begun did not hear it.
const AGAIN: Duration = Duration::from_millis(50);

/// Something that can be told to stop.
pub(crate) trait Stop: Send + Sync {
    /// Returns at once; what runs stops as soon as it can. Called until it has.
    fn stop(&self);
}

struct Watched {
    number: u64,
    deadline: Instant,
    run: Arc<dyn Stop>,
}

#[derive(Default)]
struct Watch {
    runs: Vec<Watched>,
    next_number: u64,
}

struct Watchdog {
    watch: Mutex<Watch>,
    changed: Condvar,
}

static WATCHDOG: Watchdog = Watchdog {
    watch: Mutex::new(Watch {
        runs: Vec::new(),
        next_number: 0,
    }),
    changed: Condvar::new(),
};

/// Whether the thread could be started.
static STARTED: OnceLock<bool> = OnceLock::new();

/// A run under watch; the watch ends when this is dropped.
pub(crate) struct Guard {
    number: u64,
}

/// Has a run stopped at its deadline unless the guard is dropped first; it is not told any more when that has returned. Nothing where the machine grants no thread.
pub(crate) fn watch(deadline: Instant, run: Arc<dyn Stop>) -> Option<Guard> {
    let started = STARTED.get_or_init(|| {
        thread::Builder::new()
            .name("inference-deadlines".to_owned())
            .spawn(keep_watch)
            .is_ok()
    });
    if !started {
        return None;
    }
    let mut watch = WATCHDOG.lock();
    let number = watch.next_number;
    watch.next_number += 1;
    let earliest = watch.runs.iter().all(|other| deadline < other.deadline);
    watch.runs.push(Watched {
        number,
        deadline,
        run,
    });
    drop(watch);
    if earliest {
        WATCHDOG.changed.notify_one();
    }
    Some(Guard { number })
}

impl Watchdog {
    /// A panic elsewhere leaves the list as it was.
    fn lock(&self) -> MutexGuard<'_, Watch> {
        self.watch.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        WATCHDOG.lock().runs.retain(|run| run.number != self.number);
    }
}

fn keep_watch() {
    let mut watch = WATCHDOG.lock();
    loop {
        let now = Instant::now();
        for due in watch.runs.iter_mut().filter(|run| run.deadline <= now) {
            due.run.stop();
            due.deadline = now + AGAIN;
        }
        let next = watch.runs.iter().map(|run| run.deadline).min();
        watch = match next {
            Some(next) => {
                WATCHDOG
                    .changed
                    .wait_timeout(watch, next.duration_since(now))
                    .unwrap_or_else(PoisonError::into_inner)
                    .0
            }
            None => WATCHDOG
                .changed
                .wait(watch)
                .unwrap_or_else(PoisonError::into_inner),
        };
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    struct Says(Mutex<mpsc::Sender<u32>>, u32);

    impl Stop for Says {
        fn stop(&self) {
            self.0.lock().unwrap().send(self.1).unwrap();
        }
    }

    #[test]
    fn a_run_is_stopped_at_its_deadline_and_until_it_ends_whatever_others_wait_for() {
        let (sender, stopped) = mpsc::channel();
        let run = |n| Arc::new(Says(Mutex::new(sender.clone()), n));
        let start = Instant::now();
        let _far = watch(start + Duration::from_secs(3600), run(0)).unwrap();
        let late = watch(start + Duration::from_millis(20), run(1)).unwrap();
        let early = watch(start + Duration::from_millis(10), run(2)).unwrap();
        let past = watch(start, run(3)).unwrap();
        let mut told = [0; 4];
        while told[1..].iter().any(|times| *times < 2) {
            told[stopped.recv().unwrap() as usize] += 1;
        }
        assert_eq!(told[0], 0, "the one that has an hour left goes on");
        assert!(Instant::now() >= start + Duration::from_millis(20));
        drop((late, early, past));
        while stopped.try_recv().is_ok() {}
        let next = stopped.recv_timeout(2 * AGAIN);
        assert!(next.is_err(), "a run that ended is told no more: {next:?}");
    }

    #[test]
    fn a_run_that_ended_is_watched_no_longer() {
        let (sender, _stopped) = mpsc::channel();
        let watched = |number| WATCHDOG.lock().runs.iter().any(|run| run.number == number);
        let far = Instant::now() + Duration::from_secs(3600);
        let guard = watch(far, Arc::new(Says(Mutex::new(sender), 0))).unwrap();
        let number = guard.number;
        assert!(watched(number));
        drop(guard);
        assert!(!watched(number));
    }
}
