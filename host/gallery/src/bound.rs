//! Eight-bit images of templates, and how far a product of two of them can be from the score. Knows nothing of how they
//! are laid out or scanned.
//!
//! A template g is stored a second time as g ≈ s·i: bytes i in −127..=127 and one step s = max|g| / 127. The product of
//! two such images costs an eighth of the arithmetic and a quarter of the memory traffic of the f32 product. The search
//! uses it only to rule rows out, and every row that it cannot rule out is scored in full; so the search is exact if the
//! bound below holds.
//!
//! **The bound.** Write ĝ = s·i, r = g − ĝ, likewise q̂ and p = q − q̂ for the probe q. Then
//!
//! ```text
//! g·q = (ĝ + r)·q̂ + g·p,   so   |g·q − ĝ·q̂| ≤ ‖r‖·‖q̂‖ + ‖g‖·‖p‖        (Cauchy–Schwarz)
//! ```
//!
//! ‖r‖, ‖q̂‖ and ‖p‖ are computed from the very numbers that the scan uses, in f64, and rounded up to f32; ‖g‖ ≤ 1 + 10⁻⁶
//! by the making of a template. What rounding adds, with ε = 2⁻²⁴ for one f32 operation:
//!
//! - i·j is an exact integer below 2²⁶. Turning it into f32 and multiplying by the two steps is three roundings of a value
//!   of at most ‖ĝ‖·‖q̂‖ ≤ 1.25² (‖r‖ ≤ √4096 · s/2 ≤ 0.25): under 4.7 ε in all.
//! - Adding the product to the bound, and the bound's own product and sum, are three roundings of values under 2.4: under
//!   7.2 ε.
//! - The score is the f64 sum rounded to f32 once: 1 ε, and 2⁻⁴⁰ for the f64 sum of at most 4,096 products
//!   (4,096 · 2⁻⁵³ · Σ|gᵢqᵢ|, with Σ|gᵢqᵢ| ≤ ‖g‖·‖q‖).
//!
//! Together under 13 ε < 8·10⁻⁷. [`ROUNDING`] is more than twice that. The score is then clamped to −1..=1, and so are both
//! bounds: clamping keeps every order.

use zeroize::Zeroize;

/// What all f32 roundings of the scan and the score can add up to; see above.
const ROUNDING: f32 = 2e-6;

/// More than the length of any template: 1, and what rounding its values to f32 adds.
const LENGTH: f64 = 1.0 + 1e-6;

/// The largest byte; −128 is not used, so that a byte can change its sign.
const LARGEST: f32 = 127.0;

/// A template as bytes.
pub(crate) struct Image {
    pub(crate) bytes: Vec<i8>,
    /// What a byte is multiplied by.
    pub(crate) step: f32,
    /// At least the length of what the bytes leave out.
    pub(crate) residue: f32,
    /// At least the length of what the bytes hold.
    pub(crate) length: f32,
}

impl Image {
    /// The image of a vector of unit length.
    pub(crate) fn of(values: &[f32]) -> Self {
        let largest = values.iter().fold(0.0f32, |most, v| most.max(v.abs()));
        // A unit vector has a value of at least 1/√4096, so the step is neither zero nor subnormal.
        let step = largest / LARGEST;
        let bytes: Vec<i8> = values.iter().map(|value| nearest(value / step)).collect();
        let (mut residue, mut length) = (0.0f64, 0.0f64);
        for (value, byte) in values.iter().zip(&bytes) {
            // Exact in f64: 24 and 7 bits.
            let held = f64::from(step) * f64::from(*byte);
            residue += (f64::from(*value) - held).powi(2);
            length += held.powi(2);
        }
        Self {
            bytes,
            step,
            residue: round_up(residue.sqrt()),
            length: round_up(length.sqrt()),
        }
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

/// What the scan needs of a probe to bound its rows: the score of a row with `step`, `residue` and byte product
/// `product` lies within `residue · length + rest` of `product · step · self.step`.
#[derive(Clone, Copy)]
pub(crate) struct Bound {
    pub(crate) step: f32,
    pub(crate) length: f32,
    pub(crate) rest: f32,
}

impl Bound {
    pub(crate) fn of(probe: &Image) -> Self {
        Self {
            step: probe.step,
            length: probe.length,
            rest: round_up(f64::from(probe.residue) * LENGTH) + ROUNDING,
        }
    }

    /// What the score of a row cannot exceed.
    #[inline(always)]
    pub(crate) fn upper(self, product: i32, step: f32, residue: f32) -> f32 {
        (self.middle(product, step) + self.width(residue)).clamp(-1.0, 1.0)
    }

    /// What the score of a row is at least.
    #[inline(always)]
    pub(crate) fn lower(self, product: i32, step: f32, residue: f32) -> f32 {
        (self.middle(product, step) - self.width(residue)).clamp(-1.0, 1.0)
    }

    #[inline(always)]
    fn middle(self, product: i32, step: f32) -> f32 {
        product as f32 * step * self.step
    }

    #[inline(always)]
    fn width(self, residue: f32) -> f32 {
        residue * self.length + self.rest
    }
}

/// The nearest byte; any other near one would do, for the residue is computed from what is chosen.
fn nearest(value: f32) -> i8 {
    (value + 0.5f32.copysign(value)).clamp(-LARGEST, LARGEST) as i8
}

/// The next f32 above a length, with room for the few roundings of the f64 sum that made it.
fn round_up(length: f64) -> f32 {
    (length as f32).next_up().next_up()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score;
    use crate::testing::{Shape, unit_vectors};

    /// The score of two vectors has to lie within the bound, and the bound has to be worth something.
    #[test]
    fn every_score_lies_within_its_bound() {
        let mut random = fastrand::Rng::with_seed(5);
        for dimension in [1, 2, 3, 16, 100, 512, 4096] {
            for shape in Shape::ALL {
                let vectors = unit_vectors(&mut random, shape, 30, dimension);
                let images: Vec<Image> = vectors.iter().map(|v| Image::of(v)).collect();
                for (q, probe) in vectors.iter().zip(&images) {
                    let bound = Bound::of(probe);
                    for (g, row) in vectors.iter().zip(&images) {
                        let pairs = probe.bytes.iter().zip(&row.bytes);
                        let product = pairs.map(|(a, b)| i32::from(*a) * i32::from(*b)).sum();
                        let upper = bound.upper(product, row.step, row.residue);
                        let lower = bound.lower(product, row.step, row.residue);
                        let score = score::dot(g, q);
                        assert!(
                            (lower..=upper).contains(&score),
                            "{shape:?} of {dimension}: {score} is not in {lower}..={upper}"
                        );
                        assert!(upper - lower < 1.2);
                    }
                }
            }
        }
    }

    #[test]
    fn the_bound_of_usual_templates_is_narrow() {
        let mut random = fastrand::Rng::with_seed(6);
        for values in unit_vectors(&mut random, Shape::Even, 20, 512) {
            let image = Image::of(&values);
            assert!(Bound::of(&image).width(image.residue) < 0.02);
        }
    }

    #[test]
    fn no_byte_is_the_one_without_an_opposite() {
        for values in [[1.0f32, 0.0], [-1.0, 0.0], [-0.6, 0.8]] {
            let image = Image::of(&values);
            assert!(image.bytes.iter().all(|byte| *byte > i8::MIN));
            assert_eq!(image.bytes.iter().map(|b| b.abs()).max(), Some(127));
        }
    }
}
