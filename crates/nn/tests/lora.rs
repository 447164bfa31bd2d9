//! Low-rank adaptation: what is trained, what it computes, and merging it.

use barehand_nn::{AdamW, Error, Generator, Linear, Lora, Module, Optimizer, Parameters, Tensor, mse_loss};

fn layer(dropout: f64) -> Lora<f64> {
    let mut generator = Generator::new(3);
    let linear = Linear::new(6, 4, &mut generator);
    let mut layer = Lora::new(linear, 2, 5.0, dropout, &mut generator).unwrap();
    layer.lora_b = Tensor::randn([4, 2], &mut generator).requires_grad();
    layer
}

fn input() -> Tensor<f64> {
    Tensor::randn([3, 5, 6], &mut Generator::new(9))
}

#[test]
fn it_is_the_base_and_a_product_of_low_rank() {
    let (layer, x) = (layer(0.0), input());
    let base = x.linear(&layer.base_layer.weight, layer.base_layer.bias.as_ref()).unwrap();
    let product = layer.lora_b.matmul(&layer.lora_a).unwrap().mul_scalar(2.5).unwrap();
    let expected = base.add(&x.linear(&product, None).unwrap()).unwrap();
    assert!(layer.forward(&x).unwrap().max_abs_diff(&expected).unwrap() < 1e-13);
    // A new one changes nothing.
    let mut generator = Generator::new(0);
    let linear = Linear::<f64>::new(6, 4, &mut generator);
    let before = linear.forward(&x).unwrap();
    assert_eq!(Lora::new(linear, 2, 5.0, 0.0, &mut generator).unwrap().forward(&x).unwrap(), before);
}

#[test]
fn merging_changes_the_weight_and_not_the_output() {
    let (mut layer, x) = (layer(0.0), input());
    let (weight, y) = (layer.base_layer.weight.to_vec(), layer.forward(&x).unwrap());
    layer.merge().unwrap();
    assert!(layer.is_merged());
    assert_ne!(layer.base_layer.weight.to_vec(), weight);
    assert!(layer.forward(&x).unwrap().max_abs_diff(&y).unwrap() < 1e-13);
    assert!(layer.merge().is_err());
    layer.unmerge().unwrap();
    assert!(layer.base_layer.weight.to_vec().iter().zip(&weight).all(|(a, b)| (a - b).abs() < 1e-14));
    assert_eq!(layer.unmerge().unwrap_err().to_string(), "Lora: the correction is not merged");
    let linear = layer.into_linear().unwrap();
    assert!(linear.forward(&x).unwrap().max_abs_diff(&y).unwrap() < 1e-13);
}

#[test]
fn only_the_correction_is_trained() {
    let (mut layer, x) = (layer(0.0), input());
    let names: Vec<String> = layer.named_parameters().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["base_layer.weight", "base_layer.bias", "lora_A.weight", "lora_B.weight"]);
    assert_eq!(layer.num_trainable(), 2 * 6 + 4 * 2);
    let before = layer.state_dict();
    let y = Tensor::zeros([3, 5, 4]);
    let mut optimizer = AdamW::builder(0.05).build().unwrap();
    let mut losses = Vec::new();
    for _ in 0..50 {
        let loss = mse_loss(&layer.forward(&x).unwrap(), &y).unwrap();
        losses.push(loss.item().unwrap());
        optimizer.step(&mut layer, &loss.backward().unwrap()).unwrap();
    }
    assert!(losses[49] < 0.5 * losses[0], "{losses:?}");
    let after = layer.state_dict();
    assert_eq!(before[..2], after[..2]);
    assert!(before[2] != after[2] && before[3] != after[3]);
}

#[test]
fn gradients_agree_with_differences() {
    let layer = layer(0.0);
    let (base, bias) = (layer.base_layer.weight.clone(), layer.base_layer.bias.clone().unwrap());
    let run = |inputs: &[Tensor<f64>]| {
        let mut generator = Generator::new(0);
        let linear = Linear { weight: base.clone(), bias: Some(bias.clone()) };
        let mut layer = Lora::new(linear, 2, 5.0, 0.0, &mut generator)?;
        (layer.lora_a, layer.lora_b) = (inputs[1].clone(), inputs[2].clone());
        layer.forward(&inputs[0].tanh()?)
    };
    let inputs = [input(), layer.lora_a.detach(), layer.lora_b.detach()];
    barehand_tensor::check_gradients(run, &inputs, 1e-6).unwrap();
}

#[test]
fn dropout_falls_on_the_correction_alone() {
    let (mut layer, x) = (layer(0.5), input());
    let mut kept = layer.forward(&x).unwrap();
    assert_ne!(layer.forward(&x).unwrap(), kept);
    layer.eval();
    kept = layer.forward(&x).unwrap();
    assert_eq!(layer.forward(&x).unwrap(), kept);
    layer.train();
    layer.lora_b = layer.lora_b.zeros_like();
    let base = layer.base_layer.forward(&x).unwrap();
    assert_eq!(layer.forward(&x).unwrap(), base);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let mut generator = Generator::new(0);
    let mut of = |rank, dropout| -> Option<Error> {
        let linear = Linear::<f32>::new(3, 2, &mut Generator::new(0));
        Lora::new(linear, rank, 8.0, dropout, &mut generator).err()
    };
    assert_eq!(of(0, 0.0).unwrap().to_string(), "Lora: the rank must be 1 or more");
    assert!(of(1, 1.5).is_some());
}
