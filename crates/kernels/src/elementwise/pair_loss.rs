//! Losses of pairs: of each element of a prediction beside one of a target.

use super::Side;
use super::binary::{zip, zip3};
use crate::isa::{Arch, Kernel, dispatch};
use crate::math::{self, Math};
use crate::reduce::sum_map;

/// A loss of a prediction `x` and a target `y`; derivatives at kinks are PyTorch's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PairLoss<T> {
    /// `(x - y)^2`
    Squared,
    /// `|x - y|`
    Absolute,
    /// `(x - y)^2 / (2 beta)` where `|x - y| < beta`, `|x - y| - beta / 2` elsewhere; `beta` is positive.
    SmoothL1(T),
    /// `(x - y)^2 / 2` where `|x - y| <= delta`, `delta (|x - y| - delta / 2)` elsewhere.
    Huber(T),
    /// `max(0, margin - x y)`
    Hinge(T),
    /// `x` where `y` is 1, `max(0, margin - x)` where it is -1.
    HingeEmbedding(T),
    /// `ln(1 + e^(-x y))`
    SoftMargin,
    /// `y ln y - y x`: the divergence of a probability `y` and the logarithm `x` of another.
    KlDivergence,
    /// `e^y (y - x)`: the same where `y` is a logarithm too.
    KlDivergenceOfLogs,
    /// `e^x - y x`, or without `log_input` `x - y ln(x + eps)`; with `full` and Stirling's `y ln y - y + ln(2 pi y) / 2` where
    /// `y > 1`.
    PoissonNll {
        /// Whether `x` is the logarithm of the rate.
        log_input: bool,
        /// Whether the term without `x` is there.
        full: bool,
        /// Keeps the logarithm from 0.
        eps: T,
    },
    /// `-ln sigmoid(x - y)`: of the scores of an item that was chosen and of one that was not.
    BayesianRanking,
    /// `(1 - y) x - ln sigmoid(x)`: binary cross-entropy of a logit.
    BceWithLogits,
    /// `-a (1 - p)^gamma ln p`, where `p` is the probability that a logit `x` gives to `y`, and `a` goes from `negative` to
    /// `positive` as `y` does from 0 to 1.
    Focal {
        /// How much less what is already known counts.
        gamma: T,
        /// The weight of `y = 1`.
        positive: T,
        /// The weight of `y = 0`.
        negative: T,
    },
}

impl<T: Math> PairLoss<T> {
    /// The name used in messages and recordings.
    pub fn name(&self) -> &'static str {
        match self {
            PairLoss::Squared => "mse_loss",
            PairLoss::Absolute => "l1_loss",
            PairLoss::SmoothL1(_) => "smooth_l1_loss",
            PairLoss::Huber(_) => "huber_loss",
            PairLoss::Hinge(_) => "hinge_loss",
            PairLoss::HingeEmbedding(_) => "hinge_embedding_loss",
            PairLoss::SoftMargin => "soft_margin_loss",
            PairLoss::KlDivergence | PairLoss::KlDivergenceOfLogs => "kl_div",
            PairLoss::PoissonNll { .. } => "poisson_nll_loss",
            PairLoss::BayesianRanking => "bpr_loss",
            PairLoss::BceWithLogits => "bce_with_logits_loss",
            PairLoss::Focal { .. } => "focal_loss",
        }
    }

    pub(super) fn grain(&self) -> usize {
        super::grain(matches!(
            self,
            PairLoss::Squared
                | PairLoss::Absolute
                | PairLoss::SmoothL1(_)
                | PairLoss::Huber(_)
                | PairLoss::Hinge(_)
                | PairLoss::HingeEmbedding(_)
        ))
    }
}

/// `out = loss(x, y)`, slices of one length.
pub(super) fn forward<T: Math>(loss: PairLoss<T>, x: &[T], y: &[T], out: &mut [T]) {
    dispatch(Forward { loss, x, y, out });
}

/// `dx = scale * d loss / d side`, slices of one length.
pub(super) fn backward<T: Math>(loss: PairLoss<T>, side: Side, x: &[T], y: &[T], scale: T, dx: &mut [T]) {
    dispatch(Backward { loss, side, x, y, scale, dx });
}

/// `dx *= dout`, slices of one length.
pub(super) fn multiply<T: Math>(dout: &[T], dx: &mut [T]) {
    dispatch(Multiply { dout, dx });
}

/// The sum of a slice.
pub(super) fn sum<T: Math>(x: &[T]) -> f64 {
    dispatch(Sum { x })
}

struct Sum<'a, T> {
    x: &'a [T],
}

impl<T: Math> Kernel for Sum<'_, T> {
    type Output = f64;
    #[inline(always)]
    fn run<A: Arch>(self) -> f64 {
        sum_map(self.x, |x| x)
    }
}

struct Multiply<'a, T> {
    dout: &'a [T],
    dx: &'a mut [T],
}

impl<T: Math> Kernel for Multiply<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<A: Arch>(self) {
        for (dx, d) in self.dx.iter_mut().zip(self.dout) {
            *dx *= *d;
        }
    }
}

struct Forward<'a, T> {
    loss: PairLoss<T>,
    x: &'a [T],
    y: &'a [T],
    out: &'a mut [T],
}

impl<T: Math> Kernel for Forward<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<A: Arch>(self) {
        let Forward { loss, x, y, out } = self;
        let (zero, one, half) = (T::ZERO, T::ONE, T::HALF);
        match loss {
            PairLoss::Squared => zip(x, y, out, |x, y| (x - y) * (x - y)),
            PairLoss::Absolute => zip(x, y, out, |x, y| (x - y).abs()),
            PairLoss::SmoothL1(beta) => zip(x, y, out, |x, y| {
                let e = (x - y).abs();
                if e < beta { half * e * e / beta } else { e - half * beta }
            }),
            PairLoss::Huber(delta) => zip(x, y, out, |x, y| {
                let e = (x - y).abs();
                if e <= delta { half * e * e } else { delta * (e - half * delta) }
            }),
            PairLoss::Hinge(margin) => zip(x, y, out, |x, y| positive(margin - x * y)),
            PairLoss::HingeEmbedding(margin) => zip(x, y, out, |x, y| {
                let near = if y == -one { zero } else { x };
                let far = if y == one { zero } else { positive(margin - x) };
                near + far
            }),
            PairLoss::SoftMargin => zip(x, y, out, |x, y| math::softplus::<A, T>(-x * y)),
            PairLoss::KlDivergence => zip(x, y, out, |x, y| {
                let entropy = y * math::ln::<A, T>(y);
                (if y == zero { zero } else { entropy }) - y * x
            }),
            PairLoss::KlDivergenceOfLogs => zip(x, y, out, |x, y| math::exp::<A, T>(y) * (y - x)),
            PairLoss::PoissonNll { log_input, full, eps } => {
                if log_input {
                    zip(x, y, out, |x, y| math::exp::<A, T>(x) - y * x);
                } else {
                    zip(x, y, out, |x, y| x - y * math::ln::<A, T>(x + eps));
                }
                if full {
                    for (out, y) in out.iter_mut().zip(y) {
                        let ln = math::ln::<A, T>(*y);
                        let stirling = *y * ln - *y + half * (T::from_f64(LN_TAU) + ln);
                        *out += if *y <= one { zero } else { stirling };
                    }
                }
            }
            PairLoss::BayesianRanking => zip(x, y, out, |x, y| math::softplus::<A, T>(y - x)),
            PairLoss::BceWithLogits => {
                zip(x, y, out, |x, y| (one - y) * x - math::log_sigmoid::<A, T>(x));
            }
            PairLoss::Focal { gamma, positive, negative } => {
                let rise = positive - negative;
                if gamma == T::TWO {
                    zip(x, y, out, |x, y| {
                        let f = Focus::of::<A>(x, y);
                        (negative + rise * y) * f.surprise * (f.miss * f.miss)
                    });
                } else {
                    zip(x, y, out, |x, y| {
                        let f = Focus::of::<A>(x, y);
                        (negative + rise * y) * f.surprise * f.miss.powf::<A>(gamma)
                    });
                }
            }
        }
    }
}

/// `ln(2 pi)`
const LN_TAU: f64 = 1.8378770664093453;

/// `max(v, 0)`; NaN stays NaN.
#[inline(always)]
fn positive<T: Math>(v: T) -> T {
    if v <= T::ZERO { T::ZERO } else { v }
}

/// What a focal loss is made of; each without the difference of two numbers near 1.
struct Focus<T> {
    /// `sigmoid(x)` and `sigmoid(-x)`.
    p: T,
    q: T,
    /// The cross-entropy of `x` and `y`.
    surprise: T,
    /// The probability that `x` gives to the opposite of `y`.
    miss: T,
}

impl<T: Math> Focus<T> {
    #[inline(always)]
    fn of<A: Arch>(x: T, y: T) -> Self {
        let small = math::exp_below_one::<A, T>(-x.abs());
        let most = T::ONE / (T::ONE + small);
        let least = small * most;
        let (p, q) = if x < T::ZERO { (least, most) } else { (most, least) };
        let surprise = positive(x) - x * y + math::log1p::<A, T>(small);
        Focus { p, q, surprise, miss: y * q + (T::ONE - y) * p }
    }
}

struct Backward<'a, T> {
    loss: PairLoss<T>,
    side: Side,
    x: &'a [T],
    y: &'a [T],
    scale: T,
    dx: &'a mut [T],
}

impl<T: Math> Kernel for Backward<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<A: Arch>(self) {
        let Backward { loss, side, x, y, scale, dx } = self;
        let (zero, one, half) = (T::ZERO, T::ONE, T::HALF);
        let left = side == Side::Left;
        // Where a loss sees the difference alone, the other side's slope is the negative.
        let signed = if left { scale } else { -scale };
        let cut = |e: T, bound: T| {
            let e = if e < -bound { -bound } else { e };
            if e > bound { bound } else { e }
        };
        match loss {
            PairLoss::Squared => zip(x, y, dx, |x, y| signed * (T::TWO * (x - y))),
            PairLoss::Absolute => zip(x, y, dx, |x, y| {
                let e = x - y;
                let below = if e < zero { -signed } else { zero };
                if e > zero { signed } else { below }
            }),
            PairLoss::SmoothL1(beta) => zip(x, y, dx, |x, y| signed * cut((x - y) / beta, one)),
            PairLoss::Huber(delta) => zip(x, y, dx, |x, y| signed * cut(x - y, delta)),
            PairLoss::Hinge(margin) => zip(x, y, dx, |x, y| {
                let slope = -scale * if left { y } else { x };
                if margin - x * y <= zero { zero } else { slope }
            }),
            PairLoss::HingeEmbedding(margin) if left => zip(x, y, dx, |x, y| {
                let near = if y == -one { zero } else { scale };
                let far = if y == one || margin - x <= zero { zero } else { scale };
                near - far
            }),
            PairLoss::HingeEmbedding(_) => dx.fill(zero),
            PairLoss::SoftMargin => {
                zip(x, y, dx, |x, y| -scale * (if left { y } else { x }) * math::sigmoid::<A, T>(-x * y));
            }
            PairLoss::KlDivergence if left => zip(y, y, dx, |y, _| -scale * y),
            PairLoss::KlDivergence => zip(x, y, dx, |x, y| scale * (math::ln::<A, T>(y) + one - x)),
            PairLoss::KlDivergenceOfLogs if left => zip(y, y, dx, |y, _| -scale * math::exp::<A, T>(y)),
            PairLoss::KlDivergenceOfLogs => {
                zip(x, y, dx, |x, y| scale * math::exp::<A, T>(y) * (y - x + one));
            }
            PairLoss::PoissonNll { log_input: true, .. } if left => {
                zip(x, y, dx, |x, y| scale * (math::exp::<A, T>(x) - y));
            }
            PairLoss::PoissonNll { eps, .. } if left => zip(x, y, dx, |x, y| scale * (one - y / (x + eps))),
            PairLoss::PoissonNll { log_input, full, eps } => zip(x, y, dx, |x, y| {
                let rate = if log_input { x } else { math::ln::<A, T>(x + eps) };
                let stirling = math::ln::<A, T>(y) + half / y;
                scale * ((if full && y > one { stirling } else { zero }) - rate)
            }),
            PairLoss::BayesianRanking => zip(x, y, dx, |x, y| -signed * math::sigmoid::<A, T>(y - x)),
            PairLoss::BceWithLogits if left => {
                zip(x, y, dx, |x, y| scale * (math::sigmoid::<A, T>(x) - y));
            }
            PairLoss::BceWithLogits => zip(x, x, dx, |x, _| -scale * x),
            PairLoss::Focal { gamma, positive, negative } => {
                let rise = positive - negative;
                zip3(x, y, y, dx, |x, y, _| {
                    let f = Focus::of::<A>(x, y);
                    let alpha = negative + rise * y;
                    let square = f.miss * f.miss;
                    let power = if gamma == T::TWO { square } else { f.miss.powf::<A>(gamma) };
                    // d surprise and d miss / miss, which at 0 is multiplied by 0.
                    let over = if f.miss > zero { power / f.miss } else { zero };
                    let (surprise, miss) =
                        if left { (f.p - y, f.p * f.q * (one - T::TWO * y)) } else { (-x, f.q - f.p) };
                    let slope = alpha * (surprise * power + f.surprise * gamma * over * miss);
                    let own = if left { zero } else { rise * f.surprise * power };
                    scale * (slope + own)
                });
            }
        }
    }
}
