//! Errors of the TOML parser: told apart by how much of the file can still be read beside them. It knows no key of a deployment file.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue, Error};

use crate::problem::Problem;
use crate::reader::excerpt;
use crate::text::Text;

/// What the parser had to say.
pub(super) struct Syntax {
    pub(super) problems: Vec<Problem>,
    /// Values that cannot be read, such as the 30th of February; everything around them can.
    pub(super) refused: Vec<Range<usize>>,
    /// Something else is wrong as well, so that the rest of the file cannot be relied on.
    pub(super) structure_is_broken: bool,
}

pub(super) fn sort(text: &Text, table: &Spanned<DeTable<'_>>, errors: Vec<Error>) -> Syntax {
    let mut syntax = Syntax {
        problems: Vec::new(),
        refused: Vec::new(),
        structure_is_broken: false,
    };
    if errors.is_empty() {
        return syntax;
    }
    let mut scalars = Vec::new();
    for value in table.get_ref().values() {
        collect_scalars(value, &mut scalars);
    }
    for error in errors {
        let span = error.span().unwrap_or(0..0);
        let value = scalars.iter().find(|scalar| {
            !span.is_empty() && scalar.start <= span.start && span.end <= scalar.end
        });
        let (what, expected) = error
            .message()
            .split_once(", expected ")
            .unwrap_or((error.message(), "TOML"));
        let (span, mend) = match value {
            Some(value) => {
                syntax.refused.push(value.clone());
                (
                    value.clone(),
                    "correct the value; a text is written in quotes",
                )
            }
            // The first of the two counts, so that the rest of the file can be read.
            None if what == "duplicate key" => (
                span,
                "keep one of them; `[[name]]` begins another entry of a list",
            ),
            None => {
                syntax.structure_is_broken = true;
                (
                    span,
                    "correct the line; what follows it is checked once it can be read",
                )
            }
        };
        let expected = if what == "duplicate key" {
            "each key once"
        } else {
            expected
        };
        let there = excerpt(text.source(), &span);
        let found = if there.is_empty() {
            what.to_owned()
        } else {
            format!("{there}, {}", article(what))
        };
        syntax.problems.push(text.problem(
            span,
            String::new(),
            expected.to_owned(),
            found,
            mend.to_owned(),
        ));
    }
    syntax
}

fn collect_scalars(value: &Spanned<DeValue<'_>>, scalars: &mut Vec<Range<usize>>) {
    match value.get_ref() {
        DeValue::Table(table) => table
            .values()
            .for_each(|value| collect_scalars(value, scalars)),
        DeValue::Array(array) => array
            .iter()
            .for_each(|value| collect_scalars(value, scalars)),
        _ => scalars.push(value.span()),
    }
}

/// "invalid date" → "an invalid date"; other messages stay as they are.
fn article(what: &str) -> String {
    if what.starts_with("invalid ") {
        format!("an {what}")
    } else if what == "duplicate key" {
        "for the second time".to_owned()
    } else {
        what.to_owned()
    }
}
