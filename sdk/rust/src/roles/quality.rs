//! The role `quality`: how well a face can be recognised.

use crate::{Component, Face, Frame, QualityError};

/// Measures how well each face can be recognised.
pub trait Quality {
    /// For each face, in the order given, its components; at most 32 a face, no name twice. `faces`: 1 to 64.
    fn assess(frame: &Frame, faces: &[Face]) -> Result<Vec<Vec<Component>>, QualityError>;
}

/// Exports a type with [`Quality`] as the plugin's role `quality`. Natively it only checks that the type has the trait.
#[macro_export]
macro_rules! quality {
    ($plugin:ty) => {
        const _: () = {
            const fn is_a_quality<T: $crate::Quality>() {}
            is_a_quality::<$plugin>();
            #[cfg(target_arch = "wasm32")]
            type Exported = $crate::exported::Quality<$plugin>;
            #[cfg(target_arch = "wasm32")]
    $crate::bindings::quality::export!(Exported with_types_in $crate::bindings::quality);
        };
    };
}

/// A quality measure as the bindings want it.
#[cfg(target_arch = "wasm32")]
pub struct Exported<T>(core::marker::PhantomData<T>);

#[cfg(target_arch = "wasm32")]
impl<T: Quality> crate::bindings::quality::exports::overt::algorithm::quality::Guest
    for Exported<T>
{
    fn assess(
        frame: &crate::handles::system::frames::Frame,
        faces: Vec<Face>,
    ) -> Result<Vec<Vec<Component>>, QualityError> {
        T::assess(&Frame::new(frame), &faces)
    }
}
