//! How one `overt` asks another that runs a deployment: through a socket in a folder of the owner's alone, beside the records. A question is a line of JSON, and
//! so is each answer. What a run can be asked is the pipeline's to say; this is how it gets there.

pub(crate) mod client;
pub(crate) mod listed;
pub(crate) mod server;

use std::path::{Path, PathBuf};

use overt_deployment::Deployment;
use overt_pipeline::swap::{SwapStep, Swapped};
use overt_pipeline::{GenerationCause, GenerationFacts};
use overt_pipeline::{custody, desk, inquiry};
use serde::{Deserialize, Serialize};
use zeroize::Zeroize as _;

use crate::times;
use listed::{AddAsked, ListTold};

/// The socket's name in its folder.
const SOCKET: &str = "host.sock";

/// The longest question: a few photographs in base64.
pub(crate) const QUESTION_BYTES: u64 = 32 << 20;

/// The longest line of an answer: a hundred thousand generations would be.
const ANSWER_BYTES: u64 = 64 << 20;

/// The folder of the socket: beside the records, which only one run can have open.
pub(crate) fn folder(deployment: &Deployment) -> PathBuf {
    deployment.host.records.with_extension("control")
}

/// The socket as an address that is short enough, however long the folder's path is: a socket's address has 107 bytes. `open` is the folder, opened.
fn address(open: &std::fs::File) -> PathBuf {
    use std::os::fd::AsRawFd as _;
    Path::new("/proc/self/fd")
        .join(open.as_raw_fd().to_string())
        .join(SOCKET)
}

/// A question.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Asked {
    /// Version of the `overt` that asks.
    pub(crate) overt: String,
    /// The session of whoever asks, for what not everybody may.
    #[serde(default)]
    pub(crate) session: Option<Shown>,
    /// What.
    pub(crate) ask: Ask,
}

/// A session's token on its way through the socket, whose folder is its owner's alone. It is printed nowhere.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Shown(pub(crate) String);

impl std::fmt::Debug for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Shown")
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// What is asked.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Ask {
    /// How the run is.
    Status,
    /// That it goes on with what the deployment file says now.
    Swap {
        /// Why.
        reason: String,
    },
    /// Something about alerts.
    Desk(desk::Ask),
    /// Something about what is kept.
    Custody(custody::Ask),
    /// Something about the records.
    Inquiry(inquiry::Ask),
    /// That somebody is taken off the watchlist.
    Remove {
        /// Their reference.
        reference: String,
        /// Why.
        reason: String,
    },
    /// That somebody is put on it.
    Add(Box<AddAsked>),
}

/// An answer; the last one is not a step.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Told {
    /// How the run is.
    Status(Status),
    /// How far a swap is.
    Step(Step),
    /// It is through.
    Swapped(SwappedTo),
    /// What the desk says.
    Desk(desk::Told),
    /// What became of what is kept.
    Custody(custody::Told),
    /// What the records say, a step of it or the last.
    Inquiry(inquiry::Told),
    /// What became of a change of the watchlist.
    List(ListTold),
    /// What was asked is not done.
    Refused(Vec<Refusal>),
}

impl Told {
    /// Whether others follow.
    fn is_step(&self) -> bool {
        match self {
            Self::Step(_) => true,
            Self::Inquiry(told) => told.is_step(),
            _ => false,
        }
    }
}

/// What is said where a run answers another question than was asked.
pub(crate) fn something_else() -> crate::failure::Failure {
    crate::failure::Failure::new(
        "the run answered something else",
        "ask with the version that runs",
    )
}

/// How a run is.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Status {
    pub(crate) deployment: String,
    /// Frames that came from a camera.
    pub(crate) frames_read: u64,
    /// Frames that went all their way so far.
    pub(crate) frames_processed: u64,
    /// Frames that were given up for a newer one.
    pub(crate) frames_dropped: u64,
    /// Frames that no healthy plugin saw.
    pub(crate) frames_unseen: u64,
    /// Plugins that the run has put in quarantine, oldest first.
    pub(crate) quarantines: Vec<Quarantine>,
    /// Oldest first; the last one serves.
    pub(crate) generations: Vec<Generation>,
}

/// A plugin that failed too often and is not asked any more.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Quarantine {
    pub(crate) role: String,
    pub(crate) plugin: String,
    pub(crate) version: String,
    pub(crate) sha256: String,
    /// RFC 3339.
    pub(crate) since: String,
    /// The kind of the last failure, such as `overrun`.
    pub(crate) cause: String,
    /// Failures.
    pub(crate) strikes: u32,
    /// Of so many calls.
    pub(crate) calls: u32,
}

/// A generation.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Generation {
    pub(crate) number: u64,
    /// RFC 3339.
    pub(crate) since: String,
    /// `start`, `swap`, `fallback`, `watchlist` or `retention`.
    pub(crate) cause: String,
    pub(crate) by: Option<String>,
    pub(crate) reason: Option<String>,
    /// SHA-256 of its lock.
    pub(crate) lock_sha256: Option<String>,
    pub(crate) score_floor: f32,
    pub(crate) plugins: Vec<Plugin>,
}

/// A plugin that serves.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Plugin {
    pub(crate) role: String,
    pub(crate) id: String,
    pub(crate) version: String,
    pub(crate) sha256: String,
    pub(crate) signed_by: Vec<String>,
}

/// How far a swap is.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Step {
    Admitting,
    Encoding { done: u64, of: u64 },
    WarmingUp,
    Serving { generation: u64 },
    Drained,
}

/// What a swap came to.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SwappedTo {
    /// What serves now.
    pub(crate) generation: Generation,
    /// Watchlist images that were encoded anew.
    pub(crate) re_encoded: u64,
    /// Whether the last frame of the generation before is through.
    pub(crate) drained: bool,
}

/// Why something is not done.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Refusal {
    pub(crate) what: String,
    pub(crate) mend: Option<String>,
}

impl From<&overt_records::Quarantine> for Quarantine {
    fn from(quarantine: &overt_records::Quarantine) -> Self {
        let overt_records::Quarantine {
            at,
            plugin,
            cause,
            strikes,
            calls,
            ..
        } = quarantine;
        Quarantine {
            role: plugin.role.clone(),
            plugin: plugin.id.clone(),
            version: plugin.version.clone(),
            sha256: plugin.sha256.clone(),
            since: times::of_records(*at).to_string(),
            cause: cause.clone(),
            strikes: *strikes,
            calls: *calls,
        }
    }
}

impl From<&GenerationFacts> for Generation {
    fn from(facts: &GenerationFacts) -> Self {
        let (cause, by, reason) = match &facts.cause {
            GenerationCause::Start => ("start", None, None),
            GenerationCause::Swap { by, reason } => {
                ("swap", Some(by.to_string()), Some(reason.clone()))
            }
            GenerationCause::Fallback { .. } => ("fallback", None, None),
            GenerationCause::Retention { .. } => ("retention", None, None),
            GenerationCause::Watchlist { by, reason, .. } => {
                ("watchlist", Some(by.to_string()), Some(reason.clone()))
            }
        };
        let plugin = |plugin: &overt_pipeline::report::PluginReport| Plugin {
            role: plugin.role.name().to_owned(),
            id: plugin.id.clone(),
            version: plugin.version.clone(),
            sha256: plugin.sha256.clone(),
            signed_by: plugin.signed_by.clone(),
        };
        Generation {
            number: facts.number,
            since: facts.since.to_string(),
            cause: cause.to_owned(),
            by,
            reason,
            lock_sha256: facts.lock_sha256.clone(),
            score_floor: facts.score_floor,
            plugins: facts.plugins.iter().map(plugin).collect(),
        }
    }
}

impl From<SwapStep> for Step {
    fn from(step: SwapStep) -> Self {
        match step {
            SwapStep::Admitting => Step::Admitting,
            SwapStep::Encoding { done, of } => Step::Encoding { done, of },
            SwapStep::WarmingUp => Step::WarmingUp,
            SwapStep::Serving { generation } => Step::Serving { generation },
            SwapStep::Drained => Step::Drained,
        }
    }
}

impl From<&Swapped> for SwappedTo {
    fn from(swapped: &Swapped) -> Self {
        SwappedTo {
            generation: Generation::from(&swapped.generation),
            re_encoded: swapped.re_encoded,
            drained: swapped.drained,
        }
    }
}
