//! Frames, tensors and models as a plugin sees them. On wasm32 they wrap handles of the host's; natively they stand on the host's own
//! library. What they do is the same, and so is their cost in calls.

/// Where the handles lead: to the host through the contract, or to the native stand-in with the same functions.
#[cfg(target_arch = "wasm32")]
pub(crate) use crate::bindings::imports::overt::algorithm as system;
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use crate::native::system;

use crate::{
    Alignment, Channels, Element, FrameError, InferenceError, Landmarks, Peak, PixelError, Point,
    Port, TensorError, View,
};

/// A camera's frame. Its pixels stay in the host.
#[derive(Clone, Copy)]
pub struct Frame<'call>(&'call system::frames::Frame);

impl<'call> Frame<'call> {
    /// Only the host lends frames, and natively a workbench of the host's library.
    #[cfg(any(target_arch = "wasm32", feature = "vision"))]
    pub(crate) fn new(handle: &'call system::frames::Frame) -> Self {
        Frame(handle)
    }

    /// Pixels, 1 to 16,384.
    pub fn width(&self) -> u32 {
        self.0.width()
    }

    /// Pixels, 1 to 16,384.
    pub fn height(&self) -> u32 {
        self.0.height()
    }

    /// Counts the camera's frames from 0, the dropped ones too.
    pub fn sequence(&self) -> u32 {
        self.0.sequence()
    }

    /// Seconds since the camera's first frame.
    pub fn captured_at(&self) -> f64 {
        self.0.captured_at()
    }

    /// The camera's name in the deployment file.
    pub fn camera(&self) -> String {
        self.0.camera()
    }

    /// A tensor made from a part of the frame, and the way back from it to the frame.
    pub fn tensor(&self, view: View) -> Result<Viewed, FrameError> {
        let viewed = self.0.tensor(view)?;
        Ok(Viewed {
            tensor: Tensor(viewed.tensor),
            left: viewed.left,
            top: viewed.top,
            x_step: viewed.x_step,
            y_step: viewed.y_step,
        })
    }

    /// Aligned faces, one batch: [n, channels, size, size] where planar. 1 to 256 faces.
    pub fn aligned(&self, faces: &[Landmarks], alignment: Alignment) -> Result<Tensor, FrameError> {
        self.0.aligned(faces, alignment).map(Tensor)
    }

    /// Bytes of a region: rows from the top, channels beside one another, without padding. Needs the capability `pixels`.
    pub fn region(
        &self,
        x: u32,
        y: u32,
        width: u32,
        height: u32,
        channels: Channels,
    ) -> Result<Vec<u8>, PixelError> {
        system::pixels::region(self.0, x, y, width, height, channels)
    }
}

/// A tensor made from a frame, and how to get from its columns and rows back to the frame.
#[derive(Debug)]
pub struct Viewed {
    /// The tensor.
    pub tensor: Tensor,
    /// x of column 0's left edge in the frame.
    pub left: f32,
    /// y of row 0's upper edge in the frame.
    pub top: f32,
    /// Pixels of the frame in one column.
    pub x_step: f32,
    /// Pixels of the frame in one row.
    pub y_step: f32,
}

impl Viewed {
    /// The point of the frame that lies at this column and row of the tensor.
    pub fn to_frame(&self, column: f32, row: f32) -> Point {
        Point {
            x: self.left + column * self.x_step,
            y: self.top + row * self.y_step,
        }
    }
}

/// An array of numbers in the host's memory. The numbers of one that was made of a frame are pixels: to read them ([`Tensor::read`],
/// [`Tensor::read_bytes`], [`Tensor::peaks`], [`Tensor::gather`]) needs the capability `pixels`; to give them to a model does not.
#[derive(Debug)]
pub struct Tensor(system::tensors::Tensor);

impl Tensor {
    /// A float32 tensor from the plugin's own numbers: one to eight dimensions, each at least 1.
    pub fn from_values(shape: &[u32], values: &[f32]) -> Result<Tensor, TensorError> {
        system::tensors::Tensor::from_values(shape, values).map(Tensor)
    }

    /// A tensor of any element from little-endian bytes.
    pub fn from_bytes(
        shape: &[u32],
        element: Element,
        bytes: &[u8],
    ) -> Result<Tensor, TensorError> {
        system::tensors::Tensor::from_bytes(shape, element, bytes).map(Tensor)
    }

    /// Its dimensions.
    pub fn shape(&self) -> Vec<u32> {
        self.0.shape()
    }

    /// What it is made of.
    pub fn element(&self) -> Element {
        self.0.element()
    }

    /// `count` values from flat position `start`. For float32, float16, uint8 and int32.
    pub fn read(&self, start: u32, count: u32) -> Result<Vec<f32>, TensorError> {
        self.0.read(start, count)
    }

    /// The same as bytes of the tensor's own element, little-endian.
    pub fn read_bytes(&self, start: u32, count: u32) -> Result<Vec<u8>, TensorError> {
        self.0.read_bytes(start, count)
    }

    /// The local maxima of one plane of a float32 tensor with a value of at least `threshold`, highest first, at most `most`.
    pub fn peaks(&self, plane: u32, threshold: f32, most: u32) -> Result<Vec<Peak>, TensorError> {
        self.0.peaks(plane, threshold, most)
    }

    /// The values at these flat positions, in the order given; at most 262,144.
    pub fn gather(&self, indices: &[u32]) -> Result<Vec<f32>, TensorError> {
        self.0.gather(indices)
    }

    /// The least and the greatest of `count` values from flat position `start`, without copying any. Needs a host of the contract 0.1.1.
    pub fn least_and_greatest(&self, start: u32, count: u32) -> Result<(f32, f32), TensorError> {
        self.0.least_and_greatest(start, count)
    }

    /// The handle, for the host to take over.
    #[cfg(target_arch = "wasm32")]
    pub(crate) fn into_handle(self) -> system::tensors::Tensor {
        self.0
    }
}

/// A model that runs in the host. The plugin's manifest names it and pins its digest.
#[derive(Debug)]
pub struct Model(system::inference::Model);

impl Model {
    /// The model of this name in the plugin's manifest.
    pub fn open(name: &str) -> Result<Model, InferenceError> {
        system::inference::Model::open(name).map(Model)
    }

    /// What it wants, in order.
    pub fn inputs(&self) -> Vec<Port> {
        self.0.inputs()
    }

    /// What it gives, in order.
    pub fn outputs(&self) -> Vec<Port> {
        self.0.outputs()
    }

    /// Runs it; the inputs in the order of [`Model::inputs`], the outputs in the order of [`Model::outputs`].
    pub fn run(&self, inputs: &[&Tensor]) -> Result<Vec<Tensor>, InferenceError> {
        let handles: Vec<_> = inputs.iter().map(|tensor| &tensor.0).collect();
        let outputs = self.0.run(&handles)?;
        Ok(outputs.into_iter().map(Tensor).collect())
    }
}
