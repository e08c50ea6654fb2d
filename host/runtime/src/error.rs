//! What can go wrong with a plugin: before it is accepted ([`PluginError`]), and in a call ([`CallError`]).

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use crate::answer::AnswerFault;
use crate::manifest::ManifestError;
use crate::self_test::SelfTestFailure;
use crate::trial::TrialFault;
use crate::trust::Verdict;
use overt_contract::{Capability, Role};
use overt_vision::OverMemory;

/// Why a plugin file is not accepted. Each names the file and the fact; [`PluginError::mend`] says what to do.
#[derive(Debug, thiserror::Error)]
pub enum PluginError {
    /// The file cannot be read.
    #[error("{}: cannot be read: {cause}", path.display())]
    Read {
        /// The plugin file.
        path: PathBuf,
        /// The operating system's words.
        cause: std::io::Error,
    },
    /// The file cannot be written.
    #[error("{}: cannot be written: {cause}", path.display())]
    Write {
        /// The file to be written.
        path: PathBuf,
        /// The operating system's words.
        cause: std::io::Error,
    },
    /// Larger than [`limits::PLUGIN_BYTES`].
    #[error("{}: has {bytes} bytes; at most {limit} are read", path.display())]
    TooLarge {
        /// The plugin file, or its manifest.
        path: PathBuf,
        /// Bytes found; of a file without end, those that were read.
        bytes: u64,
        /// The most.
        limit: u64,
    },
    /// Not WebAssembly.
    #[error("{}: is no WebAssembly: expected the bytes 00 61 73 6d first, found {found}", path.display())]
    NotWasm {
        /// The plugin file.
        path: PathBuf,
        /// The first bytes, in hexadecimal.
        found: String,
    },
    /// A core module where a component is needed.
    #[error("{}: is a core module, not a component", path.display())]
    CoreModule {
        /// The plugin file.
        path: PathBuf,
    },
    /// WebAssembly that does not validate.
    #[error("{}: is not valid: {cause} (at byte {offset})", path.display())]
    Malformed {
        /// The plugin file.
        path: PathBuf,
        /// Where.
        offset: u64,
        /// What the validator says.
        cause: String,
    },
    /// Packing failed.
    #[error("{}: cannot be made a component: {cause}", path.display())]
    NotComponentizable {
        /// The core module.
        path: PathBuf,
        /// What the encoder says.
        cause: String,
    },
    /// No manifest, or several.
    #[error("{}: expected one section `{}`, found {count}", path.display(), crate::manifest::SECTION)]
    ManifestCount {
        /// The plugin file.
        path: PathBuf,
        /// Sections found.
        count: usize,
    },
    /// The manifest cannot be used.
    #[error("{}: the manifest cannot be used: {cause}", path.display())]
    Manifest {
        /// The plugin or manifest file.
        path: PathBuf,
        /// What is wrong.
        cause: ManifestError,
    },
    /// The file is not the one that the deployment pins.
    #[error("{}: expected SHA-256 {expected}, found {found}", path.display())]
    Digest {
        /// The plugin file.
        path: PathBuf,
        /// The deployment's pin.
        expected: String,
        /// The file's digest.
        found: String,
    },
    /// The file's signatures cannot be read or made.
    #[error("{}: its signatures cannot be used: {cause}", path.display())]
    Signature {
        /// The plugin file.
        path: PathBuf,
        /// What is wrong.
        cause: String,
    },
    /// The file is not what its signatures are of.
    #[error("{}: was changed after it was signed", path.display())]
    ChangedSinceSigned {
        /// The plugin file.
        path: PathBuf,
    },
    /// The key has signed the file already.
    #[error("{}: is signed by the key {fingerprint} already", path.display())]
    SignedAlready {
        /// The plugin file.
        path: PathBuf,
        /// The key's fingerprint.
        fingerprint: String,
    },
    /// The deployment's rule over signatures is not met.
    #[error("{}: is not trusted: {verdict}", path.display())]
    NotTrusted {
        /// The plugin file.
        path: PathBuf,
        /// What is missing, and what there is.
        verdict: Box<Verdict>,
    },
    /// The component imports something that no capability of the contract gives.
    #[error("{}: imports `{import}`, which no capability gives", path.display())]
    UnknownImport {
        /// The plugin file.
        path: PathBuf,
        /// The import's name.
        import: String,
    },
    /// The component imports something that its manifest does not declare.
    #[error("{}: imports `{import}`, but its manifest does not declare the capability {capability}", path.display())]
    NotDeclared {
        /// The plugin file.
        path: PathBuf,
        /// The import's name.
        import: String,
        /// The capability that gives it.
        capability: Capability,
    },
    /// The deployment does not grant what the plugin declares.
    #[error("{}: declares the capability {capability}, which the deployment does not grant", path.display())]
    NotGranted {
        /// The plugin file.
        path: PathBuf,
        /// The capability.
        capability: Capability,
    },
    /// A perception plugin declares `log`, which its vendor's tests alone give to it.
    #[error("{}: declares the capability log, which a plugin of the role {role} has only while its vendor tests it: text could carry a template to disk", path.display())]
    LogInTestsOnly {
        /// The plugin file.
        path: PathBuf,
        /// The role that perceives.
        role: Role,
    },
    /// A declared role is not exported.
    #[error("{}: declares the role {role}, but exports no `{}`", path.display(), crate::agreement::interface_of(*role))]
    RoleMissing {
        /// The plugin file.
        path: PathBuf,
        /// The role.
        role: Role,
    },
    /// An exported role is not declared.
    #[error("{}: exports `{export}`, which its manifest does not declare", path.display())]
    ExportNotDeclared {
        /// The plugin file.
        path: PathBuf,
        /// The export's name.
        export: String,
    },
    /// A role is exported in two versions of the contract: which one runs would be the host's version to decide, and who measured the other measured nothing.
    #[error("{}: exports the role {role} more than once", path.display())]
    RoleTwice {
        /// The plugin file.
        path: PathBuf,
        /// The role.
        role: Role,
    },
    /// A perception and a decision role in one component.
    #[error("{}: combines {perception} and {decision}: what sees pixels must not decide", path.display())]
    RoleCombination {
        /// The plugin file.
        path: PathBuf,
        /// The perception role.
        perception: Role,
        /// The decision role.
        decision: Role,
    },
    /// The deployment wants another role than the plugin has.
    #[error("{}: the deployment uses it as {wanted}, but it has the roles {}", path.display(), roles.iter().map(|role| role.name()).collect::<Vec<_>>().join(", "))]
    WrongRole {
        /// The plugin file.
        path: PathBuf,
        /// What the deployment wants.
        wanted: Role,
        /// What the plugin has.
        roles: Vec<Role>,
    },
    /// The deployment names no file for a model of the manifest.
    #[error("{}: needs the model `{model}`, for which the deployment names no file", path.display())]
    ModelNotGiven {
        /// The plugin file.
        path: PathBuf,
        /// The model's name in the manifest.
        model: String,
    },
    /// The deployment names a file for a model that the manifest does not have.
    #[error("{}: has no model `{model}`, for which the deployment names a file", path.display())]
    ModelNotDeclared {
        /// The plugin file.
        path: PathBuf,
        /// The model's name in the deployment.
        model: String,
    },
    /// A model file is not the one that the manifest pins.
    #[error("{}: the model `{model}` is pinned to SHA-256 {expected}, but {} has {found}", path.display(), file.display())]
    ModelDigest {
        /// The plugin file.
        path: PathBuf,
        /// The model's name.
        model: String,
        /// The model's file.
        file: PathBuf,
        /// The manifest's pin.
        expected: String,
        /// The file's digest.
        found: String,
    },
    /// A model cannot be loaded on this machine, or takes more than it may.
    #[error("{}: the model `{model}` {fault}", path.display())]
    ModelTrial {
        /// The plugin file.
        path: PathBuf,
        /// The model's name in the manifest.
        model: String,
        /// What came of loading it.
        fault: TrialFault,
    },
    /// The component does not compile.
    #[error("{}: does not compile: {cause}", path.display())]
    Compile {
        /// The plugin file.
        path: PathBuf,
        /// What the compiler says.
        cause: String,
    },
    /// The compiler used more than it may.
    #[error("{}: compiling was ended after it used more than {limit}", path.display())]
    CompileLimit {
        /// The plugin file.
        path: PathBuf,
        /// The limit that was hit.
        limit: &'static str,
    },
    /// Reading the file took more than it may.
    #[error("{}: reading it was ended: it wants more than {limit}", path.display())]
    ReadLimit {
        /// The plugin file.
        path: PathBuf,
        /// The limit that was hit.
        limit: &'static str,
    },
    /// The component cannot be instantiated, or a role has not the contract's types.
    #[error("{}: {plugin} is not of the contract {}: {cause}", path.display(), crate::CONTRACT)]
    Contract {
        /// The plugin file.
        path: PathBuf,
        /// Its id and version.
        plugin: String,
        /// What does not fit.
        cause: String,
    },
    /// It answers otherwise than its vendor saw it answer.
    #[error("{}: its self-test fails on this machine: {}", path.display(), failures.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    SelfTest {
        /// The plugin file.
        path: PathBuf,
        /// What was answered otherwise.
        failures: Vec<SelfTestFailure>,
    },
    /// The host cannot run any plugin.
    #[error("the plugin runtime cannot start: {cause}")]
    Engine {
        /// What failed.
        cause: String,
    },
}

impl PluginError {
    /// What the reader can do about it.
    pub fn mend(&self) -> String {
        match self {
            PluginError::Read { .. } => "check the path, and that the file may be read".into(),
            PluginError::Write { .. } => "check that the folder exists and may be written, and that the disk is not full".into(),
            PluginError::TooLarge { .. } => "check that it is the plugin's file; models are files of their own, pinned by the manifest".into(),
            PluginError::NotWasm { .. } => "give the file that `overt plugin pack` made; to pack, a module or component of WebAssembly".into(),
            PluginError::CoreModule { .. } => "make a plugin of it: `overt plugin pack plugin.toml MODULE.wasm -o PLUGIN.wasm`".into(),
            PluginError::Malformed { .. } => "build the component again; if it persists, the vendor's toolchain is at fault".into(),
            PluginError::NotComponentizable { .. } => "build the module against the SDK of contract 0.1, without a WASI import".into(),
            PluginError::ManifestCount { count: 0, .. } => "pack it with its manifest: `overt plugin pack plugin.toml COMPONENT.wasm -o PLUGIN.wasm`".into(),
            PluginError::ManifestCount { .. } => "pack the plugin again from the component without a manifest; several are never accepted".into(),
            PluginError::Manifest { .. } => "mend plugin.toml and pack the plugin again".into(),
            PluginError::Digest { .. } => "if the new file is wanted, pin its digest in the deployment file; if not, restore the old file".into(),
            PluginError::Signature { .. } => "get the file again from whoever signed it, or pack and sign it anew".into(),
            PluginError::ChangedSinceSigned { .. } => "get the file again from whoever signed it; if the change is yours, pack it again and have it signed again".into(),
            PluginError::SignedAlready { .. } => "nothing is to be done; `overt plugin verify` lists the signatures".into(),
            PluginError::NotTrusted { .. } => "have it signed (`overt plugin sign`), or name the key under [trust] in the deployment file if the force trusts it".into(),
            PluginError::UnknownImport { import, .. } if import.starts_with("wasi:") => {
                "no plugin is given WASI; build for wasm32-unknown-unknown, or stub WASI when componentizing".into()
            }
            PluginError::UnknownImport { .. } => "build the plugin against the contract overt:algorithm 0.1 and nothing else".into(),
            PluginError::NotDeclared { capability, .. } => format!("declare `{capability} = true` under [capabilities] in plugin.toml, or do without the import"),
            PluginError::NotGranted { capability, .. } => format!("if the force agrees, add \"{capability}\" to the plugin's `grants` in the deployment file"),
            PluginError::LogInTestsOnly { .. } => "take `log = true` out of plugin.toml and the lines out of the code, then build and pack it again".into(),
            PluginError::RoleMissing { .. } => "export the role, or take it out of `roles` in plugin.toml".into(),
            PluginError::ExportNotDeclared { .. } => "add the role to `roles` in plugin.toml, or do not export it".into(),
            PluginError::RoleTwice { .. } => "export each role for one version of the contract".into(),
            PluginError::RoleCombination { .. } => "make two plugins of it".into(),
            PluginError::WrongRole { .. } => "name a plugin of that role in the deployment file".into(),
            PluginError::ModelNotGiven { model, .. } => format!("add `{model} = \"…\"` to the plugin's `models` in the deployment file"),
            PluginError::ModelNotDeclared { .. } => "take the model out of the plugin's `models` in the deployment file".into(),
            PluginError::ModelDigest { .. } => "fetch the model again (`overt models fetch`), or use the plugin's release for this model".into(),
            PluginError::ModelTrial { fault, .. } => fault.mend().into(),
            PluginError::Compile { .. } | PluginError::Contract { .. } => "build the plugin again against the contract overt:algorithm 0.1".into(),
            PluginError::CompileLimit { .. } => "ask the vendor for a smaller component; functions of extreme size take extreme time to compile".into(),
            PluginError::SelfTest { .. } => "do not use it here: ask its vendor, and say which back end, precision and device this machine runs".into(),
            PluginError::ReadLimit { .. } => "ask the vendor for a component that is built in an ordinary way; no toolchain needs as much".into(),
            PluginError::Engine { .. } => "run `overt doctor`".into(),
        }
    }
}

/// A call that gave no usable answer. The next call is not touched by it.
#[derive(Clone, Debug)]
pub struct CallError {
    /// The plugin's id.
    pub plugin: Arc<str>,
    /// The plugin's version.
    pub version: Arc<str>,
    /// The role in which it was called.
    pub role: Role,
    /// The camera that the call was about.
    pub camera: Option<Arc<str>>,
    /// The frame's sequence number on that camera.
    pub frame: Option<u32>,
    /// What happened.
    pub cause: CallCause,
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} as {}", self.plugin, self.version, self.role)?;
        if let Some(camera) = &self.camera {
            write!(f, ", camera {camera}")?;
        }
        if let Some(frame) = self.frame {
            write!(f, ", frame {frame}")?;
        }
        write!(f, ": {}", self.cause)
    }
}

impl std::error::Error for CallError {}

/// What happened in a call.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CallCause {
    /// The guest trapped: a panic, a division by zero, an access outside its memory.
    #[error("trapped: {0}")]
    Trap(String),
    /// The guest's stack is used up; it recursed without end.
    #[error("used up its stack")]
    StackOverflow,
    /// The guest's CPU time is over.
    #[error("ran for {used_ms} ms of CPU time; its deadline is {limit_ms} ms")]
    Overrun {
        /// CPU milliseconds used when it was ended.
        used_ms: u64,
        /// [`crate::Limits::deadline`].
        limit_ms: u64,
    },
    /// The guest made the host work for longer than [`crate::Limits::host_time`].
    #[error("made the host work for {used_ms} ms; it may for {limit_ms} ms")]
    HostTime {
        /// CPU milliseconds of host calls when it was ended.
        used_ms: u64,
        /// [`crate::Limits::host_time`].
        limit_ms: u64,
    },
    /// The guest's fuel is used up.
    #[error("used up its {fuel} units of fuel")]
    OutOfFuel {
        /// [`crate::Limits::fuel`].
        fuel: u64,
    },
    /// Memory or tables over [`crate::Limits::memory`].
    #[error("wanted {wanted} bytes of memory; it may have {limit}")]
    Memory {
        /// Bytes in all, had it been granted.
        wanted: u64,
        /// The limit.
        limit: u64,
    },
    /// Too many handles or resources.
    #[error("held more than {limit} handles")]
    Handles {
        /// The limit.
        limit: usize,
    },
    /// More bytes in one crossing than [`limits::HOSTCALL_BYTES`].
    #[error("handed over more than {limit} bytes at once")]
    Payload {
        /// The limit.
        limit: usize,
    },
    /// The models took longer than [`crate::Limits::inference_deadline`].
    #[error("its models ran past {limit_ms} ms")]
    InferenceDeadline {
        /// The limit in milliseconds.
        limit_ms: u64,
    },
    /// A model wanted more than [`crate::Limits::model_memory`].
    #[error(transparent)]
    ModelMemory(#[from] OverMemory),
    /// The plugin said that it cannot answer.
    #[error("answered with the error {code}{}", if message.is_empty() { String::new() } else { format!(": {message}") })]
    Refused {
        /// The error's name in the contract.
        code: &'static str,
        /// The message of a decision plugin; printable ASCII, bounded.
        message: String,
    },
    /// The answer breaks the contract.
    #[error("gave an answer that cannot be: {0}")]
    Answer(AnswerFault),
    /// Not the plugin's fault: the host or the machine failed.
    #[error("the host failed: {0}")]
    Host(String),
}

impl CallCause {
    /// The cause's short name, for counting: the key of `plugin_errors` in a run's summary.
    pub fn name(&self) -> &'static str {
        match self {
            CallCause::Trap(_) => "trap",
            CallCause::StackOverflow => "stack-overflow",
            CallCause::Overrun { .. } => "overrun",
            CallCause::HostTime { .. } => "host-time",
            CallCause::OutOfFuel { .. } => "out-of-fuel",
            CallCause::Memory { .. } => "memory",
            CallCause::Handles { .. } => "handles",
            CallCause::Payload { .. } => "payload",
            CallCause::InferenceDeadline { .. } => "inference-deadline",
            CallCause::ModelMemory(_) => "model-memory",
            CallCause::Refused { .. } => "refused",
            CallCause::Answer(_) => "answer",
            CallCause::Host(_) => "host",
        }
    }
}
