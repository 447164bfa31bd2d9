//! The way of a row from the root to its leaf.

use super::cut::RankSet;

/// The feature of a leaf.
const LEAF: u32 = u32::MAX;
/// Set in the feature of a node whose missing values go left.
const MISSING_LEFT: u32 = 1 << 31;
/// Set in the feature of a node that asks for a set of categories.
const CATEGORIES: u32 = 1 << 30;

/// A node of a tree, in 16 bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Node {
    feature: u32,
    /// The largest f32 that goes left, or the bits of the place of a set.
    threshold: f32,
    left: u32,
    right: u32,
}

/// What a node asks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum NodeKind {
    /// Nothing.
    Leaf,
    /// Whether a feature is at most a threshold.
    Threshold {
        /// Which one.
        feature: u32,
        /// The threshold.
        threshold: f64,
        /// Whether missing values go left.
        missing_left: bool,
    },
    /// Whether a feature is one of a set of categories.
    Categories {
        /// Which one.
        feature: u32,
        /// The place of the set in the list of sets.
        set: u32,
        /// Whether missing values and categories that nobody saw go left.
        missing_left: bool,
    },
}

/// The largest f32 that is at most `x`: `value <= x` and `value <= floor(x)` say the same of every f32.
fn floor(x: f64) -> f32 {
    let near = x as f32;
    if f64::from(near) > x { near.next_down() } else { near }
}

impl Node {
    /// The node, with the places of its children.
    pub fn new(kind: NodeKind, left: u32, right: u32) -> Node {
        let flag = |feature: u32, missing_left: bool| {
            assert!(feature < CATEGORIES, "feature {feature} is out of a tree's reach");
            feature | if missing_left { MISSING_LEFT } else { 0 }
        };
        let (feature, threshold) = match kind {
            NodeKind::Leaf => (LEAF, 0.0),
            NodeKind::Threshold { feature, threshold, missing_left } => {
                (flag(feature, missing_left), floor(threshold))
            }
            NodeKind::Categories { feature, set, missing_left } => {
                (flag(feature, missing_left) | CATEGORIES, f32::from_bits(set))
            }
        };
        Node { feature, threshold, left, right }
    }

    /// The child that a row goes to; none from a leaf.
    #[inline(always)]
    #[allow(clippy::needless_bitwise_bool)] // No branch: which way a row goes is what nobody can foresee.
    pub fn next(&self, sets: &[RankSet], row: &[f32]) -> Option<u32> {
        if self.feature == LEAF {
            return None;
        }
        let value = row[(self.feature & (CATEGORIES - 1)) as usize];
        let left = if self.feature & CATEGORIES == 0 {
            let (missing, missing_left) = (value.is_nan(), self.feature & MISSING_LEFT != 0);
            (value <= self.threshold) | (missing & missing_left)
        } else if (0.0..256.0).contains(&value) && value.fract() == 0.0 {
            let (set, code) = (&sets[self.threshold.to_bits() as usize], value as usize);
            set[code / 64] >> (code % 64) & 1 == 1
        } else {
            self.feature & MISSING_LEFT != 0
        };
        Some(if left { self.left } else { self.right })
    }
}

/// The place of the leaf that `row` comes to.
#[inline(always)]
pub fn leaf_of(nodes: &[Node], sets: &[RankSet], row: &[f32]) -> u32 {
    let mut at = 0;
    while let Some(next) = nodes[at as usize].next(sets, row) {
        at = next;
    }
    at
}

/// Rows that walk side by side, so that the processor waits for several loads at once.
const LANES: usize = 8;

/// The places of the leaves that rows of `columns` features come to.
pub fn leaves_of(nodes: &[Node], sets: &[RankSet], rows: &[f32], columns: usize, leaves: &mut [u32]) {
    assert_eq!(rows.len(), leaves.len() * columns, "a leaf for each row");
    let mut blocks = leaves.chunks_exact_mut(LANES);
    let mut rows = rows.chunks_exact(LANES * columns);
    for (leaves, rows) in (&mut blocks).zip(&mut rows) {
        let mut at = [0u32; LANES];
        let mut moving = true;
        while moving {
            moving = false;
            for (at, row) in at.iter_mut().zip(rows.chunks_exact(columns)) {
                if let Some(next) = nodes[*at as usize].next(sets, row) {
                    *at = next;
                    moving = true;
                }
            }
        }
        leaves.copy_from_slice(&at);
    }
    for (leaf, row) in blocks.into_remainder().iter_mut().zip(rows.remainder().chunks_exact(columns)) {
        *leaf = leaf_of(nodes, sets, row);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threshold_that_is_no_f32_divides_as_it_stands() {
        let (low, high) = (1.0f32, 1.0f32.next_up());
        let between = f64::midpoint(f64::from(low), f64::from(high));
        for (threshold, left, right) in
            [(between, low, high), (f64::from(low), low, high), (-between, -high, -low)]
        {
            let root = NodeKind::Threshold { feature: 0, threshold, missing_left: true };
            let leaf = Node::new(NodeKind::Leaf, 0, 0);
            let nodes = [Node::new(root, 1, 2), leaf, leaf];
            assert_eq!(leaf_of(&nodes, &[], &[left]), 1, "{left} <= {threshold}");
            assert_eq!(leaf_of(&nodes, &[], &[right]), 2, "{right} > {threshold}");
            assert_eq!(leaf_of(&nodes, &[], &[f32::NAN]), 1);
        }
        let everything = NodeKind::Threshold { feature: 0, threshold: f64::INFINITY, missing_left: false };
        let leaf = Node::new(NodeKind::Leaf, 0, 0);
        let nodes = [Node::new(everything, 1, 2), leaf, leaf];
        assert_eq!(leaf_of(&nodes, &[], &[f32::MAX]), 1);
        assert_eq!(leaf_of(&nodes, &[], &[f32::NAN]), 2);
    }

    #[test]
    fn categories_that_nobody_saw_go_with_the_missing() {
        let leaf = Node::new(NodeKind::Leaf, 0, 0);
        let nodes =
            [Node::new(NodeKind::Categories { feature: 0, set: 0, missing_left: false }, 1, 2), leaf, leaf];
        let sets = [[0b101, 0, 0, 1 << 63]];
        let leaves: Vec<u32> = [0.0, 1.0, 2.0, 255.0, 256.0, -1.0, 0.5, f32::NAN]
            .iter()
            .map(|&x| leaf_of(&nodes, &sets, &[x]))
            .collect();
        assert_eq!(leaves, [1, 2, 1, 1, 2, 2, 2, 2]);
    }
}
