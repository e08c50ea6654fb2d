//! The words that host, plugins and deployments share: roles, capabilities, which of them may stand together, who vouches for a plugin, and how
//! a stranger's text is shown. It knows neither a plugin nor a deployment.

mod plain;
mod trust;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use plain::{is_plain, plain};
pub use trust::{NoPublicKey, PublicKey, Signer};

/// The version of the contract that this host speaks: major and minor.
pub const CONTRACT: &str = "0.1";

/// What a plugin does for the host; an interface that its component exports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Finds faces in a frame.
    Detector,
    /// Turns faces into templates.
    Encoder,
    /// Measures how well a face can be recognised.
    Quality,
    /// Decides whether a candidate is worth a person's look.
    MatcherPolicy,
    /// Names who is asked to look.
    AlertRouter,
}

/// Roles combine in one component only within a family, so that what sees pixels never decides, and what decides never sees pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// Holds frame handles; returns numbers.
    Perception,
    /// Sees scores, categories, quality and times; never a pixel nor a template.
    Decision,
}

impl Role {
    /// All roles, in the order in which a frame meets them.
    pub const ALL: [Role; 5] = [
        Role::Detector,
        Role::Encoder,
        Role::Quality,
        Role::MatcherPolicy,
        Role::AlertRouter,
    ];

    /// The role's name in the manifest, in the deployment file and in the contract.
    pub fn name(self) -> &'static str {
        match self {
            Role::Detector => "detector",
            Role::Encoder => "encoder",
            Role::Quality => "quality",
            Role::MatcherPolicy => "matcher-policy",
            Role::AlertRouter => "alert-router",
        }
    }

    /// The role with this name.
    pub fn named(name: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.name() == name)
    }

    /// Whether the role perceives.
    pub fn is_perception(self) -> bool {
        self.family() == Family::Perception
    }

    /// Whether the role perceives (may hold frames, is bounded by a deadline) or decides (sees scores, is bounded by fuel).
    pub fn family(self) -> Family {
        match self {
            Role::Detector | Role::Encoder | Role::Quality => Family::Perception,
            Role::MatcherPolicy | Role::AlertRouter => Family::Decision,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a plugin may ask for. The configuration table is no capability: every plugin may read its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Capability {
    /// Tensors made from frames; no pixel enters the guest unless it reads such a tensor.
    Frames,
    /// Bytes of a frame's region.
    Pixels,
    /// The models that the manifest names.
    Inference,
    /// Lines in the host's log. For decision plugins; text of a perception plugin could carry a template to disk, so it has this only while its vendor
    /// tests it.
    Log,
}

impl Capability {
    /// All capabilities.
    pub const ALL: [Capability; 4] = [
        Capability::Frames,
        Capability::Pixels,
        Capability::Inference,
        Capability::Log,
    ];

    /// The capability's name in the manifest, in the deployment file and in the contract.
    pub fn name(self) -> &'static str {
        match self {
            Capability::Frames => "frames",
            Capability::Pixels => "pixels",
            Capability::Inference => "inference",
            Capability::Log => "log",
        }
    }

    /// The capability with this name.
    pub fn named(name: &str) -> Option<Capability> {
        Capability::ALL
            .into_iter()
            .find(|capability| capability.name() == name)
    }

    /// Whether a plugin of this role may ever hold it.
    pub fn is_for(self, role: Role) -> bool {
        self.family() == role.family()
    }

    /// The family that may hold it.
    pub fn family(self) -> Family {
        match self {
            Capability::Frames | Capability::Pixels | Capability::Inference => Family::Perception,
            Capability::Log => Family::Decision,
        }
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_again_and_no_other() {
        for role in Role::ALL {
            assert_eq!(Role::named(role.name()), Some(role));
        }
        for capability in Capability::ALL {
            assert_eq!(Capability::named(capability.name()), Some(capability));
        }
        assert_eq!(Role::named("Detector"), None);
        assert_eq!(Capability::named("wasi"), None);
    }

    #[test]
    fn no_capability_of_perception_is_one_of_decision() {
        let pixels = [
            Capability::Frames,
            Capability::Pixels,
            Capability::Inference,
        ];
        assert!(
            pixels
                .iter()
                .all(|capability| capability.family() == Family::Perception)
        );
        assert_eq!(Capability::Log.family(), Family::Decision);
    }
}
