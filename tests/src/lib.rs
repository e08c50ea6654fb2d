//! overt-tests
