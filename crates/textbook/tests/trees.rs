//! Decision trees: known answers, and what goes wrong in them, each mistake refused by the same checks.

use barehand_textbook::{Array, DecisionTree, Impurity, Split, Trace, TreeNode, best_split};

fn silent() -> Trace {
    Trace::silent()
}

fn split(x: &Array, y: &[f64], w: &[f64], impurity: Impurity) -> Option<Split> {
    best_split(x, &Array::vector(y), &Array::vector(w), impurity, &mut silent()).unwrap()
}

#[test]
fn impurities_by_hand() {
    let ones = [1.0; 10];
    let y = [0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0];
    assert!((Impurity::Gini.of(&y, &ones) - 0.48).abs() < 1e-15);
    assert!((Impurity::Entropy.of(&y, &ones) - 0.970_950_594_454_668_6).abs() < 1e-15);
    assert!((Impurity::Variance.of(&y, &ones) - 0.24).abs() < 1e-15);
    // A weight of 2 is a row that stands there twice.
    assert_eq!(Impurity::Gini.of(&[0.0, 1.0], &[2.0, 1.0]), Impurity::Gini.of(&[0.0, 0.0, 1.0], &[1.0; 3]));
    assert_eq!(Impurity::Entropy.of(&[3.0, 3.0], &[1.0, 5.0]), 0.0);
}

/// Play tennis? (Quinlan, 1986): humidity as a number.
#[test]
fn the_best_cut_is_named() {
    let x = Array::matrix([[1.0, 70.0], [2.0, 90.0], [3.0, 85.0], [4.0, 95.0], [5.0, 70.0]]);
    let y = [1.0, 0.0, 0.0, 0.0, 1.0];
    let mut trace = Trace::new();
    let found = best_split(&x, &Array::vector(&y), &Array::vector(&[1.0; 5]), Impurity::Gini, &mut trace)
        .unwrap()
        .unwrap();
    assert_eq!((found.feature, found.threshold), (1, 77.5));
    assert!((found.decrease - 0.48).abs() < 1e-15);
    assert_eq!(trace.get("t1").unwrap().data(), [77.5, 87.5, 92.5]);
    assert_eq!(trace.get("threshold").unwrap().data(), [77.5]);
    let tree = DecisionTree::default();
    let tree = tree.fit(&x, &Array::vector(&y), &Array::vector(&[1.0; 5]), &mut silent()).unwrap();
    assert_eq!(tree.count(), 3);
    assert_eq!((tree.predict(&[9.0, 77.0]), tree.predict(&[9.0, 78.0])), (1.0, 0.0));
}

/// What a cut must be: the checks of this file, as a function.
fn sound(best: impl Fn(&Array, &[f64], &[f64]) -> Option<(usize, f64)>) -> bool {
    let gap = f64::from(f32::EPSILON);
    // Neighbours that differ by one unit in the last place of an f32.
    let near = Array::matrix([[1.0], [1.0], [1.0 + gap], [1.0 + gap]]);
    let cut_near = best(&near, &[0.0, 0.0, 1.0, 1.0], &[1.0; 4]) == Some((0, 1.0 + gap / 2.0));
    // Equal values of different classes: the cut at 1.5 is the only one.
    let ties = Array::matrix([[1.0], [1.0], [2.0], [2.0], [2.0]]);
    let cut_ties = best(&ties, &[0.0, 1.0, 1.0, 1.0, 0.0], &[1.0; 5]) == Some((0, 1.5));
    // One row alone is purer than it is worth: sides count by their weight.
    let lone = Array::matrix([[1.0], [2.0], [3.0], [4.0], [5.0], [6.0]]);
    let cut_lone = best(&lone, &[0.0, 1.0, 0.0, 0.0, 1.0, 1.0], &[1.0; 6]) == Some((0, 4.5));
    // The heavy rows decide.
    let heavy = Array::matrix([[1.0], [2.0], [3.0], [4.0]]);
    let cut_heavy = best(&heavy, &[0.0, 1.0, 1.0, 0.0], &[9.0, 1.0, 1.0, 1.0]) == Some((0, 1.5))
        && best(&heavy, &[0.0, 1.0, 1.0, 0.0], &[1.0, 1.0, 1.0, 9.0]) == Some((0, 3.5));
    let constant = Array::matrix([[7.0], [7.0]]);
    cut_near && cut_ties && cut_lone && cut_heavy && best(&constant, &[0.0, 1.0], &[1.0; 2]).is_none()
}

/// A search that may be led astray in one place.
struct Search {
    /// Values that differ by less are one.
    gap: f64,
    /// Looks at every row, not at every value.
    between_ties: bool,
    /// Adds the impurities of the sides as they are.
    unweighted_sides: bool,
    /// Forgets the weights of rows.
    unweighted_rows: bool,
    /// Cuts at the lower value.
    at_the_value: bool,
}

const RIGHT: Search = Search {
    gap: 0.0,
    between_ties: false,
    unweighted_sides: false,
    unweighted_rows: false,
    at_the_value: false,
};

impl Search {
    fn best(&self, x: &Array, y: &[f64], w: &[f64]) -> Option<(usize, f64)> {
        let ones = vec![1.0; w.len()];
        let w = if self.unweighted_rows { &ones } else { w };
        let mut order: Vec<usize> = (0..y.len()).collect();
        order.sort_by(|&a, &b| x[a].total_cmp(&x[b]));
        let mut best: Option<(f64, f64)> = None;
        for i in 1..y.len() {
            let (low, high) = (x[order[i - 1]], x[order[i]]);
            if !self.between_ties && high - low <= self.gap {
                continue;
            }
            let cost = |rows: &[usize]| {
                let y: Vec<f64> = rows.iter().map(|&row| y[row]).collect();
                let w: Vec<f64> = rows.iter().map(|&row| w[row]).collect();
                let weight = if self.unweighted_sides { 1.0 } else { w.iter().sum() };
                weight * Impurity::Gini.of(&y, &w)
            };
            let cost = cost(&order[..i]) + cost(&order[i..]);
            let threshold = if self.at_the_value { low } else { low / 2.0 + high / 2.0 };
            if best.is_none_or(|(least, _)| cost < least - 1e-12) {
                best = Some((cost, threshold));
            }
        }
        best.map(|(_, threshold)| (0, threshold))
    }
}

#[test]
fn traps() {
    let textbook = |x: &Array, y: &[f64], w: &[f64]| {
        split(x, y, w, Impurity::Gini).map(|split| (split.feature, split.threshold))
    };
    assert!(sound(textbook));
    let holds = |search: Search| sound(|x, y, w| search.best(x, y, w));
    assert!(holds(RIGHT));
    let small_gaps_are_lost = Search { gap: 1e-5, ..RIGHT };
    assert!(!holds(small_gaps_are_lost));
    let equal_values_are_cut = Search { between_ties: true, ..RIGHT };
    assert!(!holds(equal_values_are_cut));
    let sides_count_alike = Search { unweighted_sides: true, ..RIGHT };
    assert!(!holds(sides_count_alike));
    let rows_count_alike = Search { unweighted_rows: true, ..RIGHT };
    assert!(!holds(rows_count_alike));
    let threshold_is_a_value = Search { at_the_value: true, ..RIGHT };
    assert!(!holds(threshold_is_a_value));
}

#[test]
fn numbers_and_depth() {
    let x = Array::matrix([[0.0], [1.0], [2.0], [3.0]]);
    let (y, w) = (Array::vector(&[1.0, 1.0, 4.0, 6.0]), Array::vector(&[1.0; 4]));
    let stump = DecisionTree { impurity: Impurity::Variance, max_depth: Some(1) };
    let tree = stump.fit(&x, &y, &w, &mut silent()).unwrap();
    assert_eq!([tree.predict(&[1.5]), tree.predict(&[1.6])], [1.0, 5.0]);
    let leaf = DecisionTree { max_depth: Some(0), ..stump }.fit(&x, &y, &w, &mut silent()).unwrap();
    assert_eq!(leaf, TreeNode::Leaf { value: 3.0 });
}

#[test]
fn mistakes_are_named() {
    let (x, y) = (Array::matrix([[0.0], [1.0]]), Array::vector(&[0.0, 1.0]));
    let fit = |w: &[f64]| DecisionTree::default().fit(&x, &y, &Array::vector(w), &mut silent());
    assert!(fit(&[1.0]).is_err());
    assert!(fit(&[1.0, -1.0]).unwrap_err().to_string().contains("weights are positive"));
    assert!(DecisionTree::default().fit(&x, &Array::vector(&[0.0]), &y, &mut silent()).is_err());
}
