//! From a policy's proposal to an alert that can be committed: what the host refuses of it, who is asked to look, and what they are shown. It decides nothing.

use std::time::Instant;

use overt_deployment::{Purpose, RunReport, Timestamp};
use overt_records as records;
use overt_runtime::decision::{Alert as RoutedAlert, Priority, Proposal, Route, Urgency};
use overt_runtime::{CallCause, CallError, Metered, Role};
use overt_vision::FrameError;

use super::{DecisionThread, Raised, State};
use crate::generation::Generation;
use crate::inputs::{Outcome, Routing};
use crate::pictures;
use crate::report::{AlertReport, Picture, RouteReport, Shown, StripFrame};
use crate::stages::Stage;
use crate::trail::Trail;
use crate::way::CameraIndex;

impl DecisionThread<'_> {
    #[allow(clippy::too_many_arguments)] // As for `decide`.
    pub(super) fn alert(
        &self,
        state: &mut State,
        generation: &Generation,
        camera: CameraIndex,
        track: u32,
        sequence: u32,
        time: f64,
        proposal: &Proposal,
    ) {
        let Some(trail) = state.cameras[camera].get_mut(&track) else {
            return;
        };
        // The runtime has checked that the entry was offered, and an offered entry has a best score.
        let Some((entry, best)) = trail
            .entry(proposal.offered)
            .and_then(|entry| Some((entry, trail.best(entry)?.clone())))
        else {
            return;
        };
        let floor = generation.score_floor;
        if best.score < floor {
            trail.calls.came_to(Outcome::UnderFloor);
            let error = host_refused(
                generation,
                format!(
                    "it proposed an alert at {:.3}, under the authority's score floor of {floor:.3}",
                    best.score
                ),
            );
            return self.failed(state, generation, camera, sequence, &error);
        }
        if trail.is_alerted(entry) {
            trail.calls.came_to(Outcome::Second);
            let error = host_refused(
                generation,
                "it proposed a second alert for the same entry on the same track".to_owned(),
            );
            return self.failed(state, generation, camera, sequence, &error);
        }
        let listed = &generation.watchlist.entries[entry as usize];
        // A frame that was under way when the entry was removed, or the image's day ended, can still find it: nobody is alerted for them any more.
        let now = crate::run::now();
        let Some(image) = generation.watchlist.in_time(entry, best.image, now) else {
            return;
        };
        let current = self.generations.current();
        if !current.watchlist.holds(&listed.reference, image.number) {
            return;
        }
        drop(current);
        if self.run.mode() == records::RunMode::Rehearsal {
            // Told of to the policy as an alert, so that it decides as it would; kept nowhere, shown to nobody, and no desk is asked for.
            self.withhold(state, generation, camera, track, time, entry);
            return;
        }
        let number = state.next_number;
        trail.calls.came_to(Outcome::Raised(number));
        let (urgency, priority, priority_name) = match proposal.priority {
            Priority::Low => (Urgency::Low, records::Priority::Low, "low"),
            Priority::Normal => (Urgency::Normal, records::Priority::Normal, "normal"),
            Priority::High => (Urgency::High, records::Priority::High, "high"),
        };
        let camera_id = &self.deployment.cameras[camera].id;
        let routed = RoutedAlert {
            number,
            camera: camera_id.clone(),
            track,
            time,
            category: listed.category.clone(),
            urgency,
            score: best.score,
        };
        let scores = trail
            .comparisons()
            .map(|comparison| records::AlertScore {
                time: comparison.time,
                encoder: generation.perception.encoder_id.plugin_id.clone(),
                reference: generation.watchlist.entries[comparison.entry as usize]
                    .reference
                    .to_string(),
                score: comparison.score,
            })
            .collect();
        let (span, probes) = (trail.span, trail.probed);
        let with_faces = self.deployment.host.report == RunReport::Faces;
        let strip = match with_faces {
            true => self.strip(trail),
            false => Vec::new(),
        };
        let probe = self.stages.time(Stage::Picture, || {
            pictures::jpeg(&best.crop).unwrap_or_else(no_picture)
        });
        let (routes, asked) = self.route(state, generation, camera, sequence, &routed);
        let entry_picture = with_faces.then(|| self.entry_picture(generation, entry, best.image));
        let raised = Timestamp::now();
        let router = &generation.router;
        let inputs = state.cameras[camera].get(&track).and_then(|trail| {
            let routing = asked.as_ref().map(|called| Routing {
                plugin: &router.plugin,
                capabilities: &router.capabilities,
                alert: &routed,
                called,
            });
            trail.calls.inputs(routing)
        });
        state.pending.push(records::NewAlert {
            alert: records::Alert {
                number,
                reference: listed.reference.to_string(),
                category: listed.category.clone(),
                camera: camera_id.clone(),
                track,
                time,
                raised_at: records::Timestamp::from_unix_ms(raised.as_millisecond()),
                first_frame: span.first_frame,
                last_frame: span.last_frame,
                generation: generation.number,
                priority,
                routes: routes.iter().map(|route| route.channel.clone()).collect(),
            },
            image: image.number,
            payload: records::AlertPayload {
                score: best.score,
                crop: probe.jpeg.clone().into(),
                reason: proposal.reason.clone().into(),
                scores,
            },
            inputs,
        });
        state.next_number += 1;
        state.counts.alerts += 1;
        self.cameras[camera].alerts.inc();
        state.raised.push(Raised {
            number: Some(number),
            reference: listed.reference.clone(),
            camera,
            track,
            time,
            at: Instant::now(),
        });
        if let Some(trail) = state.cameras[camera].get_mut(&track) {
            trail.note_alert(entry);
        }
        state.spans.push((camera, span));
        state.alerts.push(AlertReport {
            number,
            reference: listed.reference.to_string(),
            category: listed.category.clone(),
            camera: camera_id.clone(),
            track,
            score_floor: floor,
            generation: generation.number,
            priority: priority_name.to_owned(),
            time,
            raised,
            track_from: span.first_time,
            track_to: span.last_time,
            probes,
            routes,
            shown: entry_picture.map(|entry| Shown {
                score: best.score,
                reason: proposal.reason.clone(),
                probe,
                entry,
                strip,
            }),
        });
    }

    /// Counts what would have been an alert.
    fn withhold(
        &self,
        state: &mut State,
        generation: &Generation,
        camera: CameraIndex,
        track: u32,
        time: f64,
        entry: u32,
    ) {
        state.counts.withheld += 1;
        state.raised.push(Raised {
            number: None,
            reference: generation.watchlist.entries[entry as usize]
                .reference
                .clone(),
            camera,
            track,
            time,
            at: Instant::now(),
        });
        if let Some(trail) = state.cameras[camera].get_mut(&track) {
            trail.note_alert(entry);
        }
    }

    /// A track's frames, everybody but its face blurred.
    pub(super) fn strip(&self, trail: &Trail) -> Vec<StripFrame> {
        self.stages.time(Stage::Picture, || {
            let frames = trail.strip().iter();
            frames
                .filter_map(|(still, face)| still.strip(*face))
                .collect()
        })
    }

    /// Who is asked to look: what the router names, if it is a channel for review; otherwise the default desk. An alert always has a desk. And the
    /// router's call, where it was asked.
    fn route(
        &self,
        state: &mut State,
        generation: &Generation,
        camera: CameraIndex,
        sequence: u32,
        alert: &RoutedAlert,
    ) -> (Vec<RouteReport>, Option<Metered<Vec<Route>>>) {
        let mut routes: Vec<RouteReport> = Vec::new();
        // In quarantine it is not asked; the default desk has the alert.
        let asked = (!super::is_out(state, &generation.router)).then(|| {
            self.stages.time(Stage::Route, || {
                generation.router.plugin.for_review_metered(alert)
            })
        });
        if let (Some(Ok(named)), Some(shadow)) = (
            asked.as_ref().map(|called| &called.answer),
            generation.shadows.get(&Role::AlertRouter),
        ) && shadow.is_asked()
        {
            let challenger = &shadow.loaded.plugin;
            if let Some(answer) = shadow.ask(|| challenger.for_review(alert)) {
                shadow.routes(named, &answer);
            }
        }
        let answer = asked.as_ref().map(|called| called.answer.clone());
        match answer.unwrap_or(Ok(Vec::new())) {
            Ok(named) => {
                super::well(state, generation, Role::AlertRouter);
                for route in named {
                    let channel = self
                        .deployment
                        .channels
                        .iter()
                        .find(|channel| channel.name == route.channel);
                    let refused = match channel {
                        None => Some(format!(
                            "it named the channel {:?}, which the deployment file does not have",
                            route.channel
                        )),
                        Some(channel) if channel.purpose != Purpose::Review => Some(format!(
                            "it named the channel {:?} for review, whose purpose is action",
                            route.channel
                        )),
                        Some(_) => None,
                    };
                    match refused {
                        Some(refused) => {
                            let mut error = host_refused(generation, refused);
                            let identity = generation.router.plugin.identity();
                            (error.plugin, error.version, error.role) = (
                                identity.id.clone(),
                                identity.version.clone(),
                                Role::AlertRouter,
                            );
                            self.failed(state, generation, camera, sequence, &error);
                        }
                        None if routes.iter().any(|there| there.channel == route.channel) => {}
                        None => routes.push(RouteReport {
                            channel: route.channel,
                            purpose: Purpose::Review,
                            by_default: false,
                        }),
                    }
                }
            }
            Err(error) => self.failed(state, generation, camera, sequence, &error),
        }
        if routes.is_empty() {
            let desk = self.deployment.default_desk();
            routes.push(RouteReport {
                channel: desk.name.clone(),
                purpose: desk.purpose,
                by_default: true,
            });
        }
        (routes, asked)
    }

    fn entry_picture(&self, generation: &Generation, entry: u32, image: u32) -> Picture {
        let listed = &generation.watchlist.entries[entry as usize];
        let stored = listed.images.get(image as usize).and_then(|image| {
            let watchlist = self.store.watchlist();
            match watchlist.picture(&listed.reference, image.number) {
                Ok(picture) => picture,
                Err(error) => {
                    tracing::warn!(%error, "a watchlist image cannot be read for the report");
                    None
                }
            }
        });
        let Some(stored) = stored else {
            return no_picture();
        };
        let size: Result<_, FrameError> = match overt_vision::decode_still(&stored.jpeg) {
            Ok(frame) => Ok((frame.width(), frame.height())),
            Err(error) => Err(FrameError::Failed {
                cause: error.to_string(),
            }),
        };
        match size {
            Ok((width, height)) => Picture {
                jpeg: stored.jpeg.to_vec(),
                width,
                height,
            },
            Err(error) => {
                tracing::warn!(%error, "a watchlist image cannot be shown in the report");
                no_picture()
            }
        }
    }
}

/// The host's refusal of what a policy proposed, counted like an answer that cannot be.
fn host_refused(generation: &Generation, what: String) -> CallError {
    let identity = generation.policy.plugin.identity();
    CallError {
        plugin: identity.id.clone(),
        version: identity.version.clone(),
        role: Role::MatcherPolicy,
        camera: None,
        frame: None,
        cause: CallCause::Answer(overt_runtime::answer::AnswerFault::Refused(what)),
    }
}

fn no_picture() -> Picture {
    Picture {
        jpeg: Vec::new(),
        width: 0,
        height: 0,
    }
}
