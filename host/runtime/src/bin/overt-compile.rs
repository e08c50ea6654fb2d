//! Compiles one component from standard input to standard output, under limits of CPU time and memory. The host starts it; nobody else
//! needs to: `overt-compile [--cpu-seconds N] [--memory-mib N] perception|decision`.

use std::time::Duration;

use overt_runtime::compiler::{CompileLimits, serve_within};

fn main() {
    let mut limits = CompileLimits::default();
    let mut arguments = std::env::args().skip(1);
    let mut family = String::new();
    while let Some(argument) = arguments.next() {
        let mut number = || arguments.next().and_then(|text| text.parse().ok());
        match argument.as_str() {
            "--cpu-seconds" => {
                limits.cpu = number().map_or(limits.cpu, Duration::from_secs);
            }
            "--memory-mib" => {
                limits.memory =
                    number().map_or(limits.memory, |mib: u64| mib.saturating_mul(1 << 20));
            }
            _ => family = argument,
        }
    }
    std::process::exit(serve_within(&family, limits));
}
