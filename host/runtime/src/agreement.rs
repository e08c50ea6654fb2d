//! Whether what a manifest declares, what its component imports and exports, and what the deployment grants agree.
//!
//! An unknown import is an error, never ignored: the linker would refuse it anyhow, but here it is named together with the mend.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use overt_vision::ModelFile;

use crate::error::PluginError;
use crate::manifest::Manifest;
use crate::package::{Interface, PluginFile};
use overt_contract::{Capability, Family, Role};

/// What a deployment grants to a plugin.
pub type Grants = BTreeSet<Capability>;

const PACKAGE: &str = "overt:algorithm/";

/// What an imported interface of the contract needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Types only, or the plugin's own table: always there.
    Nothing,
    /// This capability.
    One(Capability),
    /// Tensors come with either `frames` or `inference`.
    FramesOrInference,
}

/// The interface's name within the contract, if its full name is one of a version that this host speaks.
pub fn of_contract(name: &str) -> Option<&str> {
    let (interface, version) = name.strip_prefix(PACKAGE)?.split_once('@')?;
    let patch = version.strip_prefix(crate::CONTRACT)?.strip_prefix('.')?;
    (!patch.is_empty() && patch.bytes().all(|byte| byte.is_ascii_digit())).then_some(interface)
}

/// What an import of this full name needs; `None` where no capability gives it.
pub fn needs(import: &str) -> Option<Needs> {
    match of_contract(import)? {
        "geometry" | "config" => Some(Needs::Nothing),
        "tensors" => Some(Needs::FramesOrInference),
        other => Capability::named(other).map(Needs::One),
    }
}

/// The role that an export of this full name gives.
pub fn role_of_export(export: &str) -> Option<Role> {
    of_contract(export).and_then(Role::named)
}

/// The full name of a role's interface, for messages.
pub fn interface_of(role: Role) -> String {
    format!("{PACKAGE}{role}@{}.x", crate::CONTRACT)
}

/// Whether manifest and component agree with each other; what `pack` checks.
pub fn declared(
    path: &Path,
    manifest: &Manifest,
    imports: &[Interface],
    exports: &[Interface],
) -> Result<(), PluginError> {
    let path = || path.to_owned();
    let exported: Vec<(Role, &str)> = exports
        .iter()
        .filter_map(|export| Some((role_of_export(&export.name)?, export.name.as_str())))
        .collect();
    for (index, (role, _)) in exported.iter().enumerate() {
        if exported[..index].iter().any(|(other, _)| other == role) {
            return Err(PluginError::RoleTwice {
                path: path(),
                role: *role,
            });
        }
    }
    let first = |family| {
        exported
            .iter()
            .map(|(role, _)| *role)
            .find(|role| role.family() == family)
    };
    if let (Some(perception), Some(decision)) = (first(Family::Perception), first(Family::Decision))
    {
        return Err(PluginError::RoleCombination {
            path: path(),
            perception,
            decision,
        });
    }
    let capabilities: Grants = manifest.capabilities.declared().collect();
    for import in imports {
        let missing = match needs(&import.name) {
            None => {
                return Err(PluginError::UnknownImport {
                    path: path(),
                    import: import.name.clone(),
                });
            }
            Some(Needs::Nothing) => None,
            Some(Needs::One(capability)) => {
                (!capabilities.contains(&capability)).then_some(capability)
            }
            Some(Needs::FramesOrInference) => {
                let has = capabilities.contains(&Capability::Frames)
                    || capabilities.contains(&Capability::Inference);
                (!has).then_some(Capability::Frames)
            }
        };
        if let Some(capability) = missing {
            return Err(PluginError::NotDeclared {
                path: path(),
                import: import.name.clone(),
                capability,
            });
        }
    }
    for role in &manifest.plugin.roles {
        if !exported.iter().any(|(found, _)| found == role) {
            return Err(PluginError::RoleMissing {
                path: path(),
                role: *role,
            });
        }
    }
    for export in exports {
        let declared =
            role_of_export(&export.name).is_some_and(|role| manifest.plugin.roles.contains(&role));
        if !declared {
            return Err(PluginError::ExportNotDeclared {
                path: path(),
                export: export.name.clone(),
            });
        }
    }
    Ok(())
}

/// Whether the plugin has the role that a deployment wants of it.
///
/// # Errors
/// [`PluginError::WrongRole`].
pub fn serves(file: &PluginFile, role: Role) -> Result<(), PluginError> {
    let roles = &file.manifest().plugin.roles;
    match roles.contains(&role) {
        true => Ok(()),
        false => Err(PluginError::WrongRole {
            path: file.path().to_owned(),
            wanted: role,
            roles: roles.clone(),
        }),
    }
}

/// Whether a deployment gives each model that the manifest names, with the digest that it pins, and no other.
///
/// # Errors
/// [`PluginError::ModelNotGiven`], [`PluginError::ModelDigest`], [`PluginError::ModelNotDeclared`].
pub fn models(
    file: &PluginFile,
    given: &BTreeMap<String, (PathBuf, ModelFile)>,
) -> Result<(), PluginError> {
    let path = || file.path().to_owned();
    let declared = &file.manifest().models;
    for model in declared {
        let Some((file, found)) = given.get(&model.name) else {
            return Err(PluginError::ModelNotGiven {
                path: path(),
                model: model.name.clone(),
            });
        };
        if found.sha256() != model.sha256 {
            return Err(PluginError::ModelDigest {
                path: path(),
                model: model.name.clone(),
                file: file.clone(),
                expected: model.sha256.clone(),
                found: found.sha256().to_owned(),
            });
        }
    }
    let is_declared = |name: &String| declared.iter().any(|model| model.name == *name);
    match given.keys().find(|name| !is_declared(name)) {
        None => Ok(()),
        Some(model) => Err(PluginError::ModelNotDeclared {
            path: path(),
            model: model.clone(),
        }),
    }
}

/// Whether a host may run the plugin at all: `log` is no capability of what sees faces, because text could carry a template to disk. Its vendor has
/// it while testing ([`crate::Runtime::try_out`]).
pub fn live(path: &Path, manifest: &Manifest) -> Result<(), PluginError> {
    let perceives = manifest
        .plugin
        .roles
        .iter()
        .find(|role| role.is_perception());
    match perceives {
        Some(role) if manifest.capabilities.log => Err(PluginError::LogInTestsOnly {
            path: path.to_owned(),
            role: *role,
        }),
        _ => Ok(()),
    }
}

/// Whether manifest, component and deployment agree.
pub fn check(file: &PluginFile, grants: &Grants) -> Result<(), PluginError> {
    declared(file.path(), file.manifest(), file.imports(), file.exports())?;
    live(file.path(), file.manifest())?;
    granted(file, grants)
}

/// Whether everything that is declared is granted.
pub(crate) fn granted(file: &PluginFile, grants: &Grants) -> Result<(), PluginError> {
    for capability in file.manifest().capabilities.declared() {
        if !grants.contains(&capability) {
            return Err(PluginError::NotGranted {
                path: file.path().to_owned(),
                capability,
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_interfaces_of_the_spoken_contract_are_known() {
        assert_eq!(
            needs("overt:algorithm/frames@0.1.0"),
            Some(Needs::One(Capability::Frames))
        );
        assert_eq!(needs("overt:algorithm/config@0.1.7"), Some(Needs::Nothing));
        for unknown in [
            "overt:algorithm/frames@0.2.0",
            "overt:algorithm/frames@0.1",
            "overt:algorithm/frames@0.10.0",
            "overt:algorithm/frames",
            "overt:algorithm/detector@0.1.0",
            "wasi:cli/stdout@0.2.0",
            "frames",
        ] {
            assert_eq!(needs(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn roles_are_found_among_exports() {
        assert_eq!(
            role_of_export("overt:algorithm/matcher-policy@0.1.0"),
            Some(Role::MatcherPolicy)
        );
        assert_eq!(role_of_export("overt:algorithm/frames@0.1.0"), None);
    }
}
