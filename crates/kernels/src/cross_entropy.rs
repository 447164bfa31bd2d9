//! Cross-entropy straight from logits, as `torch.nn.functional.cross_entropy` defines it.
//!
//! With `p = softmax(x)`, class weights `w`, smoothing `s` and `C` classes, a row with target class `t` loses
//! `-(1 - s) w_t ln p_t - s/C sum_c w_c ln p_c`, and one with target probabilities `q` loses
//! `-sum_c w_c ((1 - s) q_c + s/C) ln p_c`.

use crate::buffer::Buffer;
use crate::disjoint::Disjoint;
use crate::gemm::lanes::Vectors;
use crate::isa::{Arch, Kernel, dispatch};
use crate::math::{self, Math};
use crate::reduce::{sum_map, sum_map2};
use crate::softmax::{BLOCK, STEP, finite_or_zero, for_log_sums, for_row_pieces, long_exponentials};
use crate::stream::{self, streams};

/// What each row should have been.
#[derive(Clone, Copy, Debug)]
pub enum Targets<'a, T> {
    /// One class index a row; the index may be `ignore_index`.
    Classes(&'a [i64]),
    /// One probability for each row and class.
    Probabilities(&'a [T]),
}

/// The variations of the loss.
#[derive(Clone, Copy, Debug)]
pub struct CrossEntropyOptions<'a, T> {
    /// A weight for each class; all 1 if absent.
    pub weight: Option<&'a [T]>,
    /// Rows with this target class count nothing (PyTorch's default is -100).
    pub ignore_index: i64,
    /// The part of the target probability that is spread over all classes, from 0 to 1.
    pub label_smoothing: T,
}

/// Cross-entropy over the rows of a matrix of logits, fused with the softmax. Target classes must be valid.
pub trait CrossEntropy: Math {
    /// Writes each row's loss (0 for ignored rows) and `ln sum e^x`; returns what the mean loss divides by: for classes
    /// the sum of the targets' weights over the rows that count, for probabilities the number of rows.
    fn cross_entropy(
        logits: &[Self],
        classes: usize,
        targets: Targets<Self>,
        options: &CrossEntropyOptions<Self>,
        losses: &mut [Self],
        log_sum_exp: &mut [Self],
    ) -> f64;

    /// What [`cross_entropy`](Self::cross_entropy) returns, without looking at the logits.
    fn cross_entropy_weight(rows: usize, targets: Targets<Self>, options: &CrossEntropyOptions<Self>) -> f64;

    /// The losses, and `dlogits = scale * d loss / d logits`, in one walk: each row is read from memory once, and its
    /// exponentials are formed once.
    fn cross_entropy_with_gradient(
        logits: &[Self],
        classes: usize,
        targets: Targets<Self>,
        options: &CrossEntropyOptions<Self>,
        scale: Self,
        losses: &mut [Self],
        dlogits: &mut [Self],
    );

    /// `dlogits = scale[row] * d loss[row] / d logits`; `scale` has an entry for each row or one for all.
    fn cross_entropy_backward(
        logits: &[Self],
        classes: usize,
        targets: Targets<Self>,
        options: &CrossEntropyOptions<Self>,
        log_sum_exp: &[Self],
        scale: &[Self],
        dlogits: &mut [Self],
    );
}

macro_rules! cross_entropy {
    ($($t:ty),*) => { $(
        impl CrossEntropy for $t {
            fn cross_entropy(
                logits: &[Self],
                classes: usize,
                targets: Targets<Self>,
                options: &CrossEntropyOptions<Self>,
                losses: &mut [Self],
                log_sum_exp: &mut [Self],
            ) -> f64 {
                forward(Problem { logits, classes, targets, options }, losses, log_sum_exp)
            }
            fn cross_entropy_weight(
                rows: usize,
                targets: Targets<Self>,
                options: &CrossEntropyOptions<Self>,
            ) -> f64 {
                Problem { logits: &[], classes: 0, targets, options }.total_weight(rows)
            }
            fn cross_entropy_with_gradient(
                logits: &[Self],
                classes: usize,
                targets: Targets<Self>,
                options: &CrossEntropyOptions<Self>,
                scale: Self,
                losses: &mut [Self],
                dlogits: &mut [Self],
            ) {
                both(Problem { logits, classes, targets, options }, scale, losses, dlogits);
            }
            fn cross_entropy_backward(
                logits: &[Self],
                classes: usize,
                targets: Targets<Self>,
                options: &CrossEntropyOptions<Self>,
                log_sum_exp: &[Self],
                scale: &[Self],
                dlogits: &mut [Self],
            ) {
                backward(Problem { logits, classes, targets, options }, log_sum_exp, scale, dlogits);
            }
        }
    )* };
}
cross_entropy!(f32, f64);

/// The arguments that both directions share, whole or a run of rows.
#[derive(Clone, Copy)]
struct Problem<'a, T> {
    logits: &'a [T],
    classes: usize,
    targets: Targets<'a, T>,
    options: &'a CrossEntropyOptions<'a, T>,
}

impl<T: Math + Vectors> Problem<'_, T> {
    fn check(&self, rows: usize) {
        let Problem { logits, classes, targets, options } = self;
        assert_eq!(logits.len(), rows * classes, "cross-entropy of {rows} rows of {classes} classes");
        assert!(
            options.weight.is_none_or(|w| w.len() == *classes),
            "one weight for each of {classes} classes"
        );
        match targets {
            Targets::Classes(t) => {
                assert_eq!(t.len(), rows, "one target for each row");
                let valid = |&t: &i64| t == options.ignore_index || (0..*classes as i64).contains(&t);
                assert!(t.iter().all(valid), "target classes lie in 0..{classes}");
            }
            Targets::Probabilities(q) => assert_eq!(q.len(), logits.len(), "a probability for each logit"),
        }
    }

    fn rows(&self, first: usize, rows: usize) -> Self {
        let elements = first * self.classes..(first + rows) * self.classes;
        Problem {
            logits: &self.logits[elements.clone()],
            targets: match self.targets {
                Targets::Classes(t) => Targets::Classes(&t[first..first + rows]),
                Targets::Probabilities(q) => Targets::Probabilities(&q[elements]),
            },
            ..*self
        }
    }

    /// What a mean divides by.
    fn total_weight(&self, rows: usize) -> f64 {
        match self.targets {
            Targets::Classes(t) => {
                t.iter().filter_map(|&t| self.kept(t)).map(|t| self.weight(t).to_f64()).sum()
            }
            Targets::Probabilities(_) => rows as f64,
        }
    }

    /// What a row with logits `x` loses, where `e^shift e^ln_sum` is the sum of their exponentials.
    #[inline(always)]
    fn loss(&self, row: usize, x: &[T], shift: f64, ln_sum: f64) -> f64 {
        let smoothing = self.options.label_smoothing.to_f64();
        // `-ln p`, without first rounding the log-sum-exp.
        let surprise = |x: T| ln_sum - (x.to_f64() - shift);
        match self.targets {
            Targets::Classes(targets) => self.kept(targets[row]).map_or(0.0, |t| {
                let mut loss = (1.0 - smoothing) * self.weight(t).to_f64() * surprise(x[t]);
                if smoothing > 0.0 {
                    let all = match self.options.weight {
                        None => sum_map(x, |x| ln_sum - (x - shift)),
                        Some(weight) => sum_map2(x, weight, |x, w| w * (ln_sum - (x - shift))),
                    };
                    loss += smoothing / self.classes as f64 * all;
                }
                loss
            }),
            Targets::Probabilities(q) => {
                let q = &q[row * self.classes..][..self.classes];
                if self.options.weight.is_none() {
                    let (kept, spread) = (1.0 - smoothing, smoothing / self.classes as f64);
                    return sum_map2(q, x, |q, x| (kept * q + spread) * (ln_sum - (x - shift)));
                }
                let q = q.iter().zip(x).enumerate();
                q.map(|(c, (q, x))| self.smoothed(*q, c).to_f64() * surprise(*x)).sum()
            }
        }
    }

    /// The weight of all of a row's targets together; none of a row that does not count.
    #[inline(always)]
    fn mass(&self, row: usize) -> Option<f64> {
        let smoothing = self.options.label_smoothing;
        match self.targets {
            Targets::Classes(targets) => {
                let hard = (T::ONE - smoothing) * self.weight(self.kept(targets[row])?);
                let spread = (smoothing / T::from_usize(self.classes)).to_f64();
                let all = match self.options.weight {
                    Some(weight) if smoothing > T::ZERO => sum_map(weight, |w| w),
                    _ => self.classes as f64,
                };
                Some(hard.to_f64() + spread * all)
            }
            Targets::Probabilities(q) => {
                let q = &q[row * self.classes..][..self.classes];
                if self.options.weight.is_none() {
                    return Some((1.0 - smoothing.to_f64()) * sum_map(q, |q| q) + smoothing.to_f64());
                }
                Some(q.iter().enumerate().map(|(c, q)| self.smoothed(*q, c).to_f64()).sum())
            }
        }
    }

    /// Takes `scale` times its target off each of the classes from `first` on, in a row that counts.
    #[inline(always)]
    fn less_target(&self, row: usize, first: usize, scale: T, dx: &mut [T]) {
        let smoothing = self.options.label_smoothing;
        match self.targets {
            Targets::Classes(targets) => {
                let t = targets[row] as usize;
                if (first..first + dx.len()).contains(&t) {
                    dx[t - first] -= scale * ((T::ONE - smoothing) * self.weight(t));
                }
                if smoothing > T::ZERO {
                    let spread = smoothing / T::from_usize(self.classes);
                    for (c, dx) in dx.iter_mut().enumerate() {
                        *dx -= scale * spread * self.weight(first + c);
                    }
                }
            }
            Targets::Probabilities(q) => {
                let q = &q[row * self.classes + first..][..dx.len()];
                for (c, (dx, q)) in dx.iter_mut().zip(q).enumerate() {
                    *dx -= scale * self.smoothed(*q, first + c);
                }
            }
        }
    }

    #[inline(always)]
    fn weight(&self, class: usize) -> T {
        self.options.weight.map_or(T::ONE, |weight| weight[class])
    }

    /// The row's target class, unless it is ignored.
    #[inline(always)]
    fn kept(&self, target: i64) -> Option<usize> {
        (target != self.options.ignore_index).then_some(target as usize)
    }

    /// The weight in the loss of `-ln p_c`, for a row of target probabilities.
    #[inline(always)]
    fn smoothed(&self, probability: T, class: usize) -> T {
        let s = self.options.label_smoothing;
        self.weight(class) * ((T::ONE - s) * probability + s / T::from_usize(self.classes))
    }
}

fn forward<T: Math + Vectors>(problem: Problem<T>, losses: &mut [T], log_sum_exp: &mut [T]) -> f64 {
    let rows = losses.len();
    problem.check(rows);
    assert_eq!(log_sum_exp.len(), rows, "a log-sum-exp for each row");
    let (losses, log_sum_exp) = (Disjoint::new(losses), Disjoint::new(log_sum_exp));
    for_row_pieces(rows, problem.classes, |first, rows| {
        // SAFETY: pieces do not overlap.
        let (losses, log_sum_exp) = unsafe { (losses.slice(first, rows), log_sum_exp.slice(first, rows)) };
        dispatch(Forward { problem: problem.rows(first, rows), losses, log_sum_exp });
    });
    problem.total_weight(rows)
}

struct Forward<'a, T> {
    problem: Problem<'a, T>,
    losses: &'a mut [T],
    log_sum_exp: &'a mut [T],
}

impl<T: Math + Vectors> Kernel for Forward<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<A: Arch>(self) {
        let Forward { problem, losses, log_sum_exp } = self;
        let classes = problem.classes;
        if classes == 0 {
            // Nothing to be surprised at: sums of no terms.
            losses.fill(T::ZERO);
            return log_sum_exp.fill(T::NEG_INFINITY);
        }
        for_log_sums::<A, T>(problem.logits, classes, |row, top, ln_sum| {
            let x = &problem.logits[row * classes..][..classes];
            let shift = finite_or_zero(top).to_f64();
            log_sum_exp[row] = T::from_f64(shift + ln_sum);
            losses[row] = T::from_f64(problem.loss(row, x, shift, ln_sum));
        });
    }
}

fn both<T: Math + Vectors>(problem: Problem<T>, scale: T, losses: &mut [T], dlogits: &mut [T]) {
    let (rows, classes) = (losses.len(), problem.classes);
    problem.check(rows);
    assert_eq!(dlogits.len(), problem.logits.len(), "a gradient for each logit");
    let streams = streams::<T>(dlogits.len());
    let (losses, dlogits) = (Disjoint::new(losses), Disjoint::new(dlogits));
    for_row_pieces(rows, classes, |first, rows| {
        // SAFETY: pieces do not overlap.
        let (losses, dlogits) =
            unsafe { (losses.slice(first, rows), dlogits.slice(first * classes, rows * classes)) };
        let problem = problem.rows(first, rows);
        if classes > BLOCK {
            dispatch(LongRows { problem, scale, streams, losses, dlogits });
        } else {
            // The piece is still in the cache when it is looked at again.
            let mut log_sum_exp = Buffer::scratch(rows);
            dispatch(Forward { problem, losses, log_sum_exp: &mut log_sum_exp });
            dispatch(Backward { problem, log_sum_exp: &log_sum_exp, scale: &[scale], dlogits });
        }
    });
}

/// Rows that are longer than a block: the exponentials wait in the second-level cache until their sum is known.
struct LongRows<'a, T> {
    problem: Problem<'a, T>,
    scale: T,
    streams: bool,
    losses: &'a mut [T],
    dlogits: &'a mut [T],
}

impl<T: Math + Vectors> Kernel for LongRows<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<A: Arch>(self) {
        let LongRows { problem, scale, streams, losses, dlogits } = self;
        let classes = problem.classes;
        let mut e = Buffer::<T>::scratch(classes);
        let mut tops = Buffer::<T>::scratch(classes.div_ceil(STEP));
        let mut block = Buffer::<T>::scratch(STEP);
        let rows = problem.logits.chunks_exact(classes).zip(dlogits.chunks_exact_mut(classes));
        for (row, (x, dx)) in rows.enumerate() {
            let (top, sum) = long_exponentials::<A, T>(x, &mut e, &mut tops);
            let ln_sum = math::ln::<A, f64>(sum);
            losses[row] = T::from_f64(problem.loss(row, x, finite_or_zero(top).to_f64(), ln_sum));
            if !(top.is_finite() && sum.is_finite()) {
                // Infinities and NaN take the long way, where their rules are.
                let log_sum_exp = [T::from_f64(finite_or_zero(top).to_f64() + ln_sum)];
                Backward {
                    problem: problem.rows(row, 1),
                    log_sum_exp: &log_sum_exp,
                    scale: &[scale],
                    dlogits: dx,
                }
                .run::<A>();
                continue;
            }
            let Some(mass) = problem.mass(row) else {
                dx.fill(T::ZERO);
                continue;
            };
            for (step, dx) in dx.chunks_mut(STEP).enumerate() {
                let shrunk = (tops[step].to_f64() - top.to_f64()).exp();
                let factor = T::from_f64(scale.to_f64() * mass * shrunk / sum);
                let e = &e[step * STEP..][..dx.len()];
                let into = if streams { &mut block[..dx.len()] } else { &mut *dx };
                for (into, e) in into.iter_mut().zip(e) {
                    *into = *e * factor;
                }
                problem.less_target(row, step * STEP, scale, into);
                if streams {
                    stream::copy(&block[..dx.len()], dx);
                }
            }
        }
        if streams {
            stream::fence();
        }
    }
}

fn backward<T: Math + Vectors>(problem: Problem<T>, log_sum_exp: &[T], scale: &[T], dlogits: &mut [T]) {
    let rows = log_sum_exp.len();
    problem.check(rows);
    assert_eq!(dlogits.len(), problem.logits.len(), "a gradient for each logit");
    assert!(scale.len() == rows || scale.len() == 1, "a scale for each row or one for all");
    let dlogits = Disjoint::new(dlogits);
    for_row_pieces(rows, problem.classes, |first, rows| {
        // SAFETY: pieces do not overlap.
        let dlogits = unsafe { dlogits.slice(first * problem.classes, rows * problem.classes) };
        let scale = if scale.len() == 1 { scale } else { &scale[first..first + rows] };
        let log_sum_exp = &log_sum_exp[first..first + rows];
        dispatch(Backward { problem: problem.rows(first, rows), log_sum_exp, scale, dlogits });
    });
}

struct Backward<'a, T> {
    problem: Problem<'a, T>,
    log_sum_exp: &'a [T],
    scale: &'a [T],
    dlogits: &'a mut [T],
}

impl<T: Math + Vectors> Kernel for Backward<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<A: Arch>(self) {
        let Backward { problem, log_sum_exp, scale, dlogits } = self;
        let classes = problem.classes;
        let x_rows = problem.logits.chunks_exact(classes.max(1)).zip(log_sum_exp);
        for ((x, lse), dx) in x_rows.zip(dlogits.chunks_exact_mut(classes.max(1))) {
            let shift = finite_or_zero(*lse);
            dx.iter_mut().zip(x).for_each(|(dx, x)| *dx = *x - shift);
        }
        for dx in &mut *dlogits {
            *dx = math::exp::<A, T>(*dx);
        }
        for (row, dx) in dlogits.chunks_exact_mut(classes.max(1)).enumerate() {
            let scale = scale[row % scale.len()];
            // The rounding of the log-sum-exp, times its size, is in the exponentials: dividing by their sum, which
            // should be 1, takes it out.
            let sum = sum_map(dx, |e| e);
            let Some(mass) = problem.mass(row) else {
                dx.fill(T::ZERO);
                continue;
            };
            let factor = scale * T::from_f64(mass / sum);
            for dx in &mut *dx {
                *dx *= factor;
            }
            problem.less_target(row, 0, scale, dx);
        }
    }
}
