//! What the runtime's tests share: plugin files made of WAT and the contract, and a runtime with the real compiler child. Knows no claim.

#![allow(clippy::unwrap_used, clippy::expect_used, dead_code)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use overt_runtime::Terms;
use overt_runtime::compiler::Compiler;
use overt_runtime::decision::Observation;
use overt_runtime::manifest::SECTION;
use overt_runtime::{
    Capability, Limits, Plugin, PluginError, PluginFile, Role, Runtime, RuntimeOptions, TrustedFile,
};
use overt_vision::{
    Backend, BackendIdentity, Budget, Device, Frame, FrameInfo, InferenceError, ModelFile, Port,
    Precision, Session, Tensor,
};
use wasm_encoder::{
    ComponentBuilder, ComponentExportKind, ComponentSection, CustomSection, Encode,
};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// The compiler child of this crate.
pub(crate) fn compiler() -> Compiler {
    Compiler {
        program: env!("CARGO_BIN_EXE_overt-compile").into(),
        arguments: Vec::new(),
    }
}

/// One runtime for all tests of a file, without a cache.
pub(crate) fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        Runtime::new(RuntimeOptions {
            compiler: compiler(),
            cache: None,
        })
        .unwrap()
    })
}

/// A manifest of this role with this text after its obligatory tables.
pub(crate) fn manifest(role: Role, more: &str) -> String {
    let encoder = match role {
        Role::Encoder => {
            "[encoder]\ndimension = 8\nmetric = \"cosine\"\nscore-range = [-1.0, 1.0]\n"
        }
        _ => "",
    };
    format!(
        r#"
[plugin]
id = "test-plugin"
version = "1.2.3"
vendor = "Example"
roles = ["{role}"]
description = "For a test."
licence = "MIT"
[contract]
version = "0.1"
{encoder}{more}
"#
    )
}

/// Adds a manifest to a component, as `pack` does, but asks no question.
pub(crate) fn with_manifest(mut component: Vec<u8>, manifest: &str) -> Vec<u8> {
    let section = CustomSection {
        name: SECTION.into(),
        data: manifest.as_bytes().into(),
    };
    component.push(ComponentSection::id(&section));
    section.encode(&mut component);
    component
}

/// The folder of the contract's first version, which is never edited again: what these tests build is a plugin of that time.
pub(crate) fn contract() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit/frozen/0.1.0")
}

/// A core module of WAT that carries the component type of a world of the contract, as a vendor's toolchain leaves it.
pub(crate) fn core_module(world: &str, wat: &str) -> Vec<u8> {
    core_module_of(&contract(), world, wat)
}

fn core_module_of(contract: &Path, world: &str, wat: &str) -> Vec<u8> {
    let mut module = wat::parse_str(wat).unwrap();
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(contract).unwrap();
    let world = resolve.select_world(&[package], Some(world)).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    module
}

/// A component of this world made of a core module of WAT.
pub(crate) fn component(world: &str, wat: &str) -> Vec<u8> {
    component_of(&contract(), world, wat)
}

/// The same of a contract in another folder.
pub(crate) fn component_of(contract: &Path, world: &str, wat: &str) -> Vec<u8> {
    ComponentEncoder::default()
        .validate(true)
        .module(&core_module_of(contract, world, wat))
        .unwrap()
        .encode()
        .unwrap()
}

/// A policy of WAT that imports nothing and answers well, with another component of WAT beside it, which is instantiated first.
pub(crate) fn policy_beside(neighbour: &str) -> Vec<u8> {
    let imports = ["config@0.1.0", "log@0.1.0"];
    let wat: String = policy_wat("(i32.const 0)", "")
        .lines()
        .filter(|line| !imports.iter().any(|import| line.contains(import)))
        .collect();
    let mut outer = ComponentBuilder::default();
    const NOTHING: [(&str, ComponentExportKind, u32); 0] = [];
    let neighbour = outer.component_raw(None, &wat::parse_str(neighbour).unwrap());
    outer.instantiate(None, neighbour, NOTHING);
    let policy = outer.component_raw(None, &component("matcher-policy-plugin", &wat));
    let policy = outer.instantiate(None, policy, NOTHING);
    let (name, instance) = (
        "overt:algorithm/matcher-policy@0.1.0",
        ComponentExportKind::Instance,
    );
    let role = outer.alias_export(policy, name, instance);
    outer.export(name, instance, role, None);
    with_manifest(outer.finish(), &policy_manifest())
}

/// The name that messages give the file.
pub(crate) fn path() -> PathBuf {
    "test-plugin.wasm".into()
}

/// Reads plugin bytes, which nobody has signed.
pub(crate) fn read(bytes: Vec<u8>) -> Result<TrustedFile, PluginError> {
    PluginFile::from_bytes(&path(), bytes).map(TrustedFile::unsigned)
}

/// The error of reading these bytes.
pub(crate) fn refused(bytes: Vec<u8>) -> PluginError {
    read(bytes).expect_err("this file should be refused")
}

/// Terms that grant everything which the role's family may hold.
pub(crate) fn terms(role: Role) -> Terms {
    Terms {
        role,
        grants: Capability::ALL
            .into_iter()
            .filter(|capability| capability.family() == role.family())
            .collect(),
        limits: Limits::default(),
        config: "{}".into(),
        models: BTreeMap::new(),
    }
}

/// The error of accepting these bytes under these terms.
pub(crate) fn not_accepted(bytes: Vec<u8>, terms: Terms) -> PluginError {
    match runtime().accept(&read(bytes).unwrap(), terms) {
        Ok(_) => panic!("this plugin should not be accepted"),
        Err(error) => error,
    }
}

/// A policy of WAT whose `decide` has this body. It has a memory, and at 0 an answer `ignore("")`; the body leaves the answer's address on
/// the stack. `more` stands beside the functions.
pub(crate) fn policy_wat(body: &str, more: &str) -> String {
    format!(
        r#"(module
            (import "overt:algorithm/config@0.1.0" "get" (func $config (param i32)))
            (import "overt:algorithm/log@0.1.0" "write" (func $log (param i32 i32 i32)))
            (memory (export "memory") 1)
            (global $next (mut i32) (i32.const 4096))
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
                (local $at i32)
                (local.set $at
                    (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
                (global.set $next (i32.add (local.get $at) (local.get 3)))
                (local.get $at))
            (func $decide (export "overt:algorithm/matcher-policy@0.1.0#decide")
                (param i32 i32 i32 f64 i32 i32 i32 i32 i32 i32 i32) (result i32)
                {body})
            {more}
        )"#
    )
}

/// The manifest of [`policy_wat`].
pub(crate) fn policy_manifest() -> String {
    manifest(Role::MatcherPolicy, "[capabilities]\nlog = true\n")
}

/// A packed policy of WAT.
pub(crate) fn policy(body: &str, more: &str) -> Vec<u8> {
    with_manifest(
        component("matcher-policy-plugin", &policy_wat(body, more)),
        &policy_manifest(),
    )
}

/// The same, accepted under these terms.
pub(crate) fn accepted_policy(body: &str, more: &str, terms: Terms) -> Plugin {
    runtime()
        .accept(&read(policy(body, more)).unwrap(), terms)
        .unwrap()
}

/// A detector of WAT whose `detect` has this body; as [`policy_wat`].
pub(crate) fn detector_wat(body: &str, more: &str) -> String {
    format!(
        r#"(module
            (import "overt:algorithm/frames@0.1.0" "[resource-drop]frame" (func $give_back (param i32)))
            (memory (export "memory") 1)
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 4096))
            (func $detect (export "overt:algorithm/detector@0.1.0#detect") (param i32) (result i32)
                (call $give_back (local.get 0))
                {body})
            {more}
        )"#
    )
}

/// A packed detector of WAT that does nothing with its frame.
pub(crate) fn detector(body: &str, more: &str) -> Vec<u8> {
    with_manifest(
        component("detector-plugin", &detector_wat(body, more)),
        &manifest(Role::Detector, "[capabilities]\nframes = true\n"),
    )
}

/// An observation of nobody.
pub(crate) fn observation() -> Observation {
    Observation {
        track: 1,
        camera: "gate".into(),
        time: 1.5,
        ended: false,
        offered: Vec::new(),
        probes: Vec::new(),
        raised: Vec::new(),
    }
}

/// A grey frame of 64 × 48 pixels.
pub(crate) fn frame() -> Arc<Frame> {
    let info = FrameInfo {
        camera: "gate".into(),
        sequence: 7,
        captured_at: 0.25,
    };
    Arc::new(Frame::from_bgr(info, 64, 48, &[128; 64 * 48 * 3]).unwrap())
}

/// The smallest ONNX model that is one (IR version 8, opset 17, an empty graph), as protobuf.
pub(crate) fn model_file(folder: &tempfile::TempDir) -> (PathBuf, ModelFile) {
    let path = folder.path().join("model.onnx");
    std::fs::write(&path, [8, 8, 0x3a, 3, 0x12, 1, b'g', 0x42, 2, 0x10, 17]).unwrap();
    let model = ModelFile::read(&path).unwrap();
    (path, model)
}

/// The part of a manifest that declares the model `heat` of this digest.
pub(crate) fn declares_model(sha256: &str) -> String {
    format!(
        "[capabilities]\nframes = true\ninference = true\n[[model]]\nname = \"heat\"\nsha256 = \"{sha256}\"\nformat = \"onnx\"\nlicence = \"MIT\"\ntraining-data = \"not stated\"\n"
    )
}

/// A back end whose every run does this and then fails: what no real one does on demand.
pub(crate) struct Acts {
    act: Arc<dyn Fn() + Send + Sync>,
    identity: BackendIdentity,
}

struct ActingSession(Arc<dyn Fn() + Send + Sync>);

impl Acts {
    pub(crate) fn by(act: impl Fn() + Send + Sync + 'static) -> Acts {
        Acts {
            act: Arc::new(act),
            identity: BackendIdentity {
                name: "acts".to_owned(),
                version: "0".to_owned(),
                precision: Precision::F32,
                device: Device::Cpu.to_string(),
                sha256: "0".repeat(64),
            },
        }
    }
}

impl Backend for Acts {
    fn identity(&self) -> &BackendIdentity {
        &self.identity
    }

    fn device(&self) -> Device {
        Device::Cpu
    }

    fn library(&self) -> &Path {
        Path::new("/nonexistent")
    }

    fn load(&self, _: &ModelFile, _: u64) -> Result<Box<dyn Session>, InferenceError> {
        Ok(Box::new(ActingSession(self.act.clone())))
    }
}

impl Session for ActingSession {
    fn inputs(&self) -> &[Port] {
        &[]
    }

    fn outputs(&self) -> &[Port] {
        &[]
    }

    fn run(
        &mut self,
        _: &[&Tensor],
        _: &Budget,
        _: Option<Instant>,
    ) -> Result<Vec<Tensor>, InferenceError> {
        (self.0)();
        Err(InferenceError::Failed {
            cause: "it always does".into(),
        })
    }
}
