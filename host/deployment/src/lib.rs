//! overt-deployment
