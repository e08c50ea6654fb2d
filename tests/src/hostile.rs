//! The hostile plugins, accepted and called: frame 0, a track's last observation and alerts of an even number are answered well, everything else as
//! the behaviour says.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use overt_runtime::Terms;
use overt_runtime::compiler::Compiler;
use overt_runtime::decision::{Alert, Decision, Observation, Offer, Route, Urgency};
use overt_runtime::{
    CallError, Capability, Limits, Plugin, PluginFile, Role, Runtime, RuntimeOptions, Sessions,
    TrustedFile,
};
use overt_sdk::native::Setup;
use overt_vision::{
    Device, Face, Frame, FrameInfo, ModelError, ModelFile, OnnxRuntime, Rect, Tensor,
};

use crate::model;

/// A hostile plugin in one of its roles, with models loaded.
pub struct Hostile {
    plugin: Plugin,
    sessions: Sessions,
}

/// What set-up has put in place.
pub fn setup() -> Setup {
    Setup::above(env!("CARGO_MANIFEST_DIR")).unwrap()
}

fn runtime(compiler: &str) -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        let options = RuntimeOptions {
            // Beside the compiler, in the build folder.
            cache: Some(Path::new(compiler).with_file_name("hostile-cache")),
            compiler: Compiler {
                program: compiler.into(),
                arguments: Vec::new(),
            },
        };
        Runtime::new(options).unwrap()
    })
}

/// ONNX Runtime, where set-up puts it.
pub fn backend() -> OnnxRuntime {
    let library = std::env::var_os("OVERT_ONNXRUNTIME").map_or_else(
        || setup().file("onnxruntime/libonnxruntime.so"),
        PathBuf::from,
    );
    OnnxRuntime::open(&library, Device::Cpu).unwrap()
}

/// The packed plugin, which must be of the manifest that lies beside its source.
pub fn packed(name: &str) -> TrustedFile {
    let path = setup().file(&format!("hostile/{name}.wasm"));
    let file = PluginFile::read(&path)
        .map(TrustedFile::unsigned)
        .unwrap_or_else(|error| panic!("run `scripts/build-plugins hostile`: {error}"));
    let source = format!("{}/hostile/{name}/plugin.toml", env!("CARGO_MANIFEST_DIR"));
    let manifest = std::fs::read_to_string(source).unwrap();
    assert_eq!(
        file.manifest_text(),
        manifest,
        "{} is of another time: run `scripts/build-plugins hostile`",
        path.display()
    );
    file
}

/// Reads these bytes as a model file, and says where they lay.
pub fn model_file(bytes: &[u8]) -> Result<(PathBuf, ModelFile), ModelError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx");
    std::fs::write(&path, bytes).unwrap();
    let model = ModelFile::read(&path)?;
    Ok((path, model))
}

impl Hostile {
    /// Accepts the hostile plugin that has this role. `compiler` is the path of the child that compiles, `env!("CARGO_BIN_EXE_compile")`.
    pub fn accept(compiler: &str, role: Role, behaviour: &str, limits: Limits) -> Hostile {
        let perceives = matches!(role, Role::Detector | Role::Encoder | Role::Quality);
        let (name, models) = if perceives {
            // Those that its manifest names.
            let models = BTreeMap::from([
                ("endless".to_owned(), model_file(&model::endless()).unwrap()),
                ("wide".to_owned(), model_file(&model::wide()).unwrap()),
            ]);
            ("hostile-perception", models)
        } else {
            ("hostile-decision", BTreeMap::new())
        };
        let terms = Terms {
            role,
            grants: Capability::ALL.into(),
            limits,
            config: format!("{{\"behaviour\": \"{behaviour}\"}}"),
            models,
        };
        let plugin = runtime(compiler)
            .accept(&packed(name), terms)
            .unwrap_or_else(|error| panic!("{error}"));
        let sessions = plugin.sessions(&backend()).unwrap();
        Hostile { plugin, sessions }
    }

    /// The faces of the camera's frame of this number.
    pub fn detect(&mut self, sequence: u32) -> Result<Vec<Face>, CallError> {
        self.plugin.detect(&frame(sequence), &mut self.sessions)
    }

    /// Templates of so many faces.
    pub fn encode(&mut self, sequence: u32, faces: usize) -> Result<Tensor, CallError> {
        let faces = vec![face(); faces];
        self.plugin
            .encode(&frame(sequence), &faces, &mut self.sessions)
    }

    /// Quality components of so many faces.
    pub fn assess(
        &mut self,
        sequence: u32,
        faces: usize,
    ) -> Result<Vec<Vec<(String, f32)>>, CallError> {
        let faces = vec![face(); faces];
        self.plugin
            .assess(&frame(sequence), &faces, &mut self.sessions)
    }

    /// What to do about a track with two offers.
    pub fn decide(&self, ended: bool) -> Result<Decision, CallError> {
        let offer = Offer {
            category: "wanted-on-warrant".into(),
            image_quality: Some(80.0),
        };
        self.plugin.decide(&Observation {
            track: 1,
            camera: "gate".into(),
            time: 1.0,
            ended,
            offered: vec![offer.clone(), offer],
            probes: Vec::new(),
            raised: Vec::new(),
        })
    }

    /// The desks for the alert of this number.
    pub fn route(&self, number: u32) -> Result<Vec<Route>, CallError> {
        self.plugin.for_review(&Alert {
            number,
            camera: "gate".into(),
            track: 1,
            time: 1.0,
            category: "wanted-on-warrant".into(),
            urgency: Urgency::Normal,
            score: 0.7,
        })
    }
}

/// A grey frame of 640 × 480 pixels.
fn frame(sequence: u32) -> Arc<Frame> {
    let info = FrameInfo {
        camera: "gate".into(),
        sequence,
        captured_at: f64::from(sequence) / 25.0,
    };
    Arc::new(Frame::from_bgr(info, 640, 480, &[128; 640 * 480 * 3]).unwrap())
}

fn face() -> Face {
    Face {
        bounds: Rect {
            x: 10.0,
            y: 10.0,
            width: 20.0,
            height: 20.0,
        },
        confidence: 0.9,
        landmarks: None,
    }
}
