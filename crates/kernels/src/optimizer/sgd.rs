//! Stochastic gradient descent, with momentum in its three forms.

use super::{CHUNK, GRAIN, SgdStep};
use crate::disjoint::Disjoint;
use crate::isa::{Arch, Kernel, dispatch};
use crate::real::Real;
use crate::threads::for_each_chunk;

/// The settings as the element type's numbers, signs folded in.
#[derive(Clone, Copy)]
struct Rule<T> {
    /// Turns the gradient as given into the gradient to descend along.
    scale: T,
    minus_lr: T,
    weight_decay: T,
    momentum: T,
    /// `1 - dampening`
    fresh: T,
    nesterov: bool,
}

struct Plain<'a, T> {
    rule: Rule<T>,
    param: &'a mut [T],
    grad: &'a [T],
}

impl<T: Real> Kernel for Plain<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arch>(self) {
        let Rule { scale, minus_lr, weight_decay, .. } = self.rule;
        for (param, &grad) in self.param.iter_mut().zip(self.grad) {
            let g = A::fma(*param, weight_decay, grad * scale);
            *param = A::fma(g, minus_lr, *param);
        }
    }
}

struct Momentum<'a, T> {
    rule: Rule<T>,
    first: bool,
    param: &'a mut [T],
    grad: &'a [T],
    velocity: &'a mut [T],
}

impl<T: Real> Kernel for Momentum<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arch>(self) {
        let Rule { scale, minus_lr, weight_decay, momentum, fresh, nesterov } = self.rule;
        for ((param, &grad), velocity) in self.param.iter_mut().zip(self.grad).zip(self.velocity) {
            let g = A::fma(*param, weight_decay, grad * scale);
            let v = if self.first { g } else { A::fma(g, fresh, *velocity * momentum) };
            let direction = if nesterov { A::fma(v, momentum, g) } else { v };
            *velocity = v;
            *param = A::fma(direction, minus_lr, *param);
        }
    }
}

pub(super) fn step<T: Real>(
    settings: &SgdStep,
    param: &mut [T],
    grad: &[T],
    velocity: Option<&mut [T]>,
    scale: T,
) {
    assert_eq!(param.len(), grad.len(), "sgd: parameter and gradient differ in length");
    let rule = Rule {
        scale: if settings.maximize { -scale } else { scale },
        minus_lr: T::from_f64(-settings.lr),
        weight_decay: T::from_f64(settings.weight_decay),
        momentum: T::from_f64(settings.momentum),
        fresh: T::from_f64(1.0 - settings.dampening),
        nesterov: settings.nesterov,
    };
    if settings.momentum == 0.0 {
        return for_each_chunk(param, CHUNK, GRAIN, |start, param| {
            let grad = &grad[start..start + param.len()];
            dispatch(Plain { rule, param, grad });
        });
    }
    let velocity = velocity.expect("sgd: momentum needs a velocity");
    assert_eq!(param.len(), velocity.len(), "sgd: parameter and velocity differ in length");
    let first = settings.first;
    let velocity = Disjoint::new(velocity);
    for_each_chunk(param, CHUNK, GRAIN, |start, param| {
        // SAFETY: chunks do not overlap.
        let velocity = unsafe { velocity.slice(start, param.len()) };
        let grad = &grad[start..start + param.len()];
        dispatch(Momentum { rule, first, param, grad, velocity });
    });
}
