//! From what each call took to what is told of all of them, and to the limits that are suggested. It knows no plugin.

use std::time::Duration;

use overt_runtime::manifest::DeclaredLimits;
use serde::Serialize;

use super::asked::Taken;

/// Bytes of a mebibyte.
pub(super) const MIB: f64 = 1024.0 * 1024.0;

/// What the calls of one case took, each after an empty one.
#[derive(Default)]
pub(super) struct Samples(Vec<(Taken, Taken)>);

/// A spread of numbers, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Spread {
    pub(super) median: f64,
    /// Of 100 calls 95 are at or under it.
    pub(super) p95: f64,
    pub(super) most: f64,
}

/// What is told of a case's calls.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Figures {
    /// Calls behind each figure.
    pub(super) calls: u32,
    /// Wall-clock time of an empty call: a fresh instance, and nothing asked of it.
    pub(super) empty_call_us: Spread,
    /// Wall-clock time of a call, instance and models included.
    pub(super) wall_us: Spread,
    /// How many empty calls a call takes; the median over pairs.
    pub(super) times_empty: f64,
    /// CPU time of the plugin itself, which `deadline-ms` bounds.
    pub(super) guest_us: Spread,
    /// CPU time of what the host did for it.
    pub(super) host_us: Spread,
    /// Wall-clock time in its models.
    pub(super) models_us: Spread,
    /// Fuel at most; decision plugins alone have it.
    pub(super) fuel: Option<u64>,
    /// Memories and tables at most, bytes.
    pub(super) memory_bytes: u64,
    /// Tensors that the host made for a call at most, bytes.
    pub(super) tensors_bytes: u64,
}

/// A limit of the manifest beside what was used of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct LimitRow {
    /// The key under `[limits]`.
    pub(super) limit: &'static str,
    /// What the manifest declares.
    pub(super) declared: Option<u64>,
    /// What was used at most, in the limit's unit.
    pub(super) used: f64,
    /// What to declare.
    pub(super) suggested: u64,
    /// Whether what is declared was enough.
    pub(super) enough: bool,
}

impl Samples {
    pub(super) fn push(&mut self, empty: Taken, call: Taken) {
        self.0.push((empty, call));
    }

    /// Nothing where there was no call.
    pub(super) fn figures(&self) -> Option<Figures> {
        let of = |part: fn(&Taken) -> Duration| -> Vec<f64> {
            self.0.iter().map(|(_, call)| micros(part(call))).collect()
        };
        let most = |part: fn(&Taken) -> u64| self.0.iter().map(|(_, call)| part(call)).max();
        let pairs = self.0.iter();
        let ratios = pairs.map(|(empty, call)| micros(call.wall) / micros(empty.wall).max(0.001));
        let empty = self.0.iter().map(|(empty, _)| micros(empty.wall));
        Some(Figures {
            calls: self.0.len() as u32,
            empty_call_us: spread(empty.collect())?,
            wall_us: spread(of(|call| call.wall))?,
            times_empty: (spread(ratios.collect())?.median * 1e3).round() / 1e3,
            guest_us: spread(of(|call| call.guest))?,
            host_us: spread(of(|call| call.host))?,
            models_us: spread(of(|call| call.models))?,
            fuel: self.0.iter().filter_map(|(_, call)| call.fuel).max(),
            memory_bytes: most(|call| call.memory)?,
            tensors_bytes: most(|call| call.tensors)?,
        })
    }
}

fn micros(duration: Duration) -> f64 {
    duration.as_nanos() as f64 / 1e3
}

/// Nothing of no numbers.
fn spread(mut values: Vec<f64>) -> Option<Spread> {
    values.sort_by(f64::total_cmp);
    let last = values.len().checked_sub(1)?;
    // By the nearest rank.
    let p95 = (values.len() * 95).div_ceil(100).saturating_sub(1);
    Some(Spread {
        median: f64::midpoint(values[last / 2], values[values.len() / 2]),
        p95: values[p95],
        most: values[last],
    })
}

/// The limits of a manifest beside what was used of them.
pub(super) fn limits(declared: &DeclaredLimits, cases: &[&Figures]) -> Vec<LimitRow> {
    let most = |part: fn(&Figures) -> f64| cases.iter().map(|case| part(case)).reduce(f64::max);
    let row = |limit, declared: Option<u64>, used: Option<f64>, suggested: fn(f64) -> u64| {
        let used = used?;
        Some(LimitRow {
            limit,
            declared,
            used,
            suggested: suggested(used),
            enough: declared.is_none_or(|declared| used <= declared as f64),
        })
    };
    let fuel = cases.iter().filter_map(|figures| figures.fuel).max();
    let memory = most(|figures| figures.memory_bytes as f64 / MIB);
    // A plugin that decides is bounded by fuel, and by no time.
    let guest = most(|figures| figures.guest_us.most / 1e3).filter(|_| fuel.is_none());
    let rows = [
        row(
            "memory-mib",
            declared.memory_mib.map(u64::from),
            memory,
            |used| (2.0 * used).ceil().max(1.0) as u64,
        ),
        row(
            "deadline-ms",
            declared.deadline_ms.map(u64::from),
            guest,
            |used| 10 * used.ceil().max(1.0) as u64,
        ),
        row(
            "fuel",
            declared.fuel,
            fuel.map(|fuel| fuel as f64),
            |used| two_digits((2.0 * used).max(1_000.0) as u64),
        ),
    ];
    rows.into_iter().flatten().collect()
}

/// The next number that has two digits and then zeros.
fn two_digits(number: u64) -> u64 {
    let mut unit = 1;
    while number / unit >= 100 {
        unit *= 10;
    }
    number.div_ceil(unit) * unit
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn taken(wall: u64, memory: u64, fuel: Option<u64>) -> Taken {
        Taken {
            wall: Duration::from_micros(wall),
            guest: Duration::from_micros(wall / 2),
            memory,
            fuel,
            ..Taken::default()
        }
    }

    fn figures(calls: &[(u64, u64)], fuel: Option<u64>) -> Figures {
        let mut samples = Samples::default();
        for (wall, memory) in calls {
            samples.push(taken(10, 1, None), taken(*wall, *memory, fuel));
        }
        samples.figures().unwrap()
    }

    #[test]
    fn of_a_hundred_calls_the_middle_the_ninety_fifth_and_the_slowest_are_told() {
        let calls: Vec<(u64, u64)> = (1..=100).map(|wall| (wall, 2 * wall)).collect();
        let figures = figures(&calls, None);
        let Spread { median, p95, most } = figures.wall_us;
        assert_eq!(
            (median.round(), p95.round(), most.round()),
            (51.0, 95.0, 100.0)
        );
        assert_eq!(figures.memory_bytes, 200);
        assert!(
            (figures.times_empty - 5.05).abs() < 1e-6,
            "{}",
            figures.times_empty
        );
        assert!(Samples::default().figures().is_none());
    }

    #[test]
    fn what_is_suggested_leaves_room_and_what_is_too_little_is_told() {
        let declared = DeclaredLimits {
            memory_mib: Some(1),
            deadline_ms: Some(50),
            ..DeclaredLimits::default()
        };
        let rows = limits(&declared, &[&figures(&[(6_200, 3 << 19)], None)]);
        let told: Vec<_> = rows
            .iter()
            .map(|row| (row.limit, row.declared, row.suggested, row.enough))
            .collect();
        let expected = [
            ("memory-mib", Some(1), 3, false),
            ("deadline-ms", Some(50), 40, true),
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn a_plugin_that_decides_has_fuel_and_no_deadline() {
        let rows = limits(
            &DeclaredLimits::default(),
            &[&figures(&[(9, 9)], Some(61_234))],
        );
        assert_eq!(rows[1].limit, "fuel");
        assert_eq!((rows[1].used, rows[1].suggested), (61_234.0, 130_000));
        assert_eq!(rows.len(), 2);
        assert_eq!(
            (two_digits(99), two_digits(100), two_digits(101)),
            (99, 100, 110)
        );
    }
}
