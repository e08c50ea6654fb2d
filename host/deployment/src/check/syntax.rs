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
    for (key, value) in table.get_ref() {
        collect_scalars(key.get_ref().to_string(), value, &mut scalars);
    }
    for error in errors {
        let span = error.span().unwrap_or(0..0);
        let (what, expected) = error
            .message()
            .split_once(", expected ")
            .unwrap_or((error.message(), "TOML"));
        let value = scalars.iter().find(|(_, value)| {
            !span.is_empty() && value.start <= span.start && span.end <= value.end
        });
        let problem = |span: Range<usize>, key: &str, expected: &str, what: &str, mend: &str| {
            let there = excerpt(text.source(), &span);
            let found = if there.is_empty() {
                what.to_owned()
            } else {
                format!("{there}, {what}")
            };
            text.problem(
                span,
                key.to_owned(),
                expected.to_owned(),
                found,
                mend.to_owned(),
            )
        };
        syntax.problems.push(match value {
            Some((key, value)) => {
                syntax.refused.push(value.clone());
                let mend = "correct the value; a text is written in quotes";
                problem(value.clone(), key, expected, &article(what), mend)
            }
            // The first of the two counts, so that the rest of the file can be read.
            None if what == "duplicate key" => {
                let mend = "keep one of them; `[[name]]` begins another entry of a list";
                problem(span, "", "each key once", "for the second time", mend)
            }
            None => {
                syntax.structure_is_broken = true;
                let mend = "correct the line; the rest of the file is checked once it can be read";
                problem(span, "", expected, &article(what), mend)
            }
        });
    }
    syntax
}

/// Every value that holds no others, with its key's path.
fn collect_scalars(
    key: String,
    value: &Spanned<DeValue<'_>>,
    scalars: &mut Vec<(String, Range<usize>)>,
) {
    match value.get_ref() {
        DeValue::Table(table) => {
            for (name, value) in table {
                collect_scalars(format!("{key}.{}", name.get_ref()), value, scalars);
            }
        }
        DeValue::Array(array) => {
            for (index, value) in array.iter().enumerate() {
                collect_scalars(format!("{key}[{index}]"), value, scalars);
            }
        }
        _ => scalars.push((key, value.span())),
    }
}

/// "invalid date" → "an invalid date"; messages of another kind stay as they are.
fn article(what: &str) -> String {
    if what.starts_with("invalid ") || what.starts_with("un") {
        format!("an {what}")
    } else {
        what.to_owned()
    }
}
