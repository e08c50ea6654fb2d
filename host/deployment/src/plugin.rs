//! What a deployment file says about a plugin: which file, what is granted, within which limits. It knows neither the plugin's
//! manifest nor its bytes: those are the runtime's.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;

use overt_contract::{Capability, Role};

use crate::limits::Limits;

/// What a plugin is there for, beside its role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Post {
    /// `[plugins.<role>]`: it serves.
    Serving,
    /// `[plugins.<role>.fallback]`: it serves once the first is in quarantine.
    Fallback,
    /// `[plugins.<role>.shadow]`: it is asked the same, and what it answers is compared and decides nothing.
    Shadow,
}

/// A plugin's place in the deployment file; shown as its table's name, `plugins.detector.fallback`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Slot {
    /// The role that it fills.
    pub role: Role,
    /// What it is there for.
    pub post: Post,
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "plugins.{}", self.role)?;
        match self.post {
            Post::Serving => Ok(()),
            Post::Fallback => f.write_str(".fallback"),
            Post::Shadow => f.write_str(".shadow"),
        }
    }
}

/// `[plugins.<role>]`, or its `fallback` or `shadow`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Plugin {
    /// The role that it fills here.
    pub role: Role,
    /// What it is there for.
    pub post: Post,
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
    /// `calibration`, of a detector's fallback: the file that says how often a search errs with it at the score floor, resolved.
    pub calibration: Option<PathBuf>,
    /// `every`, of a perception plugin's shadow: it is asked about each so-many-th frame, 1 to 1,000, default 1.
    pub every: u32,
    /// `[plugins.<role>.fallback]`: who serves once this one is in quarantine. A plugin that serves can have one; an encoder cannot.
    pub fallback: Option<Box<Plugin>>,
    /// `[plugins.<role>.shadow]`: a challenger that is asked the same and decides nothing. A plugin that serves can have one.
    pub shadow: Option<Box<Plugin>>,
}

impl Plugin {
    /// Where it stands in the deployment file.
    pub fn slot(&self) -> Slot {
        Slot {
            role: self.role,
            post: self.post,
        }
    }
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
    /// Every plugin of the file: those that serve in the order of a frame's way, each before its fallback and its shadow.
    pub fn all(&self) -> impl Iterator<Item = &Plugin> {
        self.iter().flat_map(|plugin| {
            let others = [&plugin.fallback, &plugin.shadow];
            std::iter::once(plugin).chain(others.into_iter().filter_map(|other| other.as_deref()))
        })
    }

    /// The plugins that serve, in the order of a frame's way.
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
