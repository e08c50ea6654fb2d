//! A manifest.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| overt_tests::bodies::manifest(bytes));
