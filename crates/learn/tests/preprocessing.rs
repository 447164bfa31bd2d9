//! Scalers, naive Bayes and pipelines: scikit-learn's answers, files, and inputs that are refused.

use barehand_learn::models::AnyModel;
use barehand_learn::naive_bayes::{BernoulliNB, CategoricalNB, ComplementNB, GaussianNB, MultinomialNB};
use barehand_learn::pipeline::{FittedPipeline, Pipeline};
use barehand_learn::preprocessing::{
    FittedLabelEncoder, LabelEncoder, MaxAbsScaler, MinMaxScaler, Norm, Normalizer, StandardScaler,
};
use barehand_learn::{
    Estimator, Features, Field, InverseTransform, Model, Persist, Prediction, Record, Target, Transform, load,
};
use barehand_tensor::{CsrMatrix, Tensor, threads};
use proptest::prelude::*;
use serde_json::Value;

fn golden() -> Value {
    serde_json::from_str(include_str!("goldens/preprocessing.json")).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap_or(f64::NAN)).collect()
}

fn matrix(values: &Value, columns: &Value) -> Tensor<f64> {
    let (values, columns) = (numbers(values), columns.as_u64().unwrap() as usize);
    let rows = values.len() / columns;
    Tensor::from_vec(values, [rows, columns]).unwrap()
}

#[track_caller]
fn close(what: &str, ours: &[f64], known: &[f64], tolerance: f64) {
    assert_eq!(ours.len(), known.len(), "{what}");
    for (i, (a, b)) in ours.iter().zip(known).enumerate() {
        let same = (a - b).abs() <= tolerance * (1.0 + b.abs()) || a.is_nan() && b.is_nan() || a == b;
        assert!(same, "{what}[{i}]: {a:e}, known {b:e}");
    }
}

fn dense(features: &Features<f64>) -> Vec<f64> {
    features.dense("test").unwrap().to_vec()
}

#[test]
fn scalers_are_scikit_learns() {
    let golden = golden();
    let (x, late) = (matrix(&golden["x"], &golden["columns"]), matrix(&golden["late"], &golden["columns"]));
    let weight: Tensor<f64> = numbers(&golden["weight"]).into();
    for case in golden["scalers"].as_array().unwrap() {
        let (name, options) = (case["name"].as_str().unwrap(), &case["options"]);
        let flag = |name: &str, default: bool| options[name].as_bool().unwrap_or(default);
        let estimator: Box<dyn Estimator<f64>> = match name {
            "StandardScaler" => Box::new(StandardScaler::new().with_mean(flag("with_mean", true))),
            "MinMaxScaler" => {
                let range = options["feature_range"]
                    .as_array()
                    .map_or((0.0, 1.0), |range| (range[0].as_f64().unwrap(), range[1].as_f64().unwrap()));
                Box::new(MinMaxScaler::new().feature_range(range.0, range.1).clip(flag("clip", false)))
            }
            "MaxAbsScaler" => Box::new(MaxAbsScaler::new()),
            _ => {
                Box::new(Normalizer::new().norm(Norm::from_name(options["norm"].as_str().unwrap()).unwrap()))
            }
        };
        let clean = |x: &Tensor<f64>| -> Features<f64> {
            if name != "Normalizer" {
                return x.clone().into();
            }
            let values = x.to_vec().iter().map(|v| if v.is_nan() { 0.0 } else { *v }).collect();
            Tensor::from_vec(values, x.shape()).unwrap().into()
        };
        let weight = Some(&weight).filter(|_| estimator.takes_weights());
        let model = estimator.fit_any(&clean(&x), &Target::None, weight).unwrap();
        let record = model.record();
        for (attribute, known) in case["learned"].as_object().unwrap() {
            let ours = record.tensor::<f64>(attribute.trim_end_matches('_')).unwrap().to_vec();
            close(&format!("{name} {options} {attribute}"), &ours, &numbers(known), 1e-12);
        }
        let made = dense(&model.transform_any(&clean(&late)).unwrap());
        close(&format!("{name} {options}"), &made, &numbers(&case["transformed"]), 1e-12);
    }
}

fn classifier(name: &str, options: &Value) -> Box<dyn Estimator<f64>> {
    let alpha = options["alpha"].as_f64().unwrap_or(1.0);
    match name {
        "GaussianNB" => {
            let model = GaussianNB::new().var_smoothing(options["var_smoothing"].as_f64().unwrap_or(1e-9));
            Box::new(if options["priors"].is_null() {
                model
            } else {
                model.priors(numbers(&options["priors"]))
            })
        }
        "MultinomialNB" => {
            let fit_prior = options["fit_prior"].as_bool().unwrap_or(true);
            Box::new(MultinomialNB::new().alpha(alpha).fit_prior(fit_prior))
        }
        "ComplementNB" => {
            Box::new(ComplementNB::new().alpha(alpha).norm(options["norm"].as_bool().unwrap_or(false)))
        }
        "BernoulliNB" => Box::new(BernoulliNB::new().alpha(alpha).binarize(options["binarize"].as_f64())),
        _ => {
            let least = options["min_categories"].as_u64().unwrap() as usize;
            Box::new(CategoricalNB::new().alpha(alpha).min_categories([least]))
        }
    }
}

fn counts(golden: &Value) -> (Features<f64>, Target<f64>, Tensor<f64>) {
    let x = matrix(&golden["counts"], &golden["count_columns"]);
    let y: Vec<i64> = golden["y"].as_array().unwrap().iter().map(|label| label.as_i64().unwrap()).collect();
    (x.into(), Target::Classes(y.into()), numbers(&golden["count_weight"]).into())
}

fn labels(prediction: &Prediction<f64>) -> Vec<i64> {
    prediction.classes("test").unwrap().to_vec()
}

#[test]
fn naive_bayes_is_scikit_learns() {
    let golden = golden();
    let (x, y, weight) = counts(&golden);
    for case in golden["classifiers"].as_array().unwrap() {
        let what = format!("{} {}", case["name"], case["options"]);
        let estimator = classifier(case["name"].as_str().unwrap(), &case["options"]);
        let model = estimator.fit_any(&x, &y, Some(&weight)).unwrap();
        let log: Vec<f64> = model.predict_proba_any(&x).unwrap().to_vec().into_iter().map(f64::ln).collect();
        close(&what, &log, &numbers(&case["log_proba"]), 1e-11);
        let known: Vec<i64> =
            case["predicted"].as_array().unwrap().iter().map(|l| l.as_i64().unwrap()).collect();
        assert_eq!(labels(&model.predict_any(&x).unwrap()), known, "{what}");
        assert_eq!(model.classes(), Some(&[-3i64, 0, 8][..]));
    }
}

#[test]
fn every_model_comes_back_from_its_file_with_the_same_bits() {
    let golden = golden();
    let (x, y, _) = counts(&golden);
    let directory = tempfile::tempdir().unwrap();
    let mut models: Vec<Box<dyn Model<f64>>> = golden["classifiers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|case| {
            let estimator = classifier(case["name"].as_str().unwrap(), &case["options"]);
            estimator.fit_any(&x, &y, None).unwrap()
        })
        .collect();
    let pipeline = Pipeline::new()
        .step("scale", StandardScaler::new())
        .step("range", MinMaxScaler::new().feature_range(0.0, 4.0))
        .step("abs", MaxAbsScaler::new().clip(true))
        .step("inner", Pipeline::new().step("length", Normalizer::new()).step("model", GaussianNB::new()));
    models.push(Box::new(pipeline.fit_features(&x, &y, None).unwrap()));
    for model in models {
        let path = directory.path().join(model.name());
        barehand_learn::model_file::write(&model.record(), &path).unwrap();
        let AnyModel::F64(same) = load(&path).unwrap() else { panic!("fitted on f64") };
        assert_eq!(same.record(), model.record());
        let (expected, found) = (model.predict_proba_any(&x).unwrap(), same.predict_proba_any(&x).unwrap());
        assert_eq!(found.to_vec(), expected.to_vec(), "{}", model.name());
        assert_eq!(same.features(), 4);
    }
}

#[test]
fn a_file_may_say_anything_and_is_refused() {
    let golden = golden();
    let (x, y, _) = counts(&golden);
    let pipeline = Pipeline::new().step("scale", StandardScaler::new()).step("model", GaussianNB::new());
    let pipeline = pipeline.fit_features(&x, &y, None).unwrap().record();
    let multinomial = MultinomialNB::new().fit_any(&x, &y, None).unwrap().record();
    let categorical = CategoricalNB::new().fit_any(&x, &y, None).unwrap().record();
    let scaler = MinMaxScaler::new().fit_any(&x, &Target::None, None).unwrap().record();
    let one: Field = Tensor::from([1.0f64]).into();
    let lies: Vec<(Record, &str)> = vec![
        (pipeline.clone().with("names", vec![Field::from("a")]), "1 names for 2 steps"),
        (pipeline.clone().with("names", vec![Field::from("a"), Field::from("a")]), "two steps are called"),
        (pipeline.clone().with("names", Vec::<Field>::new()).with("steps", Vec::<Record>::new()), "empty"),
        (pipeline.with("steps", vec![multinomial.clone(), Record::new("Nobody")]), "not an estimator"),
        (multinomial.clone().with("feature_count", one.clone()), "shape"),
        (multinomial.clone().with("columns", 0usize), "no features"),
        (multinomial.clone().with("columns", -1i64), "not a count"),
        (multinomial.clone().with("classes", Tensor::from([3i64, 1])), "ascend"),
        (multinomial.clone().with("alpha", Field::from(&[1.0, 2.0][..])), "alpha has 2 elements"),
        (multinomial.with("class_prior", Field::from(&[1.0][..])), "Number of priors"),
        (categorical.clone().with("category_count", vec![one.clone()]), "tables for 4 features"),
        (categorical.with("category_count", vec![one; 4]), "not (classes, categories)"),
        (scaler.clone().with("low", 2.0), "the range from 2 to 1"),
        (scaler.clone().with("data_max", Tensor::from([1.0f64])), "shape"),
        (scaler.with("dtype", "i8"), "neither f32 nor f64"),
    ];
    for (record, message) in lies {
        let error = barehand_learn::models::any_model(&record).err().expect(message).to_string();
        assert!(error.contains(message), "{error}\n{message}");
    }
}

#[test]
fn pipelines_say_what_is_wrong() {
    let (x, y): (Features<f64>, _) =
        (Tensor::ones([4, 2]).into(), Target::Classes(Tensor::from([0i64, 1, 0, 1])));
    let fails = |pipeline: Pipeline<f64>, weight: Option<&Tensor<f64>>| {
        pipeline.fit_features(&x, &y, weight).unwrap_err().to_string()
    };
    assert!(fails(Pipeline::new(), None).contains("The pipeline is empty"));
    assert!(fails(Pipeline::new().step("a__b", StandardScaler::new()), None).contains("without \"__\""));
    let twice = Pipeline::new().step("a", StandardScaler::new()).step("a", GaussianNB::new());
    assert!(fails(twice, None).contains("two steps are called \"a\""));
    let not_last = Pipeline::new().step("a", GaussianNB::new()).step("b", GaussianNB::new());
    assert!(fails(not_last, None).contains("GaussianNB: does not transform"));
    let weight = Tensor::from([1.0, 1.0, 2.0, 0.0]);
    let nobody = Pipeline::new().step("a", MinMaxScaler::new());
    assert!(fails(nobody, Some(&weight)).contains("none of the steps takes them"));
    // The scaler that takes no weights is passed over.
    let pipeline = Pipeline::new().step("a", MinMaxScaler::new()).step("b", GaussianNB::new());
    let model = pipeline.fit_features(&x, &y, Some(&weight)).unwrap();
    let counted = model.step("b").unwrap().record().tensor::<f64>("class_count").unwrap();
    assert_eq!(counted.to_vec(), [3.0, 1.0]);
    assert!(model.transform_any(&x).unwrap_err().to_string().contains("does not transform"));
    assert!(format!("{model:?}").contains("GaussianNB"));
}

#[test]
fn a_pipeline_goes_back() {
    let x = Tensor::from([[1.0, 20.0], [3.0, 60.0], [2.0, -10.0f64]]);
    let pipeline = Pipeline::new().step("a", StandardScaler::new()).step("b", MinMaxScaler::new());
    let model: FittedPipeline<f64> = pipeline.fit(&x, &()).unwrap();
    let back = model.inverse_transform(model.transform(&x).unwrap().dense("z").unwrap()).unwrap();
    close("back", &dense(&back), &x.to_vec(), 1e-13);
}

#[test]
fn labels_of_every_kind() {
    let text = LabelEncoder::new().fit(&["b".to_owned(), "a".to_owned()]).unwrap();
    let same = FittedLabelEncoder::<String>::from_bytes(&text.to_bytes().unwrap()).unwrap();
    assert_eq!(same, text);
    let whole = LabelEncoder::new().fit(&[5i64, -2, 5]).unwrap();
    assert_eq!(FittedLabelEncoder::<i64>::from_bytes(&whole.to_bytes().unwrap()).unwrap(), whole);
    assert!(FittedLabelEncoder::<i64>::from_bytes(&text.to_bytes().unwrap()).is_err());
    assert!(LabelEncoder::new().fit::<i64>(&[]).is_err());
    assert!(whole.inverse_transform(&Tensor::from([2i64])).unwrap_err().to_string().contains("from 0 to 1"));
    assert!(whole.inverse_transform(&Tensor::from([-1i64])).is_err());
}

#[test]
fn what_is_refused_says_why() {
    let say = |error: barehand_tensor::Error| error.to_string();
    let infinite = Tensor::from([[1.0, 2.0], [3.0, f64::INFINITY]]);
    for estimator in [
        Box::new(StandardScaler::new()) as Box<dyn Estimator<f64>>,
        Box::new(MinMaxScaler::new()),
        Box::new(MaxAbsScaler::new()),
    ] {
        let error = say(estimator.fit_any(&infinite.clone().into(), &Target::None, None).err().unwrap());
        assert!(error.contains("row 1, column 1 of x is infinite"), "{error}");
        let model = estimator.fit_any(&Tensor::from([[1.0, 2.0f64]]).into(), &Target::None, None).unwrap();
        assert!(say(model.transform_any(&infinite.clone().into()).unwrap_err()).contains("row 1, column 1"));
        let narrow = model.transform_any(&Tensor::from([[1.0f64]]).into()).unwrap_err();
        assert!(say(narrow).contains("x has 1 features, the model was fitted on 2"));
        let empty = estimator.fit_any(&Tensor::<f64>::zeros([0, 2]).into(), &Target::None, None);
        assert!(say(empty.err().unwrap()).contains("at least one of each expected"));
    }
    let sparse: Features<f64> = CsrMatrix::from_dense(&Tensor::from([[1.0, 0.0]])).unwrap().into();
    let error = StandardScaler::new().fit_any(&sparse, &Target::None, None).err().unwrap();
    assert!(say(error).contains("cannot center sparse rows"));
    let negative: Features<f64> = Tensor::from([[-1.0], [2.0]]).into();
    let y = Target::Classes(Tensor::from([0i64, 1]));
    let error = MultinomialNB::new().fit_any(&negative, &y, None).err().unwrap();
    assert!(say(error).contains("holds a negative number"));
    let error = CategoricalNB::new().fit_any(&negative, &y, None).err().unwrap();
    assert!(say(error).contains("categories from 0"));
    let model = CategoricalNB::new().fit_any(&Tensor::from([[0.0], [1.0f64]]).into(), &y, None).unwrap();
    let error = model.predict_any(&Tensor::from([[7.0f64]]).into()).unwrap_err();
    assert!(say(error).contains("category 7 of feature 0 did not occur"));
    for wrong in [GaussianNB::new().priors([1.0]), GaussianNB::new().priors([0.4, 0.4])] {
        assert!(wrong.fit_any(&Tensor::from([[0.0], [1.0f64]]).into(), &y, None).is_err());
    }
}

proptest! {
    #[test]
    fn nothing_panics_and_threads_change_nothing(
        rows in 0usize..40,
        columns in 0usize..6,
        values in prop::collection::vec(prop_oneof![
            4 => -10.0f64..10.0, 1 => Just(0.0), 1 => Just(f64::NAN), 1 => Just(f64::INFINITY), 1 => Just(1e308),
        ], 240),
        classes in prop::collection::vec(-2i64..3, 40),
    ) {
        let x: Features<f64> = Tensor::from_vec(values[..rows * columns].to_vec(), [rows, columns]).unwrap().into();
        let y = Target::Classes(classes[..rows].to_vec().into());
        let estimators: Vec<Box<dyn Estimator<f64>>> = vec![
            Box::new(StandardScaler::new()),
            Box::new(MinMaxScaler::new()),
            Box::new(MaxAbsScaler::new()),
            Box::new(Normalizer::new()),
            Box::new(GaussianNB::new()),
            Box::new(MultinomialNB::new()),
            Box::new(ComplementNB::new()),
            Box::new(BernoulliNB::new()),
            Box::new(CategoricalNB::new()),
        ];
        for estimator in estimators {
            let fitted = [1, 3].map(|n| threads::with_num_threads(n, || estimator.fit_any(&x, &y, None)));
            let [Ok(one), Ok(three)] = fitted else { continue };
            let bytes = |model: &dyn Model<f64>| barehand_learn::model_file::write_bytes(&model.record()).unwrap();
            prop_assert_eq!(bytes(one.as_ref()), bytes(three.as_ref()));
            let _ = (one.predict_any(&x), one.predict_proba_any(&x), one.transform_any(&x));
        }
    }
}
