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

/// `acc[i][v] = sums[v] + sum over t < k of a(t)[i * row_stride] * (vector v of row(t))`: as [`outer`], with sums to begin
/// with and elements of `a` anywhere.
///
/// # Safety
/// As for [`Lanes`]; `a(t)` is valid at every index above, and `row(t)` for `V` vectors.
#[inline(always)]
pub(crate) unsafe fn outer_at<T: Copy, L: Lanes<T>, const M: usize, const V: usize>(
    k: usize,
    sums: [L; V],
    a: impl Fn(usize) -> *const T,
    row_stride: usize,
    row: impl Fn(usize) -> *const T,
) -> [[L; V]; M] {
    // SAFETY: the caller's.
    unsafe {
        let mut acc = [sums; M];
        for t in 0..k {
            let b = row(t);
            let b: [L; V] = std::array::from_fn(|v| L::load(b.add(v * L::N)));
            let a = a(t);
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

/// Writes the first `count` columns of a square matrix: `column(j)[i] = row(i)[j]`, as many rows as a vector has elements.
///
/// Each of the stages interleaves the first half of all elements with the second, which moves the highest bit of an
/// element's place to the lowest: once for every bit of a row's number, and rows and columns have changed places.
///
/// # Safety
/// As for [`Lanes`]; `row(i)` and, below `count`, `column(j)` are valid for a vector.
#[inline(always)]
pub(crate) unsafe fn transpose<T, L: Lanes<T>>(
    row: impl Fn(usize) -> *const T,
    count: usize,
    column: impl Fn(usize) -> *mut T,
) {
    const { assert!(L::N <= 16) };
    // SAFETY: the caller's.
    unsafe {
        let mut rows = [L::load(row(0)); 16];
        for i in 1..L::N {
            rows[i] = L::load(row(i));
        }
        let mut stage = 1;
        while stage < L::N {
            let halves = rows;
            for i in 0..L::N / 2 {
                (rows[2 * i], rows[2 * i + 1]) = halves[i].zip(halves[i + L::N / 2]);
            }
            stage *= 2;
        }
        for j in 0..L::N {
            if j < count {
                rows[j].store(column(j));
            }
        }
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
