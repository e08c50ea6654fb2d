//! Who vouches for a plugin, and the public key by which that is checked. It knows no signature and no file.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// On whose behalf a key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Signer {
    /// Who made the plugin: that it is theirs, and unchanged.
    Vendor,
    /// Who measured it: that this very file is the one that the report is about.
    Evaluator,
    /// Who uses it: that it was decided to.
    Force,
}

impl Signer {
    /// All of them.
    pub const ALL: [Signer; 3] = [Signer::Vendor, Signer::Evaluator, Signer::Force];

    /// The word in the deployment file.
    pub fn name(self) -> &'static str {
        match self {
            Signer::Vendor => "vendor",
            Signer::Evaluator => "evaluator",
            Signer::Force => "force",
        }
    }
}

impl fmt::Display for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An Ed25519 public key (RFC 8032). Written as its SubjectPublicKeyInfo (RFC 8410) in base64: the line between the marks of a PEM file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey([u8; PublicKey::BYTES]);

/// What a text is that is no public key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected an Ed25519 public key, as `overt key new` writes it; found {found}")]
pub struct NoPublicKey {
    /// What it is instead.
    pub found: &'static str,
}

/// Everything of a SubjectPublicKeyInfo of Ed25519 but the key: RFC 8410, section 4.
const PREFIX: [u8; 12] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];

const BEGIN: &str = "-----BEGIN PUBLIC KEY-----";
const END: &str = "-----END PUBLIC KEY-----";

impl PublicKey {
    /// Its length.
    pub const BYTES: usize = 32;

    /// From its bytes.
    pub fn from_bytes(bytes: [u8; Self::BYTES]) -> PublicKey {
        PublicKey(bytes)
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8; Self::BYTES] {
        &self.0
    }

    /// From the base64 of its SubjectPublicKeyInfo.
    ///
    /// # Errors
    /// Where the text is something else.
    pub fn parse(text: &str) -> Result<PublicKey, NoPublicKey> {
        let found = |found| NoPublicKey { found };
        if text.contains("PRIVATE KEY") {
            return Err(found("a secret key, which belongs to nobody but its owner"));
        }
        let bytes = STANDARD
            .decode(text.trim())
            .map_err(|_| found("a text that is not base64"))?;
        let key = bytes
            .strip_prefix(&PREFIX)
            .ok_or(found("a key of another kind"))?;
        let key = key
            .try_into()
            .map_err(|_| found("a key of another length"))?;
        Ok(PublicKey(key))
    }

    /// From a PEM file's text, which holds this key and nothing else.
    ///
    /// # Errors
    /// Where the text is something else.
    pub fn from_pem(text: &str) -> Result<PublicKey, NoPublicKey> {
        let lines: Vec<&str> = text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .collect();
        match lines[..] {
            [BEGIN, key, END] => PublicKey::parse(key),
            _ if text.contains("PRIVATE KEY") => PublicKey::parse(text),
            _ => Err(NoPublicKey {
                found: "no PEM file of one public key",
            }),
        }
    }

    /// The PEM file's text.
    pub fn to_pem(&self) -> String {
        format!("{BEGIN}\n{self}\n{END}\n")
    }

    /// What people compare by eye: the first 16 hexadecimal digits of the SHA-256 of its bytes, in fours.
    pub fn fingerprint(&self) -> String {
        let digest = Sha256::digest(self.0);
        let words: Vec<String> = digest[..8]
            .chunks(2)
            .map(|pair| pair.iter().map(|byte| format!("{byte:02x}")).collect())
            .collect();
        words.join("-")
    }
}

impl fmt::Display for PublicKey {
    /// In base64, as [`PublicKey::parse`] reads it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = PREFIX.to_vec();
        bytes.extend_from_slice(&self.0);
        f.write_str(&STANDARD.encode(bytes))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.fingerprint())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// RFC 8410, section 10.1, and the key in it.
    const EXAMPLE: &str = "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=";

    #[test]
    fn the_key_of_the_rfc_is_read_and_written() {
        let key = PublicKey::parse(EXAMPLE).unwrap();
        assert_eq!(key.as_bytes()[..4], [0x19, 0xbf, 0x44, 0x09]);
        assert_eq!(key.to_string(), EXAMPLE);
        assert_eq!(PublicKey::from_pem(&key.to_pem()), Ok(key));
        assert_eq!(
            PublicKey::from_pem(&format!("\r\n{BEGIN}\r\n{EXAMPLE}\r\n{END}\r\n")),
            Ok(key)
        );
        assert_eq!(key.fingerprint().len(), 19);
    }

    #[test]
    fn what_is_no_key_is_told_apart() {
        let found = |text: &str| PublicKey::parse(text).unwrap_err().found;
        assert_eq!(found("?"), "a text that is not base64");
        assert_eq!(found(&EXAMPLE[..56]), "a key of another length");
        // X25519 has another last number of its algorithm.
        assert_eq!(found(&EXAMPLE.replace("Vw", "Vu")), "a key of another kind");
        assert!(found("-----BEGIN PRIVATE KEY-----").contains("secret"));
        let pem = PublicKey::parse(EXAMPLE).unwrap().to_pem();
        assert!(PublicKey::from_pem(&(pem.clone() + &pem)).is_err());
        assert!(PublicKey::from_pem(EXAMPLE).is_err());
    }
}
