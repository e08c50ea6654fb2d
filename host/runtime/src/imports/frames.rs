//! The interface `frames`: tensors of a frame. No pixel enters the guest here.

use overt_vision as vision;
use wasmtime::component::Resource;

use crate::contract::imports::frames::{
    Alignment, Channels, Fit, FrameError, Host, HostFrame, Layout, Template, View, Viewed,
};
use crate::contract::imports::geometry::Landmarks;
use crate::imports::handle;
use crate::limits;
use crate::sandbox::{Call, FrameHandle, TensorHandle};

impl From<Layout> for vision::Layout {
    fn from(layout: Layout) -> vision::Layout {
        match layout {
            Layout::Planar => vision::Layout::Planar,
            Layout::Interleaved => vision::Layout::Interleaved,
        }
    }
}

impl From<Channels> for vision::Channels {
    fn from(channels: Channels) -> vision::Channels {
        match channels {
            Channels::Rgb => vision::Channels::Rgb,
            Channels::Bgr => vision::Channels::Bgr,
            Channels::Grey => vision::Channels::Grey,
        }
    }
}

fn three((first, second, third): (f32, f32, f32)) -> [f32; 3] {
    [first, second, third]
}

impl From<View> for vision::View {
    fn from(view: View) -> vision::View {
        vision::View {
            region: view.region.map(Into::into),
            width: view.width,
            height: view.height,
            fit: match view.fit {
                Fit::Stretch => vision::Fit::Stretch,
                Fit::Letterbox => vision::Fit::Letterbox,
                Fit::PadToMultiple => vision::Fit::PadToMultiple,
            },
            multiple: view.multiple,
            layout: view.layout.into(),
            element: view.element.into(),
            channels: view.channels.into(),
            mean: three(view.mean),
            scale: three(view.scale),
        }
    }
}

impl From<Alignment> for vision::Alignment {
    fn from(alignment: Alignment) -> vision::Alignment {
        vision::Alignment {
            template: match alignment.template {
                Template::Arcface => vision::Template::Arcface,
            },
            size: alignment.size,
            layout: alignment.layout.into(),
            element: alignment.element.into(),
            channels: alignment.channels.into(),
            mean: three(alignment.mean),
            scale: three(alignment.scale),
        }
    }
}

impl Host for Call {}

impl HostFrame for Call {
    fn width(&mut self, this: Resource<FrameHandle>) -> wasmtime::Result<u32> {
        Ok(self.table.get(&this).map_err(handle)?.width())
    }

    fn height(&mut self, this: Resource<FrameHandle>) -> wasmtime::Result<u32> {
        Ok(self.table.get(&this).map_err(handle)?.height())
    }

    fn sequence(&mut self, this: Resource<FrameHandle>) -> wasmtime::Result<u32> {
        Ok(self.table.get(&this).map_err(handle)?.sequence())
    }

    fn captured_at(&mut self, this: Resource<FrameHandle>) -> wasmtime::Result<f64> {
        Ok(self.table.get(&this).map_err(handle)?.captured_at())
    }

    fn camera(&mut self, this: Resource<FrameHandle>) -> wasmtime::Result<String> {
        Ok(self.table.get(&this).map_err(handle)?.camera().to_string())
    }

    fn tensor(
        &mut self,
        this: Resource<FrameHandle>,
        view: View,
    ) -> wasmtime::Result<Result<Viewed, FrameError>> {
        let frame = self.table.get(&this).map_err(handle)?;
        let (budget, view) = (&self.budget, view.into());
        Ok(match self.clock.host(|| frame.tensor(&view, budget))? {
            Ok(viewed) => Ok(Viewed {
                tensor: self.hold(TensorHandle {
                    tensor: viewed.tensor,
                    of_frame: true,
                })?,
                left: viewed.left,
                top: viewed.top,
                x_step: viewed.x_step,
                y_step: viewed.y_step,
            }),
            Err(error) => Err(frame_error(&error)),
        })
    }

    fn aligned(
        &mut self,
        this: Resource<FrameHandle>,
        faces: Vec<Landmarks>,
        alignment: Alignment,
    ) -> wasmtime::Result<Result<Resource<TensorHandle>, FrameError>> {
        if faces.len() > limits::ALIGNED {
            return Ok(Err(FrameError::TooMany));
        }
        let frame = self.table.get(&this).map_err(handle)?;
        let faces: Vec<vision::Landmarks> = faces.into_iter().map(Into::into).collect();
        let (budget, alignment) = (&self.budget, alignment.into());
        Ok(
            match self
                .clock
                .host(|| frame.aligned(&faces, &alignment, budget))?
            {
                Ok(tensor) => Ok(self.hold(TensorHandle {
                    tensor,
                    of_frame: true,
                })?),
                Err(error) => Err(frame_error(&error)),
            },
        )
    }

    fn drop(&mut self, this: Resource<FrameHandle>) -> wasmtime::Result<()> {
        self.release(this)
    }
}

fn frame_error(error: &vision::FrameError) -> FrameError {
    match error {
        vision::FrameError::OutsideFrame { .. } => FrameError::OutsideFrame,
        vision::FrameError::BadLandmarks { .. } => FrameError::BadLandmarks,
        vision::FrameError::OverBudget(_) => FrameError::OverBudget,
        vision::FrameError::TooMany { .. } => FrameError::TooMany,
        _ => FrameError::BadView,
    }
}
