//! What an alert's plugins were asked and answered, so that it can be replayed (`replay`). While a track is open its calls lie here, in memory alone and
//! in few bytes; they are zeroed with the track. Only an alert has them sealed.
//!
//! A policy is asked about the same probes again and again, so each probe is kept once, however many calls it was part of. A long track's oldest calls
//! make way, and what is sealed says how many. What the router is asked once the alert was passed is sealed then, by itself.

mod passing;
mod written;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use overt_contract::{CONTRACT, Capability, Role};
use overt_records::AlertInputs;
use overt_runtime::decision::{Alert, Decision, Observation, Route};
use overt_runtime::{CallCause, CallError, Metered, Plugin};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

pub use passing::Passing;
pub use written::{Inputs, PolicyCall, RouterCall, Unreadable};
use written::{Part, Written, WrittenCall, WrittenRouting, written};

/// Calls of a track that are kept at most, the newest. A track is asked about five times a second at most.
pub const CALLS: usize = 128;

/// Bytes that the calls of a track may take. Those of [`CALLS`] usual ones are a tenth of it; the newest call is kept whatever it takes.
pub const BYTES: usize = 512 << 10;

/// What is kept about people is zeroed when it is dropped.
type Secret = Zeroizing<Vec<u8>>;

/// The version of this host.
pub(crate) const HOST: &str = env!("CARGO_PKG_VERSION");

/// What ran: everything but the input that an answer depends on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ran {
    /// The role that it filled.
    pub role: Role,
    /// The plugin's id.
    pub id: String,
    /// Its version.
    pub version: String,
    /// SHA-256 of its file.
    pub sha256: String,
    /// SHA-256 of its content, which stays the same when somebody signs.
    pub content_sha256: String,
    /// Its own table, as the JSON that it read.
    pub config: String,
    /// What it might use.
    pub capabilities: Vec<Capability>,
    /// Bytes of memory that a call might take.
    pub memory: u64,
    /// Fuel that a call might take.
    pub fuel: u64,
}

/// What a plugin answered.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Answer<T> {
    /// An answer that keeps to the contract.
    Given(T),
    /// None: the call failed.
    Failed {
        /// The cause's short name.
        cause: String,
        /// The plugin's own words, where it said that it cannot answer.
        said: String,
    },
    /// None, because the host or its clock ended the call. Another day it might go on, so it is not compared.
    Ended {
        /// The cause's short name.
        cause: String,
    },
}

/// What the host made of a policy's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// Nothing was to be done, or there was no answer.
    Nothing,
    /// It raised this alert.
    Raised(u32),
    /// Its alert was refused: the score lay under the authority's floor.
    UnderFloor,
    /// Its alert was refused: it was the second for an entry on one track.
    Second,
}

/// The host that asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskingHost {
    /// Its version.
    pub version: String,
    /// The contract's version.
    pub contract: String,
    /// What fuel was counted by ([`overt_runtime::fuel_table`]).
    pub fuel_table: String,
}

/// A track's policy calls so far.
#[derive(Default)]
pub struct Calls {
    kept: VecDeque<Call>,
    /// What they take together; a part that several calls share counts once.
    bytes: usize,
    left_out: u32,
}

/// The router's call about an alert.
pub struct Routing<'a> {
    /// The router.
    pub plugin: &'a Plugin,
    /// What it might use.
    pub capabilities: &'a [Capability],
    /// What it was asked.
    pub alert: &'a Alert,
    /// What came of it.
    pub called: &'a Metered<Vec<Route>>,
}

/// A policy call.
struct Call {
    plugin: Arc<Asked>,
    /// Track, camera, time, ended.
    about: Secret,
    offered: Arc<Secret>,
    raised: Arc<Secret>,
    probes: Box<[Arc<Secret>]>,
    answer: Secret,
    fuel: u64,
    outcome: Outcome,
}

/// A plugin that was asked, shared by the calls to it.
struct Asked {
    plugin: Plugin,
    capabilities: Vec<Capability>,
}

impl AskingHost {
    /// This one.
    pub fn this() -> AskingHost {
        AskingHost {
            version: HOST.to_owned(),
            contract: CONTRACT.to_owned(),
            fuel_table: overt_runtime::fuel_table(),
        }
    }
}

impl Ran {
    fn of(plugin: &Plugin, capabilities: &[Capability]) -> Ran {
        let (identity, limits) = (plugin.identity(), plugin.limits());
        Ran {
            role: plugin.role(),
            id: identity.id.to_string(),
            version: identity.version.to_string(),
            sha256: identity.sha256.to_string(),
            content_sha256: identity.content.to_string(),
            config: plugin.config().to_string(),
            capabilities: capabilities.to_vec(),
            memory: limits.memory,
            fuel: limits.fuel,
        }
    }
}

impl<T: Clone> Answer<T> {
    /// What a call came to.
    pub fn of(answer: &Result<T, CallError>) -> Answer<T> {
        let error = match answer {
            Ok(answer) => return Answer::Given(answer.clone()),
            Err(error) => error,
        };
        let cause = error.cause.name().to_owned();
        match &error.cause {
            CallCause::Host(_) | CallCause::Overrun { .. } | CallCause::HostTime { .. } => {
                Answer::Ended { cause }
            }
            CallCause::Refused { code, message } => Answer::Failed {
                cause,
                said: format!("{code}: {message}"),
            },
            _ => Answer::Failed {
                cause,
                said: String::new(),
            },
        }
    }
}

/// Whether an answer is the one that was written, byte for byte.
pub(crate) fn same_answer<T: Serialize>(answer: &Answer<T>, bytes: &[u8]) -> bool {
    written(answer).is_ok_and(|answer| *answer == bytes)
}

impl Call {
    /// What this call takes that no other call of its track shares.
    fn alone(&self) -> usize {
        let shared = [&self.offered, &self.raised].into_iter();
        let parts: usize = shared
            .chain(&self.probes)
            .filter(|part| Arc::strong_count(part) == 1)
            .map(|part| size_of::<Secret>() + part.len())
            .sum();
        size_of::<Call>()
            + size_of_val::<[Arc<Secret>]>(&self.probes)
            + self.about.len()
            + self.answer.len()
            + parts
    }
}

impl Calls {
    /// Takes a call that was just made. What the host makes of the answer is told with [`Calls::came_to`].
    pub fn note(
        &mut self,
        plugin: &Plugin,
        capabilities: &[Capability],
        observation: &Observation,
        called: &Metered<Decision>,
    ) {
        // Writing to a buffer of the right size does not fail; if it did, the call would be one that was left out.
        let Ok(call) = self.call(plugin, capabilities, observation, called) else {
            self.left_out += self.kept.len() as u32 + 1;
            self.kept.clear();
            self.bytes = 0;
            return;
        };
        self.bytes += call.alone();
        self.kept.push_back(call);
        while self.kept.len() > CALLS || (self.bytes > BYTES && self.kept.len() > 1) {
            if let Some(oldest) = self.kept.pop_front() {
                self.bytes -= oldest.alone();
                self.left_out += 1;
            }
        }
    }

    fn call(
        &self,
        plugin: &Plugin,
        capabilities: &[Capability],
        observation: &Observation,
        called: &Metered<Decision>,
    ) -> Result<Call, postcard::Error> {
        let Observation {
            track,
            camera,
            time,
            ended,
            offered,
            probes,
            raised,
        } = observation;
        let last = self.kept.back();
        // A probe that the last call was shown as well is that call's; the search begins where it most likely stands.
        let earlier: &[Arc<Secret>] = last.map_or(&[], |last| &last.probes);
        let mut expected = earlier.len().saturating_sub(probes.len());
        let mut kept = Vec::with_capacity(probes.len());
        for probe in probes {
            let bytes = written(probe)?;
            let at = earlier
                .get(expected)
                .filter(|there| ***there == bytes)
                .map(|_| expected)
                .or_else(|| earlier.iter().position(|there| **there == bytes));
            kept.push(match at {
                Some(at) => {
                    expected = at + 1;
                    earlier[at].clone()
                }
                None => {
                    expected += 1;
                    Arc::new(bytes)
                }
            });
        }
        let shared = |bytes: Secret, there: Option<&Arc<Secret>>| match there {
            Some(there) if **there == bytes => there.clone(),
            _ => Arc::new(bytes),
        };
        let asked = last.map(|last| &last.plugin).filter(|asked| {
            let (was, is) = (asked.plugin.identity(), plugin.identity());
            was.sha256 == is.sha256 && Arc::ptr_eq(asked.plugin.config(), plugin.config())
        });
        Ok(Call {
            plugin: asked.cloned().unwrap_or_else(|| {
                Arc::new(Asked {
                    plugin: plugin.clone(),
                    capabilities: capabilities.to_vec(),
                })
            }),
            about: written(&(track, camera, time, ended))?,
            offered: shared(written(offered)?, last.map(|last| &last.offered)),
            raised: shared(written(raised)?, last.map(|last| &last.raised)),
            probes: kept.into(),
            answer: written(&Answer::of(&called.answer))?,
            fuel: called.fuel,
            outcome: Outcome::Nothing,
        })
    }

    /// What the host made of the last call's answer.
    pub fn came_to(&mut self, outcome: Outcome) {
        if let Some(last) = self.kept.back_mut() {
            last.outcome = outcome;
        }
    }

    /// Bytes that they take in memory.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// What is to be sealed with the alert that the last call raised: every call that is kept, and what the router was asked, where it was asked.
    /// Nothing where the last call is not kept.
    pub fn inputs(&self, routing: Option<Routing<'_>>) -> Option<AlertInputs> {
        self.kept.back()?;
        let mut plugins: Vec<Ran> = Vec::new();
        let mut place = |ran: Ran| {
            let at = plugins.iter().position(|there| *there == ran);
            at.unwrap_or_else(|| {
                plugins.push(ran);
                plugins.len() - 1
            }) as u32
        };
        // Each part once, in the order in which the calls name them. Its address tells it: all of them live until the end of this function.
        let (mut places, mut parts) = (BTreeMap::new(), Vec::new());
        let mut part = |part: &'_ Arc<Secret>| {
            *places.entry(Arc::as_ptr(part)).or_insert_with(|| {
                parts.push(part.clone());
                parts.len() as u32 - 1
            })
        };
        let calls: Vec<WrittenCall<'_>> = self
            .kept
            .iter()
            .map(|call| WrittenCall {
                plugin: place(Ran::of(&call.plugin.plugin, &call.plugin.capabilities)),
                about: Part(&call.about),
                offered: part(&call.offered),
                raised: part(&call.raised),
                probes: call.probes.iter().map(&mut part).collect(),
                answer: Part(&call.answer),
                fuel: call.fuel,
                outcome: call.outcome,
            })
            .collect();
        let asked = match routing {
            None => None,
            Some(Routing {
                plugin,
                capabilities,
                alert,
                called,
            }) => {
                let ran = place(Ran::of(plugin, capabilities));
                let (alert, answer) = (written(alert), written(&Answer::of(&called.answer)));
                Some((ran, alert.ok()?, answer.ok()?, called.fuel))
            }
        };
        let all = Written {
            host: AskingHost::this(),
            left_out: self.left_out,
            parts: parts.iter().map(|part| Part(part)).collect(),
            routing: asked
                .as_ref()
                .map(|(plugin, alert, answer, fuel)| WrittenRouting {
                    plugin: *plugin,
                    alert: Part(alert),
                    answer: Part(answer),
                    fuel: *fuel,
                }),
            calls,
            plugins,
        };
        Some(AlertInputs {
            bytes: all.to_bytes().ok()?,
        })
    }
}
