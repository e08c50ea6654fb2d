//! Plugins change while a deployment runs: what is refused leaves the old ones serving, what is taken up loses no frame, and who did it is on record.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::io::{Read as _, Write as _};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;
use support::eyes::{calibrate, other_encoder};
use support::running::Running;
use support::{Ended, Place, run, set_up};

/// Longer than anything takes on a busy machine; a test that waits so long has failed.
const PATIENCE: Duration = Duration::from_secs(180);

fn swap(place: &Place) -> Ended {
    let deployment = place.deployment();
    let deployment = deployment.to_str().unwrap();
    let reason = "it was evaluated";
    place.ask(
        &["plugin", "swap", deployment, "--reason", reason, "--json"],
        "",
    )
}

fn status(place: &Place) -> Value {
    let told = run([
        Path::new("deployment"),
        Path::new("status"),
        &place.deployment(),
        Path::new("--json"),
    ]);
    assert_eq!(told.status, Some(0), "{}", told.err);
    serde_json::from_str(&told.out).unwrap()
}

fn summary(place: &Place) -> Value {
    serde_json::from_slice(&std::fs::read(place.path("out/summary.json")).unwrap()).unwrap()
}

/// Every frame that was read was processed.
fn nothing_lost(summary: &Value) {
    let count = |name: &str| summary["frames"][name].as_u64().unwrap();
    assert!(count("read") > 0);
    assert_eq!(
        (count("processed"), count("dropped"), count("unseen")),
        (count("read"), 0, 0),
        "{summary}"
    );
}

/// A run that goes on and answers.
fn going(place: &Place, arguments: &[&str]) -> Running {
    let mut going = Running::start_with(place, arguments);
    going.await_answer(place);
    going
}

/// A place with a long video of person A.
fn long() -> Place {
    let place = Place::with_person_a();
    place.film(1500);
    place.with_engineer();
    place
}

#[test]
fn a_locked_run_takes_up_what_was_locked_anew_and_nothing_else() {
    let place = long();
    place.lock();
    let going = going(&place, &[]);
    let before = status(&place);
    assert_eq!(before["generations"].as_array().unwrap().len(), 1);

    let same = swap(&place);
    assert_eq!(same.status, Some(1));
    assert!(same.err.contains("nothing has changed"), "{}", same.err);

    // Changed, and not locked.
    place.change("missing-person = 0.5,", "missing-person = 0.51,");
    let unlocked = swap(&place);
    assert_eq!(unlocked.status, Some(1));
    assert!(
        unlocked.err.contains("is not the one that was locked")
            && unlocked.err.contains("matcher-policy.config."),
        "{}",
        unlocked.err
    );
    assert_eq!(status(&place)["generations"].as_array().unwrap().len(), 1);

    place.lock();
    let swapped = swap(&place);
    assert_eq!(swapped.status, Some(0), "{}", swapped.err);
    let swapped: Value = serde_json::from_str(&swapped.out).unwrap();
    assert_eq!(swapped["generation"]["number"], 1);
    assert_eq!(swapped["generation"]["by"], "A. N. Engineer (anna)");
    assert_eq!(swapped["drained"], true);

    let ended = going.interrupt();
    assert!(
        ended.err.contains("GENERATION 1 serves with policy-threshold 0.1.0 as matcher-policy; swapped by A. N. Engineer (anna): it was evaluated"),
        "{}",
        ended.err
    );
    let told = summary(&place);
    nothing_lost(&told);
    let generations = told["generations"].as_array().unwrap();
    assert_eq!(generations.len(), 2);
    assert_eq!(
        generations[1]["changed"],
        serde_json::json!(["matcher-policy"])
    );
    assert_ne!(generations[0]["lock_sha256"], generations[1]["lock_sha256"]);
    let report = std::fs::read_to_string(place.path("out/report.html")).unwrap();
    assert!(report.contains("What served from when on"));
    assert!(
        !place.path("out/records.control").exists(),
        "the socket goes with the run"
    );
}

#[test]
fn only_a_system_engineer_who_is_signed_in_now_swaps() {
    let place = long();
    let going = going(&place, &["--rehearsal", "--unlocked"]);
    place.change("missing-person = 0.5,", "missing-person = 0.51,");
    let refused = |told: &str| {
        let ended = swap(&place);
        assert_eq!(ended.status, Some(1), "{}{}", ended.out, ended.err);
        assert!(ended.err.contains(told), "{told}: {}", ended.err);
    };
    place.sign_in("boss");
    refused("boss is no system-engineer");
    let withdraw = ["people", "credential", "withdraw", "anna", "1"];
    place.done(&[&withdraw[..], &["--reason", "expired"]].concat(), "");
    place.sign_in("anna");
    refused("anna has no valid credential as system-engineer");
    place.done(&["sign-out"], "");
    refused("nobody is signed in");
    assert_eq!(status(&place)["generations"].as_array().unwrap().len(), 1);
    // The run learns at once what changes about people: it keeps nothing of them.
    place.sign_in("boss");
    let mut credential = vec!["people", "credential", "add", "anna"];
    credential.extend(["--role", "system-engineer"]);
    credential.extend(support::people::COURSE);
    place.done(&credential, "");
    place.sign_in("anna");
    let swapped = swap(&place);
    assert_eq!(swapped.status, Some(0), "{}", swapped.err);
    going.interrupt();
}

#[test]
fn a_swap_goes_no_lower_than_the_floor_that_was_authorised() {
    let place = long();
    place.lock();
    let going = going(&place, &[]);
    let [centerface, rfb320] =
        ["centerface", "rfb320"].map(|name| set_up(&format!("plugins/detector-{name}.wasm")));
    // With another detector a floor may be another, and this one is an officer's to give.
    place.change(centerface.to_str().unwrap(), rfb320.to_str().unwrap());
    place.change("score-floor = 0.45", "score-floor = 0.40");
    place.lock();
    let lower = swap(&place);
    assert_eq!(lower.status, Some(1), "{}", lower.out);
    for told in [
        "the score floor 0.4 lies under 0.45, which was authorised",
        "authorising officer's to give",
    ] {
        assert!(lower.err.contains(told), "{told}: {}", lower.err);
    }
    assert_eq!(status(&place)["generations"].as_array().unwrap().len(), 1);
    place.change("score-floor = 0.40", "score-floor = 0.50");
    place.lock();
    let higher = swap(&place);
    assert_eq!(higher.status, Some(0), "{}", higher.err);
    let serves: Value = serde_json::from_str(&higher.out).unwrap();
    assert_eq!(serves["generation"]["plugins"][0]["id"], "detector-rfb320");
    going.interrupt();
}

#[test]
fn what_is_wrong_with_a_swap_leaves_what_served_serving() {
    let place = long();
    let going = going(&place, &["--rehearsal", "--unlocked"]);
    let refused = |told: &[&str]| {
        let ended = swap(&place);
        assert_eq!(ended.status, Some(1), "{}{}", ended.out, ended.err);
        for told in told {
            assert!(ended.err.contains(told), "{told}: {}", ended.err);
        }
    };
    let was = std::fs::read_to_string(place.deployment()).unwrap();
    let undo = || std::fs::write(place.deployment(), &was).unwrap();

    // More than a run can take up.
    place.change("alerts-hours = 24", "alerts-hours = 48");
    place.change("watchlist-size = 100", "watchlist-size = 99");
    refused(&["more than plugins has changed", "[authority], [retention]"]);
    undo();
    // A floor for the same plugins.
    place.change("score-floor = 0.45", "score-floor = 0.40");
    refused(&["the score floor or its calibration has changed"]);
    undo();
    // A mistake in the file is one for whoever asks.
    place.change("margin = 0.05", "margin = ");
    assert_eq!(swap(&place).status, Some(2));
    undo();
    // A plugin file that is none, and one that nobody has signed whom the force trusts.
    let policy = set_up("plugins/policy-threshold.wasm");
    std::fs::write(place.path("none.wasm"), "no plugin").unwrap();
    place.change(policy.to_str().unwrap(), "none.wasm");
    refused(&["[plugins.matcher-policy]", "none.wasm"]);
    undo();
    let unsigned = set_up("hostile/hostile-decision.wasm");
    std::fs::copy(&unsigned, place.path("unsigned.wasm")).unwrap();
    place.change(policy.to_str().unwrap(), "unsigned.wasm");
    refused(&["[plugins.matcher-policy]", "signature"]);
    undo();
    // A file in a folder that the deployment did not name when the run began: the run has shut itself in.
    if overt_confinement::possible().files {
        place.change(policy.to_str().unwrap(), unsigned.to_str().unwrap());
        refused(&[
            "[plugins.matcher-policy]",
            "cannot be read: Permission denied",
            "put the file into a folder that the deployment file named when the run began",
        ]);
        undo();
    }

    let now = status(&place);
    assert_eq!(now["generations"].as_array().unwrap().len(), 1);
    let ended = going.interrupt();
    assert!(!ended.err.contains("GENERATION"), "{}", ended.err);
    nothing_lost(&summary(&place));
}

#[test]
fn another_encoder_comes_with_its_calibration_and_encodes_the_watchlist_anew() {
    let place = long();
    place.unsigned();
    let other = other_encoder(&place);
    let encoder = set_up("plugins/encoder-mobilefacenet.wasm");
    let was = std::fs::read_to_string(place.deployment()).unwrap();
    place.change(encoder.to_str().unwrap(), other.to_str().unwrap());
    calibrate(&place, &place.deployment(), "calibration.json");
    let uncalibrated = std::fs::read_to_string(place.deployment()).unwrap();
    std::fs::write(place.deployment(), &was).unwrap();

    let going = going(&place, &["--rehearsal", "--unlocked"]);
    std::fs::write(place.deployment(), &uncalibrated).unwrap();
    let refused = swap(&place);
    assert_eq!(refused.status, Some(1));
    assert!(
        refused.err.contains("cannot go live without a calibration"),
        "{}",
        refused.err
    );
    // One of another encoder is none of this one.
    place.change(
        "[authority]\n",
        "[authority]\ncalibration = \"calibration.json\"\n",
    );
    let text = std::fs::read_to_string(place.deployment()).unwrap();
    place.change(other.to_str().unwrap(), encoder.to_str().unwrap());
    let foreign = swap(&place);
    assert!(
        foreign.err.contains("was made with something else")
            || foreign
                .err
                .contains("the score floor or its calibration has changed"),
        "{}",
        foreign.err
    );
    std::fs::write(place.deployment(), &text).unwrap();
    let swapped = swap(&place);
    assert_eq!(swapped.status, Some(0), "{}", swapped.err);
    let swapped: Value = serde_json::from_str(&swapped.out).unwrap();
    assert_eq!(swapped["re_encoded"], 1);
    assert_eq!(swapped["generation"]["plugins"][1]["version"], "0.2.0");
    going.interrupt();
    let rehearsed = summary(&place);
    assert!(rehearsed["withheld"].as_u64().unwrap() > 0, "{rehearsed}");
    nothing_lost(&rehearsed);

    // The store holds the new encoder's templates: the next run begins with it, and alerts.
    place.film(40);
    let next = place.run();
    assert_eq!(next.status, Some(0), "{}", next.err);
    assert_eq!(summary(&place)["alerts"].as_array().unwrap().len(), 1);
    // And the old one finds none of its own.
    std::fs::write(place.deployment(), &was).unwrap();
    let old = place.run();
    assert!(old.err.contains("enrol them again"), "{}", old.err);
}

#[test]
fn the_socket_is_its_owners_alone_and_a_stranger_to_its_language_holds_nobody_up() {
    let place = long();
    let going = going(&place, &["--rehearsal", "--unlocked"]);
    let folder = place.path("out/records.control");
    let found = std::fs::symlink_metadata(&folder).unwrap();
    assert_eq!(found.mode() & 0o777, 0o700);
    let socket = folder.join("host.sock");
    assert!(std::fs::metadata(&socket).unwrap().file_type().is_socket());
    let ask = |question: &[u8]| {
        let mut stream = UnixStream::connect(&socket).unwrap();
        let _ = stream.write_all(question);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        answer
    };
    let long = vec![b'x'; 1 << 20];
    for question in [
        b"".as_slice(),
        b"\n",
        b"{}\n",
        b"{\"overt\":\"0.1.0\",\"ask\":\"everything\"}\n",
        b"\xff\xfe\n",
        &long,
    ] {
        let answer = ask(question);
        assert!(
            answer.is_empty() || answer.contains("this is no question"),
            "{answer}"
        );
    }
    let other = ask(b"{\"overt\":\"9.9.9\",\"ask\":\"status\"}\n");
    assert!(other.contains("and 9.9.9 asks"), "{other}");
    let nobody = ask(b"{\"overt\":\"0.1.0\",\"ask\":{\"swap\":{\"reason\":\"mine\"}}}\n");
    assert!(nobody.contains("nobody is signed in"), "{nobody}");
    // A guess, and no token at all.
    for session in ["0".repeat(64), "anna".to_owned()] {
        let question = format!(
            "{{\"overt\":\"0.1.0\",\"session\":{session:?},\"ask\":{{\"swap\":{{\"reason\":\"mine\"}}}}}}\n"
        );
        let guessed = ask(question.as_bytes());
        assert!(guessed.contains("nobody is signed in"), "{guessed}");
    }
    // Connections that say nothing take the places there are; they are closed after their time, and the run goes on meanwhile.
    let silent: Vec<UnixStream> = (0..40)
        .filter_map(|_| UnixStream::connect(&socket).ok())
        .collect();
    drop(silent);
    assert!(status(&place)["frames_read"].as_u64().unwrap() > 0);
    // Nor has one that goes on for ever, a byte at a time: each byte in time, the question not.
    let mut slow = UnixStream::connect(&socket).unwrap();
    let mut said = slow.try_clone().unwrap();
    let saying = std::thread::spawn(move || {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE && said.write_all(b" ").is_ok() {
            std::thread::sleep(Duration::from_millis(100));
        }
        begun.elapsed() < PATIENCE
    });
    let mut answer = String::new();
    let _ = slow.read_to_string(&mut answer);
    drop(slow);
    assert!(saying.join().unwrap(), "it was heard to the end");
    // More than may ask at a time wait for each other, and none is sent away.
    std::thread::scope(|scope| {
        let asking: Vec<_> = (0..24).map(|_| scope.spawn(|| status(&place))).collect();
        for asked in asking {
            assert_eq!(asked.join().unwrap()["deployment"], "walk-past");
        }
    });
    nothing_lost(&{
        going.interrupt();
        summary(&place)
    });
    let gone = run([
        Path::new("deployment"),
        Path::new("status"),
        &place.deployment(),
    ]);
    assert_eq!(gone.status, Some(1));
    assert!(
        gone.err.contains("no run of walk-past goes on here"),
        "{}",
        gone.err
    );
}
