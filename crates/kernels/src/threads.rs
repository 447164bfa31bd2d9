//! The one thread policy: a work-stealing pool whose workers sleep when idle, used only where the work pays for it.
//!
//! A pool that spins is faster on a quiet machine and collapses when a neighbour takes a core, so workers park. Waking
//! them from outside costs microseconds, from inside far less: enter the pool once ([`run`]) around a whole training
//! step and the kernels inside pay the small price.
//!
//! The number of threads is, first found first taken: [`with_num_threads`] around the call, [`set_num_threads`],
//! the environment variable `BAREHAND_NUM_THREADS`, the processor's count.

use std::cell::Cell;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rayon::ThreadPool;

/// The process-wide count; 0 until it is first asked for.
static THREADS: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// The count in force on this thread; 0 defers to [`THREADS`]. Workers carry their pool's size.
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

/// The pool with `n` workers; pools are built on first use and kept, since tests and programs use few sizes.
fn pool(n: usize) -> Arc<ThreadPool> {
    static POOLS: OnceLock<Mutex<Vec<Arc<ThreadPool>>>> = OnceLock::new();
    let mut pools = POOLS.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(pool) = pools.iter().find(|pool| pool.current_num_threads() == n) {
        return pool.clone();
    }
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(n)
        .thread_name(|i| format!("barehand-{i}"))
        .start_handler(move |_| SCOPED.set(n))
        .build()
        .expect("the operating system refused to start threads");
    pools.push(Arc::new(pool));
    pools[pools.len() - 1].clone()
}

/// Runs `work` inside the pool, so that every kernel in it finds the workers at hand. With one thread, or when already
/// inside, it is a plain call.
pub fn run<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    let n = num_threads();
    if n == 1 || inside(n) { work() } else { pool(n).install(work) }
}

/// Whether this thread is a worker of a pool of `n`.
fn inside(n: usize) -> bool {
    rayon::current_thread_index().is_some() && rayon::current_num_threads() == n
}

/// How many threads pay for `work` units of which each thread should have at least `grain`.
pub fn threads_for(work: usize, grain: usize) -> usize {
    num_threads().min(work / grain.max(1)).max(1)
}

/// Calls `body` on every index of `0..tasks`, in parallel when `threads > 1`.
pub fn for_each(tasks: usize, threads: usize, body: impl Fn(usize) + Sync) {
    use rayon::prelude::*;
    if threads <= 1 || tasks <= 1 {
        (0..tasks).for_each(body);
    } else {
        run(|| (0..tasks).into_par_iter().with_max_len(1).for_each(&body));
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
    use rayon::prelude::*;
    let chunk = chunk.max(1);
    if threads_for(out.len(), grain) <= 1 || out.len() <= chunk {
        out.chunks_mut(chunk).enumerate().for_each(|(i, piece)| body(i * chunk, piece));
    } else {
        run(|| out.par_chunks_mut(chunk).enumerate().for_each(|(i, piece)| body(i * chunk, piece)));
    }
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

    #[test]
    fn workers_know_the_size_of_their_pool() {
        let seen = with_num_threads(2, || run(num_threads));
        assert_eq!(seen, 2);
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
