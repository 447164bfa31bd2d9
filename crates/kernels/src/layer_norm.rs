//! Layer normalisation (Ba, Kiros and Hinton 2016): each row of a matrix to mean 0 and variance 1, then scaled and
//! shifted; and RMS normalisation (Zhang and Sennrich 2019), which leaves the mean where it is.

use crate::buffer::Buffer;
use crate::disjoint::Disjoint;
use crate::gemm::lanes::{Lanes, Lanewise, Vectors, for_lanes};
use crate::isa::{Arch, Kernel, dispatch};
use crate::math::Math;
use crate::reduce::row_sum::{Centered, Each, Products, Squares, row_sum};
use crate::stream;
use crate::strided::{CHUNK, DEAR_GRAIN};
use crate::threads::{for_each, threads_for};

/// Layer and RMS normalisation over the rows of matrices with `cols` columns.
pub trait LayerNorm: Math {
    /// `out = (x - mean) rstd * weight + bias` with `rstd = 1 / sqrt(var + eps)`, where mean and (biased) variance are
    /// each row's own; writes both for the way back.
    fn layer_norm(
        x: &[Self],
        cols: usize,
        weight: Option<&[Self]>,
        bias: Option<&[Self]>,
        eps: Self,
        out: &mut [Self],
        mean: &mut [Self],
        rstd: &mut [Self],
    );

    /// The gradients that are asked for. With `h = (x - mean) rstd` and `g = dy weight`:
    /// `dx = rstd (g - mean(g) - h mean(g h))`, `dweight = sum dy h`, `dbias = sum dy` (sums over rows).
    fn layer_norm_backward(
        dy: &[Self],
        x: &[Self],
        cols: usize,
        weight: Option<&[Self]>,
        mean: &[Self],
        rstd: &[Self],
        dx: Option<&mut [Self]>,
        dweight: Option<&mut [Self]>,
        dbias: Option<&mut [Self]>,
    );

    /// `out = x rstd * weight` with `rstd = 1 / sqrt(mean(x^2) + eps)` of each row, which is written too.
    fn rms_norm(
        x: &[Self],
        cols: usize,
        weight: Option<&[Self]>,
        eps: Self,
        out: &mut [Self],
        rstd: &mut [Self],
    );

    /// The gradients that are asked for. With `h = x rstd` and `g = dy weight`: `dx = rstd (g - h mean(g h))`,
    /// `dweight = sum dy h` (over rows).
    fn rms_norm_backward(
        dy: &[Self],
        x: &[Self],
        cols: usize,
        weight: Option<&[Self]>,
        rstd: &[Self],
        dx: Option<&mut [Self]>,
        dweight: Option<&mut [Self]>,
    );
}

macro_rules! layer_norm {
    ($($t:ty),*) => { $(
        impl LayerNorm for $t {
            fn layer_norm(
                x: &[Self],
                cols: usize,
                weight: Option<&[Self]>,
                bias: Option<&[Self]>,
                eps: Self,
                out: &mut [Self],
                mean: &mut [Self],
                rstd: &mut [Self],
            ) {
                forward::<_, true>(x, cols, weight, bias, eps, out, mean, rstd);
            }
            fn layer_norm_backward(
                dy: &[Self],
                x: &[Self],
                cols: usize,
                weight: Option<&[Self]>,
                mean: &[Self],
                rstd: &[Self],
                dx: Option<&mut [Self]>,
                dweight: Option<&mut [Self]>,
                dbias: Option<&mut [Self]>,
            ) {
                backward::<_, true>(dy, x, cols, weight, mean, rstd, dx, dweight, dbias);
            }
            fn rms_norm(
                x: &[Self],
                cols: usize,
                weight: Option<&[Self]>,
                eps: Self,
                out: &mut [Self],
                rstd: &mut [Self],
            ) {
                let mut mean = Buffer::scratch(rstd.len());
                forward::<_, false>(x, cols, weight, None, eps, out, &mut mean, rstd);
            }
            fn rms_norm_backward(
                dy: &[Self],
                x: &[Self],
                cols: usize,
                weight: Option<&[Self]>,
                rstd: &[Self],
                dx: Option<&mut [Self]>,
                dweight: Option<&mut [Self]>,
            ) {
                let mean = Buffer::zeroed(rstd.len());
                backward::<_, false>(dy, x, cols, weight, &mean, rstd, dx, dweight, None);
            }
        }
    )* };
}
layer_norm!(f32, f64);

/// The slice, or as many copies of a value.
fn or_filled<T: Math>(slice: Option<&[T]>, cols: usize, value: T) -> Buffer<T> {
    slice.map_or_else(|| Buffer::filled(cols, value), Buffer::copy_of)
}

fn forward<T: Math + Vectors, const CENTERED: bool>(
    x: &[T],
    cols: usize,
    weight: Option<&[T]>,
    bias: Option<&[T]>,
    eps: T,
    out: &mut [T],
    mean: &mut [T],
    rstd: &mut [T],
) {
    let rows = mean.len();
    assert!(
        x.len() == rows * cols && out.len() == x.len() && rstd.len() == rows,
        "layer_norm of {rows} x {cols}"
    );
    assert!(
        [weight, bias].iter().flatten().all(|p| p.len() == cols),
        "layer_norm parameters for {cols} columns"
    );
    let weight = or_filled(weight, cols, T::ONE);
    let bias = or_filled(bias, cols, T::ZERO);
    let (out, mean, rstd) = (Disjoint::new(out), Disjoint::new(mean), Disjoint::new(rstd));
    let height = (CHUNK / cols.max(1)).max(1);
    for_each(rows.div_ceil(height), threads_for(x.len(), DEAR_GRAIN), |i| {
        let first = i * height;
        let n = height.min(rows - first);
        // SAFETY: pieces do not overlap.
        let (out, mean, rstd) =
            unsafe { (out.slice(first * cols, n * cols), mean.slice(first, n), rstd.slice(first, n)) };
        let x = &x[first * cols..][..n * cols];
        dispatch(Forward::<_, CENTERED> { x, weight: &weight, bias: &bias, eps, out, mean, rstd });
    });
}

/// `CENTERED` is whether the mean is taken out.
struct Forward<'a, T, const CENTERED: bool> {
    x: &'a [T],
    weight: &'a [T],
    bias: &'a [T],
    eps: T,
    out: &'a mut [T],
    mean: &'a mut [T],
    rstd: &'a mut [T],
}

impl<T: Math + Vectors, const CENTERED: bool> Kernel for Forward<'_, T, CENTERED> {
    type Output = ();
    #[inline(always)]
    fn run<A: Arch>(self) {
        let Forward { x, weight, bias, eps, out, mean, rstd } = self;
        let cols = weight.len();
        for (row, (mean, rstd)) in mean.iter_mut().zip(rstd).enumerate() {
            let x = &x[row * cols..][..cols];
            let out = &mut out[row * cols..][..cols];
            let variance;
            (*mean, variance) = moments::<A, T, CENTERED>(x);
            *rstd = T::from_f64(1.0 / (variance + eps.to_f64()).sqrt());
            let scaled = Scaled {
                rows: [x, weight, bias].map(<[T]>::as_ptr),
                mean: *mean,
                rstd: *rstd,
                out: out.as_mut_ptr(),
            };
            // SAFETY: all of them have `cols` elements.
            unsafe { for_lanes::<A, T>(cols, scaled) };
        }
    }
}

/// `out = (x - mean) rstd * weight + bias`
struct Scaled<T> {
    /// The input, the weight, the bias.
    rows: [*const T; 3],
    mean: T,
    rstd: T,
    out: *mut T,
}

impl<T: Math> Lanewise<T> for Scaled<T> {
    #[inline(always)]
    unsafe fn at<L: Lanes<T>>(&mut self, i: usize) {
        // SAFETY: the caller's.
        unsafe {
            let [x, weight, bias] = self.rows.map(|row| row.add(i));
            let out = self.out.add(i);
            let h = L::load(x).sub(L::splat(self.mean)).mul(L::splat(self.rstd));
            h.fma(L::load(weight), L::load(bias)).store(out);
        }
    }
}

/// The mean, rounded, and the variance about it; or 0 and the mean square.
#[inline(always)]
pub(crate) fn moments<A: Arch, T: Math + Vectors, const CENTERED: bool>(x: &[T]) -> (T, f64) {
    let n = x.len() as f64;
    if !CENTERED {
        return (T::ZERO, row_sum::<A, T, 1>([x], &Squares { center: T::ZERO }) / n);
    }
    let mean = row_sum::<A, T, 1>([x], &Each) / n;
    let rounded = T::from_f64(mean);
    let square = row_sum::<A, T, 1>([x], &Squares { center: rounded }) / n;
    // About the rounded mean the squares are larger than about the mean itself, by the square of the difference.
    let lost = mean - rounded.to_f64();
    (rounded, (square - lost * lost).max(0.0))
}

fn backward<T: Math + Vectors, const CENTERED: bool>(
    dy: &[T],
    x: &[T],
    cols: usize,
    weight: Option<&[T]>,
    mean: &[T],
    rstd: &[T],
    dx: Option<&mut [T]>,
    dweight: Option<&mut [T]>,
    dbias: Option<&mut [T]>,
) {
    let rows = mean.len();
    assert!(
        x.len() == rows * cols && dy.len() == x.len() && rstd.len() == rows,
        "layer_norm of {rows} x {cols}"
    );
    assert!(weight.is_none_or(|w| w.len() == cols), "layer_norm weight for {cols} columns");
    assert!(dx.as_ref().is_none_or(|dx| dx.len() == x.len()), "a gradient for each input");
    let sums = dweight.is_some() || dbias.is_some();
    let weight = or_filled(weight, cols, T::ONE);
    // Pieces are large enough that their partial sums are a small part of the traffic.
    let height = (CHUNK / cols.max(1)).max(rows.div_ceil(64)).max(1);
    let pieces = rows.div_ceil(height);
    let mut partial = Buffer::<f64>::zeroed(if sums { pieces * 2 * cols } else { 0 });
    {
        let dx = dx.map(Disjoint::new);
        let partial = Disjoint::new(&mut partial);
        for_each(pieces, threads_for(x.len(), DEAR_GRAIN), |i| {
            let first = i * height;
            let n = height.min(rows - first);
            // SAFETY: pieces do not overlap.
            let dx = dx.as_ref().map(|dx| unsafe { dx.slice(first * cols, n * cols) });
            // SAFETY: as above.
            let sums = sums.then(|| unsafe { partial.slice(i * 2 * cols, 2 * cols) });
            let elements = first * cols..(first + n) * cols;
            dispatch(Backward::<_, CENTERED> {
                dy: &dy[elements.clone()],
                x: &x[elements],
                weight: &weight,
                mean: &mean[first..first + n],
                rstd: &rstd[first..first + n],
                dx,
                sums,
            });
        });
    }
    for (half, out) in [dweight, dbias].into_iter().enumerate() {
        let Some(out) = out else { continue };
        assert_eq!(out.len(), cols, "a gradient for each parameter");
        let mut sums = Buffer::<f64>::zeroed(cols);
        for i in 0..pieces {
            let partial = &partial[(2 * i + half) * cols..][..cols];
            sums.iter_mut().zip(partial).for_each(|(sum, partial)| *sum += *partial);
        }
        out.iter_mut().zip(&*sums).for_each(|(out, sum)| *out = T::from_f64(*sum));
    }
}

struct Backward<'a, T, const CENTERED: bool> {
    dy: &'a [T],
    x: &'a [T],
    weight: &'a [T],
    mean: &'a [T],
    rstd: &'a [T],
    dx: Option<&'a mut [T]>,
    /// Partial gradients of the weight, then of the bias.
    sums: Option<&'a mut [f64]>,
}

impl<T: Math + Vectors, const CENTERED: bool> Kernel for Backward<'_, T, CENTERED> {
    type Output = ();
    #[inline(always)]
    fn run<A: Arch>(self) {
        let Backward { dy, x, weight, mean, rstd, mut dx, mut sums } = self;
        let (rows, cols) = (mean.len(), weight.len());
        // Sums over few rows, which go on in `f64`.
        let kept = if sums.is_some() { cols } else { 0 };
        let (mut few_dweight, mut few_dbias) = (Buffer::<T>::zeroed(kept), Buffer::<T>::zeroed(kept));
        for (row, (&mean, &rstd)) in mean.iter().zip(rstd).enumerate() {
            let (start, end) = (row * cols, (row + 1) * cols);
            let (x, dy) = (&x[start..end], &dy[start..end]);
            let (g_mean, gh_mean) = match dx {
                Some(_) => means_of_gradients::<A, T, CENTERED>(dy, x, weight, mean, rstd),
                None => (T::ZERO, T::ZERO),
            };
            let pass = Pass {
                rows: [dy, x, weight].map(<[T]>::as_ptr),
                mean,
                rstd,
                g_mean,
                gh_mean,
                dx: dx.as_mut().map(|dx| dx[start..end].as_mut_ptr()),
                few_dweight: sums.is_some().then(|| few_dweight.as_mut_ptr()),
                few_dbias: (CENTERED && sums.is_some()).then(|| few_dbias.as_mut_ptr()),
                cols,
            };
            // SAFETY: all of them have `cols` elements.
            unsafe { for_lanes::<A, T>(cols, pass) };
            if let Some(sums) = &mut sums
                && ((row + 1) % FEW == 0 || row + 1 == rows)
            {
                let (dweight, dbias) = sums.split_at_mut(cols);
                spill(&mut few_dweight, dweight);
                spill(&mut few_dbias, dbias);
            }
        }
    }
}

/// What a row adds to each gradient, while the next is asked for. By hand, for the compiler would check which of so many
/// slices overlap and then take them one by one.
struct Pass<T> {
    /// The output's gradient, the input, the weight.
    rows: [*const T; 3],
    mean: T,
    rstd: T,
    g_mean: T,
    gh_mean: T,
    dx: Option<*mut T>,
    /// The sums for the weight's gradient, and for the bias's where there is one.
    few_dweight: Option<*mut T>,
    few_dbias: Option<*mut T>,
    cols: usize,
}

impl<T: Math> Lanewise<T> for Pass<T> {
    #[inline(always)]
    unsafe fn at<L: Lanes<T>>(&mut self, i: usize) {
        // SAFETY: the caller's.
        unsafe {
            let [dy, x, weight] = self.rows.map(|row| row.add(i));
            stream::ahead(dy, self.cols);
            stream::ahead(x, self.cols);
            let [dy, x, weight] = [dy, x, weight].map(|row| L::load(row));
            let h = x.sub(L::splat(self.mean)).mul(L::splat(self.rstd));
            if let Some(dweight) = self.few_dweight {
                let dweight = dweight.add(i);
                dy.fma(h, L::load(dweight)).store(dweight);
            }
            if let Some(dbias) = self.few_dbias {
                let dbias = dbias.add(i);
                dy.add(L::load(dbias)).store(dbias);
            }
            if let Some(dx) = self.dx {
                stream::ahead(dx, i + self.cols);
                let rest = dy.mul(weight).sub(L::splat(self.g_mean));
                h.fma(L::splat(-self.gh_mean), rest).mul(L::splat(self.rstd)).store(dx.add(i));
            }
        }
    }
}

/// Rows whose contributions to a parameter are added up in the type itself.
const FEW: usize = 8;

/// Adds `few` to `sums`, and begins it again.
#[inline(always)]
fn spill<T: Math>(few: &mut [T], sums: &mut [f64]) {
    for (sum, few) in sums.iter_mut().zip(few) {
        *sum += few.to_f64();
        *few = T::ZERO;
    }
}

/// `mean(g)` (0 unless `CENTERED`) and `mean(g h)` of a row.
#[inline(always)]
fn means_of_gradients<A: Arch, T: Math + Vectors, const CENTERED: bool>(
    dy: &[T],
    x: &[T],
    weight: &[T],
    mean: T,
    rstd: T,
) -> (T, T) {
    let n = dy.len() as f64;
    let g = if CENTERED { row_sum::<A, T, 2>([dy, weight], &Products) } else { 0.0 };
    let gh = row_sum::<A, T, 3>([dy, weight, x], &Centered { center: mean });
    (T::from_f64(g / n), T::from_f64(gh * rstd.to_f64() / n))
}
