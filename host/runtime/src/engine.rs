//! The two WebAssembly engines and the thread that advances their epochs.
//!
//! Perception and decision plugins have engines of their own, because they are cut off by different measures: a perception plugin by the
//! CPU time that it used, a decision plugin by fuel, which is the same on every machine and so makes a decision replay.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use wasmtime::{Config, Engine, PoolingAllocationConfig};

use crate::cache::Cache;
use crate::compiler::Compiler;
use crate::error::PluginError;
use crate::limits;
use overt_contract::Family;

/// How long an epoch lasts: the grain of the CPU deadline. Two milliseconds cost a guest about 0.05 % and cut a loop off within 0.4 %
/// of the default deadline.
const EPOCH: Duration = Duration::from_millis(2);

/// Calls that may run at the same time on one engine: far more than workers, of which there is one per core. Each costs address space
/// alone.
fn concurrent_calls() -> u32 {
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
    (2 * cores).clamp(64, 1024) as u32
}

/// Of one component. A component made of one module has three core instances (the module, its shims, and what fixes them up), a memory
/// and two tables. The pool has as many for every call at once, or one plugin's appetite would be another plugin's error.
const CORE_INSTANCES: u32 = 16;
const MEMORIES: u32 = 4;
const TABLES: u32 = 8;

/// How a [`Runtime`] is made.
#[derive(Clone, Debug)]
pub struct RuntimeOptions {
    /// What compiles: a child process, so that a component that takes minutes and gigabytes takes them from nobody else.
    pub compiler: Compiler,
    /// Where compiled plugins are kept, under a message authentication code. Absent: nothing is kept.
    pub cache: Option<PathBuf>,
}

/// Runs plugins. Cheap to clone; all clones share the engines.
#[derive(Clone)]
pub struct Runtime {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    perception: Engine,
    decision: Engine,
    pub(crate) compiler: Compiler,
    pub(crate) cache: Option<Cache>,
    ticker: Ticker,
}

impl Runtime {
    /// Starts the engines and the thread that advances their epochs.
    pub fn new(options: RuntimeOptions) -> Result<Runtime, PluginError> {
        let engine = |family| {
            let mut config = config(family);
            config.allocation_strategy(pooling());
            Engine::new(&config).map_err(|error| PluginError::Engine {
                cause: format!("{error:#}"),
            })
        };
        let perception = engine(Family::Perception)?;
        let decision = engine(Family::Decision)?;
        let cache = options
            .cache
            .map(|folder| Cache::open(&folder))
            .transpose()?;
        let ticker = Ticker::start([perception.clone(), decision.clone()]).map_err(|error| {
            PluginError::Engine {
                cause: format!("no thread can be started: {error}"),
            }
        })?;
        Ok(Runtime {
            inner: Arc::new(Inner {
                perception,
                decision,
                compiler: options.compiler,
                cache,
                ticker,
            }),
        })
    }

    /// The engine of perception plugins, for benchmarks of the boundary itself. A store on it has to set its epoch deadline.
    #[doc(hidden)]
    pub fn perception_engine(&self) -> &Engine {
        &self.inner.perception
    }

    pub(crate) fn engine(&self, family: Family) -> &Engine {
        match family {
            Family::Perception => &self.inner.perception,
            Family::Decision => &self.inner.decision,
        }
    }
}

/// What fuel is counted by: SHA-256 of the operators' costs and of what a call to the host takes. Two figures compare only where this and the host's
/// version are the same.
pub fn fuel_table() -> String {
    let operators = wasmtime::OperatorCost::default();
    let host_call = limits::HOST_CALL_FUEL;
    crate::package::sha256(format!("{operators:?} {host_call}").as_bytes())
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.ticker.stop();
    }
}

/// What code generation depends on; the compiling child and the running host must agree on all of it.
pub(crate) fn config(family: Family) -> Config {
    let mut config = Config::new();
    let features = crate::package::features();
    config
        .wasm_component_model(true)
        .wasm_multi_memory(true)
        .wasm_memory64(false)
        .wasm_tail_call(features.tail_call())
        .wasm_extended_const(features.extended_const())
        // The results of relaxed SIMD differ between machines, and a decision must replay on another.
        .wasm_relaxed_simd(false)
        // Without backtraces nobody asks where in the module an instruction came from, or walks through a plugin's frames; and a seventh of a
        // compiled plugin are the tables for it.
        .wasm_backtrace_max_frames(None)
        .generate_address_map(false)
        .native_unwind_info(false)
        .memory_reservation(4 << 30)
        .memory_guard_size(32 << 20)
        .memory_init_cow(true)
        .epoch_interruption(true);
    if family == Family::Decision {
        // The table of operator costs is written out, wasmtime's own default or not, so that a fuel figure in a record keeps its meaning
        // for one version of the host.
        config
            .consume_fuel(true)
            .operator_cost(wasmtime::OperatorCost::default())
            .cranelift_nan_canonicalization(true);
    }
    config
}

fn pooling() -> wasmtime::InstanceAllocationStrategy {
    let calls = concurrent_calls();
    let mut pooling = PoolingAllocationConfig::new();
    pooling
        .total_component_instances(calls)
        .max_core_instances_per_component(CORE_INSTANCES)
        .total_core_instances(calls * CORE_INSTANCES)
        .max_memories_per_component(MEMORIES)
        .max_memories_per_module(MEMORIES)
        .total_memories(calls * MEMORIES)
        .max_memory_size(limits::MOST_MEMORY as usize)
        .max_tables_per_component(TABLES)
        .max_tables_per_module(TABLES)
        .total_tables(calls * TABLES)
        .table_elements(limits::TABLE_ELEMENTS)
        // The memory of a small plugin is wiped by writing it anew, which is cheaper than giving pages back and faulting them in again; above
        // that, pages are given back. `pagemap_scan` would find what was written in memories of any size, but it passes over pages that are
        // swapped out, and those would reach the next call.
        .linear_memory_keep_resident(256 << 10)
        .table_keep_resident(16 << 10);
    wasmtime::InstanceAllocationStrategy::Pooling(pooling)
}

/// Advances the epochs of engines until it is stopped.
struct Ticker {
    stopped: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Ticker {
    fn start(engines: [Engine; 2]) -> std::io::Result<Ticker> {
        let stopped = Arc::new(AtomicBool::new(false));
        let seen = stopped.clone();
        let thread = std::thread::Builder::new()
            .name("overt-epochs".into())
            .spawn(move || {
                while !seen.load(Ordering::Relaxed) {
                    std::thread::sleep(EPOCH);
                    for engine in &engines {
                        engine.increment_epoch();
                    }
                }
            })?;
        Ok(Ticker {
            stopped,
            thread: Some(thread),
        })
    }

    fn stop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // The thread's body cannot panic; a failed join would mean nothing for the plugins anyhow.
            let _ = thread.join();
        }
    }
}
