//! Operators alone, those of candle's that have gradients: a fast form that has none goes forward only. Its conv1d is not
//! among them, whose gradient for the weights is another than PyTorch's.

use std::collections::HashMap;

use barehand_bench_protocol::{Result, Settings, Work};
use candle_core::{D, DType, Device, Tensor, Var};
use candle_nn::{loss, ops, rotary_emb};

/// What an operator takes, by name; the flag says whether gradients are wanted.
type Apply = fn(&HashMap<String, Tensor>, bool) -> candle_core::Result<Tensor>;

const OPERATORS: &[(&str, Apply)] = &[
    ("bce_with_logits", |i, _| loss::binary_cross_entropy_with_logit(&i["x"], &i["targets"])),
    ("conv_transpose2d", |i, _| i["x"].conv_transpose2d(&i["w"], 1, 0, 2, 1)),
    ("decode", |i, _| decode(i)),
    ("embedding", |i, _| i["w"].index_select(&i["labels"], 0)),
    ("mse", |i, _| loss::mse(&i["x"], &i["targets"])),
    ("rms_norm", |i, gradients| {
        let norm = if gradients { ops::rms_norm_slow } else { ops::rms_norm };
        norm(&i["x"], &i["w"], 1e-6)
    }),
    ("rope", |i, gradients| {
        let rope = if gradients { rotary_emb::rope_slow } else { rotary_emb::rope };
        rope(&i["x"], &i["cos"], &i["sin"])
    }),
    ("swiglu", |i, _| {
        let hidden = (i["x"].matmul(&i["gate"].t()?)?.silu()? * i["x"].matmul(&i["up"].t()?)?)?;
        hidden.matmul(&i["down"].t()?)
    }),
];

/// Candle has no attention for the processor.
fn decode(i: &HashMap<String, Tensor>) -> candle_core::Result<Tensor> {
    let scores = (i["q"].matmul(&i["k"].t()?)? * (1.0 / (i["q"].dim(D::Minus1)? as f64).sqrt()))?;
    ops::softmax_last_dim(&scores)?.matmul(&i["v"])
}

/// In the order in which sides compare their gradients.
const REALS: &[&str] = &["q", "k", "v", "x", "w", "b", "gate", "up", "down"];

struct Operator {
    apply: Apply,
    inputs: HashMap<String, Tensor>,
    vars: Vec<Var>,
    grad: Tensor,
    with_gradients: bool,
}

/// Reads the inputs of an operator; none where candle has none of this name.
pub fn load(work: &str, file: &str) -> Result<Option<Box<dyn Work>>> {
    let Some(&(_, apply)) = OPERATORS.iter().find(|(name, _)| *name == work) else { return Ok(None) };
    let mut inputs = candle_core::safetensors::load(file, &Device::Cpu)?;
    let grad = inputs.remove("grad").ok_or("no grad")?;
    if let Some(labels) = inputs.get_mut("labels") {
        *labels = labels.to_dtype(DType::U32)?;
    }
    if work == "rope" {
        let (_, _, length, width) = inputs["x"].dims4()?;
        let angle = |t: usize, i: usize| t as f64 / 1e4_f64.powf(2.0 * i as f64 / width as f64);
        let table = |of: fn(f64) -> f64| -> candle_core::Result<Tensor> {
            let angles = (0..length).flat_map(|t| (0..width / 2).map(move |i| of(angle(t, i)) as f32));
            Tensor::from_iter(angles, &Device::Cpu)?.reshape((length, width / 2))
        };
        inputs.extend([("cos".into(), table(f64::cos)?), ("sin".into(), table(f64::sin)?)]);
    }
    Ok(Some(Box::new(Operator { apply, inputs, vars: Vec::new(), grad, with_gradients: false })))
}

impl Operator {
    fn output(&self) -> Result<Tensor> {
        Ok((self.apply)(&self.inputs, self.with_gradients)?)
    }

    /// The gradients of the variables, for the stored gradient of the output.
    fn gradients(&self, output: &Tensor) -> Result<Vec<Tensor>> {
        let store = (output * &self.grad)?.sum_all()?.backward()?;
        self.vars.iter().map(|var| Ok(store.get(var).ok_or("an input without a gradient")?.clone())).collect()
    }
}

impl Work for Operator {
    fn start(&mut self, settings: &Settings) -> Result<bool> {
        self.with_gradients = settings.get("pass")? == "gradients";
        self.vars.clear();
        for name in REALS {
            let Some(input) = self.inputs.get_mut(*name) else { continue };
            if self.with_gradients {
                let var = Var::from_tensor(&input.detach())?;
                *input = var.as_tensor().clone();
                self.vars.push(var);
            } else {
                *input = input.detach();
            }
        }
        Ok(true)
    }

    fn check(&mut self) -> Result<Vec<f64>> {
        let output = self.output()?;
        let mean = |x: &Tensor| -> Result<f64> { Ok(f64::from(x.abs()?.mean_all()?.to_scalar::<f32>()?)) };
        let mut numbers = vec![mean(&output)?];
        if self.with_gradients {
            numbers.extend(self.gradients(&output)?.iter().map(mean).collect::<Result<Vec<f64>>>()?);
        }
        Ok(numbers)
    }

    fn run(&mut self, count: usize) -> Result<()> {
        for _ in 0..count {
            let output = self.output()?;
            if self.with_gradients {
                std::hint::black_box(self.gradients(&output)?);
            } else {
                std::hint::black_box(output);
            }
        }
        Ok(())
    }
}
