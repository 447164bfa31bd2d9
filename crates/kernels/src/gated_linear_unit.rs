//! Gated linear units: one half of each row opens or closes the other (Dauphin et al. 2017; Shazeer 2020).

use crate::disjoint::Disjoint;
use crate::elementwise::gated::{gelu_erf, gelu_tanh, silu};
use crate::isa::{Arch, Kernel, dispatch};
use crate::math::{self, Math};
use crate::softmax::for_row_pieces;

/// What the gate goes through before it is multiplied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// `sigmoid(g)`: GLU.
    Sigmoid,
    /// `g sigmoid(g)`: SwiGLU.
    Silu,
    /// `g Phi(g)`: GEGLU.
    Gelu,
    /// The same by the tanh form.
    GeluTanh,
    /// `max(g, 0)`: ReGLU.
    Relu,
}

impl Gate {
    /// The name used in messages and recordings.
    pub fn name(self) -> &'static str {
        match self {
            Gate::Sigmoid => "glu",
            Gate::Silu => "swiglu",
            Gate::Gelu | Gate::GeluTanh => "geglu",
            Gate::Relu => "reglu",
        }
    }
}

/// A gated linear unit over the halves of the rows of a matrix.
///
/// ```
/// use barehand_kernels::gated_linear_unit::{Gate, GatedLinearUnit};
///
/// let mut y = [0.0; 1];
/// f32::gated_linear_unit(Gate::Relu, true, &[2.0, 3.0], 1, &mut y);
/// assert_eq!(y, [6.0]);
/// ```
pub trait GatedLinearUnit: Math {
    /// `out = gate(g) v`, where a row of `x` is `g` and then `v`, each `half` long, or with `gate_first` false the other way
    /// round.
    fn gated_linear_unit(gate: Gate, gate_first: bool, x: &[Self], half: usize, out: &mut [Self]);

    /// The gradient of `x` from that of the output.
    fn gated_linear_unit_backward(
        gate: Gate,
        gate_first: bool,
        x: &[Self],
        half: usize,
        dout: &[Self],
        dx: &mut [Self],
    );
}

macro_rules! gated_linear_unit {
    ($($t:ty),*) => { $(
        impl GatedLinearUnit for $t {
            fn gated_linear_unit(gate: Gate, gate_first: bool, x: &[Self], half: usize, out: &mut [Self]) {
                assert_eq!(x.len(), 2 * out.len(), "a gated linear unit of {} elements", x.len());
                let pieces = Disjoint::new(out);
                for_row_pieces(x.len() / (2 * half).max(1), 2 * half, |first, rows| {
                    let x = &x[first * 2 * half..][..rows * 2 * half];
                    // SAFETY: pieces do not overlap.
                    let out = unsafe { pieces.slice(first * half, rows * half) };
                    dispatch(Forward { gate, gate_first, x, half, out });
                });
            }
            fn gated_linear_unit_backward(
                gate: Gate,
                gate_first: bool,
                x: &[Self],
                half: usize,
                dout: &[Self],
                dx: &mut [Self],
            ) {
                assert_eq!(x.len(), dx.len(), "a gated linear unit of {} elements", x.len());
                assert_eq!(x.len(), 2 * dout.len(), "a gated linear unit of {} elements", x.len());
                let pieces = Disjoint::new(dx);
                for_row_pieces(x.len() / (2 * half).max(1), 2 * half, |first, rows| {
                    let x = &x[first * 2 * half..][..rows * 2 * half];
                    let dout = &dout[first * half..][..rows * half];
                    // SAFETY: pieces do not overlap.
                    let dx = unsafe { pieces.slice(first * 2 * half, rows * 2 * half) };
                    dispatch(Backward { gate, gate_first, x, half, dout, dx });
                });
            }
        }
    )* };
}
gated_linear_unit!(f32, f64);

struct Forward<'a, T> {
    gate: Gate,
    gate_first: bool,
    x: &'a [T],
    half: usize,
    out: &'a mut [T],
}

impl<T: Math> Kernel for Forward<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<A: Arch>(self) {
        let Forward { gate, gate_first, x, half, out } = self;
        for (x, out) in x.chunks_exact(2 * half).zip(out.chunks_exact_mut(half)) {
            let (first, second) = x.split_at(half);
            let (g, v) = if gate_first { (first, second) } else { (second, first) };
            match gate {
                Gate::Sigmoid => zip(g, v, out, |g, v| v * math::sigmoid::<A, T>(g)),
                Gate::Silu => zip(g, v, out, |g, v| v * silu::<A, T>(g).0),
                Gate::Gelu => zip(g, v, out, |g, v| v * gelu_erf::<A, T>(g).0),
                Gate::GeluTanh => zip(g, v, out, |g, v| v * gelu_tanh::<A, T>(g).0),
                Gate::Relu => zip(g, v, out, |g, v| v * if g <= T::ZERO { T::ZERO } else { g }),
            }
        }
    }
}

struct Backward<'a, T> {
    gate: Gate,
    gate_first: bool,
    x: &'a [T],
    half: usize,
    dout: &'a [T],
    dx: &'a mut [T],
}

impl<T: Math> Kernel for Backward<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<A: Arch>(self) {
        let Backward { gate, gate_first, x, half, dout, dx } = self;
        let one = T::ONE;
        let rows = x.chunks_exact(2 * half).zip(dout.chunks_exact(half)).zip(dx.chunks_exact_mut(2 * half));
        for ((x, d), dx) in rows {
            let (first, second) = x.split_at(half);
            let (g, v) = if gate_first { (first, second) } else { (second, first) };
            let (first, second) = dx.split_at_mut(half);
            let (dg, dv) = if gate_first { (first, second) } else { (second, first) };
            // Each closure gives the opened gate and its slope.
            match gate {
                Gate::Sigmoid => spread(g, v, d, dg, dv, |g| {
                    let s = math::sigmoid::<A, T>(g);
                    (s, s * (one - s))
                }),
                Gate::Silu => spread(g, v, d, dg, dv, silu::<A, T>),
                Gate::Gelu => spread(g, v, d, dg, dv, gelu_erf::<A, T>),
                Gate::GeluTanh => spread(g, v, d, dg, dv, gelu_tanh::<A, T>),
                Gate::Relu => {
                    spread(g, v, d, dg, dv, |g| if g <= T::ZERO { (T::ZERO, T::ZERO) } else { (g, one) });
                }
            }
        }
    }
}

#[inline(always)]
fn zip<T: Copy>(g: &[T], v: &[T], out: &mut [T], f: impl Fn(T, T) -> T) {
    for ((out, g), v) in out.iter_mut().zip(g).zip(v) {
        *out = f(*g, *v);
    }
}

/// `dg = d v gate'(g)` and `dv = d gate(g)`
#[inline(always)]
fn spread<T: Math>(g: &[T], v: &[T], d: &[T], dg: &mut [T], dv: &mut [T], gate: impl Fn(T) -> (T, T)) {
    for ((((dg, dv), g), v), d) in dg.iter_mut().zip(dv).zip(g).zip(v).zip(d) {
        let (open, slope) = gate(*g);
        *dg = *d * *v * slope;
        *dv = *d * open;
    }
}
