//! A value of the file, asked for as a type that it may not have. It knows no key.

use jiff::Timestamp;
use jiff::civil;
use jiff::tz::Offset;
use std::ops::RangeInclusive;
use toml::Spanned;
use toml::de::DeValue;
use toml::value::{Datetime, Offset as TomlOffset};

use super::notes::{At, Notes};
use super::phrase::{excerpt, last};
use super::table::Table;

/// Any value of the file.
pub(crate) type Value<'r> = At<&'r DeValue<'r>>;

impl<'r> Value<'r> {
    /// Complains that the value has the wrong type, unless the parser has complained about it already.
    pub(crate) fn wrong_type(&self, notes: &Notes<'_>, expected: &str) {
        if notes.was_refused(&self.span) {
            return;
        }
        let found = format!(
            "{}: {}",
            kind(self.value),
            excerpt(notes.text().source(), &self.span)
        );
        let mend = match self.value {
            DeValue::String(text)
                if text.parse::<f64>().is_ok()
                    || text.parse::<bool>().is_ok()
                    || text.parse::<Datetime>().is_ok() =>
            {
                format!("take the quotes away: `{} = {text}`", last(&self.key))
            }
            DeValue::Integer(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Float(_)
                if expected.contains("in quotes") =>
            {
                format!(
                    "put it in quotes: `{} = \"{}\"`",
                    last(&self.key),
                    notes.text().source()[self.span.clone()].trim()
                )
            }
            _ => format!("write {expected}"),
        };
        self.complain_of(notes, expected, found, mend);
    }

    pub(crate) fn string(self, notes: &Notes<'_>, expected: &str) -> Option<At<&'r str>> {
        match self.value {
            DeValue::String(text) if !notes.was_refused(&self.span) => {
                Some(self.map(|_| text.as_ref()))
            }
            _ => {
                self.wrong_type(notes, &format!("{expected}, in quotes"));
                None
            }
        }
    }

    pub(crate) fn items(self, notes: &Notes<'_>, expected: &str) -> Option<Vec<Value<'r>>> {
        let DeValue::Array(array) = self.value else {
            self.wrong_type(notes, expected);
            return None;
        };
        let value = |(index, item): (usize, &'r Spanned<DeValue<'r>>)| At {
            value: item.get_ref(),
            key: format!("{}[{index}]", self.key),
            span: item.span(),
        };
        Some(array.iter().enumerate().map(value).collect())
    }

    pub(crate) fn table<'n>(self, notes: &'n Notes<'n>) -> Option<Table<'n, 'r>> {
        match self.value {
            DeValue::Table(table) => Some(Table::new(notes, table, self.key, self.span)),
            _ => {
                self.wrong_type(notes, &format!("a table, `[{}]`", self.key));
                None
            }
        }
    }
}

pub(crate) fn integer(
    value: Value<'_>,
    notes: &Notes<'_>,
    range: RangeInclusive<u64>,
) -> Option<u64> {
    let expected = whole_number(&range);
    let DeValue::Integer(integer) = value.value else {
        value.wrong_type(notes, &expected);
        return None;
    };
    if notes.was_refused(&value.span) {
        return None;
    }
    let number = u64::from_str_radix(integer.as_str(), integer.radix())
        .ok()
        .filter(|number| range.contains(number));
    if number.is_none() {
        value.complain(notes, expected, "choose a number within the range");
    }
    number
}

pub(super) fn whole_number(range: &RangeInclusive<u64>) -> String {
    format!("a whole number from {} to {}", range.start(), range.end())
}

/// The point in time, if the file says all of it: a date, a time, an offset.
pub(super) fn timestamp(datetime: &Datetime) -> Option<Timestamp> {
    let (date, time, offset) = (datetime.date?, datetime.time?, datetime.offset?);
    let (year, month, day) = (
        i16::try_from(date.year).ok()?,
        i8::try_from(date.month).ok()?,
        i8::try_from(date.day).ok()?,
    );
    let (hour, minute) = (
        i8::try_from(time.hour).ok()?,
        i8::try_from(time.minute).ok()?,
    );
    // A leap second is the last second of its minute, as everywhere in Unix time.
    let second = i8::try_from(time.second.unwrap_or(0).min(59)).ok()?;
    let nanosecond = i32::try_from(time.nanosecond.unwrap_or(0)).ok()?;
    let date = civil::Date::new(year, month, day).ok()?;
    let time = civil::Time::new(hour, minute, second, nanosecond).ok()?;
    let seconds = match offset {
        TomlOffset::Z => 0,
        TomlOffset::Custom { minutes } => i32::from(minutes) * 60,
    };
    Offset::from_seconds(seconds)
        .ok()?
        .to_timestamp(date.to_datetime(time))
        .ok()
}

/// What a value is, in words.
fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "a truth value",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
