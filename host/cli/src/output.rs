//! What a command prints and what files it leaves, and whether somebody or a program reads it. It knows no command.

use std::fs::Permissions;
use std::io::{ErrorKind, IsTerminal, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde::Serialize;

use crate::failure::Failure;

/// Prints to standard output. A reader who has seen enough (`overt models list | head -1`) is no failure.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::file(Path::new("standard output"), &error))
        }
        _ => Ok(()),
    }
}

/// Prints a value as JSON, indented.
pub(crate) fn print_json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|error| Failure::new(format!("no JSON can be made: {error}"), ""))?;
    print(&(text + "\n"))
}

/// Says something on standard error. Where that cannot be written, because its reader has gone or the disk is full, it is not said; nothing else
/// ends for that.
pub(crate) fn say(text: &str) {
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

/// The folder that a file is in.
pub(crate) fn folder_of(file: &Path) -> &Path {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Writes a file for its owner's eyes, beside its place, and renames it: nobody meets half a file, and what was there stays until the new one is whole.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), Failure> {
    put(path, text.as_bytes(), 0o600).map_err(|error| Failure::file(path, &error))
}

/// The same for every user of the machine; the umask takes away what it takes away.
pub(crate) fn write_for_all(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    put(path, bytes, 0o644)
}

fn put(path: &Path, bytes: &[u8], mode: u32) -> std::io::Result<()> {
    let mut file = tempfile::Builder::new()
        .prefix(".writing-")
        .permissions(Permissions::from_mode(mode))
        .tempfile_in(folder_of(path))?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// Whether a person looks at standard error.
pub(crate) fn stderr_is_a_terminal() -> bool {
    std::io::stderr().is_terminal()
}

/// Whether colours belong on standard error: on a terminal, unless `NO_COLOR` is set to anything (https://no-color.org).
pub(crate) fn colour_on_stderr() -> bool {
    stderr_is_a_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Text of a file or a plugin without control characters: a terminal obeys them.
pub(crate) fn printable(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_control() && c != '\n' {
                char::REPLACEMENT_CHARACTER
            } else {
                c
            }
        })
        .collect()
}

/// Lines of two columns, the first as wide as its widest.
pub(crate) fn columns<'a>(rows: impl IntoIterator<Item = (&'a str, String)>) -> String {
    let rows: Vec<_> = rows.into_iter().collect();
    let width = rows
        .iter()
        .map(|(name, _)| name.chars().count())
        .max()
        .unwrap_or(0);
    rows.iter()
        .map(|(name, value)| format!("{name:<width$}  {value}\n"))
        .collect()
}
