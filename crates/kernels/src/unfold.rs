//! Windows of images as columns (`im2col`), and the sums of columns where they came from (`col2im`).

use std::ops::Range;

use crate::conv2d::Conv2dShape;
use crate::disjoint::Disjoint;
use crate::real::Real;
use crate::threads;

/// Elements copied for which another thread pays.
const GRAIN: usize = 1 << 15;

/// Unfolding of `f32` and `f64`. Of a [`Conv2dShape`], the batch, the input's channels and sides, and the kernel with its
/// steps count; columns are `(N, C kernel height kernel width, output height output width)`.
pub trait Unfold: Real {
    /// Every window as a column, zeros where it leaves the image: `x` is `(N, C, H, W)`.
    fn im2col(s: &Conv2dShape, x: &[Self], columns: &mut [Self]);

    /// The transpose: every column is added to its window; all of `x` is written.
    fn col2im(s: &Conv2dShape, columns: &[Self], x: &mut [Self]);
}

macro_rules! unfold {
    ($($t:ident),*) => { $(
        impl Unfold for $t {
            fn im2col(s: &Conv2dShape, x: &[Self], columns: &mut [Self]) {
                let sizes = Sizes::of(s, x.len(), columns.len());
                let columns = Disjoint::new(columns);
                sizes.each_plane(|plane, taps| {
                    let x = &x[plane * sizes.pixels..][..sizes.pixels];
                    // SAFETY: every plane is taken once.
                    let columns = unsafe { columns.slice(plane * taps, taps) };
                    columns.fill(0.0);
                    sizes.each_run(s, |from, step, to| {
                        let columns = &mut columns[to];
                        columns.iter_mut().zip(x[from..].iter().step_by(step)).for_each(|(to, &from)| *to = from);
                    });
                });
            }
            fn col2im(s: &Conv2dShape, columns: &[Self], x: &mut [Self]) {
                let sizes = Sizes::of(s, x.len(), columns.len());
                let x = Disjoint::new(x);
                sizes.each_plane(|plane, taps| {
                    let columns = &columns[plane * taps..][..taps];
                    // SAFETY: every plane is taken once.
                    let x = unsafe { x.slice(plane * sizes.pixels, sizes.pixels) };
                    x.fill(0.0);
                    sizes.each_run(s, |to, step, from| {
                        x[to..].iter_mut().step_by(step).zip(&columns[from]).for_each(|(to, &from)| *to += from);
                    });
                });
            }
        }
    )* };
}
unfold!(f32, f64);

struct Sizes {
    planes: usize,
    /// Elements of an image's plane.
    pixels: usize,
    /// Height and width of the places of windows.
    output: [usize; 2],
    /// Elements of a plane's columns.
    columns: usize,
}

impl Sizes {
    fn of(s: &Conv2dShape, x: usize, columns: usize) -> Self {
        let output = s.output().expect("a window that fits the padded input");
        let sizes = Sizes {
            planes: s.batch * s.in_channels,
            pixels: s.input[0] * s.input[1],
            output,
            columns: s.kernel[0] * s.kernel[1] * output[0] * output[1],
        };
        assert!(
            x == sizes.planes * sizes.pixels && columns == sizes.planes * sizes.columns,
            "{x} elements and {columns} of columns for {s:?}"
        );
        sizes
    }

    /// Calls `body(plane, elements of its columns)` for every plane.
    fn each_plane(&self, body: impl Fn(usize, usize) + Sync) {
        let threads = threads::threads_for(self.planes * self.columns, GRAIN);
        threads::for_each(self.planes, threads, |plane| body(plane, self.columns));
    }

    /// Calls `body(first pixel, step between pixels, their places in the columns)` for every tap's elements of every row
    /// of windows that lie in the image.
    fn each_run(&self, s: &Conv2dShape, mut body: impl FnMut(usize, usize, Range<usize>)) {
        let [rows, columns] = self.output;
        for (r, q) in (0..s.kernel[0]).flat_map(|r| (0..s.kernel[1]).map(move |q| (r, q))) {
            let (down, along) = (r * s.dilation[0], q * s.dilation[1]);
            let first = s.padding[1].saturating_sub(along).div_ceil(s.stride[1]).min(columns);
            let last = (s.input[1] + s.padding[1]).saturating_sub(along).div_ceil(s.stride[1]).min(columns);
            for i in 0..rows {
                let row = (i * s.stride[0] + down).checked_sub(s.padding[0]);
                let Some(row) = row.filter(|&row| row < s.input[0] && first < last) else { continue };
                let place = ((r * s.kernel[1] + q) * rows + i) * columns;
                let pixel = row * s.input[1] + first * s.stride[1] + along - s.padding[1];
                body(pixel, s.stride[1], place + first..place + last);
            }
        }
    }
}
