//! What is drawn of a verification and of an identification: the trade between misses and false matches, and how scores and rates lie.

use crate::identification::{CurvePoint, Identification};
use crate::plot::{Axis, Line, Mark, Plot, Tick, histogram};
use crate::statistics::{Scores, normal_deviate, thresholds};
use crate::verification::Verification;

/// Ends of a DET plot's axes: below a ten-thousandth no set of pairs that anybody has says anything.
const LEAST: f64 = 1e-4;
const MOST: f64 = 0.5;

/// Bins of the scores' histogram.
const BINS: usize = 60;

/// A rate as a part of a hundred, with two digits that say something.
pub fn percent(rate: f64) -> String {
    let hundredths = rate * 100.0;
    let digits = match hundredths {
        h if h >= 9.95 => 1,
        h if h >= 0.995 => 2,
        h if h >= 0.0995 => 3,
        _ => 4,
    };
    let text = format!("{hundredths:.digits$}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("{text} %")
}

fn deviate(rate: f64) -> f64 {
    normal_deviate(rate.clamp(LEAST, MOST))
}

fn deviates(name: &str) -> Axis {
    let ticks = [1e-4, 1e-3, 0.005, 0.02, 0.05, 0.1, 0.2, 0.4]
        .into_iter()
        .map(|rate| Tick {
            at: deviate(rate),
            label: percent(rate),
        })
        .collect();
    Axis {
        name: name.to_owned(),
        range: (deviate(LEAST), deviate(MOST)),
        ticks,
    }
}

/// Detection error trade-off (Martin et al. 1997): misses against false accepts at every threshold, both on axes of normal deviates.
pub fn det(genuine: &Scores, impostor: &Scores, figures: &Verification) -> Plot {
    let all = genuine.found().iter().chain(impostor.found()).copied();
    let mut points: Vec<(f64, f64)> = Vec::new();
    for threshold in thresholds(all) {
        let pass = impostor.rate_at_or_over(threshold).rate;
        let miss = 1.0 - genuine.rate_at_or_over(threshold).rate;
        // No errors at all have no place on such an axis.
        if pass == 0.0 || miss <= 0.0 || pass > MOST || miss > MOST {
            continue;
        }
        let point = (deviate(pass), deviate(miss));
        // One point for each place; thousands of thresholds lie on few.
        if points.last() != Some(&point) {
            points.push(point);
        }
    }
    let marks: Vec<Mark> = figures
        .operating_points
        .iter()
        .filter(|point| point.shown)
        .map(|point| Mark {
            at: (
                deviate(point.false_accepts.rate),
                deviate(1.0 - point.true_accepts.rate),
            ),
            label: format!("threshold {:.3}", point.threshold),
        })
        .collect();
    Plot {
        title: "Misses against false accepts, at every threshold".into(),
        sentence: format!(
            "Detection error trade-off over {} genuine and {} impostor pairs. Misses and false accepts are equal at {}, threshold {:.3}.",
            figures.genuine,
            figures.impostor,
            percent(figures.equal_error.rate),
            figures.equal_error.threshold
        ),
        x: deviates("False accepts, of pairs of two people"),
        y: deviates("Misses, of pairs of one person"),
        lines: vec![Line {
            name: "all thresholds".into(),
            points,
            filled: false,
        }],
        marks,
        upright: None,
    }
}

/// How the scores of pairs of one person and of two lie.
pub fn scores(genuine: &Scores, impostor: &Scores, figures: &Verification) -> Plot {
    let all = || genuine.found().iter().chain(impostor.found()).copied();
    let low = all().fold(0.0f32, f32::min);
    let high = all().fold(1.0f32, f32::max);
    let range = (
        (f64::from(low) * 10.0).floor() / 10.0,
        (f64::from(high) * 10.0).ceil() / 10.0,
    );
    let lines: Vec<Line> = [("two people", impostor), ("one person", genuine)]
        .into_iter()
        .map(|(name, scores)| Line {
            name: format!("{name} ({} pairs)", scores.len()),
            points: histogram(scores.found(), scores.len(), range, BINS),
            filled: true,
        })
        .collect();
    let most = lines
        .iter()
        .flat_map(|line| &line.points)
        .map(|(_, part)| *part)
        .fold(0.01, f64::max);
    let threshold = figures
        .operating_points
        .first()
        .map(|point| point.threshold)
        // One that keeps nobody out lies beyond the scores that are drawn.
        .filter(|threshold| f64::from(*threshold) >= range.0);
    Plot {
        title: "How the scores lie".into(),
        sentence: format!(
            "Histogram of scores. Pairs of two people lie at {} to {}, pairs of one person at {} to {}.",
            end(impostor.found().last()),
            end(impostor.found().first()),
            end(genuine.found().last()),
            end(genuine.found().first())
        ),
        x: Axis::even("Score (cosine)", range, 0.1, |at| format!("{at:.1}")),
        y: Axis::even("Part of the pairs", (0.0, most * 1.08), step(most), percent),
        lines,
        marks: Vec::new(),
        upright: threshold.map(|threshold| {
            (
                f64::from(threshold),
                format!("1 % false accepts, {threshold:.3}"),
            )
        }),
    }
}

/// Misses and false positives of a search at every threshold.
pub fn rates(figures: &Identification) -> Plot {
    let line = |name: &str, rate: fn(&CurvePoint) -> f64| Line {
        name: name.to_owned(),
        points: figures
            .curve
            .iter()
            .map(|point| (f64::from(point.threshold), rate(point)))
            .collect(),
        filled: false,
    };
    let range = (
        figures
            .curve
            .first()
            .map_or(0.0, |point| f64::from(point.threshold)),
        1.0,
    );
    Plot {
        title: "Misses and false positives, by threshold".into(),
        sentence: format!(
            "At the threshold {:.3} a search misses {} of those in the gallery and finds somebody for {} of those who are not.",
            figures.threshold,
            percent(figures.fnir.rate),
            percent(figures.fpir.rate)
        ),
        x: Axis::even("Threshold (cosine)", range, 0.1, |at| format!("{at:.1}")),
        y: Axis::even("Part of the searches", (0.0, 1.0), 0.2, percent),
        lines: vec![
            line("false positives (FPIR)", |point| point.fpir.rate),
            line("misses (FNIR)", |point| point.fnir.rate),
        ],
        marks: Vec::new(),
        upright: (f64::from(figures.threshold) >= range.0).then(|| {
            (
                f64::from(figures.threshold),
                format!(
                    "{} false positives, {:.3}",
                    percent(figures.target_fpir),
                    figures.threshold
                ),
            )
        }),
    }
}

/// Misses of a search against its false positives, both on axes of normal deviates.
pub fn trade(figures: &Identification) -> Plot {
    let mut points: Vec<(f64, f64)> = Vec::new();
    for point in &figures.curve {
        let (pass, miss) = (point.fpir.rate, point.fnir.rate);
        if pass == 0.0 || miss == 0.0 || pass > MOST || miss > MOST {
            continue;
        }
        let place = (deviate(pass), deviate(miss));
        if points.last() != Some(&place) {
            points.push(place);
        }
    }
    Plot {
        title: "Misses against false positives, at every threshold".into(),
        sentence: format!(
            "Detection error trade-off of searches in a gallery of {} people: {} mated and {} non-mated.",
            figures.gallery_people, figures.mated, figures.non_mated
        ),
        x: deviates("False positives, of searches for others (FPIR)"),
        y: deviates("Misses, of searches for those in the gallery (FNIR)"),
        lines: vec![Line {
            name: "all thresholds".into(),
            points,
            filled: false,
        }],
        marks: Vec::new(),
        upright: None,
    }
}

fn end(score: Option<&f32>) -> String {
    score.map_or("nothing".to_owned(), |score| format!("{score:.2}"))
}

/// A step of 1, 2 or 5 with which an axis up to `most` has four to ten marks.
fn step(most: f64) -> f64 {
    let tenth = 10f64.powf((most / 4.0).log10().floor());
    [5.0, 2.0, 1.0]
        .into_iter()
        .map(|times| times * tenth)
        .find(|step| most / step >= 4.0)
        .unwrap_or(tenth)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percents_have_the_digits_that_they_need() {
        let told: Vec<String> = [0.0, 1e-4, 0.0015, 0.01, 0.123, 1.0]
            .into_iter()
            .map(percent)
            .collect();
        assert_eq!(told, ["0 %", "0.01 %", "0.15 %", "1 %", "12.3 %", "100 %"]);
    }

    #[test]
    fn an_axis_has_few_marks_whatever_its_length() {
        for most in [0.011, 0.04, 0.05, 0.11, 0.39, 1.0, 7.0] {
            let marks = most / step(most);
            assert!((4.0..=10.0).contains(&marks), "{most}: {marks}");
        }
    }
}
