//! The simple recurrent layer (Elman 1990): `h_t = f(a_t + W h_(t-1))`, where `a` is the input's product with its own
//! weight, biases included.

use crate::disjoint::Disjoint;
use crate::gemm::lanes::Vectors;
use crate::gemm::{Gemm, Matrix};
use crate::isa::{Arch, Kernel, dispatch};
use crate::math::{Math, tanh};
use crate::recurrent::{At, Steps, Weight};

/// The function of a simple recurrent layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nonlinearity {
    /// The hyperbolic tangent.
    Tanh,
    /// `max(x, 0)`
    Relu,
}

/// A walk through time, forward.
#[derive(Debug)]
pub struct RnnForward<'a, T> {
    /// The packed batch.
    pub steps: Steps<'a>,
    /// `f`
    pub nonlinearity: Nonlinearity,
    /// `W`, `(H, H)`.
    pub weight: &'a [T],
    /// `a` before, `h` after: `(rows, H)`.
    pub out: &'a mut [T],
    /// The first hidden states before, the last ones after: `(batch, H)`.
    pub h: &'a mut [T],
    /// The hidden state before every step, for the way back: `(rows, H)`.
    pub previous: Option<&'a mut [T]>,
}

/// A walk through time, backward.
#[derive(Debug)]
pub struct RnnBackward<'a, T> {
    /// The packed batch.
    pub steps: Steps<'a>,
    /// `f`
    pub nonlinearity: Nonlinearity,
    /// `W`, `(H, H)`.
    pub weight: &'a [T],
    /// What the forward walk put out, `(rows, H)`.
    pub out: &'a [T],
    /// The gradient of it.
    pub dout: &'a [T],
    /// The gradient of the last hidden states before, of the first ones after: `(batch, H)`.
    pub dh: &'a mut [T],
    /// The gradient of `a`, written.
    pub da: &'a mut [T],
}

/// Simple recurrent layers of `f32` and `f64`.
pub trait Rnn: Gemm {
    /// Through the steps in order.
    fn rnn(pass: RnnForward<Self>);
    /// Through the steps in the opposite order.
    fn rnn_backward(pass: RnnBackward<Self>);
}

macro_rules! rnn {
    ($($t:ty),*) => { $(
        impl Rnn for $t {
            fn rnn(pass: RnnForward<Self>) {
                forward(pass);
            }
            fn rnn_backward(pass: RnnBackward<Self>) {
                backward(pass);
            }
        }
    )* };
}
rnn!(f32, f64);

fn forward<T: Math + Vectors + Gemm>(pass: RnnForward<T>) {
    let RnnForward { steps, nonlinearity, weight, out, h, previous } = pass;
    let width = h.len() / steps.batch().max(1);
    let rows = steps.rows();
    assert!(
        weight.len() == width * width && out.len() == rows * width && h.len() == steps.batch() * width,
        "rnn of {rows} rows of {width}"
    );
    assert!(previous.as_ref().is_none_or(|previous| previous.len() == out.len()), "a state for each row");
    let weight = Weight::new(Matrix::row_major(weight, width, width).transpose(), steps);
    let (out, h, previous) = (Disjoint::new(out), Disjoint::new(h), previous.map(Disjoint::new));
    steps.walk(
        false,
        width * width,
        weight.shared(),
        |_| (),
        |(), At { row, sequences, turned }| {
            let n = sequences.len();
            // SAFETY: blocks have rows and sequences of their own.
            let (out, h) =
                unsafe { (out.slice(row * width, n * width), h.slice(sequences.start * width, n * width)) };
            if let Some(previous) = &previous {
                // SAFETY: as above.
                unsafe { previous.slice(row * width, n * width) }.copy_from_slice(h);
            }
            weight.add_product(h, n, out, turned);
            dispatch(Apply { nonlinearity, values: out });
            h.copy_from_slice(out);
        },
    );
}

struct Apply<'a, T> {
    nonlinearity: Nonlinearity,
    values: &'a mut [T],
}

impl<T: Math> Kernel for Apply<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<A: Arch>(self) {
        match self.nonlinearity {
            Nonlinearity::Tanh => self.values.iter_mut().for_each(|v| *v = tanh::<A, T>(*v)),
            // Not `max`, which would lose NaN.
            Nonlinearity::Relu => {
                self.values.iter_mut().for_each(|v| *v = if *v <= T::ZERO { T::ZERO } else { *v });
            }
        }
    }
}

fn backward<T: Math + Vectors + Gemm>(pass: RnnBackward<T>) {
    let RnnBackward { steps, nonlinearity, weight, out, dout, dh, da } = pass;
    let width = dh.len() / steps.batch().max(1);
    let rows = steps.rows();
    assert!(
        weight.len() == width * width && out.len() == rows * width && dh.len() == steps.batch() * width,
        "rnn of {rows} rows of {width}"
    );
    assert!(dout.len() == out.len() && da.len() == out.len(), "a gradient for each element");
    let weight = Weight::new(Matrix::row_major(weight, width, width), steps);
    let (dh, da) = (Disjoint::new(dh), Disjoint::new(da));
    steps.walk(
        true,
        width * width,
        weight.shared(),
        |_| (),
        |(), At { row, sequences, turned }| {
            let n = sequences.len();
            let elements = row * width..(row + n) * width;
            // SAFETY: blocks have rows and sequences of their own.
            let (da, dh) =
                unsafe { (da.slice(row * width, n * width), dh.slice(sequences.start * width, n * width)) };
            dispatch(Slope { nonlinearity, out: &out[elements.clone()], dout: &dout[elements], dh, da });
            dh.fill(T::ZERO);
            weight.add_product(da, n, dh, turned);
        },
    );
}

/// `da = (dh + dout) f'`
struct Slope<'a, T> {
    nonlinearity: Nonlinearity,
    out: &'a [T],
    dout: &'a [T],
    dh: &'a [T],
    da: &'a mut [T],
}

impl<T: Math> Kernel for Slope<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<A: Arch>(self) {
        let Slope { nonlinearity, out, dout, dh, da } = self;
        let all = da.iter_mut().zip(out).zip(dout).zip(dh);
        match nonlinearity {
            Nonlinearity::Tanh => {
                all.for_each(|(((da, &y), &dout), &dh)| *da = (dh + dout) * A::fma(-y, y, T::ONE));
            }
            Nonlinearity::Relu => {
                all.for_each(|(((da, &y), &dout), &dh)| *da = if y <= T::ZERO { T::ZERO } else { dh + dout });
            }
        }
    }
}
