//! Averages of a model's weights over training.

use barehand_kernels::optimizer::{AverageStep, Step};

use crate::module::Entry;
use crate::{Error, Float, Parameters, Result, StateDict, Tensor};

/// A second set of a model's weights, which follows the first as an average: exponential (EMA; Polyak and Juditsky 1992)
/// or of all updates alike (SWA; Izmailov et al. 2018). `torch.optim.swa_utils.AveragedModel`.
///
/// ```text
/// average = weight                                          the first time
/// average = decay average + (1 - decay) weight              exponential
/// average = average + (weight - average) / (n + 1)          of all, after n updates
/// ```
///
/// Buffers, such as running statistics, are copied, or averaged as well with [`use_buffers`](Self::use_buffers).
///
/// ```
/// use barehand_nn::{AveragedModel, Generator, Linear, Parameters};
///
/// let mut model = Linear::<f32>::new(3, 2, &mut Generator::new(0));
/// let mut average = AveragedModel::exponential(0.9).unwrap();
/// average.update_parameters(&model).unwrap();
/// // ... a step of training, another update, and then, to evaluate the average:
/// average.swap(&mut model).unwrap();
/// // ... and to go on:
/// average.swap(&mut model).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct AveragedModel<T: Float = f32> {
    /// `None` for the mean of all.
    decay: Option<f64>,
    use_buffers: bool,
    n_averaged: u64,
    averages: StateDict<T>,
}

impl<T: Float> AveragedModel<T> {
    /// An exponential average of which `decay` stays at every update (`get_ema_multi_avg_fn`, whose default is 0.999).
    ///
    /// # Errors
    /// When the decay is not in [0, 1].
    pub fn exponential(decay: f64) -> Result<Self> {
        if !(0.0..=1.0).contains(&decay) {
            let message =
                format!("Invalid decay value {decay} provided. Please provide a value in [0,1] range.");
            return Err(Error::value("AveragedModel", message));
        }
        Ok(AveragedModel { decay: Some(decay), ..Self::mean() })
    }

    /// The mean of all updates (`get_swa_multi_avg_fn`).
    pub fn mean() -> Self {
        AveragedModel { decay: None, use_buffers: false, n_averaged: 0, averages: Vec::new() }
    }

    /// Whether buffers are averaged too, instead of copied. Default false.
    #[must_use]
    pub fn use_buffers(mut self, use_buffers: bool) -> Self {
        self.use_buffers = use_buffers;
        self
    }

    /// How many updates the average is of.
    pub fn n_averaged(&self) -> u64 {
        self.n_averaged
    }

    /// Takes in the model's weights as they are now.
    ///
    /// # Errors
    /// When the model's names or shapes are not those of the updates before.
    pub fn update_parameters(&mut self, model: &dyn Parameters<T>) -> Result<()> {
        let state = model.state_dict();
        if self.n_averaged == 0 {
            self.averages = state;
            self.n_averaged = 1;
            return Ok(());
        }
        let fits = state.len() == self.averages.len()
            && state.iter().zip(&self.averages).all(|((a, x), (b, y))| a == b && x.shape() == y.shape());
        if !fits {
            return Err(Error::value(
                "AveragedModel",
                "the model is not the one whose weights were averaged before",
            ));
        }
        let mut buffers = Vec::new();
        model.visit("", &mut |name, entry| {
            if let Entry::Buffer(_) = entry {
                buffers.push(name.to_owned());
            }
        });
        let n = self.n_averaged as f64;
        let step = Step::Average(AverageStep { decay: self.decay.unwrap_or(n / (n + 1.0)) });
        for ((_, average), (name, value)) in self.averages.iter_mut().zip(state) {
            if !self.use_buffers && buffers.contains(&name) {
                *average = value;
                continue;
            }
            let value = value.contiguous();
            let elements = value.as_slice().expect("made contiguous above");
            T::step(&step, average.data_mut(), elements, &mut [], T::from_real(1.0));
        }
        // A file may say anything.
        self.n_averaged = self.n_averaged.saturating_add(1);
        Ok(())
    }

    /// Exchanges the average with the model's weights: once to evaluate it, and once more to go on training.
    ///
    /// # Errors
    /// When the model's names or shapes are not those of the average.
    pub fn swap(&mut self, model: &mut dyn Parameters<T>) -> Result<()> {
        // Not the memory itself, which loading writes into.
        let held = model.state_dict().into_iter().map(|(name, x)| (name, owned(&x))).collect();
        model.load_state_dict(&self.averages)?;
        self.averages = held;
        Ok(())
    }

    /// Everything remembered, under PyTorch's names: `n_averaged`, and `module.` before each of the model's.
    pub fn state_dict(&self) -> StateDict<T> {
        let count = ("n_averaged".to_owned(), Tensor::scalar(T::from_real(self.n_averaged as f64)));
        let averages = self.averages.iter().map(|(name, x)| (format!("module.{name}"), x.clone()));
        std::iter::once(count).chain(averages).collect()
    }

    /// Goes on from what [`state_dict`](Self::state_dict) returned.
    ///
    /// # Errors
    /// When a name is not of an averaged model.
    pub fn load_state_dict(&mut self, state: &[(String, Tensor<T>)]) -> Result<()> {
        let (mut count, mut averages) = (None, Vec::new());
        for (name, tensor) in state {
            match name.strip_prefix("module.") {
                Some(name) => averages.push((name.to_owned(), tensor.detach())),
                None if name == "n_averaged" => count = Some(tensor.item()?.as_f64() as u64),
                None => return Err(Error::value("AveragedModel", format!("{name} is unexpected"))),
            }
        }
        self.n_averaged = count.ok_or_else(|| Error::value("AveragedModel", "n_averaged is missing"))?;
        self.averages = averages;
        Ok(())
    }
}

/// The same values in memory of their own.
fn owned<T: Float>(x: &Tensor<T>) -> Tensor<T> {
    let mut own = x.clone();
    own.data_mut();
    own
}
