//! overt-models
