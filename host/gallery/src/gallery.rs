//! The gallery: whose templates are held, and which of them resemble a probe most.
//!
//! A search has two steps. A scan of byte images, four times smaller than the templates, bounds every score (`bound.rs`)
//! and rules out all rows that cannot be among the best (`select.rs`); the few others are scored in full (`score.rs`).
//! What is reported is always the full score, so the scan decides the speed and nothing else.

use crate::bound::{Bound, Image};
use crate::encoder::EncoderId;
use crate::kernel::Kernel;
use crate::matrix::{Matrix, ROWS};
use crate::probes::Probes;
use crate::select::{Rows, Selection};
use crate::template::Template;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use zeroize::{Zeroize, Zeroizing};

/// Most templates of a gallery: rows are numbered with 32 bits.
const MOST_TEMPLATES: usize = u32::MAX as usize;

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
    /// Cosine of the probe and that template, −1 to 1.
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
    #[error("a gallery holds at most {most} templates")]
    TooMany {
        /// The limit.
        most: usize,
    },
}

/// The templates of the people sought, made once and never changed. Searching takes `&self`: any number of threads may
/// search at once. All templates are zeroed in memory when it is dropped.
pub struct Gallery {
    encoder: Arc<EncoderId>,
    keys: Vec<EntryKey>,
    /// The entry of each row; the rows of an entry are next to each other.
    entries: Vec<u32>,
    /// The first row of each entry.
    first_rows: Vec<u32>,
    /// The templates, row by row.
    values: Zeroizing<Vec<f32>>,
    matrix: Matrix,
    kernel: Kernel,
}

/// Groups of rows that are scanned before a single probe's bounds are looked at: enough to make the loop's cost small.
const GROUPS_OF_ONE: usize = 16;
/// The same for several probes: their rows have to stay near until the last probe has seen them. Four groups of 512 values are 32 KiB.
const GROUPS_OF_SEVERAL: usize = 4;

impl Gallery {
    /// Makes a gallery. Templates under an equal key belong to one entry, in the order given.
    ///
    /// # Errors
    /// [`GalleryError::ForeignEncoder`] where a template is of another encoder; [`GalleryError::TooMany`].
    pub fn new(
        encoder: Arc<EncoderId>,
        entries: impl IntoIterator<Item = (EntryKey, Template)>,
    ) -> Result<Self, GalleryError> {
        let mut keys: Vec<EntryKey> = Vec::new();
        let mut numbers: HashMap<EntryKey, u32> = HashMap::new();
        let mut templates: Vec<(u32, Template)> = Vec::new();
        for (key, template) in entries {
            same_encoder(&encoder, &template)?;
            if templates.len() == MOST_TEMPLATES {
                return Err(GalleryError::TooMany {
                    most: MOST_TEMPLATES,
                });
            }
            let number = *numbers.entry(key).or_insert_with_key(|key| {
                keys.push(key.clone());
                keys.len() as u32 - 1
            });
            templates.push((number, template));
        }
        // Stable: the templates of an entry keep their order.
        templates.sort_by_key(|(entry, _)| *entry);

        let mut rows = Vec::with_capacity(templates.len());
        let mut first_rows = Vec::with_capacity(keys.len());
        // Of its final size from the start, because growing would leave copies that nobody zeroes.
        let mut values = Zeroizing::new(Vec::with_capacity(templates.len() * encoder.dimension));
        for (row, (entry, template)) in templates.into_iter().enumerate() {
            if entry as usize == first_rows.len() {
                first_rows.push(row as u32);
            }
            rows.push(entry);
            values.extend_from_slice(template.values());
        }
        Ok(Self {
            matrix: Matrix::of(&values, encoder.dimension),
            encoder,
            keys,
            entries: rows,
            first_rows,
            values,
            kernel: Kernel::best(),
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
        self.entries.len()
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
        let mut found = self.search_batch(std::slice::from_ref(probe), most)?;
        Ok(found.pop().unwrap_or_default())
    }

    /// The same for several probes, in one pass over the gallery; the answers stand in the order of the probes and equal
    /// those of [`Gallery::search`] bit for bit.
    ///
    /// # Errors
    /// [`GalleryError::ForeignEncoder`] where any probe is of another encoder.
    pub fn search_batch(
        &self,
        probes: &[Template],
        most: usize,
    ) -> Result<Vec<Vec<Hit>>, GalleryError> {
        for probe in probes {
            same_encoder(&self.encoder, probe)?;
        }
        // More entries than there are cannot be found, and the caller's number may be any.
        let most = most.min(self.keys.len());
        if most == 0 {
            return Ok(vec![Vec::new(); probes.len()]);
        }
        let selections = self.scan(probes, most);
        Ok(probes
            .iter()
            .zip(selections)
            .map(|(probe, selection)| self.best(probe, selection))
            .collect())
    }

    /// Goes over all rows and rules out what bounds can rule out.
    fn scan(&self, probes: &[Template], most: usize) -> Vec<Selection> {
        let images: Vec<Image> = probes
            .iter()
            .map(|probe| Image::of(probe.values()))
            .collect();
        let mut selections: Vec<Selection> = images
            .iter()
            .map(|image| Selection::new(Bound::of(image), most))
            .collect();
        let divided = Probes::divide(&images);
        let groups_at_once = match divided[..] {
            [Probes::One(_)] => GROUPS_OF_ONE,
            _ => GROUPS_OF_SEVERAL,
        };
        let most_probes = divided.iter().map(Probes::count).max().unwrap_or(0);
        let mut products = vec![0; groups_at_once * ROWS * most_probes];
        let mut uppers = vec![0.0; groups_at_once * ROWS];
        for first in (0..self.matrix.groups()).step_by(groups_at_once) {
            let groups = first..self.matrix.groups().min(first + groups_at_once);
            let lines = self.matrix.lines(groups.clone());
            let steps = self.matrix.steps(groups.clone());
            let residues = self.matrix.residues(groups.clone());
            let first_row = first * ROWS;
            let last_row = self.entries.len().min(groups.end * ROWS);
            let entries = &self.entries[first_row..last_row];
            let mut selections = &mut selections[..];
            // While several probes compute with these lines, the next ones come from memory, a part with each few probes.
            let next = groups.end..self.matrix.groups().min(groups.end + groups_at_once);
            let next = match divided[..] {
                [_] => &[],
                _ => self.matrix.lines(next),
            };
            let mut parts = next.chunks(next.len().div_ceil(divided.len().max(1)).max(1));
            for probes in &divided {
                self.kernel.prefetch(parts.next().unwrap_or_default());
                let products = &mut products[..steps.len() * probes.count()];
                self.kernel.products(lines, probes, products);
                let (now, later) = selections.split_at_mut(probes.count());
                for (selection, products) in now.iter_mut().zip(products.chunks_exact(steps.len()))
                {
                    let rows = Rows {
                        products,
                        steps,
                        residues,
                    };
                    selection.take(self.kernel, first_row, rows, entries, &mut uppers);
                }
                selections = later;
            }
        }
        // The products of a probe with the whole gallery are as good as its template.
        products.zeroize();
        uppers.zeroize();
        selections
    }

    /// Scores what could not be ruled out.
    fn best(&self, probe: &Template, selection: Selection) -> Vec<Hit> {
        let dimension = self.encoder.dimension;
        let score = |row: u32| {
            let values = &self.values[row as usize * dimension..][..dimension];
            self.kernel.score(values, probe.values())
        };
        let found = selection.finish(score).into_iter();
        found
            .map(|found| Hit {
                entry: found.entry,
                image: found.row - self.first_rows[found.entry as usize],
                score: found.score,
            })
            .collect()
    }
}

fn same_encoder(expected: &Arc<EncoderId>, template: &Template) -> Result<(), GalleryError> {
    // Most often both are the same allocation, and then no digest has to be compared.
    let found = template.encoder();
    if Arc::ptr_eq(found, expected) || found == expected {
        return Ok(());
    }
    Err(GalleryError::ForeignEncoder {
        expected: expected.clone(),
        found: found.clone(),
    })
}

impl fmt::Debug for Gallery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gallery")
            .field("encoder", &self.encoder.to_string())
            .field("entries", &self.entries())
            .field("images", &self.images())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
