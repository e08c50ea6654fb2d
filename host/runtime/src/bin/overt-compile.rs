//! Compiles one component from standard input to standard output, under limits of CPU time and memory. The host starts it; nobody else
//! needs to.

fn main() {
    let family = std::env::args().nth(1).unwrap_or_default();
    std::process::exit(overt_runtime::compiler::serve(&family));
}
