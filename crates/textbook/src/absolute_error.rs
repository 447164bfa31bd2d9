//! Absolute error, and its forms without the kink at 0.
//!
//! ```text
//! e = x - y
//! absolute    l = |e|
//! smooth L1   l = e^2 / (2 beta) if |e| < beta   else |e| - beta / 2
//! Huber       l = e^2 / 2        if |e| <= delta else delta (|e| - delta / 2)
//! ```
//!
//! Huber's loss is delta times the smooth L1 loss with beta = delta. Huber 1964, Girshick 2015. PyTorch: `torch.nn.L1Loss`,
//! `torch.nn.SmoothL1Loss`, `torch.nn.HuberLoss`.

use crate::activation::held;
use crate::loss_reduction::Reduction;
use crate::pointwise_loss::{Part, PointwiseLoss};

/// Which form.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Corner {
    /// The kink stays; its slope is taken as 0.
    #[default]
    Sharp,
    /// A parabola of slope 1 at its ends, within this distance; PyTorch's default is 1.
    SmoothL1(f64),
    /// A parabola of curvature 1, within this distance; PyTorch's default is 1.
    Huber(f64),
}

/// Absolute error with its conventions. The default is PyTorch's `L1Loss`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct AbsoluteError {
    /// Its form around 0.
    pub corner: Corner,
    /// How the losses are reduced.
    pub reduction: Reduction,
}

impl PointwiseLoss for AbsoluteError {
    fn name(&self) -> &'static str {
        match self.corner {
            Corner::Sharp => "absolute error",
            Corner::SmoothL1(_) => "smooth L1",
            Corner::Huber(_) => "Huber",
        }
    }

    fn reduction(&self) -> Reduction {
        self.reduction
    }

    fn parts(&self, x: f64, y: f64) -> Vec<Part> {
        let e = x - y;
        let l = match self.corner {
            Corner::SmoothL1(beta) if e.abs() < beta => e * e / (2.0 * beta),
            Corner::SmoothL1(beta) => e.abs() - beta / 2.0,
            Corner::Huber(delta) if e.abs() <= delta => e * e / 2.0,
            Corner::Huber(delta) => delta * (e.abs() - delta / 2.0),
            Corner::Sharp => e.abs(),
        };
        let formula = match self.corner {
            Corner::Sharp => "|e|",
            Corner::SmoothL1(_) => "e^2 / (2 beta) if |e| < beta else |e| - beta / 2",
            Corner::Huber(_) => "e^2 / 2 if |e| <= delta else delta (|e| - delta / 2)",
        };
        vec![("e", "x - y", e), ("l", formula, l)]
    }

    fn slopes(&self, x: f64, y: f64) -> [f64; 2] {
        let e = x - y;
        let slope = match self.corner {
            Corner::Sharp if e == 0.0 => 0.0,
            Corner::SmoothL1(beta) if e.abs() < beta => e / beta,
            Corner::Huber(delta) => held(e, -delta, delta),
            _ => e.signum(),
        };
        [slope, -slope]
    }

    fn slope_formula(&self) -> &'static str {
        match self.corner {
            Corner::Sharp => "sign(e) dl",
            Corner::SmoothL1(_) => "min(max(e / beta, -1), 1) dl",
            Corner::Huber(_) => "min(max(e, -delta), delta) dl",
        }
    }
}
