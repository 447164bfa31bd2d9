//! The gradient of a product over an axis.

use crate::real::Real;

/// `dx[k] = dout * (product of all x but x[k])` along the middle of `(outer, axis, inner)`: the products before and
/// behind each element, so that zeros need no division.
pub fn prod_backward<T: Real>(x: &[T], outer: usize, axis: usize, inner: usize, dout: &[T], dx: &mut [T]) {
    assert_eq!(x.len(), outer * axis * inner);
    assert_eq!(dx.len(), x.len());
    assert_eq!(dout.len(), outer * inner);
    for o in 0..outer {
        for i in 0..inner {
            let at = |k: usize| (o * axis + k) * inner + i;
            let mut before = dout[o * inner + i];
            for k in 0..axis {
                dx[at(k)] = before;
                before *= x[at(k)];
            }
            let mut behind = T::ONE;
            for k in (0..axis).rev() {
                dx[at(k)] *= behind;
                behind *= x[at(k)];
            }
        }
    }
}
