//! Compiles one component from standard input to standard output, or tries a model, under limits of CPU time and memory. The host starts it; nobody else
//! needs to: `overt-compile [--cpu-seconds N] [--memory-mib N] [--trial-cpu-seconds N] perception|decision|model…`.

use std::time::Duration;

use overt_runtime::child::{ChildLimits, serve_within};

fn main() {
    let mut limits = ChildLimits::default();
    let mut arguments = std::env::args().skip(1);
    let mut rest = Vec::new();
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
            "--trial-cpu-seconds" => {
                limits.trial_cpu = number().map_or(limits.trial_cpu, Duration::from_secs);
            }
            _ => rest.push(argument.into()),
        }
    }
    std::process::exit(serve_within(&rest, limits));
}
