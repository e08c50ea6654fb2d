//! A force with rules, people for every role, and a deployment that may be planned.

use super::force::{HOUR, NOW, Place, credential, moment};
use ed25519_compact::{KeyPair, Seed};
use overt_records::{
    AuditHead, CameraTerms, ClosedRecords, Destroyed, Document, DocumentKind, JudgementLimits,
    KeepRules, ListApproved, Mode, ModeRule, Notice, Order, PeopleRule, PersonRole, RULES_DOMAIN,
    RegisterEntry, Retention, Rules, RunAsked, ScoreFloor, SignedIn, SignedRules, Terms, Timestamp,
    WatchlistFacts, WatchlistRules,
};

pub const LOCK: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

pub fn at(ms: i64) -> Timestamp {
    Timestamp::from_unix_ms(ms)
}

pub fn rules(version: u32) -> Rules {
    Rules {
        version,
        force: "Example Police".into(),
        planner_may_authorise: false,
        modes: vec![ModeRule {
            mode: Mode::Live,
            ranks: vec!["superintendent".into()],
            urgent_ranks: vec!["inspector".into()],
            urgent_hours: 4,
            started_by: ModeRule::started_by_engineers(),
        }],
        use_cases: vec!["crime-hotspot".into()],
        categories: vec!["wanted".into(), "missing".into()],
        arrest_reasons: vec![],
        longest_hours: 12,
        watchlist: WatchlistRules {
            size: 1000,
            age_hours: 24,
            approval_under: 18,
        },
        calibration: true,
        notice_hours: Some(1),
        retention: Retention {
            alerts_hours: 24,
            inputs_hours: 24,
            watchlist_hours: 24,
        },
        judgement: JudgementLimits {
            adjudication_ms: 60_000,
            engagement_ms: 60_000,
            location_ms: 600_000,
        },
        documents: DocumentKind::ALL.to_vec(),
        people: vec![
            PeopleRule {
                role: PersonRole::Operator,
                count: 1,
            },
            PeopleRule {
                role: PersonRole::EngagementOfficer,
                count: 1,
            },
        ],
        keep: KeepRules {
            register_days: 3650,
            commitments_days: 90,
        },
    }
}

/// Signed by the key of this number.
pub fn signed(rules: Rules, key: u8) -> SignedRules {
    let pair = KeyPair::from_seed(Seed::new([key; 32]));
    let text = format!("version = {}\n", rules.version);
    let message = [RULES_DOMAIN, text.as_bytes()].concat();
    SignedRules {
        rules,
        signature: *pair.sk.sign(message, None),
        text,
        key: *pair.pk,
    }
}

pub fn terms(id: &str) -> Terms {
    Terms {
        deployment: id.into(),
        purpose: "to find people who are wanted".into(),
        place: "the square".into(),
        use_case: "crime-hotspot".into(),
        modes: vec![Mode::Live],
        start: at(NOW + 2 * HOUR),
        end: at(NOW + 6 * HOUR),
        cameras: vec![CameraTerms {
            kind: "fixed".into(),
            owner: "the force".into(),
            count: 2,
        }],
        categories: vec!["wanted".into()],
        watchlist_size: 100,
        watchlist_age_hours: 24,
        score_floor: ScoreFloor::new(0.45).unwrap(),
        calibration_sha256: Some(LOCK.into()),
        retention: rules(1).retention,
        judgement: rules(1).judgement,
        documents: DocumentKind::ALL
            .into_iter()
            .map(|kind| Document {
                kind,
                version: "1".into(),
                date: "2026-01-01".into(),
                sha256: LOCK.into(),
            })
            .collect(),
        notice: Some(Notice {
            place: "on the force's page".into(),
            since: at(NOW),
        }),
    }
}

pub fn asked(terms: Terms) -> RunAsked {
    RunAsked {
        mode: Mode::Live,
        terms,
        watchlist: WatchlistFacts {
            entries: 10,
            oldest: Some(at(NOW)),
            approval: ListApproved::AsItStands,
            membership_days: 31,
        },
        lock_sha256: Some(LOCK.into()),
    }
}

pub fn order() -> Order {
    Order {
        reference: "LFR/2027/1".into(),
        urgent: false,
    }
}

/// `boss`, who made everybody; `paul` plans and `sue` authorises, both officers; `anna` is an engineer, `olu` an operator, `eve` an engagement officer.
pub fn place() -> Place {
    let place = Place::new();
    let roles = [
        ("paul", "inspector", PersonRole::AuthorisingOfficer),
        ("sue", "superintendent", PersonRole::AuthorisingOfficer),
        ("anna", "engineer", PersonRole::SystemEngineer),
        ("olu", "constable", PersonRole::Operator),
        ("eve", "constable", PersonRole::EngagementOfficer),
    ];
    for (id, rank, role) in roles {
        place.with_rank(id, rank, &[role]);
        let boss = place.sign_in("boss").signed_in;
        place
            .force
            .add_credential(id, &credential(role, 10), &boss, &moment(0))
            .unwrap();
    }
    place
}

/// The same with rules.
pub fn ruled() -> Place {
    let place = place();
    let sue = who(&place, "sue");
    place
        .force
        .adopt_rules(&signed(rules(1), 1), &sue, &moment(0))
        .unwrap();
    place
}

pub fn who(place: &Place, id: &str) -> SignedIn {
    place.sign_in(id).signed_in
}

/// Planned by `paul` and authorised by `sue`.
pub fn authorised(place: &Place, id: &str) -> RegisterEntry {
    let planned = place
        .force
        .plan(&terms(id), &who(place, "paul"), &moment(0))
        .unwrap();
    place
        .force
        .authorise(planned.number(), &order(), &who(place, "sue"), &moment(0))
        .unwrap()
}

/// Records of a deployment that held nothing.
pub fn nothing() -> ClosedRecords {
    ClosedRecords {
        destroyed: Destroyed::default(),
        held: Vec::new(),
        alerts: 0,
        alerts_by_state: Default::default(),
        audit: AuditHead {
            events: 0,
            hash: String::new(),
        },
    }
}
