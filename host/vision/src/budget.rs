//! How much host memory the tensors of one plugin call may take. Charged before the memory is made; knows no tensor.

use std::sync::atomic::{AtomicU64, Ordering};

use thiserror::Error;

/// Bytes left for tensors. What was taken is not given back when a tensor dies: the budget bounds a call, and dies with it.
#[derive(Debug)]
pub struct Budget {
    left: AtomicU64,
}

impl Budget {
    /// A budget of so many bytes.
    pub fn new(bytes: u64) -> Budget {
        Budget {
            left: AtomicU64::new(bytes),
        }
    }

    /// For the host's own use, where no plugin asks. It is 2⁶⁴ − 1 bytes, which no machine has.
    pub fn unlimited() -> Budget {
        Budget::new(u64::MAX)
    }

    /// Takes so many bytes, or takes nothing and says what was left.
    pub fn take(&self, bytes: u64) -> Result<(), OverBudget> {
        self.left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(bytes)
            })
            .map(|_| ())
            .map_err(|left| OverBudget {
                wanted: bytes,
                left,
            })
    }

    /// Bytes that can still be taken.
    pub fn left(&self) -> u64 {
        self.left.load(Ordering::Relaxed)
    }
}

/// The call's budget of host memory for tensors would be exceeded.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("{wanted} bytes wanted for tensors, {left} left in this call's budget")]
pub struct OverBudget {
    /// Bytes that were asked for.
    pub wanted: u64,
    /// Bytes that were left.
    pub left: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_exceeds_the_budget_is_refused_and_takes_nothing() {
        let budget = Budget::new(100);
        assert_eq!(budget.take(60), Ok(()));
        assert_eq!(
            budget.take(41),
            Err(OverBudget {
                wanted: 41,
                left: 40
            })
        );
        assert_eq!(budget.take(40), Ok(()));
        assert_eq!(budget.left(), 0);
        assert_eq!(
            budget.take(u64::MAX),
            Err(OverBudget {
                wanted: u64::MAX,
                left: 0
            })
        );
    }
}
