//! How a command ended, as other programs see it. `overt --help` lists the numbers.

/// An exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Done = 0,
    /// Failed, or something that was asked for is not so.
    Failed = 1,
    /// A mistake in the arguments or in a file that somebody wrote. The argument parser uses the same number.
    Mistake = 2,
    /// Nothing is wrong with what is there, and whether something is missing cannot be told.
    Unproven = 3,
    /// Ended by Ctrl-C, in good order. 128 plus the signal's number, as shells have it.
    Interrupted = 130,
}
