//! People at the command line: who is signed in is looked up and never typed, and a session is its user's alone.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;
use support::Place;

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn session_file(place: &Place) -> PathBuf {
    place.path("state/overt/session")
}

/// A command that is refused, with this in what it says.
fn refused(place: &Place, arguments: &[&str], input: &str, told: &str) {
    let ended = place.ask(arguments, input);
    assert_eq!(
        ended.status,
        Some(1),
        "{arguments:?}: {}{}",
        ended.out,
        ended.err
    );
    assert!(ended.err.contains(told), "{told}: {}", ended.err);
    assert!(ended.err.contains("help: "), "no mend: {}", ended.err);
}

#[test]
fn from_the_first_person_to_a_session_that_says_what_may_be_done() {
    let place = Place::new();
    place.without_force();
    let file = place.deployment();
    let file = file.to_str().unwrap();
    refused(
        &place,
        &["who", "--deployment", file],
        "",
        "nobody is signed in",
    );
    let nowhere = ["sign-in", "boss", "--deployment", file, "--password-stdin"];
    refused(
        &place,
        &nowhere,
        "boss and some words\n",
        "overt people init",
    );
    // Where nothing says whose people.
    let unsaid = place.ask(&["people", "list"], "");
    assert_eq!(unsaid.status, Some(2));
    assert!(unsaid.err.contains("--deployment"), "{}", unsaid.err);

    place.with_own_engineer();
    let who = json(&place.done(&["who", "--json"], ""));
    assert_eq!(
        (who["id"].as_str(), who["name"].as_str()),
        (Some("anna"), Some("A. N. Engineer"))
    );
    assert_eq!(who["roles"][0]["role"], "system-engineer");
    assert_eq!(who["roles"][0]["valid_until"], "2100-01-01T00:00:00Z");
    let folder = fs::metadata(place.path("state/overt")).unwrap();
    let kept = fs::metadata(session_file(&place)).unwrap();
    assert_eq!(
        (
            folder.permissions().mode() & 0o777,
            kept.permissions().mode() & 0o777
        ),
        (0o700, 0o600)
    );

    // An engineer sees people and changes none.
    let people = json(&place.done(&["people", "list", "--json"], ""));
    assert_eq!(people.as_array().unwrap().len(), 2);
    let give = ["people", "role", "add", "anna", "auditor"];
    refused(&place, &give, "", "cannot change their own");
    let disable = ["people", "disable", "boss", "--reason", "why not"];
    refused(&place, &disable, "", "anna is no authorising-officer");

    place.done(&["sign-out"], "");
    assert!(!session_file(&place).exists());
    refused(
        &place,
        &["who", "--deployment", file],
        "",
        "nobody is signed in",
    );
}

#[test]
fn what_is_changed_about_a_person_is_shown_with_who_changed_it() {
    let place = Place::new();
    place.with_own_engineer();
    place.sign_in("boss");
    place.done(&["people", "role", "add", "anna", "auditor"], "");
    refused(
        &place,
        &["people", "role", "add", "anna", "auditor"],
        "",
        "is auditor already",
    );
    place.done(&["people", "role", "remove", "anna", "auditor"], "");
    let withdraw = [
        "people",
        "credential",
        "withdraw",
        "anna",
        "1",
        "--reason",
        "to be repeated",
    ];
    place.done(&withdraw, "");
    refused(&place, &withdraw, "", "no credential 1");
    let shown = json(&place.done(&["people", "show", "anna", "--json"], ""));
    assert_eq!(shown["made_by"], "A. N. Officer (boss)");
    assert_eq!(
        shown["credentials"][0]["withdrawn"]["by"],
        "A. N. Officer (boss)"
    );
    assert_eq!(
        shown["credentials"][0]["withdrawn"]["reason"],
        "to be repeated"
    );
    assert_eq!(
        shown["roles"],
        serde_json::json!([{"role": "system-engineer", "valid_until": null}])
    );
    let text = place.done(&["people", "show", "anna"], "");
    assert!(
        text.contains("NO valid credential") && text.contains("WITHDRAWN"),
        "{text}"
    );
    place.done(
        &["people", "disable", "anna", "--reason", "left the force"],
        "",
    );
    let sign_in = ["sign-in", "anna", "--password-stdin"];
    refused(
        &place,
        &sign_in,
        "anna and some words\n",
        "not the id and the password of anybody",
    );
    refused(
        &place,
        &sign_in,
        "wrong and some words\n",
        "not the id and the password of anybody",
    );
    refused(
        &place,
        &["sign-in", "nobody", "--password-stdin"],
        "wrong and some words\n",
        "not the id and the password of anybody",
    );
    // A second person who may make people comes from the first, not from the console.
    let mut init = vec![
        "people",
        "init",
        "other",
        "--name",
        "B",
        "--rank",
        "inspector",
        "--password-stdin",
    ];
    init.extend(support::people::COURSE);
    refused(
        &place,
        &init,
        "other and some words\n",
        "has somebody who can make people: boss",
    );
}

#[test]
fn wrong_passwords_lock_and_are_told_of_at_the_next_sign_in() {
    let place = Place::new();
    place.with_boss();
    let sign_in = ["sign-in", "boss", "--password-stdin"];
    let short = ["people", "change-password", "boss", "--password-stdin"];
    refused(
        &place,
        &short,
        "boss and some words\npassword1234\n",
        "one of the commonest",
    );
    for _ in 0..3 {
        refused(
            &place,
            &sign_in,
            "wrong and some words\n",
            "not the id and the password",
        );
    }
    let told = place.done(&sign_in, "boss and some words\n");
    assert!(told.contains("3 WRONG passwords"), "{told}");
    for _ in 0..5 {
        refused(
            &place,
            &sign_in,
            "wrong and some words\n",
            "not the id and the password",
        );
    }
    refused(
        &place,
        &sign_in,
        "boss and some words\n",
        "too many wrong passwords",
    );
    // The session from before goes on: locking somebody out of signing in stops no deployment.
    place.done(&["who"], "");
}

#[test]
fn a_session_file_that_others_could_have_written_or_read_is_refused() {
    let place = Place::new();
    place.with_boss();
    let file = session_file(&place);
    let kept = fs::read(&file).unwrap();
    for mode in [0o644, 0o640, 0o620, 0o604] {
        fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
        refused(&place, &["who"], "", "is no file of this user's alone");
    }
    fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    place.done(&["who"], "");
    // A link, whatever it leads to.
    let elsewhere = place.path("elsewhere");
    fs::rename(&file, &elsewhere).unwrap();
    symlink(&elsewhere, &file).unwrap();
    refused(&place, &["who"], "", "session");
    fs::remove_file(&file).unwrap();
    // Of another user: only root can make one.
    if nix::unistd::geteuid().is_root() {
        fs::write(&file, &kept).unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
        std::os::unix::fs::chown(&file, Some(65534), None).unwrap();
        refused(&place, &["who"], "", "is no file of this user's alone");
        fs::remove_file(&file).unwrap();
    }
    for garbage in [&b""[..], b"{}", b"\xff", &vec![b'['; 100_000]] {
        fs::write(&file, garbage).unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
        refused(&place, &["who"], "", "this is no session of Overt's");
    }
    // And a folder that others can enter holds no session.
    fs::remove_file(&file).unwrap();
    fs::set_permissions(place.path("state/overt"), Permissions::from_mode(0o755)).unwrap();
    let deployment = place.deployment();
    let sign_in = [
        "sign-in",
        "boss",
        "--deployment",
        deployment.to_str().unwrap(),
        "--password-stdin",
    ];
    refused(
        &place,
        &sign_in,
        "boss and some words\n",
        "is no folder of this user's alone",
    );
}

#[test]
fn a_session_is_of_one_force_and_a_copy_of_its_file_ends_with_it() {
    let (here, there) = (Place::new(), Place::new());
    here.with_boss();
    there.with_boss();
    let other = there.deployment();
    refused(
        &here,
        &["who", "--deployment", other.to_str().unwrap()],
        "",
        "another force's",
    );
    // The token in a file that names the other store opens nothing there.
    let text = fs::read_to_string(session_file(&here)).unwrap();
    let mut forged = json(&text);
    forged["force"] = json(&fs::read_to_string(session_file(&there)).unwrap())["force"].clone();
    fs::write(session_file(&there), forged.to_string()).unwrap();
    refused(&there, &["who"], "", "knows no such session");
    fs::write(here.path("copy"), &text).unwrap();
    here.done(&["sign-out"], "");
    fs::write(session_file(&here), fs::read(here.path("copy")).unwrap()).unwrap();
    fs::set_permissions(session_file(&here), Permissions::from_mode(0o600)).unwrap();
    refused(&here, &["who"], "", "knows no such session");
}

#[test]
fn a_kill_at_any_moment_leaves_a_store_with_whole_people() {
    let place = Place::new();
    place.with_boss();
    let mut random = fastrand::Rng::with_seed(11);
    for turn in 0..25 {
        let mut child = place
            .overt()
            .args([
                "people",
                "add",
                &format!("p{turn}"),
                "--name",
                "P",
                "--rank",
                "constable",
            ])
            .args(["--role", "operator", "--password-stdin"])
            .stdin(fs::File::open(write(&place, "chosen by the boss\n")).unwrap())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(random.u64(0..120)));
        let _ = child.kill();
        child.wait().unwrap();
    }
    let people = json(&place.done(&["people", "list", "--json"], ""));
    for person in people.as_array().unwrap() {
        assert_eq!(person["roles"].as_array().unwrap().len(), 1, "{person}");
    }
    // And whoever was signed in is, and goes on.
    place.done(
        &[
            "people",
            "add",
            "last",
            "--name",
            "L",
            "--rank",
            "constable",
            "--password-stdin",
        ],
        "chosen by the boss\n",
    );
}

fn write(place: &Place, text: &str) -> PathBuf {
    let path = place.path("input");
    fs::write(&path, text).unwrap();
    path
}

#[test]
fn a_prepared_force_is_like_one_that_was_made_here() {
    let place = Place::new();
    place.with_force();
    for (id, role) in [
        ("boss", "authorising-officer"),
        ("anna", "system-engineer"),
        ("bo", "operator"),
    ] {
        let who = place.run_as(id, ["who", "--json"]);
        assert_eq!(who.status, Some(0), "{}", who.err);
        let who = json(&who.out);
        assert_eq!(who["id"], id);
        assert_eq!(who["roles"][0]["role"], role);
    }
    place.sign_in("olu");
}
