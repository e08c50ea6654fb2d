//! A policy and a router that do what no plugin may do. Which it is, their configuration says: `{"behaviour": "loop"}`. A track's last
//! observation and an alert of an even number are answered well, so that a test sees that the next call is served.
//!
//! They stand on the bare bindings, because the SDK cuts and cleans texts that are too long or not printable.

mod policy;
mod router;

use core::hint::black_box;

use serde::Deserialize;

/// The plugin, in both its roles.
pub struct Hostile;

#[derive(Deserialize)]
struct Settings {
    behaviour: String,
}

/// The behaviour that the configuration asks for.
fn behaviour() -> String {
    match overt_sdk::config::<Settings>() {
        Ok(settings) => settings.behaviour,
        Err(error) => panic!("{error}"),
    }
}

fn endless_loop() -> ! {
    let mut turns = 0u64;
    loop {
        turns = black_box(turns.wrapping_add(1));
    }
}

#[allow(unconditional_recursion)]
fn endless_recursion(depth: u64) -> u64 {
    // Nothing that has an address: the compiler would keep it on a stack in the plugin's memory, which would end before the engine's.
    endless_recursion(depth.wrapping_add(1)).rotate_left(7) ^ depth
}

fn endless_allocation() -> ! {
    loop {
        black_box(vec![1u8; 1 << 20].leak());
    }
}

#[cfg(target_arch = "wasm32")]
overt_sdk::bindings::matcher_policy::export!(Hostile with_types_in overt_sdk::bindings::matcher_policy);
#[cfg(target_arch = "wasm32")]
overt_sdk::bindings::alert_router::export!(Hostile with_types_in overt_sdk::bindings::alert_router);
