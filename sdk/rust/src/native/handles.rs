//! The functions that the bindings have on wasm32, over `overt-vision`: same names, same arguments, same answers.

pub(crate) mod frames {
    use std::sync::Arc;

    use super::super::{convert, current};
    use super::tensors::Tensor;
    use crate::{Alignment, FrameError, Landmarks, View};

    pub(crate) struct Frame(pub(super) Arc<overt_vision::Frame>);

    /// As the contract's `viewed`.
    pub(crate) struct Viewed {
        pub tensor: Tensor,
        pub left: f32,
        pub top: f32,
        pub x_step: f32,
        pub y_step: f32,
    }

    impl Frame {
        pub(crate) fn new(frame: Arc<overt_vision::Frame>) -> Frame {
            Frame(frame)
        }

        pub(crate) fn width(&self) -> u32 {
            self.0.width()
        }

        pub(crate) fn height(&self) -> u32 {
            self.0.height()
        }

        pub(crate) fn sequence(&self) -> u32 {
            self.0.sequence()
        }

        pub(crate) fn captured_at(&self) -> f64 {
            self.0.captured_at()
        }

        pub(crate) fn camera(&self) -> String {
            self.0.camera().to_string()
        }

        pub(crate) fn tensor(&self, view: View) -> Result<Viewed, FrameError> {
            let viewed = self
                .0
                .tensor(&convert::view(view), &current().budget)
                .map_err(convert::frame_error)?;
            Ok(Viewed {
                tensor: Tensor::of_frame(viewed.tensor),
                left: viewed.left,
                top: viewed.top,
                x_step: viewed.x_step,
                y_step: viewed.y_step,
            })
        }

        pub(crate) fn aligned(
            &self,
            faces: &[Landmarks],
            alignment: Alignment,
        ) -> Result<Tensor, FrameError> {
            let faces: Vec<_> = faces.iter().copied().map(convert::landmarks).collect();
            self.0
                .aligned(&faces, &convert::alignment(alignment), &current().budget)
                .map(Tensor::of_frame)
                .map_err(convert::frame_error)
        }
    }
}

pub(crate) mod pixels {
    use super::super::convert;
    use super::frames::Frame;
    use crate::{Channels, PixelError};

    pub(crate) fn region(
        frame: &Frame,
        x: u32,
        y: u32,
        width: u32,
        height: u32,
        channels: Channels,
    ) -> Result<Vec<u8>, PixelError> {
        frame
            .0
            .region(x, y, width, height, convert::channels(channels))
            .map_err(convert::pixel_error)
    }
}

pub(crate) mod tensors {
    use super::super::{convert, current};
    use crate::{Element, Peak, TensorError};

    #[derive(Debug)]
    pub(crate) struct Tensor {
        pub(super) held: overt_vision::Tensor,
        /// Made of a frame: its numbers are pixels.
        of_frame: bool,
    }

    impl Tensor {
        pub(super) fn of_frame(held: overt_vision::Tensor) -> Tensor {
            Tensor {
                held,
                of_frame: true,
            }
        }

        pub(super) fn of_numbers(held: overt_vision::Tensor) -> Tensor {
            Tensor {
                held,
                of_frame: false,
            }
        }

        /// As the host does it: numbers of a frame are read with the capability `pixels` alone.
        fn readable(&self) -> Result<&overt_vision::Tensor, TensorError> {
            if self.of_frame && !current().surroundings.perception.pixels {
                return Err(TensorError::PixelsWithheld);
            }
            Ok(&self.held)
        }

        pub(crate) fn from_values(shape: &[u32], values: &[f32]) -> Result<Tensor, TensorError> {
            overt_vision::Tensor::from_values(shape, values, &current().budget)
                .map(Tensor::of_numbers)
                .map_err(convert::tensor_error)
        }

        pub(crate) fn from_bytes(
            shape: &[u32],
            element: Element,
            bytes: &[u8],
        ) -> Result<Tensor, TensorError> {
            let element = convert::element(element);
            overt_vision::Tensor::from_bytes(shape, element, bytes, &current().budget)
                .map(Tensor::of_numbers)
                .map_err(convert::tensor_error)
        }

        pub(crate) fn shape(&self) -> Vec<u32> {
            // A dimension came from a u32, or from a model whose answer fits in memory.
            let as_u32 = |side: &usize| u32::try_from(*side).unwrap_or(u32::MAX);
            self.held.shape().iter().map(as_u32).collect()
        }

        pub(crate) fn element(&self) -> Element {
            convert::element_back(self.held.element())
        }

        pub(crate) fn read(&self, start: u32, count: u32) -> Result<Vec<f32>, TensorError> {
            self.readable()?
                .read(start, count)
                .map_err(convert::tensor_error)
        }

        pub(crate) fn read_bytes(&self, start: u32, count: u32) -> Result<Vec<u8>, TensorError> {
            self.readable()?
                .read_bytes(start, count)
                .map_err(convert::tensor_error)
        }

        pub(crate) fn peaks(
            &self,
            plane: u32,
            threshold: f32,
            most: u32,
        ) -> Result<Vec<Peak>, TensorError> {
            let peaks = self
                .readable()?
                .peaks(plane, threshold, most)
                .map_err(convert::tensor_error)?;
            Ok(peaks.into_iter().map(convert::peak).collect())
        }

        pub(crate) fn least_and_greatest(
            &self,
            start: u32,
            count: u32,
        ) -> Result<(f32, f32), TensorError> {
            self.readable()?
                .least_and_greatest(start, count)
                .map_err(convert::tensor_error)
        }

        pub(crate) fn gather(&self, indices: &[u32]) -> Result<Vec<f32>, TensorError> {
            self.readable()?
                .gather(indices)
                .map_err(convert::tensor_error)
        }
    }
}

pub(crate) mod inference {
    use super::super::perception::SharedSession;
    use super::super::{convert, current};
    use super::tensors::Tensor;
    use crate::{InferenceError, Port};

    pub(crate) struct Model(SharedSession);

    impl core::fmt::Debug for Model {
        fn fmt(&self, text: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
            text.write_str("Model")
        }
    }

    impl Model {
        pub(crate) fn open(name: &str) -> Result<Model, InferenceError> {
            let current = current();
            let session = current.surroundings.perception.models.get(name);
            session
                .map(|session| Model(session.clone()))
                .ok_or(InferenceError::UnknownModel)
        }

        pub(crate) fn inputs(&self) -> Vec<Port> {
            self.0.borrow().inputs().iter().map(convert::port).collect()
        }

        pub(crate) fn outputs(&self) -> Vec<Port> {
            self.0
                .borrow()
                .outputs()
                .iter()
                .map(convert::port)
                .collect()
        }

        pub(crate) fn run(&self, inputs: &[&Tensor]) -> Result<Vec<Tensor>, InferenceError> {
            let inputs: Vec<_> = inputs.iter().map(|tensor| &tensor.held).collect();
            let outputs = self
                .0
                .borrow_mut()
                .run(&inputs, &current().budget, None)
                .map_err(convert::inference_error)?;
            Ok(outputs.into_iter().map(Tensor::of_numbers).collect())
        }
    }
}
