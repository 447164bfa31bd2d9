//! A step of L-BFGS on a problem that is seen whole: two classes, and a linear layer that tells them apart.

use barehand_bench_protocol::{Result, Settings, Work};
use barehand_nn::{Generator, Lbfgs, LineSearch, Linear, Module, Tensor, bce_with_logits_loss};
use barehand_tensor::safetensors::Archive;

const NAME: &str = "lbfgs";
const ROWS: usize = 20_000;
const COLUMNS: usize = 200;

/// Writes `x`, and `y`, 1 where noise and a direction together say so; `false` where the work is another.
pub fn prepare(work: &str, file: &str) -> Result<bool> {
    if work != NAME {
        return Ok(false);
    }
    let mut generator = Generator::new(7);
    let x = Tensor::<f32>::randn([ROWS, COLUMNS], &mut generator);
    let direction = Tensor::randn([1, COLUMNS], &mut generator).mul_scalar(0.2)?;
    let noise = Tensor::randn([ROWS, 1], &mut generator);
    let signs = x.linear(&direction, None)?.add(&noise)?.to_vec();
    let y = signs.into_iter().map(|sign| f32::from(u8::from(sign > 0.0))).collect();
    let mut archive = Archive::default();
    archive.tensors.insert("x".into(), x.into());
    archive.tensors.insert("y".into(), Tensor::<f32>::from_vec(y, [ROWS, 1])?.into());
    archive.write(file)?;
    Ok(true)
}

struct Logistic {
    x: Tensor,
    y: Tensor,
}

/// Reads what [`prepare`] wrote; none where the work is another.
pub fn load(work: &str, file: &str) -> Result<Option<Box<dyn Work>>> {
    if work != NAME {
        return Ok(None);
    }
    let tensors = Archive::read(file)?.tensors;
    Ok(Some(Box::new(Logistic { x: tensors["x"].get()?, y: tensors["y"].get()? })))
}

impl Logistic {
    /// From weights of 0, one step: the layer it ends with.
    fn fitted(&self) -> Result<Linear> {
        let mut model = Linear::new(COLUMNS, 1, &mut Generator::new(0));
        model.weight = Tensor::zeros([1, COLUMNS]).requires_grad();
        model.bias = Some(Tensor::zeros([1]).requires_grad());
        let mut optimizer = Lbfgs::builder(1.0).line_search(LineSearch::StrongWolfe).build()?;
        optimizer.step(&mut model, |model| {
            let loss = bce_with_logits_loss(&model.forward(&self.x)?, &self.y)?;
            Ok((loss.item()?, loss.backward()?))
        })?;
        Ok(model)
    }
}

impl Work for Logistic {
    fn start(&mut self, _: &Settings) -> Result<bool> {
        Ok(true)
    }

    fn check(&mut self) -> Result<Vec<f64>> {
        let loss = bce_with_logits_loss(&self.fitted()?.forward(&self.x)?, &self.y)?;
        Ok(vec![f64::from(loss.item()?)])
    }

    fn run(&mut self, count: usize) -> Result<()> {
        (0..count).try_for_each(|_| self.fitted().map(drop))
    }
}
