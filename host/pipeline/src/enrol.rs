//! Enrolment: photographs become watchlist entries, seen by the same detector and encoder that will see the passers-by.
//!
//! An image that cannot be enrolled says why, by itself; the others go on.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use overt_deployment::{Deployment, Timestamp};
use overt_records as records;
use overt_vision::Face;
use sha2::{Digest, Sha256};

use crate::error::PipelineError;
use crate::generation::Perception;
use crate::machine::Machine;
use crate::pictures;
use crate::stills::{self, Eyes, StillFailure};

/// Faces narrower than this are refused: pixels of the photograph. An encoder of 112 × 112 sees nothing but enlargement below about half of
/// its input.
pub const LEAST_FACE: f32 = 56.0;

/// Another face of this part of the largest face's width makes a photograph one of two people.
const SECOND_FACE: f32 = 0.3;

/// The component of a face's whole quality (ISO/IEC 29794-5).
pub(crate) const UNIFIED: &str = "UnifiedQualityScore";

/// Images that are committed together.
const GROUP: usize = 256;

/// An image that is to be enrolled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageToEnrol {
    /// The entry's reference.
    pub reference: String,
    /// The entry's category; one of the deployment's.
    pub category: String,
    /// The photograph.
    pub path: PathBuf,
}

/// What became of an image.
#[derive(Debug)]
pub struct Enrolment {
    /// The image.
    pub image: ImageToEnrol,
    /// Whether it is on the watchlist now.
    pub outcome: Result<records::Enrolled, ImageFailure>,
    /// Unified quality of the face, 0 to 100, where a quality plugin measured it.
    pub quality: Option<f32>,
}

/// Why an image is not on the watchlist.
#[derive(Debug, thiserror::Error)]
pub enum ImageFailure {
    /// The photograph cannot be read, or a plugin failed on it.
    #[error("{0}")]
    Still(#[from] StillFailure),
    /// No face was found.
    #[error("no face was found")]
    NoFace,
    /// More than one face, so that nobody can say who is meant.
    #[error("{faces} faces were found; expected one")]
    SeveralFaces {
        /// How many.
        faces: usize,
    },
    /// The face is too small.
    #[error("the face is {width:.0} pixels wide; at least {LEAST_FACE:.0} are needed")]
    TooSmall {
        /// The face's width in pixels.
        width: f32,
    },
    /// The face is too poor to be recognised by.
    #[error("{}", poor(*unified, *least, components))]
    PoorQuality {
        /// Its `UnifiedQualityScore`, 0 to 100; absent where the quality plugin gives none.
        unified: Option<f32>,
        /// `watchlist.least-quality`.
        least: u8,
        /// The components that are under it, the poorest first.
        components: Vec<(String, f32)>,
    },
    /// The category is not one of the deployment's.
    #[error("the category {category:?} is not listed under [watchlist] of the deployment file")]
    UnknownCategory {
        /// The category.
        category: String,
    },
    /// The entry has another category already.
    #[error("the entry has the category {stored:?} already, not {wanted:?}")]
    CategoryDiffers {
        /// What is on record or came before.
        stored: String,
        /// What this image says.
        wanted: String,
    },
    /// The face cannot be cut out.
    #[error("the face cannot be cut out")]
    Picture,
    /// Somebody ended the enrolment before it was this image's turn.
    #[error("the enrolment was ended before its turn")]
    Interrupted,
}

/// What is wrong with a face, in words that a person with a camera can follow.
fn poor(unified: Option<f32>, least: u8, components: &[(String, f32)]) -> String {
    let Some(unified) = unified else {
        return format!("no {UNIFIED} was measured; at least {least} is asked for");
    };
    let named: Vec<String> = components
        .iter()
        .map(|(name, value)| {
            let words = match name.as_str() {
                "Sharpness" => "blurred",
                "InterEyeDistance" => "small",
                "HeadPoseYaw" => "turned aside",
                "HeadPoseRoll" => "tilted",
                "LuminanceMean" => "too dark or too bright",
                "DynamicRange" => "without contrast",
                _ => "poor",
            };
            format!("{words} ({name} {value:.0})")
        })
        .collect();
    let because = match named.is_empty() {
        true => String::new(),
        false => format!(": it is {}", named.join(", ")),
    };
    format!("the face's quality is {unified:.0} of 100, at least {least} is asked for{because}")
}

/// Enrols images, in groups that are committed as one. Answers stand in the order of the images. `done` is called after each with how many
/// are done.
pub fn enrol(
    machine: &Machine,
    deployment: &Deployment,
    store: &records::Store,
    images: Vec<ImageToEnrol>,
    stop: &AtomicBool,
    done: &(dyn Fn(usize) + Sync),
) -> Result<Vec<Enrolment>, PipelineError> {
    let perception = Perception::load(machine, deployment)?;
    let encoder = perception.encoder();
    let mut categories: BTreeMap<String, String> = store
        .watchlist()
        .list()?
        .into_iter()
        .map(|entry| (entry.reference, entry.category))
        .collect();
    let references: BTreeSet<&str> = categories
        .keys()
        .map(String::as_str)
        .chain(images.iter().map(|image| image.reference.as_str()))
        .collect();
    let most = deployment.authority.watchlist_size;
    if references.len() > most as usize {
        return Err(PipelineError::WatchlistTooLarge {
            entries: references.len(),
            most,
        });
    }
    let workers = stills::workers(deployment);
    let (mut enrolments, mut finished) = (Vec::with_capacity(images.len()), 0);
    let mut images = images.into_iter();
    loop {
        let group: Vec<ImageToEnrol> = images.by_ref().take(GROUP).collect();
        if group.is_empty() {
            break;
        }
        let made = stills::each(
            machine,
            &perception,
            workers,
            &group,
            stop,
            &|in_group| done(finished + in_group),
            |image, eyes| one(deployment, image, eyes),
        )?;
        let made = made
            .into_iter()
            .map(|made| made.unwrap_or(Err(ImageFailure::Interrupted)));
        finished += group.len();
        let mut new = Vec::new();
        let mut answers: Vec<(ImageToEnrol, Option<f32>, Result<(), ImageFailure>)> = Vec::new();
        for (image, made) in group.into_iter().zip(made) {
            let quality = made.as_ref().ok().and_then(|made| made.quality);
            let outcome = made.and_then(|made| {
                let known = categories
                    .entry(image.reference.clone())
                    .or_insert_with(|| image.category.clone());
                if *known != image.category {
                    return Err(ImageFailure::CategoryDiffers {
                        stored: known.clone(),
                        wanted: image.category.clone(),
                    });
                }
                new.push(records::NewImage {
                    reference: image.reference.clone(),
                    category: image.category.clone(),
                    picture: made.picture,
                    encoder: encoder.clone(),
                    template: made.template,
                });
                Ok(())
            });
            answers.push((image, quality, outcome));
        }
        let mut stored = store.watchlist().enrol(&new, now())?.into_iter();
        for (image, quality, outcome) in answers {
            // One answer of the store for each image that was handed to it, in the same order.
            let outcome = outcome.map(|()| stored.next().unwrap_or(records::Enrolled::Added));
            enrolments.push(Enrolment {
                image,
                outcome,
                quality,
            });
        }
    }
    Ok(enrolments)
}

fn now() -> records::Timestamp {
    records::Timestamp::from_unix_ms(Timestamp::now().as_millisecond())
}

/// What the plugins made of a photograph.
struct Made {
    picture: records::Picture,
    template: zeroize::Zeroizing<Vec<f32>>,
    quality: Option<f32>,
}

/// One photograph: decode, one face, large enough, template, picture.
fn one(
    deployment: &Deployment,
    image: &ImageToEnrol,
    eyes: &mut Eyes<'_>,
) -> Result<Made, ImageFailure> {
    if !deployment.watchlist.categories.contains(&image.category) {
        return Err(ImageFailure::UnknownCategory {
            category: image.category.clone(),
        });
    }
    let (frame, bytes) = eyes.open(&image.path)?;
    let mut faces = eyes.detect(&frame)?;
    faces.sort_by(|one, other| other.bounds.width.total_cmp(&one.bounds.width));
    let Some(face) = faces.first().copied() else {
        return Err(ImageFailure::NoFace);
    };
    let people = faces
        .iter()
        .filter(|other| other.bounds.width >= SECOND_FACE * face.bounds.width)
        .count();
    if people > 1 {
        return Err(ImageFailure::SeveralFaces { faces: people });
    }
    if face.bounds.width < LEAST_FACE {
        return Err(ImageFailure::TooSmall {
            width: face.bounds.width,
        });
    }
    let described = eyes.describe(&frame, face)?;
    let quality = described.quality;
    let unified = quality
        .iter()
        .find(|(name, _)| name == UNIFIED)
        .map(|(_, value)| *value);
    if let Some(least) = deployment.watchlist.least_quality {
        // NaN is never enough.
        if !unified.is_some_and(|unified| unified >= f32::from(least)) {
            let mut components: Vec<(String, f32)> = quality
                .into_iter()
                .filter(|(name, value)| name != UNIFIED && *value < f32::from(least))
                .collect();
            components.sort_by(|one, other| one.1.total_cmp(&other.1));
            return Err(ImageFailure::PoorQuality {
                unified,
                least,
                components,
            });
        }
    }
    let crop = pictures::face_crop(&frame, face.bounds).map_err(|_| ImageFailure::Picture)?;
    let jpeg = pictures::jpeg(&crop).ok_or(ImageFailure::Picture)?.jpeg;
    let name = image
        .path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    Ok(Made {
        picture: records::Picture {
            jpeg: jpeg.into(),
            source_name: name,
            source_sha256: hex::encode(Sha256::digest(&*bytes)),
            landmarks: landmarks(&face),
            quality,
        },
        template: described.values,
        quality: unified,
    })
}

fn landmarks(face: &Face) -> Option<[(f32, f32); 5]> {
    face.landmarks
        .map(|landmarks| landmarks.points().map(|point| (point.x, point.y)))
}
