//! Products of byte images with AVX2: `vpmaddubsw` multiplies 32 unsigned with 32 signed bytes and adds them in pairs to
//! sixteen bits. Two products of 127 · 127 fit there, two of 255 · 127 would not: so the probe's sign is moved to the
//! row, and its bytes are multiplied as magnitudes.

use crate::matrix::{Line, OFFSET, ROWS, VALUES, Words};
use std::arch::x86_64::*;

/// As [`super::Kernel::products`].
#[target_feature(enable = "avx2")]
pub(super) fn products(lines: &[Line], probes: &[&Words], products: &mut [i32]) {
    let rows = products.len() / probes.len();
    let mut done = 0;
    while done < probes.len() {
        let (probes, products) = (&probes[done..], &mut products[done * rows..]);
        done += match *probes {
            [a, b, c, d, ..] => several([a, b, c, d], lines, rows, products),
            [a, ..] => several([a], lines, rows, products),
            [] => return,
        };
    }
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
fn several<const PROBES: usize>(
    probes: [&Words; PROBES],
    lines: &[Line],
    rows: usize,
    products: &mut [i32],
) -> usize {
    let per_group = probes[0].words().len();
    let words = probes.map(Words::words);
    let ones = _mm256_set1_epi16(1);
    for (group, lines) in lines.chunks_exact(per_group).enumerate() {
        let mut sums = [[_mm256_setzero_si256(); 2]; PROBES];
        for (index, line) in lines.iter().enumerate() {
            let halves = load(line);
            for (sums, words) in sums.iter_mut().zip(&words) {
                let word: [u8; VALUES] = words[index].map(i8::cast_unsigned);
                let word = _mm256_set1_epi32(i32::from_ne_bytes(word));
                let magnitude = _mm256_abs_epi8(word);
                for (sum, half) in sums.iter_mut().zip(halves) {
                    let signed = _mm256_sign_epi8(half, word);
                    let pairs = _mm256_maddubs_epi16(magnitude, signed);
                    *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(pairs, ones));
                }
            }
        }
        for (index, sums) in sums.into_iter().enumerate() {
            let place = &mut products[index * rows + group * ROWS..][..ROWS];
            for (place, sum) in place.chunks_exact_mut(8).zip(sums) {
                // SAFETY: the place has room for eight i32; no alignment is asked for.
                unsafe { _mm256_storeu_si256(place.as_mut_ptr().cast(), sum) }
            }
        }
    }
    PROBES
}
