//! Checks of what plugins answer. Nothing that crosses the boundary is used before it passed here; what fails is that plugin's error.

use overt_vision::{Element, Face, Point, Rect, Tensor};

use crate::contract::exports::{alert_router, matcher_policy};

pub use crate::contract::exports::quality::Component;
use crate::limits;

/// How an answer breaks the contract.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum AnswerFault {
    /// More faces than [`crate::Limits::faces`].
    #[error("{found} faces; at most {limit} may be found in a frame")]
    TooManyFaces {
        /// Faces found.
        found: usize,
        /// The limit.
        limit: u32,
    },
    /// NaN or infinity.
    #[error("{what} is not a finite number")]
    NotFinite {
        /// Which value.
        what: String,
    },
    /// A value outside its range.
    #[error("{what} is {found}; expected {expected}")]
    OutOfRange {
        /// Which value.
        what: String,
        /// The range.
        expected: &'static str,
        /// The value.
        found: Box<str>,
    },
    /// A box or point where none can be.
    #[error("{what} lies outside the frame of {width} × {height}")]
    OutsideFrame {
        /// Which.
        what: String,
        /// The frame's width.
        width: u32,
        /// The frame's height.
        height: u32,
    },
    /// Templates of the wrong shape or element.
    #[error("templates of {found}; expected {expected}")]
    TemplateShape {
        /// What the faces and the manifest demand.
        expected: String,
        /// What came.
        found: String,
    },
    /// A template without direction, which would be similar to everybody or nobody.
    #[error("the template of face {face} is zero")]
    ZeroTemplate {
        /// Index of the face.
        face: usize,
    },
    /// Another number of answers than of questions.
    #[error("{found} {what}; expected {expected}")]
    Count {
        /// Of what.
        what: &'static str,
        /// How many.
        expected: String,
        /// How many came.
        found: usize,
    },
    /// A text that is too long or not printable ASCII.
    #[error(
        "{what} is {found}; expected at most {} bytes of printable ASCII",
        limits::TEXT
    )]
    Text {
        /// Which text.
        what: &'static str,
        /// What is wrong with it.
        found: String,
    },
    /// A component name that is none.
    #[error("the name of quality component {component} of face {face} is no name, or stands twice")]
    ComponentName {
        /// Index of the face.
        face: usize,
        /// Index of the component. Not its name: text of a perception plugin could carry a template to disk.
        component: usize,
    },
    /// A channel that stands twice in a router's answer.
    #[error("route {index} names a channel that another route names already")]
    RouteTwice {
        /// Index of the second.
        index: usize,
    },
    /// An entry that the search did not offer.
    #[error("entry {index} was not offered; {offered} were")]
    NotOffered {
        /// The index that the plugin named.
        index: u32,
        /// How many were offered.
        offered: usize,
    },
    /// What the deployment does not allow, in the words of the part of the host that refused it.
    #[error("{0}")]
    Refused(String),
}

fn finite(value: f32, what: impl Fn() -> String) -> Result<(), AnswerFault> {
    if value.is_finite() {
        Ok(())
    } else {
        Err(AnswerFault::NotFinite { what: what() })
    }
}

/// Checks a detector's answer against `wit/geometry.wit`.
pub fn faces(faces: &[Face], width: u32, height: u32, limit: u32) -> Result<(), AnswerFault> {
    if faces.len() > limit as usize {
        return Err(AnswerFault::TooManyFaces {
            found: faces.len(),
            limit,
        });
    }
    for (index, face) in faces.iter().enumerate() {
        let Rect {
            x,
            y,
            width: w,
            height: h,
        } = face.bounds;
        for (name, value) in [("x", x), ("y", y), ("width", w), ("height", h)] {
            finite(value, || format!("{name} of face {index}"))?;
        }
        for (name, value) in [("width", w), ("height", h)] {
            if value <= 0.0 {
                let what = format!("the {name} of face {index}");
                return Err(AnswerFault::OutOfRange {
                    what,
                    expected: "more than 0",
                    found: value.to_string().into(),
                });
            }
        }
        let inside = |centre: f32, side: f32| (0.0..=side).contains(&centre);
        let (frame_width, frame_height) = (width as f32, height as f32);
        // A face cut by the frame's edge may reach beyond it by half of its own size, which its centre inside the frame says.
        if !inside(x + w / 2.0, frame_width)
            || !inside(y + h / 2.0, frame_height)
            || w > 2.0 * frame_width
            || h > 2.0 * frame_height
        {
            return Err(AnswerFault::OutsideFrame {
                what: format!("face {index}"),
                width,
                height,
            });
        }
        if !(0.0..=1.0).contains(&face.confidence) {
            finite(face.confidence, || {
                format!("the confidence of face {index}")
            })?;
            let what = format!("the confidence of face {index}");
            return Err(AnswerFault::OutOfRange {
                what,
                expected: "0 to 1",
                found: face.confidence.to_string().into(),
            });
        }
        if let Some(landmarks) = face.landmarks {
            for Point { x: px, y: py } in landmarks.points() {
                finite(px, || format!("a landmark of face {index}"))?;
                finite(py, || format!("a landmark of face {index}"))?;
                if (px - (x + w / 2.0)).abs() > w || (py - (y + h / 2.0)).abs() > h {
                    let what = format!("a landmark of face {index}");
                    return Err(AnswerFault::OutOfRange {
                        what,
                        expected: "within twice the box",
                        found: format!("({px}, {py})").into(),
                    });
                }
            }
        }
    }
    Ok(())
}

/// Checks an encoder's answer: [`faces`, `dimension`] finite float32 numbers, no row zero.
pub fn templates(tensor: &Tensor, faces: usize, dimension: u32) -> Result<(), AnswerFault> {
    let shape_fault = |found: String| AnswerFault::TemplateShape {
        expected: format!("[{faces}, {dimension}] float32"),
        found,
    };
    let values = match (tensor.element(), tensor.as_f32s()) {
        (Element::Float32, Some(values)) => values,
        (other, _) => return Err(shape_fault(format!("{other:?}"))),
    };
    if tensor.shape() != [faces, dimension as usize] {
        return Err(shape_fault(format!("{:?} float32", tensor.shape())));
    }
    for (face, row) in values.chunks_exact(dimension as usize).enumerate() {
        if let Some(position) = row.iter().position(|value| !value.is_finite()) {
            return Err(AnswerFault::NotFinite {
                what: format!("number {position} of the template of face {face}"),
            });
        }
        if row.iter().all(|value| *value == 0.0) {
            return Err(AnswerFault::ZeroTemplate { face });
        }
    }
    Ok(())
}

/// Checks a quality plugin's answer.
pub fn quality(answer: &[Vec<Component>], faces: usize) -> Result<(), AnswerFault> {
    if answer.len() != faces {
        return Err(AnswerFault::Count {
            what: "quality lists",
            expected: faces.to_string(),
            found: answer.len(),
        });
    }
    for (face, components) in answer.iter().enumerate() {
        if components.len() > limits::COMPONENTS {
            let expected = format!("at most {}", limits::COMPONENTS);
            return Err(AnswerFault::Count {
                what: "quality components",
                expected,
                found: components.len(),
            });
        }
        for (index, component) in components.iter().enumerate() {
            let name = &component.name;
            let is_name = (1..=64).contains(&name.len())
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
            if !is_name || components[..index].iter().any(|other| other.name == *name) {
                return Err(AnswerFault::ComponentName {
                    face,
                    component: index,
                });
            }
            let what = || format!("quality component {index} of face {face}");
            finite(component.value, what)?;
            if !(0.0..=100.0).contains(&component.value) {
                let found = component.value.to_string().into();
                return Err(AnswerFault::OutOfRange {
                    what: what(),
                    expected: "0 to 100",
                    found,
                });
            }
        }
    }
    Ok(())
}

/// Checks a text that a decision plugin wrote.
pub fn text(what: &'static str, text: &str) -> Result<(), AnswerFault> {
    if text.len() > limits::TEXT {
        return Err(AnswerFault::Text {
            what,
            found: format!("{} bytes long", text.len()),
        });
    }
    match text
        .chars()
        .find(|character| !matches!(character, ' '..='~'))
    {
        Some(character) => Err(AnswerFault::Text {
            what,
            found: format!("a text with the character U+{:04X}", u32::from(character)),
        }),
        None => Ok(()),
    }
}

/// Checks a policy's answer.
pub fn decision(decision: &matcher_policy::Decision, offered: usize) -> Result<(), AnswerFault> {
    match decision {
        matcher_policy::Decision::Ignore(reason) | matcher_policy::Decision::Hold(reason) => {
            text("the reason", reason)
        }
        matcher_policy::Decision::Alert(proposal) => {
            if proposal.offered as usize >= offered {
                return Err(AnswerFault::NotOffered {
                    index: proposal.offered,
                    offered,
                });
            }
            text("the reason", &proposal.reason)
        }
    }
}

/// Checks a router's answer by itself; whether the channels exist and have the right purpose is the pipeline's to check.
pub fn routes(routes: &[alert_router::Route]) -> Result<(), AnswerFault> {
    if routes.len() > limits::ROUTES {
        return Err(AnswerFault::Count {
            what: "routes",
            expected: format!("at most {}", limits::ROUTES),
            found: routes.len(),
        });
    }
    for (index, route) in routes.iter().enumerate() {
        text("a channel", &route.channel)?;
        if routes[..index]
            .iter()
            .any(|other| other.channel == route.channel)
        {
            return Err(AnswerFault::RouteTwice { index });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use overt_vision::{Budget, Landmarks};

    use super::*;

    fn face() -> Face {
        let point = |x, y| Point { x, y };
        Face {
            bounds: Rect {
                x: 10.0,
                y: 20.0,
                width: 30.0,
                height: 40.0,
            },
            confidence: 0.9,
            landmarks: Some(Landmarks {
                left_eye: point(18.0, 32.0),
                right_eye: point(32.0, 32.0),
                nose: point(25.0, 40.0),
                left_mouth: point(19.0, 50.0),
                right_mouth: point(31.0, 50.0),
            }),
        }
    }

    #[test]
    fn a_face_cut_by_the_edge_passes_and_one_beyond_it_does_not() {
        let mut cut = face();
        cut.landmarks = None;
        cut.bounds.x = -14.0;
        assert_eq!(faces(&[cut], 100, 100, 5), Ok(()));
        cut.bounds.x = -16.0;
        assert!(matches!(
            faces(&[cut], 100, 100, 5),
            Err(AnswerFault::OutsideFrame { .. })
        ));
        cut.bounds.x = 1e30;
        assert!(matches!(
            faces(&[cut], 100, 100, 5),
            Err(AnswerFault::OutsideFrame { .. })
        ));
    }

    #[test]
    fn impossible_numbers_of_a_face_are_faults() {
        let broken: [fn(&mut Face); 7] = [
            |face| face.bounds.x = f32::NAN,
            |face| face.bounds.width = 0.0,
            |face| face.bounds.height = -1.0,
            |face| face.bounds.width = f32::INFINITY,
            |face| face.confidence = f32::NAN,
            |face| face.confidence = 1.5,
            |face| face.landmarks.as_mut().unwrap().nose.x = 90.0,
        ];
        for (index, change) in broken.into_iter().enumerate() {
            let mut face = face();
            assert_eq!(faces(&[face], 100, 100, 5), Ok(()));
            change(&mut face);
            assert!(faces(&[face], 100, 100, 5).is_err(), "case {index}");
        }
        assert_eq!(
            faces(&[face(); 6], 100, 100, 5),
            Err(AnswerFault::TooManyFaces { found: 6, limit: 5 })
        );
    }

    #[test]
    fn templates_are_of_the_declared_dimension_finite_and_not_zero() {
        let tensor = |shape: &[u32], values: &[f32]| {
            Tensor::from_values(shape, values, &Budget::unlimited()).unwrap()
        };
        assert_eq!(templates(&tensor(&[1, 2], &[1.0, 0.0]), 1, 2), Ok(()));
        assert!(matches!(
            templates(&tensor(&[2, 1], &[1.0, 0.0]), 1, 2),
            Err(AnswerFault::TemplateShape { .. })
        ));
        assert!(matches!(
            templates(&tensor(&[1, 2], &[1.0, f32::NAN]), 1, 2),
            Err(AnswerFault::NotFinite { .. })
        ));
        assert_eq!(
            templates(&tensor(&[2, 2], &[1.0, 0.0, 0.0, 0.0]), 2, 2),
            Err(AnswerFault::ZeroTemplate { face: 1 })
        );
    }

    #[test]
    fn texts_are_short_and_printable() {
        assert_eq!(text("the reason", &"a".repeat(256)), Ok(()));
        assert!(text("the reason", &"a".repeat(257)).is_err());
        assert!(text("the reason", "bell \u{7}").is_err());
        assert!(text("the reason", "façade").is_err());
    }

    #[test]
    fn an_entry_that_was_not_offered_cannot_be_named() {
        let alert = |offered| {
            matcher_policy::Decision::Alert(matcher_policy::Proposal {
                offered,
                priority: matcher_policy::Priority::Normal,
                reason: String::new(),
            })
        };
        assert_eq!(decision(&alert(1), 2), Ok(()));
        assert_eq!(
            decision(&alert(2), 2),
            Err(AnswerFault::NotOffered {
                index: 2,
                offered: 2
            })
        );
    }
}
