//! The local maxima of a plane of numbers: where a detector's heat map says that something is. Knows no tensor.

/// Most peaks in one answer.
pub const MOST_PEAKS: u32 = 65_536;

/// Columns that are looked through at once for a value above the threshold; most of a heat map lies below it.
const STRIDE: usize = 32;

/// A position in a plane and the value there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Peak {
    /// From 0, down.
    pub row: u32,
    /// From 0, to the right.
    pub column: u32,
    /// At least the threshold that was asked for.
    pub value: f32,
}

/// The peaks of a plane of rows of `columns` values, as [`crate::Tensor::peaks`] says. `plane` holds whole rows; neither side exceeds what u32 holds,
/// since a plane of that size fits no machine.
pub(crate) fn find(plane: &[f32], columns: usize, threshold: f32, most: usize) -> Vec<Peak> {
    let mut found = Vec::new();
    if columns == 0 || most == 0 {
        return found;
    }
    let row_at = |row: usize| {
        plane
            .get(row * columns..(row + 1) * columns)
            .unwrap_or_default()
    };
    for row in 0..plane.len() / columns {
        let above = if row == 0 { &[][..] } else { row_at(row - 1) };
        let (here, below) = (row_at(row), row_at(row + 1));
        for (chunk, values) in here.chunks(STRIDE).enumerate() {
            // Without a way out of the loop, so that it becomes a handful of vector instructions.
            if !values.iter().fold(false, |any, v| any | (*v >= threshold)) {
                continue;
            }
            for (i, value) in values.iter().copied().enumerate() {
                let column = chunk * STRIDE + i;
                if value >= threshold && is_peak(value, column, above, here, below) {
                    found.push(Peak {
                        row: row as u32,
                        column: column as u32,
                        value,
                    });
                }
            }
        }
    }
    // No NaN passes the threshold, so that values compare; positions break ties, so that the order is total.
    let order = |a: &Peak, b: &Peak| {
        b.value
            .total_cmp(&a.value)
            .then(a.row.cmp(&b.row))
            .then(a.column.cmp(&b.column))
    };
    // −0 equals 0, but not in a total order.
    found.iter_mut().for_each(|peak| peak.value += 0.0);
    if found.len() > most {
        found.select_nth_unstable_by(most, order);
        found.truncate(most);
    }
    found.sort_unstable_by(order);
    found
}

/// Whether `value` yields to none of its neighbours: those before it in reading order must be less, those after it must not be greater.
/// Neighbours that are not there (and NaN) are neither. A missing row is empty.
fn is_peak(value: f32, column: usize, above: &[f32], here: &[f32], below: &[f32]) -> bool {
    // Left of column 0 is `usize::MAX`, which no row has.
    let (left, right) = (column.wrapping_sub(1), column + 1);
    let before = |row: &[f32], c: usize| row.get(c).is_some_and(|neighbour| *neighbour >= value);
    let after = |row: &[f32], c: usize| row.get(c).is_some_and(|neighbour| *neighbour > value);
    let beaten =
        before(above, left) || before(above, column) || before(above, right) || before(here, left);
    let beaten = beaten
        || after(here, right)
        || after(below, left)
        || after(below, column)
        || after(below, right);
    !beaten
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Numbers;

    /// The definition of `wit/tensors.wit`, word by word, for one position after the other.
    fn by_definition(plane: &[f32], columns: usize, threshold: f32, most: usize) -> Vec<Peak> {
        let rows = plane.len() / columns;
        let mut found = Vec::new();
        for at in 0..plane.len() {
            let (row, column) = ((at / columns) as i64, (at % columns) as i64);
            let mut peak = plane[at] >= threshold;
            for (dr, dc) in [
                (-1, -1),
                (-1, 0),
                (-1, 1),
                (0, -1),
                (0, 1),
                (1, -1),
                (1, 0),
                (1, 1),
            ] {
                let (r, c) = (row + dr, column + dc);
                if r < 0 || c < 0 || r >= rows as i64 || c >= columns as i64 {
                    continue;
                }
                let neighbour = r as usize * columns + c as usize;
                peak &= plane[neighbour].is_nan()
                    || plane[at] > plane[neighbour]
                    || (plane[at] == plane[neighbour] && at < neighbour);
            }
            if peak {
                found.push((at, plane[at]));
            }
        }
        found.sort_by(|a, b| {
            b.1.partial_cmp(&a.1)
                .unwrap_or(std::cmp::Ordering::Equal)
                .then(a.0.cmp(&b.0))
        });
        found.truncate(most);
        found
            .iter()
            .map(|(at, value)| Peak {
                row: (at / columns) as u32,
                column: (at % columns) as u32,
                value: *value,
            })
            .collect()
    }

    #[test]
    fn the_peaks_are_those_of_the_definition() {
        let mut numbers = Numbers(0x9E37_79B9_7F4A_7C15);
        for round in 0..600 {
            let (rows, columns) = (
                1 + numbers.below(40) as usize,
                1 + numbers.below(90) as usize,
            );
            // Few levels make many ties; a value of NaN, an infinity or −0 turns up now and then.
            let levels = [2, 4, 50, 100_000][round % 4];
            let plane: Vec<f32> = (0..rows * columns)
                .map(|_| match numbers.below(200) {
                    0 => f32::NAN,
                    1 => f32::NEG_INFINITY,
                    2 => f32::INFINITY,
                    3 => -0.0,
                    _ => numbers.below(levels) as f32 / levels as f32,
                })
                .collect();
            let threshold = [0.0, 0.5, 0.9, f32::NEG_INFINITY][numbers.below(4) as usize];
            let most = [1, 7, usize::MAX][numbers.below(3) as usize];
            assert_eq!(
                find(&plane, columns, threshold, most),
                by_definition(&plane, columns, threshold, most),
                "round {round}"
            );
        }
    }

    #[test]
    fn a_plateau_has_one_peak_and_it_is_the_first() {
        let plane = [1.0; 12];
        assert_eq!(
            find(&plane, 4, 0.5, 9),
            [Peak {
                row: 0,
                column: 0,
                value: 1.0
            }]
        );
    }

    #[test]
    fn the_threshold_itself_counts_and_nan_finds_nothing() {
        assert_eq!(find(&[0.5], 1, 0.5, 9).len(), 1);
        assert_eq!(find(&[0.5], 1, 0.500_001, 9), []);
        assert_eq!(find(&[0.5], 1, f32::NAN, 9), []);
        assert_eq!(find(&[f32::NAN], 1, f32::NEG_INFINITY, 9), []);
    }

    #[test]
    fn most_of_zero_and_a_plane_of_nothing_give_nothing() {
        assert_eq!(find(&[0.5], 1, 0.0, 0), []);
        assert_eq!(find(&[], 0, 0.0, 9), []);
    }
}
