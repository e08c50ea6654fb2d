//! The compiler child of the end-to-end tests: `compile [--trial-cpu-seconds N] …`.

use std::time::Duration;

use overt_runtime::child::{ChildLimits, serve_within};

fn main() {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let mut limits = ChildLimits::default();
    let mut rest = &arguments[..];
    if let [first, seconds, others @ ..] = rest
        && first == "--trial-cpu-seconds"
    {
        let seconds = seconds.to_str().and_then(|text| text.parse().ok());
        limits.trial_cpu = seconds.map_or(limits.trial_cpu, Duration::from_secs);
        rest = others;
    }
    std::process::exit(serve_within(rest, limits));
}
