//! A deployment as an auditor reads it: what each plugin claims, asks for and is given, who vouches for it and with what evidence, and everything that is out
//! of order. Nothing is compiled and nothing is run.

use overt_contract::{Capability, Role};
use overt_deployment::{self as deployment, Deployment};
use overt_runtime::inspect::{Inspection, describe};
use overt_runtime::trust::{Standing, Verdict};
use overt_runtime::{Limits, PluginFile, Trust, agreement};
use serde::Serialize;

use crate::admission::{limits, models};
use crate::calibration::Calibration;
use crate::error::PipelineError;
use crate::lock::{LockError, LockFile, LockedLimits};
use crate::machine::Machine;
use crate::trust::{trust, trust_time};

/// A deployment, inspected.
#[derive(Clone, Debug, Serialize)]
pub struct DeploymentInspection {
    /// Its id.
    pub deployment: String,
    /// The plugins in the order of a frame's way; one whose file cannot be read is only in `findings`.
    pub plugins: Vec<PluginInspection>,
    /// SHA-256 of the lock, where there is one and it holds.
    pub lock_sha256: Option<String>,
    /// How long what is kept.
    pub retention: RetentionHours,
    /// What is out of order; empty where nothing is.
    pub findings: Vec<Finding>,
}

/// How long what is kept, in hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct RetentionHours {
    /// Crop, scores and reason of an alert.
    pub alerts: u64,
    /// What an alert's plugins were asked.
    pub inputs: u64,
    /// Images and templates of the people sought.
    pub watchlist: u64,
}

/// A plugin within a deployment.
#[derive(Clone, Debug, Serialize)]
pub struct PluginInspection {
    /// The role that it fills.
    pub role: Role,
    /// What it is, from its bytes.
    pub inspection: Inspection,
    /// What the deployment gives it.
    pub given: Given,
}

/// What a deployment gives a plugin, and thinks of it.
#[derive(Clone, Debug, Serialize)]
pub struct Given {
    /// Capabilities; what it may do is what it declares *and* is granted.
    pub granted: Vec<Capability>,
    /// What one call may use.
    pub limits: LockedLimits,
    /// Whose signatures it carries, and what is missing.
    pub verdict: Verdict,
    /// Its evidence, in the manifest's order.
    pub evidence: Vec<EvidenceMark>,
}

/// What a measurement in a manifest is worth here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EvidenceMark {
    /// The report.
    pub report: String,
    /// Whether it was made of this plugin or of a model of its, by digest.
    pub of_this: bool,
    /// Whether its gallery was smaller than the watchlist that the authority allows; absent where it says none.
    pub smaller_gallery: Option<bool>,
}

/// Something that is out of order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Which part: `plugins.detector`, `authority`, `lock`.
    pub part: String,
    /// What.
    pub what: String,
    /// What can be done.
    pub mend: String,
}

impl Finding {
    fn of(part: String, error: &PipelineError) -> Finding {
        // In a plugin's own place its error needs no place before it.
        let what = match error {
            PipelineError::Plugin { cause, .. } => cause.to_string(),
            other => other.to_string(),
        };
        Finding {
            part,
            what,
            mend: error.mend(),
        }
    }
}

impl Given {
    /// What a deployment gives to the plugin that it names for a role.
    ///
    /// # Errors
    /// Keys that cannot be read; signatures that are not of the file.
    pub fn of(
        deployment: &Deployment,
        plugin: &deployment::Plugin,
        file: &PluginFile,
    ) -> Result<Given, PipelineError> {
        Given::by(&trust(deployment)?, deployment, plugin, file)
    }

    /// The same where the deployment's keys are read already.
    fn by(
        trust: &Trust,
        deployment: &Deployment,
        plugin: &deployment::Plugin,
        file: &PluginFile,
    ) -> Result<Given, PipelineError> {
        let verdict = trust
            .verdict(file.file(), trust_time(deployment, trust)?)
            .map_err(|cause| PipelineError::Plugin {
                slot: plugin.slot(),
                cause: Box::new(cause),
            })?;
        let manifest = file.manifest();
        let given: Limits = limits(plugin, manifest);
        let digests: Vec<&str> = [file.sha256(), file.content_sha256()]
            .into_iter()
            .chain(manifest.models.iter().map(|model| model.sha256.as_str()))
            .collect();
        let most = u64::from(deployment.authority.watchlist_size);
        let evidence = manifest
            .algorithm
            .iter()
            .flat_map(|algorithm| &algorithm.evidence)
            .map(|evidence| EvidenceMark {
                report: evidence.report.clone(),
                of_this: evidence
                    .digests
                    .iter()
                    .any(|digest| digests.contains(&digest.as_str())),
                smaller_gallery: evidence.gallery_size.map(|size| size < most),
            });
        Ok(Given {
            granted: plugin.grants.iter().copied().collect(),
            limits: LockedLimits::of(plugin.role, &given),
            verdict,
            evidence: evidence.collect(),
        })
    }
}

/// Inspects a deployment, the machine's back end included: the lock names its library.
///
/// # Errors
/// What keeps anything from being said; everything else is a finding.
pub fn inspect(
    machine: &Machine,
    deployment: &Deployment,
) -> Result<DeploymentInspection, PipelineError> {
    let mut findings = Vec::new();
    let mut plugins = Vec::new();
    let trust = trusted(deployment, &mut findings)?;
    for plugin in deployment.plugins.all() {
        let part = plugin.slot().to_string();
        let file = match PluginFile::read(&plugin.file) {
            Ok(file) => file,
            Err(error) => {
                findings.push(Finding {
                    part,
                    what: error.to_string(),
                    mend: error.mend(),
                });
                continue;
            }
        };
        let given = match Given::by(&trust, deployment, plugin, &file) {
            Ok(given) => given,
            Err(error) => {
                findings.push(Finding::of(part, &error));
                continue;
            }
        };
        let inspection = describe(&file);
        plugin_findings(
            deployment,
            &trust,
            plugin,
            &file,
            &inspection,
            &given,
            &mut findings,
        );
        plugins.push(PluginInspection {
            role: plugin.role,
            inspection,
            given,
        });
    }
    if matches!(deployment.trust, deployment::Trust::Unsigned) {
        findings.push(Finding {
            part: "trust".into(),
            what: "plugins run whoever made them (`unsigned = true`)".into(),
            mend: "name keys and a rule under [trust]".into(),
        });
    }
    authority_findings(deployment, &mut findings);
    file_findings(deployment, &mut findings);
    let lock = LockFile::read(&deployment.host.lock, deployment.file())
        .map_err(PipelineError::from)
        .and_then(|lock| lock.check(machine, deployment).map(|()| lock));
    let lock_sha256 = match lock {
        Ok(lock) => Some(lock.sha256),
        Err(error) => {
            // What is wrong with the plugins stands above already.
            for error in error.each() {
                if let PipelineError::Lock(cause) = error {
                    findings.push(Finding {
                        part: "lock".into(),
                        what: cause.to_string(),
                        mend: match cause {
                            LockError::Missing { deployment, .. } => {
                                format!("`overt lock {}`", deployment.display())
                            }
                            other => other.mend(),
                        },
                    });
                }
            }
            None
        }
    };
    Ok(DeploymentInspection {
        deployment: deployment.id.clone(),
        plugins,
        lock_sha256,
        retention: RetentionHours {
            alerts: deployment.retention.alerts.as_secs() / 3_600,
            inputs: deployment.retention.inputs.as_secs() / 3_600,
            watchlist: deployment.retention.watchlist.as_secs() / 3_600,
        },
        findings,
    })
}

fn plugin_findings(
    deployment: &Deployment,
    trust: &Trust,
    plugin: &deployment::Plugin,
    file: &PluginFile,
    inspection: &Inspection,
    given: &Given,
    findings: &mut Vec<Finding>,
) {
    let part = || plugin.slot().to_string();
    let mut find = |what: String, mend: String| {
        findings.push(Finding {
            part: part(),
            what,
            mend,
        });
    };
    for agreed in [
        agreement::check(file, &plugin.grants),
        agreement::serves(file, plugin.role),
    ] {
        if let Err(error) = agreed {
            find(error.to_string(), error.mend());
        }
    }
    // Where the keys cannot be read, that is the finding, and no signature says anything.
    if !given.verdict.missing.is_empty() && !trust.keys().is_empty() {
        find(
            format!("it is not trusted: {}", given.verdict),
            "have it signed (`overt plugin sign`)".into(),
        );
    }
    if !inspection.self_tested.contains(&plugin.role) {
        find(
            "it has no self-test: a slip in how it looks at pictures would show in nothing but its results".into(),
            "ask its vendor for one (`overt plugin test --answers` helps to write it)".into(),
        );
    }
    for mark in &given.evidence {
        if !mark.of_this {
            find(
                format!("the evidence {:?} was made for another digest", mark.report),
                "ask its vendor what has changed since, and how that was measured".into(),
            );
        }
        if mark.smaller_gallery == Some(true) {
            find(
                format!(
                    "the evidence {:?} is of a smaller gallery than the {} entries that the authority allows",
                    mark.report, deployment.authority.watchlist_size
                ),
                "measure with a gallery of that size: `overt evaluate identification`".into(),
            );
        }
    }
    if let Err(error) = models(deployment, plugin, file) {
        findings.push(Finding::of(part(), &error));
    }
}

/// The deployment's keys. What is wrong with their files is a finding, and then nobody is trusted.
fn trusted(deployment: &Deployment, findings: &mut Vec<Finding>) -> Result<Trust, PipelineError> {
    let trust = match trust(deployment) {
        Ok(trust) => trust,
        Err(error) => {
            let deployment::Trust::Signed { require, .. } = &deployment.trust else {
                return Err(error);
            };
            let each = error.each().into_iter();
            findings.extend(each.map(|error| Finding::of("trust".into(), error)));
            Trust::signed(require.clone(), Vec::new())?
        }
    };
    let now = trust_time(deployment, &trust)?;
    for key in trust.keys() {
        if let Some(at) = key.expires
            && key.standing(now) == Standing::Counts
            && at < deployment.end
        {
            findings.push(Finding {
                part: "trust".into(),
                what: format!(
                    "the key {} expires at {at}, before the deployment ends: from then on nothing that it signed can be started or swapped in",
                    key.name
                ),
                mend: "have the plugins signed by a key that lasts, or end the deployment earlier"
                    .into(),
            });
        }
    }
    Ok(trust)
}

/// Files that the deployment names and that a run asks for. Those of plugins, keys and the calibration are looked into elsewhere.
fn file_findings(deployment: &Deployment, findings: &mut Vec<Finding>) {
    let Err(problems) = deployment.check_files() else {
        return;
    };
    let elsewhere = ["plugins.", "trust.", "authority."];
    for problem in problems.iter() {
        if !elsewhere.iter().any(|part| problem.key.starts_with(part)) {
            findings.push(Finding {
                part: problem.key.clone(),
                what: format!("expected {}, found {}", problem.expected, problem.found),
                mend: problem.mend.clone(),
            });
        }
    }
}

fn authority_findings(deployment: &Deployment, findings: &mut Vec<Finding>) {
    let mut find = |what: String, mend: &str| {
        findings.push(Finding {
            part: "authority".into(),
            what,
            mend: mend.to_owned(),
        });
    };
    let Some(path) = &deployment.authority.calibration else {
        find(
            "the score floor rests on no calibration: nobody has measured how often these plugins err at it".into(),
            "`overt evaluate identification --calibration FILE`, and name the file under [authority]",
        );
        return;
    };
    match Calibration::read(path) {
        Err(error) => find(
            format!("the calibration {} {error}", path.display()),
            "make it anew: `overt evaluate identification --calibration FILE`",
        ),
        Ok(calibration) => {
            let most = u64::from(deployment.authority.watchlist_size);
            if calibration.gallery.people < most {
                find(
                    format!(
                        "the calibration is of a gallery of {} people, and the authority allows {most}: false alerts grow with the gallery",
                        calibration.gallery.people
                    ),
                    "calibrate with a gallery as large as the watchlist may be, or authorise a smaller one",
                );
            }
        }
    }
}
