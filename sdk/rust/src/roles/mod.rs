//! The roles, a file each: its trait, the macro that exports it, and the way from the trait to the contract's bindings.

pub(crate) mod alert_router;
pub(crate) mod detector;
pub(crate) mod encoder;
pub(crate) mod matcher_policy;
pub(crate) mod quality;

use crate::{
    ConfigError, DetectorError, EncoderError, FrameError, InferenceError, PixelError, QualityError,
    TensorError,
};

/// Stand-ins that carry a plugin's type to the bindings.
pub mod exported {
    pub use super::alert_router::Exported as AlertRouter;
    #[cfg(target_arch = "wasm32")]
    pub use super::detector::Exported as Detector;
    #[cfg(target_arch = "wasm32")]
    pub use super::encoder::Exported as Encoder;
    pub use super::matcher_policy::Exported as MatcherPolicy;
    #[cfg(target_arch = "wasm32")]
    pub use super::quality::Exported as Quality;
}

/// Perception roles answer with a code alone, so that no text can carry a face away: whatever the host refused is `Refused`.
macro_rules! refusals {
    ($($error:ident),+) => { $(
        impl From<ConfigError> for $error {
            fn from(_: ConfigError) -> Self { $error::BadConfig }
        }
        impl From<FrameError> for $error {
            fn from(_: FrameError) -> Self { $error::Refused }
        }
        impl From<PixelError> for $error {
            fn from(_: PixelError) -> Self { $error::Refused }
        }
        impl From<TensorError> for $error {
            fn from(_: TensorError) -> Self { $error::Refused }
        }
        impl From<InferenceError> for $error {
            fn from(_: InferenceError) -> Self { $error::Refused }
        }
    )+ };
}

refusals!(DetectorError, EncoderError, QualityError);
