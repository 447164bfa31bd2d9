//! What a training run is made of: defaults, then a file, then the command line, each over the one before.

use std::path::Path;

use barehand::tensor::regular_file;
use barehand::{Error, Result};
use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};

use crate::optimizer::{LineSearch, OPTIONS, OptimizerKind};

/// No configuration has more bytes.
const LARGEST_FILE: u64 = 1 << 20;

/// Which network.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, PartialEq, Eq, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum ModelKind {
    /// Fully connected layers with ReLU between them
    Mlp,
    /// 3x3 convolutions, one 2x2 max-pooling, fully connected layers
    Cnn,
}

/// How the learning rate changes over the run.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, PartialEq, Eq, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum ScheduleKind {
    /// It stays as it is
    Constant,
    /// Times gamma every step-epochs epochs
    Step,
    /// Times gamma every epoch
    Exponential,
    /// Half a cosine down to 0, after warmup-epochs of linear rise
    Cosine,
    /// Up to lr and far down again (Smith & Topin 2018)
    OneCycle,
    /// Times gamma when the validation loss has not improved for schedule-patience epochs
    Plateau,
}

/// Everything that decides a run's result. A run folder keeps it whole in `config.toml`; any part of it may stand in a
/// `--config` file.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct RunConfig {
    pub data: String,
    pub validation: f64,
    pub augment: bool,
    pub model: ModelKind,
    pub hidden: Vec<usize>,
    pub channels: Vec<usize>,
    pub dropout: f64,
    pub epochs: u64,
    pub batch_size: usize,
    pub optimizer: OptimizerKind,
    pub lr: f64,
    pub momentum: f64,
    pub nesterov: bool,
    pub weight_decay: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dampening: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub betas: Option<[f64; 2]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eps: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amsgrad: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub momentum_decay: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rho: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alpha: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub centered: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lr_decay: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub etas: Option<[f64; 2]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step_sizes: Option<[f64; 2]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lambd: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub t0: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_iter: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_eval: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tolerance_grad: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tolerance_change: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub history_size: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line_search: Option<LineSearch>,
    pub clip_norm: f64,
    pub label_smoothing: f64,
    pub schedule: ScheduleKind,
    pub warmup_epochs: f64,
    pub step_epochs: u64,
    pub gamma: f64,
    pub schedule_patience: u64,
    pub early_stopping: u64,
    pub checkpoint_steps: u64,
    pub seed: u64,
    pub threads: usize,
}

impl Default for RunConfig {
    fn default() -> Self {
        RunConfig {
            data: "embedded".into(),
            validation: 0.1,
            augment: false,
            model: ModelKind::Mlp,
            hidden: Vec::new(),
            channels: vec![32, 64],
            dropout: 0.0,
            epochs: 10,
            batch_size: 64,
            optimizer: OptimizerKind::Adamw,
            lr: 1e-3,
            momentum: 0.9,
            nesterov: false,
            weight_decay: 0.01,
            dampening: None,
            betas: None,
            eps: None,
            amsgrad: None,
            momentum_decay: None,
            rho: None,
            alpha: None,
            centered: None,
            lr_decay: None,
            etas: None,
            step_sizes: None,
            lambd: None,
            t0: None,
            max_iter: None,
            max_eval: None,
            tolerance_grad: None,
            tolerance_change: None,
            history_size: None,
            line_search: None,
            clip_norm: 0.0,
            label_smoothing: 0.0,
            schedule: ScheduleKind::Cosine,
            warmup_epochs: 0.0,
            step_epochs: 5,
            gamma: 0.1,
            schedule_patience: 2,
            early_stopping: 0,
            checkpoint_steps: 0,
            seed: 0,
            threads: 0,
        }
    }
}

/// The settings a command line may name; whatever it leaves out comes from the file, or is the default.
#[derive(Args, Debug, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Overrides {
    /// Images: embedded | fashion-mnist[:DIR] | mnist[:DIR] | cifar10[:DIR] | folder:DIR (one folder for each class)
    /// [default: embedded]
    #[arg(long, value_name = "DATA", help_heading = "Data")]
    data: Option<String>,
    /// Share of the training images held back to watch progress on; 0 for none [default: 0.1]
    #[arg(long, value_name = "SHARE", help_heading = "Data")]
    validation: Option<f64>,
    /// Flip and shift training images at random
    #[arg(long, help_heading = "Data", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    augment: Option<bool>,

    /// The network [default: mlp]
    #[arg(long, value_enum, help_heading = "Model")]
    model: Option<ModelKind>,
    /// Widths of the hidden layers [default: 512 for mlp, 128 for cnn]
    #[arg(long, value_name = "N,N,...", value_delimiter = ',', help_heading = "Model")]
    hidden: Option<Vec<usize>>,
    /// Channels of the convolutions [default: 32,64]
    #[arg(long, value_name = "N,N,...", value_delimiter = ',', help_heading = "Model")]
    channels: Option<Vec<usize>>,
    /// Share of hidden values dropped in training [default: 0]
    #[arg(long, value_name = "P", help_heading = "Model")]
    dropout: Option<f64>,

    /// Passes over the training images [default: 10]
    #[arg(long, help_heading = "Training")]
    epochs: Option<u64>,
    /// Images in a step [default: 64]
    #[arg(long, value_name = "N", help_heading = "Training")]
    batch_size: Option<usize>,
    /// [default: adamw]
    #[arg(long, value_enum, help_heading = "Training")]
    optimizer: Option<OptimizerKind>,
    /// Learning rate [default: 0.001; 0.002 for nadam and adamax, 0.01 for adagrad, 0.05 for sgd, 0.1 for asgd, 1 for
    /// adadelta and lbfgs]
    #[arg(long, value_name = "RATE", help_heading = "Training")]
    lr: Option<f64>,
    /// Momentum of sgd and rmsprop [default: 0.9 for sgd, 0 for rmsprop]
    #[arg(long, value_name = "MU", help_heading = "Training")]
    momentum: Option<f64>,
    /// Nesterov's momentum for sgd
    #[arg(long, help_heading = "Training", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    nesterov: Option<bool>,
    /// Pull of the weights toward 0, which rprop and lbfgs have not [default: 0.01 for adamw, 0 otherwise]
    #[arg(long, value_name = "RATE", help_heading = "Training")]
    weight_decay: Option<f64>,
    /// Largest norm of all gradients together; 0 for no limit [default: 0]
    #[arg(long, value_name = "NORM", help_heading = "Training")]
    clip_norm: Option<f64>,
    /// Share of each target spread over all classes [default: 0]
    #[arg(long, value_name = "SHARE", help_heading = "Training")]
    label_smoothing: Option<f64>,
    /// Stop when the validation loss has not improved for this many epochs, and keep the best; 0 for never [default: 0]
    #[arg(long, value_name = "EPOCHS", help_heading = "Training")]
    early_stopping: Option<u64>,

    /// Share of the gradient kept from sgd's velocity [default: 0]
    #[arg(long, value_name = "SHARE", help_heading = "Options of an optimizer")]
    dampening: Option<f64>,
    /// Decay of the means of adam and its relatives [default: 0.9,0.999]
    #[arg(long, value_name = "BETA,BETA", value_delimiter = ',', help_heading = "Options of an optimizer")]
    betas: Option<Vec<f64>>,
    /// Added to denominators [default: 1e-8, 1e-10 for adagrad, 1e-6 for adadelta]
    #[arg(long, value_name = "EPS", help_heading = "Options of an optimizer")]
    eps: Option<f64>,
    /// Divide by the largest mean square so far, in adam and adamw
    #[arg(long, help_heading = "Options of an optimizer", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    amsgrad: Option<bool>,
    /// How fast nadam's momentum grows [default: 0.004]
    #[arg(long, value_name = "DECAY", help_heading = "Options of an optimizer")]
    momentum_decay: Option<f64>,
    /// Decay of adadelta's means [default: 0.9]
    #[arg(long, value_name = "DECAY", help_heading = "Options of an optimizer")]
    rho: Option<f64>,
    /// Decay of rmsprop's means [default: 0.99], or the power of asgd's rate [default: 0.75]
    #[arg(long, value_name = "ALPHA", help_heading = "Options of an optimizer")]
    alpha: Option<f64>,
    /// Divide rmsprop's steps by the deviation from the mean, not from 0
    #[arg(long, help_heading = "Options of an optimizer", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    centered: Option<bool>,
    /// How fast adagrad's rate falls [default: 0]
    #[arg(long, value_name = "DECAY", help_heading = "Options of an optimizer")]
    lr_decay: Option<f64>,
    /// What shrinks rprop's step sizes, and what lets them grow [default: 0.5,1.2]
    #[arg(long, value_name = "ETA,ETA", value_delimiter = ',', help_heading = "Options of an optimizer")]
    etas: Option<Vec<f64>>,
    /// Rprop's smallest and largest step size [default: 0.000001,50]
    #[arg(long, value_name = "SIZE,SIZE", value_delimiter = ',', help_heading = "Options of an optimizer")]
    step_sizes: Option<Vec<f64>>,
    /// Asgd's pull toward 0, apart from the gradient [default: 0.0001]
    #[arg(long, value_name = "RATE", help_heading = "Options of an optimizer")]
    lambd: Option<f64>,
    /// The step from which on asgd averages [default: 1000000]
    #[arg(long, value_name = "STEP", help_heading = "Options of an optimizer")]
    t0: Option<f64>,
    /// Iterations in one step of lbfgs, at most [default: 20]
    #[arg(long, value_name = "N", help_heading = "Options of an optimizer")]
    max_iter: Option<usize>,
    /// Losses computed in one step of lbfgs, after which no iteration begins [default: 5/4 of its iterations]
    #[arg(long, value_name = "N", help_heading = "Options of an optimizer")]
    max_eval: Option<usize>,
    /// A step of lbfgs ends where no element of the gradient is larger [default: 1e-7]
    #[arg(long, value_name = "SIZE", help_heading = "Options of an optimizer")]
    tolerance_grad: Option<f64>,
    /// A step of lbfgs ends where nothing changes by more [default: 1e-9]
    #[arg(long, value_name = "SIZE", help_heading = "Options of an optimizer")]
    tolerance_change: Option<f64>,
    /// Pairs of steps and changes of the gradient that lbfgs remembers [default: 10]
    #[arg(long, value_name = "N", help_heading = "Options of an optimizer")]
    history_size: Option<usize>,
    /// How far lbfgs goes along a direction [default: strong-wolfe]
    #[arg(long, value_enum, help_heading = "Options of an optimizer")]
    line_search: Option<LineSearch>,

    /// How the learning rate changes [default: cosine]
    #[arg(long, value_enum, help_heading = "Schedule")]
    schedule: Option<ScheduleKind>,
    /// Epochs of linear rise before a cosine [default: 0]
    #[arg(long, value_name = "EPOCHS", help_heading = "Schedule")]
    warmup_epochs: Option<f64>,
    /// Epochs between the steps of a step schedule [default: 5]
    #[arg(long, value_name = "EPOCHS", help_heading = "Schedule")]
    step_epochs: Option<u64>,
    /// Factor of step, exponential and plateau schedules [default: 0.1, and 0.9 for exponential]
    #[arg(long, value_name = "FACTOR", help_heading = "Schedule")]
    gamma: Option<f64>,
    /// Epochs without improvement that a plateau schedule waits [default: 2]
    #[arg(long, value_name = "EPOCHS", help_heading = "Schedule")]
    schedule_patience: Option<u64>,

    /// Seed of weights, order, dropout and augmentation: same seed and threads, same bits [default: 0]
    // TOML, in which a run keeps its settings, has no larger whole numbers.
    #[arg(long, help_heading = "Run", value_parser = clap::value_parser!(u64).range(..=i64::MAX as u64))]
    seed: Option<u64>,
    /// Threads; 0 for BAREHAND_NUM_THREADS or all cores [default: 0]
    #[arg(long, value_name = "N", help_heading = "Run")]
    threads: Option<usize>,
    /// Steps between checkpoints within an epoch; 0 for one at each epoch's end only [default: 0]
    #[arg(long, value_name = "STEPS", help_heading = "Run")]
    checkpoint_steps: Option<u64>,
}

impl RunConfig {
    /// Defaults, then `file`, then `overrides`; defaults that depend on other choices are filled in last.
    pub fn assemble(file: Option<&Path>, overrides: &Overrides) -> Result<RunConfig> {
        let name = file.map_or("the command line".to_string(), |path| path.display().to_string());
        let mut table = match file {
            Some(path) => table(&name, &regular_file::read(path, LARGEST_FILE)?)?,
            None => toml::Table::new(),
        };
        let named_here = overrides.table()?;
        for (key, value) in &named_here {
            table.insert(key.clone(), value.clone());
        }
        let named = |key: &str| table.contains_key(key);
        let (hidden, lr, decay, gamma, momentum) =
            (!named("hidden"), !named("lr"), !named("weight-decay"), !named("gamma"), !named("momentum"));
        let mut config: RunConfig = table
            .clone()
            .try_into()
            .map_err(|error: toml::de::Error| Error::format(name, error.to_string()))?;
        if hidden {
            config.hidden = if config.model == ModelKind::Cnn { vec![128] } else { vec![512] };
        }
        if lr {
            config.lr = config.optimizer.rate();
        }
        if momentum && config.optimizer == OptimizerKind::Rmsprop {
            config.momentum = 0.0;
        }
        if decay && config.optimizer != OptimizerKind::Adamw {
            config.weight_decay = 0.0;
        }
        if gamma && config.schedule == ScheduleKind::Exponential {
            config.gamma = 0.9;
        }
        for option in OPTIONS.iter().filter(|option| named_here.contains_key(**option)) {
            config.optimizer.check_option(option)?;
        }
        config.validate()?;
        Ok(config)
    }

    /// Reads a run folder's `config.toml`.
    pub fn read(path: &Path) -> Result<RunConfig> {
        Self::parse(&path.display().to_string(), &regular_file::read(path, LARGEST_FILE)?)
    }

    /// As [`RunConfig::read`], from the content of the file.
    pub fn parse(name: &str, bytes: &[u8]) -> Result<RunConfig> {
        let config: RunConfig = table(name, bytes)?
            .try_into()
            .map_err(|error: toml::de::Error| Error::format(name, error.to_string()))?;
        config.validate()?;
        Ok(config)
    }

    /// The whole configuration as a file.
    pub fn to_toml(&self) -> Result<String> {
        toml::to_string(self).map_err(|error| Error::value("config", error.to_string()))
    }

    fn validate(&self) -> Result<()> {
        let check = |holds: bool, name: &str, value: &dyn std::fmt::Display, rule: &str| {
            if holds { Ok(()) } else { Err(Error::value("config", format!("{name} = {value}: {rule}"))) }
        };
        check(
            (0.0..1.0).contains(&self.validation),
            "validation",
            &self.validation,
            "a share in [0, 1) expected",
        )?;
        check((0.0..1.0).contains(&self.dropout), "dropout", &self.dropout, "a share in [0, 1) expected")?;
        check(
            (0.0..=1.0).contains(&self.label_smoothing),
            "label-smoothing",
            &self.label_smoothing,
            "a share in [0, 1] expected",
        )?;
        check((1..=1_000_000).contains(&self.epochs), "epochs", &self.epochs, "1 to 1,000,000 expected")?;
        check(self.batch_size > 0, "batch-size", &self.batch_size, "at least 1 expected")?;
        let finite = |value: f64, name: &str| {
            check(value.is_finite() && value >= 0.0, name, &value, "a finite number, 0 or more, expected")
        };
        finite(self.lr, "lr")?;
        check(
            (0.0..1.0).contains(&self.momentum),
            "momentum",
            &self.momentum,
            "a number in [0, 1) expected",
        )?;
        finite(self.weight_decay, "weight-decay")?;
        let without_decay = match self.optimizer {
            OptimizerKind::Rprop => Some("rprop has none, since it looks at the signs of gradients only"),
            OptimizerKind::Lbfgs => Some("lbfgs has none, since it moves by the loss alone"),
            _ => None,
        };
        if let Some(reason) = without_decay {
            check(self.weight_decay == 0.0, "weight-decay", &self.weight_decay, reason)?;
        }
        // A run's file always holds momentum and nesterov; what else is there must belong to the optimizer.
        let table = toml::Table::try_from(self).map_err(|error| Error::value("config", error.to_string()))?;
        for option in OPTIONS[2..].iter().filter(|option| table.contains_key(**option)) {
            self.optimizer.check_option(option)?;
        }
        let pairs = [self.betas, self.etas, self.step_sizes].into_iter().flatten().flatten();
        let numbers = [
            self.dampening,
            self.eps,
            self.momentum_decay,
            self.rho,
            self.alpha,
            self.lr_decay,
            self.lambd,
            self.t0,
            self.tolerance_grad,
            self.tolerance_change,
        ];
        for value in pairs.chain(numbers.into_iter().flatten()) {
            check(value.is_finite(), self.optimizer.title(), &value, "a finite number expected")?;
        }
        check(self.max_iter != Some(0), "max-iter", &0, "at least 1 expected")?;
        self.make_optimizer()?;
        finite(self.clip_norm, "clip-norm")?;
        check(self.gamma > 0.0 && self.gamma <= 1.0, "gamma", &self.gamma, "a factor in (0, 1] expected")?;
        check(self.step_epochs > 0, "step-epochs", &self.step_epochs, "at least 1 expected")?;
        finite(self.warmup_epochs, "warmup-epochs")?;
        check(self.threads <= 4096, "threads", &self.threads, "at most 4096 expected")?;
        check(!self.hidden.contains(&0), "hidden", &0, "every layer needs at least one unit")?;
        check(!self.channels.contains(&0), "channels", &0, "every convolution needs at least one channel")?;
        check(
            self.warmup_epochs < self.epochs as f64,
            "warmup-epochs",
            &self.warmup_epochs,
            "fewer than the run's epochs expected",
        )?;
        let watches = self.early_stopping > 0 || self.schedule == ScheduleKind::Plateau;
        check(
            !watches || self.validation > 0.0,
            "validation",
            &self.validation,
            "early-stopping and the plateau schedule watch validation images; hold some back",
        )
    }
}

/// The settings in the bytes of a file.
fn table(name: &str, bytes: &[u8]) -> Result<toml::Table> {
    let text = std::str::from_utf8(bytes).map_err(|error| Error::format(name, error.to_string()))?;
    text.parse().map_err(|error: toml::de::Error| Error::format(name, error.to_string()))
}

impl Overrides {
    /// The settings that were named, under their names in a file.
    fn table(&self) -> Result<toml::Table> {
        toml::Table::try_from(self).map_err(|error| Error::value("the command line", error.to_string()))
    }

    /// A run's configuration with more epochs or other threads; everything else decides what was learned so far.
    pub fn on_resume(&self, mut config: RunConfig) -> Result<RunConfig> {
        let named = self.table()?;
        if let Some(name) =
            named.keys().find(|name| !["epochs", "threads", "checkpoint-steps"].contains(&name.as_str()))
        {
            return Err(Error::value(
                "--resume",
                format!(
                    "--{name} cannot change in the middle of a run; only --epochs, --threads and --checkpoint-steps can"
                ),
            ));
        }
        if self.epochs.is_some_and(|epochs| epochs != config.epochs)
            && matches!(config.schedule, ScheduleKind::Cosine | ScheduleKind::OneCycle)
        {
            return Err(Error::value(
                "--resume",
                "the schedule is laid out over the run's epochs, so their number cannot change; start with \
                 --schedule constant, step, exponential or plateau to be free in this",
            ));
        }
        config.epochs = self.epochs.unwrap_or(config.epochs);
        config.threads = self.threads.unwrap_or(config.threads);
        config.checkpoint_steps = self.checkpoint_steps.unwrap_or(config.checkpoint_steps);
        config.validate()?;
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_wins_over_the_file() {
        let folder = std::env::temp_dir().join(format!("barehand-config-{}", std::process::id()));
        std::fs::write(&folder, "epochs = 3\nlr = 0.5\nmodel = \"cnn\"\n").unwrap();
        let overrides = Overrides { epochs: Some(7), ..Overrides::default() };
        let config = RunConfig::assemble(Some(&folder), &overrides).unwrap();
        std::fs::remove_file(&folder).unwrap();
        assert_eq!((config.epochs, config.lr, config.model), (7, 0.5, ModelKind::Cnn));
        assert_eq!(config.hidden, [128]);
    }

    #[test]
    fn a_written_configuration_reads_back_the_same() {
        let config = RunConfig::assemble(None, &Overrides { lr: Some(0.1), ..Overrides::default() }).unwrap();
        assert_eq!(toml::from_str::<RunConfig>(&config.to_toml().unwrap()).unwrap(), config);
    }

    #[test]
    fn an_option_belongs_to_its_optimizer() {
        let of = |optimizer, overrides: Overrides| {
            RunConfig::assemble(None, &Overrides { optimizer: Some(optimizer), ..overrides })
        };
        let betas = || Overrides { betas: Some(vec![0.8, 0.99]), ..Overrides::default() };
        assert_eq!(of(OptimizerKind::Radam, betas()).unwrap().betas, Some([0.8, 0.99]));
        let refused = of(OptimizerKind::Sgd, betas()).unwrap_err().to_string();
        assert_eq!(refused, "config: betas is no option of SGD, which has momentum, nesterov, dampening");
        let momentum = Overrides { momentum: Some(0.5), ..Overrides::default() };
        assert!(of(OptimizerKind::Adam, momentum).is_err(), "on the command line momentum means something");
        for (optimizer, overrides, word) in [
            (OptimizerKind::Adam, Overrides { betas: Some(vec![0.9]), ..Overrides::default() }, "betas"),
            (OptimizerKind::Adam, Overrides { betas: Some(vec![1.5, 0.9]), ..Overrides::default() }, "beta"),
            (OptimizerKind::Rprop, Overrides { etas: Some(vec![1.5, 2.0]), ..Overrides::default() }, "eta"),
            (OptimizerKind::Rprop, Overrides { weight_decay: Some(0.1), ..Overrides::default() }, "rprop"),
            (OptimizerKind::Lbfgs, Overrides { weight_decay: Some(0.1), ..Overrides::default() }, "lbfgs"),
            (
                OptimizerKind::Lbfgs,
                Overrides { tolerance_grad: Some(f64::INFINITY), ..Overrides::default() },
                "finite",
            ),
            (OptimizerKind::Asgd, Overrides { t0: Some(f64::NAN), ..Overrides::default() }, "finite"),
            (
                OptimizerKind::Sgd,
                Overrides { momentum: Some(0.0), nesterov: Some(true), ..Overrides::default() },
                "Nesterov",
            ),
        ] {
            let refused = of(optimizer, overrides).unwrap_err().to_string();
            assert!(refused.contains(word), "{refused}");
        }
        assert_eq!(of(OptimizerKind::Rmsprop, Overrides::default()).unwrap().momentum, 0.0);
        let alien = RunConfig::parse("run", b"optimizer = \"adam\"\nrho = 0.5").unwrap_err().to_string();
        assert!(alien.contains("rho is no option of Adam"), "{alien}");
        // What every run's file holds, whatever its optimizer.
        RunConfig::parse("run", b"optimizer = \"adam\"\nmomentum = 0.9\nnesterov = false").unwrap();
    }

    #[test]
    fn every_optimizer_reads_back_with_all_of_its_options() {
        for optimizer in OptimizerKind::value_variants() {
            let pair =
                |name: &str, pair: [f64; 2]| optimizer.options().contains(&name).then(|| pair.to_vec());
            let number = |name: &str, number: f64| optimizer.options().contains(&name).then_some(number);
            let count = |name: &str, count: usize| optimizer.options().contains(&name).then_some(count);
            let flag = |name: &str| optimizer.options().contains(&name).then_some(true);
            let overrides = Overrides {
                optimizer: Some(*optimizer),
                momentum: number("momentum", 0.5),
                // Without Nesterov's momentum there may be dampening.
                dampening: number("dampening", 0.1),
                betas: pair("betas", [0.8, 0.9]),
                eps: number("eps", 1e-4),
                amsgrad: flag("amsgrad"),
                momentum_decay: number("momentum-decay", 0.01),
                rho: number("rho", 0.8),
                alpha: number("alpha", 0.8),
                centered: flag("centered"),
                lr_decay: number("lr-decay", 0.1),
                etas: pair("etas", [0.4, 1.1]),
                step_sizes: pair("step-sizes", [1e-5, 1.0]),
                lambd: number("lambd", 1e-3),
                t0: number("t0", 10.0),
                max_iter: count("max-iter", 5),
                max_eval: count("max-eval", 7),
                tolerance_grad: number("tolerance-grad", 1e-6),
                tolerance_change: number("tolerance-change", 1e-8),
                history_size: count("history-size", 4),
                line_search: optimizer.options().contains(&"line-search").then_some(LineSearch::None),
                ..Overrides::default()
            };
            let named = overrides.table().unwrap().len() - 1;
            let nesterov = usize::from(*optimizer == OptimizerKind::Sgd);
            assert_eq!(named + nesterov, optimizer.options().len(), "{optimizer:?}");
            let config = RunConfig::assemble(None, &overrides).unwrap();
            let text = config.to_toml().unwrap();
            assert_eq!(RunConfig::parse("run", text.as_bytes()).unwrap(), config);
            assert_eq!(config.make_optimizer().unwrap().learning_rate(), optimizer.rate());
        }
    }

    #[test]
    fn mistakes_are_named() {
        let refuse = |overrides: Overrides| RunConfig::assemble(None, &overrides).unwrap_err().to_string();
        assert!(refuse(Overrides { epochs: Some(0), ..Overrides::default() }).contains("epochs = 0"));
        assert!(refuse(Overrides { dropout: Some(1.5), ..Overrides::default() }).contains("dropout = 1.5"));
        let unknown = toml::from_str::<RunConfig>("learning_rate = 1").unwrap_err().to_string();
        assert!(unknown.contains("learning_rate") && unknown.contains("expected one of"), "{unknown}");
    }
}
