//! A field of a record: what is recorded, or why nothing stands there. A zero always means that somebody counted and found none.

use serde::{Deserialize, Serialize};

/// A field. In JSON it is an object with one key, the variant's name: `{"recorded": 11}`, `{"redacted": "…"}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Field<T> {
    /// The value.
    Recorded(T),
    /// Nobody recorded it, and why.
    NotRecorded(String),
    /// It has no meaning here, and why: a live deployment has no stored footage.
    NotApplicable(String),
    /// It was recorded, and its retention has ended.
    Expired(String),
    /// It is recorded and left out of what is published, and why.
    Redacted(String),
}

/// Why a field has no value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Absence {
    /// Which kind of absence.
    pub kind: AbsenceKind,
    /// In the words of whoever knows.
    pub reason: String,
}

/// The kinds of absence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum AbsenceKind {
    NotRecorded,
    NotApplicable,
    Expired,
    Redacted,
}

impl AbsenceKind {
    /// As people read it.
    pub fn words(self) -> &'static str {
        match self {
            Self::NotRecorded => "not recorded",
            Self::NotApplicable => "does not apply",
            Self::Expired => "expired",
            Self::Redacted => "redacted",
        }
    }
}

impl std::fmt::Display for Absence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.kind.words(), self.reason)
    }
}

impl<T> Field<T> {
    /// Nobody recorded it.
    pub fn not_recorded(reason: impl Into<String>) -> Self {
        Self::NotRecorded(reason.into())
    }

    /// What is recorded where it is, or what was left open where not.
    pub fn from_option(value: Option<T>, reason: impl Into<String>) -> Self {
        match value {
            Some(value) => Self::Recorded(value),
            None => Self::NotRecorded(reason.into()),
        }
    }

    /// The value, or why there is none.
    ///
    /// # Errors
    /// [`Absence`].
    pub fn get(&self) -> Result<&T, Absence> {
        let (kind, reason) = match self {
            Self::Recorded(value) => return Ok(value),
            Self::NotRecorded(reason) => (AbsenceKind::NotRecorded, reason),
            Self::NotApplicable(reason) => (AbsenceKind::NotApplicable, reason),
            Self::Expired(reason) => (AbsenceKind::Expired, reason),
            Self::Redacted(reason) => (AbsenceKind::Redacted, reason),
        };
        let reason = reason.clone();
        Err(Absence { kind, reason })
    }

    /// The value, if there is one.
    pub fn value(&self) -> Option<&T> {
        self.get().ok()
    }
}

impl<T> From<T> for Field<T> {
    fn from(value: T) -> Self {
        Self::Recorded(value)
    }
}

impl<T> Default for Field<T> {
    fn default() -> Self {
        Self::not_recorded("the facts that this record was made from do not say")
    }
}
