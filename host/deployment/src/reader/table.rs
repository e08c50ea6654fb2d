//! A table that is being read. It remembers the keys that were asked for, and [`Table::finish`] reports all others, each with the nearest name that was
//! asked for; so no list of known keys stands beside the code that reads them.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::{Range, RangeInclusive};

use jiff::Timestamp;
use toml::de::{DeTable, DeValue};

use super::notes::{At, Notes};
use super::phrase::{excerpt, list, nearest};
use super::value::{Value, integer, timestamp};

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
        if self.notes.was_refused(&value.span) {
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
        if self.notes.was_refused(&value.span) {
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
        let path = self.path(key);
        let expected = format!("at least one table `[[{path}]]`");
        let Some(value) = self.require(key, &expected, &format!("[[{path}]]")) else {
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
                format!("a single table, `[{path}]`"),
                format!("write `[[{path}]]`"),
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
                format!("write `[[{path}]]` in its place"),
            );
        }
        items
            .into_iter()
            .filter_map(|item| item.table(self.notes))
            .collect()
    }

    /// The same where there may be none.
    pub(crate) fn optional_tables(&self, key: &'static str) -> Vec<Table<'n, 'r>> {
        match self.find(key) {
            None => Vec::new(),
            Some(_) => self.tables(key),
        }
    }

    /// A date without a time, as `2026-01-31`.
    pub(crate) fn date(&self, key: &'static str) -> Option<String> {
        const EXPECTED: &str = "a date";
        const EXAMPLE: &str = "2026-01-31";
        let value = self.require(key, EXPECTED, EXAMPLE)?;
        let DeValue::Datetime(datetime) = value.value else {
            value.wrong_type(self.notes, EXPECTED);
            return None;
        };
        if self.notes.was_refused(&value.span) {
            return None;
        }
        match (datetime.date, datetime.time) {
            (Some(date), None) => Some(date.to_string()),
            _ => {
                let mend = format!("write the date alone, like `{EXAMPLE}`");
                value.complain(self.notes, EXPECTED, mend);
                None
            }
        }
    }

    /// A whole number within a range.
    pub(crate) fn required_integer(
        &self,
        key: &'static str,
        range: RangeInclusive<u64>,
        example: &str,
    ) -> Option<u64> {
        let expected = super::value::whole_number(&range);
        integer(self.require(key, &expected, example)?, self.notes, range)
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
                "a table or key of this file".to_owned()
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
            // A table's head, and not a list.
            let mend = if example.starts_with('[') && !example.starts_with("[\"") {
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
