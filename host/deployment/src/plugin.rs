//! What a deployment file says about a plugin: which file, what is granted, within which limits. It knows neither the plugin's
//! manifest nor its bytes: those are the runtime's.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

use crate::limits::Limits;

/// A place in a frame's way that a plugin fills.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Finds the faces of a frame.
    Detector,
    /// Makes a template of a face.
    Encoder,
    /// Measures how well a face can be recognised.
    Quality,
    /// Decides whether a candidate is worth a person's look.
    MatcherPolicy,
    /// Decides who is asked to look.
    AlertRouter,
}

impl Role {
    /// In the order of a frame's way.
    pub const ALL: [Self; 5] = [
        Self::Detector,
        Self::Encoder,
        Self::Quality,
        Self::MatcherPolicy,
        Self::AlertRouter,
    ];

    /// The name in the deployment file, in a manifest and in the contract.
    pub fn name(self) -> &'static str {
        match self {
            Self::Detector => "detector",
            Self::Encoder => "encoder",
            Self::Quality => "quality",
            Self::MatcherPolicy => "matcher-policy",
            Self::AlertRouter => "alert-router",
        }
    }

    /// Whether the role may hold frames (and is bounded by a deadline), and not scores (bounded by fuel).
    pub fn is_perception(self) -> bool {
        matches!(self, Self::Detector | Self::Encoder | Self::Quality)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// Something that a plugin can do only if the deployment file grants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Capability {
    /// Tensors made from frames. Perception plugins.
    Frames,
    /// Bytes of a region of a frame. Perception plugins.
    Pixels,
    /// Models on tensors. Perception plugins.
    Inference,
    /// Lines in the host's log. Decision plugins: a perception plugin's line could carry a template to disk.
    Log,
}

impl Capability {
    /// Every capability of the contract that is granted by name.
    pub const ALL: [Self; 4] = [Self::Frames, Self::Pixels, Self::Inference, Self::Log];

    /// The name in the deployment file, in a manifest and in the contract.
    pub fn name(self) -> &'static str {
        match self {
            Self::Frames => "frames",
            Self::Pixels => "pixels",
            Self::Inference => "inference",
            Self::Log => "log",
        }
    }

    /// Whether a plugin of this role may ever be granted it.
    pub fn is_for(self, role: Role) -> bool {
        match self {
            Self::Frames | Self::Pixels | Self::Inference => role.is_perception(),
            Self::Log => !role.is_perception(),
        }
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// `[plugins.<role>]`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Plugin {
    /// The role that it fills here.
    pub role: Role,
    /// `file`: the plugin file, resolved against the deployment file's folder.
    pub file: PathBuf,
    /// `sha256`: 64 lower-case hexadecimal digits that the file's bytes must have. Absent: any.
    pub sha256: Option<String>,
    /// `grants`: what it may do, empty by default. The linker holds what is granted *and* declared in its manifest.
    pub grants: BTreeSet<Capability>,
    /// `models`: name in the manifest → file, resolved against the deployment file's folder. The digest is the manifest's.
    pub models: BTreeMap<String, PathBuf>,
    /// `limits`: what one call may use.
    pub limits: Limits,
    /// `config` as a JSON object, at most 65,536 bytes; `{}` where the file has none. Dates and times are strings.
    pub config: String,
}

/// `[plugins]`: one plugin for each role.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Plugins {
    /// `[plugins.detector]`.
    pub detector: Plugin,
    /// `[plugins.encoder]`.
    pub encoder: Plugin,
    /// `[plugins.quality]`, which may be absent.
    pub quality: Option<Plugin>,
    /// `[plugins.matcher-policy]`.
    pub matcher_policy: Plugin,
    /// `[plugins.alert-router]`.
    pub alert_router: Plugin,
}

impl Plugins {
    /// The plugins in the order of a frame's way.
    pub fn iter(&self) -> impl Iterator<Item = &Plugin> {
        [
            Some(&self.detector),
            Some(&self.encoder),
            self.quality.as_ref(),
            Some(&self.matcher_policy),
            Some(&self.alert_router),
        ]
        .into_iter()
        .flatten()
    }
}
