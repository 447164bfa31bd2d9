//! The steps of k-means for sparse rows: a stored element adds a row of the transposed centers to the distances.

use super::{GRAIN, Gathered, add_pieces};
use crate::buffer::{Buffer, Plain};
use crate::isa::{Arch, Kernel, dispatch};
use crate::real::Real;
use crate::threads::for_each_chunk;

/// Compressed sparse rows, as slices.
#[derive(Clone, Copy)]
pub struct SparseRows<'a, T> {
    /// Where each row's entries start, and where the last row's end.
    pub indptr: &'a [usize],
    /// The column of each entry.
    pub indices: &'a [u32],
    /// The value of each entry.
    pub values: &'a [T],
}

impl<'a, T> SparseRows<'a, T> {
    /// The entries of a row.
    #[inline(always)]
    pub(super) fn row(&self, i: usize) -> (&'a [u32], &'a [T]) {
        let entries = self.indptr[i]..self.indptr[i + 1];
        (&self.indices[entries.clone()], &self.values[entries])
    }
}

pub(super) fn nearest<T: Real + Plain>(x: SparseRows<T>, transposed: &[T], k: usize, labels: &mut [u32]) {
    assert_eq!(labels.len() + 1, x.indptr.len(), "labels of {} samples", labels.len());
    assert!(k > 0 && transposed.len().is_multiple_of(k), "{k} transposed centers");
    let mut norms = vec![0.0; k];
    for row in transposed.chunks_exact(k) {
        norms.iter_mut().zip(row).for_each(|(norm, c)| *norm += c.to_f64() * c.to_f64());
    }
    let norms: Vec<T> = norms.into_iter().map(T::from_f64).collect();
    let grain = GRAIN * labels.len() / (x.values.len() * k).max(1);
    for_each_chunk(labels, 256, grain.max(1), |from, labels| {
        dispatch(Nearest { x, from, transposed, norms: &norms, labels });
    });
}

struct Nearest<'a, T> {
    x: SparseRows<'a, T>,
    from: usize,
    transposed: &'a [T],
    norms: &'a [T],
    labels: &'a mut [u32],
}

impl<T: Real + Plain> Kernel for Nearest<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arch>(self) {
        let k = self.norms.len();
        let mut distances = Buffer::copy_of(self.norms);
        for (i, label) in self.labels.iter_mut().enumerate() {
            distances.copy_from_slice(self.norms);
            let (columns, values) = self.x.row(self.from + i);
            for (&column, &value) in columns.iter().zip(values) {
                let weight = -T::TWO * value;
                let centers = &self.transposed[column as usize * k..][..k];
                for (distance, &c) in distances.iter_mut().zip(centers) {
                    *distance = A::fma(weight, c, *distance);
                }
            }
            let (mut least, mut at) = (T::INFINITY, 0);
            for (j, &distance) in distances.iter().enumerate() {
                if distance < least {
                    (least, at) = (distance, j);
                }
            }
            *label = at as u32;
        }
    }
}

pub(super) fn gather<T: Real>(x: SparseRows<T>, weights: Option<&[f64]>, labels: &[u32], gathered: Gathered) {
    let Gathered { sums, totals } = gathered;
    let (n, k) = (labels.len(), totals.len());
    assert!(k > 0 && sums.len().is_multiple_of(k) && x.indptr.len() == n + 1, "{k} sums");
    let d = sums.len() / k;
    let total = add_pieces(n, k * d + k, x.values.len() * 2, |from, to, partial| {
        let (sums, totals) = partial.split_at_mut(k * d);
        for i in from..to {
            let label = labels[i] as usize;
            let weight = weights.map_or(1.0, |weights| weights[i]);
            totals[label] += weight;
            let (columns, values) = x.row(i);
            for (&column, value) in columns.iter().zip(values) {
                sums[label * d + column as usize] += weight * value.to_f64();
            }
        }
    });
    sums.copy_from_slice(&total[..k * d]);
    totals.copy_from_slice(&total[k * d..k * (d + 1)]);
}
