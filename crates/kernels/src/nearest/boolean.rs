//! Distances of sets: of coordinates only whether they are 0 counts.

use super::share;

/// How unlike two sets are, from how many of the `n` coordinates both have (`tt`), only the first (`tf`), only the second
/// (`ft`) and neither (`ff`); 0 where the formula says 0 / 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Boolean {
    /// `(tf + ft) / (2 tt + tf + ft)`
    Dice,
    /// `(tf + ft) / (tt + tf + ft)`
    Jaccard,
    /// `2 (tf + ft) / (n + tf + ft)`
    RogersTanimoto,
    /// `(n - tt) / n`: that of a set to itself is not 0.
    RussellRao,
    /// `2 (tf + ft) / (tt + 2 (tf + ft))`
    SokalSneath,
    /// `2 tf ft / (tt ff + tf ft)`
    Yule,
}

impl Boolean {
    pub(super) fn distance(self, tt: f64, tf: f64, ft: f64, n: f64) -> f64 {
        let apart = tf + ft;
        match self {
            Boolean::Dice => share(apart, 2.0 * tt + apart),
            Boolean::Jaccard => share(apart, tt + apart),
            Boolean::RogersTanimoto => share(2.0 * apart, n + apart),
            Boolean::RussellRao => share(n - tt, n),
            Boolean::SokalSneath => share(2.0 * apart, tt + 2.0 * apart),
            Boolean::Yule => share(2.0 * tf * ft, tt * (n - tt - apart) + tf * ft),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: 2 in both, 1 only in the first, 3 only in the second, 4 in neither.
    #[test]
    fn known_answers() {
        for (boolean, expected) in [
            (Boolean::Dice, 4.0 / 8.0),
            (Boolean::Jaccard, 4.0 / 6.0),
            (Boolean::RogersTanimoto, 8.0 / 14.0),
            (Boolean::RussellRao, 0.8),
            (Boolean::SokalSneath, 8.0 / 10.0),
            (Boolean::Yule, 6.0 / 11.0),
        ] {
            assert_eq!(boolean.distance(2.0, 1.0, 3.0, 10.0), expected, "{boolean:?}");
            let empty = boolean.distance(0.0, 0.0, 0.0, 5.0);
            assert_eq!(empty, if boolean == Boolean::RussellRao { 1.0 } else { 0.0 });
        }
    }
}
