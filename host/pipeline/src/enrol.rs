//! Enrolment: photographs become watchlist entries, seen by the same detector and encoder that will see the passers-by.
//!
//! An image that cannot be enrolled says why, by itself; the others go on. One that is there already, by the digest of its file, is not looked at again: an
//! enrolment that was killed goes on where it was.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use overt_deployment::{Deployment, Timestamp};
use overt_records::{self as records, By, SignedIn};
use overt_vision::Face;
use sha2::{Digest, Sha256};

use crate::error::PipelineError;
use crate::generation::Perception;
use crate::machine::Machine;
use crate::pictures;
use crate::stills::{self, Eyes, FileBytes, StillFailure};

/// Faces narrower than this are refused: pixels of the photograph. An encoder of 112 × 112 sees nothing but enlargement below about half of
/// its input.
pub const LEAST_FACE: f32 = 56.0;

/// Another face of this part of the largest face's width makes a photograph one of two people.
const SECOND_FACE: f32 = 0.3;

/// The component of a face's whole quality (ISO/IEC 29794-5).
pub(crate) const UNIFIED: &str = "UnifiedQualityScore";

/// Images that are committed together.
const GROUP: usize = 64;

/// An image that is to be enrolled.
#[derive(Clone, PartialEq, Eq)]
pub struct ImageToEnrol {
    /// The entry's reference.
    pub reference: String,
    /// The entry's category; one of the deployment's.
    pub category: String,
    /// The photograph.
    pub path: PathBuf,
    /// Its bytes, where whoever asks has read it: a run has shut itself in, and reads no file outside its folders.
    pub bytes: Option<FileBytes>,
    /// Why the person is sought.
    pub grounds: records::Grounds,
    /// Where the image comes from.
    pub facts: records::ImageFacts,
}

/// What became of an image.
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
    /// The entry is on record on other grounds already.
    #[error("the entry is on the watchlist on other grounds, or comes twice on different ones")]
    GroundsDiffer,
    /// Too little is said of why the person is sought.
    #[error("{0}")]
    Grounds(records::GroundsProblem),
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
///
/// # Errors
/// Unless a system engineer is signed in; a watchlist that would be too large; plugins that cannot be loaded; the records.
pub fn enrol(
    machine: &Machine,
    deployment: &Deployment,
    store: &records::Store,
    by: &SignedIn,
    images: Vec<ImageToEnrol>,
    stop: &AtomicBool,
    done: &(dyn Fn(usize) + Sync),
) -> Result<Vec<Enrolment>, PipelineError> {
    let by = By::enrolling(by).map_err(records::RecordsError::from)?;
    let perception = Perception::load(machine, deployment)?;
    let mut list = Known::of(deployment, store, &perception, &images)?;
    let workers = stills::workers(deployment);
    let (mut enrolments, mut finished) = (Vec::with_capacity(images.len()), 0);
    let mut images = images.into_iter();
    loop {
        let group: Vec<ImageToEnrol> = images.by_ref().take(GROUP).collect();
        if group.is_empty() {
            break;
        }
        let size = group.len();
        let seen = list.see(
            machine,
            &perception,
            workers,
            group,
            &by,
            stop,
            &|in_group| {
                done(finished + in_group);
            },
        )?;
        finished += size;
        let stored = match seen.new.is_empty() {
            true => Vec::new(),
            false => store.watchlist().enrol(&seen.new, now())?,
        };
        enrolments.extend(seen.answered(stored));
    }
    Ok(enrolments)
}

/// Puts one person on the watchlist outside its review, while no run goes on: all of the images that can be had of them.
///
/// # Errors
/// As [`enrol`].
pub fn add(
    machine: &Machine,
    deployment: &Deployment,
    store: &records::Store,
    addition: &records::Addition,
    images: Vec<ImageToEnrol>,
    stop: &AtomicBool,
) -> Result<Vec<Enrolment>, PipelineError> {
    let perception = Perception::load(machine, deployment)?;
    let mut list = Known::of(deployment, store, &perception, &images)?;
    let mut enrolments = Vec::with_capacity(images.len());
    // One by one: the same photograph twice is one image.
    for image in images {
        let by = &addition.by;
        let seen = list.see(machine, &perception, 1, vec![image], by, stop, &|_| {})?;
        let stored = match seen.new.is_empty() {
            true => Vec::new(),
            false => store.watchlist().add(&seen.new, addition, now())?,
        };
        enrolments.extend(seen.answered(stored));
    }
    Ok(enrolments)
}

/// The watchlist as far as an enrolment has to know it.
pub(crate) struct Known<'a> {
    deployment: &'a Deployment,
    store: &'a records::Store,
    encoder: records::Encoder,
    /// Category and grounds by reference; grounds that nobody has looked up yet are absent.
    entries: BTreeMap<String, (String, Option<records::Grounds>)>,
    /// Images that are there and need not be encoded again.
    sources: HashSet<records::SourceOf>,
    /// Whoever is younger has an approval of their own.
    approval_under: u8,
}

/// Images that were looked at, and what is to be stored of them.
pub(crate) struct Seen {
    pub(crate) new: Vec<records::NewImage>,
    answers: Vec<(ImageToEnrol, Option<f32>, Result<Looked, ImageFailure>)>,
}

#[derive(Clone, Copy)]
enum Looked {
    New,
    There,
}

impl Seen {
    /// Whether anything is to be stored: before it is taken out, or after.
    pub(crate) fn is_new(&self) -> bool {
        let looked = self.answers.iter().map(|(.., looked)| looked);
        looked.flatten().any(|looked| matches!(looked, Looked::New))
    }

    /// What became of each, once the store has answered about the new ones.
    pub(crate) fn answered(self, stored: Vec<records::Enrolled>) -> Vec<Enrolment> {
        let mut stored = stored.into_iter();
        let answers = self.answers.into_iter();
        answers
            .map(|(image, quality, looked)| Enrolment {
                image,
                // One answer of the store for each image that was handed to it, in the same order.
                outcome: looked.map(|looked| match looked {
                    Looked::New => stored.next().unwrap_or(records::Enrolled::Added),
                    Looked::There => records::Enrolled::There,
                }),
                quality,
            })
            .collect()
    }
}

impl<'a> Known<'a> {
    /// What is there, if these images do not make it too large.
    pub(crate) fn of(
        deployment: &'a Deployment,
        store: &'a records::Store,
        perception: &Perception,
        images: &[ImageToEnrol],
    ) -> Result<Known<'a>, PipelineError> {
        let encoder = perception.encoder();
        let listed = store.watchlist().list()?;
        let entries: BTreeMap<_, _> = listed
            .into_iter()
            .map(|entry| (entry.reference, (entry.category, None)))
            .collect();
        let references: BTreeSet<&str> = entries
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
        let sources = store.watchlist().sources(&encoder)?;
        Ok(Known {
            deployment,
            store,
            encoder,
            entries,
            sources,
            approval_under: store.approval_under(),
        })
    }

    /// Looks at a group of images. Nothing is stored.
    #[allow(clippy::too_many_arguments)] // What `stills::each` takes, and who it is.
    pub(crate) fn see(
        &mut self,
        machine: &Machine,
        perception: &Perception,
        workers: usize,
        group: Vec<ImageToEnrol>,
        by: &By,
        stop: &AtomicBool,
        done: &(dyn Fn(usize) + Sync),
    ) -> Result<Seen, PipelineError> {
        let (deployment, sources, under) = (self.deployment, &self.sources, self.approval_under);
        let made = stills::each(
            machine,
            perception,
            workers,
            &group,
            stop,
            done,
            |image, eyes| one(deployment, sources, under, image, eyes),
        )?;
        let made = made
            .into_iter()
            .map(|made| made.unwrap_or(Err(ImageFailure::Interrupted)));
        let (mut new, mut answers) = (Vec::new(), Vec::new());
        for (image, made) in group.into_iter().zip(made) {
            let mut quality = None;
            let looked = match made {
                Err(failure) => Err(failure),
                Ok(made) => self.same_entry(&image)?.map(|()| match made {
                    None => Looked::There,
                    Some(made) => {
                        quality = made.quality;
                        // The same file twice in one enrolment is one image.
                        let source = &made.picture.source_sha256;
                        self.sources
                            .insert((image.reference.clone(), source.clone()));
                        new.push(records::NewImage {
                            reference: image.reference.clone(),
                            category: image.category.clone(),
                            picture: made.picture,
                            encoder: self.encoder.clone(),
                            template: made.template,
                            grounds: image.grounds.clone(),
                            facts: image.facts.clone(),
                            by: by.clone(),
                        });
                        Looked::New
                    }
                }),
            };
            answers.push((image, quality, looked));
        }
        Ok(Seen { new, answers })
    }

    /// That an image says of its entry what is known of it.
    fn same_entry(
        &mut self,
        image: &ImageToEnrol,
    ) -> Result<Result<(), ImageFailure>, PipelineError> {
        let (category, grounds) = match self.entries.get_mut(&image.reference) {
            Some(known) => known,
            None => {
                let known = (image.category.clone(), Some(image.grounds.clone()));
                self.entries.insert(image.reference.clone(), known);
                return Ok(Ok(()));
            }
        };
        if *category != image.category {
            return Ok(Err(ImageFailure::CategoryDiffers {
                stored: category.clone(),
                wanted: image.category.clone(),
            }));
        }
        let known = match grounds {
            Some(known) => known,
            // One that an older version wrote has none yet.
            None => grounds.insert(
                self.store
                    .watchlist()
                    .grounds(&image.reference)?
                    .unwrap_or_else(|| image.grounds.clone()),
            ),
        };
        Ok(match *known == image.grounds {
            true => Ok(()),
            false => Err(ImageFailure::GroundsDiffer),
        })
    }
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

/// One photograph: decode, one face, large enough, template, picture. `None` where it is there already.
fn one(
    deployment: &Deployment,
    sources: &HashSet<records::SourceOf>,
    approval_under: u8,
    image: &ImageToEnrol,
    eyes: &mut Eyes<'_>,
) -> Result<Option<Made>, ImageFailure> {
    if !deployment.watchlist.categories.contains(&image.category) {
        return Err(ImageFailure::UnknownCategory {
            category: image.category.clone(),
        });
    }
    image
        .grounds
        .check(now(), approval_under)
        .map_err(ImageFailure::Grounds)?;
    let read;
    let bytes = match &image.bytes {
        Some(bytes) => bytes,
        None => {
            read = stills::read(&image.path)?;
            &read
        }
    };
    let source_sha256 = hex::encode(Sha256::digest(&**bytes));
    let source = (image.reference.clone(), source_sha256);
    if sources.contains(&source) {
        return Ok(None);
    }
    let frame = Arc::new(overt_vision::decode_still(bytes).map_err(StillFailure::Unreadable)?);
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
    Ok(Some(Made {
        picture: records::Picture {
            jpeg: jpeg.into(),
            source_name: name,
            source_sha256: source.1,
            landmarks: landmarks(&face),
            quality,
        },
        template: described.values,
        quality: unified,
    }))
}

fn landmarks(face: &Face) -> Option<[(f32, f32); 5]> {
    face.landmarks
        .map(|landmarks| landmarks.points().map(|point| (point.x, point.y)))
}
