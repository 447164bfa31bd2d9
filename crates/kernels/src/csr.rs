//! Products of sparse rows with small dense matrices.

use crate::disjoint::Disjoint;
use crate::math::Math;
use crate::threads::{for_each, for_each_chunk, threads_for};

/// Multiply-adds that are worth a thread; each waits for memory.
const GRAIN: usize = 1 << 15;

/// Pieces of rows whose transposed products are added up in order: threads never change a result.
const PIECES: usize = 8;

/// Sparse rows, as [compressed](https://docs.scipy.org/doc/scipy/reference/generated/scipy.sparse.csr_array.html): row `i`
/// owns the entries `indptr[i] .. indptr[i + 1]`.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a, T> {
    /// Where each row's entries start, and where the last row's end.
    pub indptr: &'a [usize],
    /// The column of each entry.
    pub indices: &'a [u32],
    /// The value of each entry.
    pub values: &'a [T],
    /// How many columns there are.
    pub columns: usize,
}

impl<'a, T> Rows<'a, T> {
    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.indptr.len() - 1
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The columns and the values of a row.
    #[inline(always)]
    pub fn row(&self, row: usize) -> (&'a [u32], &'a [T]) {
        let entries = self.indptr[row]..self.indptr[row + 1];
        (&self.indices[entries.clone()], &self.values[entries])
    }
}

/// Products with sparse rows.
pub trait CsrProduct: Math {
    /// `out = x w^T + bias`: `w` is `(outputs, columns)`, `out` `(n, outputs)`.
    fn csr_linear(x: &Rows<Self>, w: &[Self], bias: &[Self], out: &mut [Self]);

    /// `out = r^T x`: `r` is `(n, outputs)`, `out` `(outputs, columns)`.
    fn csr_transposed(x: &Rows<Self>, r: &[Self], outputs: usize, out: &mut [f64]);
}

macro_rules! csr_product {
    ($($t:ident),*) => { $(
        impl CsrProduct for $t {
            fn csr_linear(x: &Rows<Self>, w: &[Self], bias: &[Self], out: &mut [Self]) {
                linear(x, w, bias, out);
            }
            fn csr_transposed(x: &Rows<Self>, r: &[Self], outputs: usize, out: &mut [f64]) {
                transposed(x, r, outputs, out);
            }
        }
    )* };
}
csr_product!(f32, f64);

fn linear<T: Math>(x: &Rows<T>, w: &[T], bias: &[T], out: &mut [T]) {
    let outputs = bias.len();
    assert!(w.len() == outputs * x.columns && out.len() == outputs * x.len(), "{outputs} outputs");
    // Coefficients of one column side by side, so that an entry reads them in one place.
    let mut by_column = vec![T::ZERO; if outputs > 1 { w.len() } else { 0 }];
    if outputs > 1 {
        for (o, w) in w.chunks_exact(x.columns.max(1)).enumerate() {
            for (column, &w) in w.iter().enumerate() {
                by_column[column * outputs + o] = w;
            }
        }
    }
    let work = x.values.len() / x.len().max(1) + 1;
    for_each_chunk(out, 256 * outputs.max(1), GRAIN / work, |at, out| {
        for (i, out) in out.chunks_exact_mut(outputs.max(1)).enumerate() {
            let (columns, values) = x.row(at / outputs + i);
            if outputs == 1 {
                let sum: T =
                    columns.iter().zip(values).map(|(&column, &value)| w[column as usize] * value).sum();
                out[0] = sum + bias[0];
                continue;
            }
            out.copy_from_slice(bias);
            for (&column, &value) in columns.iter().zip(values) {
                let w = &by_column[column as usize * outputs..][..outputs];
                out.iter_mut().zip(w).for_each(|(out, &w)| *out += w * value);
            }
        }
    });
}

fn transposed<T: Math>(x: &Rows<T>, r: &[T], outputs: usize, out: &mut [f64]) {
    assert!(r.len() == outputs * x.len() && out.len() == outputs * x.columns, "{outputs} outputs");
    let rows = x.len().div_ceil(PIECES).max(256);
    let pieces = x.len().div_ceil(rows).max(1);
    let mut partial = vec![0.0; pieces * out.len()];
    let slots = Disjoint::new(&mut partial);
    for_each(pieces, threads_for(x.values.len() * outputs, GRAIN), |piece| {
        // SAFETY: every piece is taken once.
        let sum = unsafe { slots.slice(piece * out.len(), out.len()) };
        for row in piece * rows..x.len().min((piece + 1) * rows) {
            let (columns, values) = x.row(row);
            for (o, r) in r[row * outputs..(row + 1) * outputs].iter().enumerate() {
                let (sum, r) = (&mut sum[o * x.columns..(o + 1) * x.columns], r.to_f64());
                for (&column, value) in columns.iter().zip(values) {
                    sum[column as usize] += r * value.to_f64();
                }
            }
        }
    });
    out.fill(0.0);
    for partial in partial.chunks_exact(out.len().max(1)) {
        out.iter_mut().zip(partial).for_each(|(out, value)| *out += value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::threads::with_num_threads;

    #[test]
    fn sparse_rows_are_rows_with_zeros() {
        let (n, d) = (3000, 7);
        let dense: Vec<f64> =
            (0..n * d).map(|i| if i * i % 5 < 2 { (i % 11) as f64 - 4.0 } else { 0.0 }).collect();
        let (mut indptr, mut indices, mut values) = (vec![0], Vec::new(), Vec::new());
        for row in dense.chunks_exact(d) {
            for (column, &value) in row.iter().enumerate().filter(|(_, value)| **value != 0.0) {
                indices.push(column as u32);
                values.push(value);
            }
            indptr.push(indices.len());
        }
        let x = Rows { indptr: &indptr, indices: &indices, values: &values, columns: d };
        for k in [1, 3] {
            let w: Vec<f64> = (0..k * d).map(|i| i as f64 / 4.0).collect();
            let bias: Vec<f64> = (0..k).map(|i| i as f64).collect();
            let mut scores = vec![0.0; n * k];
            with_num_threads(3, || f64::csr_linear(&x, &w, &bias, &mut scores));
            let mut sums = vec![0.0; k * d];
            with_num_threads(3, || f64::csr_transposed(&x, &scores, k, &mut sums));
            let mut expected = vec![0.0; k * d];
            for (row, x) in dense.chunks_exact(d).enumerate() {
                for o in 0..k {
                    let z: f64 = bias[o] + x.iter().zip(&w[o * d..]).map(|(x, w)| x * w).sum::<f64>();
                    assert_eq!(z, scores[row * k + o]);
                    for j in 0..d {
                        expected[o * d + j] += z * x[j];
                    }
                }
            }
            assert_eq!(sums, expected);
        }
    }
}
