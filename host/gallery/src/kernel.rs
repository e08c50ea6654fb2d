//! Products of byte images: which processor feature does the work. Every path computes the same integers; which rows are
//! scored in full cannot depend on the processor.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod portable;

use crate::bound::Bound;
use crate::matrix::{Line, ROWS};
use crate::probes::Probes;
use crate::score;
use crate::select::{self, Rows};

/// The way of computing products that this processor is best at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kernel {
    /// `vpdpbusd`, up to eight probes and two groups at a time.
    #[cfg(target_arch = "x86_64")]
    Avx512Vnni,
    /// `vpmaddubsw`, up to four probes and one group at a time.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// Plain loops.
    Portable,
}

impl Kernel {
    /// The best that this processor has.
    pub(crate) fn best() -> Self {
        // The last is always there.
        Self::available().next().unwrap_or(Self::Portable)
    }

    /// All that this processor has, best first.
    pub(crate) fn available() -> impl Iterator<Item = Self> {
        let all = [
            #[cfg(target_arch = "x86_64")]
            (Self::Avx512Vnni, avx512::is_available()),
            #[cfg(target_arch = "x86_64")]
            (Self::Avx2, std::arch::is_x86_feature_detected!("avx2")),
            (Self::Portable, true),
        ];
        all.into_iter()
            .filter_map(|(kernel, is_there)| is_there.then_some(kernel))
    }

    /// Writes the products of whole groups of rows with each probe: `products[probe * rows + row]`.
    ///
    /// # Panics
    /// Where the lengths do not fit: `lines` holds whole groups of as many lines as the probes have, and `products` a
    /// place for every row and probe.
    pub(crate) fn products(self, lines: &[Line], probes: &Probes, products: &mut [i32]) {
        let per_group = probes.lines();
        assert!(per_group > 0 && lines.len().is_multiple_of(per_group));
        let rows = lines.len() / per_group * ROWS;
        assert_eq!(products.len(), rows * probes.count());
        match self {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the value is only made where the features were detected.
            Self::Avx512Vnni => unsafe { avx512::products(lines, probes, products) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the value is only made where the feature was detected.
            Self::Avx2 => unsafe { avx2::products(lines, probes, products) },
            Self::Portable => portable::products(lines, probes, products),
        }
    }

    /// Asks for lines that will be needed soon. A hint: no answer depends on it.
    pub(crate) fn prefetch(self, lines: &[Line]) {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Vnni | Self::Avx2 => {
                use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
                for line in lines {
                    // SAFETY: a prefetch reads nothing that the program sees, and the address is that of a line.
                    unsafe { _mm_prefetch::<_MM_HINT_T0>(line.0.as_ptr().cast()) };
                }
            }
            Self::Portable => {}
        }
    }

    /// [`select::upper_bounds`], compiled for the processor: the same operations, more of them at once.
    pub(crate) fn upper_bounds(
        self,
        bound: Bound,
        floor: f32,
        rows: Rows<'_>,
        uppers: &mut [f32],
    ) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the values are only made where the feature was detected.
            Self::Avx512Vnni | Self::Avx2 => unsafe {
                avx2::upper_bounds(bound, floor, rows, uppers)
            },
            Self::Portable => select::upper_bounds(bound, floor, rows, uppers),
        }
    }

    /// [`score::dot`], compiled for the processor: the same operations in the same order, more of them at once.
    pub(crate) fn score(self, a: &[f32], b: &[f32]) -> f32 {
        match self {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the values are only made where the feature was detected.
            Self::Avx512Vnni | Self::Avx2 => unsafe { avx2::score(a, b) },
            Self::Portable => score::dot(a, b),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bound::Image;
    use crate::matrix::{Matrix, OFFSET, VALUES, lines_of};

    fn image(bytes: Vec<i8>) -> Image {
        Image {
            bytes,
            step: 1.0,
            residue: 0.0,
            length: 1.0,
        }
    }

    /// Lines made directly, so that every byte can have every value.
    fn lines(rows: &[Vec<i8>]) -> Vec<Line> {
        let per_group = lines_of(rows[0].len());
        let mut lines = vec![Line([OFFSET; 64]); rows.len() / ROWS * per_group];
        for (row, bytes) in rows.iter().enumerate() {
            for (value, byte) in bytes.iter().enumerate() {
                let line = row / ROWS * per_group + value / VALUES;
                lines[line].0[row % ROWS * VALUES + value % VALUES] =
                    byte.cast_unsigned().wrapping_add(OFFSET);
            }
        }
        lines
    }

    fn check(rows: &[Vec<i8>], probes: &[Vec<i8>]) {
        let lines = lines(rows);
        let images: Vec<Image> = probes.iter().cloned().map(image).collect();
        let divided = Probes::divide(&images);
        let expected: Vec<i32> = probes
            .iter()
            .flat_map(|probe| {
                rows.iter().map(move |row| {
                    let pairs = row.iter().zip(probe);
                    pairs.map(|(a, b)| i32::from(*a) * i32::from(*b)).sum()
                })
            })
            .collect();
        for kernel in Kernel::available() {
            let mut products = vec![i32::MIN; expected.len()];
            let mut rest = &mut products[..];
            for probes in &divided {
                let (now, later) = rest.split_at_mut(probes.count() * rows.len());
                kernel.products(&lines, probes, now);
                rest = later;
            }
            assert!(
                products == expected,
                "{kernel:?}: {} rows of {}, {} probes",
                rows.len(),
                rows[0].len(),
                probes.len()
            );
        }
    }

    #[test]
    fn every_kernel_gives_the_same_integers_for_any_number_of_rows_probes_and_values() {
        let mut random = fastrand::Rng::with_seed(2);
        for dimension in [1, 3, 4, 15, 16, 17, 100, 512] {
            for groups in [1, 2, 3, 5] {
                for count in [1, 2, 3, 4, 5, 7, 8, 9, 17] {
                    let mut vector = || {
                        (0..dimension)
                            .map(|_| random.i8(-127..=127))
                            .collect::<Vec<i8>>()
                    };
                    let rows: Vec<_> = (0..groups * ROWS).map(|_| vector()).collect();
                    let probes: Vec<_> = (0..count).map(|_| vector()).collect();
                    check(&rows, &probes);
                }
            }
        }
    }

    #[test]
    fn no_kernel_overflows_at_the_largest_values_of_the_largest_dimension() {
        let dimension = crate::MAX_DIMENSION;
        for (a, b) in [(127, 127), (-127, 127), (127, -127), (-127, -127)] {
            check(
                &vec![vec![a; dimension]; ROWS],
                &vec![vec![b; dimension]; 9],
            );
        }
    }

    #[test]
    fn every_kernel_gives_a_score_the_same_bits() {
        let mut random = fastrand::Rng::with_seed(4);
        for length in [1, 5, 8, 12, 100, 512, 1023] {
            for _ in 0..50 {
                let mut vector = || (0..length).map(|_| random.f32() - 0.5).collect::<Vec<_>>();
                let (a, b) = (vector(), vector());
                for kernel in Kernel::available() {
                    assert_eq!(kernel.score(&a, &b).to_bits(), score::dot(&a, &b).to_bits());
                }
            }
        }
    }

    #[test]
    fn rows_and_values_that_fill_up_a_matrix_add_nothing() {
        // Five values and three rows leave eleven values and thirteen rows to be filled up.
        let values = [0.6f32, 0.0, 0.0, 0.0, 0.8].repeat(3);
        let matrix = Matrix::of(&values, 5);
        assert_eq!(matrix.groups(), 1);
        let probes = Probes::divide(&[image(vec![1, 1, 1, 1, 1])]);
        for kernel in Kernel::available() {
            let mut products = [7; ROWS];
            kernel.products(matrix.lines(0..1), &probes[0], &mut products);
            assert_eq!(products[..3], [95 + 127; 3]);
            assert_eq!(products[3..], [0; ROWS - 3]);
        }
    }
}
