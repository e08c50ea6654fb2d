//! Templates and exact 1:N search.
//!
//! A gallery holds the templates of the people sought and answers which of them resemble a probe most. The search is
//! exact: no approximate index decides who is stopped. This crate knows no policy (what score is enough), no plugin
//! (where a template comes from) and no store (where a template is kept).
//!
//! ```
//! use overt_gallery::{EncoderId, Gallery, Template};
//! use std::sync::Arc;
//!
//! let encoder = Arc::new(EncoderId {
//!     plugin_id: "encoder-example".into(),
//!     plugin: "11".repeat(32),
//!     model: "22".repeat(32),
//!     backend: "onnxruntime f32".into(),
//!     dimension: 4,
//! });
//! let gallery = Gallery::new(
//!     encoder.clone(),
//!     [
//!         ("W-1".into(), Template::new(&encoder, &[1.0, 0.0, 0.0, 0.0])?),
//!         ("W-2".into(), Template::new(&encoder, &[0.0, 1.0, 0.0, 0.0])?),
//!         ("W-2".into(), Template::new(&encoder, &[0.0, 1.0, 1.0, 0.0])?),
//!     ],
//! )?;
//! let probe = Template::new(&encoder, &[0.1, 0.9, 1.0, 0.0])?;
//! let hits = gallery.search(&probe, 10)?;
//! assert_eq!(gallery.key(hits[0].entry).map(|key| key.as_str()), Some("W-2"));
//! assert_eq!(hits[0].image, 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod bound;
mod encoder;
mod gallery;
mod kernel;
mod matrix;
mod probes;
mod score;
mod segment;
mod select;
mod template;
#[cfg(test)]
mod testing;

pub use encoder::{EncoderId, MAX_DIMENSION};
pub use gallery::{EntryKey, Gallery, GalleryError, Hit};
pub use template::{Template, TemplateError};
