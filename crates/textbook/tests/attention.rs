//! Attention and rotary embedding: known answers, PyTorch's committed answers, finite differences with a layer before the
//! block, and mistakes that hand-written code makes, each rejected by a check that accepts the textbook.

mod golden;

use barehand_textbook::attention::Causal;
use barehand_textbook::gradient_check::{finite_differences, largest_difference};
use barehand_textbook::{
    Array, Attention, AttentionGradients, AttentionMask, MersenneTwister, Result, Rope, RopeLayout, Trace,
    WeightLayout, linear, linear_backward,
};
use golden::{Case, Family};

fn silent() -> Trace {
    Trace::silent()
}

fn dot(a: &Array, b: &Array) -> f64 {
    assert_eq!(a.shape(), b.shape());
    a.data().iter().zip(b.data()).map(|(a, b)| a * b).sum()
}

fn near(a: &Array, b: &Array, tolerance: f64) -> bool {
    largest_difference(a, b) < tolerance
}

// ---- known answers ---------------------------------------------------------------------------------------------------

/// Two keys whose scores differ by ln 3 have weights 1/4 and 3/4.
#[test]
fn attention_of_one_query() {
    let (q, k) = (Array::matrix([[3f64.ln()]]), Array::matrix([[0.0], [1.0]]));
    let v = Array::matrix([[4.0, 0.0], [8.0, 1.0]]);
    let mut trace = Trace::new();
    let y = Attention::default().forward(&q, &k, &v, &mut trace).unwrap();
    assert!(near(&y, &Array::matrix([[7.0, 0.75]]), 1e-15));
    let names: Vec<&str> = trace.steps().iter().map(|step| step.name.as_str()).collect();
    assert_eq!(names, ["s", "z", "m", "e", "d", "p", "y"]);
    assert!(near(trace.get("p").unwrap(), &Array::matrix([[0.25, 0.75]]), 1e-15));
}

#[test]
fn masks_say_the_same_in_their_own_words() {
    let mut random = MersenneTwister::new(3);
    let [q, k, v] = [0; 3].map(|_| random.randn(&[2, 3, 4]));
    let keep = Array::matrix([[1.0, 1.0, 0.0], [1.0, 0.0, 1.0]]);
    let scores = keep.reshape(&[2, 1, 3]).unwrap();
    let ignore = keep.map(|keep| 1.0 - keep);
    let never = scores.map(|keep| if keep == 1.0 { 0.0 } else { f64::NEG_INFINITY });
    let with = |mask| {
        let attention = Attention { mask: Some(mask), ..Default::default() };
        attention.forward(&q, &k, &v, &mut silent()).unwrap()
    };
    let y = with(AttentionMask::Keep(&scores));
    assert_eq!(y, with(AttentionMask::KeyPadding(&ignore)));
    assert_eq!(y, with(AttentionMask::Additive(&never)));
    assert!(!near(&y, &Attention::default().forward(&q, &k, &v, &mut silent()).unwrap(), 1e-3));
}

/// The fill is a convention: with -infinity a query without a key gives nothing, with -1e9 the mean of all values.
#[test]
fn a_query_without_a_key() {
    let (q, v) = (Array::matrix([[1.0], [2.0]]), Array::matrix([[1.0], [3.0]]));
    let keep = Array::matrix([[0.0, 0.0], [1.0, 1.0]]);
    let attention = Attention { mask: Some(AttentionMask::Keep(&keep)), ..Default::default() };
    let y = attention.forward(&q, &Array::zeros(&[2, 1]), &v, &mut silent()).unwrap();
    assert_eq!(y.data(), [0.0, 2.0]);
    let d = attention.backward(&q, &q, &v, &Array::filled(&[2, 1], 1.0), &mut silent()).unwrap();
    assert!(d.query[0] == 0.0 && d.query[1] != 0.0 && d.key.data().iter().all(|x| x.is_finite()));
    let filled = Attention { fill: -1e9, ..attention };
    let y = filled.forward(&q, &Array::zeros(&[2, 1]), &v, &mut silent()).unwrap();
    assert_eq!(y.data(), [2.0, 2.0]);
}

#[test]
fn triangles() {
    let (q, k) = (Array::zeros(&[2, 1]), Array::zeros(&[3, 1]));
    let v = Array::matrix([[0.0], [2.0], [7.0]]);
    let with = |causal| {
        let attention = Attention { causal: Some(causal), ..Default::default() };
        attention.forward(&q, &k, &v, &mut silent()).unwrap()
    };
    assert!(near(&with(Causal::UpperLeft), &Array::matrix([[0.0], [1.0]]), 1e-15));
    assert!(near(&with(Causal::LowerRight), &Array::matrix([[1.0], [3.0]]), 1e-15));
}

#[test]
fn rotations() {
    let x = Array::matrix([[1.0, 2.0, 3.0, 4.0]; 2]);
    let at = |layout| Rope { layout, base: 100.0, ..Default::default() }.forward(&x, &mut silent()).unwrap();
    let turn = |a: f64, b: f64, phi: f64| (a * phi.cos() - b * phi.sin(), b * phi.cos() + a * phi.sin());
    // Pair 0 turns by 1, pair 1 by 100^(-1/2) = 1/10.
    let ((a, b), (c, d)) = (turn(1.0, 2.0, 1.0), turn(3.0, 4.0, 0.1));
    let expected = Array::matrix([[1.0, 2.0, 3.0, 4.0], [a, b, c, d]]);
    assert!(near(&at(RopeLayout::Interleaved), &expected, 1e-15));
    let ((a, c), (b, d)) = (turn(1.0, 3.0, 1.0), turn(2.0, 4.0, 0.1));
    let expected = Array::matrix([[1.0, 2.0, 3.0, 4.0], [a, b, c, d]]);
    assert!(near(&at(RopeLayout::HalfSplit), &expected, 1e-15));
}

#[test]
fn misfits_are_errors() {
    let (q, k) = (Array::zeros(&[3, 4]), Array::zeros(&[5, 4]));
    let attend = |q: &Array, k: &Array, v: &Array, attention: Attention| {
        attention.forward(q, k, v, &mut silent()).unwrap_err().to_string()
    };
    assert!(attend(&q, &Array::zeros(&[5, 3]), &k, Attention::default()).contains("widths of q and k"));
    assert!(attend(&q, &k, &q, Attention::default()).contains("lengths of k and v"));
    let heads = |n: usize| Array::zeros(&[n, 5, 4]);
    assert!(attend(&heads(5), &heads(2), &heads(2), Attention::default()).contains("a multiple"));
    let mask = Array::zeros(&[4, 5]);
    let masked = Attention { mask: Some(AttentionMask::Keep(&mask)), ..Default::default() };
    assert!(attend(&q, &k, &k, masked).contains("does not broadcast"));
    let padded = Attention { mask: Some(AttentionMask::KeyPadding(&mask)), ..Default::default() };
    assert!(attend(&q, &k, &k, padded).contains("must be (N, S)"));
    let turn = |rope: Rope| rope.forward(&Array::zeros(&[2, 3]), &mut silent()).unwrap_err().to_string();
    assert!(turn(Rope::default()).contains("even"));
    assert!(turn(Rope { width: Some(2), base: -1.0, ..Default::default() }).contains("base"));
}

// ---- PyTorch ---------------------------------------------------------------------------------------------------------

fn with_options(case: &Case) -> Attention<'_> {
    let mask = case.maybe("mask").map(|mask| match case.maybe("grad.mask") {
        Some(_) => AttentionMask::Additive(mask),
        None => AttentionMask::Keep(mask),
    });
    Attention {
        mask,
        causal: case.is("is_causal", false).then_some(Causal::UpperLeft),
        scale: case.options["scale"].as_f64(),
        ..Default::default()
    }
}

fn compare(case: &Case, attention: &Attention) {
    let [q, k, v] = ["q", "k", "v"].map(|name| case.array(name));
    case.expect("out", &attention.forward(q, k, v, &mut silent()).unwrap());
    let d = attention.backward(q, k, v, case.array("w.out"), &mut silent()).unwrap();
    case.expect("grad.q", &d.query);
    case.expect("grad.k", &d.key);
    case.expect("grad.v", &d.value);
    if let Some(mask) = &d.mask {
        case.expect("grad.mask", mask);
    }
}

#[test]
fn attention_is_that_of_pytorch() {
    let family = Family::read("tensor", "attention");
    for op in ["attention", "attention_large"] {
        family.of(op).into_iter().for_each(|case| compare(case, &with_options(case)));
    }
    for case in family.of("attention_lower_right") {
        compare(case, &Attention { causal: Some(Causal::LowerRight), ..Default::default() });
    }
}

#[test]
fn rope_is_that_of_its_sources() {
    let family = Family::read("tensor", "attention");
    for (op, layout) in
        [("rope_interleaved", RopeLayout::Interleaved), ("rope_half_split", RopeLayout::HalfSplit)]
    {
        for case in family.of(op) {
            let width = case.options["width"].as_u64().map(|w| w as usize);
            let offset = case.number("offset", 0.0) as usize;
            let rope = Rope { layout, base: case.number("base", 10_000.0), offset, width };
            case.expect("out", &rope.forward(case.array("x"), &mut silent()).unwrap());
            case.expect("grad.x", &rope.backward(case.array("w.out"), &mut silent()).unwrap());
        }
    }
}

// ---- gradients -------------------------------------------------------------------------------------------------------

/// A linear layer from (T, 3) to queries, keys and values of (heads, T, width), each with a weight of its own, and the
/// gradients of the weights and of the layer's input against finite differences.
fn check_gradients(
    heads: [usize; 2],
    forward: impl Fn(&Array, &Array, &Array) -> Result<Array>,
    backward: impl Fn(&Array, &Array, &Array, &Array) -> Result<AttentionGradients>,
) {
    let mut random = MersenneTwister::new(9);
    let (tokens, width) = (4, 2);
    let x = random.randn(&[tokens, 3]);
    let counts = [heads[0], heads[1], heads[1]];
    let weights = counts.map(|count| random.randn(&[count * width, 3]));
    let split = |x: &Array, which: usize, w: &Array| -> Result<Array> {
        let flat = linear(x, w, None, WeightLayout::OutIn, &mut silent())?;
        Ok(Array::from_fn(&[counts[which], tokens, width], |at| flat[[at[1], at[0] * width + at[2]]]))
    };
    let merge = |which: usize, d: &Array| {
        Array::from_fn(&[tokens, counts[which] * width], |at| d[[at[1] / width, at[0], at[1] % width]])
    };
    let output = |x: &Array, weights: &[Array; 3]| -> Result<Array> {
        forward(&split(x, 0, &weights[0])?, &split(x, 1, &weights[1])?, &split(x, 2, &weights[2])?)
    };
    let r = random.randn(output(&x, &weights).unwrap().shape());
    let [q, k, v] = [0, 1, 2].map(|which| split(&x, which, &weights[which]).unwrap());
    let d = backward(&q, &k, &v, &r).unwrap();
    let mut dx = Array::zeros(x.shape());
    for (which, d) in [&d.query, &d.key, &d.value].into_iter().enumerate() {
        let d = merge(which, d);
        let ours = linear_backward(&x, &weights[which], WeightLayout::OutIn, &d, &mut silent()).unwrap();
        dx = dx.zip(&ours.input, |a, b| a + b).unwrap();
        let numeric = finite_differences(&weights[which], |w| {
            let mut moved = weights.clone();
            moved[which] = w.clone();
            Ok(dot(&output(&x, &moved)?, &r))
        });
        let difference = largest_difference(&ours.weight, &numeric.unwrap());
        assert!(difference < 1e-7, "weight {which}: {difference:e}");
    }
    let numeric = finite_differences(&x, |x| Ok(dot(&output(x, &weights)?, &r))).unwrap();
    assert!(near(&dx, &numeric, 1e-7));
}

fn check_attention(heads: [usize; 2], attention: &Attention) {
    check_gradients(
        heads,
        |q, k, v| attention.forward(q, k, v, &mut silent()),
        |q, k, v, dy| attention.backward(q, k, v, dy, &mut silent()),
    );
}

#[test]
fn gradients_of_attention() {
    let keep = Array::from_fn(&[2, 4, 4], |at| f64::from(u8::from((at[0] + 2 * at[1] + at[2]) % 3 > 0)));
    let dead = Array::from_fn(&[4, 4], |at| f64::from(u8::from(at[0] != 1)));
    let padding = Array::vector(&[0.0, 0.0, 1.0, 0.0]);
    let bias = MersenneTwister::new(1).randn(&[2, 1, 4]);
    for heads in [[2, 2], [2, 1]] {
        check_attention(heads, &Attention::default());
        check_attention(heads, &Attention { causal: Some(Causal::UpperLeft), ..Default::default() });
        check_attention(heads, &Attention { scale: Some(-2.0), ..Default::default() });
        check_attention(heads, &Attention { dropped: Some((&keep, 0.4)), ..Default::default() });
        let masks = [
            AttentionMask::Keep(&keep),
            AttentionMask::Keep(&dead),
            AttentionMask::KeyPadding(&padding),
            AttentionMask::Additive(&bias),
        ];
        for mask in masks {
            let attention = Attention { mask: Some(mask), ..Default::default() };
            check_attention(heads, &attention);
            check_attention(heads, &Attention { fill: -3.0, ..attention });
        }
    }
}

#[test]
fn gradient_of_an_additive_mask() {
    let mut random = MersenneTwister::new(4);
    let [q, k, v] = [0; 3].map(|_| random.randn(&[2, 3, 2]));
    let r = random.randn(&[2, 3, 2]);
    for shape in [&[2, 3, 3][..], &[3, 3], &[3], &[2, 1, 1]] {
        let mask = random.randn(shape);
        let at = |mask: &Array| {
            let attention = Attention { mask: Some(AttentionMask::Additive(mask)), ..Default::default() };
            Ok(dot(&attention.forward(&q, &k, &v, &mut silent())?, &r))
        };
        let attention = Attention { mask: Some(AttentionMask::Additive(&mask)), ..Default::default() };
        let d = attention.backward(&q, &k, &v, &r, &mut silent()).unwrap().mask.unwrap();
        assert!(near(&d, &finite_differences(&mask, at).unwrap(), 1e-7), "{shape:?}");
    }
}

#[test]
fn gradient_of_rope() {
    let mut random = MersenneTwister::new(5);
    let (x, w, r) = (random.randn(&[3, 4]), random.randn(&[6, 4]), random.randn(&[3, 6]));
    for layout in [RopeLayout::Interleaved, RopeLayout::HalfSplit] {
        for width in [None, Some(4)] {
            let rope = Rope { layout, width, offset: 2, ..Default::default() };
            let before = |x: &Array| linear(x, &w, None, WeightLayout::OutIn, &mut silent());
            let numeric =
                finite_differences(&x, |x| Ok(dot(&rope.forward(&before(x)?, &mut silent())?, &r))).unwrap();
            let dz = rope.backward(&r, &mut silent()).unwrap();
            let d = linear_backward(&x, &w, WeightLayout::OutIn, &dz, &mut silent()).unwrap();
            assert!(near(&d.input, &numeric, 1e-7));
        }
    }
}

// ---- mistakes --------------------------------------------------------------------------------------------------------

type Attend = fn(&Array, &Array, &Array, Option<&Array>) -> Array;

/// Agrees with PyTorch without and with a boolean mask, has large scores and queries without a key, and leaves its
/// arguments as they are.
fn is_attention(attend: Attend) -> bool {
    let family = Family::read("tensor", "attention");
    let names = ["attention.matrix", "attention.keep.full", "attention.keep.dead", "attention.large"];
    family.cases.iter().filter(|case| names.contains(&case.name.as_str())).all(|case| {
        let [q, k, v] = ["q", "k", "v"].map(|name| case.array(name).clone());
        let scale = case.number("scale", 1.0 / (k.shape()[k.rank() - 1] as f64).sqrt());
        // The mistakes know one scale only; another is a matter of the queries.
        let q = q.map(|q| q * scale * (k.shape()[k.rank() - 1] as f64).sqrt());
        near(&attend(&q, &k, &v, case.maybe("mask")), case.array("out"), 1e-9)
    })
}

fn textbook(q: &Array, k: &Array, v: &Array, mask: Option<&Array>) -> Array {
    let attention = Attention { mask: mask.map(AttentionMask::Keep), ..Default::default() };
    attention.forward(q, k, v, &mut silent()).unwrap()
}

/// Attention as it is often written, with its parts to be got wrong: the mask, the softmax.
fn written(
    [q, k, v]: [&Array; 3],
    mask: impl Fn(f64, Option<f64>) -> f64,
    keep: Option<&Array>,
    softmax: impl Fn(&[f64]) -> Vec<f64>,
) -> Array {
    let mut scores = Trace::new();
    Attention::default().forward(q, k, v, &mut scores).unwrap();
    let s = scores.get("s").unwrap();
    let z = match keep {
        Some(keep) => s.zip(keep, |s, keep| mask(s, Some(keep))).unwrap(),
        None => s.map(|s| mask(s, None)),
    };
    let keys = *s.shape().last().unwrap();
    let p: Vec<f64> = z.data().chunks(keys).flat_map(softmax).collect();
    let p = Array::new(s.shape(), p).unwrap();
    let p = p.reshape(&[s.len() / keys / s.shape()[s.rank() - 2], s.shape()[s.rank() - 2], keys]).unwrap();
    let v3 = v.reshape(&[p.shape()[0], keys, v.shape()[v.rank() - 1]]).unwrap();
    let mut shape = q.shape().to_vec();
    *shape.last_mut().unwrap() = v.shape()[v.rank() - 1];
    let y = Array::from_fn(&[p.shape()[0], p.shape()[1], v3.shape()[2]], |at| {
        (0..keys).map(|j| p[[at[0], at[1], j]] * v3[[at[0], j, at[2]]]).sum()
    });
    y.reshape(&shape).unwrap()
}

fn stable(z: &[f64]) -> Vec<f64> {
    let m = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let e: Vec<f64> = z.iter().map(|z| if m == f64::NEG_INFINITY { 0.0 } else { (z - m).exp() }).collect();
    let d: f64 = e.iter().sum();
    e.iter().map(|e| if d == 0.0 { 0.0 } else { e / d }).collect()
}

fn never(s: f64, keep: Option<f64>) -> f64 {
    if keep == Some(0.0) { f64::NEG_INFINITY } else { s }
}

fn right_in_parts(q: &Array, k: &Array, v: &Array, keep: Option<&Array>) -> Array {
    written([q, k, v], never, keep, stable)
}

fn mask_accepted_and_ignored(q: &Array, k: &Array, v: &Array, keep: Option<&Array>) -> Array {
    written([q, k, v], |s, _| s, keep, stable)
}

fn mask_read_as_its_opposite(q: &Array, k: &Array, v: &Array, keep: Option<&Array>) -> Array {
    let mask = |s, keep| if keep == Some(1.0) { f64::NEG_INFINITY } else { s };
    written([q, k, v], mask, keep, stable)
}

fn weights_zeroed_after_the_softmax(q: &Array, k: &Array, v: &Array, keep: Option<&Array>) -> Array {
    // The score that is multiplied by 0 still counts e^0 in the sum.
    written([q, k, v], |s, keep| s * keep.unwrap_or(1.0), keep, stable)
}

fn maximum_not_subtracted(q: &Array, k: &Array, v: &Array, keep: Option<&Array>) -> Array {
    written([q, k, v], never, keep, |z| {
        let e: Vec<f64> = z.iter().map(|z| z.exp()).collect();
        let d: f64 = e.iter().sum();
        e.iter().map(|e| if d == 0.0 { 0.0 } else { e / d }).collect()
    })
}

fn query_without_a_key_not_a_number(q: &Array, k: &Array, v: &Array, keep: Option<&Array>) -> Array {
    written([q, k, v], never, keep, |z| {
        let m = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let e: Vec<f64> = z.iter().map(|z| (z - m).exp()).collect();
        let d: f64 = e.iter().sum();
        e.iter().map(|e| e / d).collect()
    })
}

fn query_without_a_key_attends_to_all(q: &Array, k: &Array, v: &Array, keep: Option<&Array>) -> Array {
    written([q, k, v], |s, keep| if keep == Some(0.0) { -1e9 } else { s }, keep, stable)
}

fn scale_forgotten(q: &Array, k: &Array, v: &Array, keep: Option<&Array>) -> Array {
    let root = (q.shape()[q.rank() - 1] as f64).sqrt();
    written([q, k, v], |s, keep| never(s * root, keep), keep, stable)
}

fn scaled_twice_by_dividing_in_place(q: &Array, k: &Array, v: &Array, keep: Option<&Array>) -> Array {
    // Queries that were divided in place by the caller before are divided again.
    let root = (q.shape()[q.rank() - 1] as f64).sqrt();
    written([q, k, v], |s, keep| never(s / root, keep), keep, stable)
}

#[test]
fn attention_traps() {
    let right: [Attend; 2] = [textbook, right_in_parts];
    assert!(right.into_iter().all(is_attention));
    let wrong: [(&str, Attend); 8] = [
        ("mask accepted and ignored", mask_accepted_and_ignored),
        ("mask read as its opposite", mask_read_as_its_opposite),
        ("weights zeroed after the softmax", weights_zeroed_after_the_softmax),
        ("maximum not subtracted", maximum_not_subtracted),
        ("query without a key is not a number", query_without_a_key_not_a_number),
        ("query without a key attends to all", query_without_a_key_attends_to_all),
        ("scale forgotten", scale_forgotten),
        ("scaled twice by dividing in place", scaled_twice_by_dividing_in_place),
    ];
    for (mistake, attend) in wrong {
        assert!(!is_attention(attend), "{mistake}");
    }
}

/// The note's `scores /= sqrt(d)` writes into what its caller holds: the second call sees other numbers.
#[test]
fn division_in_place_is_seen_by_the_second_call() {
    let calls_agree = |attend: &mut dyn FnMut(&mut Array) -> Array| {
        let mut scores = Array::matrix([[1.0, 3.0]]);
        attend(&mut scores) == attend(&mut scores)
    };
    let right = |scores: &mut Array| scores.map(|s| s / 2.0);
    let in_place = |scores: &mut Array| {
        scores.data_mut().iter_mut().for_each(|s| *s /= 2.0);
        scores.clone()
    };
    assert!(calls_agree(&mut { right }) && !calls_agree(&mut { in_place }));
}

/// Finite differences of everything that queries and keys reach.
fn is_attention_gradient(backward: impl Fn(&AttentionGradients) -> AttentionGradients) -> bool {
    let mut random = MersenneTwister::new(2);
    let [q, k, v, r] = [0; 4].map(|_| random.randn(&[3, 2]));
    let plain = Attention::default();
    let d = backward(&plain.backward(&q, &k, &v, &r, &mut silent()).unwrap());
    let at = |q: &Array, k: &Array, v: &Array| Ok(dot(&plain.forward(q, k, v, &mut silent())?, &r));
    near(&d.query, &finite_differences(&q, |q| at(q, &k, &v)).unwrap(), 1e-7)
        && near(&d.key, &finite_differences(&k, |k| at(&q, k, &v)).unwrap(), 1e-7)
        && near(&d.value, &finite_differences(&v, |v| at(&q, &k, v)).unwrap(), 1e-7)
}

fn gradient_without_the_scale(d: &AttentionGradients) -> AttentionGradients {
    let root = 2f64.sqrt();
    AttentionGradients { query: d.query.map(|d| d * root), key: d.key.map(|d| d * root), ..d.clone() }
}

fn gradient_of_the_keys_forgotten(d: &AttentionGradients) -> AttentionGradients {
    AttentionGradients { key: d.key.map(|_| 0.0), ..d.clone() }
}

#[test]
fn attention_gradient_traps() {
    assert!(is_attention_gradient(Clone::clone));
    assert!(!is_attention_gradient(gradient_without_the_scale));
    assert!(!is_attention_gradient(gradient_of_the_keys_forgotten));
}

/// What rotary embedding is for: attention over tokens that are all moved by one position is the same, and values arrive
/// as they are.
fn is_rotary_attention(attend: impl Fn(&Array, &Array, &Array, usize) -> Array) -> bool {
    let mut random = MersenneTwister::new(8);
    let [q, k, v] = [0; 3].map(|_| random.randn(&[4, 6]));
    let moved = near(&attend(&q, &k, &v, 0), &attend(&q, &k, &v, 5), 1e-12);
    // All values alike: whatever the weights, that is the output.
    let same = Array::from_fn(&[4, 6], |at| at[1] as f64);
    let arrived = near(&attend(&q, &k, &same, 0), &same, 1e-12);
    // The order of the keys matters: without any rotation it would not.
    let turned = Array::from_fn(&[4, 6], |at| k[[3 - at[0], at[1]]]);
    let values = Array::from_fn(&[4, 6], |at| v[[3 - at[0], at[1]]]);
    let ordered = !near(&attend(&q, &k, &v, 0), &attend(&q, &turned, &values, 0), 1e-3);
    moved && arrived && ordered
}

fn rotary(q: &Array, k: &Array, v: &Array, turned: [Option<usize>; 3]) -> Array {
    let turn = |x: &Array, offset: Option<usize>| match offset {
        Some(offset) => Rope { offset, ..Default::default() }.forward(x, &mut silent()).unwrap(),
        None => x.clone(),
    };
    let [q, k, v] = [turn(q, turned[0]), turn(k, turned[1]), turn(v, turned[2])];
    Attention::default().forward(&q, &k, &v, &mut silent()).unwrap()
}

#[test]
fn rope_traps() {
    assert!(is_rotary_attention(|q, k, v, offset| rotary(q, k, v, [Some(offset), Some(offset), None])));
    // Values rotated as well.
    assert!(!is_rotary_attention(|q, k, v, offset| rotary(q, k, v, [Some(offset); 3])));
    // Queries alone.
    assert!(!is_rotary_attention(|q, k, v, offset| rotary(q, k, v, [Some(offset), None, None])));
    // The new tokens' positions begin at 0 beside a cache of keys that has gone on.
    assert!(!is_rotary_attention(|q, k, v, offset| rotary(q, k, v, [Some(0), Some(offset), None])));
    // Nothing at all.
    assert!(!is_rotary_attention(|q, k, v, _| rotary(q, k, v, [None; 3])));
}
