//! Many axes into one.

use crate::summary::observe;
use crate::{Float, Module, Parameters, Result, Tensor};

/// Merges the axes from `start` to `end`, both included (`torch.nn.Flatten`: all but the first).
#[derive(Clone, Copy, Debug, Parameters)]
pub struct Flatten {
    /// The first merged axis. Default 1.
    #[module(skip)]
    pub start: isize,
    /// The last merged axis. Default -1.
    #[module(skip)]
    pub end: isize,
}

impl Default for Flatten {
    fn default() -> Self {
        Flatten { start: 1, end: -1 }
    }
}

impl<T: Float> Module<T> for Flatten {
    fn forward(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        observe(self, x.flatten(self.start, self.end))
    }
}
