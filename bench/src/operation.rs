//! One small operation, recorded and dropped: what a call costs beside the work.

use barehand_bench_protocol::{Result, Settings, Work};
use barehand_nn::{Generator, Tensor};
use barehand_tensor::safetensors::Archive;

const ELEMENTS: usize = 8;

/// Writes `x` and `w`.
pub fn prepare(file: &str) -> Result<()> {
    let mut generator = Generator::new(2);
    let mut archive = Archive::default();
    for name in ["x", "w"] {
        archive.tensors.insert(name.into(), Tensor::<f32>::randn([ELEMENTS], &mut generator).into());
    }
    Ok(archive.write(file)?)
}

struct Operation {
    x: Tensor,
    w: Tensor,
}

/// Reads what [`prepare`] wrote.
pub fn load(file: &str) -> Result<Box<dyn Work>> {
    let tensors = Archive::read(file)?.tensors;
    Ok(Box::new(Operation { x: tensors["x"].get()?, w: tensors["w"].get::<f32>()?.requires_grad() }))
}

impl Work for Operation {
    fn start(&mut self, _: &Settings) -> Result<bool> {
        Ok(true)
    }

    fn check(&mut self) -> Result<Vec<f64>> {
        Ok(self.x.mul(&self.w)?.to_vec().into_iter().map(f64::from).collect())
    }

    fn run(&mut self, count: usize) -> Result<()> {
        for _ in 0..count {
            std::hint::black_box(self.x.mul(&self.w)?);
        }
        Ok(())
    }
}
