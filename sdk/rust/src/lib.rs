//! What a vendor builds an Overt plugin against.
//!
//! A plugin is a type with one of the role traits ([`Detector`], [`Encoder`], [`Quality`], [`MatcherPolicy`], [`AlertRouter`]) and one line
//! that exports it ([`detector!`], [`encoder!`], [`quality!`], [`matcher_policy!`], [`alert_router!`]). The same source is built twice:
//!
//! * for `wasm32-unknown-unknown` it becomes the core module that `overt plugin pack` makes a plugin file of; [`Frame`], [`Tensor`] and
//!   [`Model`] are then handles of the host's;
//! * natively, for the plugin's own tests and benchmarks, the same three stand on the host's own library (`overt-vision`, the feature `vision`), within a
//!   [`native::Workbench`] that holds the models and the configuration. Without that feature a workbench calls the roles that decide.
//!
//! Records and enums are those of the contract (`wit/` in the repository), under their own names and with their documentation.
//!
//! A plugin keeps nothing between calls: the host makes a new instance for each, and a `static` starts anew every time.

pub mod bindings;
pub mod config;
pub mod geometry;
mod handles;
pub mod log;
#[cfg(not(target_arch = "wasm32"))]
pub mod native;
mod roles;
mod text;
mod views;

pub use config::{ConfigError, config};
pub use geometry::{Face, Landmarks, Point, Rect};
pub use handles::{Frame, Model, Tensor, Viewed};
pub use roles::alert_router::AlertRouter;
pub use roles::detector::Detector;
pub use roles::encoder::Encoder;
pub use roles::matcher_policy::MatcherPolicy;
pub use roles::quality::Quality;

pub use bindings::alert_router::exports::overt::algorithm::alert_router::{
    Alert, PassedAlert, Route, RouterError, RouterErrorCode, Urgency,
};
pub use bindings::detector::exports::overt::algorithm::detector::DetectorError;
pub use bindings::encoder::exports::overt::algorithm::encoder::EncoderError;
pub use bindings::imports::overt::algorithm::frames::{
    Alignment, Channels, Fit, FrameError, Layout, Template, View,
};
pub use bindings::imports::overt::algorithm::inference::{InferenceError, Port};
pub use bindings::imports::overt::algorithm::pixels::PixelError;
pub use bindings::imports::overt::algorithm::tensors::{Element, Peak, TensorError};
pub use bindings::matcher_policy::exports::overt::algorithm::matcher_policy::{
    AlertState, Candidate, Decision, EarlierAlert, Observation, Offer, PolicyError,
    PolicyErrorCode, Priority, Probe, Proposal, QualityValue, SearchResult,
};
pub use bindings::quality::exports::overt::algorithm::quality::{Component, QualityError};

/// For the macros; no part of the interface.
#[doc(hidden)]
pub use roles::exported;
