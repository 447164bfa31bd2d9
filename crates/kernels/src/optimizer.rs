//! Optimizer steps: each is one threaded pass over a parameter, its gradient and its state, by PyTorch's update rules.
//!
//! A [`Rule`] says what becomes of one element; [`over`] carries it through the arrays. A new optimizer is its settings
//! and its rule, a page, and one line in [`Step`].

mod adadelta;
mod adagrad;
mod adam;
mod adamax;
mod asgd;
mod average;
mod nadam;
mod radam;
mod rmsprop;
mod rprop;
mod sgd;
mod square_sum;

pub use adadelta::AdadeltaStep;
pub use adagrad::AdagradStep;
pub use adam::AdamStep;
pub use adamax::AdamaxStep;
pub use asgd::AsgdStep;
pub use average::AverageStep;
pub use nadam::NadamStep;
pub use radam::RadamStep;
pub use rmsprop::RmspropStep;
pub use rprop::RpropStep;
pub use sgd::SgdStep;

use crate::disjoint::Disjoint;
use crate::isa::{Arch, Kernel, dispatch};
use crate::real::Real;
use crate::threads::for_each_chunk;

/// Elements below which another thread does not pay.
const GRAIN: usize = 1 << 14;
/// Elements of one task: with five arrays, still inside a core's second-level cache.
const CHUNK: usize = 1 << 14;

/// One step of one update rule: its settings, and which arrays of state it needs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Step {
    /// The mean squares of the gradients and of the steps.
    Adadelta(AdadeltaStep),
    /// The sum of the squares.
    Adagrad(AdagradStep),
    /// The mean, the mean square and, with `amsgrad`, the largest mean square so far.
    Adam(AdamStep),
    /// The mean, and the decaying maximum.
    Adamax(AdamaxStep),
    /// The average of the parameters.
    Asgd(AsgdStep),
    /// None: the parameter is the average, and the gradient what is averaged.
    Average(AverageStep),
    /// The mean and the mean square.
    Nadam(NadamStep),
    /// The mean and the mean square.
    Radam(RadamStep),
    /// The mean square; with a momentum the velocity; where centered the mean.
    Rmsprop(RmspropStep),
    /// The gradient before, and the step sizes.
    Rprop(RpropStep),
    /// The velocity, where the momentum is not 0.
    Sgd(SgdStep),
}

/// One step over one parameter.
pub trait OptimizerStep: Real {
    /// Moves `param` along `grad`, and the arrays of `state`, which are those that [`Step`] lists, in that order. All
    /// have the parameter's length. `scale` multiplies the gradient on the way in (a global clipping factor; 1 otherwise).
    fn step(step: &Step, param: &mut [Self], grad: &[Self], state: &mut [&mut [Self]], scale: Self);

    /// The sum of the squares, accumulated in `f64` in an order that does not depend on the threads. For clipping by
    /// the global norm.
    fn sum_squares(x: &[Self]) -> f64;
}

macro_rules! optimizer_step {
    ($($t:ty),*) => { $(
        impl OptimizerStep for $t {
            fn step(step: &Step, param: &mut [Self], grad: &[Self], state: &mut [&mut [Self]], scale: Self) {
                run(step, param, grad, state, scale);
            }

            fn sum_squares(x: &[Self]) -> f64 {
                square_sum::sum_squares(x)
            }
        }
    )* };
}
optimizer_step!(f32, f64);

fn run<T: Real>(step: &Step, param: &mut [T], grad: &[T], state: &mut [&mut [T]], scale: T) {
    match step {
        Step::Adadelta(step) => over(step.rule(scale), param, grad, state),
        Step::Adagrad(step) => over(step.rule(scale), param, grad, state),
        Step::Adam(step) if step.amsgrad => over(step.amsgrad_rule(scale), param, grad, state),
        Step::Adam(step) => over(step.rule(scale), param, grad, state),
        Step::Adamax(step) => over(step.rule(scale), param, grad, state),
        Step::Asgd(step) => over(step.rule(scale), param, grad, state),
        Step::Average(step) => over(step.rule(scale), param, grad, state),
        Step::Nadam(step) => over(step.rule(scale), param, grad, state),
        Step::Radam(step) => match step.rules(scale) {
            radam::Rules::Adaptive(rule) => over(rule, param, grad, state),
            radam::Rules::Plain(rule) => over(rule, param, grad, state),
        },
        Step::Rmsprop(step) => match (step.centered, step.momentum > 0.0) {
            (false, false) => over(rmsprop::Plain(step.rule(scale)), param, grad, state),
            (false, true) => over(rmsprop::Momentum(step.rule(scale)), param, grad, state),
            (true, false) => over(rmsprop::Centered(step.rule(scale)), param, grad, state),
            (true, true) => over(rmsprop::CenteredMomentum(step.rule(scale)), param, grad, state),
        },
        Step::Rprop(step) => over(step.rule(scale), param, grad, state),
        Step::Sgd(step) if step.momentum == 0.0 => over(step.plain_rule(scale), param, grad, state),
        Step::Sgd(step) => over(step.momentum_rule(scale), param, grad, state),
    }
}

/// What becomes of one element, its gradient and its `N` numbers of state. The settings of the step are `self`, as
/// numbers of the element type.
trait Rule<T: Real, const N: usize>: Copy + Send + Sync {
    /// The parameter and its state after the step. To be `#[inline(always)]`.
    fn apply<A: Arch>(&self, param: T, grad: T, state: [T; N]) -> (T, [T; N]);
}

/// How the gradient that is given becomes the one to descend along: scaled, negated to maximize, with the L2 penalty.
#[derive(Clone, Copy)]
struct Gradient<T> {
    scale: T,
    weight_decay: T,
}

impl<T: Real> Gradient<T> {
    fn new(scale: T, maximize: bool, weight_decay: f64) -> Self {
        Gradient { scale: if maximize { -scale } else { scale }, weight_decay: T::from_f64(weight_decay) }
    }

    #[inline(always)]
    fn of<A: Arch>(&self, grad: T, param: T) -> T {
        A::fma(param, self.weight_decay, grad * self.scale)
    }
}

/// The decay of a mean: how much of the new value, and of the old one, is in it.
#[derive(Clone, Copy)]
struct Mean<T> {
    fresh: T,
    kept: T,
}

impl<T: Real> Mean<T> {
    fn new(kept: f64) -> Self {
        Mean { fresh: T::from_f64(1.0 - kept), kept: T::from_f64(kept) }
    }

    /// The mean after `x`, rounded as PyTorch's `lerp` does: from the nearer end.
    #[inline(always)]
    fn after<A: Arch>(&self, mean: T, x: T) -> T {
        let distance = x - mean;
        if self.fresh < T::HALF {
            A::fma(self.fresh, distance, mean)
        } else {
            A::fma(-distance, self.kept, x)
        }
    }

    /// The mean square after `x`.
    #[inline(always)]
    fn after_square<A: Arch>(&self, mean: T, x: T) -> T {
        A::fma(x * x, self.fresh, mean * self.kept)
    }
}

/// Elements that a rule takes side by side: read as a whole, so that the arrays need not be known to differ for the
/// loop over them to become vector instructions. So many that it stays a loop until then: of sixteen copies of a short rule
/// the compiler makes gathers, which take ten times as long.
const LANES: usize = 64;

struct Elements<'a, T, R, const N: usize> {
    rule: R,
    param: &'a mut [T],
    grad: &'a [T],
    state: [&'a mut [T]; N],
}

impl<T: Real, R: Rule<T, N>, const N: usize> Kernel for Elements<'_, T, R, N> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arch>(self) {
        let Elements { rule, param, grad, state } = self;
        let (params, param_rest) = param.as_chunks_mut::<LANES>();
        let (grads, grad_rest) = grad.as_chunks::<LANES>();
        let state = state.map(|array| array.as_chunks_mut::<LANES>());
        for (i, (params, grads)) in params.iter_mut().zip(grads).enumerate() {
            let mut kept = std::array::from_fn(|n| state[n].0[i]);
            *params = side_by_side::<A, T, R, N>(rule, *params, grads, &mut kept);
            for n in 0..N {
                state[n].0[i] = kept[n];
            }
        }
        let rest = param_rest.len();
        if rest > 0 {
            let filled = |values: &[T]| {
                let mut lanes = [T::ZERO; LANES];
                lanes[..rest].copy_from_slice(values);
                lanes
            };
            let mut kept = std::array::from_fn(|n| filled(state[n].1));
            let moved = side_by_side::<A, T, R, N>(rule, filled(param_rest), &filled(grad_rest), &mut kept);
            param_rest.copy_from_slice(&moved[..rest]);
            for n in 0..N {
                state[n].1.copy_from_slice(&kept[n][..rest]);
            }
        }
    }
}

#[inline(always)]
fn side_by_side<A: Arch, T: Real, R: Rule<T, N>, const N: usize>(
    rule: R,
    mut params: [T; LANES],
    grads: &[T; LANES],
    kept: &mut [[T; LANES]; N],
) -> [T; LANES] {
    for l in 0..LANES {
        let (param, after) = rule.apply::<A>(params[l], grads[l], std::array::from_fn(|n| kept[n][l]));
        params[l] = param;
        for n in 0..N {
            kept[n][l] = after[n];
        }
    }
    params
}

/// Carries a rule through the arrays.
fn over<T: Real, R: Rule<T, N>, const N: usize>(
    rule: R,
    param: &mut [T],
    grad: &[T],
    state: &mut [&mut [T]],
) {
    let len = param.len();
    assert!(
        grad.len() == len && state.len() == N && state.iter().all(|array| array.len() == len),
        "optimizer step: {len} parameters, {} gradients, and of the {N} arrays of state {:?}",
        grad.len(),
        state.iter().map(|array| array.len()).collect::<Vec<_>>()
    );
    let mut state = state.iter_mut();
    let state: [Disjoint<'_, T>; N] =
        std::array::from_fn(|_| Disjoint::new(state.next().expect("counted above")));
    for_each_chunk(param, CHUNK, GRAIN, |start, param| {
        let len = param.len();
        // SAFETY: chunks do not overlap.
        let state = state.each_ref().map(|array| unsafe { array.slice(start, len) });
        dispatch(Elements { rule, param, grad: &grad[start..start + len], state });
    });
}
