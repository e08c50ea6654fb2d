//! Enrolment: photographs become watchlist entries, seen by the same detector and encoder that will see the passers-by.
//!
//! An image that cannot be enrolled says why, by itself; the others go on.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;

use overt_deployment::{Deployment, Timestamp};
use overt_gallery::{Template, TemplateError};
use overt_records as records;
use overt_runtime::{CallError, Sessions};
use overt_vision::{Backend, Face, Frame, InferenceError, StillError};
use sha2::{Digest, Sha256};

use crate::error::PipelineError;
use crate::generation::Perception;
use crate::machine::Machine;
use crate::pictures;

/// Faces narrower than this are refused: pixels of the photograph. An encoder of 112 × 112 sees nothing but enlargement below about half of
/// its input.
pub const LEAST_FACE: f32 = 56.0;

/// Another face of this part of the largest face's width makes a photograph one of two people.
const SECOND_FACE: f32 = 0.3;

/// Images that are committed together.
const GROUP: usize = 256;

/// The largest photograph file.
const FILE_BYTES: u64 = 64 << 20;

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
    /// The file cannot be read.
    #[error("cannot be read: {0}")]
    File(std::io::Error),
    /// The file is no photograph that can be read.
    #[error("is no readable photograph: {0}")]
    Unreadable(StillError),
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
    /// A plugin failed.
    #[error("{0}")]
    Plugin(CallError),
    /// The encoder's template cannot be used.
    #[error("{0}")]
    Template(TemplateError),
    /// The face cannot be cut out.
    #[error("the face cannot be cut out")]
    Picture,
    /// Somebody ended the enrolment before it was this image's turn.
    #[error("the enrolment was ended before its turn")]
    Interrupted,
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
    let workers = deployment
        .host
        .workers
        .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    let (mut enrolments, mut finished) = (Vec::with_capacity(images.len()), 0);
    let mut images = images.into_iter();
    loop {
        let group: Vec<ImageToEnrol> = images.by_ref().take(GROUP).collect();
        if group.is_empty() {
            break;
        }
        let made = encode(
            machine,
            &perception,
            deployment,
            &group,
            workers,
            stop,
            &|in_group| done(finished + in_group),
        )?;
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

/// A worker's model sessions.
struct Ready {
    detector: Sessions,
    encoder: Sessions,
    quality: Option<Sessions>,
}

impl Ready {
    fn load(perception: &Perception, backend: &dyn Backend) -> Result<Ready, InferenceError> {
        Ok(Ready {
            detector: perception.detector.plugin.sessions(backend)?,
            encoder: perception.encoder.plugin.sessions(backend)?,
            quality: perception
                .quality
                .as_ref()
                .map(|quality| quality.plugin.sessions(backend))
                .transpose()?,
        })
    }
}

/// Detects and encodes a group's images, on several threads.
fn encode(
    machine: &Machine,
    perception: &Perception,
    deployment: &Deployment,
    images: &[ImageToEnrol],
    workers: usize,
    stop: &AtomicBool,
    done: &(dyn Fn(usize) + Sync),
) -> Result<Vec<Result<Made, ImageFailure>>, PipelineError> {
    let (next, finished) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let (answer, answers) = mpsc::channel();
    let mut made: Vec<Option<Result<Made, ImageFailure>>> = images.iter().map(|_| None).collect();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..workers.min(images.len()))
            .map(|_| {
                let (answer, next, finished) = (answer.clone(), &next, &finished);
                scope.spawn(move || -> Result<(), InferenceError> {
                    let mut ready = Ready::load(perception, &*machine.backend)?;
                    loop {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        let Some(image) = images.get(index) else {
                            return Ok(());
                        };
                        let made = match stop.load(Ordering::Relaxed) {
                            true => Err(ImageFailure::Interrupted),
                            false => one(perception, deployment, image, &mut ready),
                        };
                        // The receiver lives until the scope ends.
                        let _ = answer.send((index, made));
                        done(finished.fetch_add(1, Ordering::Relaxed) + 1);
                    }
                })
            })
            .collect();
        drop(answer);
        for (index, answer) in answers {
            made[index] = Some(answer);
        }
        for thread in threads {
            thread
                .join()
                .map_err(|_| PipelineError::Panicked("enrolment"))??;
        }
        Ok::<(), PipelineError>(())
    })?;
    // Every index was taken by a thread that ended well, so every place is filled.
    Ok(made
        .into_iter()
        .map(|made| made.unwrap_or(Err(ImageFailure::Interrupted)))
        .collect())
}

fn read(path: &Path) -> Result<Vec<u8>, ImageFailure> {
    let file = std::fs::File::open(path).map_err(ImageFailure::File)?;
    let mut bytes = Vec::new();
    file.take(FILE_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(ImageFailure::File)?;
    Ok(bytes)
}

/// One photograph: decode, one face, large enough, template, picture.
fn one(
    perception: &Perception,
    deployment: &Deployment,
    image: &ImageToEnrol,
    ready: &mut Ready,
) -> Result<Made, ImageFailure> {
    if !deployment.watchlist.categories.contains(&image.category) {
        return Err(ImageFailure::UnknownCategory {
            category: image.category.clone(),
        });
    }
    let bytes = zeroize::Zeroizing::new(read(&image.path)?);
    let frame: Arc<Frame> =
        Arc::new(overt_vision::decode_still(&bytes).map_err(ImageFailure::Unreadable)?);
    let mut faces = perception
        .detector
        .plugin
        .detect(&frame, &mut ready.detector)
        .map_err(ImageFailure::Plugin)?;
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
    let quality = match (&perception.quality, &mut ready.quality) {
        (Some(quality), Some(sessions)) => quality
            .plugin
            .assess(&frame, &[face], sessions)
            .map_err(ImageFailure::Plugin)?
            .pop()
            .unwrap_or_default(),
        _ => Vec::new(),
    };
    let templates = perception
        .encoder
        .plugin
        .encode(&frame, &[face], &mut ready.encoder)
        .map_err(ImageFailure::Plugin)?;
    let values = templates.as_f32s().unwrap_or_default();
    // Refuses here what the gallery would refuse later, so that the image is named.
    Template::new(&perception.encoder_id, values).map_err(ImageFailure::Template)?;
    let crop = pictures::face_crop(&frame, face.bounds).map_err(|_| ImageFailure::Picture)?;
    let jpeg = pictures::jpeg(&crop).ok_or(ImageFailure::Picture)?.jpeg;
    let unified = quality
        .iter()
        .find(|(name, _)| name == "UnifiedQualityScore")
        .map(|(_, value)| *value);
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
        template: values.to_vec().into(),
        quality: unified,
    })
}

fn landmarks(face: &Face) -> Option<[(f32, f32); 5]> {
    face.landmarks
        .map(|landmarks| landmarks.points().map(|point| (point.x, point.y)))
}
