//! Whatever is given to an estimator: a model that holds, or an error that says why not; never a panic.
//!
//! `BAREHAND_HOSTILE_INPUTS` says how many inputs are tried (default: a few thousand); `BAREHAND_HOSTILE_SEED` where they
//! begin. A failure names the input, which `BAREHAND_HOSTILE_ONLY` runs alone.

#[path = "hostile/every.rs"]
mod every;
#[path = "hostile/inputs.rs"]
mod inputs;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use barehand_learn::{Estimator, Features, Model, Prediction, Record, Target, model_file, models};
use barehand_tensor::{Error, Float, Result, Tensor, threads};
use every::{Entry, Kind, every, samples};
use inputs::{Input, Numbers};

/// Where and why the last panic was.
static LAST_PANIC: Mutex<String> = Mutex::new(String::new());

/// Slower than this is as bad as a panic: nothing here has more than a few dozen samples.
const TOO_LONG: Duration = Duration::from_secs(20);

/// Everything that went wrong, by estimator and cause, with the first input that shows it.
#[derive(Default)]
struct Failures(BTreeMap<String, (usize, u64)>);

impl Failures {
    fn add(&mut self, input: u64, what: String) {
        self.0.entry(what).or_insert((0, input)).0 += 1;
    }
}

/// Runs `work`; a panic is a failure.
fn guarded<R>(failures: &mut Failures, input: u64, what: &str, work: impl FnOnce() -> R) -> Option<R> {
    let start = Instant::now();
    let result = catch_unwind(AssertUnwindSafe(work));
    if start.elapsed() > TOO_LONG {
        failures.add(input, format!("{what}: took more than {} seconds", TOO_LONG.as_secs()));
    }
    result
        .map_err(|_| {
            let cause = LAST_PANIC.lock().map(|cause| cause.clone()).unwrap_or_default();
            failures.add(input, format!("{what}: panicked: {cause}"));
        })
        .ok()
}

/// Runs `work`; a panic is a failure, and so is an error that says nothing.
fn tried<R>(failures: &mut Failures, input: u64, what: &str, work: impl FnOnce() -> Result<R>) -> Option<R> {
    match guarded(failures, input, what, work)? {
        Ok(result) => Some(result),
        Err(error) => {
            let text = error.to_string();
            if text.split_once(": ").is_none_or(|(_, cause)| cause.trim().len() < 5) {
                failures.add(input, format!("{what}: an error that names no cause: {text:?}"));
            }
            None
        }
    }
}

/// The bits of everything that a model says of these rows; what it does not do is left out.
fn answers<T: Float>(model: &dyn Model<T>, x: &Features<T>) -> Vec<Vec<u64>> {
    let bits = |tensor: Tensor<T>| tensor.to_vec().iter().map(|value| value.to_f64().to_bits()).collect();
    let dense = |features: Features<T>| match features {
        Features::Dense(x) => bits(x),
        Features::Sparse(x) => bits(x.to_dense()),
    };
    let predicted = model.predict_any(x).map(|prediction| match prediction {
        Prediction::Classes(labels) => labels.to_vec().iter().map(|&label| label as u64).collect(),
        Prediction::Values(values) => bits(values),
    });
    [
        predicted,
        model.predict_proba_any(x).map(bits),
        model.decision_function_any(x).map(bits),
        model.transform_any(x).map(dense),
    ]
    .into_iter()
    .map(Result::unwrap_or_default)
    .collect()
}

/// Asks a model everything of these rows.
fn ask<T: Float>(failures: &mut Failures, input: u64, what: &str, model: &dyn Model<T>, x: &Features<T>) {
    tried(failures, input, &format!("{what}.predict"), || model.predict_any(x));
    tried(failures, input, &format!("{what}.predict_proba"), || model.predict_proba_any(x));
    tried(failures, input, &format!("{what}.decision_function"), || model.decision_function_any(x));
    tried(failures, input, &format!("{what}.inverse_transform"), || model.inverse_transform_any(x));
    let transformed = tried(failures, input, &format!("{what}.transform"), || model.transform_any(x));
    if let Some(transformed) = transformed {
        tried(failures, input, &format!("{what}.inverse_transform"), || {
            model.inverse_transform_any(&transformed)
        });
    }
}

/// A model saved and read again says the same, to the bit.
fn persists<T: Float>(
    failures: &mut Failures,
    input: u64,
    name: &str,
    model: &dyn Model<T>,
    x: &Features<T>,
) -> Option<Vec<u8>> {
    let what = format!("{name}, saved");
    let bytes = tried(failures, input, &what, || model_file::write_bytes(&model.record()))?;
    let again =
        guarded(failures, input, &what, || models::model::<T>(&model_file::read_bytes("hostile", &bytes)?))?;
    let again = match again {
        Ok(again) => again,
        Err(error) => {
            failures.add(input, format!("{what}: cannot be read again: {error}"));
            return None;
        }
    };
    let (now, then) = guarded(failures, input, &what, || (answers(model, x), answers(again.as_ref(), x)))?;
    if now != then {
        failures.add(input, format!("{what}: says something else after it was read again"));
    }
    let written = tried(failures, input, &what, || model_file::write_bytes(&again.record()))?;
    if written != bytes {
        failures.add(input, format!("{what}: its bytes change when it is written again"));
    }
    Some(bytes)
}

/// Reads a damaged file, and uses what is read.
fn damaged<T: Float>(failures: &mut Failures, numbers: &mut Numbers, input: u64, name: &str, bytes: &[u8]) {
    let what = format!("{name}, damaged");
    let bytes = inputs::damage(numbers, bytes);
    let model =
        tried(failures, input, &what, || models::model::<T>(&model_file::read_bytes("hostile", &bytes)?));
    let Some(model) = model else { return };
    let columns = guarded(failures, input, &what, || model.features()).unwrap_or(0);
    if columns < 1000 {
        let x: Vec<T> = (0..3 * columns).map(|i| T::from_f64((i % 7) as f64 - 2.0)).collect();
        if let Ok(x) = Tensor::from_vec(x, [3, columns]) {
            ask(failures, input, &what, model.as_ref(), &x.into());
        }
    }
    tried(failures, input, &what, || model_file::write_bytes(&model.record()));
}

/// One input to one estimator.
fn check<T: Float>(failures: &mut Failures, input: u64, every: &[Entry<T>]) {
    let mut numbers = Numbers::new(input);
    let Entry { estimator, kind } = &every[numbers.below(every.len())];
    let name = estimator.name();
    let given = Input::<T>::new(&mut numbers, *kind);
    let fitted = tried(failures, input, name, || {
        threads::with_num_threads(1 + numbers.below(2), || {
            estimator.fit_any(&given.x, &given.y, given.sample_weight.as_ref())
        })
    });
    let Some(model) = fitted else { return };
    if let Some(reason) = given.must_fail {
        failures.add(input, format!("{name}: was fitted although {reason}"));
        return;
    }
    let bytes = persists(failures, input, name, model.as_ref(), &given.x);
    ask(failures, input, name, model.as_ref(), &given.x);
    let other = inputs::features_of(&mut numbers, model.features());
    ask(failures, input, name, model.as_ref(), &other);
    let wider = inputs::features_of(&mut numbers, model.features() + 1);
    let said = guarded(failures, input, name, || {
        model.predict_any(&wider).is_ok() || model.transform_any(&wider).is_ok()
    });
    if said == Some(true) && !wider.shape().contains(&0) {
        failures.add(input, format!("{name}: takes one column more than it was fitted on"));
    }
    if let Some(bytes) = bytes {
        damaged::<T>(failures, &mut numbers, input, name, &bytes);
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().expect("a number"))
}

fn quiet<R>(work: impl FnOnce() -> R) -> R {
    std::panic::set_hook(Box::new(|info| {
        if let Ok(mut last) = LAST_PANIC.lock() {
            let place =
                info.location().map_or_else(String::new, |at| format!(" ({}:{})", at.file(), at.line()));
            *last = format!("{}{place}", info.payload_as_str().unwrap_or("something that is no text"));
        }
    }));
    let result = work();
    let _ = std::panic::take_hook();
    result
}

#[test]
fn no_input_makes_an_estimator_panic() {
    let inputs = number("BAREHAND_HOSTILE_INPUTS").unwrap_or(4_000);
    let seed = number("BAREHAND_HOSTILE_SEED").unwrap_or(0);
    let chosen = match number("BAREHAND_HOSTILE_ONLY") {
        Some(only) => only..only + 1,
        None => seed..seed + inputs,
    };
    let mut failures = Failures::default();
    quiet(|| {
        let (single, double) = (every::<f32>(), every::<f64>());
        for input in chosen {
            if input % 4 == 0 {
                check(&mut failures, input, &single);
            } else {
                check(&mut failures, input, &double);
            }
        }
    });
    let text: Vec<String> = failures
        .0
        .iter()
        .map(|(what, (count, first))| format!("{what}\n    {count} times, first by input {first}"))
        .collect();
    assert!(text.is_empty(), "{} kinds of failures:\n{}", text.len(), text.join("\n"));
}

#[test]
fn good_samples_are_learned_and_every_file_of_a_model_is_tried() {
    let mut seen = Vec::new();
    for Entry { estimator, kind } in every::<f64>() {
        let (x, y) = samples(kind);
        let model = estimator.fit_any(&x, &y, None).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(model.features(), 3, "{}", model.name());
        seen.push(model.record().name().to_owned());
    }
    let registered = include_str!("../src/models.rs").lines().filter_map(|line| {
        let (name, rest) = line.trim().strip_prefix('"')?.split_once('"')?;
        (rest.starts_with(" => ") && name.starts_with(char::is_uppercase)).then_some(name)
    });
    let missing: Vec<&str> = registered.filter(|name| !seen.iter().any(|seen| seen == name)).collect();
    assert!(missing.is_empty(), "hostile/every.rs has no line for {missing:?}");
}

/// An estimator with every fault that the tests above are for, and its model.
struct Faulty;

impl Estimator<f64> for Faulty {
    fn name(&self) -> &'static str {
        "Faulty"
    }

    fn fit_any(
        &self,
        x: &Features<f64>,
        _: &Target<f64>,
        sample_weight: Option<&Tensor<f64>>,
    ) -> Result<Box<dyn Model<f64>>> {
        if sample_weight.is_some() {
            return Err(Error::value("Faulty", "no"));
        }
        if let Features::Dense(x) = x {
            assert!(x.to_vec().iter().all(|value| !value.is_nan()), "there is NaN");
        }
        Ok(Box::new(Faulty))
    }
}

impl Model<f64> for Faulty {
    fn name(&self) -> &'static str {
        "Faulty"
    }

    fn features(&self) -> usize {
        3
    }

    fn predict_any(&self, x: &Features<f64>) -> Result<Prediction<f64>> {
        Ok(Prediction::Values(Tensor::zeros([x.shape()[0]])))
    }

    fn record(&self) -> Record {
        models::record_of::<f64>("Faulty")
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

#[test]
fn every_fault_is_seen() {
    let faulty = [Entry { estimator: Box::new(Faulty) as Box<dyn Estimator<f64>>, kind: Kind::Values }];
    let mut failures = Failures::default();
    quiet(|| (0..500).for_each(|input| check(&mut failures, input, &faulty)));
    let seen: Vec<&String> = failures.0.keys().collect();
    for fault in [
        "panicked: there is NaN",
        "an error that names no cause",
        "was fitted although its targets are of another length",
        "was fitted although there are no samples",
        "cannot be read again: model: \"Faulty\" is not an estimator",
        "takes one column more than it was fitted on",
    ] {
        assert!(seen.iter().any(|seen| seen.contains(fault)), "{fault:?} is not among {seen:?}");
    }
}
