//! Successive halving: many candidates with few resources, the best of them with more.
//!
//! ```text
//! required   = 1 + floor(log_factor(candidates))       rounds until no more than `factor` are left
//! least      = max(least, floor(most / factor^(required - 1)))                          to exhaust what there is
//! affordable = 1 + floor(log_factor(floor(most / least)))
//! rounds     = min(required, affordable)                                                or `required`, aggressively
//! resources_i  = min(floor(least factor^i), most)
//! candidates_i = ceil(candidates_{i-1} / factor)
//! ```
//!
//! Aggressive elimination has resources_{i - required + affordable} in round i, and `least` before: it repeats the first
//! round's until what is left of the rounds can be afforded. Jamieson and Talwalkar 2016. scikit-learn: `HalvingGridSearchCV`.

use crate::array::Array;
use crate::error::{Error, Result};
use crate::trace::Trace;

/// The rules of a search.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SuccessiveHalving {
    /// How many times fewer candidates, and more resources, each round has.
    pub factor: f64,
    /// The fewest resources that make sense.
    pub least: usize,
    /// All that there are.
    pub most: usize,
    /// Whether the first round gets so many that the last one has all of them, or nearly.
    pub exhaust: bool,
    /// Whether to come down to few candidates at any rate.
    pub aggressive: bool,
}

/// How many candidates a round tries, and with how many resources each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Round {
    /// How many are tried.
    pub candidates: usize,
    /// How much each may use.
    pub resources: usize,
}

impl SuccessiveHalving {
    /// The rounds of a search among so many candidates.
    pub fn schedule(&self, candidates: usize, trace: &mut Trace) -> Result<Vec<Round>> {
        let SuccessiveHalving { factor, most, .. } = *self;
        if !(factor > 1.0) || self.least == 0 || self.least > most || candidates == 0 {
            let message =
                format!("factor {factor}, {} to {most} resources, {candidates} candidates", self.least);
            return Err(Error::new("successive_halving", message));
        }
        trace.section("successive halving");
        let logarithm = |of: usize| ((of as f64).ln() / factor.ln()).floor();
        let required =
            trace.number("required", "1 + floor(log_factor(candidates))", 1.0 + logarithm(candidates));
        let mut least = self.least;
        if self.exhaust {
            least = least.max((most as f64 / factor.powf(required - 1.0)).floor() as usize);
            trace.number("least", "max(least, floor(most / factor^(required - 1)))", least as f64);
        }
        let affordable = trace.number(
            "affordable",
            "1 + floor(log_factor(floor(most / least)))",
            1.0 + logarithm(most / least),
        );
        let rounds = if self.aggressive { required } else { required.min(affordable) };
        let rounds = trace.number("rounds", "min(required, affordable), or required aggressively", rounds);
        // Negative where more rounds could be afforded than are required: the last one gets as much all the same.
        let held = if self.aggressive { required - affordable } else { 0.0 };
        let resources =
            |i: usize| ((factor.powf((i as f64 - held).max(0.0)) * least as f64).floor() as usize).min(most);
        let mut schedule = Vec::new();
        let mut left = candidates;
        for i in 0..rounds as usize {
            schedule.push(Round { candidates: left, resources: resources(i) });
            left = (left as f64 / factor).ceil() as usize;
        }
        let column = |of: fn(&Round) -> usize| {
            Array::vector(&schedule.iter().map(|round| of(round) as f64).collect::<Vec<_>>())
        };
        trace.step("resources", "min(floor(least factor^i), most)", column(|round| round.resources));
        trace.step("candidates", "ceil(candidates_{i-1} / factor)", column(|round| round.candidates));
        Ok(schedule)
    }
}
