//! The options of each rule, as Python's groups hold them.

use barehand_nn::optim::adadelta::AdadeltaBuilder;
use barehand_nn::optim::adagrad::AdagradBuilder;
use barehand_nn::optim::adam::AdamBuilder;
use barehand_nn::optim::adamax::AdamaxBuilder;
use barehand_nn::optim::asgd::AsgdBuilder;
use barehand_nn::optim::lbfgs::LbfgsBuilder;
use barehand_nn::optim::nadam::NAdamBuilder;
use barehand_nn::optim::radam::RAdamBuilder;
use barehand_nn::optim::rmsprop::RMSpropBuilder;
use barehand_nn::optim::rprop::RpropBuilder;
use barehand_nn::optim::sgd::SgdBuilder;
use barehand_nn::{
    Adadelta, Adagrad, Adam, AdamW, Adamax, Asgd, Lbfgs, LineSearch, NAdam, RAdam, RMSprop, Rprop, Sgd,
};
use pyo3::exceptions::{PyKeyError, PyRuntimeError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use super::{Both, both};
use crate::error::{Failure, Result};

/// The rule that PyTorch calls by this name.
pub(super) fn rule(name: &str, group: &Bound<'_, PyDict>) -> Result<Box<dyn Both>> {
    match name {
        "ASGD" => both(group, asgd),
        "Adadelta" => both(group, adadelta),
        "Adagrad" => both(group, adagrad),
        "Adam" => both(group, adam),
        "Adamax" => both(group, adamax),
        "NAdam" => both(group, nadam),
        "RAdam" => both(group, radam),
        "RMSprop" => both(group, rmsprop),
        "Rprop" => both(group, rprop),
        "SGD" => both(group, sgd),
        other => Err(Failure::value("optim", format!("no rule is named {other}"))),
    }
}

fn get<'a, 'py, V>(group: &'a Bound<'py, PyDict>, name: &Bound<'py, PyString>) -> Result<V>
where
    V: for<'b> FromPyObject<'b, 'py, Error = PyErr>,
{
    let value = group.get_item(name)?.ok_or_else(|| PyKeyError::new_err(name.clone().unbind()))?;
    Ok(value.extract()?)
}

macro_rules! option {
    ($group:ident, $name:literal) => {
        get($group, intern!($group.py(), $name))?
    };
}

fn asgd(group: &Bound<'_, PyDict>) -> Result<AsgdBuilder> {
    Ok(Asgd::builder(option!(group, "lr"))
        .lambd(option!(group, "lambd"))
        .alpha(option!(group, "alpha"))
        .t0(option!(group, "t0"))
        .weight_decay(option!(group, "weight_decay"))
        .maximize(option!(group, "maximize")))
}

fn adadelta(group: &Bound<'_, PyDict>) -> Result<AdadeltaBuilder> {
    Ok(Adadelta::builder(option!(group, "lr"))
        .rho(option!(group, "rho"))
        .eps(option!(group, "eps"))
        .weight_decay(option!(group, "weight_decay"))
        .maximize(option!(group, "maximize")))
}

fn adagrad(group: &Bound<'_, PyDict>) -> Result<AdagradBuilder> {
    Ok(Adagrad::builder(option!(group, "lr"))
        .lr_decay(option!(group, "lr_decay"))
        .weight_decay(option!(group, "weight_decay"))
        .initial_accumulator_value(option!(group, "initial_accumulator_value"))
        .eps(option!(group, "eps"))
        .maximize(option!(group, "maximize")))
}

fn adam(group: &Bound<'_, PyDict>) -> Result<AdamBuilder> {
    let (beta1, beta2) = option!(group, "betas");
    let lr = option!(group, "lr");
    let decoupled: bool = option!(group, "decoupled_weight_decay");
    let builder = if decoupled { AdamW::builder(lr) } else { Adam::builder(lr) };
    Ok(builder
        .betas(beta1, beta2)
        .eps(option!(group, "eps"))
        .weight_decay(option!(group, "weight_decay"))
        .amsgrad(option!(group, "amsgrad"))
        .maximize(option!(group, "maximize")))
}

fn adamax(group: &Bound<'_, PyDict>) -> Result<AdamaxBuilder> {
    let (beta1, beta2) = option!(group, "betas");
    Ok(Adamax::builder(option!(group, "lr"))
        .betas(beta1, beta2)
        .eps(option!(group, "eps"))
        .weight_decay(option!(group, "weight_decay"))
        .maximize(option!(group, "maximize")))
}

/// L-BFGS is no rule: it needs the loss as well.
pub(super) fn lbfgs(group: &Bound<'_, PyDict>) -> Result<LbfgsBuilder> {
    let search: Option<String> = option!(group, "line_search_fn");
    let search = match search.as_deref() {
        None => None,
        Some("strong_wolfe") => Some(LineSearch::StrongWolfe),
        Some(_) => return Err(PyRuntimeError::new_err("only 'strong_wolfe' is supported").into()),
    };
    let max_eval: usize = option!(group, "max_eval");
    Ok(Lbfgs::builder(option!(group, "lr"))
        .max_iter(option!(group, "max_iter"))
        .max_eval(max_eval)
        .tolerance_grad(option!(group, "tolerance_grad"))
        .tolerance_change(option!(group, "tolerance_change"))
        .history_size(option!(group, "history_size"))
        .line_search(search)
        .maximize(option!(group, "maximize")))
}

fn nadam(group: &Bound<'_, PyDict>) -> Result<NAdamBuilder> {
    let (beta1, beta2) = option!(group, "betas");
    Ok(NAdam::builder(option!(group, "lr"))
        .betas(beta1, beta2)
        .eps(option!(group, "eps"))
        .weight_decay(option!(group, "weight_decay"))
        .momentum_decay(option!(group, "momentum_decay"))
        .decoupled_weight_decay(option!(group, "decoupled_weight_decay"))
        .maximize(option!(group, "maximize")))
}

fn radam(group: &Bound<'_, PyDict>) -> Result<RAdamBuilder> {
    let (beta1, beta2) = option!(group, "betas");
    Ok(RAdam::builder(option!(group, "lr"))
        .betas(beta1, beta2)
        .eps(option!(group, "eps"))
        .weight_decay(option!(group, "weight_decay"))
        .decoupled_weight_decay(option!(group, "decoupled_weight_decay"))
        .maximize(option!(group, "maximize")))
}

fn rmsprop(group: &Bound<'_, PyDict>) -> Result<RMSpropBuilder> {
    Ok(RMSprop::builder(option!(group, "lr"))
        .alpha(option!(group, "alpha"))
        .eps(option!(group, "eps"))
        .weight_decay(option!(group, "weight_decay"))
        .momentum(option!(group, "momentum"))
        .centered(option!(group, "centered"))
        .maximize(option!(group, "maximize")))
}

fn rprop(group: &Bound<'_, PyDict>) -> Result<RpropBuilder> {
    let (minus, plus) = option!(group, "etas");
    let (smallest, largest) = option!(group, "step_sizes");
    Ok(Rprop::builder(option!(group, "lr"))
        .etas(minus, plus)
        .step_sizes(smallest, largest)
        .maximize(option!(group, "maximize")))
}

fn sgd(group: &Bound<'_, PyDict>) -> Result<SgdBuilder> {
    Ok(Sgd::builder(option!(group, "lr"))
        .momentum(option!(group, "momentum"))
        .dampening(option!(group, "dampening"))
        .weight_decay(option!(group, "weight_decay"))
        .nesterov(option!(group, "nesterov"))
        .maximize(option!(group, "maximize")))
}
