//! One of every page: in order, awkward, empty.

use overt_publication::certificate::{Certificate, Standing, StillHeld};
use overt_publication::document::{AnswersReport, DeploymentReport, PeriodReport};
use overt_publication::facts::Redaction;
use overt_publication::field::Field;
use overt_publication::notice::{Notice, Paper, Particulars};
use overt_publication::period::Period;
use overt_publication::record::{DeploymentRecord, Limit, Mode};
use overt_publication::register::RegisterState::*;

use super::{at, january, made, oxford_circus, register, the_year, whole};

/// A notice.
pub fn notice() -> Notice {
    Notice {
        particulars: Particulars {
            controller: "The Chief Constable of Anytown Police".into(),
            contact: "Anytown Police, 1 Station Road, Anytown; 101; lfr@anytown.example".into(),
            data_protection_officer:
                "The Data Protection Officer, Anytown Police; dpo@anytown.example".into(),
            lawful_basis: "Here stand the words of the force’s own legal mandate.".into(),
            rights: vec![
                "You can ask what is held about you.".into(),
                "You can ask that it is put right, deleted or not used.".into(),
            ],
            how_to_use_rights: "Write to the data protection officer. It costs nothing.".into(),
            complaints: "Professional Standards, Anytown Police; complaints@anytown.example".into(),
            regulator: "The regulator’s name and address, as the force puts them here.".into(),
            more: "anytown.example/facial-recognition".into(),
        },
        mode: Mode::Live,
        purpose: "To find people wanted by the courts who are likely to pass here.".into(),
        place: "High Street, Anytown".into(),
        from: at("2026-01-31T09:00:00Z"),
        to: at("2026-01-31T15:00:00Z"),
        categories: vec![
            "wanted by the courts".into(),
            "missing and at risk".into(),
            "under a court order with conditions".into(),
        ],
        retention: vec![
            Limit {
                data: "alerts with their pictures and scores".into(),
                hours: 24,
            },
            Limit {
                data: "pictures of the people looked for".into(),
                hours: 744,
            },
        ],
    }
}

/// A certificate of deletion that the register knows.
pub fn certificate() -> Certificate {
    Certificate {
        number: 12,
        deployment: "high-street".into(),
        closed_by: "A. N. Officer (boss)".into(),
        closed_at: at("2026-01-31T16:00:00Z"),
        destroyed: vec![
            ("people of the watchlist".into(), 9_756),
            (
                "pictures of them, each with what was computed from it".into(),
                12_003,
            ),
            ("alerts with their pictures and scores".into(), 9),
        ],
        held: vec![StillHeld {
            what: "an alert that somebody holds".into(),
            records: 1,
            until: at("2026-03-01T00:00:00Z"),
            why: "alert 4: complaint 17 (E. Engagement (eve))".into(),
        }],
        alerts: 11,
        alerts_by_state: vec![("confirmed true".into(), 7), ("rejected".into(), 4)],
        events: 12_117,
        newest: "5a".repeat(32),
        key: "b1".repeat(32),
        line: format!(
            r#"{{"signature":"{}","certificate":{{"format":"overt-certificate-1"}}}}"#,
            "c7".repeat(64)
        ),
        sha256: "d3".repeat(32),
        standing: Standing::Registered,
    }
}

/// One of nothing that the register does not know, and whose sums do not hold.
fn unknown_certificate() -> Certificate {
    Certificate {
        held: Vec::new(),
        alerts: 12,
        standing: Standing::Unknown,
        ..certificate()
    }
}

/// Long words, many rows, redactions, broken sums, nothing recorded.
fn awkward() -> DeploymentRecord {
    let mut record = whole(3);
    record.deployment.place = format!(
        "The {}corner of Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch",
        "very ".repeat(20)
    )
    .into();
    record.deployment.purpose = "p".repeat(400).into();
    record.alerts.lapsed = 7.into();
    record.frames.unseen = 90_000.into();
    record.alerts.scores =
        Field::Expired("scores are kept for 24 hours after the deployment".into());
    record.people_engaged.ethnicity = Field::not_recorded("the officers’ form has no such field");
    record
}

/// Every page by its name.
pub fn all() -> Vec<(&'static str, String)> {
    let redactions = [
        Redaction {
            field: "deployment.purpose".into(),
            reason: "would make an operation known that goes on".into(),
            deployment: None,
        },
        Redaction {
            field: "stops.fingerprints-asked".into(),
            reason: "so few that a person could be known by it".into(),
            deployment: None,
        },
    ];
    let record = |record: &DeploymentRecord, redactions: &[Redaction]| {
        DeploymentReport::of(record, redactions, made())
            .unwrap()
            .html()
            .unwrap()
    };
    let mut second = whole(2);
    second.deployment.rehearsal = true.into();
    let register = register(&[Closed, Closed, Closed, Cancelled, Refused, Planned]);
    let period = Period::of(
        january(),
        &register,
        &[whole(1), second, awkward()],
        &redactions,
    )
    .unwrap();
    let notice = notice().checked().unwrap();
    vec![
        ("whole.html", record(&whole(1), &[])),
        ("oxford-circus.html", record(&oxford_circus(), &[])),
        ("year.html", record(&the_year(), &[])),
        ("awkward.html", record(&awkward(), &redactions)),
        ("nothing.html", record(&DeploymentRecord::default(), &[])),
        (
            "answers.html",
            AnswersReport::of(&period, &redactions, made())
                .html()
                .unwrap(),
        ),
        (
            "period.html",
            PeriodReport::of(period, &redactions, made())
                .html()
                .unwrap(),
        ),
        ("certificate.html", certificate().html().unwrap()),
        (
            "certificate-unknown.html",
            unknown_certificate().html().unwrap(),
        ),
        ("notice.html", notice.html().unwrap()),
        ("sign.html", notice.sign(Paper::A4).unwrap()),
    ]
}
