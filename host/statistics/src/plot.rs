//! Drawings of an evaluation as SVG that stands by itself: axes with names and units, points with what they are, and a sentence for those who do
//! not see it. It computes places; what they mean is the caller's.

use std::fmt::Write as _;

/// Units of the drawing's coordinates.
const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 480.0;
const LEFT: f64 = 84.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 52.0;
const BOTTOM: f64 = 62.0;

/// Colours that people who see few colours tell apart, and that print in grey (Okabe and Ito 2008).
const COLOURS: [&str; 3] = ["#0072b2", "#d55e00", "#009e73"];

/// A mark of an axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Tick {
    /// Where, in the axis' own unit.
    pub at: f64,
    /// What stands there.
    pub label: String,
}

/// An axis.
#[derive(Clone, Debug)]
pub struct Axis {
    /// What it measures, with its unit.
    pub name: String,
    /// Its ends.
    pub range: (f64, f64),
    /// Its marks.
    pub ticks: Vec<Tick>,
}

impl Axis {
    /// An axis with marks at even steps.
    pub fn even(name: &str, range: (f64, f64), step: f64, label: impl Fn(f64) -> String) -> Axis {
        let (from, to) = (
            (range.0 / step).ceil() as i64,
            (range.1 / step).floor() as i64,
        );
        let ticks = (from..=to)
            .map(|index| {
                let at = index as f64 * step;
                Tick {
                    at,
                    label: label(at),
                }
            })
            .collect();
        Axis {
            name: name.to_owned(),
            range,
            ticks,
        }
    }
}

/// A line through points, or steps, with its name.
#[derive(Clone, Debug)]
pub struct Line {
    /// What it shows.
    pub name: String,
    /// Points, in the axes' units.
    pub points: Vec<(f64, f64)>,
    /// Filled down to the horizontal axis.
    pub filled: bool,
}

/// A place that is pointed out.
#[derive(Clone, Debug)]
pub struct Mark {
    /// Where.
    pub at: (f64, f64),
    /// What it is.
    pub label: String,
}

/// A drawing.
#[derive(Clone, Debug)]
pub struct Plot {
    /// What it shows, in a line.
    pub title: String,
    /// The same with its findings in a sentence, for those who do not see it.
    pub sentence: String,
    /// Across.
    pub x: Axis,
    /// Upwards.
    pub y: Axis,
    /// At most three.
    pub lines: Vec<Line>,
    /// Places that are pointed out.
    pub marks: Vec<Mark>,
    /// A line from top to bottom, with its label.
    pub upright: Option<(f64, String)>,
}

fn escape(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '&' => "&amp;".to_owned(),
            '<' => "&lt;".to_owned(),
            '>' => "&gt;".to_owned(),
            '"' => "&quot;".to_owned(),
            c if c.is_control() => " ".to_owned(),
            c => c.to_string(),
        })
        .collect()
}

impl Plot {
    fn place(&self, (x, y): (f64, f64)) -> (f64, f64) {
        let part =
            |value: f64, (from, to): (f64, f64)| ((value - from) / (to - from)).clamp(0.0, 1.0);
        (
            LEFT + part(x, self.x.range) * (WIDTH - LEFT - RIGHT),
            HEIGHT - BOTTOM - part(y, self.y.range) * (HEIGHT - TOP - BOTTOM),
        )
    }

    /// The drawing as a document of its own.
    pub fn svg(&self) -> String {
        let mut svg = String::new();
        // Writing to a string cannot fail.
        let _ = self.write(&mut svg);
        svg
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        let (right, ground) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
        writeln!(
            out,
            r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{}" font-family="system-ui, 'DejaVu Sans', sans-serif" font-size="13" fill="#14181c">"##,
            escape(&self.sentence)
        )?;
        writeln!(
            out,
            r##"<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>"##
        )?;
        writeln!(
            out,
            r#"<text x="{LEFT}" y="22" font-size="16" font-weight="bold">{}</text>"#,
            escape(&self.title)
        )?;
        for tick in &self.x.ticks {
            let (x, _) = self.place((tick.at, self.y.range.0));
            writeln!(
                out,
                r##"<path d="M{x:.1} {TOP}V{ground}" stroke="#e1e5e8"/><text x="{x:.1}" y="{:.1}" text-anchor="middle">{}</text>"##,
                ground + 20.0,
                escape(&tick.label)
            )?;
        }
        for tick in &self.y.ticks {
            let (_, y) = self.place((self.x.range.0, tick.at));
            writeln!(
                out,
                r##"<path d="M{LEFT} {y:.1}H{right}" stroke="#e1e5e8"/><text x="{:.1}" y="{:.1}" text-anchor="end">{}</text>"##,
                LEFT - 8.0,
                y + 4.5,
                escape(&tick.label)
            )?;
        }
        writeln!(
            out,
            r##"<path d="M{LEFT} {TOP}V{ground}H{right}" fill="none" stroke="#14181c"/>"##
        )?;
        writeln!(
            out,
            r#"<text x="{:.1}" y="{:.1}" text-anchor="middle">{}</text><text transform="translate(20 {:.1}) rotate(-90)" text-anchor="middle">{}</text>"#,
            (LEFT + right) / 2.0,
            HEIGHT - 16.0,
            escape(&self.x.name),
            (TOP + ground) / 2.0,
            escape(&self.y.name)
        )?;
        for (line, colour) in self.lines.iter().zip(COLOURS) {
            self.write_line(out, line, colour)?;
        }
        if let Some((at, label)) = &self.upright {
            let (x, _) = self.place((*at, self.y.range.0));
            let anchor = if x > WIDTH * 0.7 { "end" } else { "start" };
            let aside = if anchor == "end" { -6.0 } else { 6.0 };
            writeln!(
                out,
                r##"<path d="M{x:.1} {TOP}V{ground}" stroke="#14181c" stroke-dasharray="5 4"/><text x="{:.1}" y="{:.1}" text-anchor="{anchor}">{}</text>"##,
                x + aside,
                TOP + 14.0,
                escape(label)
            )?;
        }
        for mark in &self.marks {
            let (x, y) = self.place(mark.at);
            let end = x > WIDTH * 0.6;
            writeln!(
                out,
                r##"<circle cx="{x:.1}" cy="{y:.1}" r="4.5" fill="#fff" stroke="#14181c" stroke-width="2"/><text x="{:.1}" y="{:.1}" text-anchor="{}">{}</text>"##,
                x + if end { -9.0 } else { 9.0 },
                y - 8.0,
                if end { "end" } else { "start" },
                escape(&mark.label)
            )?;
        }
        if self.lines.len() > 1 {
            let mut x = LEFT;
            for (line, colour) in self.lines.iter().zip(COLOURS) {
                writeln!(
                    out,
                    r#"<rect x="{x:.1}" y="34" width="14" height="10" fill="{colour}"/><text x="{:.1}" y="43">{}</text>"#,
                    x + 20.0,
                    escape(&line.name)
                )?;
                x += 36.0 + 7.6 * line.name.chars().count() as f64;
            }
        }
        writeln!(out, "</svg>")
    }

    fn write_line(&self, out: &mut String, line: &Line, colour: &str) -> std::fmt::Result {
        let (Some(first), Some(last)) = (line.points.first(), line.points.last()) else {
            return Ok(());
        };
        let mut path = String::new();
        for (index, point) in line.points.iter().enumerate() {
            let (x, y) = self.place(*point);
            write!(path, "{}{x:.1} {y:.1}", if index == 0 { "M" } else { "L" })?;
        }
        if line.filled {
            let ground = |x: f64| self.place((x, self.y.range.0));
            let ((from, base), (to, _)) = (ground(first.0), ground(last.0));
            writeln!(
                out,
                r#"<path d="{path}L{to:.1} {base:.1}L{from:.1} {base:.1}Z" fill="{colour}" fill-opacity="0.22"/>"#
            )?;
        }
        writeln!(
            out,
            r#"<path d="{path}" fill="none" stroke="{colour}" stroke-width="2.2" stroke-linejoin="round"/>"#
        )
    }
}

/// A heap of values as steps: the part of `of` that falls into each bin.
pub fn histogram(values: &[f32], of: usize, range: (f64, f64), bins: usize) -> Vec<(f64, f64)> {
    let mut counts = vec![0usize; bins.max(1)];
    let width = (range.1 - range.0) / counts.len() as f64;
    for value in values {
        let bin = ((f64::from(*value) - range.0) / width).floor();
        // What lies beyond an end is in the bin at that end: nothing is left out of the picture.
        let bin = (bin.max(0.0) as usize).min(counts.len() - 1);
        counts[bin] += 1;
    }
    counts
        .iter()
        .enumerate()
        .flat_map(|(bin, count)| {
            let part = *count as f64 / of.max(1) as f64;
            let from = range.0 + bin as f64 * width;
            [(from, part), (from + width, part)]
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot() -> Plot {
        Plot {
            title: "A & B <1>".into(),
            sentence: "\"quoted\"".into(),
            x: Axis::even("x", (0.0, 1.0), 0.5, |at| format!("{at:.1}")),
            y: Axis::even("y", (0.0, 10.0), 5.0, |at| format!("{at:.0}")),
            lines: vec![Line {
                name: "one".into(),
                points: vec![(0.0, 0.0), (0.5, 5.0), (9.0, f64::INFINITY)],
                filled: true,
            }],
            marks: vec![Mark {
                at: (0.5, 5.0),
                label: "here".into(),
            }],
            upright: Some((0.9, "there".into())),
        }
    }

    #[test]
    fn places_are_in_the_drawing_and_texts_are_no_markup() {
        let svg = plot().svg();
        assert!(svg.contains("A &amp; B &lt;1&gt;") && svg.contains("&quot;quoted&quot;"));
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
        // The middle of both axes.
        assert!(svg.contains("390.0 235.0"), "{svg}");
        for label in [">0.5<", ">10<", ">here<", ">there<"] {
            assert!(svg.contains(label), "{label}");
        }
    }

    #[test]
    fn a_histogram_leaves_nothing_out() {
        let steps = histogram(&[-2.0, 0.1, 0.1, 0.9, 7.0], 5, (0.0, 1.0), 2);
        assert_eq!(steps, [(0.0, 0.6), (0.5, 0.6), (0.5, 0.4), (1.0, 0.4)]);
    }
}
