//! A GPT as candle's users write it, of the operations that have gradients: its own layer norm and its softmax over the last
//! axis have none, so the composed ones stand here.

use std::collections::HashMap;

use barehand_bench_protocol::{Result, Settings, Work};
use candle_core::{D, DType, Device, Tensor, Var};
use candle_nn::{AdamW, Embedding, Linear, Module, Optimizer, ParamsAdamW, loss, ops};

struct Norm {
    weight: Tensor,
    bias: Tensor,
}

impl Norm {
    fn forward(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        ops::layer_norm_slow(x, &self.weight, &self.bias, 1e-5)
    }
}

struct Block {
    ln_1: Norm,
    c_attn: Linear,
    attn_proj: Linear,
    ln_2: Norm,
    c_fc: Linear,
    mlp_proj: Linear,
    heads: usize,
}

impl Block {
    fn forward(&self, x: &Tensor, mask: &Tensor) -> candle_core::Result<Tensor> {
        let x = (x + self.attention(&self.ln_1.forward(x)?, mask)?)?;
        &x + self.mlp_proj.forward(&self.c_fc.forward(&self.ln_2.forward(&x)?)?.gelu_erf()?)?
    }

    fn attention(&self, x: &Tensor, mask: &Tensor) -> candle_core::Result<Tensor> {
        let (batch, length, width) = x.dims3()?;
        let packed = self.c_attn.forward(x)?;
        let head = |i: usize| {
            let part = packed.narrow(D::Minus1, i * width, width)?;
            part.reshape((batch, length, self.heads, width / self.heads))?.transpose(1, 2)?.contiguous()
        };
        let (q, k, v) = (head(0)?, head(1)?, head(2)?);
        let scores = (q.matmul(&k.t()?)? * (1.0 / ((width / self.heads) as f64).sqrt()))?;
        let weights = ops::softmax(&scores.broadcast_add(mask)?, D::Minus1)?;
        let y = weights.matmul(&v)?.transpose(1, 2)?.reshape((batch, length, width))?;
        self.attn_proj.forward(&y)
    }
}

struct Gpt {
    wte: Embedding,
    wpe: Tensor,
    blocks: Vec<Block>,
    ln_f: Norm,
    head: Linear,
    mask: Tensor,
}

impl Gpt {
    fn new(vars: &HashMap<String, Var>, heads: usize) -> Result<Self> {
        let of = |name: &str| vars.get(name).map(|var| var.as_tensor().clone()).ok_or(format!("no {name}"));
        let linear = |name: &str| -> Result<Linear> {
            Ok(Linear::new(of(&format!("{name}.weight"))?, Some(of(&format!("{name}.bias"))?)))
        };
        let norm = |name: &str| -> Result<Norm> {
            Ok(Norm { weight: of(&format!("{name}.weight"))?, bias: of(&format!("{name}.bias"))? })
        };
        let layers =
            (0..).take_while(|i| vars.contains_key(&format!("transformer.h.{i}.ln_1.weight"))).count();
        let block = |i: usize| -> Result<Block> {
            let at = |part: &str| format!("transformer.h.{i}.{part}");
            Ok(Block {
                ln_1: norm(&at("ln_1"))?,
                c_attn: linear(&at("attn.c_attn"))?,
                attn_proj: linear(&at("attn.c_proj"))?,
                ln_2: norm(&at("ln_2"))?,
                c_fc: linear(&at("mlp.c_fc"))?,
                mlp_proj: linear(&at("mlp.c_proj"))?,
                heads,
            })
        };
        let wte = of("transformer.wte.weight")?;
        let wpe = of("transformer.wpe.weight")?;
        let (length, width) = wpe.dims2()?;
        let hidden =
            (0..length).flat_map(|i| (0..length).map(move |j| if j > i { f32::NEG_INFINITY } else { 0.0 }));
        Ok(Gpt {
            wte: Embedding::new(wte, width),
            mask: Tensor::from_iter(hidden, &Device::Cpu)?.reshape((length, length))?,
            wpe,
            blocks: (0..layers).map(block).collect::<Result<_>>()?,
            ln_f: norm("transformer.ln_f")?,
            head: Linear::new(of("lm_head.weight")?, None),
        })
    }

    fn forward(&self, tokens: &Tensor) -> candle_core::Result<Tensor> {
        let mut x = self.wte.forward(tokens)?.broadcast_add(&self.wpe)?;
        for block in &self.blocks {
            x = block.forward(&x, &self.mask)?;
        }
        self.head.forward(&self.ln_f.forward(&x)?)
    }
}

struct Language {
    weights: HashMap<String, Tensor>,
    tokens: Tensor,
    heads: usize,
    started: Option<(Gpt, AdamW)>,
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
    let mut weights = candle_core::safetensors::load(file, &Device::Cpu)?;
    let tokens = weights.remove("tokens").ok_or("no tokens")?.to_dtype(DType::U32)?;
    Ok(Some(Box::new(Language { weights, tokens, heads, started: None, batch: 1, at: 0 })))
}

impl Work for Language {
    fn start(&mut self, settings: &Settings) -> Result<bool> {
        let vars =
            self.weights.iter().map(|(name, weight)| Ok((name.clone(), Var::from_tensor(&weight.copy()?)?)));
        let vars: HashMap<String, Var> = vars.collect::<Result<_>>()?;
        let options = ParamsAdamW { lr: 1e-3, weight_decay: 0.01, ..Default::default() };
        self.started =
            Some((Gpt::new(&vars, self.heads)?, AdamW::new(vars.into_values().collect(), options)?));
        self.batch = settings.number("batch")?;
        self.at = 0;
        Ok(true)
    }

    fn check(&mut self) -> Result<Vec<f64>> {
        let (model, optimizer) = self.started.as_mut().ok_or("`start` comes first")?;
        let rows = self.tokens.narrow(0, self.at, self.batch)?;
        self.at = (self.at + self.batch) % (self.tokens.dim(0)? - self.batch + 1);
        let length = rows.dim(1)? - 1;
        let logits = model.forward(&rows.narrow(1, 0, length)?.contiguous()?)?;
        let targets = rows.narrow(1, 1, length)?.contiguous()?.flatten_all()?;
        let loss = loss::cross_entropy(&logits.flatten_to(1)?, &targets)?;
        optimizer.backward_step(&loss)?;
        Ok(vec![f64::from(loss.to_scalar::<f32>()?)])
    }

    fn run(&mut self, count: usize) -> Result<()> {
        (0..count).try_for_each(|_| self.check().map(drop))
    }
}
