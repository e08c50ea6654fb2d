//! Rates from counts, each with its interval and with both of its counts: a rate alone says neither how much was seen nor how sure it is.

use overt_statistics::rates::Rate;
use serde::Serialize;

use crate::facts::Facts;
use crate::sums::Missing;
use crate::text::grouped;

/// How a rate is made.
struct Rule {
    id: &'static str,
    words: &'static str,
    count: &'static str,
    of: &'static str,
}

const RULES: [Rule; 6] = [
    Rule {
        id: "false-of-faces",
        words: "False alerts, of all faces seen",
        count: "alerts.false-alerts",
        of: "faces.tracks",
    },
    Rule {
        id: "false-of-alerts",
        words: "False alerts, of all alerts",
        count: "alerts.false-alerts",
        of: "alerts.raised",
    },
    Rule {
        id: "alerts-of-faces",
        words: "Alerts, of all faces seen",
        count: "alerts.raised",
        of: "faces.tracks",
    },
    Rule {
        id: "stops-of-alerts",
        words: "Stops, of all alerts",
        count: "stops.total",
        of: "alerts.raised",
    },
    Rule {
        id: "arrests-of-alerts",
        words: "Arrests, of all alerts",
        count: "outcomes.arrests",
        of: "alerts.raised",
    },
    Rule {
        id: "verified-of-checks",
        words: "Alerts verified as correct, of all identity checks",
        count: "stops.verified-correct",
        of: "stops.identity-checked",
    },
];

/// A rate of a record or a period.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct NamedRate {
    /// Its name.
    pub id: &'static str,
    /// What it says.
    pub words: &'static str,
    /// The field that is counted.
    pub count: &'static str,
    /// The field that it is counted of.
    pub of: &'static str,
    /// What came out.
    pub measured: Measured,
}

/// What came of a rate.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Measured {
    /// The rate, with Wilson's interval of 95 %.
    Rate(Rate),
    /// There was nothing to be counted of.
    OfNothing,
    /// More were counted than there were.
    Impossible {
        /// So many.
        count: u64,
        /// Of so many.
        of: u64,
    },
    /// Something is not there that it needs.
    Missing {
        /// What was counted, if that is there.
        count: Option<u64>,
        /// Of how many, if that is there.
        of: Option<u64>,
        /// What is not.
        missing: Vec<Missing>,
    },
}

impl Measured {
    fn of(count: u64, of: u64) -> Self {
        match (count, of) {
            (0, 0) => Self::OfNothing,
            (count, of) if count > of => Self::Impossible { count, of },
            (count, of) => Self::Rate(Rate::new(count, of)),
        }
    }
}

impl Rule {
    fn with(&self, measured: Measured) -> NamedRate {
        NamedRate {
            id: self.id,
            words: self.words,
            count: self.count,
            of: self.of,
            measured,
        }
    }

    fn counts(&self, facts: &Facts) -> [Result<u64, Missing>; 2] {
        [self.count, self.of].map(|field| facts.count(field).map_err(|why| Missing { field, why }))
    }
}

/// The rates of a record.
pub fn rates(facts: &Facts) -> Vec<NamedRate> {
    let rate = |rule: &Rule| {
        rule.with(match rule.counts(facts) {
            [Ok(count), Ok(of)] => Measured::of(count, of),
            [count, of] => Measured::Missing {
                count: count.as_ref().ok().copied(),
                of: of.as_ref().ok().copied(),
                missing: [count.err(), of.err()].into_iter().flatten().collect(),
            },
        })
    };
    RULES.iter().map(rate).collect()
}

/// The rates of several records together, each over those that have both of its counts, and how many those are.
pub fn rates_of_all<'a>(all: impl Iterator<Item = &'a Facts> + Clone) -> Vec<(NamedRate, usize)> {
    let rate = |rule: &Rule| {
        let (mut count, mut of, mut records) = (0u64, 0u64, 0);
        for facts in all.clone() {
            if let [Ok(one), Ok(of_one)] = rule.counts(facts) {
                count = count.saturating_add(one);
                of = of.saturating_add(of_one);
                records += 1;
            }
        }
        (rule.with(Measured::of(count, of)), records)
    };
    RULES.iter().map(rate).collect()
}

/// A part as per cent, with as many digits as it takes to tell it from none and from all: `0.0003 %`, `0.48 %`, `36 %`, `99.990 %`.
pub fn per_cent(part: f64) -> String {
    let part = part.clamp(0.0, 1.0);
    if part == 0.0 || part == 1.0 {
        return format!("{:.0} %", part * 100.0);
    }
    // What it is from its nearer end.
    // A hair more, or a hundredth would be nine thousandths.
    let rest = 100.0 * part.min(1.0 - part) * (1.0 + 1e-9);
    let magnitude = rest.log10().floor() as i32;
    // Two digits, or one where there are zeros enough.
    let digits = if magnitude < -2 {
        -magnitude
    } else {
        (1 - magnitude).max(0)
    };
    format!("{:.*} %", digits as usize, 100.0 * part)
}

impl NamedRate {
    /// In words, with both counts and the interval.
    pub fn sentence(&self) -> String {
        match &self.measured {
            Measured::Rate(rate) => {
                let one_in = match rate.count {
                    0 => String::new(),
                    _ if rate.rate > 0.1 => String::new(),
                    count => format!(
                        ", about 1 in {}",
                        grouped((rate.of as f64 / count as f64).round() as u64)
                    ),
                };
                format!(
                    "{} of {}: {}{one_in} (95 % interval {} to {})",
                    grouped(rate.count),
                    grouped(rate.of),
                    per_cent(rate.rate),
                    per_cent(rate.low),
                    per_cent(rate.high)
                )
            }
            Measured::OfNothing => "0 of 0: there is no rate of nothing".to_owned(),
            Measured::Impossible { count, of } => format!(
                "{} of {}: that cannot be, so there is no rate",
                grouped(*count),
                grouped(*of)
            ),
            Measured::Missing { missing, .. } => {
                let missing: Vec<_> = missing.iter().map(ToString::to_string).collect();
                format!("cannot be computed: {}", missing.join("; "))
            }
        }
    }

    /// The counts, the rate and the ends of its interval as cells of a table.
    pub fn cells(&self) -> [String; 4] {
        match &self.measured {
            Measured::Rate(rate) => [
                grouped(rate.count),
                grouped(rate.of),
                per_cent(rate.rate),
                format!("{} to {}", per_cent(rate.low), per_cent(rate.high)),
            ],
            Measured::OfNothing => [
                "0".into(),
                "0".into(),
                "no rate of nothing".into(),
                String::new(),
            ],
            Measured::Impossible { count, of } => [
                grouped(*count),
                grouped(*of),
                "cannot be: more than there were".into(),
                String::new(),
            ],
            Measured::Missing { count, of, missing } => {
                let cell = |count: Option<u64>, path: &str| {
                    let why = missing.iter().find(|missing| missing.field == path);
                    let why = why.map_or("", |missing| missing.why.kind.words());
                    count.map_or(why.to_owned(), grouped)
                };
                [
                    cell(*count, self.count),
                    cell(*of, self.of),
                    "cannot be computed".into(),
                    String::new(),
                ]
            }
        }
    }
}

/// Whether the fields that the rates are made of are fields: a test asks.
#[cfg(test)]
pub(crate) fn paths() -> impl Iterator<Item = &'static str> {
    RULES
        .iter()
        .flat_map(|rule| [rule.count, rule.of])
        .inspect(|path| {
            assert_ne!(crate::fields::label(path), *path);
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn per_cents_are_those_of_the_published_rows() {
        for (count, of, expected) in [
            (10, 3_147_436, "0.0003 %"),
            (10, 2_077, "0.48 %"),
            (1, 11, "9.1 %"),
            (1, 12_120, "0.008 %"),
            (4, 11, "36 %"),
            (9_999, 10_000, "99.990 %"),
            (0, 9, "0 %"),
            (9, 9, "100 %"),
        ] {
            assert_eq!(per_cent(f64::from(count) / f64::from(of)), expected);
        }
    }

    #[test]
    fn more_than_there_were_is_no_rate_and_says_so() {
        assert_eq!(
            Measured::of(12, 11),
            Measured::Impossible { count: 12, of: 11 }
        );
        assert_eq!(Measured::of(0, 0), Measured::OfNothing);
        assert_eq!(paths().count(), 12);
    }
}
