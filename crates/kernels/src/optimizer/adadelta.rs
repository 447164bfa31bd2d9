//! Adadelta.

use super::{AdadeltaStep, CHUNK, GRAIN};
use crate::disjoint::Disjoint;
use crate::isa::{Arch, Kernel, dispatch};
use crate::real::Real;
use crate::threads::for_each_chunk;

/// The settings as the element type's numbers.
#[derive(Clone, Copy)]
struct Rule<T> {
    /// Turns the gradient as given into the gradient to descend along.
    scale: T,
    weight_decay: T,
    rho: T,
    /// `1 - rho`
    fresh: T,
    eps: T,
    minus_lr: T,
}

impl<T: Real> Rule<T> {
    fn new(settings: &AdadeltaStep, scale: T) -> Self {
        let AdadeltaStep { lr, rho, eps, weight_decay, maximize } = *settings;
        Rule {
            scale: if maximize { -scale } else { scale },
            weight_decay: T::from_f64(weight_decay),
            rho: T::from_f64(rho),
            fresh: T::from_f64(1.0 - rho),
            eps: T::from_f64(eps),
            minus_lr: T::from_f64(-lr),
        }
    }
}

struct Adadelta<'a, T> {
    rule: Rule<T>,
    param: &'a mut [T],
    grad: &'a [T],
    square_avg: &'a mut [T],
    acc_delta: &'a mut [T],
}

impl<T: Real> Kernel for Adadelta<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arch>(self) {
        let Adadelta { rule, param, grad, square_avg, acc_delta } = self;
        for (((param, &grad), square), moved) in param.iter_mut().zip(grad).zip(square_avg).zip(acc_delta) {
            let g = A::fma(*param, rule.weight_decay, grad * rule.scale);
            *square = A::fma(g * g, rule.fresh, *square * rule.rho);
            let delta = (*moved + rule.eps).sqrt() / (*square + rule.eps).sqrt() * g;
            *moved = A::fma(delta * delta, rule.fresh, *moved * rule.rho);
            *param = A::fma(rule.minus_lr, delta, *param);
        }
    }
}

pub(super) fn step<T: Real>(
    settings: &AdadeltaStep,
    param: &mut [T],
    grad: &[T],
    square_avg: &mut [T],
    acc_delta: &mut [T],
    scale: T,
) {
    let len = param.len();
    assert!(
        grad.len() == len && square_avg.len() == len && acc_delta.len() == len,
        "adadelta: {len} parameters, {} gradients, states of {} and {}",
        grad.len(),
        square_avg.len(),
        acc_delta.len()
    );
    let rule = Rule::new(settings, scale);
    let (square_avg, acc_delta) = (Disjoint::new(square_avg), Disjoint::new(acc_delta));
    for_each_chunk(param, CHUNK, GRAIN, |start, param| {
        let len = param.len();
        // SAFETY: chunks do not overlap.
        let (square_avg, acc_delta) = unsafe { (square_avg.slice(start, len), acc_delta.slice(start, len)) };
        dispatch(Adadelta { rule, param, grad: &grad[start..start + len], square_avg, acc_delta });
    });
}
