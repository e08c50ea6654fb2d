//! The end of the socket that asks.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;

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
    put(deployment, ask, None, step)?.ok_or_else(|| nobody(deployment))
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
    put(deployment, ask, Some(session), step)
}

fn nobody(deployment: &Deployment) -> Failure {
    Failure::new(
        format!("no run of {} goes on here", deployment.id),
        format!("begin one: `overt run {}`", deployment.file().display()),
    )
}

fn put(
    deployment: &Deployment,
    ask: Ask,
    session: Option<Shown>,
    step: &dyn Fn(&Step),
) -> Result<Option<Told>, Failure> {
    let folder = folder(deployment);
    let failed = |error: std::io::Error| Failure::file(&folder, &error);
    let connected = File::open(&folder).and_then(|open| UnixStream::connect(address(&open)));
    let mut stream = match connected {
        Ok(stream) => stream,
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
    for line in BufReader::new(stream.take(ANSWER_BYTES)).lines() {
        let line = line.map_err(failed)?;
        let told: Told = serde_json::from_str(&line).map_err(|error| {
            Failure::new(
                format!("the run's answer cannot be read: {error}"),
                "ask with the version that runs",
            )
        })?;
        match told {
            Told::Step(told) => step(&told),
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
