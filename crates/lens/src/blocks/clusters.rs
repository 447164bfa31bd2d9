//! Clusters, mixtures and components.

use barehand_textbook::{Array, Covariance, GaussianMixture, KMeans, dbscan, pca};

use crate::block::{Block, Input, input};

const X: Input =
    input("x", "(n, d)", "[[1.0, 2.0], [1.0, 4.0], [1.0, 0.0], [10.0, 2.0], [10.0, 4.0], [10.0, 0.0]]");
const WEIGHTS: Input = input("weights", "(n), or null: all 1", "null");

pub const BLOCKS: &[Block] = &[
    Block {
        name: "dbscan",
        section: "clusters",
        summary: "clusters of samples that are densely connected; the rest is noise",
        formula: "core_i = weight within eps of i >= min_samples",
        engine: Some("barehand::learn::cluster::Dbscan"),
        twin: "barehand::textbook::dbscan",
        inputs: &[X],
        options: &[
            WEIGHTS,
            input("eps", "how near neighbours are", "3.0"),
            input("min_samples", "weight that makes a core sample", "2"),
        ],
        run: |a, t| {
            let x = a.array("x")?;
            let weights = a.maybe_array("weights")?.unwrap_or_else(|| ones(&x));
            dbscan(&x, weights.data(), a.number("eps")?, a.number("min_samples")?, t)?;
            Ok(())
        },
    },
    Block {
        name: "gaussian_mixture",
        section: "clusters",
        summary: "a sum of normal distributions by expectation and maximisation",
        formula: "r_ij = w_j N(x_i | m_j, C_j) / p(x_i); w, m, C from the weighted samples",
        engine: Some("barehand::learn::mixture::GaussianMixture"),
        twin: "barehand::textbook::GaussianMixture",
        inputs: &[
            X,
            input(
                "responsibilities",
                "(n, k) at the start",
                "[[1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0], [0.0, 1.0]]",
            ),
        ],
        options: &[
            input("covariance", "full, tied, diag or spherical", "\"full\""),
            input("reg_covar", "added to variances", "1e-6"),
            input("steps", "iterations", "1"),
        ],
        run: |a, t| {
            let kinds = [
                ("full", Covariance::Full),
                ("tied", Covariance::Tied),
                ("diag", Covariance::Diag),
                ("spherical", Covariance::Spherical),
            ];
            let (x, r) = (a.array("x")?, a.array("responsibilities")?);
            let covariance = a.choice("covariance", &kinds)?;
            let mut mixture = GaussianMixture::of(&x, &r, covariance, a.number("reg_covar")?, t)?;
            for _ in 0..a.count("steps")? {
                mixture.step(&x, t)?;
            }
            Ok(())
        },
    },
    Block {
        name: "k_means",
        section: "clusters",
        summary: "centers that the samples are near to, by Lloyd's algorithm",
        formula: "label_i = argmin_j |x_i - c_j|^2, c_j = mean of the samples of label j",
        engine: Some("barehand::learn::cluster::KMeans"),
        twin: "barehand::textbook::KMeans",
        inputs: &[X, input("centers", "(k, d) at the start", "[[1.0, 2.0], [1.0, 4.0]]")],
        options: &[
            WEIGHTS,
            input("max_iter", "iterations at most", "300"),
            input("tolerance", "of the sum of the centers' squared movements", "0.0"),
        ],
        run: |a, t| {
            let x = a.array("x")?;
            let weights = a.maybe_array("weights")?.unwrap_or_else(|| ones(&x));
            let k_means = KMeans { max_iter: a.count("max_iter")?, tolerance: a.number("tolerance")? };
            k_means.fit(&x, weights.data(), &a.array("centers")?, t)?;
            Ok(())
        },
    },
    Block {
        name: "pca",
        section: "clusters",
        summary: "the directions in which samples vary most",
        formula: "C = (X - mean)^T (X - mean) / (n - 1), C v = lambda v",
        engine: Some("barehand::learn::decomposition::Pca"),
        twin: "barehand::textbook::pca",
        inputs: &[X],
        options: &[],
        run: |a, t| {
            pca(&a.array("x")?, t)?;
            Ok(())
        },
    },
];

fn ones(x: &Array) -> Array {
    Array::filled(&[x.shape().first().copied().unwrap_or(0)], 1.0)
}
