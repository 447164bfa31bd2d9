//! The triplet loss, and the pairwise margin loss of two-tower models that it is made of.
//!
//! ```text
//! l = max(d+ - d- + margin, 0)      dl/dd+ = 1 = -dl/dd- where l > 0
//! triplet: d+ = d(anchor, positive), d- = d(anchor, negative), with swap the lesser of d- and d(positive, negative)
//! ```
//!
//! Two conventions for the distance: with PyTorch's eps of 1e-6, and without. Balntas et al. 2016. PyTorch:
//! `torch.nn.TripletMarginLoss`.

use crate::array::Array;
use crate::distance::PairwiseDistance;
use crate::error::Result;
use crate::loss_reduction::Reduction;
use crate::pointwise_loss::{Part, PointwiseLoss, step};
use crate::trace::Trace;

/// max(d+ - d- + margin, 0) of given distances: d+ is the prediction, d- the target.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PairwiseMargin {
    /// How much nearer what belongs together should be.
    pub margin: f64,
    /// How the losses are reduced.
    pub reduction: Reduction,
}

impl PointwiseLoss for PairwiseMargin {
    fn name(&self) -> &'static str {
        "pairwise margin"
    }

    fn reduction(&self) -> Reduction {
        self.reduction
    }

    fn parts(&self, x: f64, y: f64) -> Vec<Part> {
        let v = x - y + self.margin;
        vec![("v", "d+ - d- + margin", v), ("l", "max(v, 0)", v.max(0.0))]
    }

    fn slopes(&self, x: f64, y: f64) -> [f64; 2] {
        let on = step(x - y + self.margin);
        [on, -on]
    }

    fn slope_formula(&self) -> &'static str {
        "(1 if v > 0 else 0) dl"
    }
}

/// The triplet loss with its conventions. The default is PyTorch's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Triplet {
    /// How much nearer the positive should be.
    pub margin: f64,
    /// The distance.
    pub distance: PairwiseDistance,
    /// Whether the negative's distance is that to the anchor or to the positive, whichever is less.
    pub swap: bool,
    /// How the losses are reduced.
    pub reduction: Reduction,
}

impl Default for Triplet {
    fn default() -> Self {
        Triplet {
            margin: 1.0,
            distance: PairwiseDistance::default(),
            swap: false,
            reduction: Reduction::Mean,
        }
    }
}

impl Triplet {
    fn margin(&self) -> PairwiseMargin {
        PairwiseMargin { margin: self.margin, reduction: self.reduction }
    }

    /// The loss of anchors, positives and negatives, (.., D) each.
    pub fn forward(&self, a: &Array, p: &Array, n: &Array, trace: &mut Trace) -> Result<Array> {
        let near = self.distance.forward(a, p, trace)?;
        let mut far = self.distance.forward(a, n, trace)?;
        if self.swap {
            far = far.zip(&self.distance.forward(p, n, trace)?, f64::min)?;
        }
        self.margin().forward(&near, &far, trace)
    }

    /// The gradients with respect to anchors, positives and negatives, from the gradient of the loss.
    pub fn backward(
        &self,
        a: &Array,
        p: &Array,
        n: &Array,
        upstream: &Array,
        trace: &mut Trace,
    ) -> Result<[Array; 3]> {
        let silent = &mut Trace::silent();
        let near = self.distance.forward(a, p, silent)?;
        let by_anchor = self.distance.forward(a, n, silent)?;
        let by_positive = self.distance.forward(p, n, silent)?;
        let far = if self.swap { by_anchor.zip(&by_positive, f64::min)? } else { by_anchor.clone() };
        let [d_near, d_far] = self.margin().backward(&near, &far, upstream, trace)?;
        let by = |share: &Array| d_far.zip(share, |d, share| d * share);
        // Where both are equal, each gets half.
        let anchors = by_anchor.zip(&by_positive, |a, p| match a.partial_cmp(&p) {
            _ if !self.swap => 1.0,
            Some(std::cmp::Ordering::Less) => 1.0,
            Some(std::cmp::Ordering::Equal) => 0.5,
            _ => 0.0,
        })?;
        let (through_anchor, through_positive) = (by(&anchors)?, by(&anchors.map(|share| 1.0 - share))?);
        let ap = self.distance.backward(a, p, &d_near, trace)?;
        let an = self.distance.backward(a, n, &through_anchor, trace)?;
        let pn = self.distance.backward(p, n, &through_positive, trace)?;
        let da = trace.step("da", "the sum of both", ap.zip(&an, |ap, an| ap + an)?);
        let dp = pn.zip(&ap, |pn, ap| pn - ap)?;
        let dn = an.zip(&pn, |an, pn| -an - pn)?;
        Ok([da, dp, dn])
    }
}
