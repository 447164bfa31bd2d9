//! The engine against its textbook twin: random operands over random shapes and strides, in f64 and f32, on one thread
//! and two.

mod attention;
mod boosting;
mod clusters;
mod elementwise;
mod images;
mod linear_models;
mod losses;
mod model_selection;
mod naive_bayes;
mod neighbors;
mod norms;
mod pair;
mod preprocessing;
mod products;
mod recurrent;
mod scores;
mod training;
mod transformers;
mod trees;
