//! What a deployment file says about a plugin: which file, what is granted, within which limits. It knows neither the plugin's
//! manifest nor its bytes: those are the runtime's.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use overt_contract::{Capability, Role};

use crate::limits::Limits;

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
