//! Elkan's algorithm: bounds on distances, kept by the triangle inequality, settle most assignments without a distance.
//! Elkan 2003; scikit-learn's `_k_means_elkan.pyx`.

use super::GRAIN;
use crate::buffer::{Buffer, Plain};
use crate::disjoint::Disjoint;
use crate::isa::{Arch, Kernel, dispatch};
use crate::real::Real;
use crate::threads::{for_each, threads_for};

/// Samples that a thread takes at once.
const ROWS: usize = 512;

/// What is known of the distances of `n` samples to `k` centers.
pub struct ElkanBounds<T: Plain> {
    /// The center of each sample.
    pub labels: Vec<u32>,
    /// Not below the distance to it, `(n)`.
    upper: Buffer<T>,
    /// Not above the distance to each center, `(n, k)`.
    lower: Buffer<T>,
}

impl<T: Real + Plain> ElkanBounds<T> {
    /// Nothing known yet.
    pub fn new(n: usize, k: usize) -> Self {
        ElkanBounds { labels: vec![0; n], upper: Buffer::zeroed(n), lower: Buffer::zeroed(n * k) }
    }

    /// Loosens the bounds by how far each center has moved.
    pub fn moved(&mut self, shifts: &[T]) {
        let k = shifts.len();
        for ((upper, lower), &label) in
            self.upper.iter_mut().zip(self.lower.chunks_exact_mut(k)).zip(&self.labels)
        {
            *upper += shifts[label as usize];
            for (lower, &shift) in lower.iter_mut().zip(shifts) {
                *lower = (*lower - shift).max(T::ZERO);
            }
        }
    }
}

pub(super) fn start<T: Real + Plain>(x: &[T], centers: &[T], half: &[T], bounds: &mut ElkanBounds<T>) {
    run::<T, true>(x, centers, half, bounds);
}

pub(super) fn step<T: Real + Plain>(x: &[T], centers: &[T], half: &[T], bounds: &mut ElkanBounds<T>) {
    run::<T, false>(x, centers, half, bounds);
}

fn run<T: Real + Plain, const START: bool>(x: &[T], centers: &[T], half: &[T], bounds: &mut ElkanBounds<T>) {
    let n = bounds.labels.len();
    let k = bounds.lower.len() / n.max(1);
    let d = centers.len() / k.max(1);
    assert!(x.len() == n * d && centers.len() == k * d && half.len() == k * k, "{n} samples, {k} centers");
    // Half the distance to the nearest other center.
    let next: Vec<T> = (0..k)
        .map(|j| (0..k).filter(|&i| i != j).map(|i| half[j * k + i]).fold(T::INFINITY, T::min))
        .collect();
    let (labels, upper) = (Disjoint::new(&mut bounds.labels), Disjoint::new(&mut bounds.upper));
    let lower = Disjoint::new(&mut bounds.lower);
    for_each(n.div_ceil(ROWS), threads_for(n * d * 4, GRAIN), |i| {
        let (from, rows) = (i * ROWS, ROWS.min(n - i * ROWS));
        // SAFETY: every piece is taken once.
        let (labels, upper, lower) =
            unsafe { (labels.slice(from, rows), upper.slice(from, rows), lower.slice(from * k, rows * k)) };
        let x = &x[from * d..][..rows * d];
        dispatch(Rows::<_, START> { x, centers, d, half, next: &next, labels, upper, lower });
    });
}

struct Rows<'a, T, const START: bool> {
    x: &'a [T],
    centers: &'a [T],
    d: usize,
    half: &'a [T],
    next: &'a [T],
    labels: &'a mut [u32],
    upper: &'a mut [T],
    lower: &'a mut [T],
}

impl<T: Real, const START: bool> Kernel for Rows<'_, T, START> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arch>(self) {
        let Rows { x, centers, d, half, next, labels, upper, lower } = self;
        let k = next.len();
        for (i, ((label, upper), lower)) in
            labels.iter_mut().zip(upper).zip(lower.chunks_exact_mut(k)).enumerate()
        {
            let x = &x[i * d..][..d];
            let distance = |j: usize| distance::<A, T>(x, &centers[j * d..][..d]);
            let mut nearest = *label as usize;
            let mut most = *upper;
            if START {
                nearest = 0;
                most = distance(0);
                lower[0] = most;
                for j in 1..k {
                    if most > half[nearest * k + j] {
                        lower[j] = distance(j);
                        if lower[j] < most {
                            (nearest, most) = (j, lower[j]);
                        }
                    }
                }
            } else if next[nearest] < most {
                let mut tight = false;
                for j in 0..k {
                    if j == nearest || most <= lower[j] || most <= half[nearest * k + j] {
                        continue;
                    }
                    if !tight {
                        most = distance(nearest);
                        lower[nearest] = most;
                        tight = true;
                    }
                    if most > lower[j] && most > half[nearest * k + j] {
                        lower[j] = distance(j);
                        if lower[j] < most {
                            (nearest, most) = (j, lower[j]);
                        }
                    }
                }
            }
            *label = nearest as u32;
            *upper = most;
        }
    }
}

/// `|a - b|`
#[inline(always)]
fn distance<A: Arch, T: Real>(a: &[T], b: &[T]) -> T {
    const LANES: usize = 16;
    let mut sums = [T::ZERO; LANES];
    let (whole_a, rest_a) = a.as_chunks::<LANES>();
    let (whole_b, rest_b) = b.as_chunks::<LANES>();
    for (a, b) in whole_a.iter().zip(whole_b) {
        for lane in 0..LANES {
            let difference = a[lane] - b[lane];
            sums[lane] = A::fma(difference, difference, sums[lane]);
        }
    }
    for ((a, b), sum) in rest_a.iter().zip(rest_b).zip(&mut sums) {
        *sum += (*a - *b) * (*a - *b);
    }
    sums.into_iter().sum::<T>().sqrt()
}
