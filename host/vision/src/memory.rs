//! How much memory a model may take, counted while a thread works for it. Knows no library that runs models.
//!
//! Neither ONNX Runtime nor OpenVINO can be told how much a session may take. What they have in common is that all they work with comes from the C library's
//! `malloc` and its kin, on the thread that runs the model. So the functions of [`malloc`] stand in the place of the C library's: they look whether
//! the thread works for an [`Account`], count, refuse what goes over its limit, and hand on to the C library. A library takes the refusal for a machine
//! without memory: the run ends with an error, and the session works on.

mod malloc;

use std::cell::Cell;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use thiserror::Error;

/// What a model may take where nobody says otherwise, 2 GiB: its weights and what its runs work with. CenterFace takes 0.2 GiB for a whole frame of 1280 × 720 pixels, 0.4
/// for one of 1920 × 1080, and for one of 3840 × 2160 1.4 in ONNX Runtime and 1.7 in OpenVINO: no camera should need more.
pub const MODEL_MEMORY: u64 = 2 << 30;

/// Requests under this are granted for a while after the limit is reached: a library needs some memory to say that it got none.
const SMALL: usize = 64 << 10;

/// How far small requests may go over the limit.
const FOR_SMALL: i64 = 16 << 20;

thread_local! {
    /// The account that this thread works for. Without a destructor, so that it can be read at any time of a thread's life.
    static WORKS_FOR: Cell<*const Account> = const { Cell::new(ptr::null()) };
}

/// Whether the C library ever had no memory to give.
static SHORT: AtomicBool = AtomicBool::new(false);

/// A model wanted more memory than it may have.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error(
    "the model wanted {} MiB of memory; it may have {} MiB",
    wanted.div_ceil(1 << 20),
    limit >> 20
)]
pub struct OverMemory {
    /// Bytes in all, had they been granted.
    pub wanted: u64,
    /// The limit in bytes.
    pub limit: u64,
}

/// What one session has in use, and may have.
#[derive(Debug)]
pub(crate) struct Account {
    limit: u64,
    /// Under nought where more is given back than was taken here.
    used: AtomicI64,
    /// The sum that was refused first since it was last asked for; 0 where none was.
    refused: AtomicU64,
    /// Whether anything is refused, and not only counted.
    refuses: AtomicBool,
}

impl Account {
    pub(crate) fn new(limit: u64) -> Account {
        Account {
            limit: limit.min(i64::MAX as u64 / 2),
            used: AtomicI64::new(0),
            refused: AtomicU64::new(0),
            refuses: AtomicBool::new(true),
        }
    }

    /// The same as [`Account::work`], but that nothing is refused: for what a library does without looking whether it got what it asked for. [`Account::over`]
    /// says afterwards whether it was too much.
    pub(crate) fn count<R>(&self, work: impl FnOnce() -> R) -> R {
        self.refuses.store(false, Ordering::Relaxed);
        let done = self.work(work);
        self.refuses.store(true, Ordering::Relaxed);
        done
    }

    /// Whether more is in use than may be.
    pub(crate) fn over(&self) -> Option<OverMemory> {
        let used = self.used.load(Ordering::Relaxed);
        (used > self.limit as i64).then_some(OverMemory {
            wanted: used as u64,
            limit: self.limit,
        })
    }

    /// Another with the same limit, of which nothing is used yet.
    pub(crate) fn anew(&self) -> Account {
        Account::new(self.limit)
    }

    /// Does some work of a library's on this account.
    pub(crate) fn work<R>(&self, work: impl FnOnce() -> R) -> R {
        struct Before(*const Account);
        impl Drop for Before {
            fn drop(&mut self) {
                WORKS_FOR.set(self.0);
            }
        }
        let _before = Before(WORKS_FOR.replace(self));
        work()
    }

    /// What was refused since this was last called.
    pub(crate) fn refused(&self) -> Option<OverMemory> {
        match self.refused.swap(0, Ordering::Relaxed) {
            0 => None,
            wanted => Some(OverMemory {
                wanted,
                limit: self.limit,
            }),
        }
    }

    /// Takes so many bytes, or says no.
    fn take(&self, bytes: usize) -> bool {
        let more = i64::try_from(bytes).unwrap_or(i64::MAX);
        let used = self.used.load(Ordering::Relaxed);
        let wanted = used.saturating_add(more);
        let limit = self.limit as i64;
        let most = match bytes < SMALL {
            true => limit + FOR_SMALL,
            false => limit,
        };
        if wanted > most && self.refuses.load(Ordering::Relaxed) {
            let first = self.refused.load(Ordering::Relaxed) == 0;
            if first {
                self.refused.store(wanted as u64, Ordering::Relaxed);
            }
            return false;
        }
        self.used.fetch_add(more, Ordering::Relaxed);
        true
    }

    fn add(&self, bytes: usize) {
        self.used.fetch_add(bytes as i64, Ordering::Relaxed);
    }

    fn give_back(&self, bytes: usize) {
        self.used.fetch_sub(bytes as i64, Ordering::Relaxed);
    }
}

/// The account of this thread. It outlives the work that it is set for.
fn account() -> Option<&'static Account> {
    // SAFETY: the pointer is to an account that `Account::work` borrows, and is taken back before the borrow ends, on this same thread, whichever way
    // the work ends. Nobody keeps what is returned here for longer than one of the functions of `malloc` takes, which run within the work.
    unsafe { WORKS_FOR.get().as_ref() }
}

/// Whether the system had no memory for this process at some time, whoever asked.
pub fn was_short() -> bool {
    SHORT.load(Ordering::Relaxed)
}

/// Whether requests for memory are counted in this process. They are not where another allocator was put before the C library's.
pub fn is_counted() -> bool {
    let account = Account::new(0);
    // Not what is compared is of interest, but whether the request was refused. It goes by the same way as a library's.
    let granted = account.work(malloc::ask_for);
    account.refused().is_some() && !granted
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::ffi::c_void;

    use super::*;

    #[test]
    fn what_goes_over_the_limit_is_refused_and_takes_nothing() {
        let account = Account::new(10 << 20);
        assert!(account.take(9 << 20));
        assert!(!account.take(2 << 20));
        assert_eq!(
            account.refused(),
            Some(OverMemory {
                wanted: 11 << 20,
                limit: 10 << 20
            })
        );
        assert_eq!(account.refused(), None, "told once");
        assert!(account.take(1 << 20));
        account.give_back(1 << 20);
        assert!(account.take(1 << 20));
        assert!(!account.take(usize::MAX), "and no sum runs over");
    }

    #[test]
    fn small_requests_may_go_a_little_further_and_not_without_end() {
        let account = Account::new(0);
        assert!(!account.take(SMALL));
        let granted = (0..1 << 20).take_while(|_| account.take(SMALL - 1)).count();
        assert_eq!(granted, FOR_SMALL as usize / (SMALL - 1));
    }

    #[test]
    fn what_is_only_counted_is_granted_and_told_afterwards() {
        let account = Account::new(10 << 20);
        account.count(|| assert!(account.take(11 << 20)));
        assert_eq!(account.refused(), None);
        let over = account.over().unwrap();
        assert!(over.wanted >= 11 << 20, "{over}");
        assert!(!account.take(SMALL), "and nothing more is granted after");
        account.give_back(2 << 20);
        assert_eq!(account.over(), None);
    }

    #[test]
    fn requests_are_counted_in_this_process() {
        assert!(is_counted());
    }

    /// Memory as a library has it.
    struct Given(*mut c_void);

    unsafe extern "C" {
        fn malloc(size: usize) -> *mut c_void;
        fn realloc(old: *mut c_void, size: usize) -> *mut c_void;
        fn free(old: *mut c_void);
    }

    impl Given {
        fn mebibyte() -> Given {
            // SAFETY: no demands on the size.
            Given(std::hint::black_box(unsafe { malloc(1 << 20) }))
        }

        fn grown(self, size: usize) -> Given {
            // SAFETY: memory that nobody else has; what it was is not looked at again.
            let new = Given(unsafe { realloc(self.0, size) });
            std::mem::forget(self);
            new
        }
    }

    impl Drop for Given {
        fn drop(&mut self) {
            // SAFETY: memory that nobody else has.
            unsafe { free(self.0) }
        }
    }

    // SAFETY: memory is of no thread.
    unsafe impl Send for Given {}

    #[test]
    fn memory_counts_for_the_account_that_the_thread_works_for_and_for_no_other() {
        let (outer, inner) = (Account::new(u64::MAX), Account::new(u64::MAX));
        let used = |account: &Account| account.used.load(Ordering::Relaxed);
        let before = Given::mebibyte();
        let kept = outer.work(|| {
            let kept = Given::mebibyte();
            inner.work(|| drop(Given::mebibyte()));
            kept
        });
        assert!(
            (1 << 20..(1 << 20) + 8192).contains(&used(&outer)),
            "{}",
            used(&outer)
        );
        assert_eq!(used(&inner), 0);
        drop(before);
        std::thread::scope(|scope| {
            scope.spawn(|| drop(Given::mebibyte()));
        });
        outer.work(|| drop(kept));
        assert_eq!(used(&outer), 0);
        let grown = outer.work(|| Given::mebibyte().grown(3 << 20));
        assert!(
            (3 << 20..(3 << 20) + 8192).contains(&used(&outer)),
            "{}",
            used(&outer)
        );
        outer.work(|| drop(grown));
        assert_eq!(used(&outer), 0);
    }

    #[test]
    fn what_rust_code_asks_for_counts_for_nobody_and_is_never_refused() {
        let account = Account::new(0);
        let kept = account.work(|| {
            let mut kept = std::hint::black_box(vec![7u8; 3 << 20]);
            kept.reserve_exact(5 << 20);
            kept
        });
        assert_eq!(account.used.load(Ordering::Relaxed), 0);
        assert_eq!(account.refused(), None);
        assert_eq!(kept[(3 << 20) - 1], 7);
    }

    #[test]
    fn memory_of_any_alignment_is_had_grown_and_given_back() {
        use std::alloc::{Layout, alloc, alloc_zeroed, dealloc, realloc};
        for align in (0..=16).map(|power| 1usize << power) {
            for size in [1, 15, 4096, 1 << 20] {
                let layout = Layout::from_size_align(size, align).unwrap();
                // SAFETY: each piece is of this layout, written and read within its size, and given back once, with the size that it has then.
                unsafe {
                    let zeroed = alloc_zeroed(layout);
                    assert!((zeroed as usize).is_multiple_of(align));
                    assert!(
                        std::slice::from_raw_parts(zeroed, size)
                            .iter()
                            .all(|byte| *byte == 0)
                    );
                    dealloc(zeroed, layout);
                    let piece = alloc(layout);
                    assert!((piece as usize).is_multiple_of(align));
                    piece.write_bytes(3, size);
                    let grown = realloc(piece, layout, 3 * size);
                    assert!((grown as usize).is_multiple_of(align));
                    assert!(
                        std::slice::from_raw_parts(grown, size)
                            .iter()
                            .all(|byte| *byte == 3)
                    );
                    dealloc(grown, Layout::from_size_align(3 * size, align).unwrap());
                }
            }
        }
    }
}
