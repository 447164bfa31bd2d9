//! Steps of an optimizer alone: the gradients stay as they are.

use barehand_bench_protocol::{Result, Settings, Work};
use barehand_nn::{
    Adadelta, Adagrad, Adam, Adamax, Asgd, Generator, Gradients, NAdam, Optimizer, RAdam, RMSprop, Rprop,
    Sgd, Tensor,
};
use barehand_tensor::safetensors::Archive;

/// The parameters of a work: how many tensors, and how many numbers in each.
fn sizes(work: &str) -> Option<(usize, usize)> {
    match work {
        "adam_many" => Some((100, 64)),
        rule => matches!(optimizer(rule), Ok(Some(_))).then_some((1, 10_000_000)),
    }
}

fn optimizer(rule: &str) -> Result<Option<Box<dyn Optimizer>>> {
    Ok(Some(match rule {
        "momentum" => Box::new(Sgd::builder(1e-2).momentum(0.9).build()?),
        "adagrad" => Box::new(Adagrad::builder(1e-2).build()?),
        "adadelta" => Box::new(Adadelta::builder(1.0).build()?),
        "rprop" => Box::new(Rprop::builder(1e-2).build()?),
        "asgd" => Box::new(Asgd::builder(1e-2).build()?),
        "adam" => Box::new(Adam::builder(1e-3).build()?),
        "adamax" => Box::new(Adamax::builder(2e-3).build()?),
        "radam" => Box::new(RAdam::builder(1e-3).build()?),
        "nadam" => Box::new(NAdam::builder(2e-3).build()?),
        "rmsprop" => Box::new(RMSprop::builder(1e-2).build()?),
        _ => return Ok(None),
    }))
}

/// Writes parameters and gradients; `false` where the work is another.
pub fn prepare(work: &str, file: &str) -> Result<bool> {
    let Some((count, len)) = sizes(work) else { return Ok(false) };
    let mut generator = Generator::new(5);
    let mut archive = Archive::default();
    for name in ["parameters", "gradients"] {
        archive.tensors.insert(name.into(), Tensor::<f32>::randn([count, len], &mut generator).into());
    }
    archive.write(file)?;
    Ok(true)
}

struct Steps {
    first: Tensor,
    objective: Tensor,
    parameters: Vec<Tensor>,
    gradients: Option<Gradients>,
    optimizer: Option<Box<dyn Optimizer>>,
}

/// Reads what [`prepare`] wrote; none where the work is another.
pub fn load(work: &str, file: &str) -> Result<Option<Box<dyn Work>>> {
    if sizes(work).is_none() {
        return Ok(None);
    }
    let tensors = Archive::read(file)?.tensors;
    Ok(Some(Box::new(Steps {
        first: tensors["parameters"].get()?,
        objective: tensors["gradients"].get()?,
        parameters: Vec::new(),
        gradients: None,
        optimizer: None,
    })))
}

impl Work for Steps {
    fn start(&mut self, settings: &Settings) -> Result<bool> {
        let rows = self.first.shape()[0];
        let row = |of: &Tensor, i: usize| -> Result<Tensor> {
            Ok(Tensor::from_vec(of.select(0, i as isize)?.to_vec(), [of.shape()[1]])?)
        };
        self.parameters =
            (0..rows).map(|i| Ok(row(&self.first, i)?.requires_grad())).collect::<Result<_>>()?;
        let mut sum = Tensor::scalar(0.0);
        for (i, parameter) in self.parameters.iter().enumerate() {
            sum = sum.add(&parameter.mul(&row(&self.objective, i)?)?.sum()?)?;
        }
        self.gradients = Some(sum.backward()?);
        self.optimizer = optimizer(settings.get("optimizer")?)?;
        Ok(self.optimizer.is_some())
    }

    fn check(&mut self) -> Result<Vec<f64>> {
        self.run(1)?;
        let mean = |x: &Tensor| Ok(f64::from(x.detach().abs()?.mean()?.item()?));
        self.parameters.iter().take(1).map(mean).collect()
    }

    fn run(&mut self, count: usize) -> Result<()> {
        let gradients = self.gradients.as_ref().ok_or("`start` comes first")?;
        let optimizer = self.optimizer.as_mut().ok_or("`start` comes first")?;
        for _ in 0..count {
            optimizer.step(&mut self.parameters, gradients)?;
        }
        Ok(())
    }
}
