//! What a search came to, for people and for programs: counts, numbers of alerts, and what could not be searched. It names nobody.

use std::path::Path;

use overt_deployment::Deployment;
use overt_pipeline::search::{Found, SearchMode};
use serde::Serialize;

use super::photographs::Listed;
use super::shown;
use crate::output;

/// What `--json` prints.
#[derive(Serialize)]
pub(super) struct Report {
    deployment: String,
    /// The deployment's number in the register.
    register: u32,
    /// The run that the search is on record as.
    run: u64,
    mode: &'static str,
    photographs: Photographs,
    faces: Faces,
    alerts: Vec<Alert>,
    pub(super) left_out: Vec<LeftOut>,
    plugin_errors: Vec<PluginError>,
    interrupted: bool,
}

#[derive(Serialize)]
struct Photographs {
    given: u64,
    /// Those that a healthy detector saw.
    searched: u64,
}

#[derive(Serialize)]
struct Faces {
    found: u64,
    compared: u64,
}

#[derive(Serialize)]
struct Alert {
    number: u32,
    /// The photograph that raised it.
    photograph: String,
}

#[derive(Serialize)]
pub(super) struct LeftOut {
    file: String,
    problem: String,
}

#[derive(Serialize)]
struct PluginError {
    plugin: String,
    role: &'static str,
    cause: String,
    count: u64,
}

impl Report {
    pub(super) fn of(
        deployment: &Deployment,
        register: u32,
        mode: SearchMode,
        listed: &Listed,
        found: &Found,
    ) -> Self {
        let file = |number: usize| {
            listed
                .files
                .get(number)
                .map(|file| shown(file))
                .unwrap_or_default()
        };
        let unread = found.left_out.iter().map(|left_out| LeftOut {
            file: file(left_out.photograph),
            problem: left_out.cause.to_string(),
        });
        let others = listed.others.iter().map(|other| LeftOut {
            file: shown(other),
            problem: "is no photograph by its name".to_owned(),
        });
        Self {
            deployment: deployment.id.clone(),
            register,
            run: found.run.0,
            mode: mode.mode().name(),
            photographs: Photographs {
                given: listed.files.len() as u64,
                searched: found.counts.frames.processed,
            },
            faces: Faces {
                found: found.counts.faces,
                compared: found.counts.probes,
            },
            alerts: found
                .alerts
                .iter()
                .map(|alert| Alert {
                    number: alert.number,
                    photograph: file(alert.photograph),
                })
                .collect(),
            left_out: unread.chain(others).collect(),
            plugin_errors: found
                .plugin_errors
                .iter()
                .map(|error| PluginError {
                    plugin: error.plugin.clone(),
                    role: error.role.name(),
                    cause: error.cause.clone(),
                    count: error.count,
                })
                .collect(),
            interrupted: found.interrupted,
        }
    }

    pub(super) fn text(&self, deployment: &Path) -> String {
        let mut text = output::columns([
            (
                "photographs",
                format!(
                    "{} of {} searched",
                    self.photographs.searched, self.photographs.given
                ),
            ),
            (
                "faces",
                format!(
                    "{} found, {} compared",
                    self.faces.found, self.faces.compared
                ),
            ),
            ("alerts", self.alerts.len().to_string()),
        ]);
        for LeftOut { file, problem } in &self.left_out {
            text += &format!("LEFT OUT {file}: {problem}\n");
        }
        for error in &self.plugin_errors {
            text += &format!(
                "FAILED {} as {}, {} times: {}\n",
                error.plugin, error.role, error.count, error.cause
            );
        }
        if self.alerts.is_empty() {
            text += "No alert was raised, and nothing of the faces is kept.\n";
            return text;
        }
        for alert in &self.alerts {
            text += &format!("  alert {}: {}\n", alert.number, alert.photograph);
        }
        text += &format!(
            "An alert says of nobody who they are: two people judge it, and its time is limited. `overt alerts list {}`\n",
            deployment.display()
        );
        text
    }
}
