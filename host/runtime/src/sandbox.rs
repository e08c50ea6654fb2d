//! One call's world: everything that a guest can reach, made before the call and dropped with it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use overt_vision::{Budget, Frame, Session, Tensor};
use rustix::time::{ClockId, clock_gettime};
use wasmtime::component::ResourceTable;
use wasmtime::{ResourceLimiter, Store, UpdateDeadline};

use crate::engine::Runtime;
use crate::error::CallCause;
use crate::limits::{self, Limits};
use crate::observe::Spent;
use overt_contract::Family;

/// What a guest's `frame` handle stands for. `pub` because the generated bindings re-export it within this private module.
#[allow(unreachable_pub)]
pub type FrameHandle = Arc<Frame>;

/// What a guest's `tensor` handle stands for. `pub` as above.
#[allow(unreachable_pub)]
pub struct TensorHandle {
    pub(crate) tensor: Tensor,
    /// Made of a frame: its numbers are pixels, and reading them takes the capability `pixels`. A model's outputs are not, nor are the
    /// guest's own numbers.
    pub(crate) of_frame: bool,
}

/// What a guest's `model` handle stands for: a place in [`Call::sessions`]. `pub` as above.
#[allow(unreachable_pub)]
pub struct ModelHandle(pub(crate) usize);

/// A model session with the name by which the plugin opens it.
pub(crate) struct NamedSession {
    pub(crate) name: String,
    pub(crate) session: Box<dyn Session>,
}

/// The state of one call.
pub(crate) struct Call {
    pub(crate) table: ResourceTable,
    pub(crate) budget: Budget,
    pub(crate) config: Arc<str>,
    /// Whether the capability `pixels` is declared and granted.
    pub(crate) pixels: bool,
    pub(crate) sessions: Vec<NamedSession>,
    pub(crate) inference: InferenceTime,
    pub(crate) log: LogLines,
    pub(crate) clock: GuestClock,
    host_fuel: HostFuel,
    memory: MemoryLimiter,
    /// What the budget was.
    tensors: u64,
}

/// Why the host ended a call; travels as the error of a host function, a limiter or an epoch callback.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Ended(pub(crate) CallCause);

impl Call {
    /// A fresh store for one call.
    pub(crate) fn store(
        runtime: &Runtime,
        family: Family,
        limits: &Limits,
        config: Arc<str>,
        pixels: bool,
        sessions: Vec<NamedSession>,
        source: LogSource,
    ) -> Result<Store<Call>, CallCause> {
        let mut table = ResourceTable::new();
        table.set_max_capacity(limits::RESOURCES);
        let call = Call {
            table,
            budget: Budget::new(limits.tensors),
            config,
            pixels,
            sessions,
            inference: InferenceTime {
                left: limits.inference_deadline,
                limit: limits.inference_deadline,
                failed: false,
            },
            log: LogLines {
                source,
                left: limits::LOG_LINES,
                dropped: 0,
            },
            clock: GuestClock::start(
                match family {
                    Family::Perception => limits.deadline,
                    Family::Decision => limits::decision_time(limits.fuel),
                },
                limits.host_time,
            ),
            host_fuel: HostFuel {
                left: match family {
                    Family::Perception => u64::MAX,
                    Family::Decision => limits.fuel,
                },
                limit: limits.fuel,
            },
            memory: MemoryLimiter {
                used: 0,
                limit: limits.memory,
            },
            tensors: limits.tensors,
        };
        let mut store = Store::new(runtime.engine(family), call);
        store.limiter(|call| &mut call.memory);
        store.set_hostcall_fuel(limits::HOSTCALL_BYTES);
        store.set_max_component_handles(limits::COMPONENT_HANDLES);
        store.set_epoch_deadline(1);
        match family {
            Family::Perception => {
                store.epoch_deadline_callback(|store| match store.data().clock.overrun() {
                    Some(cause) => Err(Ended(cause).into()),
                    None => Ok(UpdateDeadline::Continue(1)),
                })
            }
            Family::Decision => {
                store
                    .set_fuel(limits.fuel)
                    .map_err(|error| CallCause::Host(format!("{error:#}")))?;
                let started = Instant::now();
                store.epoch_deadline_callback(move |store| {
                    if let Some(cause) = store.data().clock.overrun() {
                        return Err(Ended(cause).into());
                    }
                    if started.elapsed() < limits::DECISION_BACKSTOP {
                        return Ok(UpdateDeadline::Continue(1));
                    }
                    let cause = CallCause::Host(format!(
                        "a decision took longer than {} s of wall-clock time",
                        limits::DECISION_BACKSTOP.as_secs()
                    ));
                    Err(Ended(cause).into())
                });
            }
        }
        Ok(store)
    }

    /// What a call has used. A memory never shrinks, so what there is at the end is the most that there was.
    pub(crate) fn spent(store: &Store<Call>) -> Spent {
        let call = store.data();
        // An engine that counts no fuel has none to ask for.
        let left = store.get_fuel().ok();
        Spent {
            memory: call.memory.used,
            fuel: left.map(|left| {
                let HostFuel { left: host, limit } = call.host_fuel;
                limit.saturating_sub(left) + limit.saturating_sub(host)
            }),
            guest: call.clock.used(),
            host: call.clock.host,
            models: call.inference.limit.saturating_sub(call.inference.left),
            tensors: call.tensors.saturating_sub(call.budget.left()),
        }
    }
}

/// Fuel for calls from a decision plugin to the host, counted by itself because a host function cannot reach the store's. A perception plugin
/// pays for them with CPU time.
struct HostFuel {
    left: u64,
    limit: u64,
}

impl Call {
    /// Charges a host call that carries so many bytes.
    pub(crate) fn spend(&mut self, bytes: usize) -> Result<(), Ended> {
        let HostFuel { left, limit } = &mut self.host_fuel;
        let cost = limits::HOST_CALL_FUEL.saturating_add(bytes as u64);
        *left = left
            .checked_sub(cost)
            .ok_or(Ended(CallCause::OutOfFuel { fuel: *limit }))?;
        Ok(())
    }
}

/// Measures the CPU time that the guest itself used: the thread's CPU time less that of long host calls.
pub(crate) struct GuestClock {
    started: Duration,
    limit: Duration,
    host: Duration,
    host_limit: Duration,
}

/// CPU time that this thread has used since it began.
pub(crate) fn thread_cpu_time() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    // The kernel keeps 0 ≤ tv_nsec < 10⁹ and never counts a thread's time below zero.
    Duration::new(now.tv_sec.unsigned_abs(), now.tv_nsec.unsigned_abs() as u32)
}

impl GuestClock {
    fn start(limit: Duration, host_limit: Duration) -> GuestClock {
        GuestClock {
            started: thread_cpu_time(),
            limit,
            host: Duration::ZERO,
            host_limit,
        }
    }

    /// Runs a host call that may take long, and charges it to [`Limits::host_time`] and not to the guest's own time. Short host calls are
    /// charged to the guest: asking the time twice would cost more than they do, and a guest that makes a million of them spends its
    /// own time.
    pub(crate) fn host<R>(&mut self, work: impl FnOnce() -> R) -> Result<R, Ended> {
        let before = thread_cpu_time();
        let result = work();
        self.host += thread_cpu_time().saturating_sub(before);
        if self.host > self.host_limit {
            return Err(Ended(CallCause::HostTime {
                used_ms: self.host.as_millis() as u64,
                limit_ms: self.host_limit.as_millis() as u64,
            }));
        }
        Ok(result)
    }

    /// Runs a model, which has a limit of its own ([`Limits::inference_deadline`]).
    pub(crate) fn model<R>(&mut self, work: impl FnOnce() -> R) -> R {
        let before = thread_cpu_time();
        let result = work();
        // Not into `host`: the guest's time begins later by what the model took.
        self.started += thread_cpu_time().saturating_sub(before);
        result
    }

    /// The guest's own so far.
    fn used(&self) -> Duration {
        thread_cpu_time()
            .saturating_sub(self.started)
            .saturating_sub(self.host)
    }

    fn overrun(&self) -> Option<CallCause> {
        let used = self.used();
        (used > self.limit).then_some(CallCause::Overrun {
            used_ms: used.as_millis() as u64,
            limit_ms: self.limit.as_millis() as u64,
        })
    }
}

/// Wall-clock time that the models of a call may still take.
pub(crate) struct InferenceTime {
    pub(crate) left: Duration,
    pub(crate) limit: Duration,
    /// A model failed in this call, and the log says so.
    pub(crate) failed: bool,
}

/// Who a log line is from.
#[derive(Clone, Debug)]
pub(crate) struct LogSource {
    pub(crate) plugin: Arc<str>,
    pub(crate) camera: Option<Arc<str>>,
    pub(crate) frame: Option<u32>,
}

/// Lines that a call may still write.
pub(crate) struct LogLines {
    pub(crate) source: LogSource,
    pub(crate) left: u32,
    pub(crate) dropped: u64,
}

impl Drop for LogLines {
    fn drop(&mut self) {
        if self.dropped > 0 {
            tracing::warn!(target: "overt::plugin", plugin = %self.source.plugin, lines = self.dropped, "log lines over the limit of a call were dropped");
        }
    }
}

/// Sums all memories and tables of a store. wasmtime's own `StoreLimits` limits each memory by itself, so that a component of sixteen
/// memories would have sixteen times the limit. Growth over the limit ends the call with a cause that says so; a plain refusal would
/// reach the vendor as a bare `unreachable`.
struct MemoryLimiter {
    used: u64,
    limit: u64,
}

impl MemoryLimiter {
    fn grow(&mut self, current: u64, desired: u64) -> wasmtime::Result<bool> {
        let wanted = self.used.saturating_add(desired.saturating_sub(current));
        if wanted > self.limit {
            return Err(Ended(CallCause::Memory {
                wanted,
                limit: self.limit,
            })
            .into());
        }
        self.used = wanted;
        Ok(true)
    }
}

impl ResourceLimiter for MemoryLimiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        // More than the memory declares for itself it never gets, and so is not charged for it: the guest hears no, as it would anywhere.
        if maximum.is_some_and(|most| desired > most) {
            return Ok(false);
        }
        self.grow(current as u64, desired as u64)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        const POINTER: u64 = 8;
        // As above; and no table has more places than the pool's.
        if desired > maximum.unwrap_or(usize::MAX).min(limits::TABLE_ELEMENTS) {
            return Ok(false);
        }
        self.grow(
            current as u64 * POINTER,
            (desired as u64).saturating_mul(POINTER),
        )
    }
}
