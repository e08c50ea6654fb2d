//! A challenger in the shadow of the plugin that serves: it is asked the same about the same, decides nothing, and leaves counts and histograms of how often
//! the two agree. Nothing of it is kept about anybody: no box, no template, no score, no decision.
//!
//! It is asked after the answer of the plugin that serves has gone its way, so it costs the machine time and no frame its turn. One that fails too often is asked no
//! more; that is no quarantine, for it serves nobody.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use overt_deployment::Role;
use overt_gallery::Hit;
use overt_runtime::decision::{Decision, Route};
use overt_runtime::{CallCause, CallError, PluginIdentity};
use overt_vision::Face;
use serde::Serialize;

use crate::admission::Loaded;
use crate::enrol::UNIFIED;
use crate::supervisor::Recent;
use crate::watchlist::{Images, Watchlist};

/// Boxes that overlap by this much (intersection over union) are of the same face.
const SAME_FACE: f32 = 0.5;

/// How often two plugins agree, by what their role answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Agreement {
    /// Detectors.
    Faces {
        /// Faces that both found.
        both: u64,
        /// Faces that the plugin that serves found alone.
        only_serving: u64,
        /// Faces that the challenger found alone.
        only_challenger: u64,
        /// Of the faces that both found, how much the boxes overlap: intersection over union in ten steps from 0.5 to 1.
        overlap: Vec<u64>,
    },
    /// Encoders, each with a gallery of its own.
    Searches {
        /// The best candidate was the same.
        same_best: u64,
        /// It was another.
        other_best: u64,
        /// Both came to the score floor.
        both_over_floor: u64,
        /// The encoder that serves came to it alone.
        only_serving_over_floor: u64,
        /// The challenger did.
        only_challenger_over_floor: u64,
        /// The challenger's best score less that of the encoder that serves, in twenty steps from −1 to 1.
        difference: Vec<u64>,
    },
    /// Quality plugins.
    Qualities {
        /// The challenger's unified quality less that of the plugin that serves, in twenty steps from −100 to 100.
        difference: Vec<u64>,
        /// Faces of which either gave none.
        unmeasured: u64,
    },
    /// Matcher policies: rows are what the policy that serves decided, columns the challenger; ignore, hold, alert.
    Decisions {
        /// How often.
        matrix: [[u64; 3]; 3],
        /// Both proposed an alert, and for different entries.
        other_entry: u64,
    },
    /// Alert routers.
    Desks {
        /// Alerts for which both named the same channels.
        same: u64,
        /// Alerts for which they did not.
        other: u64,
    },
}

impl Agreement {
    fn none(role: Role) -> Agreement {
        match role {
            Role::Detector => Agreement::Faces {
                both: 0,
                only_serving: 0,
                only_challenger: 0,
                overlap: vec![0; 10],
            },
            Role::Encoder => Agreement::Searches {
                same_best: 0,
                other_best: 0,
                both_over_floor: 0,
                only_serving_over_floor: 0,
                only_challenger_over_floor: 0,
                difference: vec![0; 20],
            },
            Role::Quality => Agreement::Qualities {
                difference: vec![0; 20],
                unmeasured: 0,
            },
            Role::MatcherPolicy => Agreement::Decisions {
                matrix: [[0; 3]; 3],
                other_entry: 0,
            },
            Role::AlertRouter => Agreement::Desks { same: 0, other: 0 },
        }
    }
}

/// The step of a histogram that a value falls into; values beyond its ends count with the last ones.
fn step(value: f32, from: f32, to: f32, steps: usize) -> usize {
    let part = (value - from) / (to - from) * steps as f32;
    // A float that is no number or out of range becomes 0 or the largest.
    (part.max(0.0) as usize).min(steps - 1)
}

/// What a challenger has come to.
#[derive(Debug)]
struct Record {
    calls: u64,
    failures: BTreeMap<&'static str, u64>,
    time: Duration,
    recent: Recent,
    stopped: bool,
    agreement: Agreement,
}

/// What a challenger has come to, for people.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ShadowReport {
    /// The role.
    pub role: Role,
    /// Its id.
    pub plugin: String,
    /// Its version.
    pub version: String,
    /// SHA-256 of its file.
    pub sha256: String,
    /// The id of the plugin that served, with which it was compared.
    pub serving: String,
    /// SHA-256 of that plugin's file.
    pub serving_sha256: String,
    /// It was asked about each so-many-th frame.
    pub every: u32,
    /// How often it was asked.
    pub calls: u64,
    /// How often it failed, by cause.
    pub failures: BTreeMap<&'static str, u64>,
    /// Whether it failed too often and was asked no more.
    pub stopped: bool,
    /// Milliseconds a call.
    pub milliseconds: f64,
    /// Watchlist images that it made nothing of; encoders alone.
    pub unencoded: u64,
    /// How often the two agreed.
    pub agreement: Agreement,
}

impl ShadowReport {
    /// How often the two agreed, in a line: counts, and nothing that a model could be tuned to one person by.
    pub fn sentence(&self) -> String {
        match &self.agreement {
            Agreement::Faces {
                both,
                only_serving,
                only_challenger,
                ..
            } => format!(
                "{both} faces found by both, {only_serving} by the serving plugin alone, {only_challenger} by the challenger alone"
            ),
            Agreement::Searches {
                same_best,
                other_best,
                both_over_floor,
                only_serving_over_floor,
                only_challenger_over_floor,
                ..
            } => format!(
                "the same best candidate in {same_best} of {} searches; at the score floor both {both_over_floor}, the serving plugin alone {only_serving_over_floor}, the challenger alone {only_challenger_over_floor}",
                same_best + other_best
            ),
            Agreement::Qualities {
                difference,
                unmeasured,
            } => {
                let measured: u64 = difference.iter().sum();
                // The two steps beside zero.
                let near = difference[9] + difference[10];
                format!(
                    "within 10 of 100 for {near} of {measured} faces; {unmeasured} that one of them did not measure"
                )
            }
            Agreement::Decisions {
                matrix,
                other_entry,
            } => {
                let all: u64 = matrix.iter().flatten().sum();
                let same: u64 = (0..3).map(|place| matrix[place][place]).sum();
                let serving: u64 = matrix[2][..2].iter().sum();
                let challenger = matrix[0][2] + matrix[1][2];
                format!(
                    "the same decision {} of {all} times; alerts of both {}, of the serving plugin alone {serving}, of the challenger alone {challenger}",
                    same - other_entry,
                    matrix[2][2]
                )
            }
            Agreement::Desks { same, other } => {
                format!("the same desks for {same} of {} alerts", same + other)
            }
        }
    }
}

/// A challenger.
pub(crate) struct Shadow {
    pub(crate) loaded: Arc<Loaded>,
    /// The watchlist as it encodes it; encoders alone. Somebody who is removed goes from it at once; somebody who is added is not in it.
    watchlist: ArcSwapOption<Watchlist>,
    pub(crate) tally: Arc<Tally>,
}

/// What a challenger has come to beside one plugin that serves. It outlives the challenger, so it holds counts, and nothing of anybody.
pub(crate) struct Tally {
    role: Role,
    challenger: PluginIdentity,
    serving: PluginIdentity,
    /// Watchlist images that it made nothing of.
    unencoded: u64,
    every: u32,
    record: Mutex<Record>,
}

impl Shadow {
    /// The watchlist as it encodes it; encoders alone.
    pub(crate) fn watchlist(&self) -> Option<Arc<Watchlist>> {
        self.watchlist.load_full()
    }

    /// Loses images whose retention was over.
    pub(crate) fn lose(&self, gone: &Images) {
        self.watchlist.rcu(|watchlist| {
            let watchlist = watchlist.as_ref()?;
            Some(Arc::new(watchlist.without_images(gone)))
        });
    }

    /// Loses somebody who was taken off the watchlist.
    pub(crate) fn forget(&self, reference: &str) {
        self.watchlist.rcu(|watchlist| {
            let watchlist = watchlist.as_ref()?;
            Some(Arc::new(watchlist.without(reference)))
        });
    }

    /// Loses whoever is not on this list.
    pub(crate) fn keep_only(&self, other: &Watchlist) {
        self.watchlist.rcu(|watchlist| {
            let watchlist = watchlist.as_ref()?;
            Some(Arc::new(watchlist.only(other)))
        });
    }

    /// Beside the plugin that serves.
    pub(crate) fn new(
        loaded: Arc<Loaded>,
        serving: &Loaded,
        every: u32,
        watchlist: Option<Arc<Watchlist>>,
        unencoded: u64,
    ) -> Shadow {
        let role = loaded.slot.role;
        let tally = Tally {
            role,
            challenger: loaded.plugin.identity().clone(),
            serving: serving.plugin.identity().clone(),
            unencoded,
            every,
            record: Mutex::new(Record::new(role)),
        };
        Shadow {
            loaded,
            watchlist: ArcSwapOption::new(watchlist),
            tally: Arc::new(tally),
        }
    }

    /// The same challenger beside another plugin that serves: it goes on with what it has failed, and what it agrees with is counted anew.
    pub(crate) fn beside(&self, serving: &Loaded) -> Shadow {
        let Tally {
            unencoded, every, ..
        } = *self.tally;
        let (loaded, watchlist) = (self.loaded.clone(), self.watchlist());
        let shadow = Shadow::new(loaded, serving, every, watchlist, unencoded);
        {
            let (before, mut record) = (self.record(), shadow.record());
            (record.recent, record.stopped) = (before.recent.clone(), before.stopped);
        }
        shadow
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        self.tally.record()
    }

    /// Whether it is asked about a frame.
    pub(crate) fn looks_at(&self, sequence: u32) -> bool {
        sequence.is_multiple_of(self.tally.every) && !self.record().stopped
    }

    /// Whether it is asked about what is rare.
    pub(crate) fn is_asked(&self) -> bool {
        !self.record().stopped
    }

    /// Asks it, and notes how that went. What it answers is for the comparison alone.
    pub(crate) fn ask<T>(&self, call: impl FnOnce() -> Result<T, CallError>) -> Option<T> {
        let started = Instant::now();
        let answer = call();
        let time = started.elapsed();
        let mut record = self.record();
        record.calls += 1;
        record.time += time;
        let is_own = |error: &CallError| !matches!(error.cause, CallCause::Host(_));
        let strikes = record.recent.note(answer.as_ref().is_err_and(is_own));
        record.stopped |= strikes;
        match answer {
            Ok(answer) => Some(answer),
            Err(error) => {
                *record.failures.entry(error.cause.name()).or_default() += 1;
                self.loaded.metrics.failed(&error.cause);
                tracing::debug!(%error, "a challenger failed");
                None
            }
        }
    }

    /// Compares the faces that both found in a frame.
    pub(crate) fn faces(&self, served: &[Face], found: &[Face]) {
        let mut free: Vec<&Face> = found.iter().collect();
        let mut overlaps = Vec::new();
        for face in served {
            let best = free
                .iter()
                .enumerate()
                .map(|(place, other)| (place, other.bounds.iou(&face.bounds)))
                .max_by(|one, other| one.1.total_cmp(&other.1));
            if let Some((place, overlap)) = best.filter(|(_, overlap)| *overlap >= SAME_FACE) {
                free.swap_remove(place);
                overlaps.push(overlap);
            }
        }
        if let Agreement::Faces {
            both,
            only_serving,
            only_challenger,
            overlap,
        } = &mut self.record().agreement
        {
            *both += overlaps.len() as u64;
            *only_serving += (served.len() - overlaps.len()) as u64;
            *only_challenger += free.len() as u64;
            for value in overlaps {
                let steps = overlap.len();
                overlap[step(value, SAME_FACE, 1.0, steps)] += 1;
            }
        }
    }

    /// Compares what both encoders' searches found for a face: the entry's reference and the score of the best candidate.
    pub(crate) fn search(
        &self,
        served: Option<(&str, f32)>,
        found: Option<(&str, f32)>,
        floor: f32,
    ) {
        let (Some((entry, score)), Some((other, other_score))) = (served, found) else {
            return;
        };
        if let Agreement::Searches {
            same_best,
            other_best,
            both_over_floor,
            only_serving_over_floor,
            only_challenger_over_floor,
            difference,
        } = &mut self.record().agreement
        {
            *match entry == other {
                true => same_best,
                false => other_best,
            } += 1;
            match (score >= floor, other_score >= floor) {
                (true, true) => *both_over_floor += 1,
                (true, false) => *only_serving_over_floor += 1,
                (false, true) => *only_challenger_over_floor += 1,
                (false, false) => {}
            }
            let steps = difference.len();
            difference[step(other_score - score, -1.0, 1.0, steps)] += 1;
        }
    }

    /// Compares the unified quality that both measured of a face.
    pub(crate) fn quality(&self, served: &[(String, f32)], measured: &[(String, f32)]) {
        let unified = |values: &[(String, f32)]| {
            let found = values.iter().find(|(name, _)| name == UNIFIED);
            found.map(|(_, value)| *value)
        };
        if let Agreement::Qualities {
            difference,
            unmeasured,
        } = &mut self.record().agreement
        {
            match (unified(served), unified(measured)) {
                (Some(one), Some(other)) => {
                    let steps = difference.len();
                    difference[step(other - one, -100.0, 100.0, steps)] += 1;
                }
                _ => *unmeasured += 1,
            }
        }
    }

    /// Compares what both policies decided about a track.
    pub(crate) fn decision(&self, served: &Decision, decided: &Decision) {
        let place = |decision: &Decision| match decision {
            Decision::Ignore(_) => 0,
            Decision::Hold(_) => 1,
            Decision::Alert(_) => 2,
        };
        if let Agreement::Decisions {
            matrix,
            other_entry,
        } = &mut self.record().agreement
        {
            matrix[place(served)][place(decided)] += 1;
            if let (Decision::Alert(one), Decision::Alert(other)) = (served, decided)
                && one.offered != other.offered
            {
                *other_entry += 1;
            }
        }
    }

    /// Compares the channels that both routers named.
    pub(crate) fn routes(&self, served: &[Route], named: &[Route]) {
        let channels = |routes: &[Route]| {
            let mut channels: Vec<String> =
                routes.iter().map(|route| route.channel.clone()).collect();
            channels.sort();
            channels.dedup();
            channels
        };
        if let Agreement::Desks { same, other } = &mut self.record().agreement {
            *match channels(served) == channels(named) {
                true => same,
                false => other,
            } += 1;
        }
    }
}

impl Record {
    fn new(role: Role) -> Record {
        Record {
            calls: 0,
            failures: BTreeMap::new(),
            time: Duration::ZERO,
            recent: Recent::default(),
            stopped: false,
            agreement: Agreement::none(role),
        }
    }
}

impl Tally {
    fn record(&self) -> MutexGuard<'_, Record> {
        // Counts alone; a panic between two of them leaves both usable.
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What it has come to.
    pub(crate) fn report(&self) -> ShadowReport {
        let record = self.record();
        ShadowReport {
            role: self.role,
            plugin: self.challenger.id.to_string(),
            version: self.challenger.version.to_string(),
            sha256: self.challenger.sha256.to_string(),
            serving: self.serving.id.to_string(),
            serving_sha256: self.serving.sha256.to_string(),
            every: self.every,
            calls: record.calls,
            failures: record.failures.clone(),
            stopped: record.stopped,
            milliseconds: record.time.as_secs_f64() * 1e3 / record.calls.max(1) as f64,
            unencoded: self.unencoded,
            agreement: record.agreement.clone(),
        }
    }
}

/// The best candidate of a search: its entry's reference and its score.
pub(crate) fn best<'a>(watchlist: &'a Watchlist, hits: &[Hit]) -> Option<(&'a str, f32)> {
    let hit = hits.first()?;
    let entry = watchlist.entries.get(hit.entry as usize)?;
    Some((&entry.reference, hit.score))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_falls_into_its_step_and_one_beyond_the_ends_into_the_last() {
        let at = |value| step(value, -1.0, 1.0, 20);
        assert_eq!([at(-1.0), at(-0.91), at(0.0), at(0.99)], [0, 0, 10, 19]);
        assert_eq!([at(1.0), at(7.0), at(-3.0)], [19, 19, 0]);
        assert_eq!(at(f32::NAN), 0);
    }
}
