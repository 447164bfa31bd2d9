//! BLEU: how many n-grams of a translation occur in its reference.
//!
//! ```text
//! p_n  = n-grams of the translation that match, each at most as often as in the reference / n-grams of the translation
//! BP   = min(1, exp(1 - r / c))        c, r: lengths of translation and reference
//! BLEU = BP exp(mean over n = 1..4 of ln p_n)
//! ```
//!
//! 0 where nothing matches for some n. Of a corpus, counts and lengths are summed before anything is divided. Papineni et al.
//! 2002; sacrebleu without smoothing.

use crate::array::Array;
use crate::error::{Error, Result};
use crate::trace::Trace;

/// BLEU of translations, each with one reference, up to n-grams of `max_order` tokens.
pub fn bleu(
    translations: &[Vec<usize>],
    references: &[Vec<usize>],
    max_order: usize,
    trace: &mut Trace,
) -> Result<f64> {
    if translations.len() != references.len() || translations.is_empty() || max_order == 0 {
        let message = format!(
            "{} translations, {} references, n-grams of up to {max_order} tokens",
            translations.len(),
            references.len()
        );
        return Err(Error::new("bleu", message));
    }
    trace.section("BLEU");
    let (mut matches, mut totals) = (vec![0.0; max_order], vec![0.0; max_order]);
    for (translation, reference) in translations.iter().zip(references) {
        for n in 1..=max_order {
            let mut left: Vec<&[usize]> = reference.windows(n).collect();
            for gram in translation.windows(n) {
                totals[n - 1] += 1.0;
                if let Some(at) = left.iter().position(|other| *other == gram) {
                    left.swap_remove(at);
                    matches[n - 1] += 1.0;
                }
            }
        }
    }
    let matches = trace.step("matches", "n-grams that match", Array::vector(&matches));
    let totals = trace.step("totals", "n-grams of the translations", Array::vector(&totals));
    let share = |matched: f64, total: f64| if total == 0.0 { 0.0 } else { matched / total };
    let p = trace.step("p", "matches / totals", matches.zip(&totals, share)?);
    let length = |texts: &[Vec<usize>]| texts.iter().map(Vec::len).sum::<usize>() as f64;
    let c = trace.number("c", "tokens of the translations", length(translations));
    let r = trace.number("r", "tokens of the references", length(references));
    let penalty = if c >= r { 1.0 } else { (1.0 - r / c).exp() };
    let penalty = trace.number("BP", "min(1, exp(1 - r / c))", penalty);
    let logs: f64 = p.data().iter().map(|p| p.ln()).sum();
    let mean = trace.number("geometric mean", "exp(mean ln p)", (logs / max_order as f64).exp());
    Ok(trace.number("BLEU", "BP * geometric mean", penalty * mean))
}
