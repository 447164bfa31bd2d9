//! Multi-head attention over one sequence, with its projections.
//!
//! ```text
//! Q = X Wq^T + bq     K = C Wk^T + bk     V = C Wv^T + bv       X (L, E)   C (S, C')
//! for each head h, columns h D .. (h + 1) D of Q, and of K and V those of the head that it shares:
//!     S_h = scale Q_h K_h^T        -inf where the mask forbids    (L, S)
//!     P_h = softmax of each row    0 where all of it is forbidden
//!     O_h = P_h V_h
//! Y = [O_1 .. O_H] Wo^T + bo
//!
//! dO = dY Wo     dP_h = dO_h V_h^T     dS_h = P_h (dP_h - sum of P_h dP_h)
//! dQ_h = scale dS_h K_h     dK_h = scale dS_h^T Q_h     dV_h = P_h^T dO_h
//! ```
//!
//! The scale is 1 / sqrt(D). Self-attention has C = X, and then X receives both gradients. With fewer heads of keys and
//! values than of queries it is grouped-query attention, with one multi-query attention. A variant of many notes has one
//! projection of the width of a head for all heads, Q_h = X_h Wq^T with X_h the columns of X, and the scale
//! 1 / sqrt(E): [`Sharing::OneProjection`]. The mask is 1 where a query attends to a key, 0 where not.
//!
//! Vaswani et al. 2017. PyTorch: `torch.nn.MultiheadAttention`.

use crate::array::Array;
use crate::error::{Error, Result};
use crate::linear::{LinearGradients, WeightLayout, linear, linear_backward};
use crate::matmul::matmul;
use crate::softmax::{softmax, softmax_backward};
use crate::trace::Trace;

/// A projection: weight (out, in) and bias (out).
#[derive(Clone, Debug, PartialEq)]
pub struct Projection {
    /// (out, in)
    pub weight: Array,
    /// (out)
    pub bias: Option<Array>,
}

/// What the heads share.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sharing {
    /// Every head has rows of its own in the projections' weights.
    #[default]
    Nothing,
    /// All heads use the same projections, (D, D), each of its own columns of the input; the scale is 1 / sqrt(E).
    OneProjection,
}

/// Multi-head attention and its weights.
#[derive(Clone, Debug, PartialEq)]
pub struct MultiHeadAttention {
    /// Heads of queries.
    pub heads: usize,
    /// Heads of keys and values; they divide those of queries.
    pub kv_heads: usize,
    /// Whether all heads use one projection.
    pub sharing: Sharing,
    /// (H D, E)
    pub query: Projection,
    /// (G D, C')
    pub key: Projection,
    /// (G Dv, C')
    pub value: Projection,
    /// (E, H Dv)
    pub output: Projection,
}

/// The gradients of a multi-head attention.
#[derive(Clone, Debug, PartialEq)]
pub struct MultiHeadGradients {
    /// Of X; in self-attention add that of C.
    pub input: Array,
    /// Of C.
    pub context: Array,
    /// Of the four projections: query, key, value, output; biases too where there are none.
    pub projections: [LinearGradients; 4],
}

/// What the forward pass computes on its way.
struct Parts {
    q: Array,
    k: Array,
    v: Array,
    p: Vec<Array>,
    o: Array,
}

impl MultiHeadAttention {
    /// Y (L, E) for X (L, E) and C (S, C'), and a mask (L, S).
    pub fn forward(
        &self,
        x: &Array,
        context: &Array,
        mask: Option<&Array>,
        trace: &mut Trace,
    ) -> Result<Array> {
        trace.section("multi-head attention: forward");
        let parts = self.parts("multi_head_attention", x, context, mask, trace)?;
        let y = self.project(&self.output, &parts.o, false)?;
        Ok(trace.step("Y", "[O_1 .. O_H] Wo^T + bo", y))
    }

    /// All gradients, from dY.
    pub fn backward(
        &self,
        x: &Array,
        context: &Array,
        mask: Option<&Array>,
        dy: &Array,
        trace: &mut Trace,
    ) -> Result<MultiHeadGradients> {
        const NAME: &str = "multi_head_attention_backward";
        let silent = &mut Trace::silent();
        let Parts { q, k, v, p, o } = self.parts(NAME, x, context, mask, silent)?;
        dy.expect_shape(NAME, "dY", &[x.shape()[0], self.output.weight.shape()[0]])?;
        trace.section("multi-head attention: backward");
        let output = self.unproject(&self.output, &o, dy, false)?;
        let d_o = trace.step("dO", "dY Wo", output.input.clone());
        let (mut dq, mut dk, mut dv) =
            (Array::zeros(q.shape()), Array::zeros(k.shape()), Array::zeros(v.shape()));
        let (scale, group) = (self.scale(x), self.heads / self.kv_heads);
        for (h, p) in p.iter().enumerate() {
            let (q_h, do_h) = (head(&q, h, self.heads), head(&d_o, h, self.heads));
            let (k_h, v_h) = (head(&k, h / group, self.kv_heads), head(&v, h / group, self.kv_heads));
            let dp =
                trace.step(&format!("dP_{}", h + 1), "dO_h V_h^T", matmul(&do_h, &v_h.transpose()?, silent)?);
            let ds = softmax_backward(p, &dp, -1, silent)?;
            let ds = trace.step(&format!("dS_{}", h + 1), "P_h (dP_h - sum P_h dP_h)", ds);
            add_head(&mut dq, h, self.heads, &matmul(&ds, &k_h, silent)?.map(|g| scale * g));
            add_head(
                &mut dk,
                h / group,
                self.kv_heads,
                &matmul(&ds.transpose()?, &q_h, silent)?.map(|g| scale * g),
            );
            add_head(&mut dv, h / group, self.kv_heads, &matmul(&p.transpose()?, &do_h, silent)?);
        }
        let dq = trace.step("dQ", "scale dS_h K_h", dq);
        let dk = trace.step("dK", "scale dS_h^T Q_h", dk);
        let dv = trace.step("dV", "P_h^T dO_h", dv);
        let shared = self.sharing == Sharing::OneProjection;
        let query = self.unproject(&self.query, x, &dq, shared)?;
        let key = self.unproject(&self.key, context, &dk, shared)?;
        let value = self.unproject(&self.value, context, &dv, shared)?;
        let input = trace.step("dX", "dQ Wq", query.input.clone());
        let both = key.input.zip(&value.input, |k, v| k + v)?;
        let context = trace.step("dC", "dK Wk + dV Wv", both);
        Ok(MultiHeadGradients { input, context, projections: [query, key, value, output] })
    }

    fn scale(&self, x: &Array) -> f64 {
        let width = match self.sharing {
            Sharing::Nothing => self.query.weight.shape()[0] / self.heads,
            Sharing::OneProjection => x.shape()[1],
        };
        1.0 / (width as f64).sqrt()
    }

    fn parts(
        &self,
        operation: &str,
        x: &Array,
        context: &Array,
        mask: Option<&Array>,
        trace: &mut Trace,
    ) -> Result<Parts> {
        x.expect_rank(operation, "X", 2)?;
        context.expect_rank(operation, "C", 2)?;
        if self.heads == 0 || self.kv_heads == 0 || !self.heads.is_multiple_of(self.kv_heads) {
            let message = format!("{} heads of keys must divide {} of queries", self.kv_heads, self.heads);
            return Err(Error::new(operation, message));
        }
        let (queries, keys) = (x.shape()[0], context.shape()[0]);
        if let Some(mask) = mask {
            mask.expect_shape(operation, "mask", &[queries, keys])?;
        }
        let shared = self.sharing == Sharing::OneProjection;
        let q = trace.step("Q", "X Wq^T + bq", self.project(&self.query, x, shared)?);
        let k = trace.step("K", "C Wk^T + bk", self.project(&self.key, context, shared)?);
        let v = trace.step("V", "C Wv^T + bv", self.project(&self.value, context, shared)?);
        let heads_fit = [(&q, self.heads), (&k, self.kv_heads), (&v, self.kv_heads)]
            .iter()
            .all(|(x, heads)| x.shape()[1].is_multiple_of(*heads));
        if !heads_fit || q.shape()[1] / self.heads != k.shape()[1] / self.kv_heads {
            let message =
                format!("Q {:?} and K {:?} do not split into heads of one width", q.shape(), k.shape());
            return Err(Error::new(operation, message));
        }
        let (scale, group, silent) = (self.scale(x), self.heads / self.kv_heads, &mut Trace::silent());
        let mut o = Array::zeros(&[queries, self.heads * (v.shape()[1] / self.kv_heads)]);
        let mut p = Vec::new();
        for h in 0..self.heads {
            let k_h = head(&k, h / group, self.kv_heads);
            let mut s = matmul(&head(&q, h, self.heads), &k_h.transpose()?, silent)?.map(|s| scale * s);
            if let Some(mask) = mask {
                s = s.zip(mask, |s, keep| if keep == 0.0 { f64::NEG_INFINITY } else { s })?;
            }
            let s = trace.step(&format!("S_{}", h + 1), "scale Q_h K_h^T, -inf where forbidden", s);
            // A row of -inf has no softmax: that query attends to nothing.
            let p_h = softmax(&s, -1, silent)?.map(|p| if p.is_nan() { 0.0 } else { p });
            let p_h = trace.step(&format!("P_{}", h + 1), "softmax of each row of S_h", p_h);
            add_head(&mut o, h, self.heads, &matmul(&p_h, &head(&v, h / group, self.kv_heads), silent)?);
            p.push(p_h);
        }
        let o = trace.step("O", "[P_h V_h for each head]", o);
        Ok(Parts { q, k, v, p, o })
    }

    /// The input, or the columns of each head of it, through a projection.
    fn project(&self, by: &Projection, x: &Array, shared: bool) -> Result<Array> {
        let rows = if shared {
            x.reshape(&[x.shape()[0] * self.heads, x.shape()[1] / self.heads])?
        } else {
            x.clone()
        };
        let y = linear(&rows, &by.weight, by.bias.as_ref(), WeightLayout::OutIn, &mut Trace::silent())?;
        if shared { y.reshape(&[x.shape()[0], self.heads * y.shape()[1]]) } else { Ok(y) }
    }

    fn unproject(&self, by: &Projection, x: &Array, dy: &Array, shared: bool) -> Result<LinearGradients> {
        let as_rows = |x: &Array| x.reshape(&[x.shape()[0] * self.heads, x.shape()[1] / self.heads]);
        let silent = &mut Trace::silent();
        if !shared {
            return linear_backward(x, &by.weight, WeightLayout::OutIn, dy, silent);
        }
        let mut d = linear_backward(&as_rows(x)?, &by.weight, WeightLayout::OutIn, &as_rows(dy)?, silent)?;
        d.input = d.input.reshape(x.shape())?;
        Ok(d)
    }
}

/// The columns of one head.
fn head(x: &Array, h: usize, heads: usize) -> Array {
    let width = x.shape()[1] / heads;
    Array::from_fn(&[x.shape()[0], width], |index| x[[index[0], h * width + index[1]]])
}

/// Adds to the columns of one head.
fn add_head(x: &mut Array, h: usize, heads: usize, part: &Array) {
    let width = x.shape()[1] / heads;
    for row in 0..part.shape()[0] {
        for column in 0..width {
            x[[row, h * width + column]] += part[[row, column]];
        }
    }
}
