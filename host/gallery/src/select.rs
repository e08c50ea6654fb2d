//! From bounds to the exact best: which rows have to be scored in full, and the best entries among them. Knows nothing of
//! how the products were computed.
//!
//! While the scan goes on, the k-th highest *lower* bound of an entry is a floor: at least k entries score that much or
//! more, so a row whose *upper* bound lies below it cannot be among the best k, and is dropped. Every other row is kept,
//! and scored when the scan is over. A row exactly at the floor is kept, so ties are settled by real scores.

use crate::bound::Bound;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// An f32 that is no NaN, in its order.
#[derive(Clone, Copy, PartialEq)]
pub(crate) struct Ordered(pub(crate) f32);

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
    /// Rows and their upper bounds, in order.
    kept: Vec<(u32, f32)>,
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

    /// Takes the next rows, in order. `products`, `steps` and `residues` have one value per row and may go on past the
    /// last row; `entries` says whose the rows are and has exactly one value per row.
    pub(crate) fn take(
        &mut self,
        first_row: usize,
        products: &[i32],
        steps: &[f32],
        residues: &[f32],
        entries: &[u32],
    ) {
        // Most often no row reaches the floor, and this loop, which the compiler vectorises, is all there is to do.
        let bound = self.bound;
        let rows = products.iter().zip(steps).zip(residues);
        let reached = rows.fold(false, |reached, ((product, step), residue)| {
            let upper = bound.middle(*product, *step) + bound.width(*residue);
            reached | (upper >= self.floor)
        });
        if !reached {
            return;
        }
        for (row, entry) in entries.iter().enumerate() {
            let middle = bound.middle(products[row], steps[row]);
            let width = bound.width(residues[row]);
            if middle + width >= self.floor {
                self.kept.push(((first_row + row) as u32, middle + width));
                self.raise(*entry, middle - width);
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
        self.lowest.push(Reverse(Ordered(lower)));
        if self.lowest.len() > self.most {
            self.lowest.pop();
        }
        if self.lowest.len() == self.most
            && let Some(Reverse(Ordered(floor))) = self.lowest.peek()
        {
            self.floor = *floor;
        }
    }

    /// The rows that have to be scored, in order.
    pub(crate) fn finish(mut self) -> impl Iterator<Item = u32> {
        self.close_entry();
        let floor = self.floor;
        self.kept
            .into_iter()
            .filter(move |(_, upper)| *upper >= floor)
            .map(|(row, _)| row)
    }
}
