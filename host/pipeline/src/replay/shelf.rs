//! The plugin files among which a replay looks for the one on record, by digest. It reads them and runs nothing.

use std::path::{Path, PathBuf};

use overt_runtime::{PluginBytes, PluginFile};

use super::OtherFile;
use crate::error::PipelineError;
use crate::inputs::Ran;

/// Plugin files.
pub(super) struct Shelf {
    paths: Vec<PathBuf>,
    /// Those that were read; absent while nobody has looked for one.
    read: Option<Vec<Known>>,
}

/// A file with its digest.
#[derive(Clone, Debug)]
pub(super) struct File {
    pub(super) path: PathBuf,
    pub(super) sha256: String,
}

/// What a file is, where it is a plugin.
struct Known {
    file: File,
    about: Option<About>,
}

struct About {
    id: String,
    version: String,
    content_sha256: String,
}

/// What was found for a plugin on record.
pub(super) enum Found {
    /// Its very file, or one that others have signed since.
    File(File),
    /// Only others of its id.
    Others(Vec<OtherFile>),
    /// None of its id.
    Nothing,
}

/// The files in these folders that end with `.wasm`.
pub(super) fn files_in(folders: &[PathBuf]) -> Result<Vec<PathBuf>, PipelineError> {
    let mut paths = Vec::new();
    for folder in folders {
        let refused = |cause| PipelineError::PluginFolder {
            path: folder.clone(),
            cause,
        };
        for entry in std::fs::read_dir(folder).map_err(refused)? {
            let path = entry.map_err(refused)?.path();
            if path
                .extension()
                .is_some_and(|extension| extension == "wasm")
            {
                paths.push(path);
            }
        }
    }
    // The order of a folder is any; what is told of it is not.
    paths.sort();
    Ok(paths)
}

impl Shelf {
    pub(super) fn of(files: impl IntoIterator<Item = PathBuf>) -> Shelf {
        let mut paths = Vec::new();
        for path in files {
            if !paths.contains(&path) {
                paths.push(path);
            }
        }
        Shelf { paths, read: None }
    }

    pub(super) fn find(&mut self, ran: &Ran) -> Found {
        let paths = &self.paths;
        let known = self
            .read
            .get_or_insert_with(|| paths.iter().filter_map(|path| read(path)).collect());
        let exactly = known.iter().find(|known| known.file.sha256 == ran.sha256);
        let signed_since = known.iter().find(|known| {
            let content = known.about.as_ref().map(|about| &about.content_sha256);
            content == Some(&ran.content_sha256)
        });
        if let Some(known) = exactly.or(signed_since) {
            return Found::File(known.file.clone());
        }
        let mut others: Vec<OtherFile> = Vec::new();
        for Known { file, about } in known {
            let Some(about) = about.as_ref().filter(|about| about.id == ran.id) else {
                continue;
            };
            others.push(OtherFile {
                file: file.path.clone(),
                version: about.version.clone(),
                sha256: file.sha256.clone(),
            });
        }
        match others.is_empty() {
            true => Found::Nothing,
            false => Found::Others(others),
        }
    }
}

/// A file's digest, and what it is. One that cannot be read is not there; one that is no plugin has a digest alone.
fn read(path: &Path) -> Option<Known> {
    let bytes = PluginBytes::read(path).ok()?;
    let file = File {
        path: path.to_owned(),
        sha256: bytes.sha256().to_owned(),
    };
    let about = PluginFile::parse(bytes).ok().map(|plugin| About {
        id: plugin.manifest().plugin.id.clone(),
        version: plugin.manifest().plugin.version.to_string(),
        content_sha256: plugin.content_sha256().to_owned(),
    });
    Some(Known { file, about })
}
