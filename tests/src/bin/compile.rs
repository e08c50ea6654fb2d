//! The compiler child of the end-to-end tests.

fn main() {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    std::process::exit(overt_runtime::child::serve(&arguments));
}
