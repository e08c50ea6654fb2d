//! What a plugin is asked while it is measured, and what a call took. It judges no answer.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use overt_runtime::decision::{
    Alert, AlertState, Candidate, EarlierAlert, Observation, Offer, Probe, QualityValue,
    SearchResult,
};
use overt_runtime::limits::{ENCODED, MOST_MEMORY};
use overt_runtime::manifest::self_test::RouterTest;
use overt_runtime::self_test;
use overt_runtime::{CallError, CallObserver, CallReport, Limits, Plugin, Role, Sessions};
use overt_vision::{Face, Frame, read_still, test_card};

use super::Arguments;
use crate::failure::Failure;
use crate::plugin::workbench::Workbench;

/// What the host hands a policy at the most: entries, looks, the best of a search, earlier alerts (`wit/matcher-policy.wit`).
const ENTRIES: u32 = 64;
const LOOKS: u32 = 32;
const CANDIDATES: u32 = 10;
const EARLIER: u32 = 64;

/// A role with all that it is asked.
pub(super) struct Asked {
    pub(super) role: Role,
    pub(super) cases: Vec<Case>,
    pub(super) sessions: Sessions,
}

/// One question, which can be asked again and again.
pub(super) struct Case {
    pub(super) name: String,
    plugin: Plugin,
    meter: Arc<Meter>,
    question: Question,
}

enum Question {
    Detect(Arc<Frame>),
    Encode(Arc<Frame>, Vec<Face>),
    Assess(Arc<Frame>, Vec<Face>),
    Decide(Box<Observation>),
    Review(Box<Alert>),
}

/// What a call took.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Taken {
    pub(super) wall: Duration,
    pub(super) guest: Duration,
    pub(super) host: Duration,
    pub(super) models: Duration,
    pub(super) memory: u64,
    pub(super) tensors: u64,
    pub(super) fuel: Option<u64>,
}

/// Keeps what the last call took.
#[derive(Default)]
struct Meter(Mutex<Taken>);

impl CallObserver for Meter {
    fn ended(&self, report: &CallReport<'_>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Taken {
            wall: report.wall,
            guest: report.guest,
            host: report.host,
            models: report.models,
            memory: report.memory,
            tensors: report.tensors,
            fuel: report.fuel,
        };
    }
}

impl Case {
    fn new(name: impl Into<String>, plugin: Plugin, question: Question) -> Case {
        let meter = Arc::new(Meter::default());
        Case {
            name: name.into(),
            plugin: plugin.observed(meter.clone()),
            meter,
            question,
        }
    }

    /// Asks it.
    pub(super) fn ask(&self, sessions: &mut Sessions) -> Result<Taken, CallError> {
        match &self.question {
            Question::Detect(frame) => self.plugin.detect(frame, sessions).map(drop),
            Question::Encode(frame, faces) => self.plugin.encode(frame, faces, sessions).map(drop),
            Question::Assess(frame, faces) => self.plugin.assess(frame, faces, sessions).map(drop),
            Question::Decide(observation) => self.plugin.decide(observation).map(drop),
            Question::Review(alert) => self.plugin.for_review(alert).map(drop),
        }?;
        Ok(self.taken())
    }

    /// A fresh instance, and nothing asked of it.
    pub(super) fn empty(&self) -> Result<Taken, CallError> {
        self.plugin.empty_call()?;
        Ok(self.taken())
    }

    fn taken(&self) -> Taken {
        *self.meter.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// More than any manifest may declare, so that what is needed can be seen.
fn limits() -> Limits {
    Limits {
        memory: MOST_MEMORY,
        deadline: Duration::from_secs(60),
        host_time: Duration::from_secs(60),
        inference_deadline: Duration::from_secs(60),
        fuel: 100_000_000_000,
        ..Limits::default()
    }
}

/// Everything that the plugin is asked in a role.
pub(super) fn asked(
    workbench: &Workbench,
    role: Role,
    arguments: &Arguments,
) -> Result<Asked, Failure> {
    if !role.is_perception() && !arguments.photographs.is_empty() {
        return Err(Failure::mistake(
            format!("a plugin of the role {role} sees no photograph"),
            "leave `--photograph` out: it is asked about the cases of its self-test",
        ));
    }
    let config = arguments.config.as_deref().map(read_config).transpose()?;
    let text = match &config {
        Some(table) => json(table)?,
        None => "{}".to_owned(),
    };
    let plugin = workbench.accept(role, limits(), text)?;
    let sessions = plugin
        .sessions(&*workbench.backend)
        .map_err(|error| Failure::new(error.to_string(), ""))?;
    let cases = match role {
        Role::Detector | Role::Encoder | Role::Quality => pictures(workbench, &plugin, arguments)?,
        Role::MatcherPolicy => policy(workbench, &plugin, config)?,
        Role::AlertRouter => router(workbench, &plugin, config)?,
    };
    if cases.is_empty() {
        return Err(Failure::new(
            format!(
                "{}: there is nothing to ask it as {role}",
                workbench.file.path().display()
            ),
            "write a [self-test] into plugin.toml and pack it again: its cases are asked",
        ));
    }
    Ok(Asked {
        role,
        cases,
        sessions,
    })
}

fn read_config(path: &Path) -> Result<toml::Table, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| Failure::file(path, &error))?;
    text.parse().map_err(|error| {
        Failure::mistake(
            format!("{}: {error}", path.display()),
            "write what stands under [plugins.ROLE.config] in a deployment file, without that line",
        )
    })
}

fn json(table: &toml::Table) -> Result<String, Failure> {
    serde_json::to_string(table).map_err(|error| {
        Failure::mistake(
            format!("the configuration cannot be said in JSON: {error}"),
            "do without dates and numbers that are none",
        )
    })
}

/// The test card and the photographs.
fn pictures(
    workbench: &Workbench,
    plugin: &Plugin,
    arguments: &Arguments,
) -> Result<Vec<Case>, Failure> {
    let card = test_card::frame().map_err(|error| Failure::new(error.to_string(), ""))?;
    let card = Arc::new(card);
    let about = |frame: &Arc<Frame>, faces: Vec<Face>| match plugin.role() {
        Role::Detector => Question::Detect(frame.clone()),
        Role::Encoder => Question::Encode(frame.clone(), faces),
        _ => Question::Assess(frame.clone(), faces),
    };
    let face = test_card::face();
    let mut cases = vec![Case::new(
        "test card",
        plugin.clone(),
        about(&card, vec![face]),
    )];
    if plugin.role() != Role::Detector {
        // As many as the host hands over in one call.
        cases.push(Case::new(
            format!("test card, its face {ENCODED} times"),
            plugin.clone(),
            about(&card, vec![face; ENCODED]),
        ));
    }
    let mut finder = None;
    for path in &arguments.photographs {
        let frame = read_still(path).map_err(|error| {
            Failure::new(
                format!("{}: {error}", path.display()),
                "name a JPEG or PNG file",
            )
        })?;
        let frame = Arc::new(frame);
        let (name, size) = (
            path.display(),
            format!("{} x {}", frame.width(), frame.height()),
        );
        if plugin.role() == Role::Detector {
            let name = format!("{name}, {size}");
            cases.push(Case::new(name, plugin.clone(), about(&frame, Vec::new())));
            continue;
        }
        let (detector, sessions) = match &mut finder {
            Some(found) => found,
            none => none.insert(find_faces_with(workbench, arguments)?),
        };
        let mut faces = detector
            .detect(&frame, sessions)
            .map_err(|error| Failure::new(error.to_string(), "name another detector"))?;
        faces.truncate(ENCODED);
        if faces.is_empty() {
            return Err(Failure::new(
                format!("{name}: {} finds no face on it", detector.identity().id),
                "name a photograph with faces, or another detector",
            ));
        }
        let name = format!("{name}, {size}, faces: {}", faces.len());
        cases.push(Case::new(name, plugin.clone(), about(&frame, faces)));
    }
    Ok(cases)
}

/// A detector for the faces on photographs.
fn find_faces_with(
    workbench: &Workbench,
    arguments: &Arguments,
) -> Result<(Plugin, Sessions), Failure> {
    let other;
    let finder = match &arguments.detector {
        Some(file) => {
            other = workbench.other(file, &arguments.workbench)?;
            &other
        }
        None => workbench,
    };
    if !finder.manifest().plugin.roles.contains(&Role::Detector) {
        return Err(Failure::mistake(
            format!(
                "{}: it finds no faces on photographs",
                finder.file.path().display()
            ),
            "name a detector: `--detector detector.wasm`",
        ));
    }
    let plugin = finder.accept(Role::Detector, limits(), "{}".to_owned())?;
    let sessions = plugin
        .sessions(&*finder.backend)
        .map_err(|error| Failure::new(error.to_string(), ""))?;
    Ok((plugin, sessions))
}

/// The same plugin with a case's own configuration, unless another is given for all.
fn with(
    plugin: &Plugin,
    given: Option<&toml::Table>,
    own: &toml::Table,
) -> Result<Plugin, Failure> {
    let config = given.unwrap_or(own);
    plugin
        .with_config(config)
        .map_err(|error| Failure::new(format!("no JSON can be made: {error}"), ""))
}

fn policy(
    workbench: &Workbench,
    plugin: &Plugin,
    config: Option<toml::Table>,
) -> Result<Vec<Case>, Failure> {
    let test = workbench.manifest().self_test.clone().unwrap_or_default();
    let mut cases = Vec::new();
    for (name, case) in &test.matcher_policy {
        let question = Question::Decide(Box::new(self_test::observation(case)));
        let plugin = with(plugin, config.as_ref(), &case.config)?;
        cases.push(Case::new(name, plugin, question));
    }
    let first = test.matcher_policy.into_values().next();
    let (own, category) = first.map_or_else(
        || (toml::Table::new(), "any".to_owned()),
        |case| (case.config, case.category),
    );
    cases.push(Case::new(
        format!("the largest observation ({ENTRIES} entries, {LOOKS} looks)"),
        with(plugin, config.as_ref(), &own)?,
        Question::Decide(Box::new(largest(&category))),
    ));
    Ok(cases)
}

fn router(
    workbench: &Workbench,
    plugin: &Plugin,
    config: Option<toml::Table>,
) -> Result<Vec<Case>, Failure> {
    let test = workbench.manifest().self_test.clone().unwrap_or_default();
    let case = |(name, case): (&String, &RouterTest)| -> Result<Case, Failure> {
        let question = Question::Review(Box::new(self_test::alert(case)));
        Ok(Case::new(
            name,
            with(plugin, config.as_ref(), &case.config)?,
            question,
        ))
    };
    test.alert_router.iter().map(case).collect()
}

/// As much as the host puts into an observation, with scores that go up and down.
fn largest(category: &str) -> Observation {
    let candidate = |look: u32, rank: u32| Candidate {
        offered: (look + rank) % ENTRIES,
        score: 0.9 - 0.02 * rank as f32 - 0.01 * (look % 7) as f32,
        rank,
    };
    let quality = |name: &str| QualityValue {
        name: name.to_owned(),
        value: 60.0,
    };
    let look = |look: u32| Probe {
        time: f64::from(look) * 0.2,
        width: 120.0,
        height: 160.0,
        confidence: 0.99,
        quality: ["UnifiedQualityScore", "Sharpness", "LuminanceMean"]
            .map(quality)
            .into(),
        results: vec![SearchResult {
            encoder: "bench".into(),
            candidates: (1..=CANDIDATES).map(|rank| candidate(look, rank)).collect(),
        }],
    };
    // On other tracks: one of this track ends many a policy's thinking at once.
    let earlier = |number: u32| EarlierAlert {
        offered: number % ENTRIES,
        camera: "bench".into(),
        track: number + 2,
        time: f64::from(number) - 600.0,
        state: AlertState::Closed,
    };
    Observation {
        track: 1,
        camera: "bench".into(),
        time: f64::from(LOOKS) * 0.2,
        ended: false,
        offered: (0..ENTRIES)
            .map(|_| Offer {
                category: category.to_owned(),
                image_quality: Some(70.0),
            })
            .collect(),
        probes: (0..LOOKS).map(look).collect(),
        raised: (0..EARLIER).map(earlier).collect(),
    }
}
