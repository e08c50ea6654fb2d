//! Products of byte images in plain loops, for processors without a path of their own.

use crate::matrix::{Line, OFFSET, ROWS, VALUES};
use crate::probes::{Probes, Words};

/// As [`super::Kernel::products`].
pub(super) fn products(lines: &[Line], probes: &Probes, products: &mut [i32]) {
    match probes {
        Probes::One(words) => several(lines, words, products),
        Probes::Two(words) => several(lines, words, products),
        Probes::Four(words) => several(lines, words, products),
        Probes::Eight(words) => several(lines, words, products),
    }
}

fn several<const N: usize>(lines: &[Line], words: &Words<N>, products: &mut [i32]) {
    let rows = products.len() / N;
    for (probe, products) in products.chunks_exact_mut(rows).enumerate() {
        let groups = lines.chunks_exact(words.lines.len());
        let (places, _) = products.as_chunks_mut::<ROWS>();
        for (lines, place) in groups.zip(places) {
            let mut sums = [0i32; ROWS];
            for (line, words) in lines.iter().zip(&words.lines) {
                let (values, _) = line.0.as_chunks::<VALUES>();
                for (sum, values) in sums.iter_mut().zip(values) {
                    for (value, byte) in values.iter().zip(words[probe]) {
                        let value = i32::from(*value) - i32::from(OFFSET);
                        *sum += value * i32::from(byte);
                    }
                }
            }
            *place = sums;
        }
    }
}
