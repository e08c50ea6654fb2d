//! The one routine that computes a score. Whatever finds the candidates, the score that is reported comes from here, so
//! that the same two templates give the same bits, alone or in a batch, on any processor and any number of threads.

/// Independent sums; a fixed number, because the order of additions decides the last bits.
const LANES: usize = 8;

/// The cosine of two vectors of unit length: their dot product. Products of two f32 are exact in f64 (24 + 24 ≤ 53 bits), added in
/// f64 in a fixed order, rounded to f32 once: off by at most that rounding and 2⁻⁴⁰ (see `bound.rs`).
///
/// Rust neither reorders floating-point operations nor fuses them, so vectorising this loop changes no bit. It is inlined
/// into callers that are compiled for a certain processor.
#[inline(always)]
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
    let sum = (((a + e) + (c + g)) + ((b + f) + (d + h))) as f32;
    // A sum that rounds to −0 becomes 0, so that equal scores are equal in every order; and templates are of unit length
    // only to within their rounding, so that their product could pass 1.
    (sum + 0.0).clamp(-1.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Shape;

    #[test]
    fn a_dot_product_is_right_for_every_length_around_the_lane_count() {
        for length in 0..40usize {
            // Powers of two and small integers: exact whatever the order.
            let a: Vec<f32> = (0..length).map(|i| (i as f32 - 3.0) / 256.0).collect();
            let b: Vec<f32> = (0..length).map(|i| i as f32 / 256.0).collect();
            let expected: i64 = (0..length as i64).map(|i| (i - 3) * i).sum();
            assert_eq!(dot(&a, &b), expected as f32 / 65_536.0, "length {length}");
        }
    }

    #[test]
    fn no_score_passes_one() {
        let mut random = fastrand::Rng::with_seed(9);
        let vectors = crate::testing::unit_vectors(&mut random, Shape::Even, 200, 512);
        for vector in vectors {
            let opposite: Vec<f32> = vector.iter().map(|value| -value).collect();
            let (same, other) = (dot(&vector, &vector), dot(&vector, &opposite));
            assert!(same <= 1.0 && same > 0.999_999);
            assert_eq!(other, -same);
        }
    }

    #[test]
    fn there_is_one_zero() {
        assert_eq!(dot(&[1e-30], &[-1e-30]).to_bits(), 0);
        assert_eq!(dot(&[-0.0], &[1.0]).to_bits(), 0);
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
