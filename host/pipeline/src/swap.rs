//! A swap: the next generation is made aside while the present one serves, and put in its place once everything about it holds. Whatever fails before that
//! leaves the present one serving. No frame waits and none is lost: each goes its way with the generation that admitted it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use overt_deployment::{Deployment, Timestamp};
use overt_records::{self as records, MayNot, PersonRole, ReEncoded, SignedIn};
use overt_runtime::PluginError;

use crate::admission::Loaded;
use crate::error::PipelineError;
use crate::generation::{Generation, Making, Perception};
use crate::generations::{GenerationCause, GenerationFacts, Generations};
use crate::lock::LockFile;
use crate::machine::Machine;
pub use crate::re_encode::ImageFailure;
use crate::run::{held_out, milliseconds};
use crate::watchlist::Watchlist;

/// How often somebody who waits for the last frame of a generation looks.
const LOOK: Duration = Duration::from_millis(5);

/// Images that a refusal names.
const NAMED: usize = 20;

/// What somebody wants: that the run goes on as the deployment file says now.
pub struct Swap {
    /// The deployment as its file says now.
    pub deployment: Deployment,
    /// Its lock; absent where the run has none.
    pub lock: Option<LockFile>,
    /// Who wants it: a system engineer, as they stood when they asked.
    pub by: SignedIn,
    /// Why.
    pub reason: String,
}

/// How far a swap is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SwapStep {
    /// Plugins are verified, compiled and tested.
    Admitting,
    /// The watchlist is encoded anew, for another encoder.
    Encoding {
        /// Images done.
        done: u64,
        /// Of so many.
        of: u64,
    },
    /// Models are loaded for every worker.
    WarmingUp,
    /// The next generation serves; frames of the one before are under way.
    Serving {
        /// Its number.
        generation: u64,
    },
    /// The last frame of the generation before is through.
    Drained,
}

/// Why a swap was refused. The generation that served goes on serving.
#[derive(Debug, thiserror::Error)]
pub enum SwapError {
    /// Whoever asks may not.
    #[error(transparent)]
    MayNot(#[from] MayNot),
    /// Photographs are searched.
    #[error("a search keeps the plugins that it began with")]
    Search,
    /// More than what a run can take up has changed.
    #[error("more than plugins has changed in the deployment file: {}", parts.join(", "))]
    OtherDeployment {
        /// The parts, as in the file.
        parts: Vec<&'static str>,
    },
    /// The floor or its calibration has changed, and neither detector nor encoder has.
    #[error(
        "the score floor or its calibration has changed, and detector and encoder are the same"
    )]
    FloorAlone,
    /// The floor lies lower than the one that was authorised.
    #[error("the score floor {floor} lies under {authorised}, which was authorised")]
    UnderAuthority {
        /// The one in the file.
        floor: f32,
        /// The one in the register.
        authorised: f32,
    },
    /// Another encoder comes without a calibration.
    #[error("another encoder cannot go live without a calibration of its own")]
    Uncalibrated,
    /// Nothing has changed.
    #[error("nothing has changed: generation {generation} serves what the deployment file says")]
    Nothing {
        /// The one that serves.
        generation: u64,
    },
    /// The run holds to a lock and there is none.
    #[error("the run holds to a lock, and the swap has none")]
    Unlocked,
    /// Watchlist images that the new plugins make nothing of.
    #[error("{} of {of} watchlist images cannot be encoded anew: {}", failures.len(), told(failures))]
    Watchlist {
        /// Images in all.
        of: usize,
        /// Reference and cause.
        failures: Vec<(String, ImageFailure)>,
    },
    /// A plugin is in quarantine.
    #[error("{} {} is in quarantine as {}", plugin.id, plugin.version, plugin.role)]
    Quarantined {
        /// Which.
        plugin: records::PluginUsed,
    },
    /// The watchlist changed while it was encoded anew.
    #[error("the watchlist changed while it was encoded anew")]
    WatchlistChanged,
    /// Another swap goes on.
    #[error("another swap, or an addition to the watchlist, goes on")]
    Busy,
    /// The run is about to end.
    #[error("the run is about to end")]
    Ending,
    /// No run goes on: whoever holds the records delivers messages.
    #[error("no run goes on: messages are being delivered")]
    Delivering,
    /// What a run would be refused for as well.
    #[error("{0}")]
    Pipeline(#[from] PipelineError),
}

fn told(failures: &[(String, ImageFailure)]) -> String {
    let named = failures.iter().take(NAMED);
    let mut named: Vec<String> = named
        .map(|(reference, cause)| format!("{reference} ({cause})"))
        .collect();
    if failures.len() > NAMED {
        named.push("…".to_owned());
    }
    named.join("; ")
}

impl SwapError {
    /// What the reader can do about it.
    pub fn mend(&self) -> String {
        match self {
            SwapError::MayNot(cause) => cause.mend(),
            SwapError::Search => "wait until it has ended, and search with the others then".into(),
            SwapError::OtherDeployment { .. } => "a running deployment takes up [plugins] and [trust], and with another detector or encoder the score floor and its calibration; undo the rest, or end the run and begin another".into(),
            SwapError::FloorAlone => "undo that: a floor is authorised for plugins, and these are the same; another floor for them begins with another run".into(),
            SwapError::UnderAuthority { authorised, .. } => format!("raise it to {authorised} at least; a lower one is an authorising officer's to give, for a deployment of its own"),
            SwapError::Uncalibrated => "measure it, `overt evaluate identification --calibration FILE`, and name the file under [authority]".into(),
            SwapError::Nothing { .. } => "name another plugin file under [plugins], and lock: `overt lock`".into(),
            SwapError::Unlocked => "lock the deployment as it is to be: `overt lock`".into(),
            SwapError::Watchlist { .. } => "enrol these entries from better photographs before the deployment, or swap in plugins that see them".into(),
            SwapError::Quarantined { .. } => "name another plugin; whoever knows the cause can release it after the run: `overt plugin release`".into(),
            SwapError::WatchlistChanged => "try again".into(),
            SwapError::Busy => "wait until it is through".into(),
            SwapError::Ending => "begin the next run with what the deployment file says now".into(),
            SwapError::Delivering => "begin a run with what the deployment file says now, once that has ended".into(),
            SwapError::Pipeline(error) if is_shut_out(error) => "put the file into a folder that the deployment file named when the run began: the run has shut itself in, and reads no other".into(),
            SwapError::Pipeline(error) => error.mend(),
        }
    }
}

/// Whether a plugin or a model may not be read, which a run that has shut itself in meets outside the folders of its deployment.
fn is_shut_out(error: &PipelineError) -> bool {
    let denied = |cause: &std::io::Error| cause.kind() == std::io::ErrorKind::PermissionDenied;
    error.each().into_iter().any(|error| match error {
        PipelineError::Plugin { cause, .. } => match &**cause {
            PluginError::Read { cause, .. } => denied(cause),
            _ => false,
        },
        _ => false,
    })
}

/// What a swap came to.
#[derive(Clone, Debug)]
pub struct Swapped {
    /// The generation that serves now.
    pub generation: GenerationFacts,
    /// Watchlist images that were encoded anew.
    pub re_encoded: u64,
    /// Whether the last frame of the generation before is through; false only where the run ended meanwhile.
    pub drained: bool,
}

/// What a swap needs of the run.
pub(crate) struct Swapping<'a> {
    pub(crate) machine: &'a Machine,
    /// As the run began.
    pub(crate) deployment: &'a Deployment,
    pub(crate) store: &'a records::Store,
    pub(crate) run: &'a records::Run,
    pub(crate) generations: &'a Generations,
    pub(crate) workers: usize,
    /// The least score that was authorised; absent where nobody authorised anything, as in a rehearsal.
    pub(crate) authorised_floor: Option<records::ScoreFloor>,
    /// Set where the run ends.
    pub(crate) over: [&'a AtomicBool; 3],
}

impl Swapping<'_> {
    pub(crate) fn is_over(&self) -> bool {
        self.over.iter().any(|over| over.load(Ordering::Relaxed))
    }

    /// Goes on only while the run does.
    fn go_on(&self) -> Result<(), SwapError> {
        match self.is_over() {
            true => Err(SwapError::Ending),
            false => Ok(()),
        }
    }

    /// Makes the next generation and puts it in place.
    pub(crate) fn swap(
        &self,
        wanted: &Swap,
        step: &(dyn Fn(SwapStep) + Sync),
    ) -> Result<Swapped, SwapError> {
        let Swap {
            deployment, lock, ..
        } = wanted;
        let by = wanted.by.acting_as(PersonRole::SystemEngineer)?;
        if self.run.mode().is_search() {
            return Err(SwapError::Search);
        }
        self.compare(deployment)?;
        // What the register would let no run begin with, no run goes on with.
        let floor = deployment.authority.score_floor;
        if let Some(authorised) = self.authorised_floor.map(records::ScoreFloor::get)
            && floor < authorised
        {
            return Err(SwapError::UnderAuthority { floor, authorised });
        }
        let before = self.generations.current();
        if before.lock_sha256.is_some() && lock.is_none() {
            return Err(SwapError::Unlocked);
        }
        if let Some(lock) = lock {
            lock.check(self.machine, deployment)?;
        }
        held_out(deployment, self.store)?;
        self.go_on()?;
        step(SwapStep::Admitting);
        let is_over = || self.is_over();
        let encoding = |done, of| step(SwapStep::Encoding { done, of });
        let making = Making {
            machine: self.machine,
            deployment,
            lock: lock.as_ref(),
            store: self.store,
            // Half the machine: the other half has frames to see.
            workers: (self.workers / 2).max(1),
            before: Some(&before),
            is_over: &is_over,
            encoding: &encoding,
        };
        let admitted = making.admit()?;
        self.go_on()?;
        let perception = &admitted.perception;
        let same = |one: &Arc<Loaded>, other: &Arc<Loaded>| {
            one.plugin.identity().content == other.plugin.identity().content
        };
        let same_encoder = perception.encoder_id == before.perception.encoder_id;
        let same_eyes = same_encoder && same(&perception.detector, &before.perception.detector);
        let floor = &deployment.authority;
        if same_eyes
            && (floor.score_floor, &floor.calibration)
                != (
                    before.score_floor,
                    &before.calibration.as_ref().map(|facts| facts.path.clone()),
                )
        {
            return Err(SwapError::FloorAlone);
        }
        if !same_encoder && floor.calibration.is_none() {
            return Err(SwapError::Uncalibrated);
        }
        let (watchlist, re_encoded) = match same_encoder {
            true => (before.watchlist.clone(), None),
            false => {
                let (watchlist, re_encoded) = self.encode(&making, perception)?;
                (Arc::new(watchlist), Some(re_encoded))
            }
        };
        // Its number is known when it is its turn.
        let next = making.generation(0, admitted, watchlist)?;
        let mut next = next.ok_or(SwapError::Ending)?;
        if is_same(&next, &before) {
            return Err(SwapError::Nothing {
                generation: before.number,
            });
        }
        step(SwapStep::WarmingUp);
        let has: Vec<&Arc<Loaded>> = before.with_models().collect();
        for loaded in next.with_models() {
            if !has.iter().any(|had| Arc::ptr_eq(had, loaded)) {
                self.go_on()?;
                loaded
                    .warm_up(&*self.machine.backend, self.workers)
                    .map_err(PipelineError::from)?;
            }
        }
        drop(has);
        let listed = before.watchlist.clone();
        drop(before);
        self.go_on()?;
        let turn = self.generations.turn();
        if let Some(out) = turn.out_of(&next).first() {
            let plugin = crate::report::PluginReport::of(out).used();
            return Err(SwapError::Quarantined { plugin });
        }
        let old: Weak<Generation> = Arc::downgrade(&turn.current());
        let current = turn.current();
        // Somebody was removed or added while this generation was made.
        if !Arc::ptr_eq(&current.watchlist, &listed) {
            if re_encoded.is_some() {
                return Err(SwapError::WatchlistChanged);
            }
            next.watchlist = current.watchlist.clone();
            for shadow in next.shadows.values() {
                shadow.keep_only(&next.watchlist);
            }
        }
        next.number = current.number + 1;
        drop(current);
        let cause = GenerationCause::Swap {
            by,
            reason: wanted.reason.clone(),
        };
        let facts = turn.publish(next, cause, Timestamp::now(), self.run.id(), |change| {
            let sealed = re_encoded.as_ref().and_then(|new| new.templates.as_ref());
            self.run.change_generation(change, sealed)
        })?;
        let re_encoded = re_encoded.map_or(0, Sealed::in_use);
        step(SwapStep::Serving {
            generation: facts.number,
        });
        while old.strong_count() > 0 && !self.is_over() {
            std::thread::sleep(LOOK);
        }
        let drained = old.strong_count() == 0;
        if drained {
            step(SwapStep::Drained);
        }
        Ok(Swapped {
            generation: facts,
            re_encoded,
            drained,
        })
    }

    /// That nothing has changed but what a run can take up.
    fn compare(&self, wanted: &Deployment) -> Result<(), SwapError> {
        let is = self.deployment;
        let bare = |deployment: &Deployment| {
            let mut authority = deployment.authority.clone();
            (authority.score_floor, authority.calibration) = (0.0, None);
            authority
        };
        let times = |deployment: &Deployment| (deployment.start, deployment.end);
        let words = |deployment: &Deployment| {
            [
                deployment.id.clone(),
                deployment.purpose.clone(),
                deployment.place.clone(),
                deployment.use_case.clone(),
            ]
        };
        let mut parts = Vec::new();
        let mut look = |part, same: bool| {
            if !same {
                parts.push(part);
            }
        };
        look(
            "[deployment]",
            words(is) == words(wanted) && times(is) == times(wanted),
        );
        look("[authority]", bare(is) == bare(wanted));
        look("[host]", is.host == wanted.host);
        look("[[camera]]", is.cameras == wanted.cameras);
        look("[watchlist]", is.watchlist == wanted.watchlist);
        look("[[channel]]", is.channels == wanted.channels);
        look("[judgement]", is.judgement == wanted.judgement);
        look("[retention]", is.retention == wanted.retention);
        match parts.is_empty() {
            true => Ok(()),
            false => Err(SwapError::OtherDeployment { parts }),
        }
    }

    /// Every image of the watchlist through the new plugins.
    fn encode(
        &self,
        making: &Making<'_>,
        perception: &Perception,
    ) -> Result<(Watchlist, Sealed<'_>), SwapError> {
        let encoded = making.encode(perception)?.ok_or(SwapError::Ending)?;
        if !encoded.failures.is_empty() {
            return Err(SwapError::Watchlist {
                of: encoded.templates.len() + encoded.failures.len(),
                failures: encoded.failures,
            });
        }
        let templates = encoded.templates;
        let watchlist = Watchlist::of(
            perception.encoder_id(),
            making.deployment,
            self.store,
            &templates,
        )?;
        let sealed = self
            .store
            .re_encode(&perception.encoder(), &templates, now())
            .map_err(PipelineError::from)?;
        let sealed = Sealed {
            store: self.store,
            templates: Some(sealed),
        };
        Ok((watchlist, sealed))
    }
}

fn now() -> records::Timestamp {
    milliseconds(Timestamp::now())
}

/// Another encoder's templates in the store; given up with this unless they are in use.
struct Sealed<'a> {
    store: &'a records::Store,
    templates: Option<ReEncoded>,
}

impl Sealed<'_> {
    /// They are in use; how many they are.
    fn in_use(mut self) -> u64 {
        let templates = self.templates.take();
        templates.map_or(0, |templates| templates.templates() as u64)
    }
}

impl Drop for Sealed<'_> {
    fn drop(&mut self) {
        if let Some(templates) = self.templates.take()
            && let Err(error) = self.store.give_up(&templates, now())
        {
            // They go with their retention.
            tracing::warn!(%error, "templates of a swap that was refused are still in the store");
        }
    }
}

/// Whether two generations are the same for everybody: the same plugins under the same terms, and the same lock.
fn is_same(one: &Generation, other: &Generation) -> bool {
    let plugins = |generation: &Generation| -> BTreeMap<String, *const Loaded> {
        let all = generation.all();
        all.map(|loaded| (loaded.slot.to_string(), Arc::as_ptr(loaded)))
            .collect()
    };
    plugins(one) == plugins(other) && one.lock_sha256 == other.lock_sha256
}
