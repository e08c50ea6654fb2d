//! Compiled plugins on disk, under a message authentication code.
//!
//! Compiled code runs in this process without any check, so a file that somebody else wrote must never be loaded. Each carries a keyed BLAKE3
//! code over the plugin's digest, the compiler's settings and the code itself; the key lies beside the cache, readable by its owner
//! alone. The file is read once into one buffer, and what was verified is what is loaded.

use std::fs::{DirBuilder, File, Metadata, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use wasmtime::Engine;
use wasmtime::component::Component;

use crate::error::PluginError;
use crate::limits;

const CODE_BYTES: usize = blake3::OUT_LEN;
const KEY_FILE: &str = "host.key";

/// A folder of compiled plugins.
#[derive(Clone)]
pub struct Cache {
    folder: PathBuf,
    key: [u8; blake3::KEY_LEN],
}

impl Cache {
    /// Opens a cache, and makes folder and key where they are absent.
    pub fn open(folder: &Path) -> Result<Cache, PluginError> {
        let failed = |cause: String| PluginError::Engine {
            cause: format!("the cache {}: {cause}", folder.display()),
        };
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(|error| failed(error.to_string()))?;
        Self::only_ours(&std::fs::metadata(folder).map_err(|error| failed(error.to_string()))?)
            .map_err(&failed)?;
        let path = folder.join(KEY_FILE);
        let key = match Self::new_key(&path) {
            Ok(key) => key,
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                Self::read_key(&path).map_err(|cause| failed(format!("{KEY_FILE}: {cause}")))?
            }
            Err(error) => return Err(failed(format!("{KEY_FILE}: {error}"))),
        };
        Ok(Cache {
            folder: folder.to_owned(),
            key,
        })
    }

    /// Who may replace the folder's files, or knows the key, has this process run what they like.
    fn only_ours(metadata: &Metadata) -> Result<(), String> {
        let (owner, us) = (metadata.uid(), rustix::process::geteuid().as_raw());
        if owner != us {
            return Err(format!(
                "expected the owner {us}, found {owner}; use a folder of this user's own"
            ));
        }
        let (mode, others) = (metadata.mode() & 0o777, metadata.mode() & 0o077);
        // A folder may be looked into; what matters there is who may write.
        let wrong = if metadata.is_dir() {
            others & 0o022
        } else {
            others
        };
        if wrong != 0 {
            return Err(format!(
                "expected a mode without {wrong:03o}, found {mode:03o}: others may have read or written it; delete the cache"
            ));
        }
        Ok(())
    }

    /// Writes a fresh key under a name of its own and links it into place, so that two hosts starting at once agree on one.
    fn new_key(path: &Path) -> std::io::Result<[u8; blake3::KEY_LEN]> {
        if path.exists() {
            return Err(std::io::ErrorKind::AlreadyExists.into());
        }
        let mut random = File::open("/dev/urandom")?;
        let mut key = [0; blake3::KEY_LEN];
        random.read_exact(&mut key)?;
        // Not the process's number, which a container gives to every start: a draft left by a kill would be in the way for ever.
        let mut name = [0; 8];
        random.read_exact(&mut name)?;
        let draft = path.with_extension(hex::encode(name));
        let written = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&draft)
            .and_then(|mut file| {
                file.write_all(&key)?;
                file.sync_all()
            });
        let linked = written.and_then(|()| std::fs::hard_link(&draft, path));
        let _ = std::fs::remove_file(&draft);
        linked.map(|()| key)
    }

    fn read_key(path: &Path) -> Result<[u8; blake3::KEY_LEN], String> {
        let mut file = File::open(path).map_err(|error| error.to_string())?;
        Self::only_ours(&file.metadata().map_err(|error| error.to_string())?)?;
        let mut key = [0; blake3::KEY_LEN];
        file.read_exact(&mut key)
            .map_err(|error| error.to_string())?;
        Ok(key)
    }

    fn path(&self, engine: &Engine, plugin: &str) -> PathBuf {
        self.folder
            .join(format!("{plugin}-{:016x}", settings(engine)))
    }

    fn code(&self, engine: &Engine, plugin: &str, compiled: &[u8]) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(plugin.as_bytes());
        hasher.update(&settings(engine).to_le_bytes());
        hasher.update(compiled);
        hasher.finalize()
    }

    /// The component of the plugin with this digest, if it is here and authentic. Anything else is as if it were absent: it is compiled
    /// again and replaced.
    pub(crate) fn load(&self, engine: &Engine, plugin: &str) -> Option<Component> {
        let file = File::open(self.path(engine, plugin)).ok()?;
        let most = limits::COMPILED_BYTES + CODE_BYTES as u64;
        let length = file.metadata().ok()?.len().min(most);
        let mut bytes = Vec::with_capacity(length as usize);
        file.take(most).read_to_end(&mut bytes).ok()?;
        let (code, compiled) = bytes.split_at_checked(CODE_BYTES)?;
        let code = blake3::Hash::from_slice(code).ok()?;
        // The comparison of `blake3::Hash` takes the same time whatever differs.
        if code != self.code(engine, plugin, compiled) {
            tracing::warn!(
                plugin,
                "a compiled plugin in the cache is not authentic; it is compiled again"
            );
            return None;
        }
        // SAFETY: the bytes carry an authentication code under a key that only this host's owner can read, so `store` wrote them, from
        // the compiler's output for this engine's settings; `deserialize` checks version and settings once more. The buffer verified is
        // the buffer loaded. Tested by `a_tampered_cache_is_not_loaded`.
        unsafe { Component::deserialize(engine, compiled) }.ok()
    }

    /// Whether something was noted here: an authentic note of it is there.
    pub(crate) fn is_noted(&self, of: &str) -> bool {
        let Ok(bytes) = std::fs::read(self.folder.join(note(of))) else {
            return false;
        };
        let code: Result<[u8; CODE_BYTES], _> = bytes.try_into();
        code.is_ok_and(|code| blake3::Hash::from_bytes(code) == self.note_code(of))
    }

    /// Notes something. Failing to is no error: it is found out again.
    pub(crate) fn note(&self, of: &str) {
        let written = self.write(
            &self.folder.join(note(of)),
            &[self.note_code(of).as_bytes()],
        );
        if let Err(error) = written {
            tracing::warn!(%error, "what was found out cannot be kept in the cache");
        }
    }

    /// Compiled code is told by its plugin's digest, 64 digits, so no code of one is a code of the other.
    fn note_code(&self, of: &str) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(b"note ");
        hasher.update(of.as_bytes());
        hasher.finalize()
    }

    /// Keeps a compiled component. Failing to is no error: the next start compiles again.
    pub(crate) fn store(&self, engine: &Engine, plugin: &str, compiled: &[u8]) {
        let code = self.code(engine, plugin, compiled);
        let written = self.write(&self.path(engine, plugin), &[code.as_bytes(), compiled]);
        if let Err(error) = written {
            tracing::warn!(%error, "a compiled plugin cannot be kept in the cache");
        }
    }

    /// Writes a file of these parts, whole or not at all.
    fn write(&self, path: &Path, parts: &[&[u8]]) -> std::io::Result<()> {
        let draft = path.with_extension(format!("{}", std::process::id()));
        let written = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&draft)
            .and_then(|mut file| {
                for part in parts {
                    file.write_all(part)?;
                }
                std::fs::rename(&draft, path)
            });
        if written.is_err() {
            let _ = std::fs::remove_file(&draft);
        }
        written
    }
}

/// The name of a note's file.
fn note(of: &str) -> String {
    format!("note-{}", blake3::hash(of.as_bytes()).to_hex())
}

/// A number for all that the compiled code depends on: wasmtime's version, the target, and the engine's settings.
fn settings(engine: &Engine) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    hasher.finish()
}
