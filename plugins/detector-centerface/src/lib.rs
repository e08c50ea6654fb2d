//! detector-centerface
