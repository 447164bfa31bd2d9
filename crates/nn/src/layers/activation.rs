//! Activation functions as layers.

use std::sync::Mutex;

use serde::{Deserialize, Serialize};

use crate::module::{Entry, EntryMut, Place, locked};
use crate::summary::{observe, observe_as};
use crate::{Error, Float, Generator, Module, Parameters, Result, Tensor};

macro_rules! activations {
    ($($(#[$doc:meta])* $name:ident => $function:ident;)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, Parameters)]
        pub struct $name;

        impl<T: Float> Module<T> for $name {
            fn forward(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
                observe(self, x.$function())
            }
        }
    )* };
}

activations! {
    /// max(x, 0)
    ReLU => relu;
    /// Scaled exponential linear unit (Klambauer et al. 2017).
    SELU => selu;
    /// x sigmoid(x), also called swish.
    SiLU => silu;
    /// x tanh(softplus(x)) (Misra 2019).
    Mish => mish;
    /// x / (1 + |x|)
    Softsign => softsign;
    /// x min(max(x + 3, 0), 6) / 6
    Hardswish => hardswish;
    /// 1 / (1 + e^(-x))
    Sigmoid => sigmoid;
    /// Hyperbolic tangent.
    Tanh => tanh;
    /// min(max(x, 0), 6)
    ReLU6 => relu6;
    /// relu6(x + 3) / 6
    Hardsigmoid => hardsigmoid;
    /// ln sigmoid(x), without overflow.
    LogSigmoid => log_sigmoid;
    /// x - tanh x
    Tanhshrink => tanhshrink;
}

/// x where positive, slope x elsewhere.
#[derive(Clone, Copy, Debug, Parameters)]
pub struct LeakyReLU {
    /// Default 0.01.
    #[module(skip)]
    pub slope: f64,
}

impl Default for LeakyReLU {
    fn default() -> Self {
        LeakyReLU { slope: 0.01 }
    }
}

impl<T: Float> Module<T> for LeakyReLU {
    fn forward(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        observe(self, x.leaky_relu(self.slope))
    }
}

/// x where positive, alpha (eˣ - 1) elsewhere (Clevert et al. 2016).
#[derive(Clone, Copy, Debug, Parameters)]
pub struct ELU {
    /// Default 1.
    #[module(skip)]
    pub alpha: f64,
}

impl Default for ELU {
    fn default() -> Self {
        ELU { alpha: 1.0 }
    }
}

impl<T: Float> Module<T> for ELU {
    fn forward(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        observe(self, x.elu(self.alpha))
    }
}

/// x where positive, alpha (e^(x / alpha) - 1) elsewhere (Barron 2017): an [`ELU`] whose slope has no step.
#[derive(Clone, Copy, Debug, Parameters)]
pub struct CELU {
    /// Default 1.
    #[module(skip)]
    pub alpha: f64,
}

impl Default for CELU {
    fn default() -> Self {
        CELU { alpha: 1.0 }
    }
}

impl<T: Float> Module<T> for CELU {
    fn forward(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        observe(self, x.celu(self.alpha))
    }
}

/// min(max(x, low), high)
#[derive(Clone, Copy, Debug, Parameters)]
pub struct Hardtanh {
    /// Default -1.
    #[module(skip)]
    pub low: f64,
    /// Default 1.
    #[module(skip)]
    pub high: f64,
}

impl Default for Hardtanh {
    fn default() -> Self {
        Hardtanh { low: -1.0, high: 1.0 }
    }
}

impl<T: Float> Module<T> for Hardtanh {
    fn forward(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        observe(self, x.hardtanh(self.low, self.high))
    }
}

/// x where it exceeds the threshold, a fixed value elsewhere.
#[derive(Clone, Copy, Debug, Parameters)]
pub struct Threshold {
    /// What x must exceed.
    #[module(skip)]
    pub threshold: f64,
    /// What stands for x where it does not.
    #[module(skip)]
    pub value: f64,
}

impl<T: Float> Module<T> for Threshold {
    fn forward(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        observe(self, x.threshold(self.threshold, self.value))
    }
}

/// x moved by a margin toward 0, which it does not pass: the step of a lasso.
#[derive(Clone, Copy, Debug, Parameters)]
pub struct Softshrink {
    /// Default 0.5.
    #[module(skip)]
    pub margin: f64,
}

impl Default for Softshrink {
    fn default() -> Self {
        Softshrink { margin: 0.5 }
    }
}

impl<T: Float> Module<T> for Softshrink {
    fn forward(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        observe(self, x.softshrink(self.margin))
    }
}

/// x, and 0 where |x| is not above a margin.
#[derive(Clone, Copy, Debug, Parameters)]
pub struct Hardshrink {
    /// Default 0.5.
    #[module(skip)]
    pub margin: f64,
}

impl Default for Hardshrink {
    fn default() -> Self {
        Hardshrink { margin: 0.5 }
    }
}

impl<T: Float> Module<T> for Hardshrink {
    fn forward(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        observe(self, x.hardshrink(self.margin))
    }
}

/// x where positive, w x elsewhere, with learned slopes w (He et al. 2015; `torch.nn.PReLU`).
#[derive(Clone, Parameters)]
pub struct PReLU<T: Float = f32> {
    /// (1), or (C) for one slope for each channel, axis 1.
    pub weight: Tensor<T>,
}

impl<T: Float> PReLU<T> {
    /// This many slopes, 1 or one for each channel, that begin as `slope` (PyTorch's default is 0.25).
    pub fn new(slopes: usize, slope: f64) -> Self {
        PReLU { weight: Tensor::full([slopes], T::from_real(slope)).requires_grad() }
    }
}

impl<T: Float> Module<T> for PReLU<T> {
    fn forward(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        observe(self, x.prelu(&self.weight))
    }
}

/// x where positive; elsewhere in training x times a random slope for each element, in evaluation x times the middle one
/// (Xu et al. 2015; `torch.nn.RReLU`).
#[derive(Debug, Parameters)]
pub struct RReLU {
    /// The least slope.
    #[module(skip)]
    pub lower: f64,
    /// The bound of slopes.
    #[module(skip)]
    pub upper: f64,
    /// Whether slopes are drawn.
    #[module(training)]
    pub training: bool,
    #[module(random)]
    generator: Mutex<Generator>,
}

impl RReLU {
    /// Slopes from [lower, upper) (PyTorch's defaults are 1/8 and 1/3); the layer's own generator is seeded from
    /// `generator`.
    ///
    /// # Errors
    /// When the bounds are not finite or cross.
    pub fn new(lower: f64, upper: f64, generator: &mut Generator) -> Result<Self> {
        if !(lower <= upper && lower.is_finite() && upper.is_finite()) {
            return Err(Error::value("RReLU", format!("no slope lies between {lower} and {upper}")));
        }
        Ok(RReLU { lower, upper, training: true, generator: Mutex::new(generator.fork()) })
    }
}

impl<T: Float> Module<T> for RReLU {
    fn forward(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        let y = if self.training {
            x.rrelu(self.lower, self.upper, &mut locked(&self.generator))
        } else {
            x.leaky_relu(f64::midpoint(self.lower, self.upper))
        };
        observe(self, y)
    }
}

/// x Φ(x), Φ the normal distribution function (Hendrycks and Gimpel 2016).
#[derive(Clone, Copy, Debug, Default, Parameters)]
pub struct GELU {
    /// Whether Φ is approximated by tanh. Default false.
    #[module(skip)]
    pub tanh: bool,
}

impl<T: Float> Module<T> for GELU {
    fn forward(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        observe(self, if self.tanh { x.gelu_tanh() } else { x.gelu() })
    }
}

/// ln(1 + e^(beta x)) / beta, and x itself where beta x exceeds the threshold.
#[derive(Clone, Copy, Debug, Parameters)]
pub struct Softplus {
    /// Default 1.
    #[module(skip)]
    pub beta: f64,
    /// Default 20.
    #[module(skip)]
    pub threshold: f64,
}

impl Default for Softplus {
    fn default() -> Self {
        Softplus { beta: 1.0, threshold: 20.0 }
    }
}

impl<T: Float> Module<T> for Softplus {
    fn forward(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        observe(self, x.softplus(self.beta, self.threshold))
    }
}

/// eˣ / Σ eˣ along an axis.
#[derive(Clone, Copy, Debug, Parameters)]
pub struct Softmax {
    /// Default -1: the last.
    #[module(skip)]
    pub axis: isize,
}

impl Default for Softmax {
    fn default() -> Self {
        Softmax { axis: -1 }
    }
}

impl<T: Float> Module<T> for Softmax {
    fn forward(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        observe(self, x.softmax(self.axis))
    }
}

/// e^(-x) / Σ e^(-x) along an axis.
#[derive(Clone, Copy, Debug, Parameters)]
pub struct Softmin {
    /// Default -1: the last.
    #[module(skip)]
    pub axis: isize,
}

impl Default for Softmin {
    fn default() -> Self {
        Softmin { axis: -1 }
    }
}

impl<T: Float> Module<T> for Softmin {
    fn forward(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        observe(self, x.softmin(self.axis))
    }
}

/// x - ln Σ eˣ along an axis.
#[derive(Clone, Copy, Debug, Parameters)]
pub struct LogSoftmax {
    /// Default -1: the last.
    #[module(skip)]
    pub axis: isize,
}

impl Default for LogSoftmax {
    fn default() -> Self {
        LogSoftmax { axis: -1 }
    }
}

impl<T: Float> Module<T> for LogSoftmax {
    fn forward(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        observe(self, x.log_softmax(self.axis))
    }
}

/// An elementwise activation chosen by name, with its default options: for models that are described in data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Activation {
    /// [`ReLU`]
    #[default]
    ReLU,
    /// [`LeakyReLU`]
    LeakyReLU,
    /// [`ELU`]
    ELU,
    /// [`SELU`]
    SELU,
    /// [`GELU`]
    GELU,
    /// [`SiLU`]
    SiLU,
    /// [`Mish`]
    Mish,
    /// [`Softplus`]
    Softplus,
    /// [`Softsign`]
    Softsign,
    /// [`Hardswish`]
    Hardswish,
    /// [`Sigmoid`]
    Sigmoid,
    /// [`Tanh`]
    Tanh,
}

impl Activation {
    /// The name of the layer.
    pub fn name(self) -> &'static str {
        match self {
            Activation::ReLU => "ReLU",
            Activation::LeakyReLU => "LeakyReLU",
            Activation::ELU => "ELU",
            Activation::SELU => "SELU",
            Activation::GELU => "GELU",
            Activation::SiLU => "SiLU",
            Activation::Mish => "Mish",
            Activation::Softplus => "Softplus",
            Activation::Softsign => "Softsign",
            Activation::Hardswish => "Hardswish",
            Activation::Sigmoid => "Sigmoid",
            Activation::Tanh => "Tanh",
        }
    }
}

impl<T: Float> Module<T> for Activation {
    fn forward(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        let y = match self {
            Activation::ReLU => x.relu(),
            Activation::LeakyReLU => LeakyReLU::default().forward(x),
            Activation::ELU => ELU::default().forward(x),
            Activation::SELU => x.selu(),
            Activation::GELU => x.gelu(),
            Activation::SiLU => x.silu(),
            Activation::Mish => x.mish(),
            Activation::Softplus => Softplus::default().forward(x),
            Activation::Softsign => x.softsign(),
            Activation::Hardswish => x.hardswish(),
            Activation::Sigmoid => x.sigmoid(),
            Activation::Tanh => x.tanh(),
        };
        observe_as(self, self.name(), y)
    }
}

impl<T: Float> Parameters<T> for Activation {
    fn visit<'a>(&'a self, path: &str, visitor: &mut dyn FnMut(&str, Entry<'a, T>)) {
        visitor(path, Entry::Module(Place::named(self, self.name())));
    }

    fn visit_mut(&mut self, _: &str, _: &mut dyn FnMut(&str, EntryMut<'_, T>)) {}
}
