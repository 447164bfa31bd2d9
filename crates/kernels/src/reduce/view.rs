//! Reductions of strided views along any axes, by steps along rows and columns of contiguous matrices.

use super::{Reduce, columns, slice};
use crate::buffer::Buffer;
use crate::math::Math;
use crate::strided::{cast, copy};
use crate::view::View;

/// An axis of the array that is being reduced.
#[derive(Clone, Copy)]
struct Axis {
    len: usize,
    stride: usize,
    reduced: bool,
    /// The axis of the result that this is, for kept axes.
    place: usize,
}

/// The view's elements in an order in which they are contiguous, and its axes (but those of length 1) in that order.
struct Laid<'a, T: Math> {
    data: &'a [T],
    copied: Option<Buffer<T>>,
    axes: Vec<Axis>,
    /// Shape of the result, kept axes in their order.
    kept: Vec<usize>,
}

impl<'a, T: Math> Laid<'a, T> {
    /// In the memory's own order where the view covers it without gaps, in row-major order otherwise.
    fn new(x: View<'a, T>, reduced: &[bool]) -> Self {
        let (mut axes, kept) = axes(&x, reduced);
        let total = x.len();
        axes.sort_by_key(|axis| std::cmp::Reverse(axis.stride));
        let mut expected = 1;
        let contiguous = axes.iter().rev().all(|axis| {
            let fits = axis.stride == expected;
            expected *= axis.len;
            fits
        });
        if contiguous {
            return Laid { data: &x.data[..total], copied: None, axes, kept };
        }
        let mut copied = Buffer::scratch(total);
        copy(x, &mut copied);
        Laid { data: &[], copied: Some(copied), axes: self::axes(&x, reduced).0, kept }
    }

    fn data(&self) -> &[T] {
        self.copied.as_deref().unwrap_or(self.data)
    }
}

fn axes<T>(x: &View<T>, reduced: &[bool]) -> (Vec<Axis>, Vec<usize>) {
    let (mut axes, mut kept) = (Vec::new(), Vec::new());
    for ((&len, &stride), &reduced) in x.shape.iter().zip(x.strides).zip(reduced) {
        if len != 1 {
            axes.push(Axis { len, stride, reduced, place: kept.len() });
        }
        if !reduced {
            kept.push(len);
        }
    }
    (axes, kept)
}

/// How many elements go into each result; checks the sizes.
fn count<T>(x: &View<T>, reduced: &[bool], out: usize) -> usize {
    assert_eq!(x.shape.len(), reduced.len(), "one flag for each axis of {:?}", x.shape);
    let product = |want: bool| -> usize {
        x.shape.iter().zip(reduced).filter(|(_, reduced)| **reduced == want).map(|(len, _)| *len).product()
    };
    assert_eq!(product(false), out, "reduction of {:?} along {reduced:?} into {out} elements", x.shape);
    product(true)
}

pub(super) fn reduce<T: Math>(op: Reduce, x: View<T>, reduced: &[bool], out: &mut [T]) {
    let count = count(&x, reduced, out.len());
    if out.is_empty() {
        return;
    }
    if count == 0 {
        let mut nothing = [0.0];
        slice::rows::<T>(op, &[], 0, &mut nothing);
        out.fill(T::from_f64(if op == Reduce::Mean { f64::NAN } else { nothing[0] }));
        return;
    }
    let laid = Laid::new(x, reduced);
    let divisor = if op == Reduce::Mean { count as f64 } else { 1.0 };
    let (result, order) = fold(op, laid.data(), &laid.axes);
    write(&result, &order, &laid.kept, out, |value| T::from_f64(value / divisor));
}

/// Folds the reduced axes of a contiguous array, innermost first; returns the result and the axes left.
fn fold<T: Math>(op: Reduce, data: &[T], axes: &[Axis]) -> (Buffer<f64>, Vec<Axis>) {
    // Runs of axes that are all reduced or all kept act as one.
    let split =
        |axes: &[Axis], reduced: bool| axes.iter().rposition(|a| a.reduced != reduced).map_or(0, |i| i + 1);
    let product = |axes: &[Axis]| axes.iter().map(|axis| axis.len).product::<usize>();
    let last_kept = split(axes, false);
    if last_kept == 0 {
        // Nothing is reduced: every element is a row of its own.
        let mut out = Buffer::scratch(data.len());
        slice::rows(op, data, 1, &mut out);
        return (out, axes.to_vec());
    }
    let (head, tail) = axes.split_at(last_kept);
    let first_reduced = split(head, true);
    let (outer, middle) = head.split_at(first_reduced);
    let mut out = Buffer::scratch(product(outer) * product(tail));
    if tail.is_empty() {
        slice::rows(op, data, product(middle), &mut out);
    } else {
        columns::reduce(op, data, product(outer), product(middle), product(tail), &mut out);
    }
    let left = [outer, tail].concat();
    if left.iter().any(|axis| axis.reduced) {
        fold(op.of_partial_results(), &out, &left)
    } else {
        (out, left)
    }
}

/// Writes `f` of each result into `out`, where the axes have their original order again.
fn write<T: Math>(
    result: &[f64],
    order: &[Axis],
    kept: &[usize],
    out: &mut [T],
    f: impl Fn(f64) -> T + Sync,
) {
    let mut strides = vec![0; kept.len()];
    let mut stride = 1;
    for axis in order.iter().rev() {
        strides[axis.place] = stride;
        stride *= axis.len;
    }
    cast(View::new(result, kept, &strides), out, f);
}

pub(super) fn variance<T: Math>(
    x: View<T>,
    reduced: &[bool],
    correction: f64,
    mean: &mut [T],
    var: &mut [T],
) {
    let count = count(&x, reduced, mean.len());
    assert_eq!(mean.len(), var.len(), "as many variances as means");
    if mean.is_empty() {
        return;
    }
    if count == 0 {
        mean.fill(T::NAN);
        var.fill(T::NAN);
        return;
    }
    let laid = Laid::new(x, reduced);
    let divisor = (count as f64 - correction).max(0.0);
    let n = count as f64;
    let kept_first = laid.axes.iter().is_sorted_by_key(|axis| axis.reduced);
    let reduced_first = laid.axes.iter().is_sorted_by_key(|axis| !axis.reduced);
    if !kept_first && !reduced_first {
        // Mixed: lay the view out with its kept axes first.
        let by = |want: bool| (0..reduced.len()).filter(move |&i| reduced[i] == want);
        let order: Vec<usize> = by(false).chain(by(true)).collect();
        let shape: Vec<usize> = order.iter().map(|&i| x.shape[i]).collect();
        let strides: Vec<usize> = order.iter().map(|&i| x.strides[i]).collect();
        let mut copied = Buffer::scratch(x.len());
        copy(View::new(x.data, &shape, &strides), &mut copied);
        let shape = [mean.len(), count];
        variance(View::new(&copied, &shape, &[count, 1]), &[false, true], correction, mean, var);
        return;
    }
    let (mut means, order) = fold(Reduce::Sum, laid.data(), &laid.axes);
    means.iter_mut().for_each(|mean| *mean /= n);
    let mut squares = Buffer::scratch(means.len());
    if kept_first {
        slice::centered_squares(laid.data(), count, &means, &mut squares);
    } else {
        columns::centered_squares(laid.data(), count, means.len(), &means, &mut squares);
    }
    write(&means, &order, &laid.kept, mean, T::from_f64);
    write(&squares, &order, &laid.kept, var, |squares| T::from_f64(squares / divisor));
}
