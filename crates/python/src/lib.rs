//! The extension module `barehand._barehand`: thin classes over the Rust library.
//!
//! Python's part (`python/barehand`) gives these names their places; nothing is computed there.

mod arithmetic;
mod array;
mod attributes;
mod autograd;
mod compare;
mod creation;
mod data;
mod device;
mod dlpack;
mod dtype;
mod error;
mod functional;
mod image_transform;
mod index;
mod io;
mod learn;
mod machine;
mod metrics;
mod optim;
mod product;
mod random;
mod reduce;
mod schedule;
mod shape;
mod shell;
mod tensor;
mod text;
mod unary;

use pyo3::prelude::*;

#[pymodule]
fn _barehand(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    dtype::register(module)?;
    device::register(module)?;
    tensor::register(module)?;
    attributes::register(module)?;
    array::register(module)?;
    dlpack::register(module)?;
    creation::register(module)?;
    learn::register(module)?;
    metrics::register(module)?;
    product::register(module)?;
    index::register(module)?;
    autograd::register(module)?;
    random::register(module)?;
    machine::register(module)?;
    functional::register(module)?;
    optim::register(module)?;
    data::register(module)?;
    image_transform::register(module)?;
    io::register(module)?;
    shell::register(module)?;
    text::register(module)?;
    Ok(())
}
