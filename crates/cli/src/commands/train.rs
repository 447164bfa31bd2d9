//! `barehand train`

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use barehand::data::DataLoader;
use barehand::nn::schedule::{OneCycle, ReduceOnPlateau};
use barehand::nn::{self, Memory, Module, Optimizer, Parameters, Schedule, Scheduler};
use barehand::profile::{self, Profile, Profiler};
use barehand::tensor::{CrossEntropyOptions, Generator, atomic_file, memory};
use barehand::train::{
    Checkpoint, Classification, EarlyStopping, Event, Every, MetricsLog, Stopped, Trainer,
};
use barehand::{Error, Result, threads};
use clap::Args;
use serde_json::json;

use super::{print, print_json};
use crate::config::{ModelKind, Overrides, RunConfig, ScheduleKind};
use crate::memory::{Need, parse_size};
use crate::model_file::{self, Architecture};
use crate::progress::{Progress, say};
use crate::run_folder::RunFolder;
use crate::run_report::TEST_BATCH;
use crate::{data_source, interrupt, run_report};

/// Validation looks at this many images at once, or at more where training does.
const VALIDATION_BATCH: usize = 256;

/// Train a network on images and write a run folder: model, metrics, report.
///
/// Without arguments it trains a small network on the images that come with the program.
#[derive(Args)]
#[command(after_help = "Examples:\n  barehand train\n  barehand train --model cnn --epochs 5\n  \
                  barehand train --data fashion-mnist --model cnn --optimizer sgd --lr 0.05 --out runs/cnn\n  \
                  barehand train --optimizer nadam --betas 0.9,0.99\n  \
                  barehand train --config runs/cnn/config.toml --seed 1\n  barehand train --resume runs/cnn\n  \
                  barehand train --profile --epochs 1")]
pub struct Arguments {
    #[command(flatten)]
    settings: Overrides,
    /// Read settings from a TOML file, such as another run's config.toml; the command line goes before it.
    #[arg(long, value_name = "FILE", help_heading = "Run")]
    config: Option<PathBuf>,
    /// The run's folder [default: the next free runs/MODEL-DATA-N]
    #[arg(long, value_name = "RUN", help_heading = "Run")]
    out: Option<PathBuf>,
    /// Go on with a run that was stopped, exactly where it was; only --epochs and --threads may be named beside it.
    #[arg(long, value_name = "RUN", conflicts_with_all = ["config", "out"], help_heading = "Run")]
    resume: Option<PathBuf>,
    /// Tell in the end what the steps spent, operator by operator.
    #[arg(long, help_heading = "Run")]
    profile: bool,
    /// Memory the run may take, such as 8GB [default: what the system has available]
    #[arg(long, value_name = "SIZE", value_parser = parse_size, help_heading = "Run")]
    memory_limit: Option<u64>,
    /// Show no progress.
    #[arg(long, short, help_heading = "Run")]
    quiet: bool,
    /// Print one JSON object instead of text.
    #[arg(long, help_heading = "Run")]
    json: bool,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    // A run that is there is taken before it is read, so that nobody changes it meanwhile.
    let taken = match &arguments.resume {
        Some(run) => {
            let folder = RunFolder::open(run)?;
            let lock = folder.lock()?;
            Some((folder, lock))
        }
        None => None,
    };
    let config = match &taken {
        Some((folder, _)) => arguments.settings.on_resume(RunConfig::read(&folder.config())?)?,
        None => RunConfig::assemble(arguments.config.as_deref(), &arguments.settings)?,
    };
    if config.threads > 0 {
        threads::set_num_threads(config.threads);
    }
    interrupt::listen()?;
    // Data and memory before the folder: what is refused should not leave an empty run behind.
    let images = data_source::split(&config)?;
    let architecture = Architecture::new(&config, &images.train);
    let optimizer_state = config.optimizer_state();
    check_weights(&architecture, optimizer_state, arguments.memory_limit)?;
    let mut model = architecture.build(&mut Generator::new(config.seed))?;
    // What the split of the images and the drawing of the weights held is not needed again.
    memory::trim();
    // The model is looked at in evaluation, so that its random states stay.
    model.eval();
    let need =
        need(&config, model.as_ref(), &architecture, &images, optimizer_state, arguments.memory_limit)?;
    need.check()?;
    let (folder, _lock) = match taken {
        Some(taken) => taken,
        None => {
            let data = config.data.split(':').next().unwrap_or_default();
            let kind = if config.model == ModelKind::Cnn { "cnn" } else { "mlp" };
            RunFolder::create(arguments.out.as_deref(), &format!("{kind}-{data}"))?
        }
    };
    let mut optimizer = optimizer(&config)?;

    let mut transform = architecture.transform();
    if config.augment {
        transform = transform.random_flip(0.5).random_crop(2);
    }
    let train = DataLoader::new(images.train.with_transform(&transform)?, config.batch_size)?
        .shuffle(true)
        .seed(config.seed);
    let validation = match &images.validation {
        Some(images) => {
            Some(DataLoader::new(architecture.samples(images)?, config.batch_size.max(VALIDATION_BATCH))?)
        }
        None => None,
    };
    let steps = train.len() as u64 * config.epochs;

    let options = CrossEntropyOptions { label_smoothing: config.label_smoothing, ..Default::default() };
    let mut trainer = Trainer::new(Classification { options }, config.epochs)
        .checkpoint(folder.checkpoint(), config.checkpoint_steps);
    if config.clip_norm > 0.0 {
        trainer = trainer.clip_grad_norm(config.clip_norm);
    }
    if config.early_stopping > 0 {
        trainer = trainer.early_stopping(EarlyStopping::new(config.early_stopping));
    }
    if let Some((scheduler, every)) = schedule(&config, train.len() as u64)? {
        trainer = trainer.schedule(scheduler, every);
    }

    let every = (steps / 2000).max(1);
    announce(arguments, &config, &folder, model.as_ref(), &architecture, &images, &need)?;
    // A run that was killed before its first checkpoint begins again.
    let mut log = if arguments.resume.is_some() && folder.checkpoint().exists() {
        let checkpoint = Checkpoint::read(folder.checkpoint())?;
        let log = MetricsLog::resume(folder.metrics(), every, checkpoint.step())?;
        trainer.resume(checkpoint, model.as_mut(), optimizer.as_mut())?;
        log
    } else {
        MetricsLog::create(folder.metrics(), every)?
    };
    write_text(&folder.config(), &config.to_toml()?)?;

    let mut progress = Progress::new(config.epochs, steps, trainer.progress().step, arguments.quiet);
    let mut trainer = trainer.on_event(|event: &Event| {
        log.append(event)?;
        progress.show(event);
        Ok(if interrupt::asked() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    });
    let profiler = if arguments.profile { Some(Profiler::start()?) } else { None };
    let stopped = trainer.fit(model.as_mut(), optimizer.as_mut(), &train, validation.as_ref());
    let taken = trainer.progress().clone();
    drop(trainer);
    progress.finish();
    let profile = profiler.map(Profiler::stop);
    if let Some(profile) = &profile {
        say(&profile.to_string());
    }
    let stopped = stopped.inspect_err(|_| {
        if folder.checkpoint().exists() {
            let run = folder.path().display();
            say(&format!("`barehand train --resume {run}` goes on from the last checkpoint"));
        }
    })?;
    if stopped == Stopped::Interrupted {
        say(&format!(
            "stopped after step {} of {steps}; `barehand train --resume {}` goes on from there",
            taken.step,
            folder.path().display()
        ));
        return Err(Error::Interrupted);
    }

    model_file::write(&folder.model(), &architecture, model.as_ref())?;
    let test = run_report::examine(&architecture, model.as_mut(), &images.test, config.batch_size)?;
    run_report::write(&folder.report(), &folder, &config, &architecture, model.as_ref(), &test)?;
    let history = MetricsLog::read(folder.metrics())?;
    let seconds: f64 = history.epochs.iter().map(|epoch| epoch.seconds).sum();
    if arguments.json {
        return print_json(&json!({
            "run": folder.path(),
            "report": folder.report(),
            "model": folder.model(),
            "accuracy": test.accuracy,
            "loss": test.loss,
            "parameters": model.num_parameters(),
            "epochs": taken.epoch,
            "steps": taken.step,
            "seconds": seconds,
            "stopped_early": stopped == Stopped::Early,
            "profile": profile.as_ref().map(profile_json),
            "memory": need.to_json(),
        }));
    }
    let early = if stopped == Stopped::Early { " (stopped early, best weights kept)" } else { "" };
    print(&format!(
        "test accuracy {:.2} %, loss {:.4} on {} images{early}\nreport: {}",
        100.0 * test.accuracy,
        test.loss,
        test.samples,
        folder.report().display()
    ))
}

/// What is about to happen, before it does.
fn announce(
    arguments: &Arguments,
    config: &RunConfig,
    folder: &RunFolder,
    model: &dyn Module,
    architecture: &Architecture,
    images: &data_source::Images,
    need: &Need,
) -> Result<()> {
    if arguments.quiet {
        return Ok(());
    }
    say(&nn::summary(model, &batch_shape(config.batch_size, architecture, images))?.to_string());
    say(&need.line());
    say(&format!(
        "{}: {} training, {} validation and {} test images; {} thread(s); writing {}",
        images.train.name,
        images.train.len(),
        images.validation.as_ref().map_or(0, barehand::data::ImageDataset::len),
        images.test.len(),
        threads::num_threads(),
        folder.path().display()
    ));
    Ok(())
}

/// The shape of the largest batch.
fn batch_shape(batch_size: usize, architecture: &Architecture, images: &data_source::Images) -> [usize; 4] {
    let [channels, height, width] = architecture.image;
    [batch_size.min(images.train.len()).max(1), channels, height, width]
}

/// Refuses a network whose weights alone do not fit, before it is built.
fn check_weights(architecture: &Architecture, state: usize, limit: Option<u64>) -> Result<()> {
    // Where there is no network, building says why.
    let Some(parameters) = architecture.declared_weights() else { return Ok(()) };
    let parameters = parameters.saturating_mul(size_of::<f32>());
    let optimizer = parameters.saturating_mul(state);
    let weights = Memory { parameters, gradients: parameters, optimizer, ..Memory::default() };
    Need::new(0, 0, 0, weights, limit).check()
}

/// The memory that the run will take.
fn need(
    config: &RunConfig,
    model: &dyn Module,
    architecture: &Architecture,
    images: &data_source::Images,
    state: usize,
    limit: Option<u64>,
) -> Result<Need> {
    let parts = [Some(&images.train), images.validation.as_ref(), Some(&images.test)];
    let data = parts.into_iter().flatten().map(|part| part.images.len() + 8 * part.labels.len()).sum();
    let shape = batch_shape(config.batch_size, architecture, images);
    let bytes = |shape: [usize; 4]| size_of::<f32>() * shape.iter().product::<usize>();
    let mut training = nn::memory(model, &shape, state)?;
    if config.early_stopping > 0 {
        // The best weights are kept beside those in training.
        training.optimizer = training.optimizer.saturating_add(training.parameters);
    }
    // A last batch of another size cannot use the memory of the others.
    let rest = images.train.len() % shape[0];
    if rest > 0 {
        let Memory { activations, workspace, .. } =
            nn::memory(model, &[rest, shape[1], shape[2], shape[3]], state)?;
        training.workspace = training.workspace.saturating_add(activations.saturating_add(workspace));
    }
    // Nor can larger batches than those of training.
    let largest = images.validation.as_ref().map_or(config.batch_size.max(TEST_BATCH), |part| {
        config.batch_size.max(VALIDATION_BATCH).min(part.len())
    });
    let seen = [largest, shape[1], shape[2], shape[3]];
    let evaluation =
        if largest > shape[0] { nn::memory(model, &seen, 0)?.workspace + 3 * bytes(seen) } else { 0 };
    Ok(Need::new(data, bytes(shape), evaluation, training, limit))
}

pub fn optimizer(config: &RunConfig) -> Result<Box<dyn Optimizer>> {
    config.make_optimizer()
}

/// The schedule of a run whose epochs have `steps` steps; `None` for a constant rate.
pub fn schedule(config: &RunConfig, steps: u64) -> Result<Option<(Scheduler, Every)>> {
    let total = steps * config.epochs;
    let gamma = config.gamma;
    let (schedule, every) = match config.schedule {
        ScheduleKind::Constant => return Ok(None),
        ScheduleKind::Step => (Schedule::Step { step_size: config.step_epochs, gamma }, Every::Epoch),
        ScheduleKind::Exponential => (Schedule::Exponential { gamma }, Every::Epoch),
        ScheduleKind::Cosine => {
            let warm_up = (config.warmup_epochs * steps as f64).round() as u64;
            let schedule = if warm_up == 0 {
                Schedule::CosineAnnealing { t_max: total, eta_min: 0.0 }
            } else {
                Schedule::warm_up_cosine(0.01, warm_up, total, 0.0)
            };
            (schedule, Every::Step)
        }
        ScheduleKind::OneCycle => {
            let cycle = OneCycle {
                max_lr: config.lr,
                total_steps: total,
                cycle_momentum: config.cycles_momentum(),
                ..OneCycle::default()
            };
            (Schedule::OneCycle(cycle), Every::Step)
        }
        ScheduleKind::Plateau => {
            let plateau = ReduceOnPlateau {
                factor: gamma,
                patience: config.schedule_patience,
                ..ReduceOnPlateau::default()
            };
            (Schedule::ReduceOnPlateau(plateau), Every::Epoch)
        }
    };
    Ok(Some((Scheduler::new(schedule, config.lr)?, every)))
}

fn profile_json(profile: &Profile) -> serde_json::Value {
    let row = |row: &profile::Row| {
        json!({
            "operator": row.name,
            "phase": row.phase.name(),
            "shape": row.shape,
            "calls": row.calls,
            "seconds": row.seconds,
        })
    };
    json!({
        "seconds": profile.seconds,
        "elsewhere": profile.elsewhere(),
        "rows": profile.rows.iter().map(row).collect::<Vec<_>>(),
    })
}

fn write_text(path: &Path, text: &str) -> Result<()> {
    use std::io::Write;
    atomic_file::replace(path, |out| out.write_all(text.as_bytes()))
}
