//! A zone of recognition: the part of a camera's picture in which faces are compared, as a polygon.

use serde::Serialize;

/// The largest coordinate of a corner: the side of the largest frame, pixels.
pub(crate) const MOST_COORDINATE: u64 = 16_384;

/// Corners of a zone.
pub(crate) const CORNERS: std::ops::RangeInclusive<usize> = 3..=64;

/// A polygon in whole pixels of the camera's picture, origin at its top-left corner: 3 to 64 corners in order, its edges do not cross.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Zone {
    corners: Vec<[u32; 2]>,
}

/// Why corners are no zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ZoneFault {
    /// Fewer than 3 corners or more than 64.
    #[error("3 to 64 corners")]
    Corners,
    /// A coordinate over 16,384.
    #[error("coordinates from 0 to 16384")]
    Coordinate,
    /// Two edges cross or lie on each other, or two corners are the same.
    #[error("edges that do not cross; numbers {0} and {1} do")]
    Crossing(usize, usize),
    /// All corners lie on one line.
    #[error("corners that enclose something")]
    Flat,
}

type Corner = [i64; 2];

/// Which side of the line from `a` to `b` the point lies on: over 0, under 0, or 0 on it. Exact: whole numbers under 2^15 each.
fn side(a: Corner, b: Corner, point: Corner) -> i64 {
    ((b[0] - a[0]) * (point[1] - a[1]) - (b[1] - a[1]) * (point[0] - a[0])).signum()
}

/// Whether a point of the line from `a` to `b` lies between them.
fn between(a: Corner, b: Corner, point: Corner) -> bool {
    (0..2).all(|axis| (a[axis].min(b[axis])..=a[axis].max(b[axis])).contains(&point[axis]))
}

fn touch(one: (Corner, Corner), other: (Corner, Corner)) -> bool {
    let ((a, b), (c, d)) = (one, other);
    let (abc, abd, cda, cdb) = (side(a, b, c), side(a, b, d), side(c, d, a), side(c, d, b));
    (abc != abd && cda != cdb)
        || (abc == 0 && between(a, b, c))
        || (abd == 0 && between(a, b, d))
        || (cda == 0 && between(c, d, a))
        || (cdb == 0 && between(c, d, b))
}

impl Zone {
    /// A zone with these corners.
    ///
    /// # Errors
    ///
    /// What a zone has that these corners have not; edges are counted from 1, edge 1 goes from the first corner to the second.
    pub fn new(corners: Vec<[u32; 2]>) -> Result<Self, ZoneFault> {
        if !CORNERS.contains(&corners.len()) {
            return Err(ZoneFault::Corners);
        }
        if corners
            .iter()
            .flatten()
            .any(|coordinate| u64::from(*coordinate) > MOST_COORDINATE)
        {
            return Err(ZoneFault::Coordinate);
        }
        let count = corners.len();
        let at = |index: usize| corners[index % count].map(i64::from);
        if (2..count).all(|index| side(at(0), at(1), at(index)) == 0) {
            return Err(ZoneFault::Flat);
        }
        for one in 0..count {
            for other in one + 1..count {
                // Neighbours share a corner; what they may not do is to turn back on each other.
                let crossing = if other == one + 1 {
                    side(at(one), at(other), at(other + 1)) == 0
                        && !beyond(at(one), at(other), at(other + 1))
                } else if one == 0 && other == count - 1 {
                    side(at(other), at(0), at(1)) == 0 && !beyond(at(other), at(0), at(1))
                } else {
                    touch((at(one), at(one + 1)), (at(other), at(other + 1)))
                };
                if crossing {
                    return Err(ZoneFault::Crossing(one + 1, other + 1));
                }
            }
        }
        Ok(Self { corners })
    }

    /// The corners, in order.
    pub fn corners(&self) -> &[[u32; 2]] {
        &self.corners
    }

    /// Whether a point of the picture lies in the zone. Points on a left or upper edge do, on a right or lower edge do not, so that zones side
    /// by side share none.
    pub fn contains(&self, x: f32, y: f32) -> bool {
        let count = self.corners.len();
        let (x, y) = (f64::from(x), f64::from(y));
        let mut inside = false;
        for index in 0..count {
            let [ax, ay] = self.corners[index].map(f64::from);
            let [bx, by] = self.corners[(index + 1) % count].map(f64::from);
            if (ay > y) != (by > y) && x < ax + (y - ay) / (by - ay) * (bx - ax) {
                inside = !inside;
            }
        }
        inside
    }

    /// Whether every corner lies in a picture of this size, its edges included.
    pub fn fits(&self, width: u32, height: u32) -> bool {
        self.corners
            .iter()
            .all(|[x, y]| *x <= width && *y <= height)
    }
}

/// Whether the way from `a` over `b` to `c`, all on one line, goes on and does not turn back.
fn beyond(a: Corner, b: Corner, c: Corner) -> bool {
    (b[0] - a[0]) * (c[0] - b[0]) + (b[1] - a[1]) * (c[1] - b[1]) > 0
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_rectangle_holds_its_upper_left_edges_and_not_its_lower_right_ones() {
        let zone = Zone::new(vec![[10, 20], [30, 20], [30, 40], [10, 40]]).unwrap();
        for (x, y, inside) in [
            (10.0, 20.0, true),
            (29.9, 39.9, true),
            (30.0, 30.0, false),
            (20.0, 40.0, false),
            (9.9, 30.0, false),
            (20.0, 19.9, false),
            (f32::NAN, 30.0, false),
            (20.0, f32::INFINITY, false),
        ] {
            assert_eq!(zone.contains(x, y), inside, "{x} {y}");
        }
        assert!(zone.fits(30, 40) && !zone.fits(29, 40) && !zone.fits(30, 39));
    }

    #[test]
    fn a_corner_that_goes_in_leaves_out_what_lies_before_it() {
        // An L: the upper right quarter is not in it.
        let zone = Zone::new(vec![
            [0, 0],
            [50, 0],
            [50, 50],
            [100, 50],
            [100, 100],
            [0, 100],
        ])
        .unwrap();
        assert!(zone.contains(25.0, 25.0) && zone.contains(75.0, 75.0));
        assert!(!zone.contains(75.0, 25.0));
    }

    #[test]
    fn a_triangle_holds_half_of_its_box_whatever_its_direction() {
        let mut corners = vec![[0, 0], [200, 0], [0, 100]];
        for _ in 0..2 {
            let zone = Zone::new(corners.clone()).unwrap();
            let inside = (0..200)
                .flat_map(|x| (0..100).map(move |y| (x as f32 + 0.25, y as f32 + 0.25)))
                .filter(|(x, y)| zone.contains(*x, *y))
                .count();
            assert!((9_900..=10_100).contains(&inside), "{inside}");
            corners.reverse();
        }
    }

    #[test]
    fn what_encloses_nothing_or_crosses_itself_is_no_zone() {
        for (corners, fault) in [
            (vec![[0, 0], [1, 1]], ZoneFault::Corners),
            (vec![[0, 0]; 65], ZoneFault::Corners),
            (vec![[0, 0], [16_385, 0], [0, 9]], ZoneFault::Coordinate),
            (vec![[0, 0], [5, 5], [9, 9]], ZoneFault::Flat),
            (
                vec![[0, 0], [10, 10], [10, 0], [0, 10]],
                ZoneFault::Crossing(1, 3),
            ),
            (
                vec![[0, 0], [10, 0], [5, 0], [5, 10]],
                ZoneFault::Crossing(1, 2),
            ),
            (
                vec![[0, 0], [10, 0], [10, 0], [5, 10]],
                ZoneFault::Crossing(1, 2),
            ),
        ] {
            assert_eq!(Zone::new(corners.clone()), Err(fault), "{corners:?}");
        }
        // A corner on a straight edge is a corner all the same.
        assert!(Zone::new(vec![[0, 0], [5, 0], [10, 0], [5, 10]]).is_ok());
    }
}
