//! The two inner loops of every product: a tile of outer products, and a tile of dot products.
//!
//! Both keep all of their sums in registers while they walk along `k`. [`outer`] reads rows of `b` as vectors and
//! elements of `a` one by one; [`dot`] reads both along `k`, so it needs no rearranged copy where `k` is contiguous in
//! both operands, as in a linear layer's `x w^T`.

use super::lanes::Lanes;

/// `acc[i][v] = sum over t < k of a[i * row_stride + t * col_stride] * (vector v of row(t))`
///
/// # Safety
/// As for [`Lanes`]; `a` is valid at every index above, and `row(t)` for `V` vectors.
#[inline(always)]
pub(crate) unsafe fn outer<T: Copy, L: Lanes<T>, const M: usize, const V: usize>(
    k: usize,
    a: *const T,
    row_stride: usize,
    col_stride: usize,
    zero: T,
    row: impl Fn(usize) -> *const T,
) -> [[L; V]; M] {
    // SAFETY: the caller's.
    unsafe {
        let mut acc = [[L::splat(zero); V]; M];
        for t in 0..k {
            let b = row(t);
            let b: [L; V] = std::array::from_fn(|v| L::load(b.add(v * L::N)));
            let a = a.add(t * col_stride);
            for i in 0..M {
                let a = L::splat(*a.add(i * row_stride));
                for v in 0..V {
                    acc[i][v] = a.fma(b[v], acc[i][v]);
                }
            }
        }
        acc
    }
}

/// `sums[i][j] = sum over t < k of a(i)[t] * b(j)[t]`
///
/// The last, incomplete vector is read through a padded copy.
///
/// # Safety
/// As for [`Lanes`]; `a(i)` and `b(j)` are valid for `k` elements.
#[inline(always)]
pub(crate) unsafe fn dot<T: Copy, L: Lanes<T>, const M: usize, const N: usize>(
    k: usize,
    zero: T,
    a: impl Fn(usize) -> *const T,
    b: impl Fn(usize) -> *const T,
) -> [[T; N]; M] {
    // SAFETY: the caller's; the padded copies hold 16 elements, as many as the widest vector.
    unsafe {
        let mut acc = [[L::splat(zero); N]; M];
        let a: [*const T; M] = std::array::from_fn(&a);
        let b: [*const T; N] = std::array::from_fn(&b);
        let whole = k / L::N * L::N;
        let mut t = 0;
        while t < whole {
            let a: [L; M] = std::array::from_fn(|i| L::load(a[i].add(t)));
            for j in 0..N {
                let b = L::load(b[j].add(t));
                for i in 0..M {
                    acc[i][j] = a[i].fma(b, acc[i][j]);
                }
            }
            t += L::N;
        }
        if whole < k {
            let rest = |from: *const T| {
                let mut padded = [zero; 16];
                std::ptr::copy_nonoverlapping(from.add(whole), padded.as_mut_ptr(), k - whole);
                L::load(padded.as_ptr())
            };
            let a: [L; M] = std::array::from_fn(|i| rest(a[i]));
            for j in 0..N {
                let b = rest(b[j]);
                for i in 0..M {
                    acc[i][j] = a[i].fma(b, acc[i][j]);
                }
            }
        }
        let mut sums = [[zero; N]; M];
        for j in 0..N {
            if M == 4 {
                let four = L::sum_four([acc[0][j], acc[1 % M][j], acc[2 % M][j], acc[3 % M][j]]);
                for i in 0..M {
                    sums[i][j] = four[i];
                }
            } else {
                for i in 0..M {
                    sums[i][j] = acc[i][j].sum();
                }
            }
        }
        sums
    }
}
