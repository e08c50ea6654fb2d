//! The quality measure: components that cannot be.

use overt_sdk::{Component, Face, Frame, Quality, QualityError};

use crate::{Hostile, behaviour, endless_loop};

fn component(name: &str, value: f32) -> Component {
    Component {
        name: name.into(),
        value,
    }
}

impl Quality for Hostile {
    fn assess(frame: &Frame, faces: &[Face]) -> Result<Vec<Vec<Component>>, QualityError> {
        let each = |components: Vec<Component>| Ok(vec![components; faces.len()]);
        match behaviour(frame).as_str() {
            "answer-well" => each(vec![component("Sharpness", 50.0)]),
            "loop" => endless_loop(),
            "quality-of-nan" => each(vec![component("Sharpness", f32::NAN)]),
            "quality-of-101" => each(vec![component("Sharpness", 101.0)]),
            "quality-below-zero" => each(vec![component("Sharpness", -0.5)]),
            "name-twice" => each(vec![
                component("Sharpness", 1.0),
                component("Sharpness", 2.0),
            ]),
            "name-of-a-command" => each(vec![component("\u{1b}[2J", 1.0)]),
            "name-of-65-letters" => each(vec![component(&"S".repeat(65), 1.0)]),
            "no-name" => each(vec![component("", 1.0)]),
            "thirty-three-components" => each(
                (0..33)
                    .map(|index| component(&format!("Component{index}"), 1.0))
                    .collect(),
            ),
            "one-list-too-few" => Ok(vec![Vec::new(); faces.len() - 1]),
            "thousand-lists" => Ok(vec![Vec::new(); 1_000]),
            other => panic!("no such behaviour: {other}"),
        }
    }
}
