//! The best place to cut a node's rows along a column.

use super::criterion::{BLOCK, Limits, Monotonic, Moving, Scan};
use super::order::{Keys, key_rank, key_row, sort_keys};
use crate::isa::{Arch, Kernel, dispatch};

/// Ranks below 256, as bits.
pub type RankSet = [u64; 4];

/// A cut of a node's rows in two.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cut {
    /// How good it is, to be compared with other cuts of the node.
    pub proxy: f64,
    /// Rows on the left.
    pub left: usize,
    /// The last rank on the left.
    pub rank: u32,
    /// The first rank on the right; the rank of missing values where only they are there.
    pub next: u32,
    /// Whether missing values go left.
    pub missing_left: bool,
    /// For categories: the ranks on the left, whatever `rank` and `next` say.
    pub set: Option<RankSet>,
}

impl Cut {
    /// Whether a row of this rank goes left, in a column whose missing values have rank `distinct`.
    #[inline]
    pub fn goes_left(&self, rank: u32, distinct: u32) -> bool {
        if rank == distinct {
            return self.missing_left;
        }
        match &self.set {
            Some(set) => set[rank as usize / 64] >> (rank % 64) & 1 == 1,
            None => rank <= self.rank,
        }
    }
}

/// Looks at every place along `keys` where ranks differ. Of equally good ones the first is kept.
pub(super) fn best_cut<C: Moving>(
    criterion: &C,
    scan: &mut Scan,
    keys: &mut Keys,
    limits: &Limits,
    monotonic: Monotonic,
) -> Option<Cut> {
    let first =
        Pass { criterion, scan: &mut *scan, keys: &keys.list, missing: 0, limits, monotonic, best: None };
    let mut best = dispatch(first);
    if keys.missing > 0 {
        let missing = keys.missing;
        keys.list.rotate_right(missing);
        best = dispatch(Pass { criterion, scan, keys: &keys.list, missing, limits, monotonic, best });
        keys.list.rotate_left(keys.missing);
    } else if let Some(cut) = &mut best {
        // Where none is missing now, one that is missing later goes with the majority.
        cut.missing_left = cut.left > keys.list.len() - cut.left;
    }
    best
}

/// One pass over the rows; the first `missing` of them are missing ones that go left.
struct Pass<'a, C> {
    criterion: &'a C,
    scan: &'a mut Scan,
    keys: &'a [u64],
    missing: usize,
    limits: &'a Limits,
    monotonic: Monotonic,
    /// Of earlier passes.
    best: Option<Cut>,
}

impl<C: Moving> Kernel for Pass<'_, C> {
    type Output = Option<Cut>;

    #[inline(always)]
    fn run<A: Arch>(self) -> Option<Cut> {
        let Pass { criterion, scan, keys, missing, limits, monotonic, mut best } = self;
        criterion.begin(scan, keys);
        let mut record = best.map_or(f64::NEG_INFINITY, |cut| cut.proxy);
        // Missing rows alone on the left is the same division as missing rows alone on the right, which was looked at.
        let first = limits.min_samples_leaf.max(if missing > 0 { missing + 1 } else { 1 });
        let last = keys.len().saturating_sub(limits.min_samples_leaf.max(1));
        let cut = |proxy, i: usize| {
            let (rank, next) = (key_rank(keys[i]), key_rank(keys[i + 1]));
            Cut { proxy, left: i + 1, rank, next, missing_left: missing > 0, set: None }
        };
        let (free, total) = (monotonic.sign == 0, criterion.total());
        if free && limits.min_weight_leaf <= 0.0 && criterion.moves_blocks() {
            let mut proxies = [0.0; BLOCK];
            for start in (0..last).step_by(BLOCK) {
                let proxies = &mut proxies[..BLOCK.min(last - start)];
                criterion.move_block(scan, &keys[start..start + proxies.len()], proxies);
                for (i, &proxy) in (start..).zip(&*proxies) {
                    if proxy > record && i + 1 >= first && key_rank(keys[i]) != key_rank(keys[i + 1]) {
                        record = proxy;
                        best = Some(cut(proxy, i));
                    }
                }
            }
            return best;
        }
        for (i, pair) in keys.windows(2).enumerate().take(last) {
            criterion.move_left(scan, key_row(pair[0]));
            if key_rank(pair[0]) == key_rank(pair[1]) || i + 1 < first {
                continue;
            }
            if scan.weight < limits.min_weight_leaf || total - scan.weight < limits.min_weight_leaf {
                continue;
            }
            if !free {
                let (low, high) = criterion.sides(scan);
                if !monotonic.allows(low, high) {
                    continue;
                }
            }
            let proxy = criterion.proxy(scan);
            if proxy > record {
                record = proxy;
                best = Some(cut(proxy, i));
            }
        }
        best
    }
}

pub(super) fn cut_below<C: Moving>(
    criterion: &C,
    scan: &mut Scan,
    keys: &mut Keys,
    rank: u32,
    missing_left: bool,
    limits: &Limits,
    monotonic: Monotonic,
) -> Option<Cut> {
    let distinct = keys.distinct();
    let goes_left = |key: u64| match key_rank(key) {
        known if known < distinct => known < rank,
        _ => missing_left,
    };
    keys.scratch.clear();
    keys.scratch.extend(keys.list.iter().copied().filter(|&key| goes_left(key)));
    let (left, n) = (keys.scratch.len(), keys.list.len());
    keys.scratch.extend(keys.list.iter().copied().filter(|&key| !goes_left(key)));
    if left.min(n - left) < limits.min_samples_leaf.max(1) {
        return None;
    }
    criterion.begin(scan, &keys.scratch);
    keys.scratch[..left].iter().for_each(|&key| criterion.move_left(scan, key_row(key)));
    let (low, high) = criterion.sides(scan);
    let light = scan.weight.min(criterion.total() - scan.weight) < limits.min_weight_leaf;
    if light || !monotonic.allows(low, high) {
        return None;
    }
    let missing_left = if keys.missing > 0 { missing_left } else { left > n - left };
    Some(Cut { proxy: criterion.proxy(scan), left, rank: rank - 1, next: rank, missing_left, set: None })
}

/// Categories in the order of their mean score are cut like numbers: for two classes and for squared errors one of these
/// cuts is the best of all divisions (Fisher, 1958; Breiman et al., 1984, section 9.4). Several classes or outputs are
/// ordered by each in turn.
pub(super) fn best_category_cut<C: Moving>(
    criterion: &C,
    scan: &mut Scan,
    keys: &mut Keys,
    limits: &Limits,
) -> Option<Cut> {
    let distinct = keys.distinct() as usize;
    let original = keys.list.clone();
    let mut best: Option<Cut> = None;
    for ordering in 0..criterion.orderings() {
        let mut scores = vec![(0.0, 0.0); distinct + 1];
        for &key in &original {
            let (score, weight) = criterion.score(ordering, key_row(key));
            let sums = &mut scores[key_rank(key) as usize];
            *sums = (sums.0 + score, sums.1 + weight);
        }
        let mut order: Vec<usize> = (0..distinct).filter(|&rank| scores[rank].1 > 0.0).collect();
        let mean = |rank: &usize| scores[*rank].0 / scores[*rank].1;
        order.sort_by(|a, b| mean(a).total_cmp(&mean(b)).then(a.cmp(b)));
        let mut place = vec![distinct; distinct + 1];
        order.iter().enumerate().for_each(|(at, &rank)| place[rank] = at);
        keys.list.clear();
        keys.list.extend(
            original.iter().map(|&key| (place[key_rank(key) as usize] as u64) << 32 | key_row(key) as u64),
        );
        sort_keys(&mut keys.list, &mut keys.scratch, distinct as u32);
        if let Some(mut cut) = best_cut(criterion, scan, keys, limits, Monotonic::FREE)
            && best.is_none_or(|best| cut.proxy > best.proxy)
        {
            let mut set = RankSet::default();
            for &rank in &order[..=cut.rank as usize] {
                set[rank / 64] |= 1 << (rank % 64);
            }
            cut.set = Some(set);
            best = Some(cut);
        }
    }
    keys.list = original;
    best
}
