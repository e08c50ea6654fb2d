//! The people sought: who is on the watchlist, with which images and templates.

use crate::audit::{self, Actor, AuditEvent};
use crate::error::RecordsError;
use crate::fault::Fault;
use crate::judgements::withdraw_in;
use crate::payload::{self, Picture, TemplateValues};
use crate::retention::{RetentionClass, Timestamp};
use crate::store::Store;
use crate::tables::{ENTRIES, EntryRow, ImageRow, RowBytes};
use crate::transaction::Change;
use redb::ReadableTable;
use serde::{Deserialize, Serialize};
use std::fmt;
use zeroize::Zeroizing;

/// Most images of one entry: enrolling one more compares it with all of them.
const MOST_IMAGES: usize = 256;

/// Which encoder made a template.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Encoder {
    /// Id of the plugin, for messages.
    pub plugin_id: String,
    /// SHA-256 of the plugin's file, 64 lower-case hexadecimal digits.
    pub plugin_sha256: String,
    /// SHA-256 of its model, 64 lower-case hexadecimal digits.
    pub model_sha256: String,
    /// What ran the model, and with which numbers, such as `onnxruntime f32`; 1 to 256 printable bytes. Empty in what was stored before
    /// this was: no encoder of today makes the same templates as that.
    #[serde(default)]
    pub backend: String,
    /// Number of values in a template, 1 to 4,096.
    pub dimension: u32,
}

impl fmt::Display for Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = |digest: &str| digest.chars().take(12).collect::<String>();
        write!(
            f,
            "{} (plugin {}, model {}, {}, {} values)",
            self.plugin_id,
            short(&self.plugin_sha256),
            short(&self.model_sha256),
            match self.backend.as_str() {
                "" => "a back end that was not noted",
                backend => backend,
            },
            self.dimension
        )
    }
}

/// The stored templates are of another encoder than the one asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{images} images of the watchlist, the first of {reference}, were enrolled with {stored}, and this deployment uses {wanted}; enrol them again"
)]
pub struct OtherEncoder {
    /// The first entry with such a template.
    pub reference: String,
    /// How many images have one.
    pub images: usize,
    /// The encoder of that entry's template.
    pub stored: Encoder,
    /// The encoder asked for.
    pub wanted: Encoder,
}

/// An image to be enrolled.
#[derive(Clone)]
pub struct NewImage {
    /// The entry's reference, 1 to 256 printable bytes.
    pub reference: String,
    /// The entry's category, 1 to 256 printable bytes; the same for all images of an entry.
    pub category: String,
    /// The picture.
    pub picture: Picture,
    /// The encoder of the template.
    pub encoder: Encoder,
    /// The template's values, as many as the encoder's dimension, all finite.
    pub template: Zeroizing<Vec<f32>>,
}

/// What became of an image that was enrolled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enrolled {
    /// It is new to its entry.
    Added,
    /// The entry had this image already, by the digest of its source file; what was stored is replaced.
    Replaced,
}

/// An image of an entry, without the image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageSummary {
    /// Its number in the entry, which stays its own while other images come and go.
    pub image: u32,
    /// The encoder of its template.
    pub encoder: Encoder,
    /// When it was enrolled.
    pub enrolled_at: Timestamp,
    /// When it has to be gone.
    pub expires_at: Timestamp,
}

/// An entry of the watchlist, without its images.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntrySummary {
    /// Its reference.
    pub reference: String,
    /// Its category.
    pub category: String,
    /// Its images, in the order they were first enrolled.
    pub images: Vec<ImageSummary>,
}

/// A stored template.
#[derive(Clone)]
pub struct StoredTemplate {
    /// The entry's reference.
    pub reference: String,
    /// The entry's category.
    pub category: String,
    /// The image's number in its entry, as in [`ImageSummary::image`].
    pub image: u32,
    /// Unified quality of the image, 0 to 100, where one was measured.
    pub quality: Option<f32>,
    /// The template's values as they were enrolled.
    pub values: Zeroizing<Vec<f32>>,
}

/// The watchlist of a store. Made by [`Store::watchlist`].
pub struct Watchlist<'a> {
    pub(crate) store: &'a Store,
}

impl Watchlist<'_> {
    /// Enrols images in one transaction: all of them or none. An image that its entry already has, by the digest of its
    /// source file, is replaced and keeps its number. The answers stand in the order of the images.
    ///
    /// # Errors
    /// [`RecordsError::Refused`] for a value outside its limits; [`RecordsError::CategoryDiffers`];
    /// [`RecordsError::Full`].
    pub fn enrol(
        &self,
        images: &[NewImage],
        now: Timestamp,
    ) -> Result<Vec<Enrolled>, RecordsError> {
        for image in images {
            image.check()?;
        }
        let retention = self.store.settings().retention;
        let expires_at = retention.expires(RetentionClass::Watchlist, now);
        self.store.change(|change| {
            let mut answers = Vec::with_capacity(images.len());
            for image in images {
                answers.push(enrol_one(change, image, now, expires_at)?);
            }
            change.log_destroyed_keys(now)?;
            Ok(answers)
        })
    }

    /// Every entry, by reference.
    ///
    /// # Errors
    /// [`RecordsError::Damaged`] and the like.
    pub fn list(&self) -> Result<Vec<EntrySummary>, RecordsError> {
        self.store.read(|store| {
            let mut entries = Vec::new();
            for row in store.rows.open_table(ENTRIES)?.iter()? {
                let (reference, entry) = row?;
                let entry = entry.value().read()?;
                entries.push(EntrySummary {
                    reference: reference.value().to_owned(),
                    category: entry.category,
                    images: entry.images.into_iter().map(ImageRow::summary).collect(),
                });
            }
            Ok(entries)
        })
    }

    /// Removes an entry with all its images, destroys their keys, and withdraws the alerts about it that nobody has ended: in one change, so that nobody is engaged over
    /// somebody who is not sought any more. Returns how many images there were; `None` where nobody of this reference is on the watchlist.
    ///
    /// # Errors
    /// [`RecordsError::Full`] and the like.
    pub fn remove(&self, reference: &str, now: Timestamp) -> Result<Option<usize>, RecordsError> {
        self.store.change(|change| {
            let Some(entry) = entry_of(change, reference)? else {
                return Ok(None);
            };
            change.rows.open_table(ENTRIES)?.remove(reference)?;
            for image in &entry.images {
                remove_image(change, image)?;
            }
            let event = AuditEvent::EntryRemoved {
                reference: reference.to_owned(),
                category: entry.category,
                images: entry.images.len() as u64,
            };
            change.log(now, Actor::Unnamed, event)?;
            withdraw_in(change, self.store, reference, now)?;
            change.log_destroyed_keys(now)?;
            Ok(Some(entry.images.len()))
        })
    }

    /// Every template, by reference and image.
    ///
    /// # Errors
    /// [`RecordsError::OtherEncoder`] where any image was enrolled with another encoder.
    pub fn templates(&self, encoder: &Encoder) -> Result<Vec<StoredTemplate>, RecordsError> {
        self.store.read(|store| {
            let mut templates = Vec::new();
            let mut other: Option<OtherEncoder> = None;
            for row in store.rows.open_table(ENTRIES)?.iter()? {
                let (reference, entry) = row?;
                let entry = entry.value().read()?;
                for image in entry.images {
                    let record = image.template();
                    if !image.encoder.makes_same_templates(encoder) {
                        let other = other.get_or_insert_with(|| OtherEncoder {
                            reference: reference.value().to_owned(),
                            images: 0,
                            stored: image.encoder,
                            wanted: encoder.clone(),
                        });
                        other.images += 1;
                    }
                    if other.is_some() {
                        continue;
                    }
                    let Some(template) = store.open::<TemplateValues>(record)? else {
                        // A sweep destroyed it since this snapshot was taken.
                        continue;
                    };
                    templates.push(StoredTemplate {
                        reference: reference.value().to_owned(),
                        category: entry.category.clone(),
                        image: image.number,
                        quality: template.quality,
                        values: template.values,
                    });
                }
            }
            match other {
                Some(other) => Err(RecordsError::OtherEncoder(Box::new(other)).into()),
                None => Ok(templates),
            }
        })
    }

    /// The numbers of an entry's images, oldest first; none where nobody of this reference is on the watchlist.
    ///
    /// # Errors
    /// [`RecordsError::Damaged`] and the like.
    pub fn images_of(&self, reference: &str) -> Result<Vec<u32>, RecordsError> {
        self.store.read(|store| {
            let entries = store.rows.open_table(ENTRIES)?;
            let found = entries.get(reference)?.map(|entry| entry.value().read());
            let images = found.transpose()?.map_or(Vec::new(), |entry| entry.images);
            Ok(images.iter().map(|image| image.number).collect())
        })
    }

    /// An image of an entry, by its number there; `None` where there is none.
    ///
    /// # Errors
    /// [`RecordsError::Altered`] where it is not what was stored.
    pub fn picture(&self, reference: &str, image: u32) -> Result<Option<Picture>, RecordsError> {
        self.store.read(|store| {
            let entries = store.rows.open_table(ENTRIES)?;
            let Some(entry) = entries.get(reference)? else {
                return Ok(None);
            };
            let images = entry.value().read()?.images;
            match images.iter().find(|row| row.number == image) {
                Some(row) => store.open(row.record),
                None => Ok(None),
            }
        })
    }
}

/// Enrols one image within a change.
fn enrol_one(
    change: &mut Change<'_>,
    image: &NewImage,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<Enrolled, Fault> {
    let mut entry = entry_of(change, &image.reference)?.unwrap_or_else(|| EntryRow {
        category: image.category.clone(),
        images: Vec::new(),
        next_image: 0,
    });
    if entry.category != image.category {
        return Err(Fault::Records(RecordsError::CategoryDiffers {
            reference: image.reference.clone(),
            held: entry.category,
            given: image.category.clone(),
        }));
    }
    let mut same = None;
    for (index, row) in entry.images.iter().enumerate() {
        let held: TemplateValues = change.open(row.template())?;
        if held.source_sha256 == image.picture.source_sha256 {
            same = Some(index);
            break;
        }
    }
    let record = change.add_record(RetentionClass::Watchlist, expires_at)?;
    change.seal(record, &image.picture)?;
    change.seal(record, &image.template_values())?;
    let mut row = ImageRow {
        number: entry.next_image,
        record,
        template_record: None,
        encoder: image.encoder.clone(),
        enrolled_at: now,
        expires_at,
    };
    let mut number = row.number;
    let answer = match same {
        Some(index) => {
            let old = &mut entry.images[index];
            (row.number, number) = (old.number, old.number);
            remove_image(change, old)?;
            *old = row;
            Enrolled::Replaced
        }
        None => {
            if entry.images.len() >= MOST_IMAGES {
                return Err(Fault::Records(RecordsError::Refused {
                    what: image.reference.clone(),
                    problem: format!("an entry has at most {MOST_IMAGES} images"),
                }));
            }
            entry.next_image = entry.next_image.saturating_add(1);
            entry.images.push(row);
            Enrolled::Added
        }
    };
    let row = RowBytes::of(&entry)?;
    let reference = image.reference.as_str();
    change.rows.open_table(ENTRIES)?.insert(reference, row)?;
    let event = AuditEvent::ImageEnrolled {
        reference: image.reference.clone(),
        category: image.category.clone(),
        image: number,
        replaced: answer == Enrolled::Replaced,
        encoder: audit::watchlist_encoder(&image.encoder),
    };
    // No command asks yet who enrols.
    change.log(now, Actor::Unnamed, event)?;
    Ok(answer)
}

/// Removes all that is sealed of an image.
fn remove_image(change: &mut Change<'_>, image: &ImageRow) -> Result<(), Fault> {
    change.remove(RetentionClass::Watchlist, image.record)?;
    match image.template_record {
        Some(record) => change.remove(RetentionClass::Watchlist, record),
        None => Ok(()),
    }
}

fn entry_of(change: &Change<'_>, reference: &str) -> Result<Option<EntryRow>, Fault> {
    let entries = change.rows.open_table(ENTRIES)?;
    let row = entries.get(reference)?;
    Ok(row.map(|row| row.value().read()).transpose()?)
}

impl NewImage {
    fn check(&self) -> Result<(), RecordsError> {
        payload::name("a watchlist entry", &self.reference)?;
        let whose = &self.reference;
        payload::name(whose, &self.category)?;
        payload::name(whose, &self.encoder.plugin_id)?;
        payload::digest(whose, &self.encoder.plugin_sha256)?;
        payload::digest(whose, &self.encoder.model_sha256)?;
        payload::name(whose, &self.encoder.backend)?;
        self.picture.check(whose)?;
        self.template_values().check(whose, self.encoder.dimension)
    }

    fn template_values(&self) -> TemplateValues {
        TemplateValues {
            values: self.template.clone(),
            quality: self.picture.unified_quality(),
            source_sha256: self.picture.source_sha256.clone(),
        }
    }
}

impl Encoder {
    /// The plugin's id is for messages only.
    fn makes_same_templates(&self, other: &Self) -> bool {
        self.plugin_sha256 == other.plugin_sha256
            && self.model_sha256 == other.model_sha256
            && self.backend == other.backend
            && self.dimension == other.dimension
    }
}

impl ImageRow {
    fn summary(self) -> ImageSummary {
        ImageSummary {
            image: self.number,
            encoder: self.encoder,
            enrolled_at: self.enrolled_at,
            expires_at: self.expires_at,
        }
    }
}
