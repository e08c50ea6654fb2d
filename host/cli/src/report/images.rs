//! Pictures inside the page.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use overt_pipeline::report::Picture;

/// A picture as the page needs it.
pub(super) struct Image {
    /// The JPEG as a `data:` address.
    pub(super) address: String,
    pub(super) width: u32,
    pub(super) height: u32,
}

impl Image {
    pub(super) fn of(picture: &Picture) -> Self {
        Self {
            address: format!("data:image/jpeg;base64,{}", STANDARD.encode(&picture.jpeg)),
            width: picture.width,
            height: picture.height,
        }
    }
}
