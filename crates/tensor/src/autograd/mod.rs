//! Gradients: an operator is its forward and its backward, the tape remembers which ran, `backward` walks it.

pub mod check;
pub mod gradients;
pub mod operator;
pub(crate) mod tape;

pub use check::{GradientCheck, check_gradients};
pub use gradients::Gradients;
pub use operator::{InputGradients, Operator, apply};
pub use tape::{BackwardPass, Tag, is_recording, no_grad, set_recording};
