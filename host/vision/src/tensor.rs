//! Arrays of numbers in host memory, with the meaning of `wit/tensors.wit`. Knows neither where the numbers come from nor what they
//! mean. Every index and size that a guest may have chosen is checked here.

use half::f16;
use thiserror::Error;

use crate::budget::{Budget, OverBudget};
use crate::buffers::Buffer;
use crate::peaks::{self, MOST_PEAKS, Peak};

/// Most dimensions of a tensor that a guest makes.
pub const MOST_DIMENSIONS: usize = 8;

/// Most values in one answer of [`Tensor::read`], [`Tensor::read_bytes`] and [`Tensor::gather`].
pub const MOST_VALUES: u64 = 1 << 20;

/// What a tensor is made of. Little-endian, row-major.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    /// IEEE 754 binary32.
    Float32,
    /// IEEE 754 binary16.
    Float16,
    /// 0 to 255.
    Uint8,
    /// Two's complement.
    Int32,
    /// Two's complement.
    Int64,
}

impl Element {
    /// Bytes of one value.
    pub fn size(self) -> usize {
        match self {
            Element::Uint8 => 1,
            Element::Float16 => 2,
            Element::Float32 | Element::Int32 => 4,
            Element::Int64 => 8,
        }
    }
}

/// Why a tensor was not made, or not read.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum TensorError {
    /// The shape is empty, has more than eight dimensions or a zero, or does not agree with the number of values.
    #[error(
        "shape {shape:?} does not fit {found} values: one to {MOST_DIMENSIONS} dimensions, each at least 1, and as many values as their product"
    )]
    BadShape {
        /// The shape asked for.
        shape: Vec<u32>,
        /// Values (or bytes, for [`Tensor::from_bytes`]) that came with it.
        found: u64,
    },
    /// An index, a range or a plane lies outside the tensor.
    #[error("{asked} lies outside the tensor's {there}")]
    OutOfRange {
        /// The first position asked for that is not there.
        asked: u64,
        /// Values, or planes, that the tensor has.
        there: u64,
    },
    /// The operation is not defined for this element.
    #[error("not defined for {0:?}")]
    WrongElement(Element),
    /// The call's budget of host memory for tensors would be exceeded.
    #[error(transparent)]
    OverBudget(#[from] OverBudget),
    /// More was asked for than one answer may carry.
    #[error("{asked} asked for, at most {most} in one answer")]
    TooMany {
        /// What was asked for.
        asked: u64,
        /// What one answer carries.
        most: u64,
    },
}

/// A tensor in host memory. Its buffer comes from a pool and is zeroed when the tensor dies.
///
/// One that a guest makes has one to eight dimensions of at least 1; the answer of a model may also be a scalar (no dimension) or hold
/// nothing (a dimension of 0).
#[derive(Debug)]
pub struct Tensor {
    shape: Vec<usize>,
    element: Element,
    data: Buffer,
}

/// Bytes of a tensor of this shape; nothing where that is more than this machine can address.
pub(crate) fn bytes_of(shape: &[usize], element: Element) -> Option<usize> {
    let bytes = shape
        .iter()
        .try_fold(element.size(), |bytes, side| bytes.checked_mul(*side))?;
    (bytes <= isize::MAX as usize).then_some(bytes)
}

impl Tensor {
    /// A tensor of zeros; takes its bytes from the budget before it makes them.
    pub(crate) fn zeroed(
        shape: Vec<usize>,
        element: Element,
        budget: &Budget,
    ) -> Result<Tensor, OverBudget> {
        let Some(bytes) = bytes_of(&shape, element) else {
            return Err(OverBudget {
                wanted: u64::MAX,
                left: budget.left(),
            });
        };
        budget.take(bytes as u64)?;
        Ok(Tensor {
            data: Buffer::zeroed(bytes),
            shape,
            element,
        })
    }

    /// A float32 tensor from these numbers.
    ///
    /// # Errors
    /// `BadShape`; `OverBudget`.
    pub fn from_values(
        shape: &[u32],
        values: &[f32],
        budget: &Budget,
    ) -> Result<Tensor, TensorError> {
        let sides = guest_shape(shape, values.len() as u64, values.len() as u64)?;
        let mut tensor = Tensor::zeroed(sides, Element::Float32, budget)?;
        tensor.data.copy_from_slice(bytemuck::cast_slice(values));
        Ok(tensor)
    }

    /// A tensor of any element from little-endian bytes.
    ///
    /// # Errors
    /// `BadShape`, also where the bytes are no whole number of values; `OverBudget`.
    pub fn from_bytes(
        shape: &[u32],
        element: Element,
        bytes: &[u8],
        budget: &Budget,
    ) -> Result<Tensor, TensorError> {
        let found = bytes.len() as u64;
        let size = element.size() as u64;
        if !found.is_multiple_of(size) {
            return Err(TensorError::BadShape {
                shape: shape.to_vec(),
                found,
            });
        }
        let sides = guest_shape(shape, found / size, found)?;
        let mut tensor = Tensor::zeroed(sides, element, budget)?;
        tensor.data.copy_from_slice(bytes);
        Ok(tensor)
    }

    /// The sides, outermost first.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// What it is made of.
    pub fn element(&self) -> Element {
        self.element
    }

    /// Bytes of all values together.
    pub fn byte_len(&self) -> usize {
        self.data.len()
    }

    /// How many values it holds.
    pub fn value_count(&self) -> usize {
        self.data.len() / self.element.size()
    }

    /// All values, where they are float32.
    pub fn as_f32s(&self) -> Option<&[f32]> {
        (self.element == Element::Float32).then(|| bytemuck::cast_slice(&self.data))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.data
    }

    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.data
    }

    /// `count` values from flat position `start`, as float32; an int32 is rounded to the nearest where float32 cannot hold it.
    ///
    /// # Errors
    /// `OutOfRange`; `WrongElement` for int64; `TooMany` over [`MOST_VALUES`].
    pub fn read(&self, start: u32, count: u32) -> Result<Vec<f32>, TensorError> {
        let range = self.range(start, count)?;
        let bytes = &self.data[range];
        Ok(match self.element {
            Element::Float32 => bytemuck::cast_slice::<u8, f32>(bytes).to_vec(),
            Element::Float16 => bytemuck::cast_slice::<u8, u16>(bytes)
                .iter()
                .map(|v| f16::from_bits(*v).to_f32())
                .collect(),
            Element::Uint8 => bytes.iter().map(|v| f32::from(*v)).collect(),
            Element::Int32 => bytemuck::cast_slice::<u8, i32>(bytes)
                .iter()
                .map(|v| *v as f32)
                .collect(),
            Element::Int64 => return Err(TensorError::WrongElement(self.element)),
        })
    }

    /// `count` values from flat position `start`, as little-endian bytes of the tensor's own element.
    ///
    /// # Errors
    /// `OutOfRange`; `TooMany` over [`MOST_VALUES`].
    pub fn read_bytes(&self, start: u32, count: u32) -> Result<Vec<u8>, TensorError> {
        Ok(self.data[self.range(start, count)?].to_vec())
    }

    /// The values at these flat positions, in the order given, as [`Tensor::read`] gives them.
    ///
    /// # Errors
    /// `OutOfRange`; `WrongElement` for int64; `TooMany` over [`MOST_VALUES`].
    pub fn gather(&self, indices: &[u32]) -> Result<Vec<f32>, TensorError> {
        few_enough(indices.len() as u64, MOST_VALUES)?;
        match self.element {
            Element::Float32 => self.pick::<f32>(indices, |v| v),
            Element::Float16 => self.pick::<u16>(indices, |v| f16::from_bits(v).to_f32()),
            Element::Uint8 => self.pick::<u8>(indices, f32::from),
            Element::Int32 => self.pick::<i32>(indices, |v| v as f32),
            Element::Int64 => Err(TensorError::WrongElement(self.element)),
        }
    }

    /// The least and the greatest of `count` values from flat position `start`, as [`Tensor::read`] gives them. NaN is passed over.
    ///
    /// # Errors
    /// `OutOfRange`, also where no value is a number; `WrongElement` for int64.
    pub fn least_and_greatest(&self, start: u32, count: u32) -> Result<(f32, f32), TensorError> {
        let there = self.value_count() as u64;
        let end = u64::from(start) + u64::from(count);
        let nothing = TensorError::OutOfRange { asked: end, there };
        if end > there {
            return Err(nothing);
        }
        let range = start as usize..end as usize;
        let found = match self.element {
            Element::Float32 => self.extremes::<f32>(range, |v| v),
            Element::Float16 => self.extremes::<u16>(range, |v| f16::from_bits(v).to_f32()),
            Element::Uint8 => self.extremes::<u8>(range, f32::from),
            Element::Int32 => self.extremes::<i32>(range, |v| v as f32),
            Element::Int64 => return Err(TensorError::WrongElement(self.element)),
        };
        found.ok_or(nothing)
    }

    fn extremes<T: bytemuck::Pod>(
        &self,
        range: std::ops::Range<usize>,
        value: impl Fn(T) -> f32,
    ) -> Option<(f32, f32)> {
        let values: &[T] = bytemuck::cast_slice(&self.data);
        let values = values.get(range)?.iter().map(|v| value(*v));
        values
            .filter(|value| !value.is_nan())
            .fold(None, |found, value| match found {
                None => Some((value, value)),
                Some((least, greatest)) => Some((value.min(least), value.max(greatest))),
            })
    }

    /// The local maxima of one plane: positions whose value is at least `threshold` and not less than any of its eight neighbours (of
    /// equal neighbours the first in reading order counts). The last two dimensions are rows and columns, and `plane` counts the planes
    /// before them from 0; a tensor of one dimension is a single row. Highest first, equal values in reading order, at most `most`. A NaN is no
    /// maximum and hides none; nothing is at least a `threshold` of NaN.
    ///
    /// # Errors
    /// `WrongElement` where it is not float32; `OutOfRange` for the plane; `TooMany` where `most` is over [`MOST_PEAKS`].
    pub fn peaks(&self, plane: u32, threshold: f32, most: u32) -> Result<Vec<Peak>, TensorError> {
        let Some(values) = self.as_f32s() else {
            return Err(TensorError::WrongElement(self.element));
        };
        few_enough(u64::from(most), u64::from(MOST_PEAKS))?;
        let (rows, columns) = match *self.shape {
            [.., rows, columns] => (rows, columns),
            [columns] => (1, columns),
            [] => (1, 1),
        };
        let area = rows * columns;
        let there = values.len().checked_div(area).unwrap_or(0);
        let plane = plane as usize;
        if plane >= there {
            return Err(TensorError::OutOfRange {
                asked: plane as u64,
                there: there as u64,
            });
        }
        Ok(peaks::find(
            &values[plane * area..][..area],
            columns,
            threshold,
            most as usize,
        ))
    }

    fn pick<T: bytemuck::Pod>(
        &self,
        indices: &[u32],
        value: impl Fn(T) -> f32,
    ) -> Result<Vec<f32>, TensorError> {
        let values: &[T] = bytemuck::cast_slice(&self.data);
        let at = |i: &u32| match values.get(*i as usize) {
            Some(v) => Ok(value(*v)),
            None => Err(TensorError::OutOfRange {
                asked: u64::from(*i),
                there: values.len() as u64,
            }),
        };
        indices.iter().map(at).collect()
    }

    fn range(&self, start: u32, count: u32) -> Result<std::ops::Range<usize>, TensorError> {
        let there = self.value_count() as u64;
        let (start, end) = (u64::from(start), u64::from(start) + u64::from(count));
        if end > there {
            return Err(TensorError::OutOfRange {
                asked: start.max(there),
                there,
            });
        }
        few_enough(u64::from(count), MOST_VALUES)?;
        let size = self.element.size();
        Ok(start as usize * size..end as usize * size)
    }
}

fn few_enough(asked: u64, most: u64) -> Result<(), TensorError> {
    if asked > most {
        Err(TensorError::TooMany { asked, most })
    } else {
        Ok(())
    }
}

/// The sides of a guest's shape, if they are what the contract allows and hold `values` values. `found` is for the error.
fn guest_shape(shape: &[u32], values: u64, found: u64) -> Result<Vec<usize>, TensorError> {
    let product = shape
        .iter()
        .try_fold(1u64, |product, side| product.checked_mul(u64::from(*side)));
    let dimensions = (1..=MOST_DIMENSIONS).contains(&shape.len());
    if dimensions && product == Some(values) && values > 0 {
        Ok(shape.iter().map(|side| *side as usize).collect())
    } else {
        Err(TensorError::BadShape {
            shape: shape.to_vec(),
            found,
        })
    }
}

#[cfg(test)]
mod tests;
