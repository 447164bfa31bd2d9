//! Optimizers: several steps of one parameter along given gradients.

use barehand_textbook::{Adadelta, Adam, Array, Sgd, Trace, clip_grad_norm};

use crate::arguments::Arguments;
use crate::block::{Block, Input, input};
use crate::error::Error;

const PARAMETER: Input = input("parameter", "the parameter at the start, any shape", "[1.0, -2.0]");
const GRADIENTS: Input = input(
    "gradients",
    "a list: the gradient of each step, the parameter's shape",
    "[[0.5, -1.0], [0.4, -0.8], [-0.1, 0.3]]",
);
const BETAS: Input = input("betas", "memories of the mean and of the mean square", "[0.9, 0.999]");
const EPS: Input = input("eps", "keeps the quotient finite", "1e-8");

pub const BLOCKS: &[Block] = &[
    Block {
        name: "sgd",
        section: "optimizers",
        summary: "gradient descent with momentum",
        formula: "v = momentum v + (1 - dampening) g, p = p - lr v",
        engine: Some("barehand::nn::Sgd"),
        twin: "barehand::textbook::Sgd",
        inputs: &[PARAMETER, GRADIENTS],
        options: &[
            input("lr", "step size", "0.1"),
            input("momentum", "share of v that stays", "0.9"),
            input("dampening", "share of g kept out of v", "0.0"),
            input("weight_decay", "pull towards zero", "0.0"),
            input("nesterov", "look ahead from the new v", "false"),
        ],
        run: |a, t| {
            let mut sgd = Sgd::new(a.number("lr")?);
            sgd.momentum = a.number("momentum")?;
            sgd.dampening = a.number("dampening")?;
            sgd.weight_decay = a.number("weight_decay")?;
            sgd.nesterov = a.flag("nesterov")?;
            steps(a, t, |p, g, t| sgd.step(p, g, t))
        },
    },
    Block {
        name: "adam",
        section: "optimizers",
        summary: "adaptive moments, weight decay coupled",
        formula: "p = p - lr mhat / (sqrt(vhat) + eps)",
        engine: Some("barehand::nn::Adam"),
        twin: "barehand::textbook::Adam",
        inputs: &[PARAMETER, GRADIENTS],
        options: &[
            input("lr", "step size", "0.001"),
            BETAS,
            EPS,
            input("weight_decay", "pull towards zero, through the moments", "0.0"),
        ],
        run: |a, t| adam(Adam::new(a.number("lr")?), a, t),
    },
    Block {
        name: "adamw",
        section: "optimizers",
        summary: "adaptive moments, weight decay decoupled",
        formula: "p = p - lr weight_decay p, then p = p - lr mhat / (sqrt(vhat) + eps)",
        engine: Some("barehand::nn::AdamW"),
        twin: "barehand::textbook::Adam::adamw",
        inputs: &[PARAMETER, GRADIENTS],
        options: &[
            input("lr", "step size", "0.001"),
            BETAS,
            EPS,
            input("weight_decay", "pull towards zero, on the parameter alone", "0.01"),
        ],
        run: |a, t| adam(Adam::adamw(a.number("lr")?), a, t),
    },
    Block {
        name: "adadelta",
        section: "optimizers",
        summary: "steps measured by the steps before, in the parameter's own unit",
        formula: "p = p - lr d, d = sqrt(u + eps) / sqrt(s + eps) g",
        engine: Some("barehand::nn::Adadelta"),
        twin: "barehand::textbook::Adadelta",
        inputs: &[PARAMETER, GRADIENTS],
        options: &[
            input("lr", "step size", "1.0"),
            input("rho", "memory of both mean squares", "0.9"),
            input("eps", "added to both mean squares inside their roots", "1e-6"),
            input("weight_decay", "pull towards zero", "0.0"),
        ],
        run: |a, t| {
            let mut adadelta = Adadelta::new(a.number("lr")?);
            adadelta.rho = a.number("rho")?;
            adadelta.eps = a.number("eps")?;
            adadelta.weight_decay = a.number("weight_decay")?;
            steps(a, t, |p, g, t| adadelta.step(p, g, t))
        },
    },
    Block {
        name: "clip_grad_norm",
        section: "optimizers",
        summary: "scales all gradients so that their common norm is bounded",
        formula: "g = g min(1, max_norm / (norm + 1e-6))",
        engine: Some("barehand::nn::clip_grad_norm"),
        twin: "barehand::textbook::clip_grad_norm",
        inputs: &[input("gradients", "a list of arrays of any shapes", "[[3.0, 0.0], [[4.0]]]")],
        options: &[input("max_norm", "the bound", "1.0")],
        run: |a, t| {
            clip_grad_norm(&mut a.arrays("gradients")?, a.number("max_norm")?, t)?;
            Ok(())
        },
    },
];

fn adam(mut adam: Adam, a: &Arguments, t: &mut Trace) -> Result<(), Error> {
    let [beta1, beta2] = a.vector("betas")?[..] else {
        return Err(a.invalid("betas", "expected two numbers"));
    };
    adam.betas = (beta1, beta2);
    adam.eps = a.number("eps")?;
    adam.weight_decay = a.number("weight_decay")?;
    steps(a, t, |p, g, t| adam.step(p, g, t))
}

fn steps(
    a: &Arguments,
    t: &mut Trace,
    mut step: impl FnMut(&mut [Array], &[Array], &mut Trace) -> barehand_textbook::Result<()>,
) -> Result<(), Error> {
    let mut parameters = [a.array("parameter")?];
    for gradient in a.arrays("gradients")? {
        step(&mut parameters, &[gradient], t)?;
    }
    Ok(())
}
