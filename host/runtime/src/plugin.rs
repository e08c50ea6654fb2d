//! An accepted plugin, and the calls to it: each in a fresh store and a fresh instance, its answer checked.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use overt_vision::{Backend, Face, Frame, InferenceError, ModelFile, Tensor};
use wasmtime::component::InstancePre;
use wasmtime::{Store, Trap};

use crate::answer;
use crate::contract::exports::{alert_router, detector, encoder, matcher_policy, quality};
use crate::engine::Runtime;
use crate::error::{CallCause, CallError};
use crate::limits::{self, Limits};
use crate::manifest::EncoderFacts;
use crate::observe::{CallObserver, Spent, Watched};
use crate::sandbox::{Call, Ended, LogSource, NamedSession};
use overt_contract::Role;

/// Which plugin it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginIdentity {
    /// The manifest's id.
    pub id: Arc<str>,
    /// The manifest's version.
    pub version: Arc<str>,
    /// SHA-256 of the plugin file.
    pub sha256: Arc<str>,
    /// SHA-256 of its content, which stays the same when somebody signs ([`crate::PluginFile::content_sha256`]).
    pub content: Arc<str>,
}

/// An accepted plugin. Cheap to clone; calls from several threads run side by side.
#[derive(Clone)]
pub struct Plugin {
    pub(crate) inner: Arc<Inner>,
    /// Its own table, as a JSON object.
    pub(crate) config: Arc<str>,
    pub(crate) observer: Option<Arc<dyn CallObserver>>,
}

/// What all clones of a plugin share.
pub(crate) struct Inner {
    pub(crate) runtime: Runtime,
    pub(crate) identity: PluginIdentity,
    pub(crate) role: Role,
    pub(crate) limits: Limits,
    pub(crate) pixels: bool,
    pub(crate) encoder: Option<EncoderFacts>,
    pub(crate) models: Vec<(String, ModelFile)>,
    pub(crate) pre: InstancePre<Call>,
    pub(crate) indices: Indices,
}

/// What a call of a decision plugin came to, and what it took.
#[derive(Clone, Debug)]
pub struct Metered<T> {
    /// The checked answer.
    pub answer: Result<T, CallError>,
    /// Fuel: of the guest's own operators and of its calls to the host together. The same call takes the same in every run of one version of the
    /// host ([`crate::fuel_table`]).
    pub fuel: u64,
}

/// Where the role's functions are in the component.
pub(crate) enum Indices {
    Detector(detector::GuestIndices),
    Encoder(encoder::GuestIndices),
    Quality(quality::GuestIndices),
    MatcherPolicy(matcher_policy::GuestIndices),
    AlertRouter(alert_router::GuestIndices),
}

/// A plugin's models, loaded for one worker. A call has them for its time and gives them back.
pub struct Sessions {
    sessions: Vec<NamedSession>,
}

impl Indices {
    pub(crate) fn of(role: Role, pre: &InstancePre<Call>) -> wasmtime::Result<Indices> {
        Ok(match role {
            Role::Detector => Indices::Detector(detector::GuestIndices::new(pre)?),
            Role::Encoder => Indices::Encoder(encoder::GuestIndices::new(pre)?),
            Role::Quality => Indices::Quality(quality::GuestIndices::new(pre)?),
            Role::MatcherPolicy => Indices::MatcherPolicy(matcher_policy::GuestIndices::new(pre)?),
            Role::AlertRouter => Indices::AlertRouter(alert_router::GuestIndices::new(pre)?),
        })
    }

    fn load(
        &self,
        store: &mut Store<Call>,
        instance: &wasmtime::component::Instance,
    ) -> wasmtime::Result<()> {
        match self {
            Indices::Detector(indices) => indices.load(&mut *store, instance).map(drop),
            Indices::Encoder(indices) => indices.load(&mut *store, instance).map(drop),
            Indices::Quality(indices) => indices.load(&mut *store, instance).map(drop),
            Indices::MatcherPolicy(indices) => indices.load(&mut *store, instance).map(drop),
            Indices::AlertRouter(indices) => indices.load(&mut *store, instance).map(drop),
        }
    }
}

/// What a call is about, for the log and for errors.
#[derive(Clone, Default)]
struct About {
    camera: Option<Arc<str>>,
    frame: Option<u32>,
}

impl About {
    fn frame(frame: &Frame) -> About {
        About {
            camera: Some(frame.camera().clone()),
            frame: Some(frame.sequence()),
        }
    }
}

type Outcome<T> = Result<T, CallCause>;

/// What a router answers.
type RouterAnswer = Result<Vec<alert_router::Route>, alert_router::RouterError>;

impl Plugin {
    /// Which plugin it is.
    pub fn identity(&self) -> &PluginIdentity {
        &self.inner.identity
    }

    /// The role that it fills.
    pub fn role(&self) -> Role {
        self.inner.role
    }

    /// What a call may use.
    pub fn limits(&self) -> &Limits {
        &self.inner.limits
    }

    /// What its templates are, if it encodes.
    pub fn encoder(&self) -> Option<&EncoderFacts> {
        self.inner.encoder.as_ref()
    }

    /// Its models, in the order of the manifest: name and SHA-256.
    pub fn models(&self) -> impl Iterator<Item = (&str, &str)> {
        self.inner
            .models
            .iter()
            .map(|(name, model)| (name.as_str(), model.sha256()))
    }

    /// Its own table, as the JSON object that it reads.
    pub fn config(&self) -> &Arc<str> {
        &self.config
    }

    /// The same plugin with another configuration.
    ///
    /// # Errors
    /// Where JSON cannot say it.
    pub fn with_config(&self, config: &toml::Table) -> Result<Plugin, serde_json::Error> {
        Ok(Plugin {
            inner: self.inner.clone(),
            config: serde_json::to_string(config)?.into(),
            observer: None,
        })
    }

    /// The same plugin, with somebody who hears of every call of it from here on.
    pub fn observed(self, observer: Arc<dyn CallObserver>) -> Plugin {
        Plugin {
            observer: Some(observer),
            ..self
        }
    }

    /// Loads the plugin's models for one worker. They were to be tried before ([`Runtime::try_models`]).
    pub fn sessions(&self, backend: &dyn Backend) -> Result<Sessions, InferenceError> {
        let sessions = self.inner.models.iter().map(|(name, model)| {
            backend
                .load(model, self.inner.limits.model_memory)
                .map(|session| NamedSession {
                    name: name.clone(),
                    session,
                })
        });
        Ok(Sessions {
            sessions: sessions.collect::<Result<_, _>>()?,
        })
    }

    /// The faces of a frame (`wit/detector.wit`).
    pub fn detect(
        &self,
        frame: &Arc<Frame>,
        sessions: &mut Sessions,
    ) -> Result<Vec<Face>, CallError> {
        let Indices::Detector(indices) = &self.inner.indices else {
            return Err(self.not_this_role(About::frame(frame)));
        };
        self.call(About::frame(frame), sessions, |store, instance| {
            let guest = indices
                .load(&mut *store, instance)
                .map_err(|error| self.ended(&error))?;
            let handle = lend(store, frame)?;
            let answer = guest
                .call_detect(&mut *store, handle)
                .map_err(|error| self.ended(&error))?;
            let faces: Vec<Face> = answer
                .map_err(|error| match error {
                    detector::DetectorError::BadConfig => refused("bad-config"),
                    detector::DetectorError::Refused => refused("refused"),
                    detector::DetectorError::UnexpectedOutput => refused("unexpected-output"),
                })?
                .into_iter()
                .map(Face::from)
                .collect();
            answer::faces(
                &faces,
                frame.width(),
                frame.height(),
                self.inner.limits.faces,
            )
            .map_err(CallCause::Answer)?;
            Ok(faces)
        })
    }

    /// A template of each face (`wit/encoder.wit`): float32 [faces, dimension], not normalised. `faces`: 1 to [`limits::ENCODED`].
    pub fn encode(
        &self,
        frame: &Arc<Frame>,
        faces: &[Face],
        sessions: &mut Sessions,
    ) -> Result<Tensor, CallError> {
        let (Indices::Encoder(indices), Some(facts)) = (&self.inner.indices, &self.inner.encoder)
        else {
            return Err(self.not_this_role(About::frame(frame)));
        };
        self.call(About::frame(frame), sessions, |store, instance| {
            let guest = indices
                .load(&mut *store, instance)
                .map_err(|error| self.ended(&error))?;
            let handle = lend(store, frame)?;
            let asked: Vec<_> = faces.iter().map(|face| (*face).into()).collect();
            let answer = guest
                .call_encode(&mut *store, handle, &asked)
                .map_err(|error| self.ended(&error))?;
            let tensor = answer.map_err(|error| match error {
                encoder::EncoderError::BadConfig => refused("bad-config"),
                encoder::EncoderError::Refused => refused("refused"),
                encoder::EncoderError::UnexpectedOutput => refused("unexpected-output"),
                encoder::EncoderError::LandmarksMissing => refused("landmarks-missing"),
            })?;
            let held = store.data_mut().table.delete(tensor);
            let tensor = held
                .map_err(|error| CallCause::Trap(error.to_string()))?
                .tensor;
            answer::templates(&tensor, faces.len(), facts.dimension).map_err(CallCause::Answer)?;
            Ok(tensor)
        })
    }

    /// Quality components of each face (`wit/quality.wit`): name and value, 0 to 100. `faces`: 1 to [`limits::ENCODED`].
    pub fn assess(
        &self,
        frame: &Arc<Frame>,
        faces: &[Face],
        sessions: &mut Sessions,
    ) -> Result<Vec<Vec<(String, f32)>>, CallError> {
        let Indices::Quality(indices) = &self.inner.indices else {
            return Err(self.not_this_role(About::frame(frame)));
        };
        self.call(About::frame(frame), sessions, |store, instance| {
            let guest = indices
                .load(&mut *store, instance)
                .map_err(|error| self.ended(&error))?;
            let handle = lend(store, frame)?;
            let asked: Vec<_> = faces.iter().map(|face| (*face).into()).collect();
            let answer = guest
                .call_assess(&mut *store, handle, &asked)
                .map_err(|error| self.ended(&error))?;
            let components = answer.map_err(|error| match error {
                quality::QualityError::BadConfig => refused("bad-config"),
                quality::QualityError::Refused => refused("refused"),
                quality::QualityError::UnexpectedOutput => refused("unexpected-output"),
                quality::QualityError::LandmarksMissing => refused("landmarks-missing"),
            })?;
            answer::quality(&components, faces.len()).map_err(CallCause::Answer)?;
            Ok(components
                .into_iter()
                .map(|face| {
                    face.into_iter()
                        .map(|component| (component.name, component.value))
                        .collect()
                })
                .collect())
        })
    }

    /// What to do about a track (`wit/matcher-policy.wit`).
    pub fn decide(
        &self,
        observation: &matcher_policy::Observation,
    ) -> Result<matcher_policy::Decision, CallError> {
        self.decide_metered(observation).answer
    }

    /// The same, with the fuel that it took.
    pub fn decide_metered(
        &self,
        observation: &matcher_policy::Observation,
    ) -> Metered<matcher_policy::Decision> {
        let about = About {
            camera: Some(observation.camera.as_str().into()),
            frame: None,
        };
        let Indices::MatcherPolicy(indices) = &self.inner.indices else {
            return Metered::nothing(self.not_this_role(about));
        };
        self.metered(about, &mut Sessions::none(), |store, instance| {
            let guest = indices
                .load(&mut *store, instance)
                .map_err(|error| self.ended(&error))?;
            let answer = guest
                .call_decide(&mut *store, observation)
                .map_err(|error| self.ended(&error))?;
            let decision = answer.map_err(|error| {
                said(
                    match error.code {
                        matcher_policy::PolicyErrorCode::BadConfig => "bad-config",
                        matcher_policy::PolicyErrorCode::BadObservation => "bad-observation",
                        matcher_policy::PolicyErrorCode::Failed => "failed",
                    },
                    error.message,
                )
            })?;
            answer::decision(&decision, observation.offered.len()).map_err(CallCause::Answer)?;
            Ok(decision)
        })
    }

    /// The desks that should review an alert (`wit/alert-router.wit`).
    pub fn for_review(
        &self,
        alert: &alert_router::Alert,
    ) -> Result<Vec<alert_router::Route>, CallError> {
        self.for_review_metered(alert).answer
    }

    /// The same, with the fuel that it took.
    pub fn for_review_metered(
        &self,
        alert: &alert_router::Alert,
    ) -> Metered<Vec<alert_router::Route>> {
        self.ask_router(&alert.camera, |guest, store| {
            guest.call_for_review(store, alert)
        })
    }

    /// The officers who should hear of an alert that a person has passed (`wit/alert-router.wit`), with the fuel that it took. What a person has passed this crate cannot
    /// know: its one caller is the pipeline's `action`, which takes the records' proof of a committed judgement. Clippy refuses any other (`clippy.toml`).
    pub fn for_action_metered(
        &self,
        passed: &alert_router::PassedAlert,
    ) -> Metered<Vec<alert_router::Route>> {
        self.ask_router(&passed.alert.camera, |guest, store| {
            guest.call_for_action(store, passed)
        })
    }

    /// Asks the router one of its two questions, about an alert on this camera.
    fn ask_router(
        &self,
        camera: &str,
        ask: impl FnOnce(&alert_router::Guest, &mut Store<Call>) -> wasmtime::Result<RouterAnswer>,
    ) -> Metered<Vec<alert_router::Route>> {
        let about = About {
            camera: Some(camera.into()),
            frame: None,
        };
        let Indices::AlertRouter(indices) = &self.inner.indices else {
            return Metered::nothing(self.not_this_role(about));
        };
        self.metered(about, &mut Sessions::none(), |store, instance| {
            let guest = indices
                .load(&mut *store, instance)
                .map_err(|error| self.ended(&error))?;
            let answer = ask(&guest, &mut *store).map_err(|error| self.ended(&error))?;
            let routes = answer.map_err(|error| {
                said(
                    match error.code {
                        alert_router::RouterErrorCode::BadConfig => "bad-config",
                        alert_router::RouterErrorCode::Failed => "failed",
                    },
                    error.message,
                )
            })?;
            answer::routes(&routes).map_err(CallCause::Answer)?;
            Ok(routes)
        })
    }

    /// One call; see [`Plugin::metered`].
    fn call<T>(
        &self,
        about: About,
        sessions: &mut Sessions,
        work: impl FnOnce(&mut Store<Call>, &wasmtime::component::Instance) -> Outcome<T>,
    ) -> Result<T, CallError> {
        self.metered(about, sessions, work).answer
    }

    /// One call: a fresh store, a fresh instance, the work, and the sessions back whatever happened.
    fn metered<T>(
        &self,
        about: About,
        sessions: &mut Sessions,
        work: impl FnOnce(&mut Store<Call>, &wasmtime::component::Instance) -> Outcome<T>,
    ) -> Metered<T> {
        let source = LogSource {
            plugin: self.inner.identity.id.clone(),
            camera: about.camera.clone(),
            frame: about.frame,
        };
        let inner = &self.inner;
        let watched = Watched::begin(
            &inner.identity,
            inner.role,
            about.camera.as_ref(),
            about.frame,
        );
        let mut spent = Spent::default();
        let lent = std::mem::take(&mut sessions.sessions);
        let store = Call::store(
            &self.inner.runtime,
            self.inner.role.family(),
            &self.inner.limits,
            self.config.clone(),
            self.inner.pixels,
            lent,
            source,
        );
        let outcome = store.and_then(|mut store| {
            // A panic here is the host's own mistake, which a guest may have found and must not end the host with. Nothing broken is left
            // behind: the store is dropped, and a session that is given back is the back end's to keep usable.
            let outcome = catch_unwind(AssertUnwindSafe(|| {
                let instance = self.inner.pre.instantiate(&mut store);
                work(&mut store, &instance.map_err(|error| self.ended(&error))?)
            }));
            sessions.sessions = std::mem::take(&mut store.data_mut().sessions);
            spent = Call::spent(&store);
            outcome.unwrap_or_else(|_| Err(CallCause::Host("a host function panicked".into())))
        });
        watched.end(spent, outcome.as_ref().err(), self.observer.as_deref());
        Metered {
            answer: outcome.map_err(|cause| self.error(about, cause)),
            // Of a perception plugin none is counted.
            fuel: spent.fuel.unwrap_or(0),
        }
    }

    /// Why wasmtime ended a call of this plugin.
    fn ended(&self, error: &wasmtime::Error) -> CallCause {
        cause(error, &self.inner.limits)
    }

    fn error(&self, about: About, cause: CallCause) -> CallError {
        let identity = &self.inner.identity;
        CallError {
            plugin: identity.id.clone(),
            version: identity.version.clone(),
            role: self.inner.role,
            camera: about.camera,
            frame: about.frame,
            cause,
        }
    }

    fn not_this_role(&self, about: About) -> CallError {
        self.error(
            about,
            CallCause::Host(format!(
                "it was accepted as {} and called as another role",
                self.inner.role
            )),
        )
    }

    /// An empty call: a fresh instance in a fresh store, and nothing asked of it. What every call costs before the plugin does anything.
    ///
    /// # Errors
    /// Where it cannot be instantiated; it was, when it was accepted.
    pub fn empty_call(&self) -> Result<(), CallError> {
        self.call(
            About::default(),
            &mut Sessions::none(),
            |store, instance| {
                let loaded = self.inner.indices.load(store, instance);
                loaded.map_err(|error| self.ended(&error))
            },
        )
    }

    /// Instantiates once, without calling anything, and loads every declared role.
    pub(crate) fn load_every_role(&self, roles: &[Role]) -> Result<(), String> {
        let outcome = self.call(
            About::default(),
            &mut Sessions::none(),
            |store, instance| {
                for role in roles {
                    let loaded = Indices::of(*role, &self.inner.pre)
                        .and_then(|indices| indices.load(store, instance));
                    loaded.map_err(|error| CallCause::Host(format!("{role}: {error:#}")))?;
                }
                Ok(())
            },
        );
        outcome.map_err(|error| error.cause.to_string())
    }
}

impl<T> Metered<T> {
    /// A call that was not made.
    fn nothing(error: CallError) -> Metered<T> {
        Metered {
            answer: Err(error),
            fuel: 0,
        }
    }
}

impl Sessions {
    fn none() -> Sessions {
        Sessions {
            sessions: Vec::new(),
        }
    }
}

/// A handle to a frame for the time of one call.
fn lend(
    store: &mut Store<Call>,
    frame: &Arc<Frame>,
) -> Outcome<wasmtime::component::Resource<Arc<Frame>>> {
    store
        .data_mut()
        .table
        .push(frame.clone())
        .map_err(|error| CallCause::Host(error.to_string()))
}

fn refused(code: &'static str) -> CallCause {
    CallCause::Refused {
        code,
        message: String::new(),
    }
}

/// A decision plugin's own words, if they keep to the contract.
fn said(code: &'static str, message: String) -> CallCause {
    match answer::text("the error's message", &message) {
        Ok(()) => CallCause::Refused { code, message },
        Err(fault) => CallCause::Answer(fault),
    }
}

/// Why wasmtime ended a call.
fn cause(error: &wasmtime::Error, limits: &Limits) -> CallCause {
    if let Some(Ended(cause)) = error.downcast_ref::<Ended>() {
        return cause.clone();
    }
    if let Some(trap) = error.downcast_ref::<Trap>() {
        return match trap {
            Trap::OutOfFuel => CallCause::OutOfFuel { fuel: limits.fuel },
            Trap::StackOverflow => CallCause::StackOverflow,
            other => CallCause::Trap(other.to_string()),
        };
    }
    let text = format!("{error:#}");
    if error.is::<wasmtime::PoolConcurrencyLimitError>() {
        return CallCause::Host(text);
    }
    // wasmtime keeps these two error types to itself. That their texts are still these is tested by `a_text_longer_than_one_crossing_carries_is_a_payload_fault`
    // and `more_handles_of_a_guests_own_resource_than_the_limit_end_the_call`.
    if text.contains("fuel allocated for hostcalls has been exhausted") {
        return CallCause::Payload {
            limit: limits::HOSTCALL_BYTES,
        };
    }
    if text.contains("store handle limit exceeded") {
        return CallCause::Handles {
            limit: limits::COMPONENT_HANDLES,
        };
    }
    CallCause::Trap(text)
}
