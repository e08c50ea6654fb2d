//! What is tried with bytes that nobody chose: one function for each way by which a stranger's bytes come into the host. Property tests and the fuzzer
//! (`fuzz/`) call the same. Each panics where something does not hold, and says nothing where all is well.

use std::path::Path;

use overt_deployment::Deployment;
use overt_runtime::answer::{self, Component};
use overt_runtime::decision::{Decision, Priority, Proposal, Route};
use overt_runtime::{Capability, Manifest, PluginFile, agreement, inspect, manifest};
use overt_vision::{Budget, Face, Landmarks, Point, Rect, Tensor};

/// Whether somebody can read it at a terminal that obeys escape sequences.
fn is_readable(text: &str) -> bool {
    let odd = |character: char| character.is_control() && character != '\n';
    !text.chars().any(odd) && text.len() < 100_000
}

/// A plugin file: read, described, and held against a deployment that grants everything.
pub fn plugin_file(bytes: &[u8]) {
    match PluginFile::from_bytes(Path::new("a.wasm"), bytes.to_vec()) {
        Ok(file) => {
            assert_eq!(&file.bytes()[..], bytes, "what was read is what is run");
            let said = inspect::describe(&file);
            assert!(said.imports.iter().all(|import| is_readable(&import.name)));
            assert!(is_readable(&format!("{:?}", said.can)));
            match agreement::check(&file, &Capability::ALL.into()) {
                Ok(()) => assert_eq!(said.disagreement, None),
                Err(error) => assert!(is_readable(&error.to_string()), "{error:?}"),
            }
        }
        Err(error) => {
            assert!(is_readable(&error.to_string()), "{error:?}");
            assert!(!error.mend().is_empty());
        }
    }
}

/// A manifest.
pub fn manifest(bytes: &[u8]) {
    match Manifest::parse(bytes) {
        Ok(read) => {
            assert!(bytes.len() <= manifest::LARGEST && manifest::is_id(&read.plugin.id));
            let family = read.family().map(Some);
            let of = |role: &overt_runtime::Role| Some(Some(role.family())) == family;
            assert!(!read.plugin.roles.is_empty() && read.plugin.roles.iter().all(of));
            for text in [&read.plugin.vendor, &read.plugin.description] {
                assert!(!text.chars().any(|odd| odd.is_control() && odd != '\n'));
            }
        }
        Err(error) => assert!(is_readable(&error.to_string()), "{error:?}"),
    }
}

/// A deployment file.
pub fn deployment(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match Deployment::parse(Path::new("deployment.toml"), &text) {
        Ok(read) => {
            assert!((0.0..=1.0).contains(&read.authority.score_floor));
            assert!(
                read.authority.cameras as usize >= read.cameras.len() && !read.cameras.is_empty()
            );
            let _ = read.default_desk();
        }
        Err(problems) => {
            assert!(problems.len() > 0);
            let said = problems.render(false);
            let odd = said.chars().find(|odd| odd.is_control() && *odd != '\n');
            assert_eq!(odd, None, "{said:?}");
        }
    }
}

/// Numbers out of bytes, zeros when they are used up.
struct Numbers<'b>(&'b [u8]);

impl Numbers<'_> {
    fn byte(&mut self) -> u8 {
        match self.0.split_first() {
            Some((first, rest)) => {
                self.0 = rest;
                *first
            }
            None => 0,
        }
    }

    fn word(&mut self) -> u32 {
        u32::from_le_bytes([self.byte(), self.byte(), self.byte(), self.byte()])
    }

    /// Any number that there is, and those near a frame's more often.
    fn float(&mut self) -> f32 {
        match self.byte() {
            0..=63 => f32::from_bits(self.word()),
            64 => f32::NAN,
            65 => f32::INFINITY,
            66 => f32::NEG_INFINITY,
            67 => f32::MIN_POSITIVE,
            68 => f32::MAX,
            69 => -0.0,
            _ => f32::from(self.byte()) - 32.0,
        }
    }

    fn point(&mut self) -> Point {
        Point {
            x: self.float(),
            y: self.float(),
        }
    }

    fn face(&mut self) -> Face {
        Face {
            bounds: Rect {
                x: self.float(),
                y: self.float(),
                width: self.float(),
                height: self.float(),
            },
            confidence: match self.byte() {
                byte @ 0..=199 => f32::from(byte) / 199.0,
                _ => self.float(),
            },
            landmarks: (self.byte() < 64).then(|| Landmarks {
                left_eye: self.point(),
                right_eye: self.point(),
                nose: self.point(),
                left_mouth: self.point(),
                right_mouth: self.point(),
            }),
        }
    }

    fn text(&mut self) -> String {
        let length = usize::from(self.byte()) * if self.byte() < 8 { 2 } else { 1 };
        let letters = (0..length).map(|_| match self.byte() {
            byte @ 0..=31 => char::from_u32(u32::from(byte) << 8 | u32::from(self.byte())),
            byte => Some(char::from(byte)),
        });
        letters.map(|letter| letter.unwrap_or('?')).collect()
    }
}

fn is_printable(text: &str) -> bool {
    text.len() <= 256 && text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

/// Answers of plugins of every role. What passes has every property that the rest of the host relies on.
pub fn answers(bytes: &[u8]) {
    let mut numbers = Numbers(bytes);
    let count = usize::from(numbers.byte() % 8);
    match numbers.byte() % 5 {
        0 => faces(&mut numbers, count),
        1 => templates(&mut numbers, count),
        2 => quality(&mut numbers, count),
        3 => decision(&mut numbers, count),
        _ => routes(&mut numbers, count),
    }
}

fn faces(numbers: &mut Numbers<'_>, count: usize) {
    let (width, height) = (64, 48);
    let all: Vec<Face> = (0..count).map(|_| numbers.face()).collect();
    if answer::faces(&all, width, height, 5).is_err() {
        return;
    }
    assert!(count <= 5);
    for face in &all {
        let Rect {
            x,
            y,
            width: w,
            height: h,
        } = face.bounds;
        let all_finite = [x, y, w, h, face.confidence].iter().all(|n| n.is_finite());
        assert!(all_finite && w > 0.0 && h > 0.0, "{face:?}");
        // A box twice the frame's size, its centre inside: nothing of it is further away than this.
        let near = |from: f32, size: f32, side: u32| {
            from >= -(side as f32) && from + size <= 2.0 * side as f32
        };
        assert!(near(x, w, width) && near(y, h, height), "{face:?}");
        assert!((0.0..=1.0).contains(&face.confidence));
        let points = face.landmarks.map(|landmarks| landmarks.points());
        assert!(
            points
                .iter()
                .flatten()
                .all(|point| point.x.is_finite() && point.y.is_finite())
        );
    }
}

fn templates(numbers: &mut Numbers<'_>, count: usize) {
    let (rows, columns) = (1 + numbers.byte() % 3, 1 + numbers.byte() % 9);
    let values: Vec<f32> = (0..rows * columns).map(|_| numbers.float()).collect();
    let shape = [u32::from(rows), u32::from(columns)];
    let Ok(tensor) = Tensor::from_values(&shape, &values, &Budget::unlimited()) else {
        return;
    };
    if answer::templates(&tensor, count, 8).is_ok() {
        assert_eq!((usize::from(rows), columns), (count, 8));
        assert!(values.iter().all(|value| value.is_finite()));
        assert!(
            values
                .chunks(8)
                .all(|row| row.iter().any(|value| *value != 0.0))
        );
    }
}

fn quality(numbers: &mut Numbers<'_>, count: usize) {
    let component = |numbers: &mut Numbers<'_>| Component {
        name: match numbers.byte() {
            byte @ 0..=127 => format!("Component{byte}"),
            _ => numbers.text(),
        },
        value: numbers.float(),
    };
    let all: Vec<Vec<Component>> = (0..numbers.byte() % 8)
        .map(|_| {
            (0..numbers.byte() % 40)
                .map(|_| component(numbers))
                .collect()
        })
        .collect();
    if answer::quality(&all, count).is_ok() {
        assert_eq!(all.len(), count);
        for components in &all {
            assert!(components.len() <= 32);
            for (index, Component { name, value }) in components.iter().enumerate() {
                assert!((0.0..=100.0).contains(value) && is_printable(name) && !name.is_empty());
                assert!(components[..index].iter().all(|other| other.name != *name));
            }
        }
    }
}

fn decision(numbers: &mut Numbers<'_>, offered: usize) {
    let reason = numbers.text();
    let answer = match numbers.byte() % 3 {
        0 => Decision::Ignore(reason.clone()),
        1 => Decision::Hold(reason.clone()),
        _ => Decision::Alert(Proposal {
            offered: match numbers.byte() {
                byte @ 0..=199 => u32::from(byte % 10),
                _ => numbers.word(),
            },
            priority: Priority::Normal,
            reason: reason.clone(),
        }),
    };
    if answer::decision(&answer, offered).is_ok() {
        assert!(is_printable(&reason));
        if let Decision::Alert(proposal) = answer {
            assert!((proposal.offered as usize) < offered);
        }
    }
}

fn routes(numbers: &mut Numbers<'_>, count: usize) {
    let all: Vec<Route> = (0..3 * count)
        .map(|_| Route {
            channel: match numbers.byte() {
                byte @ 0..=127 => format!("desk-{byte}"),
                _ => numbers.text(),
            },
        })
        .collect();
    if answer::routes(&all).is_ok() {
        assert!(all.len() <= 16);
        for (index, route) in all.iter().enumerate() {
            assert!(is_printable(&route.channel));
            assert!(
                all[..index]
                    .iter()
                    .all(|other| other.channel != route.channel)
            );
        }
    }
}
