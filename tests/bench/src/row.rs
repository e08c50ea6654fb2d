//! A row of the result: as JSON in `summary.json` and as a line of the table. It knows no clock.

use std::fmt::Write as _;

use serde::Serialize;

use crate::pairs::{Pairs, Ratio};

/// A figure beside its baseline, from one run.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    /// What was measured.
    pub(crate) name: String,
    /// The median, in `unit`.
    pub(crate) value: f64,
    /// `µs`, `ms`, `times a second` and so on.
    pub(crate) unit: &'static str,
    /// What it was measured against, in turn with it.
    pub(crate) baseline: String,
    /// The value ÷ the baseline's value in the same unit: the median over the pairs.
    pub(crate) ratio: f64,
    /// The ratio's 95 % interval.
    pub(crate) low95: f64,
    /// See `low95`.
    pub(crate) high95: f64,
    /// How many pairs were measured.
    pub(crate) pairs: usize,
    /// What the project has set itself, where it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) target: Option<Target>,
}

/// What the project has set itself for a row.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Target {
    /// The value, in the row's unit, is at most so much.
    ValueAtMost(f64),
    /// The upper bound of the ratio's interval is at most so much.
    RatioSurelyAtMost(f64),
    /// The lower bound of the ratio's interval is at least so much.
    RatioSurelyAtLeast(f64),
}

/// How a row's value is written.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Unit {
    /// 10⁻⁶ s.
    Microseconds,
    /// 10⁻³ s.
    Milliseconds,
    /// Of so many seconds each, as many as would have fitted into the time.
    Frames(f64),
    /// So many things in the operation that was timed, told as things a second.
    Rate(f64, &'static str),
}

impl Row {
    /// A row of pairs.
    pub(crate) fn new(
        name: impl Into<String>,
        unit: Unit,
        baseline: impl Into<String>,
        pairs: &Pairs,
    ) -> Row {
        let seconds = pairs.seconds();
        let (value, unit, ratio) = match unit {
            Unit::Microseconds => (seconds * 1e6, "µs", pairs.of_times()),
            Unit::Milliseconds => (seconds * 1e3, "ms", pairs.of_times()),
            Unit::Frames(each) => (seconds / each, "frames", pairs.of_times()),
            Unit::Rate(count, unit) => (count / seconds, unit, pairs.of_rates()),
        };
        let Ratio {
            middle,
            low95,
            high95,
        } = ratio;
        Row {
            name: name.into(),
            value,
            unit,
            baseline: baseline.into(),
            ratio: middle,
            low95,
            high95,
            pairs: pairs.len(),
            target: None,
        }
    }

    /// A row of what was counted and needs no clock. Counting it again would give the same, so the interval is the ratio itself.
    pub(crate) fn counted(
        name: impl Into<String>,
        value: usize,
        unit: &'static str,
        baseline: impl Into<String>,
        beside: usize,
    ) -> Row {
        let ratio = value as f64 / beside as f64;
        Row {
            name: name.into(),
            value: value as f64,
            unit,
            baseline: baseline.into(),
            ratio,
            low95: ratio,
            high95: ratio,
            pairs: 1,
            target: None,
        }
    }

    /// The row with a target.
    pub(crate) fn target(mut self, target: Target) -> Row {
        self.target = Some(target);
        self
    }

    /// Whether the target is met; nothing where there is none.
    pub(crate) fn meets(&self) -> Option<bool> {
        self.target.map(|target| match target {
            Target::ValueAtMost(most) => self.value <= most,
            Target::RatioSurelyAtMost(most) => self.high95 <= most,
            Target::RatioSurelyAtLeast(least) => self.low95 >= least,
        })
    }

    fn cells(&self) -> [String; 5] {
        let target = match (self.target, self.meets()) {
            (Some(Target::ValueAtMost(most)), Some(met)) => {
                format!("≤ {most} {}: {}", self.unit, word(met))
            }
            (Some(Target::RatioSurelyAtMost(most)), Some(met)) => {
                format!("high ≤ {most}: {}", word(met))
            }
            (Some(Target::RatioSurelyAtLeast(least)), Some(met)) => {
                format!("low ≥ {least}: {}", word(met))
            }
            (_, None) | (None, _) => String::new(),
        };
        [
            self.name.clone(),
            format!("{} {}", figures(self.value), self.unit),
            format!(
                "{} ({}–{}, {} pairs)",
                figures(self.ratio),
                figures(self.low95),
                figures(self.high95),
                self.pairs
            ),
            self.baseline.clone(),
            target,
        ]
    }
}

fn word(met: bool) -> &'static str {
    if met { "met" } else { "MISSED" }
}

/// Three significant figures or a little more.
fn figures(value: f64) -> String {
    let digits = 3 - 1 - value.abs().max(1e-9).log10().floor() as i32;
    // Near 1 a ratio's third decimal is the one that matters.
    let digits = if (0.5..2.0).contains(&value) {
        3
    } else {
        digits.clamp(0, 7)
    };
    format!("{value:.0$}", digits as usize)
}

/// The rows as text, a column as wide as its widest cell.
pub(crate) fn table(rows: &[Row]) -> String {
    let heads = [
        "measured",
        "value",
        "ratio (95 % interval)",
        "to the baseline",
        "target",
    ]
    .map(String::from);
    let lines: Vec<[String; 5]> = std::iter::once(heads)
        .chain(rows.iter().map(Row::cells))
        .collect();
    let mut widths = [0; 5];
    for line in &lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = cell.chars().count().max(*width);
        }
    }
    let mut text = String::new();
    for line in &lines {
        let padded: Vec<String> = line
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}", padded.join("  ").trim_end());
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::pairs::Effort;

    fn row(unit: Unit) -> Row {
        let pairs = Pairs::take(Effort::pairs(4), || Ok(0.002), || Ok(0.004)).unwrap();
        Row::new("ours", unit, "theirs", &pairs)
    }

    #[test]
    fn a_ratio_is_always_the_value_to_the_baselines_value() {
        let time = row(Unit::Milliseconds);
        assert_eq!((time.value, time.unit, time.ratio), (2.0, "ms", 0.5));
        let rate = row(Unit::Rate(10.0, "queries/s"));
        assert_eq!(
            (rate.value, rate.unit, rate.ratio),
            (5000.0, "queries/s", 2.0)
        );
    }

    #[test]
    fn a_target_for_the_ratio_looks_at_the_upper_bound() {
        let mut row = row(Unit::Milliseconds).target(Target::RatioSurelyAtMost(0.6));
        assert_eq!(row.meets(), Some(true));
        row.high95 = 0.61;
        assert_eq!(row.meets(), Some(false));
        assert_eq!(
            row.clone().target(Target::ValueAtMost(2.0)).meets(),
            Some(true)
        );
        row.low95 = 0.4;
        let least = |least| {
            row.clone()
                .target(Target::RatioSurelyAtLeast(least))
                .meets()
        };
        assert_eq!((least(0.4), least(0.41)), (Some(true), Some(false)));
    }

    #[test]
    fn figures_have_three_places_whatever_their_size() {
        let shown = [0.0000123, 0.0514, 1.0249, 23.46, 12_345.6].map(figures);
        assert_eq!(shown, ["0.0000123", "0.0514", "1.025", "23.5", "12346"]);
    }

    #[test]
    fn the_table_says_which_target_is_missed() {
        let text = table(&[row(Unit::Microseconds).target(Target::ValueAtMost(40.0))]);
        assert!(text.contains("≤ 40 µs: MISSED"), "{text}");
    }
}
