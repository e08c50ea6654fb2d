//! The lock: what a deployment file resolved to on the day on which it was decided, by digest. A run refuses what differs, and says how.
//!
//! A deployment file names files; what is in them may change under it. The lock names contents: plugins with their models, grants, limits, signatures
//! and configuration; the calibration; the back end's library; the keys that are trusted; this host's version; and where each camera's frames come from and
//! in which part of them faces are compared, which the authority does not fix. Of people and places the force's register tells.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use overt_contract::{Capability, Role, Signer, plain};
use overt_deployment::{self as deployment, Deployment, Post, Slot, Source};
use overt_runtime::trust::Standing;
use overt_runtime::{CONTRACT, Limits, PluginBytes, agreement};
use overt_vision::BackendIdentity;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::admission::{Admission, limits, models};
use crate::error::PipelineError;
use crate::machine::Machine;

mod difference;

pub use difference::LockDifference;

/// The format that this version writes and reads.
const FORMAT: &str = "overt-lock-1";

/// The largest lock file: one of five plugins has 4 KB, and a configuration may have 64 KB.
const FILE_BYTES: u64 = 4 << 20;

/// What stands at the head of the file.
const HEAD: &str = "# Written by `overt lock`: what this deployment consists of, by digest. `overt run` refuses what differs. Do not edit it; lock anew.\n\n";

/// What a deployment resolves to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Lock {
    /// `overt-lock-1`.
    pub format: String,
    /// The deployment's id.
    pub deployment: String,
    /// The host.
    pub host: LockedHost,
    /// The back end.
    pub backend: BackendIdentity,
    /// What the authority's floor is and rests on.
    pub authority: LockedAuthority,
    /// The cameras by id.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub camera: BTreeMap<String, LockedCamera>,
    /// Who must have signed.
    pub trust: LockedTrust,
    /// The plugins that serve, by role.
    pub plugin: BTreeMap<Role, LockedPlugin>,
    /// Their fallbacks.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fallback: BTreeMap<Role, LockedPlugin>,
    /// Their shadows.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub shadow: BTreeMap<Role, LockedPlugin>,
}

/// The host's version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct LockedHost {
    /// Overt's version.
    pub overt: String,
    /// The contract's.
    pub contract: String,
}

/// The score floor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct LockedAuthority {
    /// The least score at which anybody may be alerted, as the file says it.
    pub score_floor: String,
    /// SHA-256 of the calibration that it rests on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calibration: Option<String>,
}

/// A camera.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct LockedCamera {
    /// Where its frames come from; a file seen from the deployment file's folder, so that both can move together.
    pub source: String,
    /// Corners of the zone of recognition in pixels, `0,0 1280,0 1280,720`; absent where it is the whole picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
}

/// The rule over signatures.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct LockedTrust {
    /// Plugins run whoever made them.
    pub unsigned: bool,
    /// Signatures needed, by whom.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub require: BTreeMap<Signer, u32>,
    /// The keys by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub key: BTreeMap<String, LockedKey>,
}

/// A trusted key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct LockedKey {
    /// On whose behalf it signs.
    pub signer: Signer,
    /// The key itself.
    pub public_key: String,
    /// When it expires.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
    /// Why it was revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revoked: Option<String>,
}

/// A plugin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct LockedPlugin {
    /// The id in its manifest.
    pub id: String,
    /// The version in its manifest.
    pub version: String,
    /// SHA-256 of its file.
    pub sha256: String,
    /// Who has signed it and counts.
    pub signed_by: Vec<String>,
    /// What it may do.
    pub grants: BTreeSet<Capability>,
    /// Its own configuration, as the JSON that it reads: thresholds stand in it, and whoever compares two locks has to see which.
    pub config: String,
    /// What a call may use.
    pub limits: LockedLimits,
    /// SHA-256 of the calibration that the floor rests on while it serves; of a detector's fallback.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration: Option<String>,
    /// SHA-256 of its models by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub model: BTreeMap<String, String>,
}

/// What a call may use, of what a deployment file or a manifest can say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct LockedLimits {
    /// Bytes of memory and tables.
    pub memory: u64,
    /// Milliseconds of CPU time; perception.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline_ms: Option<u64>,
    /// Bytes of host tensors; perception.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tensors: Option<u64>,
    /// Bytes that each of its models may take in each worker; perception.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_memory: Option<u64>,
    /// Faces of a frame; perception.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub faces: Option<u32>,
    /// Fuel; decision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fuel: Option<u64>,
}

impl LockedLimits {
    pub(crate) fn of(role: Role, limits: &Limits) -> LockedLimits {
        let perceives = role.is_perception();
        LockedLimits {
            memory: limits.memory,
            deadline_ms: perceives.then_some(limits.deadline.as_millis() as u64),
            tensors: perceives.then_some(limits.tensors),
            model_memory: perceives.then_some(limits.model_memory),
            faces: perceives.then_some(limits.faces),
            fuel: (!perceives).then_some(limits.fuel),
        }
    }
}

/// Why a lock cannot be used, or a run not begin under it.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// There is none.
    #[error("{}: there is no lock", path.display())]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
        /// The deployment file.
        deployment: PathBuf,
    },
    /// It cannot be read or written.
    #[error("{}: {cause}", path.display())]
    File {
        /// The lock.
        path: PathBuf,
        /// The operating system's words.
        cause: std::io::Error,
    },
    /// It is no lock of this version.
    #[error("{}: is no lock that this version reads: {cause}", path.display())]
    Malformed {
        /// The lock.
        path: PathBuf,
        /// What is wrong.
        cause: String,
    },
    /// What is there now is something else.
    #[error("{}: the deployment is not the one that was locked:{}", path.display(), differences.iter().map(|difference| format!("\n  {difference}")).collect::<String>())]
    Differs {
        /// The lock.
        path: PathBuf,
        /// All that differs.
        differences: Vec<LockDifference>,
        /// The deployment file.
        deployment: PathBuf,
    },
}

impl LockError {
    /// What the reader can do about it.
    pub fn mend(&self) -> String {
        match self {
            LockError::Missing { deployment, .. } => format!(
                "decide what runs with `overt lock {}`; or, to try something out, run with `--unlocked`, and the run says so",
                deployment.display()
            ),
            LockError::File { .. } => "check the path and the permissions".into(),
            LockError::Malformed { .. } => "lock the deployment anew: `overt lock`".into(),
            LockError::Differs { deployment, .. } => format!(
                "restore what was locked; or, if the change is wanted, have it decided and lock anew: `overt lock {}`",
                deployment.display()
            ),
        }
    }
}

/// A lock as it was read.
#[derive(Clone, Debug)]
pub struct LockFile {
    /// Where.
    pub path: PathBuf,
    /// SHA-256 of the file.
    pub sha256: String,
    /// What it says.
    pub lock: Lock,
}

impl LockFile {
    /// Reads a lock. `deployment` is for the message that says how to make one.
    ///
    /// # Errors
    /// [`LockError`].
    pub fn read(path: &Path, deployment: &Path) -> Result<LockFile, LockError> {
        let failed = |cause: std::io::Error| match cause.kind() {
            std::io::ErrorKind::NotFound => LockError::Missing {
                path: path.to_owned(),
                deployment: deployment.to_owned(),
            },
            _ => LockError::File {
                path: path.to_owned(),
                cause,
            },
        };
        let malformed = |cause: String| LockError::Malformed {
            path: path.to_owned(),
            cause,
        };
        let file = std::fs::File::open(path).map_err(failed)?;
        let mut bytes = Vec::new();
        file.take(FILE_BYTES + 1)
            .read_to_end(&mut bytes)
            .map_err(failed)?;
        if bytes.len() as u64 > FILE_BYTES {
            return Err(malformed(format!("it is larger than {FILE_BYTES} bytes")));
        }
        let text = std::str::from_utf8(&bytes).map_err(|error| malformed(error.to_string()))?;
        let lock: Lock = toml::from_str(text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start));
            // Its message may quote the file, which anybody may have damaged.
            let message = plain(error.message());
            malformed(match before {
                Some(before) => format!("line {}: {message}", before.matches('\n').count() + 1),
                None => message,
            })
        })?;
        if lock.format != FORMAT {
            return Err(malformed(format!(
                "its format is {:?}, expected {FORMAT:?}",
                lock.format
            )));
        }
        Ok(LockFile {
            path: path.to_owned(),
            sha256: hex::encode(Sha256::digest(&bytes)),
            lock,
        })
    }

    /// That a deployment is what was locked.
    ///
    /// # Errors
    /// [`LockError::Differs`]; what resolving says.
    pub fn check(&self, machine: &Machine, deployment: &Deployment) -> Result<(), PipelineError> {
        // The digests first: a plugin file that is not the one that was locked is not looked into, and what it says of itself is not told.
        let mut differences = self.other_files(deployment)?;
        if differences.is_empty() {
            differences = self.lock.differences(&Lock::of(machine, deployment)?);
        }
        if differences.is_empty() {
            return Ok(());
        }
        Err(LockError::Differs {
            path: self.path.clone(),
            differences,
            deployment: deployment.file().to_owned(),
        }
        .into())
    }
}

impl LockFile {
    /// Plugin files that have other bytes than those that were locked.
    fn other_files(&self, deployment: &Deployment) -> Result<Vec<LockDifference>, PipelineError> {
        let mut differences = Vec::new();
        for plugin in deployment.plugins.all() {
            let slot = plugin.slot();
            let Some(locked) = self.lock.plugin(slot) else {
                continue;
            };
            let found = PluginBytes::read(&plugin.file).map_err(|cause| PipelineError::Plugin {
                slot,
                cause: Box::new(cause),
            })?;
            if found.expect(&locked.sha256).is_err() {
                differences.push(LockDifference {
                    part: format!("{}.{}.sha256", key(slot.post), slot.role),
                    locked: Some(locked.sha256.clone()),
                    found: Some(found.sha256().to_owned()),
                });
            }
        }
        Ok(differences)
    }
}

impl Lock {
    /// What a deployment resolves to on this machine now. Signatures, manifests, grants and models are checked as a run would; nothing is compiled.
    /// All that is wrong with the plugins is reported at once.
    ///
    /// # Errors
    /// What a run would say.
    pub fn of(machine: &Machine, deployment: &Deployment) -> Result<Lock, PipelineError> {
        let admission = Admission::of(machine, deployment, None)?;
        let (mut plugins, mut errors) = (BTreeMap::new(), Vec::new());
        for plugin in deployment.plugins.all() {
            match LockedPlugin::of(&admission, plugin) {
                Ok(locked) => {
                    let by_role: &mut BTreeMap<_, _> = plugins.entry(plugin.post).or_default();
                    by_role.insert(plugin.role, locked);
                }
                Err(error) => errors.push(error),
            }
        }
        let mut of = |post| plugins.remove(&post).unwrap_or_default();
        if !errors.is_empty() {
            return Err(PipelineError::together(errors));
        }
        let calibration = deployment.authority.calibration.as_ref();
        Ok(Lock {
            format: FORMAT.to_owned(),
            deployment: deployment.id.clone(),
            host: LockedHost {
                overt: env!("CARGO_PKG_VERSION").to_owned(),
                contract: CONTRACT.to_owned(),
            },
            backend: machine.backend_identity().clone(),
            authority: LockedAuthority {
                score_floor: deployment.authority.score_floor.to_string(),
                calibration: calibration.map(|path| digest_of(path)).transpose()?,
            },
            camera: LockedCamera::all(deployment),
            trust: LockedTrust::of(&admission, deployment),
            plugin: of(Post::Serving),
            fallback: of(Post::Fallback),
            shadow: of(Post::Shadow),
        })
    }

    /// What it says of the plugin in this place.
    pub(crate) fn plugin(&self, slot: Slot) -> Option<&LockedPlugin> {
        let by_role = match slot.post {
            Post::Serving => &self.plugin,
            Post::Fallback => &self.fallback,
            Post::Shadow => &self.shadow,
        };
        by_role.get(&slot.role)
    }

    /// The file's text.
    ///
    /// # Errors
    /// Where TOML cannot say it, which would be a mistake of this version.
    pub fn text(&self) -> Result<String, toml::ser::Error> {
        Ok(format!("{HEAD}{}", toml::to_string_pretty(self)?))
    }

    /// Writes the file beside its place and renames it: a run never meets half a lock.
    ///
    /// # Errors
    /// [`LockError`].
    pub fn write(&self, path: &Path) -> Result<(), LockError> {
        let text = self.text().map_err(|error| LockError::Malformed {
            path: path.to_owned(),
            cause: error.to_string(),
        })?;
        let draft = path.with_extension(format!("{}.draft", std::process::id()));
        let folder = path.parent().unwrap_or(Path::new(""));
        let written = std::fs::create_dir_all(folder).and_then(|()| {
            let mut file = std::fs::File::create(&draft)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            std::fs::rename(&draft, path)
        });
        written.map_err(|cause| {
            let _ = std::fs::remove_file(&draft);
            LockError::File {
                path: path.to_owned(),
                cause,
            }
        })
    }
}

impl LockedPlugin {
    fn of(
        admission: &Admission<'_>,
        plugin: &deployment::Plugin,
    ) -> Result<LockedPlugin, PipelineError> {
        let (role, slot) = (plugin.role, plugin.slot());
        let refused = |cause| PipelineError::Plugin {
            slot,
            cause: Box::new(cause),
        };
        let file = admission.file(plugin).map_err(refused)?;
        agreement::check(&file, &plugin.grants).map_err(refused)?;
        agreement::serves(&file, role).map_err(refused)?;
        let manifest = file.manifest();
        let models = models(admission.deployment, plugin, &file)?.into_iter();
        let models = models.map(|(name, (_, model))| (name, model.sha256().to_owned()));
        let calibration = plugin.calibration.as_ref();
        let signed_by = file
            .signatures()
            .iter()
            .filter(|signature| signature.standing == Standing::Counts);
        Ok(LockedPlugin {
            id: manifest.plugin.id.clone(),
            version: manifest.plugin.version.to_string(),
            sha256: file.sha256().to_owned(),
            signed_by: signed_by.map(|signature| signature.key.clone()).collect(),
            grants: plugin.grants.clone(),
            config: plugin.config.clone(),
            limits: LockedLimits::of(role, &limits(plugin, manifest)),
            calibration: calibration.map(|path| digest_of(path)).transpose()?,
            model: models.collect(),
        })
    }
}

impl LockedCamera {
    fn all(deployment: &Deployment) -> BTreeMap<String, LockedCamera> {
        let folder = deployment.file().parent().unwrap_or(Path::new(""));
        let cameras = deployment.cameras.iter().map(|camera| {
            let source = match &camera.source {
                Source::File(path) => path
                    .strip_prefix(folder)
                    .unwrap_or(path)
                    .display()
                    .to_string(),
                other => other.to_string(),
            };
            let zone = camera.zone.as_ref().map(|zone| {
                let corners = zone.corners().iter().map(|[x, y]| format!("{x},{y}"));
                corners.collect::<Vec<_>>().join(" ")
            });
            (camera.id.clone(), LockedCamera { source, zone })
        });
        cameras.collect()
    }
}

impl LockedTrust {
    fn of(admission: &Admission<'_>, deployment: &Deployment) -> LockedTrust {
        let require = match &deployment.trust {
            deployment::Trust::Unsigned => BTreeMap::new(),
            deployment::Trust::Signed { require, .. } => require.clone(),
        };
        let keys = admission.trust.keys().iter().map(|key| {
            let locked = LockedKey {
                signer: key.signer,
                public_key: key.key.to_string(),
                expires: key.expires.map(|at| at.to_string()),
                revoked: key.revoked.clone(),
            };
            (key.name.clone(), locked)
        });
        LockedTrust {
            unsigned: admission.trust.is_unsigned(),
            require,
            key: keys.collect(),
        }
    }
}

/// The table of the lock for a post.
fn key(post: Post) -> &'static str {
    match post {
        Post::Serving => "plugin",
        Post::Fallback => "fallback",
        Post::Shadow => "shadow",
    }
}

/// SHA-256 of a file.
fn digest_of(path: &Path) -> Result<String, LockError> {
    let mut hasher = Sha256::new();
    let mut file = std::fs::File::open(path).map_err(|cause| LockError::File {
        path: path.to_owned(),
        cause,
    })?;
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(hex::encode(hasher.finalize())),
            Ok(count) => hasher.update(&buffer[..count]),
            Err(cause) => {
                return Err(LockError::File {
                    path: path.to_owned(),
                    cause,
                });
            }
        }
    }
}

#[cfg(test)]
mod tests;
