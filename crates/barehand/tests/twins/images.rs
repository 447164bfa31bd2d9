//! Convolution and pooling: stride, padding, dilation, groups.

use barehand_tensor::{AvgPool2dOptions, Conv2dOptions, Float, MaxPool2dOptions};
use barehand_textbook::{Conv2d, Kernel, Pool, Pool2d, Trace};

use crate::pair::{Pair, hold};

fn two<T: Float>(pair: &mut Pair<T>, range: std::ops::RangeInclusive<usize>) -> [usize; 2] {
    [pair.between(range.clone()), pair.between(range)]
}

fn conv2d<T: Float>(pair: &mut Pair<T>) {
    let groups = pair.pick(&[1, 1, 2, 3]);
    let (inputs, outputs) = (groups * pair.between(1..=3), groups * pair.between(1..=3));
    let (stride, padding, dilation) = (two(pair, 1..=3), two(pair, 0..=3), two(pair, 1..=3));
    let kernel = pair.pick(&[[1, 1], [3, 3], [2, 3], [5, 1], [4, 4]]);
    let batch = pair.pick(&[1, 2, 5, 0]);
    // At least one place for the kernel, now and then enough of them for two threads.
    let room = if pair.rarely(6) { 30 } else { 8 };
    let image = [0, 1].map(|side| {
        let reach = dilation[side] * (kernel[side] - 1) + 1;
        reach.saturating_sub(2 * padding[side]).max(1) + pair.between(0..=room)
    });
    let x = pair.array(&[batch, inputs, image[0], image[1]]);
    let w = pair.array(&[outputs, inputs / groups, kernel[0], kernel[1]]);
    let b = pair.flag().then(|| pair.array(&[outputs]));
    let (x_leaf, w_leaf) = (pair.leaf(&x), pair.leaf(&w));
    let b_leaf = b.as_ref().map(|b| pair.leaf(b));
    let options = Conv2dOptions { stride, padding, dilation, groups };
    let twin = Conv2d { stride, padding, dilation, groups, kernel: Kernel::CrossCorrelation };
    let y = x_leaf.conv2d(&w_leaf, b_leaf.as_ref(), options).unwrap();
    let expected = twin.forward(&x, &w, b.as_ref(), &mut Trace::silent()).unwrap();
    pair.same("y", &y, &expected);
    let rectified = x_leaf.conv2d_relu(&w_leaf, b_leaf.as_ref(), options).unwrap();
    pair.same("relu(y)", &rectified, &expected.map(|y| y.max(0.0)));
    let pool = MaxPool2dOptions { stride: [1, 1], ..MaxPool2dOptions::new([1, 1]) };
    let pooled = x_leaf.conv2d_relu_max_pool2d(&w_leaf, b_leaf.as_ref(), options, pool).unwrap();
    pair.same("pool(relu(y))", &pooled, &expected.map(|y| y.max(0.0)));
    let dy = pair.array(expected.shape());
    let d = twin.backward(&x, &w, &dy, &mut Trace::silent()).unwrap();
    let mut leaves = vec![("dx", &x_leaf, &d.input), ("dW", &w_leaf, &d.weight)];
    leaves.extend(b_leaf.as_ref().map(|b| ("db", b, &d.bias)));
    pair.same_gradients(&y, &dy, &leaves);
}

fn pooling<T: Float>(pair: &mut Pair<T>) {
    for pool in [Pool::Max, Pool::Average { count_padding: true }, Pool::Average { count_padding: false }] {
        let (kernel, stride) = (two(pair, 1..=4), two(pair, 1..=3));
        let padding = kernel.map(|side| pair.between(0..=side / 2));
        let dilation = if pool == Pool::Max { two(pair, 1..=2) } else { [1, 1] };
        let image = [0, 1].map(|side| dilation[side] * (kernel[side] - 1) + 1 + pair.between(0..=8));
        let shape = [pair.pick(&[1, 3, 0]), pair.between(1..=3), image[0], image[1]];
        // Rounded, so that largest elements meet their equals.
        let x = if pair.flag() { pair.array(&shape) } else { pair.array(&shape).map(f64::round) };
        let leaf = pair.leaf(&x);
        let y = match pool {
            Pool::Max => {
                leaf.max_pool2d(MaxPool2dOptions { kernel, stride, padding, dilation, ceil_mode: false })
            }
            Pool::Average { count_padding } => leaf.avg_pool2d(AvgPool2dOptions {
                stride,
                padding,
                count_include_pad: count_padding,
                ..AvgPool2dOptions::new(kernel)
            }),
        };
        let y = y.unwrap();
        let twin = Pool2d { pool, kernel, stride, padding, dilation };
        let expected = twin.forward(&x, &mut Trace::silent()).unwrap();
        pair.same("y", &y, &expected);
        let dy = pair.array(expected.shape());
        let dx = twin.backward(&x, &dy, &mut Trace::silent()).unwrap();
        pair.same_gradients(&y, &dy, &[("dx", &leaf, &dx)]);
    }
}

#[test]
fn convolutions_agree() {
    hold("conv2d", 60, [64.0, 64.0], conv2d::<f64>, conv2d::<f32>);
}

#[test]
fn pooling_agrees() {
    hold("pool2d", 40, [64.0, 64.0], pooling::<f64>, pooling::<f32>);
}
