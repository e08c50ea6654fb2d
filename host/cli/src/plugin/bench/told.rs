//! What `overt plugin bench` says: as JSON (plugin-bench.schema.json) and as text.

use std::fmt::Write as _;

use overt_runtime::Role;
use serde::Serialize;

use super::figures::{self, Figures, LimitRow, MIB, Spread};
use crate::plugin::workbench::Workbench;

/// What `--json` prints.
#[derive(Serialize)]
pub(super) struct Report {
    plugin: String,
    version: String,
    sha256: String,
    /// The library that ran its models; absent where it has none.
    backend: Option<String>,
    /// How often each case was to be asked.
    runs: u32,
    roles: Vec<RoleReport>,
    /// What the manifest declares, beside what all roles used at most.
    limits: Vec<LimitRow>,
}

/// A role's cases.
#[derive(Serialize)]
pub(super) struct RoleReport {
    pub(super) role: Role,
    pub(super) cases: Vec<CaseReport>,
}

/// A case: its figures, and why it was not asked any more.
#[derive(Serialize)]
pub(super) struct CaseReport {
    pub(super) case: String,
    pub(super) figures: Option<Figures>,
    /// Why a call gave no usable answer; absent where each did.
    pub(super) failed: Option<String>,
}

impl Report {
    pub(super) fn of(workbench: &Workbench, runs: u32, roles: Vec<RoleReport>) -> Report {
        let about = &workbench.manifest().plugin;
        let cases = roles.iter().flat_map(|role| &role.cases);
        let measured: Vec<&Figures> = cases.filter_map(|case| case.figures.as_ref()).collect();
        Report {
            limits: figures::limits(&workbench.manifest().limits, &measured),
            plugin: about.id.clone(),
            version: about.version.to_string(),
            sha256: workbench.file.sha256().to_owned(),
            backend: workbench.backend_name(),
            runs,
            roles,
        }
    }

    /// Whether every call answered, within what the manifest declares.
    pub(super) fn is_sound(&self) -> bool {
        self.roles.iter().all(|role| {
            let mut cases = role.cases.iter();
            cases.all(|case| case.failed.is_none())
        }) && self.limits.iter().all(|row| row.enough)
    }

    /// As somebody reads it.
    pub(super) fn text(&self) -> String {
        let on = self.backend.as_ref();
        let on = on.map_or_else(String::new, |backend| format!(" on {backend}"));
        let mut text = format!("{} {}{on}\n", self.plugin, self.version);
        for role in &self.roles {
            // Writing into a string cannot fail.
            let _ = writeln!(text, "\nas {}", role.role);
            for case in &role.cases {
                let _ = writeln!(text, "  {}", case.case);
                if let Some(figures) = &case.figures {
                    text += &told(figures);
                }
                if let Some(failed) = &case.failed {
                    let _ = writeln!(text, "    NO USABLE ANSWER: {failed}");
                }
            }
        }
        text + &limits(&self.limits)
    }
}

fn told(figures: &Figures) -> String {
    let times = |spread: &Spread| {
        let Spread { median, p95, most } = spread;
        format!(
            "{:>10}  {:>10}  {:>10}",
            time(*median),
            time(*p95),
            time(*most)
        )
    };
    let mut text = format!(
        "    {:<22}{:>10}  {:>10}  {:>10}\n",
        format!("of {} calls", figures.calls),
        "median",
        "95 of 100",
        "most"
    );
    let mut rows = vec![
        ("wall-clock time", &figures.wall_us),
        ("  an empty call", &figures.empty_call_us),
        ("CPU of the plugin", &figures.guest_us),
    ];
    if figures.host_us.most > 0.0 {
        rows.push(("CPU of the host for it", &figures.host_us));
    }
    if figures.models_us.most > 0.0 {
        rows.push(("in its models", &figures.models_us));
    }
    for (name, spread) in rows {
        let _ = writeln!(text, "    {name:<22}{}", times(spread));
    }
    let _ = write!(
        text,
        "    {:.1} times an empty call; memory {:.2} MiB",
        figures.times_empty,
        figures.memory_bytes as f64 / MIB
    );
    if figures.tensors_bytes > 0 {
        let _ = write!(
            text,
            ", tensors {:.2} MiB",
            figures.tensors_bytes as f64 / MIB
        );
    }
    if let Some(fuel) = figures.fuel {
        let _ = write!(text, ", fuel {fuel}");
    }
    text + "\n"
}

fn limits(rows: &[LimitRow]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let mut text = format!(
        "\n{:<14}{:>12}{:>16}{:>12}\n",
        "[limits]", "declared", "used at most", "suggested"
    );
    for row in rows {
        let declared = row
            .declared
            .map_or("-".to_owned(), |value| value.to_string());
        let used = match row.limit {
            "fuel" => format!("{:.0}", row.used),
            _ => format!("{:.2}", row.used),
        };
        let verdict = if row.enough { "" } else { "  TOO LITTLE" };
        let _ = writeln!(
            text,
            "{:<14}{declared:>12}{used:>16}{:>12}{verdict}",
            row.limit, row.suggested
        );
    }
    text
}

/// Microseconds, in a unit that one reads.
fn time(micros: f64) -> String {
    match micros {
        micros if micros < 1e3 => format!("{micros:.1} µs"),
        micros if micros < 1e6 => format!("{:.2} ms", micros / 1e3),
        micros => format!("{:.2} s", micros / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_a_unit_that_one_reads() {
        assert_eq!(time(21.44), "21.4 µs");
        assert_eq!(time(8_123.0), "8.12 ms");
        assert_eq!(time(1_500_000.0), "1.50 s");
    }
}
