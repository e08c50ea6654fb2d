//! The force's register, as publication needs it: every deployment has a number from before it may start, so nothing can be left out without a gap.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::record::Mode;
use crate::text::day;

/// The register up to a moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Register {
    /// The newest number that it has given; 0 where it has given none. It comes from the register's head, not from the entries.
    pub last_number: u64,
    /// Every entry, whatever its dates.
    pub entries: Vec<RegisterEntry>,
    /// Numbers whose entries are gone by the period of the force's rules, as its log says.
    #[serde(default)]
    pub gone: Vec<Gone>,
}

/// Numbers in a row whose entries are gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Gone {
    /// The first.
    pub first: u64,
    /// The last.
    pub last: u64,
    /// When they went.
    pub at: Timestamp,
    /// All that was in them was planned for a time before this, and ended before it.
    pub before: Timestamp,
    /// Version of the rules by which they went.
    pub rules_version: u64,
}

impl Gone {
    /// As people read it: `1 to 7 (on 1 March 2036, by version 3 of the rules)`.
    pub(crate) fn words(&self) -> String {
        format!(
            "{} (on {}, by version {} of the rules)",
            span_words(self.first, self.last),
            day(self.at),
            self.rules_version
        )
    }
}

/// An entry of the register.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RegisterEntry {
    /// Its number, from 1.
    pub number: u64,
    /// Id of the deployment.
    pub deployment: String,
    /// The modes that it is planned for; at least one.
    pub modes: Vec<Mode>,
    /// Where it stands.
    pub state: RegisterState,
    /// Whether faces were compared and somebody could be alerted on, so that there has to be a record. It can be, and be cancelled since.
    pub has_run: bool,
    /// From when it is planned.
    pub planned_start: Timestamp,
    /// Until when.
    pub planned_end: Timestamp,
    /// Where.
    pub place: String,
    /// The force's word for why there.
    pub use_case: String,
    /// What for.
    pub purpose: String,
    /// How many body-worn cameras are planned; absent where the plan does not say.
    #[serde(default)]
    pub body_worn: Option<u64>,
    /// Why it was refused or cancelled; empty where it was not.
    #[serde(default)]
    pub reason: String,
}

/// Where a deployment stands in the register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RegisterState {
    /// Somebody planned it.
    Planned,
    /// It may start.
    Authorised,
    /// It may not.
    Refused,
    /// It will not.
    Cancelled,
    /// It has started.
    Run,
    /// It is over, and what it held is destroyed.
    Closed,
}

impl RegisterState {
    /// As people read it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Authorised => "authorised",
            Self::Refused => "refused",
            Self::Cancelled => "cancelled",
            Self::Run => "run",
            Self::Closed => "closed",
        }
    }
}

/// Numbers as people read them: `3, 5 to 9`.
pub(crate) fn numbers(list: &[u64]) -> String {
    let mut spans: Vec<(u64, u64)> = Vec::new();
    for number in list {
        match spans.last_mut() {
            Some(span) if span.1.checked_add(1) == Some(*number) => span.1 = *number,
            _ => spans.push((*number, *number)),
        }
    }
    let span = |(from, to): &(u64, u64)| span_words(*from, *to);
    spans.iter().map(span).collect::<Vec<_>>().join(", ")
}

fn span_words(from: u64, to: u64) -> String {
    match to.saturating_sub(from) {
        0 => from.to_string(),
        1 => format!("{from}, {to}"),
        _ => format!("{from} to {to}"),
    }
}

/// Why a register is not one that anything can be shown by.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegisterError {
    /// Numbers are missing: something was left out.
    #[error("the register has no entry with the number {}; its newest is {last}", numbers(.missing))]
    Gap {
        /// The numbers, at most a thousand of them.
        missing: Vec<u64>,
        /// The newest that it has given.
        last: u64,
    },
    /// Two entries have one number.
    #[error("two entries of the register have the number {number}")]
    Twice {
        /// The number.
        number: u64,
    },
    /// An entry has a number that was never given.
    #[error("the register has an entry with the number {number}, and its newest is {last}")]
    NeverGiven {
        /// The number.
        number: u64,
        /// The newest that it has given.
        last: u64,
    },
}

/// Most missing numbers that are named.
const NAMED: usize = 1_000;

impl Register {
    /// Whether every number from 1 to the newest has exactly one entry, or is said to be gone.
    ///
    /// # Errors
    /// [`RegisterError`].
    pub fn check(&self) -> Result<(), RegisterError> {
        let last = self.last_number;
        let mut found: Vec<u64> = self.entries.iter().map(|entry| entry.number).collect();
        for gone in &self.gone {
            // What was never given is told below by one number.
            found.extend(gone.first..=gone.last.min(last.saturating_add(1)));
        }
        found.sort_unstable();
        if let Some(pair) = found.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(RegisterError::Twice { number: pair[0] });
        }
        let never = found.iter().find(|number| **number == 0 || **number > last);
        if let Some(number) = never {
            let number = *number;
            return Err(RegisterError::NeverGiven { number, last });
        }
        let missing: Vec<u64> = (1..=last)
            .filter(|number| found.binary_search(number).is_err())
            .take(NAMED)
            .collect();
        match missing.is_empty() {
            true => Ok(()),
            false => Err(RegisterError::Gap { missing, last }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_a_row_are_one_span() {
        assert_eq!(numbers(&[3, 5, 6, 7, 9, 10]), "3, 5 to 7, 9, 10");
    }
}
