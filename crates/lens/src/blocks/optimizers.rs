//! Optimizers: several steps of one parameter along given gradients.

use barehand_textbook::{
    Adadelta, Adagrad, Adam, Adamax, Array, Asgd, Decay, Lbfgs, NAdam, RAdam, RMSprop, Rprop, Sgd, Trace,
    WeightAverage, accumulate_gradients, clip_grad_norm,
};

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
const DECAY: Input = input("weight_decay", "pull towards zero", "0.0");
const DECOUPLED: Input = input("decoupled_weight_decay", "pull on the parameter alone", "false");
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
        name: "adagrad",
        section: "optimizers",
        summary: "steps that shrink where gradients have been large",
        formula: "s = s + g^2, p = p - lr g / (sqrt(s) + eps)",
        engine: Some("barehand::nn::Adagrad"),
        twin: "barehand::textbook::Adagrad",
        inputs: &[PARAMETER, GRADIENTS],
        options: &[
            input("lr", "step size", "0.01"),
            input("lr_decay", "how fast it falls", "0.0"),
            DECAY,
            input("initial_accumulator_value", "what the sums begin with", "0.0"),
            input("eps", "keeps the quotient finite", "1e-10"),
        ],
        run: |a, t| {
            let mut adagrad = Adagrad::new(a.number("lr")?);
            adagrad.lr_decay = a.number("lr_decay")?;
            adagrad.weight_decay = a.number("weight_decay")?;
            adagrad.initial_accumulator_value = a.number("initial_accumulator_value")?;
            adagrad.eps = a.number("eps")?;
            steps(a, t, |p, g, t| adagrad.step(p, g, t))
        },
    },
    Block {
        name: "rmsprop",
        section: "optimizers",
        summary: "steps measured by the root of the mean square",
        formula: "s = alpha s + (1 - alpha) g^2, p = p - lr g / (sqrt(s) + eps)",
        engine: Some("barehand::nn::RMSprop"),
        twin: "barehand::textbook::RMSprop",
        inputs: &[PARAMETER, GRADIENTS],
        options: &[
            input("lr", "step size", "0.01"),
            input("alpha", "memory of the mean square", "0.99"),
            EPS,
            DECAY,
            input("momentum", "share of the last step that stays", "0.0"),
            input("centered", "divide by the deviation from the mean", "false"),
        ],
        run: |a, t| {
            let mut rmsprop = RMSprop::new(a.number("lr")?);
            rmsprop.alpha = a.number("alpha")?;
            rmsprop.eps = a.number("eps")?;
            rmsprop.weight_decay = a.number("weight_decay")?;
            rmsprop.momentum = a.number("momentum")?;
            rmsprop.centered = a.flag("centered")?;
            steps(a, t, |p, g, t| rmsprop.step(p, g, t))
        },
    },
    Block {
        name: "rprop",
        section: "optimizers",
        summary: "steps by the signs of gradients alone",
        formula: "p = p - sign(g) size, size grows while the sign stays",
        engine: Some("barehand::nn::Rprop"),
        twin: "barehand::textbook::Rprop",
        inputs: &[PARAMETER, GRADIENTS],
        options: &[
            input("lr", "the first step size", "0.01"),
            input("etas", "what shrinks a size, and what lets it grow", "[0.5, 1.2]"),
            input("step_sizes", "the smallest and the largest size", "[1e-6, 50.0]"),
        ],
        run: |a, t| {
            let mut rprop = Rprop::new(a.number("lr")?);
            rprop.etas = pair(a, "etas")?;
            rprop.step_sizes = pair(a, "step_sizes")?;
            steps(a, t, |p, g, t| rprop.step(p, g, t))
        },
    },
    Block {
        name: "adamax",
        section: "optimizers",
        summary: "Adam by the largest gradient",
        formula: "u = max(beta2 u, |g| + eps), p = p - lr / (1 - beta1^t) m / u",
        engine: Some("barehand::nn::Adamax"),
        twin: "barehand::textbook::Adamax",
        inputs: &[PARAMETER, GRADIENTS],
        options: &[input("lr", "step size", "0.002"), BETAS, EPS, DECAY],
        run: |a, t| {
            let mut adamax = Adamax::new(a.number("lr")?);
            adamax.betas = pair(a, "betas")?;
            adamax.eps = a.number("eps")?;
            adamax.weight_decay = a.number("weight_decay")?;
            steps(a, t, |p, g, t| adamax.step(p, g, t))
        },
    },
    Block {
        name: "nadam",
        section: "optimizers",
        summary: "Adam that looks ahead",
        formula: "p = p - lr ((1 - mu) / (1 - M) g + mu' / (1 - M') m) / (sqrt(vhat) + eps)",
        engine: Some("barehand::nn::NAdam"),
        twin: "barehand::textbook::NAdam",
        inputs: &[PARAMETER, GRADIENTS],
        options: &[
            input("lr", "step size", "0.002"),
            BETAS,
            EPS,
            DECAY,
            input("momentum_decay", "how fast the momentum grows to beta1", "0.004"),
            DECOUPLED,
        ],
        run: |a, t| {
            let mut nadam = NAdam::new(a.number("lr")?);
            nadam.betas = pair(a, "betas")?;
            nadam.eps = a.number("eps")?;
            nadam.weight_decay = a.number("weight_decay")?;
            nadam.momentum_decay = a.number("momentum_decay")?;
            nadam.decay = decay(a)?;
            steps(a, t, |p, g, t| nadam.step(p, g, t))
        },
    },
    Block {
        name: "radam",
        section: "optimizers",
        summary: "Adam that waits with its adaptive rate",
        formula: "p = p - lr mhat r / (sqrt(vhat) + eps), before rho > 5 p - lr mhat",
        engine: Some("barehand::nn::RAdam"),
        twin: "barehand::textbook::RAdam",
        inputs: &[PARAMETER, GRADIENTS],
        options: &[input("lr", "step size", "0.001"), BETAS, EPS, DECAY, DECOUPLED],
        run: |a, t| {
            let mut radam = RAdam::new(a.number("lr")?);
            radam.betas = pair(a, "betas")?;
            radam.eps = a.number("eps")?;
            radam.weight_decay = a.number("weight_decay")?;
            radam.decay = decay(a)?;
            steps(a, t, |p, g, t| radam.step(p, g, t))
        },
    },
    Block {
        name: "asgd",
        section: "optimizers",
        summary: "descent, and the average of where it was",
        formula: "p = p (1 - lambd eta) - eta g, ax = ax + mu (p - ax)",
        engine: Some("barehand::nn::Asgd"),
        twin: "barehand::textbook::Asgd",
        inputs: &[PARAMETER, GRADIENTS],
        options: &[
            input("lr", "the first step size", "0.01"),
            input("lambd", "pull towards zero, apart from the gradient", "1e-4"),
            input("alpha", "power of the step size's decay", "0.75"),
            input("t0", "the step from which on parameters are averaged", "1e6"),
            DECAY,
        ],
        run: |a, t| {
            let mut asgd = Asgd::new(a.number("lr")?);
            asgd.lambd = a.number("lambd")?;
            asgd.alpha = a.number("alpha")?;
            asgd.t0 = a.number("t0")?;
            asgd.weight_decay = a.number("weight_decay")?;
            steps(a, t, |p, g, t| asgd.step(p, g, t))
        },
    },
    Block {
        name: "lbfgs",
        section: "optimizers",
        summary: "Newton's direction from the last steps and gradients",
        formula: "d = -H g from the pairs (t d, g - g_before), p = p + t d",
        engine: Some("barehand::nn::Lbfgs"),
        twin: "barehand::textbook::Lbfgs",
        inputs: &[PARAMETER, GRADIENTS],
        options: &[input("lr", "step size", "1.0"), input("history_size", "how many pairs are kept", "100")],
        run: |a, t| {
            let mut lbfgs = Lbfgs::new(a.number("lr")?);
            lbfgs.history_size = a.count("history_size")?;
            steps(a, t, |p, g, t| lbfgs.step(p, g, t))
        },
    },
    Block {
        name: "weight_average",
        section: "optimizers",
        summary: "a second set of weights that follows the first",
        formula: "a = decay a + (1 - decay) w, or the mean of all",
        engine: Some("barehand::nn::AveragedModel"),
        twin: "barehand::textbook::WeightAverage",
        inputs: &[input(
            "weights",
            "a list: the weights at each update",
            "[[1.0, 2.0], [2.0, 1.0], [4.0, 0.0]]",
        )],
        options: &[input("decay", "share that stays, or null: the mean of all", "0.999")],
        run: |a, t| {
            let mut average = WeightAverage::new(a.maybe_number("decay")?);
            for weights in a.arrays("weights")? {
                average.update(&weights, t)?;
            }
            Ok(())
        },
    },
    Block {
        name: "gradient_accumulation",
        section: "optimizers",
        summary: "micro-batches of unequal size as one batch",
        formula: "g = sum n_i g_i / sum n_i",
        engine: Some("barehand::nn::Accumulation"),
        twin: "barehand::textbook::accumulate_gradients",
        inputs: &[
            input("gradients", "a list: the gradient of each micro-batch's mean", "[[1.0, 2.0], [4.0, 0.0]]"),
            input("counts", "how many samples or tokens each has", "[3.0, 1.0]"),
        ],
        options: &[],
        run: |a, t| {
            let (gradients, counts) = (a.arrays("gradients")?, a.vector("counts")?);
            if gradients.len() != counts.len() {
                return Err(a.invalid("counts", "expected one for each gradient"));
            }
            accumulate_gradients(&gradients.into_iter().zip(counts).collect::<Vec<_>>(), t)?;
            Ok(())
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
    adam.betas = pair(a, "betas")?;
    adam.eps = a.number("eps")?;
    adam.weight_decay = a.number("weight_decay")?;
    steps(a, t, |p, g, t| adam.step(p, g, t))
}

fn pair(a: &Arguments, name: &str) -> Result<(f64, f64), Error> {
    let [first, second] = a.vector(name)?[..] else {
        return Err(a.invalid(name, "expected two numbers"));
    };
    Ok((first, second))
}

fn decay(a: &Arguments) -> Result<Decay, Error> {
    Ok(if a.flag("decoupled_weight_decay")? { Decay::Decoupled } else { Decay::Coupled })
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
