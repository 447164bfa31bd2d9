//! Convolutions over sequences, transposed convolutions and poolings against PyTorch: outputs, places, all gradients.

mod golden;

use barehand_nn::layers::Sides;
use barehand_nn::layers::conv::ConvBuilder;
use barehand_nn::layers::conv_transpose::ConvTransposeBuilder;
use barehand_nn::{
    AdaptiveAvgPool1d, AdaptiveMaxPool1d, AdaptiveMaxPool2d, AvgPool1d, Conv, Conv1d, ConvTranspose,
    ConvTranspose1d, ConvTranspose2d, Float, Fold, Generator, LPPool1d, LPPool2d, MaxPool1d, Module, PadMode,
    Padding, Result, Tensor, Unfold,
};
use golden::{Goldens, name, op, weighted};
use serde_json::Value;

/// A number for each axis, one for all, or the default.
fn sides<const D: usize>(options: &Value, key: &str, default: usize) -> Sides<D> {
    let number = |value: &Value| value.as_u64().unwrap() as usize;
    match &options[key] {
        Value::Null => default.into(),
        Value::Array(sides) => Sides(std::array::from_fn(|axis| number(&sides[axis]))),
        all => number(all).into(),
    }
}

fn groups(options: &Value) -> usize {
    options["groups"].as_u64().unwrap_or(1) as usize
}

struct Case<'a, T: Float> {
    goldens: &'a Goldens<T>,
    golden: &'a Value,
    tolerance: f64,
}

impl<T: Float> Case<'_, T> {
    fn leaf(&self, name: &str) -> Option<Tensor<T>> {
        self.goldens.find(self.golden, name).map(Tensor::requires_grad)
    }

    /// Compares what `layer` makes of the case's x, and the gradients of x and of `parameters`.
    fn check(&self, parameters: &[(&str, &Tensor<T>)], layer: impl Fn(&Tensor<T>) -> Result<Tensor<T>>) {
        let x = self.leaf("x").unwrap();
        let y = layer(&x).unwrap_or_else(|error| panic!("{}: {error}", name(self.golden)));
        self.goldens.assert_close(self.golden, "out", &y, self.tolerance);
        let gradients = weighted(&y, self.goldens.real(self.golden, "w.out")).backward().unwrap();
        for (name, leaf) in parameters.iter().copied().chain([("x", &x)]) {
            let gradient = gradients.of(leaf).unwrap();
            self.goldens.assert_close(self.golden, &format!("grad.{name}"), gradient, self.tolerance);
        }
    }

    /// The same for layers that say where each element was.
    fn check_places(&self, layer: impl Fn(&Tensor<T>) -> Result<(Tensor<T>, Tensor<i64>)>) {
        let expected = self.goldens.find_integers(self.golden, "indices").unwrap();
        assert_eq!(&layer(&self.leaf("x").unwrap()).unwrap().1, expected, "{}", name(self.golden));
        self.check(&[], |x| Ok(layer(x)?.0));
    }

    fn conv<const D: usize>(&self, padding: Padding<D>, mode: Option<PadMode>) -> Conv<D, T> {
        let (options, weight, bias) =
            (&self.golden["options"], self.leaf("weight").unwrap(), self.leaf("bias"));
        let shape = weight.shape().to_vec();
        let kernel: [usize; D] = std::array::from_fn(|axis| shape[2 + axis]);
        let mut generator = Generator::new(0);
        let groups = groups(options);
        let mut builder = ConvBuilder::<D>::new(shape[1] * groups, shape[0], kernel)
            .stride(sides::<D>(options, "stride", 1))
            .padding(padding)
            .dilation(sides::<D>(options, "dilation", 1))
            .groups(groups)
            .bias(bias.is_some());
        if let Some(mode) = mode {
            builder = builder.padding_mode(mode);
        }
        let mut layer = builder.build(&mut generator).unwrap();
        assert_eq!(layer.weight.shape(), shape);
        (layer.weight, layer.bias) = (weight, bias);
        layer
    }

    fn check_conv<const D: usize>(&self, layer: &Conv<D, T>)
    where
        Conv<D, T>: Module<T>,
    {
        let mut parameters = vec![("weight", &layer.weight)];
        parameters.extend(layer.bias.as_ref().map(|bias| ("bias", bias)));
        self.check(&parameters, |x| layer.forward(x));
    }

    fn transposed<const D: usize>(&self) -> ConvTranspose<D, T> {
        let (options, weight, bias) =
            (&self.golden["options"], self.leaf("weight").unwrap(), self.leaf("bias"));
        let shape = weight.shape().to_vec();
        let kernel: [usize; D] = std::array::from_fn(|axis| shape[2 + axis]);
        let mut layer = ConvTransposeBuilder::<D>::new(shape[0], shape[1] * groups(options), kernel)
            .stride(sides::<D>(options, "stride", 1))
            .padding(sides::<D>(options, "padding", 0))
            .output_padding(sides::<D>(options, "output_padding", 0))
            .dilation(sides::<D>(options, "dilation", 1))
            .groups(groups(options))
            .bias(bias.is_some())
            .build(&mut Generator::new(0))
            .unwrap();
        assert_eq!(layer.weight.shape(), shape);
        (layer.weight, layer.bias) = (weight, bias);
        layer
    }

    fn check_transposed<const D: usize>(&self, layer: &ConvTranspose<D, T>)
    where
        ConvTranspose<D, T>: Module<T>,
    {
        let mut parameters = vec![("weight", &layer.weight)];
        parameters.extend(layer.bias.as_ref().map(|bias| ("bias", bias)));
        self.check(&parameters, |x| layer.forward(x));
    }
}

fn padding<const D: usize>(options: &Value) -> Padding<D> {
    match options["padding"].as_str() {
        Some("same") => Padding::Same,
        Some("valid") => 0.into(),
        _ => sides::<D>(options, "padding", 0).into(),
    }
}

fn every_case<T: Float>(tolerance: f64) {
    let goldens = Goldens::<T>::load("convolution");
    for case in &goldens.cases {
        let options = &case["options"];
        let kernel = || sides::<1>(options, "kernel_size", 0);
        let stride = |default: Sides<1>| sides::<1>(options, "stride", default.0[0]);
        let ceil_mode = options["ceil_mode"] == true;
        let case = Case { goldens: &goldens, golden: case, tolerance };
        match op(case.golden) {
            "conv1d" => case.check_conv(&case.conv::<1>(padding(options), None)),
            "conv2d_same" => case.check_conv(&case.conv::<2>(Padding::Same, None)),
            "padded_conv2d" => {
                let mode = match options["mode"].as_str().unwrap() {
                    "reflect" => PadMode::Reflect,
                    "replicate" => PadMode::Replicate,
                    _ => PadMode::Circular,
                };
                case.check_conv(&case.conv::<2>(padding(options), Some(mode)));
            }
            "conv_transpose1d" => case.check_transposed(&case.transposed::<1>()),
            "conv_transpose2d" => case.check_transposed(&case.transposed::<2>()),
            "conv_transpose2d_to" => {
                let layer = case.transposed::<2>();
                case.check(&[("weight", &layer.weight)], |x| {
                    layer.forward_to(x, sides::<2>(options, "output_size", 0))
                });
            }
            "encoder_decoder" => encoder_decoder(&case),
            "max_pool1d" => {
                let layer = MaxPool1d::new(kernel())
                    .stride(stride(kernel()))
                    .padding(sides::<1>(options, "padding", 0))
                    .dilation(sides::<1>(options, "dilation", 1))
                    .ceil_mode(ceil_mode);
                case.check_places(|x| layer.forward_with_indices(x));
                case.check(&[], |x| layer.forward(x));
            }
            "avg_pool1d" => {
                let layer = AvgPool1d::new(kernel())
                    .stride(stride(kernel()))
                    .padding(sides::<1>(options, "padding", 0))
                    .ceil_mode(ceil_mode)
                    .count_include_pad(options["count_include_pad"] != false);
                case.check(&[], |x| layer.forward(x));
            }
            "adaptive_avg_pool1d" => {
                let layer = AdaptiveAvgPool1d::new(sides::<1>(options, "output_size", 0));
                case.check(&[], |x| layer.forward(x));
            }
            "adaptive_max_pool1d" => {
                let layer = AdaptiveMaxPool1d::new(sides::<1>(options, "output_size", 0));
                case.check_places(|x| layer.forward_with_indices(x));
            }
            "adaptive_max_pool2d" => {
                let layer = AdaptiveMaxPool2d::new(sides::<2>(options, "output_size", 0));
                case.check_places(|x| layer.forward_with_indices(x));
            }
            "lp_pool1d" => {
                let p = options["norm_type"].as_f64().unwrap();
                let layer = LPPool1d::new(p, kernel()).stride(stride(kernel())).ceil_mode(ceil_mode);
                case.check(&[], |x| layer.forward(x));
            }
            "lp_pool2d" => {
                let kernel = sides::<2>(options, "kernel_size", 0);
                let mut layer = LPPool2d::new(options["norm_type"].as_f64().unwrap(), kernel);
                if !options["stride"].is_null() {
                    layer = layer.stride(sides::<2>(options, "stride", 0));
                }
                case.check(&[], |x| layer.forward(x));
            }
            "unfold" => case.check(&[], |x| windows(options).forward(x)),
            "fold" => {
                let layer = Fold::new(sides::<2>(options, "output_size", 0), windows(options));
                case.check(&[], |x| layer.forward(x));
            }
            other => panic!("{other} is not known"),
        }
    }
    assert!(goldens.cases.len() > 90, "{}", goldens.cases.len());
}

fn windows(options: &Value) -> Unfold {
    Unfold::new(sides::<2>(options, "kernel_size", 0))
        .stride(sides::<2>(options, "stride", 1))
        .padding(sides::<2>(options, "padding", 0))
        .dilation(sides::<2>(options, "dilation", 1))
}

/// A convolution before a transposed one: its weight's gradient has passed through the layer behind it.
fn encoder_decoder<T: Float>(case: &Case<T>) {
    let mut generator = Generator::new(0);
    let leaf = |name: &str| case.leaf(name).unwrap();
    let mut encoder: Conv1d<T> =
        ConvBuilder::new(2, 3, 3).stride(2).padding(1).build(&mut generator).unwrap();
    let mut decoder: ConvTranspose1d<T> = ConvTransposeBuilder::new(3, 2, 3)
        .stride(2)
        .padding(1)
        .output_padding(1)
        .build(&mut generator)
        .unwrap();
    (encoder.weight, encoder.bias) = (leaf("weight0"), Some(leaf("bias0")));
    (decoder.weight, decoder.bias) = (leaf("weight1"), Some(leaf("bias1")));
    let parameters = [
        ("weight0", &encoder.weight),
        ("bias0", encoder.bias.as_ref().unwrap()),
        ("weight1", &decoder.weight),
        ("bias1", decoder.bias.as_ref().unwrap()),
    ];
    case.check(&parameters, |x| decoder.forward(&encoder.forward(x)?.tanh()?));
}

#[test]
fn every_case_in_f64() {
    every_case::<f64>(1e-12);
}

#[test]
fn every_case_in_f32() {
    every_case::<f32>(1e-5);
}

#[test]
fn the_true_convolution_turns_the_kernel() {
    let x = Tensor::from([[[1.0, 2.0, 4.0, 8.0]]]);
    let mut layer: Conv1d = Conv1d::builder(1, 1, 2)
        .bias(false)
        .kernel(barehand_nn::ConvKernel::Convolution)
        .build(&mut Generator::new(0))
        .unwrap();
    layer.weight = Tensor::from([[[1.0, 10.0]]]);
    assert_eq!(layer.forward(&x).unwrap().to_vec(), [12.0, 24.0, 48.0]);
    layer.options.kernel = barehand_nn::ConvKernel::CrossCorrelation;
    assert_eq!(layer.forward(&x).unwrap().to_vec(), [21.0, 42.0, 84.0]);
}

#[test]
fn wrong_uses_are_refused_in_words() {
    let mut generator = Generator::new(0);
    let says = |result: Result<Tensor>, words: &str| {
        let error = result.unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    };
    let layer: Conv1d = Conv1d::builder(3, 4, 5).build(&mut generator).unwrap();
    says(layer.forward(&Tensor::zeros([2, 3, 4])), "does not fit an input of [4]");
    says(layer.forward(&Tensor::zeros([2, 2, 8])), "the weight's second axis must be 2");
    says(layer.forward(&Tensor::zeros([2, 3, 8, 8])), "(N, C, L)");
    let strided = Conv1d::builder(1, 1, 3).stride(2).padding(Padding::Same).build::<f32>(&mut generator);
    assert!(strided.err().unwrap().to_string().contains("stride 1"));
    let transposed =
        ConvTranspose1d::builder(1, 1, 3).stride(2).output_padding(2).build::<f32>(&mut generator);
    assert!(transposed.err().unwrap().to_string().contains("must be below the stride"));
    let layer: ConvTranspose2d = ConvTranspose2d::builder(2, 1, 3).padding(2).build(&mut generator).unwrap();
    says(layer.forward(&Tensor::zeros([1, 2, 1, 1])), "nothing is left");
    says(layer.forward(&Tensor::zeros([1, 3, 5, 5])), "the weight's first axis must be 3");
    says(layer.forward_to(&Tensor::zeros([1, 2, 5, 5]), 9), "cannot become");
    says(Unfold::new(4).forward(&Tensor::zeros([1, 1, 3, 3])), "do not fit");
    says(Fold::new(3, Unfold::new(2)).forward(&Tensor::zeros([1, 4, 5])), "(N, a multiple of 4, 4) expected");
    says(AdaptiveMaxPool1d::new(0).forward(&Tensor::zeros([1, 1, 3])), "no side may be 0");
    says(Tensor::zeros([1, 1, 3]).pad_with(&[(0, 0), (0, 0), (3, 0)], PadMode::Reflect), "too many");
}
