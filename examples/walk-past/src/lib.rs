//! walk-past
