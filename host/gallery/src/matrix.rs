//! The gallery's byte images in the order in which the scan reads them.
//!
//! Rows are taken sixteen at a time. A *line* is 64 bytes: four consecutive values of each of the sixteen rows, row by
//! row. So one vector instruction multiplies four values of sixteen rows with four of the probe, the sums of the rows
//! stand side by side, and no sum has to be folded across a register. A group of sixteen rows is its lines one after
//! another; the last values and the last rows are filled up with zeros.
//!
//! Bytes are stored with 128 added, because the instruction that AVX-512 has for this multiplies unsigned with signed
//! bytes.

use crate::bound::Image;
use zeroize::Zeroize;

/// Rows of a group.
pub(crate) const ROWS: usize = 16;
/// Values of each row in a line.
pub(crate) const VALUES: usize = 4;
/// Lines are filled up to a multiple of this, so that a kernel may take four at a time.
const LINES: usize = 4;
/// What is added to each byte.
pub(crate) const OFFSET: u8 = 128;

/// Four values of sixteen rows.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(crate) struct Line(pub(crate) [u8; ROWS * VALUES]);

/// Lines that a vector of this dimension takes.
pub(crate) fn lines_of(dimension: usize) -> usize {
    dimension.div_ceil(VALUES).next_multiple_of(LINES)
}

/// The byte images of all rows, with what bounds them.
pub(crate) struct Matrix {
    lines_per_group: usize,
    lines: Vec<Line>,
    /// Per row, filled up to whole groups.
    steps: Vec<f32>,
    /// Per row, filled up to whole groups.
    residues: Vec<f32>,
}

impl Matrix {
    /// Takes rows of `dimension` values, one after another.
    pub(crate) fn of(values: &[f32], dimension: usize) -> Self {
        // Only a gallery without templates can have an encoder of dimension 0.
        let dimension = dimension.max(1);
        let rows = values.len() / dimension;
        let groups = rows.div_ceil(ROWS);
        let lines_per_group = lines_of(dimension);
        let mut matrix = Self {
            lines_per_group,
            lines: vec![Line([OFFSET; ROWS * VALUES]); groups * lines_per_group],
            steps: vec![0.0; groups * ROWS],
            residues: vec![0.0; groups * ROWS],
        };
        for (row, values) in values.chunks_exact(dimension).enumerate() {
            let image = Image::of(values);
            let (group, place) = (row / ROWS, row % ROWS);
            let lines = &mut matrix.lines[group * lines_per_group..];
            for (line, bytes) in lines.iter_mut().zip(image.bytes.chunks(VALUES)) {
                for (stored, byte) in line.0[place * VALUES..].iter_mut().zip(bytes) {
                    *stored = byte.cast_unsigned().wrapping_add(OFFSET);
                }
            }
            matrix.steps[row] = image.step;
            matrix.residues[row] = image.residue;
        }
        matrix
    }

    /// Number of groups.
    pub(crate) fn groups(&self) -> usize {
        self.steps.len() / ROWS
    }

    /// The lines of some groups.
    pub(crate) fn lines(&self, groups: std::ops::Range<usize>) -> &[Line] {
        &self.lines[groups.start * self.lines_per_group..groups.end * self.lines_per_group]
    }

    /// The steps of the rows of some groups.
    pub(crate) fn steps(&self, groups: std::ops::Range<usize>) -> &[f32] {
        &self.steps[groups.start * ROWS..groups.end * ROWS]
    }

    /// The residues of the rows of some groups.
    pub(crate) fn residues(&self, groups: std::ops::Range<usize>) -> &[f32] {
        &self.residues[groups.start * ROWS..groups.end * ROWS]
    }
}

impl Drop for Matrix {
    fn drop(&mut self) {
        for line in &mut self.lines {
            line.0.zeroize();
        }
        self.steps.zeroize();
        self.residues.zeroize();
    }
}
