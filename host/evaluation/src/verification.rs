//! Verification: do two photographs show one person? From the scores of pairs, the figures by which face recognition is compared.
//!
//! A pair of which a photograph shows no face, or cannot be used, never matches: a miss where it is of one person, rightly told apart where it is of
//! two.

use std::collections::BTreeMap;

use overt_pipeline::Perception;
use serde::Serialize;

use crate::faces::Seen;
use crate::pairs::Pairs;
use crate::statistics::{Rate, Scores, equal_error, thresholds};

/// The rates of false accepts for which true accepts are told.
pub const FALSE_ACCEPTS: [f64; 2] = [0.01, 0.001];

/// A compared pair.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Compared {
    /// Whether both show one person.
    pub genuine: bool,
    /// The fold, from 0.
    pub fold: usize,
    /// The cosine of the templates, −1 to 1; absent where a face was not found.
    pub score: Option<f32>,
}

/// The result of a verification: the keys of its JSON, by `verification.schema.json` beside this crate's manifest.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verification {
    /// Pairs.
    pub pairs: usize,
    /// Of them, of one person.
    pub genuine: usize,
    /// Of them, of two people.
    pub impostor: usize,
    /// Photographs.
    pub images: usize,
    /// Photographs that gave no template: no face was found, or they could not be read.
    pub undetected: usize,
    /// Pairs that could not be compared for that.
    pub pairs_undetected: usize,
    /// Mean over the folds of the part of the pairs that is told rightly at the threshold that is best on the other folds.
    pub accuracy_mean: f64,
    /// Standard deviation over the folds (of the population).
    pub accuracy_std: f64,
    /// Each fold.
    pub folds: Vec<Fold>,
    /// True accepts by rate of false accepts: `0.01` and `0.001`.
    pub tar_at_far: BTreeMap<String, f64>,
    /// The same with thresholds, counts and intervals.
    pub operating_points: Vec<OperatingPoint>,
    /// The rate at which misses and false accepts are equal, and its threshold.
    pub equal_error: EqualError,
    /// What made the templates.
    pub made_by: MadeBy,
}

/// A fold.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Fold {
    /// The threshold that is best on the others.
    pub threshold: f32,
    /// Pairs of this fold that are told rightly at it.
    pub accuracy: f64,
}

/// A threshold and what comes of it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct OperatingPoint {
    /// The rate of false accepts that was asked for.
    pub far: f64,
    /// The least threshold at which it is kept.
    pub threshold: f32,
    /// False accepts at it.
    pub false_accepts: Rate,
    /// True accepts at it.
    pub true_accepts: Rate,
    /// Whether the pairs are enough to show the rate that was asked for: three times its reciprocal, so that none at all would show it with 95 %.
    pub shown: bool,
}

/// Where misses and false accepts are equal.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct EqualError {
    /// The threshold.
    pub threshold: f32,
    /// The rate.
    pub rate: f64,
}

/// What made the templates: figures hold for these and no others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MadeBy {
    /// Detector, encoder, and quality where there is one.
    pub plugins: Vec<PluginUsed>,
    /// The inference back end's name and version.
    pub backend: String,
}

/// A plugin by digest, with its models.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PluginUsed {
    /// The role that it fills.
    pub role: String,
    /// The id in its manifest.
    pub id: String,
    /// The version in its manifest.
    pub version: String,
    /// SHA-256 of its file.
    pub sha256: String,
    /// SHA-256 of its models, by their names.
    pub models: BTreeMap<String, String>,
}

impl MadeBy {
    /// The plugins that see, and the back end.
    pub fn new(perception: &Perception, backend: String) -> MadeBy {
        let loaded = [
            Some(&perception.detector),
            Some(&perception.encoder),
            perception.quality.as_ref(),
        ];
        let plugins = loaded
            .into_iter()
            .flatten()
            .map(|loaded| {
                let identity = loaded.plugin.identity();
                PluginUsed {
                    role: loaded.plugin.role().name().to_owned(),
                    id: identity.id.to_string(),
                    version: identity.version.to_string(),
                    sha256: identity.sha256.to_string(),
                    models: loaded
                        .plugin
                        .models()
                        .map(|(name, sha256)| (name.to_owned(), sha256.to_owned()))
                        .collect(),
                }
            })
            .collect();
        MadeBy { plugins, backend }
    }
}

/// Compares the photographs of every pair. `seen` stands in the order of [`Pairs::photographs`].
pub fn compare(pairs: &Pairs, seen: &[Seen]) -> Vec<Compared> {
    pairs
        .pairs
        .iter()
        .map(|pair| {
            let template = |index: usize| seen.get(index).and_then(Seen::template);
            Compared {
                genuine: pair.genuine,
                fold: pair.fold,
                score: template(pair.first)
                    .zip(template(pair.second))
                    // Of one encoder, since one perception made all.
                    .and_then(|(one, other)| one.cosine(other).ok()),
            }
        })
        .collect()
}

/// The part that is told rightly at a threshold.
fn accuracy(compared: &[Compared], threshold: f32) -> f64 {
    let right = compared
        .iter()
        .filter(|pair| pair.score.is_some_and(|score| score >= threshold) == pair.genuine)
        .count();
    right as f64 / compared.len().max(1) as f64
}

/// The threshold at which most is told rightly; of several that are equally good, the middle one. One pass over the sorted scores.
fn best_threshold(compared: &[Compared]) -> f32 {
    let genuine = Scores::new(of(compared, true));
    let impostor = Scores::new(of(compared, false));
    let right = |threshold: f32| {
        genuine.at_or_over(threshold) + impostor.len() - impostor.at_or_over(threshold)
    };
    let candidates = thresholds(compared.iter().filter_map(|pair| pair.score));
    let most = candidates.iter().map(|t| right(*t)).max().unwrap_or(0);
    let best: Vec<f32> = candidates
        .into_iter()
        .filter(|threshold| right(*threshold) == most)
        .collect();
    best.get(best.len() / 2).copied().unwrap_or(0.0)
}

/// Scores of the pairs of one person, or of two.
pub fn of(compared: &[Compared], genuine: bool) -> impl Iterator<Item = Option<f32>> + '_ {
    compared
        .iter()
        .filter(move |pair| pair.genuine == genuine)
        .map(|pair| pair.score)
}

impl Verification {
    /// The figures of compared pairs, in `folds` folds.
    pub fn new(
        compared: &[Compared],
        folds: usize,
        images: usize,
        undetected: usize,
        made_by: MadeBy,
    ) -> Verification {
        let folds: Vec<Fold> = (0..folds)
            .map(|fold| {
                let (test, train): (Vec<Compared>, Vec<Compared>) =
                    compared.iter().partition(|pair| pair.fold == fold);
                let threshold = best_threshold(&train);
                Fold {
                    threshold,
                    accuracy: accuracy(&test, threshold),
                }
            })
            .collect();
        let count = folds.len().max(1) as f64;
        let mean = folds.iter().map(|fold| fold.accuracy).sum::<f64>() / count;
        let variance = folds
            .iter()
            .map(|fold| (fold.accuracy - mean).powi(2))
            .sum::<f64>()
            / count;
        let genuine = Scores::new(of(compared, true));
        let impostor = Scores::new(of(compared, false));
        let operating_points: Vec<OperatingPoint> = FALSE_ACCEPTS
            .into_iter()
            .map(|far| {
                let threshold = impostor.least_threshold(far);
                OperatingPoint {
                    far,
                    threshold,
                    false_accepts: impostor.rate_at_or_over(threshold),
                    true_accepts: genuine.rate_at_or_over(threshold),
                    shown: impostor.len() as f64 * far >= 3.0,
                }
            })
            .collect();
        let (threshold, rate) = equal_error(&genuine, &impostor);
        Verification {
            pairs: compared.len(),
            genuine: genuine.len(),
            impostor: impostor.len(),
            images,
            undetected,
            pairs_undetected: compared.iter().filter(|pair| pair.score.is_none()).count(),
            accuracy_mean: mean,
            accuracy_std: variance.sqrt(),
            folds,
            tar_at_far: operating_points
                .iter()
                .map(|point| (point.far.to_string(), point.true_accepts.rate))
                .collect(),
            operating_points,
            equal_error: EqualError { threshold, rate },
            made_by,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn made_by() -> MadeBy {
        MadeBy {
            plugins: Vec::new(),
            backend: "none".into(),
        }
    }

    /// Pairs with scores of two overlapping heaps, some missing.
    fn random(seed: u64, count: usize) -> Vec<Compared> {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut heap = |middle: f32| middle + (0..4).map(|_| random.f32() - 0.5).sum::<f32>() / 4.0;
        (0..count)
            .map(|index| Compared {
                genuine: index % 2 == 0,
                fold: index * 10 / count,
                score: (index % 97 != 0).then(|| heap(if index % 2 == 0 { 0.6 } else { 0.3 })),
            })
            .collect()
    }

    #[test]
    fn ten_folds_are_what_trying_every_threshold_gives() {
        for seed in 0..5 {
            let compared = random(seed, 400);
            let found = Verification::new(&compared, 10, 0, 0, made_by());
            for (fold, figures) in found.folds.iter().enumerate() {
                let on_others = |threshold: f32| {
                    compared
                        .iter()
                        .filter(|pair| pair.fold != fold)
                        .filter(|pair| pair.score.is_some_and(|s| s >= threshold) == pair.genuine)
                        .count()
                };
                let best = (-1_000..=2_000)
                    .map(|t| on_others(t as f32 / 1_000.0))
                    .max()
                    .unwrap();
                // A grid may miss the best place between two scores; it never finds a better one.
                assert!(
                    on_others(figures.threshold) >= best,
                    "seed {seed}, fold {fold}"
                );
                let mine: Vec<_> = compared.iter().filter(|pair| pair.fold == fold).collect();
                let right = mine
                    .iter()
                    .filter(|pair| {
                        pair.score.is_some_and(|s| s >= figures.threshold) == pair.genuine
                    })
                    .count();
                assert!((figures.accuracy - right as f64 / mine.len() as f64).abs() < 1e-12);
            }
            let mean = found.folds.iter().map(|fold| fold.accuracy).sum::<f64>() / 10.0;
            assert!((found.accuracy_mean - mean).abs() < 1e-12);
            assert!(found.accuracy_mean > 0.7 && found.accuracy_mean < 1.0);
        }
    }

    #[test]
    fn true_accepts_are_counted_at_the_threshold_that_lets_few_impostors_through() {
        let compared: Vec<Compared> = (0..1_000)
            .map(|index| Compared {
                genuine: index < 500,
                fold: index % 10,
                // Genuine 0.4 to 0.9, impostors 0.0 to 0.5.
                score: Some(if index < 500 {
                    0.4 + index as f32 / 1_000.0
                } else {
                    (index - 500) as f32 / 1_000.0
                }),
            })
            .collect();
        let found = Verification::new(&compared, 10, 0, 0, made_by());
        // Five impostors of 500 may pass: 0.495 to 0.499. Then the genuine ones from 0.495 on are 405 of 500.
        let [hundredth, thousandth] = found.operating_points[..] else {
            panic!("two rates")
        };
        assert_eq!(hundredth.false_accepts.count, 5);
        assert!((405..=406).contains(&hundredth.true_accepts.count));
        assert!(hundredth.shown && !thousandth.shown);
        assert_eq!(thousandth.false_accepts.count, 0);
        assert!((400..=401).contains(&thousandth.true_accepts.count));
        assert_eq!(found.tar_at_far.len(), 2);
        assert_eq!(found.tar_at_far["0.01"], hundredth.true_accepts.rate);
        assert_eq!(found.tar_at_far["0.001"], thousandth.true_accepts.rate);
    }

    #[test]
    fn a_face_that_was_not_found_is_a_miss_and_never_a_match() {
        let pair = |genuine| Compared {
            genuine,
            fold: 0,
            score: None,
        };
        let found = Verification::new(&[pair(true), pair(false)], 1, 4, 4, made_by());
        assert_eq!((found.accuracy_mean, found.pairs_undetected), (0.5, 2));
        assert_eq!(found.tar_at_far["0.01"], 0.0);
    }
}
