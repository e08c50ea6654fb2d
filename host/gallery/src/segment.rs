//! A segment: some entries of a gallery with all their templates, made once and never changed. Knows no probe.
//!
//! A gallery that changes shares every segment that the change does not touch with the gallery that it was, so a change costs what a segment
//! costs, however large the gallery is. What is taken out of a gallery is in no segment of the new one, and is zeroed when the last
//! search in the old one is over.

use crate::gallery::EntryKey;
use crate::matrix::Matrix;
use std::collections::HashMap;
use zeroize::Zeroizing;

/// An entry with its templates, row by row.
pub(crate) type Rows<'a> = (EntryKey, Vec<&'a [f32]>);

pub(crate) struct Segment {
    dimension: usize,
    /// In the order of entries.
    keys: Vec<EntryKey>,
    numbers: HashMap<EntryKey, u32>,
    /// The entry of each row, counted from 0 within the segment; the rows of an entry are next to each other.
    entries: Vec<u32>,
    /// The first row of each entry.
    first_rows: Vec<u32>,
    /// The templates, row by row.
    values: Zeroizing<Vec<f32>>,
    matrix: Matrix,
}

impl Segment {
    /// Of entries whose keys differ, in their order.
    pub(crate) fn of(dimension: usize, entries: Vec<Rows<'_>>) -> Self {
        let rows: usize = entries.iter().map(|(_, rows)| rows.len()).sum();
        // Of its final size from the start, because growing would leave copies that nobody zeroes.
        let mut values = Zeroizing::new(Vec::with_capacity(rows * dimension));
        let mut owners = Vec::with_capacity(rows);
        let mut first_rows = Vec::with_capacity(entries.len());
        let mut keys = Vec::with_capacity(entries.len());
        for (number, (key, rows)) in (0..).zip(entries) {
            first_rows.push(owners.len() as u32);
            for row in rows {
                owners.push(number);
                values.extend_from_slice(row);
            }
            keys.push(key);
        }
        Self {
            dimension,
            matrix: Matrix::of(&values, dimension),
            numbers: keys.iter().cloned().zip(0..).collect(),
            keys,
            entries: owners,
            first_rows,
            values,
        }
    }

    /// Its entries with their templates: what another segment is made from.
    pub(crate) fn entries(&self) -> impl Iterator<Item = Rows<'_>> {
        let ends = self.first_rows.iter().skip(1).copied();
        let ends = ends.chain([self.rows() as u32]);
        let bounds = self.first_rows.iter().copied().zip(ends);
        self.keys.iter().zip(bounds).map(|(key, (first, end))| {
            let rows = (first..end).map(|row| self.values(row)).collect();
            (key.clone(), rows)
        })
    }

    pub(crate) fn keys(&self) -> &[EntryKey] {
        &self.keys
    }

    pub(crate) fn holds(&self, key: &EntryKey) -> bool {
        self.numbers.contains_key(key)
    }

    pub(crate) fn rows(&self) -> usize {
        self.entries.len()
    }

    /// The entry of each row.
    pub(crate) fn owners(&self) -> &[u32] {
        &self.entries
    }

    pub(crate) fn first_row(&self, entry: u32) -> u32 {
        self.first_rows[entry as usize]
    }

    pub(crate) fn values(&self, row: u32) -> &[f32] {
        &self.values[row as usize * self.dimension..][..self.dimension]
    }

    pub(crate) fn matrix(&self) -> &Matrix {
        &self.matrix
    }
}
