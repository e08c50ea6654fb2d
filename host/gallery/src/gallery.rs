//! The gallery: whose templates are held, and which of them resemble a probe most. How the matrix is scanned is not
//! known here.

use crate::encoder::EncoderId;
use crate::score;
use crate::template::Template;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// What the caller calls an entry: the watchlist's reference, say. One entry is one person, with one or more templates.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EntryKey(Arc<str>);

impl EntryKey {
    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<T: Into<Arc<str>>> From<T> for EntryKey {
    fn from(text: T) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for EntryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An entry that a search found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit {
    /// The entry, counted from 0 in the order in which keys first appeared when the gallery was made.
    pub entry: u32,
    /// Which of the entry's templates resembles the probe most, counted from 0 in the order they were given. Where two
    /// have the same score, the first.
    pub image: u32,
    /// Cosine of the probe and that template, −1 to 1 to within 10⁻⁶.
    pub score: f32,
}

/// Why a gallery cannot be made or searched.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum GalleryError {
    /// A template of another encoder, offered to the gallery or as a probe.
    #[error("the gallery holds templates of {expected}, this template is of {found}")]
    ForeignEncoder {
        /// The gallery's encoder.
        expected: Arc<EncoderId>,
        /// The template's encoder.
        found: Arc<EncoderId>,
    },
    /// More templates than can be numbered with 32 bits.
    #[error("a gallery holds at most {most} templates, and there are {found}")]
    TooMany {
        /// The limit.
        most: usize,
        /// How many there were.
        found: usize,
    },
}

/// The templates of the people sought, made once and never changed. Searching takes `&self`: any number of threads may
/// search at once.
pub struct Gallery {
    encoder: Arc<EncoderId>,
    keys: Vec<EntryKey>,
    templates: Vec<(u32, u32, Template)>,
}

impl Gallery {
    /// Makes a gallery. Templates under an equal key belong to one entry.
    ///
    /// # Errors
    /// [`GalleryError::ForeignEncoder`] where a template is of another encoder; [`GalleryError::TooMany`].
    pub fn new(
        encoder: Arc<EncoderId>,
        entries: impl IntoIterator<Item = (EntryKey, Template)>,
    ) -> Result<Self, GalleryError> {
        let mut keys: Vec<EntryKey> = Vec::new();
        let mut numbers: HashMap<EntryKey, (u32, u32)> = HashMap::new();
        let mut templates = Vec::new();
        for (key, template) in entries {
            Self::same_encoder(&encoder, &template)?;
            let (entry, image) = *numbers
                .entry(key.clone())
                .and_modify(|(_, image)| *image += 1)
                .or_insert_with(|| {
                    keys.push(key);
                    (keys.len() as u32 - 1, 0)
                });
            templates.push((entry, image, template));
        }
        Ok(Self {
            encoder,
            keys,
            templates,
        })
    }

    fn same_encoder(expected: &Arc<EncoderId>, template: &Template) -> Result<(), GalleryError> {
        if template.encoder() == expected {
            return Ok(());
        }
        Err(GalleryError::ForeignEncoder {
            expected: expected.clone(),
            found: template.encoder().clone(),
        })
    }

    /// The encoder of every template here.
    pub fn encoder(&self) -> &Arc<EncoderId> {
        &self.encoder
    }

    /// Number of entries, that is of people.
    pub fn entries(&self) -> usize {
        self.keys.len()
    }

    /// Number of templates, that is of images.
    pub fn images(&self) -> usize {
        self.templates.len()
    }

    /// The key of an entry; `None` past the last.
    pub fn key(&self, entry: u32) -> Option<&EntryKey> {
        self.keys.get(entry as usize)
    }

    /// The `most` entries whose best template resembles the probe most, by descending score; equal scores in the order
    /// of entries. Fewer where the gallery holds fewer, none for `most` = 0.
    ///
    /// # Errors
    /// [`GalleryError::ForeignEncoder`] where the probe is of another encoder.
    pub fn search(&self, probe: &Template, most: usize) -> Result<Vec<Hit>, GalleryError> {
        Self::same_encoder(&self.encoder, probe)?;
        let mut best: Vec<Option<Hit>> = vec![None; self.keys.len()];
        for (entry, image, template) in &self.templates {
            let score = score::dot(template.values(), probe.values());
            let slot = &mut best[*entry as usize];
            if slot.is_none_or(|held| score > held.score) {
                *slot = Some(Hit {
                    entry: *entry,
                    image: *image,
                    score,
                });
            }
        }
        let mut hits: Vec<Hit> = best.into_iter().flatten().collect();
        hits.sort_by(|a, b| b.score.total_cmp(&a.score));
        hits.truncate(most);
        Ok(hits)
    }

    /// The same for several probes; the answers stand in the order of the probes and equal those of [`Gallery::search`]
    /// bit for bit.
    ///
    /// # Errors
    /// [`GalleryError::ForeignEncoder`] where any probe is of another encoder.
    pub fn search_batch(
        &self,
        probes: &[Template],
        most: usize,
    ) -> Result<Vec<Vec<Hit>>, GalleryError> {
        probes
            .iter()
            .map(|probe| self.search(probe, most))
            .collect()
    }
}
