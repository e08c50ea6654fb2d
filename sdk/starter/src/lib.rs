//! What a vendor's new project begins with, a file for each role. A project has one of them or several of one family, and a `src/lib.rs` of its own.

mod alert_router;
mod detector;
mod encoder;
mod matcher_policy;
mod quality;

pub use alert_router::ByUrgency;
pub use detector::Contrasts;
pub use encoder::GreyPatch;
pub use matcher_policy::EnoughLooks;
pub use quality::LightAndSharpness;

overt_sdk::alert_router!(ByUrgency);
overt_sdk::detector!(Contrasts);
overt_sdk::encoder!(GreyPatch);
overt_sdk::matcher_policy!(EnoughLooks);
overt_sdk::quality!(LightAndSharpness);
