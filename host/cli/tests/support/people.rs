//! The people of a test's own force, and a session in a folder of the test's own.

use std::io::Write as _;
use std::process::{Command, Stdio};

use super::{Ended, Place, overt};

/// Since long ago, and for long.
pub(crate) const COURSE: [&str; 10] = [
    "--selection",
    "by the superintendent",
    "--course",
    "Overt",
    "--version",
    "1",
    "--from",
    "2020-01-01",
    "--until",
    "2099-12-31",
];

impl Place {
    /// The program, for whoever is signed in here.
    pub(crate) fn overt(&self) -> Command {
        let mut command = overt();
        command.env("XDG_RUNTIME_DIR", self.path("state"));
        command
    }

    /// Runs it with these lines on its standard input.
    pub(crate) fn ask(&self, arguments: &[&str], input: &str) -> Ended {
        let mut child = self
            .overt()
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // It may have ended without reading.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap().into()
    }

    /// The same, and it has to be done.
    pub(crate) fn done(&self, arguments: &[&str], input: &str) -> String {
        let ended = self.ask(arguments, input);
        assert_eq!(ended.status, Some(0), "{arguments:?}: {}", ended.err);
        ended.out
    }

    /// Signs somebody in whose password is their id and a few words.
    pub(crate) fn sign_in(&self, id: &str) {
        let file = self.deployment();
        let file = file.to_str().unwrap();
        let arguments = ["sign-in", id, "--deployment", file, "--password-stdin"];
        self.done(&arguments, &format!("{id} and some words\n"));
    }

    /// Makes the force's first person, `boss`, and signs them in.
    pub(crate) fn with_boss(&self) {
        let file = self.deployment();
        let mut arguments = vec!["people", "init", "boss", "--name", "A. N. Officer"];
        arguments.extend(["--rank", "superintendent", "--password-stdin"]);
        arguments.extend(["--deployment", file.to_str().unwrap()]);
        arguments.extend(COURSE);
        self.done(&arguments, "boss and some words\n");
        self.sign_in("boss");
    }

    /// Makes somebody with a role and a credential for it; `boss` is signed in.
    pub(crate) fn with_person(&self, id: &str, name: &str, role: &str) {
        let add = [
            "people",
            "add",
            id,
            "--name",
            name,
            "--rank",
            "engineer",
            "--role",
            role,
            "--password-stdin",
        ];
        self.done(&add, "chosen by the boss\n");
        let mut credential = vec!["people", "credential", "add", id, "--role", role];
        credential.extend(COURSE);
        self.done(&credential, "");
        let change = ["people", "change-password", id, "--password-stdin"];
        self.done(
            &change,
            &format!("chosen by the boss\n{id} and some words\n"),
        );
    }

    /// A system engineer, A. N. Engineer, who is signed in.
    pub(crate) fn with_engineer(&self) {
        self.with_boss();
        self.with_person("anna", "A. N. Engineer", "system-engineer");
        self.sign_in("anna");
    }
}
