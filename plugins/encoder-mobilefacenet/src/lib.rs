//! encoder-mobilefacenet
