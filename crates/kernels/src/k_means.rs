//! k-means: the nearest of `k` centers for every sample, and what each center gathers.
//!
//! ```text
//! label_i = argmin_j |c_j|^2 - 2 x_i c_j            one matrix product a panel, and a minimum over its rows
//! sum_j   = sum_{label_i = j} w_i (x_i - shift)     in f64
//! ```
//!
//! Samples are cut into pieces whose size depends on the problem alone; each piece has sums of its own, added up in order:
//! the number of threads changes no bit.

mod elkan;
mod panels;
mod sparse;

pub use elkan::ElkanBounds;
pub use panels::Panels;
pub use sparse::SparseRows;

use self::panels::{Differences, WIDTH};
use crate::buffer::{Buffer, Plain};
use crate::disjoint::Disjoint;
use crate::gemm::lanes::Vectors;
use crate::gemm::{Gemm, Matrix, MatrixMut};
use crate::isa::{Arch, Kernel, dispatch};
use crate::real::Real;
use crate::threads::{for_each, for_each_chunk, threads_for};

/// Multiply-adds below which another thread does not pay.
const GRAIN: usize = 1 << 19;

/// Samples of the smallest piece.
const PIECE: usize = 2048;

/// Elements of all pieces' sums together, beyond which pieces become larger.
const PARTIAL: usize = 1 << 22;

/// The steps of k-means for `f32` and `f64`.
pub trait KMeans: Gemm + Plain {
    /// The nearest of the centers `(k, d)` for every sample; of equally near ones the first.
    fn nearest(x: &Panels<Self>, centers: &[Self], k: usize, labels: &mut [u32]);

    /// As [`nearest`](Self::nearest), and as [`gather`](Self::gather) for the new labels; `x` is given in both layouts.
    fn lloyd(
        panels: &Panels<Self>,
        x: &[Self],
        shift: &[f64],
        weights: Option<&[f64]>,
        centers: &[Self],
        k: usize,
        labels: &mut [u32],
        gathered: Gathered,
    );

    /// The weighted sums of `x - shift` of each label, and the sums of the weights.
    fn gather(x: &[Self], shift: &[f64], weights: Option<&[f64]>, labels: &[u32], gathered: Gathered);

    /// Squared distances to `k` points, `(k, n)`, from the differences; none above `ceiling` (`(n)`), where there is one.
    fn squared_distances(
        x: &Panels<Self>,
        points: &[Self],
        k: usize,
        ceiling: Option<&[Self]>,
        out: &mut [Self],
    );

    /// The squared distance of every sample to the center of its label.
    fn own_distances(x: &[Self], shift: &[f64], centers: &[Self], labels: &[u32], out: &mut [f64]);

    /// The sum of values times weights, in f64.
    fn weighted_sum(values: &[Self], weights: Option<&[f64]>) -> f64;

    /// The first assignment of Elkan's algorithm and its bounds.
    fn elkan_start(x: &[Self], centers: &[Self], half: &[Self], bounds: &mut ElkanBounds<Self>);

    /// An assignment of Elkan's algorithm: only distances that the bounds do not settle are computed.
    fn elkan_step(x: &[Self], centers: &[Self], half: &[Self], bounds: &mut ElkanBounds<Self>);

    /// As [`nearest`](Self::nearest) for sparse rows; centers are transposed, `(d, k)`.
    fn nearest_sparse(x: SparseRows<Self>, transposed: &[Self], k: usize, labels: &mut [u32]);

    /// As [`gather`](Self::gather) for sparse rows.
    fn gather_sparse(x: SparseRows<Self>, weights: Option<&[f64]>, labels: &[u32], gathered: Gathered);
}

/// What each of `k` clusters holds.
pub struct Gathered<'a> {
    /// Weighted sums of the samples, `(k, d)`.
    pub sums: &'a mut [f64],
    /// Sums of the weights, `(k)`.
    pub totals: &'a mut [f64],
}

macro_rules! k_means {
    ($($t:ty),*) => { $(
        impl KMeans for $t {
            fn nearest(x: &Panels<Self>, centers: &[Self], k: usize, labels: &mut [u32]) {
                nearest(x, centers, k, labels);
            }

            fn lloyd(
                panels: &Panels<Self>,
                x: &[Self],
                shift: &[f64],
                weights: Option<&[f64]>,
                centers: &[Self],
                k: usize,
                labels: &mut [u32],
                gathered: Gathered,
            ) {
                let norms = squared_norms(centers, k);
                let labels = Disjoint::new(labels);
                pieces(panels.rows(), panels.columns(), k, x, shift, weights, gathered, |from, to| {
                    // SAFETY: pieces do not overlap.
                    let labels = unsafe { labels.slice(from, to - from) };
                    assign(panels, centers, &norms, k, from / WIDTH, labels);
                    labels
                });
            }

            fn gather(x: &[Self], shift: &[f64], weights: Option<&[f64]>, labels: &[u32], gathered: Gathered) {
                let (n, d, k) = (labels.len(), shift.len(), gathered.totals.len());
                pieces(n, d, k, x, shift, weights, gathered, |from, to| &labels[from..to]);
            }

            fn squared_distances(
                x: &Panels<Self>,
                points: &[Self],
                k: usize,
                ceiling: Option<&[Self]>,
                out: &mut [Self],
            ) {
                squared_distances(x, points, k, ceiling, out);
            }

            fn own_distances(x: &[Self], shift: &[f64], centers: &[Self], labels: &[u32], out: &mut [f64]) {
                let d = shift.len();
                assert!(x.len() == labels.len() * d && out.len() == labels.len(), "distances of {d} features");
                for_each_chunk(out, PIECE, (GRAIN / d.max(1)).max(1), |from, out| {
                    let (x, labels) = (&x[from * d..][..out.len() * d], &labels[from..][..out.len()]);
                    dispatch(Own { x, shift, centers, labels, out });
                });
            }

            fn weighted_sum(values: &[Self], weights: Option<&[f64]>) -> f64 {
                dispatch(WeightedSum { values, weights })
            }

            fn elkan_start(x: &[Self], centers: &[Self], half: &[Self], bounds: &mut ElkanBounds<Self>) {
                elkan::start(x, centers, half, bounds);
            }

            fn elkan_step(x: &[Self], centers: &[Self], half: &[Self], bounds: &mut ElkanBounds<Self>) {
                elkan::step(x, centers, half, bounds);
            }

            fn nearest_sparse(x: SparseRows<Self>, transposed: &[Self], k: usize, labels: &mut [u32]) {
                sparse::nearest(x, transposed, k, labels);
            }

            fn gather_sparse(x: SparseRows<Self>, weights: Option<&[f64]>, labels: &[u32], gathered: Gathered) {
                sparse::gather(x, weights, labels, gathered);
            }
        }
    )* };
}
k_means!(f32, f64);

/// `|c_j|^2`
fn squared_norms<T: Real>(centers: &[T], k: usize) -> Vec<T> {
    let d = centers.len() / k.max(1);
    assert!(centers.len() == k * d, "{k} centers of {d} features");
    let norm = |center: &[T]| T::from_f64(center.iter().map(|c| c.to_f64() * c.to_f64()).sum());
    if d == 0 { vec![T::ZERO; k] } else { centers.chunks_exact(d).map(norm).collect() }
}

fn nearest<T: Vectors + Gemm>(x: &Panels<T>, centers: &[T], k: usize, labels: &mut [u32]) {
    assert_eq!(labels.len(), x.rows(), "labels of {} samples", x.rows());
    let norms = squared_norms(centers, k);
    for_each_chunk(labels, 8 * WIDTH, (GRAIN / (k * x.columns()).max(1)).max(1), |from, labels| {
        assign(x, centers, &norms, k, from / WIDTH, labels);
    });
}

/// Labels of whole panels, from panel `first` on.
fn assign<T: Vectors + Gemm>(
    x: &Panels<T>,
    centers: &[T],
    norms: &[T],
    k: usize,
    first: usize,
    labels: &mut [u32],
) {
    let d = x.columns();
    let mut products = Buffer::<T>::scratch(k * WIDTH);
    for (i, labels) in labels.chunks_mut(WIDTH).enumerate() {
        let panel = Matrix::row_major(x.panel(first + i), d, WIDTH);
        let out = MatrixMut::row_major(&mut products, k, WIDTH);
        T::gemm(-T::TWO, Matrix::row_major(centers, k, d), panel, T::ZERO, out);
        dispatch(Least { products: &products, norms, labels });
    }
}

/// The row of the least `products + norms` in each column.
struct Least<'a, T> {
    products: &'a [T],
    norms: &'a [T],
    labels: &'a mut [u32],
}

impl<T: Real> Kernel for Least<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arch>(self) {
        let mut least = [T::INFINITY; WIDTH];
        let mut at = [0; WIDTH];
        for (j, (row, &norm)) in (0..).zip(self.products.chunks_exact(WIDTH).zip(self.norms)) {
            for r in 0..WIDTH {
                let distance = row[r] + norm;
                let nearer = distance < least[r];
                least[r] = if nearer { distance } else { least[r] };
                at[r] = if nearer { j } else { at[r] };
            }
        }
        self.labels.copy_from_slice(&at[..self.labels.len()]);
    }
}

/// Gathers pieces of samples, whose labels `labels(from, to)` says, into sums of their own, which are added up in order.
fn pieces<'a, T: Real>(
    n: usize,
    d: usize,
    k: usize,
    x: &[T],
    shift: &[f64],
    weights: Option<&[f64]>,
    gathered: Gathered,
    labels: impl Fn(usize, usize) -> &'a [u32] + Sync,
) {
    let Gathered { sums, totals } = gathered;
    assert!(
        x.len() == n * d && shift.len() == d && sums.len() == k * d && totals.len() == k,
        "{k} sums of {d}"
    );
    assert!(weights.is_none_or(|weights| weights.len() == n), "weights of {n} samples");
    let total = add_pieces(n, k * d + k, n * d * (k + 2), |from, to, partial| {
        let labels = labels(from, to);
        let (sums, totals) = partial.split_at_mut(k * d);
        let weights = weights.map(|weights| &weights[from..to]);
        dispatch(Gather { x: &x[from * d..to * d], shift, weights, labels, sums, totals });
    });
    sums.copy_from_slice(&total[..k * d]);
    totals.copy_from_slice(&total[k * d..k * (d + 1)]);
}

/// The sum of what `body(from, to, partial)` adds to the zeros of `partial` for each piece of `0..n`.
fn add_pieces(
    n: usize,
    size: usize,
    work: usize,
    body: impl Fn(usize, usize, &mut [f64]) + Sync,
) -> Buffer<f64> {
    let most = (PARTIAL / size.max(1)).clamp(4, 32);
    let rows = n.div_ceil(most).max(PIECE).next_multiple_of(WIDTH);
    let count = n.div_ceil(rows).max(1);
    let mut partial = Buffer::<f64>::zeroed(count * size);
    let cut = Disjoint::new(&mut partial);
    for_each(count, threads_for(work, GRAIN), |i| {
        // SAFETY: every piece is taken once.
        body(i * rows, n.min((i + 1) * rows), unsafe { cut.slice(i * size, size) });
    });
    let (total, others) = partial.split_at_mut(size);
    for other in others.chunks_exact(size) {
        total.iter_mut().zip(other).for_each(|(total, other)| *total += other);
    }
    partial
}

/// Adds samples to the sums of their labels.
struct Gather<'a, T> {
    x: &'a [T],
    shift: &'a [f64],
    weights: Option<&'a [f64]>,
    labels: &'a [u32],
    sums: &'a mut [f64],
    totals: &'a mut [f64],
}

impl<T: Real> Kernel for Gather<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arch>(self) {
        let Gather { x, shift, weights, labels, sums, totals } = self;
        let d = shift.len();
        for (i, &label) in labels.iter().enumerate() {
            let row = &x[i * d..][..d];
            let sum = &mut sums[label as usize * d..][..d];
            let weight = weights.map_or(1.0, |weights| weights[i]);
            totals[label as usize] += weight;
            if weight == 1.0 {
                for ((sum, &x), shift) in sum.iter_mut().zip(row).zip(shift) {
                    *sum += x.to_f64() - shift;
                }
            } else {
                for ((sum, &x), shift) in sum.iter_mut().zip(row).zip(shift) {
                    *sum += weight * (x.to_f64() - shift);
                }
            }
        }
    }
}

fn squared_distances<T: Vectors>(
    x: &Panels<T>,
    points: &[T],
    k: usize,
    ceiling: Option<&[T]>,
    out: &mut [T],
) {
    let (n, d) = (x.rows(), x.columns());
    assert!(points.len() == k * d && out.len() == k * n, "distances of {n} samples to {k} points of {d}");
    assert!(ceiling.is_none_or(|ceiling| ceiling.len() == n), "a ceiling of {n} samples");
    let out = Disjoint::new(out);
    let panels = n.div_ceil(WIDTH);
    for_each(panels.div_ceil(8), threads_for(n * k * d, GRAIN), |group| {
        let mut block = Buffer::<T>::scratch(k * WIDTH);
        for i in group * 8..panels.min((group + 1) * 8) {
            dispatch(Differences { panel: x.panel(i), points, k, out: &mut block });
            let (from, count) = (i * WIDTH, WIDTH.min(n - i * WIDTH));
            for (j, block) in block.chunks_exact(WIDTH).enumerate() {
                // SAFETY: every piece is taken once.
                let out = unsafe { out.slice(j * n + from, count) };
                match ceiling {
                    None => out.copy_from_slice(&block[..count]),
                    Some(ceiling) => {
                        for ((out, &value), &most) in out.iter_mut().zip(block).zip(&ceiling[from..]) {
                            *out = value.min(most);
                        }
                    }
                }
            }
        }
    });
}

/// Lanes of sums along rows.
const LANES: usize = 8;

/// Squared distances to centers, in f64.
struct Own<'a, T> {
    x: &'a [T],
    shift: &'a [f64],
    centers: &'a [T],
    labels: &'a [u32],
    out: &'a mut [f64],
}

impl<T: Real> Kernel for Own<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arch>(self) {
        let d = self.shift.len();
        for (i, (out, &label)) in self.out.iter_mut().zip(self.labels).enumerate() {
            let (x, center) = (&self.x[i * d..][..d], &self.centers[label as usize * d..][..d]);
            let mut sums = [0.0; LANES];
            let whole = d / LANES * LANES;
            for t in (0..whole).step_by(LANES) {
                for lane in 0..LANES {
                    let t = t + lane;
                    let difference = x[t].to_f64() - self.shift[t] - center[t].to_f64();
                    sums[lane] = A::fma(difference, difference, sums[lane]);
                }
            }
            for t in whole..d {
                let difference = x[t].to_f64() - self.shift[t] - center[t].to_f64();
                sums[t - whole] += difference * difference;
            }
            *out = sums.iter().sum();
        }
    }
}

struct WeightedSum<'a, T> {
    values: &'a [T],
    weights: Option<&'a [f64]>,
}

impl<T: Real> Kernel for WeightedSum<'_, T> {
    type Output = f64;

    #[inline(always)]
    fn run<A: Arch>(self) -> f64 {
        let mut sums = [0.0; 4 * LANES];
        match self.weights {
            None => {
                for chunk in self.values.chunks(4 * LANES) {
                    sums.iter_mut().zip(chunk).for_each(|(sum, value)| *sum += value.to_f64());
                }
            }
            Some(weights) => {
                for (chunk, weights) in self.values.chunks(4 * LANES).zip(weights.chunks(4 * LANES)) {
                    for ((sum, value), weight) in sums.iter_mut().zip(chunk).zip(weights) {
                        *sum += value.to_f64() * weight;
                    }
                }
            }
        }
        sums.iter().sum()
    }
}
