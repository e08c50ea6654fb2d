//! How far a long command is: a bar on a terminal, a plain line every few seconds elsewhere. Everything goes to standard error, so that
//! standard output holds results alone.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::output;

/// How often a plain line is printed.
const EVERY: Duration = Duration::from_secs(3);

/// How far a command is.
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    /// What is counted, such as "frames".
    unit: &'static str,
    length: Mutex<Option<u64>>,
    last: Mutex<Instant>,
}

impl Progress {
    /// `length`: how many there will be, if that is known.
    pub(crate) fn new(unit: &'static str, length: Option<u64>) -> Self {
        let bar = output::stderr_is_a_terminal().then(ProgressBar::no_length);
        let progress = Self {
            bar,
            unit,
            length: Mutex::new(None),
            last: Mutex::new(Instant::now()),
        };
        progress.set_length(length);
        progress
    }

    /// Says how many there will be, once that is known.
    pub(crate) fn set_length(&self, length: Option<u64>) {
        *self.length.lock().unwrap_or_else(PoisonError::into_inner) = length;
        let Some(bar) = &self.bar else { return };
        let template = match length {
            Some(length) => {
                bar.set_length(length);
                "{wide_bar:.cyan} {pos}/{len} {prefix}  {elapsed_precise}, {eta} left  {msg}"
            }
            None => "{spinner} {pos} {prefix}  {elapsed_precise}  {msg}",
        };
        bar.set_prefix(self.unit);
        // A template that does not parse is a mistake in the line above; the bar's own style does then.
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(200));
    }

    /// `done` are done; `message` says what else is to be said.
    pub(crate) fn at(&self, done: u64, message: impl FnOnce() -> String) {
        if let Some(bar) = &self.bar {
            bar.set_position(done);
            bar.set_message(message());
            return;
        }
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.elapsed() >= EVERY {
            *last = Instant::now();
            let of = match *self.length.lock().unwrap_or_else(PoisonError::into_inner) {
                Some(length) if length > 0 => format!(
                    "{done} of {length} {} ({} %)",
                    self.unit,
                    done * 100 / length
                ),
                _ => format!("{done} {}", self.unit),
            };
            let message = message();
            let comma = if message.is_empty() { "" } else { ", " };
            output::say(&format!("{of}{comma}{message}\n"));
        }
    }

    /// A line that stays.
    pub(crate) fn line(&self, text: &str) {
        let say = || output::say(&format!("{text}\n"));
        match &self.bar {
            Some(bar) => bar.suspend(say),
            None => say(),
        }
    }

    /// Does something that may print, with the bar out of its way.
    pub(crate) fn hide<R>(&self, work: impl FnOnce() -> R) -> R {
        match &self.bar {
            Some(bar) => bar.suspend(work),
            None => work(),
        }
    }

    /// Takes the bar away.
    pub(crate) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
