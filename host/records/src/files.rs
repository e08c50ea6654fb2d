//! Private files, written so that a crash or a full disk leaves the old content or the new, and destroyed by overwriting.
//! Knows nothing of what is in them.

use crate::error::RecordsError;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Says which file an error of the operating system is about, and tells a full disk from everything else.
pub(crate) fn io_error(path: &Path, cause: io::Error) -> RecordsError {
    let path = path.to_path_buf();
    match cause.kind() {
        // The last is what a process gets at its own file size limit.
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            RecordsError::Full { path }
        }
        _ => RecordsError::Io { path, cause },
    }
}

/// Attaches a path to an I/O result.
pub(crate) trait At<T> {
    fn at(self, path: &Path) -> Result<T, RecordsError>;
}

impl<T> At<T> for io::Result<T> {
    fn at(self, path: &Path) -> Result<T, RecordsError> {
        self.map_err(|cause| io_error(path, cause))
    }
}

/// Opens a file for reading and writing that only its owner may read; makes it where there is none.
pub(crate) fn open_private(path: &Path) -> Result<File, RecordsError> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .at(path)
}

/// Writes a new private file and waits until it is on disk. A file of that name must not exist.
pub(crate) fn write_private(path: &Path, content: &[u8]) -> Result<File, RecordsError> {
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .at(path)?;
    file.write_all(content).at(path)?;
    file.sync_all().at(path)?;
    Ok(file)
}

/// Waits until the names in the file's folder are on disk.
pub(crate) fn sync_folder_of(path: &Path) -> Result<(), RecordsError> {
    let folder = folder_of(path);
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .at(folder)
}

/// The folder that a file lies in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Overwrites a file with zeros, waits until they are on disk, and removes it. Nothing happens where there is no such
/// file; what is not a plain file (a link, say) is only removed, for its target is not ours.
///
/// # Errors
/// [`RecordsError::Io`] with its path.
pub fn destroy(path: &Path) -> Result<(), RecordsError> {
    let found = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        found => found.at(path)?,
    };
    if found.is_file() {
        let mut file = OpenOptions::new().write(true).open(path).at(path)?;
        let zeros = [0u8; 1 << 16];
        let mut left = found.len();
        while left > 0 {
            let now = left.min(zeros.len() as u64) as usize;
            file.write_all(&zeros[..now]).at(path)?;
            left -= now as u64;
        }
        file.sync_all().at(path)?;
    }
    fs::remove_file(path).at(path)?;
    sync_folder_of(path)
}

/// `records.keys` and `new` make `records.keys.new`.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    name.into()
}

/// What tells a file from every other of this machine: its device and number.
pub(crate) type FileIdentity = (u64, u64);

/// Which file is open.
pub(crate) fn identity(file: &File, path: &Path) -> Result<FileIdentity, RecordsError> {
    let found = file.metadata().at(path)?;
    Ok((found.dev(), found.ino()))
}

/// Which file has this name now; `None` where none has.
pub(crate) fn identity_at(path: &Path) -> Result<Option<FileIdentity>, RecordsError> {
    match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        found => {
            let found = found.at(path)?;
            Ok(Some((found.dev(), found.ino())))
        }
    }
}

/// The same as [`destroy`] for a file that other processes may be about to open as a store: none of them reads it while it is overwritten.
pub(crate) fn destroy_unused(path: &Path) -> Result<(), RecordsError> {
    let file = match OpenOptions::new().write(true).open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        opened => opened.at(path)?,
    };
    // The lock that redb takes of a file.
    file.lock().at(path)?;
    match destroy(path) {
        // Somebody else was faster.
        Err(RecordsError::Io { cause, .. }) if cause.kind() == ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

/// Whether two names stand for one file. False where either does not exist.
pub(crate) fn same_file(one: &Path, other: &Path) -> bool {
    match (fs::symlink_metadata(one), fs::symlink_metadata(other)) {
        (Ok(one), Ok(other)) => one.dev() == other.dev() && one.ino() == other.ino(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn a_destroyed_file_holds_zeros_under_every_other_name_it_has() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("secret"), folder.path().join("other"));
        drop(write_private(&path, &[7; 200_000]).unwrap());
        fs::hard_link(&path, &other).unwrap();
        destroy(&path).unwrap();
        assert!(!path.exists());
        assert_eq!(fs::read(&other).unwrap(), vec![0; 200_000]);
    }

    #[test]
    fn destroying_a_link_leaves_its_target_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (target, link) = (folder.path().join("target"), folder.path().join("link"));
        fs::write(&target, "not ours").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        destroy(&link).unwrap();
        assert!(!link.exists());
        assert_eq!(fs::read_to_string(&target).unwrap(), "not ours");
    }

    #[test]
    fn every_sign_of_a_full_disk_is_told_from_other_failures() {
        for kind in [
            ErrorKind::StorageFull,
            ErrorKind::QuotaExceeded,
            ErrorKind::FileTooLarge,
        ] {
            let error = io_error(Path::new("x"), kind.into());
            assert!(matches!(error, RecordsError::Full { .. }), "{kind}");
        }
        let error = io_error(Path::new("x"), ErrorKind::PermissionDenied.into());
        assert!(matches!(error, RecordsError::Io { .. }));
    }
}
