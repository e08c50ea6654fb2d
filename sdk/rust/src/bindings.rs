//! What `wit-bindgen` makes of the contract: plain records and enums (used natively too) and, on wasm32, the calls into the
//! host. It knows neither the SDK's own handles nor its role traits.
//!
//! One world imports everything and exports nothing; each role has a small world of its own, which takes the types of the first. So a
//! plugin's core module carries the component types of the roles that it exports, and of no other.
#![allow(missing_docs, unreachable_pub, clippy::undocumented_unsafe_blocks)]

/// Every interface that a guest may import.
pub mod imports {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "imports",
        generate_all,
        generate_unused_types: true,
        additional_type_attributes: {
            "overt:algorithm/geometry@0.1.1/point": [#[derive(PartialEq)]],
            "overt:algorithm/geometry@0.1.1/rect": [#[derive(PartialEq)]],
            "overt:algorithm/geometry@0.1.1/landmarks": [#[derive(PartialEq)]],
            "overt:algorithm/geometry@0.1.1/face": [#[derive(PartialEq)]],
            "overt:algorithm/tensors@0.1.1/peak": [#[derive(PartialEq)]],
            "overt:algorithm/frames@0.1.1/view": [#[derive(PartialEq)]],
            "overt:algorithm/frames@0.1.1/alignment": [#[derive(PartialEq)]],
            "overt:algorithm/inference@0.1.1/port": [#[derive(PartialEq)]],
        },
    });
}

/// The role `detector`.
pub mod detector {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "detector-plugin",
        pub_export_macro: true,
        default_bindings_module: "overt_sdk::bindings::detector",
        with: {
            "overt:algorithm/geometry@0.1.1": crate::bindings::imports::overt::algorithm::geometry,
            "overt:algorithm/tensors@0.1.1": crate::bindings::imports::overt::algorithm::tensors,
            "overt:algorithm/frames@0.1.1": crate::bindings::imports::overt::algorithm::frames,
            "overt:algorithm/pixels@0.1.1": crate::bindings::imports::overt::algorithm::pixels,
            "overt:algorithm/inference@0.1.1": crate::bindings::imports::overt::algorithm::inference,
            "overt:algorithm/config@0.1.1": crate::bindings::imports::overt::algorithm::config,
            "overt:algorithm/log@0.1.1": crate::bindings::imports::overt::algorithm::log,
        },
    });
}

/// The role `encoder`.
pub mod encoder {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "encoder-plugin",
        pub_export_macro: true,
        default_bindings_module: "overt_sdk::bindings::encoder",
        with: {
            "overt:algorithm/geometry@0.1.1": crate::bindings::imports::overt::algorithm::geometry,
            "overt:algorithm/tensors@0.1.1": crate::bindings::imports::overt::algorithm::tensors,
            "overt:algorithm/frames@0.1.1": crate::bindings::imports::overt::algorithm::frames,
            "overt:algorithm/pixels@0.1.1": crate::bindings::imports::overt::algorithm::pixels,
            "overt:algorithm/inference@0.1.1": crate::bindings::imports::overt::algorithm::inference,
            "overt:algorithm/config@0.1.1": crate::bindings::imports::overt::algorithm::config,
            "overt:algorithm/log@0.1.1": crate::bindings::imports::overt::algorithm::log,
        },
    });
}

/// The role `quality`.
pub mod quality {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "quality-plugin",
        pub_export_macro: true,
        default_bindings_module: "overt_sdk::bindings::quality",
        with: {
            "overt:algorithm/geometry@0.1.1": crate::bindings::imports::overt::algorithm::geometry,
            "overt:algorithm/tensors@0.1.1": crate::bindings::imports::overt::algorithm::tensors,
            "overt:algorithm/frames@0.1.1": crate::bindings::imports::overt::algorithm::frames,
            "overt:algorithm/pixels@0.1.1": crate::bindings::imports::overt::algorithm::pixels,
            "overt:algorithm/inference@0.1.1": crate::bindings::imports::overt::algorithm::inference,
            "overt:algorithm/config@0.1.1": crate::bindings::imports::overt::algorithm::config,
            "overt:algorithm/log@0.1.1": crate::bindings::imports::overt::algorithm::log,
        },
        additional_type_attributes: {
            "overt:algorithm/quality@0.1.1/component": [#[derive(PartialEq)]],
        },
    });
}

/// The role `matcher-policy`.
pub mod matcher_policy {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "matcher-policy-plugin",
        pub_export_macro: true,
        default_bindings_module: "overt_sdk::bindings::matcher_policy",
        with: {
            "overt:algorithm/config@0.1.1": crate::bindings::imports::overt::algorithm::config,
            "overt:algorithm/log@0.1.1": crate::bindings::imports::overt::algorithm::log,
        },
        additional_type_attributes: {
            "overt:algorithm/matcher-policy@0.1.1/offer": [#[derive(PartialEq)]],
            "overt:algorithm/matcher-policy@0.1.1/candidate": [#[derive(PartialEq)]],
            "overt:algorithm/matcher-policy@0.1.1/search-result": [#[derive(PartialEq)]],
            "overt:algorithm/matcher-policy@0.1.1/quality-value": [#[derive(PartialEq)]],
            "overt:algorithm/matcher-policy@0.1.1/probe": [#[derive(PartialEq)]],
            "overt:algorithm/matcher-policy@0.1.1/earlier-alert": [#[derive(PartialEq)]],
            "overt:algorithm/matcher-policy@0.1.1/observation": [#[derive(PartialEq)]],
            "overt:algorithm/matcher-policy@0.1.1/proposal": [#[derive(PartialEq)]],
            "overt:algorithm/matcher-policy@0.1.1/decision": [#[derive(PartialEq)]],
            "overt:algorithm/matcher-policy@0.1.1/policy-error": [#[derive(PartialEq)]],
        },
    });
}

/// The role `alert-router`.
pub mod alert_router {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "alert-router-plugin",
        pub_export_macro: true,
        default_bindings_module: "overt_sdk::bindings::alert_router",
        with: {
            "overt:algorithm/config@0.1.1": crate::bindings::imports::overt::algorithm::config,
            "overt:algorithm/log@0.1.1": crate::bindings::imports::overt::algorithm::log,
        },
        additional_type_attributes: {
            "overt:algorithm/alert-router@0.1.1/alert": [#[derive(PartialEq)]],
            "overt:algorithm/alert-router@0.1.1/passed-alert": [#[derive(PartialEq)]],
            "overt:algorithm/alert-router@0.1.1/route": [#[derive(PartialEq)]],
            "overt:algorithm/alert-router@0.1.1/router-error": [#[derive(PartialEq)]],
        },
    });
}
