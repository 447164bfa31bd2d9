//! Scalers: weights, missing values, more samples later.

use barehand_learn::preprocessing::StandardScaler;
use barehand_learn::{Fit, FitWeighted, Transform};
use barehand_tensor::{Float, Tensor};
use barehand_textbook as textbook;
use barehand_textbook::{Array, Trace};

use crate::pair::{Pair, hold, largest};

fn standard_scaler<T: Float>(pair: &mut Pair<T>) {
    let d = pair.between(1..=9);
    let m = if pair.rarely(4) { 40_000 / d } else { pair.between(1..=30) };
    let mut x = pair.array(&[m, d]);
    if pair.flag() {
        let every = pair.between(2..=5);
        x.data_mut().iter_mut().step_by(every).for_each(|x| *x = f64::NAN);
    }
    let w = if pair.flag() { pair.positive(&[m]) } else { Array::filled(&[m], 1.0) };
    let weights: Tensor<f64> = w.data().to_vec().into();
    let engine: barehand_learn::preprocessing::FittedStandardScaler<T> = if pair.flag() {
        StandardScaler::new().fit_weighted(&pair.tensor(&x), &(), &weights).unwrap()
    } else {
        // The same in two parts.
        let at = m / 2;
        let rows = |from: usize, to: usize| {
            Array::new(&[to - from, d], x.data()[from * d..to * d].to_vec()).unwrap()
        };
        let part = |from: usize, to: usize| weights.narrow(0, from, to - from).unwrap();
        let mut engine = if at == 0 {
            Fit::fit(&StandardScaler::new(), &pair.tensor(&rows(0, m)), &()).unwrap()
        } else {
            StandardScaler::new().fit_weighted(&pair.tensor(&rows(0, at)), &(), &part(0, at)).unwrap()
        };
        if at > 0 {
            engine.partial_fit(&pair.tensor(&rows(at, m)), Some(&part(at, m))).unwrap();
        } else {
            engine = StandardScaler::new().fit_weighted(&pair.tensor(&x), &(), &weights).unwrap();
        }
        engine
    };
    let twin = textbook::StandardScaler::fit(&x, &w, &mut Trace::silent()).unwrap();
    // A deviation smaller than the values takes their rounding with it.
    pair.terms = largest(&twin.scale().map(|s| 1.0 / s)) * largest(&x);
    let z = twin.transform(&x, &mut Trace::silent()).unwrap();
    let given = pair.tensor(&x);
    pair.same("z", &engine.transform(&given).unwrap(), &z);
}

#[test]
fn standard_scaler_agrees_with_the_textbook() {
    hold("standard_scaler", 60, [64.0, 8.0], standard_scaler, standard_scaler);
}
