//! Batch normalisation.

use std::sync::Mutex;

use crate::module::{Entry, EntryMut, Place, exclusive, join, locked};
use crate::summary::observe_as;
use crate::{Error, Float, Module, Parameters, Result, Tensor};

/// (x - mean) / √(var + eps) · weight + bias for each channel (Ioffe and Szegedy 2015; `torch.nn.BatchNorm1d` and
/// `torch.nn.BatchNorm2d`).
///
/// In training, mean and population variance are the batch's, and the running statistics follow:
/// running = (1 - momentum) running + momentum batch, where the running variance takes the unbiased one. In evaluation
/// they are the running statistics.
///
/// ```
/// use barehand_nn::{BatchNorm2d, Module, Parameters, Tensor};
///
/// let layer = BatchNorm2d::<f32>::new(3).momentum(0.3);
/// layer.forward(&Tensor::ones([2, 3, 4, 4])).unwrap();
/// let state = layer.state_dict();
/// assert_eq!(state[2].0, "running_mean");
/// assert_eq!(state[2].1.to_vec(), [0.3, 0.3, 0.3]);
/// ```
pub struct BatchNorm<const DIMENSIONS: usize, T: Float = f32> {
    /// (C), at first 1.
    pub weight: Option<Tensor<T>>,
    /// (C), at first 0.
    pub bias: Option<Tensor<T>>,
    /// Whether the batch's statistics are used, and the running ones updated.
    pub training: bool,
    eps: f64,
    /// `None` for the cumulative mean of all batches.
    momentum: Option<f64>,
    features: usize,
    running: Option<Mutex<Running<T>>>,
}

/// Over (N, C) or (N, C, L).
pub type BatchNorm1d<T = f32> = BatchNorm<1, T>;

/// Over (N, C, H, W).
pub type BatchNorm2d<T = f32> = BatchNorm<2, T>;

struct Running<T: Float> {
    mean: Tensor<T>,
    var: Tensor<T>,
    /// One number, as PyTorch keeps it.
    batches: Tensor<T>,
}

impl<const DIMENSIONS: usize, T: Float> BatchNorm<DIMENSIONS, T> {
    /// PyTorch's name of the layer.
    const NAME: &'static str = if DIMENSIONS == 1 { "BatchNorm1d" } else { "BatchNorm2d" };

    /// Over `features` channels: momentum 0.1, eps 1e-5, with weight, bias and running statistics.
    pub fn new(features: usize) -> Self {
        const {
            assert!(
                DIMENSIONS == 1 || DIMENSIONS == 2,
                "batch norm is known over (N, C), (N, C, L) and (N, C, H, W)"
            );
        };
        BatchNorm {
            weight: Some(Tensor::ones([features]).requires_grad()),
            bias: Some(Tensor::zeros([features]).requires_grad()),
            training: true,
            eps: 1e-5,
            momentum: Some(0.1),
            features,
            running: Some(Mutex::new(Running {
                mean: Tensor::zeros([features]),
                var: Tensor::ones([features]),
                batches: Tensor::scalar(T::from_real(0.0)),
            })),
        }
    }

    /// The share of the newest batch in the running statistics, or `None` for the mean over all batches. Default 0.1.
    #[must_use]
    pub fn momentum(mut self, momentum: impl Into<Option<f64>>) -> Self {
        self.momentum = momentum.into();
        self
    }

    /// Added to the variance. Default 1e-5.
    #[must_use]
    pub fn eps(mut self, eps: f64) -> Self {
        self.eps = eps;
        self
    }

    /// Without weight and bias (`affine=False`).
    #[must_use]
    pub fn plain(mut self) -> Self {
        self.weight = None;
        self.bias = None;
        self
    }

    /// Without running statistics, so that evaluation uses the batch's too (`track_running_stats=False`).
    #[must_use]
    pub fn untracked(mut self) -> Self {
        self.running = None;
        self
    }
}

impl<T: Float> Running<T> {
    /// Moves toward a batch's mean and population variance, taken over `count` values for each channel.
    fn follow(&mut self, (mean, var): &(Tensor<T>, Tensor<T>), count: usize, momentum: Option<f64>) {
        let batches = &mut self.batches.data_mut()[0];
        *batches += T::from_real(1.0);
        let share = momentum.unwrap_or(1.0 / batches.as_f64());
        let unbiased = count as f64 / (count as f64 - 1.0);
        for (running, batch, scale) in [(&mut self.mean, mean, 1.0), (&mut self.var, var, unbiased)] {
            for (running, batch) in running.data_mut().iter_mut().zip(batch.to_vec()) {
                *running = T::from_real((1.0 - share) * running.as_f64() + share * scale * batch.as_f64());
            }
        }
    }
}

impl<const DIMENSIONS: usize, T: Float> Module<T> for BatchNorm<DIMENSIONS, T> {
    fn forward(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        let fits = if DIMENSIONS == 1 { matches!(x.rank(), 2 | 3) } else { x.rank() == 4 };
        if !fits || x.shape()[1] != self.features {
            let expected = if DIMENSIONS == 1 { "(N, C) or (N, C, L)" } else { "(N, C, H, W)" };
            return Err(Error::shape(
                Self::NAME,
                format!("input of shape {:?} must be {expected} with C = {}", x.shape(), self.features),
            ));
        }
        let (weight, bias) = (self.weight.as_ref(), self.bias.as_ref());
        let y = match &self.running {
            Some(running) if !self.training => {
                let (mean, var) = {
                    let running = locked(running);
                    (running.mean.clone(), running.var.clone())
                };
                x.batch_norm_eval(&mean, &var, weight, bias, self.eps)?
            }
            running => {
                let (y, statistics) = x.batch_norm_train(weight, bias, self.eps)?;
                if let Some(running) = running {
                    locked(running).follow(&statistics, x.len() / self.features, self.momentum);
                }
                y
            }
        };
        observe_as(self, Self::NAME, Ok(y))
    }
}

impl<const DIMENSIONS: usize, T: Float> Parameters<T> for BatchNorm<DIMENSIONS, T> {
    fn visit<'a>(&'a self, path: &str, visitor: &mut dyn FnMut(&str, Entry<'a, T>)) {
        visitor(path, Entry::Module(Place::named(self, Self::NAME)));
        self.weight.visit(&join(path, "weight"), visitor);
        self.bias.visit(&join(path, "bias"), visitor);
        if let Some(running) = &self.running {
            let running = locked(running);
            visitor(&join(path, "running_mean"), Entry::Buffer(running.mean.clone()));
            visitor(&join(path, "running_var"), Entry::Buffer(running.var.clone()));
            visitor(&join(path, "num_batches_tracked"), Entry::Buffer(running.batches.clone()));
        }
        visitor(&join(path, "training"), Entry::Training(self.training));
    }

    fn visit_mut(&mut self, path: &str, visitor: &mut dyn FnMut(&str, EntryMut<'_, T>)) {
        self.weight.visit_mut(&join(path, "weight"), visitor);
        self.bias.visit_mut(&join(path, "bias"), visitor);
        if let Some(running) = &mut self.running {
            let running = exclusive(running);
            visitor(&join(path, "running_mean"), EntryMut::Buffer(&mut running.mean));
            visitor(&join(path, "running_var"), EntryMut::Buffer(&mut running.var));
            visitor(&join(path, "num_batches_tracked"), EntryMut::Buffer(&mut running.batches));
        }
        visitor(&join(path, "training"), EntryMut::Training(&mut self.training));
    }
}
