//! Answers of plugins of every role.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| overt_tests::bodies::answers(bytes));
