//! The watchlist as a generation searches it: the gallery, and what its entries are. Immutable; generations with the same encoder share one.

use std::collections::{BTreeMap, BTreeSet, HashMap};
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
    /// In the gallery's order.
    pub(crate) images: Vec<ListedImage>,
}

/// An image of an entry.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct ListedImage {
    /// Its number in the records.
    pub(crate) number: u32,
    /// Its unified quality, where one was measured.
    pub(crate) quality: Option<f32>,
    /// When it has to be gone.
    pub(crate) expires_at: records::Timestamp,
}

impl Entry {
    /// Unified quality of the best image.
    pub(crate) fn quality(&self) -> Option<f32> {
        let images = self.images.iter();
        images.fold(None, |best, image| better(best, image.quality))
    }
}

/// Numbers of images by their entries' references.
pub(crate) type Images = BTreeMap<String, BTreeSet<u32>>;

/// The same of pairs.
pub(crate) fn images(of: impl IntoIterator<Item = (String, u32)>) -> Images {
    let mut images = Images::new();
    for (reference, number) in of {
        images.entry(reference).or_default().insert(number);
    }
    images
}

/// Gallery and entries.
pub(crate) struct Watchlist {
    pub(crate) gallery: Gallery,
    /// As in the gallery.
    pub(crate) entries: Vec<Entry>,
    /// Their indices by reference.
    places: HashMap<Arc<str>, u32>,
    /// When the first of its images has to be gone; `None` where there is none.
    pub(crate) first_expiry: Option<records::Timestamp>,
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
            let own = ListedImage {
                number: image.image,
                quality: image.quality,
                expires_at: image.expires_at,
            };
            match entries
                .last_mut()
                .filter(|entry| *entry.reference == *image.reference)
            {
                Some(entry) => entry.images.push(own),
                None => entries.push(Entry {
                    reference: image.reference.as_str().into(),
                    category: image.category.clone(),
                    images: vec![own],
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
            first_expiry: entries
                .iter()
                .flat_map(|entry| &entry.images)
                .map(|image| image.expires_at)
                .min(),
            gallery,
            entries,
        }
    }

    /// The same without an entry.
    pub(crate) fn without(&self, reference: &str) -> Watchlist {
        let mut entries = self.entries.clone();
        entries.retain(|entry| &*entry.reference != reference);
        Self::made(self.gallery.without(&[EntryKey::from(reference)]), entries)
    }

    /// The same without these images. Whoever has no other is on it no more.
    pub(crate) fn without_images(&self, gone: &Images) -> Watchlist {
        let (mut entries, mut out) = (Vec::with_capacity(self.entries.len()), Vec::new());
        for entry in &self.entries {
            let Some(numbers) = gone.get(&*entry.reference) else {
                entries.push(entry.clone());
                continue;
            };
            let goes = |image: &ListedImage| numbers.contains(&image.number);
            let places = (0..).zip(&entry.images);
            let places = places.filter(|(_, image)| goes(image));
            let places: Vec<u32> = places.map(|(place, _)| place).collect();
            let mut left = entry.clone();
            left.images.retain(|image| !goes(image));
            if !left.images.is_empty() {
                entries.push(left);
            }
            out.push((EntryKey::from(&*entry.reference), places));
        }
        Self::made(self.gallery.without_images(&out), entries)
    }

    /// The same without the images that are not on another list.
    pub(crate) fn only(&self, other: &Watchlist) -> Watchlist {
        self.without_images(
            &self.images_that(|entry, image| !other.holds(&entry.reference, image.number)),
        )
    }

    /// Whether it has this image.
    pub(crate) fn holds(&self, reference: &str, number: u32) -> bool {
        self.find(reference).is_some_and(|index| {
            let images = &self.entries[index as usize].images;
            images.iter().any(|image| image.number == number)
        })
    }

    /// The images whose day is past at this time.
    pub(crate) fn past(&self, now: records::Timestamp) -> Images {
        match self.first_expiry {
            Some(first) if first <= now => self.images_that(|_, image| image.expires_at <= now),
            _ => Images::new(),
        }
    }

    fn images_that(&self, is_it: impl Fn(&Entry, &ListedImage) -> bool) -> Images {
        let all = self.entries.iter().flat_map(|entry| {
            let images = entry.images.iter();
            images.map(move |image| (entry, image))
        });
        let found = all.filter(|(entry, image)| is_it(entry, image));
        images(found.map(|(entry, image)| (entry.reference.to_string(), image.number)))
    }

    /// An image by the gallery's places of its entry and of itself, if its day is not past at this time.
    pub(crate) fn in_time(
        &self,
        entry: u32,
        image: u32,
        now: records::Timestamp,
    ) -> Option<&ListedImage> {
        let images = &self.entries.get(entry as usize)?.images;
        let image = images.get(image as usize)?;
        (image.expires_at > now).then_some(image)
    }

    /// The same with more images of one entry, whose numbers in the records go on from `first_image` and that have to be gone by `expires_at`. The gallery puts a new
    /// entry behind all others.
    pub(crate) fn with(
        &self,
        reference: &str,
        category: &str,
        first_image: u32,
        images: &[records::NewImage],
        expires_at: records::Timestamp,
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
                    images: Vec::new(),
                });
                entries.len() - 1
            }
        };
        let entry = &mut entries[index];
        for (number, image) in (first_image..).zip(images) {
            let mut quality = image.picture.quality.iter();
            let unified = quality.find(|(name, _)| name == UNIFIED);
            entry.images.push(ListedImage {
                number,
                quality: unified.map(|(_, value)| *value),
                expires_at,
            });
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

#[cfg(test)]
mod tests;
