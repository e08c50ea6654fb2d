//! A crash writes no face to the disk.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::os::unix::process::ExitStatusExt as _;
use std::process::Command;

use support::{Place, overt};

/// Starts a program where core files are allowed, kills it as a crash does, and says whether the kernel dumped its memory. `ready` is what it has created once it is
/// under way.
fn dumps_core(place: &Place, program: &[&str], ready: &str) -> bool {
    let mut child = Command::new("sh")
        .args(["-c", "ulimit -c unlimited; exec \"$@\"", "sh"])
        .args(program)
        .current_dir(place.folder.path())
        .env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"))
        .spawn()
        .unwrap();
    let begun = std::time::Instant::now();
    while !place.path(ready).exists() {
        assert!(
            begun.elapsed().as_secs() < 120,
            "{program:?} does not begin"
        );
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let pid = nix::unistd::Pid::from_raw(child.id() as i32);
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGABRT).unwrap();
    let status = child.wait().unwrap();
    assert_eq!(status.signal(), Some(6), "{program:?}");
    status.core_dumped()
}

#[test]
fn a_run_that_crashes_leaves_no_core_file_where_another_program_does() {
    let allowed = Command::new("sh")
        .args(["-c", "ulimit -c unlimited"])
        .status()
        .unwrap();
    if !allowed.success() {
        println!("skipped: this machine allows no core files at all");
        return;
    }
    let place = Place::with_person_a();
    place.film(400);
    let other = ["sh", "-c", "touch ready; while :; do :; done"];
    if !dumps_core(&place, &other, "ready") {
        println!("skipped: the kernel dumps no program's memory here");
        return;
    }
    let program = overt().get_program().to_str().unwrap().to_owned();
    let file = place.deployment();
    let run = [
        &program,
        "run",
        "--rehearsal",
        "--unlocked",
        file.to_str().unwrap(),
    ];
    // The socket's folder is there once the run is under way.
    assert!(!dumps_core(&place, &run, "out/records.control/host.sock"));
}

#[test]
fn doctor_says_whether_memory_can_reach_a_disk() {
    let ended = overt().args(["doctor", "--json"]).output().unwrap();
    let report: serde_json::Value = serde_json::from_slice(&ended.stdout).unwrap();
    let checks = report["checks"].as_array().unwrap();
    let memory = checks.iter().find(|check| check["name"] == "memory");
    let found = memory.unwrap()["found"].as_str().unwrap();
    assert!(found.contains("no core files"), "{found}");
}
