//! The end of the socket that `overt run` holds. Whoever asks is the user that the run belongs to, or root; the kernel says so. Which person of the force it is, where that matters, says
//! their session's token: it is looked up in the force's store for each question, with the user that the kernel names, and the store is closed again. A question is short, comes
//! soon, and is one of few at a time, while more wait outside: nobody who asks holds the run up, or others who ask for long.

use std::fs::{DirBuilder, File};
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use overt_deployment::Deployment;
use overt_pipeline::control::{self as pipeline, Answer, Question};
use overt_pipeline::inquiry::InquiryError;
use overt_pipeline::list_change::ListError;
use overt_pipeline::lock::LockFile;
use overt_pipeline::swap::{Swap, SwapError};
use overt_records::{Force, SignedIn};
use zeroize::Zeroizing;

use super::listed;
use super::{Ask, Asked, QUESTION_BYTES, Refusal, SOCKET, Shown, Status, SwappedTo, Told, address};
use crate::failure::Failure;
use crate::{run, session};

/// How long a question may take to come, and an answer to be taken.
const PATIENCE: Duration = Duration::from_secs(5);

/// Who may be asking at a time; more wait outside. A swap, an addition to the watchlist and a long question of the records may take long, and there is one of each.
const CONNECTIONS: usize = 8;

/// Before another try where nobody can be let in, such as with too many files open.
const PAUSE: Duration = Duration::from_millis(50);

/// What the run was begun with, so that the deployment file can be read again in the same way.
#[derive(Clone)]
pub(crate) struct Begun {
    pub(crate) file: PathBuf,
    pub(crate) deployment: String,
    pub(crate) cameras: Vec<String>,
    pub(crate) locked: bool,
    /// The store of the force's people.
    pub(crate) force: PathBuf,
}

/// The socket; gone when this is dropped.
pub(crate) struct Server {
    folder: PathBuf,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(self.folder.join(SOCKET));
        let _ = std::fs::remove_dir(&self.folder);
    }
}

impl Server {
    /// Opens the socket and answers in a thread of its own. The records have to be open: then no other run has this socket.
    pub(crate) fn start(
        folder: &Path,
        begun: Begun,
        requests: Sender<pipeline::Request>,
    ) -> Result<Server, Failure> {
        let failed = |error: std::io::Error| Failure::file(folder, &error);
        let open = own_folder(folder)?;
        let socket = folder.join(SOCKET);
        match std::fs::remove_file(&socket) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(failed(error));
            }
            _ => {}
        }
        let listener = UnixListener::bind(address(&open)).map_err(failed)?;
        let server = Server {
            folder: folder.to_owned(),
        };
        let answering = move || {
            let (give, take) = bounded(CONNECTIONS);
            loop {
                // First the place, then whoever takes it: who waits outside is answered in turn. This thread holds the other end, so it does not fail.
                let _ = give.send(());
                let place = Place(take.clone());
                let Ok((stream, _)) = listener.accept() else {
                    std::thread::sleep(PAUSE);
                    continue;
                };
                let (begun, requests) = (begun.clone(), requests.clone());
                let answer = move || {
                    let _place = place;
                    answer(&stream, &begun, &requests);
                };
                // Without a thread there is no answer, and whoever asks sees that.
                let _ = std::thread::Builder::new()
                    .name("overt-answer".to_owned())
                    .spawn(answer);
            }
        };
        std::thread::Builder::new()
            .name("overt-socket".to_owned())
            .spawn(answering)
            .map_err(failed)?;
        Ok(server)
    }
}

/// One of few that may be asking.
struct Place(Receiver<()>);

impl Drop for Place {
    fn drop(&mut self) {
        // The token was put there when this place was made; there is one to take.
        let _ = self.0.try_recv();
    }
}

/// What comes from a connection until a moment, however slowly: every byte by itself would have its own time otherwise.
struct Until<'a> {
    stream: &'a UnixStream,
    end: Instant,
}

impl Read for Until<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let left = self.end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(std::io::ErrorKind::TimedOut.into());
        }
        self.stream.set_read_timeout(Some(left))?;
        self.stream.read(into)
    }
}

/// The folder, which nobody else may enter.
fn own_folder(folder: &Path) -> Result<File, Failure> {
    let failed = |error: std::io::Error| Failure::file(folder, &error);
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            return Err(failed(error));
        }
        _ => {}
    }
    // Not followed: somebody may have put a link there.
    let found = std::fs::symlink_metadata(folder).map_err(failed)?;
    let own = found.uid() == nix::unistd::geteuid().as_raw();
    if !found.is_dir() || !own || found.mode() & 0o077 != 0 {
        return Err(Failure::new(
            format!(
                "{}: is no folder of this user's alone, and whoever can enter it could change what runs",
                folder.display()
            ),
            format!("remove it: `rm -r {}`", folder.display()),
        ));
    }
    File::open(folder).map_err(failed)
}

/// The other end's user, if the kernel says that it is this one, or root.
fn ours(stream: &UnixStream) -> Option<u32> {
    let own = nix::unistd::geteuid().as_raw();
    let peer = getsockopt(stream, PeerCredentials).ok()?.uid();
    (peer == own || peer == 0).then_some(peer)
}

/// Who asks, of the force's people.
fn who(begun: &Begun, asked: Option<&Shown>, uid: u32) -> Result<SignedIn, Failure> {
    let token = asked.and_then(|shown| shown.0.parse().ok());
    let Some(token) = token else {
        return Err(Failure::new(
            "nobody is signed in",
            "sign in: `overt sign-in ID`",
        ));
    };
    Ok(Force::at(&begun.force).verify(&token, uid, &session::now()?)?)
}

/// Hears one question and answers it. Where whoever asked has gone, what was asked goes on.
fn answer(stream: &UnixStream, begun: &Begun, requests: &Sender<pipeline::Request>) {
    let try_to_tell = |told: &Told| {
        let line = serde_json::to_string(told).map(|line| Zeroizing::new(line + "\n"));
        line.is_ok_and(|line| (&*stream).write_all(line.as_bytes()).is_ok())
    };
    let tell = |told: &Told| {
        let _ = try_to_tell(told);
    };
    let refused = |what: &str, mend: &str| {
        Told::Refused(vec![Refusal {
            what: what.to_owned(),
            mend: Some(mend.to_owned()),
        }])
    };
    if stream.set_write_timeout(Some(PATIENCE)).is_err() {
        return;
    }
    let Some(uid) = ours(stream) else {
        return;
    };
    // It may hold a token.
    let mut line = Zeroizing::new(String::new());
    let coming = Until {
        stream,
        end: Instant::now() + PATIENCE,
    };
    let read = BufReader::new(coming.take(QUESTION_BYTES)).read_line(&mut line);
    let asked: Asked = match (read, serde_json::from_str(&line)) {
        (Ok(_), Ok(asked)) => asked,
        _ => return tell(&refused("this is no question", "ask with `overt`")),
    };
    let own = env!("CARGO_PKG_VERSION");
    if asked.overt != own {
        return tell(&refused(
            &format!("the run is of overt {own}, and {} asks", asked.overt),
            "ask with the version that runs",
        ));
    }
    let question = match asked.ask {
        Ask::Status => Question::Status,
        Ask::Swap { reason } => {
            match who(begun, asked.session.as_ref(), uid).and_then(|by| wanted(begun, by, reason)) {
                Ok(swap) => Question::Swap(Box::new(swap)),
                Err(failure) => return tell(&Told::Refused(refusals(&failure))),
            }
        }
        Ask::Custody(ask) => {
            // What anybody may needs nobody to be signed in.
            let by = who(begun, asked.session.as_ref(), uid).ok().map(Box::new);
            let ask = Box::new(ask);
            Question::Custody { ask, by }
        }
        Ask::Inquiry(ask) => {
            // What anybody may comes without a session; one that is no good any more says why.
            let shown = asked.session.as_ref();
            let by = shown.map(|shown| who(begun, Some(shown), uid)).transpose();
            match by.and_then(|by| Ok((by, now_of(begun)?))) {
                Ok((by, deployment)) => Question::Inquiry {
                    ask: Box::new(ask),
                    by: by.map(Box::new),
                    deployment: Box::new(deployment),
                },
                Err(failure) => return tell(&Told::Refused(refusals(&failure))),
            }
        }
        Ask::Desk(ask) => match who(begun, asked.session.as_ref(), uid) {
            Ok(by) => Question::Desk {
                ask: Box::new(ask),
                by: Box::new(by),
            },
            Err(failure) => return tell(&Told::Refused(refusals(&failure))),
        },
        Ask::Remove { reference, reason } => match who(begun, asked.session.as_ref(), uid) {
            Ok(by) => Question::Remove(Box::new(listed::removal(reference, reason, by))),
            Err(failure) => return tell(&Told::Refused(refusals(&failure))),
        },
        Ask::Add(add) => match who(begun, asked.session.as_ref(), uid).map(|by| add.asked(by)) {
            Ok(Some(add)) => Question::Add(Box::new(add)),
            Ok(None) => return tell(&refused("this is no question", "ask with `overt`")),
            Err(failure) => return tell(&Told::Refused(refusals(&failure))),
        },
    };
    let ending = || refused("the run is about to end", "begin the next one");
    // What may be long waits for whoever takes it, and is not piled up here.
    let (answers, told) = match question {
        Question::Inquiry { .. } => bounded(1),
        _ => unbounded(),
    };
    let request = pipeline::Request {
        what: question,
        answers,
    };
    if requests.send(request).is_err() {
        return tell(&ending());
    }
    let mut is_told = false;
    for answer in told {
        let told = match answer {
            Answer::Status(status) => match *status {
                Ok(status) => Told::Status(Status {
                    deployment: begun.deployment.clone(),
                    frames_read: status.read,
                    frames_processed: status.processed,
                    frames_dropped: status.dropped,
                    frames_unseen: status.unseen,
                    quarantines: status.quarantines.iter().map(Into::into).collect(),
                    generations: status.generations.iter().map(Into::into).collect(),
                }),
                Err(error) => Told::Refused(refusals(&error.into())),
            },
            Answer::Step(step) => Told::Step(step.into()),
            Answer::Custody(told) => match *told {
                Ok(told) => Told::Custody(told),
                Err(error) => refused(&error.to_string(), &error.mend()),
            },
            Answer::Inquiry(told) => match *told {
                Ok(told) => Told::Inquiry(told),
                Err(error) => Told::Refused(refusals(&error.into())),
            },
            Answer::Desk(told) => match *told {
                Ok(told) => Told::Desk(told),
                Err(error) => refused(&error.to_string(), &error.mend()),
            },
            Answer::Swapped(swapped) => match *swapped {
                Ok(swapped) => Told::Swapped(SwappedTo::from(&swapped)),
                Err(SwapError::Pipeline(error)) if error.each().len() > 1 => {
                    Told::Refused(refusals(&error.into()))
                }
                Err(error) => refused(&error.to_string(), &error.mend()),
            },
            Answer::Removed(removed) => match *removed {
                Ok(gone) => Told::List(gone.into()),
                Err(error) => unlisted(error),
            },
            Answer::Added(added) => match *added {
                Ok(come) => Told::List(come.into()),
                Err(error) => unlisted(error),
            },
        };
        is_told = !told.is_step();
        if !try_to_tell(&told) {
            // Nobody hears it any more, and half a line may have gone out. An inquiry ends with this channel's end; a swap goes on.
            return;
        }
    }
    if !is_told {
        tell(&ending());
    }
}

/// Why a change of the watchlist is not made.
fn unlisted(error: ListError) -> Told {
    Told::Refused(match error {
        ListError::Pipeline(error) => refusals(&error.into()),
        error => vec![Refusal {
            what: error.to_string(),
            mend: Some(error.mend()),
        }],
    })
}

/// What the deployment file says now, read as it was when the run began.
fn wanted(begun: &Begun, by: SignedIn, reason: String) -> Result<Swap, Failure> {
    let mut deployment = Deployment::read(&begun.file)?;
    run::keep_cameras(&mut deployment, &begun.cameras)?;
    deployment.check_files()?;
    let lock = match begun.locked {
        true => Some(LockFile::read(&deployment.host.lock, &begun.file)?),
        false => None,
    };
    Ok(Swap {
        deployment,
        lock,
        by,
        reason,
    })
}

/// What the deployment file says now, with all its cameras.
fn now_of(begun: &Begun) -> Result<Deployment, Failure> {
    let deployment = Deployment::read(&begun.file)?;
    if deployment.id != begun.deployment {
        return Err(InquiryError::OtherDeployment {
            expected: begun.deployment.clone(),
            found: deployment.id,
        }
        .into());
    }
    Ok(deployment)
}

fn refusals(failure: &Failure) -> Vec<Refusal> {
    match failure {
        Failure::Problems(problems) => vec![Refusal {
            what: problems.render(false),
            mend: None,
        }],
        Failure::Diagnostics { list, .. } => list
            .iter()
            .map(|diagnostic| Refusal {
                what: diagnostic.what.clone(),
                mend: diagnostic.mend.clone(),
            })
            .collect(),
    }
}
