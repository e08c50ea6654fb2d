//! What stays open to a command after it has shut itself in: what its deployment file and its arguments name, and what this program and its libraries are made of.
//!
//! Done when the deployment file is read and before anything else of the deployment is opened, and before any thread is started: no plugin, model, picture or
//! record is parsed by a process that can reach more than this. `run` and whatever else runs plugins or models or opens photographs does it.

use std::net::IpAddr;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use overt_confinement::{Confinement, Openings, loaded_code};
use overt_deployment::{ChannelKind, Confine, Deployment, Device, KeySource, Source, Trust};
use overt_pipeline::PipelineError;
use overt_pipeline::machine::BackendChoice;

use crate::failure::Failure;
use crate::{machine, output};

/// What libraries, the loader and the standard library read on any Linux.
const SYSTEM: [&str; 15] = [
    "/usr/lib",
    "/usr/local/lib",
    "/lib",
    "/lib64",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/usr/share/zoneinfo",
    "/proc/self",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/sys/devices/system",
    "/proc/sys/kernel/random/boot_id",
    "/sys/fs/cgroup",
    "/dev/urandom",
    "/dev/random",
];

/// What a camera's or a receiver's name is looked up in.
const NAMES: [&str; 5] = [
    "/etc/hosts",
    "/etc/resolv.conf",
    "/etc/nsswitch.conf",
    "/etc/host.conf",
    "/etc/gai.conf",
];

/// Shuts the process in, with these files and folders to read besides. Where the kernel cannot, it says so, or refuses where the deployment says so.
pub(crate) fn confine(deployment: &Deployment, more: &[PathBuf]) -> Result<Confinement, Failure> {
    close(deployment, more, &[])
}

/// The same for a command that runs no camera and tells nobody anything: it reaches no network at all, and of the files that its arguments name it reads and leaves these. It holds no socket, so it
/// gives them up at once. Where the kernel cannot, the person at the terminal is told.
pub(crate) fn confine_aside(
    deployment: &Deployment,
    read: &[PathBuf],
    left: &[&Path],
) -> Result<(), Failure> {
    let mut bare = deployment.clone();
    bare.cameras.clear();
    bare.channels.clear();
    let confinement = close(&bare, read, left)?;
    if !confinement.is_whole() {
        say_open(&confinement);
    }
    close_local_sockets(deployment)
}

/// The same for a command without a deployment: it reads these, and the library that runs models where there is one.
pub(crate) fn confine_alone(library: Option<&Path>, read: &[PathBuf]) {
    let mut open = Openings {
        execute: loaded_code(),
        ..bare(library)
    };
    open.read.extend_from_slice(read);
    keep_cache(&mut open);
    let confinement = closed(&open);
    let sockets = without_local_sockets();
    if !confinement.is_whole() {
        say_open(&confinement);
    } else if let Err(told) = sockets {
        say_open(&told);
    }
}

/// Once the sockets of this process are open: nothing in it can ask another program of this machine for anything from here on.
pub(crate) fn close_local_sockets(deployment: &Deployment) -> Result<(), Failure> {
    // NVIDIA's driver has a helper of its own, behind such a socket.
    if let Device::Cuda { .. } = deployment.host.device {
        return Ok(());
    }
    let Err(told) = without_local_sockets() else {
        return Ok(());
    };
    match deployment.host.confine {
        Confine::Required => Err(Failure::new(
            told,
            "run it where the kernel has seccomp, or leave `confine = \"required\"` under [host] out",
        )),
        Confine::Possible => {
            say_open(&told);
            Ok(())
        }
    }
}

/// Gives up sockets within this machine, or says in words that they could not be.
fn without_local_sockets() -> Result<(), String> {
    overt_confinement::close_local_sockets()
        .map_err(|error| format!("other programs of this machine cannot be shut off: {error}"))
}

/// Tells the person at the terminal what is not shut off.
fn say_open(what: &dyn std::fmt::Display) {
    output::say(&format!("NOT SHUT IN: {what}.\n"));
}

/// What is in force once all but these is shut off: nothing, with its reason, where that failed.
fn closed(open: &Openings) -> Confinement {
    open.close_the_rest()
        .unwrap_or_else(|error| Confinement::none(error.to_string()))
}

fn close(
    deployment: &Deployment,
    read: &[PathBuf],
    left: &[&Path],
) -> Result<Confinement, Failure> {
    let mut open = openings(deployment)?;
    open.read.extend_from_slice(read);
    for file in left {
        // Written beside its place and renamed into it.
        open.write.push(output::folder_of(file).to_owned());
    }
    held_to(deployment.host.confine, closed(&open))
}

/// What is in force, if that is enough for the deployment.
fn held_to(wanted: Confine, confinement: Confinement) -> Result<Confinement, Failure> {
    if wanted == Confine::Possible || confinement.is_whole() {
        return Ok(confinement);
    }
    Err(Failure::new(
        format!(
            "the deployment file wants the process shut in (`confine = \"required\"` under [host]); found: {confinement}"
        ),
        "run it on Linux 6.7 or later with Landlock switched on (`landlock` among the `lsm=` of the kernel's command line)",
    ))
}

/// What a process needs that runs a model with a library and does nothing else.
pub(crate) fn bare(library: Option<&Path>) -> Openings {
    let mut open = Openings {
        read: SYSTEM.map(PathBuf::from).to_vec(),
        write: vec!["/dev/null".into()],
        ..Openings::default()
    };
    if let Some(library) = library {
        read_beside(&mut open.read, library);
    }
    open
}

/// Compiled plugins are kept there, and what is known of models.
fn keep_cache(open: &mut Openings) {
    if let Some(cache) = machine::cache_folder() {
        // Where it cannot be made, starting the machine says so.
        let _ = std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&cache);
        open.write.push(cache);
    }
}

/// What a deployment needs. Makes the folders that a run writes into, since what does not exist cannot be kept open.
fn openings(deployment: &Deployment) -> Result<Openings, Failure> {
    let host = &deployment.host;
    let choice = BackendChoice::of(deployment);
    let library = choice
        .find(deployment.file())
        .map_err(|error: PipelineError| Failure::from(error))?;

    let mut open = Openings {
        // The compiler of plugins is this program as a child.
        execute: loaded_code(),
        ..bare(Some(&library))
    };
    // Files that may be put anew beside or in the place of the old one while the run goes on.
    let mut beside = vec![deployment.file().to_owned(), host.lock.clone()];
    beside.extend(deployment.authority.calibration.clone());
    for plugin in deployment.plugins.all() {
        beside.extend(plugin.calibration.clone());
        beside.push(plugin.file.clone());
        beside.extend(plugin.models.values().cloned());
    }
    if let Trust::Signed { keys, .. } = &deployment.trust {
        for key in keys {
            if let KeySource::File(file) = &key.source {
                beside.push(file.clone());
            }
        }
    }
    for file in &beside {
        read_beside(&mut open.read, file);
    }
    open.read.extend(host.models.clone());

    for camera in &deployment.cameras {
        match &camera.source {
            Source::File(path) => open.read.push(path.clone()),
            Source::V4l2(number) => open.devices.push(format!("/dev/video{number}").into()),
            Source::Rtsp(source) => {
                reach(&mut open, source.address.host(), source.address.port());
                open.read.extend(source.credentials.clone());
            }
            // One that this host cannot open is refused when it is opened.
            _ => {}
        }
    }

    for channel in &deployment.channels {
        match &channel.kind {
            ChannelKind::File(path) => open.write.push(made(output::folder_of(path))?),
            ChannelKind::Webhook(webhook) => {
                reach(&mut open, webhook.address.host(), webhook.address.port());
                if let Some(file) = &webhook.authorities {
                    read_beside(&mut open.read, file);
                }
            }
            // This terminal is open already.
            _ => {}
        }
    }

    open.write.push(made(&host.output)?);
    open.write.push(made(output::folder_of(&host.records))?);
    // Whoever asks the run for something is looked up there.
    open.write.push(made(output::folder_of(&host.force))?);
    keep_cache(&mut open);
    if let Device::Cuda { .. } = host.device {
        graphics(&mut open);
    }
    Ok(open)
}

/// A port of another machine; and where that has a name, what it is looked up by.
fn reach(open: &mut Openings, host: &str, port: u16) {
    open.connect.push(port);
    if host.parse::<IpAddr>().is_err() {
        open.names = true;
        open.read.extend(NAMES.map(PathBuf::from));
    }
}

/// The folder of a file, and of what it is a link to: whatever is renamed into its place is met as well. Where that folder holds a whole system or a user's
/// home, the file alone.
fn read_beside(read: &mut Vec<PathBuf>, file: &Path) {
    let mut places = vec![file.to_owned()];
    places.extend(file.canonicalize().ok());
    for file in places {
        let folder = output::folder_of(&file);
        let whole = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        let home = std::env::home_dir();
        let is_too_much =
            home.is_some_and(|home| home.starts_with(&whole)) || whole == Path::new("/");
        read.push(match is_too_much {
            true => file,
            false => whole,
        });
    }
}

/// A folder that is there from now on.
fn made(folder: &Path) -> Result<PathBuf, Failure> {
    std::fs::create_dir_all(folder).map_err(|error| Failure::file(folder, &error))?;
    Ok(folder.to_owned())
}

/// What NVIDIA's driver opens for a graphics card.
fn graphics(open: &mut Openings) {
    open.read
        .extend(["/proc", "/sys", "/usr/local", "/opt"].map(PathBuf::from));
    for entry in std::fs::read_dir("/dev").into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with("nvidia") {
            open.devices.push(entry.path());
        }
    }
    // Libraries that lie elsewhere; the loader heeds this variable as it was when the process began.
    if let Some(folders) = std::env::var_os("LD_LIBRARY_PATH") {
        let folders = std::env::split_paths(&folders);
        open.read
            .extend(folders.filter(|folder| folder.is_absolute()));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use std::fs;
    use std::io::ErrorKind;
    use std::net::{TcpListener, TcpStream, UdpSocket};
    use std::process::Command;

    use super::*;

    /// The demonstration's deployment in a folder of its own, with a camera on the network and a receiver of messages at these ports, and everything that it names beside it.
    fn deployment(folder: &Path, port: u16, receiver: u16) -> Deployment {
        let demonstration =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/walk-past/deployment.toml");
        let text = fs::read_to_string(demonstration).unwrap();
        let text = text
            .replace("../../out/demo", "out")
            .replace("../../.overt", "parts")
            .replace(
                "file = \"out/walk-past.avi\"",
                &format!("source = \"rtsp://127.0.0.1:{port}/live\""),
            )
            .replace("[host]\n", "[host]\nonnxruntime = \"parts/library.so\"\n")
            .replace(
                "[retention]",
                &format!(
                    "[[channel]]\nname = \"far\"\npurpose = \"action\"\nkind = \"webhook\"\nurl = \"http://127.0.0.1:{receiver}/\"\n
                     [[channel]]\nname = \"log\"\npurpose = \"action\"\nkind = \"file\"\nfile = \"told/log.jsonl\"\n\n[retention]"
                ),
            );
        let file = folder.join("deployment.toml");
        fs::write(&file, &text).unwrap();
        for place in ["parts/plugins", "parts/models", "parts/keys", "elsewhere"] {
            fs::create_dir_all(folder.join(place)).unwrap();
            fs::write(folder.join(place).join("any"), "any").unwrap();
        }
        Deployment::read(&file).unwrap()
    }

    fn refused<T>(result: std::io::Result<T>) {
        match result {
            Ok(_) => panic!("it was allowed"),
            Err(error) => assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}"),
        }
    }

    #[test]
    fn a_run_reaches_what_its_deployment_names_and_nothing_else() {
        let possible = overt_confinement::possible();
        if !possible.is_whole() {
            eprintln!("skipped: {possible}");
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let listen = || TcpListener::bind("127.0.0.1:0").unwrap();
        let (camera, receiver, other) = (listen(), listen(), listen());
        let port = |of: &TcpListener| of.local_addr().unwrap().port();
        let deployment = deployment(folder.path(), port(&camera), port(&receiver));
        let openings = openings(&deployment).unwrap();
        // This thread, which is the test's own, and those that it starts.
        assert!(openings.close_for_this_thread().unwrap().is_whole());

        // Swapped while the run goes on: whatever is put there is met.
        for folder in ["parts/plugins", "parts/models", "parts/keys"] {
            fs::read(at(folder).join("any")).unwrap();
            refused(fs::write(at(folder).join("any"), "other"));
            refused(fs::write(at(folder).join("new"), "new"));
        }
        fs::read(deployment.file()).unwrap();
        refused(fs::write(deployment.file(), "other"));
        for file in ["out/records.redb", "out/summary.json"] {
            fs::write(at(file), "new").unwrap();
            fs::rename(at(file), at("out/old")).unwrap();
            fs::remove_file(at("out/old")).unwrap();
        }
        fs::write(at("told/log.jsonl"), "a line").unwrap();
        refused(fs::read("/etc/passwd"));
        refused(fs::read_dir("/"));
        refused(fs::read_dir(std::env::home_dir().unwrap()));
        refused(fs::write(std::env::temp_dir().join("overt-new"), "new"));

        TcpStream::connect(camera.local_addr().unwrap()).unwrap();
        TcpStream::connect(receiver.local_addr().unwrap()).unwrap();
        refused(TcpStream::connect(other.local_addr().unwrap()));
        refused(TcpListener::bind("127.0.0.1:0"));
        // Both have addresses: no name has to be looked up.
        refused(UdpSocket::bind("127.0.0.1:0"));

        refused(Command::new("/bin/true").status());
        refused(Command::new("/bin/sh").arg("-c").arg("true").status());
        // Itself it may start: that is how plugins are compiled.
        let itself = Command::new(std::env::current_exe().unwrap())
            .arg("--list")
            .env_clear()
            .output()
            .unwrap();
        assert!(itself.status.success());
    }

    #[test]
    fn a_deployment_file_in_the_home_folder_does_not_open_the_home() {
        let home = std::env::home_dir().unwrap();
        for file in [home.join("deployment.toml"), "/plugin.wasm".into()] {
            let mut read = Vec::new();
            read_beside(&mut read, &file);
            assert_eq!(read, [file]);
        }
        let mut read = Vec::new();
        read_beside(&mut read, Path::new("/usr/lib/os-release"));
        assert_eq!(read, [Path::new("/usr/lib"), Path::new("/usr/lib")]);
    }

    #[test]
    fn a_deployment_that_wants_it_does_not_run_without_and_any_other_does() {
        let none = || Confinement::none("this kernel has no Landlock");
        assert_eq!(held_to(Confine::Possible, none()).unwrap(), none());
        let failure = held_to(Confine::Required, none()).unwrap_err();
        let told = failure.render(false);
        assert!(
            told.contains("no: this kernel has no Landlock") && told.contains("Linux 6.7"),
            "{told}"
        );
        let in_part = Confinement {
            landlock_abi: Some(3),
            files: true,
            network: false,
            calls: true,
            reason: None,
        };
        assert!(held_to(Confine::Required, in_part).is_err());
    }
}
