//! The people sought: who is on the watchlist, with which images and templates.

use crate::error::RecordsError;
use crate::payload::Picture;
use crate::retention::Timestamp;
use crate::store::Store;
use serde::{Deserialize, Serialize};
use std::fmt;
use zeroize::Zeroizing;

/// Which encoder made a template.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Encoder {
    /// Id of the plugin, for messages.
    pub plugin_id: String,
    /// SHA-256 of the plugin's file, 64 lower-case hexadecimal digits.
    pub plugin_sha256: String,
    /// SHA-256 of its model, 64 lower-case hexadecimal digits.
    pub model_sha256: String,
    /// Number of values in a template, 1 to 4,096.
    pub dimension: u32,
}

impl fmt::Display for Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = |digest: &str| digest.chars().take(12).collect::<String>();
        write!(
            f,
            "{} (plugin {}, model {}, {} values)",
            self.plugin_id,
            short(&self.plugin_sha256),
            short(&self.model_sha256),
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
    /// Which of the entry's images, from 0, as in [`EntrySummary::images`].
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
    /// source file, is replaced. The answers stand in the order of the images.
    ///
    /// # Errors
    /// [`RecordsError::Refused`] for a value outside its limits; [`RecordsError::CategoryDiffers`];
    /// [`RecordsError::Full`].
    pub fn enrol(
        &self,
        _images: &[NewImage],
        _now: Timestamp,
    ) -> Result<Vec<Enrolled>, RecordsError> {
        let _ = self.store;
        todo!()
    }

    /// Every entry, by reference.
    ///
    /// # Errors
    /// [`RecordsError::Damaged`] and the like.
    pub fn list(&self) -> Result<Vec<EntrySummary>, RecordsError> {
        todo!()
    }

    /// Removes an entry with all its images and destroys their keys. Returns how many images there were; `None` where
    /// nobody of this reference is on the watchlist.
    ///
    /// # Errors
    /// [`RecordsError::Full`] and the like.
    pub fn remove(&self, _reference: &str) -> Result<Option<usize>, RecordsError> {
        todo!()
    }

    /// Every template, by reference and image.
    ///
    /// # Errors
    /// [`RecordsError::OtherEncoder`] where any image was enrolled with another encoder.
    pub fn templates(&self, _encoder: &Encoder) -> Result<Vec<StoredTemplate>, RecordsError> {
        todo!()
    }

    /// An image of an entry, from 0 as in [`EntrySummary::images`]; `None` where there is none.
    ///
    /// # Errors
    /// [`RecordsError::Altered`] where it is not what was stored.
    pub fn picture(&self, _reference: &str, _image: u32) -> Result<Option<Picture>, RecordsError> {
        todo!()
    }
}
