//! Long short-term memory (Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000), through time.
//!
//! ```text
//! i, f, o = sigmoid(a_i + W_i h), ..      g = tanh(a_g + W_g h)
//! c' = f c + i g                          h' = o tanh(c')      or, projected, h' = P (o tanh(c'))
//! ```
//!
//! where `a` is the input's product with its own weight, biases included, in the order i, f, g, o.

use crate::buffer::Buffer;
use crate::disjoint::Disjoint;
use crate::gemm::lanes::Vectors;
use crate::gemm::{Gemm, Matrix};
use crate::isa::{Arch, Kernel, dispatch};
use crate::math::{Math, sigmoid, tanh};
use crate::recurrent::{At, Steps, Weight};

/// What the way back needs, one row for each row of the packed batch.
#[derive(Debug)]
pub struct LstmKept<'a, T> {
    /// The hidden state before every step, `(rows, P)`.
    pub h: &'a mut [T],
    /// The cell before every step, `(rows, H)`.
    pub c: &'a mut [T],
    /// `o tanh(c')`, `(rows, H)`, where it is projected; else empty.
    pub unprojected: &'a mut [T],
}

/// A walk through time, forward. `P` is `H` without a projection.
#[derive(Debug)]
pub struct LstmForward<'a, T> {
    /// The packed batch.
    pub steps: Steps<'a>,
    /// `W`, `(4 H, P)`.
    pub weight: &'a [T],
    /// `P`, `(P, H)`.
    pub projection: Option<&'a [T]>,
    /// `a` before, `i f g o` after: `(rows, 4 H)`.
    pub gates: &'a mut [T],
    /// The first hidden states before, the last ones after: `(batch, P)`.
    pub h: &'a mut [T],
    /// The first cells before, the last ones after: `(batch, H)`.
    pub c: &'a mut [T],
    /// Every hidden state, `(rows, P)`.
    pub out: &'a mut [T],
    /// For the way back.
    pub kept: Option<LstmKept<'a, T>>,
}

/// A walk through time, backward.
#[derive(Debug)]
pub struct LstmBackward<'a, T> {
    /// The packed batch.
    pub steps: Steps<'a>,
    /// `W`, `(4 H, P)`.
    pub weight: &'a [T],
    /// `P`, `(P, H)`.
    pub projection: Option<&'a [T]>,
    /// `i f g o`, `(rows, 4 H)`.
    pub gates: &'a [T],
    /// The cell before every step, `(rows, H)`.
    pub c: &'a [T],
    /// The gradient of every hidden state, `(rows, P)`.
    pub dout: &'a [T],
    /// The gradient of the last hidden states before, of the first ones after: `(batch, P)`.
    pub dh: &'a mut [T],
    /// The gradient of the last cells before, of the first ones after: `(batch, H)`.
    pub dc: &'a mut [T],
    /// The gradient of `a`, written.
    pub da: &'a mut [T],
    /// The whole gradient of every hidden state, `(rows, P)`, written where there is a projection; else empty.
    pub dprojected: &'a mut [T],
}

/// LSTM layers of `f32` and `f64`.
pub trait Lstm: Gemm {
    /// Through the steps in order.
    fn lstm(pass: LstmForward<Self>);
    /// Through the steps in the opposite order.
    fn lstm_backward(pass: LstmBackward<Self>);
}

macro_rules! lstm {
    ($($t:ty),*) => { $(
        impl Lstm for $t {
            fn lstm(pass: LstmForward<Self>) {
                forward(pass);
            }
            fn lstm_backward(pass: LstmBackward<Self>) {
                backward(pass);
            }
        }
    )* };
}
lstm!(f32, f64);

fn forward<T: Math + Vectors + Gemm>(pass: LstmForward<T>) {
    let LstmForward { steps, weight, projection, gates, h, c, out, kept } = pass;
    let (rows, batch) = (steps.rows(), steps.batch());
    let (hidden, width) = (c.len() / batch.max(1), h.len() / batch.max(1));
    let projected = projection.is_some();
    assert!(
        weight.len() == 4 * hidden * width
            && gates.len() == rows * 4 * hidden
            && out.len() == rows * width
            && (h.len(), c.len()) == (batch * width, batch * hidden)
            && projection.map_or(width == hidden, |p| p.len() == width * hidden),
        "lstm of {rows} rows, {hidden} cells and {width} outputs"
    );
    let weight = Weight::new(Matrix::row_major(weight, 4 * hidden, width).transpose(), steps);
    let projection = projection.map(|p| Weight::new(Matrix::row_major(p, width, hidden).transpose(), steps));
    let kept = kept.map(|kept| {
        let sizes = (kept.h.len(), kept.c.len(), kept.unprojected.len());
        assert_eq!(sizes, (rows * width, rows * hidden, if projected { rows * hidden } else { 0 }));
        (Disjoint::new(kept.h), Disjoint::new(kept.c), Disjoint::new(kept.unprojected))
    });
    let (gates, h, c, out) = (Disjoint::new(gates), Disjoint::new(h), Disjoint::new(c), Disjoint::new(out));
    steps.walk(
        false,
        4 * hidden * width,
        weight.shared(),
        |sequences| Buffer::scratch(if projected { sequences * hidden } else { 0 }),
        |scratch: &mut Buffer<T>, At { row, sequences, turned }| {
            let (n, first) = (sequences.len(), sequences.start);
            // SAFETY: blocks have rows and sequences of their own.
            let (gates, out, h, c) = unsafe {
                (
                    gates.slice(row * 4 * hidden, n * 4 * hidden),
                    out.slice(row * width, n * width),
                    h.slice(first * width, n * width),
                    c.slice(first * hidden, n * hidden),
                )
            };
            if let Some((kept_h, kept_c, _)) = &kept {
                // SAFETY: as above.
                unsafe {
                    kept_h.slice(row * width, n * width).copy_from_slice(h);
                    kept_c.slice(row * hidden, n * hidden).copy_from_slice(c);
                }
            }
            weight.add_product(h, n, gates, turned);
            let Some(projection) = &projection else {
                dispatch(Cell { hidden, gates, c, out });
                return h.copy_from_slice(out);
            };
            let whole = match &kept {
                // SAFETY: as above.
                Some((_, _, unprojected)) => unsafe { unprojected.slice(row * hidden, n * hidden) },
                None => &mut scratch[..n * hidden],
            };
            dispatch(Cell { hidden, gates, c, out: &mut *whole });
            h.fill(T::ZERO);
            projection.add_product(whole, n, h, turned);
            out.copy_from_slice(h);
        },
    );
}

/// One step of some rows: gates through their functions, the cell, and `o tanh(c)`.
struct Cell<'a, T> {
    hidden: usize,
    gates: &'a mut [T],
    c: &'a mut [T],
    out: &'a mut [T],
}

impl<T: Math> Kernel for Cell<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<A: Arch>(self) {
        let Cell { hidden, gates, c, out } = self;
        if hidden == 0 {
            return;
        }
        let rows = gates.chunks_exact_mut(4 * hidden).zip(c.chunks_exact_mut(hidden));
        // Several short loops over a row, which stays in the first cache: each is a handful of vector instructions.
        for ((gates, c), out) in rows.zip(out.chunks_exact_mut(hidden)) {
            let (input_forget, rest) = gates.split_at_mut(2 * hidden);
            let (g, o) = rest.split_at_mut(hidden);
            for v in &mut *input_forget {
                *v = sigmoid::<A, T>(*v);
            }
            for v in &mut *g {
                *v = tanh::<A, T>(*v);
            }
            for v in &mut *o {
                *v = sigmoid::<A, T>(*v);
            }
            let (i, f) = input_forget.split_at(hidden);
            for (((c, &i), &f), &g) in c.iter_mut().zip(i).zip(f).zip(&*g) {
                *c = A::fma(f, *c, i * g);
            }
            for ((out, &c), &o) in out.iter_mut().zip(&*c).zip(&*o) {
                *out = o * tanh::<A, T>(c);
            }
        }
    }
}

fn backward<T: Math + Vectors + Gemm>(pass: LstmBackward<T>) {
    let LstmBackward { steps, weight, projection, gates, c, dout, dh, dc, da, dprojected } = pass;
    let (rows, batch) = (steps.rows(), steps.batch());
    let (hidden, width) = (dc.len() / batch.max(1), dh.len() / batch.max(1));
    let projected = projection.is_some();
    assert!(
        weight.len() == 4 * hidden * width
            && (gates.len(), da.len()) == (rows * 4 * hidden, rows * 4 * hidden)
            && (dout.len(), c.len()) == (rows * width, rows * hidden)
            && dprojected.len() == if projected { rows * width } else { 0 }
            && projection.map_or(width == hidden, |p| p.len() == width * hidden),
        "lstm of {rows} rows, {hidden} cells and {width} outputs"
    );
    let weight = Weight::new(Matrix::row_major(weight, 4 * hidden, width), steps);
    let projection = projection.map(|p| Weight::new(Matrix::row_major(p, width, hidden), steps));
    let (dh, dc, da) = (Disjoint::new(dh), Disjoint::new(dc), Disjoint::new(da));
    let dprojected = Disjoint::new(dprojected);
    steps.walk(
        true,
        4 * hidden * width,
        weight.shared(),
        // A row of tanh(c), and the gradients of the hidden states before they are projected.
        |sequences| {
            (Buffer::scratch(hidden), Buffer::scratch(if projected { sequences * hidden } else { 0 }))
        },
        |(tanh_c, unprojected): &mut (Buffer<T>, Buffer<T>), At { row, sequences, turned }| {
            let (n, first) = (sequences.len(), sequences.start);
            // SAFETY: blocks have rows and sequences of their own.
            let (dh, dc, da) = unsafe {
                (
                    dh.slice(first * width, n * width),
                    dc.slice(first * hidden, n * hidden),
                    da.slice(row * 4 * hidden, n * 4 * hidden),
                )
            };
            dh.iter_mut().zip(&dout[row * width..][..n * width]).for_each(|(dh, &dout)| *dh += dout);
            let dh_whole = match &projection {
                None => &*dh,
                Some(projection) => {
                    // SAFETY: as above.
                    unsafe { dprojected.slice(row * width, n * width) }.copy_from_slice(dh);
                    let whole = &mut unprojected[..n * hidden];
                    whole.fill(T::ZERO);
                    projection.add_product(dh, n, whole, turned);
                    whole
                }
            };
            let (gates, c) = (&gates[row * 4 * hidden..][..n * 4 * hidden], &c[row * hidden..][..n * hidden]);
            dispatch(CellBackward { hidden, gates, c, dh: dh_whole, dc, da, tanh_c });
            dh.fill(T::ZERO);
            weight.add_product(da, n, dh, turned);
        },
    );
}

/// One step of some rows back: from the gradients of `h'` and `c'` to those of `a` and `c`.
struct CellBackward<'a, T> {
    hidden: usize,
    gates: &'a [T],
    c: &'a [T],
    dh: &'a [T],
    dc: &'a mut [T],
    da: &'a mut [T],
    tanh_c: &'a mut [T],
}

impl<T: Math> Kernel for CellBackward<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<A: Arch>(self) {
        let CellBackward { hidden, gates, c, dh, dc, da, tanh_c } = self;
        if hidden == 0 {
            return;
        }
        let rows = gates.chunks_exact(4 * hidden).zip(c.chunks_exact(hidden)).zip(dh.chunks_exact(hidden));
        let gradients = dc.chunks_exact_mut(hidden).zip(da.chunks_exact_mut(4 * hidden));
        for (((gates, c), dh), (dc, da)) in rows.zip(gradients) {
            let (i, f, g, o) = four(gates, hidden);
            let (input_forget, rest) = da.split_at_mut(2 * hidden);
            let ((di, df), (dg, d_o)) = (input_forget.split_at_mut(hidden), rest.split_at_mut(hidden));
            // The new cell again, by the forward pass's own arithmetic.
            for ((((t, &c), &i), &f), &g) in tanh_c.iter_mut().zip(c).zip(i).zip(f).zip(g) {
                *t = tanh::<A, T>(A::fma(f, c, i * g));
            }
            for (((d, &dh), &t), &o) in d_o.iter_mut().zip(dh).zip(&*tanh_c).zip(o) {
                *d = dh * t * (o * (T::ONE - o));
            }
            for (((dc, &dh), &t), &o) in dc.iter_mut().zip(dh).zip(&*tanh_c).zip(o) {
                *dc = A::fma(dh * o, A::fma(-t, t, T::ONE), *dc);
            }
            for (((d, &dc), &i), &g) in di.iter_mut().zip(&*dc).zip(i).zip(g) {
                *d = dc * g * (i * (T::ONE - i));
            }
            for (((d, &dc), &f), &c) in df.iter_mut().zip(&*dc).zip(f).zip(c) {
                *d = dc * c * (f * (T::ONE - f));
            }
            for (((d, &dc), &i), &g) in dg.iter_mut().zip(&*dc).zip(i).zip(g) {
                *d = dc * i * A::fma(-g, g, T::ONE);
            }
            dc.iter_mut().zip(f).for_each(|(dc, &f)| *dc *= f);
        }
    }
}

/// A row of gates.
#[inline(always)]
fn four<T>(row: &[T], hidden: usize) -> (&[T], &[T], &[T], &[T]) {
    let (input_forget, rest) = row.split_at(2 * hidden);
    let ((i, f), (g, o)) = (input_forget.split_at(hidden), rest.split_at(hidden));
    (i, f, g, o)
}
