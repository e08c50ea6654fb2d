//! What a run can be asked while it goes on, and by whom it is answered. How the question reaches it, through a socket or from the same program, is the caller's
//! to say.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::Scope;

use crossbeam_channel::{Receiver, Sender, select};

use crate::capture::Intake;
use crate::caught::caught;
use crate::error::PipelineError;
use crate::generations::GenerationFacts;
use crate::list_change::{Add, Come, Gone, ListError, Listing, Remove};
use crate::run::Event;
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
    /// That somebody is taken off the watchlist, at once.
    Remove(Box<Remove>),
    /// That somebody is put on the watchlist.
    Add(Box<Add>),
}

/// An answer of a run.
pub enum Answer {
    /// What serves.
    Status(Status),
    /// How far the swap is.
    Step(SwapStep),
    /// It is through, or was refused.
    Swapped(Box<Result<Swapped, SwapError>>),
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
    /// Frames that came from a camera.
    pub read: u64,
    /// Frames that were given up for a newer one.
    pub dropped: u64,
}

/// Questions to nobody: for a run that is asked nothing.
pub fn nobody() -> Receiver<Request> {
    crossbeam_channel::never()
}

/// Answers what a run is asked until it is over.
pub(crate) struct Control<'a> {
    pub(crate) requests: Receiver<Request>,
    pub(crate) swapping: Swapping<'a>,
    pub(crate) listing: Listing<'a>,
    pub(crate) intake: &'a Intake,
    pub(crate) tell: &'a (dyn Fn(Event<'_>) + Sync),
}

impl Control<'_> {
    /// Works until `over` is closed. A swap has a thread of its own, and there is one at a time.
    pub(crate) fn run<'scope>(
        &'scope self,
        scope: &'scope Scope<'scope, '_>,
        busy: &'scope AtomicBool,
        over: Receiver<()>,
    ) {
        loop {
            let request = select! {
                recv(over) -> _ => return,
                recv(self.requests) -> request => request,
            };
            let Ok(Request { what, answers }) = request else {
                // Nobody asks any more.
                return;
            };
            match what {
                Question::Status => {
                    let _ = answers.send(Answer::Status(self.status()));
                }
                Question::Swap(_) if busy.swap(true, Ordering::AcqRel) => {
                    let _ = answers.send(Answer::Swapped(Box::new(Err(SwapError::Busy))));
                }
                // By this thread: it waits for no swap.
                Question::Remove(wanted) => {
                    let removed = caught("removal", || self.listing.remove(&wanted))
                        .unwrap_or_else(|error| Err(error.into()));
                    if let Ok(Some(gone)) = &removed {
                        (self.tell)(Event::Generation(&gone.generation));
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

    fn status(&self) -> Status {
        Status {
            generations: self.swapping.generations.facts(),
            read: self.intake.read.load(Ordering::Relaxed),
            dropped: self.intake.dropped.load(Ordering::Relaxed),
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
