//! How a tree grows.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::sync::Mutex;

use barehand_kernels::threads;
use barehand_kernels::tree::{
    AbsoluteError, Criterion, Cut, Entropy, Gini, Keys, Limits, Monotonic, Poisson, RankSet, Scan,
    SquaredError, Targets,
};

use super::columns::Columns;
use super::parameters::Plan;
use super::rand_r::RandR;
use super::structure::{Extent, NewNode, Question, Tree};

/// Rows times features from which another thread pays for a node.
const PARALLEL: usize = 1 << 15;

/// Impurity at or below this is none.
const PURE: f64 = f64::EPSILON;

/// Which criterion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CriterionKind {
    Gini,
    Entropy,
    SquaredError,
    AbsoluteError,
    Poisson,
}

/// What a tree grows on.
pub(crate) struct Sample<'a> {
    pub columns: &'a Columns,
    /// Values or codes `(rows, outputs)`.
    pub targets: &'a [f64],
    /// A weight for each row; rows of weight 0 are not there.
    pub weights: &'a [f64],
}

fn criterion<'a>(kind: CriterionKind, sample: &Sample<'a>, extent: &Extent) -> Box<dyn Criterion + 'a> {
    let targets = Targets { values: sample.targets, outputs: extent.outputs(), weights: sample.weights };
    match kind {
        CriterionKind::Gini => Box::new(Gini::new(targets, &extent.classes)),
        CriterionKind::Entropy => Box::new(Entropy::new(targets, &extent.classes)),
        CriterionKind::SquaredError => Box::new(SquaredError::new(targets)),
        CriterionKind::AbsoluteError => Box::new(AbsoluteError::new(targets)),
        CriterionKind::Poisson => Box::new(Poisson::new(targets)),
    }
}

/// The tree of a sample, pruned where the plan says so.
pub(crate) fn grow(kind: CriterionKind, sample: &Sample, extent: &Extent, plan: &Plan) -> Tree {
    let samples: Vec<u32> =
        (0..sample.columns.rows() as u32).filter(|&row| sample.weights[row as usize] > 0.0).collect();
    let total_weight: f64 = sample.weights.iter().sum();
    let n = samples.len();
    let features = sample.columns.features();
    let mut grower = Grower {
        columns: sample.columns,
        targets: sample.targets,
        outputs: extent.outputs(),
        criterion: criterion(kind, sample, extent),
        plan,
        classes: matches!(kind, CriterionKind::Gini | CriterionKind::Entropy),
        limits: Limits {
            min_samples_leaf: plan.min_samples_leaf,
            min_weight_leaf: plan.min_weight_fraction_leaf * total_weight,
        },
        total_weight,
        random: plan.stream(),
        samples,
        scratch: [vec![0; n], vec![0; n]],
        features: (0..features).collect(),
        constants: vec![0; features],
        keys: Keys::default(),
        scan: Scan::default(),
        spare: Mutex::default(),
        value: vec![0.0; extent.width()],
        tree: Tree::new(extent.clone()),
    };
    match plan.max_leaf_nodes {
        None => grower.depth_first(),
        Some(leaves) => grower.best_first(leaves),
    }
    let mut tree = grower.tree;
    tree.finish();
    if plan.ccp_alpha > 0.0 { tree.pruned(plan.ccp_alpha) } else { tree }
}

/// A node that is to be made.
#[derive(Clone, Copy, Debug)]
struct Task {
    start: usize,
    end: usize,
    depth: usize,
    /// The parent, and whether this is its left child.
    parent: Option<(usize, bool)>,
    /// Known but for the root's.
    impurity: f64,
    /// How many features are known to be constant here.
    constants: usize,
    low: f64,
    high: f64,
}

/// How a node is cut.
#[derive(Clone, Copy, Debug)]
struct Split {
    question: Question,
    /// Where the right child's samples begin.
    middle: usize,
    impurity_left: f64,
    impurity_right: f64,
    improvement: f64,
    constants: usize,
    /// Halfway between what the children predict, where a constraint holds.
    value: f64,
}

/// What a search along a feature found.
#[derive(Clone, Copy, Debug)]
enum Found {
    Constant,
    Nothing,
    Cut(Cut),
}

struct Grower<'a> {
    columns: &'a Columns,
    /// Values or codes `(rows, outputs)`.
    targets: &'a [f64],
    outputs: usize,
    criterion: Box<dyn Criterion + 'a>,
    plan: &'a Plan,
    classes: bool,
    limits: Limits,
    total_weight: f64,
    random: RandR,
    /// The rows, those of a node side by side and in ascending order.
    samples: Vec<u32>,
    scratch: [Vec<u32>; 2],
    /// A permutation of the features; those known to be constant in a node come first.
    features: Vec<usize>,
    constants: Vec<usize>,
    keys: Keys,
    scan: Scan,
    /// Memory of other threads.
    spare: Mutex<Vec<(Keys, Scan)>>,
    value: Vec<f64>,
    tree: Tree,
}

impl Grower<'_> {
    fn root(&self) -> Task {
        Task {
            start: 0,
            end: self.samples.len(),
            depth: 0,
            parent: None,
            impurity: f64::INFINITY,
            constants: 0,
            low: f64::NEG_INFINITY,
            high: f64::INFINITY,
        }
    }

    fn depth_first(&mut self) {
        let mut stack = vec![self.root()];
        while let Some(task) = stack.pop() {
            let (node, split) = self.make(task);
            if let Some(split) = split {
                let [left, right] = self.children(task, node, &split, split.constants);
                stack.extend([right, left]);
            }
        }
    }

    fn best_first(&mut self, max_leaf_nodes: usize) {
        let mut frontier = BinaryHeap::new();
        let mut remaining = max_leaf_nodes - 1;
        let root = self.root();
        let add = |grower: &mut Self, frontier: &mut BinaryHeap<Candidate>, task: Task| {
            let (node, split) = grower.make(task);
            if let Some(split) = split {
                frontier.push(Candidate { task, node, split });
            }
        };
        add(self, &mut frontier, root);
        while let Some(best) = frontier.pop() {
            if remaining == 0 {
                break;
            }
            remaining -= 1;
            // Constants are looked for anew: other nodes may have moved them since.
            for task in self.children(best.task, best.node, &best.split, 0) {
                add(self, &mut frontier, task);
            }
        }
    }

    fn children(&self, task: Task, node: usize, split: &Split, constants: usize) -> [Task; 2] {
        let child = |left: bool| {
            let sign = match &self.plan.monotonic {
                Some(signs) => signs[split.question.feature],
                None => 0,
            };
            // Along a constrained feature what lies between the children's predictions bounds both.
            let (low, high) = match (sign, left) {
                (0, _) => (task.low, task.high),
                (1, true) | (-1, false) => (task.low, split.value),
                _ => (split.value, task.high),
            };
            Task {
                start: if left { task.start } else { split.middle },
                end: if left { split.middle } else { task.end },
                depth: task.depth + 1,
                parent: Some((node, left)),
                impurity: if left { split.impurity_left } else { split.impurity_right },
                constants,
                low,
                high,
            }
        };
        [child(true), child(false)]
    }

    /// Makes a node, and cuts its samples where it is no leaf.
    fn make(&mut self, task: Task) -> (usize, Option<Split>) {
        let n = task.end - task.start;
        self.criterion.enter(&self.samples[task.start..task.end]);
        let (weight, mut impurity) = (self.criterion.weight(), task.impurity);
        if task.parent.is_none() {
            let all: Vec<u32> = (0..n as u32).collect();
            impurity = self.criterion.impurity_of(&all).1;
        }
        let is_leaf = task.depth >= self.plan.max_depth
            || n < self.plan.min_samples_split
            || n < 2 * self.limits.min_samples_leaf
            || weight < 2.0 * self.limits.min_weight_leaf
            || impurity <= PURE
            || self.alike(task);
        let split = if is_leaf { None } else { self.split(task, impurity) };
        // An improvement of nothing may come out as a little less than that.
        let rounding = PURE * impurity.max(1.0);
        let split = split.filter(|split| split.improvement + rounding >= self.plan.min_impurity_decrease);
        self.criterion.value(&mut self.value);
        if self.plan.monotonic.is_some() {
            self.value[0] = self.value[0].max(task.low).min(task.high);
            if self.classes && self.value.len() == 2 {
                self.value[1] = 1.0 - self.value[0];
            }
        }
        // An entropy of none comes out as -0.
        let impurity = impurity + 0.0;
        let node = self.tree.push(NewNode { impurity, samples: n, weight, value: &self.value });
        if let Some((parent, left)) = task.parent {
            self.tree.link(parent, left, node);
        }
        if let Some(split) = &split {
            self.tree.ask(node, split.question);
        }
        (node, split)
    }

    /// Whether every sample has the same targets: the impurity of large ones is not quite 0 then.
    fn alike(&self, task: Task) -> bool {
        let of = |sample: u32| &self.targets[sample as usize * self.outputs..][..self.outputs];
        let samples = &self.samples[task.start..task.end];
        samples.windows(2).all(|pair| of(pair[0]) == of(pair[1]))
    }

    /// Looks at features in a random order, as scikit-learn draws them: constant ones do not count.
    fn split(&mut self, task: Task, impurity: f64) -> Option<Split> {
        let known = task.constants;
        let (mut visited, mut found, mut drawn) = (0, 0, 0);
        let mut last = self.features.len();
        let prepared = self.prepare(task);
        let mut best: Option<(usize, Cut, f64)> = None;
        while last > known + found && (visited < self.plan.max_features || visited <= found + drawn) {
            visited += 1;
            let mut at = self.random.between(drawn, last - found);
            if at < known {
                self.features.swap(drawn, at);
                drawn += 1;
                continue;
            }
            at += found;
            let feature = self.features[at];
            let (outcome, threshold) = match &prepared {
                Some(all) => (all[feature], 0.0),
                None if self.plan.random && !self.columns.is_categorical(feature) => self.draw(task, feature),
                None => {
                    let (mut keys, mut scan) =
                        (std::mem::take(&mut self.keys), std::mem::take(&mut self.scan));
                    let outcome = self.search(task, feature, &mut keys, &mut scan);
                    (self.keys, self.scan) = (keys, scan);
                    (outcome, 0.0)
                }
            };
            if matches!(outcome, Found::Constant) {
                self.features.swap(at, known + found);
                found += 1;
                continue;
            }
            last -= 1;
            self.features.swap(last, at);
            if let Found::Cut(cut) = outcome
                && best.is_none_or(|(_, best, _)| cut.proxy > best.proxy)
            {
                best = Some((feature, cut, threshold));
            }
        }
        // Siblings and children find the constants that were known before where they left them.
        self.features[..known].copy_from_slice(&self.constants[..known]);
        self.constants[known..known + found].copy_from_slice(&self.features[known..known + found]);
        let (feature, cut, threshold) = best?;
        Some(self.divide(task, impurity, feature, &cut, threshold, known + found))
    }

    fn monotonic(&self, task: Task, feature: usize) -> Monotonic {
        match &self.plan.monotonic {
            Some(signs) => Monotonic { sign: signs[feature], low: task.low, high: task.high },
            None => Monotonic::FREE,
        }
    }

    /// The best cut along a feature.
    fn search(&self, task: Task, feature: usize, keys: &mut Keys, scan: &mut Scan) -> Found {
        let samples = &self.samples[task.start..task.end];
        let distinct = self.columns.distinct(feature).len();
        if !keys.read(self.columns.ranks(feature), samples, distinct) {
            return Found::Constant;
        }
        keys.sort();
        let cut = if self.columns.is_categorical(feature) {
            self.criterion.best_category_cut(scan, keys, &self.limits)
        } else {
            self.criterion.best_cut(scan, keys, &self.limits, self.monotonic(task, feature))
        };
        cut.map_or(Found::Nothing, Found::Cut)
    }

    /// One random cut along a feature, and its threshold.
    fn draw(&mut self, task: Task, feature: usize) -> (Found, f64) {
        let samples = &self.samples[task.start..task.end];
        let distinct = self.columns.distinct(feature);
        if !self.keys.read(self.columns.ranks(feature), samples, distinct.len()) {
            return (Found::Constant, 0.0);
        }
        let (low, high) = self.keys.extremes();
        let (low, high) = (f64::from(distinct.low[low as usize]), f64::from(distinct.high[high as usize]));
        let mut threshold = self.random.uniform(low, high);
        let missing_left = self.keys.missing() > 0 && self.random.between(0, 2) == 1;
        if threshold == high {
            threshold = low;
        }
        let monotonic = self.monotonic(task, feature);
        let rank = distinct.up_to(threshold).max(1);
        let (keys, scan) = (&mut self.keys, &mut self.scan);
        let cut = self.criterion.cut_below(scan, keys, rank, missing_left, &self.limits, monotonic);
        (cut.map_or(Found::Nothing, Found::Cut), threshold)
    }

    /// Searches every feature at once, on several threads, where the node is large and every feature will be looked at.
    fn prepare(&self, task: Task) -> Option<Vec<Found>> {
        let (n, d) = (task.end - task.start, self.features.len());
        let all = !self.plan.random && self.plan.max_features >= d;
        if !all || n * (d - task.constants) < PARALLEL || threads::num_threads() == 1 {
            return None;
        }
        let mut found = vec![Found::Constant; d];
        let mut known = vec![false; d];
        self.features[..task.constants].iter().for_each(|&feature| known[feature] = true);
        threads::for_each_chunk(&mut found, 1, 1, |feature, found| {
            if known[feature] {
                return;
            }
            let spare = || self.spare.lock().ok();
            let (mut keys, mut scan) = spare().and_then(|mut list| list.pop()).unwrap_or_default();
            found[0] = self.search(task, feature, &mut keys, &mut scan);
            if let Some(mut list) = spare() {
                list.push((keys, scan));
            }
        });
        Some(found)
    }

    /// Puts the samples that go left before the others.
    fn divide(
        &mut self,
        task: Task,
        impurity: f64,
        feature: usize,
        cut: &Cut,
        threshold: f64,
        constants: usize,
    ) -> Split {
        let distinct = self.columns.distinct(feature);
        let ranks = self.columns.ranks(feature);
        let samples = &mut self.samples[task.start..task.end];
        let [rows, scratch] = &mut self.scratch;
        let (rows, scratch) = (&mut rows[..samples.len()], &mut scratch[..samples.len()]);
        let (mut at_left, mut at_right) = (0, cut.left);
        for (row, &sample) in samples.iter().enumerate() {
            // Without a branch that nobody can foretell.
            let left = cut.goes_left(ranks[sample as usize], distinct.len());
            let place = if left { at_left } else { at_right };
            (rows[place], scratch[place]) = (row as u32, sample);
            at_left += usize::from(left);
            at_right += usize::from(!left);
        }
        samples.copy_from_slice(scratch);
        let (left, right) = rows.split_at(cut.left);
        let (weight_left, impurity_left) = self.criterion.impurity_of(left);
        let (weight_right, impurity_right) = self.criterion.impurity_of(right);
        let value = match &self.plan.monotonic {
            Some(signs) if signs[feature] != 0 => {
                let keys = |rows: &[u32]| rows.iter().map(|&row| u64::from(row)).collect::<Vec<_>>();
                self.criterion.middle(&mut self.scan, &keys(left), &keys(right))
            }
            _ => 0.0,
        };
        let weight = self.criterion.weight();
        let improvement = weight / self.total_weight
            * (impurity - weight_right / weight * impurity_right - weight_left / weight * impurity_left);
        let set = cut.set.map(|ranks_left| {
            let mut there = vec![false; distinct.len() as usize + 1];
            for &sample in &*samples {
                there[ranks[sample as usize] as usize] = true;
            }
            self::codes(&ranks_left, &distinct.low, &there, cut.missing_left)
        });
        let threshold = match (set, self.plan.random, cut.next == distinct.len()) {
            (Some(_), ..) => 0.0,
            (None, true, _) => threshold,
            // Only missing values go right: every number is at most infinity.
            (None, false, true) => f64::INFINITY,
            (None, false, false) => distinct.between(cut.rank, cut.next),
        };
        Split {
            question: Question { feature, threshold, missing_left: cut.missing_left, set },
            middle: task.start + cut.left,
            impurity_left,
            impurity_right,
            improvement,
            constants,
            value,
        }
    }
}

/// The codes of the categories on the left; with them, where missing values go left, every category that is not `there`.
fn codes(ranks: &RankSet, values: &[f32], there: &[bool], missing_left: bool) -> RankSet {
    let mut set = if missing_left { [u64::MAX; 4] } else { RankSet::default() };
    for (rank, &value) in values.iter().enumerate().filter(|(rank, _)| there[*rank]) {
        let (code, bit) = (value as usize, 1u64 << (value as usize % 64));
        if ranks[rank / 64] >> (rank % 64) & 1 == 1 {
            set[code / 64] |= bit;
        } else {
            set[code / 64] &= !bit;
        }
    }
    set
}

/// A node that waits to be expanded; the larger its improvement the sooner, the older the sooner.
struct Candidate {
    task: Task,
    node: usize,
    split: Split,
}

impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> Ordering {
        self.split.improvement.total_cmp(&other.split.improvement).then(other.node.cmp(&self.node))
    }
}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Candidate {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Candidate {}
