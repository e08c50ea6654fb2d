//! overt-pipeline
