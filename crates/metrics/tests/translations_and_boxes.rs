//! BLEU against sacrebleu's and detection scores against pycocotools', from `proofs/goldens/translations_and_boxes.py`.

use barehand_metrics::*;
use barehand_tensor::Tensor;
use serde_json::Value;

fn golden(section: &str) -> Vec<Value> {
    let golden: Value = serde_json::from_str(include_str!("goldens/translations_and_boxes.json")).unwrap();
    golden[section].as_array().unwrap().clone()
}

fn number(value: &Value) -> f64 {
    if value.is_null() { f64::NAN } else { value.as_f64().unwrap() }
}

fn list<T>(value: &Value, read: impl Fn(&Value) -> T) -> Vec<T> {
    value.as_array().unwrap().iter().map(read).collect()
}

#[track_caller]
fn close(ours: f64, theirs: &Value, what: &str) {
    let theirs = number(theirs);
    assert!(
        ours.is_nan() && theirs.is_nan() || (ours - theirs).abs() < 1e-13,
        "{what}: {ours} should be {theirs}"
    );
}

#[test]
fn bleu_agrees() {
    let text = |value: &Value| list(value, |word| word.as_str().unwrap().to_owned());
    for case in golden("translations") {
        let translations = list(&case["translations"], text);
        let references = list(&case["references"], |given| list(given, text));
        let value = case["value"].as_f64();
        let smoothing = match case["smoothing"].as_str().unwrap() {
            "none" => Smoothing::None,
            "exp" => Smoothing::Exp,
            "floor" => Smoothing::Floor(value.unwrap_or(0.1)),
            _ => Smoothing::AddK(value.unwrap_or(1.0)),
        };
        let ours = Bleu::new()
            .max_order(case["max_order"].as_u64().unwrap() as usize)
            .smoothing(smoothing)
            .effective_order(case["effective"].as_bool().unwrap())
            .corpus(&translations, &references)
            .unwrap();
        let name = case["name"].as_str().unwrap();
        close(ours.bleu, &case["bleu"], name);
        close(ours.brevity_penalty, &case["brevity_penalty"], name);
        assert_eq!(ours.length as u64, case["length"].as_u64().unwrap(), "{name}");
        assert_eq!(ours.reference_length as u64, case["reference_length"].as_u64().unwrap(), "{name}");
        for (&ours, theirs) in ours.precisions.iter().zip(case["precisions"].as_array().unwrap()) {
            close(ours, theirs, name);
        }
    }
}

fn boxes(value: &Value) -> Tensor<f64> {
    let rows = list(value, |rectangle| list(rectangle, number));
    Tensor::from_vec(rows.concat(), [rows.len(), 4]).unwrap()
}

fn column<T: barehand_tensor::Element>(value: &Value, read: impl Fn(&Value) -> T) -> Tensor<T> {
    let values = list(value, read);
    let n = values.len();
    Tensor::from_vec(values, [n]).unwrap()
}

#[test]
fn detection_scores_agree() {
    for case in golden("boxes") {
        let name = case["name"].as_str().unwrap();
        let mut map = MeanAveragePrecision::new();
        for image in case["images"].as_array().unwrap() {
            let labels = |key: &str| column(&image[key], |label| label.as_i64().unwrap());
            let scores = column(&image["scores"], number);
            let crowd = column(&image["crowd"], |crowd| crowd.as_bool().unwrap());
            let (found, truth) = (boxes(&image["boxes"]), boxes(&image["true_boxes"]));
            map.image(&found, &scores, &labels("labels"), &truth, &labels("true_labels"), Some(&crowd), None)
                .unwrap();
        }
        let ours = map.compute();
        for (key, theirs) in case["scores"].as_object().unwrap() {
            let ours = match key.as_str() {
                "map" => ours.map,
                "map_50" => ours.map_50,
                "map_75" => ours.map_75,
                "map_small" => ours.map_small,
                "map_medium" => ours.map_medium,
                "map_large" => ours.map_large,
                "mar_1" => ours.mar_1,
                "mar_10" => ours.mar_10,
                "mar_100" => ours.mar_100,
                "mar_small" => ours.mar_small,
                "mar_medium" => ours.mar_medium,
                _ => ours.mar_large,
            };
            close(ours, theirs, &format!("{name}, {key}"));
        }
        assert_eq!(ours.classes, list(&case["classes"], |class| class.as_i64().unwrap()));
        for (&ours, theirs) in ours.map_per_class.iter().zip(case["map_per_class"].as_array().unwrap()) {
            close(ours, theirs, name);
        }
    }
}

#[test]
fn boxes_are_as_the_notes_say() {
    // Apart, touching, one inside the other, the same: no overlap of boxes that are apart, in either direction.
    let truth = Tensor::from([[0.0, 0.0, 10.0, 10.0f64]]);
    let class = Tensor::from_vec(vec![0i64], [1]).unwrap();
    let map_50 = |found: [f64; 4]| {
        let mut map = MeanAveragePrecision::new();
        map.image(&Tensor::from([found]), &Tensor::from([1.0]), &class, &truth, &class, None, None).unwrap();
        map.compute().map_50
    };
    assert_eq!(map_50([20.0, 20.0, 30.0, 30.0]), 0.0);
    assert_eq!(map_50([-20.0, -20.0, -10.0, -10.0]), 0.0);
    assert_eq!(map_50([10.0, 0.0, 20.0, 10.0]), 0.0);
    assert_eq!(map_50([0.0, 0.0, 10.0, 5.0]), 1.0);
    assert_eq!(map_50([0.0, 0.0, 10.0, 4.9]), 0.0);
    assert_eq!(map_50([0.0, 0.0, 10.0, 10.0]), 1.0);
}
