//! Matrix products: `c = alpha a b + beta c` for every layout, batches of them, and the linear layer.
//!
//! Strides are free: row-major, column-major, slices of larger arrays, and 0 to repeat a row or a column.

mod block;
pub(crate) mod lanes;
pub(crate) mod packed;
pub(crate) mod tile;

use self::block::{Bias, Block, Way};
use self::lanes::Vectors;
use crate::buffer::Buffer;
use crate::isa;
use crate::real::Real;
use crate::threads;

/// Products below this many multiply-adds run on one thread: handing work to the pool costs microseconds.
const GRAIN: usize = 1 << 20;

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
        Matrix { data, rows, cols, row_stride: cols, col_stride: 1 }
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
        Matrix { data: self.data.get(offset..).unwrap_or(&[]), ..*self }
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
        MatrixMut { data, rows, cols, row_stride: cols, col_stride: 1 }
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
    if rows == 0 || cols == 0 { 0 } else { (rows - 1) * row_stride + (cols - 1) * col_stride + 1 }
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
    ($($t:ident),*) => { $(
        impl Gemm for $t {
            fn gemm(alpha: Self, a: Matrix<Self>, b: Matrix<Self>, beta: Self, c: MatrixMut<Self>) {
                let c = Target::new(c);
                product(alpha, a, b, beta, &c, 0, None);
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
    )* };
}
gemm!(f32, f64);

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
        let MatrixMut { data, rows, cols, row_stride, col_stride } = c;
        let steps = |n: usize, stride: usize| n.saturating_sub(1) * stride;
        let rows_apart = (rows <= 1 || row_stride > steps(cols, col_stride)) && (cols <= 1 || col_stride > 0);
        let cols_apart = (cols <= 1 || col_stride > steps(rows, row_stride)) && (rows <= 1 || row_stride > 0);
        assert!(
            rows == 0 || cols == 0 || rows_apart || cols_apart,
            "the elements of a {rows}x{cols} output with strides {row_stride}, {col_stride} overlap"
        );
        Target { start: data.as_mut_ptr(), len: data.len(), rows, cols, row_stride, col_stride }
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
        let mut places: Vec<(usize, usize)> =
            offsets.iter().map(|o| (o / long.max(1), o % long.max(1))).collect();
        places.sort_unstable();
        places.iter().all(|place| place.1 + width <= long)
            && places
                .windows(2)
                .all(|w| w[1].0 >= w[0].0 + lines || (w[1].0 == w[0].0 && w[1].1 >= w[0].1 + width))
    }
}

/// One product, written `offset` elements into `c`; `bias`, which needs a `beta` of 0, is added to every row of it.
fn product<T: Vectors>(
    alpha: T,
    a: Matrix<T>,
    b: Matrix<T>,
    beta: T,
    c: &Target<T>,
    offset: usize,
    bias: Option<&[T]>,
) {
    let (m, k, n) = (a.rows, a.cols, b.cols);
    assert!(
        b.rows == k && c.rows == m && c.cols == n,
        "a {m}x{k} matrix times a {}x{n} one does not give a {}x{} one",
        b.rows,
        c.rows,
        c.cols
    );
    assert!(a.extent() <= a.data.len() && b.extent() <= b.data.len(), "an operand reaches past its data");
    if m == 0 || n == 0 {
        return;
    }
    assert!(offset + c.extent() <= c.len, "the output reaches past its data");
    // SAFETY: just checked.
    let start = Start(unsafe { c.start.add(offset) });
    let (row_stride, col_stride) = (c.row_stride, c.col_stride);
    let plan = Plan::choose(&a, &b, c);
    let nothing = k == 0 || alpha == T::ZERO;
    let in_pieces = !nothing && m * n <= SMALL_OUTPUT && k >= 2 * LONG;
    let mut bias = bias;
    let mut beta = beta;
    if let Some(values) = bias
        && (nothing || in_pieces || !matches!(plan.way, Way::Panels | Way::InPlace))
    {
        // SAFETY: `c`'s elements lie inside its data.
        unsafe { fill_rows(values, start, c) };
        (bias, beta) = (None, T::ONE);
    }
    if nothing {
        // SAFETY: `c`'s elements lie inside its data.
        return unsafe { scale(beta, start, c) };
    }
    if in_pieces {
        return split_depth(alpha, a, b, beta, start, c);
    }
    let (a, b) = if plan.flip { (b.transpose(), a.transpose()) } else { (a, b) };
    let (row_stride, col_stride) =
        if plan.flip { (col_stride, row_stride) } else { (row_stride, col_stride) };
    let (m, n, way) = (a.rows, b.cols, plan.way);
    let threads = threads::threads_for(m.saturating_mul(n).saturating_mul(k), GRAIN);
    // Each thread takes a part of the output: columns where there are enough of them for whole panels, else rows.
    let by_columns = n >= m || n >= threads * 96;
    let (len, multiple) = if by_columns { (n, 16) } else { (m, 8) };
    let parts = threads::split_count(len, threads, multiple);
    threads::for_each(parts, threads, |part| {
        let part = threads::split_part(len, threads, multiple, part);
        let (from, count) = (part.start, part.len());
        let (a, b, at) = if by_columns {
            (a, Matrix { cols: count, ..b.at(from * b.col_stride) }, from * col_stride)
        } else {
            (Matrix { rows: count, ..a.at(from * a.row_stride) }, b, from * row_stride)
        };
        let bias = bias.map(|bias| match (plan.flip, by_columns) {
            (false, true) => Bias::Columns(&bias[part]),
            (false, false) => Bias::Columns(bias),
            (true, false) => Bias::Rows(&bias[part]),
            (true, true) => Bias::Rows(bias),
        });
        let start = &start;
        // SAFETY: the sizes were checked above, parts do not overlap, and the caller writes `c` nowhere else meanwhile.
        let c = unsafe { start.0.add(at) };
        isa::dispatch(Block { alpha, a, b, beta, c, row_stride, col_stride, bias, way });
    });
}

/// How to compute a product; it depends on shapes and strides alone, so that threads never change a result.
struct Plan {
    /// Compute `c^T = b^T a^T`, so that vectors run along the rows of the output.
    flip: bool,
    /// The way, after that.
    way: Way,
}

impl Plan {
    fn choose<T>(a: &Matrix<T>, b: &Matrix<T>, c: &Target<T>) -> Self {
        let (m, k, n) = (a.rows as f64, a.cols as f64, b.cols as f64);
        // The cost of each way, in units of a multiply-add with full vectors: what does not fill them, then what has to
        // be rearranged (per row of tiles it serves) or stored element by element.
        let outer = |rows: f64, cols: usize, vector_stride: usize, out_stride: usize| {
            let filled = cols as f64 / cols.next_multiple_of(16) as f64;
            let copied = if vector_stride == 1 { 0.0 } else { 32.0 / rows };
            let scattered = if out_stride == 1 { 0.0 } else { 160.0 / k.min(256.0) };
            1.0 / filled + copied + scattered
        };
        let along = outer(m, b.cols, b.col_stride, c.col_stride);
        let across = outer(n, a.rows, a.row_stride, c.row_stride);
        let contiguous = (a.col_stride == 1) && (b.row_stride == 1);
        let dot = if contiguous { 1.15 + 100.0 / k } else { f64::INFINITY };
        let flip = across < along;
        let (rows, vector_stride) = if flip { (b.cols, a.row_stride) } else { (a.rows, b.col_stride) };
        let shared = if flip { a.extent() } else { b.extent() };
        let way = match (rows, vector_stride) {
            _ if dot < along.min(across) => Way::Dot,
            (1, 1) => Way::Row,
            (2..=16, 1) => Way::InPlace,
            (_, 1) if shared <= FIRST_CACHE => Way::InPlace,
            _ => Way::Panels,
        };
        Plan { flip, way }
    }
}

/// Elements of an operand that stays in the first cache as it is: a copy of it would gain nothing.
const FIRST_CACHE: usize = 1 << 12;

/// Outputs of at most this many elements with a `k` of at least twice [`LONG`] are computed in pieces along `k`.
const SMALL_OUTPUT: usize = 1 << 14;

/// The length of such a piece, unless there would be more than 32 of them.
const LONG: usize = 4096;

/// A small output with a long `k`, such as the weight gradient of a batch: partial products over fixed pieces of `k`,
/// added up in order, so that threads share the reading of the operands and never change the result.
fn split_depth<T: Vectors>(alpha: T, a: Matrix<T>, b: Matrix<T>, beta: T, start: Start<T>, c: &Target<T>) {
    let (m, k, n) = (a.rows, a.cols, b.cols);
    let step = k.div_ceil(32).max(LONG);
    let mut partial = Buffer::<T>::scratch(k.div_ceil(step) * m * n);
    threads::for_each_chunk(&mut partial, m * n, (GRAIN / k.min(step)).max(1), |at, out| {
        let from = at / (m * n) * step;
        let depth = step.min(k - from);
        let a = Matrix { cols: depth, ..a.at(from * a.col_stride) };
        let b = Matrix { rows: depth, ..b.at(from * b.row_stride) };
        let out = Target::new(MatrixMut::row_major(out, m, n));
        threads::with_num_threads(1, || product(alpha, a, b, T::ZERO, &out, 0, None));
    });
    for (i, j) in (0..m).flat_map(|i| (0..n).map(move |j| (i, j))) {
        let sum: T = partial.chunks_exact(m * n).map(|partial| partial[i * n + j]).sum();
        // SAFETY: `c`'s elements lie inside its data.
        let c = unsafe { &mut *start.0.add(i * c.row_stride + j * c.col_stride) };
        *c = if beta == T::ZERO { sum } else { sum + beta * *c };
    }
}

/// Writes `row` into every row of `c`.
unsafe fn fill_rows<T: Real>(row: &[T], start: Start<T>, c: &Target<T>) {
    for i in 0..c.rows {
        for (j, &value) in row.iter().enumerate() {
            // SAFETY: the caller's.
            unsafe { *start.0.add(i * c.row_stride + j * c.col_stride) = value };
        }
    }
}

/// `c = beta c`
unsafe fn scale<T: Real>(beta: T, start: Start<T>, c: &Target<T>) {
    for (i, j) in (0..c.rows).flat_map(|i| (0..c.cols).map(move |j| (i, j))) {
        // SAFETY: the caller's.
        let c = unsafe { &mut *start.0.add(i * c.row_stride + j * c.col_stride) };
        *c = if beta == T::ZERO { T::ZERO } else { beta * *c };
    }
}

/// The first element of an output; threads write different parts.
#[derive(Clone, Copy)]
struct Start<T>(*mut T);

// SAFETY: as for `Target`.
unsafe impl<T: Send> Send for Start<T> {}
// SAFETY: as for `Target`.
unsafe impl<T: Send> Sync for Start<T> {}

fn batch<T: Vectors>(
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
    assert!(a_offsets.len() == batch && b_offsets.len() == batch, "one offset for each matrix of the batch");
    let c = Target::new(c);
    let work = a.rows.saturating_mul(b.cols).saturating_mul(a.cols);
    let one = |i: usize| product(alpha, a.at(a_offsets[i]), b.at(b_offsets[i]), beta, &c, c_offsets[i], None);
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

fn linear<T: Vectors>(x: Matrix<T>, w: Matrix<T>, bias: Option<&[T]>, y: &mut [T]) {
    let (n, out) = (x.rows, w.rows);
    assert_eq!(y.len(), n * out, "y must be {n} x {out}");
    assert!(bias.is_none_or(|bias| bias.len() == out), "one bias for each output");
    let y = Target::new(MatrixMut::row_major(y, n, out));
    product(T::ONE, x, w.transpose(), T::ZERO, &y, 0, bias);
}
