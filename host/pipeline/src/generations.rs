//! Which generation serves now, and which served before. It changes in one place, one change after another: a person swaps plugins, or a plugin in quarantine
//! makes way for its fallback. A change is on record before any frame meets it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use overt_deployment::{Role, Timestamp};
use overt_records as records;

use crate::admission::Loaded;
use crate::calibration::CalibrationFacts;
use crate::error::PipelineError;
use crate::generation::Generation;
use crate::report::PluginReport;
use crate::run::milliseconds;
use crate::shadow::{ShadowReport, Tally};
use crate::summary;

/// Why a generation came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GenerationCause {
    /// The run began with it.
    Start,
    /// Somebody swapped plugins.
    Swap {
        /// Who.
        by: records::By,
        /// Why.
        reason: String,
    },
    /// A plugin was put in quarantine, and its fallback came in for it.
    Fallback {
        /// The role.
        role: Role,
    },
    /// Somebody changed the watchlist.
    Watchlist {
        /// Who.
        by: records::By,
        /// Why.
        reason: String,
        /// What.
        change: records::ListChange,
    },
    /// The retention of images of the watchlist was over.
    Retention {
        /// The images.
        images: u64,
        /// People of whom there was no other.
        people: u64,
        /// The alerts that were withdrawn.
        withdrawn: Vec<u32>,
    },
}

/// What a generation was, for people and records: it outlives the generation itself.
#[derive(Clone, Debug)]
pub struct GenerationFacts {
    /// From 0.
    pub number: u64,
    /// Since when frames are admitted to it.
    pub since: Timestamp,
    /// Why it came.
    pub cause: GenerationCause,
    /// The roles in which another plugin serves than in the generation before, or the same under other terms.
    pub changed: Vec<Role>,
    /// The plugins that serve, in the order of a frame's way.
    pub plugins: Vec<PluginReport>,
    /// The models that they run.
    pub models: Vec<summary::ModelUsed>,
    /// SHA-256 of the lock that it holds to.
    pub lock_sha256: Option<String>,
    /// The least score at which anybody may be alerted.
    pub score_floor: f32,
    /// What the floor rests on.
    pub calibration: Option<CalibrationFacts>,
}

impl GenerationFacts {
    pub(crate) fn of(
        generation: &Generation,
        before: Option<&Generation>,
        cause: GenerationCause,
        since: Timestamp,
    ) -> GenerationFacts {
        let is_new = |loaded: &&Arc<Loaded>| {
            before.is_some_and(|before| {
                let had = before.plugin(loaded.slot.role);
                had.is_none_or(|had| !Arc::ptr_eq(had, loaded))
            })
        };
        GenerationFacts {
            number: generation.number,
            since,
            cause,
            changed: generation
                .plugins()
                .filter(is_new)
                .map(|loaded| loaded.slot.role)
                .collect(),
            plugins: generation
                .plugins()
                .map(|loaded| PluginReport::of(loaded))
                .collect(),
            models: generation
                .plugins()
                .flat_map(|loaded| summary::ModelUsed::of(loaded))
                .collect(),
            lock_sha256: generation.lock_sha256.clone(),
            score_floor: generation.score_floor,
            calibration: generation.calibration.clone(),
        }
    }

    /// As records name it.
    pub(crate) fn record(&self, run: records::RunId) -> records::GenerationChange {
        records::GenerationChange {
            run,
            number: self.number,
            at: milliseconds(self.since),
            cause: match &self.cause {
                GenerationCause::Start => records::ChangeCause::Start,
                GenerationCause::Swap { by, reason } => records::ChangeCause::Swap {
                    by: by.clone(),
                    reason: reason.clone(),
                },
                GenerationCause::Fallback { role } => records::ChangeCause::Fallback {
                    role: role.name().to_owned(),
                },
                GenerationCause::Watchlist { by, reason, change } => {
                    records::ChangeCause::Watchlist {
                        by: by.clone(),
                        reason: reason.clone(),
                        change: change.clone(),
                    }
                }
                GenerationCause::Retention {
                    images,
                    people,
                    withdrawn,
                } => records::ChangeCause::Retention {
                    images: *images,
                    entries: *people,
                    withdrawn: withdrawn.clone(),
                },
            },
            plugins: self.plugins.iter().map(PluginReport::used).collect(),
            models: self
                .models
                .iter()
                .map(|model| records::ModelUsed {
                    name: model.name.clone(),
                    sha256: model.sha256.clone(),
                })
                .collect(),
            lock_sha256: self.lock_sha256.clone(),
            score_floor: self.score_floor,
        }
    }
}

/// A plugin in quarantine: a role and the digest of its content, which stays when somebody signs.
type Out = (Role, Arc<str>);

struct History {
    facts: Vec<GenerationFacts>,
    /// What every challenger has come to that there was. Not the challenger: that holds the watchlist as it encodes it, and goes with its last generation.
    shadows: Vec<Arc<Tally>>,
    out: Vec<Out>,
}

/// The generations of a run.
pub(crate) struct Generations {
    current: ArcSwap<Generation>,
    history: Mutex<History>,
}

impl Generations {
    /// With the one that the run begins with.
    pub(crate) fn new(first: Generation) -> Generations {
        let facts = vec![GenerationFacts::of(
            &first,
            None,
            GenerationCause::Start,
            Timestamp::now(),
        )];
        let shadows = first.shadows.values();
        let shadows = shadows.map(|shadow| shadow.tally.clone()).collect();
        Generations {
            current: ArcSwap::from_pointee(first),
            history: Mutex::new(History {
                facts,
                shadows,
                out: Vec::new(),
            }),
        }
    }

    /// The one that serves.
    pub(crate) fn current(&self) -> Arc<Generation> {
        self.current.load_full()
    }

    /// What was, oldest first.
    pub(crate) fn facts(&self) -> Vec<GenerationFacts> {
        self.lock().facts.clone()
    }

    /// What every challenger has come to.
    pub(crate) fn shadows(&self) -> Vec<ShadowReport> {
        self.lock()
            .shadows
            .iter()
            .map(|tally| tally.report())
            .collect()
    }

    /// The right to change what serves; whoever else wants to waits.
    pub(crate) fn turn(&self) -> Turn<'_> {
        Turn {
            current: &self.current,
            history: self.lock(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, History> {
        // A change is one push and one store; one that panicked between left nothing half.
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to change what serves.
pub(crate) struct Turn<'a> {
    current: &'a ArcSwap<Generation>,
    history: MutexGuard<'a, History>,
}

impl Turn<'_> {
    /// The one that serves.
    pub(crate) fn current(&self) -> Arc<Generation> {
        self.current.load_full()
    }

    /// Notes that a plugin is in quarantine: no later generation may have it.
    pub(crate) fn put_out(&mut self, role: Role, content: &Arc<str>) {
        let out = (role, content.clone());
        if !self.history.out.contains(&out) {
            self.history.out.push(out);
        }
    }

    /// Whether a plugin is in quarantine.
    pub(crate) fn is_out(&self, loaded: &Loaded) -> bool {
        let content = &loaded.plugin.identity().content;
        let is_it = |(role, out): &Out| (*role, out) == (loaded.slot.role, content);
        self.history.out.iter().any(is_it)
    }

    /// The plugins of a generation that are in quarantine.
    pub(crate) fn out_of<'g>(&self, generation: &'g Generation) -> Vec<&'g Arc<Loaded>> {
        let plugins = generation.plugins();
        plugins.filter(|loaded| self.is_out(loaded)).collect()
    }

    /// Puts the next generation in place, once `record` has put it on record. Frames that are under way keep the generation that admitted them.
    pub(crate) fn publish(
        self,
        next: Generation,
        cause: GenerationCause,
        since: Timestamp,
        run: records::RunId,
        record: impl FnOnce(&records::GenerationChange) -> Result<(), records::RecordsError>,
    ) -> Result<GenerationFacts, PipelineError> {
        let facts = GenerationFacts::of(&next, Some(&self.current()), cause, since);
        record(&facts.record(run))?;
        Ok(self.put(next, facts))
    }

    /// Puts a generation in place that is on record.
    pub(crate) fn put(mut self, next: Generation, facts: GenerationFacts) -> GenerationFacts {
        self.history.facts.push(facts.clone());
        for shadow in next.shadows.values() {
            let shadows = &mut self.history.shadows;
            if !shadows
                .iter()
                .any(|known| Arc::ptr_eq(known, &shadow.tally))
            {
                shadows.push(shadow.tally.clone());
            }
        }
        self.current.store(Arc::new(next));
        facts
    }
}
