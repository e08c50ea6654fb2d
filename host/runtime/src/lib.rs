//! overt-runtime
