//! Failed calls, counted by plugin, role and cause. More than one thread hears of them: the decision thread of those on a frame's way, and whoever asks the router about
//! alerts that were passed. Who has failed too often is the supervisor's to say, which the decision thread has; it hears here how the router does elsewhere.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use overt_contract::Role;
use overt_runtime::CallError;

use crate::incident;
use crate::metrics::PluginMetrics;
use crate::run::Event;
use crate::summary::PluginErrors;
use crate::supervisor::Digests;

/// Failed calls so far.
#[derive(Default)]
pub(crate) struct Failures(Mutex<Counted>);

#[derive(Default)]
struct Counted {
    by_cause: BTreeMap<(String, Role, &'static str), PluginErrors>,
    total: u64,
    /// Calls of the router about passed alerts of which the supervisor has not heard.
    unheard: Vec<AskedRouter>,
}

/// How a call of the router about a passed alert went.
pub(crate) struct AskedRouter {
    /// Which router.
    pub(crate) plugin: Digests,
    /// Why it gave no usable answer.
    pub(crate) failed: Option<CallError>,
}

impl Failures {
    /// Counts a call that failed, about this frame of this camera, among that plugin's figures as well, and tells of it where it is the first of its kind.
    pub(crate) fn note(
        &self,
        error: &CallError,
        camera: &str,
        frame: u32,
        metrics: &PluginMetrics,
        tell: &dyn Fn(Event<'_>),
    ) {
        metrics.failed(&error.cause);
        incident::failed(error, camera, frame);
        let key = (error.plugin.to_string(), error.role, error.cause.name());
        let is_first = {
            let mut counted = self.lock();
            counted.total += 1;
            let errors = counted.by_cause.entry(key).or_insert_with(|| PluginErrors {
                plugin: error.plugin.to_string(),
                role: error.role,
                cause: error.cause.to_string(),
                count: 0,
                camera: camera.to_owned(),
                frame,
            });
            errors.count += 1;
            errors.count == 1
        };
        if is_first {
            tell(Event::PluginError(error));
        }
    }

    /// How many there are.
    pub(crate) fn total(&self) -> u64 {
        self.lock().total
    }

    /// All of them, by plugin, role and cause.
    pub(crate) fn by_cause(&self) -> Vec<PluginErrors> {
        self.lock().by_cause.values().cloned().collect()
    }

    /// The router was asked about a passed alert.
    pub(crate) fn asked_router(&self, asked: AskedRouter) {
        self.lock().unheard.push(asked);
    }

    /// What the supervisor has not heard yet.
    pub(crate) fn take_unheard(&self) -> Vec<AskedRouter> {
        std::mem::take(&mut self.lock().unheard)
    }

    fn lock(&self) -> MutexGuard<'_, Counted> {
        // Each change is a few counters.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
