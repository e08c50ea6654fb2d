//! `malloc` and its kin, in the place of the C library's: they count for the account that the thread works for and hand on. The linker takes them for every program
//! that this crate is part of, and the loader gives them to the libraries that the program loads, as the C library's manual says of replacing `malloc`.
//!
//! They are all that asks for memory or gives it back there; one that was left out would hand out memory that is not counted, and nothing worse.
//!
//! What Rust code asks for in this process goes to the C library straight (`Host`) and counts for nobody: it is the host's and no model's, it is given back anywhere, so that an account would
//! drift over days, and a refusal would end the process.
//!
//! The fuzzer's programs bring functions of their own, and other systems' C libraries have no second names for theirs: there nothing is counted, and
//! [`super::is_counted`] says so.

#[cfg(all(target_os = "linux", target_env = "gnu", not(fuzzing)))]
mod counted {
    use std::alloc::{GlobalAlloc, Layout};
    use std::ffi::{c_int, c_void};
    use std::ptr;
    use std::sync::atomic::Ordering;

    use super::super::{SHORT, account};

    const ENOMEM: c_int = 12;
    const EINVAL: c_int = 22;

    unsafe extern "C" {
        // The C library's own, under the names by which they can be reached when the others are replaced.
        fn __libc_malloc(size: usize) -> *mut c_void;
        fn __libc_calloc(count: usize, size: usize) -> *mut c_void;
        fn __libc_realloc(old: *mut c_void, size: usize) -> *mut c_void;
        fn __libc_memalign(alignment: usize, size: usize) -> *mut c_void;
        fn __libc_valloc(size: usize) -> *mut c_void;
        fn __libc_pvalloc(size: usize) -> *mut c_void;
        fn __libc_free(old: *mut c_void);
        fn malloc_usable_size(of: *mut c_void) -> usize;
        fn __errno_location() -> *mut c_int;
    }

    /// Refused: no address, and the C library's number for it.
    fn no_memory() -> *mut c_void {
        // SAFETY: the address of the thread's own error number, which is always there.
        unsafe { *__errno_location() = ENOMEM };
        ptr::null_mut()
    }

    /// What the C library gave; it is kept in mind where that is nothing.
    fn noted(new: *mut c_void) -> *mut c_void {
        if new.is_null() {
            SHORT.store(true, Ordering::Relaxed);
        }
        new
    }

    /// Has the C library give memory of this size, if the thread's account allows it.
    fn counted(size: usize, given: impl FnOnce() -> *mut c_void) -> *mut c_void {
        let Some(account) = account() else {
            return noted(given());
        };
        if !account.take(size) {
            return no_memory();
        }
        let new = noted(given());
        if new.is_null() {
            account.give_back(size);
        } else {
            // The C library rounds up, and what is given back later is counted as it says then.
            // SAFETY: what the C library just gave.
            let usable = unsafe { malloc_usable_size(new) };
            account.give_back(size);
            account.add(usable);
        }
        new
    }

    /// # Safety
    /// As the C library's.
    #[unsafe(no_mangle)]
    unsafe extern "C" fn malloc(size: usize) -> *mut c_void {
        // SAFETY: handed on as it came.
        counted(size, || unsafe { __libc_malloc(size) })
    }

    /// # Safety
    /// As the C library's.
    #[unsafe(no_mangle)]
    unsafe extern "C" fn calloc(count: usize, size: usize) -> *mut c_void {
        // SAFETY: handed on as it came; the C library looks for an overflow too.
        counted(count.saturating_mul(size), || unsafe {
            __libc_calloc(count, size)
        })
    }

    /// # Safety
    /// As the C library's.
    #[unsafe(no_mangle)]
    unsafe extern "C" fn realloc(old: *mut c_void, size: usize) -> *mut c_void {
        let Some(account) = account() else {
            // SAFETY: handed on as it came.
            let new = unsafe { __libc_realloc(old, size) };
            return if size == 0 { new } else { noted(new) };
        };
        let had = match old.is_null() {
            true => 0,
            // SAFETY: the caller's memory, by the contract of `realloc`.
            false => unsafe { malloc_usable_size(old) },
        };
        let more = size.saturating_sub(had);
        if more > 0 && !account.take(more) {
            return no_memory();
        }
        account.give_back(more);
        // SAFETY: handed on as it came.
        let new = unsafe { __libc_realloc(old, size) };
        if new.is_null() {
            // Of size 0 the C library frees what was there; else it stays.
            return if size == 0 {
                account.give_back(had);
                new
            } else {
                noted(new)
            };
        }
        // SAFETY: what the C library just gave.
        let has = unsafe { malloc_usable_size(new) };
        account.give_back(had);
        account.add(has);
        new
    }

    /// # Safety
    /// As the C library's.
    #[unsafe(no_mangle)]
    unsafe extern "C" fn reallocarray(old: *mut c_void, count: usize, size: usize) -> *mut c_void {
        match count.checked_mul(size) {
            // SAFETY: handed on as it came.
            Some(bytes) => unsafe { realloc(old, bytes) },
            None => no_memory(),
        }
    }

    /// # Safety
    /// As the C library's.
    #[unsafe(no_mangle)]
    unsafe extern "C" fn memalign(alignment: usize, size: usize) -> *mut c_void {
        // SAFETY: handed on as it came.
        counted(size, || unsafe { __libc_memalign(alignment, size) })
    }

    /// # Safety
    /// As the C library's.
    #[unsafe(no_mangle)]
    unsafe extern "C" fn aligned_alloc(alignment: usize, size: usize) -> *mut c_void {
        // SAFETY: handed on as it came. The C library's is the same function as `memalign` until its version 2.38, which refuses alignments that are no
        // power of two; `memalign` rounds them up.
        unsafe { memalign(alignment, size) }
    }

    /// # Safety
    /// As the C library's.
    #[unsafe(no_mangle)]
    unsafe extern "C" fn posix_memalign(
        out: *mut *mut c_void,
        alignment: usize,
        size: usize,
    ) -> c_int {
        if !alignment.is_power_of_two() || !alignment.is_multiple_of(size_of::<*mut c_void>()) {
            return EINVAL;
        }
        // SAFETY: the caller's place for the address, by the contract of `posix_memalign`, which leaves it alone where there is no memory and does not touch
        // the error number.
        unsafe {
            let errno = *__errno_location();
            let new = memalign(alignment, size);
            *__errno_location() = errno;
            if new.is_null() {
                return ENOMEM;
            }
            *out = new;
        }
        0
    }

    /// # Safety
    /// As the C library's.
    #[unsafe(no_mangle)]
    unsafe extern "C" fn valloc(size: usize) -> *mut c_void {
        // SAFETY: handed on as it came.
        counted(size, || unsafe { __libc_valloc(size) })
    }

    /// # Safety
    /// As the C library's.
    #[unsafe(no_mangle)]
    unsafe extern "C" fn pvalloc(size: usize) -> *mut c_void {
        // SAFETY: handed on as it came.
        counted(size, || unsafe { __libc_pvalloc(size) })
    }

    /// # Safety
    /// As the C library's.
    #[unsafe(no_mangle)]
    unsafe extern "C" fn free(old: *mut c_void) {
        if let Some(account) = account()
            && !old.is_null()
        {
            // SAFETY: the caller's memory, by the contract of `free`.
            account.give_back(unsafe { malloc_usable_size(old) });
        }
        // SAFETY: handed on as it came.
        unsafe { __libc_free(old) }
    }

    /// Rust's memory, from the C library and past the accounts.
    struct Host;

    #[global_allocator]
    static HOST: Host = Host;

    /// What the C library aligns all memory to on processors of 64 bits.
    const ALIGNED: usize = 16;

    // SAFETY: the C library gives memory of the size and alignment that are asked for, or none: `malloc`, `calloc` and `realloc` aligned to 16 bytes, `memalign` to any power of two. All of it is given back
    // to the same library, which knows its size. Tested by `memory_of_any_alignment_is_had_grown_and_given_back`, and by whatever else this process does.
    unsafe impl GlobalAlloc for Host {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            // SAFETY: no demands on the size; the alignment is a power of two.
            noted(unsafe {
                match layout.align() <= ALIGNED {
                    true => __libc_malloc(layout.size()),
                    false => __libc_memalign(layout.align(), layout.size()),
                }
            })
            .cast()
        }

        unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
            if layout.align() <= ALIGNED {
                // SAFETY: no demands on the sizes.
                return noted(unsafe { __libc_calloc(1, layout.size()) }).cast();
            }
            // SAFETY: as the caller's; what was had is as long as it was asked for.
            unsafe {
                let new = self.alloc(layout);
                if !new.is_null() {
                    ptr::write_bytes(new, 0, layout.size());
                }
                new
            }
        }

        unsafe fn dealloc(&self, old: *mut u8, _: Layout) {
            // SAFETY: the caller's memory, which is the C library's.
            unsafe { __libc_free(old.cast()) }
        }

        unsafe fn realloc(&self, old: *mut u8, layout: Layout, size: usize) -> *mut u8 {
            if layout.align() <= ALIGNED {
                // SAFETY: the caller's memory, which is the C library's; the size is not 0, by the contract of `GlobalAlloc`.
                return noted(unsafe { __libc_realloc(old.cast(), size) }).cast();
            }
            // SAFETY: the alignment is the one that was good before, and the caller says that the size is none too large; both pieces are as long as what is copied.
            unsafe {
                let layout_of_new = Layout::from_size_align_unchecked(size, layout.align());
                let new = self.alloc(layout_of_new);
                if !new.is_null() {
                    ptr::copy_nonoverlapping(old, new, layout.size().min(size));
                    self.dealloc(old, layout);
                }
                new
            }
        }
    }
}

/// Asks for memory as a library does, and gives it back. Says whether there was any.
pub(super) fn ask_for() -> bool {
    unsafe extern "C" {
        fn malloc(size: usize) -> *mut std::ffi::c_void;
        fn free(old: *mut std::ffi::c_void);
    }
    // SAFETY: memory that nobody uses, given back once.
    unsafe {
        let new = std::hint::black_box(malloc(super::SMALL));
        free(new);
        !new.is_null()
    }
}
