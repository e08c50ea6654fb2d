//! overt-gallery
