//! The probes' byte images in the order in which the scan reads them: several probes side by side, so that each line of the
//! gallery that is read serves them all.

use crate::bound::Image;
use crate::matrix::{VALUES, lines_of};
use zeroize::Zeroize;

/// Four values of a probe, which meet one line of the gallery.
pub(crate) type Word = [i8; VALUES];

/// The words of `N` probes.
pub(crate) struct Words<const N: usize> {
    /// For each line, the word of each probe; filled up with zeros.
    pub(crate) lines: Vec<[Word; N]>,
    /// The sum of each probe's bytes: times the matrix's offset it is what the offset adds to every product.
    pub(crate) sums: [i32; N],
}

/// Some probes that are scanned together. The numbers are those that the kernels have registers for.
pub(crate) enum Probes {
    One(Words<1>),
    Two(Words<2>),
    Four(Words<4>),
    Eight(Words<8>),
}

impl Probes {
    /// Divides any number of probes, in order.
    pub(crate) fn divide(mut images: &[Image]) -> Vec<Self> {
        let mut divided = Vec::new();
        loop {
            let (probes, rest) = match images {
                [a, b, c, d, e, f, g, h, rest @ ..] => {
                    (Self::Eight(Words::of([a, b, c, d, e, f, g, h])), rest)
                }
                [a, b, c, d, rest @ ..] => (Self::Four(Words::of([a, b, c, d])), rest),
                [a, b, rest @ ..] => (Self::Two(Words::of([a, b])), rest),
                [a, rest @ ..] => (Self::One(Words::of([a])), rest),
                [] => return divided,
            };
            divided.push(probes);
            images = rest;
        }
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        match self {
            Self::One(_) => 1,
            Self::Two(_) => 2,
            Self::Four(_) => 4,
            Self::Eight(_) => 8,
        }
    }

    /// How many lines a group of the gallery has to have.
    pub(crate) fn lines(&self) -> usize {
        match self {
            Self::One(words) => words.lines.len(),
            Self::Two(words) => words.lines.len(),
            Self::Four(words) => words.lines.len(),
            Self::Eight(words) => words.lines.len(),
        }
    }
}

impl<const N: usize> Words<N> {
    fn of(images: [&Image; N]) -> Self {
        let most = images.iter().map(|image| image.bytes.len()).max();
        let mut lines = vec![[Word::default(); N]; lines_of(most.unwrap_or(0))];
        for (probe, image) in images.iter().enumerate() {
            for (line, bytes) in lines.iter_mut().zip(image.bytes.chunks(VALUES)) {
                line[probe][..bytes.len()].copy_from_slice(bytes);
            }
        }
        let sum = |image: &Image| image.bytes.iter().map(|byte| i32::from(*byte)).sum();
        Self {
            lines,
            sums: images.map(sum),
        }
    }
}

impl<const N: usize> Drop for Words<N> {
    fn drop(&mut self) {
        for line in &mut self.lines {
            line.zeroize();
        }
    }
}
