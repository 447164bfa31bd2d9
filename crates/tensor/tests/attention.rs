//! Attention and rotary embedding: gradients against finite differences, with an operation before them, over masks,
//! shapes, strides and empty axes; and what is not fitting is refused by name.

use barehand_kernels::random::RandomState;
use barehand_tensor::{
    AttentionDropout, AttentionMask, AttentionOptions, Causal, Generator, Result, RopeLayout, RopeOptions,
    Tensor, check_gradients, no_grad,
};

fn values(seed: u32, shape: &[usize]) -> Tensor<f64> {
    let mut stream = RandomState::new(seed);
    let n = shape.iter().product();
    Tensor::from_vec((0..n).map(|_| 3.0 * stream.random_sample() - 1.5).collect(), shape).unwrap()
}

/// True with chance 2/3.
fn coins(seed: u32, shape: &[usize]) -> Tensor<bool> {
    let x = values(seed, shape);
    x.lt_scalar(0.5).unwrap()
}

/// A smooth layer, so that input gradients are seen.
fn before(x: &Tensor<f64>) -> Result<Tensor<f64>> {
    x.mul_scalar(1.25)?.add(&x.square()?.mul(x)?.mul_scalar(0.05)?)
}

fn check(inputs: &[Tensor<f64>], f: impl Fn(&[Tensor<f64>]) -> Result<Tensor<f64>>) {
    let report = check_gradients(f, inputs, 2e-6).unwrap();
    assert!(report.compared > 0 || inputs.iter().all(Tensor::is_empty));
}

fn attend(x: &[Tensor<f64>], options: &AttentionOptions<f64>) -> Result<Tensor<f64>> {
    before(&x[0])?.scaled_dot_product_attention(&before(&x[1])?, &before(&x[2])?, options)
}

fn masked(mask: AttentionMask<f64>) -> AttentionOptions<f64> {
    AttentionOptions { mask: Some(mask), ..Default::default() }
}

#[test]
fn gradients_of_attention_over_shapes() {
    let shapes: &[[&[usize]; 3]] = &[
        [&[3, 4], &[5, 4], &[5, 4]],
        [&[2, 3, 4], &[2, 5, 4], &[2, 5, 3]],
        [&[2, 2, 3, 4], &[2, 2, 3, 4], &[2, 2, 3, 4]],
        [&[1, 2, 3, 2], &[2, 1, 4, 2], &[4, 1]],
        [&[1, 1, 1], &[1, 1, 1], &[1, 1, 1]],
        [&[2, 70, 2], &[2, 66, 2], &[2, 66, 2]],
        [&[2, 0, 3], &[2, 4, 3], &[2, 4, 3]],
        [&[2, 4, 3], &[2, 0, 3], &[2, 0, 3]],
        [&[2, 4, 0], &[2, 3, 0], &[2, 3, 2]],
        [&[2, 4, 2], &[2, 3, 2], &[2, 3, 0]],
        [&[0, 4, 2], &[0, 3, 2], &[0, 3, 2]],
    ];
    for [q, k, v] in shapes {
        let inputs = [values(1, q), values(2, k), values(3, v)];
        for causal in [None, Some(Causal::UpperLeft), Some(Causal::LowerRight)] {
            let options = AttentionOptions { causal, ..Default::default() };
            check(&inputs, |x| attend(x, &options));
        }
    }
}

#[test]
fn gradients_of_attention_under_masks() {
    let inputs = [values(1, &[2, 2, 4, 3]), values(2, &[2, 2, 5, 3]), values(3, &[2, 2, 5, 3])];
    for shape in [&[2, 2, 4, 5][..], &[4, 5], &[5], &[2, 1, 1, 5], &[4, 1], &[1, 2, 4, 5], &[]] {
        let keep = masked(AttentionMask::Keep(coins(5, shape)));
        check(&inputs, |x| attend(x, &keep));
        let both = AttentionOptions { causal: Some(Causal::LowerRight), ..keep };
        check(&inputs, |x| attend(x, &both));
        let [q, k, v] = inputs.clone();
        check(&[q, k, v, values(6, shape)], |x| attend(x, &masked(AttentionMask::Additive(before(&x[3])?))));
    }
    for shape in [&[2, 5][..], &[5]] {
        let padding = masked(AttentionMask::KeyPadding(coins(7, shape)));
        check(&inputs, |x| attend(x, &padding));
    }
}

#[test]
fn gradients_of_grouped_scaled_and_strided_attention() {
    for (heads, shared) in [(4, 2), (6, 2), (3, 1), (2, 2)] {
        let inputs =
            [values(1, &[2, heads, 3, 4]), values(2, &[2, shared, 5, 4]), values(3, &[2, shared, 5, 2])];
        for mask in [None, Some(AttentionMask::Keep(coins(4, &[2, heads, 3, 5])))] {
            let options =
                AttentionOptions { enable_gqa: true, scale: Some(-0.7), mask, ..Default::default() };
            check(&inputs, |x| attend(x, &options));
        }
    }
    // Projections (B, T, H, D) seen as (B, H, T, D), and rows that are not contiguous.
    let inputs = [values(1, &[2, 3, 2, 4]), values(2, &[2, 5, 2, 4]), values(3, &[2, 5, 2, 4])];
    check(&inputs, |x| {
        let [q, k, v] = [0, 1, 2].map(|i| before(&x[i]).and_then(|x| x.transpose(1, 2)));
        q?.scaled_dot_product_attention(&k?, &v?, &AttentionOptions::default())
    });
    let inputs = [values(1, &[2, 4, 3]), values(2, &[2, 4, 5]), values(3, &[2, 4, 5])];
    check(&inputs, |x| {
        let [q, k, v] = [0, 1, 2].map(|i| before(&x[i]).and_then(|x| x.t()));
        q?.scaled_dot_product_attention(&k?, &v?, &AttentionOptions::default())
    });
}

#[test]
fn gradients_of_attention_with_dropout() {
    let dropout = Some(AttentionDropout { p: 0.4, generator: Generator::new(3) });
    for (heads, queries) in [(1, 4), (3, 1), (2, 66)] {
        let inputs = [values(1, &[heads, queries, 3]), values(2, &[1, 5, 3]), values(3, &[1, 5, 3])];
        let options = AttentionOptions { dropout, enable_gqa: true, ..Default::default() };
        check(&inputs, |x| attend(x, &options));
    }
}

#[test]
fn dropout_keeps_means_and_repeats_itself() {
    let (q, ones) = (Tensor::<f64>::zeros([2, 300, 4]), Tensor::<f64>::ones([2, 200, 1]));
    let at = |p: f64, seed: u64| {
        let generator = Generator::new(seed);
        let options =
            AttentionOptions { dropout: Some(AttentionDropout { p, generator }), ..Default::default() };
        q.scaled_dot_product_attention(&Tensor::zeros([2, 200, 4]), &ones, &options).unwrap()
    };
    // Each output is the mean of 200 weights of variance p / (1 - p); 600 outputs: a standard error of 0.0024.
    let y = at(0.3, 1);
    assert!((y.mean().unwrap().item().unwrap() - 1.0).abs() < 0.01);
    let spread = y.std(1.0).unwrap().item().unwrap() * (200.0 * 0.7 / 0.3_f64).sqrt();
    assert!((spread - 1.0).abs() < 0.12, "{spread}");
    assert_eq!(y.to_vec(), at(0.3, 1).to_vec());
    assert_ne!(y.to_vec(), at(0.3, 2).to_vec());
    assert!(at(0.0, 1).max_abs_diff(&Tensor::ones([2, 300, 1])).unwrap() < 1e-14);
    assert_eq!(at(1.0, 1).to_vec(), vec![0.0; 600]);
}

#[test]
fn a_query_that_may_attend_to_nothing_gets_zeros_and_no_gradient() {
    let [q, k, v] = [1, 2, 3].map(|seed| values(seed, &[3, 4]).requires_grad());
    let keep = Tensor::from([[true, true, false], [false, false, false], [true, false, true]]);
    let never =
        Tensor::from([[0.0, 0.0, -1.0], [-1.0, -1.0, -1.0], [0.0, -1.0, 0.0]]).mul_scalar(f64::INFINITY);
    let additive = never.unwrap().masked_fill(&keep, 0.0).unwrap();
    for mask in [AttentionMask::Keep(keep), AttentionMask::Additive(additive)] {
        let y = q.scaled_dot_product_attention(&k, &v, &masked(mask)).unwrap();
        assert_eq!(y.select(0, 1).unwrap().to_vec(), [0.0; 4]);
        let gradients = y.square().unwrap().sum().unwrap().backward().unwrap();
        assert_eq!(gradients.of(&q).unwrap().select(0, 1).unwrap().to_vec(), [0.0; 4]);
        for x in [&q, &k, &v] {
            assert!(gradients.of(x).unwrap().isfinite().all());
        }
    }
    // The triangle from the last query leaves the first ones nothing.
    let options = AttentionOptions { causal: Some(Causal::LowerRight), ..Default::default() };
    let y = values(4, &[5, 4]).scaled_dot_product_attention(&k, &v, &options).unwrap();
    assert_eq!(y.narrow(0, 0, 2).unwrap().to_vec(), [0.0; 8]);
}

#[test]
fn misfits_are_refused_by_name() {
    let x = |shape: &[usize]| Tensor::<f32>::zeros(shape);
    let plain = AttentionOptions::default();
    let error = |q: &[usize], k: &[usize], v: &[usize], options: &AttentionOptions| {
        x(q).scaled_dot_product_attention(&x(k), &x(v), options).unwrap_err().to_string()
    };
    let cases = [
        (error(&[4], &[5, 4], &[5, 4], &plain), "each needs at least"),
        (error(&[3, 4], &[5, 3], &[5, 4], &plain), "widths of query (4) and key (3)"),
        (error(&[3, 4], &[5, 4], &[6, 4], &plain), "as many values (6) as keys (5)"),
        (error(&[6, 3, 4], &[2, 5, 4], &[2, 5, 4], &plain), "lengths 6 and 2 differ"),
        (
            error(
                &[5, 3, 4],
                &[2, 5, 4],
                &[2, 5, 4],
                &AttentionOptions { enable_gqa: true, ..Default::default() },
            ),
            "5 query heads must be a multiple",
        ),
        (
            error(
                &[3, 4],
                &[5, 4],
                &[5, 4],
                &AttentionOptions {
                    mask: Some(AttentionMask::Keep(Tensor::ones([4, 5]))),
                    ..Default::default()
                },
            ),
            "does not broadcast to [3, 5]",
        ),
        (
            error(
                &[2, 3, 4],
                &[2, 5, 4],
                &[2, 5, 4],
                &AttentionOptions {
                    mask: Some(AttentionMask::KeyPadding(Tensor::ones([3, 5]))),
                    ..Default::default()
                },
            ),
            "key-padding mask of shape [3, 5]",
        ),
        (
            error(
                &[3, 4],
                &[5, 4],
                &[5, 4],
                &AttentionOptions {
                    dropout: Some(AttentionDropout { p: 1.5, generator: Generator::new(0) }),
                    ..Default::default()
                },
            ),
            "p = 1.5 is not a probability",
        ),
    ];
    for (error, part) in cases {
        assert!(error.starts_with("scaled_dot_product_attention: ") && error.contains(part), "{error}");
    }
}

#[test]
fn gradients_of_rotary_embedding() {
    for layout in [RopeLayout::Interleaved, RopeLayout::HalfSplit] {
        for (shape, width, offset) in [
            (&[3, 4][..], None, 0),
            (&[2, 3, 5, 6], Some(4), 7),
            (&[1, 2], None, 0),
            (&[2, 0, 4], None, 1),
            (&[2, 3, 3], Some(0), 1),
        ] {
            let options = RopeOptions { layout, width, offset, ..Default::default() };
            check(&[values(1, shape)], |x| before(&x[0])?.rope(&options));
        }
        let options = RopeOptions { layout, base: 100.0, ..Default::default() };
        check(&[values(2, &[2, 3, 2, 4])], |x| before(&x[0])?.transpose(1, 2)?.rope(&options));
        check(&[values(2, &[4, 3])], |x| before(&x[0])?.t()?.rope(&options));
    }
}

#[test]
fn rotated_products_depend_on_distance_alone() {
    let (q, k) = (values(1, &[1, 8]), values(2, &[1, 8]));
    for layout in [RopeLayout::Interleaved, RopeLayout::HalfSplit] {
        let at = |x: &Tensor<f64>, offset: usize| {
            x.rope(&RopeOptions { layout, offset, ..Default::default() }).unwrap()
        };
        let product = |i, j| at(&q, i).mul(&at(&k, j)).unwrap().sum().unwrap().item().unwrap();
        assert!((product(3, 1) - product(1003, 1001)).abs() < 1e-12);
        assert!((product(3, 1) - product(4, 1)).abs() > 1e-3);
        // A row of a long rotation is a short one at its offset.
        let long = values(3, &[6, 8]);
        let whole = at(&long, 2);
        assert_eq!(whole.narrow(0, 4, 2).unwrap().to_vec(), at(&long.narrow(0, 4, 2).unwrap(), 6).to_vec());
    }
}

#[test]
fn rotary_embedding_refuses_what_has_no_pairs() {
    let x = Tensor::<f32>::zeros([2, 3]);
    let error = |x: &Tensor<f32>, options: RopeOptions| x.rope(&options).unwrap_err().to_string();
    assert!(error(&x, RopeOptions::default()).contains("width 3 must be an even number"));
    assert!(error(&x, RopeOptions { width: Some(4), ..Default::default() }).contains("width 4"));
    assert!(error(&x, RopeOptions { width: Some(2), base: 0.0, ..Default::default() }).contains("base"));
    assert!(error(&Tensor::zeros([4]), RopeOptions::default()).contains("[4]"));
}

/// The output lies as the query does, so that heads are merged without copying.
#[test]
fn heads_are_merged_without_copying() {
    let x = values(1, &[2, 5, 3, 4]).transpose(1, 2).unwrap();
    let y = no_grad(|| x.rope(&RopeOptions::default())).unwrap().transpose(1, 2).unwrap();
    assert!(y.is_contiguous());
}
