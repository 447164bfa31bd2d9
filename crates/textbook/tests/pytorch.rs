//! The textbook against PyTorch's committed answers: outputs and gradients, in `f64`.

mod golden;

use barehand_textbook::learning_rate::{
    Anneal, OneCycle, ReduceOnPlateau, cosine_annealing, exponential_decay, linear_warmup, step_decay,
    swa_annealing,
};
use barehand_textbook::{
    Activation, Arithmetic, Array, BatchNorm, BinaryCrossEntropy, Conv2d, CrossEntropy, Elementwise,
    LayerNorm, Mse, NllLoss, Pool, Pool2d, Reduce, Reduction, Sigmoid, Targets, Ties, Trace, WeightLayout,
    clip_grad_norm, linear, linear_backward, log_softmax, log_softmax_backward, matmul, matmul_backward,
    softmax, softmax_backward, softmin,
};
use golden::{Case, Family};
use serde_json::Value;

fn silent() -> Trace {
    Trace::silent()
}

fn reduction(case: &Case) -> Reduction {
    match case.text("reduction") {
        "none" => Reduction::None,
        "sum" => Reduction::Sum,
        _ => Reduction::Mean,
    }
}

#[test]
fn activations() {
    let family = Family::read("tensor", "unary");
    let check = |op: &str, function: &dyn Fn(&Case) -> Box<dyn Elementwise>| {
        for case in family.of(op) {
            let (f, x) = (function(case), case.array("x"));
            // At infinity, and where a square overflows, some of PyTorch's formulas give inf/inf; ours give the limit.
            let undefined =
                |name: &'static str| move |i: usize| x[i].abs() > 1e150 && case.array(name)[i].is_nan();
            case.expect_unless("out", &f.forward(x, &mut silent()), undefined("out"));
            let dx = f.backward(x, case.array("w.out"), &mut silent()).unwrap();
            case.expect_unless("grad.x", &dx, undefined("grad.x"));
        }
    };
    let plain = [
        ("relu", Activation::Relu),
        ("selu", Activation::Selu),
        ("sigmoid", Activation::Logistic),
        ("tanh", Activation::Tanh),
        ("silu", Activation::Silu),
        ("mish", Activation::Mish),
        ("hardswish", Activation::Hardswish),
        ("softsign", Activation::Softsign),
        ("relu6", Activation::Relu6),
        ("hardtanh", Activation::Hardtanh { low: -1.0, high: 1.0 }),
        ("celu", Activation::Celu { alpha: 1.5 }),
        ("threshold", Activation::Threshold { threshold: 0.5, value: -2.0 }),
        ("softshrink", Activation::Softshrink { margin: 0.5 }),
        ("hardshrink", Activation::Hardshrink { margin: 0.5 }),
        ("tanhshrink", Activation::Tanhshrink),
        ("logsigmoid", Activation::LogSigmoid),
    ];
    for (op, activation) in plain {
        check(op, &|_| Box::new(activation));
    }
    // PyTorch's slope of hardsigmoid is 1/6 in single precision: the value alone.
    for case in family.of("hardsigmoid") {
        case.expect("out", &Activation::Hardsigmoid.forward(case.array("x"), &mut silent()));
    }
    for case in family.of("softmin") {
        let p = softmin(case.array("x"), case.number("dim", -1.0) as isize, &mut silent()).unwrap();
        case.expect("out", &p);
        let d = softmax_backward(&p, case.array("w.out"), case.number("dim", -1.0) as isize, &mut silent())
            .unwrap();
        case.expect("grad.x", &d.map(|d| -d));
    }
    check("leaky_relu", &|case| {
        Box::new(Activation::LeakyRelu { slope: case.number("negative_slope", 0.01) })
    });
    check("elu", &|case| Box::new(Activation::Elu { alpha: case.number("alpha", 1.0) }));
    check("softplus", &|case| {
        Box::new(Activation::Softplus {
            beta: case.number("beta", 1.0),
            threshold: case.number("threshold", 20.0),
        })
    });
    check("gelu", &|case| {
        Box::new(if case.text("approximate") == "tanh" { Activation::GeluTanh } else { Activation::Gelu })
    });
    let sigmoids = [
        ("sigmoid", Sigmoid::Logistic),
        ("tanh", Sigmoid::Tanh),
        ("softsign", Sigmoid::Softsign),
        ("erf_as_printed", Sigmoid::ErfPrinted),
        ("erf_unit_slope", Sigmoid::Erf),
        ("gudermannian_unit_slope", Sigmoid::Gudermannian),
        ("inverse_square_root", Sigmoid::Algebraic),
        ("atan_unit_slope", Sigmoid::Arctangent),
    ];
    for (op, sigmoid) in sigmoids {
        check(op, &|_| Box::new(sigmoid));
    }
}

#[test]
fn broadcast_arithmetic() {
    let family = Family::read("tensor", "binary");
    for (op, arithmetic) in [
        ("add", Arithmetic::Add),
        ("sub", Arithmetic::Sub),
        ("mul", Arithmetic::Mul),
        ("div", Arithmetic::Div),
        ("pow", Arithmetic::Pow),
        ("floor_divide", Arithmetic::FloorDivide),
        ("remainder", Arithmetic::Remainder),
        ("fmod", Arithmetic::Fmod),
    ] {
        for case in family.of(op) {
            let (Some(a), Some(b)) = (case.maybe("a"), case.maybe("b")) else { continue };
            case.expect("out", &arithmetic.forward(a, b, &mut silent()).unwrap());
            // PyTorch has no derivative of floor_divide.
            let Some(dc) = case.maybe("w.out") else { continue };
            let (da, db) = arithmetic.backward(a, b, dc, &mut silent()).unwrap();
            case.expect("grad.a", &da);
            case.expect("grad.b", &db);
        }
    }
}

#[test]
fn matrix_products() {
    let family = Family::read("tensor", "products");
    let mut compared = 0;
    for case in family.of("matmul") {
        let (a, b) = (case.array("a"), case.array("b"));
        if a.rank() < 2 || b.rank() < 2 {
            assert!(matmul(a, b, &mut silent()).is_err(), "{}: vectors are no matrices here", case.name);
            continue;
        }
        case.expect("out", &matmul(a, b, &mut silent()).unwrap());
        let (da, db) = matmul_backward(a, b, case.array("w.out"), &mut silent()).unwrap();
        case.expect("grad.a", &da);
        case.expect("grad.b", &db);
        compared += 1;
    }
    assert!(compared >= 15, "{compared} cases");
}

#[test]
fn reductions() {
    let family = Family::read("tensor", "reductions");
    for op in ["sum", "mean", "var", "amax", "max"] {
        let mut compared = 0;
        for case in family.of(op) {
            let reduce = match op {
                "sum" => Reduce::Sum,
                "mean" => Reduce::Mean,
                "var" => Reduce::Variance { correction: case.number("correction", 1.0) as usize },
                "amax" => Reduce::Max { ties: Ties::Even },
                _ => Reduce::Max { ties: Ties::First },
            };
            let axes: Vec<isize> = match &case.options["dim"] {
                Value::Array(axes) => axes.iter().map(|axis| axis.as_i64().unwrap() as isize).collect(),
                axis => vec![axis.as_i64().unwrap() as isize],
            };
            let x = case.array("x");
            let out = if op == "max" { "values" } else { "out" };
            let Ok(y) = reduce.forward(x, &axes, &mut silent()) else {
                // Where PyTorch answers not-a-number for want of elements, the textbook says so.
                assert!(case.array(out).data().iter().all(|y| y.is_nan()), "{}", case.name);
                continue;
            };
            case.expect(out, &y.reshape(case.array(out).shape()).unwrap());
            // Where a maximum is not a number PyTorch's gradient depends on how it compares; not compared.
            if !(x.data().iter().any(|x| x.is_nan()) && op.ends_with("max")) {
                let dy = case.array(&format!("w.{out}")).reshape(y.shape()).unwrap();
                case.expect("grad.x", &reduce.backward(x, &axes, &dy, &mut silent()).unwrap());
            }
            compared += 1;
        }
        assert!(compared >= 6, "{op}: {compared} cases");
    }
}

#[test]
fn softmax_and_its_logarithm() {
    let family = Family::read("tensor", "reductions");
    for case in family.of("softmax") {
        let axis = case.number("dim", -1.0) as isize;
        let p = softmax(case.array("x"), axis, &mut silent()).unwrap();
        case.expect("out", &p);
        case.expect("grad.x", &softmax_backward(&p, case.array("w.out"), axis, &mut silent()).unwrap());
    }
    for case in family.of("log_softmax") {
        let axis = case.number("dim", -1.0) as isize;
        let log_p = log_softmax(case.array("x"), axis, &mut silent()).unwrap();
        case.expect("out", &log_p);
        case.expect(
            "grad.x",
            &log_softmax_backward(&log_p, case.array("w.out"), axis, &mut silent()).unwrap(),
        );
    }
}

#[test]
fn squared_error() {
    for case in Family::read("nn", "losses").of("mse_loss") {
        let mse = Mse { half: false, reduction: reduction(case) };
        let (p, y) = (case.array("input"), case.array("target"));
        case.expect("out", &mse.forward(p, y, &mut silent()).unwrap());
        case.expect("grad.input", &mse.backward(p, y, case.array("w.out"), &mut silent()).unwrap());
    }
}

#[test]
fn cross_entropy() {
    let family = Family::read("nn", "losses");
    let cases = family.of("cross_entropy");
    assert!(cases.len() >= 60, "{} cases", cases.len());
    for case in cases {
        let loss = CrossEntropy {
            class_weights: case.maybe("weight").map(|w| w.data().to_vec()),
            ignore_index: case.number("ignore_index", -100.0) as i64,
            label_smoothing: case.number("label_smoothing", 0.0),
            reduction: reduction(case),
        };
        let (x, target) = (case.array("input"), case.array("target"));
        let classes: Vec<i64> = target.data().iter().map(|&y| y as i64).collect();
        let targets = if target.shape() == x.shape() {
            Targets::Distribution(target)
        } else {
            Targets::Classes(&classes)
        };
        case.expect("out", &loss.forward(x, targets, &mut silent()).unwrap());
        case.expect("grad.input", &loss.backward(x, targets, case.array("w.out"), &mut silent()).unwrap());
    }
}

#[test]
fn negative_log_likelihood() {
    let family = Family::read("nn", "losses");
    let cases = family.of("nll_loss");
    assert!(cases.len() >= 27, "{} cases", cases.len());
    for case in cases {
        let loss = NllLoss {
            class_weights: case.maybe("weight").map(|w| w.data().to_vec()),
            ignore_index: case.number("ignore_index", -100.0) as i64,
            reduction: reduction(case),
        };
        let (x, target) = (case.array("input"), case.array("target"));
        let axis = isize::from(x.rank() > 1);
        let classes: Vec<i64> = target.data().iter().map(|&y| y as i64).collect();
        let log_p = log_softmax(x, axis, &mut silent()).unwrap();
        case.expect("out", &loss.forward(&log_p, &classes, &mut silent()).unwrap());
        let d = loss.backward(&log_p, &classes, case.array("w.out"), &mut silent()).unwrap();
        case.expect("grad.input", &log_softmax_backward(&log_p, &d, axis, &mut silent()).unwrap());
    }
}

#[test]
fn binary_cross_entropy() {
    let family = Family::read("nn", "losses");
    let mut compared = 0;
    for case in family.cases.iter().filter(|case| case.op == "bce" || case.op == "bce_with_logits") {
        if case.maybe("weight").is_some() || case.maybe("pos_weight").is_some() {
            continue;
        }
        let loss = BinaryCrossEntropy { reduction: reduction(case) };
        let (x, y, upstream) = (case.array("input"), case.array("target"), case.array("w.out"));
        if case.op == "bce" {
            case.expect("out", &loss.forward_probabilities(x, y, &mut silent()).unwrap());
            case.expect("grad.input", &loss.backward_probabilities(x, y, upstream, &mut silent()).unwrap());
        } else {
            case.expect("out", &loss.forward(x, y, &mut silent()).unwrap());
            case.expect("grad.input", &loss.backward(x, y, upstream, &mut silent()).unwrap());
        }
        compared += 1;
    }
    assert!(compared >= 6, "{compared} cases");
}

#[test]
fn linear_layer() {
    for case in Family::read("nn", "layers").of("linear") {
        let (x, w) = (case.array("x"), case.array("weight"));
        case.expect("out", &linear(x, w, case.maybe("bias"), WeightLayout::OutIn, &mut silent()).unwrap());
        let g = linear_backward(x, w, WeightLayout::OutIn, case.array("w.out"), &mut silent()).unwrap();
        case.expect("grad.x", &g.input);
        case.expect("grad.weight", &g.weight);
        if case.maybe("bias").is_some() {
            case.expect("grad.bias", &g.bias);
        }
    }
}

#[test]
fn convolution_by_loops_and_by_im2col() {
    for case in Family::read("nn", "layers").of("conv2d") {
        let conv = Conv2d {
            stride: case.pair("stride", [1, 1]),
            padding: case.pair("padding", [0, 0]),
            dilation: case.pair("dilation", [1, 1]),
            groups: case.number("groups", 1.0) as usize,
            ..Conv2d::default()
        };
        let (x, w, b, dy) = (case.array("x"), case.array("weight"), case.maybe("bias"), case.array("w.out"));
        case.expect("out", &conv.forward(x, w, b, &mut silent()).unwrap());
        case.expect("out", &conv.forward_im2col(x, w, b, &mut silent()).unwrap());
        let loops = conv.backward(x, w, dy, &mut silent()).unwrap();
        let products = conv.backward_im2col(x, w, dy, &mut silent()).unwrap();
        for g in [loops, products] {
            case.expect("grad.x", &g.input);
            case.expect("grad.weight", &g.weight);
            if b.is_some() {
                case.expect("grad.bias", &g.bias);
            }
        }
    }
}

#[test]
fn pooling() {
    let family = Family::read("nn", "layers");
    for op in ["max_pool2d", "avg_pool2d"] {
        for case in family.of(op) {
            if case.is("ceil_mode", false) || case.options["divisor_override"].is_number() {
                continue;
            }
            let kernel = case.pair("kernel_size", [0, 0]);
            let count_padding = case.is("count_include_pad", true);
            let pool = Pool2d {
                pool: if op == "max_pool2d" { Pool::Max } else { Pool::Average { count_padding } },
                kernel,
                stride: case.pair("stride", kernel),
                padding: case.pair("padding", [0, 0]),
                dilation: case.pair("dilation", [1, 1]),
            };
            let x = case.array("x");
            case.expect("out", &pool.forward(x, &mut silent()).unwrap());
            case.expect("grad.x", &pool.backward(x, case.array("w.out"), &mut silent()).unwrap());
        }
    }
}

#[test]
fn batch_normalisation() {
    for case in Family::read("nn", "layers").of("batch_norm") {
        if !case.is("track", true) {
            continue;
        }
        let mut layer = BatchNorm::new(4);
        layer.eps = case.number("eps", 1e-5);
        layer.momentum = case.options["momentum"].as_f64();
        if let (Some(weight), Some(bias)) = (case.maybe("weight"), case.maybe("bias")) {
            (layer.gamma, layer.beta) = (weight.clone(), bias.clone());
        }
        let mut gradients = Vec::new();
        for step in 0..3 {
            let x = case.array(&format!("x{step}"));
            case.expect(&format!("train{step}"), &layer.forward_train(x, &mut silent()).unwrap());
            case.expect(&format!("running_mean{step}"), &layer.running_mean);
            case.expect(&format!("running_var{step}"), &layer.running_var);
            let dy = case.array(&format!("w.train{step}"));
            gradients.push(layer.backward_train(x, dy, &mut silent()).unwrap());
        }
        let x = case.array("x0");
        case.expect("eval", &layer.forward_eval(x, &mut silent()).unwrap());
        let eval = layer.backward_eval(x, case.array("w.eval"), &mut silent()).unwrap();
        let sum = |a: &Array, b: &Array| a.zip(b, |a, b| a + b).unwrap();
        case.expect("grad.x0", &sum(&gradients[0].input, &eval.input));
        case.expect("grad.x1", &gradients[1].input);
        case.expect("grad.x2", &gradients[2].input);
        if case.maybe("weight").is_some() {
            case.expect("grad.weight", &gradients.iter().fold(eval.gamma.clone(), |s, g| sum(&s, &g.gamma)));
            case.expect("grad.bias", &gradients.iter().fold(eval.beta.clone(), |s, g| sum(&s, &g.beta)));
        }
    }
}

#[test]
fn layer_normalisation() {
    for case in Family::read("nn", "layers").of("layer_norm") {
        let shape = case.options["normalized_shape"].as_array().unwrap();
        let shape: Vec<usize> = shape.iter().map(|n| n.as_u64().unwrap() as usize).collect();
        let mut layer = LayerNorm::new(&shape);
        layer.eps = case.number("eps", 1e-5);
        if let Some(weight) = case.maybe("weight") {
            layer.gamma = weight.clone();
        }
        if let Some(bias) = case.maybe("bias") {
            layer.beta = bias.clone();
        }
        let x = case.array("x");
        case.expect("out", &layer.forward(x, &mut silent()).unwrap());
        let g = layer.backward(x, case.array("w.out"), &mut silent()).unwrap();
        case.expect("grad.x", &g.input);
        if case.maybe("weight").is_some() {
            case.expect("grad.weight", &g.gamma);
        }
        if case.maybe("bias").is_some() {
            case.expect("grad.bias", &g.beta);
        }
    }
}

#[test]
fn clipping_by_the_global_norm() {
    for case in Family::read("nn", "clipping").of("clip_grad_norm") {
        if case.text("norm_type") != "2" {
            continue;
        }
        let names: Vec<String> =
            (0..3).map(|i| format!("g{i}")).filter(|g| case.maybe(g).is_some()).collect();
        let mut gradients: Vec<Array> = names.iter().map(|g| case.array(g).clone()).collect();
        let total = clip_grad_norm(&mut gradients, case.number("max_norm", 0.0), &mut silent()).unwrap();
        case.expect("total", &Array::scalar(total));
        for (i, g) in gradients.iter().enumerate() {
            case.expect(&format!("clipped{i}"), g);
        }
    }
}

#[test]
fn learning_rate_schedules() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../nn/tests/goldens/schedules.json");
    let document: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let cases = document.as_object().unwrap().values().find_map(Value::as_array).unwrap();
    let mut compared = std::collections::BTreeMap::new();
    for case in cases {
        let options = &case["options"];
        let number = |name: &str, default: f64| options[name].as_f64().unwrap_or(default);
        let numbers = |value: &Value| -> Vec<f64> {
            value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap_or(f64::NAN)).collect()
        };
        let rates = numbers(&case["rates"]);
        let op = case["op"].as_str().unwrap();
        let steps = 0..rates.len();
        let ours: Vec<f64> = match op {
            "step" => steps
                .map(|t| step_decay(0.1, number("step_size", 1.0) as usize, number("gamma", 0.1), t))
                .collect(),
            "exponential" => steps.map(|t| exponential_decay(0.1, number("gamma", 0.9), t)).collect(),
            "cosine_annealing" => steps
                .map(|t| cosine_annealing(0.1, number("eta_min", 0.0), number("T_max", 1.0) as usize, t))
                .collect(),
            "linear" if number("end_factor", 1.0) == 1.0 => steps
                .map(|t| {
                    linear_warmup(
                        0.1,
                        number("start_factor", 1.0 / 3.0),
                        number("total_iters", 5.0) as usize,
                        t,
                    )
                })
                .collect(),
            "swa" => {
                let anneal =
                    if options["anneal_strategy"] == "linear" { Anneal::Linear } else { Anneal::Cosine };
                let steps_to = number("anneal_epochs", 10.0) as usize;
                steps.map(|t| swa_annealing(0.1, number("swa_lr", 0.0), steps_to, anneal, t)).collect()
            }
            "one_cycle" if !options["three_phase"].as_bool().unwrap_or(false) => {
                let cycle = OneCycle {
                    rising_share: number("pct_start", 0.3),
                    div: number("div_factor", 25.0),
                    final_div: number("final_div_factor", 1e4),
                    anneal: if options["anneal_strategy"] == "linear" {
                        Anneal::Linear
                    } else {
                        Anneal::Cosine
                    },
                    ..OneCycle::new(number("max_lr", 0.0), number("total_steps", 0.0) as usize)
                };
                assert!(cycle.at(cycle.total_steps).is_err());
                steps.map(|t| cycle.at(t).unwrap()).collect()
            }
            "reduce_on_plateau"
                if options["mode"] != "max"
                    && options["threshold_mode"] != "abs"
                    && options["eps"].is_null() =>
            {
                let plateau = ReduceOnPlateau {
                    factor: number("factor", 0.1),
                    patience: number("patience", 10.0) as usize,
                    threshold: number("threshold", 1e-4),
                    cooldown: number("cooldown", 0.0) as usize,
                    minimum: number("min_lr", 0.0),
                    ..ReduceOnPlateau::new(0.1)
                };
                // The golden's rate t was used for step t, before the loss of step t was seen.
                let mut after = vec![0.1];
                after.extend(plateau.rates(&numbers(&case["metrics"])));
                after.truncate(rates.len());
                after
            }
            _ => continue,
        };
        for (t, (a, b)) in ours.iter().zip(&rates).enumerate() {
            assert!((a - b).abs() <= 1e-12, "{op} {options}, step {t}: {a}, PyTorch says {b}");
        }
        *compared.entry(op).or_insert(0) += 1;
    }
    let expected =
        ["cosine_annealing", "exponential", "linear", "one_cycle", "reduce_on_plateau", "step", "swa"];
    assert_eq!(compared.keys().copied().collect::<Vec<_>>(), expected);
}
