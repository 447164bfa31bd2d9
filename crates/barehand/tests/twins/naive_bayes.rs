//! Naive Bayes: every likelihood, weights, sparse rows.

use barehand_learn::Features;
use barehand_learn::naive_bayes::{BernoulliNB, ComplementNB, GaussianNB, MultinomialNB, NaiveBayes};
use barehand_tensor::{CsrMatrix, Float, Tensor};
use barehand_textbook as textbook;
use barehand_textbook::{Array, Likelihood, Trace};

use crate::pair::{Pair, hold, largest};

fn naive_bayes<T: Float>(pair: &mut Pair<T>) {
    let (d, classes) = (pair.between(1..=9), pair.between(1..=4));
    let m = if pair.rarely(4) { 20_000 / d } else { pair.between(classes..=30) };
    let y: Vec<usize> = (0..m).map(|i| if i < classes { i } else { pair.between(0..=classes - 1) }).collect();
    let labels: Tensor<i64> = y.iter().map(|&class| class as i64).collect::<Vec<_>>().into();
    let w = if pair.flag() { pair.positive(&[m]) } else { Array::filled(&[m], 1.0) };
    let weights: Tensor<f64> = w.data().to_vec().into();
    let weights = Some(&weights);
    let kind = pair.between(0..=3);
    let x = match kind {
        0 => pair.array(&[m, d]),
        1 => pair.array(&[m, d]).map(|x| f64::from(x > 0.5)),
        _ => pair.array(&[m, d]).map(|x| (2.0 * x.max(0.0)).floor()),
    };
    let dense = pair.tensor(&x);
    let features: Features<T> =
        if kind > 0 && pair.flag() { CsrMatrix::from_dense(&dense).unwrap().into() } else { dense.into() };
    let alpha = pair.pick(&[0.1, 1.0]);
    let (likelihood, joint, log) = match kind {
        0 => {
            let model =
                GaussianNB::new().var_smoothing(0.1).fit_features(&features, &labels, weights).unwrap();
            (
                Likelihood::Gaussian { var_smoothing: 0.1 },
                model.joint_log_likelihood(&features),
                model.predict_log_proba(&features),
            )
        }
        1 => {
            let model = BernoulliNB::new().alpha(alpha).fit_features(&features, &labels, weights).unwrap();
            (
                Likelihood::Bernoulli { alpha },
                model.joint_log_likelihood(&features),
                model.predict_log_proba(&features),
            )
        }
        2 => {
            let model = MultinomialNB::new().alpha(alpha).fit_features(&features, &labels, weights).unwrap();
            (
                Likelihood::Multinomial { alpha },
                model.joint_log_likelihood(&features),
                model.predict_log_proba(&features),
            )
        }
        _ => {
            let model = ComplementNB::new().alpha(alpha).fit_features(&features, &labels, weights).unwrap();
            (
                Likelihood::Complement { alpha },
                model.joint_log_likelihood(&features),
                model.predict_log_proba(&features),
            )
        }
    };
    let silent = &mut Trace::silent();
    let twin = textbook::NaiveBayes::fit(likelihood, &x, &y, classes, &w, silent).unwrap();
    let expected = twin.joint(&x, silent).unwrap();
    pair.terms = largest(&expected).max(d as f64);
    pair.same("joint", &joint.unwrap(), &expected);
    pair.same("log posterior", &log.unwrap(), &twin.log_posterior(&x, silent).unwrap());
}

#[test]
fn naive_bayes_agrees_with_the_textbook() {
    hold("naive_bayes", 60, [256.0, 16.0], naive_bayes, naive_bayes);
}
