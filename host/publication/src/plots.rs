//! The two drawings of a record, as SVG: when alerts came, and how high their scores were. Of each there is a table as well, which says the same.

use overt_statistics::plot::{Axis, Line, Mark, Plot, Tick};

use crate::record::{ScoreBin, TimeBin};
use crate::text::{day, moment};

/// Steps of an axis of counts that read well.
fn step(most: u64) -> u64 {
    let mut step = 1;
    loop {
        for factor in [1, 2, 5] {
            if most <= step * factor * 6 {
                return step * factor;
            }
        }
        let Some(next) = 10u64
            .checked_mul(step)
            .filter(|next| *next < u64::MAX / 100)
        else {
            return step * 5;
        };
        step = next;
    }
}

/// An axis of counts from 0.
fn alerts(most: u64) -> Axis {
    let step = step(most.max(1));
    let top = most.max(1).div_ceil(step) * step;
    Axis::even("Alerts", (0.0, top as f64), step as f64, |at| {
        format!("{at:.0}")
    })
}

/// Bars as a line of steps.
fn bars(counts: impl Iterator<Item = (f64, f64, u64)>) -> Line {
    Line {
        name: "alerts".to_owned(),
        points: counts
            .flat_map(|(from, to, count)| [(from, count as f64), (to, count as f64)])
            .collect(),
        filled: true,
    }
}

fn told(count: u64) -> String {
    match count {
        1 => "1 alert".to_owned(),
        count => format!("{} alerts", crate::text::grouped(count)),
    }
}

/// Alerts over time. Nothing for no span.
pub fn over_time(bins: &[TimeBin]) -> Option<String> {
    let (first, last) = (bins.first()?, bins.last()?);
    let most = bins.iter().max_by_key(|bin| bin.count)?;
    let all: u64 = bins
        .iter()
        .map(|bin| bin.count)
        .fold(0, u64::saturating_add);
    let seconds = |time: jiff::Timestamp| time.as_second() as f64;
    let range = (seconds(first.from), seconds(last.to));
    let one_day = day(first.from) == day(last.from);
    let every = bins.len().div_ceil(8);
    let edge = |time: jiff::Timestamp| Tick {
        at: seconds(time),
        label: match one_day {
            true => time.strftime("%H:%M").to_string(),
            false => time.strftime("%-d %b %H:%M").to_string(),
        },
    };
    let plot = Plot {
        title: "Alerts over time".to_owned(),
        sentence: format!(
            "Alerts over time: {} from {} to {}; most in a span, {}, from {}. The table below says the same.",
            told(all),
            moment(first.from),
            moment(last.to),
            most.count,
            moment(most.from)
        ),
        x: Axis {
            name: match one_day {
                true => format!("Time on {} (UTC)", day(first.from)),
                false => "Time (UTC)".to_owned(),
            },
            range,
            ticks: bins
                .iter()
                .step_by(every)
                .map(|bin| edge(bin.from))
                .collect(),
        },
        y: alerts(most.count),
        lines: vec![bars(
            bins.iter()
                .map(|bin| (seconds(bin.from), seconds(bin.to), bin.count)),
        )],
        marks: Vec::<Mark>::new(),
        upright: None,
    };
    Some(plot.svg())
}

/// The scores of the alerts, and the floor under which there can be none. Nothing for no alert.
pub fn scores(bins: &[ScoreBin], floor: Option<f64>) -> Option<String> {
    let (first, last) = (bins.first()?, bins.last()?);
    let most = bins.iter().max_by_key(|bin| bin.count)?;
    let all: u64 = bins
        .iter()
        .map(|bin| bin.count)
        .fold(0, u64::saturating_add);
    let from = floor.map_or(first.from, |floor| floor.min(first.from));
    let range = (
        ((from - 0.02) * 10.0).floor() / 10.0,
        (last.to * 10.0).ceil() / 10.0,
    );
    let plot = Plot {
        title: "Scores of the alerts".to_owned(),
        sentence: format!(
            "Scores of {}, from {:.2} to less than {:.2}; most, {}, from {:.2} to less than {:.2}. The table below says the same.",
            told(all),
            first.from,
            last.to,
            most.count,
            most.from,
            most.to
        ),
        x: Axis::even(
            "Score",
            range,
            if range.1 - range.0 > 0.9 { 0.2 } else { 0.1 },
            |at| format!("{at:.1}"),
        ),
        y: alerts(most.count),
        lines: vec![bars(bins.iter().map(|bin| (bin.from, bin.to, bin.count)))],
        marks: Vec::<Mark>::new(),
        upright: floor.map(|floor| (floor, format!("floor {floor}"))),
    };
    Some(plot.svg())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_of_counts_has_few_marks_however_many_there_are() {
        for (most, expected) in [
            (0, 1),
            (1, 1),
            (6, 1),
            (7, 2),
            (30, 5),
            (61, 20),
            (2_077, 500),
        ] {
            assert_eq!(step(most.max(1)), expected, "{most}");
        }
        assert!(step(u64::MAX) > 0);
    }
}
