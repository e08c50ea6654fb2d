//! Counts and scores become rates, intervals and drawings. It knows no face, no plugin and no deployment, so what measures plugins and what publishes
//! a deployment's counts use the same formulas.
//!
//! - [`rates`]: intervals and curves.
//! - [`plot`]: drawings as SVG.

pub mod plot;
pub mod rates;
