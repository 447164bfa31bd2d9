//! Convolution over two dimensions (cross-correlation, as the libraries have it) and its two gradients.

use crate::real::Real;

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

impl Conv2dShape {
    /// Height and width of the output: `(input + 2 padding - dilation (kernel - 1) - 1) / stride + 1`, rounded down.
    /// `None` where the kernel is larger than the padded input, or a kernel, stride or dilation is 0.
    pub fn output(&self) -> Option<[usize; 2]> {
        let axis = |i: usize| {
            if self.kernel[i] == 0 || self.stride[i] == 0 || self.dilation[i] == 0 {
                return None;
            }
            let room = self.input[i] + 2 * self.padding[i];
            Some(room.checked_sub(self.dilation[i] * (self.kernel[i] - 1) + 1)? / self.stride[i] + 1)
        };
        Some([axis(0)?, axis(1)?])
    }
}

/// Convolution of `f32` and `f64`: images `(N, C, H, W)`, weights `(K, C / groups, kernel height, kernel width)`,
/// outputs `(N, K, output height, output width)`, all row-major.
pub trait Conv2d: Real {
    /// `y[n, k, i, j] = bias[k] + sum over c, r, s of x[n, c, i stride + r dilation - padding, ...] w[k, c, r, s]`,
    /// zeros outside the image.
    fn conv2d(s: &Conv2dShape, x: &[Self], w: &[Self], bias: Option<&[Self]>, y: &mut [Self]);

    /// The gradient for the images; all of `dx` is written.
    fn conv2d_input_grad(s: &Conv2dShape, w: &[Self], dy: &[Self], dx: &mut [Self]);

    /// The gradients for the weights and the bias; all of `dw` and `dbias` is written.
    fn conv2d_weight_grad(
        s: &Conv2dShape,
        x: &[Self],
        dy: &[Self],
        dw: &mut [Self],
        dbias: Option<&mut [Self]>,
    );
}

macro_rules! conv2d {
    ($($t:ident),*) => { $(
        impl Conv2d for $t {
            fn conv2d(s: &Conv2dShape, x: &[Self], w: &[Self], bias: Option<&[Self]>, y: &mut [Self]) {
                let [oh, ow] = s.output().expect("fits");
                let k = s.out_channels;
                for (i, y) in y.iter_mut().enumerate() {
                    *y = bias.map_or(0.0, |bias| bias[i / (oh * ow) % k]);
                }
                each(s, |x_at, w_at, y_at| y[y_at] += x[x_at] * w[w_at]);
            }
            fn conv2d_input_grad(s: &Conv2dShape, w: &[Self], dy: &[Self], dx: &mut [Self]) {
                dx.fill(0.0);
                each(s, |x_at, w_at, y_at| dx[x_at] += dy[y_at] * w[w_at]);
            }
            fn conv2d_weight_grad(s: &Conv2dShape, x: &[Self], dy: &[Self], dw: &mut [Self], dbias: Option<&mut [Self]>) {
                dw.fill(0.0);
                each(s, |x_at, w_at, y_at| dw[w_at] += dy[y_at] * x[x_at]);
                if let Some(dbias) = dbias {
                    let [oh, ow] = s.output().expect("fits");
                    dbias.fill(0.0);
                    dy.iter().enumerate().for_each(|(i, dy)| dbias[i / (oh * ow) % s.out_channels] += dy);
                }
            }
        }
    )* };
}
conv2d!(f32, f64);

/// Calls `body` with the places in input, weights and output of every product in the convolution.
fn each(s: &Conv2dShape, mut body: impl FnMut(usize, usize, usize)) {
    let [oh, ow] = s.output().expect("fits");
    let (cg, kg) = (s.in_channels / s.groups, s.out_channels / s.groups);
    for n in 0..s.batch {
        for k in 0..s.out_channels {
            for (i, j) in (0..oh).flat_map(|i| (0..ow).map(move |j| (i, j))) {
                for c in 0..cg {
                    for (r, q) in (0..s.kernel[0]).flat_map(|r| (0..s.kernel[1]).map(move |q| (r, q))) {
                        let row = (i * s.stride[0] + r * s.dilation[0]).wrapping_sub(s.padding[0]);
                        let col = (j * s.stride[1] + q * s.dilation[1]).wrapping_sub(s.padding[1]);
                        if row < s.input[0] && col < s.input[1] {
                            let channel = n * s.in_channels + k / kg * cg + c;
                            body(
                                (channel * s.input[0] + row) * s.input[1] + col,
                                ((k * cg + c) * s.kernel[0] + r) * s.kernel[1] + q,
                                ((n * s.out_channels + k) * oh + i) * ow + j,
                            );
                        }
                    }
                }
            }
        }
    }
}
