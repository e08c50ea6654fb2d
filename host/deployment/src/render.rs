//! Mistakes as somebody reads them at a terminal: each with an excerpt of the file and a caret. It knows what a [`Problem`] is, and nothing about how it came
//! to be.

use std::fmt::Write as _;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use crate::problem::Problems;

/// Columns of a message; a terminal may be wider.
const WIDTH: usize = 120;

impl Problems {
    /// All mistakes, each with its excerpt, and their number at the end. `colour`: with ANSI colours, for a terminal.
    pub fn render(&self, colour: bool) -> String {
        let renderer = if colour {
            Renderer::styled()
        } else {
            Renderer::plain()
        }
        .term_width(WIDTH);
        // The renderer shows the control characters of ASCII as pictures, but lets the C1 ones through, which terminals obey as well. Each is two
        // bytes long, as is what stands for it, so that the spans stay right.
        let source: String = (self.text.source().chars())
            .map(|c| {
                if ('\u{80}'..='\u{9f}').contains(&c) {
                    '·'
                } else {
                    c
                }
            })
            .collect();
        let mut out = String::new();
        for problem in self {
            let title = match problem.key.as_str() {
                "" => format!("expected {}", problem.expected),
                key => format!("{key}: expected {}", problem.expected),
            };
            let found = format!("found {}", problem.found);
            let path = problem.file.display().to_string();
            let group = Level::ERROR.primary_title(&title);
            let group = if problem.position.is_some() {
                let annotation = AnnotationKind::Primary
                    .span(problem.span.clone())
                    .label(&found);
                group.element(Snippet::source(&source).path(&path).annotation(annotation))
            } else {
                group
                    .element(annotate_snippets::Origin::path(&path))
                    .element(Level::NOTE.message(&found))
            };
            let group = group.element(Level::HELP.message(&problem.mend));
            // Writing to a string cannot fail.
            let _ = writeln!(out, "{}\n", renderer.render(&[group]));
        }
        let count = self.len() + self.omitted;
        let _ = match (count, self.omitted) {
            (1, _) => writeln!(out, "1 problem in {}", self.text.file().display()),
            (_, 0) => writeln!(out, "{count} problems in {}", self.text.file().display()),
            (_, omitted) => writeln!(
                out,
                "{count} problems in {}, {omitted} of them not shown",
                self.text.file().display()
            ),
        };
        out
    }
}
