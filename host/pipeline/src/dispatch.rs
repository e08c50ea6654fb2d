//! What waits for channels, delivered while no run goes on: an alert that an operator passed after its run had ended, and what a receiver could not take before. The same router
//! is asked as in a run, admitted in the same way under the same lock, and the same couriers deliver; no camera is opened and nobody is recognised.
//!
//! Whoever delivers holds the records. So what people ask of alerts meanwhile is answered here, as a run answers it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, never, select, tick, unbounded};
use overt_deployment::{ChannelKind, Deployment};
use overt_records::{self as records, Message, PluginUsed, SignedIn};
use overt_runtime::{PluginBytes, Role, Runtime};

use crate::action;
use crate::admission::{Admission, Loaded};
use crate::control::{Answer, Question, Request, Status, sweep};
use crate::custody;
use crate::delivery::Courier;
use crate::desk::Desk;
use crate::error::PipelineError;
use crate::failures::Failures;
use crate::incident;
use crate::inquiry;
use crate::list_change::{ListError, remove_stored};
use crate::lock::LockFile;
use crate::machine::Machine;
use crate::replay::Replayer;
use crate::run::{Event, is_out, now};
use crate::summary::PluginErrors;
use crate::swap::SwapError;

/// How often is looked whether everything is delivered.
const LOOK: Duration = Duration::from_millis(100);

/// How often is looked after alerts whose time is over.
const TEND: Duration = Duration::from_secs(1);

/// How often what has reached the end of its retention is destroyed.
const SWEEP: Duration = Duration::from_secs(60);

/// How what waits is to be delivered.
#[derive(Clone, Copy)]
pub struct Dispatch<'a> {
    /// What was decided to run. What differs from it is refused.
    pub lock: &'a LockFile,
    /// Who wants it.
    pub by: &'a SignedIn,
    /// For so long what is not taken is tried again. Everything is tried once.
    pub wait: Duration,
    /// Whether whoever asks is at the terminal of the channels that are one. Otherwise theirs waits.
    pub at_terminal: bool,
}

/// What came of it.
#[derive(Debug)]
pub struct Dispatched {
    /// The router that was asked; absent where it is in quarantine.
    pub router: Option<PluginUsed>,
    /// Passed alerts for which somebody was named now.
    pub settled: Vec<SettledAlert>,
    /// Messages that were delivered, by channel.
    pub delivered: BTreeMap<String, u64>,
    /// Messages that no channel has taken.
    pub waiting: Vec<Message>,
    /// Calls of the router that failed, by cause.
    pub plugin_errors: Vec<PluginErrors>,
    /// Whether somebody stopped it.
    pub interrupted: bool,
}

/// A passed alert, and who hears of it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct SettledAlert {
    /// Its number.
    pub alert: u32,
    /// The channels for action.
    pub channels: Vec<String>,
    /// Whether they are all there are, because the router named none or could not be asked.
    pub by_default: bool,
}

/// Delivers what waits until everything is delivered, the time for it is over, or `stop` is set. `requests` are answered meanwhile.
///
/// # Errors
/// Somebody who may not; what differs from the lock; a router that cannot be loaded; what the records say.
pub fn dispatch(
    machine: &Machine,
    deployment: &Deployment,
    how: Dispatch<'_>,
    store: &records::Store,
    stop: &AtomicBool,
    requests: Receiver<Request>,
    tell: &(dyn Fn(Event<'_>) + Sync),
) -> Result<Dispatched, PipelineError> {
    let tell = &|event: Event<'_>| {
        incident::told(&event);
        tell(event);
    };
    how.lock.check(machine, deployment)?;
    let router = router(machine, deployment, how.lock, store)?;
    let used = router.as_ref().map(|router| used(router));
    store.begin_delivery(how.by, &how.lock.sha256, used.as_ref(), now())?;
    let before = store.channel_counts()?;
    let mut office = Office {
        deployment,
        runtime: &machine.runtime,
        store,
        router: router.as_deref(),
        desk: Desk::delivering(store, deployment),
        failures: Failures::default(),
        settled: Vec::new(),
        tell,
    };
    let couriers: Vec<Courier<'_>> = deployment
        .channels
        .iter()
        .filter(|channel| how.at_terminal || !matches!(channel.kind, ChannelKind::Console))
        .map(|channel| Courier {
            store,
            deployment: &deployment.id,
            channel,
            first_alert: u32::MAX,
            tell,
        })
        .collect();
    let served: Vec<&str> = couriers
        .iter()
        .map(|courier| courier.channel.name.as_str())
        .collect();
    // Whoever is at the other end is named before anybody is called.
    office.tend()?;
    std::thread::scope(|scope| {
        let (going_on, over) = unbounded::<()>();
        let mut threads = Vec::new();
        for courier in &couriers {
            let over = over.clone();
            let courier = std::thread::Builder::new()
                .name("overt-courier".to_owned())
                .spawn_scoped(scope, move || courier.run(&over));
            threads.push(courier.map_err(PipelineError::Thread)?);
        }
        let worked = office.work(&served, how.wait, stop, requests);
        // Their last round, with what was settled last.
        drop(going_on);
        for thread in threads {
            if thread.join().is_err() {
                return Err(PipelineError::Panicked("courier"));
            }
        }
        worked
    })?;
    let after = store.channel_counts()?;
    let delivered = after.into_iter().filter_map(|(channel, after)| {
        let before = before.get(&channel).copied().unwrap_or_default();
        let count = after.delivered.saturating_sub(before.delivered);
        (count > 0).then_some((channel, count))
    });
    Ok(Dispatched {
        router: used,
        delivered: delivered.collect(),
        waiting: store.outbox()?,
        plugin_errors: office.failures.by_cause(),
        settled: office.settled,
        interrupted: stop.load(Ordering::Relaxed),
    })
}

/// The router that serves, or its fallback where that one is in quarantine; `None` where there is none that is not.
fn router(
    machine: &Machine,
    deployment: &Deployment,
    lock: &LockFile,
    store: &records::Store,
) -> Result<Option<Arc<Loaded>>, PipelineError> {
    let mut lasting = store.quarantines()?;
    lasting.retain(|quarantine| {
        quarantine.release.is_none() && quarantine.plugin.role == Role::AlertRouter.name()
    });
    let serving = &deployment.plugins.alert_router;
    let one_by_one = [Some(serving), serving.fallback.as_deref()];
    let admission = Admission::of(machine, deployment, Some(&lock.lock))?;
    for plugin in one_by_one.into_iter().flatten() {
        // A file that cannot be read is complained of when it is loaded.
        let file = PluginBytes::read(&plugin.file).ok();
        let out = file.is_some_and(|file| {
            let mut lasting = lasting.iter();
            lasting.any(|quarantine| is_out(quarantine, &file))
        });
        if !out {
            return admission.load(plugin).map(Some);
        }
    }
    Ok(None)
}

fn used(router: &Loaded) -> PluginUsed {
    let identity = router.plugin.identity();
    PluginUsed {
        role: Role::AlertRouter.name().to_owned(),
        id: identity.id.to_string(),
        version: identity.version.to_string(),
        sha256: identity.sha256.to_string(),
    }
}

/// Where everything comes together while it is delivered.
struct Office<'a> {
    deployment: &'a Deployment,
    runtime: &'a Runtime,
    store: &'a records::Store,
    router: Option<&'a Loaded>,
    desk: Desk<'a>,
    failures: Failures,
    settled: Vec<SettledAlert>,
    tell: &'a (dyn Fn(Event<'_>) + Sync),
}

impl Office<'_> {
    /// Waits until these channels have taken what is theirs, and answers what is asked meanwhile. What was judged in an answer is settled when this returns.
    fn work(
        &mut self,
        served: &[&str],
        wait: Duration,
        stop: &AtomicBool,
        mut requests: Receiver<Request>,
    ) -> Result<(), PipelineError> {
        let begun = Instant::now();
        let (ticks, sweeps) = (tick(TEND), tick(SWEEP));
        while !stop.load(Ordering::Relaxed) && begun.elapsed() < wait && self.is_anything(served)? {
            select! {
                recv(ticks) -> _ => self.tend()?,
                recv(sweeps) -> _ => sweep(self.store),
                recv(requests) -> request => match request {
                    Ok(request) => self.answer(request)?,
                    // Nobody asks any more.
                    Err(_) => requests = never(),
                },
                default(LOOK) => {}
            }
        }
        self.tend()
    }

    /// Whether anything waits for these channels.
    fn is_anything(&self, served: &[&str]) -> Result<bool, PipelineError> {
        let outbox = self.store.outbox()?;
        let mut waiting = outbox.iter();
        Ok(waiting.any(|message| served.contains(&message.channel.as_str())))
    }

    /// Lets alerts lapse whose time is over, and names somebody for those that were passed.
    fn tend(&mut self) -> Result<(), PipelineError> {
        self.desk.lapse(now())?;
        for passed in self.desk.unrouted()? {
            let channels = &self.deployment.channels;
            let settled = action::settle(self.store, self.router, None, channels, &passed, now())?;
            let alert = passed.alert();
            // Nothing fails where no router is asked.
            if let Some(router) = self.router {
                for error in settled.failures() {
                    let (camera, frame) = (&alert.camera, alert.last_frame);
                    self.failures
                        .note(error, camera, frame, &router.metrics, self.tell);
                }
            }
            self.settled.push(SettledAlert {
                alert: alert.number,
                channels: settled.routes.channels,
                by_default: settled.routes.by_default,
            });
        }
        Ok(())
    }

    fn answer(&mut self, request: Request) -> Result<(), PipelineError> {
        let Request { what, answers } = request;
        let answer = match what {
            Question::Status => Answer::Status(Box::new(Ok(Status {
                generations: Vec::new(),
                quarantines: Vec::new(),
                read: 0,
                processed: 0,
                dropped: 0,
                unseen: 0,
            }))),
            Question::Desk { ask, by } => {
                let told = self.desk.answer(&ask, &by, now());
                // Before the answer: whoever has it can rely on that.
                self.tend()?;
                Answer::Desk(Box::new(told))
            }
            Question::Custody { ask, by } => {
                let told = custody::answer(self.store, &ask, by.as_deref(), now());
                Answer::Custody(Box::new(told))
            }
            // No frame waits here, so it needs no thread of its own.
            Question::Inquiry {
                ask,
                by,
                deployment,
            } => {
                let step = |told| answers.send(Answer::Inquiry(Box::new(Ok(told)))).is_ok();
                let (store, by) = (self.store, by.as_deref());
                let runtime = self.runtime;
                let replayer = || Replayer::within(runtime.clone(), &deployment, &[]);
                let told = inquiry::answer(&deployment, store, &ask, by, now(), &replayer, &step);
                Answer::Inquiry(Box::new(told))
            }
            Question::Remove(wanted) => {
                Answer::Removed(Box::new(remove_stored(self.store, &wanted)))
            }
            Question::Add(_) => Answer::Added(Box::new(Err(ListError::Delivering))),
            Question::Swap(_) => Answer::Swapped(Box::new(Err(SwapError::Delivering))),
        };
        // Whoever asked may have gone away.
        let _ = answers.send(answer);
        Ok(())
    }
}
