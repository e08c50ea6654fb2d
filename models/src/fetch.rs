//! Brings pinned files to their places: through the registry, out of the archive, changed as a card says, checked, and only then under
//! their final name. So a file that is there is whole, whatever was interrupted.

use std::collections::HashMap;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::archive::{self, ArchiveError};
use crate::card::{Card, Status, file_status, status};
use crate::files::PinnedFile;
use crate::patch::{self, PatchError};
use crate::registry::{self, RegistryError};
use crate::source::{Sha256Hex, Source};

/// Is told what is being done.
pub trait Progress {
    /// A line for a person, without an end of line.
    fn step(&mut self, what: &str);
}

/// Why a file could not be fetched.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {cause}")]
pub struct FetchError {
    /// The file that was wanted.
    pub file: String,
    /// What went wrong.
    pub cause: Box<FetchCause>,
}

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum FetchCause {
    /// The archive could not be had.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The file could not be taken out of the archive.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The changes of the card could not be made.
    #[error(transparent)]
    Patch(#[from] PatchError),
    /// The file is not the pinned one.
    #[error("{what} has SHA-256 {found}, expected {expected}; it was thrown away")]
    Differs {
        /// Which state of the file.
        what: &'static str,
        /// The pinned digest.
        expected: Sha256Hex,
        /// The digest of what came.
        found: Sha256Hex,
    },
    /// The file could not be put in its place.
    #[error("{path}: {cause}")]
    Io {
        /// Where.
        path: PathBuf,
        /// The system's reason.
        cause: io::Error,
    },
}

/// Fetches one model into a folder, and gives its path. Does nothing if it is there already.
///
/// For several models use one [`Fetcher`], which fetches a package once.
pub fn fetch(
    card: &Card,
    folder: &Path,
    progress: &mut dyn Progress,
) -> Result<PathBuf, FetchError> {
    Fetcher::default().model(card, folder, progress)
}

/// Fetches files, each package once. The packages are gone with it.
#[derive(Default)]
pub struct Fetcher {
    workplace: Option<tempfile::TempDir>,
    archives: HashMap<Sha256Hex, PathBuf>,
}

impl Fetcher {
    /// Fetches a model into a folder, and gives its path. Does nothing if it is there already; replaces a file that differs.
    pub fn model(
        &mut self,
        card: &Card,
        folder: &Path,
        progress: &mut dyn Progress,
    ) -> Result<PathBuf, FetchError> {
        let path = folder.join(card.file_name());
        if status(card, folder) == Status::Present {
            return Ok(path);
        }
        let named = |cause: FetchCause| FetchError {
            file: card.file_name(),
            cause: Box::new(cause),
        };
        let original = self.take(&card.source, progress).map_err(named)?;
        check("the file in the package", &original, &card.original_sha256).map_err(named)?;
        let model = patch::apply(&original, &card.patches).map_err(|cause| named(cause.into()))?;
        check("the changed model", &model, &card.sha256).map_err(named)?;
        place(&path, &model).map_err(named)?;
        Ok(path)
    }

    /// Fetches a file of a list into a folder, and gives its path. Does nothing if it is there already; replaces a file that differs.
    pub fn file(
        &mut self,
        file: &PinnedFile,
        folder: &Path,
        progress: &mut dyn Progress,
    ) -> Result<PathBuf, FetchError> {
        let path = folder.join(&file.name);
        if file_status(&path, &file.sha256) == Status::Present {
            return Ok(path);
        }
        let named = |cause: FetchCause| FetchError {
            file: file.name.clone(),
            cause: Box::new(cause),
        };
        let bytes = self.take(&file.source, progress).map_err(named)?;
        check("the file in the package", &bytes, &file.sha256).map_err(named)?;
        place(&path, &bytes).map_err(named)?;
        Ok(path)
    }

    fn take(
        &mut self,
        source: &Source,
        progress: &mut dyn Progress,
    ) -> Result<Vec<u8>, FetchCause> {
        let archive = match self.archives.get(&source.archive_sha256) {
            Some(archive) => archive.clone(),
            None => {
                let Source {
                    package,
                    version,
                    registry,
                    ..
                } = source;
                progress.step(&format!(
                    "fetching {package} {version} from {}",
                    registry.name()
                ));
                let folder = self.folder_for(source)?;
                let archive = registry::fetch(source, &folder)?;
                self.archives
                    .insert(source.archive_sha256.clone(), archive.clone());
                archive
            }
        };
        Ok(archive::extract(&archive, &source.path)?)
    }

    /// A new folder, for one try at one archive.
    fn folder_for(&mut self, source: &Source) -> Result<PathBuf, FetchCause> {
        let temporary = |cause| FetchCause::Io {
            path: std::env::temp_dir(),
            cause,
        };
        let workplace = match self.workplace.take() {
            Some(workplace) => workplace,
            None => tempfile::tempdir().map_err(temporary)?,
        };
        let workplace = self.workplace.insert(workplace);
        let folder = tempfile::Builder::new()
            .prefix(&source.package)
            .tempdir_in(workplace.path())
            .map_err(temporary)?;
        Ok(folder.keep())
    }
}

fn check(what: &'static str, bytes: &[u8], expected: &Sha256Hex) -> Result<(), FetchCause> {
    let found = Sha256Hex::of(bytes);
    if found == *expected {
        Ok(())
    } else {
        Err(FetchCause::Differs {
            what,
            expected: expected.clone(),
            found,
        })
    }
}

/// Writes beside the final name, and renames.
fn place(path: &Path, bytes: &[u8]) -> Result<(), FetchCause> {
    let failed = |cause| FetchCause::Io {
        path: path.to_owned(),
        cause,
    };
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(failed)?;
    let mut file = tempfile::Builder::new()
        .prefix(".fetching-")
        .tempfile_in(folder)
        .map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    make_readable(file.as_file()).map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

/// Temporary files are private; what is fetched is for every user of the machine.
fn make_readable(file: &std::fs::File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}
