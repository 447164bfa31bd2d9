//! Initial values: their distributions and bounds, orthogonality, and what PyTorch gives where nothing is drawn.

use barehand_nn::init::{self, Fan, Nonlinearity};
use barehand_nn::{Generator, Tensor};

fn generator() -> Generator {
    Generator::new(7)
}

/// Mean and standard deviation.
fn moments(x: &Tensor<f64>) -> (f64, f64) {
    let values = x.to_vec();
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    (mean, (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt())
}

#[test]
fn kaiming_and_xavier_have_their_deviations_and_bounds() {
    // (out, in, kernel): fans of 60 * 9 in and 80 * 9 out.
    let shape = [80, 60, 3, 3];
    let g = &mut generator();
    for (fan, count) in [(Fan::In, 540.0_f64), (Fan::Out, 720.0)] {
        for nonlinearity in
            [Nonlinearity::ReLU, Nonlinearity::LeakyReLU(0.2), Nonlinearity::Tanh, Nonlinearity::Linear]
        {
            let std = nonlinearity.gain() / count.sqrt();
            let x = init::kaiming_uniform::<f64>(&shape, fan, nonlinearity, g).unwrap();
            let bound = 3f64.sqrt() * std;
            assert!(x.to_vec().iter().all(|v| v.abs() <= bound));
            assert!((moments(&x).1 / std - 1.0).abs() < 0.02, "{nonlinearity:?}");
            let x = init::kaiming_normal::<f64>(&shape, fan, nonlinearity, g).unwrap();
            assert!((moments(&x).1 / std - 1.0).abs() < 0.02, "{nonlinearity:?}");
        }
    }
    let std = 1.5 * (2.0 / (540.0 + 720.0_f64)).sqrt();
    let x = init::xavier_uniform::<f64>(&shape, 1.5, g).unwrap();
    assert!(x.to_vec().iter().all(|v| v.abs() <= 3f64.sqrt() * std));
    assert!((moments(&x).1 / std - 1.0).abs() < 0.02);
    assert!((moments(&init::xavier_normal::<f64>(&shape, 1.5, g).unwrap()).1 / std - 1.0).abs() < 0.02);
    assert!(init::kaiming_uniform::<f64>(&[5], Fan::In, Nonlinearity::ReLU, g).is_err());
}

#[test]
fn truncated_normals_stay_within_and_have_the_right_moments() {
    let g = &mut generator();
    let x = init::trunc_normal::<f64>(&[200, 300], 0.0, 1.0, -2.0, 2.0, g).unwrap();
    assert!(x.to_vec().iter().all(|v| v.abs() <= 2.0));
    // Of the standard normal between -2 and 2: sqrt(1 - 4 phi(2) / (2 Phi(2) - 1)).
    let (mean, std) = moments(&x);
    assert!(mean.abs() < 0.01 && (std - 0.879_625_6).abs() < 0.01, "{mean} {std}");
    // Far out in one tail, and in the other: the mean of what lies beyond 4 is 4.2256 deviations out.
    for side in [1.0, -1.0] {
        let (low, high) = if side > 0.0 { (9.0, 1e9) } else { (-1e9, -7.0) };
        let x = init::trunc_normal::<f64>(&[100, 100], 1.0, 2.0, low, high, g).unwrap();
        assert!(x.to_vec().iter().all(|v| (low..=high).contains(v)));
        let (mean, _) = moments(&x);
        assert!((mean - (1.0 + side * 2.0 * 4.2256)).abs() < 0.02, "{mean}");
    }
    // Quarters of the draw in quarters of the distribution.
    let x = init::trunc_normal::<f64>(&[100, 400], 0.0, 1.0, -9.0, 9.0, g).unwrap();
    for quantile in [-0.674_489_75, 0.0, 0.674_489_75] {
        let below = x.to_vec().iter().filter(|v| **v < quantile).count() as f64 / 40_000.0;
        let want = [0.25, 0.5, 0.75][usize::from(quantile >= 0.0) + usize::from(quantile > 0.0)];
        assert!((below - want).abs() < 0.01, "{below} for {want}");
    }
    assert!(init::trunc_normal::<f64>(&[3], 0.0, 1.0, 2.0, 1.0, g).is_err());
    assert!(init::trunc_normal::<f64>(&[3], 0.0, 0.0, -1.0, 1.0, g).is_err());
}

#[test]
fn orthogonal_matrices_are_and_every_direction_is_as_likely() {
    let g = &mut generator();
    for shape in [&[5, 5][..], &[3, 8], &[8, 3], &[4, 2, 3], &[1, 4], &[0, 3], &[40, 40]] {
        let x = init::orthogonal::<f64>(shape, 1.5, g).unwrap();
        let rows = shape[0];
        let columns: usize = shape[1..].iter().product();
        let x = x.reshape([rows as isize, columns as isize]).unwrap();
        let gram =
            if rows <= columns { x.matmul(&x.t().unwrap()) } else { x.t().unwrap().matmul(&x) }.unwrap();
        let want = Tensor::<f64>::eye(rows.min(columns)).mul_scalar(2.25).unwrap();
        assert!(gram.is_empty() || gram.max_abs_diff(&want).unwrap() < 1e-13, "{shape:?}");
    }
    // The first entry of a uniform direction in three dimensions is uniform on [-1, 1].
    let first: Vec<f64> =
        (0..2000).map(|_| init::orthogonal::<f64>(&[3, 3], 1.0, g).unwrap().at([0, 0]).unwrap()).collect();
    let positive = first.iter().filter(|v| **v > 0.0).count();
    let inner = first.iter().filter(|v| v.abs() < 0.5).count();
    assert!((900..1100).contains(&positive) && (900..1100).contains(&inner), "{positive} {inner}");
    assert!(init::orthogonal::<f64>(&[3], 1.0, g).is_err());
}

#[test]
fn sparse_columns_have_their_zeros() {
    let x = init::sparse::<f64>(&[10, 400], 0.25, 0.5, &mut generator()).unwrap();
    let columns = x.t().unwrap().contiguous().to_vec();
    let mut counts = [0; 10];
    for column in columns.chunks(10) {
        // A quarter of ten, rounded up.
        assert_eq!(column.iter().filter(|v| **v == 0.0).count(), 3);
        column.iter().zip(&mut counts).for_each(|(v, count)| *count += usize::from(*v == 0.0));
    }
    assert!(counts.iter().all(|count| (80..160).contains(count)), "{counts:?}");
    let kept: Vec<f64> = columns.into_iter().filter(|v| *v != 0.0).collect();
    let n = kept.len();
    assert!((moments(&Tensor::from_vec(kept, [n]).unwrap()).1 - 0.5).abs() < 0.03);
    assert!(init::sparse::<f64>(&[10], 0.1, 1.0, &mut generator()).is_err());
    assert!(init::sparse::<f64>(&[10, 2], 1.1, 1.0, &mut generator()).is_err());
}

#[test]
fn nothing_is_drawn_for_eye_and_dirac() {
    assert_eq!(init::eye::<f32>(&[2, 3]).unwrap(), Tensor::from([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]));
    assert!(init::eye::<f32>(&[2]).is_err());
    // As torch.nn.init.dirac_ of (4, 2, 3) with two groups.
    let x = init::dirac::<f64>(&[4, 2, 3], 2).unwrap();
    let places: Vec<usize> = (0..24).filter(|&i| x.to_vec()[i] == 1.0).collect();
    assert_eq!(places, [1, 10, 13, 22]);
    let x = init::dirac::<f64>(&[2, 3, 3, 4], 1).unwrap();
    assert_eq!((x.at([0, 0, 1, 2]).unwrap(), x.at([1, 1, 1, 2]).unwrap()), (1.0, 1.0));
    assert_eq!(x.to_vec().iter().sum::<f64>(), 2.0);
    assert!(init::dirac::<f64>(&[4, 2], 1).is_err());
    assert!(init::dirac::<f64>(&[4, 2, 3], 3).is_err());
}
