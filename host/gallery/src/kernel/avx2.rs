//! Products of byte images with AVX2: `vpmaddubsw` multiplies 32 unsigned with 32 signed bytes and adds them in pairs to
//! sixteen bits. Two products of 127 · 127 fit there, two of 255 · 127 would not: so the probe's sign is moved to the
//! row, and its bytes are multiplied as magnitudes.

use crate::bound::Bound;
use crate::matrix::{Line, OFFSET, ROWS};
use crate::probes::{Probes, Word, Words};
use crate::score;
use crate::select::{self, Rows};
use std::arch::x86_64::*;

/// As [`super::Kernel::products`].
#[target_feature(enable = "avx2")]
pub(super) fn products(lines: &[Line], probes: &Probes, products: &mut [i32]) {
    match probes {
        Probes::One(words) => several::<1, 1>(lines, words, products),
        Probes::Two(words) => several::<2, 2>(lines, words, products),
        Probes::Four(words) => several::<4, 4>(lines, words, products),
        Probes::Eight(words) => several::<8, 4>(lines, words, products),
    }
}

/// As [`super::Kernel::upper_bounds`].
#[target_feature(enable = "avx2")]
pub(super) fn upper_bounds(bound: Bound, floor: f32, rows: Rows<'_>, uppers: &mut [f32]) -> bool {
    select::upper_bounds(bound, floor, rows, uppers)
}

/// As [`super::Kernel::score`].
#[target_feature(enable = "avx2")]
pub(super) fn score(a: &[f32], b: &[f32]) -> f32 {
    score::dot(a, b)
}

/// The two halves of a line, eight rows each, as signed bytes.
#[target_feature(enable = "avx2")]
fn load(line: &Line) -> [__m256i; 2] {
    let offset = _mm256_set1_epi8(OFFSET.cast_signed());
    let (halves, _) = line.0.as_chunks::<32>();
    // SAFETY: each half is 32 bytes; no alignment is asked for.
    let load = |half: usize| unsafe { _mm256_loadu_si256(halves[half].as_ptr().cast()) };
    [
        _mm256_xor_si256(load(0), offset),
        _mm256_xor_si256(load(1), offset),
    ]
}

#[target_feature(enable = "avx2")]
fn spread(word: Word) -> __m256i {
    _mm256_set1_epi32(i32::from_ne_bytes(word.map(i8::cast_unsigned)))
}

/// `N` probes, `AT_ONCE` of them at a time: twice as many sums have to fit the sixteen registers.
#[target_feature(enable = "avx2")]
fn several<const N: usize, const AT_ONCE: usize>(
    lines: &[Line],
    words: &Words<N>,
    products: &mut [i32],
) {
    let rows = products.len() / N;
    let ones = _mm256_set1_epi16(1);
    for (group, lines) in lines.chunks_exact(words.lines.len()).enumerate() {
        for part in 0..N / AT_ONCE {
            let mut sums = [[_mm256_setzero_si256(); 2]; AT_ONCE];
            for (line, words) in lines.iter().zip(&words.lines) {
                let halves = load(line);
                let (parts, _) = words.as_chunks::<AT_ONCE>();
                for (sums, word) in sums.iter_mut().zip(parts[part]) {
                    let word = spread(word);
                    let magnitude = _mm256_abs_epi8(word);
                    for (sum, half) in sums.iter_mut().zip(halves) {
                        let signed = _mm256_sign_epi8(half, word);
                        let pairs = _mm256_maddubs_epi16(magnitude, signed);
                        *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(pairs, ones));
                    }
                }
            }
            for (index, sums) in sums.into_iter().enumerate() {
                let probe = part * AT_ONCE + index;
                let place = &mut products[probe * rows + group * ROWS..][..ROWS];
                for (place, sum) in place.chunks_exact_mut(8).zip(sums) {
                    // SAFETY: the place has room for eight i32; no alignment is asked for.
                    unsafe { _mm256_storeu_si256(place.as_mut_ptr().cast(), sum) }
                }
            }
        }
    }
}
