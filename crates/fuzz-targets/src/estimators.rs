//! Files of fitted estimators.

#[path = "../../learn/tests/hostile/every.rs"]
mod every;

use std::sync::LazyLock;

use barehand::learn::models::{AnyModel, any_model};
use barehand::learn::{Features, Model, model_file};
use barehand::tensor::safetensors::Archive;
use barehand::tensor::{Float, Tensor};

/// What the header calls the model.
const MODEL: &str = "barehand.model";

/// A small model of every estimator, as its file.
static FILES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let fitted = every::every::<f64>().into_iter().map(|entry| {
        let (x, y) = every::samples(entry.kind);
        let model = entry.estimator.fit_any(&x, &y, None).expect("samples that can be learned");
        model_file::write_bytes(&model.record()).expect("a model can be written")
    });
    fitted.collect()
});

/// The first byte says whose model it is and what follows: 0 the file, 1 only the model in the header.
pub fn estimator(bytes: &[u8]) {
    let Some((&kind, content)) = bytes.split_first() else { return };
    let file = if kind & 1 == 0 {
        content.to_vec()
    } else {
        let Ok(described) = std::str::from_utf8(content) else { return };
        let valid = &FILES[usize::from(kind >> 1) % FILES.len()];
        let mut archive = Archive::from_bytes("seed", valid).expect("it was just written");
        archive.metadata.insert(MODEL.into(), described.into());
        archive.to_bytes().expect("allowed names")
    };
    let Ok(record) = model_file::read_bytes("fuzz", &file) else { return };
    match any_model(&record) {
        Ok(AnyModel::F32(model)) => use_model(model.as_ref()),
        Ok(AnyModel::F64(model)) => use_model(model.as_ref()),
        Err(_) => {}
    }
}

/// What programs do first with a model that they read.
fn use_model<T: Float>(model: &dyn Model<T>) {
    let written = model_file::write_bytes(&model.record()).expect("what was read can be written");
    let record = model_file::read_bytes("again", &written).expect("it was just written");
    let again = match any_model(&record).expect("it was just written") {
        AnyModel::F32(model) => model_file::write_bytes(&model.record()),
        AnyModel::F64(model) => model_file::write_bytes(&model.record()),
    };
    assert!(again.expect("as before") == written, "a model that is written again is another");
    let columns = model.features();
    if columns > 1000 {
        return;
    }
    let values = (0..2 * columns).map(|i| T::from_f64((i % 5) as f64 - 1.5)).collect();
    let x = Features::from(Tensor::from_vec(values, [2, columns]).expect("two rows"));
    let _ = model.predict_any(&x);
    let _ = model.predict_proba_any(&x);
    let _ = model.decision_function_any(&x);
    if let Ok(other) = model.transform_any(&x) {
        let _ = model.inverse_transform_any(&other);
    }
}

pub fn estimator_seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for (place, file) in FILES.iter().enumerate() {
        let place = (place % 128) as u8;
        seeds.push([&[place << 1], &file[..]].concat());
        let archive = Archive::from_bytes("seed", file).expect("it was just written");
        seeds.push([&[place << 1 | 1], archive.metadata[MODEL].as_bytes()].concat());
    }
    seeds
}
