//! Negative log likelihood of counts under a Poisson distribution.
//!
//! ```text
//! x is the logarithm of the rate    l = e^x - y x                  dl/dx = e^x - y
//! x is the rate                     l = x - y log(x + eps)         dl/dx = 1 - y / (x + eps)
//! full: plus Stirling's form of log y!, y log y - y + log(2 pi y) / 2, where y > 1
//! ```
//!
//! PyTorch: `torch.nn.PoissonNLLLoss`.

use std::f64::consts::TAU;

use crate::loss_reduction::Reduction;
use crate::pointwise_loss::{Part, PointwiseLoss};

/// The loss with its options. The default is PyTorch's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PoissonNll {
    /// Whether x is the logarithm of the rate.
    pub log_input: bool,
    /// Whether the term without x is there.
    pub full: bool,
    /// Keeps the logarithm from 0.
    pub eps: f64,
    /// How the losses are reduced.
    pub reduction: Reduction,
}

impl Default for PoissonNll {
    fn default() -> Self {
        PoissonNll { log_input: true, full: false, eps: 1e-8, reduction: Reduction::Mean }
    }
}

impl PointwiseLoss for PoissonNll {
    fn name(&self) -> &'static str {
        "Poisson likelihood"
    }

    fn reduction(&self) -> Reduction {
        self.reduction
    }

    fn parts(&self, x: f64, y: f64) -> Vec<Part> {
        let (formula, l) = if self.log_input {
            ("e^x - y x", x.exp() - y * x)
        } else {
            ("x - y log(x + eps)", x - y * (x + self.eps).ln())
        };
        let s = if self.full && y > 1.0 { y * y.ln() - y + (TAU * y).ln() / 2.0 } else { 0.0 };
        vec![("k", formula, l), ("s", "Stirling's log y!, where it is asked for", s), ("l", "k + s", l + s)]
    }

    fn slopes(&self, x: f64, y: f64) -> [f64; 2] {
        let (dx, rate) =
            if self.log_input { (x.exp() - y, x) } else { (1.0 - y / (x + self.eps), (x + self.eps).ln()) };
        let stirling = if self.full && y > 1.0 { y.ln() + 0.5 / y } else { 0.0 };
        [dx, stirling - rate]
    }

    fn slope_formula(&self) -> &'static str {
        if self.log_input { "(e^x - y) dl" } else { "(1 - y / (x + eps)) dl" }
    }
}
