//! What a run can be asked while it goes on, and by whom it is answered. How the question reaches it, through a socket or from the same program, is the caller's
//! to say.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::Scope;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, never, select, tick};
use overt_deployment::Deployment;
use overt_records::{Quarantine, RecordsError, RunMode, SignedIn, Store, SweepReport};
use overt_runtime::Role;

use crate::action;
use crate::capture::Intake;
use crate::caught::caught;
use crate::custody::{self, CustodyError};
use crate::desk::{self, Desk, DeskError};
use crate::error::PipelineError;
use crate::failures::{AskedRouter, Failures};
use crate::generations::GenerationFacts;
use crate::incident;
use crate::inquiry::{self, InquiryError};
use crate::list_change::{Add, Come, Gone, ListError, Listing, Remove};
use crate::replay::Replayer;
use crate::run::{Event, now};
use crate::swap::{Swap, SwapError, SwapStep, Swapped, Swapping};

/// A question to a run, and where its answers go.
pub struct Request {
    /// What is asked.
    pub what: Question,
    /// Hears the answers; whoever asked may have gone away.
    pub answers: Sender<Answer>,
}

/// What a run can be asked.
pub enum Question {
    /// What serves, and since when.
    Status,
    /// To go on with what the deployment file says now. Hears steps, then what it came to.
    Swap(Box<Swap>),
    /// Something about what is kept.
    Custody {
        /// What.
        ask: Box<custody::Ask>,
        /// Who, where somebody is signed in.
        by: Option<Box<SignedIn>>,
    },
    /// Something about the records. Hears steps, then the answer; whoever asks and hears no more ends it.
    Inquiry {
        /// What.
        ask: Box<inquiry::Ask>,
        /// Who, where somebody is signed in.
        by: Option<Box<SignedIn>>,
        /// What the deployment file says now.
        deployment: Box<Deployment>,
    },
    /// Something about alerts, by somebody who is signed in.
    Desk {
        /// What.
        ask: Box<desk::Ask>,
        /// Who.
        by: Box<SignedIn>,
    },
    /// That somebody is taken off the watchlist, at once.
    Remove(Box<Remove>),
    /// That somebody is put on the watchlist.
    Add(Box<Add>),
}

/// An answer of a run.
pub enum Answer {
    /// What serves.
    Status(Box<Result<Status, PipelineError>>),
    /// How far the swap is.
    Step(SwapStep),
    /// It is through, or was refused.
    Swapped(Box<Result<Swapped, SwapError>>),
    /// What became of it.
    Custody(Box<Result<custody::Told, CustodyError>>),
    /// What the records say, a step of it or the last.
    Inquiry(Box<Result<inquiry::Told, InquiryError>>),
    /// What the desk says.
    Desk(Box<Result<desk::Told, DeskError>>),
    /// Somebody is off the watchlist, or was not on it, or it was refused.
    Removed(Box<Result<Option<Gone>, ListError>>),
    /// Somebody is on the watchlist, or it was refused.
    Added(Box<Result<Come, ListError>>),
}

/// How a run is.
#[derive(Clone, Debug)]
pub struct Status {
    /// Its generations, oldest first; the last one serves.
    pub generations: Vec<GenerationFacts>,
    /// Plugins that it has put in quarantine, oldest first.
    pub quarantines: Vec<Quarantine>,
    /// Frames that came from a camera.
    pub read: u64,
    /// Frames that went all their way so far.
    pub processed: u64,
    /// Frames that were given up for a newer one.
    pub dropped: u64,
    /// Frames that no healthy plugin saw.
    pub unseen: u64,
}

/// Questions to nobody: for a run that is asked nothing.
pub fn nobody() -> Receiver<Request> {
    crossbeam_channel::never()
}

/// How often is looked after alerts whose time is over, and after passed ones that nobody was named for.
const TEND: Duration = Duration::from_secs(1);

/// How often what has reached the end of its retention is destroyed. Images of the watchlist do not wait for that: they go with the next look after the alerts.
const SWEEP: Duration = Duration::from_secs(60);

/// Answers what a run is asked until it is over, and looks after its alerts.
pub(crate) struct Control<'a> {
    pub(crate) requests: Receiver<Request>,
    pub(crate) swapping: Swapping<'a>,
    pub(crate) desk: Desk<'a>,
    /// Whether the last look after the alerts failed: that is told once.
    pub(crate) troubled: AtomicBool,
    /// The same of the last sweep.
    pub(crate) unswept: AtomicBool,
    pub(crate) listing: Listing<'a>,
    /// Whether a long question of the records is being answered.
    pub(crate) inquiring: AtomicBool,
    pub(crate) intake: &'a Intake,
    pub(crate) failures: &'a Failures,
    pub(crate) tell: &'a (dyn Fn(Event<'_>) + Sync),
}

/// Destroys what is over its time while nobody compares faces. What does not go now is tried again with the next sweep.
pub(crate) fn sweep(store: &Store) {
    match store.sweep(now()) {
        Ok(report) => left(&report),
        Err(error) => {
            tracing::error!(target: incident::TARGET, incident = "sweep", %error);
        }
    }
}

/// Files with faces that should be gone and could not be destroyed.
fn left(report: &SweepReport) {
    for (path, cause) in &report.exports_left {
        let path = path.display().to_string();
        tracing::error!(target: incident::TARGET, incident = "export-left", path, %cause);
    }
}

impl Control<'_> {
    /// Works until `over` is closed. A swap has a thread of its own, and there is one at a time.
    pub(crate) fn run<'scope>(
        &'scope self,
        scope: &'scope Scope<'scope, '_>,
        busy: &'scope AtomicBool,
        over: Receiver<()>,
    ) {
        let (ticks, sweeps) = (tick(TEND), tick(SWEEP));
        let mut requests = self.requests.clone();
        // What an earlier run left.
        self.tend();
        loop {
            let request = select! {
                recv(over) -> _ => return self.tend(),
                recv(ticks) -> _ => {
                    self.tend();
                    if self.is_past() {
                        let _ = self.sweep();
                    }
                    continue;
                }
                recv(sweeps) -> _ => {
                    let _ = self.sweep();
                    continue;
                }
                recv(requests) -> request => request,
            };
            let Ok(Request { what, answers }) = request else {
                // Nobody asks any more; the alerts are looked after all the same.
                requests = never();
                continue;
            };
            match what {
                Question::Status => {
                    let _ = answers.send(Answer::Status(Box::new(self.status())));
                }
                Question::Desk { ask, by } => {
                    let told = self.desk.answer(&ask, &by, now());
                    // Whoever hears of a passed alert is told at once. Before the answer: whoever has it can rely on that.
                    self.tend();
                    let _ = answers.send(Answer::Desk(Box::new(told)));
                }
                Question::Custody { ask, by } => {
                    let told = match *ask {
                        // Here and not by custody: what goes from the records goes from the gallery.
                        custody::Ask::Sweep => self.sweep().map(custody::Told::Swept),
                        _ => custody::answer(self.swapping.store, &ask, by.as_deref(), now()),
                    };
                    let _ = answers.send(Answer::Custody(Box::new(told)));
                }
                Question::Inquiry {
                    ask,
                    by,
                    deployment,
                } => self.inquire(scope, ask, by, deployment, answers),
                Question::Swap(_) if busy.swap(true, Ordering::AcqRel) => {
                    let _ = answers.send(Answer::Swapped(Box::new(Err(SwapError::Busy))));
                }
                // By this thread: it waits for no swap.
                Question::Remove(wanted) => {
                    let removed = caught("removal", || self.listing.remove(&wanted))
                        .unwrap_or_else(|error| Err(error.into()));
                    if let Ok(Some(Gone {
                        generation: Some(generation),
                        ..
                    })) = &removed
                    {
                        (self.tell)(Event::Generation(generation));
                    }
                    let _ = answers.send(Answer::Removed(Box::new(removed)));
                }
                Question::Add(_) if busy.swap(true, Ordering::AcqRel) => {
                    let _ = answers.send(Answer::Added(Box::new(Err(ListError::Busy))));
                }
                Question::Add(wanted) => {
                    let refused = answers.clone();
                    let add = std::thread::Builder::new()
                        .name("overt-add".to_owned())
                        .spawn_scoped(scope, move || {
                            self.add(*wanted, &answers);
                            busy.store(false, Ordering::Release);
                        });
                    if let Err(error) = add {
                        busy.store(false, Ordering::Release);
                        let error = ListError::Pipeline(PipelineError::Thread(error));
                        let _ = refused.send(Answer::Added(Box::new(Err(error))));
                    }
                }
                Question::Swap(wanted) => {
                    let refused = answers.clone();
                    let swap = std::thread::Builder::new()
                        .name("overt-swap".to_owned())
                        .spawn_scoped(scope, move || {
                            self.swap(&wanted, &answers);
                            busy.store(false, Ordering::Release);
                        });
                    if let Err(error) = swap {
                        busy.store(false, Ordering::Release);
                        let error = SwapError::Pipeline(PipelineError::Thread(error));
                        let _ = refused.send(Answer::Swapped(Box::new(Err(error))));
                    }
                }
            }
        }
    }

    /// Lets alerts lapse whose time is over, and names somebody for those that were passed.
    fn tend(&self) {
        let tended = self.try_to_tend();
        let was_well = !self.troubled.swap(tended.is_err(), Ordering::Relaxed);
        if let Err(error) = tended
            && was_well
        {
            tracing::error!(target: incident::TARGET, incident = "desk", %error);
        }
    }

    /// Whether the gallery holds images whose day is past.
    fn is_past(&self) -> bool {
        let current = self.swapping.generations.current();
        let first = current.watchlist.first_expiry;
        first.is_some_and(|first| first <= now())
    }

    /// Destroys what is over its time.
    fn sweep(&self) -> Result<custody::Swept, CustodyError> {
        let swept = caught("sweep", || self.listing.sweep()).flatten();
        let was_well = !self.unswept.swap(swept.is_err(), Ordering::Relaxed);
        let (report, generation) = match swept {
            Ok(swept) => swept,
            Err(error) => {
                if was_well {
                    tracing::error!(target: incident::TARGET, incident = "sweep", %error);
                }
                return Err(CustodyError::Run(Box::new(error)));
            }
        };
        left(&report);
        if let Some(generation) = generation {
            if !report.images.is_empty() {
                (self.tell)(Event::Retention(&report));
            }
            (self.tell)(Event::Generation(&generation));
        }
        Ok(report.into())
    }

    fn try_to_tend(&self) -> Result<(), RecordsError> {
        self.desk.lapse(now())?;
        self.desk.refresh()?;
        if self.swapping.run.mode() == RunMode::Rehearsal {
            // It sends nobody anywhere, not even about an alert that a live run has left.
            return Ok(());
        }
        let waiting = self.desk.unrouted()?;
        if waiting.is_empty() {
            return Ok(());
        }
        let current = self.swapping.generations.current();
        let out = {
            let turn = self.swapping.generations.turn();
            let mut out = turn.out_of(&current).into_iter();
            out.any(|loaded| loaded.slot.role == Role::AlertRouter)
        };
        // In quarantine it is not asked.
        let router = (!out).then_some(&*current.router);
        let (store, channels) = (self.swapping.store, &self.swapping.deployment.channels);
        for passed in waiting {
            let shadow = current
                .shadows
                .get(&Role::AlertRouter)
                .map(|shadow| &**shadow);
            let settled = action::settle(store, router, shadow, channels, &passed, now())?;
            let (alert, metrics) = (passed.alert(), &current.router.metrics);
            for error in settled.failures() {
                self.failures
                    .note(error, &alert.camera, alert.last_frame, metrics, self.tell);
            }
            if let Some(called) = settled.called {
                self.failures.asked_router(AskedRouter {
                    plugin: current.router.plugin.identity().into(),
                    failed: called.err(),
                });
            }
        }
        Ok(())
    }

    fn status(&self) -> Result<Status, PipelineError> {
        let mut quarantines = self.swapping.store.quarantines()?;
        quarantines.retain(|one| one.run == self.swapping.run.id() && one.release.is_none());
        // In this order, so that no frame is told as seen that was not told as read.
        let (processed, unseen) = self.swapping.machine.metrics.seen();
        Ok(Status {
            quarantines,
            generations: self.swapping.generations.facts(),
            processed,
            unseen,
            dropped: self.intake.dropped.load(Ordering::Relaxed),
            read: self.intake.read.load(Ordering::Relaxed),
        })
    }

    /// Answers a question of the records in a thread of its own.
    fn inquire<'scope>(
        &'scope self,
        scope: &'scope Scope<'scope, '_>,
        ask: Box<inquiry::Ask>,
        by: Option<Box<SignedIn>>,
        deployment: Box<Deployment>,
        answers: Sender<Answer>,
    ) {
        let refused = answers.clone();
        let refuse = move |error| {
            let _ = refused.send(Answer::Inquiry(Box::new(Err(error))));
        };
        let is_long = ask.is_long();
        if is_long && self.inquiring.swap(true, Ordering::AcqRel) {
            return refuse(InquiryError::Busy);
        }
        let let_go = move || {
            if is_long {
                self.inquiring.store(false, Ordering::Release);
            }
        };
        let work = move || {
            give_way();
            let step = |told| {
                let told = Answer::Inquiry(Box::new(Ok(told)));
                // Whoever asked may have gone, and then nobody needs the rest.
                !self.swapping.is_over() && answers.send(told).is_ok()
            };
            let (store, by) = (self.swapping.store, by.as_deref());
            let told = caught("inquiry", || {
                let runtime = &self.swapping.machine.runtime;
                let replayer = || Replayer::within(runtime.clone(), &deployment, &[]);
                inquiry::answer(&deployment, store, &ask, by, now(), &replayer, &step)
            })
            .unwrap_or_else(|error| Err(Box::new(error).into()));
            let_go();
            let _ = answers.send(Answer::Inquiry(Box::new(told)));
        };
        let named = std::thread::Builder::new().name("overt-inquiry".to_owned());
        if let Err(error) = named.spawn_scoped(scope, work) {
            let_go();
            refuse(Box::new(PipelineError::Thread(error)).into());
        }
    }

    fn add(&self, wanted: Add, answers: &Sender<Answer>) {
        // What ends the run ends this.
        let added = caught("addition", || {
            self.listing.add(wanted, self.swapping.over[0])
        })
        .unwrap_or_else(|error| Err(error.into()));
        if let Ok(Come {
            generation: Some(generation),
            ..
        }) = &added
        {
            (self.tell)(Event::Generation(generation));
        }
        let _ = answers.send(Answer::Added(Box::new(added)));
    }

    fn swap(&self, wanted: &Swap, answers: &Sender<Answer>) {
        let step = |step: SwapStep| {
            if let SwapStep::Serving { .. } = step
                && let Some(facts) = self.swapping.generations.facts().last()
            {
                (self.tell)(Event::Generation(facts));
            }
            let _ = answers.send(Answer::Step(step));
        };
        let swapped = caught("swap", || self.swapping.swap(wanted, &step))
            .unwrap_or_else(|error| Err(error.into()));
        let _ = answers.send(Answer::Swapped(Box::new(swapped)));
    }
}

/// This thread gets what time of the processors others leave: frames come first. Where the system does not grant that, it is one thread among many.
fn give_way() {
    const LAST: i32 = 19;
    // On Linux this is the calling thread alone.
    let _ = rustix::process::setpriority_process(None, LAST);
}
