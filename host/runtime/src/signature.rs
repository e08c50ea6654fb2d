//! Signing a plugin file, and which of some keys have signed one. Who is trusted, and what for, is [`crate::trust`]'s.
//!
//! The format is that of <https://github.com/wasm-signatures/design>, by `wasmsign2`. Three of its freedoms are not taken, because each lets a file
//! change after it was signed: a file is signed as a whole ([`crate::envelope`] refuses marks that divide it), several signatures are over one and the
//! same content, and of the library's ways to verify only `PublicKeySet::verify` is used, which hashes every byte behind the signatures.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use overt_contract::PublicKey;
use sha2::{Digest as _, Sha256};
use wasmsign2::{KeyPair, Module, PublicKeySet, WSError};
use zeroize::Zeroizing;

use crate::envelope::{Envelope, Listed, Signatures};
use crate::error::PluginError;
use crate::package::{PluginBytes, PluginFile};
use crate::passphrase::{self, LEAST_PASSPHRASE, Passphrase, Unopened};

/// wasmsign2's number of Ed25519 public keys, which goes before the bytes.
const ED25519: u8 = 1;

/// The largest key file that is read: a PEM file of one key has 119 bytes, under a passphrase 400.
const KEY_FILE_BYTES: u64 = 4096;

/// Why a key cannot be made, read or used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// A file cannot be read or written.
    #[error("{}: {cause}", path.display())]
    File {
        /// The key file.
        path: PathBuf,
        /// The operating system's words.
        cause: std::io::Error,
    },
    /// The file holds something else.
    #[error("{}: expected {expected}, found {found}", path.display())]
    NoKey {
        /// The key file.
        path: PathBuf,
        /// What belongs there.
        expected: &'static str,
        /// What is there.
        found: String,
    },
    /// Others than the owner may read or write a secret key, or the file with its passphrase.
    #[error("{}: expected a secret that its owner alone can read (mode 0600), found mode {mode:03o}", path.display())]
    Exposed {
        /// The key file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The secret key is under a passphrase, and none was given.
    #[error("{}: the key is under a passphrase", path.display())]
    Locked {
        /// The key file.
        path: PathBuf,
    },
    /// The passphrase is not the key's.
    #[error("{}: the passphrase is not this key's", path.display())]
    WrongPassphrase {
        /// The key file.
        path: PathBuf,
    },
    /// A passphrase that a key is not put under.
    #[error("the passphrase has less than {LEAST_PASSPHRASE} characters")]
    ShortPassphrase,
    /// The machine cannot encrypt.
    #[error("the key cannot be put under a passphrase: {cause}")]
    Unlockable {
        /// What failed.
        cause: String,
    },
}

impl KeyError {
    /// What the reader can do about it.
    pub fn mend(&self) -> String {
        match self {
            KeyError::File { cause, .. } if cause.kind() == std::io::ErrorKind::AlreadyExists => {
                "choose another name: a key is never overwritten".into()
            }
            KeyError::File { .. } => "check the path and the permissions".into(),
            KeyError::NoKey { .. } => {
                "give NAME.pub for a public key and NAME.key for a secret one; `overt key new NAME` makes both"
                    .into()
            }
            KeyError::Exposed { path, .. } => format!(
                "`chmod 600 {}`, and consider whether anybody has copied it: if so, revoke the key",
                path.display()
            ),
            KeyError::Locked { .. } => {
                "call it at a terminal, where it is asked for, or name a file that holds it: `--passphrase-file FILE`"
                    .into()
            }
            KeyError::WrongPassphrase { .. } => {
                "try again; without its passphrase a key is lost, and a new one has to be made and told to everybody"
                    .into()
            }
            KeyError::ShortPassphrase => {
                "choose a longer one: who has the file can try as many as they like".into()
            }
            KeyError::Unlockable { .. } => "run `overt doctor`, and try again".into(),
        }
    }
}

/// A secret key. It shows nothing of itself.
pub struct SecretKey(wasmsign2::SecretKey);

impl std::fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SecretKey(of {})", self.public().fingerprint())
    }
}

impl SecretKey {
    /// A new one, of the operating system's random numbers.
    pub fn generate() -> SecretKey {
        SecretKey(KeyPair::generate().sk)
    }

    /// The public key that goes with it.
    pub fn public(&self) -> PublicKey {
        PublicKey::from_bytes(*self.0.sk.public_key())
    }

    /// Signs a message that is no plugin file, such as a force's rules: what it is has to stand at its beginning.
    pub fn sign_message(&self, message: &[u8]) -> [u8; 64] {
        *self.0.sk.sign(message, None)
    }

    /// Reads a PEM file (PKCS #8) that its owner alone can read. For one that is under a passphrase `ask` is called.
    ///
    /// # Errors
    /// [`KeyError`], and what `ask` says.
    pub fn read_asking<E: From<KeyError>>(
        path: &Path,
        ask: impl FnOnce(&Path) -> Result<Passphrase, E>,
    ) -> Result<SecretKey, E> {
        let (text, mode) = read_text(path)?;
        let no_key = |found: &str| KeyError::NoKey {
            path: path.to_owned(),
            expected: "a secret key in PEM",
            found: found.to_owned(),
        };
        if text.contains("PUBLIC KEY") {
            return Err(no_key("a public key").into());
        }
        // Before anybody is asked: what others can read is not worth a passphrase.
        if mode & 0o077 != 0 {
            return Err(KeyError::Exposed {
                path: path.to_owned(),
                mode,
            }
            .into());
        }
        if !passphrase::is_locked(&text) {
            let key = wasmsign2::SecretKey::from_pem(&text).map_err(|_| no_key("something else"));
            return Ok(SecretKey(key?));
        }
        let opened = passphrase::unlock(&text, &ask(path)?).map_err(|why| match why {
            Unopened::WrongPassphrase => KeyError::WrongPassphrase {
                path: path.to_owned(),
            },
            Unopened::Unreadable(found) => no_key(&found),
        })?;
        let key = wasmsign2::SecretKey::from_der(opened.as_bytes());
        Ok(SecretKey(key.map_err(|_| no_key("a key of another kind"))?))
    }

    /// Reads one that is under no passphrase.
    ///
    /// # Errors
    /// [`KeyError`]; [`KeyError::Locked`] where it is under one.
    pub fn read(path: &Path) -> Result<SecretKey, KeyError> {
        SecretKey::read_asking(path, |path| {
            Err(KeyError::Locked {
                path: path.to_owned(),
            })
        })
    }

    /// Writes `NAME.key` for its owner's eyes, under a passphrase where one is given, and `NAME.pub` for everybody's; neither may exist.
    ///
    /// # Errors
    /// [`KeyError::File`], [`KeyError::ShortPassphrase`], [`KeyError::Unlockable`].
    pub fn write(
        &self,
        secret: &Path,
        public: &Path,
        passphrase: Option<&Passphrase>,
    ) -> Result<(), KeyError> {
        let text = match passphrase {
            None => Zeroizing::new(self.0.to_pem()),
            Some(passphrase) if !passphrase.is_long_enough() => {
                return Err(KeyError::ShortPassphrase);
            }
            Some(passphrase) => passphrase::lock(&Zeroizing::new(self.0.to_der()), passphrase)
                .map_err(|cause| KeyError::Unlockable { cause })?,
        };
        let create = |path: &Path, mode: u32, text: &str| {
            OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(mode)
                .open(path)
                .and_then(|mut file| {
                    file.write_all(text.as_bytes())?;
                    file.sync_all()
                })
                .map_err(|cause| KeyError::File {
                    path: path.to_owned(),
                    cause,
                })
        };
        // The public one first: a secret key of which nobody knows the public one is of no use, and would be in the way.
        create(public, 0o644, &self.public().to_pem())?;
        create(secret, 0o600, &text).inspect_err(|_| {
            let _ = std::fs::remove_file(public);
        })
    }
}

/// Reads a public key's PEM file.
///
/// # Errors
/// [`KeyError`].
pub fn read_public_key(path: &Path) -> Result<PublicKey, KeyError> {
    let (text, _) = read_text(path)?;
    PublicKey::from_pem(&text).map_err(|error| KeyError::NoKey {
        path: path.to_owned(),
        expected: "a public key in PEM",
        found: error.found.to_owned(),
    })
}

/// A small text file, and its permissions.
fn read_text(path: &Path) -> Result<(Zeroizing<String>, u32), KeyError> {
    let failed = |cause| KeyError::File {
        path: path.to_owned(),
        cause,
    };
    let file = File::open(path).map_err(failed)?;
    let mode = file.metadata().map_err(failed)?.mode() & 0o777;
    let mut bytes = Zeroizing::new(Vec::new());
    file.take(KEY_FILE_BYTES)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    match String::from_utf8(std::mem::take(&mut *bytes)) {
        Ok(text) => Ok((Zeroizing::new(text), mode)),
        Err(_) => Err(KeyError::NoKey {
            path: path.to_owned(),
            expected: "a key in PEM",
            found: "no text".to_owned(),
        }),
    }
}

/// Adds a signature to a plugin file, beside those that it has.
///
/// # Errors
/// What a host would say of the file; [`PluginError::SignedAlready`]; [`PluginError::ChangedSinceSigned`] where it carries signatures of another
/// content.
pub fn sign(file: &PluginFile, key: &SecretKey) -> Result<PluginBytes, PluginError> {
    let path = || file.path().to_owned();
    // What it carries already has to hold, or a good signature would stand beside one that never can.
    listed(file.path(), file.bytes())?;
    let public = key.public();
    if !signed_by(file.path(), file.bytes(), &[public])?.is_empty() {
        return Err(PluginError::SignedAlready {
            path: path(),
            fingerprint: public.fingerprint(),
        });
    }
    let failed = |error: WSError| PluginError::Signature {
        path: path(),
        cause: error.to_string(),
    };
    let module = Module::deserialize(&mut &file.bytes()[..]).map_err(failed)?;
    let key_id = Sha256::digest(public.as_bytes())[..8].to_vec();
    let (signed, _) = key
        .0
        .sign_multi(module, Some(&key_id), false, false)
        .map_err(failed)?;
    let mut bytes = Vec::with_capacity(file.bytes().len() + 256);
    signed.serialize(&mut bytes).map_err(failed)?;
    let signed = PluginBytes::of(file.path(), bytes);
    // Read back as a host would.
    if signed_by(file.path(), signed.bytes(), &[public])?.is_empty() {
        return Err(failed(WSError::VerificationFailed));
    }
    Ok(signed)
}

/// The signatures that a file carries, whoever made them. Their content is the file's; who made them is only a hint until a key verifies it.
pub(crate) fn listed(path: &Path, file: &[u8]) -> Result<Vec<Listed>, PluginError> {
    let envelope = Envelope::open(path, file)?;
    let Some(section) = envelope.signatures else {
        return Ok(Vec::new());
    };
    let signatures = Signatures::read(section).map_err(|cause| PluginError::Signature {
        path: path.to_owned(),
        cause: cause.to_owned(),
    })?;
    if signatures.content != content_digest(envelope.content) {
        return Err(PluginError::ChangedSinceSigned {
            path: path.to_owned(),
        });
    }
    Ok(signatures.listed)
}

/// What a signature is made over: SHA-256 of all that follows the signatures.
pub(crate) fn content_digest(content: &[u8]) -> [u8; 32] {
    Sha256::digest(content).into()
}

/// Those of the keys that have signed the file as it is.
pub(crate) fn signed_by(
    path: &Path,
    file: &[u8],
    keys: &[PublicKey],
) -> Result<HashSet<PublicKey>, PluginError> {
    if listed(path, file)?.is_empty() || keys.is_empty() {
        return Ok(HashSet::new());
    }
    let failed = |error: WSError| PluginError::Signature {
        path: path.to_owned(),
        cause: error.to_string(),
    };
    let mut set = PublicKeySet::empty();
    for key in keys {
        let mut bytes = vec![ED25519];
        bytes.extend_from_slice(key.as_bytes());
        // Without a key id: the file's hints decide nothing.
        set.pks
            .insert(wasmsign2::PublicKey::from_bytes(&bytes).map_err(failed)?);
    }
    match set.verify(&mut &file[..], None) {
        Ok(found) => Ok(found
            .into_iter()
            .map(|key| PublicKey::from_bytes(*key.pk))
            .collect()),
        // Signed, by nobody of these.
        Err(WSError::VerificationFailed) => Ok(HashSet::new()),
        Err(error) => Err(failed(error)),
    }
}
