//! Printed tensors against PyTorch's own text.

use barehand_tensor::{AnyTensor, Element, Tensor};
use serde_json::Value;

fn tensor<T: Element>(case: &Value) -> Tensor<T> {
    let values = case["values"].as_array().unwrap().iter();
    let values = values.map(|v| v.as_f64().unwrap_or_else(|| v.as_str().unwrap().parse().unwrap()));
    let shape: Vec<usize> =
        case["shape"].as_array().unwrap().iter().map(|n| n.as_u64().unwrap() as usize).collect();
    Tensor::from_vec(values.map(T::from_real).collect(), shape).unwrap()
}

#[test]
fn text_is_pytorchs() {
    let golden: Value = serde_json::from_str(include_str!("goldens/display.json")).unwrap();
    for case in golden["cases"].as_array().unwrap() {
        let text = match case["dtype"].as_str().unwrap() {
            "f32" => tensor::<f32>(case).to_string(),
            "f64" => tensor::<f64>(case).to_string(),
            "i64" => tensor::<i64>(case).to_string(),
            "i32" => tensor::<i32>(case).to_string(),
            "u8" => tensor::<u8>(case).to_string(),
            _ => tensor::<bool>(case).to_string(),
        };
        let mut expected = case["text"].as_str().unwrap().to_owned();
        for (theirs, ours) in
            [("torch.float64", "f64"), ("torch.int64", "i64"), ("torch.int32", "i32"), ("torch.uint8", "u8")]
        {
            expected = expected.replace(theirs, ours);
        }
        assert_eq!(text, expected, "{}", case["name"]);
    }
}

#[test]
fn views_print_what_they_show() {
    let x = Tensor::<i64>::from([[1, 2], [3, 4]]);
    assert_eq!(x.t().unwrap().to_string(), "tensor([[1, 3],\n        [2, 4]])");
    assert!(matches!(AnyTensor::from(x), AnyTensor::I64(_)));
}
