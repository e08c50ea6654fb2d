//! A small algorithm of each role to start from, as `sdk/starter` has it, with what its manifest and a deployment file say of it.

use overt_runtime::Role;

/// What a role's part of a project is made of.
pub(super) struct Starter {
    pub(super) role: Role,
    /// The source file under `src/`, without its ending.
    pub(super) module: &'static str,
    pub(super) source: &'static str,
    /// The type that has the role's trait.
    pub(super) plugin: &'static str,
    /// One sentence, for `description`.
    pub(super) does: &'static str,
    /// One sentence, for `known-limits`.
    pub(super) does_not: &'static str,
    /// Fuel or CPU time, as `[limits]` has it.
    pub(super) limits: &'static str,
    /// `[self-test.ROLE]`, as `overt plugin test --answers` wrote it, or cases.
    pub(super) self_test: &'static str,
    /// Keys for `[plugins.ROLE.config]` in a deployment file.
    pub(super) config: &'static str,
}

macro_rules! starter {
    ($module:literal) => {
        include_str!(concat!("../../../../../sdk/starter/src/", $module, ".rs"))
    };
}

macro_rules! self_test {
    ($role:literal) => {
        include_str!(concat!(
            "../../../../../sdk/starter/self-test/",
            $role,
            ".toml"
        ))
    };
}

pub(super) const STARTERS: [Starter; 5] = [
    Starter {
        role: Role::Detector,
        module: "detector",
        source: starter!("detector"),
        plugin: "Contrasts",
        does: "Finds faces by their contrasts: eyes darker than cheeks, a mouth darker than the nose.",
        does_not: "It misses turned faces, and takes for a face what only has its contrasts.",
        limits: "deadline-ms = 200      # CPU time of the plugin itself\nfaces-per-frame = 64   # the most faces in an answer, 1 to 256\n",
        self_test: self_test!("detector"),
        config: "least-contrast = 0.5",
    },
    Starter {
        role: Role::Encoder,
        module: "encoder",
        source: starter!("encoder"),
        plugin: "GreyPatch",
        does: "Makes a template of a face's own grey values, aligned and shrunk to 16 x 16.",
        does_not: "Light and pose move its templates more than the person does: it is not fit to recognise anybody by.",
        limits: "deadline-ms = 200      # CPU time of the plugin itself\n",
        self_test: self_test!("encoder"),
        config: "",
    },
    Starter {
        role: Role::Quality,
        module: "quality",
        source: starter!("quality"),
        plugin: "LightAndSharpness",
        does: "Says how well a face is lit and how sharp it is.",
        does_not: "Its values are compared with no recogniser and no standard. Mean grey values differ with skin and light alike.",
        limits: "deadline-ms = 200      # CPU time of the plugin itself\n",
        self_test: self_test!("quality"),
        config: "",
    },
    Starter {
        role: Role::MatcherPolicy,
        module: "matcher_policy",
        source: starter!("matcher_policy"),
        plugin: "EnoughLooks",
        does: "Proposes an alert when enough looks at one passer-by score high enough on one watchlist entry. A person decides.",
        does_not: "It is as good as its threshold, which means something only for the encoder and model that it was measured with.",
        limits: "fuel = 5000000         # WebAssembly's operators, and calls to the host\n",
        self_test: self_test!("matcher-policy"),
        config: "threshold = 0.5        # measure yours: `overt evaluate verification`\nlooks = 2",
    },
    Starter {
        role: Role::AlertRouter,
        module: "alert_router",
        source: starter!("alert_router"),
        plugin: "ByUrgency",
        does: "Sends urgent alerts to other desks than the rest.",
        does_not: "It knows neither shifts nor load.",
        limits: "fuel = 5000000         # WebAssembly's operators, and calls to the host\n",
        self_test: self_test!("alert-router"),
        config: "urgent = []            # channels for review, by their names\nothers = []\npassed = []            # channels for action",
    },
];

/// A role's starter.
pub(super) fn of(role: Role) -> &'static Starter {
    // Each role is in the table: tested below.
    STARTERS
        .iter()
        .find(|starter| starter.role == role)
        .unwrap_or(&STARTERS[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_has_a_starter_of_its_own() {
        for role in Role::ALL {
            assert_eq!(of(role).role, role);
        }
    }
}
