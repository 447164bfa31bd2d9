//! Convolution over two dimensions (cross-correlation, as the libraries have it) and its two gradients.
//!
//! Nothing is unfolded: see [`grid`] for how one padded copy of an image, small enough for the second cache, makes all
//! three passes products of matrices whose rows start at offsets. Where channels are many, [`blocked`] computes them in
//! vectors of channels; where they are few, [`correlate`] does in vectors of pixels; and where every channel is alone,
//! [`depthwise`]. Only where such copies would be much larger than images and outputs, [`direct`] goes without them.

mod backward;
mod blocked;
mod correlate;
mod depthwise;
mod direct;
mod forward;
mod grid;

use crate::pool2d::Pool2dShape;
use crate::real::Real;
use crate::threads;

/// Multiply-adds for which another thread pays.
const GRAIN: usize = 1 << 20;

/// The sizes of a convolution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Conv2dShape {
    /// Images.
    pub batch: usize,
    /// Channels of the input.
    pub in_channels: usize,
    /// Channels of the output.
    pub out_channels: usize,
    /// Height and width of the input.
    pub input: [usize; 2],
    /// Height and width of the kernel.
    pub kernel: [usize; 2],
    /// Steps of the kernel over the input.
    pub stride: [usize; 2],
    /// Rows and columns of zeros added on every side.
    pub padding: [usize; 2],
    /// Steps between the elements of the kernel.
    pub dilation: [usize; 2],
    /// Groups of channels that do not see each other; it divides both channel counts.
    pub groups: usize,
}

/// One side of a convolution's output, as [`Conv2dShape::output`] has it.
pub fn output_side(
    input: usize,
    kernel: usize,
    stride: usize,
    padding: usize,
    dilation: usize,
) -> Option<usize> {
    if kernel == 0 || stride == 0 || dilation == 0 {
        return None;
    }
    let padded = input.checked_add(padding.checked_mul(2)?)?;
    let reach = dilation.checked_mul(kernel - 1)?.checked_add(1)?;
    Some(padded.checked_sub(reach)? / stride + 1)
}

impl Conv2dShape {
    /// Height and width of the output: `(input + 2 padding - dilation (kernel - 1) - 1) / stride + 1`, rounded down.
    /// `None` where the kernel is larger than the padded input, a kernel, stride or dilation is 0, or a sum is no number.
    pub fn output(&self) -> Option<[usize; 2]> {
        let axis = |i: usize| {
            output_side(self.input[i], self.kernel[i], self.stride[i], self.padding[i], self.dilation[i])
        };
        Some([axis(0)?, axis(1)?])
    }

    /// Whether every array of a convolution of elements of `size` bytes, and the padded copies that it makes, can be
    /// addressed: false where sizes would overflow. A shape without an output has none.
    pub fn is_addressable(&self, size: usize) -> bool {
        let Some(output) = self.output() else { return false };
        let s = self.bounded();
        // Floats, which round but do not wrap; the bound has more room than they round. An axis without elements counts one,
        // for products of some of the others are taken as well.
        let product = |sides: &[usize]| sides.iter().map(|&side| side.max(1) as f64).product::<f64>();
        let padded = |i: usize| s.input[i] as f64 + 2.0 * s.padding[i] as f64 + 2.0 * s.stride[i] as f64;
        let copies = if direct::pays(&s, output) {
            0.0
        } else {
            padded(0) * padded(1) * (s.in_channels.max(s.out_channels) as f64 + 64.0) + 64.0
        };
        let images = product(&[s.batch, s.in_channels, s.input[0], s.input[1]]);
        let outputs = product(&[s.batch, s.out_channels, output[0], output[1]]);
        let weights = product(&[s.out_channels, s.in_channels, s.kernel[0], s.kernel[1]]);
        copies.max(images).max(outputs).max(weights) * (size as f64) < (isize::MAX / 16) as f64
    }

    /// The same with strides no longer than they need be. Where there is one output along an axis, every stride that leads
    /// past the last place gives the same, and a copy of the image has a phase for each of its steps.
    fn bounded(mut self) -> Self {
        for i in 0..2 {
            let reach = self.dilation[i].saturating_mul(self.kernel[i].saturating_sub(1));
            let places =
                (self.input[i].saturating_add(self.padding[i].saturating_mul(2))).saturating_sub(reach);
            self.stride[i] = self.stride[i].min(places.max(1));
        }
        self
    }
}

/// What the gradients of a convolution are computed from.
#[derive(Clone, Copy, Debug)]
pub struct Conv2dPass<'a, T> {
    /// The images. They are not read, and may be none, where neither weights nor biases want a gradient.
    pub x: &'a [T],
    /// The weights.
    pub w: &'a [T],
    /// The outputs, where a ReLU made them.
    pub relu: Option<&'a [T]>,
    /// Where the outputs are those of a max-pooling: its shape, and the elements it chose.
    pub pool: Option<(&'a Pool2dShape, &'a [u32])>,
    /// The gradient for the outputs.
    pub dy: &'a [T],
}

/// Which gradients are wanted; all of each is written.
#[derive(Debug)]
pub struct Conv2dGradients<'a, T> {
    /// For the images.
    pub dx: Option<&'a mut [T]>,
    /// For the weights.
    pub dw: Option<&'a mut [T]>,
    /// For the bias.
    pub dbias: Option<&'a mut [T]>,
}

/// Convolution of `f32` and `f64`: images `(N, C, H, W)`, weights `(K, C / groups, kernel height, kernel width)`,
/// outputs `(N, K, output height, output width)`, all row-major.
pub trait Conv2d: Real {
    /// `y[n, k, i, j] = bias[k] + sum over c, r, s of x[n, c, i stride + r dilation - padding, ...] w[k, c, r, s]`,
    /// zeros outside the image; with `relu`, `max(y, 0)`.
    fn conv2d(s: &Conv2dShape, x: &[Self], w: &[Self], bias: Option<&[Self]>, relu: bool, y: &mut [Self]);

    /// The same, max-pooled like [`max_pool2d`](crate::pool2d::Pool2d::max_pool2d) while an image's outputs are in the
    /// cache: they are not kept.
    fn conv2d_max_pool2d(
        s: &Conv2dShape,
        pool: &Pool2dShape,
        x: &[Self],
        w: &[Self],
        bias: Option<&[Self]>,
        relu: bool,
        y: &mut [Self],
        indices: &mut [u32],
    );

    /// The gradients, all from one visit to the images.
    fn conv2d_backward(s: &Conv2dShape, pass: Conv2dPass<Self>, gradients: Conv2dGradients<Self>);

    /// The transposed convolution: from what has the shape of the outputs of `s` to what has the shape of its images, with
    /// the same weights. It is the gradient for the images, and a bias for each of their channels:
    /// `y[n, c, i stride + r dilation - padding, ..] = bias[c] + sum over k, i, r of x[n, k, i, ..] w[k, c, r, ..]`.
    fn conv_transpose2d(s: &Conv2dShape, x: &[Self], w: &[Self], bias: Option<&[Self]>, y: &mut [Self]);
}

macro_rules! conv2d {
    ($($t:ident),*) => { $(
        impl Conv2d for $t {
            fn conv2d(s: &Conv2dShape, x: &[Self], w: &[Self], bias: Option<&[Self]>, relu: bool, y: &mut [Self]) {
                forward::forward(&s.bounded(), x, w, bias, relu, None, y);
            }
            fn conv2d_max_pool2d(
                s: &Conv2dShape, pool: &Pool2dShape, x: &[Self], w: &[Self], bias: Option<&[Self]>, relu: bool,
                y: &mut [Self], indices: &mut [u32],
            ) {
                forward::forward(&s.bounded(), x, w, bias, relu, Some((pool, indices)), y);
            }
            fn conv2d_backward(s: &Conv2dShape, pass: Conv2dPass<Self>, gradients: Conv2dGradients<Self>) {
                backward::backward(&s.bounded(), pass, None, gradients);
            }
            fn conv_transpose2d(s: &Conv2dShape, x: &[Self], w: &[Self], bias: Option<&[Self]>, y: &mut [Self]) {
                let pass = Conv2dPass { x: &[], w, relu: None, pool: None, dy: x };
                backward::backward(&s.bounded(), pass, bias, Conv2dGradients { dx: Some(y), dw: None, dbias: None });
            }
        }
    )* };
}
conv2d!(f32, f64);

/// Elements of each array's parts.
struct Sizes {
    output: [usize; 2],
    /// A plane of the input, and of the output.
    input_plane: usize,
    output_plane: usize,
    /// A plane of the output after pooling, where there is any.
    last_plane: usize,
    /// Channels of a group.
    inputs: usize,
    outputs: usize,
    /// Weights of one output channel.
    taps: usize,
    /// Multiply-adds of a pass.
    work: usize,
}

impl Sizes {
    fn check(s: &Conv2dShape, pool: Option<&Pool2dShape>, x: usize, w: usize, y: usize) -> Self {
        let output = s.output().expect("a kernel that fits the padded input");
        // The inner loops read at offsets that nobody checks again.
        assert!(s.is_addressable(size_of::<f64>()), "arrays that memory cannot hold: {s:?}");
        assert!(
            s.groups > 0 && s.in_channels.is_multiple_of(s.groups) && s.out_channels.is_multiple_of(s.groups),
            "{} groups must divide {} and {} channels",
            s.groups,
            s.in_channels,
            s.out_channels
        );
        let (input_plane, output_plane) = (s.input[0] * s.input[1], output[0] * output[1]);
        let inputs = s.in_channels / s.groups;
        let taps = inputs * s.kernel[0] * s.kernel[1];
        let last_plane = pool.map_or(output_plane, |pool| {
            assert_eq!(pool.input, output, "what is pooled is the output of {s:?}");
            pool.output().expect("a window that fits the output").iter().product()
        });
        assert_eq!(x, s.batch * s.in_channels * input_plane, "elements of the input of {s:?}");
        assert_eq!(w, s.out_channels * taps, "elements of the weights of {s:?}");
        assert_eq!(y, s.batch * s.out_channels * last_plane, "elements of the output of {s:?}");
        let outputs = s.out_channels / s.groups;
        let work = (s.batch * s.out_channels * output_plane).saturating_mul(taps);
        Sizes { output, input_plane, output_plane, last_plane, inputs, outputs, taps, work }
    }
}

/// Into how many pieces of whole units the channels of a group are cut so that few images occupy all threads; each piece
/// makes its own copy of the image.
fn pieces(images: usize, channels: usize, unit: usize, work: usize) -> usize {
    let threads = threads::threads_for(work, GRAIN);
    if images >= threads {
        return 1;
    }
    let most = channels.div_ceil(8).min(threads.div_ceil(images.max(1)));
    (1..=most.max(1)).rev().find(|pieces| channels.is_multiple_of(pieces * unit)).unwrap_or(1)
}
