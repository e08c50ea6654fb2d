//! Moments and scores of single alerts become counts in spans: what is published says when alerts came, and not when this one did.

use jiff::{SignedDuration, Timestamp};

use crate::record::{ScoreBin, TimeBin};

/// Spans that read well, in minutes. None is shorter than five: who stood by a van at 14:32 should not find themselves in a table.
const MINUTES: [i64; 11] = [5, 10, 15, 30, 60, 120, 240, 480, 1_440, 10_080, 43_200];

/// The most spans of a drawing.
const MOST: i64 = 24;

/// How wide a span of scores is.
const SCORE: f64 = 0.02;

/// Alerts by when they were raised, in spans of one length from the beginning to the end. Whatever lies outside widens it: no alert is left out.
pub fn over_time(alerts: &[Timestamp], start: Timestamp, end: Timestamp) -> Vec<TimeBin> {
    let first = alerts.iter().copied().fold(start, Timestamp::min);
    let last = alerts.iter().copied().fold(end.max(start), Timestamp::max);
    let (from, to) = (first.as_second(), last.as_second());
    let fits = |minutes: &&i64| (to - from) / (*minutes * 60) < MOST;
    // Longer than two years: spans of a month, however many.
    let span = MINUTES.iter().find(fits).unwrap_or(&43_200) * 60;
    let from = from.div_euclid(span) * span;
    let bins = (to - from) / span + 1;
    let moment = |second: i64| Timestamp::from_second(second).unwrap_or(last);
    let mut found: Vec<TimeBin> = (0..bins)
        .map(|bin| TimeBin {
            from: moment(from + bin * span),
            to: moment(from + bin * span)
                .checked_add(SignedDuration::from_secs(span))
                .unwrap_or(Timestamp::MAX),
            count: 0,
        })
        .collect();
    for alert in alerts {
        let bin = (alert.as_second() - from) / span;
        found[bin as usize].count += 1;
    }
    // An end on the very edge of a span makes no empty one after it.
    if found.len() > 1
        && found
            .last()
            .is_some_and(|bin| bin.count == 0 && bin.from >= end)
    {
        found.pop();
    }
    found
}

/// Alerts by their score. What is no number is left out, and the sum over the spans shows it.
pub fn scores(scores: &[f64]) -> Vec<ScoreBin> {
    let place = |score: f64| (score.clamp(-1.0, 1.0) / SCORE + 1e-9).floor() as i64;
    let places: Vec<i64> = scores
        .iter()
        .filter(|score| !score.is_nan())
        .map(|score| place(*score))
        .collect();
    let (Some(first), Some(last)) = (places.iter().min(), places.iter().max()) else {
        return Vec::new();
    };
    // Hundredths, so that 0.64 is written 0.64.
    let edge = |place: i64| (place * 2) as f64 / 100.0;
    (*first..=*last)
        .map(|at| ScoreBin {
            from: edge(at),
            to: edge(at + 1),
            count: places.iter().filter(|place| **place == at).count() as u64,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_alert_is_left_out_of_its_spans(
            alerts in prop::collection::vec(0i64..4_000_000_000, 0..40), start in 0i64..4_000_000_000, length in 0i64..100_000_000
        ) {
            let at = |second: i64| Timestamp::from_second(second).unwrap();
            let moments: Vec<_> = alerts.iter().map(|second| at(*second)).collect();
            let bins = over_time(&moments, at(start), at(start + length));
            prop_assert_eq!(bins.iter().map(|bin| bin.count).sum::<u64>(), alerts.len() as u64);
            for bin in &bins {
                let within = moments.iter().filter(|at| bin.from <= **at && **at < bin.to).count();
                prop_assert_eq!(bin.count, within as u64);
                prop_assert!(bin.to.as_second() - bin.from.as_second() >= 300);
            }
        }

        #[test]
        fn no_score_is_left_out_of_its_span(list in prop::collection::vec(-1.0f64..1.0, 0..40)) {
            let bins = scores(&list);
            prop_assert_eq!(bins.iter().map(|bin| bin.count).sum::<u64>(), list.len() as u64);
            for bin in &bins {
                let within = list.iter().filter(|score| bin.from - 1e-9 <= **score && **score < bin.to + 1e-9);
                prop_assert!(within.count() as u64 >= bin.count);
            }
        }
    }

    #[test]
    fn spans_read_well() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let (start, end) = (at("2022-01-28T11:31:00Z"), at("2022-01-28T17:30:00Z"));
        let bins = over_time(&[at("2022-01-28T12:44:59Z")], start, end);
        assert_eq!(bins.len(), 24);
        assert_eq!(bins[0].from, at("2022-01-28T11:30:00Z"));
        assert_eq!(bins[4].count, 1);
        let bins = scores(&[0.64, 0.645, 0.7]);
        assert_eq!((bins[0].from, bins[0].to, bins[0].count), (0.64, 0.66, 2));
        assert_eq!(bins.len(), 4);
    }
}
