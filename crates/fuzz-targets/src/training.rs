//! What a run leaves to be continued from.

use std::ops::ControlFlow;

use barehand::data::{DataLoader, TensorDataset};
use barehand::nn::models::Mlp;
use barehand::nn::schedule::ReduceOnPlateau;
use barehand::nn::{AdamW, Lbfgs, LineSearch, Optimizer, Schedule, Scheduler, Sgd};
use barehand::report::{Report, Score};
use barehand::tensor::Generator;
use barehand::tensor::safetensors::Archive;
use barehand::train::{
    Checkpoint, Classification, EarlyStopping, EpochRecord, Every, History, MetricsLog, StepRecord, Trainer,
};
use barehand::{Tensor, threads};
use barehand_cli::readers::{reported_epoch, reported_step};

/// A small run of one of these kinds: three optimizers, three or no schedules, with early stopping or without.
struct Run {
    model: Mlp,
    optimizer: Box<dyn Optimizer>,
    trainer: Trainer<'static, barehand::data::Batch>,
    data: DataLoader<TensorDataset>,
}

impl Run {
    fn new(kind: u8) -> Run {
        let x =
            Tensor::from_vec((0..12).map(|i| i as f32 / 6.0 - 1.0).collect(), [4, 3]).expect("12 numbers");
        let data = TensorDataset::new(&x, &Tensor::from([0, 1, 1, 0])).expect("4 samples");
        let mut trainer = Trainer::new(Classification::default(), 2);
        let schedule = match kind >> 1 & 3 {
            0 => None,
            1 => Some((Schedule::warm_up_cosine(0.1, 1, 4, 0.0), Every::Step)),
            2 => Some((Schedule::ReduceOnPlateau(ReduceOnPlateau::default()), Every::Epoch)),
            _ => Some((Schedule::MultiStep { milestones: vec![1, 3], gamma: 0.5 }, Every::Step)),
        };
        if let Some((schedule, every)) = schedule {
            trainer = trainer.schedule(Scheduler::new(schedule, 0.01).expect("a valid schedule"), every);
        }
        if kind & 8 != 0 {
            trainer = trainer.early_stopping(EarlyStopping::new(1));
        }
        Run {
            model: Mlp::builder(&[3, 2, 2])
                .dropout(0.1)
                .build(&mut Generator::new(1))
                .expect("a valid network"),
            optimizer: if kind & 32 != 0 {
                let search = Lbfgs::builder(1.0).line_search(LineSearch::StrongWolfe);
                Box::new(search.max_iter(2).history_size(2).build().expect("a valid rate"))
            } else if kind & 1 == 0 {
                Box::new(Sgd::builder(0.01).momentum(0.9).build().expect("valid rates"))
            } else {
                Box::new(AdamW::builder(0.01).build().expect("valid rates"))
            },
            trainer,
            data: DataLoader::new(data, 2).expect("a batch size").shuffle(true).prefetch(0),
        }
    }

    /// A checkpoint in the middle of the second epoch.
    fn checkpoint(kind: u8) -> Vec<u8> {
        let path = std::env::temp_dir().join(format!("barehand-seed-{}-{kind}", std::process::id()));
        let Run { mut model, mut optimizer, trainer, data } = Run::new(kind);
        let mut steps = 0;
        let mut trainer = trainer.checkpoint(&path, 0).on_event(move |_| {
            steps += 1;
            Ok(if steps < 4 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
        });
        trainer.fit(&mut model, optimizer.as_mut(), &data, Some(&data)).expect("a run that works");
        let bytes = std::fs::read(&path).expect("it was just written");
        std::fs::remove_file(path).expect("it was just written");
        bytes
    }
}

/// The first byte says which run the checkpoint is for and what follows: the file, or only the state in its header.
pub fn checkpoint(bytes: &[u8]) {
    let Some((&kind, content)) = bytes.split_first() else { return };
    let file = if kind & 16 == 0 {
        content.to_vec()
    } else {
        let Ok(state) = std::str::from_utf8(content) else { return };
        let valid = Run::checkpoint_archive(kind);
        let mut archive = valid;
        archive.metadata.insert("state".into(), state.into());
        archive.to_bytes().expect("allowed names")
    };
    let Ok(read) = Checkpoint::from_bytes("fuzz", &file) else { return };
    let written = read.to_bytes().expect("what was read can be written");
    let again = Checkpoint::from_bytes("again", &written).expect("it was just written");
    assert!(again.to_bytes().expect("as before") == written, "a checkpoint that is written again is another");
    let Run { mut model, mut optimizer, mut trainer, data } = Run::new(kind);
    if trainer.resume(read, &mut model, optimizer.as_mut()).is_ok() {
        let _ =
            threads::with_num_threads(1, || trainer.fit(&mut model, optimizer.as_mut(), &data, Some(&data)));
    }
}

impl Run {
    /// The kinds, without the bit that says what follows.
    fn kinds() -> impl Iterator<Item = u8> {
        (0..16).chain(32..48)
    }

    /// What a valid checkpoint of this kind holds, made once.
    fn checkpoint_archive(kind: u8) -> Archive {
        static ARCHIVES: std::sync::LazyLock<Vec<Archive>> = std::sync::LazyLock::new(|| {
            let read =
                |kind| Archive::from_bytes("seed", &Run::checkpoint(kind)).expect("it was just written");
            Run::kinds().map(read).collect()
        });
        ARCHIVES[usize::from(kind & 15) + usize::from(kind & 32) / 2].clone()
    }
}

pub fn checkpoint_seeds() -> Vec<Vec<u8>> {
    let states = Run::kinds().map(|kind| {
        let state = Run::checkpoint_archive(kind).metadata.remove("state").expect("every checkpoint has one");
        [&[kind | 16], state.as_bytes()].concat()
    });
    Run::kinds().step_by(5).map(|kind| [&[kind][..], &Run::checkpoint(kind)].concat()).chain(states).collect()
}

pub fn metrics(bytes: &[u8]) {
    let Ok(history) = MetricsLog::parse("fuzz.jsonl", bytes) else { return };
    let written = MetricsLog::to_bytes(&history);
    let again = MetricsLog::parse("again.jsonl", &written).expect("it was just written");
    assert!(MetricsLog::to_bytes(&again) == written, "a log that is written again is another");
    let page = Report {
        title: "fuzz".into(),
        scores: vec![Score::number("steps", history.steps.len() as f64)],
        epochs: history.epochs.iter().map(reported_epoch).collect(),
        steps: history.steps.iter().map(reported_step).collect(),
        ..Report::default()
    };
    assert!(page.to_html().trim_end().ends_with("</html>"), "the page has no end");
}

pub fn metrics_seeds() -> Vec<Vec<u8>> {
    let step = |step: u64| StepRecord {
        step,
        epoch: 1,
        loss: 2.5 / step as f64,
        accuracy: (step > 1).then_some(0.25),
        learning_rate: 1e-3,
        running_loss: 0.0,
        samples_per_second: 0.0,
    };
    let epoch =
        EpochRecord { epoch: 1, step: 2, train_loss: 0.5, validation_loss: Some(0.75), ..Default::default() };
    let whole = MetricsLog::to_bytes(&History { steps: vec![step(1), step(2)], epochs: vec![epoch] });
    let cut = whole[..whole.len() - 20].to_vec();
    vec![whole, cut]
}
