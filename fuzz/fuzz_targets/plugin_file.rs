//! A plugin file, read, described and held against a deployment that grants everything.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| overt_tests::bodies::plugin_file(bytes));
