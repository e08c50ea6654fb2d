//! overt-pipeline

pub mod report;
pub mod summary;
