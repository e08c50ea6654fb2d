//! Which signatures a plugin needs before anything of it is parsed further, compiled or run. The keys and the rule are a deployment's; the sandbox
//! accepts nothing but a [`TrustedFile`], and there are two ways to one: the rule is met, or somebody said in so many words that unsigned plugins may run.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;

use jiff::Timestamp;
use overt_contract::{PublicKey, Signer};
use serde::Serialize;

use crate::error::PluginError;
use crate::package::{PluginBytes, PluginFile};
use crate::signature;

/// A key that a deployment knows.
#[derive(Clone, Debug, PartialEq)]
pub struct TrustedKey {
    /// What the deployment calls it.
    pub name: String,
    /// On whose behalf it signs.
    pub signer: Signer,
    /// The key.
    pub key: PublicKey,
    /// From when on its signatures count no more. A signature carries no time of its own that could be believed, so this is asked of today.
    pub expires: Option<Timestamp>,
    /// Why its signatures count no more, whenever they were made.
    pub revoked: Option<String>,
}

/// Which plugins are trusted: any, or those that are signed as a rule says.
#[derive(Clone, Debug, PartialEq)]
pub struct Trust(Option<Rule>);

/// So many signatures by keys of each kind. No key stands in it twice.
#[derive(Clone, Debug, PartialEq)]
struct Rule {
    require: BTreeMap<Signer, u32>,
    keys: Vec<TrustedKey>,
}

/// Whether a signature counts.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "standing", rename_all = "kebab-case")]
pub enum Standing {
    /// It does.
    Counts,
    /// Its key has expired.
    Expired {
        /// When.
        at: Timestamp,
    },
    /// Its key was revoked.
    Revoked {
        /// Why, in the force's words.
        reason: String,
    },
}

/// A valid signature of a key that the deployment knows.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Signature {
    /// What the deployment calls the key.
    pub key: String,
    /// On whose behalf it signs.
    pub signer: Signer,
    /// The key's fingerprint.
    pub fingerprint: String,
    /// Whether it counts.
    #[serde(flatten)]
    pub standing: Standing,
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.key, self.signer)?;
        match &self.standing {
            Standing::Counts => Ok(()),
            Standing::Expired { at } => write!(f, ", which expired at {at}"),
            Standing::Revoked { reason } => write!(f, ", which was revoked: {reason}"),
        }
    }
}

/// What the signatures of a file are worth to a deployment.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Verdict {
    /// Those of keys that the deployment knows, in the deployment's order.
    pub signatures: Vec<Signature>,
    /// How many others there are.
    pub unknown: usize,
    /// What is still missing: signatures needed and found that count, by whom.
    pub missing: BTreeMap<Signer, Shortage>,
}

/// Signatures that a rule needs and does not find.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Shortage {
    /// Needed.
    pub needed: u32,
    /// Found, that count.
    pub found: u32,
}

impl fmt::Display for Verdict {
    /// What is missing, and what there is instead.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let missing: Vec<String> = self
            .missing
            .iter()
            .map(|(signer, Shortage { needed, found })| {
                let s = if *needed == 1 { "" } else { "s" };
                format!("{needed} signature{s} of the {signer}, found {found} that counts")
            })
            .collect();
        if !missing.is_empty() {
            write!(f, "expected {}; ", missing.join(" and "))?;
        }
        let mut signed: Vec<String> = self.signatures.iter().map(ToString::to_string).collect();
        match self.unknown {
            0 => {}
            1 => signed.push("a key that the deployment does not name".into()),
            many => signed.push(format!(
                "keys that the deployment does not name ({many} signatures)"
            )),
        }
        match signed.is_empty() {
            true => f.write_str("it is not signed"),
            false => write!(f, "it is signed by {}", signed.join("; by ")),
        }
    }
}

/// Two entries that are one key, which would let one signature count as two.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the keys `{first}` and `{second}` under [trust] are one and the same")]
pub struct SameKey {
    /// The one.
    pub first: String,
    /// The other.
    pub second: String,
}

impl Trust {
    /// A rule over signatures of some keys.
    ///
    /// # Errors
    /// [`SameKey`].
    pub fn signed(require: BTreeMap<Signer, u32>, keys: Vec<TrustedKey>) -> Result<Trust, SameKey> {
        for (index, key) in keys.iter().enumerate() {
            if let Some(first) = keys[..index].iter().find(|other| other.key == key.key) {
                return Err(SameKey {
                    first: first.name.clone(),
                    second: key.name.clone(),
                });
            }
        }
        Ok(Trust(Some(Rule { require, keys })))
    }

    /// Any plugin: for development and measuring.
    pub fn unsigned() -> Trust {
        Trust(None)
    }

    /// Whether plugins may run without any signature.
    pub fn is_unsigned(&self) -> bool {
        self.0.is_none()
    }

    /// The keys, in the deployment's order.
    pub fn keys(&self) -> &[TrustedKey] {
        self.0.as_ref().map_or(&[], |rule| &rule.keys)
    }

    /// What a file's signatures are worth now.
    ///
    /// # Errors
    /// [`PluginError`] where it is no plugin file, or its signatures are not of what it holds.
    pub fn verdict(&self, file: &PluginBytes, now: Timestamp) -> Result<Verdict, PluginError> {
        let listed = signature::listed(file.path(), file.bytes())?.len();
        let Some(Rule { require, keys }) = &self.0 else {
            return Ok(Verdict {
                unknown: listed,
                ..Verdict::default()
            });
        };
        let public: Vec<PublicKey> = keys.iter().map(|key| key.key).collect();
        let signed = signature::signed_by(file.path(), file.bytes(), &public)?;
        let signatures: Vec<Signature> = keys
            .iter()
            .filter(|key| signed.contains(&key.key))
            .map(|key| Signature {
                key: key.name.clone(),
                signer: key.signer,
                fingerprint: key.key.fingerprint(),
                standing: key.standing(now),
            })
            .collect();
        let missing = require.iter().filter_map(|(signer, needed)| {
            let counts = |signature: &&Signature| {
                signature.signer == *signer && signature.standing == Standing::Counts
            };
            let found = signatures.iter().filter(counts).count() as u32;
            let needed = *needed;
            (found < needed).then_some((*signer, Shortage { needed, found }))
        });
        Ok(Verdict {
            missing: missing.collect(),
            unknown: listed.saturating_sub(signed.len()),
            signatures,
        })
    }
}

impl TrustedKey {
    /// Whether its signatures count at this time.
    pub fn standing(&self, now: Timestamp) -> Standing {
        match (&self.revoked, self.expires) {
            (Some(reason), _) => Standing::Revoked {
                reason: reason.clone(),
            },
            (None, Some(at)) if at <= now => Standing::Expired { at },
            (None, _) => Standing::Counts,
        }
    }
}

/// A plugin file that may be run: the only thing that [`crate::Runtime::accept`] takes.
#[derive(Clone, Debug)]
pub struct TrustedFile {
    file: PluginFile,
    verdict: Verdict,
    unsigned: bool,
}

impl TrustedFile {
    /// Checks signatures, and only then reads the rest of the file.
    ///
    /// # Errors
    /// [`PluginError::NotTrusted`] where the rule is not met; what reading the file says.
    pub fn admit(
        bytes: PluginBytes,
        trust: &Trust,
        now: Timestamp,
    ) -> Result<TrustedFile, PluginError> {
        let verdict = trust.verdict(&bytes, now)?;
        if !verdict.missing.is_empty() {
            return Err(PluginError::NotTrusted {
                path: bytes.path().to_owned(),
                verdict: Box::new(verdict),
            });
        }
        Ok(TrustedFile {
            file: PluginFile::parse(bytes)?,
            verdict,
            unsigned: trust.is_unsigned(),
        })
    }

    /// The file as it is, whoever made it: for tests and tools that run what their own user built.
    pub fn unsigned(file: PluginFile) -> TrustedFile {
        TrustedFile {
            file,
            verdict: Verdict::default(),
            unsigned: true,
        }
    }

    /// The signatures of keys that the deployment knows.
    pub fn signatures(&self) -> &[Signature] {
        &self.verdict.signatures
    }

    /// Whether it may run without any signature.
    pub fn is_unsigned(&self) -> bool {
        self.unsigned
    }
}

impl Deref for TrustedFile {
    type Target = PluginFile;

    fn deref(&self) -> &PluginFile {
        &self.file
    }
}
