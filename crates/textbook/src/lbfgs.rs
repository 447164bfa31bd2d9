//! L-BFGS, without a line search.
//!
//! ```text
//! y = g - g_before,  s = t d                    a pair for each step taken; kept where y.s > 1e-10, the newest of them
//! q = -g
//! from the newest pair:   a_i = s_i.q / y_i.s_i,  q = q - a_i y_i
//! r = (y.s / y.y) q                             of the newest pair; q itself before there is one
//! from the oldest pair:   b_i = y_i.r / y_i.s_i,  r = r + (a_i - b_i) s_i
//! d = r
//! p = p + t d                                   t = lr; at first min(1, 1 / sum |g|) lr
//! ```
//!
//! Newton's direction -H g without H: the pairs say how the gradient changed along the steps taken, and two loops over
//! them multiply by the matrix that would explain it. A pair of no curvature would make that matrix indefinite. All
//! parameters are one vector.
//! Liu and Nocedal 1989; Nocedal and Wright, algorithm 7.4. PyTorch: `torch.optim.LBFGS`, of which one `step` is up to
//! `max_iter` of these.

use crate::array::Array;
use crate::error::Result;
use crate::sgd::expect_gradients;
use crate::trace::Trace;

/// L-BFGS over a list of parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Lbfgs {
    /// Step size.
    pub learning_rate: f64,
    /// How many pairs are kept.
    pub history_size: usize,
    before: Option<(Vec<f64>, Vec<f64>)>,
    pairs: Vec<(Vec<f64>, Vec<f64>)>,
}

impl Lbfgs {
    /// PyTorch's L-BFGS: 100 pairs. Its default rate is 1.
    pub fn new(learning_rate: f64) -> Self {
        Lbfgs { learning_rate, history_size: 100, before: None, pairs: Vec::new() }
    }

    /// One iteration: an update of every parameter from its gradient, which must be that of the whole loss.
    pub fn step(&mut self, parameters: &mut [Array], gradients: &[Array], trace: &mut Trace) -> Result<()> {
        expect_gradients("lbfgs", parameters, gradients)?;
        trace.section("lbfgs: iteration");
        let g: Vec<f64> = gradients.iter().flat_map(|g| g.data().to_vec()).collect();
        let mut t = self.learning_rate;
        if let Some((g_before, s)) = &self.before {
            let y = minus(&g, g_before);
            trace.step("s", "t d", Array::vector(s));
            trace.step("y", "g - g_before", Array::vector(&y));
            if trace.number("curvature", "y.s", dot(&y, s)) > 1e-10 {
                self.pairs.push((s.clone(), y));
                if self.pairs.len() > self.history_size {
                    self.pairs.remove(0);
                }
            }
        } else {
            t *= (1.0 / g.iter().map(|g| g.abs()).sum::<f64>()).min(1.0);
        }
        let mut q: Vec<f64> = g.iter().map(|g| -g).collect();
        let mut shares = Vec::new();
        for (s, y) in self.pairs.iter().rev() {
            let a = trace.number("a", "s.q / y.s", dot(s, &q) / dot(y, s));
            add(&mut q, -a, y);
            shares.push(a);
        }
        if let Some((s, y)) = self.pairs.last() {
            let scale = trace.number("scale", "y.s / y.y", dot(y, s) / dot(y, y));
            for q in &mut q {
                *q *= scale;
            }
        }
        for ((s, y), a) in self.pairs.iter().zip(shares.iter().rev()) {
            let b = trace.number("b", "y.r / y.s", dot(y, &q) / dot(y, s));
            add(&mut q, a - b, s);
        }
        let d = trace.step("d", "-H g", Array::vector(&q));
        trace.number("t", "lr, at first min(1, 1 / sum |g|) lr", t);
        let s: Vec<f64> = d.data().iter().map(|d| t * d).collect();
        let mut rest = &s[..];
        for p in parameters {
            let (here, others) = rest.split_at(p.len());
            let moved = p.data().iter().zip(here).map(|(p, s)| p + s).collect();
            *p = trace.step("p", "p + t d", Array::new(p.shape(), moved)?);
            rest = others;
        }
        self.before = Some((g, s));
        Ok(())
    }
}

fn dot(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(x, y)| x * y).sum()
}

fn minus(x: &[f64], y: &[f64]) -> Vec<f64> {
    x.iter().zip(y).map(|(x, y)| x - y).collect()
}

fn add(x: &mut [f64], scale: f64, y: &[f64]) {
    x.iter_mut().zip(y).for_each(|(x, y)| *x += scale * y);
}
