//! An alert once more: its plugin calls, from the plugin files and with the inputs that were sealed with it, compared byte for byte with what was answered
//! then. A decision depends on nothing but the plugin, its configuration and what it is shown: each call has a fresh store, fuel is counted the same
//! everywhere, and NaN has one form. So an answer or a fuel figure that differs is a fault, and says whose.
//!
//! No model and no back end is needed, nor the deployment's present configuration: a plugin runs with the one that is on record.

mod shelf;
mod told;
mod words;

use std::path::PathBuf;

use overt_deployment::{Deployment, Timestamp};
use overt_records::{self as records, HeldInputs, PassedAlert, RecordsError, Store};
use overt_runtime::decision::{Decision, Priority};
use overt_runtime::{
    Limits, Metered, Plugin, PluginBytes, PluginError, Runtime, RuntimeOptions, Terms, Trust,
    TrustedFile,
};
use serde::Serialize;

use crate::action;
use crate::error::PipelineError;
use crate::inputs::{Answer, AskingHost, Inputs, Outcome, Passing, Ran, Unreadable, same_answer};
use crate::machine::MachineOptions;
use crate::trust::trust;
use shelf::{Found, Shelf};
pub use told::{
    Answered, AskedPlugin, Difference, ForAction, Function, OtherFile, Replayed, Verdict,
};

/// How what is on record shows that it was changed.
#[derive(Debug, thiserror::Error)]
enum RecordFault {
    #[error("{0}")]
    Records(RecordsError),
    #[error("the inputs were opened, and {0}")]
    Unreadable(#[from] Unreadable),
    #[error("the inputs are not those of this alert: {0}")]
    Foreign(#[from] Foreign),
}

/// How inputs and alert disagree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum Foreign {
    #[error("they hold no call of the policy")]
    NoCall,
    #[error("their last call is about another track or time")]
    OtherTrack,
    #[error("their last call did not raise it")]
    NotRaised,
    #[error("their last call proposed no alert")]
    NoProposal,
    #[error("the policy proposed an entry of another category")]
    OtherCategory,
    #[error("the policy proposed another priority")]
    OtherPriority,
    #[error("the policy gave another reason")]
    OtherReason,
    #[error("the router was asked about another alert")]
    OtherRouting,
    #[error("nobody has passed it, and its passing was settled")]
    NotPassed,
    #[error("once it was passed, the router was asked about something else")]
    OtherPassing,
    #[error("once it was passed, others were told than are on record")]
    OtherChannels,
}

/// Replays alerts. It accepts a plugin once, however many alerts it was asked about.
pub struct Replayer {
    runtime: Runtime,
    trust: Trust,
    now: Timestamp,
    shelf: Shelf,
    accepted: Vec<(Ran, Plugin)>,
}

impl Replayer {
    /// Looks for plugins where the deployment file names them, and in these folders. The deployment's trust holds.
    ///
    /// # Errors
    /// Keys that cannot be read, a runtime that cannot start, a folder that cannot be listed.
    pub fn new(
        deployment: &Deployment,
        options: MachineOptions,
        folders: &[PathBuf],
    ) -> Result<Replayer, PipelineError> {
        let runtime = Runtime::new(RuntimeOptions {
            compiler: options.compiler,
            cache: options.cache,
        })
        .map_err(|cause| PipelineError::Runtime(Box::new(cause)))?;
        Replayer::within(runtime, deployment, folders)
    }

    /// The same in a runtime that is there, as a run has one.
    ///
    /// # Errors
    /// Keys that cannot be read, a folder that cannot be listed.
    pub fn within(
        runtime: Runtime,
        deployment: &Deployment,
        folders: &[PathBuf],
    ) -> Result<Replayer, PipelineError> {
        let named = deployment
            .plugins
            .all()
            .filter(|plugin| !plugin.role.is_perception())
            .map(|plugin| plugin.file.clone());
        let files: Vec<PathBuf> = named.chain(shelf::files_in(folders)?).collect();
        Ok(Replayer::with(runtime, trust(deployment)?, files))
    }

    /// The same with a runtime that is there, and these plugin files.
    pub fn with(
        runtime: Runtime,
        trust: Trust,
        files: impl IntoIterator<Item = PathBuf>,
    ) -> Replayer {
        Replayer {
            runtime,
            trust,
            now: Timestamp::now(),
            shelf: Shelf::of(files),
            accepted: Vec::new(),
        }
    }

    /// Replays an alert.
    ///
    /// # Errors
    /// [`RecordsError::NoSuchAlert`], and a store that cannot be read at all. What is wrong with the alert's own records is a verdict.
    pub fn replay(
        &mut self,
        store: &Store,
        number: u32,
        now: records::Timestamp,
    ) -> Result<Replayed, PipelineError> {
        let mut replayed = Replayed::nothing(number);
        match self.verdict(store, number, now, &mut replayed) {
            Ok(verdict) => replayed.verdict = verdict,
            Err(RecordFault::Records(
                error @ (RecordsError::Altered { .. } | RecordsError::Damaged { .. }),
            )) => {
                replayed.verdict = Verdict::RecordChanged {
                    cause: error.to_string(),
                }
            }
            Err(RecordFault::Records(error)) => return Err(error.into()),
            Err(fault) => {
                replayed.verdict = Verdict::RecordChanged {
                    cause: fault.to_string(),
                }
            }
        }
        Ok(replayed)
    }

    fn verdict(
        &mut self,
        store: &Store,
        number: u32,
        now: records::Timestamp,
        replayed: &mut Replayed,
    ) -> Result<Verdict, RecordFault> {
        let stored = store.alert(number).map_err(RecordFault::Records)?;
        replayed.raised_at = Some(in_words(stored.alert.raised_at));
        replayed.run = Some(stored.run.0);
        let payload = store.alert_payload(number).map_err(RecordFault::Records)?;
        let score = payload.as_ref().map(|payload| payload.score);
        let passing = passing(store, number, score, now, replayed)?;
        let held = store.alert_inputs(number, now);
        let verdict = match held.map_err(RecordFault::Records)? {
            HeldInputs::Expired { at } => return Ok(Verdict::Expired { at: in_words(at) }),
            HeldInputs::NeverKept => Verdict::NeverKept,
            HeldInputs::Held(held) => {
                let inputs = Inputs::read(&held.bytes)?;
                let reason = payload.as_ref().map(|payload| payload.reason.as_str());
                agrees(&inputs, &stored.alert, reason)?;
                self.again(&inputs, replayed)
            }
        };
        let is_well = matches!(
            verdict,
            Verdict::Same | Verdict::OtherHost | Verdict::NeverKept
        );
        let Some((passing, passed)) = passing.filter(|_| is_well) else {
            return Ok(verdict);
        };
        Ok(match self.passing_again(&passing, &passed, replayed) {
            // What there is to say of the other calls.
            Verdict::Same => verdict,
            Verdict::OtherHost if verdict == Verdict::Same => Verdict::OtherHost,
            Verdict::OtherHost => verdict,
            other => other,
        })
    }

    /// Makes every call of these inputs once more. `replayed` is told how many were compared.
    pub fn again(&mut self, inputs: &Inputs, replayed: &mut Replayed) -> Verdict {
        replayed.host = Some(inputs.host.version.clone());
        replayed.left_out = inputs.left_out;
        let rans = inputs.calls.iter().map(|call| &call.ran);
        for ran in rans.chain(inputs.routing.iter().map(|call| &call.ran)) {
            let asked = AskedPlugin::from(ran);
            if !replayed.plugins.contains(&asked) {
                replayed.plugins.push(asked);
            }
        }
        let same_host = inputs.host == AskingHost::this();
        match self.calls(inputs, same_host, replayed) {
            Err(verdict) => *verdict,
            Ok(()) if same_host => Verdict::Same,
            Ok(()) => Verdict::OtherHost,
        }
    }

    fn calls(
        &mut self,
        inputs: &Inputs,
        same_host: bool,
        replayed: &mut Replayed,
    ) -> Result<(), Box<Verdict>> {
        for (index, call) in inputs.calls.iter().enumerate() {
            if let Answer::Ended { .. } = call.answer {
                replayed.not_compared += 1;
                continue;
            }
            let called = self.plugin(&call.ran)?.decide_metered(&call.observation);
            let recorded = Recorded {
                ran: &call.ran,
                function: Function::Decide,
                index,
                answer: &call.answer,
                bytes: &call.answer_bytes,
                fuel: call.fuel,
            };
            recorded.compare(&called, same_host, words::decision, replayed)?;
        }
        let Some(call) = &inputs.routing else {
            return Ok(());
        };
        if let Answer::Ended { .. } = call.answer {
            replayed.not_compared += 1;
            return Ok(());
        }
        let called = self.plugin(&call.ran)?.for_review_metered(&call.alert);
        let recorded = Recorded {
            ran: &call.ran,
            function: Function::ForReview,
            index: 0,
            answer: &call.answer,
            bytes: &call.answer_bytes,
            fuel: call.fuel,
        };
        recorded.compare(&called, same_host, words::desks, replayed)
    }

    /// Makes the router's call about a passed alert once more. Nobody is told anything by that.
    pub fn passing_again(
        &mut self,
        passing: &Passing,
        passed: &PassedAlert,
        replayed: &mut Replayed,
    ) -> Verdict {
        let asked = AskedPlugin::from(&passing.ran);
        if !replayed.plugins.contains(&asked) {
            replayed.plugins.push(asked);
        }
        let same_host = passing.host == AskingHost::this();
        if let Answer::Ended { .. } = passing.answer {
            replayed.not_compared += 1;
        } else {
            let plugin = match self.plugin(&passing.ran) {
                Ok(plugin) => plugin,
                Err(verdict) => return *verdict,
            };
            let called = action::ask_again(plugin, passed, &passing.passed);
            let recorded = Recorded {
                ran: &passing.ran,
                function: Function::ForAction,
                index: 0,
                answer: &passing.answer,
                bytes: &passing.answer_bytes,
                fuel: passing.fuel,
            };
            let compared = recorded.compare(&called, same_host, words::officers, replayed);
            if let Err(verdict) = compared {
                return *verdict;
            }
        }
        match same_host {
            true => Verdict::Same,
            false => Verdict::OtherHost,
        }
    }

    /// The plugin on record, accepted as a run accepts one, with the configuration on record.
    fn plugin(&mut self, ran: &Ran) -> Result<&Plugin, Box<Verdict>> {
        if let Some(at) = self.accepted.iter().position(|(there, _)| there == ran) {
            return Ok(&self.accepted[at].1);
        }
        let asked = AskedPlugin::from(ran);
        let file = match self.shelf.find(ran) {
            Found::File(file) => file,
            Found::Others(found) => {
                return Err(Box::new(Verdict::PluginChanged { asked, found }));
            }
            Found::Nothing => return Err(Box::new(Verdict::PluginMissing { asked })),
        };
        let plugin = self.accept(ran, &file).map_err(|cause| {
            Box::new(Verdict::PluginRefused {
                asked,
                file: file.path,
                cause: cause.to_string(),
                mend: cause.mend(),
            })
        })?;
        self.accepted.push((ran.clone(), plugin));
        Ok(&self.accepted[self.accepted.len() - 1].1)
    }

    fn accept(&self, ran: &Ran, file: &shelf::File) -> Result<Plugin, PluginError> {
        let bytes = PluginBytes::read(&file.path)?;
        // What was looked at is what runs.
        bytes.expect(&file.sha256)?;
        let file = TrustedFile::admit(bytes, &self.trust, self.now)?;
        let terms = Terms {
            role: ran.role,
            grants: ran.capabilities.iter().copied().collect(),
            limits: Limits {
                memory: ran.memory,
                fuel: ran.fuel,
                ..Limits::default()
            },
            config: ran.config.clone(),
            // No plugin that decides has any.
            models: Default::default(),
        };
        self.runtime.accept(&file, terms)
    }
}

/// Whether the inputs are those of this alert.
fn agrees(inputs: &Inputs, alert: &records::Alert, reason: Option<&str>) -> Result<(), Foreign> {
    let Some(last) = inputs.calls.last() else {
        return Err(Foreign::NoCall);
    };
    let seen = &last.observation;
    if (seen.track, seen.camera.as_str()) != (alert.track, alert.camera.as_str())
        || seen.time.to_bits() != alert.time.to_bits()
    {
        return Err(Foreign::OtherTrack);
    }
    if last.outcome != Outcome::Raised(alert.number) {
        return Err(Foreign::NotRaised);
    }
    let Answer::Given(Decision::Alert(proposal)) = &last.answer else {
        return Err(Foreign::NoProposal);
    };
    let category = seen
        .offered
        .get(proposal.offered as usize)
        .map(|offer| offer.category.as_str());
    if category != Some(&alert.category) {
        return Err(Foreign::OtherCategory);
    }
    let priority = match alert.priority {
        records::Priority::Low => Priority::Low,
        records::Priority::Normal => Priority::Normal,
        records::Priority::High => Priority::High,
    };
    if proposal.priority != priority {
        return Err(Foreign::OtherPriority);
    }
    if reason.is_some_and(|reason| reason != proposal.reason) {
        return Err(Foreign::OtherReason);
    }
    if let Some(call) = &inputs.routing
        && call.alert.number != alert.number
    {
        return Err(Foreign::OtherRouting);
    }
    Ok(())
}

/// What the router was asked about a passed alert, where that is held, with the proof that it was passed. Whatever there is, `replayed` is told.
fn passing(
    store: &Store,
    number: u32,
    score: Option<f32>,
    now: records::Timestamp,
    replayed: &mut Replayed,
) -> Result<Option<(Passing, PassedAlert)>, RecordFault> {
    let settled = store.settled_action(number, now);
    let Some(settled) = settled.map_err(RecordFault::Records)? else {
        return Ok(None);
    };
    let passed = store.passed(number).map_err(RecordFault::Records)?;
    let passed = passed.ok_or(Foreign::NotPassed)?;
    let (held, for_action) = match settled.inputs {
        None => (None, ForAction::NotAsked),
        Some(HeldInputs::NeverKept) => (None, ForAction::NeverKept),
        Some(HeldInputs::Expired { .. }) => (None, ForAction::Expired),
        Some(HeldInputs::Held(inputs)) => (Some(inputs), ForAction::Kept),
    };
    replayed.for_action = Some(for_action);
    let Some(held) = held else {
        return Ok(None);
    };
    let passing = Passing::read(&held.bytes)?;
    // Where the alert's own score is gone, the one that was asked about says nothing of the rest.
    let score = score.unwrap_or(passing.passed.alert.score);
    if !passing.is_about(&action::question(&passed, score)) {
        return Err(Foreign::OtherPassing.into());
    }
    if passing.routes.channels != settled.channels {
        return Err(Foreign::OtherChannels.into());
    }
    Ok(Some((passing, passed)))
}

/// A call on record.
struct Recorded<'a, T> {
    ran: &'a Ran,
    function: Function,
    /// Its place among the calls of its function, from 0.
    index: usize,
    answer: &'a Answer<T>,
    bytes: &'a [u8],
    fuel: u64,
}

impl<T: Clone + Serialize> Recorded<'_, T> {
    /// Holds it against the same call made now.
    fn compare(
        &self,
        called: &Metered<T>,
        same_host: bool,
        words: impl Fn(&Answer<T>) -> String,
        replayed: &mut Replayed,
    ) -> Result<(), Box<Verdict>> {
        let found = Answer::of(&called.answer);
        replayed.compared += 1;
        replayed.fuel += self.fuel;
        let same = same_answer(&found, self.bytes);
        if same && (called.fuel == self.fuel || !same_host) {
            return Ok(());
        }
        let answered = |answer: &Answer<T>, fuel| Answered {
            answer: words(answer),
            fuel,
        };
        Err(Box::new(Verdict::Differs {
            difference: Box::new(Difference {
                asked: self.ran.into(),
                function: self.function,
                call: self.index as u32 + 1,
                other_host: !same_host,
                recorded: answered(self.answer, self.fuel),
                found: answered(&found, called.fuel),
            }),
        }))
    }
}

/// `2026-01-31T09:00:00.25Z`.
fn in_words(time: records::Timestamp) -> String {
    let time = Timestamp::from_millisecond(time.unix_ms());
    time.unwrap_or(Timestamp::MAX).to_string()
}
