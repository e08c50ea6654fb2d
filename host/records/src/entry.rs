//! Why somebody is on the watchlist and where their images come from: the facts of an entry besides face and category, and the rules that they have to keep.
//!
//! What of it stands plain, and what is sealed. Plain rows outlive a look by anybody who has the file, and copies of them outlive the sweep. So they hold what
//! has to be counted and says nothing that the reference does not: wanted for arrest or not, under 18 or not, the kind of an image's source and the day it was taken,
//! and who added it. Sealed under the entry's own key, and gone with it, is what tells of the person: the date of birth, the reasons, the offence, the lawful
//! basis, and why a child is sought.

use crate::audit::Actor;
use crate::error::RecordsError;
use crate::payload::{self, MOST_TEXT, decode, encode};
use crate::retention::Timestamp;
use crate::sealed::{Kind, Sealable};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use zeroize::Zeroizing;

/// Most reasons of an entry.
const MOST_REASONS: usize = 16;

/// Years until somebody is no child.
pub(crate) const OF_AGE: u8 = 18;

/// A day of the calendar, as `2026-11-26`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Day {
    year: i32,
    month: u32,
    day: u32,
}

/// A text is no day.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no day of the calendar such as 2008-05-31")]
pub struct NoDay {
    text: String,
}

impl Day {
    /// The day of a moment, in UTC.
    pub fn of(time: Timestamp) -> Day {
        // From days since 1970 to the calendar, in eras of 400 years that begin in March.
        let days = time.unix_ms().div_euclid(86_400_000) + 719_468;
        let era = days.div_euclid(146_097);
        let of_era = days.rem_euclid(146_097);
        let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * of_year + 2) / 153;
        let month = if shifted < 10 {
            shifted + 3
        } else {
            shifted - 9
        };
        // A time of 64 bits has years of 9 digits.
        Day {
            year: (400 * era + year_of_era + i64::from(month <= 2)) as i32,
            month: month as u32,
            day: (of_year - (153 * shifted + 2) / 5 + 1) as u32,
        }
    }

    /// Days since 1970-01-01.
    pub fn number(self) -> i64 {
        let year = i64::from(self.year) - i64::from(self.month <= 2);
        let era = year.div_euclid(400);
        let shifted = i64::from((self.month + 9) % 12);
        let of_year = (153 * shifted + 2) / 5 + i64::from(self.day) - 1;
        let year = year.rem_euclid(400);
        era * 146_097 + year * 365 + year / 4 - year / 100 + of_year - 719_468
    }

    /// Whether somebody born on this day is younger than so many years on that.
    fn is_under_on(self, years: u8, today: Day) -> bool {
        let of_age = (self.year + i32::from(years), self.month, self.day);
        (today.year, today.month, today.day) < of_age
    }
}

impl FromStr for Day {
    type Err = NoDay;

    fn from_str(text: &str) -> Result<Day, NoDay> {
        let refused = || NoDay {
            text: text.to_owned(),
        };
        let bytes = text.as_bytes();
        let plain = bytes.len() == 10
            && bytes[4] == b'-'
            && bytes[7] == b'-'
            && bytes
                .iter()
                .enumerate()
                .all(|(at, byte)| matches!(at, 4 | 7) || byte.is_ascii_digit());
        if !plain {
            return Err(refused());
        }
        let number = |from: usize, to: usize| text[from..to].parse::<u32>().map_err(|_| refused());
        let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let days = match month {
            1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
            4 | 6 | 9 | 11 => 30,
            2 if leap => 29,
            2 => 28,
            _ => 0,
        };
        match (1..=days).contains(&day) && year >= 1800 {
            true => Ok(Day {
                year: year as i32,
                month,
                day,
            }),
            false => Err(refused()),
        }
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl TryFrom<String> for Day {
    type Error = NoDay;

    fn try_from(text: String) -> Result<Day, NoDay> {
        text.parse()
    }
}

impl From<Day> for String {
    fn from(day: Day) -> String {
        day.to_string()
    }
}

/// Where an image comes from. Forces are asked how many of their images come from where.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ImageSource {
    /// Taken in custody.
    Custody,
    /// The force's own, taken elsewhere.
    Force,
    /// Another force or a public body.
    Partner,
    /// Another, which is named.
    Other(String),
}

/// A text is no source of an image.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no source of an image: custody, force, partner or other:NAME")]
pub struct NoSource {
    text: String,
}

impl FromStr for ImageSource {
    type Err = NoSource;

    fn from_str(text: &str) -> Result<ImageSource, NoSource> {
        match text.trim() {
            "custody" => Ok(ImageSource::Custody),
            "force" => Ok(ImageSource::Force),
            "partner" => Ok(ImageSource::Partner),
            other => match other.strip_prefix("other:").map(str::trim) {
                Some(name) if payload::name("an image's source", name).is_ok() => {
                    Ok(ImageSource::Other(name.to_owned()))
                }
                _ => Err(NoSource {
                    text: text.to_owned(),
                }),
            },
        }
    }
}

impl fmt::Display for ImageSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ImageSource::Custody => f.write_str("custody"),
            ImageSource::Force => f.write_str("force"),
            ImageSource::Partner => f.write_str("partner"),
            ImageSource::Other(name) => write!(f, "other:{name}"),
        }
    }
}

/// What is on record of an image besides the picture.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageFacts {
    /// Where it comes from; absent: it was not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<ImageSource>,
    /// When it was taken; absent: it was not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken: Option<Day>,
}

/// Why a child is sought, and who has approved it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Minor {
    /// Why.
    pub reason: String,
    /// The approval, by its own reference.
    pub approval: String,
}

/// Why somebody is on the watchlist.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grounds {
    /// Whether they are wanted for arrest.
    pub wanted: bool,
    /// Why they are sought; at least one where they are not wanted for arrest.
    pub reasons: Vec<String>,
    /// The class of the offence.
    pub offence: Option<String>,
    /// The lawful basis.
    pub lawful_basis: Option<String>,
    /// When they were born.
    pub born: Option<Day>,
    /// Present where they are under 18.
    pub minor: Option<Minor>,
}

/// Why grounds are not enough to be on the watchlist.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GroundsProblem {
    /// Neither wanted nor a reason.
    #[error(
        "it does not say whether the person is wanted for arrest, or for which reasons they are sought"
    )]
    Neither,
    /// Somebody so young without a reason and an approval of their own.
    #[error("the person is under {under}, and there is no reason or no approval for that")]
    Minor {
        /// The age.
        under: u8,
    },
    /// Said to be under 18, and born earlier.
    #[error("the person is said to be under 18 and was born on {born}")]
    OfAge {
        /// The date of birth.
        born: Day,
    },
    /// Born after today.
    #[error("the date of birth {born} is still to come")]
    Unborn {
        /// The date of birth.
        born: Day,
    },
    /// A text outside its limits.
    #[error("{what} is empty, longer than {MOST_TEXT} bytes, or not printable")]
    Text {
        /// Which.
        what: &'static str,
    },
    /// Too many reasons.
    #[error("{found} reasons, and {MOST_REASONS} is the most")]
    Reasons {
        /// How many.
        found: usize,
    },
}

impl GroundsProblem {
    /// What the reader can do about it.
    pub fn mend(&self) -> &'static str {
        match self {
            Self::Neither => {
                "say `wanted` yes, or give `reasons`: nobody is on a watchlist without either"
            }
            Self::Minor { .. } => {
                "give `under-18-reason` and `under-18-approval`, or leave them out"
            }
            Self::OfAge { .. } => "correct `born`, or leave what is under 18 out",
            Self::Unborn { .. } => "correct `born`",
            Self::Text { .. } => "shorten it to a sentence",
            Self::Reasons { .. } => "name those that count",
        }
    }
}

impl Grounds {
    /// Whether they say that somebody is under 18 at this time.
    pub fn is_minor(&self, now: Timestamp) -> bool {
        let today = Day::of(now);
        self.minor.is_some()
            || self
                .born
                .is_some_and(|born| born.is_under_on(OF_AGE, today))
    }

    /// Whether they are enough, where whoever is under this age has a reason and an approval of their own: 18, or more by the force's rules.
    ///
    /// # Errors
    /// [`GroundsProblem`].
    pub fn check(&self, now: Timestamp, under: u8) -> Result<(), GroundsProblem> {
        let under = under.max(OF_AGE);
        let today = Day::of(now);
        if !self.wanted && self.reasons.is_empty() {
            return Err(GroundsProblem::Neither);
        }
        if self.reasons.len() > MOST_REASONS {
            let found = self.reasons.len();
            return Err(GroundsProblem::Reasons { found });
        }
        let texts = self
            .reasons
            .iter()
            .map(|reason| ("a reason", reason))
            .chain(self.offence.iter().map(|text| ("the offence", text)))
            .chain(
                self.lawful_basis
                    .iter()
                    .map(|text| ("the lawful basis", text)),
            );
        for (what, text) in texts {
            if !is_text(text) {
                return Err(GroundsProblem::Text { what });
            }
        }
        match (self.born, &self.minor) {
            (Some(born), _) if born > today => Err(GroundsProblem::Unborn { born }),
            (Some(born), Some(_)) if !born.is_under_on(under, today) => {
                Err(GroundsProblem::OfAge { born })
            }
            (Some(born), None) if born.is_under_on(under, today) => {
                Err(GroundsProblem::Minor { under })
            }
            (_, Some(minor)) if !(is_text(&minor.reason) && is_text(&minor.approval)) => {
                Err(GroundsProblem::Minor { under })
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn checked(
        &self,
        whose: &str,
        now: Timestamp,
        under: u8,
    ) -> Result<(), RecordsError> {
        self.check(now, under)
            .map_err(|cause| RecordsError::Grounds {
                reference: whose.to_owned(),
                cause,
            })
    }
}

/// A sentence: not empty, not long, printable.
pub(crate) fn is_text(text: &str) -> bool {
    !text.trim().is_empty() && text.len() <= MOST_TEXT && !text.chars().any(char::is_control)
}

/// Who added an entry, and by which authority, as its row says it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddedBy {
    /// Who.
    pub by: Actor,
    /// Where it was added while a deployment went on: why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// And the reference of the authority for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authority: Option<String>,
}

/// The fields of [`Grounds`] in their sealed order; an approval for a child as reason and reference.
type Fields = (
    bool,
    Vec<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<(String, String)>,
);

impl Sealable for Grounds {
    const KIND: Kind = Kind::Grounds;

    fn encode(&self) -> Result<Zeroizing<Vec<u8>>, RecordsError> {
        let born = self.born.map(|born| born.to_string());
        let minor = self.minor.as_ref();
        let minor = minor.map(|minor| (&*minor.reason, &*minor.approval));
        encode(&(
            self.wanted,
            &self.reasons,
            &self.offence,
            &self.lawful_basis,
            born,
            minor,
        ))
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (wanted, reasons, offence, lawful_basis, born, minor): Fields = decode(bytes)?;
        let born = match born {
            Some(born) => Some(born.parse().ok()?),
            None => None,
        };
        Some(Self {
            wanted,
            reasons,
            offence,
            lawful_basis,
            born,
            minor: minor.map(|(reason, approval)| Minor { reason, approval }),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn day(text: &str) -> Day {
        text.parse().unwrap()
    }

    /// Noon of that day.
    fn on(text: &str) -> Timestamp {
        Timestamp::from_unix_ms(day(text).number() * 86_400_000 + 43_200_000)
    }

    proptest! {
        #[test]
        fn a_day_is_the_day_of_its_own_moments(number in -60_000_i64..60_000, within in 0_i64..86_400_000) {
            let day = Day::of(Timestamp::from_unix_ms(number * 86_400_000 + within));
            prop_assert_eq!(day.number(), number);
            prop_assert_eq!(day.to_string().parse::<Day>().unwrap(), day);
        }
    }

    #[test]
    fn no_day_is_taken_that_no_calendar_has() {
        assert_eq!(day("2024-02-29").number() - day("2024-02-28").number(), 1);
        assert_eq!(day("1970-01-01").number(), 0);
        for text in [
            "2025-02-29",
            "2025-13-01",
            "2025-00-10",
            "2025-1-1",
            "01/02/2025",
            "",
            "２025-01-01",
        ] {
            assert!(text.parse::<Day>().is_err(), "{text}");
        }
    }

    #[test]
    fn somebody_is_of_age_on_their_eighteenth_birthday() {
        let born = |born: &str| Grounds {
            wanted: true,
            born: Some(day(born)),
            ..Grounds::default()
        };
        let now = on("2026-11-26");
        assert_eq!(born("2008-11-26").check(now, 18), Ok(()));
        assert_eq!(
            born("2008-11-27").check(now, 18),
            Err(GroundsProblem::Minor { under: 18 })
        );
        assert!(matches!(
            born("2026-11-27").check(now, 18),
            Err(GroundsProblem::Unborn { .. })
        ));
    }

    #[test]
    fn a_child_needs_a_reason_and_an_approval_and_nobody_else_has_them() {
        let minor = |reason: &str, approval: &str| Grounds {
            wanted: true,
            minor: Some(Minor {
                reason: reason.into(),
                approval: approval.into(),
            }),
            ..Grounds::default()
        };
        let now = on("2026-11-26");
        assert_eq!(minor("at risk", "ACC 12/26").check(now, 18), Ok(()));
        assert_eq!(
            minor("", "ACC").check(now, 18),
            Err(GroundsProblem::Minor { under: 18 })
        );
        assert_eq!(
            minor("at risk", " ").check(now, 18),
            Err(GroundsProblem::Minor { under: 18 })
        );
        let mut grown = minor("at risk", "ACC");
        grown.born = Some(day("1990-01-01"));
        let born = day("1990-01-01");
        assert_eq!(grown.check(now, 18), Err(GroundsProblem::OfAge { born }));
    }

    #[test]
    fn who_is_not_wanted_has_a_reason() {
        let now = on("2026-11-26");
        let mut grounds = Grounds::default();
        assert_eq!(grounds.check(now, 18), Err(GroundsProblem::Neither));
        grounds.reasons.push("missing since May".into());
        assert_eq!(grounds.check(now, 18), Ok(()));
        grounds.reasons.push("a\u{7}".into());
        assert_eq!(
            grounds.check(now, 18),
            Err(GroundsProblem::Text { what: "a reason" })
        );
    }

    #[test]
    fn a_source_is_one_of_three_or_has_a_name() {
        for text in ["custody", "force", "partner", "other:Interpol"] {
            assert_eq!(text.parse::<ImageSource>().unwrap().to_string(), text);
        }
        for text in ["", "other", "other:", "social media"] {
            assert!(text.parse::<ImageSource>().is_err(), "{text}");
        }
    }

    #[test]
    fn what_was_sealed_of_grounds_comes_back() {
        let grounds = Grounds {
            wanted: false,
            reasons: vec!["missing".into(), "at risk".into()],
            offence: None,
            lawful_basis: Some("common law".into()),
            born: Some(day("2010-02-03")),
            minor: Some(Minor {
                reason: "at risk".into(),
                approval: "ACC 1".into(),
            }),
        };
        assert_eq!(Grounds::decode(&grounds.encode().unwrap()), Some(grounds));
    }
}
