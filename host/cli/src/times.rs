//! Times as people read them: UTC, to the second or the minute.

use jiff::Timestamp;

/// `31 January 2026, 09:00 UTC`.
pub(crate) fn for_people(time: Timestamp) -> String {
    time.strftime("%-d %B %Y, %H:%M UTC").to_string()
}

/// `31 January 2026, 09:00:00 to 09:00:31 UTC`.
pub(crate) fn span(from: Timestamp, to: Timestamp) -> String {
    let day = |time: Timestamp| time.strftime("%-d %B %Y").to_string();
    let (from_day, to_day) = (day(from), day(to));
    let (from, to) = (from.strftime("%H:%M:%S"), to.strftime("%H:%M:%S"));
    if from_day == to_day {
        format!("{from_day}, {from} to {to} UTC")
    } else {
        format!("{from_day}, {from} to {to_day}, {to} UTC")
    }
}

/// `2026-01-31T09:00:00Z`.
pub(crate) fn for_lists(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The records' time, as long as a calendar holds it.
pub(crate) fn of_records(time: overt_records::Timestamp) -> Timestamp {
    Timestamp::from_millisecond(time.unix_ms()).unwrap_or(Timestamp::MAX)
}

/// The records' time, for lists.
pub(crate) fn shown(time: overt_records::Timestamp) -> String {
    for_lists(of_records(time))
}

/// Seconds of a camera as `1:05.3`.
pub(crate) fn on_a_clock(seconds: f64) -> String {
    let tenths = (seconds.max(0.0) * 10.0).round() as u64;
    format!("{}:{:02}.{}", tenths / 600, tenths / 10 % 60, tenths % 10)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_time_is_shown_in_utc() {
        let time: Timestamp = "2026-01-31T09:05:07+01:00".parse().unwrap();
        assert_eq!(for_people(time), "31 January 2026, 08:05 UTC");
        assert_eq!(for_lists(time), "2026-01-31T08:05:07Z");
    }

    #[test]
    fn a_span_names_its_day_once_if_it_has_one() {
        let time = |text: &str| text.parse::<Timestamp>().unwrap();
        let from = time("2026-01-31T09:00:00Z");
        assert_eq!(
            span(from, time("2026-01-31T09:00:31Z")),
            "31 January 2026, 09:00:00 to 09:00:31 UTC"
        );
        assert_eq!(
            span(from, time("2026-02-01T01:00:00Z")),
            "31 January 2026, 09:00:00 to 1 February 2026, 01:00:00 UTC"
        );
    }

    #[test]
    fn seconds_are_shown_with_their_minutes() {
        assert_eq!(on_a_clock(0.04), "0:00.0");
        assert_eq!(on_a_clock(59.96), "1:00.0");
        assert_eq!(on_a_clock(65.31), "1:05.3");
        assert_eq!(on_a_clock(-1.0), "0:00.0");
    }
}
