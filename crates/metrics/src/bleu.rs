//! BLEU: how many n-grams of translations occur in their references.

use std::collections::HashMap;
use std::hash::Hash;

use barehand_tensor::{Error, Result};

/// What the precision of an order is of which nothing matches.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Smoothing {
    /// 0, and with it the whole score.
    None,
    /// This many matches instead of none (usually 0.1).
    Floor(f64),
    /// So many matches and so many n-grams more, from bigrams on (usually 1; Lin and Och 2004).
    AddK(f64),
    /// Half a match for the first such order, a quarter for the second, and so on (NIST; sacrebleu's default).
    Exp,
}

/// BLEU of a whole corpus, in `[0, 1]` (Papineni et al. 2002):
///
/// ```text
/// BLEU = BP exp(mean over n = 1..4 of ln p_n)        BP = min(1, exp(1 - r / c))
/// p_n  = n-grams that match, each at most as often as in one reference / n-grams of the translations
/// ```
///
/// Counts are summed over the corpus before anything is divided; `c` is the length of the translations, `r` the sum of the
/// lengths of the closest references (the shorter of two equally close). Tokens are whatever compares; sacrebleu's scores,
/// given its tokens, divided by 100.
///
/// ```
/// use barehand_metrics::Bleu;
/// let translations = [vec!["the", "cat", "sat", "on", "the", "mat", "today"]];
/// let references = [vec![vec!["the", "cat", "sat", "on", "a", "mat", "today"]]];
/// let score = Bleu::new().corpus(&translations, &references)?;
/// assert_eq!(score.precisions[0], 6.0 / 7.0);
/// assert!((score.bleu - (6.0 / 7.0 * 4.0 / 6.0 * 2.0 / 5.0 * 1.0 / 4.0f64).powf(0.25)).abs() < 1e-15);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Bleu {
    max_order: usize,
    smoothing: Smoothing,
    effective_order: bool,
}

/// A BLEU score and what it is made of.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct BleuScore {
    /// The score, in `[0, 1]`.
    pub bleu: f64,
    /// The precision of each order, smoothed.
    pub precisions: Vec<f64>,
    /// The factor for translations shorter than their references.
    pub brevity_penalty: f64,
    /// How many tokens the translations have.
    pub length: usize,
    /// How many tokens the closest references have.
    pub reference_length: usize,
}

impl Default for Bleu {
    fn default() -> Self {
        Bleu { max_order: 4, smoothing: Smoothing::None, effective_order: false }
    }
}

impl Bleu {
    /// Up to 4-grams, without smoothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// The longest n-grams that count (default: 4).
    #[must_use]
    pub fn max_order(mut self, order: usize) -> Self {
        self.max_order = order;
        self
    }

    /// What becomes of an order of which nothing matches (default: the score is 0).
    #[must_use]
    pub fn smoothing(mut self, smoothing: Smoothing) -> Self {
        self.smoothing = smoothing;
        self
    }

    /// Whether to stop at the longest n-grams that the translations have: for single short sentences (default: no).
    #[must_use]
    pub fn effective_order(mut self, effective: bool) -> Self {
        self.effective_order = effective;
        self
    }

    /// The score of tokenised translations, each with one or more tokenised references.
    ///
    /// # Errors
    /// Not as many lists of references as translations, a translation without reference, no translation, or order 0.
    pub fn corpus<T: Hash + Eq>(
        &self,
        translations: &[Vec<T>],
        references: &[Vec<Vec<T>>],
    ) -> Result<BleuScore> {
        const OPERATION: &str = "bleu";
        if translations.len() != references.len() || translations.is_empty() {
            let text =
                format!("{} translations with {} lists of references", translations.len(), references.len());
            return Err(Error::shape(OPERATION, text));
        }
        if self.max_order == 0 {
            return Err(Error::value(OPERATION, "the longest n-grams have one token at least"));
        }
        let orders = self.max_order;
        let (mut matches, mut totals) = (vec![0u64; orders], vec![0u64; orders]);
        let (mut length, mut reference_length) = (0, 0);
        for (i, (translation, references)) in translations.iter().zip(references).enumerate() {
            let distance =
                |reference: &&Vec<T>| (reference.len().abs_diff(translation.len()), reference.len());
            let Some(closest) = references.iter().min_by_key(distance) else {
                return Err(Error::value(OPERATION, format!("translation {i} has no reference")));
            };
            length += translation.len();
            reference_length += closest.len();
            for n in 1..=orders.min(translation.len()) {
                let mut most: HashMap<&[T], u64> = HashMap::new();
                for reference in references {
                    for (gram, count) in grams(reference, n) {
                        let most = most.entry(gram).or_default();
                        *most = (*most).max(count);
                    }
                }
                for (gram, count) in grams(translation, n) {
                    matches[n - 1] += count.min(most.get(gram).copied().unwrap_or(0));
                    totals[n - 1] += count;
                }
            }
        }
        Ok(self.score(&matches, &totals, length, reference_length))
    }

    fn score(&self, matches: &[u64], totals: &[u64], length: usize, reference_length: usize) -> BleuScore {
        let brevity_penalty = if length >= reference_length {
            1.0
        } else if length == 0 {
            0.0
        } else {
            (1.0 - reference_length as f64 / length as f64).exp()
        };
        let mut precisions = vec![0.0; matches.len()];
        let (mut order, mut halves) = (matches.len(), 1.0);
        if matches.iter().any(|&count| count > 0) {
            for (n, precision) in precisions.iter_mut().enumerate() {
                let more = match self.smoothing {
                    Smoothing::AddK(k) if n > 0 => k,
                    _ => 0.0,
                };
                let (matched, total) = (matches[n] as f64 + more, totals[n] as f64 + more);
                if total == 0.0 {
                    break;
                }
                if self.effective_order {
                    order = n + 1;
                }
                *precision = match self.smoothing {
                    Smoothing::Exp if matched == 0.0 => {
                        halves *= 2.0;
                        1.0 / (halves * total)
                    }
                    Smoothing::Floor(floor) if matched == 0.0 => floor / total,
                    _ => matched / total,
                };
            }
        }
        // ln 0 is negative infinity, whose exponential is 0.
        let logs: f64 = precisions[..order].iter().map(|p| p.ln()).sum();
        let bleu = brevity_penalty * (logs / order as f64).exp();
        BleuScore { bleu, precisions, brevity_penalty, length, reference_length }
    }
}

/// How often each n-gram occurs.
fn grams<T: Hash + Eq>(tokens: &[T], n: usize) -> HashMap<&[T], u64> {
    let mut counts = HashMap::new();
    tokens.windows(n).for_each(|gram| *counts.entry(gram).or_default() += 1);
    counts
}

/// BLEU of a corpus, up to 4-grams, without smoothing. [`Bleu`] has the options.
///
/// # Errors
/// As [`Bleu::corpus`].
pub fn corpus_bleu<T: Hash + Eq>(translations: &[Vec<T>], references: &[Vec<Vec<T>>]) -> Result<f64> {
    Ok(Bleu::new().corpus(translations, references)?.bleu)
}
