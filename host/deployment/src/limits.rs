//! Every ceiling and every default that a deployment file is held to, in one place. It knows numbers alone: who enforces them is
//! the business of the runtime, the pipeline and the records.

use std::time::Duration;

/// What a number of the deployment file may be, and what it is when the file is silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// The least that makes sense.
    pub least: u64,
    /// The value when the file says nothing.
    pub default: u64,
    /// The host's ceiling: no deployment file raises it.
    pub most: u64,
}

impl Bound {
    /// From the least to the most.
    pub fn range(&self) -> std::ops::RangeInclusive<u64> {
        self.least..=self.most
    }
}

/// Mistakes that are written down; more are counted. Nobody reads a hundred, and a hostile file may hold a million.
pub const PROBLEMS: usize = 100;

/// Bytes of a deployment file. A long one has a few thousand; a megabyte is a mistake or an attack.
pub const FILE_BYTES: u64 = 1 << 20;

/// Bytes of one plugin's configuration as JSON: what `config.get` of the contract may return.
pub const CONFIG_BYTES: usize = 65_536;

/// Characters of a name: ids, categories, channels.
pub const NAME_CHARACTERS: usize = 64;

/// Bytes of a text, such as a purpose.
pub const TEXT_BYTES: usize = 1_024;

/// Channels of one deployment: an answer of the alert router names at most 16 of them.
pub const CHANNELS: usize = 64;

/// Keys under `[trust]`: each is tried on every signature.
pub const KEYS: usize = 64;

/// Categories of one watchlist. The list is closed and short, or it says nothing.
pub const CATEGORIES: usize = 64;

/// Models of one plugin.
pub const MODELS: usize = 16;

/// `every` of a shadow: each so-many-th frame.
pub const EVERY: Bound = Bound {
    least: 1,
    default: 1,
    most: 1_000,
};

/// `authority.cameras`. The default is 1: whoever wants more says so.
pub const CAMERAS: Bound = Bound {
    least: 1,
    default: 1,
    most: 64,
};

/// `authority.watchlist-size`, entries. One million is what the search is measured with.
pub const WATCHLIST_SIZE: Bound = Bound {
    least: 1,
    default: 1_000,
    most: 1_000_000,
};

/// `authority.watchlist-age-hours`: how long before the start a watchlist may have been made. The default is the practice that most policies name.
pub const WATCHLIST_AGE_HOURS: Bound = Bound {
    least: 1,
    default: 24,
    most: 31 * 24,
};

/// Hours from a deployment's start to its end that rules may allow: a year, which nobody needs.
pub const WINDOW_HOURS: Bound = Bound {
    least: 1,
    default: 24,
    most: 100_000,
};

/// Ranks of one list of a rules file.
pub const RANKS: usize = 32;

/// Days that rules may have something kept: a hundred years.
pub const KEEP_DAYS: Bound = Bound {
    least: 1,
    default: 365,
    most: 36_525,
};

/// `host.workers`, threads. Silent: one per core, which is why the default here is 0.
pub const WORKERS: Bound = Bound {
    least: 1,
    default: 0,
    most: 256,
};

/// `limits.memory-mib`: memories and tables of one plugin call together, MiB.
pub const MEMORY_MIB: Bound = Bound {
    least: 1,
    default: 64,
    most: 512,
};

/// `limits.deadline-ms` of a perception plugin: milliseconds of CPU time in the guest for one call.
pub const DEADLINE_MS: Bound = Bound {
    least: 1,
    default: 500,
    most: 10_000,
};

/// `limits.fuel` of a decision plugin: units of wasmtime's fuel for one call.
pub const FUEL: Bound = Bound {
    least: 1_000,
    default: 10_000_000,
    most: 10_000_000_000,
};

/// `limits.tensors-mib` of a perception plugin: host memory for the tensors of one call, MiB.
pub const TENSORS_MIB: Bound = Bound {
    least: 1,
    default: 256,
    most: 4_096,
};

/// `limits.model-memory-mib` of a perception plugin: what each of its models may take in the host, in each worker, MiB. The default is the host's own
/// (`MODEL_MEMORY` of `host/vision`).
pub const MODEL_MEMORY_MIB: Bound = Bound {
    least: 16,
    default: 2_048,
    most: 65_536,
};

/// `judgement.adjudicate-seconds`. A passer-by is gone within minutes.
pub const ADJUDICATE_SECONDS: Bound = Bound {
    least: 5,
    default: 120,
    most: 3_600,
};

/// `judgement.engage-seconds`.
pub const ENGAGE_SECONDS: Bound = Bound {
    least: 5,
    default: 600,
    most: 86_400,
};

/// `judgement.locate-seconds`.
pub const LOCATE_SECONDS: Bound = Bound {
    least: 5,
    default: 1_800,
    most: 86_400,
};

/// `retention.alerts-hours`. Default: 24 hours; ceiling: 31 days, the longest that any published policy keeps an alert.
pub const ALERTS_HOURS: Bound = Bound {
    least: 1,
    default: 24,
    most: 31 * 24,
};

/// `retention.inputs-hours`. Silent: as long as the alerts, which is the ceiling as well: the inputs are scores, like what an alert holds. So the
/// default here is 0.
pub const INPUTS_HOURS: Bound = Bound {
    least: 1,
    default: 0,
    most: ALERTS_HOURS.most,
};

/// `retention.watchlist-hours`. The default is the published practice; the ceiling is that of the alerts, which refer to the entries.
pub const WATCHLIST_HOURS: Bound = Bound {
    least: 1,
    default: 24,
    most: 31 * 24,
};

/// `retention.membership-days`: how long after the watchlist's last change it can be told who was on it. The default is the longest that any published policy keeps
/// what a complaint needs; the ceiling is that of the force's records.
pub const MEMBERSHIP_DAYS: Bound = Bound {
    least: 1,
    default: 31,
    most: 7 * 366,
};

/// What one call of a plugin may use. The host refuses a plugin whose manifest says that it needs more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of memories and tables together. `memory-mib`, 1 to 512 MiB, default 64 MiB.
    pub memory: u64,
    /// CPU time in the guest, host calls excluded; for perception plugins (decision plugins are bounded by fuel, so the default stands
    /// there and means nothing). `deadline-ms`, 1 ms to 10 s, default 500 ms.
    pub deadline: Duration,
    /// Units of fuel; for decision plugins (the default stands elsewhere). `fuel`, 1,000 to 10,000,000,000, default 10,000,000.
    pub fuel: u64,
    /// Bytes of host memory for tensors; for perception plugins. `tensors-mib`, 1 MiB to 4 GiB, default 256 MiB.
    pub tensors: u64,
    /// Bytes that each of its models may take in the host, in each worker; for perception plugins. `model-memory-mib`, 16 MiB to 64 GiB, default 2 GiB.
    pub model_memory: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory: MEMORY_MIB.default << 20,
            deadline: Duration::from_millis(DEADLINE_MS.default),
            fuel: FUEL.default,
            tensors: TENSORS_MIB.default << 20,
            model_memory: MODEL_MEMORY_MIB.default << 20,
        }
    }
}
