//! quality-frontal
