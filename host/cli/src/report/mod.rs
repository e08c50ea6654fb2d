//! `report.html`: one page that shows what a run came to. It stands alone, with neither scripts nor anything from elsewhere. It shows what it is
//! given; what may be in it was decided before.
//!
//! `overt report` is in [`publish`]: what a force publishes, which holds no face.

mod challengers;
mod images;
pub(crate) mod publish;
mod timeline;
mod view;

use askama::Template;
use overt_pipeline::report::ReportData;

/// The page.
#[derive(Template)]
#[template(path = "report.html")]
struct Page {
    view: view::View,
}

/// The page as HTML.
///
/// # Errors
///
/// The template engine's: none is known to happen.
pub(crate) fn page(data: &ReportData) -> Result<String, askama::Error> {
    Page {
        view: view::View::of(data),
    }
    .render()
}

#[cfg(test)]
mod tests;
