//! Identification in an open set: a gallery of some, probes of them and of others, as on a street (ISO/IEC 19795-1). A search finds an entry where its score
//! is at or over the threshold and it is among the ten best, as in a live run.
//!
//! - FNIR, misses: of the searches for somebody in the gallery, those that did not find them.
//! - FPIR, false positives: of the searches for somebody who is not in it, those that found anybody at all.
//!
//! A probe that gives no template finds nobody; a person of whom no photograph gives one is not in the gallery, and every search for them is
//! a miss. Both are counted.

use std::collections::{BTreeMap, BTreeSet};

use overt_gallery::{EntryKey, Gallery, GalleryError};
use overt_pipeline::Perception;
use overt_pipeline::calibration::Point;
use serde::Serialize;

use crate::faces::Seen;
use crate::people::Shown;
use crate::statistics::{Rate, Scores};
use crate::verification::MadeBy;

/// Candidates that a search returns, as in a live run.
pub const CANDIDATES: usize = 10;

/// The curve's thresholds: hundredths from here to 1.
const LOWEST: i32 = -20;

/// What one probe's search came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Search {
    /// Whether the person is in the gallery.
    pub mated: bool,
    /// For a mated search the person's own score, if among the ten best; for another the best score of anybody. Absent where nobody was found.
    pub score: Option<f32>,
}

/// The result of an identification: the keys of its JSON, by `identification.schema.json` beside this crate's manifest.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Identification {
    /// People in the gallery.
    pub gallery_people: usize,
    /// Their images in it.
    pub gallery_images: usize,
    /// Gallery images that gave no template.
    pub enrolment_failures: usize,
    /// People of whom no image gave one.
    pub people_not_enrolled: usize,
    /// Searches for somebody in the gallery folder.
    pub mated: usize,
    /// Searches for somebody else.
    pub non_mated: usize,
    /// Probes that gave no template.
    pub undetected: usize,
    /// The rate of false positives that was asked for.
    pub target_fpir: f64,
    /// The least threshold at which it is kept on these probes.
    pub threshold: f32,
    /// Misses there.
    pub fnir: Rate,
    /// False positives there.
    pub fpir: Rate,
    /// Whether there are non-mated probes enough to show the rate that was asked for.
    pub shown: bool,
    /// Both rates at every hundredth of a score.
    pub curve: Vec<CurvePoint>,
    /// What made the templates.
    pub made_by: MadeBy,
}

/// A threshold and what comes of it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct CurvePoint {
    /// The least score that counts.
    pub threshold: f32,
    /// Misses.
    pub fnir: Rate,
    /// False positives.
    pub fpir: Rate,
}

/// Probes that are in the wrong folder.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct Misplaced(pub Vec<String>);

/// Whether every mated probe's person is in the gallery, and no other's.
///
/// # Errors
/// Every probe of which that is not so, at most twenty of them told.
pub fn check_places(
    gallery: &[Shown],
    mated: &[Shown],
    non_mated: &[Shown],
) -> Result<(), Misplaced> {
    let people: BTreeSet<&str> = gallery.iter().map(|shown| shown.person.as_str()).collect();
    let strangers = mated
        .iter()
        .filter(|probe| !people.contains(probe.person.as_str()))
        .map(|probe| {
            format!(
                "{}: a mated probe of {:?}, of whom the gallery has no photograph",
                probe.path.display(),
                probe.person
            )
        });
    let known = non_mated
        .iter()
        .filter(|probe| people.contains(probe.person.as_str()))
        .map(|probe| {
            format!(
                "{}: a non-mated probe of {:?}, who is in the gallery",
                probe.path.display(),
                probe.person
            )
        });
    let mut told: Vec<String> = strangers.chain(known).collect();
    if told.is_empty() {
        return Ok(());
    }
    let more = told.len().saturating_sub(20);
    told.truncate(20);
    if more > 0 {
        told.push(format!("and {more} more"));
    }
    Err(Misplaced(told))
}

/// The gallery of those whose photographs gave a template.
///
/// # Errors
/// The gallery's own; none of them gave a template.
pub fn enrol(
    perception: &Perception,
    shown: &[Shown],
    seen: &[Seen],
) -> Result<Gallery, GalleryError> {
    let encoder = perception.encoder_id();
    let templates = shown.iter().zip(seen).filter_map(|(shown, seen)| {
        let template = seen.template()?.clone();
        Some((EntryKey::from(shown.person.as_str()), template))
    });
    Gallery::new(encoder.clone(), templates)
}

/// Searches for every probe.
///
/// # Errors
/// The gallery's own.
pub fn search(
    gallery: &Gallery,
    probes: &[Shown],
    seen: &[Seen],
    mated: bool,
) -> Result<Vec<Search>, GalleryError> {
    probes
        .iter()
        .zip(seen)
        .map(|(probe, seen)| {
            let Some(template) = seen.template() else {
                return Ok(Search { mated, score: None });
            };
            let hits = gallery.search(template, CANDIDATES)?;
            let mut candidates = hits.iter();
            let score = match mated {
                true => candidates.find(|hit| {
                    gallery
                        .key(hit.entry)
                        .is_some_and(|key| key.as_str() == probe.person)
                }),
                false => candidates.next(),
            };
            Ok(Search {
                mated,
                score: score.map(|hit| hit.score),
            })
        })
        .collect()
}

/// People and images of a folder of which no photograph, or this one, gave a template.
pub fn not_enrolled(shown: &[Shown], seen: &[Seen]) -> (usize, usize) {
    let mut people: BTreeMap<&str, bool> = BTreeMap::new();
    let mut images = 0;
    for (shown, seen) in shown.iter().zip(seen) {
        let there = seen.template().is_some();
        images += usize::from(!there);
        *people.entry(&shown.person).or_default() |= there;
    }
    (people.values().filter(|there| !**there).count(), images)
}

/// The sizes that an identification rests on.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sizes {
    /// People in the gallery.
    pub people: usize,
    /// Their images in it.
    pub images: usize,
    /// Gallery images that gave no template.
    pub enrolment_failures: usize,
    /// People of whom none did.
    pub people_not_enrolled: usize,
    /// Probes that gave none.
    pub undetected: usize,
}

impl Identification {
    /// The figures of searches.
    pub fn new(
        searches: &[Search],
        sizes: Sizes,
        target_fpir: f64,
        made_by: MadeBy,
    ) -> Identification {
        let scores = |mated: bool| {
            Scores::new(
                searches
                    .iter()
                    .filter(|search| search.mated == mated)
                    .map(|search| search.score),
            )
        };
        let (mated, non_mated) = (scores(true), scores(false));
        let misses = |threshold: f32| {
            let found = mated.at_or_over(threshold);
            Rate::new((mated.len() - found) as u64, mated.len() as u64)
        };
        let threshold = non_mated.least_threshold(target_fpir);
        let curve = (LOWEST..=100)
            .map(|hundredth| {
                let threshold = hundredth as f32 / 100.0;
                CurvePoint {
                    threshold,
                    fnir: misses(threshold),
                    fpir: non_mated.rate_at_or_over(threshold),
                }
            })
            .collect();
        Identification {
            gallery_people: sizes.people,
            gallery_images: sizes.images,
            enrolment_failures: sizes.enrolment_failures,
            people_not_enrolled: sizes.people_not_enrolled,
            mated: mated.len(),
            non_mated: non_mated.len(),
            undetected: sizes.undetected,
            target_fpir,
            threshold,
            fnir: misses(threshold),
            fpir: non_mated.rate_at_or_over(threshold),
            shown: non_mated.len() as f64 * target_fpir >= 3.0,
            curve,
            made_by,
        }
    }

    /// The curve as a calibration has it.
    pub fn points(&self) -> Vec<Point> {
        self.curve
            .iter()
            .map(|point| Point {
                threshold: point.threshold,
                misses: point.fnir.count,
                mated: point.fnir.of,
                false_positives: point.fpir.count,
                non_mated: point.fpir.of,
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn shown(person: &str) -> Shown {
        Shown {
            person: person.into(),
            path: format!("{person}.jpg").into(),
        }
    }

    #[test]
    fn rates_are_counted_at_every_threshold() {
        let search = |mated, score| Search { mated, score };
        let searches: Vec<Search> = (0..100)
            .map(|index| search(true, Some(0.4 + index as f32 / 200.0)))
            .chain((0..300).map(|index| search(false, Some(index as f32 / 600.0))))
            .chain([search(true, None), search(false, None)])
            .collect();
        let made_by = MadeBy {
            plugins: Vec::new(),
            backend: "none".into(),
        };
        let found = Identification::new(&searches, Sizes::default(), 0.01, made_by);
        assert_eq!((found.mated, found.non_mated), (101, 301));
        // Three of 301 may pass: 297, 298 and 299 sixhundredths.
        assert_eq!(found.fpir.count, 3);
        assert!(found.shown);
        // Mated scores under 0.495 are the first 18 or 19, and the one that found nobody.
        assert!((19..=20).contains(&found.fnir.count), "{:?}", found.fnir);
        for point in &found.curve {
            let count = |mated: bool, over: bool| {
                searches
                    .iter()
                    .filter(|search| search.mated == mated)
                    .filter(|search| search.score.is_some_and(|s| s >= point.threshold) == over)
                    .count() as u64
            };
            assert_eq!(point.fnir.count, count(true, false));
            assert_eq!(point.fpir.count, count(false, true));
        }
        assert_eq!(found.points().len(), 121);
        assert!(
            found
                .points()
                .windows(2)
                .all(|pair| pair[0].threshold < pair[1].threshold)
        );
    }

    #[test]
    fn probes_in_the_wrong_folder_are_named() {
        let gallery = [shown("Ann"), shown("Bo")];
        assert!(check_places(&gallery, &[shown("Ann")], &[shown("Cy")]).is_ok());
        let error = check_places(&gallery, &[shown("Cy")], &[shown("Bo"), shown("Di")])
            .unwrap_err()
            .to_string();
        assert!(error.contains("Cy.jpg: a mated probe") && error.contains("Bo.jpg: a non-mated"));
        assert!(!error.contains("Di.jpg"));
        let many = vec![shown("Bo"); 50];
        let told = check_places(&gallery, &[], &many).unwrap_err().to_string();
        assert!(told.ends_with("and 30 more"));
    }

    #[test]
    fn a_person_is_enrolled_by_any_image() {
        let shown = [shown("Ann"), shown("Ann"), shown("Bo")];
        let seen = [Seen::NoFace, Seen::NotReached, Seen::NoFace];
        assert_eq!(not_enrolled(&shown, &seen), (2, 3));
    }
}
