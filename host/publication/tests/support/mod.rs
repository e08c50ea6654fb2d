//! Records for tests: the rows that forces have published, and one in which every field is recorded and every sum holds.
#![allow(clippy::unwrap_used, dead_code, unreachable_pub)]

pub mod pages;

use jiff::Timestamp;
use overt_publication::bins;
use overt_publication::document::Made;
use overt_publication::field::Field;
use overt_publication::record::*;
use overt_publication::register::{Register, RegisterEntry, RegisterState};

pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub fn made() -> Made {
    Made {
        at: at("2026-02-01T09:00:00Z"),
        by: "0.1.0".into(),
    }
}

/// Oxford Circus, 28 January 2022, as it was published. What was not published is not recorded here.
pub fn oxford_circus() -> DeploymentRecord {
    let mut record = DeploymentRecord::default();
    record.deployment.number = 1.into();
    record.deployment.id = "oxford-circus-1".to_owned().into();
    record.deployment.mode = Mode::Live.into();
    record.deployment.rehearsal = false.into();
    record.deployment.start = at("2022-01-28T11:30:00Z").into();
    record.deployment.place = "Oxford Circus".to_owned().into();
    record.watchlist.largest.people = 9_756.into();
    record.faces.tracks = 12_120.into();
    record.alerts.raised = 11.into();
    record.alerts.false_alerts = 1.into();
    record.stops.total = 7.into();
    record.outcomes.arrests = 4.into();
    record
}

/// September 2024 to September 2025, all 203 deployments in one row, as it was published: the arrests by reason are those that do not add up.
pub fn the_year() -> DeploymentRecord {
    let mut record = DeploymentRecord::default();
    record.deployment.mode = Mode::Live.into();
    record.deployment.place = "203 deployments".to_owned().into();
    record.faces.tracks = 3_147_436.into();
    record.alerts.raised = 2_077.into();
    record.alerts.false_alerts = 10.into();
    record.alerts.rejected_not_this_person = 4.into();
    record.alerts.confirmed_false = 6.into();
    record.outcomes.arrests = 962.into();
    record.outcomes.arrests_by_reason = vec![
        Tally::new("first row", 549),
        Tally::new("second row", 347),
        Tally::new("third row", 85),
    ]
    .into();
    record
}

fn tallies(list: &[(&str, u64)]) -> Field<Vec<Tally>> {
    let tally = |(name, count): &(&str, u64)| Tally::new(*name, *count);
    list.iter().map(tally).collect::<Vec<_>>().into()
}

const DIGEST: &str = "3f79bb7b435b05321651daefd374cdc681dc06faa65e374e38337b88ca046dea";

/// Everything recorded, every sum holds.
pub fn whole(number: u64) -> DeploymentRecord {
    let (start, end) = (at("2026-01-31T09:02:00Z"), at("2026-01-31T14:58:00Z"));
    let alert = |minutes: i64| Timestamp::from_second(start.as_second() + minutes * 60).unwrap();
    let raised: Vec<_> = [
        4, 31, 33, 90, 92, 95, 140, 141, 200, 201, 202, 203, 260, 300, 330,
    ]
    .map(alert)
    .into();
    let mut record = DeploymentRecord {
        deployment: About {
            number: number.into(),
            id: format!("high-street-{number}").into(),
            mode: Mode::Live.into(),
            rehearsal: false.into(),
            planned_start: at("2026-01-31T09:00:00Z").into(),
            planned_end: at("2026-01-31T15:00:00Z").into(),
            start: start.into(),
            end: end.into(),
            place: "High Street, Anytown".to_owned().into(),
            use_case: "crime hotspot".to_owned().into(),
            purpose: "To find people wanted by the courts who are likely to pass here."
                .to_owned()
                .into(),
            footage: Field::NotApplicable("a live deployment searches no stored footage".into()),
            rehearsals: vec![Rehearsal {
                from: at("2026-01-30T10:00:00Z"),
                to: Some(at("2026-01-30T10:20:00Z")),
                tracks: 40,
                withheld: 1,
            }]
            .into(),
        },
        authority: Authority {
            rank: "superintendent".to_owned().into(),
            reference: "AUT/2026/0031".to_owned().into(),
            given_at: at("2026-01-30T16:00:00Z").into(),
            until: at("2026-01-31T15:00:00Z").into(),
            urgent: false.into(),
            extensions: vec![Extension {
                given_at: at("2026-01-31T13:00:00Z"),
                until: at("2026-01-31T15:00:00Z"),
                rank: "superintendent".into(),
                reference: "AUT/2026/0031a".into(),
                reason: "the crowd came late".into(),
            }]
            .into(),
            rules: vec![RulesInForce {
                version: 4,
                sha256: DIGEST.into(),
            }]
            .into(),
            documents: [
                "standard operating procedure",
                "policy",
                "legal mandate",
                "data protection impact assessment",
                "equality assessment",
            ]
            .map(|kind| DocumentInForce {
                kind: kind.into(),
                version: "3.1".into(),
                date: "2025-11-04".into(),
                sha256: DIGEST.into(),
            })
            .to_vec()
            .into(),
            notice: vec![NoticeGiven {
                place: "signs at all four corners of the crossing".into(),
                from: at("2026-01-31T08:30:00Z"),
            }]
            .into(),
        },
        threshold: Threshold {
            score_floor: 0.62.into(),
            calibration: vec![Calibration {
                encoder: "mobilefacenet 0.1.0".into(),
                detector: "centerface 0.1.0".into(),
                backend: "onnxruntime f32".into(),
                gallery_people: 10_000,
                gallery_images: 10_312,
                false_positives: 2,
                non_mated: 12_000,
                misses: 110,
                mated: 1_000,
                sha256: DIGEST.into(),
            }]
            .into(),
        },
        cameras: Cameras {
            total: 3.into(),
            body_worn: 0.into(),
            groups: vec![
                CameraGroup {
                    kind: "vehicle".into(),
                    owner: "the force".into(),
                    count: 2,
                },
                CameraGroup {
                    kind: "fixed".into(),
                    owner: "the force".into(),
                    count: 1,
                },
            ]
            .into(),
        },
        watchlist: Watchlist {
            at_start: size(16_020, 16_890),
            largest: size(16_021, 16_892),
            at_end: size(16_019, 16_888),
            everybody: Composition {
                people: 16_021.into(),
                images: 16_892.into(),
                wanted_for_arrest: 14_201.into(),
                not_wanted_for_arrest: 1_820.into(),
                under_18: 12.into(),
                by_category: tallies(&[
                    ("wanted by the courts", 14_201),
                    ("missing", 320),
                    ("court order with conditions", 1_500),
                ]),
                by_source: tallies(&[("custody", 16_500), ("partner: another force", 392)]),
                reasons_not_wanted: tallies(&[
                    ("missing and at risk", 330),
                    ("under a court order", 1_502),
                ]),
            },
        },
        faces: Faces {
            tracks: 14_230.into(),
            detections: 702_118.into(),
            comparisons: 41_877.into(),
        },
        frames: Frames {
            read: 1_602_000.into(),
            processed: 1_600_110.into(),
            dropped: 1_880.into(),
            unseen: 10.into(),
            quarantines: 1.into(),
        },
        alerts: Alerts {
            raised: 15.into(),
            false_alerts: 2.into(),
            rejected_not_this_person: 1.into(),
            rejected_no_longer_wanted: 1.into(),
            rejected_not_proportionate: 1.into(),
            rejected_cannot_tell: 1.into(),
            not_viable: 1.into(),
            not_located: 2.into(),
            confirmed_true: 5.into(),
            confirmed_false: 1.into(),
            lapsed: 1.into(),
            withdrawn: 1.into(),
            open: 0.into(),
            over_time: bins::over_time(&raised, start, end).into(),
            scores: bins::scores(&[
                0.63, 0.64, 0.641, 0.66, 0.66, 0.68, 0.69, 0.70, 0.71, 0.71, 0.72, 0.75, 0.76,
                0.81, 0.84,
            ])
            .into(),
        },
        stops: Stops {
            total: 6.into(),
            identity_not_asked: 1.into(),
            identity_checked: 4.into(),
            identity_refused: 1.into(),
            identity_not_established: 0.into(),
            verified_correct: 3.into(),
            fingerprints_asked: 1.into(),
        },
        outcomes: Outcomes {
            arrests: 3.into(),
            other: 1.into(),
            no_further_action: 2.into(),
            pending: 0.into(),
            arrests_by_reason: tallies(&[("wanted by the courts", 3)]),
        },
        people_engaged: PeopleEngaged {
            ethnicity: tallies(&[
                ("Asian", 1),
                ("Black", 1),
                ("White", 3),
                ("not recorded", 1),
            ]),
            sex: tallies(&[("male", 5), ("female", 1)]),
            age_band: tallies(&[("18 to 24", 2), ("25 to 34", 3), ("not recorded", 1)]),
        },
        ..DeploymentRecord::default()
    };
    let judges = |role: &str, people, judgements| JudgesOf {
        role: role.into(),
        selection: "local selection".into(),
        course: "facial recognition, part 2".into(),
        version: "4".into(),
        from: at("2025-03-01T00:00:00Z"),
        until: at("2027-03-01T00:00:00Z"),
        people,
        judgements,
    };
    record.judges.by_credential = vec![
        judges("operator", 2, 14),
        judges("engagement officer", 5, 10),
    ]
    .into();
    record.software = Software {
        host: "0.1.0".to_owned().into(),
        plugins: vec![PluginUsed {
            role: "encoder".into(),
            name: "mobilefacenet".into(),
            version: "0.1.0".into(),
            sha256: DIGEST.into(),
        }]
        .into(),
        models: vec![ModelUsed {
            name: "fr_feature".into(),
            sha256: DIGEST.into(),
        }]
        .into(),
    };
    record.retention = Retention {
        limits: vec![Limit {
            data: "alerts with their pictures and scores".into(),
            hours: 24,
        }]
        .into(),
        destroyed: vec![Destroyed {
            data: "images of the watchlist".into(),
            count: 16_892,
            last_at: at("2026-01-31T20:00:00Z"),
        }]
        .into(),
        held: vec![Hold {
            data: "alert 3".into(),
            reason: "complaint of the person stopped".into(),
            owner: "professional standards".into(),
            until: at("2026-04-30T00:00:00Z"),
        }]
        .into(),
    };
    record
}

fn size(people: u64, images: u64) -> ListSize {
    ListSize {
        people: people.into(),
        images: images.into(),
    }
}

/// An entry of the register.
pub fn entry(number: u64, state: RegisterState) -> RegisterEntry {
    RegisterEntry {
        number,
        deployment: format!("high-street-{number}"),
        modes: vec![Mode::Live],
        state,
        has_run: matches!(state, RegisterState::Run | RegisterState::Closed),
        planned_start: at("2026-01-31T09:00:00Z"),
        planned_end: at("2026-01-31T15:00:00Z"),
        place: "High Street, Anytown".into(),
        use_case: "crime hotspot".into(),
        purpose: "To find people wanted by the courts who are likely to pass here.".into(),
        body_worn: Some(0),
        reason: match state {
            RegisterState::Refused => "not proportionate".into(),
            RegisterState::Cancelled => "the vehicle was needed elsewhere".into(),
            _ => String::new(),
        },
    }
}

/// Entries in these states, numbered from 1.
pub fn register(states: &[RegisterState]) -> Register {
    Register {
        last_number: states.len() as u64,
        entries: (1..)
            .zip(states)
            .map(|(number, state)| entry(number, *state))
            .collect(),
        gone: Vec::new(),
    }
}

pub fn january() -> overt_publication::period::Span {
    overt_publication::period::Span {
        from: at("2026-01-01T00:00:00Z"),
        to: at("2026-02-01T00:00:00Z"),
    }
}
