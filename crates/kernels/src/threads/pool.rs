//! The workers: threads that share loops, awake for a moment after each and then asleep.
//!
//! The loops of a training step follow one another within microseconds, and waking a sleeping thread takes tens of
//! them: a pool whose workers sleep at once leaves every loop to its caller for as long as many of them last. One whose
//! workers spin for ever starves whatever else the machine does. So a worker that runs out of work stays awake for
//! [`AWAKE`], after the first [`EAGER`] giving way to whoever else wants its processor, then sleeps.
//!
//! The caller works too, and every thread begins at a part of its own and helps the others when it is done: the same
//! thread meets the same part of an array loop after loop, while its cache still holds it, and a worker that does not
//! show up, because a neighbour has its processor, is not waited for.

use std::any::Any;
use std::cell::UnsafeCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError, TryLockError};
use std::thread::Thread;
use std::time::{Duration, Instant};

/// Threads that can share a loop, the caller included.
const MOST: usize = 256;

/// How long a worker looks for the next loop without pause.
const EAGER: Duration = Duration::from_micros(20);

/// How long a worker looks for the next loop before it sleeps.
const AWAKE: Duration = Duration::from_micros(300);

/// What belongs to one thread of a loop; on cache lines of its own, since others write theirs meanwhile.
#[repr(align(128))]
struct Slot {
    /// The thread's part of the loop: tasks `next..end` are still to be taken, by it or by others.
    next: AtomicUsize,
    end: AtomicUsize,
    asleep: AtomicBool,
    thread: OnceLock<Thread>,
}

static SLOTS: [Slot; MOST] = [const {
    Slot {
        next: AtomicUsize::new(0),
        end: AtomicUsize::new(0),
        asleep: AtomicBool::new(false),
        thread: OnceLock::new(),
    }
}; MOST];

/// The number of the latest loop (from bit 32), whether workers may still join it, and how many are inside.
static STATE: AtomicU64 = AtomicU64::new(0);
const OPEN: u64 = 1 << 31;
const INSIDE: u64 = OPEN - 1;

/// How many workers exist. Whoever shares a loop holds the lock.
static WORKERS: Mutex<usize> = Mutex::new(0);

/// The loop that is shared.
struct Loop {
    body: *const (dyn Fn(usize) + Sync),
    threads: usize,
    /// What a worker panicked with.
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

struct Shared(UnsafeCell<Option<Loop>>);

// SAFETY: written only by the holder of `WORKERS` while no worker is inside, read only by workers that are.
unsafe impl Sync for Shared {}

static SHARED: Shared = Shared(UnsafeCell::new(None));

/// Calls `body` on every index of `0..tasks`, on the calling thread and up to `threads - 1` workers. Alone where another
/// thread is sharing a loop at the moment, or the system has no threads to give.
pub(super) fn for_each(tasks: usize, threads: usize, body: &(dyn Fn(usize) + Sync)) {
    let mut workers = match WORKERS.try_lock() {
        Ok(workers) => workers,
        Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
        Err(TryLockError::WouldBlock) => return (0..tasks).for_each(body),
    };
    let threads = hire(&mut workers, threads.min(tasks).min(MOST));
    if threads <= 1 {
        drop(workers);
        return (0..tasks).for_each(body);
    }
    for (i, slot) in SLOTS[..threads].iter().enumerate() {
        slot.next.store(i * tasks / threads, Ordering::Relaxed);
        slot.end.store((i + 1) * tasks / threads, Ordering::Relaxed);
    }
    // SAFETY: only the lifetime changes; workers use the body while they are inside, and this call outlasts that.
    let body_for_all =
        unsafe { std::mem::transmute::<&(dyn Fn(usize) + Sync), &'static (dyn Fn(usize) + Sync)>(body) };
    // SAFETY: this thread holds `WORKERS`, and the last loop's caller waited until no worker was inside.
    unsafe { *SHARED.0.get() = Some(Loop { body: body_for_all, threads, panic: Mutex::new(None) }) };
    let number = (STATE.load(Ordering::Relaxed) >> 32) + 1;
    STATE.store(number << 32 | OPEN, Ordering::SeqCst);
    for slot in &SLOTS[1..threads] {
        // A worker announces its sleep before it looks at the state for the last time, so one of the two sees the other.
        if slot.asleep.swap(false, Ordering::SeqCst)
            && let Some(thread) = slot.thread.get()
        {
            thread.unpark();
        }
    }
    let own = catch_unwind(AssertUnwindSafe(|| take_part(0, threads, body)));
    STATE.fetch_and(!OPEN, Ordering::AcqRel);
    let start = Instant::now();
    while STATE.load(Ordering::Acquire) & INSIDE > 0 {
        if start.elapsed() < EAGER { std::hint::spin_loop() } else { std::thread::yield_now() }
    }
    // SAFETY: as above; no worker is inside any more.
    let shared = unsafe { (*SHARED.0.get()).take() };
    drop(workers);
    if let Err(panic) = own {
        resume_unwind(panic);
    }
    let theirs = shared.and_then(|shared| shared.panic.into_inner().unwrap_or_else(PoisonError::into_inner));
    if let Some(panic) = theirs {
        resume_unwind(panic);
    }
}

/// Starts workers until `threads` can share a loop, the caller being one of them, and tells how many can.
fn hire(workers: &mut usize, threads: usize) -> usize {
    while *workers + 1 < threads {
        let place = *workers + 1;
        let seen = STATE.load(Ordering::Relaxed) >> 32;
        let builder = std::thread::Builder::new().name(format!("barehand-{place}"));
        match builder.spawn(move || work(place, seen)) {
            Ok(handle) => {
                let _ = SLOTS[place].thread.set(handle.thread().clone());
                *workers = place;
            }
            Err(_) => break,
        }
    }
    threads.min(*workers + 1)
}

/// Takes tasks from the thread's own part, then from those of the others.
fn take_part(place: usize, threads: usize, body: &(dyn Fn(usize) + Sync)) {
    // Loops inside the body are not shared again: all threads are busy.
    super::with_num_threads(1, || {
        for i in 0..threads {
            let slot = &SLOTS[(place + i) % threads];
            let end = slot.end.load(Ordering::Relaxed);
            loop {
                let task = slot.next.fetch_add(1, Ordering::Relaxed);
                if task >= end {
                    break;
                }
                body(task);
            }
        }
    });
}

/// The life of a worker that has seen the loops up to number `seen`.
fn work(place: usize, mut seen: u64) {
    loop {
        seen = next_loop(place, seen);
        if !join(seen) {
            continue;
        }
        // SAFETY: inside, where the loop is not replaced; so its body lives.
        if let Some(shared) = unsafe { &*SHARED.0.get() }
            && place < shared.threads
        {
            // SAFETY: as above.
            let body = unsafe { &*shared.body };
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| take_part(place, shared.threads, body))) {
                *shared.panic.lock().unwrap_or_else(PoisonError::into_inner) = Some(panic);
            }
        }
        STATE.fetch_sub(1, Ordering::Release);
    }
}

/// Enters loop `number` unless it is over.
fn join(number: u64) -> bool {
    let open = |state: u64| (state >> 32 == number && state & OPEN != 0).then_some(state + 1);
    STATE.fetch_update(Ordering::AcqRel, Ordering::Acquire, open).is_ok()
}

/// Waits for a loop after number `seen`, and tells its number.
fn next_loop(place: usize, seen: u64) -> u64 {
    let number = |order| STATE.load(order) >> 32;
    let start = Instant::now();
    loop {
        for _ in 0..32 {
            if number(Ordering::Acquire) != seen {
                return number(Ordering::Acquire);
            }
            std::hint::spin_loop();
        }
        let waited = start.elapsed();
        if waited > AWAKE {
            break;
        }
        if waited > EAGER {
            std::thread::yield_now();
        }
    }
    let asleep = &SLOTS[place].asleep;
    asleep.store(true, Ordering::SeqCst);
    while number(Ordering::SeqCst) == seen {
        std::thread::park();
    }
    asleep.store(false, Ordering::Relaxed);
    number(Ordering::Acquire)
}
