//! Instance normalisation.

use std::sync::Mutex;

use crate::module::{Entry, EntryMut, Place, exclusive, join, locked};
use crate::summary::observe_as;
use crate::{Error, Float, Module, Parameters, Result, Tensor};

/// (x - mean) / √(var + eps) · weight + bias, with mean and population variance of each channel of each sample (Ulyanov et
/// al. 2016; `torch.nn.InstanceNorm1d` and `torch.nn.InstanceNorm2d`).
///
/// As PyTorch's, it has neither weight and bias nor running statistics unless asked for. Where it has statistics, they
/// follow the mean over the samples in training, the variance with the unbiased one, and take the place of the samples'
/// own in evaluation.
///
/// ```
/// use barehand_nn::{InstanceNorm1d, Module, Tensor};
///
/// let y = InstanceNorm1d::new(1).forward(&Tensor::<f64>::from([[[1.0, 3.0]], [[10.0, 30.0]]])).unwrap();
/// assert!(y.max_abs_diff(&Tensor::from([[[-1.0, 1.0]], [[-1.0, 1.0]]])).unwrap() < 1e-5);
/// ```
pub struct InstanceNorm<const DIMENSIONS: usize, T: Float = f32> {
    /// (C), at first 1, where there is one.
    pub weight: Option<Tensor<T>>,
    /// (C), at first 0, where there is one.
    pub bias: Option<Tensor<T>>,
    /// Whether running statistics, where there are any, are updated instead of used.
    pub training: bool,
    eps: f64,
    momentum: f64,
    features: usize,
    running: Option<Mutex<Running<T>>>,
}

/// Over (C, L) or (N, C, L).
pub type InstanceNorm1d<T = f32> = InstanceNorm<1, T>;

/// Over (C, H, W) or (N, C, H, W).
pub type InstanceNorm2d<T = f32> = InstanceNorm<2, T>;

struct Running<T: Float> {
    mean: Tensor<T>,
    var: Tensor<T>,
    /// How many batches there were, which PyTorch keeps but never counts.
    batches: Tensor<T>,
}

impl<const DIMENSIONS: usize, T: Float> InstanceNorm<DIMENSIONS, T> {
    /// PyTorch's name of the layer.
    const NAME: &'static str = if DIMENSIONS == 1 { "InstanceNorm1d" } else { "InstanceNorm2d" };

    /// Over `features` channels: eps 1e-5, nothing to learn and nothing to remember.
    pub fn new(features: usize) -> Self {
        const {
            assert!(
                DIMENSIONS == 1 || DIMENSIONS == 2,
                "instance norm is known over (N, C, L) and (N, C, H, W)"
            );
        };
        InstanceNorm {
            weight: None,
            bias: None,
            training: true,
            eps: 1e-5,
            momentum: 0.1,
            features,
            running: None,
        }
    }

    /// With weight and bias (`affine=True`).
    #[must_use]
    pub fn affine(mut self) -> Self {
        self.weight = Some(Tensor::ones([self.features]).requires_grad());
        self.bias = Some(Tensor::zeros([self.features]).requires_grad());
        self
    }

    /// With running statistics, which evaluation uses (`track_running_stats=True`).
    #[must_use]
    pub fn tracked(mut self) -> Self {
        self.running = Some(Mutex::new(Running {
            mean: Tensor::zeros([self.features]),
            var: Tensor::ones([self.features]),
            batches: Tensor::scalar(T::from_real(0.0)),
        }));
        self
    }

    /// The share of the newest batch in the running statistics. Default 0.1.
    #[must_use]
    pub fn momentum(mut self, momentum: f64) -> Self {
        self.momentum = momentum;
        self
    }

    /// Added to the variance. Default 1e-5.
    #[must_use]
    pub fn eps(mut self, eps: f64) -> Self {
        self.eps = eps;
        self
    }

    fn normalise(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        let (weight, bias) = (self.weight.as_ref(), self.bias.as_ref());
        let Some(running) = &self.running else { return x.instance_norm(weight, bias, self.eps) };
        if self.training {
            let y = x.instance_norm(weight, bias, self.eps)?;
            locked(running).follow(x, self.momentum)?;
            return Ok(y);
        }
        let (mean, var) = {
            let running = locked(running);
            (running.mean.clone(), running.var.clone())
        };
        // The operator of batch norm takes a bias beside a weight only.
        let ones = bias.filter(|_| weight.is_none()).map(Tensor::ones_like);
        x.batch_norm_eval(&mean, &var, weight.or(ones.as_ref()), bias, self.eps)
    }
}

impl<T: Float> Running<T> {
    /// Moves toward the means over the samples of each channel's mean and unbiased variance.
    fn follow(&mut self, x: &Tensor<T>, momentum: f64) -> Result<()> {
        let rows = x.detach().flatten(2, -1)?;
        let mean = rows.mean_dim(-1, false)?.mean_dim(0, false)?;
        let var = rows.var_dim(-1, 1.0, false)?.mean_dim(0, false)?;
        for (running, batch) in [(&mut self.mean, mean), (&mut self.var, var)] {
            for (running, batch) in running.data_mut().iter_mut().zip(batch.to_vec()) {
                *running = T::from_real((1.0 - momentum) * running.as_f64() + momentum * batch.as_f64());
            }
        }
        Ok(())
    }
}

impl<const DIMENSIONS: usize, T: Float> Module<T> for InstanceNorm<DIMENSIONS, T> {
    fn forward(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        let single = x.rank() == DIMENSIONS + 1;
        let channels = x.shape().get(usize::from(!single));
        if !(single || x.rank() == DIMENSIONS + 2) || channels != Some(&self.features) {
            let expected = if DIMENSIONS == 1 { "(C, L) or (N, C, L)" } else { "(C, H, W) or (N, C, H, W)" };
            return Err(Error::shape(
                Self::NAME,
                format!("input of shape {:?} must be {expected} with C = {}", x.shape(), self.features),
            ));
        }
        let y = if single { self.normalise(&x.unsqueeze(0)?)?.squeeze(0)? } else { self.normalise(x)? };
        observe_as(self, Self::NAME, Ok(y))
    }
}

impl<const DIMENSIONS: usize, T: Float> Parameters<T> for InstanceNorm<DIMENSIONS, T> {
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
