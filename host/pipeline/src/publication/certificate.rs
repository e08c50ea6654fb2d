//! The certificate of deletion, in the words of what is published.

use overt_publication::certificate::{Certificate, Standing, StillHeld};
use overt_records::SignedCertificate;

use super::{ALERTS, INPUTS, moment};

/// What the page of a certificate says whose signature holds: of this standing with the force's register.
pub fn certificate(signed: &SignedCertificate, standing: Standing) -> Certificate {
    let of = &signed.certificate;
    let records = &of.records;
    let gone = &records.destroyed;
    let destroyed = [
        ("people of the watchlist", gone.watchlist_entries),
        (
            "pictures of them, each with what was computed from it",
            gone.watchlist_images,
        ),
        (ALERTS, gone.alerts),
        (INPUTS, gone.inputs),
    ];
    Certificate {
        number: of.number,
        deployment: of.deployment.clone(),
        closed_by: of.closed_by.to_string(),
        closed_at: moment(of.closed_at),
        destroyed: destroyed
            .into_iter()
            .map(|(what, count)| (what.to_owned(), count))
            .collect(),
        held: records
            .held
            .iter()
            .map(|held| StillHeld {
                what: match held.class.as_str() {
                    "alerts" => ALERTS,
                    "inputs" => INPUTS,
                    "held" => "an alert that somebody holds",
                    other => other,
                }
                .to_owned(),
                records: held.records,
                until: moment(held.until),
                why: held.why.clone(),
            })
            .collect(),
        alerts: records.alerts,
        alerts_by_state: records
            .alerts_by_state
            .iter()
            .map(|(state, count)| (state.replace('-', " "), *count))
            .collect(),
        events: records.audit.events,
        newest: records.audit.hash.clone(),
        key: of.key.clone(),
        line: signed.line.clone(),
        sha256: signed.sha256(),
        standing,
    }
}
