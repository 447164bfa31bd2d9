//! Dropout.

use std::sync::Mutex;

use barehand_tensor::AttentionDropout;

use crate::module::locked;
use crate::summary::observe;
use crate::{Error, Float, Generator, Module, Parameters, Result, Tensor};

/// In training, each element becomes 0 with probability `p` and the others grow by 1 / (1 - p); in evaluation nothing
/// happens (Srivastava et al. 2014; `torch.nn.Dropout`).
///
/// ```
/// use barehand_nn::{Dropout, Generator, Module, Tensor};
///
/// let mut dropout = Dropout::new(0.5, &mut Generator::new(0)).unwrap();
/// let x = Tensor::<f32>::ones([1000]);
/// let dropped = dropout.forward(&x).unwrap();
/// assert!(dropped.to_vec().iter().all(|&v| v == 0.0 || v == 2.0));
/// dropout.training = false;
/// assert_eq!(dropout.forward(&x).unwrap(), x);
/// ```
#[derive(Debug, Parameters)]
pub struct Dropout {
    /// The share of elements dropped.
    #[module(skip)]
    pub p: f64,
    /// Whether elements are dropped.
    #[module(training)]
    pub training: bool,
    #[module(random)]
    generator: Mutex<Generator>,
}

impl Dropout {
    /// Drops elements with probability `p`; the layer's own generator is seeded from `generator`.
    ///
    /// # Errors
    /// When `p` is not in [0, 1].
    pub fn new(p: f64, generator: &mut Generator) -> Result<Self> {
        if !(0.0..=1.0).contains(&p) {
            return Err(Error::value("Dropout", format!("p = {p} is not a probability from 0 to 1")));
        }
        Ok(Dropout { p, training: true, generator: Mutex::new(generator.fork()) })
    }

    /// The same for the weights inside an attention, each call dropping others; `None` where nothing is dropped.
    pub fn of_attention(&self) -> Option<AttentionDropout> {
        let dropping = self.training && self.p > 0.0;
        dropping.then(|| AttentionDropout { p: self.p, generator: locked(&self.generator).fork() })
    }
}

impl<T: Float> Module<T> for Dropout {
    fn forward(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        let y = if self.training && self.p > 0.0 {
            x.dropout(self.p, &mut locked(&self.generator))
        } else {
            Ok(x.clone())
        };
        observe(self, y)
    }
}
