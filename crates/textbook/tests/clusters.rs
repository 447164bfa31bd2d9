//! Clusters, mixtures and components: known answers, and what goes wrong, each mistake written down and refused by the
//! block's ordinary checks.

use barehand_textbook::{
    Array, Clusters, Covariance, GaussianMixture, KMeans, Trace, dbscan, jacobi_eigenvalues, pca,
};

fn silent() -> Trace {
    Trace::silent()
}

fn near(a: &[f64], b: &[f64], tolerance: f64) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() <= tolerance)
}

fn column(values: &[f64]) -> Array {
    Array::new(&[values.len(), 1], values.to_vec()).unwrap()
}

type Fit<'a> = &'a dyn Fn(&Array, &[f64], &Array, f64) -> Clusters;

fn textbook(x: &Array, weights: &[f64], centers: &Array, tolerance: f64) -> Clusters {
    KMeans { max_iter: 100, tolerance }.fit(x, weights, centers, &mut silent()).unwrap()
}

/// What a k-means must get right, computed by hand.
fn is_k_means(fit: Fit) -> bool {
    let ones = [1.0; 4];
    // scikit-learn's own example: weights 3, 1, 1, 3.
    let square = Array::matrix([[0.0, 0.0], [0.5, 0.0], [0.5, 1.0], [1.0, 1.0]]);
    let found = fit(&square, &[3.0, 1.0, 1.0, 3.0], &Array::matrix([[0.0, 0.0], [1.0, 1.0]]), 0.0);
    let weighted = near(found.centers.data(), &[0.125, 0.0, 0.875, 1.0], 1e-12)
        && found.labels == [0, 0, 1, 1]
        && near(&[found.inertia], &[0.375], 1e-12)
        && found.n_iter == 2;
    // One center far from the only cluster there is: every label is 0 at once, and the center has still to move.
    let found = fit(&column(&[1.0, 2.0, 3.0, 6.0]), &ones, &column(&[100.0]), 0.0);
    let one = near(found.centers.data(), &[3.0], 1e-12) && near(&[found.inertia], &[14.0], 1e-12);
    // Nothing is near the second center: it takes the farthest sample.
    let found = fit(&square, &ones, &Array::matrix([[0.5, 0.5], [3.0, 3.0]]), 0.0);
    let mut centers = found.centers.data().to_vec();
    if centers[1] > centers[3] {
        centers.rotate_left(2);
    }
    let empty = near(&centers, &[0.25, 0.0, 0.75, 1.0], 1e-12) && near(&[found.inertia], &[0.25], 1e-12);
    // Whole numbers, whose mean is none.
    let found = fit(&column(&[0.0, 1.0, 10.0, 13.0]), &ones, &column(&[0.0, 13.0]), 0.0);
    let whole = near(found.centers.data(), &[0.5, 11.5], 1e-12);
    // A tolerance that the first movement, of 0.5^2 + 0.5^2, is within.
    let start = column(&[1.0, 10.5]);
    let found = fit(&column(&[0.0, 1.0, 10.0, 12.0]), &ones, &start, 1.0);
    let tolerance = found.n_iter == 1;
    weighted && one && empty && whole && tolerance
}

/// The textbook's algorithm with the mistakes in it that others make.
#[derive(Clone, Copy, Default)]
struct Mistakes {
    ignores_tolerance: bool,
    labels_begin_at_zero: bool,
    divides_by_nothing: bool,
    truncates: bool,
    ignores_weights: bool,
}

fn with_mistakes(
    mistakes: Mistakes,
    x: &Array,
    weights: &[f64],
    centers: &Array,
    tolerance: f64,
) -> Clusters {
    let (n, d, k) = (x.shape()[0], x.shape()[1], centers.shape()[0]);
    let distance = |centers: &Array, i: usize, j: usize| -> f64 {
        (0..d).map(|t| (x[[i, t]] - centers[[j, t]]).powi(2)).sum()
    };
    let nearest = |centers: &Array, i: usize| {
        (1..k).fold(0, |best, j| if distance(centers, i, j) < distance(centers, i, best) { j } else { best })
    };
    let mut centers = centers.clone();
    let mut labels = if mistakes.labels_begin_at_zero { vec![0; n] } else { vec![usize::MAX; n] };
    let mut n_iter = 0;
    loop {
        n_iter += 1;
        let next: Vec<usize> = (0..n).map(|i| nearest(&centers, i)).collect();
        let settled = next == labels;
        labels = next;
        if settled && mistakes.labels_begin_at_zero {
            break;
        }
        let mut sums = Array::zeros(&[k, d]);
        let mut totals = vec![0.0; k];
        for (i, &j) in labels.iter().enumerate() {
            let weight = if mistakes.ignores_weights { 1.0 } else { weights[i] };
            totals[j] += weight;
            for t in 0..d {
                sums[[j, t]] += weight * x[[i, t]];
            }
        }
        if !mistakes.divides_by_nothing
            && let Some(empty) = totals.iter().position(|&total| total == 0.0)
        {
            let far = |&a: &usize, &b: &usize| {
                distance(&centers, a, labels[a]).total_cmp(&distance(&centers, b, labels[b]))
            };
            let i = (0..n).max_by(far).unwrap();
            for t in 0..d {
                sums[[labels[i], t]] -= x[[i, t]];
                sums[[empty, t]] = x[[i, t]];
            }
            totals[labels[i]] -= 1.0;
            totals[empty] = 1.0;
        }
        let moved = Array::from_fn(&[k, d], |p| {
            let mean = sums[[p[0], p[1]]] / totals[p[0]];
            if mistakes.truncates { mean.trunc() } else { mean }
        });
        let shift: f64 = moved.data().iter().zip(centers.data()).map(|(a, b)| (a - b).powi(2)).sum();
        centers = moved;
        if settled || (!mistakes.ignores_tolerance && shift <= tolerance) || n_iter == 100 {
            break;
        }
    }
    let labels: Vec<usize> = (0..n).map(|i| nearest(&centers, i)).collect();
    let inertia = labels.iter().enumerate().map(|(i, &j)| weights[i] * distance(&centers, i, j)).sum();
    Clusters { centers, labels, inertia, n_iter }
}

#[test]
fn k_means_traps() {
    assert!(is_k_means(&textbook));
    let none = Mistakes::default();
    let refused = |mistakes: Mistakes| !is_k_means(&move |x, w, c, t| with_mistakes(mistakes, x, w, c, t));
    assert!(!refused(none), "without a mistake it is k-means");
    let tolerance_accepted_and_ignored = Mistakes { ignores_tolerance: true, ..none };
    assert!(refused(tolerance_accepted_and_ignored));
    let first_assignment_of_zeros_has_converged = Mistakes { labels_begin_at_zero: true, ..none };
    assert!(refused(first_assignment_of_zeros_has_converged));
    let nan_for_an_empty_cluster = Mistakes { divides_by_nothing: true, ..none };
    assert!(refused(nan_for_an_empty_cluster));
    let integers_truncate_the_centers = Mistakes { truncates: true, ..none };
    assert!(refused(integers_truncate_the_centers));
    let weights_ignored = Mistakes { ignores_weights: true, ..none };
    assert!(refused(weights_ignored));
}

#[test]
fn more_clusters_than_different_samples() {
    let x = column(&[1.0, 1.0, 2.0]);
    let found = textbook(&x, &[1.0; 3], &column(&[1.0, 1.0, 2.0]), 0.0);
    assert_eq!(found.labels, [0, 0, 1 + 1]);
    assert_eq!(found.inertia, 0.0);
    assert!(found.centers.data().iter().all(|c| c.is_finite()));
}

#[test]
fn dbscan_traps() {
    // 1 and 2 are exactly eps apart; 3.5 is near one core sample only; 9 is alone.
    let x = column(&[0.0, 1.0, 2.0, 3.5, 9.0]);
    let ones = [1.0; 5];
    let fit =
        |x: &Array, weights: &[f64], eps: f64, min: f64| dbscan(x, weights, eps, min, &mut silent()).unwrap();
    assert_eq!(fit(&x, &ones, 1.0, 3.0), [0, 0, 0, -1, -1]);
    assert_eq!(fit(&x, &ones, 1.5, 3.0), [0, 0, 0, 0, -1]);
    let strictly_less_than_eps = fit(&x, &ones, 1.0 - 1e-12, 3.0);
    assert_ne!(strictly_less_than_eps, [0, 0, 0, -1, -1]);
    let not_its_own_neighbour = fit(&x, &ones, 1.0, 4.0);
    assert_ne!(not_its_own_neighbour, [0, 0, 0, -1, -1]);
    // A sample of weight 5 is a cluster by itself; a negative one keeps its neighbours from being core samples.
    assert_eq!(fit(&x, &[1.0, 1.0, 1.0, 1.0, 5.0], 1.0, 3.0)[4], 1);
    assert_eq!(fit(&x, &[1.0, 1.0, -1.0, 1.0, 1.0], 1.0, 3.0), [-1; 5]);
    // Two clusters reach the sample in the middle, which is no core: the first one has it.
    let bridge = column(&[0.0, 0.5, 1.0, 2.0, 3.0, 3.5, 4.0]);
    assert_eq!(fit(&bridge, &[1.0; 7], 1.0, 4.0), [0, 0, 0, 0, 1, 1, 1]);
}

#[test]
fn pca_traps() {
    // Squares of 8 along (3, 4) / 5 and of 2 along (4, -3) / 5, by construction.
    let x = Array::matrix([[1.2, 1.6], [-1.2, -1.6], [0.8, -0.6], [-0.8, 0.6], [0.0, 0.0]]);
    let found = pca(&x, &mut silent()).unwrap();
    let variance = [8.0 / 4.0, 2.0 / 4.0];
    assert!(near(found.explained_variance.data(), &variance, 1e-14));
    assert!(near(found.explained_variance_ratio.data(), &[0.8, 0.2], 1e-14));
    assert!(near(found.singular_values.data(), &[8f64.sqrt(), 2f64.sqrt()], 1e-14));
    // The largest element of each direction is positive.
    assert!(near(found.components.data(), &[0.6, 0.8, 0.8, -0.6], 1e-14));
    let divided_by_n = [8.0 / 5.0, 2.0 / 5.0];
    assert!(!near(found.explained_variance.data(), &divided_by_n, 1e-14));
    let singular_values_over_n_minus_1 = [8f64.sqrt() / 4.0, 2f64.sqrt() / 4.0];
    assert!(!near(found.explained_variance.data(), &singular_values_over_n_minus_1, 1e-14));
    let moved = x.map(|x| x + 100.0);
    let again = pca(&moved, &mut silent()).unwrap();
    assert!(near(again.explained_variance.data(), &variance, 1e-11));
    let not_centered = moved.data().iter().map(|x| x * x).sum::<f64>() / 4.0;
    assert!(not_centered > 1e4 * variance[0]);
    let z = found.transform(&x, 2, true);
    let ones: Vec<f64> = (0..2).map(|j| (0..5).map(|i| z[[i, j]].powi(2)).sum::<f64>() / 4.0).collect();
    assert!(near(&ones, &[1.0, 1.0], 1e-14));
}

#[test]
fn jacobi_finds_what_a_matrix_was_made_of() {
    let a = Array::matrix([[2.0, 1.0, 0.0], [1.0, 2.0, 1.0], [0.0, 1.0, 2.0]]);
    let (values, vectors) = jacobi_eigenvalues(&a);
    assert!(near(&values, &[2.0 + 2f64.sqrt(), 2.0, 2.0 - 2f64.sqrt()], 1e-14));
    for j in 0..3 {
        for i in 0..3 {
            let product: f64 = (0..3).map(|t| a[[i, t]] * vectors[[t, j]]).sum();
            assert!((product - values[j] * vectors[[i, j]]).abs() < 1e-14);
        }
    }
}

#[test]
fn gaussian_mixture_by_hand() {
    // Two components, each of two samples that are its own.
    let x = column(&[0.0, 2.0, 10.0, 14.0]);
    let r = Array::matrix([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]);
    let of = |covariance| GaussianMixture::of(&x, &r, covariance, 0.0, &mut silent()).unwrap();
    let found = of(Covariance::Full);
    assert!(near(found.weights.data(), &[0.5, 0.5], 1e-15) && near(found.means.data(), &[1.0, 12.0], 1e-15));
    assert!(near(found.covariances.data(), &[1.0, 4.0], 1e-15));
    assert!(near(of(Covariance::Tied).covariances.data(), &[2.5, 2.5], 1e-15));
    // ln (0.5 N(0 | 1, 1)) = ln 0.5 - ln(2 pi) / 2 - 1 / 2
    let (_, density) = found.responsibilities(&column(&[0.0]), &mut silent()).unwrap();
    let alone = 0.5f64.ln() - (2.0 * std::f64::consts::PI).ln() / 2.0 - 0.5;
    assert!((density[0] - alone).abs() < 1e-7);
    // Far from everything the densities are 0 in the computer, and their logarithms are not.
    let far = column(&[1e4]);
    let (r, density) = found.responsibilities(&far, &mut silent()).unwrap();
    assert!(density[0].is_finite() && near(r.data(), &[0.0, 1.0], 1e-15));
    let densities_added_before_the_logarithm: f64 = [(1.0, 1.0), (12.0, 4.0)]
        .iter()
        .map(|&(m, c): &(f64, f64)| (-(1e4 - m).powi(2) / (2.0 * c)).exp())
        .sum();
    assert_eq!(densities_added_before_the_logarithm.ln(), f64::NEG_INFINITY);
    let square = Array::matrix([[0.0, 0.0], [2.0, 2.0], [4.0, 4.0]]);
    let one = Array::matrix([[1.0], [1.0], [1.0]]);
    let of = |covariance| GaussianMixture::of(&square, &one, covariance, 0.5, &mut silent()).unwrap();
    let (variance, between) = (8.0 / 3.0, 8.0 / 3.0);
    assert!(near(
        of(Covariance::Full).covariances.data(),
        &[variance + 0.5, between, between, variance + 0.5],
        1e-14
    ));
    assert!(near(
        of(Covariance::Diag).covariances.data(),
        &[variance + 0.5, 0.0, 0.0, variance + 0.5],
        1e-14
    ));
    assert!(
        GaussianMixture { covariance: Covariance::Full, ..of(Covariance::Full) }
            .step(&square, &mut silent())
            .is_ok()
    );
}

#[test]
fn em_never_lowers_the_bound() {
    let x = Array::matrix([[0.0, 0.1], [0.3, -0.2], [2.0, 2.1], [2.2, 1.8], [0.9, 1.2], [4.0, 0.0]]);
    for covariance in [Covariance::Full, Covariance::Tied, Covariance::Diag, Covariance::Spherical] {
        let r = Array::from_fn(&[6, 2], |p| if p[0] % 2 == p[1] { 0.7 } else { 0.3 });
        let mut mixture = GaussianMixture::of(&x, &r, covariance, 1e-6, &mut silent()).unwrap();
        let mut before = f64::NEG_INFINITY;
        for _ in 0..20 {
            let bound = mixture.step(&x, &mut silent()).unwrap();
            assert!(bound >= before - 1e-5, "{covariance:?}: {bound} after {before}");
            before = bound;
        }
    }
}
