//! Fed the rows that forces have published, it prints the rates that they have published, and marks what does not add up.
#![allow(clippy::unwrap_used)]

mod support;

use overt_publication::document::DeploymentReport;
use overt_publication::facts::Facts;
use overt_publication::rates::rates;
use support::{made, oxford_circus, the_year, whole};

fn sentence(record: &overt_publication::record::DeploymentRecord, id: &str) -> String {
    let facts = Facts::of(record, &[]).unwrap();
    let rates = rates(&facts);
    rates.iter().find(|rate| rate.id == id).unwrap().sentence()
}

#[test]
fn the_year_comes_to_the_rates_that_were_published() {
    assert!(sentence(&the_year(), "false-of-faces").starts_with(
        "10 of 3,147,436: 0.0003 %, about 1 in 314,744 (95 % interval 0.0002 % to 0.0006 %)"
    ));
    assert!(
        sentence(&the_year(), "false-of-alerts")
            .starts_with("10 of 2,077: 0.48 %, about 1 in 208 (95 % interval 0.26 % to 0.88 %)")
    );
    let html = DeploymentReport::of(&the_year(), &[], made())
        .unwrap()
        .html()
        .unwrap();
    assert!(html.contains("0.0003 %") && html.contains("0.48 %"));
}

#[test]
fn the_day_at_oxford_circus_comes_to_one_false_alert_of_eleven() {
    assert!(sentence(&oxford_circus(), "false-of-alerts").starts_with("1 of 11: 9.1 %"));
    assert!(sentence(&oxford_circus(), "false-of-faces").starts_with("1 of 12,120: 0.008 %"));
    let report = DeploymentReport::of(&oxford_circus(), &[], made()).unwrap();
    assert!(report.broken().is_empty());
    let html = report.html().unwrap();
    for shown in [
        "Oxford Circus, 28 January 2022",
        "9,756",
        "12,120",
        ">11<",
        ">7<",
        ">4<",
    ] {
        assert!(html.contains(shown), "{shown}");
    }
}

#[test]
fn what_was_not_published_is_not_recorded_and_never_nought() {
    let csv = DeploymentReport::of(&oxford_circus(), &[], made())
        .unwrap()
        .csv()
        .unwrap();
    assert!(
        csv.contains("alerts.lapsed,Lapsed: nobody judged it in time,not recorded,,"),
        "{csv}"
    );
    assert!(!csv.contains(",recorded,0,"));
}

#[test]
fn that_549_and_347_and_85_are_not_962_is_marked_with_both_sides_in_every_format() {
    let report = DeploymentReport::of(&the_year(), &[], made()).unwrap();
    let broken = report.broken();
    assert_eq!(
        broken.iter().map(|check| check.id).collect::<Vec<_>>(),
        ["arrests-by-reason"]
    );
    let html = report.html().unwrap();
    assert!(html.contains("“Arrests” is 962, and would have to be the same as all of “Arrests by what they were for”, which is 981"));
    let csv = report.csv().unwrap();
    assert!(csv.contains("DOES NOT HOLD,962 and 981"), "{csv}");
    let json: serde_json::Value = serde_json::from_str(&report.json().unwrap()).unwrap();
    let sum = json["sums"]
        .as_array()
        .unwrap()
        .iter()
        .find(|sum| sum["id"] == "arrests-by-reason")
        .unwrap();
    assert_eq!(sum["verdict"]["does-not-hold"]["left"], 962);
    assert_eq!(sum["verdict"]["does-not-hold"]["right"], 981);
    // Neither side is mended.
    assert_eq!(json["record"]["outcomes"]["arrests"]["recorded"], 962);
}

#[test]
fn a_sum_that_holds_is_not_marked() {
    let report = DeploymentReport::of(&whole(1), &[], made()).unwrap();
    assert!(report.broken().is_empty(), "{:#?}", report.broken());
    let html = report.html().unwrap();
    assert!(!html.contains("DOES NOT HOLD") && !html.contains("cannot be checked"));
}

#[test]
fn a_known_part_that_is_more_than_the_whole_is_marked_though_the_rest_is_missing() {
    let mut record = oxford_circus();
    record.alerts.confirmed_true = 12.into();
    let report = DeploymentReport::of(&record, &[], made()).unwrap();
    assert!(
        report
            .broken()
            .iter()
            .any(|check| check.id == "alerts-by-state")
    );
    assert!(report.html().unwrap().contains("which is at least 12"));
}
