//! Elementwise functions of one and two arguments, and their derivatives.
//!
//! The operation is a value ([`Unary`], [`Binary`]): a kernel looks at it once a block, outside its loop. Arguments
//! are strided views, results are row-major.

mod binary;
pub(crate) mod gated;
mod pair_loss;
pub(crate) mod unary;

use crate::buffer::Buffer;
use crate::disjoint::Disjoint;
use crate::math::Math;
use crate::stream::{self, streams};
use crate::strided::{BLOCK, CHEAP_GRAIN, CHUNK, DEAR_GRAIN, Reader, Source};
use crate::threads::for_each_chunk;
use crate::view::View;

pub use binary::{Binary, Side};
pub use pair_loss::PairLoss;
pub use unary::{Saved, Unary};

/// Elementwise functions and their derivatives, on views.
///
/// ```
/// use barehand_kernels::elementwise::{Elementwise, Unary};
/// use barehand_kernels::View;
///
/// let x = View::new(&[-1.0, 2.0], &[2], &[1]);
/// let mut y = [0.0; 2];
/// f32::unary(Unary::Relu, x, &mut y);
/// assert_eq!(y, [0.0, 2.0]);
/// ```
pub trait Elementwise: Math {
    /// `out = op(x)`.
    fn unary(op: Unary<Self>, x: View<Self>, out: &mut [Self]);

    /// `x = op(x)`.
    fn unary_assign(op: Unary<Self>, x: &mut [Self]);

    /// `dx = dy * op'`, where the derivative is computed from what [`Unary::saves`] names: the input, the output, or
    /// (where it names neither) nothing, and then `saved` is not looked at.
    fn unary_backward(op: Unary<Self>, saved: View<Self>, dy: View<Self>, dx: &mut [Self]);

    /// `out = op(x)` and `slope = op'(x)`, for functions that [have a cheap slope](Unary::has_cheap_slope); a backward pass
    /// is then a multiplication.
    fn unary_with_slope(op: Unary<Self>, x: &[Self], out: &mut [Self], slope: &mut [Self]);

    /// `out = op(x, y)`; the views have one shape (broadcast with strides of 0).
    fn binary(op: Binary, x: View<Self>, y: View<Self>, out: &mut [Self]);

    /// `x = op(x, y)`; `y` has as many elements as `x`.
    fn binary_assign(op: Binary, x: &mut [Self], y: View<Self>);

    /// `dx = dout * d op / d x` (or `/ d y`, for [`Side::Right`]) on the shape of the output.
    fn binary_backward(
        op: Binary,
        side: Side,
        x: View<Self>,
        y: View<Self>,
        dout: View<Self>,
        dx: &mut [Self],
    );

    /// `out = loss(x, y)`, one for each pair.
    fn pair_loss(loss: PairLoss<Self>, x: View<Self>, y: View<Self>, out: &mut [Self]);

    /// The sum of the losses of all pairs, none of which is stored.
    fn pair_loss_sum(loss: PairLoss<Self>, x: View<Self>, y: View<Self>) -> f64;

    /// `dx = scale * d loss / d side`, times `dout` where there is one for each pair.
    fn pair_loss_backward(
        loss: PairLoss<Self>,
        side: Side,
        x: View<Self>,
        y: View<Self>,
        scale: Self,
        dout: Option<View<Self>>,
        dx: &mut [Self],
    );

    /// `y += alpha * x`.
    fn axpy(alpha: Self, x: View<Self>, y: &mut [Self]);
}

macro_rules! elementwise {
    ($($t:ty),*) => { $(
        impl Elementwise for $t {
            fn unary(op: Unary<Self>, x: View<Self>, out: &mut [Self]) {
                map(op.grain(), [x], out, |[x], out| unary::forward(op, x, out));
            }
            fn unary_assign(op: Unary<Self>, x: &mut [Self]) {
                update(op.grain(), [], x, |old, [], new| unary::forward(op, old, new));
            }
            fn unary_backward(op: Unary<Self>, saved: View<Self>, dy: View<Self>, dx: &mut [Self]) {
                if op.saves() == Saved::Nothing {
                    map(op.grain(), [dy], dx, |[dy], dx| unary::backward(op, dy, dy, dx));
                } else {
                    map(op.grain(), [saved, dy], dx, |[saved, dy], dx| unary::backward(op, saved, dy, dx));
                }
            }
            fn unary_with_slope(op: Unary<Self>, x: &[Self], out: &mut [Self], slope: &mut [Self]) {
                with_slope(op, x, out, slope);
            }
            fn binary(op: Binary, x: View<Self>, y: View<Self>, out: &mut [Self]) {
                map(op.grain(), [x, y], out, |[x, y], out| binary::forward(op, x, y, out));
            }
            fn binary_assign(op: Binary, x: &mut [Self], y: View<Self>) {
                update(op.grain(), [y], x, |old, [y], new| binary::forward(op, old, y, new));
            }
            fn binary_backward(
                op: Binary,
                side: Side,
                x: View<Self>,
                y: View<Self>,
                dout: View<Self>,
                dx: &mut [Self],
            ) {
                // Sums pass the gradient on as it is: the arguments need not be read.
                if matches!(op, Binary::Add | Binary::Sub) {
                    map(op.grain(), [dout], dx, |[dout], dx| binary::backward(op, side, dout, dout, dout, dx));
                } else {
                    map(op.grain(), [x, y, dout], dx, |[x, y, dout], dx| {
                        binary::backward(op, side, x, y, dout, dx);
                    });
                }
            }
            fn pair_loss(loss: PairLoss<Self>, x: View<Self>, y: View<Self>, out: &mut [Self]) {
                map(loss.grain(), [x, y], out, |[x, y], out| pair_loss::forward(loss, x, y, out));
            }
            fn pair_loss_sum(loss: PairLoss<Self>, x: View<Self>, y: View<Self>) -> f64 {
                total(loss.grain(), [x, y], |[x, y], out| pair_loss::forward(loss, x, y, out))
            }
            fn pair_loss_backward(
                loss: PairLoss<Self>,
                side: Side,
                x: View<Self>,
                y: View<Self>,
                scale: Self,
                dout: Option<View<Self>>,
                dx: &mut [Self],
            ) {
                match dout {
                    None => map(loss.grain(), [x, y], dx, |[x, y], dx| {
                        pair_loss::backward(loss, side, x, y, scale, dx);
                    }),
                    Some(dout) => map(loss.grain(), [x, y, dout], dx, |[x, y, dout], dx| {
                        pair_loss::backward(loss, side, x, y, scale, dx);
                        pair_loss::multiply(dout, dx);
                    }),
                }
            }
            fn axpy(alpha: Self, x: View<Self>, y: &mut [Self]) {
                update(CHEAP_GRAIN, [x], y, |old, [x], new| binary::axpy(alpha, x, old, new));
            }
        }
    )* };
}
elementwise!(f32, f64);

/// Computes `out` from views of its size: `kernel` gets a piece of each, contiguous, and the piece of `out`.
fn map<T: Math, const N: usize>(
    grain: usize,
    inputs: [View<T>; N],
    out: &mut [T],
    kernel: impl Fn([&[T]; N], &mut [T]) + Sync,
) {
    for x in &inputs {
        assert_eq!(x.len(), out.len(), "elementwise operation of {:?} into {} elements", x.shape, out.len());
    }
    let sources = inputs.map(Source::new);
    let streams = streams::<T>(out.len());
    for_each_chunk(out, CHUNK, grain, |start, piece| {
        let end = start + piece.len();
        // Everything contiguous: one call.
        let mut slices = [&[][..]; N];
        let mut contiguous = true;
        for (slice, source) in slices.iter_mut().zip(&sources) {
            match source.as_slice() {
                Some(whole) => *slice = &whole[start..end],
                None => contiguous = false,
            }
        }
        if contiguous && !streams {
            kernel(slices, piece);
            return;
        }
        let mut block = Buffer::<T>::scratch(BLOCK);
        if contiguous {
            for (i, out) in piece.chunks_mut(BLOCK).enumerate() {
                let block = &mut block[..out.len()];
                kernel(slices.map(|x| &x[i * BLOCK..][..block.len()]), block);
                stream::copy(block, out);
            }
            return stream::fence();
        }
        let mut readers = sources.each_ref().map(|source| source.reader(start));
        let mut done = 0;
        while done < piece.len() {
            let n = next_block(&readers, piece.len() - done);
            let out = &mut piece[done..done + n];
            if streams {
                kernel(readers.each_mut().map(|reader| reader.take(n)), &mut block[..n]);
                stream::copy(&block[..n], out);
            } else {
                kernel(readers.each_mut().map(|reader| reader.take(n)), out);
            }
            done += n;
        }
        if streams {
            stream::fence();
        }
    });
}

fn with_slope<T: Math>(op: Unary<T>, x: &[T], out: &mut [T], slope: &mut [T]) {
    let len = x.len();
    assert!(out.len() == len && slope.len() == len, "{} of {len} elements, and its slope", op.name());
    let streams = streams::<T>(len);
    let slope = Disjoint::new(slope);
    for_each_chunk(out, CHUNK, op.grain(), |start, out| {
        let x = &x[start..start + out.len()];
        // SAFETY: pieces do not overlap.
        let slope = unsafe { slope.slice(start, out.len()) };
        if !streams {
            return gated::with_slope(op, x, out, slope);
        }
        let (mut values, mut slopes) = (Buffer::<T>::scratch(BLOCK), Buffer::<T>::scratch(BLOCK));
        for ((x, out), slope) in x.chunks(BLOCK).zip(out.chunks_mut(BLOCK)).zip(slope.chunks_mut(BLOCK)) {
            gated::with_slope(op, x, &mut values[..x.len()], &mut slopes[..x.len()]);
            stream::copy(&values[..x.len()], out);
            stream::copy(&slopes[..x.len()], slope);
        }
        stream::fence();
    });
}

/// The sum of what `kernel` computes from views of one size, a block at a time; the blocks do not depend on the threads.
fn total<T: Math, const N: usize>(
    grain: usize,
    inputs: [View<T>; N],
    kernel: impl Fn([&[T]; N], &mut [T]) + Sync,
) -> f64 {
    let len = inputs[0].len();
    for x in &inputs {
        assert_eq!(x.len(), len, "a sum over {:?} and {len} elements", x.shape);
    }
    let sources = inputs.map(Source::new);
    let mut parts = vec![0.0; len.div_ceil(CHUNK)];
    let each = |part: usize, sum: &mut f64| {
        let (start, end) = (part * CHUNK, len.min((part + 1) * CHUNK));
        let mut out = Buffer::<T>::scratch(BLOCK);
        let mut readers = sources.each_ref().map(|source| source.reader(start));
        let mut done = start;
        while done < end {
            let n = next_block(&readers, end - done);
            kernel(readers.each_mut().map(|reader| reader.take(n)), &mut out[..n]);
            *sum += pair_loss::sum(&out[..n]);
            done += n;
        }
    };
    for_each_chunk(&mut parts, 1, grain.div_ceil(CHUNK), |part, sum| each(part, &mut sum[0]));
    // Of nothing 0, and not the negative zero that an empty sum begins with.
    parts.iter().sum::<f64>() + 0.0
}

/// Recomputes `x` from itself and other views: `kernel` gets a copy of a block of `x` (which keeps its loops free of
/// aliases, so that they are the loops of [`map`]), the blocks of the others, and the block to overwrite.
fn update<T: Math, const N: usize>(
    grain: usize,
    inputs: [View<T>; N],
    x: &mut [T],
    kernel: impl Fn(&[T], [&[T]; N], &mut [T]) + Sync,
) {
    for y in &inputs {
        assert_eq!(y.len(), x.len(), "elementwise update of {} elements by {:?}", x.len(), y.shape);
    }
    let sources = inputs.map(Source::new);
    for_each_chunk(x, CHUNK, grain, |start, piece| {
        let mut old = Buffer::<T>::scratch(BLOCK);
        let mut readers = sources.each_ref().map(|source| source.reader(start));
        let mut done = 0;
        while done < piece.len() {
            let n = next_block(&readers, piece.len() - done);
            let block = &mut piece[done..done + n];
            old[..n].copy_from_slice(block);
            kernel(&old[..n], readers.each_mut().map(|reader| reader.take(n)), block);
            done += n;
        }
    });
}

fn next_block<T: Math, const N: usize>(readers: &[Reader<T>; N], remaining: usize) -> usize {
    readers.iter().fold(remaining.min(BLOCK), |n, reader| reader.block(n))
}

/// Whether a function costs little more than its memory traffic decides how much of it a thread should have.
fn grain(cheap: bool) -> usize {
    if cheap { CHEAP_GRAIN } else { DEAR_GRAIN }
}
