//! From bounds to the exact best: which rows have to be scored in full, and the best entries among them. Knows nothing of
//! how the products were computed.
//!
//! While the scan goes on, the k-th highest *lower* bound of an entry is a floor: at least k entries score that much or
//! more, so a row whose *upper* bound lies below it cannot be among the best k, and is dropped. Every other row is kept.
//! When the scan is over, the kept rows are scored in the order of their upper bounds, until the next one's lies below
//! the k-th best real score. A row exactly at either floor is not dropped, so ties are settled by real scores.

use crate::bound::Bound;
use crate::kernel::Kernel;
use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashMap};

/// An f32 that is no NaN, in its order.
#[derive(Clone, Copy, PartialEq)]
struct Ordered(f32);

impl Eq for Ordered {}

impl Ord for Ordered {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Ordered {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// Writes the upper bound of each row and says whether any reaches the floor. Most often none does, and this is all there
/// is to do: written so that it can be vectorised, and inlined into callers that are compiled for a certain processor.
#[inline(always)]
pub(crate) fn upper_bounds(bound: Bound, floor: f32, rows: Rows<'_>, uppers: &mut [f32]) -> bool {
    let facts = rows.products.iter().zip(rows.steps).zip(rows.residues);
    let mut reached = false;
    for (((product, step), residue), upper) in facts.zip(uppers) {
        *upper = bound.upper(*product, *step, *residue);
        reached |= *upper >= floor;
    }
    reached
}

/// Rows of one segment that were scanned, one value of each slice per row, filled up to whole groups.
#[derive(Clone, Copy)]
pub(crate) struct Rows<'a> {
    /// The products of their bytes with a probe's.
    pub(crate) products: &'a [i32],
    pub(crate) steps: &'a [f32],
    pub(crate) residues: &'a [f32],
    /// Whose they are, counted from 0 within their segment; ends with the last real row.
    pub(crate) entries: &'a [u32],
    /// The first row's number in the gallery.
    pub(crate) first_row: u32,
    /// The number of the segment's first entry in the gallery.
    pub(crate) first_entry: u32,
}

/// The rows that one probe's search cannot rule out yet.
pub(crate) struct Selection {
    bound: Bound,
    most: usize,
    /// Lower bounds of the `most` best entries so far, the lowest on top.
    lowest: BinaryHeap<Reverse<Ordered>>,
    /// The floor; −∞ until there are `most` entries.
    floor: f32,
    /// The entry whose rows are coming, and its highest lower bound.
    current: Option<(u32, f32)>,
    /// The rows that may be among the best.
    kept: Vec<Kept>,
}

struct Kept {
    row: u32,
    entry: u32,
    /// What its score cannot exceed.
    upper: f32,
}

/// One of the best entries.
pub(crate) struct Found {
    pub(crate) entry: u32,
    /// Its best row; of equal ones the first.
    pub(crate) row: u32,
    pub(crate) score: f32,
}

impl Selection {
    /// For the best `most` entries, at least one.
    pub(crate) fn new(bound: Bound, most: usize) -> Self {
        Self {
            bound,
            most,
            lowest: BinaryHeap::new(),
            floor: f32::NEG_INFINITY,
            current: None,
            kept: Vec::new(),
        }
    }

    /// Takes the next rows, in order; `uppers` is room for one value per row.
    pub(crate) fn take(&mut self, kernel: Kernel, rows: Rows<'_>, uppers: &mut [f32]) {
        if !kernel.upper_bounds(self.bound, self.floor, rows, uppers) {
            return;
        }
        for (index, (entry, upper)) in rows.entries.iter().zip(uppers).enumerate() {
            if *upper >= self.floor {
                let entry = rows.first_entry + entry;
                self.kept.push(Kept {
                    row: rows.first_row + index as u32,
                    entry,
                    upper: *upper,
                });
                let (product, step) = (rows.products[index], rows.steps[index]);
                let lower = self.bound.lower(product, step, rows.residues[index]);
                self.raise(entry, lower);
            }
        }
    }

    /// An entry has at least this lower bound.
    fn raise(&mut self, entry: u32, lower: f32) {
        match &mut self.current {
            Some((current, highest)) if *current == entry => *highest = highest.max(lower),
            _ => {
                self.close_entry();
                self.current = Some((entry, lower));
            }
        }
    }

    /// The rows of the current entry are complete.
    fn close_entry(&mut self) {
        let Some((_, lower)) = self.current.take() else {
            return;
        };
        if self.lowest.len() < self.most {
            self.lowest.push(Reverse(Ordered(lower)));
        } else if lower > self.floor
            && let Some(mut lowest) = self.lowest.peek_mut()
        {
            *lowest = Reverse(Ordered(lower));
        }
        if self.lowest.len() == self.most
            && let Some(Reverse(Ordered(floor))) = self.lowest.peek()
        {
            self.floor = *floor;
        }
    }

    /// Scores the rows that are left, the most promising first, until no other can be among the best. Returns the best
    /// entries, by descending score and equal scores in the order of entries.
    pub(crate) fn finish(mut self, score: impl Fn(u32) -> f32) -> Vec<Found> {
        self.close_entry();
        self.kept.retain(|kept| kept.upper >= self.floor);
        self.kept.sort_by_key(|kept| Reverse(Ordered(kept.upper)));
        let mut rows: HashMap<u32, (f32, u32)> = HashMap::new();
        // The best entries so far, the worst first: the lowest score, and of equal scores the last entry.
        let mut best: BTreeSet<(Ordered, Reverse<u32>)> = BTreeSet::new();
        for Kept { row, entry, upper } in self.kept {
            if best.len() == self.most && best.first().is_some_and(|(floor, _)| upper < floor.0) {
                break;
            }
            let score = score(row);
            match rows.get_mut(&entry) {
                None => {
                    rows.insert(entry, (score, row));
                }
                Some((held, held_row)) if score > *held => {
                    best.remove(&(Ordered(*held), Reverse(entry)));
                    (*held, *held_row) = (score, row);
                }
                Some((held, held_row)) => {
                    if score == *held {
                        *held_row = row.min(*held_row);
                    }
                    continue;
                }
            }
            best.insert((Ordered(score), Reverse(entry)));
            if best.len() > self.most {
                best.pop_first();
            }
        }
        let best = best.into_iter().rev();
        best.filter_map(|(score, Reverse(entry))| {
            let (_, row) = rows.get(&entry)?;
            Some(Found {
                entry,
                row: *row,
                score: score.0,
            })
        })
        .collect()
    }
}
