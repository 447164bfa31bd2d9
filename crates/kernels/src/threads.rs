//! The one thread policy: loops are shared between threads only where the work pays for it, and never change a result.
//!
//! The number of threads is, first found first taken: [`with_num_threads`] around the call, [`set_num_threads`],
//! the environment variable `BAREHAND_NUM_THREADS`, the processor's count.

mod pool;

use std::cell::Cell;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::disjoint::Disjoint;

/// The process-wide count; 0 until it is first asked for.
static THREADS: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// The count in force on this thread; 0 defers to [`THREADS`]. Inside a shared loop it is 1.
    static SCOPED: Cell<usize> = const { Cell::new(0) };
}

/// How many threads kernels started from this thread may use.
#[inline]
pub fn num_threads() -> usize {
    match SCOPED.get() {
        0 => match THREADS.load(Ordering::Relaxed) {
            0 => default_threads(),
            n => n,
        },
        n => n,
    }
}

#[cold]
fn default_threads() -> usize {
    let named = std::env::var("BAREHAND_NUM_THREADS").ok().and_then(|text| text.trim().parse().ok());
    let n = named
        .filter(|&n: &usize| n > 0)
        .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    THREADS.store(n, Ordering::Relaxed);
    n
}

/// Sets the number of threads for the whole process (at least 1).
pub fn set_num_threads(n: usize) {
    THREADS.store(n.max(1), Ordering::Relaxed);
}

/// Runs `work` with `n` threads (at least 1) and restores the former count, also after a panic.
pub fn with_num_threads<R>(n: usize, work: impl FnOnce() -> R) -> R {
    struct Restore(usize);
    impl Drop for Restore {
        fn drop(&mut self) {
            SCOPED.set(self.0);
        }
    }
    let _restore = Restore(SCOPED.replace(n.max(1)));
    work()
}

/// How many threads pay for `work` units of which each thread should have at least `grain`.
pub fn threads_for(work: usize, grain: usize) -> usize {
    num_threads().min(work / grain.max(1)).max(1)
}

/// Calls `body` on every index of `0..tasks`, in parallel when `threads > 1`.
pub fn for_each(tasks: usize, threads: usize, body: impl Fn(usize) + Sync) {
    if threads <= 1 || tasks <= 1 {
        (0..tasks).for_each(body);
    } else {
        pool::for_each(tasks, threads, &body);
    }
}

/// Into how many ranges [`split_part`] cuts `0..len`: at most `parts`.
pub fn split_count(len: usize, parts: usize, multiple: usize) -> usize {
    len.div_ceil(step(len, parts, multiple))
}

/// Range `part` of `0..len` cut into about `parts` ranges of one length, a multiple of `multiple` (the last takes the
/// rest).
pub fn split_part(len: usize, parts: usize, multiple: usize, part: usize) -> Range<usize> {
    let step = step(len, parts, multiple);
    part * step..len.min((part + 1) * step)
}

fn step(len: usize, parts: usize, multiple: usize) -> usize {
    len.div_ceil(parts.max(1)).next_multiple_of(multiple.max(1)).max(1)
}

/// Cuts `out` into consecutive pieces of `chunk` elements and calls `body(index of the first element, piece)` on each,
/// on as many threads as `grain` elements a thread justify. The pieces do not depend on the number of threads, so
/// neither do results computed a piece at a time.
pub fn for_each_chunk<T: Send>(
    out: &mut [T],
    chunk: usize,
    grain: usize,
    body: impl Fn(usize, &mut [T]) + Sync,
) {
    let (chunk, len) = (chunk.max(1), out.len());
    let threads = threads_for(len, grain);
    if threads <= 1 || len <= chunk {
        return out.chunks_mut(chunk).enumerate().for_each(|(i, piece)| body(i * chunk, piece));
    }
    let out = Disjoint::new(out);
    for_each(len.div_ceil(chunk), threads, |i| {
        let start = i * chunk;
        // SAFETY: every piece is taken once.
        body(start, unsafe { out.slice(start, chunk.min(len - start)) });
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scoped_count_is_restored() {
        let before = num_threads();
        with_num_threads(3, || assert_eq!(num_threads(), 3));
        assert_eq!(num_threads(), before);
    }

    /// How often each of `tasks` indices is visited.
    fn visits(tasks: usize, threads: usize) -> Vec<usize> {
        let counts: Vec<AtomicUsize> = (0..tasks).map(|_| AtomicUsize::new(0)).collect();
        for_each(tasks, threads, |i| {
            counts[i].fetch_add(1, Ordering::Relaxed);
        });
        counts.into_iter().map(AtomicUsize::into_inner).collect()
    }

    #[test]
    fn every_task_runs_once_whoever_sleeps_or_competes() {
        std::thread::scope(|scope| {
            for caller in 0..3u64 {
                scope.spawn(move || {
                    for round in 0..300u64 {
                        let (tasks, threads) = ((round * 7 + caller) % 40, 2 + (round + caller) % 4);
                        let seen = visits(tasks as usize, threads as usize);
                        assert!(seen.iter().all(|&count| count == 1), "{seen:?}");
                        if round % 100 == 99 {
                            // Long enough for workers to fall asleep.
                            std::thread::sleep(std::time::Duration::from_millis(2));
                        }
                    }
                });
            }
        });
    }

    #[test]
    fn loops_inside_a_shared_loop_stay_on_their_thread() {
        let counts: Vec<AtomicUsize> = (0..64).map(|_| AtomicUsize::new(0)).collect();
        for_each(8, 3, |i| {
            assert_eq!(num_threads(), 1);
            let here = std::thread::current().id();
            for_each(8, 3, |j| {
                assert_eq!(std::thread::current().id(), here);
                counts[i * 8 + j].fetch_add(1, Ordering::Relaxed);
            });
        });
        assert!(counts.iter().all(|count| count.load(Ordering::Relaxed) == 1));
    }

    #[test]
    fn a_panic_on_any_thread_reaches_the_caller_and_the_pool_lives_on() {
        for cursed in [0, 5, 15] {
            let outcome = std::panic::catch_unwind(|| {
                for_each(16, 2, |i| {
                    std::thread::sleep(std::time::Duration::from_micros(50));
                    assert!(i != cursed, "task {i} is cursed");
                });
            });
            let panic = outcome.unwrap_err();
            assert_eq!(panic.downcast_ref::<String>().unwrap(), &format!("task {cursed} is cursed"));
            assert_eq!(visits(16, 2), [1; 16]);
        }
    }

    #[test]
    fn ranges_cover_everything_once() {
        for (len, parts, multiple) in [(0, 3, 4), (1, 3, 4), (100, 3, 8), (16, 4, 4), (7, 9, 1)] {
            let ranges = (0..split_count(len, parts, multiple)).map(|i| split_part(len, parts, multiple, i));
            let covered: Vec<usize> = ranges.flatten().collect();
            assert_eq!(covered, (0..len).collect::<Vec<_>>());
        }
    }

    #[test]
    fn chunks_see_their_offset() {
        let mut out = vec![0usize; 1000];
        with_num_threads(2, || {
            for_each_chunk(&mut out, 64, 1, |start, piece| {
                for (i, value) in piece.iter_mut().enumerate() {
                    *value = start + i;
                }
            });
        });
        assert_eq!(out, (0..1000).collect::<Vec<_>>());
    }
}
