//! The drawing of one camera's time: how many people were in view, and the tracks that raised alerts. It computes places; colours and lines are the
//! template's.

use std::fmt::Write as _;

use overt_pipeline::report::{AlertReport, CameraReport};

use crate::times;

/// Units of the drawing's coordinates, which the page scales to its own width.
const WIDTH: f64 = 940.0;
/// Room for the numbers on the left.
const LEFT: f64 = 34.0;
/// Room on the right for half of the last label.
const RIGHT: f64 = 24.0;
/// Height of the part with the people in view.
const PEOPLE: f64 = 84.0;
/// Room above it.
const TOP: f64 = 14.0;
/// Height of an alert's row.
const ROW: f64 = 26.0;
/// Room for the labels of the time axis.
const AXIS: f64 = 26.0;

/// One camera's drawing.
pub(super) struct Timeline {
    pub(super) camera: String,
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) left: f64,
    pub(super) right: f64,
    /// The line of no people.
    pub(super) ground: f64,
    pub(super) top: f64,
    /// Where the axis' labels stand.
    pub(super) axis: f64,
    /// The outline of the people in view, an SVG path.
    pub(super) people: String,
    /// The most people in view at one time.
    pub(super) most: u32,
    pub(super) ticks: Vec<Tick>,
    pub(super) bars: Vec<Bar>,
    /// The drawing in a sentence, for those who do not see it.
    pub(super) sentence: String,
}

/// A mark of the time axis.
pub(super) struct Tick {
    pub(super) x: f64,
    pub(super) label: String,
}

/// An alert's track.
pub(super) struct Bar {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
    /// Where the alert was raised.
    pub(super) raised: f64,
    /// Height of the middle.
    pub(super) middle: f64,
    pub(super) label: String,
    /// Where the label stands, and whether it ends there.
    pub(super) label_x: f64,
    pub(super) label_ends: bool,
}

impl Timeline {
    pub(super) fn of(camera: &CameraReport, alerts: &[AlertReport]) -> Self {
        let seconds = camera.seconds.max(camera.in_view.len() as f64).max(1.0);
        let right = WIDTH - RIGHT;
        let x = |second: f64| LEFT + (second / seconds).clamp(0.0, 1.0) * (right - LEFT);
        let most = camera.in_view.iter().copied().max().unwrap_or(0);
        let ground = TOP + PEOPLE;
        let alerts: Vec<_> = alerts
            .iter()
            .filter(|alert| alert.camera == camera.id)
            .collect();
        let bars: Vec<_> = alerts
            .iter()
            .enumerate()
            .map(|(row, alert)| bar(alert, ground + 10.0 + row as f64 * ROW, &x))
            .collect();
        let axis = ground
            + if bars.is_empty() {
                0.0
            } else {
                10.0 + bars.len() as f64 * ROW
            };
        let tracks: Vec<_> = alerts
            .iter()
            .map(|alert| {
                format!(
                    "alert {} at {}",
                    alert.number,
                    times::on_a_clock(alert.time)
                )
            })
            .collect();
        let sentence = format!(
            "Camera {}, {} long: at most {most} {} in view at one time; {}.",
            camera.id,
            times::on_a_clock(camera.seconds),
            if most == 1 { "person" } else { "people" },
            if tracks.is_empty() {
                "no alert".to_owned()
            } else {
                tracks.join(", ")
            }
        );
        Self {
            camera: camera.id.clone(),
            width: WIDTH,
            height: axis + AXIS,
            left: LEFT,
            right,
            ground,
            top: TOP,
            axis,
            people: people(&camera.in_view, most, ground, &x),
            most,
            ticks: ticks(seconds, &x),
            bars,
            sentence,
        }
    }
}

fn bar(alert: &AlertReport, y: f64, x: &impl Fn(f64) -> f64) -> Bar {
    let (from, to) = (x(alert.track_from), x(alert.track_to));
    let label_ends = from > WIDTH * 0.6;
    Bar {
        x: from,
        y: y + 5.0,
        width: (to - from).max(3.0),
        height: ROW - 10.0,
        raised: x(alert.time),
        middle: y + ROW / 2.0,
        label: format!("Alert {}: {}", alert.number, alert.reference),
        label_x: if label_ends {
            from - 8.0
        } else {
            to.max(from + 3.0) + 12.0
        },
        label_ends,
    }
}

/// Steps of at least one unit's width: each as high as the fullest second in it.
fn people(in_view: &[u32], most: u32, ground: f64, x: &impl Fn(f64) -> f64) -> String {
    let chunk = in_view.len().div_ceil(WIDTH as usize).max(1);
    let height = |people: u32| ground - f64::from(people) / f64::from(most.max(1)) * PEOPLE;
    let mut path = format!("M{:.1} {ground:.1}", x(0.0));
    for (index, seconds) in in_view.chunks(chunk).enumerate() {
        let from = (index * chunk) as f64;
        let y = height(seconds.iter().copied().max().unwrap_or(0));
        // Writing to a string cannot fail.
        let _ = write!(
            path,
            "L{:.1} {y:.1}L{:.1} {y:.1}",
            x(from),
            x(from + seconds.len() as f64)
        );
    }
    let _ = write!(path, "L{:.1} {ground:.1}Z", x(in_view.len() as f64));
    path
}

/// Five to eleven marks at round times.
fn ticks(seconds: f64, x: &impl Fn(f64) -> f64) -> Vec<Tick> {
    const STEPS: [f64; 13] = [
        1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_800.0, 3_600.0, 7_200.0,
    ];
    let step = STEPS
        .into_iter()
        .find(|step| seconds / step <= 11.0)
        .unwrap_or(14_400.0);
    // A camera runs for days at most.
    let count = (seconds / step).floor().min(1_000.0) as u32;
    (0..=count)
        .map(|index| {
            let second = f64::from(index) * step;
            let whole = second as u64;
            Tick {
                x: x(second),
                label: format!("{}:{:02}", whole / 60, whole % 60),
            }
        })
        .collect()
}
