//! Which back end computes: what a template, a calibration and a score are bound to. Knows no library.

use std::fmt;
use std::fs::{self, File};
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The numbers that a back end computes with inside a model. What goes in and comes out is what the model declares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Precision {
    /// IEEE 754 binary32.
    #[default]
    F32,
    /// bfloat16: the first 16 bits of binary32, so 8 bits of precision. Sums are in binary32.
    Bf16,
}

impl fmt::Display for Precision {
    /// As the deployment file says it: `f32`, `bf16`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Precision::F32 => "f32",
            Precision::Bf16 => "bf16",
        })
    }
}

/// Which back end runs the models: scores of two are not the same to the last bit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackendIdentity {
    /// The library's name: `onnxruntime` or `openvino`.
    pub name: String,
    /// The library's version, as it says itself.
    pub version: String,
    /// What it computes with.
    pub precision: Precision,
    /// `cpu` or `cuda:0`.
    pub device: String,
    /// SHA-256 of the library's file, 64 lower-case hexadecimal digits; of a library in several files, of `sha256sum`'s lines over them by name.
    pub sha256: String,
}

impl BackendIdentity {
    /// What templates are bound to: `onnxruntime f32`. Two releases of one library give the same to within what a score floor leaves open; another
    /// library or another precision need not.
    pub fn arithmetic(&self) -> String {
        format!("{} {}", self.name, self.precision)
    }
}

impl fmt::Display for BackendIdentity {
    /// One line for messages: `onnxruntime 1.31.1 f32 on cpu (0123456789ab)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let BackendIdentity {
            name,
            version,
            precision,
            device,
            sha256,
        } = self;
        let short = sha256.get(..12).unwrap_or(sha256);
        write!(f, "{name} {version} {precision} on {device} ({short})")
    }
}

/// SHA-256 of a file, in lower-case hexadecimal digits.
pub(super) fn sha256_of_file(path: &Path) -> io::Result<String> {
    let mut hasher = Sha256::new();
    io::copy(&mut File::open(path)?, &mut HashWriter(&mut hasher))?;
    Ok(hex::encode(hasher.finalize()))
}

/// SHA-256 of `sha256sum`'s lines over the files in a library's folder that are parts of it, by name.
pub(super) fn sha256_of_files_beside(
    library: &Path,
    mut is_part: impl FnMut(&str) -> bool,
) -> Result<String, String> {
    let folder = library.parent().unwrap_or(Path::new("/"));
    let unreadable = |e: io::Error| format!("{}: {e}", folder.display());
    let mut names = Vec::new();
    for file in fs::read_dir(folder).map_err(unreadable)? {
        let file = file.map_err(unreadable)?;
        // A name that is not Unicode is none of a library's.
        let Ok(name) = file.file_name().into_string() else {
            continue;
        };
        if is_part(&name) && file.path().is_file() {
            names.push(name);
        }
    }
    names.sort_unstable();
    let mut lines = Sha256::new();
    for name in names {
        let sha256 = sha256_of_file(&folder.join(&name)).map_err(|e| format!("{name}: {e}"))?;
        lines.update(format!("{sha256}  {name}\n"));
    }
    Ok(hex::encode(lines.finalize()))
}

struct HashWriter<'h>(&'h mut Sha256);

impl io::Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_back_end_is_named_with_its_precision() {
        let identity = BackendIdentity {
            name: "onnxruntime".into(),
            version: "1.31.1".into(),
            precision: Precision::F32,
            device: "cpu".into(),
            sha256: "ab".repeat(32),
        };
        assert_eq!(
            identity.to_string(),
            "onnxruntime 1.31.1 f32 on cpu (abababababab)"
        );
        assert_eq!(identity.arithmetic(), "onnxruntime f32");
        let half = BackendIdentity {
            precision: Precision::Bf16,
            ..identity
        };
        assert_eq!(half.arithmetic(), "onnxruntime bf16");
    }

    #[test]
    fn the_digest_is_that_of_the_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("f");
        // Known from FIPS 180-4's examples.
        std::fs::write(&file, "abc").unwrap();
        assert_eq!(
            sha256_of_file(&file).unwrap(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert!(sha256_of_file(&folder.path().join("none")).is_err());
    }

    #[test]
    fn the_digest_of_several_files_is_of_their_bytes_and_names() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        let library = folder.path().join("liba.so");
        let digest = || sha256_of_files_beside(&library, |name| name.starts_with("lib")).unwrap();
        write("liba.so", "abc");
        let alone = digest();
        // `sha256sum` writes the same line.
        let line = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  liba.so\n";
        assert_eq!(alone, hex::encode(Sha256::digest(line)));
        write("notes.txt", "none of it");
        assert_eq!(digest(), alone);
        write("libb.so", "one");
        let both = digest();
        assert_ne!(both, alone);
        write("libb.so", "another");
        assert_ne!(digest(), both);
    }
}
