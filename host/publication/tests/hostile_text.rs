//! Whoever can type into a field cannot write markup, formulas or text that runs backwards into what a force publishes.
#![allow(clippy::unwrap_used)]

mod support;

use overt_publication::document::{AnswersReport, DeploymentReport, PeriodReport};
use overt_publication::facts::Redaction;
use overt_publication::notice::{Notice, Paper, Particulars};
use overt_publication::period::Period;
use overt_publication::record::{DeploymentRecord, Limit, Mode};
use overt_publication::register::{Register, RegisterState::*};
use serde_json::Value;
use support::{at, january, made, register, whole};

const HOSTILE: [&str; 7] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "=HYPERLINK(\"http://example.com\",\"x\")",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "a\u{202e}desrever\u{202c}",
    "bell\u{7}null\u{0}esc\u{1b}[31m\u{feff}",
    "{{ 7*7 }}</style></title><!--",
];

/// Puts a text into every text of a value, but for moments, digests and the words of closed lists.
fn fill(value: &mut Value, text: &str, key: &str) {
    match value {
        Value::String(old) => {
            let is_moment = old.parse::<jiff::Timestamp>().is_ok();
            let is_word = ["mode", "state"].contains(&key) || old == "live";
            if !is_moment && !is_word {
                *old = text.to_owned();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| fill(item, text, key)),
        Value::Object(members) => {
            for (key, member) in members.iter_mut() {
                fill(member, text, key);
            }
        }
        _ => {}
    }
}

fn hostile_record(text: &str) -> DeploymentRecord {
    let mut value = serde_json::to_value(whole(1)).unwrap();
    fill(&mut value, text, "");
    let record: DeploymentRecord = serde_json::from_value(value).unwrap();
    assert_eq!(record.deployment.place.value().unwrap(), text);
    assert_eq!(record.judges.by_credential.value().unwrap()[0].course, text);
    record
}

fn hostile_register(text: &str) -> Register {
    let mut value = serde_json::to_value(register(&[Closed, Refused, Planned])).unwrap();
    fill(&mut value, text, "");
    serde_json::from_value(value).unwrap()
}

fn is_harmless(document: &str) {
    let allowed = |c: char| matches!(c, '\n' | '\r');
    for c in document.chars() {
        assert!(allowed(c) || !c.is_control(), "{c:?}");
        assert!(
            !matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{200b}'..='\u{200f}'),
            "{c:?}"
        );
    }
}

fn html_is_harmless(html: &str) {
    is_harmless(html);
    for tag in ["<script", "<img", "onerror=alert(1)>", "<!--"] {
        assert!(!html.contains(tag), "{tag}");
    }
    assert_eq!(html.matches("</style>").count(), 1);
    assert_eq!(html.matches("</title>").count(), 1);
}

fn csv_is_harmless(csv: &str) {
    is_harmless(csv);
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(csv.as_bytes());
    for row in reader.records() {
        for cell in row.unwrap().iter() {
            let first = cell.trim_start().chars().next();
            assert!(
                !matches!(first, Some('=' | '+' | '-' | '@' | '|' | '%')),
                "{cell:?}"
            );
        }
    }
}

#[test]
fn no_text_of_a_record_gets_out_of_its_place_in_any_format() {
    for text in HOSTILE {
        let redaction = Redaction {
            field: "alerts.lapsed".into(),
            reason: text.into(),
            deployment: None,
        };
        let mut made = made();
        made.by = text.into();
        let report = DeploymentReport::of(&hostile_record(text), &[redaction], made).unwrap();
        html_is_harmless(&report.html().unwrap());
        csv_is_harmless(&report.csv().unwrap());
        let json = report.json().unwrap();
        is_harmless(&json);
        serde_json::from_str::<Value>(&json).unwrap();
    }
}

#[test]
fn no_text_of_a_record_or_of_the_register_gets_out_of_its_place_in_a_period_or_an_answer() {
    for text in HOSTILE {
        let redactions = [Redaction {
            field: "alerts.lapsed".into(),
            reason: text.into(),
            deployment: Some(1),
        }];
        let period = Period::of(
            january(),
            &hostile_register(text),
            &[hostile_record(text)],
            &redactions,
        )
        .unwrap();
        let answers = AnswersReport::of(&period, &redactions, made());
        let report = PeriodReport::of(period, &redactions, made());
        html_is_harmless(&report.html().unwrap());
        csv_is_harmless(&report.csv().unwrap());
        is_harmless(&report.json().unwrap());
        html_is_harmless(&answers.html().unwrap());
        csv_is_harmless(&answers.csv().unwrap());
        is_harmless(&answers.json().unwrap());
    }
}

#[test]
fn no_text_of_a_notice_gets_out_of_its_place() {
    for text in HOSTILE {
        let notice = Notice {
            particulars: Particulars {
                controller: text.into(),
                contact: text.into(),
                data_protection_officer: text.into(),
                lawful_basis: text.into(),
                rights: vec![text.into()],
                how_to_use_rights: text.into(),
                complaints: text.into(),
                regulator: text.into(),
                more: text.into(),
            },
            mode: Mode::Live,
            purpose: text.into(),
            place: text.into(),
            from: at("2026-01-31T09:00:00Z"),
            to: at("2026-01-31T15:00:00Z"),
            categories: vec![text.into()],
            retention: vec![Limit {
                data: text.into(),
                hours: 24,
            }],
        };
        let notice = notice.checked().unwrap();
        html_is_harmless(&notice.html().unwrap());
        html_is_harmless(&notice.sign(Paper::A4).unwrap());
        is_harmless(&notice.text());
    }
}

#[test]
fn what_runs_backwards_is_shown_by_its_number_and_not_left_out() {
    let report = DeploymentReport::of(&hostile_record(HOSTILE[4]), &[], made()).unwrap();
    assert!(report.html().unwrap().contains("a[U+202E]desrever[U+202C]"));
}
