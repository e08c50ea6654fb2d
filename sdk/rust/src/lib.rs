//! overt-sdk
