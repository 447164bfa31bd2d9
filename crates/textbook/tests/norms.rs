//! RMS, group and instance norm and low-rank adaptation: PyTorch's answers, finite differences behind a linear map, and the
//! ways they go wrong.

mod golden;

use barehand_textbook::gradient_check::{finite_differences, largest_difference};
use barehand_textbook::{
    Array, GroupNorm, LayerNorm, Lora, MersenneTwister, Result, RmsNorm, Trace, WeightLayout, linear,
    linear_backward,
};
use golden::{Case, Family};

fn silent() -> Trace {
    Trace::silent()
}

/// The case's input behind its linear map, and the gradients of both from that of the map's output.
fn expect_through_the_map(case: &Case, y: impl Fn(&Array) -> Array, dz: impl Fn(&Array, &Array) -> Array) {
    let (x, before) = (case.array("x"), case.array("before"));
    let z = linear(x, before, None, WeightLayout::OutIn, &mut silent()).unwrap();
    case.expect("out", &y(&z));
    let dz = dz(&z, case.array("w.out"));
    let g = linear_backward(x, before, WeightLayout::OutIn, &dz, &mut silent()).unwrap();
    case.expect("grad.x", &g.input);
    case.expect("grad.before", &g.weight);
}

fn shape(case: &Case) -> Vec<usize> {
    let shape = case.options["normalized_shape"].as_array().unwrap();
    shape.iter().map(|n| n.as_u64().unwrap() as usize).collect()
}

#[test]
fn rms_norm_is_pytorchs() {
    for case in Family::read("nn", "norms").of("rms_norm") {
        let mut layer = RmsNorm::new(&shape(case));
        layer.eps = case.options["eps"].as_f64().unwrap_or(layer.eps);
        layer.gamma = case.maybe("weight").cloned().unwrap_or(layer.gamma);
        let backward = |z: &Array, dy: &Array| layer.backward(z, dy, &mut silent()).unwrap();
        expect_through_the_map(case, |z| layer.forward(z, &mut silent()).unwrap(), |z, dy| backward(z, dy).0);
        if case.maybe("weight").is_some() {
            let z = linear(case.array("x"), case.array("before"), None, WeightLayout::OutIn, &mut silent());
            case.expect("grad.weight", &backward(&z.unwrap(), case.array("w.out")).1);
        }
    }
    for case in Family::read("nn", "layers").of("rms_norm") {
        let mut layer = RmsNorm::new(&shape(case));
        layer.eps = case.number("eps", 0.0);
        layer.gamma = case.maybe("weight").cloned().unwrap_or(layer.gamma);
        case.expect("out", &layer.forward(case.array("x"), &mut silent()).unwrap());
        let (dx, _) = layer.backward(case.array("x"), case.array("w.out"), &mut silent()).unwrap();
        case.expect("grad.x", &dx);
    }
}

#[test]
fn layer_norm_without_this_or_that_parameter_is_pytorchs() {
    for case in Family::read("nn", "norms").of("layer_norm") {
        let mut layer = LayerNorm::new(&shape(case));
        layer.gamma = case.maybe("weight").cloned().unwrap_or(layer.gamma);
        layer.beta = case.maybe("bias").cloned().unwrap_or(layer.beta);
        expect_through_the_map(
            case,
            |z| layer.forward(z, &mut silent()).unwrap(),
            |z, dy| layer.backward(z, dy, &mut silent()).unwrap().input,
        );
    }
}

#[test]
fn group_norm_is_pytorchs() {
    for case in Family::read("nn", "norms").of("group_norm") {
        let channels = case.array("x").shape()[1];
        let mut layer = GroupNorm::new(case.number("num_groups", 0.0) as usize, channels);
        layer.eps = case.number("eps", 0.0);
        layer.gamma = case.maybe("weight").cloned().unwrap_or(layer.gamma);
        layer.beta = case.maybe("bias").cloned().unwrap_or(layer.beta);
        let backward = |z: &Array, dy: &Array| layer.backward(z, dy, &mut silent()).unwrap();
        expect_through_the_map(
            case,
            |z| layer.forward(z, &mut silent()).unwrap(),
            |z, dy| backward(z, dy).input,
        );
        let z = linear(case.array("x"), case.array("before"), None, WeightLayout::OutIn, &mut silent());
        let g = backward(&z.unwrap(), case.array("w.out"));
        for (name, gradient) in [("weight", &g.gamma), ("bias", &g.beta)] {
            if case.maybe(name).is_some() {
                case.expect(&format!("grad.{name}"), gradient);
            }
        }
    }
}

#[test]
fn instance_norm_is_pytorchs() {
    let family = Family::read("nn", "norms");
    for case in family.of("instance_norm").into_iter().filter(|case| !case.name.contains("single")) {
        let mut layer = GroupNorm::instance(4);
        layer.eps = case.number("eps", 0.0);
        layer.gamma = case.maybe("weight").cloned().unwrap_or(layer.gamma);
        layer.beta = case.maybe("bias").cloned().unwrap_or(layer.beta);
        for step in 0..2 {
            let (x, before) = (case.array(&format!("x{step}")), case.array("before"));
            let z = linear(x, before, None, WeightLayout::OutIn, &mut silent()).unwrap();
            case.expect(&format!("train{step}"), &layer.forward(&z, &mut silent()).unwrap());
        }
    }
}

/// Puts z = W x + c before the block and a weighted sum behind it; compares dx and dW with finite differences.
fn gradients_agree(
    shape: &[usize],
    forward: impl Fn(&Array) -> Result<Array>,
    backward: impl Fn(&Array, &Array) -> Result<Array>,
) -> bool {
    let n: usize = shape.iter().product();
    let mut random = MersenneTwister::new(7 * n as u32);
    let (x, c) = (random.randn(&[n]), random.randn(&[n]));
    let w = random.randn(&[n, n]).map(|w| w / (n as f64).sqrt());
    let before = |x: &Array, w: &Array| {
        linear(x, w, Some(&c), WeightLayout::OutIn, &mut silent()).and_then(|z| z.reshape(shape))
    };
    let dot = |a: &Array, b: &Array| a.data().iter().zip(b.data()).map(|(a, b)| a * b).sum::<f64>();
    let z = before(&x, &w).unwrap();
    let r = random.randn(forward(&z).unwrap().shape());
    let dz = backward(&z, &r).unwrap().reshape(&[n]).unwrap();
    let ours = linear_backward(&x, &w, WeightLayout::OutIn, &dz, &mut silent()).unwrap();
    let dx = finite_differences(&x, |x| Ok(dot(&forward(&before(x, &w)?)?, &r))).unwrap();
    let dw = finite_differences(&w, |w| Ok(dot(&forward(&before(&x, w)?)?, &r))).unwrap();
    largest_difference(&ours.input, &dx) < 1e-7 && largest_difference(&ours.weight, &dw) < 1e-7
}

fn rms_norm(shape: &[usize]) -> RmsNorm {
    RmsNorm { gamma: MersenneTwister::new(3).randn(shape), eps: 1e-5 }
}

fn group_norm(groups: usize) -> GroupNorm {
    let mut random = MersenneTwister::new(5);
    GroupNorm { groups, gamma: random.randn(&[4]), beta: random.randn(&[4]), eps: 1e-5 }
}

#[test]
fn gradients_agree_with_differences() {
    for shape in [vec![4], vec![3, 4]] {
        let layer = rms_norm(&shape);
        assert!(gradients_agree(
            &[2, 3, 4],
            |z| layer.forward(z, &mut silent()),
            |z, d| Ok(layer.backward(z, d, &mut silent())?.0),
        ));
    }
    for groups in [1, 2, 4] {
        let layer = group_norm(groups);
        assert!(gradients_agree(
            &[2, 4, 3],
            |z| layer.forward(z, &mut silent()),
            |z, d| Ok(layer.backward(z, d, &mut silent())?.input),
        ));
    }
    let layer = lora();
    assert!(gradients_agree(
        &[2, 4],
        |z| layer.forward(z, &mut silent()),
        |z, d| Ok(layer.backward(z, d, &mut silent())?.input),
    ));
    let mut random = MersenneTwister::new(11);
    let (x, r) = (random.randn(&[2, 4]), random.randn(&[2, 3]));
    let ours = layer.backward(&x, &r, &mut silent()).unwrap();
    let dot = |y: Array| y.data().iter().zip(r.data()).map(|(y, r)| y * r).sum::<f64>();
    let of_a = |a: &Array| Ok(dot(Lora { a: a.clone(), ..layer.clone() }.forward(&x, &mut silent())?));
    assert!(largest_difference(&ours.a, &finite_differences(&layer.a, of_a).unwrap()) < 1e-7);
    let of_b = |b: &Array| Ok(dot(Lora { b: b.clone(), ..layer.clone() }.forward(&x, &mut silent())?));
    assert!(largest_difference(&ours.b, &finite_differences(&layer.b, of_b).unwrap()) < 1e-7);
}

// ---- traps -----------------------------------------------------------------------------------------------------------

fn near(a: &Array, b: &Array) -> bool {
    a.shape() == b.shape() && a.data().iter().zip(b.data()).all(|(a, b)| (a - b).abs() < 1e-12)
}

#[test]
fn rms_norm_traps() {
    let layer = RmsNorm::new(&[4]);
    let x = Array::matrix([[1.0, 2.0, 3.0, 6.0]]);
    // The mean square is 12.5.
    let known = x.map(|x| x / 12.5f64.sqrt());
    assert!(near(&layer.forward(&x, &mut silent()).unwrap(), &known));
    let rms_norm_that_takes_out_the_mean = LayerNorm::new(&[4]).forward(&x, &mut silent()).unwrap();
    assert!(!near(&rms_norm_that_takes_out_the_mean, &known));
    let rms_norm_by_the_norm_instead_of_the_mean = x.map(|x| x / 50f64.sqrt());
    assert!(!near(&rms_norm_by_the_norm_instead_of_the_mean, &known));
    let rms_norm_with_eps_outside_the_root = |x: &Array, eps: f64| x.map(|x| x / (12.5f64.sqrt() + eps));
    let wide = RmsNorm { eps: 0.1, ..layer.clone() };
    assert!(!near(&rms_norm_with_eps_outside_the_root(&x, 0.1), &wide.forward(&x, &mut silent()).unwrap()));
    // A backward through a constant root: green without a layer before it only where dy is constant.
    let layer = rms_norm(&[4]);
    let rms_norm_backward_through_a_constant_root = |z: &Array, d: &Array| {
        let r = z.map(|z| z * z).sum_along(&[1]).map(|s| 1.0 / (s / 4.0 + 1e-5).sqrt());
        d.zip(&layer.gamma, |d, gamma| d * gamma)?.zip(&r, |g, r| g * r)
    };
    let forward = |z: &Array| layer.forward(z, &mut silent());
    assert!(!gradients_agree(&[3, 4], forward, rms_norm_backward_through_a_constant_root));
}

#[test]
fn group_norm_traps() {
    let layer = group_norm(2);
    let x = MersenneTwister::new(2).randn(&[2, 4, 3]);
    let known = layer.forward(&x, &mut silent()).unwrap();
    let of = |groups: usize| GroupNorm { groups, ..layer.clone() }.forward(&x, &mut silent()).unwrap();
    let group_norm_that_ignores_its_groups = of(1);
    assert!(!near(&group_norm_that_ignores_its_groups, &known));
    let group_norm_over_every_channel_alone = of(4);
    assert!(!near(&group_norm_over_every_channel_alone, &known));
    let n = 6.0f64;
    let plain =
        GroupNorm { gamma: Array::filled(&[4], 1.0), beta: Array::zeros(&[4]), eps: 0.0, ..layer.clone() };
    let plainly = plain.forward(&x, &mut silent()).unwrap();
    let group_norm_with_the_unbiased_variance = plainly.map(|y| y * ((n - 1.0) / n).sqrt());
    assert!(!near(&group_norm_with_the_unbiased_variance, &plainly));
    // Channels 0 and 2 together, 1 and 3 together: strided groups instead of neighbours.
    let swap = |x: &Array| Array::from_fn(x.shape(), |i| x[[i[0], [0, 2, 1, 3][i[1]], i[2]]]);
    let group_norm_of_strided_groups = swap(&plain.forward(&swap(&x), &mut silent()).unwrap());
    assert!(!near(&group_norm_of_strided_groups, &plainly));
    // A scale of the group instead of the channel.
    let forward = |z: &Array| layer.forward(z, &mut silent());
    let group_norm_backward_that_scales_after_the_means = |z: &Array, d: &Array| {
        let unscaled = GroupNorm { gamma: Array::filled(&[4], 1.0), ..layer.clone() };
        let dx = unscaled.backward(z, d, &mut silent())?.input;
        Ok(Array::from_fn(dx.shape(), |i| layer.gamma[i[1]] * dx.get(i)))
    };
    assert!(!gradients_agree(&[2, 4, 3], forward, group_norm_backward_that_scales_after_the_means));
}

fn lora() -> Lora {
    let mut random = MersenneTwister::new(9);
    Lora {
        weight: random.randn(&[3, 4]),
        bias: Some(random.randn(&[3])),
        a: random.randn(&[2, 4]),
        b: random.randn(&[3, 2]),
        alpha: 5.0,
    }
}

#[test]
fn lora_traps() {
    let layer = lora();
    let x = MersenneTwister::new(1).randn(&[5, 4]);
    let known = layer.forward(&x, &mut silent()).unwrap();
    let alone = |w: &Array| linear(&x, w, layer.bias.as_ref(), WeightLayout::OutIn, &mut silent()).unwrap();
    assert!(near(&alone(&layer.merged(&mut silent()).unwrap()), &known));
    let lora_that_forgets_to_divide_by_the_rank = Lora { alpha: 10.0, ..layer.clone() };
    assert!(!near(&lora_that_forgets_to_divide_by_the_rank.forward(&x, &mut silent()).unwrap(), &known));
    let lora_merged_twice = Lora { weight: layer.merged(&mut silent()).unwrap(), ..layer.clone() };
    assert!(!near(&lora_merged_twice.forward(&x, &mut silent()).unwrap(), &known));
    // With both factors 0 neither ever gets a gradient.
    let lora_that_begins_with_two_zeros =
        Lora { a: Array::zeros(&[2, 4]), b: Array::zeros(&[3, 2]), ..layer.clone() };
    let g = lora_that_begins_with_two_zeros.backward(&x, &known, &mut silent()).unwrap();
    assert!(g.a.data().iter().chain(g.b.data()).all(|g| *g == 0.0));
    let begun = Lora { b: Array::zeros(&[3, 2]), ..layer.clone() };
    assert!(begun.backward(&x, &known, &mut silent()).unwrap().b.data().iter().any(|g| *g != 0.0));
}
