//! A pool of buffers for pixels and tensors, so that a frame costs no fresh memory and leaves none of itself behind: a buffer is zeroed
//! when it comes back. Knows nothing of what a buffer holds.
//!
//! Why a pool: fresh memory of this size comes from the kernel page by page, which costs more than filling it. Why zeroed on the
//! way back and not on the way out: the face of somebody who matched nobody must not linger in a free list.

use std::fmt;
use std::mem;
use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError};

use zeroize::Zeroize;

/// Most bytes that lie idle in the pool: about eight 1080p frames with their float32 tensors. Above that, what has lain idle longest is
/// freed.
const MOST_IDLE_BYTES: usize = 256 << 20;

/// A buffer may serve for at least half its size; a larger one would be wasted on the request.
const MOST_WASTE: usize = 2;

/// Most buffers that lie idle, so that looking through them stays short.
const MOST_IDLE_BUFFERS: usize = 128;

/// Smaller buffers are the allocator's business: it has them at hand.
const LEAST_BYTES: usize = 4096;

static POOL: Pool = Pool::new();

struct Pool {
    idle: Mutex<Idle>,
}

/// All of these hold zeros only; the one that has lain idle longest comes first.
struct Idle {
    buffers: Vec<Vec<u64>>,
    bytes: usize,
}

impl Pool {
    const fn new() -> Pool {
        Pool {
            idle: Mutex::new(Idle {
                buffers: Vec::new(),
                bytes: 0,
            }),
        }
    }

    fn take(&self, words: usize) -> Option<Vec<u64>> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = |b: &Vec<u64>| b.len() >= words && b.len() / MOST_WASTE <= words;
        let best = idle
            .buffers
            .iter()
            .enumerate()
            .filter(|(_, b)| fits(b))
            .min_by_key(|(_, b)| b.len())?
            .0;
        let buffer = idle.buffers.remove(best);
        idle.bytes -= mem::size_of_val(buffer.as_slice());
        Some(buffer)
    }

    fn give(&self, buffer: Vec<u64>) {
        let bytes = mem::size_of_val(buffer.as_slice());
        if !(LEAST_BYTES..=MOST_IDLE_BYTES).contains(&bytes) {
            return;
        }
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        while idle.bytes + bytes > MOST_IDLE_BYTES || idle.buffers.len() >= MOST_IDLE_BUFFERS {
            idle.bytes -= mem::size_of_val(idle.buffers.remove(0).as_slice());
        }
        idle.bytes += bytes;
        idle.buffers.push(buffer);
    }
}

/// Bytes that start as zeros and end as zeros. Aligned for every tensor element.
pub(crate) struct Buffer {
    words: Vec<u64>,
    bytes: usize,
    pool: &'static Pool,
}

impl Buffer {
    /// A buffer of so many zero bytes. The caller has checked the size against a limit or a budget.
    pub(crate) fn zeroed(bytes: usize) -> Buffer {
        Buffer::zeroed_from(&POOL, bytes)
    }

    fn zeroed_from(pool: &'static Pool, bytes: usize) -> Buffer {
        let words = bytes.div_ceil(mem::size_of::<u64>());
        let words = if words == 0 {
            Vec::new()
        } else {
            pool.take(words).unwrap_or_else(|| vec![0; words])
        };
        Buffer { words, bytes, pool }
    }

    /// A buffer that holds a copy of these bytes.
    pub(crate) fn copy_of(bytes: &[u8]) -> Buffer {
        let mut buffer = Buffer::zeroed(bytes.len());
        buffer.copy_from_slice(bytes);
        buffer
    }
}

impl Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &bytemuck::cast_slice(&self.words)[..self.bytes]
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut bytemuck::cast_slice_mut(&mut self.words)[..self.bytes]
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let used = self.bytes.div_ceil(mem::size_of::<u64>());
        // `Zeroize` and not `fill`, which the compiler may leave out where the memory is freed next.
        self.words[..used].zeroize();
        if used > 0 {
            self.pool.give(mem::take(&mut self.words));
        }
    }
}

impl fmt::Debug for Buffer {
    /// The size alone: a log is no place for pixels.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Buffer({} bytes)", self.bytes)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_buffer_that_comes_back_is_used_again_and_holds_zeros() {
        static OWN: Pool = Pool::new();
        let mut first = Buffer::zeroed_from(&OWN, 54_321);
        first.fill(0xAB);
        let place = first.as_ptr();
        drop(first);
        let second = Buffer::zeroed_from(&OWN, 54_320);
        assert_eq!(
            second.as_ptr(),
            place,
            "the buffer was taken out of the pool"
        );
        assert!(
            second.words.iter().all(|word| *word == 0),
            "nothing of its former contents is left"
        );
    }

    #[test]
    fn a_buffer_is_aligned_for_every_element_and_may_be_empty() {
        for bytes in [0, 1, 3, 8, 4097] {
            let buffer = Buffer::zeroed(bytes);
            assert_eq!(buffer.len(), bytes);
            assert_eq!(buffer.as_ptr() as usize % 8, 0);
        }
        assert_eq!(&*Buffer::copy_of(&[1, 2, 3]), &[1, 2, 3]);
    }

    #[test]
    fn the_pool_keeps_no_more_than_its_limits_and_frees_the_oldest_first() {
        let pool = Pool::new();
        let words = MOST_IDLE_BYTES / 8 / 2;
        for extra in [1, 0, 0] {
            pool.give(vec![0; words - 1 + extra]);
        }
        {
            let idle = pool.idle.lock().unwrap();
            assert_eq!(
                (idle.buffers.len(), idle.bytes),
                (2, MOST_IDLE_BYTES - 16),
                "the first is gone"
            );
        }
        pool.give(vec![0; MOST_IDLE_BYTES / 8 + 1]);
        pool.give(vec![0; LEAST_BYTES / 8 - 1]);
        assert_eq!(
            pool.idle.lock().unwrap().buffers.len(),
            2,
            "too large and too small are not kept"
        );
        for _ in 0..2 * MOST_IDLE_BUFFERS {
            pool.give(vec![0; LEAST_BYTES / 8]);
        }
        let idle = pool.idle.lock().unwrap();
        assert_eq!(
            (idle.buffers.len(), idle.bytes),
            (MOST_IDLE_BUFFERS, MOST_IDLE_BUFFERS * LEAST_BYTES)
        );
    }

    #[test]
    fn a_small_request_does_not_take_a_large_buffer() {
        let pool = Pool::new();
        pool.give(vec![0; 1000]);
        assert!(pool.take(100).is_none());
        assert!(pool.take(1001).is_none());
        assert!(pool.take(600).is_some());
    }
}
