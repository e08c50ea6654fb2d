//! Whether a camera still shows something: an alarm when its picture freezes, goes dark or is covered. It looks at brightness alone, on a coarse
//! grid, finds no face and keeps nothing but that grid. Everything hangs on the frames' own times, so a video gives the same alarms in
//! every run.

use std::fmt;

use crate::frame::Frame;

/// Samples along the picture's longer side. A face of a fortieth of the picture still covers several.
const GRID: u32 = 160;

/// Seconds for which nothing moves before the picture counts as frozen. Empty places are still, but sensors are not: their noise moves every
/// sample a little.
const FROZEN_AFTER: f64 = 10.0;

/// Seconds for which the picture is dark or covered before that counts: longer than a passing lorry or a flash.
const BLIND_AFTER: f64 = 3.0;

/// A frame is the same picture as another where its samples differ by no more than this on average, grey levels: what a video codec makes
/// of one picture coded twice stays below it, the noise of a sensor does not.
const STILL_MEAN: f64 = 0.35;

/// A sample that differs by more than this has changed, grey levels.
const STILL_MOST: u8 = 10;

/// Nothing can be recognised where nearly every sample is darker than this, grey levels of 255.
const DARK: u8 = 40;

/// The part of the samples that has to be dark.
const DARK_PART: f64 = 0.98;

/// Mean difference between neighbouring samples, grey levels, under which the picture has no detail: a cloth, a hand, paint or fog before the
/// lens. A plain wall with one edge in it has more.
const NO_DETAIL: f64 = 1.2;

/// What is wrong with a camera's picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PictureFault {
    /// The same picture comes again and again for ten seconds.
    Frozen,
    /// It is too dark for three seconds to recognise anything.
    Dark,
    /// It shows no detail for three seconds: something is before the lens.
    Covered,
}

impl PictureFault {
    /// `frozen`, `dark` or `covered`.
    pub fn name(self) -> &'static str {
        match self {
            PictureFault::Frozen => "frozen",
            PictureFault::Dark => "dark",
            PictureFault::Covered => "covered",
        }
    }
}

impl fmt::Display for PictureFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PictureFault::Frozen => "the picture is frozen",
            PictureFault::Dark => "the picture is dark",
            PictureFault::Covered => "the picture shows nothing, as if the lens were covered",
        })
    }
}

/// Watches the picture of one camera.
#[derive(Debug, Default)]
pub struct PictureWatch {
    /// The samples with which the stillness began, and when.
    still: Option<(Vec<u8>, f64)>,
    /// Since when the picture has been dark, or without detail.
    dark: Option<f64>,
    plain: Option<f64>,
    fault: Option<PictureFault>,
}

impl PictureWatch {
    /// Looks at the next frame.
    pub fn note(&mut self, frame: &Frame) -> Option<PictureFault> {
        let time = frame.captured_at();
        let (samples, across) = sample(frame);
        let darkness = samples.iter().filter(|grey| **grey < DARK).count();
        let dark = darkness as f64 >= DARK_PART * samples.len() as f64;
        // What is dark has no detail either; the darkness is the fact then.
        let plain = !dark && detail(&samples, across) < NO_DETAIL;
        let lasts = |since: &mut Option<f64>, holds: bool| match holds {
            true => time - *since.get_or_insert(time) >= BLIND_AFTER,
            false => {
                *since = None;
                false
            }
        };
        let (dark, plain) = (lasts(&mut self.dark, dark), lasts(&mut self.plain, plain));
        let frozen = match &self.still {
            Some((first, since)) if same(first, &samples) => time - since >= FROZEN_AFTER,
            _ => {
                self.still = Some((samples, time));
                false
            }
        };
        self.fault = match (dark, plain, frozen) {
            (true, _, _) => Some(PictureFault::Dark),
            (_, true, _) => Some(PictureFault::Covered),
            (_, _, true) => Some(PictureFault::Frozen),
            _ => None,
        };
        self.fault
    }

    /// What was wrong with the last frame's picture.
    pub fn fault(&self) -> Option<PictureFault> {
        self.fault
    }

    /// Forgets everything: the camera was away.
    pub fn restart(&mut self) {
        *self = PictureWatch::default();
    }
}

/// Brightness on the grid (the green value, which carries most of it), and samples in a row.
fn sample(frame: &Frame) -> (Vec<u8>, usize) {
    let (width, height) = (frame.width() as usize, frame.height() as usize);
    let step = (frame.width().max(frame.height())).div_ceil(GRID).max(1) as usize;
    let pixels = frame.bgr();
    let samples = (step / 2..height)
        .step_by(step)
        .flat_map(|y| {
            (step / 2..width)
                .step_by(step)
                .map(move |x| pixels[3 * (y * width + x) + 1])
        })
        .collect();
    (samples, (step / 2..width).step_by(step).count())
}

/// Mean difference between neighbours in a row.
fn detail(samples: &[u8], across: usize) -> f64 {
    let (mut sum, mut pairs) = (0u64, 0u64);
    for row in samples.chunks_exact(across.max(1)) {
        for pair in row.windows(2) {
            sum += u64::from(pair[0].abs_diff(pair[1]));
            pairs += 1;
        }
    }
    sum as f64 / pairs.max(1) as f64
}

fn same(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    let mut sum = 0u64;
    for (one, other) in one.iter().zip(other) {
        let difference = one.abs_diff(*other);
        if difference > STILL_MOST {
            return false;
        }
        sum += u64::from(difference);
    }
    sum as f64 <= STILL_MEAN * one.len() as f64
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::Arc;

    use super::*;
    use crate::frame::FrameInfo;

    const WIDTH: usize = 320;
    const HEIGHT: usize = 240;

    /// A frame whose pixel at (x, y) has the brightness that `grey` says.
    fn frame(time: f64, mut grey: impl FnMut(usize, usize) -> u8) -> Frame {
        let info = FrameInfo {
            camera: Arc::from("gate"),
            sequence: 0,
            captured_at: time,
        };
        let pixels: Vec<u8> = (0..HEIGHT)
            .flat_map(|y| (0..WIDTH).map(move |x| (x, y)))
            .flat_map(|(x, y)| [grey(x, y); 3])
            .collect();
        Frame::from_bgr(info, WIDTH as u32, HEIGHT as u32, &pixels).unwrap()
    }

    /// A place with edges, and the noise of a sensor: plus or minus `noise`.
    fn place(x: usize, y: usize, noise: i16, random: &mut fastrand::Rng) -> u8 {
        let scene = if (x / 20 + y / 20).is_multiple_of(2) {
            90
        } else {
            150
        };
        (scene + random.i16(-noise..=noise)).clamp(0, 255) as u8
    }

    /// The fault after so many seconds of 10 frames each.
    fn after(seconds: u32, mut picture: impl FnMut(f64) -> Frame) -> Vec<Option<PictureFault>> {
        let mut watch = PictureWatch::default();
        (0..seconds * 10)
            .map(|index| watch.note(&picture(f64::from(index) / 10.0)))
            .collect()
    }

    #[test]
    fn an_empty_place_with_a_sensors_noise_is_no_fault() {
        let mut random = fastrand::Rng::with_seed(1);
        let faults = after(30, |time| frame(time, |x, y| place(x, y, 2, &mut random)));
        assert!(faults.iter().all(Option::is_none));
    }

    #[test]
    fn the_same_picture_for_ten_seconds_is_frozen_and_not_a_moment_before() {
        let faults = after(12, |time| {
            frame(time, |x, y| {
                place(x, y, 0, &mut fastrand::Rng::with_seed(1))
            })
        });
        let first = faults.iter().position(Option::is_some).unwrap();
        assert_eq!((first, faults[first]), (100, Some(PictureFault::Frozen)));
    }

    #[test]
    fn a_small_thing_that_moves_thaws_it() {
        let picture = |time: f64, at: usize| {
            frame(time, move |x, y| match (x / 16, y / 16) == (at, 7) {
                true => 250,
                false => place(x, y, 0, &mut fastrand::Rng::with_seed(1)),
            })
        };
        let mut watch = PictureWatch::default();
        for index in 0..120 {
            watch.note(&picture(f64::from(index) / 10.0, 3));
        }
        assert_eq!(watch.fault(), Some(PictureFault::Frozen));
        assert_eq!(watch.note(&picture(12.0, 4)), None);
    }

    #[test]
    fn night_is_dark_after_three_seconds_and_a_blink_is_not() {
        let mut random = fastrand::Rng::with_seed(2);
        let faults = after(4, |time| frame(time, |_, _| random.u8(3..20)));
        let first = faults.iter().position(Option::is_some).unwrap();
        assert_eq!((first, faults[first]), (30, Some(PictureFault::Dark)));
        let blink = after(8, |time| {
            frame(time, |x, y| match (2.0..4.5).contains(&time) {
                true => 5,
                false => place(x, y, 2, &mut random),
            })
        });
        assert!(blink.iter().all(Option::is_none));
    }

    #[test]
    fn a_lamp_in_the_night_is_still_a_dark_picture_and_a_lit_doorway_is_none() {
        let scene = |part: f64| {
            after(4, move |time| {
                frame(time, move |x, _| match (x as f64) < part * WIDTH as f64 {
                    true => 200,
                    false => 8,
                })
            })
        };
        assert_eq!(scene(0.01).last(), Some(&Some(PictureFault::Dark)));
        assert_eq!(scene(0.2).last(), Some(&None));
    }

    #[test]
    fn a_cloth_before_the_lens_is_covered_and_a_wall_with_an_edge_is_not() {
        let mut random = fastrand::Rng::with_seed(3);
        // Brighter towards the top, as light through cloth, with faint noise.
        let cloth = after(4, |time| {
            frame(time, |_, y| (140 - y / 8) as u8 + random.u8(0..2))
        });
        let first = cloth.iter().position(Option::is_some).unwrap();
        assert_eq!((first, cloth[first]), (30, Some(PictureFault::Covered)));
        let wall = after(4, |time| frame(time, |x, y| place(x, y, 0, &mut random)));
        assert!(wall.iter().all(Option::is_none));
    }

    #[test]
    fn a_size_that_changes_and_the_smallest_frame_do_no_harm() {
        let mut watch = PictureWatch::default();
        for (index, (width, height)) in [(1, 1), (640, 1), (1, 480), (16, 16)].iter().enumerate() {
            let info = FrameInfo {
                camera: Arc::from("gate"),
                sequence: 0,
                captured_at: index as f64,
            };
            let pixels = vec![128; 3 * width * height];
            let frame = Frame::from_bgr(info, *width as u32, *height as u32, &pixels).unwrap();
            assert_eq!(watch.note(&frame), None);
        }
    }
}
