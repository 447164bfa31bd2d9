//! Attention from one packed projection: the same as attention of its parts, forward and backward.

use barehand_kernels::random::RandomState;
use barehand_tensor::{AttentionMask, AttentionOptions, Causal, Result, Tensor};

fn values(shape: &[usize]) -> Tensor<f64> {
    let mut stream = RandomState::new(shape.iter().sum::<usize>() as u32);
    let n = shape.iter().product();
    Tensor::from_vec((0..n).map(|_| 3.0 * stream.random_sample() - 1.5).collect(), shape).unwrap()
}

#[test]
fn packed_attention_is_attention_of_its_parts() {
    for (batch_axis, [first, second], heads, width) in
        [(0, [2, 5], 2, 3), (1, [5, 2], 4, 1), (0, [1, 1], 1, 4), (0, [2, 0], 2, 2), (1, [3, 2], 2, 0)]
    {
        let x = values(&[first, second, 3 * heads * width]);
        let (n, length) = if batch_axis == 0 { (first, second) } else { (second, first) };
        let keep =
            Tensor::from_vec((0..n * length).map(|i| i % 3 != 1).collect(), [n, 1, 1, length]).unwrap();
        let causal = AttentionOptions { causal: Some(Causal::UpperLeft), ..Default::default() };
        let masked = AttentionOptions { mask: Some(AttentionMask::Keep(keep)), ..Default::default() };
        for options in [AttentionOptions::default(), causal, masked] {
            let packed = |x: &Tensor<f64>| x.packed_attention(heads, batch_axis, &options);
            let parts = |x: &Tensor<f64>| {
                let axes = if batch_axis == 0 { [2, 0, 3, 1, 4] } else { [2, 1, 3, 0, 4] };
                let shape = [first, second, 3, heads, width].map(|n| n as isize);
                let x = x.reshape(shape)?.permute(axes)?;
                let y = x.select(0, 0)?.scaled_dot_product_attention(
                    &x.select(0, 1)?,
                    &x.select(0, 2)?,
                    &options,
                )?;
                let y = y.permute(if batch_axis == 0 { [0, 2, 1, 3] } else { [2, 0, 1, 3] })?;
                y.reshape([first, second, heads * width].map(|n| n as isize))
            };
            assert_eq!(packed(&x).unwrap(), parts(&x).unwrap());
            let gradient = |f: &dyn Fn(&Tensor<f64>) -> Result<Tensor<f64>>| {
                let leaf = x.requires_grad();
                // A layer before, and a transposition behind, so that the gradient comes with strides.
                let y = f(&leaf.tanh().unwrap()).unwrap().transpose(0, 1).unwrap();
                let upstream = values(y.shape());
                y.backward_with(&upstream).unwrap().of(&leaf).unwrap().clone()
            };
            assert!(gradient(&packed).max_abs_diff(&gradient(&parts)).unwrap() < 1e-15);
        }
        // A window of something larger.
        let window = x.pad(&[(1, 0), (0, 1), (2, 3)], f64::NAN).unwrap();
        let window = window.narrow(0, 1, first).unwrap().narrow(1, 0, second).unwrap();
        let window = window.narrow(2, 2, 3 * heads * width).unwrap();
        let options = AttentionOptions::default();
        let [a, b] = [&window, &x].map(|x| x.packed_attention(heads, batch_axis, &options).unwrap());
        assert_eq!(a, b);
    }
    let x = values(&[2, 3, 8]);
    assert!(
        x.packed_attention(2, 0, &AttentionOptions::default()).unwrap_err().to_string().contains("[2, 3, 8]")
    );
    assert!(x.packed_attention(0, 0, &AttentionOptions::default()).is_err());
    let added =
        AttentionOptions { mask: Some(AttentionMask::Additive(values(&[3, 3]))), ..Default::default() };
    assert!(values(&[2, 3, 6]).packed_attention(2, 0, &added).is_err());
}
