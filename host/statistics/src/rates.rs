//! Rates, intervals and curves, from counts and scores alone. It knows no face.

use serde::{Deserialize, Serialize};

/// The quantile of the normal distribution for a two-sided interval of 95 %.
const Z: f64 = 1.959_963_984_540_054;

/// A rate: how many of how many, with Wilson's interval of 95 % (Wilson 1927), which holds for few and for none as well.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rate {
    /// How many.
    pub count: u64,
    /// Of how many.
    pub of: u64,
    /// `count` ÷ `of`; 0 of 0 is 0.
    pub rate: f64,
    /// The interval's lower end.
    pub low: f64,
    /// The interval's upper end; of nothing, 1.
    pub high: f64,
}

impl Rate {
    /// `count` of `of`; a count over `of` is `of`.
    pub fn new(count: u64, of: u64) -> Rate {
        let count = count.min(of);
        if of == 0 {
            return Rate {
                count,
                of,
                rate: 0.0,
                low: 0.0,
                high: 1.0,
            };
        }
        let (n, rate) = (of as f64, count as f64 / of as f64);
        let z2 = Z * Z;
        let centre = (rate + z2 / (2.0 * n)) / (1.0 + z2 / n);
        let half = Z / (1.0 + z2 / n) * (rate * (1.0 - rate) / n + z2 / (4.0 * n * n)).sqrt();
        Rate {
            count,
            of,
            rate,
            low: if count == 0 {
                0.0
            } else {
                (centre - half).max(0.0)
            },
            high: if count == of {
                1.0
            } else {
                (centre + half).min(1.0)
            },
        }
    }
}

/// The least score there can be: scores are cosines.
const LEAST_SCORE: f32 = -1.0;

/// Scores of comparisons, a nothing where a face was not found: such a comparison never matches.
#[derive(Clone, Debug, Default)]
pub struct Scores {
    /// Highest first.
    found: Vec<f32>,
    /// All of them, the missing ones too.
    of: usize,
}

impl Scores {
    /// Sorts scores. A NaN counts as missing.
    pub fn new(scores: impl IntoIterator<Item = Option<f32>>) -> Scores {
        let mut of = 0;
        let mut found: Vec<f32> = scores
            .into_iter()
            .inspect(|_| of += 1)
            .flatten()
            .filter(|score| !score.is_nan())
            .collect();
        found.sort_by(|one, other| other.total_cmp(one));
        Scores { found, of }
    }

    /// How many there are, the missing ones too.
    pub fn len(&self) -> usize {
        self.of
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.of == 0
    }

    /// Those that are there, highest first.
    pub fn found(&self) -> &[f32] {
        &self.found
    }

    /// How many are at or over a threshold.
    pub fn at_or_over(&self, threshold: f32) -> usize {
        self.found.partition_point(|score| *score >= threshold)
    }

    /// The rate of those at or over a threshold.
    pub fn rate_at_or_over(&self, threshold: f32) -> Rate {
        Rate::new(self.at_or_over(threshold) as u64, self.of as u64)
    }

    /// The least threshold at which at most this rate of them is at or over it; a cosine's least, −1, where all of them may be.
    pub fn least_threshold(&self, rate: f64) -> f32 {
        // A hair more, or a tenth of a hundred would be nine.
        let allowed = (rate.clamp(0.0, 1.0) * self.of as f64 + 1e-9) as usize;
        match self.found.get(allowed) {
            // Over the score that would be one too many, and over all that are equal to it.
            Some(score) => score.next_up(),
            None => LEAST_SCORE,
        }
    }
}

/// Every threshold between two neighbouring scores, lowest first: the places where a decision can change.
pub fn thresholds(scores: impl IntoIterator<Item = f32>) -> Vec<f32> {
    let mut scores: Vec<f32> = scores
        .into_iter()
        .filter(|score| score.is_finite())
        .collect();
    scores.sort_by(f32::total_cmp);
    scores.dedup();
    let (Some(first), Some(last)) = (scores.first().copied(), scores.last().copied()) else {
        return vec![0.0];
    };
    let mut between: Vec<f32> = scores
        .windows(2)
        // A midpoint of two neighbouring floats is one of them; the upper one keeps the lower out.
        .map(|pair| (pair[0] + (pair[1] - pair[0]) / 2.0).max(pair[0].next_up()))
        .collect();
    between.insert(0, first);
    between.push(last.next_up());
    between
}

/// The error rate at which as many genuine comparisons are missed as impostors pass: the mean of both where they come nearest.
pub fn equal_error(genuine: &Scores, impostor: &Scores) -> (f32, f64) {
    let all = genuine.found().iter().chain(impostor.found()).copied();
    let (mut best, mut gap) = ((0.0, 0.5), f64::INFINITY);
    for threshold in thresholds(all) {
        let miss = 1.0 - genuine.rate_at_or_over(threshold).rate;
        let pass = impostor.rate_at_or_over(threshold).rate;
        if (miss - pass).abs() < gap {
            gap = (miss - pass).abs();
            best = (threshold, (miss + pass) / 2.0);
        }
    }
    best
}

/// The quantile of the standard normal distribution (Acklam's rational approximation, relative error under 1.2e-9); the axes of a DET plot
/// (Martin et al. 1997). Not finite at 0 and 1.
pub fn normal_deviate(p: f64) -> f64 {
    const A: [f64; 6] = [
        -3.969_683_028_665_376e1,
        2.209_460_984_245_205e2,
        -2.759_285_104_469_687e2,
        1.383_577_518_672_69e2,
        -3.066_479_806_614_716e1,
        2.506_628_277_459_239,
    ];
    const B: [f64; 5] = [
        -5.447_609_879_822_406e1,
        1.615_858_368_580_409e2,
        -1.556_989_798_598_866e2,
        6.680_131_188_771_972e1,
        -1.328_068_155_288_572e1,
    ];
    const C: [f64; 6] = [
        -7.784_894_002_430_293e-3,
        -3.223_964_580_411_365e-1,
        -2.400_758_277_161_838,
        -2.549_732_539_343_734,
        4.374_664_141_464_968,
        2.938_163_982_698_783,
    ];
    const D: [f64; 4] = [
        7.784_695_709_041_462e-3,
        3.224_671_290_700_398e-1,
        2.445_134_137_142_996,
        3.754_408_661_907_416,
    ];
    const LOW: f64 = 0.024_25;
    if p.is_nan() || !(0.0..=1.0).contains(&p) {
        return f64::NAN;
    }
    let tail = |p: f64| {
        let q = (-2.0 * p.ln()).sqrt();
        (((((C[0] * q + C[1]) * q + C[2]) * q + C[3]) * q + C[4]) * q + C[5])
            / ((((D[0] * q + D[1]) * q + D[2]) * q + D[3]) * q + 1.0)
    };
    if p == 0.0 {
        f64::NEG_INFINITY
    } else if p == 1.0 {
        f64::INFINITY
    } else if p < LOW {
        tail(p)
    } else if p > 1.0 - LOW {
        -tail(1.0 - p)
    } else {
        let q = p - 0.5;
        let r = q * q;
        (((((A[0] * r + A[1]) * r + A[2]) * r + A[3]) * r + A[4]) * r + A[5]) * q
            / (((((B[0] * r + B[1]) * r + B[2]) * r + B[3]) * r + B[4]) * r + 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wilsons_intervals_are_those_of_the_literature() {
        // Newcombe 1998, table I, method 3: 81/263, 15/148, 0/20, 1/29.
        for (count, of, low, high) in [
            (81, 263, 0.2553, 0.3662),
            (15, 148, 0.0624, 0.1605),
            (0, 20, 0.0, 0.1611),
            (1, 29, 0.0061, 0.1718),
        ] {
            let rate = Rate::new(count, of);
            assert!((rate.low - low).abs() < 6e-5, "{rate:?}");
            assert!((rate.high - high).abs() < 6e-5, "{rate:?}");
        }
        assert_eq!((Rate::new(20, 20).high, Rate::new(0, 0).high), (1.0, 1.0));
        assert!(Rate::new(20, 20).low > 0.8);
    }

    #[test]
    fn normal_deviates_are_those_of_the_tables() {
        for (p, z) in [
            (0.5, 0.0),
            (0.975, 1.959_963_984_540_054),
            (0.001, -3.090_232_306_167_813),
            (0.999_9, 3.719_016_485_455_709),
            (0.02, -2.053_748_910_631_823),
        ] {
            assert!((normal_deviate(p) - z).abs() < 1e-8, "{p}");
        }
        assert_eq!(normal_deviate(0.0), f64::NEG_INFINITY);
        assert!(normal_deviate(1.1).is_nan());
    }

    #[test]
    fn the_least_threshold_lets_no_more_through_and_one_lower_would() {
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..200 {
            // Few values, so that many are equal.
            let scores: Vec<f32> = (0..random.usize(1..60))
                .map(|_| random.u8(0..12) as f32 / 12.0)
                .collect();
            let sorted = Scores::new(scores.iter().map(|score| Some(*score)));
            for rate in [0.0, 0.01, 0.1, 0.25, 0.5, 1.0] {
                let threshold = sorted.least_threshold(rate);
                let passing = |threshold: f32| {
                    scores.iter().filter(|score| **score >= threshold).count() as f64
                };
                let allowed = rate * scores.len() as f64 + 1e-9;
                assert!(passing(threshold) <= allowed);
                assert!(threshold == LEAST_SCORE || passing(threshold.next_down()) > allowed);
            }
        }
    }

    #[test]
    fn a_threshold_that_keeps_nobody_out_is_a_number_that_json_can_hold() {
        for scores in [vec![], vec![Some(-0.2), None]] {
            assert_eq!(Scores::new(scores).least_threshold(1.0), -1.0);
        }
    }

    #[test]
    fn a_missing_score_never_matches_and_counts() {
        let scores = Scores::new([Some(0.9), None, Some(f32::NAN), Some(0.1)]);
        assert_eq!((scores.len(), scores.at_or_over(0.5)), (4, 1));
        assert_eq!(scores.at_or_over(f32::NEG_INFINITY), 2);
    }

    #[test]
    fn thresholds_lie_between_all_neighbours_and_beyond_both_ends() {
        let scores = [0.5, 0.25, 0.5, 0.25f32.next_up()];
        let between = thresholds(scores);
        assert_eq!(between.len(), 4);
        let counts: Vec<usize> = between
            .iter()
            .map(|t| scores.iter().filter(|score| *score >= t).count())
            .collect();
        assert_eq!(counts, [4, 3, 2, 0]);
        assert_eq!(thresholds([]), [0.0]);
    }

    #[test]
    fn scores_that_do_not_overlap_have_no_error_and_scores_that_are_the_same_have_half() {
        let low = Scores::new((0..50).map(|i| Some(i as f32 / 200.0)));
        let high = Scores::new((0..50).map(|i| Some(0.5 + i as f32 / 200.0)));
        assert_eq!(equal_error(&high, &low).1, 0.0);
        assert!((equal_error(&low, &low).1 - 0.5).abs() < 0.011);
    }
}
