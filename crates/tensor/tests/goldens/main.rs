//! Every golden case against PyTorch: outputs, and the gradients of the sum over the outputs of sum(output * weight).
//!
//! `proofs/goldens` says how the files were made. A case is either computed and compared, or its operation stands in
//! [`ABSENT`], the list of what the tensor has no method for; both are counted, so that nothing is skipped silently.

mod attention;
mod binary;
mod case;
mod compare;
mod indexing;
mod integers;
mod products;
mod reductions;
mod unary;

use barehand_tensor::Float;
use case::{Case, Outputs, read};
use compare::{Bound, Tally};

/// What the tensor deliberately lacks: an operation, or a single case of one.
const ABSENT: &[&str] = &[
    // Functions that no layer or loss needs.
    "exp2",
    "asinh",
    "acosh",
    "asin",
    "acos",
    "atanh",
    "erfc",
    "hypot",
    "fmod",
    // Running extremes and products.
    "cumprod",
    "cummax",
    "cummin",
    // Norms along axes, and the infinite one.
    "norm.l2",
    "norm.l3",
    "norm.l3.all",
    "norm.l2.zero",
    "norm.l3.zero",
    "norm.linf",
    "norm.linf.all",
    "norm.linf.zero",
    // The smallest: sort, then narrow.
    "topk.d0.smallest",
    "topk.d1.smallest",
    // Rows without a gradient are a layer's matter.
    "embedding.padding",
    // Padding by anything but a constant, and the columns of a convolution.
    "pad.reflect",
    "pad.replicate",
    "unfold",
    "fold",
];

type Operation<T> = fn(&Case<T>) -> barehand_tensor::Result<Option<Outputs<T>>>;

/// Compares every case of a family, and returns how many were compared and how many are absent.
fn family<T: Float>(name: &str, operation: Operation<T>, bound: Bound) -> (usize, usize) {
    let mut tally = Tally::new(name, T::DTYPE, bound);
    let (mut compared, mut absent) = (0, 0);
    for case in read::<T>(name) {
        let listed = ABSENT.contains(&case.op.as_str()) || ABSENT.contains(&case.name.as_str());
        let outputs = operation(&case).unwrap_or_else(|error| panic!("{}: {error}", case.name));
        assert_eq!(outputs.is_none(), listed, "{}: in the list of what is absent, or not?", case.name);
        let Some(outputs) = outputs else {
            absent += 1;
            continue;
        };
        compared += 1;
        case.compare(outputs, &mut tally);
    }
    tally.finish();
    (compared, absent)
}

#[test]
fn unary() {
    let f64 = family::<f64>("unary", unary::run, unary::F64);
    let f32 = family::<f32>("unary", unary::run, unary::F32);
    assert_eq!((f64, f32), ((147, 14), (147, 14)));
}

#[test]
fn binary() {
    let f64 = family::<f64>("binary", binary::run, binary::F64);
    let f32 = family::<f32>("binary", binary::run, binary::F32);
    assert_eq!((f64, f32), ((103, 10), (103, 10)));
}

#[test]
fn reductions() {
    let f64 = family::<f64>("reductions", reductions::run, reductions::F64);
    let f32 = family::<f32>("reductions", reductions::run, reductions::F32);
    assert_eq!((f64, f32), ((203, 20), (203, 20)));
}

#[test]
fn integers() {
    // Nothing is rounded, so there is one precision.
    assert_eq!(family::<f64>("integers", integers::run, integers::EXACT), (277, 0));
}

#[test]
fn products() {
    let f64 = family::<f64>("products", products::run, products::F64);
    let f32 = family::<f32>("products", products::run, products::F32);
    assert_eq!((f64, f32), ((55, 0), (55, 0)));
}

#[test]
fn attention() {
    let f64 = family::<f64>("attention", attention::run, attention::F64);
    let f32 = family::<f32>("attention", attention::run, attention::F32);
    assert_eq!((f64, f32), ((56, 0), (56, 0)));
}

#[test]
fn indexing() {
    let f64 = family::<f64>("indexing", indexing::run, indexing::F64);
    let f32 = family::<f32>("indexing", indexing::run, indexing::F32);
    assert_eq!((f64, f32), ((57, 5), (57, 5)));
}
