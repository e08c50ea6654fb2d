//! The faces of a frame go through the encoder's model together: one inference for all of them, and each template as if its face had been alone.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use overt_runtime::compiler::Compiler;
use overt_runtime::{
    Capability, Limits, Plugin, PluginFile, Role, Runtime, RuntimeOptions, Terms, TrustedFile,
};
use overt_sdk::native::Setup;
use overt_vision::{
    Backend, BackendIdentity, Budget, Device, Face, Frame, InferenceError, Landmarks, ModelFile,
    OnnxRuntime, Point, Port, Rect, Session, Tensor,
};

/// The first side of each input that a model was run with.
type Batches = Arc<Mutex<Vec<usize>>>;

/// A back end that notes every run.
struct Counting {
    inner: OnnxRuntime,
    batches: Batches,
}

impl Backend for Counting {
    fn identity(&self) -> &BackendIdentity {
        self.inner.identity()
    }

    fn device(&self) -> Device {
        self.inner.device()
    }

    fn library(&self) -> &Path {
        self.inner.library()
    }

    fn load(&self, model: &ModelFile, memory: u64) -> Result<Box<dyn Session>, InferenceError> {
        Ok(Box::new(CountingSession {
            inner: self.inner.load(model, memory)?,
            batches: self.batches.clone(),
        }))
    }
}

struct CountingSession {
    inner: Box<dyn Session>,
    batches: Batches,
}

impl Session for CountingSession {
    fn inputs(&self) -> &[Port] {
        self.inner.inputs()
    }

    fn outputs(&self) -> &[Port] {
        self.inner.outputs()
    }

    fn run(
        &mut self,
        inputs: &[&Tensor],
        budget: &Budget,
        deadline: Option<Instant>,
    ) -> Result<Vec<Tensor>, InferenceError> {
        self.batches.lock().unwrap().push(inputs[0].shape()[0]);
        self.inner.run(inputs, budget, deadline)
    }
}

/// The encoder of the demonstration, as `make plugins` packed it.
fn encoder(setup: &Setup) -> Plugin {
    let compiler = Path::new(env!("CARGO_BIN_EXE_compile"));
    let runtime = Runtime::new(RuntimeOptions {
        cache: Some(compiler.with_file_name("batch-cache")),
        compiler: Compiler {
            program: compiler.into(),
            arguments: Vec::new(),
        },
    })
    .unwrap();
    let file = setup.file("plugins/encoder-mobilefacenet.wasm");
    let file =
        PluginFile::read(&file).unwrap_or_else(|error| panic!("run `make plugins`: {error}"));
    let path = setup.file("models/mobilefacenet.onnx");
    let model = ModelFile::read(&path).unwrap();
    let terms = Terms {
        role: Role::Encoder,
        grants: [Capability::Frames, Capability::Inference].into(),
        limits: Limits::default(),
        config: "{}".into(),
        models: BTreeMap::from([("mobilefacenet".to_owned(), (path, model))]),
    };
    runtime
        .accept(&TrustedFile::unsigned(file), terms)
        .unwrap_or_else(|error| panic!("{error}"))
}

/// Six places of a frame, each as a face with its landmarks: no two show the same.
fn faces(frame: &Frame) -> Vec<Face> {
    let side = frame.width().min(frame.height()) as f32 / 2.0;
    (0..6)
        .map(|index| {
            let at = |part: f32| part * side;
            let (x, y) = (at(0.15 * index as f32), at(0.1 * index as f32));
            let point = |across: f32, down: f32| Point {
                x: x + at(across),
                y: y + at(down),
            };
            Face {
                bounds: Rect {
                    x,
                    y,
                    width: side,
                    height: side,
                },
                confidence: 0.9,
                landmarks: Some(Landmarks {
                    left_eye: point(0.34, 0.4),
                    right_eye: point(0.66, 0.4),
                    nose: point(0.5, 0.6),
                    left_mouth: point(0.37, 0.8),
                    right_mouth: point(0.63, 0.8),
                }),
            }
        })
        .collect()
}

fn cosine(one: &[f32], other: &[f32]) -> f64 {
    let product = |a: &[f32], b: &[f32]| -> f64 {
        a.iter()
            .zip(b)
            .map(|(a, b)| f64::from(*a) * f64::from(*b))
            .sum()
    };
    product(one, other) / (product(one, one) * product(other, other)).sqrt()
}

#[test]
fn the_faces_of_a_frame_are_encoded_in_one_inference_and_each_as_if_it_were_alone() {
    let setup = Setup::above(env!("CARGO_MANIFEST_DIR")).unwrap();
    let library = std::env::var_os("OVERT_ONNXRUNTIME").map_or_else(
        || setup.file("onnxruntime/libonnxruntime.so"),
        PathBuf::from,
    );
    let backend = Counting {
        inner: OnnxRuntime::open(&library, Device::Cpu).unwrap(),
        batches: Batches::default(),
    };
    let encoder = encoder(&setup);
    let mut sessions = encoder.sessions(&backend).unwrap();
    let frame = setup.photograph("person-a-1.jpg").unwrap();
    let faces = faces(&frame);
    let dimension = encoder.encoder().unwrap().dimension as usize;

    let together = encoder.encode(&frame, &faces, &mut sessions).unwrap();
    assert_eq!(*backend.batches.lock().unwrap(), [6]);
    let rows: Vec<&[f32]> = together
        .as_f32s()
        .unwrap()
        .chunks_exact(dimension)
        .collect();
    assert_eq!(rows.len(), 6);
    for (index, (face, row)) in faces.iter().zip(&rows).enumerate() {
        let alone = encoder.encode(&frame, &[*face], &mut sessions).unwrap();
        let likeness = cosine(row, alone.as_f32s().unwrap());
        assert!(likeness >= 0.9999, "face {index}: {likeness}");
        let next = cosine(row, rows[(index + 1) % 6]);
        assert!(next < 0.999, "faces {index} and the next are one: {next}");
    }
    assert_eq!(*backend.batches.lock().unwrap(), [6, 1, 1, 1, 1, 1, 1]);
}
