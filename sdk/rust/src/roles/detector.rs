//! The role `detector`: where the faces of a frame are.

use crate::{DetectorError, Face, Frame};

/// Finds the faces of a frame.
pub trait Detector {
    /// The faces, in any order, each once; at most as many as the manifest's `faces-per-frame`, and 256.
    fn detect(frame: &Frame) -> Result<Vec<Face>, DetectorError>;
}

/// Exports a type with [`Detector`] as the plugin's role `detector`. Natively it only checks that the type has the trait.
#[macro_export]
macro_rules! detector {
    ($plugin:ty) => {
        const _: () = {
            const fn is_a_detector<T: $crate::Detector>() {}
            is_a_detector::<$plugin>();
            #[cfg(target_arch = "wasm32")]
            type Exported = $crate::exported::Detector<$plugin>;
            #[cfg(target_arch = "wasm32")]
    $crate::bindings::detector::export!(Exported with_types_in $crate::bindings::detector);
        };
    };
}

/// A detector as the bindings want it.
#[cfg(target_arch = "wasm32")]
pub struct Exported<T>(core::marker::PhantomData<T>);

#[cfg(target_arch = "wasm32")]
impl<T: Detector> crate::bindings::detector::exports::overt::algorithm::detector::Guest
    for Exported<T>
{
    fn detect(frame: &crate::handles::system::frames::Frame) -> Result<Vec<Face>, DetectorError> {
        T::detect(&Frame::new(frame))
    }
}
