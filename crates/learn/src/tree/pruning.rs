//! Minimal cost-complexity pruning (Breiman et al., 1984, chapter 3).
//!
//! A subtree costs the weighted impurity of its leaves, plus `alpha` for each leaf. With `alpha` growing from 0 one node
//! after the other is better off as a leaf: the weakest link, the node with the smallest
//! `(cost as a leaf - cost of its leaves) / (leaves - 1)`.

use super::structure::Tree;

/// What pruning does to a tree while the price of a leaf grows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PruningPath {
    /// The prices at which the tree becomes smaller, from 0.
    pub ccp_alphas: Vec<f64>,
    /// The weighted impurity of the leaves that are left.
    pub impurities: Vec<f64>,
}

/// Prunes while the weakest link's price is at most `alpha`; which nodes are leaves then.
fn prune(tree: &Tree, alpha: f64, path: &mut PruningPath) -> Vec<bool> {
    let n = tree.node_count();
    let (left, right) = (tree.children_left(), tree.children_right());
    let weights = tree.weighted_n_node_samples();
    let own: Vec<f64> = (0..n).map(|node| weights[node] * tree.impurity()[node] / weights[0]).collect();
    let (mut parent, mut branch, mut leaves) = (vec![usize::MAX; n], own.clone(), vec![1usize; n]);
    for node in (0..n).rev() {
        if left[node] >= 0 {
            let (l, r) = (left[node] as usize, right[node] as usize);
            (parent[l], parent[r]) = (node, node);
            branch[node] = branch[l] + branch[r];
            leaves[node] = leaves[l] + leaves[r];
        }
    }
    let mut is_leaf: Vec<bool> = left.iter().map(|&child| child < 0).collect();
    let mut there = vec![true; n];
    path.ccp_alphas.push(0.0);
    path.impurities.push(branch[0]);
    while !is_leaf[0] {
        let price = |node: usize| (own[node] - branch[node]) / (leaves[node] - 1) as f64;
        let candidates = (0..n).filter(|&node| there[node] && !is_leaf[node]);
        let weakest = candidates.fold(None, |best: Option<(usize, f64)>, node| match best {
            Some((_, least)) if price(node) >= least => best,
            _ => Some((node, price(node))),
        });
        let Some((weakest, price)) = weakest else { break };
        if alpha < price {
            break;
        }
        let mut stack = vec![left[weakest] as usize, right[weakest] as usize];
        while let Some(node) = stack.pop() {
            there[node] = false;
            if left[node] >= 0 {
                stack.extend([left[node] as usize, right[node] as usize]);
            }
        }
        let (fewer, more) = (leaves[weakest] - 1, own[weakest] - branch[weakest]);
        is_leaf[weakest] = true;
        let mut node = weakest;
        while node != usize::MAX {
            leaves[node] -= fewer;
            branch[node] += more;
            node = parent[node];
        }
        branch[weakest] = own[weakest];
        path.ccp_alphas.push(price);
        path.impurities.push(branch[0]);
    }
    is_leaf
}

impl Tree {
    /// The tree without what costs more than it brings, at this price of a leaf.
    pub fn pruned(&self, alpha: f64) -> Tree {
        self.subtree(&prune(self, alpha, &mut PruningPath::default()))
    }

    /// The prices at which the tree becomes smaller, until only the root is left.
    pub fn pruning_path(&self) -> PruningPath {
        let mut path = PruningPath::default();
        prune(self, f64::INFINITY, &mut path);
        path
    }
}
