//! Rows go down trees: the sum of the leaves that they reach.
//!
//! Eight rows step down a tree side by side, so that the processor waits for eight loads at once; a leaf leads to itself.

use crate::real::Real;
use crate::threads;

/// Rows that go through every tree before the next ones: they and a tree stay in the first caches.
const ROWS: usize = 64;

/// Rows side by side.
const LANES: usize = 8;

/// Steps from a node to a node that pay for another thread.
const GRAIN: usize = 1 << 15;

/// One node.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Node {
    /// Values up to this go left.
    pub threshold: f64,
    /// Which column it looks at.
    pub feature: u32,
    /// Its left child; itself for a leaf.
    pub left: u32,
    /// Its right child; itself for a leaf.
    pub right: u32,
    /// Which of the sets of categories goes left, one more than its number; 0 where numbers are compared.
    pub categories: u32,
    /// Whether missing values go left.
    pub missing_left: bool,
}

impl Node {
    /// Whether it is node number `at` and a leaf.
    fn is_leaf(&self, at: usize) -> bool {
        self.left as usize == at
    }
}

/// Which categories of a column go left.
#[derive(Clone, Debug, PartialEq)]
pub struct CategorySet {
    /// Whether the one at each place of the column's ascending categories does.
    pub left: [u64; 4],
}

/// Trees, one after another; tree `t` adds to output `t % outputs`.
#[derive(Clone, Debug, PartialEq)]
pub struct Trees {
    features: usize,
    outputs: usize,
    roots: Vec<u32>,
    nodes: Vec<Node>,
    values: Vec<f64>,
    sets: Vec<CategorySet>,
    /// Ascending, for each column; none for columns of numbers.
    categories: Vec<Vec<f64>>,
}

impl Trees {
    /// No trees yet.
    pub fn new(features: usize, outputs: usize, categories: Vec<Vec<f64>>) -> Self {
        assert!(categories.len() == features && outputs > 0);
        assert!(categories.iter().all(|list| list.len() <= 256));
        Trees {
            features,
            outputs,
            roots: Vec::new(),
            nodes: Vec::new(),
            values: Vec::new(),
            sets: Vec::new(),
            categories,
        }
    }

    /// Adds a tree, whose numbers of nodes and of sets count from 0: the root first, parents before their children.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn push(&mut self, nodes: &[Node], values: &[f64], sets: &[CategorySet]) -> Result<(), String> {
        if nodes.is_empty() || nodes.len() != values.len() {
            return Err(format!("{} nodes with {} values", nodes.len(), values.len()));
        }
        for (at, node) in nodes.iter().enumerate() {
            let (left, right) = (node.left as usize, node.right as usize);
            let leaf = left == at && right == at;
            let inner = left > at && right > at && left < nodes.len() && right < nodes.len();
            if !leaf && !inner {
                return Err(format!("node {at} of {} has the children {left} and {right}", nodes.len()));
            }
            let feature = node.feature as usize;
            if feature >= self.features {
                return Err(format!("node {at} looks at column {feature} of {}", self.features));
            }
            if node.categories as usize > sets.len() {
                return Err(format!("node {at} looks at set {} of {}", node.categories, sets.len()));
            }
        }
        let (base, sets_before) = (self.nodes.len() as u32, self.sets.len() as u32);
        if self.nodes.len() + nodes.len() > u32::MAX as usize {
            return Err("more nodes than 32 bits count".into());
        }
        self.roots.push(base);
        self.nodes.extend(nodes.iter().map(|node| Node {
            left: node.left + base,
            right: node.right + base,
            categories: if node.categories == 0 { 0 } else { node.categories + sets_before },
            ..*node
        }));
        self.values.extend_from_slice(values);
        self.sets.extend_from_slice(sets);
        Ok(())
    }

    /// How many trees there are.
    pub fn len(&self) -> usize {
        self.roots.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.roots.is_empty()
    }

    /// How many columns rows have.
    pub fn features(&self) -> usize {
        self.features
    }

    /// How many sums a row has.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// The ascending categories of each column; none for columns of numbers.
    pub fn categories(&self) -> &[Vec<f64>] {
        &self.categories
    }

    /// The nodes, values and sets of a tree, their numbers counted from 0 as [`Trees::push`] takes them.
    pub fn tree(&self, tree: usize) -> (Vec<Node>, &[f64], Vec<CategorySet>) {
        let from = self.roots[tree];
        let to = self.roots.get(tree + 1).map_or(self.nodes.len(), |&to| to as usize);
        let nodes = &self.nodes[from as usize..to];
        let first = nodes.iter().filter(|node| node.categories > 0).map(|node| node.categories).min();
        let last = nodes.iter().map(|node| node.categories).max().unwrap_or(0);
        let sets = first.map_or(Vec::new(), |first| self.sets[first as usize - 1..last as usize].to_vec());
        let shifted = nodes
            .iter()
            .map(|node| Node {
                left: node.left - from,
                right: node.right - from,
                categories: if node.categories == 0 { 0 } else { node.categories - first.unwrap_or(1) + 1 },
                ..*node
            })
            .collect();
        (shifted, &self.values[from as usize..to], sets)
    }

    /// Adds the leaves of `trees` to `out`, `(rows, outputs)`, for rows `x`, `(rows, features)`.
    pub fn add<T: Real>(&self, trees: std::ops::Range<usize>, x: &[T], out: &mut [f64]) {
        let rows = out.len() / self.outputs;
        assert!(out.len() == rows * self.outputs && x.len() == rows * self.features, "rows of another shape");
        let trees = trees.start.min(self.len())..trees.end.min(self.len());
        // A tree takes about ten steps a row.
        let grain = GRAIN / (10 * trees.len()).max(1) * self.outputs;
        threads::for_each_chunk(out, ROWS * self.outputs, grain, |from, out| {
            let x = &x[from / self.outputs * self.features..];
            for tree in trees.clone() {
                let output = tree % self.outputs;
                for (i, out) in out.chunks_mut(LANES * self.outputs).enumerate() {
                    let x = &x[i * LANES * self.features..];
                    let rows = out.len() / self.outputs;
                    let leaves = if rows == LANES {
                        self.leaves(self.roots[tree], x)
                    } else {
                        let mut leaves = [0; LANES];
                        for row in 0..rows {
                            leaves[row] = self.leaf(self.roots[tree], &x[row * self.features..]);
                        }
                        leaves
                    };
                    for row in 0..rows {
                        out[row * self.outputs + output] += self.values[leaves[row] as usize];
                    }
                }
            }
        });
    }

    /// The leaves of eight rows.
    #[inline(always)]
    fn leaves<T: Real>(&self, root: u32, x: &[T]) -> [u32; LANES] {
        assert!(x.len() >= LANES * self.features);
        let mut at = [root; LANES];
        loop {
            let mut moved = 0;
            for lane in 0..LANES {
                // SAFETY: as long as asserted.
                let x = unsafe { x.get_unchecked(lane * self.features..) };
                let next = self.step(at[lane], x);
                moved |= next ^ at[lane];
                at[lane] = next;
            }
            if moved == 0 {
                return at;
            }
        }
    }

    fn leaf<T: Real>(&self, root: u32, x: &[T]) -> u32 {
        assert!(x.len() >= self.features);
        let mut at = root;
        while !self.nodes[at as usize].is_leaf(at as usize) {
            at = self.step(at, x);
        }
        at
    }

    /// The next node; `x` has at least as many columns as the trees look at.
    #[inline(always)]
    fn step<T: Real>(&self, at: u32, x: &[T]) -> u32 {
        // SAFETY: `push` has checked every child and every column.
        let (node, value) = unsafe {
            let node = self.nodes.get_unchecked(at as usize);
            (node, x.get_unchecked(node.feature as usize).to_f64())
        };
        if node.categories != 0 {
            return self.category_step(node, value);
        }
        let left = (value <= node.threshold) | (value.is_nan() & node.missing_left);
        if left { node.left } else { node.right }
    }

    #[inline(never)]
    fn category_step(&self, node: &Node, value: f64) -> u32 {
        let categories = &self.categories[node.feature as usize];
        // Unknown categories are missing values, which no category equals.
        let place = categories.partition_point(|&category| category < value);
        let left = if categories.get(place) == Some(&value) {
            self.sets[node.categories as usize - 1].left[place / 64] >> (place % 64) & 1 == 1
        } else {
            node.missing_left
        };
        if left { node.left } else { node.right }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(threshold: f64, feature: u32, left: u32, right: u32) -> Node {
        Node { threshold, feature, left, right, categories: 0, missing_left: true }
    }

    /// `x0 <= 1 ? 1 : x1 <= 5 ? 2 : 3`
    fn trees() -> Trees {
        let mut trees = Trees::new(2, 1, vec![vec![], vec![2.0, 7.0]]);
        let nodes = [
            node(1.0, 0, 1, 2),
            node(0.0, 0, 1, 1),
            node(5.0, 1, 3, 4),
            node(0.0, 0, 3, 3),
            node(0.0, 0, 4, 4),
        ];
        trees.push(&nodes, &[0.0, 1.0, 0.0, 2.0, 3.0], &[]).unwrap();
        trees
    }

    #[test]
    fn rows_reach_their_leaves() {
        let x: Vec<f32> = (0..100).flat_map(|i| [(i % 4) as f32, (i % 9) as f32]).collect();
        for threads in [1, 3] {
            let mut out = vec![0.5; 100];
            threads::with_num_threads(threads, || trees().add(0..1, &x, &mut out));
            for (i, &out) in out.iter().enumerate() {
                let leaf = if i % 4 <= 1 {
                    1.0
                } else if i % 9 <= 5 {
                    2.0
                } else {
                    3.0
                };
                assert_eq!(out, 0.5 + leaf);
            }
        }
        let mut out = [0.0];
        trees().add(0..1, &[f64::NAN, 9.0], &mut out);
        assert_eq!(out, [1.0]);
    }

    #[test]
    fn categories_go_where_their_set_says_and_unknown_ones_with_the_missing() {
        let mut trees = trees();
        let root = Node { categories: 1, missing_left: false, ..node(0.0, 1, 1, 2) };
        let nodes = [root, node(0.0, 0, 1, 1), node(0.0, 0, 2, 2)];
        for _ in 0..2 {
            trees.push(&nodes, &[0.0, 10.0, 20.0], &[CategorySet { left: [0b10, 0, 0, 0] }]).unwrap();
        }
        for (value, expected) in [(7.0, 10.0), (2.0, 20.0), (3.0, 20.0), (f64::NAN, 20.0)] {
            let mut out = [0.0];
            trees.add(2..3, &[0.0, value], &mut out);
            assert_eq!(out, [expected]);
        }
        assert_eq!(trees.tree(2), trees.tree(1));
        assert_eq!(trees.tree(2).0, nodes);
    }

    #[test]
    fn trees_that_lead_nowhere_are_refused() {
        let mut trees = trees();
        let refused =
            |trees: &mut Trees, nodes: &[Node]| trees.push(nodes, &vec![0.0; nodes.len()], &[]).unwrap_err();
        assert!(refused(&mut trees, &[node(0.0, 0, 1, 2)]).contains("children 1 and 2"));
        assert!(refused(&mut trees, &[node(0.0, 0, 0, 1), node(0.0, 0, 1, 1)]).contains("children 0 and 1"));
        assert!(refused(&mut trees, &[node(0.0, 2, 0, 0)]).contains("column 2 of 2"));
        assert!(refused(&mut trees, &[Node { categories: 1, ..node(0.0, 0, 0, 0) }]).contains("set 1 of 0"));
        assert!(refused(&mut trees, &[]).contains("0 nodes"));
    }
}
