//! The soak, in short: forty rounds over every kind of hostile plugin, in a process of its own. `make soak` goes round a thousand times.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::process::Command;

#[test]
fn rounds_of_hostile_plugins_and_models_leave_nothing_behind_in_memory() {
    // Measured: up to 18 MiB from round 10 to round 40, in one or two steps of the allocator's, and next to nothing in most rounds. A page left behind by each call would be
    // 700 KiB in each round, 21 MiB. `make soak` holds rounds 100 to 1,000 to 4 MiB, steps and all.
    let ended = Command::new(env!("CARGO_BIN_EXE_soak"))
        .args([
            "--rounds",
            "40",
            "--from",
            "10",
            "--most-kib",
            "32768",
            "--most-steady-kib",
            "4096",
        ])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ended.stdout);
    let complained = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{said}{complained}");
}
