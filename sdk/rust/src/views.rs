//! Views and alignments with good defaults, so that a plugin says only what its model wants otherwise.

use crate::{Alignment, Channels, Element, Fit, Layout, Rect, Template, View};

impl View {
    /// A region (the whole frame, unless [`View::of`] names one) made exactly `width` × `height`; its ratio may change. As every view it
    /// starts as planar RGB of float32 with the values of the pixels, 0 to 255.
    pub fn stretch(width: u32, height: u32) -> View {
        View {
            region: None,
            width,
            height,
            fit: Fit::Stretch,
            multiple: 1,
            layout: Layout::Planar,
            element: Element::Float32,
            channels: Channels::Rgb,
            mean: (0.0, 0.0, 0.0),
            scale: (1.0, 1.0, 1.0),
        }
    }

    /// The region at its own ratio in the middle of `width` × `height`, zeros around it.
    pub fn letterbox(width: u32, height: u32) -> View {
        View {
            fit: Fit::Letterbox,
            ..View::stretch(width, height)
        }
    }

    /// The region shrunk, never enlarged, to lie within `width` × `height`, then filled with zeros to the right and below until both
    /// sides are multiples of `multiple`.
    pub fn shrink_to(width: u32, height: u32, multiple: u32) -> View {
        View {
            fit: Fit::PadToMultiple,
            multiple,
            ..View::stretch(width, height)
        }
    }

    /// Of this region, in pixels of the frame.
    pub fn of(self, region: Rect) -> View {
        View {
            region: Some(region),
            ..self
        }
    }

    /// With these channels.
    pub fn channels(self, channels: Channels) -> View {
        View { channels, ..self }
    }

    /// With channels beside one another or one after the other.
    pub fn layout(self, layout: Layout) -> View {
        View { layout, ..self }
    }

    /// Of another element than float32.
    pub fn element(self, element: Element) -> View {
        View { element, ..self }
    }

    /// Each value as (pixel − mean) × scale, the same for every channel.
    pub fn normalised(self, mean: f32, scale: f32) -> View {
        View {
            mean: (mean, mean, mean),
            scale: (scale, scale, scale),
            ..self
        }
    }

    /// Each value as (pixel − mean) × scale, a number for each channel in the view's order.
    pub fn normalised_each(self, mean: [f32; 3], scale: [f32; 3]) -> View {
        View {
            mean: mean.into(),
            scale: scale.into(),
            ..self
        }
    }
}

impl Alignment {
    /// Faces brought to the ArcFace template, `size` × `size` pixels: planar RGB of float32, 0 to 255, unless said otherwise.
    pub fn arcface(size: u32) -> Alignment {
        Alignment {
            template: Template::Arcface,
            size,
            layout: Layout::Planar,
            element: Element::Float32,
            channels: Channels::Rgb,
            mean: (0.0, 0.0, 0.0),
            scale: (1.0, 1.0, 1.0),
        }
    }

    /// With these channels.
    pub fn channels(self, channels: Channels) -> Alignment {
        Alignment { channels, ..self }
    }

    /// With channels beside one another or one after the other.
    pub fn layout(self, layout: Layout) -> Alignment {
        Alignment { layout, ..self }
    }

    /// Of another element than float32.
    pub fn element(self, element: Element) -> Alignment {
        Alignment { element, ..self }
    }

    /// Each value as (pixel − mean) × scale, the same for every channel.
    pub fn normalised(self, mean: f32, scale: f32) -> Alignment {
        Alignment {
            mean: (mean, mean, mean),
            scale: (scale, scale, scale),
            ..self
        }
    }

    /// Each value as (pixel − mean) × scale, a number for each channel in the alignment's order.
    pub fn normalised_each(self, mean: [f32; 3], scale: [f32; 3]) -> Alignment {
        Alignment {
            mean: mean.into(),
            scale: scale.into(),
            ..self
        }
    }
}
