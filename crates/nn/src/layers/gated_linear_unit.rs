//! Gated linear units as layers: one half of an axis opens the other.

use barehand_tensor::Gate;

use crate::summary::observe;
use crate::{Float, Module, Parameters, Result, Tensor};

/// a sigmoid(b), where a and b are the halves along an axis: the gate is the second (Dauphin et al. 2017; `torch.nn.GLU`).
#[derive(Clone, Copy, Debug, Parameters)]
pub struct GLU {
    /// Default -1: the last.
    #[module(skip)]
    pub axis: isize,
}

impl Default for GLU {
    fn default() -> Self {
        GLU { axis: -1 }
    }
}

impl<T: Float> Module<T> for GLU {
    fn forward(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        observe(self, x.glu(self.axis))
    }
}

macro_rules! gated {
    ($($(#[$doc:meta])* $name:ident => $gate:ident;)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Parameters)]
        pub struct $name {
            /// Default -1: the last.
            #[module(skip)]
            pub axis: isize,
            /// Whether the first half is the gate, as in the paper and in Llama, and not the second, as in diffusers. Default
            /// true.
            #[module(skip)]
            pub gate_first: bool,
        }

        impl Default for $name {
            fn default() -> Self {
                $name { axis: -1, gate_first: true }
            }
        }

        impl<T: Float> Module<T> for $name {
            fn forward(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
                observe(self, x.gated_linear_unit(Gate::$gate, self.gate_first, self.axis))
            }
        }
    )* };
}

gated! {
    /// silu(g) v, where g and v are the halves along an axis (Shazeer 2020).
    SwiGLU => Silu;
    /// gelu(g) v, where g and v are the halves along an axis (Shazeer 2020).
    GEGLU => Gelu;
    /// relu(g) v, where g and v are the halves along an axis (Shazeer 2020).
    ReGLU => Relu;
}
