//! The interface `pixels`: bytes of a region.

use wasmtime::component::Resource;

use crate::contract::imports::frames::Channels;
use crate::contract::imports::pixels::{Host, PixelError};
use crate::imports::handle;
use crate::limits;
use crate::sandbox::{Call, FrameHandle};

impl Host for Call {
    fn region(
        &mut self,
        frame: Resource<FrameHandle>,
        x: u32,
        y: u32,
        width: u32,
        height: u32,
        channels: Channels,
    ) -> wasmtime::Result<Result<Vec<u8>, PixelError>> {
        let channel_count = if channels == Channels::Grey { 1 } else { 3 };
        // Saturating: three channels of 2³² − 1 by 2³² − 1 pixels are more bytes than 64 bits count.
        let bytes = (u64::from(width) * u64::from(height)).saturating_mul(channel_count);
        if bytes > limits::PIXEL_BYTES {
            return Ok(Err(PixelError::TooMany));
        }
        let frame = self.table.get(&frame).map_err(handle)?;
        let region = self
            .clock
            .host(|| frame.region(x, y, width, height, channels.into()))?;
        Ok(region.map_err(|_| PixelError::OutsideFrame))
    }
}
