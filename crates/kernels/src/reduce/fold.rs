//! Reductions of any type by any function, one element after another.

use crate::buffer::Plain;
use crate::view::View;

/// Folds the marked axes of a view, beginning each result at `start`, into row-major `out`: elements in row-major order.
pub fn fold_axes<T: Plain, U: Copy>(
    x: View<T>,
    reduced: &[bool],
    start: U,
    fold: impl Fn(U, T) -> U,
    out: &mut [U],
) {
    let rank = x.shape.len();
    let mut steps = vec![0; rank];
    let mut size = 1;
    for axis in (0..rank).rev().filter(|&axis| !reduced[axis]) {
        steps[axis] = size;
        size *= x.shape[axis];
    }
    assert_eq!(out.len(), size, "one output for each index of the kept axes");
    out.fill(start);
    if x.is_empty() {
        return;
    }
    let Some(last) = rank.checked_sub(1) else {
        out[0] = fold(start, x.data[0]);
        return;
    };
    let (n, stride, kept) = (x.shape[last], x.strides[last], !reduced[last]);
    let mut position = vec![0; last];
    let (mut from, mut to) = (0, 0);
    for _ in 0..x.len() / n {
        let row = &x.data[from..];
        match (kept, stride) {
            (true, 1) => out[to..to + n].iter_mut().zip(&row[..n]).for_each(|(out, &x)| *out = fold(*out, x)),
            (true, _) => {
                out[to..to + n]
                    .iter_mut()
                    .enumerate()
                    .for_each(|(i, out)| *out = fold(*out, row[i * stride]));
            }
            (false, 1) => out[to] = row[..n].iter().fold(out[to], |sum, &x| fold(sum, x)),
            (false, _) => out[to] = (0..n).fold(out[to], |sum, i| fold(sum, row[i * stride])),
        }
        for axis in (0..last).rev() {
            position[axis] += 1;
            from += x.strides[axis];
            to += steps[axis];
            if position[axis] < x.shape[axis] {
                break;
            }
            from -= x.shape[axis] * x.strides[axis];
            to -= x.shape[axis] * steps[axis];
            position[axis] = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_any_axes_of_any_strides() {
        let data: Vec<i64> = (0..24).collect();
        let sums = |x: View<i64>, reduced: &[bool], count: usize| {
            let mut out = vec![0; count];
            fold_axes(x, reduced, 0, |sum, x| sum + x, &mut out);
            out
        };
        let x = || View::new(&data, &[2, 3, 4], &[12, 4, 1]);
        assert_eq!(sums(x(), &[true, false, true], 3), [60, 92, 124]);
        assert_eq!(sums(x(), &[true, true, false], 4), [60, 66, 72, 78]);
        assert_eq!(sums(x(), &[true; 3], 1), [276]);
        let transposed = || View::new(&data[..12], &[4, 3], &[1, 4]);
        assert_eq!(sums(transposed(), &[false, true], 4), [12, 15, 18, 21]);
        assert_eq!(sums(transposed(), &[true, false], 3), [6, 22, 38]);
        assert_eq!(sums(View::new(&data[3..], &[], &[]), &[], 1), [3]);
        assert_eq!(sums(View::new(&data[3..], &[2, 5], &[1, 0]), &[false, true], 2), [15, 20]);
        assert_eq!(sums(View::new(&data, &[0, 2], &[2, 1]), &[true, false], 2), [0, 0]);
    }
}
