//! Products of byte images with AVX-512 VNNI: `vpdpbusd` multiplies 64 unsigned with 64 signed bytes and adds them, four
//! at a time, to sixteen sums.

use crate::matrix::{Line, OFFSET, ROWS};
use crate::probes::{Probes, Word, Words};
use std::arch::x86_64::*;

pub(super) fn is_available() -> bool {
    std::arch::is_x86_feature_detected!("avx2")
        && std::arch::is_x86_feature_detected!("avx512f")
        && std::arch::is_x86_feature_detected!("avx512vnni")
}

/// As [`super::Kernel::products`].
#[target_feature(enable = "avx512f,avx512vnni")]
pub(super) fn products(lines: &[Line], probes: &Probes, products: &mut [i32]) {
    match probes {
        Probes::One(words) => one(lines, words, products),
        Probes::Two(words) => several(lines, words, products),
        Probes::Four(words) => several(lines, words, products),
        Probes::Eight(words) => several(lines, words, products),
    }
}

#[target_feature(enable = "avx512f")]
fn load(line: &Line) -> __m512i {
    // SAFETY: a line is 64 bytes, aligned to 64.
    unsafe { _mm512_load_si512(line.0.as_ptr().cast()) }
}

#[target_feature(enable = "avx512f")]
fn spread(word: Word) -> __m512i {
    _mm512_set1_epi32(i32::from_ne_bytes(word.map(i8::cast_unsigned)))
}

/// Takes away what the offset of the bytes added, and stores the sums of a group.
#[target_feature(enable = "avx512f")]
fn store(sums: __m512i, sum_of_probe: i32, place: &mut [i32; ROWS]) {
    let offset = _mm512_set1_epi32(sum_of_probe * i32::from(OFFSET));
    let sums = _mm512_sub_epi32(sums, offset);
    // SAFETY: the place has room for sixteen i32; no alignment is asked for.
    unsafe { _mm512_storeu_si512(place.as_mut_ptr().cast(), sums) }
}

/// One probe: reads the lines strictly one after another, because memory is what limits it, into four sums, because each
/// has to wait for its last addition.
#[target_feature(enable = "avx512f,avx512vnni")]
fn one(lines: &[Line], words: &Words<1>, products: &mut [i32]) {
    let (places, _) = products.as_chunks_mut::<ROWS>();
    let groups = lines.chunks_exact(words.lines.len());
    let (words_of_lines, _) = words.lines.as_chunks::<4>();
    for (lines, place) in groups.zip(places) {
        let mut sums = [_mm512_setzero_si512(); 4];
        let (lines, _) = lines.as_chunks::<4>();
        for (lines, words) in lines.iter().zip(words_of_lines) {
            for i in 0..4 {
                sums[i] = _mm512_dpbusd_epi32(sums[i], load(&lines[i]), spread(words[i][0]));
            }
        }
        let halves = [
            _mm512_add_epi32(sums[0], sums[1]),
            _mm512_add_epi32(sums[2], sums[3]),
        ];
        store(_mm512_add_epi32(halves[0], halves[1]), words.sums[0], place);
    }
}

/// Several probes: each line that is read serves all of them, and two groups share each word.
#[target_feature(enable = "avx512f,avx512vnni")]
fn several<const N: usize>(lines: &[Line], words: &Words<N>, products: &mut [i32]) {
    let rows = products.len() / N;
    let per_group = words.lines.len();
    for (pair, lines) in lines.chunks(2 * per_group).enumerate() {
        // Where the number of groups is odd, the last is taken twice and stored once.
        let (first, second) = lines.split_at(per_group);
        let second = if second.is_empty() { first } else { second };
        let mut sums = [[_mm512_setzero_si512(); 2]; N];
        for ((first, second), words) in first.iter().zip(second).zip(&words.lines) {
            let (first, second) = (load(first), load(second));
            for (sums, word) in sums.iter_mut().zip(words) {
                let word = spread(*word);
                sums[0] = _mm512_dpbusd_epi32(sums[0], first, word);
                sums[1] = _mm512_dpbusd_epi32(sums[1], second, word);
            }
        }
        for (probe, sums) in sums.into_iter().enumerate() {
            let (places, _) = products[probe * rows..][..rows].as_chunks_mut::<ROWS>();
            for (place, sums) in places[2 * pair..].iter_mut().zip(sums) {
                store(sums, words.sums[probe], place);
            }
        }
    }
}
