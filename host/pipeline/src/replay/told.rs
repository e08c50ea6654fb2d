//! What a replay tells: of an alert what came of it, and how a call differs.

use std::fmt;
use std::path::PathBuf;

use overt_contract::Role;
use serde::{Deserialize, Serialize};

use crate::inputs::Ran;

/// What came of replaying an alert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "kebab-case")]
pub enum Verdict {
    /// Every answer is the same byte for byte, and took the same fuel.
    Same,
    /// Every answer is the same byte for byte. The fuel does not compare, because another version of the host counted it.
    OtherHost,
    /// A call is answered otherwise, or takes other fuel: the first that does.
    Differs {
        /// Which and how.
        difference: Box<Difference>,
    },
    /// A plugin that was asked is not there, but another file of the same id is.
    PluginChanged {
        /// The one that was asked.
        asked: AskedPlugin,
        /// The files of the same id that are there.
        found: Vec<OtherFile>,
    },
    /// A plugin that was asked is not there, and none of its id.
    PluginMissing {
        /// The one that was asked.
        asked: AskedPlugin,
    },
    /// A plugin that was asked is there, and this deployment does not accept it now.
    PluginRefused {
        /// The one that was asked.
        asked: AskedPlugin,
        /// Its file.
        file: PathBuf,
        /// Why.
        cause: String,
        /// What can be done.
        mend: String,
    },
    /// What is on record is not what was recorded.
    RecordChanged {
        /// How that shows.
        cause: String,
    },
    /// The inputs' time is over.
    Expired {
        /// Since when.
        at: String,
    },
    /// No inputs were kept with this alert: it was raised by a version of the host that kept none.
    NeverKept,
}

/// A plugin on record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedPlugin {
    /// The role that it filled.
    pub role: Role,
    /// Its id.
    pub id: String,
    /// Its version.
    pub version: String,
    /// SHA-256 of its file.
    pub sha256: String,
}

/// A plugin file that is not the one on record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtherFile {
    /// The file.
    pub file: PathBuf,
    /// Its version.
    pub version: String,
    /// SHA-256 of it.
    pub sha256: String,
}

/// How a call differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// Which plugin.
    pub asked: AskedPlugin,
    /// The contract's function.
    pub function: Function,
    /// Which of its calls on record, from 1.
    pub call: u32,
    /// Whether another version of the host asked then.
    pub other_host: bool,
    /// What was answered then.
    pub recorded: Answered,
    /// What is answered now.
    pub found: Answered,
}

/// A function of the contract that is replayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Function {
    /// The matcher policy's.
    Decide,
    /// The router's, about a new alert.
    ForReview,
    /// The router's, about a passed one.
    ForAction,
}

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Decide => "decide",
            Self::ForReview => "for-review",
            Self::ForAction => "for-action",
        })
    }
}

/// An answer in words, and what it took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    /// In words; where two answers are the same in words, the fuel differs.
    pub answer: String,
    /// Fuel.
    pub fuel: u64,
}

/// An alert that was replayed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replayed {
    /// The alert's number.
    pub alert: u32,
    /// When it was raised; absent where its row cannot be read.
    pub raised_at: Option<String>,
    /// The run that raised it.
    pub run: Option<u64>,
    /// What came of it.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// What came of the router's call about the alert once it was passed; absent where it was not passed, or nobody has been named for it.
    pub for_action: Option<ForAction>,
    /// Calls that were made once more and compared: the policy's, and the router's.
    pub compared: u32,
    /// Calls on record that were ended by the host's clock or by the host's own fault, which need not happen again.
    pub not_compared: u32,
    /// Earlier calls of the track that are not on record, because it was long.
    pub left_out: u32,
    /// Fuel of the calls that were compared, as recorded.
    pub fuel: u64,
    /// Version of the host that raised it.
    pub host: Option<String>,
    /// The plugins that were asked.
    pub plugins: Vec<AskedPlugin>,
}

/// What came of the router's call about a passed alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ForAction {
    /// It is one of those that were to be made once more, and the verdict is about it too.
    Kept,
    /// Nobody asked the router, for it was in quarantine or the score was gone: every channel for action was told.
    NotAsked,
    /// Its inputs were not kept: a version of the host that kept none asked, or their time was over then.
    NeverKept,
    /// The time of its inputs is over.
    Expired,
}

impl Verdict {
    /// Its name, as in JSON.
    pub fn name(&self) -> &'static str {
        match self {
            Verdict::Same => "same",
            Verdict::OtherHost => "other-host",
            Verdict::Differs { .. } => "differs",
            Verdict::PluginChanged { .. } => "plugin-changed",
            Verdict::PluginMissing { .. } => "plugin-missing",
            Verdict::PluginRefused { .. } => "plugin-refused",
            Verdict::RecordChanged { .. } => "record-changed",
            Verdict::Expired { .. } => "expired",
            Verdict::NeverKept => "never-kept",
        }
    }
}

impl From<&Ran> for AskedPlugin {
    fn from(ran: &Ran) -> Self {
        Self {
            role: ran.role,
            id: ran.id.clone(),
            version: ran.version.clone(),
            sha256: ran.sha256.clone(),
        }
    }
}

impl Replayed {
    /// An alert about which nothing is known yet.
    pub fn nothing(alert: u32) -> Replayed {
        Replayed {
            alert,
            raised_at: None,
            run: None,
            verdict: Verdict::NeverKept,
            for_action: None,
            compared: 0,
            not_compared: 0,
            left_out: 0,
            fuel: 0,
            host: None,
            plugins: Vec::new(),
        }
    }
}
