//! Whether a plugin still answers, on this machine and back end, what its vendor saw it answer: the self-test of its manifest. A slip between model and
//! pixels (a channel order, a range, another version of a model) costs an algorithm most of its accuracy and gives no error; here it does.

use std::sync::Arc;

use overt_vision::{Backend, Face, Rect, test_card};
use serde::Serialize;

use crate::contract::decision::{
    Alert, Candidate, Decision, Observation, Offer, Probe, SearchResult, Urgency,
};
use crate::manifest::self_test::{
    Decided, DetectorTest, EncoderTest, PolicyTest, RouterTest, SelfTest,
};
use crate::plugin::{Plugin, Sessions};
use overt_contract::Role;

/// Seconds between two looks of a policy's case.
const BETWEEN_LOOKS: f64 = 0.2;

/// What a self-test came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SelfTested {
    /// Questions that were asked.
    pub questions: u32,
    /// What was answered otherwise than expected.
    pub failures: Vec<SelfTestFailure>,
}

/// A question that was answered otherwise.
#[derive(Clone, Debug, PartialEq, Serialize, thiserror::Error)]
#[error("{question}: expected {expected}, found {found}")]
pub struct SelfTestFailure {
    /// What was asked.
    pub question: String,
    /// The manifest's answer.
    pub expected: String,
    /// The plugin's.
    pub found: String,
}

/// One answer against what was expected.
type Asked = Result<(), SelfTestFailure>;

fn failure(question: &str, expected: impl Into<String>, found: impl ToString) -> SelfTestFailure {
    SelfTestFailure {
        question: question.to_owned(),
        expected: expected.into(),
        found: found.to_string(),
    }
}

impl Plugin {
    /// Asks what the manifest's self-test has for the plugin's role. Nothing to ask is no failure: whoever looks sees that there were no questions.
    pub fn self_test(&self, test: &SelfTest, backend: &dyn Backend) -> SelfTested {
        let asked: Vec<Asked> = match self.role() {
            Role::Detector => test
                .detector
                .iter()
                .map(|test| self.finds(test, backend))
                .collect(),
            Role::Encoder => test
                .encoder
                .iter()
                .map(|test| self.encodes(test, backend))
                .collect(),
            Role::Quality if test.quality.is_empty() => Vec::new(),
            Role::Quality => self.measures(test, backend),
            Role::MatcherPolicy => test
                .matcher_policy
                .iter()
                .map(|(name, case)| self.decides(name, case))
                .collect(),
            Role::AlertRouter => test
                .alert_router
                .iter()
                .map(|(name, case)| self.routes(name, case))
                .collect(),
        };
        SelfTested {
            questions: asked.len() as u32,
            failures: asked.into_iter().filter_map(Result::err).collect(),
        }
    }

    /// What a perception plugin answers about the test card, in the form of a self-test. Nothing for the others, whose cases somebody has to think of.
    ///
    /// # Errors
    /// Why there is no answer.
    pub fn answers(&self, backend: &dyn Backend) -> Result<SelfTest, SelfTestFailure> {
        let mut answers = SelfTest::default();
        match self.role() {
            Role::Detector => {
                let boxes = self.boxes("faces on the test card", "boxes", backend)?;
                answers.detector = Some(DetectorTest {
                    boxes: boxes
                        .iter()
                        .map(|b| [b.x, b.y, b.width, b.height].map(f32::round))
                        .collect(),
                    least_overlap: 0.8,
                });
            }
            Role::Encoder => {
                let template = self.template("a template", "numbers", backend)?;
                answers.encoder = Some(EncoderTest {
                    template: EncoderTest::written(&template),
                    least_cosine: 0.99,
                });
            }
            Role::Quality => {
                let components = self.components("quality", "components", backend)?;
                let around = |value: f32| [(value - 5.0).max(0.0), (value + 5.0).min(100.0)];
                answers.quality = components
                    .into_iter()
                    .map(|(name, value)| (name, around(value.round())))
                    .collect();
            }
            Role::MatcherPolicy | Role::AlertRouter => {}
        }
        Ok(answers)
    }

    /// Runs a worker's sessions once on the test card, so that the first frame is not the one that waits for what a library makes ready at a model's first run. What
    /// the plugin answers is not looked at: that is the self-test's to do.
    pub fn warm_up(&self, sessions: &mut Sessions) {
        let Ok(card) = test_card::frame().map(Arc::new) else {
            return;
        };
        let face = [test_card::face()];
        match self.role() {
            Role::Detector => drop(self.detect(&card, sessions)),
            Role::Encoder => drop(self.encode(&card, &face, sessions)),
            Role::Quality => drop(self.assess(&card, &face, sessions)),
            Role::MatcherPolicy | Role::AlertRouter => {}
        }
    }

    fn sessions_and_card(
        &self,
        question: &str,
        expected: &str,
        backend: &dyn Backend,
    ) -> Result<(Sessions, Arc<overt_vision::Frame>), SelfTestFailure> {
        let sessions = self
            .sessions(backend)
            .map_err(|error| failure(question, expected, error))?;
        let card = test_card::frame().map_err(|error| failure(question, expected, error))?;
        Ok((sessions, Arc::new(card)))
    }

    fn boxes(
        &self,
        question: &str,
        expected: &str,
        backend: &dyn Backend,
    ) -> Result<Vec<Rect>, SelfTestFailure> {
        let (mut sessions, card) = self.sessions_and_card(question, expected, backend)?;
        let faces = self
            .detect(&card, &mut sessions)
            .map_err(|error| failure(question, expected, error))?;
        Ok(faces.into_iter().map(|face: Face| face.bounds).collect())
    }

    fn finds(&self, test: &DetectorTest, backend: &dyn Backend) -> Asked {
        const QUESTION: &str = "the faces on the test card";
        let expected = format!("boxes {:?}", test.boxes);
        let found = self.boxes(QUESTION, &expected, backend)?;
        let told = || {
            let boxes: Vec<[f32; 4]> = found
                .iter()
                .map(|b| [b.x, b.y, b.width, b.height].map(f32::round))
                .collect();
            format!("{boxes:?}")
        };
        let matched = test.boxes.iter().all(|[x, y, width, height]| {
            let wanted = Rect {
                x: *x,
                y: *y,
                width: *width,
                height: *height,
            };
            found
                .iter()
                .any(|found| found.iou(&wanted) >= test.least_overlap)
        });
        if matched && found.len() == test.boxes.len() {
            return Ok(());
        }
        Err(failure(QUESTION, expected, told()))
    }

    fn template(
        &self,
        question: &str,
        expected: &str,
        backend: &dyn Backend,
    ) -> Result<Vec<f32>, SelfTestFailure> {
        let (mut sessions, card) = self.sessions_and_card(question, expected, backend)?;
        let template = self
            .encode(&card, &[test_card::face()], &mut sessions)
            .map_err(|error| failure(question, expected, error))?;
        // The answer was checked: float32, [1, dimension].
        Ok(template.as_f32s().unwrap_or_default().to_vec())
    }

    fn encodes(&self, test: &EncoderTest, backend: &dyn Backend) -> Asked {
        const QUESTION: &str = "the template of the face on the test card";
        let expected = format!("a cosine of {} or more", test.least_cosine);
        let template = self.template(QUESTION, &expected, backend)?;
        // A checked manifest has as many values as a template.
        let values = test.values().unwrap_or_default();
        let (mut product, mut ours, mut theirs) = (0.0_f64, 0.0_f64, 0.0_f64);
        for (ours_value, value) in template.iter().zip(values) {
            let (one, other) = (f64::from(*ours_value), f64::from(value));
            product += one * other;
            ours += one * one;
            theirs += other * other;
        }
        let cosine = product / (ours.sqrt() * theirs.sqrt());
        // Not a number is not enough.
        if cosine >= f64::from(test.least_cosine) {
            return Ok(());
        }
        Err(failure(QUESTION, expected, format!("{cosine:.4}")))
    }

    fn components(
        &self,
        question: &str,
        expected: &str,
        backend: &dyn Backend,
    ) -> Result<Vec<(String, f32)>, SelfTestFailure> {
        let (mut sessions, card) = self.sessions_and_card(question, expected, backend)?;
        let mut faces = self
            .assess(&card, &[test_card::face()], &mut sessions)
            .map_err(|error| failure(question, expected, error))?;
        // The answer was checked: one list for one face.
        Ok(faces.pop().unwrap_or_default())
    }

    fn measures(&self, test: &SelfTest, backend: &dyn Backend) -> Vec<Asked> {
        let found = match self.components(
            "the quality of the face on the test card",
            "values",
            backend,
        ) {
            Ok(found) => found,
            Err(error) => return vec![Err(error)],
        };
        let measure = |(name, [least, greatest]): (&String, &[f32; 2])| {
            let value = found.iter().find(|(found, _)| found == name);
            match value {
                Some((_, value)) if (*least..=*greatest).contains(value) => Ok(()),
                other => Err(failure(
                    &format!("{name} of the face on the test card"),
                    format!("{least} to {greatest}"),
                    other.map_or("none".to_owned(), |(_, value)| value.to_string()),
                )),
            }
        };
        test.quality.iter().map(measure).collect()
    }

    fn decides(&self, name: &str, case: &PolicyTest) -> Asked {
        let question = format!("the decision in the case {name}");
        let expected = case.decision.name();
        let observation = observation(case);
        let plugin = self
            .with_config(&case.config)
            .map_err(|error| failure(&question, expected, error))?;
        let decision = plugin
            .decide(&observation)
            .map_err(|error| failure(&question, expected, error))?;
        let (found, reason) = match &decision {
            Decision::Ignore(reason) => (Decided::Ignore, reason),
            Decision::Hold(reason) => (Decided::Hold, reason),
            Decision::Alert(proposal) => (Decided::Alert, &proposal.reason),
        };
        if found == case.decision {
            return Ok(());
        }
        Err(failure(
            &question,
            expected,
            format!("{} ({reason})", found.name()),
        ))
    }

    fn routes(&self, name: &str, case: &RouterTest) -> Asked {
        let question = format!("the desks in the case {name}");
        let expected = format!("{:?}", case.channels);
        let alert = alert(case);
        let plugin = self
            .with_config(&case.config)
            .map_err(|error| failure(&question, expected.as_str(), error))?;
        let routes = plugin
            .for_review(&alert)
            .map_err(|error| failure(&question, expected.as_str(), error))?;
        let found: Vec<String> = routes.into_iter().map(|route| route.channel).collect();
        if found == case.channels {
            return Ok(());
        }
        Err(failure(&question, expected, format!("{found:?}")))
    }
}

/// What a policy is asked in a case: one passer-by, whose looks have these scores.
pub fn observation(case: &PolicyTest) -> Observation {
    let time = |look: usize| look as f64 * BETWEEN_LOOKS;
    let probe = |(look, score): (usize, &f32)| Probe {
        time: time(look),
        width: 120.0,
        height: 160.0,
        confidence: 0.99,
        quality: Vec::new(),
        results: vec![SearchResult {
            encoder: "self-test".into(),
            candidates: vec![Candidate {
                offered: 0,
                score: *score,
                rank: 1,
            }],
        }],
    };
    Observation {
        track: 1,
        camera: "self-test".into(),
        time: time(case.scores.len().saturating_sub(1)),
        ended: false,
        offered: vec![Offer {
            category: case.category.clone(),
            image_quality: None,
        }],
        probes: case.scores.iter().enumerate().map(probe).collect(),
        raised: Vec::new(),
    }
}

/// What a router is asked in a case.
pub fn alert(case: &RouterTest) -> Alert {
    Alert {
        number: 1,
        camera: "self-test".into(),
        track: 1,
        time: 0.0,
        category: case.category.clone(),
        urgency: Urgency::Normal,
        score: 0.9,
    }
}
