//! A tree over space: halves of halves of the points, and around each a box (k-d tree) or a ball (ball tree), so that whole
//! parts that are too far away are left out.
//!
//! Sources: Bentley, "Multidimensional binary search trees used for associative searching", 1975; Omohundro, "Five balltree
//! construction algorithms", 1989.

use std::collections::BinaryHeap;

use barehand_kernels::nearest::{Metric, ranks};
use barehand_tensor::Float;

/// What rounding may add to a lower bound, as a share of it: an arc sine of nearly 1 has half of the digits.
fn rounding(metric: Metric) -> f64 {
    if metric == Metric::Haversine { 1e-7 } else { 1e-9 }
}

/// Points in the order of the tree's leaves.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct SpaceTree<T> {
    d: usize,
    points: Vec<T>,
    /// Which point each one was.
    places: Vec<u32>,
    nodes: Vec<Node>,
    balls: bool,
}

#[derive(Clone, Debug, PartialEq)]
struct Node {
    from: usize,
    to: usize,
    /// Its second child; the first one follows it. 0 for a leaf.
    second: usize,
    /// Of a box, its lower and its upper corner; of a ball, its centre.
    around: Vec<f64>,
    /// Of a ball.
    radius: f64,
}

impl Node {
    /// How far a query is from the centre of a ball.
    fn apart<T: Float>(&self, metric: Metric, query: &[T]) -> f64 {
        let centre: Vec<T> = self.around.iter().map(|&value| T::from_f64(value)).collect();
        let mut rank = [0.0];
        ranks(metric, query, &centre, &mut rank);
        metric.of_rank(rank[0])
    }
}

/// A neighbour in a heap: the farthest first, of equal ones the one with the highest index.
#[derive(Clone, Copy, PartialEq)]
struct Farthest {
    rank: f64,
    point: u32,
}

impl Eq for Farthest {}

impl Ord for Farthest {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.rank.total_cmp(&other.rank).then(self.point.cmp(&other.point))
    }
}

impl PartialOrd for Farthest {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T: Float> SpaceTree<T> {
    /// The tree of points `x`, `(n, d)`, of at most `leaf_size` (or one more) in a leaf.
    pub(super) fn new(x: &[T], d: usize, leaf_size: usize, metric: Metric, balls: bool) -> Self {
        let n = x.len() / d;
        let mut places: Vec<u32> = (0..n as u32).collect();
        let mut nodes = Vec::new();
        // The node's range, and the node whose second child it is.
        let mut stack = vec![(0, n, None)];
        while let Some((from, to, parent)) = stack.pop() {
            let at = nodes.len();
            if let Some(parent) = parent {
                let parent: &mut Node = &mut nodes[parent];
                parent.second = at;
            }
            let row = |place: u32| &x[place as usize * d..(place as usize + 1) * d];
            let (mut low, mut high) = (vec![f64::INFINITY; d], vec![f64::NEG_INFINITY; d]);
            let mut centre = vec![0.0; d];
            for &place in &places[from..to] {
                for (column, value) in row(place).iter().enumerate() {
                    let value = value.to_f64();
                    low[column] = low[column].min(value);
                    high[column] = high[column].max(value);
                    centre[column] += value / (to - from) as f64;
                }
            }
            let widest = (0..d).fold(0, |best, column| {
                if high[column] - low[column] > high[best] - low[best] { column } else { best }
            });
            let mut node = Node { from, to, second: 0, around: Vec::new(), radius: 0.0 };
            if balls {
                let rounded: Vec<T> = centre.iter().map(|&value| T::from_f64(value)).collect();
                node.around = rounded.iter().map(|value| value.to_f64()).collect();
                for &place in &places[from..to] {
                    let mut rank = [0.0];
                    ranks(metric, &rounded, row(place), &mut rank);
                    node.radius = node.radius.max(metric.of_rank(rank[0]));
                }
            } else {
                node.around = [low, high].concat();
            }
            nodes.push(node);
            if to - from > leaf_size.max(1) {
                let middle = (to - from) / 2;
                let value = |place: u32| x[place as usize * d + widest].to_f64();
                places[from..to]
                    .select_nth_unstable_by(middle, |&a, &b| value(a).total_cmp(&value(b)).then(a.cmp(&b)));
                stack.push((from + middle, to, Some(at)));
                stack.push((from, from + middle, None));
            }
        }
        for node in nodes.iter().filter(|node| node.second == 0) {
            places[node.from..node.to].sort_unstable();
        }
        let points =
            places.iter().flat_map(|&place| &x[place as usize * d..(place as usize + 1) * d]).copied();
        SpaceTree { d, points: points.collect(), places, nodes, balls }
    }

    /// The `k` nearest points with [`ranks`] ascending, the lower index first where equal.
    pub(super) fn nearest(&self, metric: Metric, query: &[T], k: usize) -> Vec<(f64, u32)> {
        let mut heap: BinaryHeap<Farthest> = BinaryHeap::with_capacity(k + 1);
        let mut rank = Vec::new();
        let mut stack = vec![(self.bound(metric, query, 0), 0)];
        while let Some((bound, at)) = stack.pop() {
            if heap.len() == k && heap.peek().is_some_and(|farthest| bound > farthest.rank) {
                continue;
            }
            let node = &self.nodes[at];
            if node.second == 0 {
                self.leaf(metric, query, node, &mut rank);
                for (&rank, &point) in rank.iter().zip(&self.places[node.from..node.to]) {
                    let found = Farthest { rank, point };
                    if heap.len() < k {
                        heap.push(found);
                    } else if heap.peek().is_some_and(|farthest| found < *farthest) {
                        heap.pop();
                        heap.push(found);
                    }
                }
                continue;
            }
            let first = (self.bound(metric, query, at + 1), at + 1);
            let second = (self.bound(metric, query, node.second), node.second);
            // The nearer one is on top.
            stack.extend(if first.0 <= second.0 { [second, first] } else { [first, second] });
        }
        heap.into_sorted_vec().into_iter().map(|found| (found.rank, found.point)).collect()
    }

    /// Every point whose rank is at most `limit`, by index.
    pub(super) fn near(&self, metric: Metric, query: &[T], limit: f64) -> Vec<(f64, u32)> {
        let mut found = Vec::new();
        let mut rank = Vec::new();
        let mut stack = vec![0];
        while let Some(at) = stack.pop() {
            if self.bound(metric, query, at) > limit {
                continue;
            }
            let node = &self.nodes[at];
            if node.second == 0 {
                self.leaf(metric, query, node, &mut rank);
                let pairs = rank.iter().copied().zip(self.places[node.from..node.to].iter().copied());
                found.extend(pairs.filter(|(rank, _)| *rank <= limit));
            } else {
                stack.extend([node.second, at + 1]);
            }
        }
        found.sort_unstable_by_key(|&(_, point)| point);
        found
    }

    /// The sum over all points of a value that falls with their rank, off by no more than half of `slack` a point and half of
    /// `share` of the sum: nodes within which it differs less than that count as one.
    pub(super) fn sum(
        &self,
        metric: Metric,
        query: &[T],
        value: impl Fn(f64) -> f64,
        slack: f64,
        share: f64,
    ) -> f64 {
        let (mut total, mut rank, mut stack) = (0.0, Vec::new(), vec![0]);
        while let Some(at) = stack.pop() {
            let node = &self.nodes[at];
            let most = value(self.bound(metric, query, at));
            let least = value(self.farthest(metric, query, at));
            if most - least <= slack + share * least {
                total += 0.5 * (most + least) * (node.to - node.from) as f64;
            } else if node.second == 0 {
                self.leaf(metric, query, node, &mut rank);
                total += rank.iter().map(|&rank| value(rank)).sum::<f64>();
            } else {
                stack.extend([node.second, at + 1]);
            }
        }
        total
    }

    fn leaf(&self, metric: Metric, query: &[T], node: &Node, rank: &mut Vec<f64>) {
        rank.clear();
        rank.resize(node.to - node.from, 0.0);
        ranks(metric, query, &self.points[node.from * self.d..node.to * self.d], rank);
    }

    /// No point of a node has a lower rank.
    fn bound(&self, metric: Metric, query: &[T], at: usize) -> f64 {
        let node = &self.nodes[at];
        if self.balls {
            if !metric.has_triangles() {
                return 0.0;
            }
            let apart = node.apart(metric, query);
            let gap = (apart - node.radius - rounding(metric) * (apart + node.radius)).max(0.0);
            return metric.to_rank(gap) * (1.0 - rounding(metric));
        }
        let gap = |value: f64, low: f64, high: f64| (low - value).max(value - high).max(0.0);
        self.of_box(metric, query, node, gap) * (1.0 - rounding(metric))
    }

    /// No point of a node has a higher rank.
    fn farthest(&self, metric: Metric, query: &[T], at: usize) -> f64 {
        let node = &self.nodes[at];
        if self.balls {
            if !metric.has_triangles() {
                return f64::INFINITY;
            }
            let apart = node.apart(metric, query) + node.radius;
            return metric.to_rank(apart * (1.0 + rounding(metric))) * (1.0 + rounding(metric));
        }
        let reach = |value: f64, low: f64, high: f64| (value - low).max(high - value);
        self.of_box(metric, query, node, reach) * (1.0 + rounding(metric))
    }

    /// The rank of a difference in each column, of a coordinate, the lower end of a box and the upper one.
    fn of_box(
        &self,
        metric: Metric,
        query: &[T],
        node: &Node,
        difference: impl Fn(f64, f64, f64) -> f64,
    ) -> f64 {
        let (low, high) = node.around.split_at(self.d);
        let mut total = 0.0f64;
        for (column, value) in query.iter().enumerate() {
            let apart = difference(value.to_f64(), low[column], high[column]);
            match metric {
                Metric::Euclidean => total += apart * apart,
                Metric::Manhattan => total += apart,
                Metric::Chebyshev => total = total.max(apart),
                Metric::Minkowski(p) => total += apart.powf(p),
                _ => {}
            }
        }
        total
    }
}
