//! The registered blocks, a file for each chapter.

pub mod activations;
pub mod arithmetic;
pub mod attention;
pub mod clusters;
pub mod convolution;
pub mod layers;
pub mod linear_models;
pub mod losses;
pub mod metrics;
pub mod model_selection;
pub mod naive_bayes;
pub mod neighbors;
pub mod optimizers;
pub mod preprocessing;
pub mod recurrent;
pub mod regression;
pub mod schedules;
pub mod scores;
pub mod transformers;
pub mod trees;
