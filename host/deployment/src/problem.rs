//! A mistake in a deployment file, with everything that somebody needs to mend it. It does not know how it is shown: that is `render`.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::text::Text;

/// A place in a text file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Position {
    /// From 1.
    pub line: u32,
    /// In characters, from 1.
    pub column: u32,
}

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Problem {
    /// The file, as it was named.
    #[serde(serialize_with = "as_shown")]
    pub file: PathBuf,
    /// Where in the file; absent where the file could not be read at all.
    #[serde(flatten)]
    pub position: Option<Position>,
    /// The key's path, such as `camera[1].kind` (the second camera); empty where the file as a whole is meant.
    pub key: String,
    /// What would have been right.
    pub expected: String,
    /// What stands there.
    pub found: String,
    /// What to do about it.
    pub mend: String,
    /// Bytes of the text that the mistake covers.
    #[serde(skip)]
    pub(crate) span: Range<usize>,
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.file.display())?;
        if let Some(Position { line, column }) = self.position {
            write!(formatter, ":{line}:{column}")?;
        }
        if !self.key.is_empty() {
            write!(formatter, ": {}", self.key)?;
        }
        write!(
            formatter,
            ": expected {}, found {}: {}",
            self.expected, self.found, self.mend
        )
    }
}

/// Every mistake of one file, in the order of its lines; at least one.
#[derive(Clone, Debug)]
pub struct Problems {
    list: Vec<Problem>,
    pub(crate) omitted: usize,
    pub(crate) text: Text,
}

impl Problems {
    /// `list`: at least one, in any order. `omitted`: how many more there are.
    pub(crate) fn new(mut list: Vec<Problem>, omitted: usize, text: Text) -> Self {
        list.sort_by(|a, b| (a.span.start, &a.key).cmp(&(b.span.start, &b.key)));
        Self {
            list,
            omitted,
            text,
        }
    }

    /// The mistakes, in the order of the file's lines.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.list.iter()
    }

    /// How many there are: 1 to 100. Further ones are counted by [`Problems::omitted`].
    #[allow(clippy::len_without_is_empty)] // Never empty.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// How many more mistakes the file has than are listed.
    pub fn omitted(&self) -> usize {
        self.omitted
    }
}

impl<'a> IntoIterator for &'a Problems {
    type Item = &'a Problem;
    type IntoIter = std::slice::Iter<'a, Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl Serialize for Problems {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(&self.list)
    }
}

/// One line per mistake.
impl fmt::Display for Problems {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.list.iter().enumerate() {
            if index > 0 {
                writeln!(formatter)?;
            }
            write!(formatter, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// A path that is no UTF-8 is no reason to tell nobody what is wrong.
fn as_shown<S: serde::Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&path.display())
}
