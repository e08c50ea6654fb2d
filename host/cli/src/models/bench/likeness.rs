//! How near the outputs of two back ends are. Knows no model and no back end.

/// How near two outputs are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Likeness {
    /// Cosine of the angle between them, −1 to 1; not a number where one of the two holds none or they are not of one length.
    pub(super) cosine: f64,
    /// The largest difference between two numbers at the same place, over the largest number of the baseline.
    pub(super) largest_difference: f64,
}

impl Likeness {
    /// Of two equal outputs.
    pub(super) const SAME: Likeness = Likeness {
        cosine: 1.0,
        largest_difference: 0.0,
    };

    /// The likeness of `found` to `expected`.
    pub(super) fn of(found: &[f32], expected: &[f32]) -> Likeness {
        if found.len() != expected.len() {
            return Likeness {
                cosine: f64::NAN,
                largest_difference: f64::NAN,
            };
        }
        let (mut product, mut ours, mut theirs) = (0.0, 0.0, 0.0);
        let (mut difference, mut largest) = (0.0_f64, 0.0_f64);
        for (found, expected) in found.iter().zip(expected) {
            let (found, expected) = (f64::from(*found), f64::from(*expected));
            product += found * expected;
            ours += found * found;
            theirs += expected * expected;
            difference = difference.max((found - expected).abs());
            largest = largest.max(expected.abs());
        }
        if ours == 0.0 && theirs == 0.0 {
            return Likeness::SAME;
        }
        Likeness {
            cosine: product / (ours.sqrt() * theirs.sqrt()),
            largest_difference: difference / largest,
        }
    }

    /// The worse of each. Not a number is worse than any.
    pub(super) fn worse(self, other: Likeness) -> Likeness {
        let pick = |a: f64, b: f64, worse: fn(f64, f64) -> f64| {
            if a.is_nan() || b.is_nan() {
                f64::NAN
            } else {
                worse(a, b)
            }
        };
        Likeness {
            cosine: pick(self.cosine, other.cosine, f64::min),
            largest_difference: pick(self.largest_difference, other.largest_difference, f64::max),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cosine_is_of_the_angle_and_the_difference_sees_a_factor() {
        let expected = [3.0, 4.0];
        assert_eq!(Likeness::of(&expected, &expected).largest_difference, 0.0);
        let turned = Likeness::of(&[4.0, 3.0], &expected);
        assert!((turned.cosine - 0.96).abs() < 1e-12, "{turned:?}");
        assert!((turned.largest_difference - 0.25).abs() < 1e-12);
        let doubled = Likeness::of(&[6.0, 8.0], &expected);
        assert!((doubled.cosine - 1.0).abs() < 1e-12);
        assert!((doubled.largest_difference - 1.0).abs() < 1e-12);
    }

    #[test]
    fn what_is_no_number_or_of_another_length_or_nothing_is_never_near() {
        let expected = [1.0, 2.0];
        for found in [
            &[f32::NAN, 2.0][..],
            &[f32::INFINITY, 2.0],
            &[1.0],
            &[0.0, 0.0],
        ] {
            let likeness = Likeness::of(found, &expected).worse(Likeness::SAME);
            assert!(likeness.cosine.is_nan(), "{found:?}: {likeness:?}");
        }
        assert_eq!(Likeness::of(&[0.0], &[0.0]), Likeness::SAME);
    }
}
