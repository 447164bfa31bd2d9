//! A run that stops and goes on ends with the very bits of a run that never stopped.

use std::ops::ControlFlow;
use std::path::Path;

use barehand_data::{DataLoader, ImageTransform, TransformedImages, embedded};
use barehand_nn::models::Mlp;
use barehand_nn::schedule::{OneCycle, ReduceOnPlateau};
use barehand_nn::{
    Adadelta, Adagrad, Adam, AdamW, Adamax, Asgd, Lbfgs, LineSearch, NAdam, Optimizer, Parameters, RAdam,
    RMSprop, Rprop, Schedule, Scheduler, Sgd, StateDict,
};
use barehand_tensor::{Generator, threads};
use barehand_train::{Checkpoint, Classification, EarlyStopping, Event, Every, Stopped, Trainer};

/// 256 images, augmented, so that the data's randomness must be continued too.
fn loader() -> DataLoader<TransformedImages> {
    let images = embedded().unwrap().train.select(&(0..256).collect::<Vec<_>>()).unwrap();
    let transform = ImageTransform::normalize(&[0.286], &[0.353]).random_flip(0.5).random_crop(2);
    DataLoader::new(images.with_transform(&transform).unwrap(), 32).unwrap().shuffle(true).seed(5)
}

/// Dropout, so that the model's randomness must be continued too.
fn model(width: usize) -> Mlp {
    Mlp::builder(&[784, width, 16, 10]).dropout(0.2).build(&mut Generator::new(3)).unwrap()
}

fn cosine() -> (Schedule, Every) {
    (Schedule::warm_up_cosine(0.1, 4, 24, 0.0), Every::Step)
}

type MakeOptimizer = fn() -> Box<dyn Optimizer>;

/// Trains up to step `stop` (`None`: to the end), from the checkpoint where one is there; whether it finished.
fn train(
    path: &Path,
    optimizer: MakeOptimizer,
    schedule: &(Schedule, Every),
    stop: Option<u64>,
) -> (StateDict, Stopped) {
    let (train, validation) = (loader(), loader());
    let (mut model, mut optimizer) = (model(32), optimizer());
    let mut trainer = Trainer::new(Classification::default(), 3)
        .schedule(Scheduler::new(schedule.0.clone(), 1e-2).unwrap(), schedule.1)
        .clip_grad_norm(1.0)
        .early_stopping(EarlyStopping::new(5))
        .checkpoint(path, 3)
        .on_event(move |event| {
            let stopping = matches!((event, stop), (Event::Step(step), Some(stop)) if step.step == stop);
            Ok(if stopping { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        });
    if path.exists() {
        trainer.resume(Checkpoint::read(path).unwrap(), &mut model, optimizer.as_mut()).unwrap();
    }
    let stopped = trainer.fit(&mut model, optimizer.as_mut(), &train, Some(&validation)).unwrap();
    (model.state_dict(), stopped)
}

#[test]
fn resuming_at_any_step_changes_no_bit() {
    let folder = tempfile::tempdir().unwrap();
    let optimizers: [(&str, MakeOptimizer); 12] = [
        ("sgd", || Box::new(Sgd::builder(0.05).momentum(0.9).build().unwrap())),
        ("adam", || Box::new(Adam::builder(1e-3).build().unwrap())),
        ("adamw", || Box::new(AdamW::builder(1e-3).build().unwrap())),
        ("adadelta", || Box::new(Adadelta::builder(1.0).build().unwrap())),
        ("adagrad", || Box::new(Adagrad::builder(0.01).lr_decay(0.01).build().unwrap())),
        ("adamax", || Box::new(Adamax::builder(2e-3).build().unwrap())),
        ("radam", || Box::new(RAdam::builder(1e-3).build().unwrap())),
        ("rprop", || Box::new(Rprop::builder(1e-3).build().unwrap())),
        ("nadam", || Box::new(NAdam::builder(1e-3).build().unwrap())),
        ("asgd", || Box::new(Asgd::builder(0.05).t0(9.0).build().unwrap())),
        ("lbfgs", || {
            let search = Lbfgs::builder(1.0).line_search(LineSearch::StrongWolfe);
            Box::new(search.max_iter(3).history_size(4).build().unwrap())
        }),
        ("rmsprop", || Box::new(RMSprop::builder(1e-3).momentum(0.9).centered(true).build().unwrap())),
    ];
    let schedules = [
        (Schedule::OneCycle(OneCycle { max_lr: 0.05, total_steps: 24, ..OneCycle::default() }), Every::Step),
        (Schedule::Exponential { gamma: 0.9 }, Every::Epoch),
        (
            Schedule::ReduceOnPlateau(ReduceOnPlateau { patience: 0, ..ReduceOnPlateau::default() }),
            Every::Epoch,
        ),
        cosine(),
    ];
    for n in [1, 2] {
        threads::with_num_threads(n, || {
            for ((name, optimizer), schedule) in optimizers.iter().zip(schedules.iter().cycle()) {
                let whole = folder.path().join(format!("whole-{name}-{n}"));
                let (expected, stopped) = train(&whole, *optimizer, schedule, None);
                assert_eq!(stopped, Stopped::Finished);
                // In the middle of an epoch, at the end of one, and twice in one run.
                let parts = folder.path().join(format!("parts-{name}-{n}"));
                for stop in [5, 8, 13, 17] {
                    assert_eq!(train(&parts, *optimizer, schedule, Some(stop)).1, Stopped::Interrupted);
                }
                let (resumed, stopped) = train(&parts, *optimizer, schedule, None);
                assert_eq!(stopped, Stopped::Finished);
                for ((key, a), (_, b)) in expected.iter().zip(&resumed) {
                    assert!(a == b, "{name} on {n} thread(s): {key} differs after resuming");
                }
            }
        });
    }
}

#[test]
fn a_checkpoint_of_another_model_or_optimizer_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint");
    let schedule = cosine();
    train(&path, || Box::new(Adam::builder(1e-3).build().unwrap()), &schedule, Some(2));
    let resume = |model: &mut Mlp, mut optimizer: Box<dyn Optimizer>| {
        let mut trainer = Trainer::new(Classification::default(), 3)
            .schedule(Scheduler::new(schedule.0.clone(), 1e-2).unwrap(), schedule.1)
            .early_stopping(EarlyStopping::new(5));
        trainer.resume(Checkpoint::read(&path).unwrap(), model, optimizer.as_mut()).unwrap_err().to_string()
    };
    let error = resume(&mut model(32), Box::new(Sgd::builder(0.1).build().unwrap()));
    assert!(error.contains("adam") && error.contains("sgd"), "{error}");
    let error = resume(&mut model(31), Box::new(Adam::builder(0.1).build().unwrap()));
    assert!(error.contains("[32, 784]") && error.contains("[31, 784]"), "{error}");
}

#[test]
fn a_damaged_checkpoint_is_refused_at_every_length() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint");
    train(&path, || Box::new(Sgd::builder(0.1).build().unwrap()), &cosine(), Some(1));
    let bytes = std::fs::read(&path).unwrap();
    let cut = folder.path().join("cut");
    for length in (0..bytes.len()).step_by(bytes.len() / 97 + 1) {
        std::fs::write(&cut, &bytes[..length]).unwrap();
        assert!(
            Checkpoint::read(&cut).is_err(),
            "{length} of {} bytes were taken for a checkpoint",
            bytes.len()
        );
    }
}

#[test]
fn a_loss_that_is_not_a_number_stops_training_with_a_hint() {
    let loader = loader();
    let mut model = model(32);
    let mut trainer = Trainer::new(Classification::default(), 3);
    let error = trainer
        .fit(&mut model, &mut Sgd::builder(1e30).build().unwrap(), &loader, None)
        .unwrap_err()
        .to_string();
    assert!(error.contains("the loss became") && error.contains("learning rate"), "{error}");
}

#[test]
fn early_stopping_ends_with_the_best_weights() {
    let loader = loader();
    let mut model = model(32);
    let mut losses = Vec::new();
    let mut trainer =
        Trainer::new(Classification::default(), 50).early_stopping(EarlyStopping::new(2)).on_event(|event| {
            if let Event::Epoch(epoch) = event {
                losses.push(epoch.validation_loss.unwrap());
            }
            Ok(ControlFlow::Continue(()))
        });
    // A rate that is far too large soon makes validation worse.
    let stopped =
        trainer.fit(&mut model, &mut Adam::builder(0.05).build().unwrap(), &loader, Some(&loader)).unwrap();
    drop(trainer);
    assert_eq!(stopped, Stopped::Early);
    let best = losses.iter().copied().fold(f64::INFINITY, f64::min);
    let fresh = self::loader();
    let ended = barehand_train::evaluate(&mut model, &fresh, &Classification::default()).unwrap();
    // Augmentation draws the same pictures for the same epoch, so the losses are equal to the bit.
    assert_eq!(ended.loss, best);
}
