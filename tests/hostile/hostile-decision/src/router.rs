//! The router.

use overt_sdk::bindings::alert_router::exports::overt::algorithm::alert_router::Guest;
use overt_sdk::{Alert, PassedAlert, Route, RouterError};

use crate::{Hostile, behaviour, endless_loop};

impl Guest for Hostile {
    fn for_review(alert: Alert) -> Result<Vec<Route>, RouterError> {
        if alert.number.is_multiple_of(2) {
            return Ok(vec![Route::to("desk-1")]);
        }
        match behaviour().as_str() {
            "loop" => endless_loop(),
            "trap" => panic!("as asked"),
            "seventeen-routes" => Ok((1..=17)
                .map(|desk| Route::to(format!("desk-{desk}")))
                .collect()),
            "thousand-routes" => Ok((1..=1_000)
                .map(|desk| Route::to(format!("desk-{desk}")))
                .collect()),
            "one-desk-twice" => Ok(vec![
                Route::to("desk-1"),
                Route::to("desk-2"),
                Route::to("desk-1"),
            ]),
            "unprintable-channel" => Ok(vec![Route::to("desk-1\r\nfake line")]),
            "long-channel" => Ok(vec![Route::to("d".repeat(257))]),
            "unprintable-error" => Err(RouterError::failed("\u{7}")),
            // It does well until somebody has decided.
            "trap-once-passed" => Ok(vec![Route::to("desk-1")]),
            other => panic!("no such behaviour: {other}"),
        }
    }

    fn for_action(_: PassedAlert) -> Result<Vec<Route>, RouterError> {
        match behaviour().as_str() {
            "trap-once-passed" => panic!("as asked"),
            _ => Ok(Vec::new()),
        }
    }
}
