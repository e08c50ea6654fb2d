//! A gallery that changes: what a change costs, and what a search notices of changes that are made beside it without a pause.

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use arc_swap::ArcSwap;
use overt_gallery::{EntryKey, Gallery, Template};

use crate::pairs::{Effort, Pairs, each};
use crate::row::{Row, Unit};
use crate::{Outcome, Scale};

/// Searches of a sample.
const SEARCHES: u32 = 5;

/// The rows, for a gallery of entries that are called by their numbers.
pub(crate) fn rows(gallery: &Gallery, probe: &Template, scale: Scale) -> Outcome<Vec<Row>> {
    let size = gallery.entries();
    let effort = scale.effort(Effort {
        least: 15,
        most: 300,
        seconds: 4.0,
    });
    let search = || each(1, || Ok(gallery.search(probe, super::search::MOST)?));
    // From one end of the gallery to the other, in strides that meet every segment.
    let turn = AtomicU64::new(0);
    let change = |gallery: &Gallery| -> Outcome<Gallery> {
        let number = turn.fetch_add(7_919, Ordering::Relaxed) % size as u64;
        let key = EntryKey::from(number.to_string());
        let less = gallery.without(std::slice::from_ref(&key));
        Ok(less.with([(key, probe.clone())])?)
    };
    let changes = Pairs::take(effort, || each(1, || change(gallery)), search)?;

    let held = ArcSwap::from_pointee(gallery.with([])?);
    let search = || Ok(held.load_full().search(probe, super::search::MOST)?);
    let beside = || -> Outcome<f64> {
        let (stop, made) = (AtomicBool::new(false), AtomicU64::new(0));
        std::thread::scope(|scope| {
            let changing = scope.spawn(|| -> Result<(), String> {
                while !stop.load(Ordering::Relaxed) {
                    let changed = change(&held.load()).map_err(|error| error.to_string())?;
                    held.store(changed.into());
                    made.fetch_add(1, Ordering::Relaxed);
                }
                Ok(())
            });
            let started = Instant::now();
            let mut searches = 0;
            let mut found = Ok(());
            // A small gallery is searched many times before it has changed once.
            while found.is_ok()
                && (searches < SEARCHES
                    || (made.load(Ordering::Relaxed) == 0 && !changing.is_finished()))
            {
                found = search().map(|hits| drop(black_box(hits)));
                searches += 1;
            }
            let seconds = started.elapsed().as_secs_f64() / f64::from(searches);
            stop.store(true, Ordering::Relaxed);
            match changing.join() {
                Ok(Ok(())) => found.map(|()| seconds),
                Ok(Err(error)) => Err(error.into()),
                Err(_) => Err("the thread that changes the gallery panicked".into()),
            }
        })
    };
    let alone = || each(SEARCHES as usize, search);
    let searches = Pairs::take(effort, beside, alone)?;
    let name = |what: &str| format!("gallery of {size} × {}, {what}", probe.values().len());
    Ok(vec![
        Row::new(
            name("an entry out and another in"),
            Unit::Milliseconds,
            "one query",
            &changes,
        ),
        Row::new(
            name("one query while entries come and go"),
            Unit::Rate(1.0, "queries/s"),
            "the same while nothing changes",
            &searches,
        ),
    ])
}
