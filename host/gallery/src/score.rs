//! The one routine that computes a score. Whatever finds the candidates, the score that is reported comes from here, so
//! that the same two templates give the same bits, alone or in a batch, on any processor and any number of threads.

/// Independent sums; a fixed number, because the order of additions decides the last bits.
const LANES: usize = 8;

/// The dot product of two vectors of equal length: products of two f32 are exact in f64 (24 + 24 ≤ 53 bits), added in
/// f64 in a fixed order, rounded to f32 once. For unit vectors this is their cosine, off by at most one rounding to f32
/// and 2⁻⁴⁰ (see `bound.rs`).
///
/// Rust neither reorders floating-point operations nor fuses them, so vectorising this loop changes no bit.
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0f64; LANES];
    let (a_blocks, a_rest) = a.as_chunks::<LANES>();
    let (b_blocks, b_rest) = b.as_chunks::<LANES>();
    for (a, b) in a_blocks.iter().zip(b_blocks) {
        for lane in 0..LANES {
            sums[lane] += f64::from(a[lane]) * f64::from(b[lane]);
        }
    }
    for (lane, (a, b)) in a_rest.iter().zip(b_rest).enumerate() {
        sums[lane] += f64::from(*a) * f64::from(*b);
    }
    let [a, b, c, d, e, f, g, h] = sums;
    (((a + e) + (c + g)) + ((b + f) + (d + h))) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dot_product_is_right_for_every_length_around_the_lane_count() {
        for length in 0..40usize {
            let a: Vec<f32> = (0..length).map(|i| i as f32 - 3.0).collect();
            let b: Vec<f32> = (0..length).map(|i| 2.0 * i as f32).collect();
            let expected: i64 = (0..length as i64).map(|i| (i - 3) * 2 * i).sum();
            assert_eq!(dot(&a, &b), expected as f32, "length {length}");
        }
    }

    #[test]
    fn a_dot_product_does_not_depend_on_which_vector_comes_first() {
        let mut random = fastrand::Rng::with_seed(1);
        for length in [1, 7, 8, 9, 511, 512] {
            let a: Vec<f32> = (0..length).map(|_| random.f32() - 0.5).collect();
            let b: Vec<f32> = (0..length).map(|_| random.f32() - 0.5).collect();
            assert_eq!(dot(&a, &b).to_bits(), dot(&b, &a).to_bits());
        }
    }
}
