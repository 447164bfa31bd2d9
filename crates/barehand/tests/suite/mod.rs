//! Every heavy operator, forward and backward, at sizes that more than one thread pays for, and a small training.

use barehand_nn::models::Cnn;
use barehand_nn::{Adam, Module, Optimizer, Parameters, cross_entropy};
use barehand_tensor::{
    AttentionDropout, AttentionOptions, AvgPool2dOptions, Causal, Conv1dOptions, Conv2dOptions,
    ConvTranspose2dOptions, CrossEntropyOptions, Float, Generator, MaxPool2dOptions, RecurrentCell,
    RecurrentWeights, Result, RopeOptions, Tensor,
};

/// A named computation over two random operands of given shapes.
pub struct Operator<T: Float> {
    pub name: &'static str,
    shapes: &'static [&'static [usize]],
    compute: fn(&[Tensor<T>]) -> Result<Tensor<T>>,
}

impl<T: Float> Operator<T> {
    /// The output and the gradient of every operand.
    pub fn run(&self) -> Vec<Tensor<T>> {
        let mut generator = Generator::new(7);
        // Drawn in single precision, so that both precisions compute with the same numbers.
        let mut draw = |shape: &[usize]| Tensor::<f32>::randn(shape, &mut generator).cast::<T>();
        let operands: Vec<Tensor<T>> = self.shapes.iter().map(|shape| draw(shape).requires_grad()).collect();
        let y = (self.compute)(&operands).unwrap();
        let gradients = y.backward_with(&draw(y.shape())).unwrap();
        let gradients = operands.iter().map(|operand| gradients.of(operand).unwrap().clone());
        std::iter::once(y.detach()).chain(gradients).collect()
    }
}

/// The operators; matrix products come in every way they are computed: tall, wide, deep, batched, transposed.
pub fn operators<T: Float>() -> Vec<Operator<T>> {
    macro_rules! operators {
        ($($name:literal, $shapes:expr, $compute:expr;)*) => {
            vec![$(Operator { name: $name, shapes: &$shapes, compute: $compute }),*]
        };
    }
    operators! {
        "add", [&[400, 301], &[301]], |x| x[0].add(&x[1]);
        "mul", [&[400, 301], &[400, 1]], |x| x[0].mul(&x[1]);
        "div", [&[400, 301], &[400, 301]], |x| x[0].div(&x[1].square()?.add_scalar(0.5)?);
        "exp", [&[400, 301]], |x| x[0].exp();
        "tanh", [&[400, 301]], |x| x[0].tanh();
        "sigmoid", [&[400, 301]], |x| x[0].sigmoid();
        "gelu", [&[400, 301]], |x| x[0].gelu();
        "mish", [&[400, 301]], |x| x[0].mish();
        "gelu of a transpose", [&[400, 301]], |x| x[0].t()?.gelu();
        "sum", [&[400, 301]], |x| x[0].sum();
        "sum of columns", [&[400, 301]], |x| x[0].sum_dim(0, false);
        "sum of rows", [&[400, 301]], |x| x[0].sum_dim(1, false);
        "variance", [&[400, 301]], |x| x[0].var_dim(0, 1.0, false);
        "amax", [&[400, 301]], |x| x[0].amax(1, false);
        "logsumexp", [&[400, 301]], |x| x[0].logsumexp(1, false);
        "cumsum", [&[400, 301]], |x| x[0].cumsum(0);
        "softmax", [&[400, 301]], |x| x[0].softmax(-1);
        "softmax along columns", [&[400, 301]], |x| x[0].softmax(0);
        "log_softmax", [&[400, 301]], |x| x[0].log_softmax(-1);
        "cross entropy", [&[400, 301]], |x| {
            let targets: Vec<i64> = (0..400).map(|i| i * 7 % 301).collect();
            x[0].cross_entropy(&Tensor::from(targets), &CrossEntropyOptions { label_smoothing: 0.1, ..Default::default() })
        };
        "layer_norm", [&[400, 301], &[301], &[301]], |x| x[0].layer_norm(Some(&x[1]), Some(&x[2]), 1e-5);
        "batch_norm", [&[16, 12, 30, 30], &[12], &[12]], |x| Ok(x[0].batch_norm_train(Some(&x[1]), Some(&x[2]), 1e-5)?.0);
        "attention", [&[2, 3, 150, 20], &[2, 3, 150, 20], &[2, 3, 150, 24]], |x| {
            let options = AttentionOptions { causal: Some(Causal::UpperLeft), ..Default::default() };
            x[0].scaled_dot_product_attention(&x[1], &x[2], &options)
        };
        "attention, grouped, long keys, dropout", [&[1, 4, 70, 32], &[1, 2, 1200, 32], &[1, 2, 1200, 32]], |x| {
            let dropout = Some(AttentionDropout { p: 0.1, generator: Generator::new(5) });
            x[0].scaled_dot_product_attention(
                &x[1],
                &x[2],
                &AttentionOptions { dropout, enable_gqa: true, ..Default::default() },
            )
        };
        "rope", [&[4, 300, 64]], |x| x[0].rope(&RopeOptions::default());
        "matmul", [&[190, 170], &[170, 150]], |x| x[0].matmul(&x[1]);
        "matmul, transposed", [&[170, 190], &[150, 170]], |x| x[0].t()?.matmul(&x[1].t()?);
        "matmul, tall", [&[3000, 70], &[70, 20]], |x| x[0].matmul(&x[1]);
        "matmul, wide", [&[8, 300], &[300, 2000]], |x| x[0].matmul(&x[1]);
        "matmul, deep", [&[20, 9000], &[9000, 24]], |x| x[0].matmul(&x[1]);
        "matmul, batched", [&[24, 40, 60], &[24, 60, 50]], |x| x[0].matmul(&x[1]);
        "linear", [&[300, 120], &[90, 120], &[90]], |x| x[0].linear(&x[1], Some(&x[2]));
        "rnn", [&[384, 40], &[48, 40], &[48, 48], &[48], &[48]], |x| recurrent(RecurrentCell::RnnTanh, x);
        "lstm", [&[384, 40], &[192, 40], &[192, 48], &[192], &[192]], |x| recurrent(RecurrentCell::Lstm, x);
        "gru", [&[384, 40], &[144, 40], &[144, 48], &[144], &[144]], |x| recurrent(RecurrentCell::Gru, x);
        "conv2d", [&[8, 8, 26, 26], &[16, 8, 3, 3], &[16]], |x| x[0].conv2d(&x[1], Some(&x[2]), Conv2dOptions::default());
        "conv2d, strided and grouped", [&[8, 8, 41, 43], &[32, 4, 5, 3]], |x| {
            let options = Conv2dOptions { stride: [2, 2], padding: [2, 1], dilation: [1, 2], groups: 2, ..Default::default() };
            x[0].conv2d(&x[1], None, options)
        };
        "conv2d, many channels", [&[8, 24, 26, 26], &[40, 24, 3, 3], &[40]], |x| {
            x[0].conv2d(&x[1], Some(&x[2]), Conv2dOptions::default())
        };
        "conv2d, depthwise", [&[8, 24, 26, 26], &[24, 1, 3, 3], &[24]], |x| {
            x[0].conv2d(&x[1], Some(&x[2]), Conv2dOptions { groups: 24, padding: [1, 1], ..Default::default() })
        };
        "conv2d, few channels", [&[8, 3, 40, 44], &[32, 3, 7, 7]], |x| {
            x[0].conv2d(&x[1], None, Conv2dOptions { stride: [2, 2], padding: [3, 3], ..Default::default() })
        };
        "conv1d", [&[8, 16, 400], &[24, 16, 3], &[24]], |x| {
            x[0].conv1d(&x[1], Some(&x[2]), Conv1dOptions::default())
        };
        "conv_transpose2d", [&[8, 16, 15, 14], &[16, 8, 4, 4], &[8]], |x| {
            let options = ConvTranspose2dOptions { stride: [2, 2], padding: [1, 1], ..Default::default() };
            x[0].conv_transpose2d(&x[1], Some(&x[2]), options)
        };
        "max_pool2d", [&[8, 12, 60, 60]], |x| x[0].max_pool2d(MaxPool2dOptions::new([2, 2]));
        "avg_pool2d", [&[8, 12, 60, 60]], |x| x[0].avg_pool2d(AvgPool2dOptions::new([2, 2]));
        "dropout", [&[400, 301]], |x| x[0].dropout(0.3, &mut Generator::new(3));
        "index_select", [&[400, 301]], |x| x[0].index_select(0, &Tensor::from((0..800).map(|i| i * 3 % 400).collect::<Vec<i64>>()));
    }
}

/// A layer over sequences of different lengths, its weights small enough that steps do not double what is rounded.
fn recurrent<T: Float>(cell: RecurrentCell, x: &[Tensor<T>]) -> Result<Tensor<T>> {
    let (weight_ih, weight_hh) = (x[1].mul_scalar(0.1)?, x[2].mul_scalar(0.1)?);
    let weights = RecurrentWeights {
        weight_ih: &weight_ih,
        weight_hh: &weight_hh,
        bias: Some([&x[3], &x[4]]),
        weight_hr: None,
    };
    Ok(x[0].recurrent(cell, &[60, 60, 60, 50, 50, 40, 40, 24], false, weights, None, None)?.out)
}

/// The losses of a small CNN over 20 steps of Adam, with dropout, and its parameters at the end.
pub fn training() -> Vec<Tensor<f32>> {
    let mut generator = Generator::new(11);
    let images = Tensor::<f32>::randn([48, 1, 14, 14], &mut generator);
    let labels = Tensor::<i64>::randint(0, 10, [48], &mut generator).unwrap();
    let mut model: Cnn = Cnn::builder(1, [14, 14], 10).dropout(0.25).build(&mut generator).unwrap();
    let mut optimizer = Adam::builder(1e-3).build().unwrap();
    let mut results = Vec::new();
    for _ in 0..20 {
        let loss = cross_entropy(&model.forward(&images).unwrap(), &labels).unwrap();
        optimizer.step(&mut model, &loss.backward().unwrap()).unwrap();
        results.push(loss.detach());
    }
    let (first, last) = (results[0].item().unwrap(), results[19].item().unwrap());
    assert!(last < first - 0.1, "nothing was learnt: the loss went from {first} to {last}");
    results.extend(model.named_parameters().into_iter().map(|(_, parameter)| parameter.detach()));
    results
}
