//! Vectors for tests: of the usual kind, and of kinds that are hard on a search.

use fastrand::Rng;

/// A kind of vectors.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    /// Directions spread evenly.
    Even,
    /// All but the same vector: differences far below a byte's step.
    Close,
    /// The same vector but for the last bit of one value: one byte image, and scores that differ by a rounding or not at all.
    Twins,
    /// One value stands out, so that the bytes hold little of the others.
    Peaked,
    /// Few values other than zero.
    Sparse,
    /// Only two values, so that many scores are equal.
    Signs,
}

impl Shape {
    pub(crate) const ALL: [Self; 6] = [
        Self::Even,
        Self::Close,
        Self::Twins,
        Self::Peaked,
        Self::Sparse,
        Self::Signs,
    ];
}

/// About normally distributed.
fn normal(random: &mut Rng) -> f32 {
    (0..12).map(|_| random.f32()).sum::<f32>() - 6.0
}

/// `count` vectors of unit length.
pub(crate) fn unit_vectors(
    random: &mut Rng,
    shape: Shape,
    count: usize,
    dimension: usize,
) -> Vec<Vec<f32>> {
    let common: Vec<f32> = (0..dimension).map(|_| normal(random)).collect();
    (0..count)
        .map(|_| {
            let odd = random.usize(..dimension);
            let mut values: Vec<f32> = (0..dimension)
                .map(|index| match shape {
                    Shape::Even => normal(random),
                    Shape::Close => common[index] + 1e-5 * normal(random),
                    Shape::Twins if index == odd => common[index] * (1.0 + f32::EPSILON),
                    Shape::Twins => common[index],
                    Shape::Peaked => normal(random) + 100.0 * f32::from(u8::from(index == 0)),
                    Shape::Sparse if random.u8(..8) > 0 => 0.0,
                    Shape::Sparse => normal(random),
                    Shape::Signs => f32::from(i8::from(random.bool())) * 2.0 - 1.0,
                })
                .collect();
            if values.iter().all(|value| *value == 0.0) {
                values[0] = 1.0;
            }
            let squares: f64 = values.iter().map(|v| f64::from(*v).powi(2)).sum();
            values
                .iter()
                .map(|value| (f64::from(*value) / squares.sqrt()) as f32)
                .collect()
        })
        .collect()
}
