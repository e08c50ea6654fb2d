//! Products of byte images in plain loops, for processors without a path of their own.

use crate::matrix::{Line, OFFSET, ROWS, VALUES, Words};

/// As [`super::Kernel::products`].
pub(super) fn products(lines: &[Line], probes: &[&Words], products: &mut [i32]) {
    let rows = products.len() / probes.len();
    for (probe, products) in probes.iter().zip(products.chunks_exact_mut(rows)) {
        let groups = lines.chunks_exact(probe.words().len());
        let (places, _) = products.as_chunks_mut::<ROWS>();
        for (lines, place) in groups.zip(places) {
            let mut sums = [0i32; ROWS];
            for (line, word) in lines.iter().zip(probe.words()) {
                let (values, _) = line.0.as_chunks::<VALUES>();
                for (sum, values) in sums.iter_mut().zip(values) {
                    for (value, byte) in values.iter().zip(word) {
                        let value = i32::from(*value) - i32::from(OFFSET);
                        *sum += value * i32::from(*byte);
                    }
                }
            }
            *place = sums;
        }
    }
}
