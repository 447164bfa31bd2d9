//! Convolution, transposed too, and pooling: stride, padding, dilation, groups.

use barehand_tensor::{
    AvgPool2dOptions, Conv1dOptions, Conv2dOptions, ConvKernel, ConvTranspose2dOptions, Float,
    MaxPool2dOptions, PadMode,
};
use barehand_textbook::{
    AdaptivePool2d, Conv1d, Conv2d, ConvTranspose2d, Kernel, LpPool2d, Padding, Pool, Pool2d, Trace, col2im,
    im2col,
};

use crate::pair::{Pair, hold};

fn two<T: Float>(pair: &mut Pair<T>, range: std::ops::RangeInclusive<usize>) -> [usize; 2] {
    [pair.between(range.clone()), pair.between(range)]
}

/// Which way the kernel lies, in both languages.
fn either_way<T: Float>(pair: &mut Pair<T>) -> (ConvKernel, Kernel) {
    pair.pick(&[
        (ConvKernel::CrossCorrelation, Kernel::CrossCorrelation),
        (ConvKernel::CrossCorrelation, Kernel::CrossCorrelation),
        (ConvKernel::Convolution, Kernel::Convolution),
    ])
}

fn conv2d<T: Float>(pair: &mut Pair<T>) {
    let groups = pair.pick(&[1, 1, 2, 3, 6]);
    let most = if groups == 6 { 1 } else { 3 };
    let (inputs, outputs) = (groups * pair.between(1..=most), groups * pair.between(1..=3));
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
    let (kernel, lies) = either_way(pair);
    let options = Conv2dOptions { stride, padding, dilation, groups, kernel };
    let twin = Conv2d { stride, padding, dilation, groups, kernel: lies };
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

fn conv1d<T: Float>(pair: &mut Pair<T>) {
    let groups = pair.pick(&[1, 1, 2, 4]);
    let (inputs, outputs) = (groups * pair.between(1..=3), groups * pair.between(1..=3));
    let (stride, padding, dilation) = (pair.between(1..=3), pair.between(0..=3), pair.between(1..=3));
    let k = pair.between(1..=5);
    let reach = dilation * (k - 1) + 1;
    let room = if pair.rarely(6) { 300 } else { 20 };
    let length = reach.saturating_sub(2 * padding).max(1) + pair.between(0..=room);
    let x = {
        let batch = pair.pick(&[1, 2, 5, 0]);
        pair.array(&[batch, inputs, length])
    };
    let w = pair.array(&[outputs, inputs / groups, k]);
    let b = pair.array(&[outputs]);
    let leaves = [pair.leaf(&x), pair.leaf(&w), pair.leaf(&b)];
    let (kernel, lies) = either_way(pair);
    let twin = Conv1d { stride, padding: [padding; 2], dilation, groups, kernel: lies };
    let options =
        Conv1dOptions { stride: [stride], padding: [padding], dilation: [dilation], groups, kernel };
    let y = leaves[0].conv1d(&leaves[1], Some(&leaves[2]), options).unwrap();
    let expected = twin.forward(&x, &w, Some(&b), &mut Trace::silent()).unwrap();
    pair.same("y", &y, &expected);
    let dy = pair.array(expected.shape());
    let d = twin.backward(&x, &w, &dy, &mut Trace::silent()).unwrap();
    let gradients =
        [("dx", &leaves[0], &d.input), ("dW", &leaves[1], &d.weight), ("db", &leaves[2], &d.bias)];
    pair.same_gradients(&y, &dy, &gradients);
}

fn conv_transpose2d<T: Float>(pair: &mut Pair<T>) {
    let groups = pair.pick(&[1, 1, 2, 3]);
    let (inputs, outputs) = (groups * pair.between(1..=3), groups * pair.between(1..=3));
    let (stride, dilation) = (two(pair, 1..=3), two(pair, 1..=3));
    let kernel = [pair.between(1..=4), pair.between(1..=4)];
    let output_padding = [0, 1].map(|side: usize| pair.between(0..=stride[side].max(dilation[side]) - 1));
    let room = if pair.rarely(6) { 20 } else { 4 };
    let image = [0, 1].map(|_| pair.between(1..=room));
    let padding = [0, 1].map(|side: usize| {
        let full =
            (image[side] - 1) * stride[side] + dilation[side] * (kernel[side] - 1) + 1 + output_padding[side];
        pair.between(0..=3.min((full - 1) / 2))
    });
    let batch = pair.pick(&[1, 2, 5, 0]);
    let x = pair.array(&[batch, inputs, image[0], image[1]]);
    let w = pair.array(&[inputs, outputs / groups, kernel[0], kernel[1]]);
    let b = pair.flag().then(|| pair.array(&[outputs]));
    let (x_leaf, w_leaf) = (pair.leaf(&x), pair.leaf(&w));
    let b_leaf = b.as_ref().map(|b| pair.leaf(b));
    let options = ConvTranspose2dOptions { stride, padding, output_padding, dilation, groups };
    let twin = ConvTranspose2d { stride, padding, output_padding, dilation, groups };
    let y = x_leaf.conv_transpose2d(&w_leaf, b_leaf.as_ref(), options).unwrap();
    let expected = twin.forward(&x, &w, b.as_ref(), &mut Trace::silent()).unwrap();
    pair.same("y", &y, &expected);
    let dy = pair.array(expected.shape());
    let d = twin.backward(&x, &w, &dy, &mut Trace::silent()).unwrap();
    let mut leaves = vec![("dx", &x_leaf, &d.input), ("dW", &w_leaf, &d.weight)];
    leaves.extend(b_leaf.as_ref().map(|b| ("db", b, &d.bias)));
    pair.same_gradients(&y, &dy, &leaves);
}

fn columns<T: Float>(pair: &mut Pair<T>) {
    let kernel = two(pair, 1..=3);
    let (stride, padding, dilation) = (two(pair, 1..=3), two(pair, 0..=2), two(pair, 1..=2));
    let image = [0, 1].map(|side| dilation[side] * (kernel[side] - 1) + 1 + pair.between(0..=6));
    let batch = pair.pick(&[1, 2, 0]);
    let x = pair.array(&[batch, 2, image[0], image[1]]);
    let twin = Conv2d { stride, padding, dilation, ..Conv2d::default() };
    let options = Conv2dOptions { stride, padding, dilation, ..Conv2dOptions::default() };
    let leaf = pair.leaf(&x);
    let y = leaf.unfold2d(kernel, options).unwrap();
    let expected = im2col(&x, kernel, &twin).unwrap();
    pair.same("columns", &y, &expected);
    let dy = pair.array(expected.shape());
    let folded = col2im(&dy, image, kernel, &twin).unwrap();
    pair.same_gradients(&y, &dy, &[("dx", &leaf, &folded)]);
    let back = pair.leaf(&dy);
    let y = back.fold2d(image, kernel, options).unwrap();
    pair.same("folded", &y, &folded);
    pair.same_gradients(&y, &x, &[("dcolumns", &back, &expected)]);
}

fn padding<T: Float>(pair: &mut Pair<T>) {
    for (mode, twin) in [
        (PadMode::Reflect, Padding::Reflect),
        (PadMode::Replicate, Padding::Replicate),
        (PadMode::Circular, Padding::Circular),
    ] {
        let shape = [pair.between(1..=3), pair.between(3..=6), pair.between(3..=40)];
        let amounts = [0, 2, 2].map(|most: usize| (pair.between(0..=most), pair.between(0..=most)));
        let x = pair.array(&shape);
        let leaf = pair.leaf(&x);
        let y = leaf.pad_with(&amounts, mode).unwrap();
        let expected = twin.forward(&x, &amounts, &mut Trace::silent()).unwrap();
        pair.same("y", &y, &expected);
        let dy = pair.array(expected.shape());
        let dx = twin.backward(&x, &amounts, &dy, &mut Trace::silent()).unwrap();
        pair.same_gradients(&y, &dy, &[("dx", &leaf, &dx)]);
    }
}

fn adaptive_pooling<T: Float>(pair: &mut Pair<T>) {
    for max in [false, true] {
        let shape = [pair.pick(&[1, 3, 0]), 2, pair.between(1..=9), pair.between(1..=30)];
        let output = two(pair, 1..=10);
        let x = if pair.flag() { pair.array(&shape) } else { pair.array(&shape).map(f64::round) };
        let leaf = pair.leaf(&x);
        let twin = AdaptivePool2d { max, output };
        let y = if max {
            let (y, indices) = leaf.adaptive_max_pool2d(output).unwrap();
            let expected: Vec<i64> = twin.indices(&x).unwrap().data().iter().map(|&i| i as i64).collect();
            assert_eq!(indices.to_vec(), expected);
            y
        } else {
            leaf.adaptive_avg_pool2d(output).unwrap()
        };
        let expected = twin.forward(&x, &mut Trace::silent()).unwrap();
        pair.same("y", &y, &expected);
        let dy = pair.array(expected.shape());
        let dx = twin.backward(&x, &dy, &mut Trace::silent()).unwrap();
        pair.same_gradients(&y, &dy, &[("dx", &leaf, &dx)]);
    }
}

fn power_pooling<T: Float>(pair: &mut Pair<T>) {
    let (kernel, stride) = (two(pair, 1..=3), two(pair, 1..=3));
    let image = kernel.map(|side| side + pair.between(0..=8));
    let p = pair.pick(&[1.0, 2.0, 3.0]);
    let x = pair.positive(&[2, 2, image[0], image[1]]);
    let leaf = pair.leaf(&x);
    let twin = LpPool2d { p, kernel, stride };
    let y = leaf.lp_pool2d(p, kernel, stride, false).unwrap();
    let expected = twin.forward(&x, &mut Trace::silent()).unwrap();
    pair.same("y", &y, &expected);
    let dy = pair.array(expected.shape());
    let dx = twin.backward(&x, &dy, &mut Trace::silent()).unwrap();
    pair.same_gradients(&y, &dy, &[("dx", &leaf, &dx)]);
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
fn convolutions_of_sequences_agree() {
    hold("conv1d", 60, [64.0, 64.0], conv1d::<f64>, conv1d::<f32>);
}

#[test]
fn transposed_convolutions_agree() {
    hold("conv_transpose2d", 60, [64.0, 64.0], conv_transpose2d::<f64>, conv_transpose2d::<f32>);
}

#[test]
fn columns_agree() {
    hold("im2col", 40, [4.0, 4.0], columns::<f64>, columns::<f32>);
}

#[test]
fn paddings_agree() {
    hold("padding", 40, [4.0, 4.0], padding::<f64>, padding::<f32>);
}

#[test]
fn adaptive_pooling_agrees() {
    hold("adaptive_pool2d", 40, [16.0, 16.0], adaptive_pooling::<f64>, adaptive_pooling::<f32>);
}

#[test]
fn power_pooling_agrees() {
    hold("lp_pool2d", 40, [64.0, 64.0], power_pooling::<f64>, power_pooling::<f32>);
}

#[test]
fn pooling_agrees() {
    hold("pool2d", 40, [64.0, 64.0], pooling::<f64>, pooling::<f32>);
}
