//! That the benchmark runs and writes what it promises. No figure is looked at: a quick run's mean nothing.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::process::Command;

use serde_json::Value;

/// Every row, in the order of the table.
const ROWS: [(&str, &str); 21] = [
    ("empty call, host to plugin", "µs"),
    ("empty call, plugin to host", "µs"),
    ("a decision, 10 candidates", "µs"),
    ("a decision, noted for a replay", "µs"),
    ("an alert committed with its inputs", "ms"),
    ("an alert's inputs", "bytes"),
    ("a compiled plugin from the cache", "ms"),
    ("four plugins from their files to serving", "ms"),
    ("plugin tax", "ms"),
    ("gallery of 500 × 512, one query", "queries/s"),
    ("gallery of 500 × 512, 64 queries", "queries/s"),
    ("gallery of 500 × 512, an entry out", "ms"),
    ("gallery of 500 × 512, one query while", "queries/s"),
    ("gallery of 1000 × 512, one query", "queries/s"),
    ("gallery of 1000 × 512, 64 queries", "queries/s"),
    ("gallery of 1000 × 512, an entry out", "ms"),
    ("gallery of 1000 × 512, one query while", "queries/s"),
    ("the demonstration, one worker", "frames/s"),
    ("the demonstration, two workers", "frames/s"),
    (
        "longest pause while policy and router are swapped",
        "frames",
    ),
    ("longest pause while the detector is swapped", "frames"),
];

#[test]
fn every_row_is_written_with_its_baseline_and_an_interval_around_its_ratio() {
    let folder = tempfile::tempdir().unwrap();
    // A folder that is not there yet, as after a fresh checkout.
    let file = folder.path().join("bench/summary.json");
    let output = Command::new(env!("CARGO_BIN_EXE_overt-bench"))
        .args(["--quick", "--out"])
        .arg(&file)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");

    let summary: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!(summary["quick"], true);
    let rows = summary["rows"].as_array().unwrap();
    // The rows against FAISS and a plain loop are there where `make bench` has installed what they need.
    let with_python: Vec<&Value> = rows
        .iter()
        .filter(|row| {
            let baseline = row["baseline"].as_str().unwrap();
            baseline.contains("FAISS") || baseline.contains("Python")
        })
        .collect();
    assert!([0, 3].contains(&with_python.len()), "{summary}");
    let rows: Vec<&Value> = rows
        .iter()
        .filter(|row| !with_python.contains(row))
        .collect();
    assert_eq!(rows.len(), ROWS.len(), "{summary}");
    let table = String::from_utf8(output.stdout).unwrap();
    for (row, (name, unit)) in rows.iter().zip(ROWS) {
        let written = row["name"].as_str().unwrap();
        assert!(written.starts_with(name), "{written}");
        assert!(table.contains(written), "{table}");
        assert_eq!(row["unit"], unit, "{row}");
        assert!(!row["baseline"].as_str().unwrap().is_empty(), "{row}");
        let number = |key: &str| row[key].as_f64().unwrap();
        assert!(number("value") > 0.0, "{row}");
        let (low, ratio, high) = (number("low95"), number("ratio"), number("high95"));
        assert!(0.0 < low && low <= ratio && ratio <= high, "{row}");
    }
}

#[test]
fn a_part_can_be_measured_alone_and_an_unknown_one_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("summary.json");
    let run = |part: &str| {
        Command::new(env!("CARGO_BIN_EXE_overt-bench"))
            .args(["--quick", "--only", part, "--out"])
            .arg(&file)
            .output()
            .unwrap()
    };
    assert!(run("call").status.success());
    let summary: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!(summary["rows"].as_array().unwrap().len(), 2);

    let refused = run("cal");
    assert!(!refused.status.success());
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains("cal") && said.contains("decision"), "{said}");
}
