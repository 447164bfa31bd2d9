//! The activations of today's networks, one number in, one number out.
//!
//! Names, defaults and the slopes at kinks are PyTorch's (`torch.nn.functional`). The historical S-shaped family is in
//! [`crate::sigmoid`].

use crate::binary_cross_entropy::logistic;
use crate::elementwise::Elementwise;
use crate::erf::{normal_cdf, normal_density};

/// An activation and its options.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Activation {
    /// max(0, x). Nair and Hinton 2010.
    Relu,
    /// x for x > 0, else `slope` x. PyTorch's default slope is 0.01.
    LeakyRelu {
        /// Slope of the negative side.
        slope: f64,
    },
    /// x for x > 0, else `alpha` (e^x - 1). Clevert et al. 2015.
    Elu {
        /// The negative side tends to -alpha; PyTorch's default is 1.
        alpha: f64,
    },
    /// scale (x for x > 0, else alpha (e^x - 1)) with the two constants that keep mean 0 and variance 1.
    /// Klambauer et al. 2017.
    Selu,
    /// 1 / (1 + e^-x).
    Logistic,
    /// tanh x.
    Tanh,
    /// x Phi(x), Phi the normal distribution function. Hendrycks and Gimpel 2016.
    Gelu,
    /// x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))): the approximation GPT-2 uses.
    GeluTanh,
    /// x / (1 + e^-x), also called swish.
    Silu,
    /// log(1 + e^(beta x)) / beta, and x itself where beta x passes a threshold, as PyTorch does to save the exponential.
    Softplus {
        /// Sharpness; PyTorch's default is 1.
        beta: f64,
        /// Where the straight line begins: PyTorch's default is 20, infinity means never.
        threshold: f64,
    },
    /// x tanh(log(1 + e^x)). Misra 2019.
    Mish,
    /// x min(max(x + 3, 0), 6) / 6. Howard et al. 2019.
    Hardswish,
    /// x / (1 + |x|).
    Softsign,
    /// min(max(x, 0), 6). Its slope at both bends is 0.
    Relu6,
    /// min(max(x, low), high). Its slope at both bends is 0.
    Hardtanh {
        /// PyTorch's default is -1.
        low: f64,
        /// PyTorch's default is 1.
        high: f64,
    },
    /// min(max(x + 3, 0), 6) / 6.
    Hardsigmoid,
    /// x for x > 0, else `alpha` (e^(x / alpha) - 1), whose slope has no step. Barron 2017.
    Celu {
        /// The negative side tends to -alpha; PyTorch's default is 1.
        alpha: f64,
    },
    /// x for x > `threshold`, else `value`.
    Threshold {
        /// What x must exceed.
        threshold: f64,
        /// What stands for x where it does not.
        value: f64,
    },
    /// x moved by `margin` toward 0, which it does not pass. PyTorch's default margin is 0.5.
    Softshrink {
        /// How far.
        margin: f64,
    },
    /// x for |x| > `margin`, else 0. PyTorch's default margin is 0.5.
    Hardshrink {
        /// How far from 0.
        margin: f64,
    },
    /// x - tanh x.
    Tanhshrink,
    /// log(1 / (1 + e^-x)) = -log(1 + e^-x), which is not the logarithm of a sigmoid that rounds to 0.
    LogSigmoid,
}

/// Selu's alpha and scale.
const SELU: (f64, f64) = (1.673_263_242_354_377_3, 1.050_700_987_355_480_5);

/// sqrt(2/pi) and the cubic's coefficient of the tanh approximation of GELU.
const GELU_TANH: (f64, f64) = (0.797_884_560_802_865_4, 0.044715);

/// `positive` for x > 0, `otherwise` for x <= 0.
fn by_sign(x: f64, positive: f64, otherwise: f64) -> f64 {
    if x <= 0.0 { otherwise } else { positive }
}

/// x between two bounds; the upper one wins where they cross, as in PyTorch, and not-a-number stays.
pub(crate) fn held(x: f64, low: f64, high: f64) -> f64 {
    let x = if x < low { low } else { x };
    if x > high { high } else { x }
}

/// log(1 + e^x) without overflow.
fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

impl Elementwise for Activation {
    fn value(&self, x: f64) -> f64 {
        match *self {
            Activation::Relu => by_sign(x, x, 0.0),
            Activation::LeakyRelu { slope } => by_sign(x, x, slope * x),
            Activation::Elu { alpha } => by_sign(x, x, alpha * x.exp_m1()),
            Activation::Selu => SELU.1 * by_sign(x, x, SELU.0 * x.exp_m1()),
            Activation::Logistic => logistic(x),
            Activation::Tanh => x.tanh(),
            Activation::Gelu => x * normal_cdf(x),
            Activation::GeluTanh => 0.5 * x * (1.0 + (GELU_TANH.0 * (x + GELU_TANH.1 * x.powi(3))).tanh()),
            Activation::Silu => x * logistic(x),
            Activation::Softplus { beta, threshold } => {
                if beta * x > threshold {
                    x
                } else {
                    softplus(beta * x) / beta
                }
            }
            Activation::Mish => x * softplus(x).tanh(),
            Activation::Hardswish => x * (x + 3.0).clamp(0.0, 6.0) / 6.0,
            Activation::Softsign => x / (1.0 + x.abs()),
            Activation::Relu6 => x.clamp(0.0, 6.0),
            Activation::Hardtanh { low, high } => held(x, low, high),
            Activation::Hardsigmoid => (x + 3.0).clamp(0.0, 6.0) / 6.0,
            Activation::Celu { alpha } => by_sign(x, x, alpha * (x / alpha).exp_m1()),
            Activation::Threshold { threshold, value } => {
                if x <= threshold {
                    value
                } else {
                    x
                }
            }
            Activation::Softshrink { margin } => x - held(x, -margin, margin),
            Activation::Hardshrink { margin } => {
                if x.abs() <= margin {
                    0.0
                } else {
                    x
                }
            }
            Activation::Tanhshrink => x - x.tanh(),
            Activation::LogSigmoid => -softplus(-x),
        }
    }

    fn derivative(&self, x: f64) -> f64 {
        match *self {
            Activation::Relu => by_sign(x, 1.0, 0.0),
            // PyTorch sends not-a-number down the other side here.
            Activation::LeakyRelu { slope } if x.is_nan() => slope,
            Activation::LeakyRelu { slope } => by_sign(x, 1.0, slope),
            Activation::Elu { alpha } => by_sign(x, 1.0, alpha * x.exp()),
            Activation::Selu => SELU.1 * by_sign(x, 1.0, SELU.0 * x.exp()),
            Activation::Logistic => logistic(x) * (1.0 - logistic(x)),
            Activation::Tanh => 1.0 - x.tanh().powi(2),
            Activation::Gelu => normal_cdf(x) + x * normal_density(x),
            Activation::GeluTanh => {
                let (scale, cubic) = GELU_TANH;
                let t = (scale * (x + cubic * x.powi(3))).tanh();
                0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * scale * (1.0 + 3.0 * cubic * x * x)
            }
            Activation::Silu => {
                let s = logistic(x);
                s * (1.0 + x * (1.0 - s))
            }
            Activation::Softplus { beta, threshold } => {
                if beta * x > threshold {
                    1.0
                } else {
                    logistic(beta * x)
                }
            }
            Activation::Mish => {
                let t = softplus(x).tanh();
                t + x * (1.0 - t * t) * logistic(x)
            }
            Activation::Hardswish => match x {
                x if x <= -3.0 => 0.0,
                x if x < 3.0 => (2.0 * x + 3.0) / 6.0,
                _ => 1.0,
            },
            Activation::Softsign => (1.0 + x.abs()).powi(-2),
            Activation::Relu6 => Activation::Hardtanh { low: 0.0, high: 6.0 }.derivative(x),
            Activation::Hardtanh { low, high } => {
                if x <= low || x >= high {
                    0.0
                } else {
                    1.0
                }
            }
            Activation::Hardsigmoid => {
                if x > -3.0 && x < 3.0 {
                    1.0 / 6.0
                } else {
                    0.0
                }
            }
            Activation::Celu { alpha } => by_sign(x, 1.0, (x / alpha).exp()),
            Activation::Threshold { threshold, .. } => {
                if x <= threshold {
                    0.0
                } else {
                    1.0
                }
            }
            Activation::Softshrink { margin } | Activation::Hardshrink { margin } => {
                if x.abs() <= margin {
                    0.0
                } else {
                    1.0
                }
            }
            Activation::Tanhshrink => x.tanh().powi(2),
            Activation::LogSigmoid => logistic(-x),
        }
    }

    fn formulas(&self) -> [&'static str; 2] {
        match self {
            Activation::Relu => ["max(0, x)", "1 if x > 0 else 0"],
            Activation::LeakyRelu { .. } => ["x if x > 0 else slope x", "1 if x > 0 else slope"],
            Activation::Elu { .. } => ["x if x > 0 else alpha (e^x - 1)", "1 if x > 0 else alpha e^x"],
            Activation::Selu => {
                ["scale (x if x > 0 else alpha (e^x - 1))", "scale (1 if x > 0 else alpha e^x)"]
            }
            Activation::Logistic => ["1 / (1 + e^-x)", "y (1 - y)"],
            Activation::Tanh => ["tanh x", "1 - y^2"],
            Activation::Gelu => ["x Phi(x)", "Phi(x) + x phi(x)"],
            Activation::GeluTanh => [
                "x/2 (1 + t), t = tanh(sqrt(2/pi) u), u = x + 0.044715 x^3",
                "(1 + t)/2 + x/2 (1 - t^2) sqrt(2/pi) u'",
            ],
            Activation::Silu => ["x s, s = 1 / (1 + e^-x)", "s (1 + x (1 - s))"],
            Activation::Softplus { .. } => ["log(1 + e^(beta x)) / beta", "1 / (1 + e^(-beta x))"],
            Activation::Mish => ["x t, t = tanh(log(1 + e^x))", "t + x (1 - t^2) / (1 + e^-x)"],
            Activation::Hardswish => {
                ["x min(max(x + 3, 0), 6) / 6", "0 if x <= -3, 1 if x >= 3, else (2 x + 3) / 6"]
            }
            Activation::Softsign => ["x / (1 + |x|)", "1 / (1 + |x|)^2"],
            Activation::Relu6 => ["min(max(x, 0), 6)", "1 if 0 < x < 6 else 0"],
            Activation::Hardtanh { .. } => ["min(max(x, low), high)", "1 if low < x < high else 0"],
            Activation::Hardsigmoid => ["min(max(x + 3, 0), 6) / 6", "1/6 if -3 < x < 3 else 0"],
            Activation::Celu { .. } => {
                ["x if x > 0 else alpha (e^(x / alpha) - 1)", "1 if x > 0 else e^(x / alpha)"]
            }
            Activation::Threshold { .. } => ["x if x > threshold else value", "1 if x > threshold else 0"],
            Activation::Softshrink { .. } => ["x - min(max(x, -margin), margin)", "1 if |x| > margin else 0"],
            Activation::Hardshrink { .. } => ["x if |x| > margin else 0", "1 if |x| > margin else 0"],
            Activation::Tanhshrink => ["x - tanh x", "tanh(x)^2"],
            Activation::LogSigmoid => ["-log(1 + e^-x)", "1 / (1 + e^x)"],
        }
    }
}
