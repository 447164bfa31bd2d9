//! Every choice of `p` out of `n`.

/// The choices of `p` of `0..n`, in lexicographic order.
pub(super) struct Combinations {
    n: usize,
    next: Option<Vec<usize>>,
}

impl Combinations {
    pub(super) fn new(n: usize, p: usize) -> Self {
        Combinations { n, next: (p <= n).then(|| (0..p).collect()) }
    }
}

impl Iterator for Combinations {
    type Item = Vec<usize>;

    fn next(&mut self) -> Option<Vec<usize>> {
        let current = self.next.take()?;
        let p = current.len();
        // The last place that can move up takes all behind it along.
        if let Some(place) = (0..p).rev().find(|&place| current[place] < self.n - p + place) {
            let mut following = current.clone();
            let from = current[place] + 1;
            following[place..].iter_mut().enumerate().for_each(|(i, value)| *value = from + i);
            self.next = Some(following);
        }
        Some(current)
    }
}

/// How many choices there are; `None` where a `usize` does not hold them.
pub(super) fn binomial(n: usize, p: usize) -> Option<usize> {
    if p > n {
        return Some(0);
    }
    let mut product: u128 = 1;
    for i in 0..p.min(n - p) {
        // Every partial product is a binomial itself, and so divides evenly.
        product = product.checked_mul((n - i) as u128)? / (i as u128 + 1);
        if product > usize::MAX as u128 {
            return None;
        }
    }
    usize::try_from(product).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_them_once_and_in_order() {
        assert_eq!(
            Combinations::new(4, 2).collect::<Vec<_>>(),
            [[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]]
        );
        assert_eq!(Combinations::new(3, 3).collect::<Vec<_>>(), [[0, 1, 2]]);
        assert_eq!(Combinations::new(2, 3).count(), 0);
        for (n, p) in [(7, 3), (9, 1), (6, 5), (5, 0)] {
            assert_eq!(Some(Combinations::new(n, p).count()), binomial(n, p));
        }
        assert_eq!(binomial(1000, 500), None);
    }
}
