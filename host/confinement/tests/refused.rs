//! What a process that has shut itself in is refused, tried from inside: each test runs in a thread of its own that shuts itself in and ends with it, and so do
//! the children that it starts. They need a kernel with Landlock 4 or later, and are skipped on another.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs;
use std::io::ErrorKind;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::{FromRawFd as _, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
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

/// A socket of any kind; closed at once.
fn new_socket(family: i32, kind: i32, protocol: i32) -> std::io::Result<()> {
    // SAFETY: it takes three numbers and gives one; nobody else has the descriptor, which is closed when `socket` is dropped.
    let socket = unsafe {
        match libc::socket(family, kind | libc::SOCK_CLOEXEC, protocol) {
            -1 => return Err(std::io::Error::last_os_error()),
            number => OwnedFd::from_raw_fd(number),
        }
    };
    drop(socket);
    Ok(())
}

#[test]
fn nothing_goes_past_the_ports_by_datagrams_or_by_streams_that_are_no_tcp() {
    if !can_be_shut_in() {
        return;
    }
    let open = TcpListener::bind("127.0.0.1:0").unwrap();
    shut_in(&Openings {
        connect: vec![open.local_addr().unwrap().port()],
        ..Openings::default()
    });
    TcpStream::connect(open.local_addr().unwrap()).unwrap();
    for family in [libc::AF_INET, libc::AF_INET6] {
        refused(new_socket(family, libc::SOCK_DGRAM, 0));
        refused(new_socket(family, libc::SOCK_SEQPACKET, 0));
        refused(new_socket(family, libc::SOCK_RAW, libc::IPPROTO_RAW));
        for protocol in [libc::IPPROTO_SCTP, libc::IPPROTO_MPTCP] {
            refused(new_socket(family, libc::SOCK_STREAM, protocol));
        }
        new_socket(family, libc::SOCK_STREAM, libc::IPPROTO_TCP).unwrap();
    }
    for family in [
        libc::AF_PACKET,
        libc::AF_NETLINK,
        libc::AF_VSOCK,
        libc::AF_BLUETOOTH,
        libc::AF_ALG,
    ] {
        refused(new_socket(family, libc::SOCK_RAW, 0));
        refused(new_socket(family, libc::SOCK_DGRAM, 0));
    }
}

#[test]
fn without_a_port_to_reach_there_is_no_socket_of_the_network_at_all() {
    if !can_be_shut_in() {
        return;
    }
    let there = TcpListener::bind("127.0.0.1:0").unwrap();
    shut_in(&Openings {
        // Names of nobody.
        names: true,
        ..Openings::default()
    });
    for family in [libc::AF_INET, libc::AF_INET6] {
        for kind in [libc::SOCK_STREAM, libc::SOCK_DGRAM] {
            refused(new_socket(family, kind, 0));
        }
    }
    // One that was open before goes on.
    there.local_addr().unwrap();
}

#[test]
fn where_names_are_looked_up_there_are_datagrams_and_nothing_else_besides() {
    if !can_be_shut_in() {
        return;
    }
    shut_in(&Openings {
        connect: vec![443],
        names: true,
        ..Openings::default()
    });
    let (one, other) = (
        UdpSocket::bind("127.0.0.1:0").unwrap(),
        UdpSocket::bind("127.0.0.1:0").unwrap(),
    );
    one.send_to(b"where?", other.local_addr().unwrap()).unwrap();
    for protocol in [libc::IPPROTO_ICMP, libc::IPPROTO_UDPLITE] {
        refused(new_socket(libc::AF_INET, libc::SOCK_DGRAM, protocol));
    }
    refused(new_socket(libc::AF_INET, libc::SOCK_RAW, libc::IPPROTO_RAW));
}

/// In a process of its own, for it concerns every thread there is.
#[test]
fn no_other_program_of_this_machine_can_be_asked_once_local_sockets_are_closed() {
    if !can_be_shut_in() {
        return;
    }
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "every_thread_loses_local_sockets"])
        .output()
        .unwrap();
    let told = String::from_utf8(child.stdout).unwrap();
    assert!(child.status.success(), "{told}");
    assert!(told.contains("1 passed"), "{told}");
}

#[test]
#[ignore = "started by the test above, in a process of its own"]
fn every_thread_loses_local_sockets() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("socket");
    let listening = UnixListener::bind(&place).unwrap();
    let before = UnixStream::connect(&place).unwrap();
    let (go, gone) = std::sync::mpsc::channel::<()>();
    let other = {
        let place = place.clone();
        std::thread::spawn(move || {
            gone.recv().unwrap();
            refused(UnixStream::connect(&place));
        })
    };
    overt_confinement::close_local_sockets().unwrap();
    go.send(()).unwrap();
    other.join().unwrap();
    refused(UnixStream::connect(&place));
    refused(UnixListener::bind(folder.path().join("second")));
    // What was open before goes on.
    listening.accept().unwrap();
    drop(before);
    // And so does what needs no place: a pair of its own.
    UnixStream::pair().unwrap();
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
