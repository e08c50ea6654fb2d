//! A small grey picture and what can be counted in it. It knows no face.

/// A square of grey values, 0 (black) to 255 (white), rows from the top.
pub(crate) struct Patch {
    values: Vec<f32>,
    side: usize,
}

impl Patch {
    /// `values`: `side` × `side` of them.
    pub(crate) fn new(values: Vec<f32>, side: usize) -> Patch {
        Patch { values, side }
    }

    /// The mean grey value.
    pub(crate) fn mean(&self) -> f32 {
        mean(self.values.iter().copied())
    }

    /// The variance of the Laplacian (the four neighbours less four times the pixel): large where there are sharp edges (Pech-Pacheco et
    /// al. 2000). The outermost pixels are left out, so that what lies beyond the frame has no say at the border.
    pub(crate) fn laplacian_variance(&self) -> f32 {
        let at = |row: usize, column: usize| self.values[row * self.side + column];
        let inside = 1..self.side.saturating_sub(1);
        let edges: Vec<f32> = inside
            .clone()
            .flat_map(|row| inside.clone().map(move |column| (row, column)))
            .map(|(row, column)| {
                at(row - 1, column)
                    + at(row + 1, column)
                    + at(row, column - 1)
                    + at(row, column + 1)
                    - 4.0 * at(row, column)
            })
            .collect();
        let middle = mean(edges.iter().copied());
        mean(edges.iter().map(|edge| (edge - middle).powi(2)))
    }

    /// Shannon entropy of the grey values in 256 classes, bits: 0 for one colour, at most 8.
    pub(crate) fn entropy(&self) -> f32 {
        let mut classes = [0u32; 256];
        for value in &self.values {
            classes[value.round().clamp(0.0, 255.0) as usize] += 1;
        }
        let total = self.values.len() as f32;
        classes
            .iter()
            .filter(|count| **count > 0)
            .map(|count| {
                let share = *count as f32 / total;
                -share * share.log2()
            })
            .sum()
    }
}

fn mean(values: impl ExactSizeIterator<Item = f32>) -> f32 {
    let count = values.len().max(1) as f32;
    values.sum::<f32>() / count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_colour_has_no_edges_and_no_entropy() {
        let plain = Patch::new(vec![90.0; 64], 8);
        assert_eq!(
            (plain.mean(), plain.laplacian_variance(), plain.entropy()),
            (90.0, 0.0, 0.0)
        );
    }

    #[test]
    fn a_chessboard_has_the_edges_that_its_contrast_makes() {
        let chess: Vec<f32> = (0..64)
            .map(|index| {
                if (index / 8 + index % 8) % 2 == 0 {
                    100.0
                } else {
                    110.0
                }
            })
            .collect();
        let chess = Patch::new(chess, 8);
        assert_eq!(chess.laplacian_variance(), 1600.0);
        assert_eq!(chess.entropy(), 1.0);
    }

    #[test]
    fn every_grey_value_once_is_the_greatest_entropy() {
        let all = Patch::new((0..=255u8).map(f32::from).collect(), 16);
        assert_eq!(all.entropy(), 8.0);
    }
}
