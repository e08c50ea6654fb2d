//! Two ways of doing the same thing, timed in turn. It knows nothing of what is timed.
//!
//! One figure after the other would compare two moments of a machine that others use too. Here each sample of the one stands beside a sample
//! of the other, the two go first by turns, and what is reported is the median of the pairs' ratios with a 95 % interval: the
//! percentile bootstrap (Efron & Tibshirani 1993, chapter 13) of that median over the pairs. Criterion and divan time one function at a time
//! and compare it with an earlier run, which is why neither is used.

use std::hint::black_box;
use std::time::Instant;

use crate::Outcome;

/// Resamples of the bootstrap.
const RESAMPLES: usize = 2_000;

/// How long to go on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    /// At least so many pairs, however long they take.
    pub(crate) least: usize,
    /// At most so many.
    pub(crate) most: usize,
    /// Beyond the least, no new pair is begun after so many seconds.
    pub(crate) seconds: f64,
}

impl Effort {
    /// Exactly so many pairs.
    pub(crate) fn pairs(count: usize) -> Effort {
        Effort {
            least: count,
            most: count,
            seconds: 0.0,
        }
    }
}

/// Seconds that each way took, pair by pair.
#[derive(Clone, Debug)]
pub(crate) struct Pairs {
    ours: Vec<f64>,
    baseline: Vec<f64>,
}

/// A ratio and the interval that holds it with 95 % confidence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Ratio {
    /// The median of the pairs' ratios.
    pub(crate) middle: f64,
    /// The interval's lower bound.
    pub(crate) low95: f64,
    /// The interval's upper bound.
    pub(crate) high95: f64,
}

impl Pairs {
    /// Takes samples in turn, after one of each that does not count. A sample gives the seconds of one operation.
    ///
    /// # Errors
    /// The first of a sample's.
    pub(crate) fn take(
        effort: Effort,
        mut ours: impl FnMut() -> Outcome<f64>,
        mut baseline: impl FnMut() -> Outcome<f64>,
    ) -> Outcome<Pairs> {
        ours()?;
        baseline()?;
        let mut pairs = Pairs {
            ours: Vec::new(),
            baseline: Vec::new(),
        };
        let started = Instant::now();
        while pairs.len() < effort.least
            || (pairs.len() < effort.most && started.elapsed().as_secs_f64() < effort.seconds)
        {
            let (one, other) = if pairs.len().is_multiple_of(2) {
                let one = ours()?;
                (one, baseline()?)
            } else {
                let other = baseline()?;
                (ours()?, other)
            };
            pairs.ours.push(one);
            pairs.baseline.push(other);
        }
        Ok(pairs)
    }

    /// Times that were taken elsewhere, in turn; as many of the one as of the other.
    pub(crate) fn of(ours: Vec<f64>, baseline: Vec<f64>) -> Pairs {
        Pairs { ours, baseline }
    }

    /// Pairs with the roles changed.
    pub(crate) fn swapped(self) -> Pairs {
        Pairs {
            ours: self.baseline,
            baseline: self.ours,
        }
    }

    /// The same against one figure that is known and need not be measured.
    pub(crate) fn against(mut self, seconds: f64) -> Pairs {
        self.baseline.fill(seconds);
        self
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.ours.len()
    }

    /// Seconds of our way, the median.
    pub(crate) fn seconds(&self) -> f64 {
        median(&mut self.ours.clone())
    }

    /// Our seconds ÷ the baseline's.
    pub(crate) fn of_times(&self) -> Ratio {
        self.ratio(|ours, baseline| ours / baseline)
    }

    /// How many times as many operations a second as the baseline.
    pub(crate) fn of_rates(&self) -> Ratio {
        self.ratio(|ours, baseline| baseline / ours)
    }

    fn ratio(&self, of: impl Fn(f64, f64) -> f64) -> Ratio {
        let pairs = self.ours.iter().zip(&self.baseline);
        let ratios: Vec<f64> = pairs.map(|(ours, baseline)| of(*ours, *baseline)).collect();
        // A seed of its own, so that the same samples give the same interval.
        let mut random = fastrand::Rng::with_seed(1);
        let mut medians: Vec<f64> = (0..RESAMPLES)
            .map(|_| {
                let draw = |_| ratios[random.usize(..ratios.len())];
                median(&mut (0..ratios.len()).map(draw).collect::<Vec<f64>>())
            })
            .collect();
        medians.sort_by(f64::total_cmp);
        Ratio {
            middle: median(&mut ratios.clone()),
            low95: medians[RESAMPLES / 40],
            high95: medians[RESAMPLES - 1 - RESAMPLES / 40],
        }
    }
}

/// The middle value, or the mean of the two in the middle. There is at least one.
fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    if values.len().is_multiple_of(2) {
        (values[half - 1] + values[half]) / 2.0
    } else {
        values[half]
    }
}

/// Seconds of one operation, of so many in a row.
///
/// # Errors
/// The operation's first.
pub(crate) fn each<T>(times: usize, mut operation: impl FnMut() -> Outcome<T>) -> Outcome<f64> {
    let started = Instant::now();
    for _ in 0..times {
        black_box(operation()?);
    }
    Ok(started.elapsed().as_secs_f64() / times as f64)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn pairs(ours: &[f64], baseline: &[f64]) -> Pairs {
        Pairs {
            ours: ours.to_vec(),
            baseline: baseline.to_vec(),
        }
    }

    #[test]
    fn the_ratio_is_the_median_of_the_pairs_and_no_ratio_of_medians() {
        let pairs = pairs(&[1.0, 2.0, 9.0], &[1.0, 1.0, 3.0]);
        assert_eq!(pairs.of_times().middle, 2.0);
        assert_eq!(pairs.of_rates().middle, 0.5);
        assert_eq!(pairs.seconds(), 2.0);
    }

    #[test]
    fn pairs_that_agree_leave_no_room_and_pairs_that_differ_do() {
        let same = pairs(&[2.0; 20], &[1.0; 20]).of_times();
        assert_eq!((same.low95, same.high95), (2.0, 2.0));
        let ours: Vec<f64> = (0..200)
            .map(|number| 1.0 + f64::from(number) / 200.0)
            .collect();
        let spread = pairs(&ours, &[1.0; 200]).of_times();
        assert!(spread.low95 < spread.middle && spread.middle < spread.high95);
        // The median of 200 even values from 1 to 2 has a standard error of 0.035.
        assert!(spread.low95 > 1.35 && spread.high95 < 1.65, "{spread:?}");
    }

    #[test]
    fn each_goes_first_every_other_time_and_the_first_of_both_does_not_count() {
        let order = std::cell::RefCell::new(String::new());
        let sample = |name: char, seconds: f64| {
            let order = &order;
            move || {
                order.borrow_mut().push(name);
                Ok(seconds)
            }
        };
        let taken = Pairs::take(Effort::pairs(3), sample('a', 3.0), sample('b', 2.0)).unwrap();
        assert_eq!(*order.borrow(), "ababbaab");
        assert_eq!((taken.len(), taken.of_times().middle), (3, 1.5));
        assert_eq!(taken.swapped().of_times().middle, 2.0 / 3.0);
    }

    #[test]
    fn a_sample_that_fails_ends_the_measurement() {
        let failing = || Err("broken".into());
        let error = Pairs::take(Effort::pairs(2), failing, || Ok(1.0)).unwrap_err();
        assert_eq!(error.to_string(), "broken");
    }
}
