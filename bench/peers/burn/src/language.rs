//! A GPT of burn's own modules, on the flex backend with autodiff.

use std::collections::HashMap;

use barehand_bench_protocol::{Result, Settings, Work};
use burn::module::{Module, Param};
use burn::nn::loss::{CrossEntropyLoss, CrossEntropyLossConfig};
use burn::nn::{Embedding, EmbeddingConfig, LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::optim::{AdamWConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::activation::gelu;
use burn::tensor::module::attention;
use burn::tensor::ops::AttentionModuleOptions;
use burn::tensor::{Device, Int, Tensor, TensorData};
use safetensors::SafeTensors;

#[derive(Module, Debug)]
struct Block {
    ln_1: LayerNorm,
    c_attn: Linear,
    attn_proj: Linear,
    ln_2: LayerNorm,
    c_fc: Linear,
    mlp_proj: Linear,
    heads: usize,
}

impl Block {
    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let x = x.clone() + self.attention(self.ln_1.forward(x));
        x.clone() + self.mlp_proj.forward(gelu(self.c_fc.forward(self.ln_2.forward(x))))
    }

    fn attention(&self, x: Tensor<3>) -> Tensor<3> {
        let [batch, length, width] = x.dims();
        let parts = self.c_attn.forward(x).chunk(3, 2);
        let [q, k, v] = <[Tensor<3>; 3]>::try_from(parts)
            .expect("three times the width")
            .map(|part| part.reshape([batch, length, self.heads, width / self.heads]).swap_dims(1, 2));
        let options = AttentionModuleOptions { is_causal: true, ..Default::default() };
        let y = attention(q, k, v, None, None, options);
        self.attn_proj.forward(y.swap_dims(1, 2).reshape([batch, length, width]))
    }
}

#[derive(Module, Debug)]
struct Gpt {
    wte: Embedding,
    wpe: Embedding,
    blocks: Vec<Block>,
    ln_f: LayerNorm,
    head: Linear,
}

/// Weights by their names.
struct Weights<'a> {
    tensors: &'a HashMap<String, TensorData>,
    device: &'a Device,
}

impl Weights<'_> {
    fn data(&self, name: &str) -> Result<TensorData> {
        Ok(self.tensors.get(name).cloned().ok_or(format!("no {name}"))?)
    }

    fn linear(&self, name: &str, with_bias: bool) -> Result<Linear> {
        let weight = self.data(&format!("{name}.weight"))?;
        let [outputs, inputs] = weight.shape().dims();
        let mut layer = LinearConfig::new(inputs, outputs).with_bias(with_bias).init(self.device);
        // burn keeps (inputs, outputs).
        let transposed = Tensor::<2>::from_data(weight, self.device).transpose().into_data();
        layer.weight = Param::from_data(transposed, self.device);
        if with_bias {
            layer.bias = Some(Param::from_data(self.data(&format!("{name}.bias"))?, self.device));
        }
        Ok(layer)
    }

    fn norm(&self, name: &str) -> Result<LayerNorm> {
        let weight = self.data(&format!("{name}.weight"))?;
        let [width] = weight.shape().dims();
        let mut layer = LayerNormConfig::new(width).init(self.device);
        layer.gamma = Param::from_data(weight, self.device);
        layer.beta = Some(Param::from_data(self.data(&format!("{name}.bias"))?, self.device));
        Ok(layer)
    }

    fn embedding(&self, name: &str) -> Result<Embedding> {
        let weight = self.data(&format!("{name}.weight"))?;
        let [rows, width] = weight.shape().dims();
        let mut layer = EmbeddingConfig::new(rows, width).init(self.device);
        layer.weight = Param::from_data(weight, self.device);
        Ok(layer)
    }

    fn block(&self, i: usize, heads: usize) -> Result<Block> {
        let at = |part: &str| format!("transformer.h.{i}.{part}");
        Ok(Block {
            ln_1: self.norm(&at("ln_1"))?,
            c_attn: self.linear(&at("attn.c_attn"), true)?,
            attn_proj: self.linear(&at("attn.c_proj"), true)?,
            ln_2: self.norm(&at("ln_2"))?,
            c_fc: self.linear(&at("mlp.c_fc"), true)?,
            mlp_proj: self.linear(&at("mlp.c_proj"), true)?,
            heads,
        })
    }

    fn gpt(&self, heads: usize) -> Result<Gpt> {
        let known = |i: &usize| self.tensors.contains_key(&format!("transformer.h.{i}.ln_1.weight"));
        Ok(Gpt {
            wte: self.embedding("transformer.wte")?,
            wpe: self.embedding("transformer.wpe")?,
            blocks: (0..).take_while(known).map(|i| self.block(i, heads)).collect::<Result<_>>()?,
            ln_f: self.norm("transformer.ln_f")?,
            head: self.linear("lm_head", false)?,
        })
    }
}

impl Gpt {
    fn forward(&self, tokens: Tensor<2, Int>) -> Tensor<3> {
        let mut x = self.wte.forward(tokens) + self.wpe.weight.val().unsqueeze();
        for block in &self.blocks {
            x = block.forward(x);
        }
        self.head.forward(self.ln_f.forward(x))
    }
}

struct Language {
    device: Device,
    weights: HashMap<String, TensorData>,
    tokens: Tensor<2, Int>,
    heads: usize,
    loss: CrossEntropyLoss,
    /// None only while the optimizer has it.
    model: Option<Gpt>,
    optimizer: ModuleOptimizer,
    batch: usize,
    at: usize,
}

/// The work of that name, none if it is no language model.
pub fn load(work: &str, file: &str) -> Result<Option<Box<dyn Work>>> {
    let heads = match work {
        "gpt" => 4,
        "gpt_wide" => 6,
        _ => return Ok(None),
    };
    let device = Device::flex().autodiff();
    let bytes = std::fs::read(file)?;
    let tensors = SafeTensors::deserialize(&bytes)?;
    let mut weights = HashMap::new();
    for (name, view) in tensors.iter().filter(|(name, _)| *name != "tokens") {
        let values: Vec<f32> =
            view.data().as_chunks().0.iter().map(|&word| f32::from_le_bytes(word)).collect();
        weights.insert(name.to_owned(), TensorData::new(values, view.shape().to_vec()));
    }
    let view = tensors.tensor("tokens")?;
    let tokens: Vec<i32> =
        view.data().as_chunks().0.iter().map(|&word| i64::from_le_bytes(word) as i32).collect();
    Ok(Some(Box::new(Language {
        tokens: Tensor::from_data(TensorData::new(tokens, view.shape().to_vec()), &device),
        weights,
        heads,
        loss: CrossEntropyLossConfig::new().init(&device),
        model: None,
        optimizer: AdamWConfig::new().init(),
        batch: 1,
        at: 0,
        device,
    })))
}

impl Work for Language {
    fn start(&mut self, settings: &Settings) -> Result<bool> {
        self.model = Some(Weights { tensors: &self.weights, device: &self.device }.gpt(self.heads)?);
        self.optimizer = AdamWConfig::new().with_epsilon(1e-8).with_weight_decay(0.01).init();
        self.batch = settings.number("batch")?;
        self.at = 0;
        Ok(true)
    }

    fn check(&mut self) -> Result<Vec<f64>> {
        let model = self.model.take().ok_or("`start` comes first")?;
        let [count, length] = self.tokens.dims();
        let rows = self.tokens.clone().narrow(0, self.at, self.batch);
        self.at = (self.at + self.batch) % (count - self.batch + 1);
        let logits = model.forward(rows.clone().narrow(1, 0, length - 1));
        let targets = rows.narrow(1, 1, length - 1).flatten(0, 1);
        let loss = self.loss.forward(logits.flatten(0, 1), targets);
        let gradients = GradientsParams::from_grads(loss.backward(), &model);
        self.model = Some(self.optimizer.step(1e-3, model, gradients));
        Ok(vec![f64::from(loss.into_scalar::<f32>())])
    }

    fn run(&mut self, count: usize) -> Result<()> {
        (0..count).try_for_each(|_| self.check().map(drop))
    }
}
