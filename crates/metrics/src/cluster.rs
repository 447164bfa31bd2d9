//! Scores of clusterings: against true classes, whatever the clusters are called, or by the samples' distances alone.

mod contingency;
mod dispersion;
mod information;
mod pairs;
mod silhouette;

pub use contingency::Contingency;
pub use dispersion::{calinski_harabasz, davies_bouldin};
pub use information::{
    EntropyMean, adjusted_mutual_info, completeness, homogeneity, mutual_info, normalized_mutual_info,
    v_measure,
};
pub use pairs::{adjusted_rand, fowlkes_mallows, rand_index};
pub use silhouette::{Silhouette, SilhouetteMetric, silhouette};
