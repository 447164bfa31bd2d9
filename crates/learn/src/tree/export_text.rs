//! A tree's rules as text.

use std::fmt::Write;

use barehand_tensor::{Error, Result};

use super::decision_tree_classifier::argmax;
use super::structure::Tree;

/// How [`export_text`] writes.
#[derive(Clone, Debug, PartialEq)]
pub struct ExportText {
    /// Names of the features; `feature_0`, ... where there are none.
    pub feature_names: Vec<String>,
    /// Names of the classes; their positions where there are none.
    pub class_names: Vec<String>,
    /// Deeper branches are cut off.
    pub max_depth: usize,
    /// Spaces between edges.
    pub spacing: usize,
    /// Digits after the point.
    pub decimals: usize,
    /// Whether leaves show the weight of each class.
    pub show_weights: bool,
    /// Whether the tree tells classes apart.
    pub classifier: bool,
}

impl Default for ExportText {
    fn default() -> Self {
        ExportText {
            feature_names: Vec::new(),
            class_names: Vec::new(),
            max_depth: 10,
            spacing: 3,
            decimals: 2,
            show_weights: false,
            classifier: true,
        }
    }
}

/// The rules of a tree, a line for each branch; scikit-learn's `export_text`.
///
/// ```
/// use barehand_learn::tree::{DecisionTreeClassifier, ExportText, export_text};
/// use barehand_tensor::Tensor;
///
/// let x = Tensor::from([[0.0f32], [1.0], [2.0], [3.0]]);
/// let model = DecisionTreeClassifier::new().fit(&x, &Tensor::from([0i64, 0, 1, 1]))?;
/// let text = export_text(model.tree(), &ExportText { feature_names: vec!["width".into()], ..ExportText::default() })?;
/// assert_eq!(text, "|--- width <= 1.50\n|   |--- class: 0\n|--- width >  1.50\n|   |--- class: 1\n");
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
///
/// # Errors
/// Names of another number than there are features or classes.
pub fn export_text(tree: &Tree, options: &ExportText) -> Result<String> {
    let extent = tree.extent();
    check_names("feature_names", options.feature_names.len(), extent.features)?;
    if options.classifier && extent.outputs() == 1 {
        check_names("class_names", options.class_names.len(), extent.classes[0])?;
    }
    let mut text = String::new();
    let mut stack = vec![(0usize, 1usize, None::<String>)];
    while let Some((node, depth, line)) = stack.pop() {
        if let Some(line) = line {
            text.push_str(&line);
        }
        let (left, right) = (tree.children_left()[node], tree.children_right()[node]);
        let spaces = " ".repeat(options.spacing);
        let indent = format!("|{spaces}").repeat(depth - 1) + "|" + &"-".repeat(options.spacing);
        if left < 0 || depth > options.max_depth + 1 {
            let below = deepest(tree, node);
            if below == 1 {
                text.push_str(&leaf(tree, node, options, &indent));
            } else {
                let _ = writeln!(text, "{indent} truncated branch of depth {below}");
            }
            continue;
        }
        let feature = tree.feature()[node] as usize;
        let name = match options.feature_names.get(feature) {
            Some(name) => name.clone(),
            None => format!("feature_{feature}"),
        };
        let (yes, no) = match tree.categories(node) {
            Some(codes) => (format!("{name} in {codes:?}"), format!("{name} not in {codes:?}")),
            None => {
                let threshold = fixed(tree.threshold()[node], options.decimals);
                (format!("{name} <= {threshold}"), format!("{name} >  {threshold}"))
            }
        };
        let _ = writeln!(text, "{indent} {yes}");
        stack.push((right as usize, depth + 1, Some(format!("{indent} {no}\n"))));
        stack.push((left as usize, depth + 1, None));
    }
    Ok(text)
}

pub(super) fn check_names(what: &str, found: usize, expected: usize) -> Result<()> {
    if found == 0 || found == expected {
        return Ok(());
    }
    Err(Error::value("export", format!("{what} must contain {expected} elements, got {found}")))
}

fn fixed(value: f64, decimals: usize) -> String {
    if value.is_infinite() {
        if value > 0.0 { "inf".into() } else { "-inf".into() }
    } else {
        format!("{value:.decimals$}")
    }
}

/// Levels of the subtree.
fn deepest(tree: &Tree, node: usize) -> usize {
    let (mut deepest, mut stack) = (1, vec![(node, 1)]);
    while let Some((node, depth)) = stack.pop() {
        deepest = deepest.max(depth);
        if tree.children_left()[node] >= 0 {
            stack.push((tree.children_left()[node] as usize, depth + 1));
            stack.push((tree.children_right()[node] as usize, depth + 1));
        }
    }
    deepest
}

fn leaf(tree: &Tree, node: usize, options: &ExportText, indent: &str) -> String {
    let extent = tree.extent();
    let all = tree.value_of(node);
    // Of several outputs the first class of each, or each value.
    let value: Vec<f64> = match extent.outputs() {
        1 => all.to_vec(),
        _ => all.iter().step_by(extent.max_classes()).copied().collect(),
    };
    let list = |factor: f64| {
        let shown: Vec<String> = value.iter().map(|share| fixed(share * factor, options.decimals)).collect();
        format!("[{}]", shown.join(", "))
    };
    if !options.classifier {
        return format!("{indent} value: {}\n", list(1.0));
    }
    let class = argmax(&value);
    let name = match options.class_names.get(class).filter(|_| extent.outputs() == 1) {
        Some(name) => name.clone(),
        None => class.to_string(),
    };
    if options.show_weights {
        let weights = list(tree.weighted_n_node_samples()[node]);
        return format!("{indent} weights: {weights} class: {name}\n");
    }
    format!("{indent} class: {name}\n")
}
