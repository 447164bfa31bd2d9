//! How many components are most likely: Minka, "Automatic choice of dimensionality for PCA", 2000.

/// The number of components, from 1 to `D - 1`, of greatest evidence, for variances in descending order and `n` samples.
pub(super) fn most_likely(variances: &[f64], n: usize) -> usize {
    let mut best = (f64::NEG_INFINITY, 0);
    for rank in 1..variances.len() {
        let evidence = log_evidence(variances, rank, n as f64);
        if evidence > best.0 {
            best = (evidence, rank);
        }
    }
    best.1
}

fn log_evidence(variances: &[f64], rank: usize, n: f64) -> f64 {
    const TINY: f64 = 1e-15;
    if variances[rank - 1] < TINY {
        return f64::NEG_INFINITY;
    }
    let pi = std::f64::consts::PI;
    let (d, k) = (variances.len() as f64, rank as f64);
    let mut prior = -k * 2f64.ln();
    for i in 1..=rank {
        let half = variances.len() - i + 1;
        prior += ln_gamma_of_halves(half) - pi.ln() * half as f64 / 2.0;
    }
    let signal = -variances[..rank].iter().map(|v| v.ln()).sum::<f64>() * n / 2.0;
    let noise = (variances[rank..].iter().sum::<f64>() / (d - k)).max(TINY);
    let rest = -noise.ln() * n * (d - k) / 2.0;
    let degrees = d * k - k * (k + 1.0) / 2.0;
    let volume = (2.0 * pi).ln() * (degrees + k) / 2.0;
    let model = |j: usize| if j < rank { variances[j] } else { noise };
    let mut curvature = 0.0;
    for i in 0..rank {
        for j in i + 1..variances.len() {
            let gap = (variances[i] - variances[j]) * (1.0 / model(j) - 1.0 / model(i));
            curvature += gap.ln() + n.ln();
        }
    }
    prior + signal + rest + volume - curvature / 2.0 - k * n.ln() / 2.0
}

/// `ln Gamma(halves / 2)` of a positive number of halves.
fn ln_gamma_of_halves(halves: usize) -> f64 {
    let (mut x, mut sum) =
        if halves.is_multiple_of(2) { (1.0, 0.0) } else { (0.5, std::f64::consts::PI.ln() / 2.0) };
    while x < halves as f64 / 2.0 {
        sum += f64::ln(x);
        x += 1.0;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gamma_of_halves() {
        // Gamma(1/2) = sqrt(pi), Gamma(3) = 2, Gamma(7/2) = 15 sqrt(pi) / 8.
        let root = std::f64::consts::PI.sqrt();
        for (halves, expected) in [(1, root), (2, 1.0), (6, 2.0), (7, 15.0 * root / 8.0)] {
            assert!((ln_gamma_of_halves(halves) - expected.ln()).abs() < 1e-14, "{halves}");
        }
    }

    #[test]
    fn two_strong_directions_of_five() {
        assert_eq!(most_likely(&[10.0, 8.0, 0.11, 0.1, 0.09], 500), 2);
    }
}
