//! overt-records
