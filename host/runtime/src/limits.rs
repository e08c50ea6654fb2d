//! What one call may use. Every number is enforced, and each has a hostile plugin that hits it under `tests/`.

use std::time::Duration;

/// What one call may use.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// Bytes of all linear memories and tables of the call together.
    pub memory: u64,
    /// Perception: CPU time of the guest, host calls excluded, so that a busy machine strikes no innocent.
    pub deadline: Duration,
    /// Perception: CPU time of the host calls that [`Limits::deadline`] excludes (tensors of frames, alignments, peaks, pixels), all of a
    /// call together. Without it a guest that asks for the same peaks for ever would never be over its deadline.
    pub host_time: Duration,
    /// Perception: wall-clock time that the models of one call may take together; ONNX Runtime is told to stop when it is over.
    pub inference_deadline: Duration,
    /// Perception: bytes that each of its models may take in the host, in each worker: its weights and what its runs work with.
    pub model_memory: u64,
    /// Decision: wasmtime fuel of the guest's own operators; and once more as much for its calls to the host, of which each takes
    /// [`HOST_CALL_FUEL`] and one for each byte that it carries.
    pub fuel: u64,
    /// Bytes of tensors that the host makes for the call.
    pub tensors: u64,
    /// The most faces in a detector's answer.
    pub faces: u32,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            memory: 64 << 20,
            deadline: Duration::from_millis(500),
            host_time: Duration::from_secs(2),
            inference_deadline: Duration::from_secs(10),
            model_memory: overt_vision::MODEL_MEMORY,
            fuel: 10_000_000,
            tensors: 256 << 20,
            faces: 256,
        }
    }
}

/// The ceiling of [`Limits::memory`]: the size of the pooling allocator's slots.
pub const MOST_MEMORY: u64 = 512 << 20;

/// Bytes that one call between guest and host may carry towards the host, 1 MiB.
pub const HOSTCALL_BYTES: usize = 1 << 20;

/// Fuel that a host call of a decision plugin takes, over and above one for each byte that it carries: about what it costs the host. With the
/// guest's own operators alone counted, one that calls the host in a loop would run until the backstop, which blames the host.
pub const HOST_CALL_FUEL: u64 = 100;

/// Handles in the tables of a component instance.
pub const COMPONENT_HANDLES: usize = 4096;

/// Tensors, models and frames that a call may hold at one time.
pub const RESOURCES: usize = 256;

/// Elements of a WebAssembly table; each is charged as eight bytes to [`Limits::memory`].
pub const TABLE_ELEMENTS: usize = 100_000;

/// Values of one answer of `read` of a tensor; four times as many bytes of `read-bytes`: 4 MiB. Of `gather` too, whose indices reach
/// [`HOSTCALL_BYTES`] first.
pub const READ_VALUES: u32 = 1 << 20;

/// Bytes of one answer of `pixels.region`, 4 MiB.
pub const PIXEL_BYTES: u64 = 4 << 20;

/// Positions that `peaks` returns at most.
pub const PEAKS: u32 = 65_536;

/// Faces of one `aligned` call.
pub const ALIGNED: usize = 256;

/// Faces of one `encode` or `assess` call.
pub const ENCODED: usize = 64;

/// Bytes of a reason or an error's message.
pub const TEXT: usize = 256;

/// Lines that a call may log; the rest is dropped and counted.
pub const LOG_LINES: u32 = 64;

/// Quality components of a face.
pub const COMPONENTS: usize = 32;

/// Routes of an alert.
pub const ROUTES: usize = 16;

/// Wall-clock time after which a decision plugin is ended although it has fuel left. Fuel ends every guest; if this strikes, the host or
/// the machine is at fault, and the error says so.
pub const DECISION_BACKSTOP: Duration = Duration::from_secs(5);

/// CPU time that a decision plugin may use whatever its fuel: for being instantiated.
pub const DECISION_GRACE: Duration = Duration::from_millis(500);

/// Fuel that work of a millisecond takes at the least. Operators take some hundred thousand.
pub const FUEL_PER_MILLISECOND: u64 = 10_000;

/// CPU time that a decision plugin cannot need for its fuel and its calls to the host. A plugin made of several components can have the engine
/// copy texts between them, which takes time and no fuel; one that lives on that is ended here, and does not run on until
/// [`DECISION_BACKSTOP`], which blames the host.
pub fn decision_time(fuel: u64) -> Duration {
    DECISION_GRACE + Duration::from_millis(fuel.saturating_mul(2) / FUEL_PER_MILLISECOND)
}

/// The largest plugin file, 64 MiB.
pub const PLUGIN_BYTES: u64 = 64 << 20;

/// CPU time for validating a component. Honest ones of the largest size take a second.
pub const VALIDATE_CPU: Duration = Duration::from_secs(5);

/// Bytes of all sections that describe components (types, imports, exports, instances), wherever they stand; those of this repository have some three thousand.
pub const COMPONENT_BYTES: usize = 128 << 10;

/// Components and modules within each other. What packing makes has two.
pub const COMPONENT_DEPTH: usize = 32;

/// Targets of one branch table. An interpreter's largest has some hundreds.
pub const BRANCH_TARGETS: u32 = 10_000;

/// Bytes of all names that a plugin imports or exports, those of functions too.
pub const NAME_BYTES: usize = 128 << 10;

/// CPU time that the compiling child process may use.
pub const COMPILE_CPU: Duration = Duration::from_secs(120);

/// Address space that the compiling child process may use, 4 GiB.
pub const COMPILE_MEMORY: u64 = 4 << 30;

/// CPU time that the child process may use in which a model is loaded for the first time. CenterFace takes under one second.
pub const TRIAL_CPU: Duration = Duration::from_secs(60);

/// Time for the run of the trial. A model that needs more is not refused for it: what ends its calls is [`Limits::inference_deadline`].
pub const TRIAL_RUN: Duration = Duration::from_secs(2);

/// How long that child may take, whatever it does: one that waits for itself takes no CPU time.
pub const TRIAL_TIME: Duration = Duration::from_secs(600);

/// Writable memory that the child may have beside [`Limits::model_memory`] and what holds the file: for the library itself and its threads' stacks.
pub const TRIAL_MEMORY: u64 = 1 << 30;

/// The largest compiled plugin, 256 MiB.
pub const COMPILED_BYTES: u64 = 256 << 20;
