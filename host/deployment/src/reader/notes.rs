//! What is written down while a file is read: mistakes, each at the place of a value. It does not know what makes a value a mistake.

use std::cell::{Cell, RefCell};
use std::ops::Range;

use super::phrase::excerpt;
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

    /// Whether the TOML parser has complained about this value already.
    pub(super) fn was_refused(&self, value: &Range<usize>) -> bool {
        self.refused.contains(value)
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
