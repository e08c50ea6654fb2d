//! How long a class of data may be kept, and the one clock type. No clock is read here: the caller gives the time.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::io::ErrorKind;
use std::path::PathBuf;

/// A moment: milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From milliseconds since 1970-01-01T00:00:00Z.
    pub const fn from_unix_ms(milliseconds: i64) -> Self {
        Self(milliseconds)
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub const fn unix_ms(self) -> i64 {
        self.0
    }

    /// So many hours later; the latest moment there is where that would overflow.
    pub const fn after_hours(self, hours: u32) -> Self {
        Self(self.0.saturating_add(hours as i64 * 3_600_000))
    }
}

impl fmt::Display for Timestamp {
    /// Milliseconds since 1970, for messages; the command line formats times for people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms", self.0)
    }
}

/// A class of sealed data with a retention limit of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RetentionClass {
    /// Images and templates of the people sought.
    Watchlist,
    /// The probe crop, scores and reason of an alert.
    Alerts,
    /// What the plugins were asked for an alert.
    Inputs,
}

impl RetentionClass {
    /// The number that stands for it in files. Never reuse one.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Watchlist => 1,
            Self::Alerts => 2,
            Self::Inputs => 3,
        }
    }

    pub(crate) const fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Watchlist),
            2 => Some(Self::Alerts),
            3 => Some(Self::Inputs),
            _ => None,
        }
    }
}

/// The deployment's limit per class, in hours from the moment of storing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retention {
    /// Hours that an alert's crop, scores and reason are kept.
    pub alerts_hours: u32,
    /// Hours that what the plugins were asked for an alert is kept.
    pub inputs_hours: u32,
    /// Hours that watchlist images and templates are kept.
    pub watchlist_hours: u32,
}

impl Retention {
    /// When something of a class that is stored now has to be gone.
    pub fn expires(self, class: RetentionClass, now: Timestamp) -> Timestamp {
        now.after_hours(match class {
            RetentionClass::Watchlist => self.watchlist_hours,
            RetentionClass::Alerts => self.alerts_hours,
            RetentionClass::Inputs => self.inputs_hours,
        })
    }
}

/// How much of a class is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retained {
    /// Which class.
    pub class: RetentionClass,
    /// Sealed records.
    pub records: u64,
    /// When the first of them has to be gone; a hold can keep it longer.
    pub first_expires_at: Timestamp,
    /// When the last of them has to be gone.
    pub last_expires_at: Timestamp,
}

/// What a retention sweep destroyed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SweepReport {
    /// Watchlist images whose picture and template are gone.
    pub watchlist_images: usize,
    /// Watchlist entries that have no image left and are gone with them.
    pub watchlist_entries: usize,
    /// Those images, by reference and number.
    pub images: Vec<(String, u32)>,
    /// Alerts that were withdrawn: nobody had judged them to their end, and their entry is gone.
    pub withdrawn: Vec<u32>,
    /// Alerts whose crop, scores and reason are gone; that they were raised stays on record.
    pub alerts: usize,
    /// Inputs that are gone, so that their alerts replay no more: one for each alert, and one more for each about which the router was asked once it was passed.
    pub inputs: usize,
    /// Files that showed faces or scores and are gone.
    pub exports: usize,
    /// Files that should be gone and cannot be removed, and why not: the next sweep tries again.
    pub exports_left: Vec<(PathBuf, ErrorKind)>,
}

/// What has gone from a watchlist because its retention was over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoneByRetention {
    /// Images.
    pub images: u64,
    /// Entries that had no image left.
    pub entries: u64,
    /// Alerts that were withdrawn for it.
    pub withdrawn: u64,
}
