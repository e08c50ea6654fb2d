//! The role `encoder`: a template of each face.

use crate::{EncoderError, Face, Frame, Tensor};

/// Makes a template of each face.
pub trait Encoder {
    /// One float32 tensor [n, d]: a row for each face in the order given, d the manifest's `dimension`. Every value is finite, no row is
    /// zero; the host brings rows to unit length. `faces`: 1 to 64.
    fn encode(frame: &Frame, faces: &[Face]) -> Result<Tensor, EncoderError>;
}

/// Exports a type with [`Encoder`] as the plugin's role `encoder`. Natively it only checks that the type has the trait.
#[macro_export]
macro_rules! encoder {
    ($plugin:ty) => {
        const _: () = {
            const fn is_an_encoder<T: $crate::Encoder>() {}
            is_an_encoder::<$plugin>();
            #[cfg(target_arch = "wasm32")]
            type Exported = $crate::exported::Encoder<$plugin>;
            #[cfg(target_arch = "wasm32")]
    $crate::bindings::encoder::export!(Exported with_types_in $crate::bindings::encoder);
        };
    };
}

/// An encoder as the bindings want it.
#[cfg(target_arch = "wasm32")]
pub struct Exported<T>(core::marker::PhantomData<T>);

#[cfg(target_arch = "wasm32")]
impl<T: Encoder> crate::bindings::encoder::exports::overt::algorithm::encoder::Guest
    for Exported<T>
{
    fn encode(
        frame: &crate::handles::system::frames::Frame,
        faces: Vec<Face>,
    ) -> Result<crate::handles::system::tensors::Tensor, EncoderError> {
        T::encode(&Frame::new(frame), &faces).map(Tensor::into_handle)
    }
}
