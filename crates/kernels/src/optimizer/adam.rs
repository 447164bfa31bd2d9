//! Adam and AdamW, with or without the running maximum.

use super::{AdamStep, CHUNK, GRAIN};
use crate::disjoint::Disjoint;
use crate::isa::{Arch, Kernel, dispatch};
use crate::real::Real;
use crate::threads::for_each_chunk;

/// The settings as the element type's numbers. The bias corrections are computed in `f64` and rounded once.
#[derive(Clone, Copy)]
struct Rule<T> {
    /// Turns the gradient as given into the gradient to descend along.
    scale: T,
    /// `weight_decay` where it is coupled, else 0.
    coupled: T,
    /// `1 - lr * weight_decay` where it is decoupled, else 1.
    shrink: T,
    /// `1 - beta1`
    fresh: T,
    beta1: T,
    beta2: T,
    /// `1 - beta2`
    fresh_square: T,
    /// `sqrt(1 - beta2^step)`
    root_correction: T,
    eps: T,
    /// `-lr / (1 - beta1^step)`
    minus_step_size: T,
}

impl<T: Real> Rule<T> {
    fn new(settings: &AdamStep, scale: T) -> Self {
        let AdamStep { lr, beta1, beta2, eps, weight_decay, decoupled, maximize, step, .. } = *settings;
        let step = step as f64;
        let cast = T::from_f64;
        Rule {
            scale: if maximize { -scale } else { scale },
            coupled: cast(if decoupled { 0.0 } else { weight_decay }),
            shrink: cast(if decoupled { 1.0 - lr * weight_decay } else { 1.0 }),
            fresh: cast(1.0 - beta1),
            beta1: cast(beta1),
            beta2: cast(beta2),
            fresh_square: cast(1.0 - beta2),
            root_correction: cast((1.0 - beta2.powf(step)).sqrt()),
            eps: cast(eps),
            minus_step_size: cast(-(lr / (1.0 - beta1.powf(step)))),
        }
    }

    /// Moves one element; `largest` picks the mean square to divide by.
    #[inline(always)]
    fn apply<A: Arch>(&self, param: &mut T, grad: T, m: &mut T, v: &mut T, largest: impl FnOnce(T) -> T) {
        let shrunk = *param * self.shrink;
        let g = A::fma(*param, self.coupled, grad * self.scale);
        // `lerp` the way PyTorch rounds it: from the nearer end.
        let distance = g - *m;
        *m = if self.fresh < T::HALF {
            A::fma(self.fresh, distance, *m)
        } else {
            A::fma(-distance, self.beta1, g)
        };
        *v = A::fma(g * g, self.fresh_square, *v * self.beta2);
        let denominator = largest(*v).sqrt() / self.root_correction + self.eps;
        *param = A::fma(self.minus_step_size, *m / denominator, shrunk);
    }
}

struct Adam<'a, T> {
    rule: Rule<T>,
    param: &'a mut [T],
    grad: &'a [T],
    m: &'a mut [T],
    v: &'a mut [T],
}

impl<T: Real> Kernel for Adam<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arch>(self) {
        let elements = self.param.iter_mut().zip(self.grad).zip(self.m).zip(self.v);
        for (((param, &grad), m), v) in elements {
            self.rule.apply::<A>(param, grad, m, v, |v| v);
        }
    }
}

struct Amsgrad<'a, T> {
    adam: Adam<'a, T>,
    v_max: &'a mut [T],
}

impl<T: Real> Kernel for Amsgrad<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arch>(self) {
        let Adam { rule, param, grad, m, v } = self.adam;
        let elements = param.iter_mut().zip(grad).zip(m).zip(v).zip(self.v_max);
        for ((((param, &grad), m), v), v_max) in elements {
            rule.apply::<A>(param, grad, m, v, |v| {
                *v_max = v_max.max(v);
                *v_max
            });
        }
    }
}

pub(super) fn step<T: Real>(
    settings: &AdamStep,
    param: &mut [T],
    grad: &[T],
    m: &mut [T],
    v: &mut [T],
    v_max: Option<&mut [T]>,
    scale: T,
) {
    let len = param.len();
    assert!(
        grad.len() == len && m.len() == len && v.len() == len,
        "adam: {len} parameters, {} gradients, states of {} and {}",
        grad.len(),
        m.len(),
        v.len()
    );
    assert!(settings.step > 0, "adam: steps count from 1");
    let rule = Rule::new(settings, scale);
    let v_max = settings.amsgrad.then(|| v_max.expect("adam: amsgrad needs the running maximum"));
    if let Some(v_max) = &v_max {
        assert_eq!(v_max.len(), len, "adam: parameter and running maximum differ in length");
    }
    let (m, v, v_max) = (Disjoint::new(m), Disjoint::new(v), v_max.map(Disjoint::new));
    for_each_chunk(param, CHUNK, GRAIN, |start, param| {
        let len = param.len();
        // SAFETY: chunks do not overlap.
        let (m, v) = unsafe { (m.slice(start, len), v.slice(start, len)) };
        let adam = Adam { rule, param, grad: &grad[start..start + len], m, v };
        match &v_max {
            None => dispatch(adam),
            // SAFETY: as above.
            Some(v_max) => dispatch(Amsgrad { adam, v_max: unsafe { v_max.slice(start, len) } }),
        }
    });
}
