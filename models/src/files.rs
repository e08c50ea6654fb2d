//! Lists of pinned files that are no models, such as a library or photographs: a TOML file with a `[[file]]` table each.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::source::{Sha256Hex, Source};

/// A file of a list.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PinnedFile {
    /// Its name here: no folder.
    pub name: String,
    /// SHA-256 of the file.
    pub sha256: Sha256Hex,
    /// SPDX name of the licence, or "public domain".
    pub licence: String,
    /// What it shows or does, and whose it is.
    pub note: String,
    /// Where it comes from.
    pub source: Source,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    #[serde(rename = "file")]
    files: Vec<PinnedFile>,
}

/// Why a list cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// The list cannot be read.
    #[error("{path}: {cause}")]
    Unreadable {
        /// The list.
        path: PathBuf,
        /// The system's reason.
        cause: std::io::Error,
    },
    /// The list is not what a list must be.
    #[error("{path}: {cause}")]
    BadList {
        /// The list.
        path: PathBuf,
        /// What is wrong, and where.
        cause: Box<toml::de::Error>,
    },
    /// A name that would put a file elsewhere.
    #[error("{path}: the name {name:?} must be a plain file name")]
    BadName {
        /// The list.
        path: PathBuf,
        /// The name.
        name: String,
    },
}

/// Reads a list.
pub fn read_list(path: &Path) -> Result<Vec<PinnedFile>, ListError> {
    let text = std::fs::read_to_string(path).map_err(|cause| ListError::Unreadable {
        path: path.to_owned(),
        cause,
    })?;
    let list: List = toml::from_str(&text).map_err(|cause| ListError::BadList {
        path: path.to_owned(),
        cause: Box::new(cause),
    })?;
    match list
        .files
        .iter()
        .find(|file| Path::new(&file.name).file_name() != Some(file.name.as_ref()))
    {
        Some(file) => Err(ListError::BadName {
            path: path.to_owned(),
            name: file.name.clone(),
        }),
        None => Ok(list.files),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn repository(path: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
    }

    #[test]
    fn the_lists_of_this_repository_can_be_read() {
        for list in [
            "scripts/onnxruntime.toml",
            "scripts/onnxruntime-gpu.toml",
            "scripts/openvino.toml",
            "examples/walk-past/photographs.toml",
        ] {
            assert!(!read_list(&repository(list)).unwrap().is_empty(), "{list}");
        }
    }

    #[test]
    fn a_name_that_leads_out_of_the_folder_is_refused() {
        let text = std::fs::read_to_string(repository("scripts/onnxruntime.toml")).unwrap();
        for name in ["../x", "/x", "x/y", "..", ""] {
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), text.replacen("libonnxruntime.so", name, 1)).unwrap();
            assert!(
                matches!(read_list(file.path()), Err(ListError::BadName { .. })),
                "{name:?}"
            );
        }
    }

    #[test]
    fn a_list_that_is_missing_or_has_an_unknown_key_says_which_and_where() {
        let error = read_list(Path::new("/nowhere/list.toml"))
            .unwrap_err()
            .to_string();
        assert!(error.starts_with("/nowhere/list.toml: "), "{error}");
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "[[file]]\nname = \"x\"\ncolour = 1\n").unwrap();
        let error = read_list(file.path()).unwrap_err().to_string();
        assert!(
            error.contains("line 3") && error.contains("colour"),
            "{error}"
        );
    }
}
