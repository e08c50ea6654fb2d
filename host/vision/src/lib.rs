//! overt-vision
