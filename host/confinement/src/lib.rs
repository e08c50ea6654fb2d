//! Shuts the process in: from then on it reaches the files and the ports that were named, and no others, whatever code runs in it. The kernel sees to that
//! (Landlock), for this process and for every child of it, and nothing in the process can undo it. What Landlock has no word for stays open: UDP, and Unix sockets
//! that are files. This crate knows no deployment.
//!
//! What it asks for is Landlock's version 7, of Linux 6.15; a kernel that knows less gives less, and [`Confinement`] says what that is.

use std::fmt;
use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible as _, LandlockStatus,
    NetPort, PathBeneath, PathFd, Ruleset, RulesetAttr as _, RulesetCreatedAttr as _, RulesetError,
    Scope,
};
use serde::Serialize;

/// What was tried and tested. A later version may shut off more than anybody has looked at.
const TESTED: ABI = ABI::V7;

/// The first version that keeps files from being emptied; before it, one that may not be written can be cut to nothing.
const FILES: u32 = 3;

/// The first version that knows ports.
const NETWORK: u32 = 4;

/// What stays open. What does not exist is passed over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Openings {
    /// Files that may be read, and folders that may be listed and read with all that is in them.
    pub read: Vec<PathBuf>,
    /// Folders in which everything may be read, written, made, renamed and removed; and files that may be read and written.
    pub write: Vec<PathBuf>,
    /// Programs that may be started, with the loader that the kernel starts them by.
    pub execute: Vec<PathBuf>,
    /// Devices that may be read, written and set.
    pub devices: Vec<PathBuf>,
    /// TCP ports, of whatever address, that may be connected to. None may be listened at.
    pub connect: Vec<u16>,
}

/// What is in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Confinement {
    /// The version of Landlock that is in force, 7 at most; absent where the process is not shut in at all.
    pub landlock_abi: Option<u32>,
    /// Whether files are shut off but for those named.
    pub files: bool,
    /// Whether TCP ports are shut off but for those named.
    pub network: bool,
    /// Why not everything is.
    pub reason: Option<String>,
}

/// Why a process could not be shut in although the kernel could.
#[derive(Debug, thiserror::Error)]
pub enum ConfinementError {
    /// Threads that were started before would stay outside.
    #[error("{0} threads run already, and those that were started before stay outside")]
    Threads(usize),
    /// A path that is to stay open cannot be looked at.
    #[error("{}: {cause}", path.display())]
    Path {
        /// The path.
        path: PathBuf,
        /// What the system says.
        cause: std::io::Error,
    },
    /// The kernel refuses.
    #[error("the kernel refuses: {0}")]
    Kernel(#[from] RulesetError),
}

impl Confinement {
    /// Nothing is shut off, for this reason.
    pub fn none(reason: impl Into<String>) -> Confinement {
        Confinement {
            landlock_abi: None,
            files: false,
            network: false,
            reason: Some(reason.into()),
        }
    }

    /// Whether files and ports are both shut off.
    pub fn is_whole(&self) -> bool {
        self.files && self.network
    }

    fn of(status: LandlockStatus) -> Confinement {
        let abi = match status {
            LandlockStatus::Available { effective_abi, .. } => {
                (effective_abi as u32).min(TESTED as u32)
            }
            LandlockStatus::NotEnabled => {
                return Confinement::none("this kernel has Landlock, and it is switched off");
            }
            LandlockStatus::NotImplemented => {
                return Confinement::none("this kernel has no Landlock");
            }
        };
        let (files, network) = (abi >= FILES, abi >= NETWORK);
        let reason = match (files, network) {
            (true, true) => None,
            (true, false) => Some("this kernel's Landlock cannot shut off ports".to_owned()),
            (false, _) => Some(
                "this kernel's Landlock cannot shut off ports, nor keep files from being emptied"
                    .to_owned(),
            ),
        };
        Confinement {
            landlock_abi: Some(abi),
            files,
            network,
            reason,
        }
    }
}

impl fmt::Display for Confinement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.landlock_abi, &self.reason) {
            (Some(abi), None) => write!(f, "files and ports, by Landlock {abi}"),
            (Some(abi), Some(reason)) => write!(f, "in part, by Landlock {abi}: {reason}"),
            (None, Some(reason)) => write!(f, "no: {reason}"),
            (None, None) => f.write_str("no"),
        }
    }
}

impl Openings {
    /// Shuts this process in, from now until it ends. To be called before any other thread is started.
    ///
    /// # Errors
    /// Where it is too late, or the kernel could and refuses. A kernel that cannot is no error: the answer says so.
    pub fn close_the_rest(&self) -> Result<Confinement, ConfinementError> {
        let threads = threads();
        if threads > 1 {
            return Err(ConfinementError::Threads(threads));
        }
        self.close_for_this_thread()
    }

    /// The same for the calling thread and those that it starts: what a test can undo by ending the thread.
    ///
    /// # Errors
    /// Where the kernel could and refuses.
    pub fn close_for_this_thread(&self) -> Result<Confinement, ConfinementError> {
        let mut rules = Ruleset::default()
            .set_compatibility(CompatLevel::BestEffort)
            .handle_access(AccessFs::from_all(TESTED))?
            .handle_access(AccessNet::from_all(TESTED))?
            // Nor may it send signals to other processes, or reach sockets that have no file.
            .scope(Scope::from_all(TESTED))?
            .create()?;
        let device = AccessFs::ReadFile | AccessFs::WriteFile | AccessFs::IoctlDev;
        let kinds: [(&[PathBuf], BitFlags<AccessFs>); 4] = [
            (&self.read, AccessFs::ReadFile | AccessFs::ReadDir),
            (&self.write, write()),
            (&self.execute, AccessFs::Execute | AccessFs::ReadFile),
            (&self.devices, device),
        ];
        for (paths, access) in kinds {
            for path in paths {
                let is_folder = match std::fs::metadata(path) {
                    Ok(facts) => facts.is_dir(),
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                    Err(cause) => return Err(at(path, cause)),
                };
                let access = match is_folder {
                    true => access,
                    false => access & AccessFs::from_file(TESTED),
                };
                let Ok(place) = PathFd::new(path) else {
                    // It went between the two looks.
                    continue;
                };
                rules = rules.add_rule(PathBeneath::new(place, access))?;
            }
        }
        for port in &self.connect {
            rules = rules.add_rule(NetPort::new(*port, AccessNet::ConnectTcp))?;
        }
        Ok(Confinement::of(rules.restrict_self()?.landlock))
    }
}

/// Everything that can be done in a folder, but for starting programs and making devices and links that lead elsewhere.
fn write() -> BitFlags<AccessFs> {
    AccessFs::from_all(TESTED)
        & !(AccessFs::Execute
            | AccessFs::MakeChar
            | AccessFs::MakeBlock
            | AccessFs::MakeSym
            | AccessFs::IoctlDev)
}

fn at(path: &Path, cause: std::io::Error) -> ConfinementError {
    ConfinementError::Path {
        path: path.to_owned(),
        cause,
    }
}

/// Threads of this process; one where the kernel does not say.
fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").map_or(1, |tasks| tasks.count().max(1))
}

/// What this kernel could do, tried in a thread that ends with it.
pub fn possible() -> Confinement {
    let tried = std::thread::spawn(|| Openings::default().close_for_this_thread()).join();
    match tried {
        Ok(Ok(confinement)) => confinement,
        Ok(Err(error)) => Confinement::none(error.to_string()),
        Err(_) => Confinement::none("it could not be tried"),
    }
}

/// Files whose code this process runs: its own program, the loader, and the libraries that were loaded so far. A child of the same program needs the same.
pub fn loaded_code() -> Vec<PathBuf> {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let mut files: Vec<PathBuf> = maps
        .lines()
        .filter_map(|line| {
            // address, rights, offset, device, inode, and behind spaces the path.
            let mut fields = line.splitn(6, ' ');
            let rights = fields.nth(1)?;
            let path = fields.nth(3)?.trim_start();
            (rights.contains('x') && path.starts_with('/')).then(|| path.into())
        })
        .collect();
    files.sort();
    files.dedup();
    files
}
