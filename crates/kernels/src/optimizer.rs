//! Optimizer steps: each is one threaded pass over a parameter, its gradient and its state, by PyTorch's update rules.

mod adadelta;
mod adam;
mod sgd;
mod square_sum;

use crate::real::Real;

/// Elements below which another thread does not pay.
const GRAIN: usize = 1 << 16;
/// Elements of one task: with five arrays, still inside a core's second-level cache.
const CHUNK: usize = 1 << 14;

/// The settings of one step of stochastic gradient descent (`torch.optim.SGD`).
///
/// ```text
/// g = scale * gradient            (negated to maximize)
/// g = g + weight_decay * param
/// v = g on the first step, else momentum * v + (1 - dampening) * g
/// g = g + momentum * v if nesterov, else v
/// param = param - lr * g
/// ```
/// The three lines from `v` on need a momentum other than 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SgdStep {
    /// Learning rate.
    pub lr: f64,
    /// Share of the last velocity that is kept.
    pub momentum: f64,
    /// Share of the gradient that is kept from the velocity.
    pub dampening: f64,
    /// L2 penalty, added to the gradient.
    pub weight_decay: f64,
    /// Looks ahead along the velocity.
    pub nesterov: bool,
    /// Climbs instead of descending.
    pub maximize: bool,
    /// Whether this is the parameter's first step, which starts the velocity at the gradient, undampened.
    pub first: bool,
}

/// The settings of one step of Adam (`torch.optim.Adam`; Kingma and Ba, 2015) or AdamW (Loshchilov and Hutter, 2019).
///
/// ```text
/// g = scale * gradient            (negated to maximize)
/// g = g + weight_decay * param    (Adam), or  param = param (1 - lr * weight_decay)  (AdamW)
/// m = m + (1 - beta1) (g - m)
/// v = beta2 v + (1 - beta2) g^2
/// u = v, or with amsgrad the largest v so far
/// param = param - lr / (1 - beta1^step) * m / (sqrt(u) / sqrt(1 - beta2^step) + eps)
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamStep {
    /// Learning rate.
    pub lr: f64,
    /// Decay of the gradient's mean.
    pub beta1: f64,
    /// Decay of the gradient's mean square.
    pub beta2: f64,
    /// Added to the denominator.
    pub eps: f64,
    /// Weight decay, coupled or not.
    pub weight_decay: f64,
    /// Shrinks the parameter itself (AdamW) instead of adding to the gradient.
    pub decoupled: bool,
    /// Divides by the largest mean square so far (Reddi, Kale and Kumar, 2018).
    pub amsgrad: bool,
    /// Climbs instead of descending.
    pub maximize: bool,
    /// The number of this step, from 1.
    pub step: u64,
}

/// The settings of one step of Adadelta (`torch.optim.Adadelta`; Zeiler, 2012).
///
/// ```text
/// g = scale * gradient            (negated to maximize)
/// g = g + weight_decay * param
/// s = rho s + (1 - rho) g^2
/// d = sqrt(u + eps) / sqrt(s + eps) * g
/// u = rho u + (1 - rho) d^2
/// param = param - lr * d
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdadeltaStep {
    /// Learning rate.
    pub lr: f64,
    /// Decay of both mean squares.
    pub rho: f64,
    /// Added to the mean squares inside their roots.
    pub eps: f64,
    /// L2 penalty, added to the gradient.
    pub weight_decay: f64,
    /// Climbs instead of descending.
    pub maximize: bool,
}

/// One step over one parameter. All slices have the parameter's length; `scale` multiplies the gradient on the way in
/// (a global clipping factor; 1 otherwise).
pub trait OptimizerStep: Real {
    /// [`SgdStep`]; `velocity` is needed exactly where the momentum is not 0, and is overwritten by the first step.
    fn sgd(step: &SgdStep, param: &mut [Self], grad: &[Self], velocity: Option<&mut [Self]>, scale: Self);

    /// [`AdamStep`]; `v_max` is needed exactly with `amsgrad`. The state starts at zero.
    fn adam(
        step: &AdamStep,
        param: &mut [Self],
        grad: &[Self],
        m: &mut [Self],
        v: &mut [Self],
        v_max: Option<&mut [Self]>,
        scale: Self,
    );

    /// [`AdadeltaStep`]; `square_avg` is s, `acc_delta` u. The state starts at zero.
    fn adadelta(
        step: &AdadeltaStep,
        param: &mut [Self],
        grad: &[Self],
        square_avg: &mut [Self],
        acc_delta: &mut [Self],
        scale: Self,
    );

    /// The sum of the squares, accumulated in `f64` in an order that does not depend on the threads. For clipping by
    /// the global norm.
    fn sum_squares(x: &[Self]) -> f64;
}

macro_rules! optimizer_step {
    ($($t:ty),*) => { $(
        impl OptimizerStep for $t {
            fn sgd(step: &SgdStep, param: &mut [Self], grad: &[Self], velocity: Option<&mut [Self]>, scale: Self) {
                sgd::step(step, param, grad, velocity, scale);
            }

            fn adam(
                step: &AdamStep,
                param: &mut [Self],
                grad: &[Self],
                m: &mut [Self],
                v: &mut [Self],
                v_max: Option<&mut [Self]>,
                scale: Self,
            ) {
                adam::step(step, param, grad, m, v, v_max, scale);
            }

            fn adadelta(
                step: &AdadeltaStep,
                param: &mut [Self],
                grad: &[Self],
                square_avg: &mut [Self],
                acc_delta: &mut [Self],
                scale: Self,
            ) {
                adadelta::step(step, param, grad, square_avg, acc_delta, scale);
            }

            fn sum_squares(x: &[Self]) -> f64 {
                square_sum::sum_squares(x)
            }
        }
    )* };
}
optimizer_step!(f32, f64);
