//! Secret keys under a passphrase: made here and read by OpenSSL, made by OpenSSL and read here, and of no use without it.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::ffi::{OsStr, OsString};
use std::fs::Permissions;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use support::{Ended, overt, run, set_up};

const PASSPHRASE: &str = "a few words of mine";

/// A file that its owner alone may read.
fn secret(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    path
}

/// A command of words and paths.
fn words(words: &[&dyn AsRef<OsStr>]) -> Vec<OsString> {
    words.iter().map(|word| word.as_ref().to_owned()).collect()
}

/// A key `acme` in a folder, under the passphrase.
fn key(folder: &Path) -> PathBuf {
    let file = secret(folder, "words", &format!("{PASSPHRASE}\n"));
    let made = run(words(&[
        &"key",
        &"new",
        &"acme",
        &"--folder",
        &folder,
        &"--passphrase-file",
        &file,
    ]));
    assert_eq!(made.status, Some(0), "{}", made.err);
    assert!(made.out.contains("under its passphrase"), "{}", made.out);
    folder.join("acme.key")
}

/// Signs a copy of a plugin, with the passphrase on standard input.
fn sign(folder: &Path, key: &Path, passphrase: Option<&str>) -> Ended {
    let plugin = folder.join("router.wasm");
    std::fs::copy(set_up("plugins/router-desk.wasm"), &plugin).unwrap();
    let mut command = overt();
    command
        .args(["plugin", "sign"])
        .arg(&plugin)
        .arg("--key")
        .arg(key);
    if passphrase.is_some() {
        command.args(["--passphrase-file", "-"]);
    }
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin
        .write_all(passphrase.unwrap_or_default().as_bytes())
        .unwrap();
    drop(stdin);
    child.wait_with_output().unwrap().into()
}

fn openssl(arguments: &[&dyn AsRef<OsStr>]) -> String {
    let done = Command::new("openssl")
        .args(words(arguments))
        .output()
        .expect("openssl, which Debian has everywhere");
    let error = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.success(), "{error}");
    String::from_utf8(done.stdout).unwrap()
}

#[test]
fn a_key_under_a_passphrase_signs_with_it_and_not_without() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let key = key(folder);
    let text = std::fs::read_to_string(&key).unwrap();
    assert!(
        text.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"),
        "{text}"
    );

    let signed = sign(folder, &key, Some(PASSPHRASE));
    assert_eq!(signed.status, Some(0), "{}", signed.err);
    let verified = run(words(&[
        &"plugin",
        &"verify",
        &folder.join("router.wasm"),
        &"--key",
        &folder.join("acme.pub"),
    ]));
    assert_eq!(verified.status, Some(0), "{}", verified.out);

    let wrong = sign(folder, &key, Some("some other words\n"));
    assert_eq!(wrong.status, Some(1));
    assert!(wrong.err.contains("not this key's"), "{}", wrong.err);
    // Nobody is at a terminal here.
    let unasked = sign(folder, &key, None);
    assert_eq!(unasked.status, Some(1));
    assert!(
        unasked.err.contains("no passphrase can be asked for")
            && unasked.err.contains("--passphrase-file"),
        "{}",
        unasked.err
    );
    let nothing = sign(folder, &key, Some(""));
    assert_eq!(nothing.status, Some(2), "{}", nothing.err);
}

#[test]
fn openssl_reads_a_key_that_was_made_here() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let key = key(folder);
    let public = openssl(&[
        &"pkey",
        &"-in",
        &key,
        &"-passin",
        &format!("pass:{PASSPHRASE}"),
        &"-pubout",
    ]);
    let ours = std::fs::read_to_string(folder.join("acme.pub")).unwrap();
    assert_eq!(public, ours);
    let shown = openssl(&[&"asn1parse", &"-in", &key]);
    for part in ["PBES2", "scrypt", "aes-256-cbc"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
}

#[test]
fn a_key_that_openssl_made_signs_here() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for (name, kind) in [
        ("pbkdf2", &["-v2", "aes-256-cbc"][..]),
        ("scrypt", &["-scrypt"]),
    ] {
        let (plain, locked) = (folder.join("plain"), folder.join(name));
        openssl(&[&"genpkey", &"-algorithm", &"ed25519", &"-out", &plain]);
        let passout = format!("pass:{PASSPHRASE}");
        let mut arguments: Vec<&dyn AsRef<OsStr>> = vec![
            &"pkcs8",
            &"-topk8",
            &"-in",
            &plain,
            &"-out",
            &locked,
            &"-passout",
            &passout,
        ];
        arguments.extend(kind.iter().map(|word| word as &dyn AsRef<OsStr>));
        openssl(&arguments);
        std::fs::set_permissions(&locked, Permissions::from_mode(0o600)).unwrap();
        let signed = sign(folder, &locked, Some(PASSPHRASE));
        assert_eq!(signed.status, Some(0), "{name}: {}", signed.err);
        // The same key without its passphrase signs too, and as the same.
        std::fs::set_permissions(&plain, Permissions::from_mode(0o600)).unwrap();
        let again = sign(folder, &plain, None);
        let by = |ended: &Ended| ended.out.lines().next().unwrap().to_owned();
        assert_eq!(by(&signed), by(&again), "{}", again.err);
    }
}

#[test]
fn a_passphrase_that_is_short_or_that_others_can_read_is_refused_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let new = |file: &Path| {
        run(words(&[
            &"key",
            &"new",
            &"acme",
            &"--folder",
            &folder,
            &"--passphrase-file",
            &file,
        ]))
    };
    let short = new(&secret(folder, "short", "elevenchars\n"));
    assert_eq!(short.status, Some(1));
    assert!(
        short.err.contains("less than 12 characters"),
        "{}",
        short.err
    );
    let shown = secret(folder, "shown", PASSPHRASE);
    std::fs::set_permissions(&shown, Permissions::from_mode(0o644)).unwrap();
    let refused = new(&shown);
    assert_eq!(refused.status, Some(1));
    assert!(refused.err.contains("mode 644"), "{}", refused.err);
    assert!(!folder.join("acme.key").exists() && !folder.join("acme.pub").exists());
}

#[test]
fn rules_are_signed_with_a_key_under_a_passphrase() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let key = key(folder);
    let rules = folder.join("rules.toml");
    std::fs::copy(support::example("rules.toml"), &rules).unwrap();
    let signed = run(words(&[
        &"rules",
        &"sign",
        &rules,
        &"--key",
        &key,
        &"--passphrase-file",
        &folder.join("words"),
    ]));
    assert_eq!(signed.status, Some(0), "{}", signed.err);
    assert!(folder.join("rules.toml.sig").exists());
}
