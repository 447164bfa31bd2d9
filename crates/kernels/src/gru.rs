//! The gated recurrent unit (Cho et al. 2014), through time, with the hidden product inside the reset as cuDNN and
//! PyTorch have it.
//!
//! ```text
//! u = W h + b                      r = sigmoid(a_r + u_r)      z = sigmoid(a_z + u_z)
//! n = tanh(a_n + r u_n)            h' = (1 - z) n + z h
//! ```
//!
//! where `a` is the input's product with its own weight, its bias included, in the order r, z, n.

use crate::buffer::Buffer;
use crate::disjoint::Disjoint;
use crate::gemm::lanes::Vectors;
use crate::gemm::{Gemm, Matrix};
use crate::isa::{Arch, Kernel, dispatch};
use crate::math::{Math, sigmoid, tanh};
use crate::recurrent::{At, Steps, Weight};

/// What the way back needs, one row for each row of the packed batch.
#[derive(Debug)]
pub struct GruKept<'a, T> {
    /// The hidden state before every step, `(rows, H)`.
    pub h: &'a mut [T],
    /// `u_n`, `(rows, H)`.
    pub u: &'a mut [T],
}

/// A walk through time, forward.
#[derive(Debug)]
pub struct GruForward<'a, T> {
    /// The packed batch.
    pub steps: Steps<'a>,
    /// `W`, `(3 H, H)`.
    pub weight: &'a [T],
    /// `b`, `(3 H)`.
    pub bias: Option<&'a [T]>,
    /// `a` before, `r z n` after: `(rows, 3 H)`.
    pub gates: &'a mut [T],
    /// The first hidden states before, the last ones after: `(batch, H)`.
    pub h: &'a mut [T],
    /// Every hidden state, `(rows, H)`.
    pub out: &'a mut [T],
    /// For the way back.
    pub kept: Option<GruKept<'a, T>>,
}

/// A walk through time, backward.
#[derive(Debug)]
pub struct GruBackward<'a, T> {
    /// The packed batch.
    pub steps: Steps<'a>,
    /// `W`, `(3 H, H)`.
    pub weight: &'a [T],
    /// `r z n`, `(rows, 3 H)`.
    pub gates: &'a [T],
    /// The hidden state before every step, `(rows, H)`.
    pub h: &'a [T],
    /// `u_n`, `(rows, H)`.
    pub u: &'a [T],
    /// The gradient of every hidden state, `(rows, H)`.
    pub dout: &'a [T],
    /// The gradient of the last hidden states before, of the first ones after: `(batch, H)`.
    pub dh: &'a mut [T],
    /// The gradient of `a`, written.
    pub da: &'a mut [T],
    /// The gradient of `u`, written: `(rows, 3 H)`.
    pub du: &'a mut [T],
}

/// GRU layers of `f32` and `f64`.
pub trait Gru: Gemm {
    /// Through the steps in order.
    fn gru(pass: GruForward<Self>);
    /// Through the steps in the opposite order.
    fn gru_backward(pass: GruBackward<Self>);
}

macro_rules! gru {
    ($($t:ty),*) => { $(
        impl Gru for $t {
            fn gru(pass: GruForward<Self>) {
                forward(pass);
            }
            fn gru_backward(pass: GruBackward<Self>) {
                backward(pass);
            }
        }
    )* };
}
gru!(f32, f64);

fn forward<T: Math + Vectors + Gemm>(pass: GruForward<T>) {
    let GruForward { steps, weight, bias, gates, h, out, kept } = pass;
    let (rows, batch) = (steps.rows(), steps.batch());
    let hidden = h.len() / batch.max(1);
    assert!(
        weight.len() == 3 * hidden * hidden
            && bias.is_none_or(|bias| bias.len() == 3 * hidden)
            && (gates.len(), out.len()) == (rows * 3 * hidden, rows * hidden)
            && h.len() == batch * hidden,
        "gru of {rows} rows of {hidden}"
    );
    let weight = Weight::new(Matrix::row_major(weight, 3 * hidden, hidden).transpose(), steps);
    let kept = kept.map(|kept| {
        assert_eq!((kept.h.len(), kept.u.len()), (rows * hidden, rows * hidden));
        (Disjoint::new(kept.h), Disjoint::new(kept.u))
    });
    let (gates, h, out) = (Disjoint::new(gates), Disjoint::new(h), Disjoint::new(out));
    steps.walk(
        false,
        3 * hidden * hidden,
        weight.shared(),
        |sequences| Buffer::scratch(sequences * 3 * hidden),
        |u: &mut Buffer<T>, At { row, sequences, turned }| {
            let (n, first) = (sequences.len(), sequences.start);
            // SAFETY: blocks have rows and sequences of their own.
            let (gates, out, h) = unsafe {
                (
                    gates.slice(row * 3 * hidden, n * 3 * hidden),
                    out.slice(row * hidden, n * hidden),
                    h.slice(first * hidden, n * hidden),
                )
            };
            let u = &mut u[..n * 3 * hidden];
            match bias {
                Some(bias) => u.chunks_exact_mut(bias.len().max(1)).for_each(|u| u.copy_from_slice(bias)),
                None => u.fill(T::ZERO),
            }
            weight.add_product(h, n, u, turned);
            if let Some((kept_h, kept_u)) = &kept {
                // SAFETY: as above.
                let (kept_h, kept_u) = unsafe {
                    (kept_h.slice(row * hidden, n * hidden), kept_u.slice(row * hidden, n * hidden))
                };
                kept_h.copy_from_slice(h);
                let width = hidden.max(1);
                for (kept, u) in kept_u.chunks_exact_mut(width).zip(u.chunks_exact(3 * width)) {
                    kept.copy_from_slice(&u[2 * hidden..]);
                }
            }
            dispatch(Cell { hidden, gates, u, h, out });
            h.copy_from_slice(out);
        },
    );
}

/// One step of some rows.
struct Cell<'a, T> {
    hidden: usize,
    gates: &'a mut [T],
    u: &'a [T],
    h: &'a [T],
    out: &'a mut [T],
}

impl<T: Math> Kernel for Cell<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<A: Arch>(self) {
        let Cell { hidden, gates, u, h, out } = self;
        if hidden == 0 {
            return;
        }
        let rows = gates.chunks_exact_mut(3 * hidden).zip(u.chunks_exact(3 * hidden));
        let states = h.chunks_exact(hidden).zip(out.chunks_exact_mut(hidden));
        for ((gates, u), (h, out)) in rows.zip(states) {
            let (reset_update, n) = gates.split_at_mut(2 * hidden);
            let (u, u_n) = u.split_at(2 * hidden);
            reset_update.iter_mut().zip(u).for_each(|(v, &u)| *v = sigmoid::<A, T>(*v + u));
            let (r, z) = reset_update.split_at(hidden);
            for ((n, &r), &u) in n.iter_mut().zip(r).zip(u_n) {
                *n = tanh::<A, T>(A::fma(r, u, *n));
            }
            for (((out, &n), &z), &h) in out.iter_mut().zip(&*n).zip(z).zip(h) {
                *out = A::fma(z, h - n, n);
            }
        }
    }
}

fn backward<T: Math + Vectors + Gemm>(pass: GruBackward<T>) {
    let GruBackward { steps, weight, gates, h, u, dout, dh, da, du } = pass;
    let (rows, batch) = (steps.rows(), steps.batch());
    let hidden = dh.len() / batch.max(1);
    assert!(
        weight.len() == 3 * hidden * hidden
            && (gates.len(), da.len(), du.len()) == (rows * 3 * hidden, rows * 3 * hidden, rows * 3 * hidden)
            && (h.len(), u.len(), dout.len()) == (rows * hidden, rows * hidden, rows * hidden),
        "gru of {rows} rows of {hidden}"
    );
    let weight = Weight::new(Matrix::row_major(weight, 3 * hidden, hidden), steps);
    let (dh, da, du) = (Disjoint::new(dh), Disjoint::new(da), Disjoint::new(du));
    steps.walk(
        true,
        3 * hidden * hidden,
        weight.shared(),
        |_| (),
        |(), At { row, sequences, turned }| {
            let n = sequences.len();
            let elements = row * hidden..(row + n) * hidden;
            // SAFETY: blocks have rows and sequences of their own.
            let (dh, da, du) = unsafe {
                (
                    dh.slice(sequences.start * hidden, n * hidden),
                    da.slice(row * 3 * hidden, n * 3 * hidden),
                    du.slice(row * 3 * hidden, n * 3 * hidden),
                )
            };
            dispatch(CellBackward {
                hidden,
                gates: &gates[row * 3 * hidden..][..n * 3 * hidden],
                h: &h[elements.clone()],
                u: &u[elements.clone()],
                dout: &dout[elements],
                dh,
                da,
                du: &mut *du,
            });
            weight.add_product(du, n, dh, turned);
        },
    );
}

/// One step of some rows back: the gradients of `a`, `u`, and of `h` without what comes through `u`.
struct CellBackward<'a, T> {
    hidden: usize,
    gates: &'a [T],
    h: &'a [T],
    u: &'a [T],
    dout: &'a [T],
    dh: &'a mut [T],
    da: &'a mut [T],
    du: &'a mut [T],
}

impl<T: Math> Kernel for CellBackward<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<A: Arch>(self) {
        let CellBackward { hidden, gates, h, u, dout, dh, da, du } = self;
        if hidden == 0 {
            return;
        }
        for (k, gates) in gates.chunks_exact(3 * hidden).enumerate() {
            let (r, rest) = gates.split_at(hidden);
            let (z, n) = rest.split_at(hidden);
            let [h, u, dout] = [h, u, dout].map(|x| &x[k * hidden..][..hidden]);
            let dh = &mut dh[k * hidden..][..hidden];
            let da = &mut da[k * 3 * hidden..][..3 * hidden];
            let du = &mut du[k * 3 * hidden..][..3 * hidden];
            let (dr, rest) = da.split_at_mut(hidden);
            let (dz, dn) = rest.split_at_mut(hidden);
            dh.iter_mut().zip(dout).for_each(|(dh, &dout)| *dh += dout);
            for (((dn, &dh), &z), &n) in dn.iter_mut().zip(&*dh).zip(z).zip(n) {
                *dn = dh * (T::ONE - z) * A::fma(-n, n, T::ONE);
            }
            for ((((dz, &dh), &z), &n), &h) in dz.iter_mut().zip(&*dh).zip(z).zip(n).zip(h) {
                *dz = dh * (h - n) * (z * (T::ONE - z));
            }
            for (((dr, &dn), &r), &u) in dr.iter_mut().zip(&*dn).zip(r).zip(u) {
                *dr = dn * u * (r * (T::ONE - r));
            }
            let (du_rz, du_n) = du.split_at_mut(2 * hidden);
            du_rz[..hidden].copy_from_slice(dr);
            du_rz[hidden..].copy_from_slice(dz);
            for ((du, &dn), &r) in du_n.iter_mut().zip(&*dn).zip(r) {
                *du = dn * r;
            }
            dh.iter_mut().zip(z).for_each(|(dh, &z)| *dh *= z);
        }
    }
}
