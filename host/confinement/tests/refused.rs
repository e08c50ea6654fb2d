//! What a process that has shut itself in is refused, tried from inside: each test runs in a thread of its own that shuts itself in and ends with it, and so do
//! the children that it starts. They need a kernel with Landlock 4 or later, and are skipped on another.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs;
use std::io::ErrorKind;
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use overt_confinement::{Confinement, ConfinementError, Openings, loaded_code, possible};

/// Whether this kernel can shut a process in; where it cannot, a test of it has nothing to look at, and says so.
fn can_be_shut_in() -> bool {
    let possible = possible();
    if !possible.is_whole() {
        eprintln!("skipped: {possible}");
    }
    possible.is_whole()
}

/// Shuts this thread in, but for the openings, wholly.
fn shut_in(openings: &Openings) {
    let confinement = openings.close_for_this_thread().unwrap();
    assert!(confinement.is_whole(), "{confinement}");
}

fn refused<T>(result: std::io::Result<T>) {
    match result {
        Ok(_) => panic!("it was allowed"),
        Err(error) => assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}"),
    }
}

/// A folder with one file in it, elsewhere than the next.
fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "here").unwrap();
    (folder, file)
}

#[test]
fn files_elsewhere_are_neither_read_nor_written_nor_emptied_nor_listed() {
    if !can_be_shut_in() {
        return;
    }
    let ((open, file), (shut, other)) = (folder(), folder());
    shut_in(&Openings {
        read: vec![open.path().to_owned()],
        ..Openings::default()
    });
    assert_eq!(fs::read_to_string(&file).unwrap(), "here");
    assert_eq!(fs::read_dir(open.path()).unwrap().count(), 1);
    refused(fs::read("/etc/passwd"));
    refused(fs::read(&other));
    refused(fs::read_dir(shut.path()));
    refused(fs::read_dir("/"));
    for file in [&file, &other] {
        refused(fs::write(file, "gone"));
        refused(fs::OpenOptions::new().append(true).open(file));
        refused(fs::remove_file(file));
    }
    for folder in [&open, &shut] {
        refused(fs::write(folder.path().join("new"), "new"));
        refused(fs::create_dir(folder.path().join("new")));
    }
    refused(fs::rename(&file, shut.path().join("taken")));
}

#[test]
fn in_a_folder_to_write_files_are_made_renamed_linked_and_removed_and_sockets_are_bound() {
    if !can_be_shut_in() {
        return;
    }
    let ((open, file), (shut, _)) = (folder(), folder());
    shut_in(&Openings {
        write: vec![open.path().to_owned()],
        ..Openings::default()
    });
    let at = |name: &str| open.path().join(name);
    fs::write(&file, "changed").unwrap();
    fs::hard_link(&file, at("second")).unwrap();
    fs::rename(&file, at("moved")).unwrap();
    fs::remove_file(at("second")).unwrap();
    assert_eq!(fs::read_to_string(at("moved")).unwrap(), "changed");
    UnixListener::bind(at("socket")).unwrap();
    // A link that leads elsewhere could have somebody else read for it.
    refused(std::os::unix::fs::symlink("/etc/passwd", at("link")));
    refused(fs::rename(at("moved"), shut.path().join("moved")));
    fs::set_permissions(
        at("moved"),
        std::os::unix::fs::PermissionsExt::from_mode(0o700),
    )
    .unwrap();
    refused(Command::new(at("moved")).status());
}

#[test]
fn no_program_is_started_but_those_named_and_their_child_is_shut_in_too() {
    if !can_be_shut_in() {
        return;
    }
    let mut execute = loaded_code();
    assert!(execute.contains(&std::env::current_exe().unwrap()));
    execute.push("/usr/bin/cat".into());
    shut_in(&Openings {
        read: vec!["/usr/lib".into(), "/etc/ld.so.cache".into()],
        // What a child has for its standard input where nobody gives it one.
        write: vec!["/dev/null".into()],
        execute,
        ..Openings::default()
    });
    refused(Command::new("/bin/true").status());
    refused(Command::new("/bin/sh").arg("-c").arg("true").status());
    let told = Command::new("/usr/bin/cat")
        .arg("/etc/passwd")
        .output()
        .unwrap();
    assert!(!told.status.success() && told.stdout.is_empty());
    let why = String::from_utf8(told.stderr).unwrap();
    assert!(why.contains("Permission denied"), "{why}");
}

#[test]
fn no_port_is_connected_to_but_those_named_and_none_is_listened_at() {
    if !can_be_shut_in() {
        return;
    }
    let listen = || TcpListener::bind("127.0.0.1:0").unwrap();
    let (open, shut) = (listen(), listen());
    shut_in(&Openings {
        connect: vec![open.local_addr().unwrap().port()],
        ..Openings::default()
    });
    TcpStream::connect(open.local_addr().unwrap()).unwrap();
    refused(TcpStream::connect(shut.local_addr().unwrap()));
    refused(TcpListener::bind("127.0.0.1:0"));
    // One that was bound before goes on listening.
    assert!(open.accept().is_ok());
}

#[test]
fn other_processes_get_no_signal_from_it() {
    if !can_be_shut_in() {
        return;
    }
    let mut child = Command::new("/bin/sleep").arg("60").spawn().unwrap();
    let kill = {
        let pid = child.id();
        std::thread::spawn(move || {
            shut_in(&Openings::default());
            let pid = rustix::process::Pid::from_raw(pid as i32).unwrap();
            rustix::process::kill_process(pid, rustix::process::Signal::TERM)
        })
    };
    assert_eq!(kill.join().unwrap(), Err(rustix::io::Errno::PERM));
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_process_that_runs_threads_already_is_told_so_and_not_shut_in() {
    if !can_be_shut_in() {
        return;
    }
    // The test's own thread is not the process's first.
    let told = Openings::default().close_the_rest();
    assert!(
        matches!(told, Err(ConfinementError::Threads(2..))),
        "{told:?}"
    );
    fs::read("/etc/passwd").unwrap();
}

#[test]
fn to_ask_what_is_possible_changes_nothing() {
    if !can_be_shut_in() {
        return;
    }
    let possible = possible();
    assert!(possible.is_whole(), "{possible}");
    assert!(
        possible
            .to_string()
            .starts_with("files and ports, by Landlock ")
    );
    fs::read("/etc/passwd").unwrap();
    assert!(!Confinement::none("why").is_whole());
}

#[test]
fn what_does_not_exist_is_passed_over() {
    if !can_be_shut_in() {
        return;
    }
    let (open, file) = folder();
    shut_in(&Openings {
        read: vec!["/no/such/place".into(), open.path().to_owned()],
        write: vec![Path::new("/no/such/folder").to_owned()],
        ..Openings::default()
    });
    fs::read(&file).unwrap();
}
