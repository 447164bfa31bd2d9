//! Sizes at their limits: axes without elements, and numbers so large that sums of them wrap around. An error or the right
//! answer, and never a panic or an address outside.

use barehand_tensor::{
    AvgPool2dOptions, Conv2dOptions, ConvTranspose2dOptions, CrossEntropyOptions, MaxPool2dOptions,
    NllLossOptions, RecurrentCell, RecurrentWeights, Reduction, RopeOptions, Targets, Tensor, same_padding,
};

#[test]
fn a_convolution_of_sizes_that_wrap_around_is_refused() {
    let (x, w) = (Tensor::<f32>::ones([1, 1, 4, 4]), Tensor::<f32>::ones([1, 1, 3, 3]));
    let plain = Conv2dOptions::default();
    let large = 1_usize << 63;
    for options in [
        Conv2dOptions { padding: [large, large], ..plain },
        Conv2dOptions { padding: [usize::MAX, 0], ..plain },
        Conv2dOptions { dilation: [large, 1], ..plain },
        Conv2dOptions { dilation: [usize::MAX, usize::MAX], ..plain },
        Conv2dOptions { padding: [1 << 31, 1 << 31], ..plain },
    ] {
        let refused = x.conv2d(&w, None, options).unwrap_err().to_string();
        assert!(refused.starts_with("conv2d: "), "{options:?}: {refused}");
        let pool = MaxPool2dOptions::new([2, 2]);
        assert!(x.conv2d_relu_max_pool2d(&w, None, options, pool).is_err());
        assert!(x.unfold2d([3, 3], options).is_err(), "{options:?}");
        assert!(Tensor::<f32>::ones([1, 9, 4]).fold2d([4, 4], [3, 3], options).is_err(), "{options:?}");
    }
    // A stride may be as long as it likes.
    let far = Conv2dOptions { stride: [usize::MAX, 1 << 40], ..plain };
    assert_eq!(x.conv2d(&w, None, far).unwrap().to_vec(), [9.0]);
    // So may the padding, where outputs are few: of nine only the one in the middle meets the image.
    let far = Conv2dOptions { padding: [1 << 40, 1 << 40], stride: [1 << 40, 1 << 40], ..plain };
    let mut expected = [0.0; 9];
    expected[4] = 9.0;
    assert_eq!(x.conv2d(&w, None, far).unwrap().to_vec(), expected);
    assert_eq!(x.unfold2d([3, 3], far).unwrap().sum().unwrap().item().unwrap(), 9.0);
    let lifted = Tensor::<f32>::ones([1, 1, 3, 3]);
    let back = ConvTranspose2dOptions {
        padding: [1 << 40, 1 << 40],
        stride: [1 << 40, 1 << 40],
        output_padding: [1, 1],
        ..Default::default()
    };
    let middle = [[1.0, 1.0, 1.0, 0.0]; 3].concat();
    let lifted = lifted.conv_transpose2d(&w, None, back).unwrap().to_vec();
    assert_eq!(lifted, [&middle[..], &[0.0; 4]].concat());
    let plain = ConvTranspose2dOptions::default();
    for options in [
        ConvTranspose2dOptions { stride: [large, 1], ..plain },
        ConvTranspose2dOptions { stride: [1 << 32, 1 << 32], ..plain },
        ConvTranspose2dOptions { dilation: [large, 1], ..plain },
        ConvTranspose2dOptions { padding: [large, 1], ..plain },
        ConvTranspose2dOptions { groups: usize::MAX, ..plain },
    ] {
        assert!(x.conv_transpose2d(&w, None, options).is_err(), "{options:?}");
    }
    let no_channels = Tensor::<f32>::ones([0, 2, 3, 3]);
    let groups = ConvTranspose2dOptions { groups: usize::MAX, ..plain };
    assert!(Tensor::<f32>::ones([1, 0, 4, 4]).conv_transpose2d(&no_channels, None, groups).is_err());
    assert_eq!(same_padding(3, usize::MAX), (usize::MAX / 2, usize::MAX / 2 + 1));
}

#[test]
fn a_pooling_of_sizes_that_wrap_around_is_refused() {
    let x = Tensor::<f64>::ones([1, 1, 4, 4]);
    let plain = MaxPool2dOptions::new([2, 2]);
    for ceil_mode in [false, true] {
        for options in [
            MaxPool2dOptions { dilation: [usize::MAX, 1], ceil_mode, ..plain },
            MaxPool2dOptions { kernel: [usize::MAX, 1], padding: [usize::MAX / 2, 0], ceil_mode, ..plain },
            MaxPool2dOptions { kernel: [3, 3], dilation: [1 << 63, 1], ceil_mode, ..plain },
        ] {
            assert!(x.max_pool2d(options).is_err(), "{options:?}");
        }
    }
    let far = MaxPool2dOptions { stride: [usize::MAX, usize::MAX], ..plain };
    assert_eq!(x.max_pool2d(far).unwrap().shape(), [1, 1, 1, 1]);
    let far = MaxPool2dOptions { ceil_mode: true, ..far };
    assert!(x.max_pool2d(far).is_err() || x.max_pool2d(far).unwrap().shape() == [1, 1, 1, 1]);
    let means = AvgPool2dOptions { padding: [usize::MAX / 2, 0], ..AvgPool2dOptions::new([usize::MAX, 1]) };
    assert!(x.avg_pool2d(means).is_err());
}

#[test]
fn a_convolution_without_channels_gives_its_bias_and_gradients_of_nothing() {
    for (batch, inputs, outputs) in [(2, 0, 3), (2, 3, 0), (0, 3, 2), (2, 0, 0), (0, 0, 0)] {
        let leaf = |shape: &[usize]| Tensor::<f64>::ones(shape).requires_grad();
        let (x, w, b) = (leaf(&[batch, inputs, 4, 4]), leaf(&[outputs, inputs, 3, 3]), leaf(&[outputs]));
        let plain = Conv2dOptions::default();
        let y = x.conv2d(&w, Some(&b), plain).unwrap();
        assert_eq!(y.shape(), [batch, outputs, 2, 2]);
        let gradients = y.sum().unwrap().backward().unwrap();
        assert_eq!(gradients.of(&x).unwrap().shape(), x.shape());
        assert_eq!(gradients.of(&w).unwrap().to_vec(), vec![0.0; w.len()]);
        assert_eq!(gradients.of(&b).unwrap().to_vec(), vec![4.0 * batch as f64; outputs]);
        let pooled = x.conv2d_relu_max_pool2d(&w, Some(&b), plain, MaxPool2dOptions::new([2, 2])).unwrap();
        assert_eq!(pooled.shape(), [batch, outputs, 1, 1]);
        let gradients = pooled.sum().unwrap().backward().unwrap();
        assert_eq!(gradients.of(&b).unwrap().to_vec(), vec![batch as f64; outputs]);
        let back = leaf(&[batch, outputs, 2, 2]);
        let lift = leaf(&[inputs]);
        let images = back.conv_transpose2d(&w, Some(&lift), ConvTranspose2dOptions::default()).unwrap();
        assert_eq!(images.shape(), x.shape());
        let gradients = images.sum().unwrap().backward().unwrap();
        assert_eq!(gradients.of(&w).unwrap().shape(), w.shape());
        assert_eq!(gradients.of(&lift).unwrap().to_vec(), vec![16.0 * batch as f64; inputs]);
    }
}

#[test]
fn without_classes_nothing_is_lost() {
    let nobody = Tensor::from([-100_i64, -100, -100]);
    for reduction in [Reduction::None, Reduction::Sum, Reduction::Mean] {
        let logits = Tensor::<f32>::zeros([3, 0]).requires_grad();
        let options = CrossEntropyOptions { reduction, ..Default::default() };
        let q = Tensor::<f32>::zeros([3, 0]);
        for targets in [Targets::Classes(&nobody), Targets::Probabilities(&q)] {
            let probable = matches!(targets, Targets::Probabilities(_));
            let loss = logits.cross_entropy(targets, &options).unwrap();
            let expected = match reduction {
                Reduction::None => vec![0.0; 3],
                // A mean over nobody is no number, as everywhere.
                Reduction::Mean if !probable => vec![f32::NAN],
                _ => vec![0.0],
            };
            assert_eq!(format!("{:?}", loss.to_vec()), format!("{expected:?}"));
            let gradients = loss.sum().unwrap().backward().unwrap();
            assert_eq!(gradients.of(&logits).unwrap().shape(), [3, 0]);
        }
        let options = NllLossOptions { reduction, ..Default::default() };
        let loss = logits.nll_loss(&nobody, &options).unwrap();
        assert_eq!(loss.sum().unwrap().item().unwrap().is_nan(), reduction == Reduction::Mean);
        let gradients = loss.sum().unwrap().backward().unwrap();
        assert_eq!(gradients.of(&logits).unwrap().shape(), [3, 0]);
    }
    let wrong =
        Tensor::<f32>::zeros([1, 0]).cross_entropy(&Tensor::from([0_i64]), &CrossEntropyOptions::default());
    assert!(wrong.unwrap_err().to_string().contains("target 0 of sample 0"));
}

/// Nothing, in axes so long that the product of some of them is no number.
fn nothing(axes: &[usize]) -> Tensor {
    let mut sorted = axes.to_vec();
    sorted.sort_unstable();
    // From the shortest, which is 0.
    let mut order: Vec<usize> = (0..axes.len()).collect();
    order.sort_by_key(|&axis| axes[axis]);
    let mut places = vec![0; axes.len()];
    order.iter().enumerate().for_each(|(place, &axis)| places[axis] = place as isize);
    Tensor::zeros(sorted).permute(places).unwrap()
}

#[test]
fn nothing_of_huge_sides_is_refused() {
    let huge = 1 << 40;
    for shape in [[huge, huge, 0, 4], [0, 1, huge, huge], [huge, 0, huge, 1]] {
        let x = nothing(&shape);
        assert_eq!(x.shape(), shape);
        let padded = MaxPool2dOptions { padding: [1, 1], stride: [1, 1], ..MaxPool2dOptions::new([3, 3]) };
        assert!(x.max_pool2d(padded).is_err(), "{shape:?}");
        let means = AvgPool2dOptions { padding: [1, 1], stride: [1, 1], ..AvgPool2dOptions::new([3, 3]) };
        assert!(x.avg_pool2d(means).is_err(), "{shape:?}");
        assert!(x.adaptive_avg_pool2d([2, 2]).is_err(), "{shape:?}");
        assert!(x.adaptive_max_pool2d([2, 2]).is_err(), "{shape:?}");
        let w = Tensor::ones([1, shape[1].min(4), 1, 1]);
        let padded = Conv2dOptions { padding: [1, 1], ..Default::default() };
        assert!(x.conv2d(&w, None, padded).is_err(), "{shape:?}");
    }
    let none = Tensor::<f32>::zeros([0, 1, 4, 4]);
    let wide = Conv2dOptions { padding: [1 << 36, 1 << 36], ..Default::default() };
    assert!(none.unfold2d([1 << 36, 1 << 36], wide).is_err());
    let no_outputs = nothing(&[0, 1, huge, huge]);
    let far = Conv2dOptions { padding: [huge, huge], stride: [huge, huge], ..Default::default() };
    assert!(Tensor::<f32>::zeros([1, 1, 4, 4]).conv2d(&no_outputs, None, far).is_err());
    // Angles are computed where something is turned.
    assert_eq!(nothing(&[0, huge, 64]).rope(&RopeOptions::default()).unwrap().shape(), [0, huge, 64]);
    assert_eq!(nothing(&[huge, 0]).rope(&RopeOptions::default()).unwrap().shape(), [huge, 0]);
    let late = RopeOptions { offset: usize::MAX, ..Default::default() };
    assert_eq!(Tensor::<f32>::ones([2, 3, 4]).rope(&late).unwrap().shape(), [2, 3, 4]);
    assert!(nothing(&[huge, huge, 0]).flatten(0, 1).unwrap_err().to_string().starts_with("flatten: "));
}

#[test]
fn a_recurrent_layer_over_rows_of_nothing_is_refused_where_its_outputs_are_too_many() {
    let (ih, hh) = (Tensor::<f32>::zeros([12, 0]), Tensor::zeros([12, 4]));
    let weights = RecurrentWeights { weight_ih: &ih, weight_hh: &hh, bias: None, weight_hr: None };
    let run =
        |x: &Tensor, sizes: &[usize]| x.recurrent(RecurrentCell::Gru, sizes, false, weights, None, None);
    for rows in [1 << 60, 1 << 62, usize::MAX] {
        let refused = run(&Tensor::zeros([rows, 0]), &[rows]).unwrap_err().to_string();
        assert!(refused.contains("more than memory can address"), "{refused}");
    }
    assert_eq!(run(&Tensor::zeros([5, 0]), &[3, 2]).unwrap().out.shape(), [5, 4]);
}
