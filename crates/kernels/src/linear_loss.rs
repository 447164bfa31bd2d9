//! The losses of linear classifiers and their gradients, in one pass over the samples.
//!
//! A block of rows stays in the caches while its scores, its losses and its part of the gradient are computed, so that the
//! samples are read from memory once for a step of any solver.

use crate::disjoint::Disjoint;
use crate::gemm::{Gemm, Matrix, MatrixMut};
use crate::isa::{Arch, Kernel, dispatch};
use crate::math::{self, Math};
use crate::threads::{for_each, threads_for, with_num_threads};

/// Rows whose scores are computed together.
const BLOCK: usize = 128;

/// Rows of a piece, whose sums are added up in order: threads never change a result.
const PIECE: usize = 16 * BLOCK;

/// Multiply-adds that are worth a thread.
const GRAIN: usize = 1 << 18;

/// Samples of a linear classifier: `x` of `(n, columns)` and for each row its class.
#[derive(Clone, Copy, Debug)]
pub struct Classified<'a, T> {
    /// Features, `(n, columns)`.
    pub x: &'a [T],
    /// Columns of `x`.
    pub columns: usize,
    /// The class of each row: 0 or 1 where there is one score a row, else the number of its score.
    pub classes: &'a [u32],
    /// A weight for each row, or 1.
    pub weights: Option<&'a [f64]>,
}

/// Losses of linear classifiers.
pub trait LinearLoss: Gemm + Math {
    /// The sum of the weighted cross entropies of scores `x coef^T + intercept`, with `coef` of `(outputs, columns)`; its
    /// gradient goes to `d_coef` and `d_intercept`.
    ///
    /// One output is the logit of class 1 against class 0, several are the logits of a softmax. Where
    /// `probabilities`, `(n, outputs)`, is given, it is filled too.
    fn cross_entropy_gradient(
        samples: &Classified<Self>,
        coef: &[Self],
        intercept: &[Self],
        d_coef: &mut [f64],
        d_intercept: &mut [f64],
        probabilities: Option<&mut [Self]>,
    ) -> f64;

    /// The same of scores that are there already, `(n, outputs)`: they become the derivatives by the scores.
    fn cross_entropy_of_scores(
        scores: &mut [Self],
        outputs: usize,
        classes: &[u32],
        weights: Option<&[f64]>,
        probabilities: Option<&mut [Self]>,
    ) -> f64;
}

macro_rules! linear_loss {
    ($($t:ident),*) => { $(
        impl LinearLoss for $t {
            fn cross_entropy_gradient(
                samples: &Classified<Self>,
                coef: &[Self],
                intercept: &[Self],
                d_coef: &mut [f64],
                d_intercept: &mut [f64],
                probabilities: Option<&mut [Self]>,
            ) -> f64 {
                gradient(samples, coef, intercept, d_coef, d_intercept, probabilities)
            }

            fn cross_entropy_of_scores(
                scores: &mut [Self],
                outputs: usize,
                classes: &[u32],
                weights: Option<&[f64]>,
                probabilities: Option<&mut [Self]>,
            ) -> f64 {
                of_scores(scores, outputs, classes, weights, probabilities)
            }
        }
    )* };
}
linear_loss!(f32, f64);

fn gradient<T: Gemm + Math>(
    samples: &Classified<T>,
    coef: &[T],
    intercept: &[T],
    d_coef: &mut [f64],
    d_intercept: &mut [f64],
    probabilities: Option<&mut [T]>,
) -> f64 {
    let (n, columns, outputs) = (samples.classes.len(), samples.columns, intercept.len());
    assert_eq!(samples.x.len(), n * columns, "x has {n} rows");
    assert!(coef.len() == outputs * columns && d_coef.len() == coef.len(), "{outputs} rows of coefficients");
    assert_eq!(d_intercept.len(), outputs, "an intercept for each output");
    assert!(samples.weights.is_none_or(|weights| weights.len() == n), "a weight for each row");
    assert!(probabilities.as_ref().is_none_or(|p| p.len() == n * outputs), "probabilities of each row");
    let size = outputs * (columns + 1) + 1;
    let pieces = n.div_ceil(PIECE);
    let mut partial = vec![0.0; pieces * size];
    let slots = Disjoint::new(&mut partial);
    let probabilities = probabilities.map(Disjoint::new);
    for_each(pieces, threads_for(n * size * 2, GRAIN), |piece| {
        // SAFETY: every piece is taken once, and so are its rows.
        let (slot, p) = unsafe {
            let (from, rows) = (piece * PIECE, PIECE.min(n - piece * PIECE));
            let p = probabilities.as_ref().map(|p| p.slice(from * outputs, rows * outputs));
            (slots.slice(piece * size, size), p)
        };
        with_num_threads(1, || of_piece(samples, piece * PIECE, coef, intercept, slot, p));
    });
    d_coef.fill(0.0);
    d_intercept.fill(0.0);
    let mut loss = 0.0;
    for slot in partial.chunks_exact(size) {
        let (of_coef, rest) = slot.split_at(coef.len());
        d_coef.iter_mut().zip(of_coef).for_each(|(sum, value)| *sum += value);
        d_intercept.iter_mut().zip(rest).for_each(|(sum, value)| *sum += value);
        loss += rest[outputs];
    }
    loss
}

/// The gradient, and the loss behind it, of the piece that starts at row `first`.
fn of_piece<T: Gemm + Math>(
    samples: &Classified<T>,
    first: usize,
    coef: &[T],
    intercept: &[T],
    slot: &mut [f64],
    mut probabilities: Option<&mut [T]>,
) {
    let (columns, outputs) = (samples.columns, intercept.len());
    let end = samples.classes.len().min(first + PIECE);
    let (d_coef, rest) = slot.split_at_mut(outputs * columns);
    let mut scores = [T::ZERO; BLOCK].to_vec();
    scores.resize(BLOCK * outputs, T::ZERO);
    let mut block_gradient = vec![T::ZERO; outputs * columns];
    for from in (first..end).step_by(BLOCK) {
        let rows = BLOCK.min(end - from);
        let x = &samples.x[from * columns..(from + rows) * columns];
        let scores = &mut scores[..rows * outputs];
        if outputs == 1 {
            dispatch(Scores { x, columns, coef, intercept: intercept[0], out: scores });
        } else {
            let x = Matrix::row_major(x, rows, columns);
            T::linear(x, Matrix::row_major(coef, outputs, columns), Some(intercept), scores);
        }
        let p = probabilities.as_mut().map(|p| &mut p[(from - first) * outputs..][..rows * outputs]);
        let classes = &samples.classes[from..from + rows];
        let weights = samples.weights.map(|weights| &weights[from..from + rows]);
        rest[outputs] += dispatch(CrossEntropies { scores, outputs, classes, weights, probabilities: p });
        if outputs == 1 {
            dispatch(WeightedRows { x, columns, weights: scores, sum: &mut block_gradient });
        } else {
            let d_scores = Matrix::row_major(scores, rows, outputs).transpose();
            let to = MatrixMut::row_major(&mut block_gradient, outputs, columns);
            T::gemm(T::ONE, d_scores, Matrix::row_major(x, rows, columns), T::ZERO, to);
        }
        d_coef.iter_mut().zip(&block_gradient).for_each(|(sum, value)| *sum += value.to_f64());
        for row in scores.chunks_exact(outputs) {
            rest.iter_mut().zip(row).for_each(|(sum, value)| *sum += value.to_f64());
        }
    }
}

fn of_scores<T: Math>(
    scores: &mut [T],
    outputs: usize,
    classes: &[u32],
    weights: Option<&[f64]>,
    probabilities: Option<&mut [T]>,
) -> f64 {
    let n = classes.len();
    assert!(outputs > 0 && scores.len() == n * outputs, "{outputs} scores for each of {n} rows");
    assert!(weights.is_none_or(|weights| weights.len() == n), "a weight for each row");
    assert!(probabilities.as_ref().is_none_or(|p| p.len() == n * outputs), "probabilities of each row");
    let pieces = n.div_ceil(PIECE);
    let mut losses = vec![0.0; pieces];
    let (slots, scores) = (Disjoint::new(&mut losses), Disjoint::new(scores));
    let probabilities = probabilities.map(Disjoint::new);
    for_each(pieces, threads_for(n * outputs * 16, GRAIN), |piece| {
        let (from, rows) = (piece * PIECE, PIECE.min(n - piece * PIECE));
        // SAFETY: every piece is taken once, and so are its rows.
        let (slot, scores, mut p) = unsafe {
            let p = probabilities.as_ref().map(|p| p.slice(from * outputs, rows * outputs));
            (slots.slice(piece, 1), scores.slice(from * outputs, rows * outputs), p)
        };
        for (i, scores) in scores.chunks_mut(BLOCK * outputs).enumerate() {
            let (at, rows) = (from + i * BLOCK, scores.len() / outputs);
            let p = p.as_mut().map(|p| &mut p[i * BLOCK * outputs..][..rows * outputs]);
            let (classes, weights) =
                (&classes[at..at + rows], weights.map(|weights| &weights[at..at + rows]));
            slot[0] += dispatch(CrossEntropies { scores, outputs, classes, weights, probabilities: p });
        }
    });
    losses.iter().sum()
}

/// Sums that a row's product keeps side by side.
const LANES: usize = 8;

/// Rows whose products are formed together.
const ROWS: usize = 8;

/// `scores = x coef + intercept`
struct Scores<'a, T> {
    x: &'a [T],
    columns: usize,
    coef: &'a [T],
    intercept: T,
    out: &'a mut [T],
}

impl<T: Math> Kernel for Scores<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<A: Arch>(self) {
        let Scores { x, columns, coef, intercept, out: scores } = self;
        let mut groups = x.chunks_exact(ROWS * columns.max(1));
        let (outs, outs_rest) = scores.as_chunks_mut::<ROWS>();
        for (x, out) in groups.by_ref().zip(outs) {
            let rows: [&[T]; ROWS] = std::array::from_fn(|i| &x[i * columns..(i + 1) * columns]);
            let sums = products::<A, T, ROWS>(rows, coef);
            for (out, sum) in out.iter_mut().zip(sums) {
                *out = sum + intercept;
            }
        }
        let rest = &x[x.len() - outs_rest.len() * columns..];
        for (i, out) in outs_rest.iter_mut().enumerate() {
            let [sum] = products::<A, T, 1>([&rest[i * columns..(i + 1) * columns]], coef);
            *out = sum + intercept;
        }
    }
}

/// The product of each of a few rows with `w`.
#[inline(always)]
pub(crate) fn products<A: Arch, T: Math, const R: usize>(rows: [&[T]; R], w: &[T]) -> [T; R] {
    let mut lanes = [[T::ZERO; LANES]; R];
    let (vectors, rest) = w.as_chunks::<LANES>();
    for (v, w) in vectors.iter().enumerate() {
        for r in 0..R {
            let x = &rows[r][v * LANES..(v + 1) * LANES];
            for j in 0..LANES {
                lanes[r][j] = A::fma(x[j], w[j], lanes[r][j]);
            }
        }
    }
    let mut sums = [T::ZERO; R];
    for r in 0..R {
        let l = &lanes[r];
        let mut sum = ((l[0] + l[4]) + (l[1] + l[5])) + ((l[2] + l[6]) + (l[3] + l[7]));
        for (x, w) in rows[r][vectors.len() * LANES..].iter().zip(rest) {
            sum = A::fma(*x, *w, sum);
        }
        sums[r] = sum;
    }
    sums
}

/// `sum = weights^T x`
struct WeightedRows<'a, T> {
    x: &'a [T],
    columns: usize,
    weights: &'a [T],
    sum: &'a mut [T],
}

impl<T: Math> Kernel for WeightedRows<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<A: Arch>(self) {
        let WeightedRows { x, columns, weights, sum } = self;
        sum.fill(T::ZERO);
        let (groups, rest) = weights.as_chunks::<4>();
        for (i, w) in groups.iter().enumerate() {
            let row = |r: usize| &x[(4 * i + r) * columns..][..columns];
            let (x0, x1, x2, x3) = (row(0), row(1), row(2), row(3));
            for ((((sum, &x0), &x1), &x2), &x3) in sum.iter_mut().zip(x0).zip(x1).zip(x2).zip(x3) {
                *sum = A::fma(w[3], x3, A::fma(w[2], x2, A::fma(w[1], x1, A::fma(w[0], x0, *sum))));
            }
        }
        let done = groups.len() * 4;
        for (i, &w) in rest.iter().enumerate() {
            for (sum, &x) in sum.iter_mut().zip(&x[(done + i) * columns..][..columns]) {
                *sum = A::fma(w, x, *sum);
            }
        }
    }
}

/// Scores become derivatives of the loss by them; returns the loss. At most [`BLOCK`] rows.
struct CrossEntropies<'a, T> {
    scores: &'a mut [T],
    outputs: usize,
    classes: &'a [u32],
    weights: Option<&'a [f64]>,
    probabilities: Option<&'a mut [T]>,
}

impl<T: Math> Kernel for CrossEntropies<'_, T> {
    type Output = f64;
    #[inline(always)]
    fn run<A: Arch>(self) -> f64 {
        if self.outputs == 1 { self.binary::<A>() } else { self.multinomial::<A>() }
    }
}

impl<T: Math> CrossEntropies<'_, T> {
    /// `ln(1 + e^z) - y z`, whose derivative is `sigmoid(z) - y`.
    #[inline(always)]
    fn binary<A: Arch>(self) -> f64 {
        let mut losses = [T::ZERO; BLOCK];
        let losses = &mut losses[..self.classes.len()];
        for ((z, &class), loss) in self.scores.iter_mut().zip(self.classes).zip(&mut *losses) {
            let y = if class == 1 { T::ONE } else { T::ZERO };
            // The exponential that cannot overflow serves both the loss and the probability.
            let small = math::exp_below_one::<A, T>(-z.abs());
            let positive = if *z > T::ZERO { *z } else { T::ZERO };
            *loss = positive + math::log1p::<A, T>(small) - y * *z;
            let numerator = if *z < T::ZERO { small } else { T::ONE };
            *z = numerator / (T::ONE + small);
        }
        if let Some(probabilities) = self.probabilities {
            probabilities.copy_from_slice(self.scores);
        }
        let mut total = 0.0;
        match self.weights {
            None => {
                for ((z, &class), loss) in self.scores.iter_mut().zip(self.classes).zip(losses) {
                    *z -= if class == 1 { T::ONE } else { T::ZERO };
                    total += loss.to_f64();
                }
            }
            Some(weights) => {
                for (((z, &class), loss), &weight) in
                    self.scores.iter_mut().zip(self.classes).zip(losses).zip(weights)
                {
                    *z = (*z - if class == 1 { T::ONE } else { T::ZERO }) * T::from_f64(weight);
                    total += loss.to_f64() * weight;
                }
            }
        }
        total
    }

    /// `ln sum e^z - z_y`, whose derivative is `softmax(z) - onehot(y)`.
    #[inline(always)]
    fn multinomial<A: Arch>(mut self) -> f64 {
        let (outputs, n) = (self.outputs, self.classes.len());
        let (mut at_class, mut sums) = ([0.0; BLOCK], [1.0; BLOCK]);
        for (row, (z, &class)) in self.scores.chunks_exact_mut(outputs).zip(self.classes).enumerate() {
            let top = z.iter().copied().fold(T::NEG_INFINITY, |a, b| if b > a { b } else { a });
            for z in &mut *z {
                *z -= top;
            }
            at_class[row] = z[class as usize].to_f64();
        }
        for z in &mut *self.scores {
            *z = math::exp_of_negative::<A, T>(*z);
        }
        for (z, sum) in self.scores.chunks_exact_mut(outputs).zip(&mut sums) {
            *sum = z.iter().map(|z| z.to_f64()).sum();
            let scale = T::from_f64(1.0 / *sum);
            z.iter_mut().for_each(|z| *z *= scale);
        }
        if let Some(probabilities) = &mut self.probabilities {
            probabilities.copy_from_slice(self.scores);
        }
        for sum in &mut sums {
            *sum = math::ln::<A, f64>(*sum);
        }
        let mut total = 0.0;
        for (row, (z, &class)) in self.scores.chunks_exact_mut(outputs).zip(self.classes).enumerate() {
            z[class as usize] -= T::ONE;
            let weight = self.weights.map_or(1.0, |weights| weights[row]);
            if weight != 1.0 {
                z.iter_mut().for_each(|z| *z *= T::from_f64(weight));
            }
            total += weight * (sums[row] - at_class[row]);
        }
        debug_assert!(n <= BLOCK);
        total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By the definition, one row at a time.
    fn plain(
        samples: &Classified<f64>,
        coef: &[f64],
        intercept: &[f64],
    ) -> (f64, Vec<f64>, Vec<f64>, Vec<f64>) {
        let (d, k) = (samples.columns, intercept.len());
        let (mut loss, mut d_coef, mut d_intercept) = (0.0, vec![0.0; k * d], vec![0.0; k]);
        let mut probabilities = Vec::new();
        for (row, &class) in samples.classes.iter().enumerate() {
            let x = &samples.x[row * d..(row + 1) * d];
            let weight = samples.weights.map_or(1.0, |weights| weights[row]);
            let z: Vec<f64> = (0..k)
                .map(|o| intercept[o] + x.iter().zip(&coef[o * d..]).map(|(x, w)| x * w).sum::<f64>())
                .collect();
            let p: Vec<f64> = if k == 1 {
                vec![1.0 / (1.0 + (-z[0]).exp())]
            } else {
                let sum: f64 = z.iter().map(|z| z.exp()).sum();
                z.iter().map(|z| z.exp() / sum).collect()
            };
            loss -= weight
                * match (k, class) {
                    (1, 0) => (1.0 / (1.0 + z[0].exp())).ln(),
                    (1, _) => p[0].ln(),
                    (_, class) => p[class as usize].ln(),
                };
            for o in 0..k {
                let hit = if k == 1 { class == 1 } else { class as usize == o };
                let dz = weight * (p[o] - f64::from(u8::from(hit)));
                d_intercept[o] += dz;
                for j in 0..d {
                    d_coef[o * d + j] += dz * x[j];
                }
            }
            probabilities.extend(p);
        }
        (loss, d_coef, d_intercept, probabilities)
    }

    #[test]
    fn one_pass_gives_what_the_definition_says() {
        for (n, d, k) in [(1, 1, 1), (5, 3, 2), (300, 50, 1), (2300, 11, 3), (4500, 9, 1)] {
            let value = |i: usize| ((i * 7919) % 1013) as f64 / 507.0 - 1.0;
            let x: Vec<f64> = (0..n * d).map(value).collect();
            let classes: Vec<u32> = (0..n).map(|i| (i * i % k.max(2)) as u32).collect();
            let weights: Vec<f64> = (0..n).map(|i| (i % 3) as f64).collect();
            let coef: Vec<f64> = (0..k * d).map(|i| value(i + 77)).collect();
            let intercept: Vec<f64> = (0..k).map(|i| value(i + 99)).collect();
            for weights in [None, Some(&weights[..])] {
                let samples = Classified { x: &x, columns: d, classes: &classes, weights };
                let (loss, d_coef, d_intercept, p) = plain(&samples, &coef, &intercept);
                let run = |threads| {
                    let (mut dw, mut db, mut found_p) = (vec![0.0; k * d], vec![0.0; k], vec![0.0; n * k]);
                    let found = with_num_threads(threads, || {
                        f64::cross_entropy_gradient(
                            &samples,
                            &coef,
                            &intercept,
                            &mut dw,
                            &mut db,
                            Some(&mut found_p),
                        )
                    });
                    (found, dw, db, found_p)
                };
                let found = run(1);
                assert_eq!(found, run(3));
                let near = |a: &[f64], b: &[f64]| {
                    a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-11 * (n as f64 + 1.0))
                };
                assert!(near(&[found.0], &[loss]), "{} {loss}", found.0);
                assert!(near(&found.1, &d_coef) && near(&found.2, &d_intercept) && near(&found.3, &p));
                let mut scores: Vec<f64> = (0..n * k)
                    .map(|i| {
                        let (row, o) = (i / k, i % k);
                        let row = &x[row * d..(row + 1) * d];
                        intercept[o] + row.iter().zip(&coef[o * d..]).map(|(x, w)| x * w).sum::<f64>()
                    })
                    .collect();
                let again = f64::cross_entropy_of_scores(&mut scores, k, &classes, weights, None);
                assert!(near(&[again], &[loss]));
                let sums: Vec<f64> = (0..k).map(|o| scores.iter().skip(o).step_by(k).sum::<f64>()).collect();
                assert!(near(&sums, &d_intercept));
            }
        }
    }

    #[test]
    fn far_scores_stay_finite() {
        let mut scores = [800.0f32, -800.0, 3.0, 0.0];
        let loss = f32::cross_entropy_of_scores(&mut scores, 1, &[0, 1, 1, 0], None, None);
        assert!((loss - 1600.0 - 0.0486 - std::f64::consts::LN_2).abs() < 1e-3, "{loss}");
        assert_eq!(scores[..2], [1.0, -1.0]);
        let mut scores = [400.0f64, -400.0, -400.0, 1e30, 0.0, -1e30];
        let loss = f64::cross_entropy_of_scores(&mut scores, 3, &[1, 0], None, None);
        assert_eq!((loss, scores), (800.0, [1.0, -1.0, 0.0, 0.0, 0.0, 0.0]));
    }
}
