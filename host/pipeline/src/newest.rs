//! A place for one thing, between a giver who never waits and a taker who does: what comes later takes the place of what is there. So a live
//! camera's newest frame is the next one to be looked at, however slow the machine is.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A place for one thing.
pub(crate) struct Newest<T> {
    held: Mutex<Held<T>>,
    changed: Condvar,
}

struct Held<T> {
    thing: Option<T>,
    closed: bool,
}

/// What a taker gets.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Taken<T> {
    /// The newest thing.
    Thing(T),
    /// Nothing came in time.
    Nothing,
    /// Nothing will come any more.
    Closed,
}

impl<T> Newest<T> {
    pub(crate) fn new() -> Newest<T> {
        Newest {
            held: Mutex::new(Held {
                thing: None,
                closed: false,
            }),
            changed: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Held<T>> {
        // Nothing is ever half done under this lock.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a thing there, and gives back the one that nobody took.
    pub(crate) fn put(&self, thing: T) -> Option<T> {
        let before = self.lock().thing.replace(thing);
        self.changed.notify_one();
        before
    }

    /// Nothing will come any more. What is there can still be taken.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// Waits for a thing, but not for ever.
    pub(crate) fn take(&self, patience: Duration) -> Taken<T> {
        let held = self.lock();
        let (mut held, _) = self
            .changed
            .wait_timeout_while(held, patience, |held| held.thing.is_none() && !held.closed)
            .unwrap_or_else(PoisonError::into_inner);
        match (held.thing.take(), held.closed) {
            (Some(thing), _) => Taken::Thing(thing),
            (None, false) => Taken::Nothing,
            (None, true) => Taken::Closed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT_ONCE: Duration = Duration::ZERO;

    #[test]
    fn the_newest_is_taken_and_the_one_before_given_back() {
        let place = Newest::new();
        assert_eq!(place.take(AT_ONCE), Taken::Nothing);
        assert_eq!(place.put(1), None);
        assert_eq!(place.put(2), Some(1));
        assert_eq!(place.take(AT_ONCE), Taken::Thing(2));
        assert_eq!(place.take(AT_ONCE), Taken::Nothing);
    }

    #[test]
    fn what_is_there_can_be_taken_after_the_end() {
        let place = Newest::new();
        place.put(1);
        place.close();
        assert_eq!(place.take(AT_ONCE), Taken::Thing(1));
        assert_eq!(place.take(AT_ONCE), Taken::Closed);
    }

    #[test]
    fn a_taker_who_waits_gets_what_comes_and_every_thing_is_taken_or_given_back() {
        let place = Newest::new();
        let (mut taken, mut given_back, mut last) = (0, 0, 0);
        std::thread::scope(|scope| {
            let giver = scope.spawn(|| {
                let mut back = 0;
                for thing in 1..=10_000 {
                    back += u32::from(place.put(thing).is_some());
                }
                place.close();
                back
            });
            while let Taken::Thing(thing) = place.take(Duration::from_secs(60)) {
                assert!(thing > last, "{thing} after {last}");
                (taken, last) = (taken + 1, thing);
            }
            given_back = giver.join().unwrap_or_default();
        });
        assert_eq!((taken + given_back, last), (10_000, 10_000));
    }
}
