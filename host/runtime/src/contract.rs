//! The contract's bindings on the host's side, and the decision types that the pipeline speaks.

mod written;

mod generated {
    #![allow(missing_docs, unreachable_pub, clippy::all)]
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "host",
        imports: { default: trappable },
        with: {
            "overt:algorithm/tensors.tensor": crate::sandbox::TensorHandle,
            "overt:algorithm/frames.frame": crate::sandbox::FrameHandle,
            "overt:algorithm/inference.model": crate::sandbox::ModelHandle,
        },
    });
}

pub(crate) use generated::exports::overt::algorithm as exports;
pub(crate) use generated::overt::algorithm as imports;

/// The records that decision plugins take and give, as `wit/matcher-policy.wit` and `wit/alert-router.wit` describe them.
pub mod decision {
    pub use super::exports::alert_router::{Alert, PassedAlert, Route, Urgency};
    pub use super::exports::matcher_policy::{
        AlertState, Candidate, Decision, EarlierAlert, Observation, Offer, Priority, Probe,
        Proposal, QualityValue, SearchResult,
    };
}
