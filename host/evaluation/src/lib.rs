//! How well a deployment's plugins tell faces apart, measured through the same plugins and host paths as a live frame.
//!
//! - [`pairs`]: pair files in the format of Labeled Faces in the Wild.
//! - [`faces`]: photographs become templates; which face of a photograph is meant.
//! - [`verification`]: are two photographs of one person? Ten-fold accuracy, true accepts at a rate of false accepts.
//! - [`people`]: folders of photographs by person.
//! - [`identification`]: who of a gallery is it, if anybody? Misses and false positives at every threshold.
//! - [`statistics`]: intervals and curves, on scores alone.
//! - [`drawings`]: what is drawn of a verification; [`plot`] draws it as SVG.
//!
//! This crate keeps no photograph and no template after it has answered, and prints nothing.

pub mod drawings;
pub mod faces;
pub mod identification;
pub mod pairs;
pub mod people;
pub mod verification;

pub use overt_statistics::{plot, rates as statistics};
