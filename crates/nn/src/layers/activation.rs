//! Activation functions as layers.

use serde::{Deserialize, Serialize};

use crate::module::{Entry, EntryMut, Place};
use crate::summary::{observe, observe_as};
use crate::{Float, Module, Parameters, Result, Tensor};

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
