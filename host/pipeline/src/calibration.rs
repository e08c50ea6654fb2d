//! A calibration: how often a search errs at each threshold, measured with one encoder, its models, one detector and one back end. The authority's
//! score floor means something only beside one. `overt evaluate identification` writes it; a run reads it and refuses one that
//! was made of anything else than what runs.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};

use overt_vision::BackendIdentity;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::admission::Loaded;
use crate::generation::Perception;

/// The format that this version writes and reads.
const FORMAT: &str = "overt-calibration-1";

/// The largest calibration file: a curve of a thousand points has 200 KB.
const FILE_BYTES: u64 = 4 << 20;

/// Most points of a curve.
const POINTS: usize = 10_000;

/// A calibration, as its file has it (`calibration.schema.json` beside this crate's manifest).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// `overt-calibration-1`.
    pub format: String,
    /// When it was measured, RFC 3339.
    pub made_at: String,
    /// What the photographs are, in the words of who measured.
    pub description: String,
    /// The encoder.
    pub encoder: Instrument,
    /// The detector, whose landmarks the encoder aligns by.
    pub detector: Instrument,
    /// The back end.
    pub backend: BackendIdentity,
    /// The gallery that was searched.
    pub gallery: GallerySize,
    /// SHA-256 over the digests of all photographs, in ascending order.
    pub images_sha256: String,
    /// The curve, by ascending threshold; at least two points.
    pub curve: Vec<Point>,
}

/// A plugin by digest, with its models.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Instrument {
    /// The id in its manifest.
    pub id: String,
    /// The version in its manifest.
    pub version: String,
    /// SHA-256 of its content: its file without signatures, so that the calibration still holds when somebody signs.
    pub sha256: String,
    /// SHA-256 of its models, by their names.
    pub models: BTreeMap<String, String>,
}

/// How large a gallery is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GallerySize {
    /// People.
    pub people: u64,
    /// Their images.
    pub images: u64,
}

/// What a search does at one threshold.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Point {
    /// The least score that counts, −1 to 1.
    pub threshold: f32,
    /// Searches for somebody in the gallery that did not find them.
    pub misses: u64,
    /// Searches for somebody in the gallery.
    pub mated: u64,
    /// Searches for somebody else that found anybody.
    pub false_positives: u64,
    /// Searches for somebody else.
    pub non_mated: u64,
}

/// Why a calibration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CalibrationError {
    /// It cannot be read.
    #[error("cannot be read: {0}")]
    File(std::io::Error),
    /// It is larger than a calibration can be.
    #[error("is larger than 4 MiB")]
    TooLarge,
    /// It is not the one that was locked.
    #[error("is not the one that was locked: expected SHA-256 {locked}, found {found}")]
    NotLocked {
        /// In the lock.
        locked: String,
        /// Of the file.
        found: String,
    },
    /// It is no calibration.
    #[error("is no calibration: {0}")]
    Malformed(serde_json::Error),
    /// Its values cannot be.
    #[error("cannot be right: {0}")]
    Impossible(&'static str),
    /// It was made of something else than what runs.
    #[error("was made with something else: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Foreign(Vec<Difference>),
}

/// What a calibration was made with, and what runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Which part: `encoder`, `model mobilefacenet`, `back end`.
    pub what: String,
    /// In the calibration.
    pub calibrated: String,
    /// What runs.
    pub running: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Difference {
            what,
            calibrated,
            running,
        } = self;
        write!(f, "the {what} was {calibrated}, and is {running}")
    }
}

impl Instrument {
    /// A plugin that was loaded.
    pub fn of(loaded: &Loaded) -> Instrument {
        let identity = loaded.plugin.identity();
        Instrument {
            id: identity.id.to_string(),
            version: identity.version.to_string(),
            sha256: identity.content.to_string(),
            models: loaded
                .plugin
                .models()
                .map(|(name, sha256)| (name.to_owned(), sha256.to_owned()))
                .collect(),
        }
    }

    fn named(&self) -> String {
        format!("{} {} ({})", self.id, self.version, short(&self.sha256))
    }

    fn differences(&self, running: &Instrument, role: &str, into: &mut Vec<Difference>) {
        if self.sha256 != running.sha256 {
            into.push(Difference {
                what: role.to_owned(),
                calibrated: self.named(),
                running: running.named(),
            });
        }
        let names = self.models.keys().chain(running.models.keys());
        let names: std::collections::BTreeSet<&String> = names.collect();
        for name in names {
            let (one, other) = (self.models.get(name), running.models.get(name));
            if one != other {
                let digest = |digest: Option<&String>| {
                    digest.map_or("absent".to_owned(), |digest| short(digest).to_owned())
                };
                into.push(Difference {
                    what: format!("{role}'s model {name}"),
                    calibrated: digest(one),
                    running: digest(other),
                });
            }
        }
    }
}

fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}

impl Calibration {
    /// A calibration of what runs now.
    pub fn new(
        perception: &Perception,
        backend: &BackendIdentity,
        made_at: String,
        description: String,
        gallery: GallerySize,
        mut image_digests: Vec<[u8; 32]>,
        curve: Vec<Point>,
    ) -> Calibration {
        image_digests.sort_unstable();
        Calibration {
            format: FORMAT.to_owned(),
            made_at,
            description,
            encoder: Instrument::of(&perception.encoder),
            detector: Instrument::of(&perception.detector),
            backend: backend.clone(),
            gallery,
            images_sha256: hex::encode(Sha256::digest(image_digests.concat())),
            curve,
        }
    }

    /// Reads a calibration file.
    ///
    /// # Errors
    /// All but `Foreign`.
    pub fn read(path: &Path) -> Result<Calibration, CalibrationError> {
        Calibration::read_locked(path, None)
    }

    /// The same, and that it is the one of this SHA-256: the bytes that are hashed are the bytes that are used.
    pub(crate) fn read_locked(
        path: &Path,
        locked: Option<&str>,
    ) -> Result<Calibration, CalibrationError> {
        let file = std::fs::File::open(path).map_err(CalibrationError::File)?;
        let mut bytes = Vec::new();
        file.take(FILE_BYTES + 1)
            .read_to_end(&mut bytes)
            .map_err(CalibrationError::File)?;
        if bytes.len() as u64 > FILE_BYTES {
            return Err(CalibrationError::TooLarge);
        }
        let found = hex::encode(Sha256::digest(&bytes));
        if let Some(locked) = locked.filter(|locked| *locked != found) {
            return Err(CalibrationError::NotLocked {
                locked: locked.to_owned(),
                found,
            });
        }
        Calibration::parse(&bytes)
    }

    fn parse(bytes: &[u8]) -> Result<Calibration, CalibrationError> {
        let calibration: Calibration =
            serde_json::from_slice(bytes).map_err(CalibrationError::Malformed)?;
        match calibration.fault() {
            None => Ok(calibration),
            Some(fault) => Err(CalibrationError::Impossible(fault)),
        }
    }

    /// What cannot be about its values.
    fn fault(&self) -> Option<&'static str> {
        if self.format != FORMAT {
            return Some("its `format` is not overt-calibration-1");
        }
        if self.gallery.people == 0 || self.gallery.images < self.gallery.people {
            return Some("its gallery has nobody, or fewer images than people");
        }
        if !(2..=POINTS).contains(&self.curve.len()) {
            return Some("its curve has fewer than 2 points, or more than 10,000");
        }
        for point in &self.curve {
            // A NaN is in no range.
            if !(-1.0..=1.0).contains(&point.threshold) {
                return Some("a threshold of its curve is outside -1 to 1");
            }
            if point.mated == 0 || point.non_mated == 0 {
                return Some("a point of its curve rests on no searches");
            }
            if point.misses > point.mated || point.false_positives > point.non_mated {
                return Some("a point of its curve has more errors than searches");
            }
        }
        for pair in self.curve.windows(2) {
            if pair[0].threshold >= pair[1].threshold {
                return Some("the thresholds of its curve do not ascend");
            }
            if pair[0].misses > pair[1].misses || pair[0].false_positives < pair[1].false_positives
            {
                return Some("a higher threshold misses fewer, or lets more through");
            }
        }
        None
    }

    /// Whether it was made with what runs.
    ///
    /// # Errors
    /// `Foreign`, with every difference.
    pub fn check(
        &self,
        perception: &Perception,
        backend: &BackendIdentity,
    ) -> Result<(), CalibrationError> {
        let mut differences = Vec::new();
        self.encoder.differences(
            &Instrument::of(&perception.encoder),
            "encoder",
            &mut differences,
        );
        self.detector.differences(
            &Instrument::of(&perception.detector),
            "detector",
            &mut differences,
        );
        if self.backend != *backend {
            differences.push(Difference {
                what: "back end".to_owned(),
                calibrated: self.backend.to_string(),
                running: backend.to_string(),
            });
        }
        match differences.is_empty() {
            true => Ok(()),
            false => Err(CalibrationError::Foreign(differences)),
        }
    }

    /// What it says of a score floor and a watchlist of this size.
    pub fn facts(&self, path: PathBuf, floor: f32, people: u64) -> CalibrationFacts {
        // The point under the floor: at the floor itself no more false positives can come than there.
        let below = self
            .curve
            .iter()
            .rev()
            .find(|point| point.threshold <= floor);
        let above = self.curve.iter().find(|point| point.threshold >= floor);
        CalibrationFacts {
            path,
            made_at: self.made_at.clone(),
            description: self.description.clone(),
            gallery: self.gallery,
            false_positives: below.map(|point| (point.false_positives, point.non_mated)),
            misses: above.map(|point| (point.misses, point.mated)),
            larger_watchlist: (people > self.gallery.people).then_some(people),
        }
    }
}

/// What a calibration says of a score floor.
#[derive(Clone, Debug, PartialEq)]
pub struct CalibrationFacts {
    /// Its file.
    pub path: PathBuf,
    /// When it was measured.
    pub made_at: String,
    /// What on.
    pub description: String,
    /// The gallery that it was measured with.
    pub gallery: GallerySize,
    /// Searches for somebody who is not in the gallery that found anybody at the floor, at most, of so many. Absent where the floor is under the
    /// curve.
    pub false_positives: Option<(u64, u64)>,
    /// Searches for somebody in the gallery that found nobody at the floor, at most, of so many. Absent where the floor is over the curve.
    pub misses: Option<(u64, u64)>,
    /// The watchlist's people, where they are more than the calibration's: then there are more false positives than it says.
    pub larger_watchlist: Option<u64>,
}

impl CalibrationFacts {
    /// In words, a sentence each.
    pub fn sentences(&self) -> Vec<String> {
        let mut sentences = Vec::new();
        match self.false_positives {
            Some((found, of)) => sentences.push(format!(
                "At the score floor at most {found} of {of} searches for people who were not in a gallery of {} found somebody.",
                self.gallery.people
            )),
            None => sentences.push(
                "The score floor lies under every threshold that was measured: how many false positives there are is not known.".to_owned(),
            ),
        }
        if let Some((missed, of)) = self.misses {
            sentences.push(format!(
                "At most {missed} of {of} searches for people who were in it missed them."
            ));
        }
        if let Some(people) = self.larger_watchlist {
            sentences.push(format!(
                "This watchlist has {people} people, more than the {} that were measured: expect more false positives.",
                self.gallery.people
            ));
        }
        sentences
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn calibration() -> Calibration {
        let instrument = |id: &str| Instrument {
            id: id.into(),
            version: "0.1.0".into(),
            sha256: "ab".repeat(32),
            models: BTreeMap::from([("m".into(), "cd".repeat(32))]),
        };
        let point = |threshold: f32, misses, false_positives| Point {
            threshold,
            misses,
            mated: 100,
            false_positives,
            non_mated: 200,
        };
        Calibration {
            format: FORMAT.into(),
            made_at: "2026-01-01T00:00:00Z".into(),
            description: "a test".into(),
            encoder: instrument("encoder"),
            detector: instrument("detector"),
            backend: BackendIdentity {
                name: "onnxruntime".into(),
                version: "1".into(),
                precision: overt_vision::Precision::F32,
                device: "cpu".into(),
                sha256: "ef".repeat(32),
            },
            gallery: GallerySize {
                people: 50,
                images: 60,
            },
            images_sha256: "01".repeat(32),
            curve: vec![point(0.2, 1, 40), point(0.3, 2, 4), point(0.4, 9, 0)],
        }
    }

    fn parse(change: impl Fn(&mut Calibration)) -> Result<Calibration, CalibrationError> {
        let mut changed = calibration();
        change(&mut changed);
        Calibration::parse(&serde_json::to_vec(&changed).unwrap())
    }

    #[test]
    fn what_is_written_is_read() {
        assert_eq!(parse(|_| {}).unwrap(), calibration());
    }

    #[test]
    fn values_that_cannot_be_are_refused() {
        let changes: [fn(&mut Calibration); 9] = [
            |c| c.format = "overt-calibration-2".into(),
            |c| c.gallery.people = 0,
            |c| c.gallery.images = 49,
            |c| c.curve.truncate(1),
            |c| c.curve[0].threshold = -1.5,
            |c| c.curve[1].threshold = 0.2,
            |c| c.curve[0].mated = 0,
            |c| c.curve[2].misses = 101,
            |c| c.curve[2].false_positives = 5,
        ];
        for (index, change) in changes.into_iter().enumerate() {
            let refused = parse(change);
            assert!(
                matches!(refused, Err(CalibrationError::Impossible(_))),
                "{index}: {refused:?}"
            );
        }
    }

    #[test]
    fn what_is_no_calibration_is_refused_whatever_it_is() {
        let deep = "[".repeat(100_000);
        let unknown =
            serde_json::to_string(&calibration())
                .unwrap()
                .replacen('{', "{\"more\":1,", 1);
        let nan = serde_json::to_string(&calibration())
            .unwrap()
            .replace("0.2,", "NaN,");
        for text in ["", "{}", "[1]", &deep, &unknown, &nan, "\u{0}"] {
            assert!(matches!(
                Calibration::parse(text.as_bytes()),
                Err(CalibrationError::Malformed(_))
            ));
        }
    }

    #[test]
    fn a_file_without_end_is_not_read_to_it() {
        assert!(matches!(
            Calibration::read(Path::new("/dev/zero")),
            Err(CalibrationError::TooLarge)
        ));
    }

    #[test]
    fn a_floor_between_two_thresholds_takes_the_worse_of_both() {
        let facts = |floor, people| calibration().facts("c.json".into(), floor, people);
        let between = facts(0.35, 50);
        assert_eq!(between.false_positives, Some((4, 200)));
        assert_eq!(between.misses, Some((9, 100)));
        assert_eq!(between.larger_watchlist, None);
        assert_eq!(between.sentences().len(), 2);
        let under = facts(0.1, 51);
        assert_eq!(
            (under.false_positives, under.larger_watchlist),
            (None, Some(51))
        );
        assert!(under.sentences()[0].contains("not known"));
        assert_eq!(facts(0.9, 1).misses, None);
        assert_eq!(facts(0.3, 1).false_positives, Some((4, 200)));
    }

    #[test]
    fn every_difference_is_named() {
        let (one, mut other) = (calibration().encoder, calibration().encoder);
        let mut differences = Vec::new();
        one.differences(&other, "encoder", &mut differences);
        assert!(differences.is_empty());
        other.sha256 = "12".repeat(32);
        other.models =
            BTreeMap::from([("m".into(), "34".repeat(32)), ("n".into(), "56".repeat(32))]);
        one.differences(&other, "encoder", &mut differences);
        let told: Vec<String> = differences.iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "the encoder was encoder 0.1.0 (abababababab), and is encoder 0.1.0 (121212121212)",
                "the encoder's model m was cdcdcdcdcdcd, and is 343434343434",
                "the encoder's model n was absent, and is 565656565656",
            ]
        );
    }
}
