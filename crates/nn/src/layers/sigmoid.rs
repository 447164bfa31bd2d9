//! The family of S-shaped functions, as layers: those beside the logistic function, tanh and softsign.
//!
//! Scaled to slope 1 at 0 and limits ±1, as in the plot that everybody copies. For the error function that takes
//! erf(√π/2 x); the form often printed, erf(√(π/2) x), has slope √2. Both are here.
//!
#![doc = include_str!("sigmoids.svg")]

use crate::summary::observe;
use crate::{Float, Module, Parameters, Result, Tensor};

/// erf(√π/2 x), or as often printed erf(√(π/2) x).
#[derive(Clone, Copy, Debug, Default, Parameters)]
pub struct ErfSigmoid {
    /// Whether the slope at 0 is √2 and not 1. Default false.
    #[module(skip)]
    pub printed: bool,
}

impl<T: Float> Module<T> for ErfSigmoid {
    fn forward(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        observe(self, if self.printed { x.erf_sigmoid_printed() } else { x.erf_sigmoid() })
    }
}

/// (2/π) gd(π/2 x), where gd(u) = 2 atan(tanh(u/2)) is the Gudermannian.
#[derive(Clone, Copy, Debug, Default, Parameters)]
pub struct Gudermannian;

impl<T: Float> Module<T> for Gudermannian {
    fn forward(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        observe(self, x.gudermannian())
    }
}

/// x / √(1 + x²), sometimes misnamed `ArcSinh`.
#[derive(Clone, Copy, Debug, Default, Parameters)]
pub struct AlgebraicSigmoid;

impl<T: Float> Module<T> for AlgebraicSigmoid {
    fn forward(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        observe(self, x.algebraic_sigmoid())
    }
}

/// (2/π) atan(π/2 x)
#[derive(Clone, Copy, Debug, Default, Parameters)]
pub struct ArctangentSigmoid;

impl<T: Float> Module<T> for ArctangentSigmoid {
    fn forward(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        observe(self, x.arctangent_sigmoid())
    }
}
