//! The decision thread: the one place where an alert can come from.
//!
//! It takes the lanes' frames in one order (`order`), asks the policy, holds what the policy proposes against the authority's score floor, asks the
//! router, commits, and only then tells anybody. Where every camera is a file, the order is fixed: whatever the number of threads, it sees the
//! same frames in the same order, so it raises the same alerts.

mod alert;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use crossbeam_channel::Receiver;
use overt_deployment::{Deployment, Timestamp};
use overt_records as records;
use overt_runtime::decision::{AlertState, Decision, EarlierAlert};
use overt_runtime::{CallError, Role};

use crate::admission::Loaded;
use crate::capture::Intake;
use crate::caught::caught;
use crate::error::PipelineError;
use crate::failures::Failures;
use crate::generation::Generation;
use crate::generations::{GenerationCause, Generations};
use crate::metrics::{CameraMetrics, Metrics};
use crate::order::{Lanes, Next};
use crate::report::AlertReport;
use crate::run::{Event, now};
use crate::stages::{Stage, Stages};
use crate::standing::Standing;
use crate::summary;
use crate::supervisor::{Struck, Supervisor};
use crate::trail::Trail;
use crate::way::{CameraIndex, LaneEnd, Passed, ToDecision, TrackSpan};

/// Seconds for which a policy is told of earlier alerts.
const EARLIER: f64 = 600.0;

/// Earlier alerts that an observation holds at most.
const MOST_EARLIER: usize = 64;

/// Frames after which the counts are committed although there is no alert.
const COUNTS_EVERY: u64 = 1000;

/// Frames after which an alert is committed although there is more to do: an alert that is decided is told within a second of video.
const GROUP: u64 = 25;

/// Whether the group has to be committed, with so many alerts in it and so many frames.
fn is_full(alerts: usize, frames: u64) -> bool {
    frames >= if alerts == 0 { COUNTS_EVERY } else { GROUP }
}

/// What the decision thread leaves.
pub(crate) struct Decided {
    pub(crate) counts: records::Counts,
    /// Processed and unseen frames of each camera.
    pub(crate) frames: Vec<(u64, u64)>,
    pub(crate) alerts: Vec<AlertReport>,
    pub(crate) spans: Vec<TrackSpan>,
    pub(crate) lanes: Vec<LaneEnd>,
    pub(crate) errors: Vec<summary::PluginErrors>,
    pub(crate) quarantines: Vec<records::Quarantine>,
}

/// The decision thread and what it needs.
pub(crate) struct DecisionThread<'a> {
    pub(crate) deployment: &'a Deployment,
    pub(crate) store: &'a records::Store,
    pub(crate) run: &'a records::Run,
    pub(crate) stages: &'a Stages,
    pub(crate) intake: &'a Intake,
    pub(crate) metrics: &'a Metrics,
    /// The cameras' figures, by their index.
    pub(crate) cameras: &'a [Arc<CameraMetrics>],
    pub(crate) tell: &'a (dyn Fn(Event<'_>) + Sync),
    /// Whether frames are taken as they come, because a camera is live.
    pub(crate) by_arrival: bool,
    /// Ends the cameras.
    pub(crate) halt: &'a AtomicBool,
    pub(crate) generations: &'a Generations,
    /// How alerts stand that people have judged.
    pub(crate) standing: &'a Standing,
    pub(crate) failures: &'a Failures,
}

struct State {
    counts: records::Counts,
    frames: Vec<(u64, u64)>,
    cameras: Vec<BTreeMap<u32, Trail>>,
    /// Oldest first.
    raised: Vec<Raised>,
    /// Alerts that are decided and not yet committed.
    pending: Vec<records::NewAlert>,
    alerts: Vec<AlertReport>,
    /// For each alert its camera and its track as it stands; the track goes on after the alert.
    spans: Vec<(CameraIndex, TrackSpan)>,
    supervisor: Supervisor,
    /// Plugins that failed too often: not yet on record.
    struck: Vec<(Struck, CallError)>,
    quarantines: Vec<records::Quarantine>,
    next_number: u32,
    uncommitted_frames: u64,
}

/// An alert of this run, for later observations.
struct Raised {
    /// The alert's; a rehearsal raises none.
    number: Option<u32>,
    /// The entry: generations may count their entries otherwise.
    reference: Arc<str>,
    camera: CameraIndex,
    track: u32,
    /// In its camera's time.
    time: f64,
    /// On the host's clock.
    at: Instant,
}

impl Raised {
    /// When it was raised, in the time of a camera whose time is `now`. Files share one time. The times of a file and of a live camera are two clocks, so that
    /// with a live camera the host's clock says how long ago it was.
    fn on_clock_of(&self, camera: CameraIndex, now: f64, by_arrival: bool) -> f64 {
        if self.camera == camera || !by_arrival {
            self.time
        } else {
            now - self.at.elapsed().as_secs_f64()
        }
    }
}

impl DecisionThread<'_> {
    /// Works until every lane has ended.
    pub(crate) fn run(&self, lanes: Vec<Receiver<ToDecision>>) -> Result<Decided, PipelineError> {
        let mut state = State {
            counts: records::Counts::default(),
            frames: vec![(0, 0); lanes.len()],
            cameras: lanes.iter().map(|_| BTreeMap::new()).collect(),
            raised: Vec::new(),
            pending: Vec::new(),
            alerts: Vec::new(),
            spans: Vec::new(),
            supervisor: Supervisor::default(),
            struck: Vec::new(),
            quarantines: Vec::new(),
            next_number: self.run.next_alert_number()?,
            uncommitted_frames: 0,
        };
        let lanes = Lanes::new(lanes, self.by_arrival);
        let followed = caught("decision", || self.follow(&mut state, lanes)).flatten();
        let ends = match followed {
            Ok(ends) => ends,
            Err(error) if state.pending.is_empty() => return Err(error),
            // What was decided before the run failed is an alert all the same.
            Err(error) => {
                return Err(match self.commit(&mut state) {
                    Ok(()) => error,
                    Err(more) => PipelineError::Several(vec![error, more]),
                });
            }
        };
        state.counts.frames.read = self.intake.read.load(Ordering::Relaxed);
        state.counts.frames.dropped = self.intake.dropped.load(Ordering::Relaxed);
        let spans = state.spans.iter().map(|(_, span)| *span).collect();
        Ok(Decided {
            counts: state.counts,
            frames: state.frames,
            alerts: state.alerts,
            spans,
            lanes: ends,
            // Others may still hear of some.
            errors: Vec::new(),
            quarantines: state.quarantines,
        })
    }

    /// Takes the lanes' frames until every lane has ended.
    fn follow(&self, state: &mut State, mut lanes: Lanes) -> Result<Vec<LaneEnd>, PipelineError> {
        loop {
            let (camera, passed) = match lanes.next_ready()? {
                Next::Frame(camera, passed) => (camera, passed),
                Next::End => break,
                // Before it waits, what is decided is committed: an alert waits for a group only while there is more to do.
                Next::Wait => {
                    if !state.pending.is_empty() || state.uncommitted_frames >= COUNTS_EVERY {
                        self.commit(state)?;
                    }
                    lanes.wait();
                    continue;
                }
            };
            let generation = passed.generation.clone();
            self.frame(state, camera, *passed);
            self.quarantine(state)?;
            self.figures(state, &generation);
            if is_full(state.pending.len(), state.uncommitted_frames) {
                self.commit(state)?;
            }
        }
        let ends = lanes.into_ends();
        // No frame's generation is kept for this: while cameras give nothing, one that was swapped for another can go.
        let generation = self.generations.current();
        for (camera, lane) in ends.iter().enumerate() {
            state.counts.tracks += lane.tracks;
            for span in &lane.open {
                self.ended(state, &generation, camera, *span, lane.seconds);
            }
        }
        self.heed_passing(state);
        // The last word on an open track can be one failure too many as well.
        self.quarantine(state)?;
        self.figures(state, &generation);
        self.commit(state)?;
        Ok(ends)
    }

    fn frame(&self, state: &mut State, camera: CameraIndex, passed: Passed) {
        let Passed {
            sequence,
            time,
            generation,
            faces,
            seen,
            probes,
            ended,
            permit: _permit,
        } = passed;
        state.uncommitted_frames += 1;
        self.heed_passing(state);
        // Frames that were under way when a plugin was put in quarantine: no healthy plugin saw them, whatever it answered.
        let blind = is_blind(state, &generation);
        let mut is_seen = seen.is_ok() && !blind;
        if is_seen {
            well(state, &generation, Role::Detector);
            state.counts.faces += faces;
            self.cameras[camera].faces.inc_by(faces);
        }
        if let Err(error) = seen {
            self.failed(state, &generation, camera, sequence, &error);
        }
        if !probes.is_empty() {
            well(state, &generation, Role::Encoder);
            well(state, &generation, Role::Quality);
        }
        let at = now();
        for (span, mut probe) in probes {
            // By an image whose day is past nobody is offered, although the sweep has yet to come.
            let hits = &mut probe.hits;
            hits.retain(|hit| {
                generation
                    .watchlist
                    .in_time(hit.entry, hit.image, at)
                    .is_some()
            });
            state.counts.probes += 1;
            let trails = &mut state.cameras[camera];
            let trail = trails
                .entry(span.track)
                .or_insert_with(|| Trail::new(span, generation.watchlist.clone()));
            trail.go_on_with(&generation.watchlist);
            trail.add(span, probe, time);
            is_seen &= self.decide(
                state,
                &generation,
                camera,
                span.track,
                sequence,
                time,
                false,
            );
        }
        if is_seen {
            state.counts.frames.processed += 1;
            state.frames[camera].0 += 1;
            self.cameras[camera].processed.inc();
        } else {
            state.counts.frames.unseen += 1;
            state.frames[camera].1 += 1;
            self.cameras[camera].unseen.inc();
        }
        for span in ended {
            self.ended(state, &generation, camera, span, time);
        }
        let counts = &state.counts;
        (self.tell)(Event::Progress {
            read: self.intake.read.load(Ordering::Relaxed),
            done: counts.frames.processed + counts.frames.unseen,
            faces: counts.faces,
            alerts: counts.alerts,
        });
    }

    /// A track has ended: the policy's last word on it, and then everything about it is dropped.
    fn ended(
        &self,
        state: &mut State,
        generation: &Generation,
        camera: CameraIndex,
        span: TrackSpan,
        time: f64,
    ) {
        if let Some(trail) = state.cameras[camera].get_mut(&span.track) {
            trail.span = span;
            trail.go_on_with(&generation.watchlist);
            self.decide(
                state,
                generation,
                camera,
                span.track,
                span.last_frame,
                time,
                true,
            );
        }
        let trail = state.cameras[camera].remove(&span.track);
        // The strip that was made with an alert ends there; now it can show the whole pass.
        let mut strip = None;
        for ((at, alerted), alert) in state.spans.iter_mut().zip(&mut state.alerts) {
            if *at != camera || alerted.track != span.track {
                continue;
            }
            *alerted = span;
            if let Some(trail) = &trail
                && let Some(shown) = &mut alert.shown
            {
                shown.strip = strip.get_or_insert_with(|| self.strip(trail)).clone();
            }
        }
    }

    /// Asks the policy about a track. False where nobody healthy decided: it failed, or is out.
    #[allow(clippy::too_many_arguments)] // Each says what a decision is about; a struct of them would be made here and taken apart here.
    fn decide(
        &self,
        state: &mut State,
        generation: &Generation,
        camera: CameraIndex,
        track: u32,
        sequence: u32,
        time: f64,
        ended: bool,
    ) -> bool {
        if is_blind(state, generation) {
            return false;
        }
        let Some(trail) = state.cameras[camera].get(&track) else {
            return true;
        };
        let mut earlier: Vec<EarlierAlert> = state
            .raised
            .iter()
            .rev()
            .filter_map(|raised| {
                let at = raised.on_clock_of(camera, time, self.by_arrival);
                // Of its own track the policy is told to the end: a second alert would be refused.
                let is_own = (raised.camera, raised.track) == (camera, track);
                // Photographs share no clock: how long ago another one was taken nobody can say, and an alert about it silences none about this one.
                let is_apart = time - at > EARLIER || self.run.mode().is_search();
                if is_apart && !is_own {
                    return None;
                }
                Some(EarlierAlert {
                    offered: trail.place(generation.watchlist.find(&raised.reference)?)?,
                    camera: self.deployment.cameras[raised.camera].id.clone(),
                    track: raised.track,
                    time: at,
                    state: raised
                        .number
                        .map_or(AlertState::Raised, |number| self.standing.of(number)),
                })
            })
            .take(MOST_EARLIER)
            .collect();
        earlier.reverse();
        let observation = trail.observe(&self.deployment.cameras[camera].id, time, ended, earlier);
        let policy = &generation.policy;
        let called = self.stages.time(Stage::Decide, || {
            let called = policy.plugin.decide_metered(&observation);
            if let Some(trail) = state.cameras[camera].get_mut(&track) {
                let calls = &mut trail.calls;
                calls.note(&policy.plugin, &policy.capabilities, &observation, &called);
            }
            called
        });
        if let (Ok(served), Some(shadow)) =
            (&called.answer, generation.shadows.get(&Role::MatcherPolicy))
            && shadow.is_asked()
        {
            let challenger = &shadow.loaded.plugin;
            let answer = self.stages.time(Stage::Shadow, || {
                shadow.ask(|| challenger.decide(&observation))
            });
            if let Some(answer) = answer {
                shadow.decision(served, &answer);
            }
        }
        match called.answer {
            Ok(Decision::Alert(proposal)) => {
                well(state, generation, Role::MatcherPolicy);
                self.alert(state, generation, camera, track, sequence, time, &proposal);
                true
            }
            Ok(Decision::Ignore(_) | Decision::Hold(_)) => {
                well(state, generation, Role::MatcherPolicy);
                true
            }
            Err(error) => {
                self.failed(state, generation, camera, sequence, &error);
                false
            }
        }
    }

    /// Commits the group, and then publishes it.
    fn commit(&self, state: &mut State) -> Result<(), PipelineError> {
        let pending = std::mem::take(&mut state.pending);
        state.uncommitted_frames = 0;
        state.counts.frames.read = self.intake.read.load(Ordering::Relaxed);
        state.counts.frames.dropped = self.intake.dropped.load(Ordering::Relaxed);
        state.counts.plugin_errors = self.failures.total();
        let withdrawn = self.stages.time(Stage::Commit, || {
            self.run.commit_decisions(&pending, &state.counts, now())
        })?;
        let published = state.alerts.len() - pending.len();
        for alert in &state.alerts[published..] {
            // Whoever was removed while it was under way, or is sought by that image no more: it is on record as withdrawn, and nobody is told.
            if !withdrawn.contains(&alert.number) {
                (self.tell)(Event::Alert(alert));
            }
        }
        Ok(())
    }

    /// Counts a failed call.
    fn failed(
        &self,
        state: &mut State,
        generation: &Generation,
        camera: CameraIndex,
        sequence: u32,
        error: &CallError,
    ) {
        let Some(loaded) = generation.plugin(error.role) else {
            return;
        };
        let id = &self.deployment.cameras[camera].id;
        let frame = error.frame.unwrap_or(sequence);
        self.failures
            .note(error, id, frame, &loaded.metrics, self.tell);
        let plugin = loaded.plugin.identity().into();
        if let Some(struck) = state.supervisor.strike(&plugin, error) {
            state.struck.push((struck, error.clone()));
        }
    }

    /// How the router did when it was asked about passed alerts, which is asked by another thread.
    fn heed_passing(&self, state: &mut State) {
        for asked in self.failures.take_unheard() {
            let struck = state.supervisor.heed(&asked);
            // One that was swapped for another since goes on record as well: nobody should come back to it unawares.
            if let (Some(struck), Some(error)) = (struck, asked.failed) {
                state.struck.push((struck, error));
            }
        }
    }

    /// What a frame has changed of the plugins' standing, for whoever watches.
    fn figures(&self, state: &State, generation: &Generation) {
        self.metrics.generation(generation.number);
        for loaded in generation.plugins() {
            let (strikes, quarantined) = state
                .supervisor
                .standing(loaded.slot.role, &loaded.plugin.identity().content);
            loaded.metrics.stands(strikes, quarantined);
        }
    }

    /// Puts plugins that failed too often on record and tells of them. Their fallbacks come in; where nobody can be recognised any more, the cameras stop.
    fn quarantine(&self, state: &mut State) -> Result<(), PipelineError> {
        // What was decided while it was in good standing is on record first: in the log no alert of a plugin follows its quarantine.
        if !state.struck.is_empty() && !state.pending.is_empty() {
            self.commit(state)?;
        }
        for (struck, error) in std::mem::take(&mut state.struck) {
            let quarantine = self.run.quarantine(&records::Quarantine {
                number: 0,
                run: self.run.id(),
                at: records::Timestamp::from_unix_ms(Timestamp::now().as_millisecond()),
                plugin: records::PluginUsed {
                    role: struck.role.name().to_owned(),
                    id: error.plugin.to_string(),
                    version: error.version.to_string(),
                    sha256: struck.plugin.file.to_string(),
                },
                content: Some(struck.plugin.content.to_string()),
                // The kind alone: a plugin's own words could hold a score.
                cause: error.cause.name().to_owned(),
                strikes: struck.strikes,
                calls: struck.calls,
                release: None,
            })?;
            (self.tell)(Event::Quarantine(&quarantine));
            state.quarantines.push(quarantine);
            self.fall_back(struck.role, &struck.plugin.content)?;
        }
        Ok(())
    }

    /// What serves once a plugin is in quarantine: its fallback. Without one, frames that meet it are seen by nobody, and the cameras end.
    /// Of this role alone: a router that is out already and has no fallback is no reason to stop the cameras for another plugin that has one.
    fn fall_back(&self, role: Role, content: &Arc<str>) -> Result<(), PipelineError> {
        let mut turn = self.generations.turn();
        turn.put_out(role, content);
        let current = turn.current();
        let serves = current.plugin(role);
        if serves.is_none_or(|serves| serves.plugin.identity().content != *content) {
            // It was swapped for another meanwhile.
            return Ok(());
        }
        let next = current.fallen_back(role);
        // The fallback may have failed too often in its own right, in a generation before.
        let is_well = |next: &Generation| next.plugin(role).is_some_and(|one| !turn.is_out(one));
        let Some(next) = next.filter(is_well) else {
            (self.tell)(Event::Stopping { role });
            if role != Role::AlertRouter {
                self.halt.store(true, Ordering::Relaxed);
            }
            return Ok(());
        };
        let cause = GenerationCause::Fallback { role };
        let facts = turn.publish(next, cause, Timestamp::now(), self.run.id(), |change| {
            self.run.change_generation(change, None)
        })?;
        (self.tell)(Event::Generation(&facts));
        Ok(())
    }
}

/// A plugin of a generation gave a usable answer.
fn well(state: &mut State, generation: &Generation, role: Role) {
    if let Some(loaded) = generation.plugin(role) {
        let content = &loaded.plugin.identity().content;
        state.supervisor.well(role, content);
    }
}

/// Whether the plugin of a generation that serves in this role is in quarantine.
fn is_out(state: &State, loaded: &Loaded) -> bool {
    let content = &loaded.plugin.identity().content;
    state.supervisor.is_out(loaded.slot.role, content)
}

/// Whether nobody can be recognised with a generation: a plugin of it is in quarantine, and it is not the router, whose alerts go to the default desk.
fn is_blind(state: &State, generation: &Generation) -> bool {
    let mut plugins = generation.plugins();
    plugins.any(|loaded| loaded.slot.role != Role::AlertRouter && is_out(state, loaded))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn an_earlier_alert_is_told_in_the_time_of_the_camera_that_the_policy_is_asked_about() {
        // Raised 20 minutes into the run, 5 s into a file, and that 30 s ago.
        let raised = Raised {
            number: Some(1),
            reference: "MP-0007".into(),
            camera: 0,
            track: 1,
            time: 5.0,
            at: Instant::now() - Duration::from_secs(30),
        };
        assert_eq!(raised.on_clock_of(0, 40.0, true), 5.0);
        let ago = 1_230.0 - raised.on_clock_of(1, 1_230.0, true);
        assert!((30.0..EARLIER).contains(&ago), "{ago}");
        // Files have one clock, and what their alerts are told does not hang on the host's.
        assert_eq!(raised.on_clock_of(1, 1_230.0, false), 5.0);
    }

    #[test]
    fn an_alert_waits_for_few_frames_and_counts_for_many() {
        assert!(!is_full(1, GROUP - 1) && is_full(1, GROUP));
        assert!(!is_full(0, GROUP) && is_full(0, COUNTS_EVERY));
    }
}
