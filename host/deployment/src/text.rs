//! The text of a deployment file: read once, size-capped, and able to say which line and column a byte is on. It knows nothing of what the
//! text means.

use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::limits;
use crate::problem::{Position, Problem, Problems};

/// A file's name and text; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Text {
    file: Arc<Path>,
    source: Arc<str>,
}

impl Text {
    pub(crate) fn new(file: &Path, source: String) -> Self {
        Self {
            file: file.into(),
            source: source.into(),
        }
    }

    /// Reads at most [`limits::FILE_BYTES`] of UTF-8 of a file of this kind.
    pub(crate) fn read(file: &Path, kind: &str) -> Result<Self, Problems> {
        let unreadable = |found: String, mend: &str| {
            Self::new(file, String::new()).whole(
                format!("a {kind} that can be read"),
                found,
                mend.to_owned(),
            )
        };
        let bytes = read_capped(file).map_err(|error| {
            let mend = match error.kind() {
                std::io::ErrorKind::NotFound => "check the path, and the folder that you are in",
                std::io::ErrorKind::PermissionDenied => "let the user who runs overt read it",
                std::io::ErrorKind::IsADirectory => {
                    "name the deployment file in the folder, such as `deployment.toml`"
                }
                _ => "make the file readable",
            };
            unreadable(error.to_string(), mend)
        })?;
        if bytes.len() as u64 > limits::FILE_BYTES {
            let expected = format!("a {kind} of at most {} bytes", limits::FILE_BYTES);
            let mend = format!(
                "check that this is a {kind}; what is large belongs in files that it names"
            );
            return Err(Self::new(file, String::new()).whole(
                expected,
                "more than that".to_owned(),
                mend,
            ));
        }
        match String::from_utf8(bytes) {
            Ok(source) => Ok(Self::new(file, source)),
            Err(error) => {
                let at = error.utf8_error().valid_up_to();
                let text = Self::new(file, String::from_utf8_lossy(error.as_bytes()).into_owned());
                let found = format!(
                    "the byte 0x{:02x}",
                    error.as_bytes().get(at).copied().unwrap_or_default()
                );
                // What stands before the first bad byte is the same in the lossy text, so `at` is a position in it too.
                let end = text.source[at..]
                    .chars()
                    .next()
                    .map_or(at, |first| at + first.len_utf8());
                let problem = text.problem(
                    at..end,
                    String::new(),
                    "UTF-8 text".to_owned(),
                    found,
                    "save the file as UTF-8".to_owned(),
                );
                Err(Problems::new(vec![problem], 0, text))
            }
        }
    }

    pub(crate) fn file(&self) -> &Path {
        &self.file
    }

    pub(crate) fn source(&self) -> &str {
        &self.source
    }

    /// A path of the file, resolved against the file's folder.
    pub(crate) fn resolve(&self, path: &str) -> PathBuf {
        self.file.parent().unwrap_or(Path::new("")).join(path)
    }

    /// A mistake at these bytes. What comes from the file is made safe for a terminal here, for every way of showing it.
    pub(crate) fn problem(
        &self,
        span: Range<usize>,
        key: String,
        expected: String,
        found: String,
        mend: String,
    ) -> Problem {
        Problem {
            file: self.file.to_path_buf(),
            position: Some(self.position(span.start)),
            key: printable(key),
            expected: printable(expected),
            found: printable(found),
            mend: printable(mend),
            span,
        }
    }

    /// One problem with the file as a whole.
    fn whole(self, expected: String, found: String, mend: String) -> Problems {
        let file = self.file.to_path_buf();
        let problem = Problem {
            file,
            position: None,
            key: String::new(),
            expected,
            found,
            mend,
            span: 0..0,
        };
        Problems::new(vec![problem], 0, self)
    }

    fn position(&self, byte: usize) -> Position {
        let before = &self.source.as_bytes()[..byte.min(self.source.len())];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        let start = before
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |newline| newline + 1);
        let column = String::from_utf8_lossy(&before[start..]).chars().count() + 1;
        // The file is at most 2^20 bytes, so both fit.
        Position {
            line: line as u32,
            column: column as u32,
        }
    }
}

/// One byte more than allowed, if the file has it: enough to tell.
fn read_capped(file: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(file)?
        .take(limits::FILE_BYTES + 1)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Without control characters: a terminal obeys them.
fn printable(text: String) -> String {
    if text.chars().any(char::is_control) {
        text.chars()
            .map(|c| {
                if c.is_control() {
                    char::REPLACEMENT_CHARACTER
                } else {
                    c
                }
            })
            .collect()
    } else {
        text
    }
}
