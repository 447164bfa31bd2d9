//! Scaled dot-product attention.
//!
//! ```text
//! s_ij = c q_i . k_j                        c = 1 / sqrt(E)
//! z_ij = s_ij where query i may attend to key j, else the fill; or s_ij + mask_ij
//! p_ij = exp(z_ij - max_j z_ij) / sum_j exp(z_ij - max_j z_ij)
//! y_i  = sum_j p_ij v_j
//!
//! dp_ij = dy_i . v_j       g_i = sum_j p_ij dp_ij       ds_ij = p_ij (dp_ij - g_i)
//! dq_i = c sum_j ds_ij k_j        dk_j = c sum_i ds_ij q_i        dv_j = sum_i p_ij dy_i        dmask = ds
//! ```
//!
//! q (.., H, L, E), k (.., H', S, E), v (.., H', S, Ev), y (.., H, L, Ev). H is a multiple of H': queries in grouped
//! heads share keys and values (H' = 1: multi-query). In cross-attention L and S differ.
//!
//! Who may attend to whom is written in four ways that contradict one another, so each is a [`AttentionMask`] with a name
//! of its own. The fill is -infinity, so that what is masked has weight 0, and a query without any key has weights, output
//! and gradients of 0. With a finite fill (-1e9 in much code) such a query attends to every key alike instead.
//!
//! Vaswani et al. 2017. PyTorch: `torch.nn.functional.scaled_dot_product_attention`.

use crate::array::{Array, broadcast_shape};
use crate::broadcast::sum_to;
use crate::error::{Error, Result};
use crate::trace::Trace;

/// Which keys a query may attend to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum AttentionMask<'a> {
    /// 1 where query and key may meet, 0 elsewhere: PyTorch's boolean mask. Broadcasts to (.., H, L, S).
    Keep(&'a Array),
    /// 1 where a key is padding, the opposite: PyTorch's `key_padding_mask`. (N, S), where N is the first axis of q, or (S).
    KeyPadding(&'a Array),
    /// Added to the scores, -infinity for "never": PyTorch's float mask. Broadcasts to (.., H, L, S).
    Additive(&'a Array),
}

/// Where the triangle of a causal mask lies; the same where there are as many keys as queries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Causal {
    /// Query i sees keys 0..=i: PyTorch's `is_causal`.
    UpperLeft,
    /// Query i sees keys 0..=i + S - L, the last query all of them: what a cache of former keys needs.
    LowerRight,
}

/// Attention and its conventions; the default is PyTorch's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Attention<'a> {
    /// The mask, if any.
    pub mask: Option<AttentionMask<'a>>,
    /// The causal mask, if any, beside the other one.
    pub causal: Option<Causal>,
    /// c; 1 / sqrt(E) if absent.
    pub scale: Option<f64>,
    /// Dropout of the weights: 1 keep, 0 drop, shape (.., H, L, S); and the chance p of a drop.
    pub dropped: Option<(&'a Array, f64)>,
    /// What masked scores are replaced by; negative infinity by default.
    pub fill: f64,
}

impl Default for Attention<'_> {
    fn default() -> Self {
        Attention { mask: None, causal: None, scale: None, dropped: None, fill: f64::NEG_INFINITY }
    }
}

/// The gradients of attention.
#[derive(Clone, Debug, PartialEq)]
pub struct AttentionGradients {
    /// dq, the shape of q.
    pub query: Array,
    /// dk, the shape of k.
    pub key: Array,
    /// dv, the shape of v.
    pub value: Array,
    /// The gradient of an additive mask, its shape.
    pub mask: Option<Array>,
}

/// Sizes of a checked attention: `heads` matrices of queries, `group` of them for each of keys.
struct Sizes {
    heads: usize,
    group: usize,
    queries: usize,
    keys: usize,
    width: usize,
    value_width: usize,
    /// (.., H, L, S)
    scores: Vec<usize>,
}

/// Weights before and after dropout, and who was masked.
struct Weights {
    p: Array,
    kept: Array,
    masked: Array,
}

impl Attention<'_> {
    /// y, shape (.., H, L, Ev).
    pub fn forward(&self, q: &Array, k: &Array, v: &Array, trace: &mut Trace) -> Result<Array> {
        let sizes = Sizes::new("attention", q, k, v)?;
        trace.section("attention: forward");
        let weights = self.weights("attention", &sizes, q, k, trace)?;
        let (p, v) = (as_matrices(&weights.kept)?, as_matrices(v)?);
        let y = Array::from_fn(&[sizes.heads, sizes.queries, sizes.value_width], |at| {
            let (h, i, c) = (at[0], at[1], at[2]);
            (0..sizes.keys).map(|j| p[[h, i, j]] * v[[h / sizes.group, j, c]]).sum()
        });
        let mut shape = q.shape().to_vec();
        shape[q.rank() - 1] = sizes.value_width;
        Ok(trace.step("y", "sum over keys of p v", y.reshape(&shape)?))
    }

    /// The gradients of q, k, v and an additive mask, from that of y.
    pub fn backward(
        &self,
        q: &Array,
        k: &Array,
        v: &Array,
        dy: &Array,
        trace: &mut Trace,
    ) -> Result<AttentionGradients> {
        let operation = "attention_backward";
        let sizes = Sizes::new(operation, q, k, v)?;
        let mut shape = q.shape().to_vec();
        shape[q.rank() - 1] = sizes.value_width;
        dy.expect_shape(operation, "dy", &shape)?;
        trace.section("attention: backward");
        let c = self.scale(&sizes);
        let weights = self.weights(operation, &sizes, q, k, trace)?;
        let [qs, ks, vs, dys] = [as_matrices(q)?, as_matrices(k)?, as_matrices(v)?, as_matrices(dy)?];
        let Sizes { heads, group, queries, keys, width, value_width, .. } = sizes;

        let dp = Array::from_fn(&[heads, queries, keys], |at| {
            (0..value_width).map(|c| dys[[at[0], at[1], c]] * vs[[at[0] / group, at[2], c]]).sum()
        });
        let dp = trace.step("dp", "dy v", self.drop(&dp.reshape(&sizes.scores)?)?);
        let last = dp.rank() - 1;
        let g =
            trace.step("g", "sum over keys of p dp", weights.p.zip(&dp, |p, dp| p * dp)?.sum_along(&[last]));
        let ds =
            dp.zip(&g, |dp, g| dp - g)?.zip(&weights.p, |slope, p| if p == 0.0 { 0.0 } else { p * slope })?;
        // What was replaced by the fill does not depend on the scores.
        let ds = ds.zip(&weights.masked, |ds, masked| if masked == 1.0 { 0.0 } else { ds })?;
        let ds = trace.step("ds", "p (dp - g)", ds);

        let (slopes, kept) = (as_matrices(&ds)?, as_matrices(&weights.kept)?);
        let dq = Array::from_fn(&[heads, queries, width], |at| {
            c * (0..keys).map(|j| slopes[[at[0], at[1], j]] * ks[[at[0] / group, j, at[2]]]).sum::<f64>()
        });
        let query = trace.step("dq", "c sum over keys of ds k", dq.reshape(q.shape())?);
        // A head of keys collects from all queries of its group.
        let of_group =
            |head: usize| (head * group..(head + 1) * group).flat_map(|h| (0..queries).map(move |i| (h, i)));
        let dk = Array::from_fn(&[heads / group, keys, width], |at| {
            c * of_group(at[0]).map(|(h, i)| slopes[[h, i, at[1]]] * qs[[h, i, at[2]]]).sum::<f64>()
        });
        let key = trace.step("dk", "c sum over queries of ds q", dk.reshape(k.shape())?);
        let dv = Array::from_fn(&[heads / group, keys, value_width], |at| {
            of_group(at[0]).map(|(h, i)| kept[[h, i, at[1]]] * dys[[h, i, at[2]]]).sum()
        });
        let value = trace.step("dv", "sum over queries of p dy", dv.reshape(v.shape())?);
        let mask = match self.mask {
            Some(AttentionMask::Additive(mask)) => {
                Some(trace.step("dmask", "sum of ds over repeats", sum_to(&ds, mask.shape())?))
            }
            _ => None,
        };
        Ok(AttentionGradients { query, key, value, mask })
    }

    fn scale(&self, sizes: &Sizes) -> f64 {
        // Rows without elements give scores of 0, whatever they are multiplied by.
        self.scale.unwrap_or(1.0 / (sizes.width.max(1) as f64).sqrt())
    }

    fn weights(
        &self,
        operation: &str,
        sizes: &Sizes,
        q: &Array,
        k: &Array,
        trace: &mut Trace,
    ) -> Result<Weights> {
        let (c, group) = (self.scale(sizes), sizes.group);
        let (qs, ks) = (as_matrices(q)?, as_matrices(k)?);
        let s = Array::from_fn(&[sizes.heads, sizes.queries, sizes.keys], |at| {
            c * (0..sizes.width).map(|e| qs[[at[0], at[1], e]] * ks[[at[0] / group, at[2], e]]).sum::<f64>()
        });
        let s = trace.step("s", "c q k", s.reshape(&sizes.scores)?);
        let masked = self.masked(operation, sizes)?;
        let z = match self.mask {
            Some(AttentionMask::Additive(mask)) => s.zip(mask, |s, mask| s + mask)?,
            _ => s,
        };
        let z = z.zip(&masked, |z, masked| if masked == 1.0 { self.fill } else { z })?;
        let z = trace.step("z", "s, masked", z);
        let last = z.rank() - 1;
        let m = trace.step("m", "max over keys of z", z.max_along(last));
        // A query without a key has nothing to subtract; its exponentials are 0 anyway.
        let e = z.zip(&m, |z, m| if m == f64::NEG_INFINITY { 0.0 } else { (z - m).exp() })?;
        let e = trace.step("e", "exp(z - m)", e);
        let d = trace.step("d", "sum over keys of e", e.sum_along(&[last]));
        let p = trace.step("p", "e / d", e.zip(&d, |e, d| if d == 0.0 { 0.0 } else { e / d })?);
        let kept = self.drop(&p)?;
        if self.dropped.is_some() {
            trace.step("p_kept", "p, dropped", kept.clone());
        }
        Ok(Weights { p, kept, masked })
    }

    /// 1 where query and key may not meet.
    fn masked(&self, operation: &str, sizes: &Sizes) -> Result<Array> {
        let scores = &sizes.scores;
        let allowed = |mask: &Array| {
            if broadcast_shape(mask.shape(), scores).is_ok_and(|shape| shape == *scores) {
                return Ok(());
            }
            let message = format!("a mask of shape {:?} does not broadcast to {scores:?}", mask.shape());
            Err(Error::new(operation, message))
        };
        let mut masked = Array::zeros(scores);
        match self.mask {
            None => {}
            Some(AttentionMask::Additive(mask)) => allowed(mask)?,
            Some(AttentionMask::Keep(mask)) => {
                allowed(mask)?;
                masked = masked.zip(mask, |_, keep| f64::from(u8::from(keep == 0.0)))?;
            }
            Some(AttentionMask::KeyPadding(mask)) => {
                let fits = match *mask.shape() {
                    [keys] => keys == sizes.keys,
                    [first, keys] => scores.len() > 2 && first == scores[0] && keys == sizes.keys,
                    _ => false,
                };
                if !fits {
                    let message = format!(
                        "a key-padding mask of shape {:?} for scores {scores:?} must be (N, S)",
                        mask.shape()
                    );
                    return Err(Error::new(operation, message));
                }
                let mut shape = vec![1; scores.len()];
                shape[scores.len() - 1] = sizes.keys;
                if mask.rank() == 2 {
                    shape[0] = scores[0];
                }
                masked =
                    masked.zip(&mask.reshape(&shape)?, |_, ignore| f64::from(u8::from(ignore != 0.0)))?;
            }
        }
        if let Some(causal) = self.causal {
            let shift = match causal {
                Causal::UpperLeft => 0,
                Causal::LowerRight => sizes.keys as isize - sizes.queries as isize,
            };
            masked = Array::from_fn(scores, |at| {
                let (i, j) = (at[at.len() - 2] as isize, at[at.len() - 1] as isize);
                if j > i + shift { 1.0 } else { masked.get(at) }
            });
        }
        Ok(masked)
    }

    /// Weights, or their gradients, after dropout.
    fn drop(&self, p: &Array) -> Result<Array> {
        match self.dropped {
            None => Ok(p.clone()),
            Some((mask, chance)) => crate::dropout::dropout(p, mask, chance, &mut Trace::silent()),
        }
    }
}

impl Sizes {
    fn new(operation: &str, q: &Array, k: &Array, v: &Array) -> Result<Self> {
        let (a, b, c) = (q.shape(), k.shape(), v.shape());
        let failure =
            |message: &str| Err(Error::new(operation, format!("q {a:?}, k {b:?}, v {c:?}: {message}")));
        let rank = a.len();
        if rank < 2 || b.len() != rank || c.len() != rank {
            return failure("needs as many axes each, the last two being (length, width)");
        }
        if a[rank - 1] != b[rank - 1] || b[rank - 2] != c[rank - 2] {
            return failure("the widths of q and k, and the lengths of k and v, must be equal");
        }
        let outer = rank.saturating_sub(3);
        let count = |shape: &[usize]| shape[outer..rank - 2].iter().product::<usize>();
        let (heads, shared) = (count(a), count(b));
        if a[..outer] != b[..outer] || b[..rank - 2] != c[..rank - 2] || shared == 0 || heads % shared != 0 {
            return failure(
                "the axes before heads must be equal, and the heads of q a multiple of the others'",
            );
        }
        let mut scores = a.to_vec();
        scores[rank - 1] = b[rank - 2];
        Ok(Sizes {
            heads: a[..rank - 2].iter().product(),
            group: heads / shared,
            queries: a[rank - 2],
            keys: b[rank - 2],
            width: a[rank - 1],
            value_width: c[rank - 1],
            scores,
        })
    }
}

/// (.., rows, columns) as (matrices, rows, columns).
fn as_matrices(x: &Array) -> Result<Array> {
    let (outer, matrix) = x.shape().split_at(x.rank() - 2);
    x.reshape(&[outer.iter().product(), matrix[0], matrix[1]])
}
