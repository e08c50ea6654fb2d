//! The watchlist as a generation searches it: the gallery, and what its entries are. Immutable; generations with the same encoder share one.

use std::collections::HashMap;
use std::sync::Arc;

use overt_deployment::Deployment;
use overt_gallery::{EncoderId, EntryKey, Gallery, Template};
use overt_records::{self as records, StoredTemplate};

use crate::enrol::UNIFIED;
use crate::error::PipelineError;

/// A watchlist entry as the pipeline knows it; its index is the gallery's.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) reference: Arc<str>,
    pub(crate) category: String,
    /// Unified quality of the best image.
    pub(crate) quality: Option<f32>,
    /// The images' numbers in the records, in the gallery's order.
    pub(crate) images: Vec<u32>,
}

/// Gallery and entries.
pub(crate) struct Watchlist {
    pub(crate) gallery: Gallery,
    /// As in the gallery.
    pub(crate) entries: Vec<Entry>,
    /// Their indices by reference.
    places: HashMap<Arc<str>, u32>,
}

impl Watchlist {
    /// What the store holds for this encoder.
    pub(crate) fn load(
        encoder: &Arc<EncoderId>,
        stored_as: &records::Encoder,
        deployment: &Deployment,
        store: &records::Store,
    ) -> Result<Watchlist, PipelineError> {
        let stored = store.watchlist().templates(stored_as)?;
        Self::of(encoder, deployment, store, &stored)
    }

    /// Templates that this encoder made, by reference and image.
    pub(crate) fn of(
        encoder: &Arc<EncoderId>,
        deployment: &Deployment,
        store: &records::Store,
        stored: &[StoredTemplate],
    ) -> Result<Watchlist, PipelineError> {
        if stored.is_empty() {
            return Err(PipelineError::EmptyWatchlist {
                records: store.path().to_owned(),
            });
        }
        let mut entries: Vec<Entry> = Vec::new();
        let mut templates = Vec::with_capacity(stored.len());
        for image in stored {
            if !deployment.watchlist.categories.contains(&image.category) {
                return Err(PipelineError::UnknownCategory {
                    reference: image.reference.clone(),
                    category: image.category.clone(),
                });
            }
            let template =
                Template::new(encoder, &image.values).map_err(|cause| PipelineError::Template {
                    reference: image.reference.clone(),
                    cause,
                })?;
            templates.push((EntryKey::from(image.reference.as_str()), template));
            // Templates come by reference, so an entry's images stand together, as in the gallery.
            match entries
                .last_mut()
                .filter(|entry| *entry.reference == *image.reference)
            {
                Some(entry) => {
                    entry.images.push(image.image);
                    entry.quality = better(entry.quality, image.quality);
                }
                None => entries.push(Entry {
                    reference: image.reference.as_str().into(),
                    category: image.category.clone(),
                    quality: image.quality,
                    images: vec![image.image],
                }),
            }
        }
        let most = deployment.authority.watchlist_size;
        if entries.len() > most as usize {
            return Err(PipelineError::WatchlistTooLarge {
                entries: entries.len(),
                most,
            });
        }
        let gallery = Gallery::new(encoder.clone(), templates)?;
        Ok(Self::made(gallery, entries))
    }

    pub(crate) fn made(gallery: Gallery, entries: Vec<Entry>) -> Watchlist {
        // An authority allows a million entries at most.
        let places = (0..).zip(&entries);
        let places = places.map(|(index, entry)| (entry.reference.clone(), index));
        Watchlist {
            places: places.collect(),
            gallery,
            entries,
        }
    }

    /// The same without an entry.
    pub(crate) fn without(&self, reference: &str) -> Watchlist {
        self.without_all(&[EntryKey::from(reference)])
    }

    fn without_all(&self, gone: &[EntryKey]) -> Watchlist {
        let mut entries = self.entries.clone();
        entries.retain(|entry| !gone.iter().any(|key| key.as_str() == &*entry.reference));
        Self::made(self.gallery.without(gone), entries)
    }

    /// The same without those who are not on another list.
    pub(crate) fn only(&self, other: &Watchlist) -> Watchlist {
        let gone = self.entries.iter();
        let gone = gone.filter(|entry| other.find(&entry.reference).is_none());
        let gone: Vec<EntryKey> = gone.map(|entry| (&*entry.reference).into()).collect();
        self.without_all(&gone)
    }

    /// The same with more images of one entry, whose numbers in the records go on from `first_image`. The gallery puts a new entry behind all others.
    pub(crate) fn with(
        &self,
        reference: &str,
        category: &str,
        first_image: u32,
        images: &[records::NewImage],
        templates: Vec<(EntryKey, Template)>,
    ) -> Result<Watchlist, PipelineError> {
        let gallery = self.gallery.with(templates)?;
        let mut entries = self.entries.clone();
        let index = match self.find(reference) {
            Some(index) => index as usize,
            None => {
                entries.push(Entry {
                    reference: reference.into(),
                    category: category.to_owned(),
                    quality: None,
                    images: Vec::new(),
                });
                entries.len() - 1
            }
        };
        let entry = &mut entries[index];
        for (number, image) in (first_image..).zip(images) {
            entry.images.push(number);
            let mut quality = image.picture.quality.iter();
            let unified = quality.find(|(name, _)| name == UNIFIED);
            entry.quality = better(entry.quality, unified.map(|(_, value)| *value));
        }
        Ok(Self::made(gallery, entries))
    }

    /// The encoder that made its templates.
    pub(crate) fn encoder(&self) -> &Arc<EncoderId> {
        self.gallery.encoder()
    }

    /// The index of an entry.
    pub(crate) fn find(&self, reference: &str) -> Option<u32> {
        self.places.get(reference).copied()
    }
}

fn better(one: Option<f32>, other: Option<f32>) -> Option<f32> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.max(other)),
        (one, other) => one.or(other),
    }
}
