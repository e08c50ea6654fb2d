//! Reads typed values out of a parsed TOML table, and writes down every one that is not as it should be instead of stopping at the first. It knows
//! TOML and how to say what is wrong; which keys a deployment file has, it does not know.
//!
//! A table remembers the keys that were asked for. [`Table::finish`] reports all others, each with the nearest name that was asked for,
//! so no list of known keys stands beside the code that reads them.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::ops::{Range, RangeInclusive};

use jiff::Timestamp;
use jiff::civil;
use jiff::tz::Offset;
use toml::Spanned;
use toml::de::{DeTable, DeValue};
use toml::value::{Datetime, Offset as TomlOffset};

use crate::limits;
use crate::problem::Problem;
use crate::text::Text;

/// The mistakes found so far.
pub(crate) struct Notes<'t> {
    text: &'t Text,
    problems: RefCell<Vec<Problem>>,
    omitted: Cell<usize>,
    /// Values that the TOML parser has already refused, such as a 30th of February: nothing more is said about them.
    refused: Vec<Range<usize>>,
}

impl<'t> Notes<'t> {
    pub(crate) fn new(text: &'t Text, refused: Vec<Range<usize>>) -> Self {
        Self {
            text,
            problems: RefCell::default(),
            omitted: Cell::new(0),
            refused,
        }
    }

    pub(crate) fn text(&self) -> &'t Text {
        self.text
    }

    pub(crate) fn add(&self, problem: Problem) {
        let mut problems = self.problems.borrow_mut();
        if problems.len() < limits::PROBLEMS {
            problems.push(problem);
        } else {
            self.omitted.set(self.omitted.get() + 1);
        }
    }

    /// What was written down, and how much more there was.
    pub(crate) fn into_problems(self) -> (Vec<Problem>, usize) {
        (self.problems.into_inner(), self.omitted.get())
    }
}

/// A value with its place: what a check needs to complain about it later.
#[derive(Clone)]
pub(crate) struct At<T> {
    pub(crate) value: T,
    pub(crate) key: String,
    pub(crate) span: Range<usize>,
}

impl<T> At<T> {
    /// Writes down that this value is a mistake; `found` is how the file has it.
    pub(crate) fn complain(
        &self,
        notes: &Notes<'_>,
        expected: impl Into<String>,
        mend: impl Into<String>,
    ) {
        let found = excerpt(notes.text.source(), &self.span);
        self.complain_of(notes, expected, found, mend);
    }

    /// The same where something else than the value's own text says best what was found.
    pub(crate) fn complain_of(
        &self,
        notes: &Notes<'_>,
        expected: impl Into<String>,
        found: impl Into<String>,
        mend: impl Into<String>,
    ) {
        notes.add(notes.text.problem(
            self.span.clone(),
            self.key.clone(),
            expected.into(),
            found.into(),
            mend.into(),
        ));
    }

    pub(crate) fn map<U>(self, change: impl FnOnce(T) -> U) -> At<U> {
        At {
            value: change(self.value),
            key: self.key,
            span: self.span,
        }
    }
}

impl At<&str> {
    pub(crate) fn to_owned(&self) -> At<String> {
        At {
            value: self.value.to_owned(),
            key: self.key.clone(),
            span: self.span.clone(),
        }
    }
}

/// Any value of the file.
pub(crate) type Value<'r> = At<&'r DeValue<'r>>;

impl<'r> Value<'r> {
    /// Complains that the value has the wrong type, unless the parser has complained about it already.
    pub(crate) fn wrong_type(&self, notes: &Notes<'_>, expected: &str) {
        if notes.refused.contains(&self.span) {
            return;
        }
        let found = format!(
            "{}: {}",
            kind(self.value),
            excerpt(notes.text.source(), &self.span)
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
                    notes.text.source()[self.span.clone()].trim()
                )
            }
            _ => format!("write {expected}"),
        };
        self.complain_of(notes, expected, found, mend);
    }

    pub(crate) fn string(self, notes: &Notes<'_>, expected: &str) -> Option<At<&'r str>> {
        match self.value {
            DeValue::String(text) if !notes.refused.contains(&self.span) => {
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

/// A table that is being read.
pub(crate) struct Table<'n, 'r> {
    notes: &'n Notes<'n>,
    table: &'r DeTable<'r>,
    key: String,
    span: Range<usize>,
    asked: RefCell<BTreeSet<&'static str>>,
    missing: RefCell<Vec<(&'static str, String, String)>>,
}

impl<'n, 'r> Table<'n, 'r> {
    pub(crate) fn new(
        notes: &'n Notes<'n>,
        table: &'r DeTable<'r>,
        key: String,
        span: Range<usize>,
    ) -> Self {
        Self {
            notes,
            table,
            key,
            span,
            asked: RefCell::default(),
            missing: RefCell::default(),
        }
    }

    pub(crate) fn notes(&self) -> &'n Notes<'n> {
        self.notes
    }

    /// The table itself, to complain about it as a whole.
    pub(crate) fn at(&self) -> At<()> {
        At {
            value: (),
            key: self.key.clone(),
            span: self.span.clone(),
        }
    }

    fn path(&self, key: &str) -> String {
        if self.key.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.key)
        }
    }

    /// A key's value, if the table has it.
    pub(crate) fn find(&self, key: &'static str) -> Option<Value<'r>> {
        self.asked.borrow_mut().insert(key);
        self.table.get(key).map(|value| At {
            value: value.get_ref(),
            key: self.path(key),
            span: value.span(),
        })
    }

    /// A key's value; if the table does not have it, that is a mistake. `expected` says what belongs there, `example` how it looks.
    pub(crate) fn require(
        &self,
        key: &'static str,
        expected: &str,
        example: &str,
    ) -> Option<Value<'r>> {
        let value = self.find(key);
        if value.is_none() {
            self.missing
                .borrow_mut()
                .push((key, expected.to_owned(), example.to_owned()));
        }
        value
    }

    /// An optional whole number within a range.
    pub(crate) fn integer(&self, key: &'static str, range: RangeInclusive<u64>) -> Option<u64> {
        integer(self.find(key)?, self.notes, range)
    }

    /// A whole number within a range.
    pub(crate) fn required_integer(
        &self,
        key: &'static str,
        range: RangeInclusive<u64>,
    ) -> Option<u64> {
        let value = self.require(key, &whole_number(&range), &range.start().to_string())?;
        integer(value, self.notes, range)
    }

    /// A finite number within a range.
    pub(crate) fn required_number(
        &self,
        key: &'static str,
        range: RangeInclusive<f64>,
        example: &str,
    ) -> Option<f64> {
        let expected = format!("a number from {} to {}", range.start(), range.end());
        let value = self.require(key, &expected, example)?;
        let number = match value.value {
            DeValue::Float(float) => float.as_str().parse::<f64>().ok(),
            DeValue::Integer(integer) => i64::from_str_radix(integer.as_str(), integer.radix())
                .ok()
                .map(|integer| integer as f64),
            _ => {
                value.wrong_type(self.notes, &expected);
                return None;
            }
        };
        if self.notes.refused.contains(&value.span) {
            return None;
        }
        let number = number.filter(|number| range.contains(number));
        if number.is_none() {
            value.complain(self.notes, expected, "choose a number within the range");
        }
        number
    }

    /// An optional `true` or `false`; absent means false. Nothing where it is a mistake.
    pub(crate) fn flag(&self, key: &'static str) -> Option<bool> {
        let Some(value) = self.find(key) else {
            return Some(false);
        };
        if let DeValue::Boolean(flag) = value.value {
            return Some(*flag);
        }
        value.wrong_type(self.notes, "`true` or `false`");
        None
    }

    /// A date and time with its offset from UTC.
    pub(crate) fn timestamp(&self, key: &'static str) -> Option<At<Timestamp>> {
        const EXPECTED: &str = "a date and time with its offset from UTC";
        const EXAMPLE: &str = "2026-01-31T09:00:00Z";
        let value = self.require(key, EXPECTED, EXAMPLE)?;
        let DeValue::Datetime(datetime) = value.value else {
            value.wrong_type(self.notes, EXPECTED);
            return None;
        };
        if self.notes.refused.contains(&value.span) {
            return None;
        }
        let timestamp = timestamp(datetime);
        if timestamp.is_none() {
            value.complain(
                self.notes,
                EXPECTED,
                format!("write all of it, like `{EXAMPLE}`"),
            );
        }
        timestamp.map(|timestamp| value.map(|_| timestamp))
    }

    /// The tables of `[[key]]`, at least one. An item that is no table is missing from the answer.
    pub(crate) fn tables(&self, key: &'static str) -> Vec<Table<'n, 'r>> {
        let expected = format!("at least one table `[[{key}]]`");
        let Some(value) = self.require(key, &expected, &format!("[[{key}]]")) else {
            return Vec::new();
        };
        let at = At {
            value: (),
            key: value.key.clone(),
            span: value.span.clone(),
        };
        if let DeValue::Table(_) = value.value {
            at.complain_of(
                self.notes,
                expected,
                format!("a single table, `[{key}]`"),
                format!("write `[[{key}]]`"),
            );
            return Vec::new();
        }
        let Some(items) = value.items(self.notes, &expected) else {
            return Vec::new();
        };
        if items.is_empty() {
            at.complain_of(
                self.notes,
                expected,
                "an empty list",
                format!("write `[[{key}]]` in its place"),
            );
        }
        items
            .into_iter()
            .filter_map(|item| item.table(self.notes))
            .collect()
    }

    /// Every key with its value, for tables whose keys are names that the file chooses.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (At<&'r str>, Value<'r>)> + '_ {
        self.table.iter().map(|(key, value)| {
            let path = self.path(key.get_ref());
            let name = At {
                value: key.get_ref().as_ref(),
                key: path.clone(),
                span: key.span(),
            };
            (
                name,
                At {
                    value: value.get_ref(),
                    key: path,
                    span: value.span(),
                },
            )
        })
    }

    /// Reports the keys that nobody asked for and those that are missing. A key that is nearly a missing one is one mistake, not two.
    pub(crate) fn finish(&self) {
        let asked = self.asked.take();
        let mut missing = self.missing.take();
        for (name, _) in self.entries() {
            if asked.contains(name.value) {
                continue;
            }
            let absent = missing.iter().map(|(key, ..)| *key);
            let nearest =
                nearest(name.value, absent).or_else(|| nearest(name.value, asked.iter().copied()));
            let mend = match nearest {
                Some(meant) => {
                    missing.retain(|(key, ..)| *key != meant);
                    format!("did you mean `{meant}`?")
                }
                None if asked.is_empty() => "take it out".to_owned(),
                None => format!(
                    "take it out; the keys here are {}",
                    list(asked.iter().copied())
                ),
            };
            let here = if self.key.is_empty() {
                "a table of a deployment file".to_owned()
            } else {
                format!("a key of `{}`", self.key)
            };
            name.complain_of(
                self.notes,
                here,
                format!(
                    "`{}`, which is unknown",
                    excerpt(name.value, &(0..name.value.len()))
                ),
                mend,
            );
        }
        for (key, expected, example) in missing {
            let mend = if example.starts_with('[') {
                format!("add `{example}`")
            } else {
                format!("add `{key} = {example}`")
            };
            let at = At {
                key: self.path(key),
                ..self.at()
            };
            at.complain_of(self.notes, expected, "nothing", mend);
        }
    }
}

fn integer(value: Value<'_>, notes: &Notes<'_>, range: RangeInclusive<u64>) -> Option<u64> {
    let expected = whole_number(&range);
    let DeValue::Integer(integer) = value.value else {
        value.wrong_type(notes, &expected);
        return None;
    };
    if notes.refused.contains(&value.span) {
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

fn whole_number(range: &RangeInclusive<u64>) -> String {
    format!("a whole number from {} to {}", range.start(), range.end())
}

/// The point in time, if the file says all of it: a date, a time, an offset.
fn timestamp(datetime: &Datetime) -> Option<Timestamp> {
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

/// A part of the file that is short enough for a message.
pub(crate) fn excerpt(source: &str, span: &Range<usize>) -> String {
    const MOST: usize = 60;
    let text = source.get(span.clone()).unwrap_or_default().trim();
    let line = text.lines().next().unwrap_or_default();
    let mut shown: String = line.chars().take(MOST).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

/// The candidate that somebody most likely meant: at most a third of its letters differ.
pub(crate) fn nearest<'c>(
    word: &str,
    candidates: impl Iterator<Item = &'c str>,
) -> Option<&'c str> {
    let word = word.to_lowercase();
    candidates
        .map(|candidate| {
            (
                strsim::damerau_levenshtein(&word, &candidate.to_lowercase()),
                candidate,
            )
        })
        .filter(|(distance, candidate)| *distance <= candidate.chars().count().div_ceil(3))
        .min()
        .map(|(_, candidate)| candidate)
}

/// `a`, `b`, `c`.
pub(crate) fn list<'c>(words: impl Iterator<Item = &'c str>) -> String {
    words
        .map(|word| format!("`{word}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// The last name of a key's path.
fn last(key: &str) -> &str {
    key.rsplit('.').next().unwrap_or(key)
}
