//! What the force's register says of deployments, in the words of what is published: numbers, authority, documents, notice. No name of an officer comes out, only ranks.

use overt_publication::field::Field;
use overt_publication::record::{
    Authority, DeploymentRecord, DocumentInForce, Extension, Mode, NoticeGiven, RulesInForce,
};
use overt_publication::register::{Gone, Register, RegisterEntry, RegisterState};
use overt_records::{self as records, AuditEvent, DocumentKind, Force, RegisterStep, Verdict};

use super::{PublicationError, moment};

pub(super) const UNREGISTERED: &str = "the force’s register has no entry of it";

/// The register of a force with all of its entries, as its log tells of them.
///
/// # Errors
/// [`PublicationError::LogBroken`] and [`PublicationError::RegisterDiffers`] for one by which nothing can be shown. A gap is in the answer, and its reader's to refuse.
pub fn whole_register(
    force: &Force,
) -> Result<(Register, Vec<records::RegisterEntry>), PublicationError> {
    let log = force.audit_log()?;
    if let Verdict::Broken(found) = log.verify(&[]).verdict {
        return Err(PublicationError::LogBroken {
            path: force.path().to_owned(),
            event: found.event,
        });
    }
    let planned = log
        .entries()
        .into_iter()
        .filter_map(|entry| match entry.event {
            AuditEvent::Registered {
                number,
                what: RegisterStep::Planned { .. },
                ..
            } => Some(number),
            _ => None,
        });
    let gone = log.register_gone();
    let last = planned.chain(gone.iter().map(|gone| gone.last)).max();
    let last = last.unwrap_or(0);
    let mut entries = force.register()?;
    // What was planned since the log was read comes next time.
    entries.retain(|entry| entry.number() <= last);
    if let Some(number) = log.register_differs()
        && entries.iter().any(|entry| entry.number() == number)
    {
        let path = force.path().to_owned();
        return Err(PublicationError::RegisterDiffers { path, number });
    }
    let register = Register {
        last_number: last.into(),
        entries: entries.iter().map(entry).collect(),
        gone: gone.iter().map(gone_of).collect(),
    };
    Ok((register, entries))
}

fn gone_of(gone: &records::RegisterGone) -> Gone {
    Gone {
        first: gone.first.into(),
        last: gone.last.into(),
        at: moment(gone.at),
        before: moment(gone.before),
        rules_version: gone.rules_version.into(),
    }
}

fn entry(of: &records::RegisterEntry) -> RegisterEntry {
    let terms = of.terms();
    let has_run = !of.runs().is_empty();
    let body_worn = terms
        .cameras
        .iter()
        .filter(|cameras| cameras.kind == "body-worn")
        .map(|cameras| u64::from(cameras.count));
    let reason = of.steps().iter().find_map(|step| match &step.what {
        RegisterStep::Refused { reason } | RegisterStep::Cancelled { reason } => Some(reason),
        _ => None,
    });
    RegisterEntry {
        number: of.number().into(),
        deployment: terms.deployment.clone(),
        modes: terms.modes.iter().copied().map(mode).collect(),
        state: match of.state() {
            records::RegisterState::Planned => RegisterState::Planned,
            records::RegisterState::Authorised if has_run => RegisterState::Run,
            records::RegisterState::Authorised => RegisterState::Authorised,
            records::RegisterState::Refused => RegisterState::Refused,
            records::RegisterState::Cancelled => RegisterState::Cancelled,
            records::RegisterState::Closed => RegisterState::Closed,
        },
        has_run,
        planned_start: moment(terms.start),
        planned_end: moment(of.until()),
        place: terms.place.clone(),
        use_case: terms.use_case.clone(),
        purpose: terms.purpose.clone(),
        body_worn: Some(body_worn.sum()),
        reason: reason.cloned().unwrap_or_default(),
    }
}

fn mode(of: records::Mode) -> Mode {
    match of {
        records::Mode::Live => Mode::Live,
        records::Mode::Retrospective => Mode::Retrospective,
        records::Mode::Operator => Mode::Operator,
    }
}

/// Adds to a record what the register says of the deployment.
pub fn add_entry(record: &mut DeploymentRecord, of: &records::RegisterEntry) {
    let about = &mut record.deployment;
    about.number = u64::from(of.number()).into();
    about.planned_start = moment(of.terms().start).into();
    about.planned_end = moment(of.until()).into();
    record.authority = authority(of);
}

fn authority(of: &records::RegisterEntry) -> Authority {
    let terms = of.terms();
    let given = of.authorisation();
    let silent = match of.state() {
        records::RegisterState::Refused => "it was refused",
        _ => "nobody authorised it",
    };
    let rules = of.steps().iter().find_map(|step| match &step.what {
        RegisterStep::Authorised {
            rules_version,
            rules_sha256,
            ..
        } => Some(RulesInForce {
            version: u64::from(*rules_version),
            sha256: rules_sha256.clone(),
        }),
        _ => None,
    });
    let extensions = of.steps().iter().filter_map(|step| match &step.what {
        RegisterStep::Extended {
            until,
            rank,
            reference,
            reason,
        } => Some(Extension {
            given_at: moment(step.at),
            until: moment(*until),
            rank: rank.clone(),
            reference: reference.clone(),
            reason: reason.clone(),
        }),
        _ => None,
    });
    let documents = terms.documents.iter().map(|document| DocumentInForce {
        kind: words(document.kind).to_owned(),
        version: document.version.clone(),
        date: document.date.clone(),
        sha256: document.sha256.clone(),
    });
    let notice = terms.notice.iter().map(|notice| NoticeGiven {
        place: notice.place.clone(),
        from: moment(notice.since),
    });
    Authority {
        rank: Field::from_option(given.as_ref().map(|given| given.rank.to_owned()), silent),
        reference: Field::from_option(
            given.as_ref().map(|given| given.reference.to_owned()),
            silent,
        ),
        given_at: Field::from_option(given.as_ref().map(|given| moment(given.at)), silent),
        until: Field::from_option(given.as_ref().map(|_| moment(of.until())), silent),
        urgent: Field::from_option(given.as_ref().map(|given| given.urgent), silent),
        extensions: extensions.collect::<Vec<_>>().into(),
        rules: Field::from_option(rules.map(|rules| vec![rules]), silent),
        documents: documents.collect::<Vec<_>>().into(),
        notice: notice.collect::<Vec<_>>().into(),
    }
}

fn words(kind: DocumentKind) -> &'static str {
    match kind {
        DocumentKind::Sop => "standard operating procedure",
        DocumentKind::Policy => "policy",
        DocumentKind::LegalMandate => "legal mandate",
        DocumentKind::Dpia => "data protection impact assessment",
        DocumentKind::EqualityAssessment => "equality assessment",
    }
}
