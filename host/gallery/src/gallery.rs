//! The gallery: whose templates are held, and which of them resemble a probe most.
//!
//! A search has two steps. A scan of byte images, four times smaller than the templates, bounds every score (`bound.rs`)
//! and rules out all rows that cannot be among the best (`select.rs`); the few others are scored in full (`score.rs`).
//! What is reported is always the full score, so the scan decides the speed and nothing else.

use crate::bound::{Bound, Image};
use crate::encoder::EncoderId;
use crate::kernel::Kernel;
use crate::matrix::ROWS;
use crate::probes::Probes;
use crate::segment::{self, Segment};
use crate::select::{Rows, Selection};
use crate::template::Template;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use zeroize::Zeroize;

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

/// The templates of the people sought, never changed: [`Gallery::with`] and [`Gallery::without`] make another one, which shares with this one all that
/// the change does not touch. So a search never waits for a change, nor a change for a search. Searching takes `&self`: any number of threads may
/// search at once. Every template is zeroed in memory when the last gallery that holds it is dropped.
pub struct Gallery {
    encoder: Arc<EncoderId>,
    parts: Vec<Part>,
    kernel: Kernel,
    /// How many rows a segment is filled to.
    segment_rows: usize,
}

/// A segment at its place in the gallery.
#[derive(Clone)]
struct Part {
    /// Its first entry, counted through the gallery.
    first_entry: u32,
    /// Its first row, counted through the gallery.
    first_row: u32,
    segment: Arc<Segment>,
}

/// Rows of a segment. A change makes one anew (4,096 × 512 values: 10 MiB, a few milliseconds), and a scan that goes from one to the next loses nothing
/// that shows beside the time in it.
const SEGMENT_ROWS: usize = 4096;

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
        Self::in_segments(SEGMENT_ROWS, encoder, entries)
    }

    fn in_segments(
        segment_rows: usize,
        encoder: Arc<EncoderId>,
        entries: impl IntoIterator<Item = (EntryKey, Template)>,
    ) -> Result<Self, GalleryError> {
        let empty = Self {
            encoder,
            parts: Vec::new(),
            kernel: Kernel::best(),
            segment_rows,
        };
        empty.with(entries)
    }

    /// The gallery with more templates. Those under a key that it holds become further images of that entry, behind the ones it has; new entries
    /// come after all others.
    ///
    /// # Errors
    /// [`GalleryError::ForeignEncoder`] where a template is of another encoder; [`GalleryError::TooMany`].
    pub fn with(
        &self,
        entries: impl IntoIterator<Item = (EntryKey, Template)>,
    ) -> Result<Self, GalleryError> {
        let mut added = self.grouped(entries)?;
        let mut segments = Vec::with_capacity(self.parts.len() + 1);
        for Part { segment, .. } in &self.parts {
            // A segment is asked for every new key only while there are any that may be old.
            let more: HashMap<EntryKey, Vec<Template>> = added
                .extract_if(.., |(key, _)| segment.holds(key))
                .collect();
            segments.push(match more.is_empty() {
                true => segment.clone(),
                false => Arc::new(self.segment(segment.entries().map(|(key, mut rows)| {
                    let more = more.get(&key).into_iter().flatten();
                    rows.extend(more.map(Template::values));
                    (key, rows)
                }))),
            });
        }
        // The last segment is filled up first.
        let mut added = added.into_iter().peekable();
        let last =
            segments.pop_if(|last| last.rows() < self.segment_rows && added.peek().is_some());
        let mut room = self.segment_rows - last.as_ref().map_or(0, |last| last.rows());
        let mut old = last.as_deref();
        while added.peek().is_some() {
            let mut new = Vec::new();
            while room > 0
                && let Some((key, templates)) = added.next()
            {
                room = room.saturating_sub(templates.len());
                new.push((key, templates));
            }
            let new = new.iter().map(|(key, templates)| {
                let rows = templates.iter().map(Template::values).collect();
                (key.clone(), rows)
            });
            let old = old.take().into_iter().flat_map(Segment::entries);
            segments.push(Arc::new(self.segment(old.chain(new))));
            room = self.segment_rows;
        }
        Ok(self.of(segments))
    }

    /// The gallery without some entries; keys that it does not hold change nothing. The other entries keep their order.
    pub fn without(&self, keys: &[EntryKey]) -> Self {
        self.less(&keys.iter().map(|key| (key, None)).collect())
    }

    /// The gallery without some images of entries, each told by its place among those of its entry; an entry of which none is left is gone. Keys and
    /// places that it does not hold change nothing. What is left keeps its order.
    pub fn without_images(&self, images: &[(EntryKey, Vec<u32>)]) -> Self {
        let images = images.iter();
        self.less(
            &images
                .map(|(key, places)| (key, Some(&places[..])))
                .collect(),
        )
    }

    /// The gallery without these images of entries, or all of them.
    fn less(&self, gone: &HashMap<&EntryKey, Option<&[u32]>>) -> Self {
        let mut segments: Vec<Arc<Segment>> = Vec::with_capacity(self.parts.len());
        let mut touched = false;
        for Part { segment, .. } in &self.parts {
            // Whichever is the shorter way: few go out of many, or many out of few.
            let going = match gone.len() < segment.keys().len() {
                true => gone.keys().filter(|key| segment.holds(key)).count(),
                false => segment
                    .keys()
                    .iter()
                    .filter(|key| gone.contains_key(key))
                    .count(),
            };
            // What is left is put together with its neighbour where both find room in one segment: else many removals would leave a gallery of crumbs.
            let fits = |before: &mut Arc<Segment>| {
                (touched || going > 0)
                    && before.rows() + segment.rows() - going <= self.segment_rows
            };
            let before = segments.pop_if(fits);
            touched = going > 0 || before.is_some();
            if !touched {
                segments.push(segment.clone());
                continue;
            }
            let before = before.iter().flat_map(|before| before.entries());
            let left = segment
                .entries()
                .filter_map(|(key, rows)| left(key, rows, gone));
            let made = self.segment(before.chain(left));
            if made.rows() > 0 {
                segments.push(Arc::new(made));
            }
        }
        self.of(segments)
    }

    /// Templates by entry, in the order in which keys first appear.
    fn grouped(
        &self,
        entries: impl IntoIterator<Item = (EntryKey, Template)>,
    ) -> Result<Vec<(EntryKey, Vec<Template>)>, GalleryError> {
        let mut grouped: Vec<(EntryKey, Vec<Template>)> = Vec::new();
        let mut numbers: HashMap<EntryKey, usize> = HashMap::new();
        for (count, (key, template)) in (self.images()..).zip(entries) {
            same_encoder(&self.encoder, &template)?;
            if count == MOST_TEMPLATES {
                return Err(GalleryError::TooMany {
                    most: MOST_TEMPLATES,
                });
            }
            let number = *numbers.entry(key).or_insert_with_key(|key| {
                grouped.push((key.clone(), Vec::new()));
                grouped.len() - 1
            });
            grouped[number].1.push(template);
        }
        Ok(grouped)
    }

    fn segment<'a>(&self, entries: impl Iterator<Item = segment::Rows<'a>>) -> Segment {
        Segment::of(self.encoder.dimension, entries.collect())
    }

    /// A gallery like this one of other segments.
    fn of(&self, segments: Vec<Arc<Segment>>) -> Self {
        let (mut first_entry, mut first_row) = (0, 0);
        let parts = segments.into_iter().map(|segment| {
            let part = Part {
                first_entry,
                first_row,
                segment,
            };
            first_entry += part.segment.keys().len() as u32;
            first_row += part.segment.rows() as u32;
            part
        });
        Self {
            encoder: self.encoder.clone(),
            parts: parts.collect(),
            kernel: self.kernel,
            segment_rows: self.segment_rows,
        }
    }

    /// The encoder of every template here.
    pub fn encoder(&self) -> &Arc<EncoderId> {
        &self.encoder
    }

    /// Number of entries, that is of people.
    pub fn entries(&self) -> usize {
        self.parts.last().map_or(0, |last| {
            last.first_entry as usize + last.segment.keys().len()
        })
    }

    /// Number of templates, that is of images.
    pub fn images(&self) -> usize {
        self.parts
            .last()
            .map_or(0, |last| last.first_row as usize + last.segment.rows())
    }

    /// The key of an entry; `None` past the last.
    pub fn key(&self, entry: u32) -> Option<&EntryKey> {
        let part = part_at(&self.parts, |part| part.first_entry <= entry)?;
        part.segment.keys().get((entry - part.first_entry) as usize)
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
        let most = most.min(self.entries());
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
        let mut blocks = self.blocks(groups_at_once).peekable();
        while let Some(Block { part, groups }) = blocks.next() {
            let matrix = part.segment.matrix();
            let lines = matrix.lines(groups.clone());
            let steps = matrix.steps(groups.clone());
            let residues = matrix.residues(groups.clone());
            let first_row = groups.start * ROWS;
            let last_row = part.segment.rows().min(groups.end * ROWS);
            let entries = &part.segment.owners()[first_row..last_row];
            let mut selections = &mut selections[..];
            // While several probes compute with these lines, the next ones come from memory, a part with each few probes.
            let next = match (&divided[..], blocks.peek()) {
                ([_, _, ..], Some(next)) => next.part.segment.matrix().lines(next.groups.clone()),
                _ => &[],
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
                        entries,
                        first_row: part.first_row + first_row as u32,
                        first_entry: part.first_entry,
                    };
                    selection.take(self.kernel, rows, &mut uppers);
                }
                selections = later;
            }
        }
        // The products of a probe with the whole gallery are as good as its template.
        products.zeroize();
        uppers.zeroize();
        selections
    }

    /// The gallery in pieces of at most so many groups, in the order of rows.
    fn blocks(&self, groups_at_once: usize) -> impl Iterator<Item = Block<'_>> {
        self.parts.iter().flat_map(move |part| {
            let count = part.segment.matrix().groups();
            (0..count).step_by(groups_at_once).map(move |first| Block {
                part,
                groups: first..count.min(first + groups_at_once),
            })
        })
    }

    /// The template of a row.
    fn values(&self, row: u32) -> &[f32] {
        // Every row is in a part; an empty template would score 0.
        part_at(&self.parts, |part| part.first_row <= row)
            .map_or(&[], |part| part.segment.values(row - part.first_row))
    }

    /// Which of its entry's templates a row is.
    fn image(&self, entry: u32, row: u32) -> u32 {
        part_at(&self.parts, |part| part.first_row <= row).map_or(0, |part| {
            let first = part.segment.first_row(entry - part.first_entry);
            row - part.first_row - first
        })
    }

    /// Scores what could not be ruled out.
    fn best(&self, probe: &Template, selection: Selection) -> Vec<Hit> {
        let score = |row: u32| self.kernel.score(self.values(row), probe.values());
        let found = selection.finish(score).into_iter();
        found
            .map(|found| Hit {
                entry: found.entry,
                image: self.image(found.entry, found.row),
                score: found.score,
            })
            .collect()
    }
}

/// Some groups of a part, which are scanned at once.
struct Block<'a> {
    part: &'a Part,
    groups: std::ops::Range<usize>,
}

/// The last part of which something holds that holds of every part before it.
/// What is left of an entry once these images of it are gone; `None` where nothing is.
fn left<'a>(
    key: EntryKey,
    rows: Vec<&'a [f32]>,
    gone: &HashMap<&EntryKey, Option<&[u32]>>,
) -> Option<segment::Rows<'a>> {
    let rows = match gone.get(&key) {
        None => rows,
        Some(None) => return None,
        Some(Some(places)) => {
            let rows = (0..).zip(rows);
            let rows = rows.filter(|(place, _)| !places.contains(place));
            rows.map(|(_, row)| row).collect()
        }
    };
    (!rows.is_empty()).then_some((key, rows))
}

fn part_at(parts: &[Part], holds: impl Fn(&Part) -> bool) -> Option<&Part> {
    parts[..parts.partition_point(holds)].last()
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
