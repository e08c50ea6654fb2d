//! A channel that is a file: lines of JSON at its end, each on disk before it counts as delivered.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use super::NotTaken;

/// Linux's `O_NOFOLLOW`: the file and not what a link there leads to.
const NO_FOLLOW: i32 = 0o400_000;

/// Adds a line.
pub(super) fn append(path: &Path, line: &str) -> Result<(), NotTaken> {
    let not_taken = |error: &dyn std::fmt::Display, never_left| NotTaken {
        cause: format!("{}: {error}", path.display()),
        never_left,
        nobody: true,
    };
    let (mut file, is_cut) = open(path).map_err(|error| not_taken(&error, true))?;
    let mut text = String::with_capacity(line.len() + 2);
    if is_cut {
        text.push('\n');
    }
    text.push_str(line);
    text.push('\n');
    let written = file.write_all(text.as_bytes());
    written
        .and_then(|()| file.sync_data())
        .map_err(|error| not_taken(&error, false))
}

/// The file at its end, and whether its last line was cut short: a kill or a full disk can do that, and what follows must not be joined to it.
fn open(path: &Path) -> io::Result<(File, bool)> {
    let file = OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .mode(0o600)
        .custom_flags(NO_FOLLOW)
        .open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() || metadata.mode() & 0o077 != 0 {
        return Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            "it is no file of its owner's alone (mode 0600)",
        ));
    }
    let mut last = [b'\n'];
    if let Some(end) = metadata.len().checked_sub(1) {
        file.read_exact_at(&mut last, end)?;
    }
    Ok((file, last != [b'\n']))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn lines_are_added_and_a_line_that_was_cut_short_is_not_joined_to_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("desk.jsonl");
        append(&path, "{\"a\":1}").unwrap();
        append(&path, "{\"a\":2}").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "{\"a\":1}\n{\"a\":2}\n");
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        fs::write(&path, "{\"a\":1}\n{\"a\"").unwrap();
        append(&path, "{\"a\":2}").unwrap();
        let lines = fs::read_to_string(&path).unwrap();
        assert_eq!(lines, "{\"a\":1}\n{\"a\"\n{\"a\":2}\n");
    }

    #[test]
    fn a_file_that_others_can_read_and_a_link_get_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let open = folder.path().join("open.jsonl");
        fs::write(&open, "").unwrap();
        fs::set_permissions(&open, Permissions::from_mode(0o640)).unwrap();
        let link = folder.path().join("link.jsonl");
        std::os::unix::fs::symlink(folder.path().join("elsewhere"), &link).unwrap();
        for path in [&open, &link] {
            let refused = append(path, "{}").unwrap_err();
            assert!(refused.never_left && refused.nobody, "{refused:?}");
        }
        assert_eq!(fs::read_to_string(&open).unwrap(), "");
        assert!(!folder.path().join("elsewhere").exists());
    }
}
