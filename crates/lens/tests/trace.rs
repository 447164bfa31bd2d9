//! Every block runs on its own example, and says what is wrong with anything else.

use barehand_lens::{Error, blocks, find, trace};
use serde_json::{Value, json};

fn given(pairs: &[(&str, Value)]) -> Vec<(String, Value)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}

#[test]
fn every_block_traces_its_example() {
    for block in blocks() {
        let trace = trace(block.name, &[]).unwrap_or_else(|e| panic!("{}: {e}", block.name));
        assert!(!trace.steps().is_empty(), "{}", block.name);
        for step in trace.steps() {
            assert!(!step.section.is_empty() && !step.formula.is_empty(), "{}: {}", block.name, step.name);
            assert!(step.value.data().iter().all(|v| v.is_finite()), "{}: {}", block.name, step.name);
        }
        let json = trace.to_json();
        assert_eq!(json["steps"].as_array().unwrap().len(), trace.steps().len());
        assert!(trace.to_text(true).matches('\n').count() >= trace.steps().len());
    }
}

#[test]
fn names_are_unique_and_defaults_are_json() {
    let mut names: Vec<&str> = blocks().iter().map(|block| block.name).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
    for block in blocks() {
        for input in block.inputs.iter().chain(block.options) {
            let parsed: Result<Value, _> = serde_json::from_str(input.default);
            assert!(parsed.is_ok(), "{}: {} = {}", block.name, input.name, input.default);
        }
        assert_eq!(block.to_json()["name"], block.name);
    }
}

#[test]
fn every_option_is_read() {
    // A value of the wrong kind is refused by whoever reads it, so an option that nobody reads would pass.
    for block in blocks() {
        for option in block.inputs.iter().chain(block.options) {
            let wrong = given(&[(option.name, json!({"not": "a value"}))]);
            assert!(
                matches!(trace(block.name, &wrong), Err(Error::InvalidInput { .. })),
                "{} does not look at {}",
                block.name,
                option.name
            );
        }
    }
}

#[test]
fn known_answers() {
    let p = trace("softmax", &[]).unwrap();
    let p = p.get("p").unwrap().data();
    for (ours, known) in p.iter().zip([0.65900114, 0.24243297, 0.09856589]) {
        assert!((ours - known).abs() < 5e-9);
    }
    let loss = trace("cross_entropy_probabilities", &[]).unwrap();
    assert!((loss.get("L").unwrap()[0] - 0.2797765622367497).abs() < 1e-15);
}

#[test]
fn an_unnamed_input_is_the_first() {
    let unnamed = trace("softmax", &given(&[("", json!([1.0, 1.0]))])).unwrap();
    assert_eq!(unnamed.get("p").unwrap().data(), [0.5, 0.5]);
}

#[test]
fn spelling_is_forgiven_and_suggestions_are_near() {
    assert_eq!(find("CrossEntropy").unwrap().name, "cross_entropy");
    assert_eq!(find("layer-norm").unwrap().name, "layer_norm");
    for (typo, meant) in
        [("sofmax", "softmax"), ("adma", "adam"), ("conv", "conv2d"), ("batchnrm", "batch_norm")]
    {
        let Err(Error::UnknownBlock { suggestion, .. }) = find(typo) else { panic!("{typo} exists") };
        assert_eq!(suggestion, Some(meant), "{typo}");
    }
    let Err(Error::UnknownBlock { suggestion: None, .. }) = find("quicksort") else { panic!("a suggestion") };
}

#[test]
fn wrong_inputs_are_explained() {
    let says = |block: &str, pairs: &[(&str, Value)], words: &[&str]| {
        let error = trace(block, &given(pairs)).unwrap_err().to_string();
        for word in words {
            assert!(error.contains(word), "{error:?} lacks {word:?}");
        }
    };
    says("softmax", &[("z", json!(1))], &["softmax", "`z`", "x, upstream, axis"]);
    says("softmax", &[("x", json!([[1, 2], [3]]))], &["softmax", "`x`", "equally long"]);
    says("softmax", &[("x", json!(["one"]))], &["expected a number", "one"]);
    says("softmax", &[("axis", json!(3))], &["softmax", "axis 3", "[3]"]);
    says("mse", &[("target", json!([1.0]))], &["mse", "[4]", "[1]"]);
    says("mse", &[("reduction", json!("average"))], &["mean, sum, none", "average"]);
    says("linear", &[("x", json!([1.0, 2.0]))], &["linear", "[2]", "[2, 3]"]);
    says("cross_entropy", &[("target", json!([0, 1, 7]))], &["target 7", "row 2", "3 classes"]);
    says("conv2d", &[("stride", json!(0))], &["conv2d", "stride"]);
    says("conv2d", &[("stride", json!(-1))], &["stride", "negative"]);
    says("conv2d", &[("padding", json!(10_000))], &["padding", "0..=100"]);
    says("sgd", &[("gradients", json!([[1.0]]))], &["sgd", "[2]", "[1]"]);
}

#[test]
fn text_is_aligned_and_json_holds_every_digit() {
    let trace = trace("softmax", &[]).unwrap();
    let text = trace.to_string();
    assert!(text.contains("softmax: forward") && text.contains("softmax: backward"), "{text}");
    assert!(text.contains("0.659001") && !text.contains("0.6590011"), "{text}");
    assert!(trace.to_text(true).contains("0.6590011388859679"), "{}", trace.to_text(true));
    let columns: Vec<Option<usize>> =
        text.lines().filter(|line| line.contains(" = ")).skip(1).map(|line| line.find(" = ")).collect();
    assert!(columns.windows(2).all(|pair| pair[0] == pair[1]), "{text}");
    let p = &trace.to_json()["steps"][3]["values"];
    assert_eq!(p[0].as_f64(), Some(trace.get("p").unwrap()[0]));
}

#[test]
fn infinities_travel_as_words() {
    let trace = trace("softmax", &given(&[("x", json!([0.0, "-inf"]))])).unwrap();
    assert_eq!(trace.get("p").unwrap().data(), [1.0, 0.0]);
    let json = crate::trace("relu", &given(&[("x", json!(["inf", "nan"]))])).unwrap().to_json();
    assert_eq!(json["steps"][0]["values"], json!(["inf", "nan"]));
}

#[test]
fn nothing_a_user_can_write_panics() {
    let odd = [
        json!(null),
        json!(true),
        json!("inf"),
        json!("word"),
        json!(-1),
        json!(0),
        json!(3),
        json!(1e300),
        json!([]),
        json!([[]]),
        json!([[], []]),
        json!([0.5]),
        json!([0, 0]),
        json!([1, 2, 3, 4, 5, 6, 7]),
        json!([["nan"]]),
        json!([[1.0, -2.0], [3.0, 4.0]]),
        json!([[[[1.0, 2.0], [3.0, 4.0]]]]),
        json!([[], 1]),
        json!({}),
    ];
    let mut refused = 0;
    for block in blocks() {
        let names: Vec<&str> = block.inputs.iter().chain(block.options).map(|i| i.name).collect();
        for (i, first) in names.iter().enumerate() {
            for a in &odd {
                refused += usize::from(trace(block.name, &given(&[(first, a.clone())])).is_err());
                for second in &names[i + 1..] {
                    for b in &odd {
                        // What counts is that it returns.
                        let both = given(&[(first, a.clone()), (second, b.clone())]);
                        let _ = trace(block.name, &both).map(|trace| (trace.to_string(), trace.to_json()));
                    }
                }
            }
        }
    }
    assert!(refused > 1000, "only {refused} refused");
}
