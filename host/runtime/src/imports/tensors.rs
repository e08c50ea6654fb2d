//! The interface `tensors`: arrays in the host, read in small pieces.

use overt_vision::{self as vision, Tensor};
use wasmtime::component::{Resource, ResourceTable};

use crate::contract::imports::tensors::{Element, Host, HostTensor, Peak, TensorError};
use crate::imports::handle;
use crate::limits;
use crate::sandbox::{Call, TensorHandle};

impl From<Element> for vision::Element {
    fn from(element: Element) -> vision::Element {
        match element {
            Element::Float32 => vision::Element::Float32,
            Element::Float16 => vision::Element::Float16,
            Element::Uint8 => vision::Element::Uint8,
            Element::Int32 => vision::Element::Int32,
            Element::Int64 => vision::Element::Int64,
        }
    }
}

impl From<vision::Element> for Element {
    fn from(element: vision::Element) -> Element {
        match element {
            vision::Element::Float32 => Element::Float32,
            vision::Element::Float16 => Element::Float16,
            vision::Element::Uint8 => Element::Uint8,
            vision::Element::Int32 => Element::Int32,
            vision::Element::Int64 => Element::Int64,
        }
    }
}

impl From<vision::TensorError> for TensorError {
    fn from(error: vision::TensorError) -> TensorError {
        match error {
            vision::TensorError::BadShape { .. } => TensorError::BadShape,
            vision::TensorError::OutOfRange { .. } => TensorError::OutOfRange,
            vision::TensorError::WrongElement { .. } => TensorError::WrongElement,
            vision::TensorError::OverBudget(_) => TensorError::OverBudget,
            vision::TensorError::TooMany { .. } => TensorError::TooMany,
        }
    }
}

impl Host for Call {}

/// The tensor, if its numbers are the plugin's to read. Not a method, so that a caller may use the call's clock beside it.
fn readable<'a>(
    table: &'a ResourceTable,
    pixels: bool,
    this: &Resource<TensorHandle>,
) -> wasmtime::Result<Result<&'a Tensor, TensorError>> {
    let held = table.get(this).map_err(handle)?;
    Ok(match held.of_frame && !pixels {
        true => Err(TensorError::PixelsWithheld),
        false => Ok(&held.tensor),
    })
}

impl Call {
    fn made(
        &mut self,
        tensor: Result<Tensor, vision::TensorError>,
    ) -> wasmtime::Result<Result<Resource<TensorHandle>, TensorError>> {
        Ok(match tensor {
            Ok(tensor) => Ok(self.hold(TensorHandle {
                tensor,
                of_frame: false,
            })?),
            Err(error) => Err(error.into()),
        })
    }
}

impl HostTensor for Call {
    fn from_values(
        &mut self,
        shape: Vec<u32>,
        values: Vec<f32>,
    ) -> wasmtime::Result<Result<Resource<TensorHandle>, TensorError>> {
        let tensor = Tensor::from_values(&shape, &values, &self.budget);
        self.made(tensor)
    }

    fn from_bytes(
        &mut self,
        shape: Vec<u32>,
        element: Element,
        bytes: Vec<u8>,
    ) -> wasmtime::Result<Result<Resource<TensorHandle>, TensorError>> {
        let tensor = Tensor::from_bytes(&shape, element.into(), &bytes, &self.budget);
        self.made(tensor)
    }

    fn shape(&mut self, this: Resource<TensorHandle>) -> wasmtime::Result<Vec<u32>> {
        let tensor = &self.table.get(&this).map_err(handle)?.tensor;
        // Tensors are made only from shapes of 32-bit sizes.
        Ok(tensor.shape().iter().map(|size| *size as u32).collect())
    }

    fn element(&mut self, this: Resource<TensorHandle>) -> wasmtime::Result<Element> {
        Ok(self
            .table
            .get(&this)
            .map_err(handle)?
            .tensor
            .element()
            .into())
    }

    fn read(
        &mut self,
        this: Resource<TensorHandle>,
        start: u32,
        count: u32,
    ) -> wasmtime::Result<Result<Vec<f32>, TensorError>> {
        if count > limits::READ_VALUES {
            return Ok(Err(TensorError::TooMany));
        }
        Ok(readable(&self.table, self.pixels, &this)?
            .and_then(|tensor| Ok(tensor.read(start, count)?)))
    }

    fn read_bytes(
        &mut self,
        this: Resource<TensorHandle>,
        start: u32,
        count: u32,
    ) -> wasmtime::Result<Result<Vec<u8>, TensorError>> {
        let tensor = match readable(&self.table, self.pixels, &this)? {
            Ok(tensor) => tensor,
            Err(error) => return Ok(Err(error)),
        };
        if u64::from(count) * tensor.element().size() as u64 > u64::from(limits::READ_VALUES) * 4 {
            return Ok(Err(TensorError::TooMany));
        }
        Ok(tensor.read_bytes(start, count).map_err(Into::into))
    }

    fn peaks(
        &mut self,
        this: Resource<TensorHandle>,
        plane: u32,
        threshold: f32,
        most: u32,
    ) -> wasmtime::Result<Result<Vec<Peak>, TensorError>> {
        if most > limits::PEAKS {
            return Ok(Err(TensorError::TooMany));
        }
        let tensor = match readable(&self.table, self.pixels, &this)? {
            Ok(tensor) => tensor,
            Err(error) => return Ok(Err(error)),
        };
        let peaks = self.clock.host(|| tensor.peaks(plane, threshold, most))?;
        Ok(peaks
            .map(|peaks| {
                peaks
                    .into_iter()
                    .map(|peak| Peak {
                        row: peak.row,
                        column: peak.column,
                        value: peak.value,
                    })
                    .collect()
            })
            .map_err(Into::into))
    }

    fn least_and_greatest(
        &mut self,
        this: Resource<TensorHandle>,
        start: u32,
        count: u32,
    ) -> wasmtime::Result<Result<(f32, f32), TensorError>> {
        let tensor = match readable(&self.table, self.pixels, &this)? {
            Ok(tensor) => tensor,
            Err(error) => return Ok(Err(error)),
        };
        let found = self
            .clock
            .host(|| tensor.least_and_greatest(start, count))?;
        Ok(found.map_err(Into::into))
    }

    fn gather(
        &mut self,
        this: Resource<TensorHandle>,
        indices: Vec<u32>,
    ) -> wasmtime::Result<Result<Vec<f32>, TensorError>> {
        if indices.len() > limits::READ_VALUES as usize {
            return Ok(Err(TensorError::TooMany));
        }
        Ok(readable(&self.table, self.pixels, &this)?
            .and_then(|tensor| Ok(tensor.gather(&indices)?)))
    }

    fn drop(&mut self, this: Resource<TensorHandle>) -> wasmtime::Result<()> {
        self.release(this)
    }
}
