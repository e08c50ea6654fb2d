//! A page as HTML that stands alone: no script, nothing from elsewhere. The template escapes every text; only drawings that this crate made go in as they are.

use askama::Template;

use crate::document::{Block, Page};

#[derive(Template)]
#[template(path = "document.html")]
struct Html<'a> {
    page: &'a Page,
}

/// The page as HTML.
///
/// # Errors
/// The template engine's: none is known to happen.
pub(crate) fn page(page: &Page) -> Result<String, askama::Error> {
    Html { page }.render()
}
