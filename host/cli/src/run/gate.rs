//! The gate before a live run or a search, as the command line meets it: everything that is missing, each with its mend; and the watch over the register while the run goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use overt_deployment::Deployment;
use overt_pipeline::lock::LockFile;
use overt_pipeline::{Authorised, Until, authority};
use overt_records::{
    Force, ForceError, Missing, Mode, RegisterState, RunAsked, RunStarted, SignedIn, Store, Terms,
};

use crate::exit::Exit;
use crate::failure::{Diagnostic, Failure};
use crate::progress::Progress;
use crate::{output, session, times};

/// How often the register is looked at while a run goes on.
const LOOK: Duration = Duration::from_secs(1);

/// So long a run goes on while nobody can read whether it still may.
const UNREADABLE: Duration = Duration::from_secs(60);

/// What is read for the gate before the process shuts itself in, for it is read no more afterwards.
pub(crate) struct Brought {
    terms: Terms,
    /// Who is signed in; what they may is asked in the gate.
    starter: Option<SignedIn>,
}

impl Brought {
    pub(crate) fn of(deployment: &Deployment) -> Result<Self, Failure> {
        Ok(Self {
            terms: authority::terms(deployment)?,
            starter: session::signed_in(&Force::at(&deployment.host.force)).ok(),
        })
    }
}

/// A live run or a search that is on record as begun.
pub(crate) struct Passed {
    force: Force,
    pub(crate) started: RunStarted,
    pub(crate) authorised: Authorised,
    pub(crate) until: Arc<Until>,
}

/// Lets a live run or a search begin, or tells everything that is missing.
pub(crate) fn pass(
    deployment: &Deployment,
    store: &Store,
    lock: Option<&LockFile>,
    brought: Brought,
    mode: Mode,
) -> Result<Passed, Failure> {
    let force = Force::at(&deployment.host.force);
    let asked = RunAsked {
        mode,
        terms: brought.terms,
        watchlist: authority::watchlist(store)?,
        lock_sha256: lock.map(|lock| lock.sha256.clone()),
    };
    let now = session::now()?;
    let started = match &brought.starter {
        Some(starter) => match force.begin_run(&asked, starter, &now) {
            Err(ForceError::NotReady { missing }) => return Err(told(&missing)),
            started => started?,
        },
        None => {
            let mut missing = force.missing(&asked, &now)?;
            if !missing
                .iter()
                .any(|one| matches!(one, Missing::NoForce { .. }))
            {
                missing.insert(0, Missing::NobodySignedIn);
            }
            return Err(told(&missing));
        }
    };
    if let Some(adopted) = force.rules()? {
        // Whoever is added while the run goes on is added by the same rules.
        store.ask_approval_under(adopted.rules.watchlist.approval_under);
    }
    let Some(authorised) = Authorised::of(&started) else {
        return Err(Failure::new(
            "the register does not say who authorised this deployment",
            "`overt audit verify --force FORCE` says whether it was changed",
        ));
    };
    Ok(Passed {
        until: Arc::new(Until::new(started.entry.until())),
        force,
        started,
        authorised,
    })
}

fn told(missing: &[Missing]) -> Failure {
    Failure::Diagnostics {
        list: missing
            .iter()
            .map(|one| Diagnostic {
                what: shown(one),
                mend: Some(one.mend()),
            })
            .collect(),
        exit: Exit::Failed,
    }
}

/// With times as people read them.
fn shown(one: &Missing) -> String {
    let time = |at| times::for_lists(times::of_records(at));
    output::printable(&match one {
        Missing::Window {
            number,
            start,
            until,
            now,
        } => format!(
            "it is {}, and deployment {number} is authorised from {} to {}",
            time(*now),
            time(*start),
            time(*until)
        ),
        Missing::Notice {
            hours,
            since: Some(since),
        } => format!(
            "the rules ask that the public be told {hours} hours before the start; it was told {}",
            time(*since)
        ),
        other => other.to_string(),
    })
}

impl Passed {
    /// Looks at the register until `over`: an extension moves the end, anything else than an authority sets `stop`.
    pub(crate) fn watch(
        &self,
        stop: Arc<AtomicBool>,
        over: Arc<AtomicBool>,
        progress: Arc<Progress>,
    ) -> Result<Watch, Failure> {
        let (force, until) = (self.force.clone(), self.until.clone());
        let number = self.started.entry.number();
        let mut end = self.started.entry.until();
        let look = move || {
            let mut readable = Instant::now();
            while !over.load(Ordering::Relaxed) {
                match force.registered(number) {
                    Ok(entry) if entry.state() == RegisterState::Authorised => {
                        readable = Instant::now();
                        if entry.until() != end {
                            end = entry.until();
                            until.set(end);
                            let end = times::for_lists(times::of_records(end));
                            progress
                                .line(&format!("EXTENDED: the deployment goes on until {end}."));
                        }
                    }
                    Ok(entry) => {
                        progress.line(&format!(
                            "{}: the run ends now.",
                            entry.state().name().to_uppercase()
                        ));
                        stop.store(true, Ordering::SeqCst);
                        return;
                    }
                    Err(error) if readable.elapsed() > UNREADABLE => {
                        progress.line(&output::printable(&format!(
                            "NOBODY CAN SAY whether this run still may go on, so it ends: {error}."
                        )));
                        stop.store(true, Ordering::SeqCst);
                        return;
                    }
                    Err(_) => {}
                }
                std::thread::park_timeout(LOOK);
            }
        };
        let thread = std::thread::Builder::new()
            .name("overt-register".to_owned())
            .spawn(look)
            .map_err(|error| {
                Failure::new(
                    format!("no thread can be started: {error}"),
                    "close other programs",
                )
            })?;
        Ok(Watch(thread))
    }

    /// Puts the end of the run on record.
    pub(crate) fn end(&self, interrupted: bool) -> Result<(), Failure> {
        self.force
            .end_run(&self.started, interrupted, session::now()?.at)?;
        Ok(())
    }
}

/// The watch over the register.
pub(crate) struct Watch(JoinHandle<()>);

impl Watch {
    /// Ends it; whoever asks has set `over`.
    pub(crate) fn end(self) {
        self.0.thread().unpark();
        // It panics nowhere; if it did, the run is over all the same.
        let _ = self.0.join();
    }
}
