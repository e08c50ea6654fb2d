//! Who is signed in at this command line: the session's file, which is its user's alone, and the clocks that a session is measured by. Names are nowhere typed: a
//! command that wants to know who asks looks the session up in the force's store.
//!
//! A user has one session at a time. Its file says of which force, so that only signing in has to be told.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{ErrorKind, Read as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use clap::Args;
use overt_deployment::Deployment;
use overt_records::{Force, ForceError, Moment, RecordsStay, SessionToken, SignedIn};
use rustix::fs::OFlags;
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::times::shown;
use crate::{output, watchlist};

/// The longest session file: a path, a token, and room.
const FILE_BYTES: u64 = 16 << 10;

/// Which force's people are meant.
#[derive(Default, Args)]
pub(crate) struct ForceArguments {
    /// The file of the force's people [default: the one of whoever is signed in]
    #[arg(long, value_name = "FILE", conflicts_with = "deployment")]
    force: Option<PathBuf>,
    /// A deployment file, for the one that it names
    #[arg(long, value_name = "FILE")]
    deployment: Option<PathBuf>,
}

impl ForceArguments {
    /// The store that was named, or the one of whoever is signed in.
    pub(crate) fn force(&self) -> Result<Force, Failure> {
        match self.named()? {
            Some(path) => Ok(Force::at(&path)),
            None => match SessionFile::read()? {
                Some(session) => Ok(Force::at(&session.force)),
                None => Err(Failure::mistake(
                    "it is not said which force's people are meant, and nobody is signed in",
                    "name the deployment (`--deployment deployment.toml`) or the file of its people (`--force force.redb`)",
                )),
            },
        }
    }

    fn named(&self) -> Result<Option<PathBuf>, Failure> {
        match (&self.force, &self.deployment) {
            (Some(force), _) => Ok(Some(force.clone())),
            (None, Some(file)) => Ok(Some(Deployment::read(file)?.host.force)),
            (None, None) => Ok(None),
        }
    }

    /// The store, and who is signed in there.
    pub(crate) fn signed_in(&self) -> Result<(Force, SignedIn), Failure> {
        let force = self.force()?;
        let who = signed_in(&force)?;
        Ok((force, who))
    }
}

impl From<ForceError> for Failure {
    fn from(error: ForceError) -> Self {
        match error {
            ForceError::Records(cause) => (*cause).into(),
            ForceError::WithinPeriod {
                asked,
                before,
                days,
            } => Failure::new(
                format!(
                    "the force's rules keep the register for {days} days, so that by this machine's clock nothing of {} or later may go, and {} was asked for",
                    shown(before),
                    shown(asked)
                ),
                error.mend(),
            ),
            ForceError::RecordsStay {
                ref deployment,
                why: RecordsStay::Younger { newest, before },
            } => Failure::new(
                format!(
                    "the records of {deployment} stay: something was done with them {}, and all has to be of before {}",
                    shown(newest),
                    shown(before)
                ),
                error.mend(),
            ),
            error => Failure::new(error.to_string(), error.mend()),
        }
    }
}

/// This moment, by both clocks.
pub(crate) fn now() -> Result<Moment, Failure> {
    const BOOT: &str = "/proc/sys/kernel/random/boot_id";
    let boot =
        std::fs::read_to_string(BOOT).map_err(|error| Failure::file(Path::new(BOOT), &error))?;
    let since = clock_gettime(ClockId::Boottime);
    // Neither is negative: the machine is on.
    let since_boot_ms =
        since.tv_sec.unsigned_abs() * 1000 + since.tv_nsec.unsigned_abs() / 1_000_000;
    Ok(Moment {
        at: watchlist::now(),
        boot: boot.trim().to_owned(),
        since_boot_ms,
    })
}

/// The operating system's user.
pub(crate) fn uid() -> u32 {
    nix::unistd::geteuid().as_raw()
}

/// Who is signed in at this store.
pub(crate) fn signed_in(force: &Force) -> Result<SignedIn, Failure> {
    let token = token_for(force)?;
    Ok(force.verify(&token, uid(), &now()?)?)
}

/// The token of whoever is signed in at this store.
pub(crate) fn token_for(force: &Force) -> Result<SessionToken, Failure> {
    let sign_in = || format!("`overt sign-in ID --force {}`", force.path().display());
    let Some(session) = SessionFile::read()? else {
        return Err(Failure::new(
            "nobody is signed in",
            format!("sign in: {}", sign_in()),
        ));
    };
    if whole(&session.force) != whole(force.path()) {
        return Err(Failure::new(
            format!(
                "you are signed in at {}, and this is another force's",
                session.force.display()
            ),
            format!("sign in here: {}", sign_in()),
        ));
    }
    session.token()
}

fn whole(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// What the file holds.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SessionFile {
    /// The force's store.
    pub(crate) force: PathBuf,
    token: Zeroizing<String>,
}

impl SessionFile {
    /// Keeps a session for this user's next commands.
    pub(crate) fn write(force: &Force, token: &SessionToken) -> Result<(), Failure> {
        let folder = folder()?;
        let failed = |error: std::io::Error| Failure::file(&folder, &error);
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&folder)
            .map_err(failed)?;
        // Not followed: somebody may have put a link there.
        let found = std::fs::symlink_metadata(&folder).map_err(failed)?;
        if !found.is_dir() || found.uid() != uid() || found.mode() & 0o077 != 0 {
            return Err(not_ours(&folder, found.mode(), "folder"));
        }
        let session = SessionFile {
            force: whole(force.path()),
            token: token.to_text(),
        };
        let text = serde_json::to_string(&session)
            .map(Zeroizing::new)
            .map_err(|error| {
                Failure::new(format!("the session cannot be written down: {error}"), "")
            })?;
        output::write(&folder.join(FILE), &text)
    }

    /// The session that was kept; `None` where there is none. A file that anybody else could have written or read is refused.
    pub(crate) fn read() -> Result<Option<SessionFile>, Failure> {
        let path = folder()?.join(FILE);
        let opened = OpenOptions::new()
            .read(true)
            .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
            .open(&path);
        let mut file = match opened {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Failure::file(&path, &error)),
            Ok(file) => file,
        };
        let found = file
            .metadata()
            .map_err(|error| Failure::file(&path, &error))?;
        if !found.is_file() || found.uid() != uid() || found.mode() & 0o077 != 0 {
            return Err(not_ours(&path, found.mode(), "file"));
        }
        let mut text = Zeroizing::new(String::new());
        let read = file.by_ref().take(FILE_BYTES).read_to_string(&mut text);
        let session = read.ok().and_then(|_| serde_json::from_str(&text).ok());
        session.map(Some).ok_or_else(|| unreadable(&path))
    }

    pub(crate) fn token(&self) -> Result<SessionToken, Failure> {
        match self.token.parse() {
            Ok(token) => Ok(token),
            Err(_) => Err(unreadable(&folder()?.join(FILE))),
        }
    }

    /// Removes it, where it is there.
    pub(crate) fn remove() -> Result<(), Failure> {
        let path = folder()?.join(FILE);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(Failure::file(&path, &error)),
            _ => Ok(()),
        }
    }
}

const FILE: &str = "session";

fn unreadable(path: &Path) -> Failure {
    Failure::new(
        format!("{}: this is no session of Overt's", path.display()),
        format!(
            "remove it (`rm {}`) and sign in again: `overt sign-in`",
            path.display()
        ),
    )
}

fn not_ours(path: &Path, mode: u32, what: &str) -> Failure {
    Failure::new(
        format!(
            "{}: is no {what} of this user's alone (mode {:04o}): others could act in your name",
            path.display(),
            mode & 0o777
        ),
        format!(
            "remove it (`rm -r {}`), sign in again, and consider who may have read it",
            path.display()
        ),
    )
}

/// `overt` in the user's folder for what goes with the machine's being switched off, by the XDG Base Directory Specification; in that for states where there is none.
fn folder() -> Result<PathBuf, Failure> {
    let absolute = |path: PathBuf| path.is_absolute().then_some(path);
    let named = |name| std::env::var_os(name).map(PathBuf::from).and_then(absolute);
    let home = || Some(absolute(std::env::home_dir()?)?.join(".local/state"));
    let found = named("XDG_RUNTIME_DIR")
        .or_else(|| named("XDG_STATE_HOME"))
        .or_else(home);
    match found {
        Some(folder) => Ok(folder.join("overt")),
        None => Err(Failure::new(
            "there is no folder for the session: this user has no home",
            "name one of theirs alone in XDG_RUNTIME_DIR",
        )),
    }
}
