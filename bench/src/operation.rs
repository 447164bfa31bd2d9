//! One small operation, recorded and dropped: what a call costs beside the work.

use barehand_bench_protocol::{Result, Settings, Work};
use barehand_nn::{Generator, Tensor};
use barehand_tensor::safetensors::Archive;

const ELEMENTS: usize = 8;

/// Writes `x` and `w`; `false` where the work is another.
pub fn prepare(work: &str, file: &str) -> Result<bool> {
    if work != "one" {
        return Ok(false);
    }
    let mut generator = Generator::new(2);
    let mut archive = Archive::default();
    for name in ["x", "w"] {
        archive.tensors.insert(name.into(), Tensor::<f32>::randn([ELEMENTS], &mut generator).into());
    }
    archive.write(file)?;
    Ok(true)
}

struct Operation {
    x: Tensor,
    w: Tensor,
}

/// Reads what [`prepare`] wrote; none where the work is another.
pub fn load(work: &str, file: &str) -> Result<Option<Box<dyn Work>>> {
    if work != "one" {
        return Ok(None);
    }
    let tensors = Archive::read(file)?.tensors;
    let (x, w) = (tensors["x"].get()?, tensors["w"].get::<f32>()?.requires_grad());
    Ok(Some(Box::new(Operation { x, w })))
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
