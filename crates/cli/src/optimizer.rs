//! The optimizers of a training run, and which options each of them has.

use barehand::nn::{
    self, Adadelta, Adagrad, Adam, AdamW, Adamax, Asgd, Lbfgs, NAdam, Optimizer, RAdam, RMSprop, Rprop, Sgd,
};
use barehand::{Error, Result};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::config::RunConfig;

/// Which optimizer.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, PartialEq, Eq, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum OptimizerKind {
    /// Stochastic gradient descent with momentum
    Sgd,
    /// Adagrad (Duchi et al. 2011)
    Adagrad,
    /// Adadelta (Zeiler 2012)
    Adadelta,
    /// RMSprop (Hinton 2012)
    Rmsprop,
    /// Resilient backpropagation (Riedmiller & Braun 1993), best with large batches
    Rprop,
    /// Adam (Kingma & Ba 2015)
    Adam,
    /// Adam with decoupled weight decay (Loshchilov & Hutter 2019)
    Adamw,
    /// Adam with Nesterov's momentum (Dozat 2016)
    Nadam,
    /// Adam that waits until it can trust its step sizes (Liu et al. 2020)
    Radam,
    /// Adam with the largest gradient instead of their mean square (Kingma & Ba 2015)
    Adamax,
    /// Stochastic gradient descent with averaged weights (Polyak & Juditsky 1992)
    Asgd,
    /// L-BFGS (Liu & Nocedal 1989), which computes the loss of a batch many times a step; best with all images in one batch
    Lbfgs,
}

/// How far L-BFGS goes along a direction.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, PartialEq, Eq, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum LineSearch {
    /// As far as the learning rate says
    None,
    /// To where the strong Wolfe conditions hold
    StrongWolfe,
}

/// How many pairs L-BFGS remembers where nothing is said: as many as is usual, not PyTorch's 100, for they are written with
/// every checkpoint.
const HISTORY: usize = 10;

/// Vectors as long as all parameters that a step of L-BFGS works with: places and gradients of a line search, and what
/// becomes a direction.
const LBFGS_WORK: usize = 10;

/// The options that not every optimizer has, as a configuration and the command line name them.
pub const OPTIONS: [&str; 21] = [
    "momentum",
    "nesterov",
    "dampening",
    "betas",
    "eps",
    "amsgrad",
    "momentum-decay",
    "rho",
    "alpha",
    "centered",
    "lr-decay",
    "etas",
    "step-sizes",
    "lambd",
    "t0",
    "max-iter",
    "max-eval",
    "tolerance-grad",
    "tolerance-change",
    "history-size",
    "line-search",
];

impl OptimizerKind {
    /// Those of [`OPTIONS`] that it has.
    pub fn options(self) -> &'static [&'static str] {
        match self {
            OptimizerKind::Sgd => &["momentum", "nesterov", "dampening"],
            OptimizerKind::Adagrad => &["lr-decay", "eps"],
            OptimizerKind::Adadelta => &["rho", "eps"],
            OptimizerKind::Rmsprop => &["alpha", "eps", "momentum", "centered"],
            OptimizerKind::Rprop => &["etas", "step-sizes"],
            OptimizerKind::Adam | OptimizerKind::Adamw => &["betas", "eps", "amsgrad"],
            OptimizerKind::Nadam => &["betas", "eps", "momentum-decay"],
            OptimizerKind::Radam | OptimizerKind::Adamax => &["betas", "eps"],
            OptimizerKind::Asgd => &["lambd", "alpha", "t0"],
            OptimizerKind::Lbfgs => {
                &["max-iter", "max-eval", "tolerance-grad", "tolerance-change", "history-size", "line-search"]
            }
        }
    }

    /// The name in reports.
    pub fn title(self) -> &'static str {
        match self {
            OptimizerKind::Sgd => "SGD",
            OptimizerKind::Adagrad => "Adagrad",
            OptimizerKind::Adadelta => "Adadelta",
            OptimizerKind::Rmsprop => "RMSprop",
            OptimizerKind::Rprop => "Rprop",
            OptimizerKind::Adam => "Adam",
            OptimizerKind::Adamw => "AdamW",
            OptimizerKind::Nadam => "NAdam",
            OptimizerKind::Radam => "RAdam",
            OptimizerKind::Adamax => "Adamax",
            OptimizerKind::Asgd => "ASGD",
            OptimizerKind::Lbfgs => "L-BFGS",
        }
    }

    /// The learning rate of a run that names none.
    pub fn rate(self) -> f64 {
        match self {
            OptimizerKind::Sgd => 0.05,
            OptimizerKind::Asgd => 0.1,
            OptimizerKind::Adagrad => 0.01,
            OptimizerKind::Adadelta | OptimizerKind::Lbfgs => 1.0,
            OptimizerKind::Nadam | OptimizerKind::Adamax => 2e-3,
            OptimizerKind::Rmsprop
            | OptimizerKind::Rprop
            | OptimizerKind::Adam
            | OptimizerKind::Adamw
            | OptimizerKind::Radam => 1e-3,
        }
    }

    /// Refuses an option that it does not have.
    pub fn check_option(self, option: &str) -> Result<()> {
        if self.options().contains(&option) {
            return Ok(());
        }
        let (title, has) = (self.title(), self.options().join(", "));
        Err(Error::value("config", format!("{option} is no option of {title}, which has {has}")))
    }
}

impl RunConfig {
    /// The optimizer of the run.
    ///
    /// # Errors
    /// When an option is outside its domain.
    pub fn make_optimizer(&self) -> Result<Box<dyn Optimizer>> {
        let RunConfig { lr, momentum, nesterov, weight_decay, .. } = *self;
        let betas = self.betas.unwrap_or([0.9, 0.999]);
        let eps = |default: f64| self.eps.unwrap_or(default);
        Ok(match self.optimizer {
            OptimizerKind::Sgd => Box::new(
                Sgd::builder(lr)
                    .momentum(momentum)
                    .dampening(self.dampening.unwrap_or(0.0))
                    .nesterov(nesterov)
                    .weight_decay(weight_decay)
                    .build::<f32>()?,
            ),
            OptimizerKind::Adagrad => Box::new(
                Adagrad::builder(lr)
                    .lr_decay(self.lr_decay.unwrap_or(0.0))
                    .eps(eps(1e-10))
                    .weight_decay(weight_decay)
                    .build::<f32>()?,
            ),
            OptimizerKind::Adadelta => Box::new(
                Adadelta::builder(lr)
                    .rho(self.rho.unwrap_or(0.9))
                    .eps(eps(1e-6))
                    .weight_decay(weight_decay)
                    .build::<f32>()?,
            ),
            OptimizerKind::Rmsprop => Box::new(
                RMSprop::builder(lr)
                    .alpha(self.alpha.unwrap_or(0.99))
                    .eps(eps(1e-8))
                    .momentum(momentum)
                    .centered(self.centered.unwrap_or(false))
                    .weight_decay(weight_decay)
                    .build::<f32>()?,
            ),
            OptimizerKind::Rprop => {
                let ([minus, plus], [smallest, largest]) =
                    (self.etas.unwrap_or([0.5, 1.2]), self.step_sizes.unwrap_or([1e-6, 50.0]));
                Box::new(Rprop::builder(lr).etas(minus, plus).step_sizes(smallest, largest).build::<f32>()?)
            }
            OptimizerKind::Adam => Box::new(
                Adam::builder(lr)
                    .betas(betas[0], betas[1])
                    .eps(eps(1e-8))
                    .amsgrad(self.amsgrad.unwrap_or(false))
                    .weight_decay(weight_decay)
                    .build::<f32>()?,
            ),
            OptimizerKind::Adamw => Box::new(
                AdamW::builder(lr)
                    .betas(betas[0], betas[1])
                    .eps(eps(1e-8))
                    .amsgrad(self.amsgrad.unwrap_or(false))
                    .weight_decay(weight_decay)
                    .build::<f32>()?,
            ),
            OptimizerKind::Nadam => Box::new(
                NAdam::builder(lr)
                    .betas(betas[0], betas[1])
                    .eps(eps(1e-8))
                    .momentum_decay(self.momentum_decay.unwrap_or(4e-3))
                    .weight_decay(weight_decay)
                    .build::<f32>()?,
            ),
            OptimizerKind::Radam => Box::new(
                RAdam::builder(lr)
                    .betas(betas[0], betas[1])
                    .eps(eps(1e-8))
                    .weight_decay(weight_decay)
                    .build::<f32>()?,
            ),
            OptimizerKind::Adamax => Box::new(
                Adamax::builder(lr)
                    .betas(betas[0], betas[1])
                    .eps(eps(1e-8))
                    .weight_decay(weight_decay)
                    .build::<f32>()?,
            ),
            OptimizerKind::Asgd => Box::new(
                Asgd::builder(lr)
                    .lambd(self.lambd.unwrap_or(1e-4))
                    .alpha(self.alpha.unwrap_or(0.75))
                    .t0(self.t0.unwrap_or(1e6))
                    .weight_decay(weight_decay)
                    .build::<f32>()?,
            ),
            OptimizerKind::Lbfgs => {
                let search = match self.line_search {
                    Some(LineSearch::None) => None,
                    Some(LineSearch::StrongWolfe) | None => Some(nn::LineSearch::StrongWolfe),
                };
                Box::new(
                    Lbfgs::builder(lr)
                        .max_iter(self.max_iter.unwrap_or(20))
                        .max_eval(self.max_eval)
                        .tolerance_grad(self.tolerance_grad.unwrap_or(1e-7))
                        .tolerance_change(self.tolerance_change.unwrap_or(1e-9))
                        .history_size(self.history_size.unwrap_or(HISTORY))
                        .line_search(search)
                        .build::<f32>()?,
                )
            }
        })
    }

    /// How many numbers the optimizer remembers of each parameter, or works with during a step.
    pub fn optimizer_state(&self) -> usize {
        let moving = usize::from(self.momentum > 0.0);
        match self.optimizer {
            OptimizerKind::Sgd => moving,
            OptimizerKind::Adagrad | OptimizerKind::Asgd => 1,
            OptimizerKind::Rmsprop => 1 + moving + usize::from(self.centered == Some(true)),
            OptimizerKind::Adam | OptimizerKind::Adamw => 2 + usize::from(self.amsgrad == Some(true)),
            OptimizerKind::Lbfgs => {
                let pairs = self.history_size.unwrap_or(HISTORY).max(1);
                pairs.saturating_mul(2).saturating_add(LBFGS_WORK)
            }
            OptimizerKind::Adadelta
            | OptimizerKind::Rprop
            | OptimizerKind::Nadam
            | OptimizerKind::Radam
            | OptimizerKind::Adamax => 2,
        }
    }

    /// Whether a one-cycle schedule moves the momentum (or beta1): where there is one.
    pub fn cycles_momentum(&self) -> bool {
        match self.optimizer {
            OptimizerKind::Rmsprop => self.momentum > 0.0,
            kind => kind.options().iter().any(|option| ["momentum", "betas"].contains(option)),
        }
    }
}
