//! The people sought: who is on the watchlist, with which images and templates.

use crate::audit::{Actor, AuditEvent};
use crate::entry::{AddedBy, Grounds, ImageFacts, is_text};
use crate::error::RecordsError;
use crate::fault::Fault;
use crate::force::By;
use crate::judgements::withdraw;
use crate::life::{RetentionOf, StepKind};
use crate::payload::{Picture, TemplateValues};
use crate::retention::{RetentionClass, Timestamp};
use crate::store::Store;
use crate::tables::{ENTRIES, EntryRow, ImageRow, REMOVALS, RowBytes};
use crate::transaction::Change;
use redb::ReadableTable;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::fmt;
use zeroize::Zeroizing;

mod enrolment;

pub(crate) use enrolment::{check_all, enrol};

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
    /// Why the person is sought; the same for all images of an entry.
    pub grounds: Grounds,
    /// Where the image comes from.
    pub facts: ImageFacts,
    /// Who enrols it.
    pub by: By,
}

/// Why somebody is put on the watchlist outside its review, and by which authority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addition {
    /// The authorising officer.
    pub by: By,
    /// Why.
    pub reason: String,
    /// The reference of the authority for it.
    pub authority: String,
}

/// That somebody was taken off the watchlist.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removal {
    /// Who did it.
    pub by: By,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

/// What a removal took with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removed {
    /// The entry's category.
    pub category: String,
    /// How many images are destroyed.
    pub images: usize,
    /// The alerts that were withdrawn.
    pub withdrawn: Vec<u32>,
}

/// Where a stored image came from: an entry's reference, and the digest of the source file.
pub type SourceOf = (String, String);

/// What became of an image that was enrolled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enrolled {
    /// It is new to its entry.
    Added,
    /// The entry had this image already, by the digest of its source file; what was stored is replaced.
    Replaced,
    /// The entry had this image already, with a template of the same encoder; nothing was done.
    There,
}

/// An image of an entry, without the image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageSummary {
    /// Its number in the entry, which stays its own while other images come and go.
    pub image: u32,
    /// The encoder of its template.
    pub encoder: Encoder,
    /// When it was enrolled.
    pub enrolled_at: Timestamp,
    /// When it has to be gone.
    pub expires_at: Timestamp,
    /// Where it comes from.
    pub facts: ImageFacts,
}

/// An entry of the watchlist, without its images.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntrySummary {
    /// Its reference.
    pub reference: String,
    /// Its category.
    pub category: String,
    /// Whether the person is wanted for arrest; absent in what an older version wrote.
    pub wanted: Option<bool>,
    /// Whether they were under 18 when they were enrolled; absent in what an older version wrote.
    pub under_18: Option<bool>,
    /// Who added them; absent in what an older version wrote.
    pub added: Option<AddedBy>,
    /// Its images, in the order they were first enrolled.
    pub images: Vec<ImageSummary>,
    /// The number of the next image that is added.
    pub next_image: u32,
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
    /// When it has to be gone.
    pub expires_at: Timestamp,
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
    /// [`RecordsError::Refused`] for a value outside its limits; [`RecordsError::CategoryDiffers`]; [`RecordsError::Grounds`] and
    /// [`RecordsError::GroundsDiffer`]; [`RecordsError::Full`].
    pub fn enrol(
        &self,
        images: &[NewImage],
        now: Timestamp,
    ) -> Result<Vec<Enrolled>, RecordsError> {
        check_all(images, None, now, self.store.approval_under())?;
        self.store
            .change(|change| enrol(self.store, change, images, None, now))
    }

    /// The same outside the list's review, while no run goes on: [`Run::add_images`](crate::Run::add_images) otherwise.
    ///
    /// # Errors
    /// As [`Watchlist::enrol`].
    pub fn add(
        &self,
        images: &[NewImage],
        addition: &Addition,
        now: Timestamp,
    ) -> Result<Vec<Enrolled>, RecordsError> {
        check_all(images, Some(addition), now, self.store.approval_under())?;
        self.store
            .change(|change| enrol(self.store, change, images, Some(addition), now))
    }

    /// The images that are there already and need not be encoded again, by entry and source file: those of entries with grounds that this
    /// encoder made the templates of.
    ///
    /// # Errors
    /// [`RecordsError::Altered`] and the like.
    pub fn sources(&self, encoder: &Encoder) -> Result<HashSet<SourceOf>, RecordsError> {
        self.store.read(|store| {
            let mut sources = HashSet::new();
            for row in store.rows.open_table(ENTRIES)?.iter()? {
                let (reference, entry) = row?;
                let entry = entry.value().read()?;
                // One that an older version wrote gets its grounds when its images come again.
                if entry.grounds.is_none() {
                    continue;
                }
                for image in entry.images {
                    if !image.encoder.makes_same_templates(encoder) {
                        continue;
                    }
                    if let Some(held) = store.open::<TemplateValues>(image.template())? {
                        sources.insert((reference.value().to_owned(), held.source_sha256));
                    }
                }
            }
            Ok(sources)
        })
    }

    /// Why somebody is on the watchlist; `None` where nobody of this reference is, and of one that an older version wrote.
    ///
    /// # Errors
    /// [`RecordsError::Altered`] and the like.
    pub fn grounds(&self, reference: &str) -> Result<Option<Grounds>, RecordsError> {
        self.store.read(|store| {
            let entries = store.rows.open_table(ENTRIES)?;
            let Some(entry) = entries.get(reference)? else {
                return Ok(None);
            };
            match entry.value().read()?.grounds {
                Some(record) => store.open(record),
                None => Ok(None),
            }
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
                    wanted: entry.wanted,
                    under_18: entry.under_18,
                    added: entry.added,
                    next_image: entry.next_image,
                    images: entry.images.into_iter().map(ImageRow::summary).collect(),
                });
            }
            Ok(entries)
        })
    }

    /// Removes an entry with all its images, destroys their keys, and withdraws the alerts about it that are under way, in one transaction, while no run
    /// goes on: [`Run::remove_entry`](crate::Run::remove_entry) otherwise. `None` where nobody of this reference is on the watchlist.
    ///
    /// # Errors
    /// [`RecordsError::Full`] and the like.
    pub fn remove(
        &self,
        reference: &str,
        removal: &Removal,
    ) -> Result<Option<Removed>, RecordsError> {
        removal.check()?;
        self.store
            .change(|change| remove(self.store, change, reference, removal))
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
                        expires_at: image.expires_at,
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

/// Removes an entry within a change, and withdraws what is under way about it.
pub(crate) fn remove(
    store: &Store,
    change: &mut Change<'_>,
    reference: &str,
    removal: &Removal,
) -> Result<Option<Removed>, Fault> {
    let Some(entry) = entry_of(change, reference)? else {
        return Ok(None);
    };
    let now = removal.at;
    change.rows.open_table(ENTRIES)?.remove(reference)?;
    for image in &entry.images {
        remove_image(change, image)?;
    }
    if let Some(grounds) = entry.grounds {
        change.remove(RetentionClass::Watchlist, grounds)?;
    }
    if let Some(members) = store.members_to_leave(change, now)? {
        members.left(change, reference, now)?;
    }
    change
        .rows
        .open_table(REMOVALS)?
        .insert(reference, RowBytes::of(removal)?)?;
    let event = AuditEvent::EntryRemoved {
        reference: reference.to_owned(),
        category: entry.category.clone(),
        images: entry.images.len() as u64,
        reason: Some(removal.reason.clone()),
    };
    change.log(now, Actor::from(&removal.by), event)?;
    let is_about = |of: &str| of == reference;
    let withdrawn = withdraw(change, &is_about, &StepKind::Withdrawn, now)?;
    change.log_destroyed_keys(now)?;
    Ok(Some(Removed {
        category: entry.category,
        images: entry.images.len(),
        withdrawn,
    }))
}

/// The step by which an alert that rests on this image is withdrawn as it comes, within a change; `None` where it stands: the image is on the watchlist, and its day is not
/// past.
pub(crate) fn withdrawal_of(
    change: &Change<'_>,
    reference: &str,
    image: u32,
    now: Timestamp,
) -> Result<Option<StepKind>, Fault> {
    let by_retention = |of| Some(StepKind::WithdrawnByRetention { of });
    let Some(entry) = entry_of(change, reference)? else {
        let removals = change.rows.open_table(REMOVALS)?;
        let is_removed = removals.get(reference)?.is_some();
        return Ok(match is_removed {
            true => Some(StepKind::Withdrawn),
            false => by_retention(RetentionOf::Entry),
        });
    };
    let mut in_time = entry.images.iter().filter(|row| row.expires_at > now);
    if in_time.clone().any(|row| row.number == image) {
        return Ok(None);
    }
    Ok(by_retention(match in_time.next() {
        Some(_) => RetentionOf::Image,
        None => RetentionOf::Entry,
    }))
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
            facts: self.facts,
        }
    }
}

impl Removal {
    pub(crate) fn check(&self) -> Result<(), RecordsError> {
        match is_text(&self.reason) {
            true => Ok(()),
            false => Err(RecordsError::Refused {
                what: "why somebody is removed".into(),
                problem: "it is empty, too long or not printable".into(),
            }),
        }
    }
}
