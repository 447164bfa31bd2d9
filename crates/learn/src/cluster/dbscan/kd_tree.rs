//! Samples in boxes that are halved along their longest side, for the neighbours within a radius.

use super::DbscanMetric;

pub(super) struct KdTree {
    d: usize,
    /// Samples, those of a box together.
    order: Vec<u32>,
    nodes: Vec<Node>,
    /// The lower, then the upper corner of each node's box, `(nodes, 2, d)`.
    corners: Vec<f64>,
}

struct Node {
    from: usize,
    to: usize,
    /// The two halves; 0 for a leaf.
    halves: [usize; 2],
}

impl KdTree {
    pub fn new(x: &[f64], n: usize, d: usize, leaf_size: usize) -> Self {
        let mut tree = KdTree { d, order: (0..n as u32).collect(), nodes: Vec::new(), corners: Vec::new() };
        tree.grow(x, 0, n);
        let mut next = 0;
        while next < tree.nodes.len() {
            let (from, to) = (tree.nodes[next].from, tree.nodes[next].to);
            let corners = &tree.corners[next * 2 * d..][..2 * d];
            let extent = |t: usize| corners[d + t] - corners[t];
            let axis = (0..d).max_by(|&a, &b| extent(a).total_cmp(&extent(b))).unwrap_or(0);
            if to - from > leaf_size && extent(axis) > 0.0 {
                let middle = (to - from) / 2;
                let value = |i: &u32| x[*i as usize * d + axis];
                tree.order[from..to].select_nth_unstable_by(middle, |a, b| value(a).total_cmp(&value(b)));
                let first = tree.nodes.len();
                tree.nodes[next].halves = [first, first + 1];
                tree.grow(x, from, from + middle);
                tree.grow(x, from + middle, to);
            }
            next += 1;
        }
        tree
    }

    fn grow(&mut self, x: &[f64], from: usize, to: usize) {
        let d = self.d;
        let mut corners = vec![f64::INFINITY; d];
        corners.resize(2 * d, f64::NEG_INFINITY);
        for &i in &self.order[from..to] {
            for (t, x) in x[i as usize * d..][..d].iter().enumerate() {
                corners[t] = corners[t].min(*x);
                corners[d + t] = corners[d + t].max(*x);
            }
        }
        self.corners.extend(corners);
        self.nodes.push(Node { from, to, halves: [0, 0] });
    }

    /// Adds the samples within the reduced `radius` of `point`, in no order.
    pub fn within(&self, x: &[f64], point: &[f64], metric: DbscanMetric, radius: f64, found: &mut Vec<u32>) {
        let d = self.d;
        let mut open = vec![0];
        while let Some(i) = open.pop() {
            let corners = &self.corners[i * 2 * d..][..2 * d];
            let outside =
                point.iter().enumerate().map(|(t, p)| (corners[t] - p).max(p - corners[d + t]).max(0.0));
            // Rounding keeps order, and both are summed alike: a box is never farther than a sample in it.
            if metric.reduced(outside) > radius {
                continue;
            }
            let node = &self.nodes[i];
            if node.halves[0] != 0 {
                open.extend(node.halves);
                continue;
            }
            for &j in &self.order[node.from..node.to] {
                let other = &x[j as usize * d..][..d];
                let difference = point.iter().zip(other).map(|(a, b)| a - b);
                if metric.reduced(difference) <= radius {
                    found.push(j);
                }
            }
        }
    }
}
