//! Cross-entropy straight from logits, as `torch.nn.functional.cross_entropy` defines it.
//!
//! With `p = softmax(x)`, class weights `w`, smoothing `s` and `C` classes, a row with target class `t` loses
//! `-(1 - s) w_t ln p_t - s/C sum_c w_c ln p_c`, and one with target probabilities `q` loses
//! `-sum_c w_c ((1 - s) q_c + s/C) ln p_c`.

use crate::disjoint::Disjoint;
use crate::isa::{Arch, Kernel, dispatch};
use crate::math::{self, Math};
use crate::reduce::sum_map;
use crate::softmax::{finite_or_zero, for_log_sums, for_row_pieces};

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

impl<T: Math> Problem<'_, T> {
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

fn forward<T: Math>(problem: Problem<T>, losses: &mut [T], log_sum_exp: &mut [T]) -> f64 {
    let rows = losses.len();
    problem.check(rows);
    assert_eq!(log_sum_exp.len(), rows, "a log-sum-exp for each row");
    let (losses, log_sum_exp) = (Disjoint::new(losses), Disjoint::new(log_sum_exp));
    for_row_pieces(rows, problem.classes, |first, rows| {
        // SAFETY: pieces do not overlap.
        let (losses, log_sum_exp) = unsafe { (losses.slice(first, rows), log_sum_exp.slice(first, rows)) };
        dispatch(Forward { problem: problem.rows(first, rows), losses, log_sum_exp });
    });
    match problem.targets {
        Targets::Classes(t) => {
            t.iter().filter_map(|&t| problem.kept(t)).map(|t| problem.weight(t).to_f64()).sum()
        }
        Targets::Probabilities(_) => rows as f64,
    }
}

struct Forward<'a, T> {
    problem: Problem<'a, T>,
    losses: &'a mut [T],
    log_sum_exp: &'a mut [T],
}

impl<T: Math> Kernel for Forward<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<A: Arch>(self) {
        let Forward { problem, losses, log_sum_exp } = self;
        let classes = problem.classes;
        let smoothing = problem.options.label_smoothing.to_f64();
        for_log_sums::<A, T>(problem.logits, classes, |row, top, ln_sum| {
            let x = &problem.logits[row * classes..][..classes];
            let shift = finite_or_zero(top).to_f64();
            log_sum_exp[row] = T::from_f64(shift + ln_sum);
            // `-ln p`, without first rounding the log-sum-exp.
            let surprise = |x: T| ln_sum - (x.to_f64() - shift);
            let loss = match problem.targets {
                Targets::Classes(targets) => problem.kept(targets[row]).map_or(0.0, |t| {
                    let mut loss = (1.0 - smoothing) * problem.weight(t).to_f64() * surprise(x[t]);
                    if smoothing > 0.0 {
                        let all: f64 = x
                            .iter()
                            .enumerate()
                            .map(|(c, x)| problem.weight(c).to_f64() * surprise(*x))
                            .sum();
                        loss += smoothing / classes as f64 * all;
                    }
                    loss
                }),
                Targets::Probabilities(q) => {
                    let q = q[row * classes..][..classes].iter().zip(x).enumerate();
                    q.map(|(c, (q, x))| problem.smoothed(*q, c).to_f64() * surprise(*x)).sum()
                }
            };
            losses[row] = T::from_f64(loss);
        });
    }
}

fn backward<T: Math>(problem: Problem<T>, log_sum_exp: &[T], scale: &[T], dlogits: &mut [T]) {
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

impl<T: Math> Kernel for Backward<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<A: Arch>(self) {
        let Backward { problem, log_sum_exp, scale, dlogits } = self;
        let classes = problem.classes;
        let smoothing = problem.options.label_smoothing;
        let all_weights = (0..classes).map(|c| problem.weight(c).to_f64()).sum::<f64>();
        let spread = smoothing / T::from_usize(classes.max(1));
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
            match problem.targets {
                Targets::Classes(targets) => {
                    let Some(t) = problem.kept(targets[row]) else {
                        dx.fill(T::ZERO);
                        continue;
                    };
                    let hard = (T::ONE - smoothing) * problem.weight(t);
                    let mass = hard.to_f64() + spread.to_f64() * all_weights;
                    let factor = scale * T::from_f64(mass / sum);
                    for dx in &mut *dx {
                        *dx *= factor;
                    }
                    dx[t] -= scale * hard;
                    if smoothing > T::ZERO {
                        for (c, dx) in dx.iter_mut().enumerate() {
                            *dx -= scale * spread * problem.weight(c);
                        }
                    }
                }
                Targets::Probabilities(q) => {
                    let q = &q[row * classes..][..classes];
                    let mass: f64 = q.iter().enumerate().map(|(c, q)| problem.smoothed(*q, c).to_f64()).sum();
                    let factor = scale * T::from_f64(mass / sum);
                    for (c, (dx, q)) in dx.iter_mut().zip(q).enumerate() {
                        *dx = *dx * factor - scale * problem.smoothed(*q, c);
                    }
                }
            }
        }
    }
}
