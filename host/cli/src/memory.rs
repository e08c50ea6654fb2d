//! What this process has in memory stays there: no core file is written when it crashes, and no other process of its user reads along. Faces and templates pass
//! through here, and a core file would keep them past every limit. Swap is the machine's to encrypt or to switch off; `overt doctor` says which.

use std::io;

use rustix::process::{
    DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit,
};

/// Switches core files off, for this process and its children, and makes it unreadable to others. For good: only a new program undoes the second.
pub(crate) fn keep_in() -> io::Result<()> {
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    setrlimit(Resource::Core, none)?;
    // The limit alone is not enough: a kernel whose `core_pattern` is a pipe ignores it.
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    Ok(())
}

/// Whether both are in force.
pub(crate) fn is_kept_in() -> bool {
    let off = getrlimit(Resource::Core).current == Some(0);
    let not_dumpable = rustix::process::dumpable_behavior();
    off && matches!(not_dumpable, Ok(DumpableBehavior::NotDumpable))
}

/// What the kernel can swap to: the lines of `/proc/swaps` after its heading, by their first word.
pub(crate) fn swaps() -> Vec<String> {
    let text = std::fs::read_to_string("/proc/swaps").unwrap_or_default();
    let of = |line: &str| line.split_whitespace().next().map(str::to_owned);
    text.lines().skip(1).filter_map(of).collect()
}
