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
use crate::role::Family;

/// How long an epoch lasts: the grain of the CPU deadline. Two milliseconds cost a guest about 0.05 % and cut a loop off within 0.4 %
/// of the default deadline.
const EPOCH: Duration = Duration::from_millis(2);

/// Calls that may run at the same time on one engine. Far more than workers; each costs address space alone.
const CONCURRENT_CALLS: u32 = 64;

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

    pub(crate) fn engine(&self, family: Family) -> &Engine {
        match family {
            Family::Perception => &self.inner.perception,
            Family::Decision => &self.inner.decision,
        }
    }
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
        .wasm_backtrace_max_frames(None)
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
    let mut pooling = PoolingAllocationConfig::new();
    pooling
        .total_component_instances(CONCURRENT_CALLS)
        // A component made of one module has three core instances: the module, its shims, and what fixes them up.
        .max_core_instances_per_component(16)
        .total_core_instances(CONCURRENT_CALLS * 8)
        .max_memories_per_component(4)
        .total_memories(CONCURRENT_CALLS * 2)
        .max_memories_per_module(4)
        .max_memory_size(limits::MOST_MEMORY as usize)
        .max_tables_per_component(8)
        .max_tables_per_module(8)
        .total_tables(CONCURRENT_CALLS * 4)
        .table_elements(limits::TABLE_ELEMENTS)
        // What a small plugin touches is wiped by writing zeros, which is cheaper than giving pages back; above that, pages are given back.
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
