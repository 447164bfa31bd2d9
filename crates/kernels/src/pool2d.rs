//! Pooling over two dimensions, with PyTorch's windows: padding, dilation, `ceil_mode`.

use std::ops::Range;

use crate::buffer::{Buffer, Plain};
use crate::disjoint::Disjoint;
use crate::isa::{self, Arch, Kernel};
use crate::real::Real;
use crate::threads;

/// Elements of output for which another thread pays.
const GRAIN: usize = 1 << 14;

/// The sizes of a pooling.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pool2dShape {
    /// Images.
    pub batch: usize,
    /// Channels, pooled one by one.
    pub channels: usize,
    /// Height and width of the input.
    pub input: [usize; 2],
    /// Height and width of the window.
    pub kernel: [usize; 2],
    /// Steps of the window.
    pub stride: [usize; 2],
    /// Rows and columns added on every side: minus infinity for the maximum, zeros for the mean.
    pub padding: [usize; 2],
    /// Steps between the elements of a window (the maximum's; means have none).
    pub dilation: [usize; 2],
    /// Whether a last window may reach past the padded input. It must still start inside the input or its left padding.
    pub ceil_mode: bool,
}

impl Pool2dShape {
    /// Height and width of the output; `None` where the window fits nowhere, a size is zero or the padding is more than
    /// half of the window.
    ///
    /// `(input + 2 padding - dilation (kernel - 1) - 1) / stride + 1`, rounded down, or up with `ceil_mode`.
    pub fn output(&self) -> Option<[usize; 2]> {
        let axis = |i: usize| {
            let (kernel, stride, padding, dilation) =
                (self.kernel[i], self.stride[i], self.padding[i], self.dilation[i]);
            if kernel == 0 || stride == 0 || dilation == 0 {
                return None;
            }
            let window = dilation.checked_mul(kernel - 1)?.checked_add(1)?;
            if padding > window / 2 {
                return None;
            }
            let padded = self.input[i].checked_add(padding.checked_mul(2)?)?;
            if !self.ceil_mode {
                return Some(padded.checked_sub(window)? / stride + 1);
            }
            let n = padded.checked_add(stride - 1)?.checked_sub(window)? / stride + 1;
            // The last window starts inside the input or its left padding.
            let n = if (n - 1).checked_mul(stride)? >= self.input[i] + padding { n - 1 } else { n };
            (n > 0).then_some(n)
        };
        Some([axis(0)?, axis(1)?])
    }

    /// The taps along an axis that meet a pixel, for some window that starts at `first` to `last` in the padded input.
    fn taps(&self, axis: usize, first: usize, last: usize) -> Range<usize> {
        let (padding, dilation) = (self.padding[axis], self.dilation[axis]);
        let end = (self.input[axis] + padding).saturating_sub(first).div_ceil(dilation);
        padding.saturating_sub(last).div_ceil(dilation)..end.min(self.kernel[axis])
    }

    fn sizes(&self) -> Sizes {
        let output = self.output().expect("a window that fits the input");
        Sizes {
            planes: self.batch * self.channels,
            input: self.input[0] * self.input[1],
            output,
            pixels: output[0] * output[1],
        }
    }
}

/// What every kernel needs of a shape.
struct Sizes {
    planes: usize,
    /// Elements of an input plane.
    input: usize,
    output: [usize; 2],
    /// Elements of an output plane.
    pixels: usize,
}

/// Pooling of `f32` and `f64`; arrays are `(batch, channels, height, width)`, row-major.
pub trait Pool2d: Real {
    /// The largest element of every window, and where it is: its index `row * width + column` in its plane. The first of
    /// equals wins, and NaN wins over all. A window over nothing but padding gives minus infinity and [`NO_INDEX`].
    fn max_pool2d(s: &Pool2dShape, x: &[Self], y: &mut [Self], indices: &mut [u32]);

    /// Every `dy` is added to the element that its window chose; all of `dx` is written. `x` was `planes` planes.
    fn max_pool2d_backward(planes: usize, dy: &[Self], indices: &[u32], dx: &mut [Self]);

    /// The largest element, and its place, of each of `output[0] x output[1]` windows that share the input out, as
    /// [`adaptive_avg_pool2d`](Self::adaptive_avg_pool2d) has them.
    fn adaptive_max_pool2d(
        planes: usize,
        input: [usize; 2],
        output: [usize; 2],
        x: &[Self],
        y: &mut [Self],
        indices: &mut [u32],
    );

    /// The sum over every window divided by: `divisor_override`, or the window's elements, those in the padding counted
    /// only with `count_include_pad` (and those past the padding, which `ceil_mode` allows, never).
    fn avg_pool2d(
        s: &Pool2dShape,
        x: &[Self],
        count_include_pad: bool,
        divisor_override: Option<usize>,
        y: &mut [Self],
    );

    /// The gradient of [`avg_pool2d`](Self::avg_pool2d); all of `dx` is written.
    fn avg_pool2d_backward(
        s: &Pool2dShape,
        dy: &[Self],
        count_include_pad: bool,
        divisor_override: Option<usize>,
        dx: &mut [Self],
    );

    /// Means over `output[0] x output[1]` windows that share the input out: output `i` of `n` covers
    /// `floor(i size / n) .. ceil((i + 1) size / n)`. `x` is `planes` planes of `input`.
    fn adaptive_avg_pool2d(planes: usize, input: [usize; 2], output: [usize; 2], x: &[Self], y: &mut [Self]);

    /// The gradient of [`adaptive_avg_pool2d`](Self::adaptive_avg_pool2d); all of `dx` is written.
    fn adaptive_avg_pool2d_backward(
        planes: usize,
        input: [usize; 2],
        output: [usize; 2],
        dy: &[Self],
        dx: &mut [Self],
    );
}

macro_rules! pool2d {
    ($($t:ident),*) => { $(
        impl Pool2d for $t {
            fn max_pool2d(s: &Pool2dShape, x: &[Self], y: &mut [Self], indices: &mut [u32]) {
                max(s, x, y, indices);
            }
            fn max_pool2d_backward(planes: usize, dy: &[Self], indices: &[u32], dx: &mut [Self]) {
                max_backward(planes, dy, indices, dx);
            }
            fn adaptive_max_pool2d(
                planes: usize, input: [usize; 2], output: [usize; 2], x: &[Self], y: &mut [Self], indices: &mut [u32],
            ) {
                largest_shares(planes, input, output, x, y, indices);
            }
            fn avg_pool2d(
                s: &Pool2dShape, x: &[Self], count_include_pad: bool, divisor_override: Option<usize>, y: &mut [Self],
            ) {
                average(&Means::of_windows(s, count_include_pad, divisor_override), x, y);
            }
            fn avg_pool2d_backward(
                s: &Pool2dShape, dy: &[Self], count_include_pad: bool, divisor_override: Option<usize>, dx: &mut [Self],
            ) {
                average_backward(&Means::of_windows(s, count_include_pad, divisor_override), dy, dx);
            }
            fn adaptive_avg_pool2d(planes: usize, input: [usize; 2], output: [usize; 2], x: &[Self], y: &mut [Self]) {
                average(&Means::sharing_out(planes, input, output), x, y);
            }
            fn adaptive_avg_pool2d_backward(
                planes: usize, input: [usize; 2], output: [usize; 2], dy: &[Self], dx: &mut [Self],
            ) {
                average_backward(&Means::sharing_out(planes, input, output), dy, dx);
            }
        }
    )* };
}
pool2d!(f32, f64);

/// The index of a window that covers only padding.
pub const NO_INDEX: u32 = u32::MAX;

fn max<T: Real>(s: &Pool2dShape, x: &[T], y: &mut [T], indices: &mut [u32]) {
    let Sizes { planes, input, pixels, .. } = s.sizes();
    assert!(
        x.len() == planes * input && y.len() == planes * pixels && indices.len() == y.len(),
        "sizes of {s:?}"
    );
    assert!(input < NO_INDEX as usize, "a plane of {input} elements has more than 32-bit indices");
    let threads = threads::threads_for(y.len(), GRAIN);
    let (y, indices) = (Disjoint::new(y), Disjoint::new(indices));
    threads::for_each(planes, threads, |plane| {
        // SAFETY: every plane is taken once.
        let (y, indices) =
            unsafe { (y.slice(plane * pixels, pixels), indices.slice(plane * pixels, pixels)) };
        isa::dispatch(MaxPlane { s, x: &x[plane * input..][..input], y, indices });
    });
}

/// Max-pools consecutive planes, as [`Pool2d::max_pool2d`] does, on this thread: for kernels that have them in the cache.
pub(crate) fn max_planes<T: Real>(s: &Pool2dShape, x: &[T], y: &mut [T], indices: &mut [u32]) {
    let Sizes { input, pixels, .. } = s.sizes();
    let outputs = y.chunks_exact_mut(pixels).zip(indices.chunks_exact_mut(pixels));
    for (x, (y, indices)) in x.chunks_exact(input).zip(outputs) {
        isa::dispatch(MaxPlane { s, x, y, indices });
    }
}

struct MaxPlane<'a, T> {
    s: &'a Pool2dShape,
    x: &'a [T],
    y: &'a mut [T],
    indices: &'a mut [u32],
}

impl<T: Real> Kernel for MaxPlane<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arch>(self) {
        let MaxPlane { s, x, y, indices } = self;
        let width = s.input[1];
        let columns = s.output().map_or(0, |output| output[1]);
        let taps_of_all = s.taps(1, 0, columns.saturating_sub(1) * s.stride[1]);
        let far = taps_of_all.len() > 64 + 4 * (width + columns);
        let halving = s.kernel == [2, 2] && s.stride == [2, 2] && s.padding == [0, 0] && s.dilation == [1, 1];
        let rows = y.chunks_exact_mut(columns).zip(indices.chunks_exact_mut(columns)).enumerate();
        for (i, (y, indices)) in rows {
            if halving && !s.ceil_mode {
                max_of_four(&x[2 * i * width..][..2 * width], 2 * i * width, y, indices);
                continue;
            }
            y.fill(T::NEG_INFINITY);
            indices.fill(NO_INDEX);
            let taps = s.taps(0, i * s.stride[0], i * s.stride[0]);
            for row in taps.map(|r| i * s.stride[0] + r * s.dilation[0] - s.padding[0]) {
                if far {
                    // Most taps meet no pixel for most windows: each window by itself.
                    for j in 0..columns {
                        let start = j * s.stride[1];
                        for tap in s.taps(1, start, start).map(|c| c * s.dilation[1]) {
                            let at = row * width + start + tap - s.padding[1];
                            raise(x, at, 1, &mut y[j..=j], &mut indices[j..=j]);
                        }
                    }
                    continue;
                }
                for tap in taps_of_all.clone().map(|c| c * s.dilation[1]) {
                    let first = s.padding[1].saturating_sub(tap).div_ceil(s.stride[1]).min(columns);
                    let last = (width + s.padding[1]).saturating_sub(tap).div_ceil(s.stride[1]).min(columns);
                    if first >= last {
                        continue;
                    }
                    let start = row * width + first * s.stride[1] + tap - s.padding[1];
                    let (y, indices) = (&mut y[first..last], &mut indices[first..last]);
                    match s.stride[1] {
                        1 => raise(x, start, 1, y, indices),
                        2 => raise(x, start, 2, y, indices),
                        step => raise(x, start, step, y, indices),
                    }
                }
            }
        }
    }
}

/// Raises every `y[j]` to `x[start + j step]` where that is larger or NaN.
#[inline(always)]
fn raise<T: Real>(x: &[T], start: usize, step: usize, y: &mut [T], indices: &mut [u32]) {
    let x = &x[start..][..=(y.len() - 1) * step];
    let indices = &mut indices[..y.len()];
    for j in 0..y.len() {
        let value = x[j * step];
        #[allow(clippy::needless_bitwise_bool)] // Without branches, so that it is vectorised.
        let wins = (value > y[j]) | value.is_nan() | (indices[j] == NO_INDEX);
        y[j] = if wins { value } else { y[j] };
        indices[j] = if wins { (start + j * step) as u32 } else { indices[j] };
    }
}

/// A row of 2x2 windows side by side over two rows of input, the first at index `start` of the plane.
#[inline(always)]
fn max_of_four<T: Real>(rows: &[T], start: usize, y: &mut [T], indices: &mut [u32]) {
    let n = y.len();
    let width = rows.len() / 2;
    let (upper, lower) = rows.split_at(width);
    let (upper, lower, indices) = (&upper[..2 * n], &lower[..2 * n], &mut indices[..n]);
    let larger = |(best, at): (T, u32), value: T, index: u32| {
        let wins = (value > best) | value.is_nan();
        (if wins { value } else { best }, if wins { index } else { at })
    };
    for j in 0..n {
        let index = (start + 2 * j) as u32;
        let best = larger((upper[2 * j], index), upper[2 * j + 1], index + 1);
        let best = larger(best, lower[2 * j], index + width as u32);
        let best = larger(best, lower[2 * j + 1], index + width as u32 + 1);
        (y[j], indices[j]) = best;
    }
}

fn max_backward<T: Real>(planes: usize, dy: &[T], indices: &[u32], dx: &mut [T]) {
    let (input, pixels) = (dx.len() / planes.max(1), dy.len() / planes.max(1));
    assert!(
        dx.len() == planes * input && dy.len() == planes * pixels && indices.len() == dy.len(),
        "{} gradients and {} indices for {} elements in {planes} planes",
        dy.len(),
        indices.len(),
        dx.len()
    );
    threads::for_each_chunk(dx, input, GRAIN, |start, dx| {
        let plane = start / input * pixels..start / input * pixels + pixels;
        dx.fill(T::ZERO);
        give_back(dx, indices[plane.clone()].iter().zip(&dy[plane]).map(|(&index, &dy)| (index, dy)));
    });
}

fn largest_shares<T: Real>(
    planes: usize,
    input: [usize; 2],
    output: [usize; 2],
    x: &[T],
    y: &mut [T],
    indices: &mut [u32],
) {
    let (plane, pixels) = (input[0] * input[1], output[0] * output[1]);
    assert!(
        x.len() == planes * plane && y.len() == planes * pixels && indices.len() == y.len(),
        "sizes of an adaptive pooling"
    );
    assert!(plane < NO_INDEX as usize, "a plane of {plane} elements has more than 32-bit indices");
    let [rows, columns] = [0, 1].map(|axis| shares(input[axis], output[axis]));
    let threads = threads::threads_for(x.len(), GRAIN);
    let (y, indices) = (Disjoint::new(y), Disjoint::new(indices));
    threads::for_each(planes, threads, |p| {
        // SAFETY: every plane is taken once.
        let (y, indices) = unsafe { (y.slice(p * pixels, pixels), indices.slice(p * pixels, pixels)) };
        let x = &x[p * plane..][..plane];
        let windows = rows.iter().flat_map(|row| columns.iter().map(move |column| (row, column)));
        for ((y, index), (row, column)) in y.iter_mut().zip(indices).zip(windows) {
            (*y, *index) = (T::NEG_INFINITY, NO_INDEX);
            for at in row.clone().flat_map(|r| column.clone().map(move |c| r * input[1] + c)) {
                if x[at] > *y || x[at].is_nan() || *index == NO_INDEX {
                    (*y, *index) = (x[at], at as u32);
                }
            }
        }
    });
}

/// The ranges of `n` windows that share `size` elements out.
fn shares(size: usize, n: usize) -> Vec<Range<usize>> {
    assert!(size > 0 || n == 0, "no window fits an empty input");
    (0..n).map(|i| i * size / n..((i + 1) * size).div_ceil(n)).collect()
}

/// Adds gradients to the elements of a plane that windows chose.
#[inline(always)]
pub(crate) fn give_back<T: Real>(dx: &mut [T], chosen: impl Iterator<Item = (u32, T)>) {
    for (index, dy) in chosen {
        if index != NO_INDEX {
            dx[index as usize] += dy;
        }
    }
}

/// Means over rectangular windows: which rows and columns each covers, and what its sum is divided by.
struct Means {
    planes: usize,
    input: [usize; 2],
    rows: Vec<Span>,
    columns: Vec<Span>,
    /// Replaces the windows' own counts.
    divisor: Option<usize>,
    /// Whether windows are pairs of columns side by side.
    pairs: bool,
}

/// What a window covers on one axis.
#[derive(Clone)]
struct Span {
    range: Range<usize>,
    /// How many elements it counts for.
    count: usize,
}

impl Means {
    fn of_windows(s: &Pool2dShape, count_include_pad: bool, divisor: Option<usize>) -> Self {
        assert_eq!(s.dilation, [1, 1], "windows of means have no dilation");
        assert_ne!(divisor, Some(0), "a divisor of zero");
        let output = s.sizes().output;
        let axis = |axis: usize| -> Vec<Span> {
            let (size, padding) = (s.input[axis], s.padding[axis]);
            let window = |i: usize| {
                let start = i * s.stride[axis];
                let end = (start + s.kernel[axis]).min(size + 2 * padding);
                let range = start.saturating_sub(padding).min(size)..end.saturating_sub(padding).min(size);
                let count = if count_include_pad { end - start } else { range.len() };
                Span { range, count }
            };
            (0..output[axis]).map(window).collect()
        };
        let (rows, columns) = (axis(0), axis(1));
        let pairs = s.kernel[1] == 2 && s.stride[1] == 2 && s.padding[1] == 0 && 2 * output[1] <= s.input[1];
        Means { planes: s.batch * s.channels, input: s.input, rows, columns, divisor, pairs }
    }

    fn sharing_out(planes: usize, input: [usize; 2], output: [usize; 2]) -> Self {
        let axis = |axis: usize| -> Vec<Span> {
            let span = |range: Range<usize>| Span { count: range.len(), range };
            shares(input[axis], output[axis]).into_iter().map(span).collect()
        };
        let pairs = input[1] == 2 * output[1];
        Means { planes, input, rows: axis(0), columns: axis(1), divisor: None, pairs }
    }

    fn divisor<T: Real>(&self, row: &Span, column: &Span) -> T {
        T::from_usize(self.divisor.unwrap_or(row.count * column.count).max(1))
    }

    fn sizes(&self) -> (usize, usize) {
        (self.input[0] * self.input[1], self.rows.len() * self.columns.len())
    }
}

fn average<T: Real + Plain>(means: &Means, x: &[T], y: &mut [T]) {
    let (input, pixels) = means.sizes();
    assert!(
        x.len() == means.planes * input && y.len() == means.planes * pixels,
        "sizes of an average pooling"
    );
    threads::for_each_chunk(y, pixels, GRAIN / 4, |start, y| {
        let x = &x[start / pixels * input..][..input];
        isa::dispatch(AveragePlane { means, x, y, sums: &mut Buffer::scratch(means.input[1]) });
    });
}

struct AveragePlane<'a, T> {
    means: &'a Means,
    x: &'a [T],
    y: &'a mut [T],
    /// The sum of each column over a window's rows.
    sums: &'a mut [T],
}

impl<T: Real> Kernel for AveragePlane<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arch>(self) {
        let AveragePlane { means, x, y, sums } = self;
        let width = sums.len();
        for (row, y) in means.rows.iter().zip(y.chunks_exact_mut(means.columns.len())) {
            sums.fill(T::ZERO);
            for x in x[row.range.start * width..row.range.end * width].chunks_exact(width.max(1)) {
                for (sum, &x) in sums.iter_mut().zip(x) {
                    *sum += x;
                }
            }
            if means.pairs {
                let divisor = means.divisor::<T>(row, &means.columns[0]);
                for (y, pair) in y.iter_mut().zip(sums.chunks_exact(2)) {
                    *y = (pair[0] + pair[1]) / divisor;
                }
            } else {
                for (y, column) in y.iter_mut().zip(&means.columns) {
                    let sum: T = sums[column.range.clone()].iter().copied().sum();
                    *y = sum / means.divisor(row, column);
                }
            }
        }
    }
}

fn average_backward<T: Real + Plain>(means: &Means, dy: &[T], dx: &mut [T]) {
    let (input, pixels) = means.sizes();
    assert!(
        dx.len() == means.planes * input && dy.len() == means.planes * pixels,
        "sizes of an average pooling"
    );
    threads::for_each_chunk(dx, input, GRAIN, |start, dx| {
        let dy = &dy[start / input * pixels..][..pixels];
        isa::dispatch(AveragePlaneBackward {
            means,
            dy,
            dx,
            row_gradient: &mut Buffer::scratch(means.input[1]),
        });
    });
}

struct AveragePlaneBackward<'a, T> {
    means: &'a Means,
    dy: &'a [T],
    dx: &'a mut [T],
    /// What a row of windows adds to each row it covers.
    row_gradient: &'a mut [T],
}

impl<T: Real> Kernel for AveragePlaneBackward<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arch>(self) {
        let AveragePlaneBackward { means, dy, dx, row_gradient } = self;
        let width = row_gradient.len();
        dx.fill(T::ZERO);
        for (i, row) in means.rows.iter().enumerate() {
            let dy = &dy[i * means.columns.len()..][..means.columns.len()];
            row_gradient.fill(T::ZERO);
            if means.pairs {
                let divisor = means.divisor::<T>(row, &means.columns[0]);
                for (pair, &dy) in row_gradient.chunks_exact_mut(2).zip(dy) {
                    pair.fill(dy / divisor);
                }
            } else {
                for (&dy, column) in dy.iter().zip(&means.columns) {
                    let share = dy / means.divisor(row, column);
                    row_gradient[column.range.clone()].iter_mut().for_each(|gradient| *gradient += share);
                }
            }
            for dx in dx[row.range.start * width..row.range.end * width].chunks_exact_mut(width.max(1)) {
                for (dx, &gradient) in dx.iter_mut().zip(&*row_gradient) {
                    *dx += gradient;
                }
            }
        }
    }
}
