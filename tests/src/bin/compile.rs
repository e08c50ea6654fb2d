//! The compiler child of the end-to-end tests.

fn main() {
    let family = std::env::args().nth(1).unwrap_or_default();
    std::process::exit(overt_runtime::compiler::serve(&family));
}
