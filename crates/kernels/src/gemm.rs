//! Matrix products: `c = alpha a b + beta c` for every layout, batches of them, and the linear layer.
//!
//! Strides are free: row-major, column-major, slices of larger arrays, and 0 to repeat a row or a column.

use gemm_common::Parallelism;

use crate::real::Real;
use crate::threads;

/// Products below this many multiply-adds run on one thread: handing work to the pool costs microseconds.
const GRAIN: usize = 1 << 18;

/// A strided matrix to read: element `(i, j)` is `data[i * row_stride + j * col_stride]`.
#[derive(Clone, Copy, Debug)]
pub struct Matrix<'a, T> {
    /// The memory, from element `(0, 0)` on.
    pub data: &'a [T],
    /// Number of rows.
    pub rows: usize,
    /// Number of columns.
    pub cols: usize,
    /// Elements to step over for the next row.
    pub row_stride: usize,
    /// Elements to step over for the next column.
    pub col_stride: usize,
}

impl<'a, T> Matrix<'a, T> {
    /// A matrix whose rows lie one after another.
    pub fn row_major(data: &'a [T], rows: usize, cols: usize) -> Self {
        Matrix {
            data,
            rows,
            cols,
            row_stride: cols,
            col_stride: 1,
        }
    }

    /// The transpose, of the same memory.
    #[must_use]
    pub fn transpose(self) -> Self {
        Matrix {
            data: self.data,
            rows: self.cols,
            cols: self.rows,
            row_stride: self.col_stride,
            col_stride: self.row_stride,
        }
    }

    /// Elements from the first to the last one addressed, both included.
    pub fn extent(&self) -> usize {
        extent(self.rows, self.cols, self.row_stride, self.col_stride)
    }

    fn at(&self, offset: usize) -> Self {
        Matrix {
            data: self.data.get(offset..).unwrap_or(&[]),
            ..*self
        }
    }
}

/// A strided matrix to write; no two of its elements may share an address.
#[derive(Debug)]
pub struct MatrixMut<'a, T> {
    /// The memory, from element `(0, 0)` on.
    pub data: &'a mut [T],
    /// Number of rows.
    pub rows: usize,
    /// Number of columns.
    pub cols: usize,
    /// Elements to step over for the next row.
    pub row_stride: usize,
    /// Elements to step over for the next column.
    pub col_stride: usize,
}

impl<'a, T> MatrixMut<'a, T> {
    /// A matrix whose rows lie one after another.
    pub fn row_major(data: &'a mut [T], rows: usize, cols: usize) -> Self {
        MatrixMut {
            data,
            rows,
            cols,
            row_stride: cols,
            col_stride: 1,
        }
    }

    /// The transpose, of the same memory.
    #[must_use]
    pub fn transpose(self) -> Self {
        MatrixMut {
            data: self.data,
            rows: self.cols,
            cols: self.rows,
            row_stride: self.col_stride,
            col_stride: self.row_stride,
        }
    }

    /// Elements from the first to the last one addressed, both included.
    pub fn extent(&self) -> usize {
        extent(self.rows, self.cols, self.row_stride, self.col_stride)
    }
}

fn extent(rows: usize, cols: usize, row_stride: usize, col_stride: usize) -> usize {
    if rows == 0 || cols == 0 {
        0
    } else {
        (rows - 1) * row_stride + (cols - 1) * col_stride + 1
    }
}

/// Matrix products of `f32` and `f64`.
///
/// ```
/// use barehand_kernels::gemm::{Gemm, Matrix, MatrixMut};
/// let (a, b) = ([1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]);
/// let mut c = [0.0; 4];
/// f64::gemm(
///     1.0,
///     Matrix::row_major(&a, 2, 2),
///     Matrix::row_major(&b, 2, 2).transpose(),
///     0.0,
///     MatrixMut::row_major(&mut c, 2, 2),
/// );
/// assert_eq!(c, [17.0, 23.0, 39.0, 53.0]);
/// ```
pub trait Gemm: Real {
    /// `c = alpha a b + beta c`; with `beta == 0` the old `c` is never read, NaN or not.
    fn gemm(alpha: Self, a: Matrix<Self>, b: Matrix<Self>, beta: Self, c: MatrixMut<Self>);

    /// `c[i] = alpha a[i] b[i] + beta c[i]` for every `i`, where matrix `i` starts `offsets[i]` elements into its data.
    /// Offsets may repeat for `a` and `b` (broadcasting); those of `c` must give matrices that do not overlap.
    fn gemm_batched(
        alpha: Self,
        a: Matrix<Self>,
        a_offsets: &[usize],
        b: Matrix<Self>,
        b_offsets: &[usize],
        beta: Self,
        c: MatrixMut<Self>,
        c_offsets: &[usize],
    );

    /// The linear layer `y = x w^T + bias`: `x` is `(n, in)`, `w` `(out, in)`, `bias` `(out)` and `y` `(n, out)`
    /// row-major.
    fn linear(x: Matrix<Self>, w: Matrix<Self>, bias: Option<&[Self]>, y: &mut [Self]);
}

macro_rules! gemm {
    ($($t:ident: $library:ident),*) => { $(
        impl Gemm for $t {
            fn gemm(alpha: Self, a: Matrix<Self>, b: Matrix<Self>, beta: Self, c: MatrixMut<Self>) {
                let c = Target::new(c);
                product(alpha, a, b, beta, &c, 0);
            }

            fn gemm_batched(
                alpha: Self,
                a: Matrix<Self>,
                a_offsets: &[usize],
                b: Matrix<Self>,
                b_offsets: &[usize],
                beta: Self,
                c: MatrixMut<Self>,
                c_offsets: &[usize],
            ) {
                batch(alpha, a, a_offsets, b, b_offsets, beta, c, c_offsets);
            }

            fn linear(x: Matrix<Self>, w: Matrix<Self>, bias: Option<&[Self]>, y: &mut [Self]) {
                linear(x, w, bias, y);
            }
        }

        impl Library for $t {
            unsafe fn library(
                alpha: Self, a: Matrix<Self>, b: Matrix<Self>, beta: Self, c: *mut Self, strides: [isize; 2], threads: usize,
            ) {
                let parallelism = if threads > 1 { Parallelism::Rayon(threads) } else { Parallelism::None };
                // SAFETY: the caller's.
                unsafe {
                    $library::gemm::$t::get_gemm_fn()(
                        a.rows, b.cols, a.cols,
                        c, strides[1], strides[0], beta != 0.0,
                        a.data.as_ptr(), a.col_stride as isize, a.row_stride as isize,
                        b.data.as_ptr(), b.col_stride as isize, b.row_stride as isize,
                        beta, alpha, false, false, false, parallelism,
                    );
                }
            }
        }
    )* };
}
gemm!(f32: gemm_f32, f64: gemm_f64);

/// The general product, from the `gemm` crates.
trait Library: Gemm {
    /// `c = alpha a b + beta c` with `c`'s row and column strides.
    ///
    /// # Safety
    /// `a` and `b` reach no further than their data, and every element of `c` may be written by this call alone.
    unsafe fn library(
        alpha: Self,
        a: Matrix<Self>,
        b: Matrix<Self>,
        beta: Self,
        c: *mut Self,
        strides: [isize; 2],
        threads: usize,
    );
}

/// An output that several threads write, each its own part.
struct Target<T> {
    start: *mut T,
    len: usize,
    rows: usize,
    cols: usize,
    row_stride: usize,
    col_stride: usize,
}

// SAFETY: users of a `Target` divide its elements between threads.
unsafe impl<T: Send> Send for Target<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Target<T> {}

impl<T> Target<T> {
    fn new(c: MatrixMut<T>) -> Self {
        let (rows, cols, row_stride, col_stride) = (c.rows, c.cols, c.row_stride, c.col_stride);
        let steps = |n: usize, stride: usize| n.saturating_sub(1) * stride;
        let rows_apart = (rows <= 1 || row_stride > steps(cols, col_stride)) && (cols <= 1 || col_stride > 0);
        let cols_apart = (cols <= 1 || col_stride > steps(rows, row_stride)) && (rows <= 1 || row_stride > 0);
        assert!(
            rows == 0 || cols == 0 || rows_apart || cols_apart,
            "the elements of a {rows}x{cols} output with strides {row_stride}, {col_stride} overlap"
        );
        Target {
            start: c.data.as_mut_ptr(),
            len: c.data.len(),
            rows,
            cols,
            row_stride,
            col_stride,
        }
    }

    fn extent(&self) -> usize {
        extent(self.rows, self.cols, self.row_stride, self.col_stride)
    }

    /// Whether matrices of this shape at `offsets` provably share no element.
    fn apart(&self, offsets: &[usize]) -> bool {
        let extent = self.extent();
        if offsets.windows(2).all(|pair| pair[1] >= pair[0] + extent) {
            return true;
        }
        // Interleaved matrices, such as the heads of attention: rows (or columns) of a wider array.
        let (lines, long, line, short) = if self.row_stride >= self.col_stride {
            (self.rows, self.row_stride, self.cols, self.col_stride)
        } else {
            (self.cols, self.col_stride, self.rows, self.row_stride)
        };
        let width = line.saturating_sub(1) * short + 1;
        let mut places: Vec<(usize, usize)> = offsets
            .iter()
            .map(|o| (o / long.max(1), o % long.max(1)))
            .collect();
        places.sort_unstable();
        places.iter().all(|place| place.1 + width <= long)
            && places
                .windows(2)
                .all(|w| w[1].0 >= w[0].0 + lines || (w[1].0 == w[0].0 && w[1].1 >= w[0].1 + width))
    }
}

/// One product, written `offset` elements into `c`.
fn product<T: Library>(alpha: T, a: Matrix<T>, b: Matrix<T>, beta: T, c: &Target<T>, offset: usize) {
    let (m, k, n) = (a.rows, a.cols, b.cols);
    assert!(
        b.rows == k && c.rows == m && c.cols == n,
        "a {m}x{k} matrix times a {}x{n} one does not give a {}x{} one",
        b.rows,
        c.rows,
        c.cols
    );
    assert!(
        a.extent() <= a.data.len() && b.extent() <= b.data.len(),
        "an operand reaches past its data"
    );
    if m == 0 || n == 0 {
        return;
    }
    assert!(offset + c.extent() <= c.len, "the output reaches past its data");
    let work = m.saturating_mul(n).saturating_mul(k);
    let threads = threads::threads_for(work, GRAIN);
    let strides = [c.row_stride as isize, c.col_stride as isize];
    let call = || {
        let c = c;
        // SAFETY: the sizes were checked above, and the caller writes no element of `c` elsewhere at the same time.
        unsafe { T::library(alpha, a, b, beta, c.start.add(offset), strides, threads) };
    };
    if threads > 1 { threads::run(call) } else { call() }
}

fn batch<T: Library>(
    alpha: T,
    a: Matrix<T>,
    a_offsets: &[usize],
    b: Matrix<T>,
    b_offsets: &[usize],
    beta: T,
    c: MatrixMut<T>,
    c_offsets: &[usize],
) {
    let batch = c_offsets.len();
    assert!(
        a_offsets.len() == batch && b_offsets.len() == batch,
        "one offset for each matrix of the batch"
    );
    let c = Target::new(c);
    let work = a.rows.saturating_mul(b.cols).saturating_mul(a.cols);
    let one = |i: usize| {
        product(
            alpha,
            a.at(a_offsets[i]),
            b.at(b_offsets[i]),
            beta,
            &c,
            c_offsets[i],
        )
    };
    let threads = threads::threads_for(work.saturating_mul(batch), GRAIN);
    if batch >= threads && c.apart(c_offsets) {
        // Enough matrices to go round: each is computed by one thread.
        let chunk = GRAIN.div_ceil(work.max(1)).min(batch.div_ceil(threads)).max(1);
        threads::for_each(batch.div_ceil(chunk), threads, |i| {
            threads::with_num_threads(1, || (i * chunk..batch.min((i + 1) * chunk)).for_each(one));
        });
    } else {
        (0..batch).for_each(one);
    }
}

fn linear<T: Library>(x: Matrix<T>, w: Matrix<T>, bias: Option<&[T]>, y: &mut [T]) {
    let (n, out) = (x.rows, w.rows);
    assert_eq!(y.len(), n * out, "y must be {n} x {out}");
    if let Some(bias) = bias {
        assert_eq!(bias.len(), out, "one bias for each output");
        y.chunks_exact_mut(out.max(1))
            .for_each(|row| row.copy_from_slice(bias));
    }
    let beta = if bias.is_some() { T::ONE } else { T::ZERO };
    T::gemm(T::ONE, x, w.transpose(), beta, MatrixMut::row_major(y, n, out));
}
