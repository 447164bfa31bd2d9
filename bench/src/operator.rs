//! One operator on random numbers: forward alone, or with the gradients of everything that it takes.

use std::collections::BTreeMap;

use barehand_bench_protocol::{Result, Settings, Work};
use barehand_nn::{
    BprLoss, ContrastiveLoss, CosineEmbeddingLoss, FocalLoss, Generator, InfoNceLoss, KlDivLoss,
    PairwiseDistance, Tensor, TripletMarginLoss, bce_with_logits_loss, cross_entropy, mse_loss,
    smooth_l1_loss,
};
use barehand_tensor::safetensors::Archive;
use barehand_tensor::{
    AttentionMask, AttentionOptions, AvgPool2dOptions, Causal, Conv1dOptions, Conv2dOptions,
    ConvTranspose2dOptions, EmbeddingOptions, MaxPool2dOptions, RopeLayout, RopeOptions,
};

/// What an operator takes: reals by their names, for some the classes (or places in a table) of its rows, for some what its
/// outputs should have been.
struct Inputs {
    reals: BTreeMap<String, Tensor>,
    labels: Option<Tensor<i64>>,
    targets: Option<Tensor>,
    generator: Generator,
}

impl Inputs {
    fn real(&self, name: &str) -> &Tensor {
        &self.reals[name]
    }

    fn targets(&self) -> Result<&Tensor> {
        Ok(self.targets.as_ref().ok_or("no targets")?)
    }
}

struct Operator {
    name: &'static str,
    reals: &'static [(&'static str, &'static [usize])],
    /// Rows and the classes among which each has one.
    labels: Option<(usize, usize)>,
    /// The shape of numbers in [0, 1) that take no gradient.
    targets: Option<&'static [usize]>,
    /// Whether sides can agree on nothing but how many zeros come out.
    is_random: bool,
    apply: fn(&mut Inputs) -> Result<Tensor>,
}

const fn operator(
    name: &'static str,
    reals: &'static [(&'static str, &'static [usize])],
    apply: fn(&mut Inputs) -> Result<Tensor>,
) -> Operator {
    Operator { name, reals, labels: None, targets: None, is_random: false, apply }
}

/// One that is told what its outputs should have been.
const fn towards(
    name: &'static str,
    reals: &'static [(&'static str, &'static [usize])],
    targets: &'static [usize],
    apply: fn(&mut Inputs) -> Result<Tensor>,
) -> Operator {
    Operator { name, reals, labels: None, targets: Some(targets), is_random: false, apply }
}

const IMAGES: &[usize] = &[32, 64, 56, 56];
const ROWS: &[usize] = &[4096, 1024];

/// A convolution whose kernel keeps the size of an image, or halves it.
fn convolved(inputs: &Inputs, stride: usize, groups: usize) -> Result<Tensor> {
    let (x, w) = (inputs.real("x"), inputs.real("w"));
    let padding = [w.shape()[2] / 2; 2];
    Ok(x.conv2d(w, None, Conv2dOptions { stride: [stride; 2], padding, groups, ..Default::default() })?)
}

fn attended(inputs: &mut Inputs) -> Result<Tensor> {
    let options = AttentionOptions { causal: Some(Causal::UpperLeft), ..Default::default() };
    Ok(inputs.real("q").scaled_dot_product_attention(inputs.real("k"), inputs.real("v"), &options)?)
}

/// One token, which attends to all that are in a cache.
fn decoded(inputs: &mut Inputs) -> Result<Tensor> {
    let options = AttentionOptions { enable_gqa: true, ..Default::default() };
    Ok(inputs.real("q").scaled_dot_product_attention(inputs.real("k"), inputs.real("v"), &options)?)
}

/// Sequences of 64, 128, ... to 512 tokens, padded to the longest.
fn padded(inputs: &mut Inputs) -> Result<Tensor> {
    let (n, length) = (HEADS[0], HEADS[2]);
    let padding = (0..n * length).map(|i| i % length >= (i / length + 1) * length / n).collect();
    let mask = AttentionMask::KeyPadding(Tensor::from_vec(padding, [n, length])?);
    let options = AttentionOptions { mask: Some(mask), ..Default::default() };
    Ok(inputs.real("q").scaled_dot_product_attention(inputs.real("k"), inputs.real("v"), &options)?)
}

/// The feed-forward part of Llama, without a layer around its weights.
fn swiglu(inputs: &mut Inputs) -> Result<Tensor> {
    let x = inputs.real("x");
    let hidden = x.linear(inputs.real("gate"), None)?.silu()?.mul(&x.linear(inputs.real("up"), None)?)?;
    Ok(hidden.linear(inputs.real("down"), None)?)
}

/// Queries, keys and values: (batch, heads, length, width of a head).
const HEADS: &[usize] = &[8, 8, 512, 64];
const LONG_HEADS: &[usize] = &[1, 12, 2048, 64];
const HEADS_4096: &[usize] = &[8, 8, 4096, 64];
const TOKEN: &[usize] = &[1, 12, 1, 64];
const SHARED_HEADS: &[usize] = &[1, 4, 2048, 64];

const SWIGLU: &[(&str, &[usize])] =
    &[("x", &[2048, 512]), ("gate", &[1376, 512]), ("up", &[1376, 512]), ("down", &[512, 1376])];
const NUMBERS: &[usize] = &[4_000_000];
/// Embeddings that are compared.
const PAIRS: &[usize] = &[16_384, 256];
/// A number for each pair.
const TOGETHER: &[usize] = &[16_384];
/// Embeddings of which each is compared with all.
const VIEWS: &[usize] = &[1024, 256];

const OPERATORS: &[Operator] = &[
    operator("attention", &[("q", HEADS), ("k", HEADS), ("v", HEADS)], attended),
    operator("attention_long", &[("q", LONG_HEADS), ("k", LONG_HEADS), ("v", LONG_HEADS)], attended),
    operator("attention_4096", &[("q", HEADS_4096), ("k", HEADS_4096), ("v", HEADS_4096)], attended),
    operator("attention_padded", &[("q", HEADS), ("k", HEADS), ("v", HEADS)], padded),
    operator("decode", &[("q", TOKEN), ("k", LONG_HEADS), ("v", LONG_HEADS)], decoded),
    operator("decode_grouped", &[("q", TOKEN), ("k", SHARED_HEADS), ("v", SHARED_HEADS)], decoded),
    operator("rope", &[("x", HEADS)], |inputs| {
        Ok(inputs.real("x").rope(&RopeOptions { layout: RopeLayout::HalfSplit, ..Default::default() })?)
    }),
    operator("conv3x3", &[("x", IMAGES), ("w", &[64, 64, 3, 3])], |inputs| convolved(inputs, 1, 1)),
    operator("conv7x7", &[("x", &[32, 3, 224, 224]), ("w", &[64, 3, 7, 7])], |inputs| {
        convolved(inputs, 2, 1)
    }),
    operator("depthwise", &[("x", IMAGES), ("w", &[64, 1, 3, 3])], |inputs| convolved(inputs, 1, 64)),
    operator("conv1d", &[("x", &[32, 64, 1024]), ("w", &[64, 64, 5])], |inputs| {
        let options = Conv1dOptions { padding: [2], ..Default::default() };
        Ok(inputs.real("x").conv1d(inputs.real("w"), None, options)?)
    }),
    operator("conv_transpose2d", &[("x", &[32, 64, 28, 28]), ("w", &[64, 32, 4, 4])], |inputs| {
        let options = ConvTranspose2dOptions { stride: [2; 2], padding: [1; 2], ..Default::default() };
        Ok(inputs.real("x").conv_transpose2d(inputs.real("w"), None, options)?)
    }),
    operator("max_pool2d", &[("x", IMAGES)], |inputs| {
        Ok(inputs.real("x").max_pool2d(MaxPool2dOptions::new([2, 2]))?)
    }),
    operator("avg_pool2d", &[("x", IMAGES)], |inputs| {
        Ok(inputs.real("x").avg_pool2d(AvgPool2dOptions::new([2, 2]))?)
    }),
    operator("batch_norm", &[("x", IMAGES), ("w", &[64]), ("b", &[64])], |inputs| {
        let (w, b) = (Some(inputs.real("w")), Some(inputs.real("b")));
        Ok(inputs.real("x").batch_norm_train(w, b, 1e-5)?.0)
    }),
    operator("layer_norm", &[("x", ROWS), ("w", &[1024]), ("b", &[1024])], |inputs| {
        Ok(inputs.real("x").layer_norm(Some(inputs.real("w")), Some(inputs.real("b")), 1e-5)?)
    }),
    operator("rms_norm", &[("x", ROWS), ("w", &[1024])], |inputs| {
        Ok(inputs.real("x").rms_norm(1, Some(inputs.real("w")), Some(1e-6))?)
    }),
    operator("group_norm", &[("x", IMAGES), ("w", &[64]), ("b", &[64])], |inputs| {
        Ok(inputs.real("x").group_norm(8, Some(inputs.real("w")), Some(inputs.real("b")), 1e-5)?)
    }),
    operator("instance_norm", &[("x", IMAGES), ("w", &[64]), ("b", &[64])], |inputs| {
        Ok(inputs.real("x").instance_norm(Some(inputs.real("w")), Some(inputs.real("b")), 1e-5)?)
    }),
    operator("relu", &[("x", ROWS)], |inputs| Ok(inputs.real("x").relu()?)),
    operator("sigmoid", &[("x", ROWS)], |inputs| Ok(inputs.real("x").sigmoid()?)),
    operator("tanh", &[("x", ROWS)], |inputs| Ok(inputs.real("x").tanh()?)),
    operator("silu", &[("x", ROWS)], |inputs| Ok(inputs.real("x").silu()?)),
    operator("mish", &[("x", ROWS)], |inputs| Ok(inputs.real("x").mish()?)),
    operator("softplus", &[("x", ROWS)], |inputs| Ok(inputs.real("x").softplus(1.0, 20.0)?)),
    operator("softmax", &[("x", ROWS)], |inputs| Ok(inputs.real("x").softmax(-1)?)),
    operator("gelu", &[("x", ROWS)], |inputs| Ok(inputs.real("x").gelu()?)),
    operator("gelu_tanh", &[("x", ROWS)], |inputs| Ok(inputs.real("x").gelu_tanh()?)),
    Operator {
        labels: Some((4096, 32_000)),
        ..operator("cross_entropy", &[("x", &[4096, 32_000])], |inputs| {
            let labels = inputs.labels.as_ref().ok_or("no labels")?;
            Ok(cross_entropy(inputs.real("x"), labels)?)
        })
    },
    operator("swiglu", SWIGLU, swiglu),
    Operator {
        labels: Some((4096, 32_000)),
        ..operator("embedding", &[("w", &[32_000, 512])], |inputs| {
            let ids = inputs.labels.as_ref().ok_or("no labels")?;
            Ok(inputs.real("w").embedding(ids, EmbeddingOptions::default())?)
        })
    },
    towards("mse", &[("x", NUMBERS)], NUMBERS, |inputs| Ok(mse_loss(inputs.real("x"), inputs.targets()?)?)),
    towards("smooth_l1", &[("x", NUMBERS)], NUMBERS, |inputs| {
        Ok(smooth_l1_loss(inputs.real("x"), inputs.targets()?)?)
    }),
    towards("bce_with_logits", &[("x", NUMBERS)], NUMBERS, |inputs| {
        Ok(bce_with_logits_loss(inputs.real("x"), inputs.targets()?)?)
    }),
    towards("focal", &[("x", NUMBERS)], NUMBERS, |inputs| {
        Ok(FocalLoss::default().forward(inputs.real("x"), inputs.targets()?)?)
    }),
    towards("kl_div", &[("x", ROWS)], ROWS, |inputs| {
        Ok(KlDivLoss::default().forward(inputs.real("x"), inputs.targets()?)?)
    }),
    operator("bpr", &[("x", NUMBERS), ("y", NUMBERS)], |inputs| {
        Ok(BprLoss::default().forward(inputs.real("x"), inputs.real("y"))?)
    }),
    operator("pairwise_distance", &[("x", PAIRS), ("y", PAIRS)], |inputs| {
        Ok(PairwiseDistance::default().forward(inputs.real("x"), inputs.real("y"))?)
    }),
    towards("contrastive", &[("x", PAIRS), ("y", PAIRS)], TOGETHER, |inputs| {
        Ok(ContrastiveLoss::default().forward(inputs.real("x"), inputs.real("y"), inputs.targets()?)?)
    }),
    towards("cosine_embedding", &[("x", PAIRS), ("y", PAIRS)], TOGETHER, |inputs| {
        let sides = inputs.targets()?.add_scalar(-0.5)?.sign()?;
        Ok(CosineEmbeddingLoss::default().forward(inputs.real("x"), inputs.real("y"), &sides)?)
    }),
    operator("triplet", &[("x", PAIRS), ("y", PAIRS), ("z", PAIRS)], |inputs| {
        let [anchor, positive, negative] = ["x", "y", "z"].map(|name| inputs.real(name));
        Ok(TripletMarginLoss::default().forward(anchor, positive, negative)?)
    }),
    operator("info_nce", &[("x", VIEWS), ("y", VIEWS)], |inputs| {
        Ok(InfoNceLoss::default().forward(inputs.real("x"), inputs.real("y"))?)
    }),
    Operator {
        is_random: true,
        ..operator("dropout", &[("x", NUMBERS)], |inputs| {
            Ok(inputs.reals["x"].dropout(0.5, &mut inputs.generator)?)
        })
    },
];

fn find(name: &str) -> Option<&'static Operator> {
    OPERATORS.iter().find(|operator| operator.name == name)
}

/// Writes the inputs, and the gradient that comes down to the output; `false` where no operator has this name.
pub fn prepare(name: &str, file: &str) -> Result<bool> {
    let Some(operator) = find(name) else { return Ok(false) };
    let mut generator = Generator::new(3);
    let draw = |&(name, shape): &(&str, &[usize])| (name.to_owned(), Tensor::randn(shape, &mut generator));
    let reals: BTreeMap<String, Tensor> = operator.reals.iter().map(draw).collect();
    let mut classes =
        |(rows, classes): (usize, usize)| Tensor::randint(0, classes as i64, [rows], &mut generator);
    let labels = operator.labels.map(&mut classes).transpose()?;
    let targets = operator.targets.map(|shape| Tensor::rand(shape, &mut generator));
    let mut inputs = Inputs { reals, labels, targets, generator };
    let output = (operator.apply)(&mut inputs)?;
    // To a loss comes down what `backward()` begins with.
    let grad = match output.shape() {
        [] => Tensor::scalar(1.0),
        shape => Tensor::<f32>::randn(shape, &mut inputs.generator),
    };
    let mut archive = Archive::default();
    archive.tensors.extend(inputs.reals.into_iter().map(|(name, tensor)| (name, tensor.into())));
    archive.tensors.extend(inputs.labels.map(|labels| ("labels".to_owned(), labels.into())));
    archive.tensors.extend(inputs.targets.map(|targets| ("targets".to_owned(), targets.into())));
    archive.tensors.insert("grad".into(), grad.into());
    archive.write(file)?;
    Ok(true)
}

struct Repeated {
    operator: &'static Operator,
    inputs: Inputs,
    grad: Tensor,
    with_gradients: bool,
}

/// Reads what [`prepare`] wrote; none where no operator has this name.
pub fn load(name: &str, file: &str) -> Result<Option<Box<dyn Work>>> {
    let Some(operator) = find(name) else { return Ok(None) };
    let mut tensors = Archive::read(file)?.tensors;
    let grad = tensors.remove("grad").ok_or("no grad")?.get()?;
    let labels = tensors.remove("labels").map(|labels| labels.get()).transpose()?;
    let targets = tensors.remove("targets").map(|targets| targets.get()).transpose()?;
    let reals = tensors.iter().map(|(name, tensor)| Ok((name.clone(), tensor.get()?)));
    let reals = reals.collect::<Result<_>>()?;
    let inputs = Inputs { reals, labels, targets, generator: Generator::new(4) };
    Ok(Some(Box::new(Repeated { operator, inputs, grad, with_gradients: false })))
}

/// What sides compare: the mean size of the numbers.
fn mean_size(x: &Tensor) -> Result<f64> {
    Ok(f64::from(x.abs()?.mean()?.item()?))
}

impl Work for Repeated {
    fn start(&mut self, settings: &Settings) -> Result<bool> {
        self.with_gradients = settings.get("pass")? == "gradients";
        for tensor in self.inputs.reals.values_mut() {
            *tensor = if self.with_gradients { tensor.detach().requires_grad() } else { tensor.detach() };
        }
        Ok(true)
    }

    fn check(&mut self) -> Result<Vec<f64>> {
        let output = (self.operator.apply)(&mut self.inputs)?;
        if self.operator.is_random {
            let zeros = output.to_vec().iter().filter(|x| **x == 0.0).count();
            return Ok(vec![zeros as f64 / output.len() as f64]);
        }
        let mut numbers = vec![mean_size(&output.detach())?];
        if self.with_gradients {
            let gradients = output.backward_with(&self.grad)?;
            for &(name, _) in self.operator.reals {
                let gradient = gradients.of(self.inputs.real(name))?;
                numbers.push(mean_size(gradient)?);
            }
        }
        Ok(numbers)
    }

    fn run(&mut self, count: usize) -> Result<()> {
        for _ in 0..count {
            let output = (self.operator.apply)(&mut self.inputs)?;
            if self.with_gradients {
                std::hint::black_box(output.backward_with(&self.grad)?);
            } else {
                std::hint::black_box(output);
            }
        }
        Ok(())
    }
}
