//! The compiling child process: what it costs is limited, and whatever becomes of it, the host lives.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::fmt::Write;
use std::path::Path;

use overt_runtime::compiler::Compiler;
use overt_runtime::{PluginError, Role, Runtime, RuntimeOptions};
use support::{compiler, observation, policy, read, terms};

/// What comes of accepting a policy of WAT with this compiler.
fn accept(compiler: Compiler, more: &str) -> Result<(), PluginError> {
    let runtime = Runtime::new(RuntimeOptions {
        compiler,
        cache: None,
    })?;
    let file = read(policy("(i32.const 0)", more)).unwrap();
    let plugin = runtime.accept(&file, terms(Role::MatcherPolicy))?;
    plugin.decide(&observation()).unwrap();
    Ok(())
}

fn with(arguments: &[&str]) -> Compiler {
    Compiler {
        arguments: arguments.iter().map(Into::into).collect(),
        ..compiler()
    }
}

/// A function of 150 KB that takes many seconds to compile: loops within loops, and locals that change in each and are alive to the end.
fn laborious() -> String {
    const LOCALS: usize = 900;
    const LOOPS: usize = 1_000;
    let mut wat = format!(
        "(func (param i32) (result i32) (local{})",
        " i32".repeat(LOCALS)
    );
    for turn in 0..LOOPS {
        let (to, from) = (turn % LOCALS + 1, turn * 7 % LOCALS);
        let product = format!("(i32.mul (local.get {from}) (local.get 0))");
        write!(wat, "(loop (local.set {to} {product})").unwrap();
    }
    for turn in 0..LOOPS {
        write!(wat, "(br_if 0 (local.get {})))", turn % LOCALS + 1).unwrap();
    }
    let sum = (1..LOCALS).fold("(local.get 0)".to_owned(), |sum, local| {
        format!("(i32.xor {sum} (local.get {local}))")
    });
    wat + &sum + ")"
}

#[test]
fn compiling_past_its_cpu_time_is_ended_and_the_host_goes_on() {
    let error = accept(with(&["--cpu-seconds", "1"]), &laborious()).unwrap_err();
    assert!(
        matches!(error, PluginError::CompileLimit { limit, .. } if limit.contains("CPU time")),
        "{error}"
    );
    accept(with(&["--cpu-seconds", "60"]), "").unwrap();
}

#[test]
fn compiling_past_its_memory_is_ended_and_the_host_goes_on() {
    // The component is read; that and what is made of it are too much together.
    let data = format!("(data (i32.const 65536) \"{}\")", "x".repeat(40 << 20));
    let wat = support::policy_wat("(i32.const 0)", &data).replace(
        "(memory (export \"memory\") 1)",
        "(memory (export \"memory\") 800)",
    );
    let bytes = support::with_manifest(
        support::component("matcher-policy-plugin", &wat),
        &support::policy_manifest(),
    );
    let file = read(bytes).unwrap();
    let runtime = |compiler| {
        Runtime::new(RuntimeOptions {
            compiler,
            cache: None,
        })
        .unwrap()
    };
    let accept = |compiler| runtime(compiler).accept(&file, terms(Role::MatcherPolicy));
    let error = accept(with(&["--memory-mib", "150"])).err().unwrap();
    assert!(
        matches!(error, PluginError::CompileLimit { limit, .. } if limit.contains("memory")),
        "{error}"
    );
    let plugin = accept(with(&["--memory-mib", "2048"])).unwrap();
    plugin.decide(&observation()).unwrap();
}

#[test]
fn a_compiler_that_is_missing_is_named() {
    let missing = Compiler {
        program: "/nonexistent/overt-compile".into(),
        arguments: Vec::new(),
    };
    let error = accept(missing, "").unwrap_err();
    assert!(matches!(error, PluginError::Engine { .. }));
    assert!(
        error.to_string().contains("/nonexistent/overt-compile"),
        "{error}"
    );
}

#[test]
fn a_compiler_that_is_another_program_is_told_from_a_bad_plugin() {
    for (program, says) in [
        ("/bin/false", "exit status"),
        ("/bin/true", "does not load"),
    ] {
        let other = Compiler {
            program: program.into(),
            arguments: Vec::new(),
        };
        let error = accept(other, "").unwrap_err();
        assert!(matches!(error, PluginError::Engine { .. }), "{error}");
        assert!(error.to_string().contains(says), "{error}");
    }
}

#[test]
fn a_compiler_of_other_settings_is_refused() {
    // A program that compiles a policy as if it were a detector: code without fuel, which would run for ever.
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("perception-always");
    let script = format!(
        "#!/bin/sh\nexec '{}' perception\n",
        compiler().program.display()
    );
    write_program(&program, &script);
    let other = Compiler {
        program,
        arguments: Vec::new(),
    };
    let error = accept(other, "").unwrap_err();
    assert!(matches!(error, PluginError::Engine { .. }), "{error}");
    assert!(error.to_string().contains("does not load"), "{error}");
}

#[test]
fn a_compiler_that_prints_for_ever_is_ended() {
    // To standard error, of which the host reads a little; and it never reads what it is given.
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("chatter");
    write_program(
        &program,
        "#!/bin/sh\nwhile echo chatter; do :; done >&2\nexit 7\n",
    );
    let error = accept(
        Compiler {
            program,
            arguments: Vec::new(),
        },
        "",
    )
    .unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("chatter") && text.len() < 20_000,
        "{} bytes",
        text.len()
    );
}

#[test]
fn more_compiled_code_than_the_limit_is_not_taken() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("generous");
    write_program(
        &program,
        "#!/bin/sh\nexec /usr/bin/head -c 300M /dev/zero\n",
    );
    let error = accept(
        Compiler {
            program,
            arguments: Vec::new(),
        },
        "",
    )
    .unwrap_err();
    assert!(
        matches!(error, PluginError::CompileLimit { limit, .. } if limit.contains("256 MiB")),
        "{error}"
    );
}

#[test]
fn the_compiler_is_given_no_environment() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("environment");
    write_program(&program, "#!/bin/sh\n/usr/bin/env >&2\nexit 7\n");
    let error = accept(
        Compiler {
            program,
            arguments: Vec::new(),
        },
        "",
    )
    .unwrap_err();
    let home = std::env::var("PATH").unwrap();
    assert!(!error.to_string().contains(&home), "{error}");
}

/// Written by a shell, whose end closes the file: a program that this process still holds open for writing cannot be started.
fn write_program(path: &Path, script: &str) {
    let status = std::process::Command::new("/bin/sh")
        .args(["-c", "printf %s \"$1\" > \"$0\" && chmod 700 \"$0\""])
        .arg(path)
        .arg(script)
        .status()
        .unwrap();
    assert!(status.success());
}

#[test]
fn what_the_host_has_open_is_closed_in_the_compiler() {
    use std::io::Read as _;
    use std::process::{Command, Stdio};
    // As a library opens a camera: without the mark that closes it in another program.
    let (mut read, write) = std::io::pipe().unwrap();
    rustix::io::fcntl_setfd(&write, rustix::io::FdFlags::empty()).unwrap();
    let mut child = Command::new(compiler().program)
        .arg("decision")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    drop(write);
    // Its end comes when nobody holds the other side any more, while the compiler still waits for a component. One that holds it is ended after a minute.
    let stdin = child.stdin.take().unwrap();
    let (told, heard) = std::sync::mpsc::channel();
    let reader = std::thread::spawn(move || {
        read.read_to_end(&mut Vec::new()).unwrap();
        told.send(()).unwrap();
    });
    let closed = heard
        .recv_timeout(std::time::Duration::from_secs(60))
        .is_ok();
    drop(stdin);
    child.wait().unwrap();
    reader.join().unwrap();
    assert!(closed, "the compiler holds what the host had open");
}
