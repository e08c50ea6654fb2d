//! `overt deployment close`: the end of a deployment. What it held is destroyed, and a certificate says so.

use std::path::{Path, PathBuf};

use clap::Args;
use overt_deployment::Deployment;
use overt_pipeline::{desk, publication};
use overt_publication::certificate::Standing;
use overt_records::{AuditLog, RecordsError, SignedCertificate, Store};

use super::Registered;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::{output, session, times, watchlist};

/// Close a deployment: destroy its watchlist, reconcile its alerts, and sign a certificate of deletion; you are signed in as an authorising officer
///
/// Not while a run goes on, and not while an alert waits for a person. What is kept longer, by the retention that was authorised or by a hold, is listed with the
/// reason. The certificate is `certificate.json` in the deployment's output folder, signed with the force's key; the register holds its digest. `certificate.html` beside it shows the same to people. The force keeps the
/// deployment's record (counts and words, no face, no score, no name of a person sought), so that `overt report period` can tell of it when its store is gone.
#[derive(Args)]
#[command(after_help = "\
Examples:
  overt deployment close deployment.toml
  overt deployment certificate out/certificate.json --deployment deployment.toml

Exit status: 0 if it is closed, 1 if not, 2 for mistakes in the deployment file.")]
pub(crate) struct Arguments {
    /// The deployment file
    deployment: PathBuf,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let Registered { force, who, number } = Registered::find(&arguments.deployment)?;
    let deployment = Deployment::read(&arguments.deployment)?;
    let settings = watchlist::settings(&deployment);
    let store = match Store::open_or_create(&deployment.host.records, &settings) {
        Err(RecordsError::AlreadyOpen { .. }) => {
            return Err(Failure::new(
                "a run of this deployment goes on, or another command has its records open",
                format!(
                    "end it with Ctrl-C, or cancel it: `overt deployment cancel {}`",
                    arguments.deployment.display()
                ),
            ));
        }
        opened => opened?,
    };
    store.keep_membership(deployment.retention.membership_days);
    let now = session::now()?;
    let by = force.may_close(number, &who, &now)?;
    store.lapse(&desk::limits(&deployment.judgement), now.at)?;
    let records = store.close_out(&by, now.at)?;
    let mut published = publication::records(&deployment, &store, now.at)?;
    drop(store);
    // The log is read with the store closed.
    let log = AuditLog::read(&deployment.host.records, &deployment.id)?.entries();
    let entry = force.registered(number)?;
    for record in &mut published {
        publication::add_log(record, &log);
        publication::add_entry(record, &entry);
    }
    let kept = publication::keep(&published)
        .map_err(|error| Failure::new(format!("the record cannot be written down: {error}"), ""))?;
    let signed = force.close(number, &records, &kept, &who, &now)?;
    let file = deployment.host.output.join("certificate.json");
    output::write(&file, &(signed.line.clone() + "\n"))?;
    let page = deployment.host.output.join("certificate.html");
    write_page(&page, &signed)?;
    output::print(&output::printable(&text(&signed)))?;
    output::print(&format!("\n{}\n{}\n", file.display(), page.display()))?;
    Ok(Exit::Done)
}

/// Writes the page of a certificate that the force's register knows.
pub(super) fn write_page(file: &Path, signed: &SignedCertificate) -> Result<(), Failure> {
    let page = publication::certificate(signed, Standing::Registered).html();
    let page = page.map_err(|error| {
        Failure::new(
            format!("the page cannot be made: {error}"),
            "this is a fault of Overt; the signed certificate is whole",
        )
    })?;
    output::write(file, &page)
}

/// A certificate, for somebody who reads.
pub(super) fn text(signed: &SignedCertificate) -> String {
    let shown = |at| times::for_lists(times::of_records(at));
    let certificate = &signed.certificate;
    let (records, gone) = (&certificate.records, &certificate.records.destroyed);
    let mut text = format!(
        "CERTIFICATE OF DELETION: deployment {} of the register, {}\n  closed {} by {}\n  destroyed: {} people of the watchlist with {} images and their templates; \
         crops and scores of {} alerts; what plugins were asked for {}\n",
        certificate.number,
        certificate.deployment,
        shown(certificate.closed_at),
        certificate.closed_by,
        gone.watchlist_entries,
        gone.watchlist_images,
        gone.alerts,
        gone.inputs
    );
    for held in &records.held {
        text += &format!(
            "  still held: {} of {}, until {} at the latest: {}\n",
            held.records,
            held.class,
            shown(held.until),
            held.why
        );
    }
    if records.held.is_empty() {
        text += "  nothing is held any more\n";
    }
    let states: Vec<_> = records
        .alerts_by_state
        .iter()
        .map(|(state, alerts)| format!("{alerts} {state}"))
        .collect();
    text += &format!("  alerts: {} ({})\n", records.alerts, states.join(", "));
    text += &format!(
        "  audit log: {} events, the newest {}\n  signed by {}\n",
        records.audit.events, records.audit.hash, certificate.key
    );
    text
}
