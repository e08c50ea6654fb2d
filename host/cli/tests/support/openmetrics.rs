//! A strict reader of the OpenMetrics text format 1.0, as far as Overt writes it: what it does not know, it refuses. And an HTTP client of a few lines, which
//! asks and shows everything that came.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// A sample's name and labels, as written.
type Series = (String, BTreeMap<String, String>);

/// The samples of an exposition.
#[derive(Debug)]
pub(crate) struct Samples(BTreeMap<Series, f64>);

/// What came back from a request, head and body; nothing where nobody listens.
pub(crate) fn ask(port: u16, request: &str) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}

/// The metrics, where the run goes on.
pub(crate) fn scrape(port: u16) -> Option<Samples> {
    let answer = ask(
        port,
        "GET /metrics HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n",
    )?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
    assert!(
        head.contains("content-type: application/openmetrics-text; version=1.0.0; charset=utf-8"),
        "{head}"
    );
    Some(Samples::parse(body))
}

impl Samples {
    /// Reads an exposition. Panics with the line where it is not of the format.
    pub(crate) fn parse(text: &str) -> Samples {
        let body = text.strip_suffix("# EOF\n").expect("it ends with # EOF");
        let (mut samples, mut families) = (BTreeMap::new(), BTreeSet::new());
        let (mut name, mut kind, mut unit) = (String::new(), String::new(), String::new());
        for line in body.lines() {
            if let Some(told) = line.strip_prefix("# ") {
                let (word, rest) = told.split_once(' ').expect(line);
                let (of, what) = rest.split_once(' ').expect(line);
                if of != name {
                    check_family(&samples, &name, &kind);
                    assert!(families.insert(of.to_owned()), "a second time: {line}");
                    (name, kind, unit) = (of.to_owned(), String::new(), String::new());
                }
                match word {
                    "HELP" => assert!(!what.is_empty(), "{line}"),
                    "TYPE" => {
                        assert!(kind.is_empty(), "{line}");
                        assert!(["counter", "gauge", "histogram"].contains(&what), "{line}");
                        kind = what.to_owned();
                    }
                    "UNIT" => {
                        assert!(
                            unit.is_empty() && name.ends_with(&format!("_{what}")),
                            "{line}"
                        );
                        unit = what.to_owned();
                    }
                    _ => panic!("{line}"),
                }
                continue;
            }
            let (series, value) = sample(line);
            let suffix = series.0.strip_prefix(&name).expect(line);
            let suffixes: &[&str] = match kind.as_str() {
                "counter" => &["_total"],
                "gauge" => &[""],
                "histogram" => &["_bucket", "_sum", "_count"],
                _ => panic!("no type before {line}"),
            };
            assert!(suffixes.contains(&suffix), "{line}");
            assert!(kind == "gauge" || value >= 0.0, "{line}");
            assert!(samples.insert(series, value).is_none(), "twice: {line}");
        }
        check_family(&samples, &name, &kind);
        Samples(samples)
    }

    /// The sum of a name over all samples that have these labels; zero where there is none.
    pub(crate) fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let wanted = |of: &BTreeMap<String, String>| {
            let has = |(key, value): &(&str, &str)| of.get(*key).is_some_and(|has| has == value);
            labels.iter().all(has)
        };
        self.0
            .iter()
            .filter(|((has, of), _)| has == name && wanted(of))
            .map(|(_, value)| value)
            .sum()
    }

    /// Every name of a sample, of a label, and every label's value.
    pub(crate) fn words(&self) -> BTreeSet<&str> {
        self.0
            .keys()
            .flat_map(|(name, labels)| {
                let labels = labels.iter().flat_map(|(key, value)| [key, value]);
                labels.chain([name]).map(String::as_str)
            })
            .collect()
    }

    /// The names of all labels.
    pub(crate) fn labels(&self) -> BTreeSet<&str> {
        let keys = self.0.keys().flat_map(|(_, labels)| labels.keys());
        keys.map(String::as_str).collect()
    }

    /// That no counter is smaller than it was.
    pub(crate) fn follows(&self, earlier: &Samples) {
        for (series, value) in &earlier.0 {
            if series.0.ends_with("_total") || series.0.ends_with("_count") {
                assert!(self.0[series] >= *value, "{series:?}");
            }
        }
    }
}

/// One line: its name, labels and value.
fn sample(line: &str) -> (Series, f64) {
    let (name, rest) = match line.split_once('{') {
        Some((name, rest)) => (name, rest),
        None => {
            let (name, value) = line.split_once(' ').expect(line);
            return ((named(name), BTreeMap::new()), number(value));
        }
    };
    let (inside, value) = rest.rsplit_once("} ").expect(line);
    let mut labels = BTreeMap::new();
    for label in inside.split("\",") {
        let (key, text) = label.split_once("=\"").expect(line);
        // Overt's labels need no escapes, so there is no comma, quote or backslash in one.
        let text = text.strip_suffix('"').unwrap_or(text);
        assert!(!text.contains(['"', '\\', '\n']), "{line}");
        assert!(
            labels.insert(named(key), text.to_owned()).is_none(),
            "{line}"
        );
    }
    ((named(name), labels), number(value))
}

fn named(name: &str) -> String {
    let fits = |c: char| c.is_ascii_lowercase() || c == '_' || c.is_ascii_digit();
    assert!(name.starts_with(|c: char| c.is_ascii_lowercase()), "{name}");
    assert!(name.chars().all(fits), "{name}");
    name.to_owned()
}

fn number(text: &str) -> f64 {
    assert!(!text.contains(' '), "no time stands behind a value: {text}");
    text.parse().expect(text)
}

/// That a histogram's buckets only grow, and that the last holds everything.
fn check_family(samples: &BTreeMap<Series, f64>, name: &str, kind: &str) {
    if kind != "histogram" {
        return;
    }
    let mut buckets: BTreeMap<BTreeMap<String, String>, Vec<(f64, f64)>> = BTreeMap::new();
    for ((of, labels), count) in samples {
        if of.strip_prefix(name) == Some("_bucket") {
            let mut labels = labels.clone();
            let bound = labels.remove("le").expect("a bucket has a bound");
            let bound = match bound.as_str() {
                "+Inf" => f64::INFINITY,
                bound => bound.parse().expect(bound),
            };
            buckets.entry(labels).or_default().push((bound, *count));
        }
    }
    assert!(!buckets.is_empty(), "{name}");
    for (labels, mut buckets) in buckets {
        buckets.sort_by(|one, other| one.0.total_cmp(&other.0));
        assert!(buckets.is_sorted_by(|one, other| one.0 < other.0 && one.1 <= other.1));
        let (last, all) = buckets[buckets.len() - 1];
        assert_eq!(last, f64::INFINITY);
        assert_eq!(all, samples[&(format!("{name}_count"), labels.clone())]);
        assert!(samples.contains_key(&(format!("{name}_sum"), labels)));
    }
}
