//! Where a file comes from: a file inside a package of a public registry, each pinned by its SHA-256. Knows no client and no network.

use std::fmt;
use std::io::Read as _;
use std::path::Path;

use serde::Deserialize;
use serde::de::{self, Deserializer};
use sha2::{Digest as _, Sha256};

/// A file inside a package of a registry.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Source {
    /// Which registry has the package.
    pub registry: Registry,
    /// The package's name there.
    pub package: String,
    /// Its version, exactly.
    pub version: String,
    /// SHA-256 of the package's archive. It is checked before anything in the archive is looked at.
    pub archive_sha256: Sha256Hex,
    /// The file's path inside the archive.
    pub path: String,
}

/// A registry, and the form in which it serves the package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Registry {
    /// A wheel of PyPI, fetched with pip.
    Pypi,
    /// A source package of PyPI, fetched with pip.
    PypiSource,
    /// A package of npm, fetched with npm.
    Npm,
}

impl Registry {
    /// The registry's name for people.
    pub fn name(self) -> &'static str {
        match self {
            Registry::Pypi | Registry::PypiSource => "PyPI",
            Registry::Npm => "npm",
        }
    }
}

/// A SHA-256, written as 64 lower-case hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Sha256Hex(String);

impl Sha256Hex {
    /// The digest of some bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self::from_digest(&Sha256::digest(bytes))
    }

    /// The digest of a file, read in pieces.
    pub fn of_file(path: &Path) -> std::io::Result<Self> {
        let mut file = std::fs::File::open(path)?;
        let mut hasher = Sha256::new();
        let mut piece = vec![0; 1 << 16];
        loop {
            match file.read(&mut piece)? {
                0 => break,
                read => hasher.update(&piece[..read]),
            }
        }
        Ok(Self::from_digest(&hasher.finalize()))
    }

    /// Nothing if the text is not 64 lower-case hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let hexadecimal = text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        (text.len() == 64 && hexadecimal).then(|| Sha256Hex(text.to_owned()))
    }

    /// A digest that is written in this program.
    pub(crate) fn pinned(digits: &'static str) -> Self {
        debug_assert!(Self::parse(digits).is_some());
        Sha256Hex(digits.to_owned())
    }

    /// The 64 digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn from_digest(digest: &[u8]) -> Self {
        Sha256Hex(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

impl fmt::Display for Sha256Hex {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Sha256Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            de::Error::custom(format!(
                "expected a SHA-256 of 64 lower-case hexadecimal digits, found {text:?}"
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_digest_is_the_one_of_the_standard() {
        // FIPS 180-2, appendix B.1.
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(Sha256Hex::of(b"abc").as_str(), expected);
    }

    #[test]
    fn a_digest_in_capitals_or_of_another_length_is_refused() {
        let digits = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert!(Sha256Hex::parse(digits).is_some());
        assert_eq!(Sha256Hex::parse(&digits.to_uppercase()), None);
        assert_eq!(Sha256Hex::parse(&digits[1..]), None);
        assert_eq!(Sha256Hex::parse(&digits.replace('a', "g")), None);
    }
}
