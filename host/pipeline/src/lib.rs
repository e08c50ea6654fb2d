//! The way of a frame, from the camera to a person's desk.
//!
//! ```text
//! capture (a thread per camera) ─► workers: detect ─► lane (a thread per camera): order, track, choose
//!                                  workers: encode, assess, search ─► lane ─► decision (one thread): decide, route, commit, publish
//! ```
//!
//! - [`machine`]: what the host needs of the machine: the plugin runtime and the inference back end.
//! - [`inspection`]: a deployment as an auditor reads it.
//! - [`lock`]: what a deployment resolves to, by digest, and what differs from it now.
//! - [`generation`]: plugins, models and gallery that belong together, immutable.
//! - [`stills`]: photographs through the plugins that see, for enrolment and evaluation.
//! - [`calibration`]: how often a search errs at each threshold, which the score floor rests on.
//! - [`enrol`]: photographs become watchlist entries, through the same plugins that will see the passers-by.
//! - [`swap`]: the next generation, made aside while the present one serves.
//! - [`shadow`]: a challenger that is asked the same and decides nothing.
//! - [`control`]: what a run can be asked while it goes on.
//! - [`desk`]: what people do with alerts, and [`action`]: who hears of one that was passed.
//! - [`dispatch`]: what waits for channels, delivered while no run goes on.
//! - [`custody`]: what is kept, for how long and why.
//! - [`inquiry`]: what officers and auditors ask of the records.
//! - [`inputs`]: what an alert's plugins were asked and answered, and [`replay`]: the same once more, compared byte for byte.
//! - [`metrics`] and [`incident`]: how a run does while it goes on, for whoever watches over the host.
//! - [`publication`]: the record of a deployment, as far as its file, store and log know it.
//! - [`search`]: stored photographs, or one that an officer took, on the same way.
//! - [`run`]: starts the threads and gathers what they leave: [`summary`] and [`report`].
//!
//! Same frames, same alerts, whatever the number of threads: everything that influences an alert happens in a lane or in the decision
//! thread, in the order of frames, and depends on nothing but what came before in that order. Which frames of a live camera are
//! looked at depends on how fast the machine is; nothing else does.

pub mod action;
mod admission;
pub mod authority;
pub mod calibration;
mod capture;
mod caught;
mod choice;
pub mod control;
pub mod custody;
mod decision;
mod delivery;
pub mod desk;
pub mod dispatch;
pub mod enrol;
pub mod error;
mod failures;
pub mod generation;
mod generations;
pub mod health;
pub mod incident;
pub mod inputs;
pub mod inquiry;
pub mod inspection;
mod lane;
pub mod list_change;
pub mod list_check;
mod live;
pub mod lock;
pub mod machine;
pub mod metrics;
mod newest;
mod order;
mod pictures;
pub mod publication;
mod re_encode;
pub mod replay;
pub mod report;
pub mod run;
pub mod search;
pub mod shadow;
mod stages;
mod standing;
pub mod stills;
pub mod summary;
mod supervisor;
pub mod swap;
mod tracker;
mod trail;
mod trust;
mod watchlist;
mod way;
mod worker;

pub use admission::Loaded;
pub use authority::{Authorised, Authority, Until};
pub use enrol::{Enrolment, ImageFailure, ImageToEnrol};
pub use error::PipelineError;
pub use generation::{Generation, Perception};
pub use generations::{GenerationCause, GenerationFacts};
pub use health::CameraNews;
pub use lock::Lock;
pub use machine::{Machine, MachineOptions};
pub use metrics::Metrics;
pub use run::{Event, Finished, Terms, run};
pub use trust::{trust, trust_time};
