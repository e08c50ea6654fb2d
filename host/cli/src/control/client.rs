//! The end of the socket that asks.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;

use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use overt_deployment::Deployment;
use overt_records::SessionToken;
use zeroize::Zeroizing;

use super::{ANSWER_BYTES, Ask, Asked, Refusal, Shown, Step, Told, address, folder};
use crate::exit::Exit;
use crate::failure::{Diagnostic, Failure};

/// Asks the run of a deployment what anybody of this user's may. `step` hears how far it is; the last answer comes back, and a refusal is a failure.
pub(crate) fn ask(
    deployment: &Deployment,
    ask: Ask,
    step: &dyn Fn(&Step),
) -> Result<Told, Failure> {
    put(deployment, ask, None, &mut of_swap(step))?.ok_or_else(|| nobody(deployment))
}

/// The same for what takes somebody who is signed in: the run looks up who it is.
pub(crate) fn ask_as(
    deployment: &Deployment,
    ask: Ask,
    token: &SessionToken,
    step: &dyn Fn(&Step),
) -> Result<Told, Failure> {
    ask_if_it_runs(deployment, ask, token, step)?.ok_or_else(|| nobody(deployment))
}

/// The same; `None` where no run goes on.
pub(crate) fn ask_if_it_runs(
    deployment: &Deployment,
    ask: Ask,
    token: &SessionToken,
    step: &dyn Fn(&Step),
) -> Result<Option<Told>, Failure> {
    let session = Shown(token.to_text().to_string());
    put(deployment, ask, Some(session), &mut of_swap(step))
}

/// Asks what anybody of this user's may; `None` where no run goes on.
pub(crate) fn ask_anybody_if_it_runs(
    deployment: &Deployment,
    ask: Ask,
) -> Result<Option<Told>, Failure> {
    put(deployment, ask, None, &mut |_| Ok(()))
}

/// The same; `step` hears what comes before the last answer.
pub(crate) fn ask_anybody_with_steps(
    deployment: &Deployment,
    ask: Ask,
    step: &mut dyn FnMut(Told) -> Result<(), Failure>,
) -> Result<Option<Told>, Failure> {
    put(deployment, ask, None, step)
}

/// Hears the steps of a swap.
fn of_swap(step: &dyn Fn(&Step)) -> impl FnMut(Told) -> Result<(), Failure> {
    |told| {
        if let Told::Step(told) = told {
            step(&told);
        }
        Ok(())
    }
}

fn nobody(deployment: &Deployment) -> Failure {
    Failure::new(
        format!("no run of {} goes on here", deployment.id),
        format!("begin one: `overt run {}`", deployment.file().display()),
    )
}

/// Whether a run of the deployment answers questions.
pub(crate) fn is_running(deployment: &Deployment) -> bool {
    File::open(folder(deployment))
        .and_then(|open| UnixStream::connect(address(&open)))
        .is_ok()
}

/// Whether the run at the other end is this user's own, as the kernel says. Root, who can do what any user can, asks everybody's.
fn is_ours(stream: &UnixStream) -> bool {
    let own = nix::unistd::geteuid().as_raw();
    let peer = getsockopt(stream, PeerCredentials);
    own == 0 || peer.is_ok_and(|peer| peer.uid() == own)
}

fn put(
    deployment: &Deployment,
    ask: Ask,
    session: Option<Shown>,
    step: &mut dyn FnMut(Told) -> Result<(), Failure>,
) -> Result<Option<Told>, Failure> {
    let folder = folder(deployment);
    let failed = |error: std::io::Error| Failure::file(&folder, &error);
    let connected = File::open(&folder).and_then(|open| UnixStream::connect(address(&open)));
    let mut stream = match connected {
        Ok(stream) if is_ours(&stream) => stream,
        // A session's token, and photographs, go to nobody else.
        Ok(_) => {
            return Err(Failure::new(
                format!(
                    "{}: another user answers there, and is told nothing",
                    folder.display()
                ),
                format!(
                    "ask as the user whose run it is; if there is none, remove it: `rm -r {}`",
                    folder.display()
                ),
            ));
        }
        Err(error) => {
            return match error.kind() {
                std::io::ErrorKind::NotFound | std::io::ErrorKind::ConnectionRefused => Ok(None),
                _ => Err(failed(error)),
            };
        }
    };
    let asked = Asked {
        overt: env!("CARGO_PKG_VERSION").to_owned(),
        session,
        ask,
    };
    let mut line = serde_json::to_string(&asked)
        .map(Zeroizing::new)
        .map_err(|error| Failure::new(format!("the question cannot be put: {error}"), ""))?;
    line.push('\n');
    stream.write_all(line.as_bytes()).map_err(failed)?;
    let mut answers = BufReader::new(stream);
    loop {
        // It may hold a face, or somebody's name.
        let mut line = Zeroizing::new(String::new());
        let read = answers.by_ref().take(ANSWER_BYTES).read_line(&mut line);
        if read.map_err(failed)? == 0 {
            break;
        }
        let told: Told = serde_json::from_str(&line).map_err(|error| {
            Failure::new(
                format!("the run's answer cannot be read: {error}"),
                "ask with the version that runs",
            )
        })?;
        match told {
            told if told.is_step() => step(told)?,
            Told::Refused(refusals) => return Err(refused(refusals)),
            last => return Ok(Some(last)),
        }
    }
    Err(Failure::new(
        "the run ended before it answered",
        "its summary and its records say what served",
    ))
}

fn refused(refusals: Vec<Refusal>) -> Failure {
    Failure::Diagnostics {
        list: refusals
            .into_iter()
            .map(|refusal| Diagnostic {
                what: refusal.what,
                mend: refusal.mend,
            })
            .collect(),
        exit: Exit::Failed,
    }
}
