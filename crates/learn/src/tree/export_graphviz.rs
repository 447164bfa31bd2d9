//! A tree as a drawing, in Graphviz's DOT language.

use std::fmt::Write;

use barehand_tensor::Result;

use super::decision_tree_classifier::argmax;
use super::export_text::check_names;
use super::structure::Tree;

/// How [`export_graphviz`] draws; scikit-learn's options.
#[derive(Clone, Debug, PartialEq)]
pub struct Graphviz {
    /// What the impurity is called: `gini`, `squared_error`.
    pub criterion: String,
    /// Nodes below are drawn as `(...)`.
    pub max_depth: Option<usize>,
    /// Names of the features; `x[0]`, ... where there are none.
    pub feature_names: Vec<String>,
    /// Names of the classes, for trees of one output.
    pub class_names: Vec<String>,
    /// Names classes `y[0]`, ... where there are no names.
    pub symbolic_class_names: bool,
    /// Where numbers have their names beside them: `all`, `root` or `none`.
    pub label: String,
    /// Colours nodes by their largest class, or their value.
    pub filled: bool,
    /// Draws all leaves at the bottom.
    pub leaves_parallel: bool,
    /// Shows the impurity.
    pub impurity: bool,
    /// Shows the number of each node.
    pub node_ids: bool,
    /// Shows shares in place of counts.
    pub proportion: bool,
    /// Draws from left to right.
    pub rotate: bool,
    /// Rounds the corners.
    pub rounded: bool,
    /// Uses special characters, as HTML.
    pub special_characters: bool,
    /// Digits after the point.
    pub precision: usize,
    /// Name of the font.
    pub fontname: String,
}

impl Default for Graphviz {
    fn default() -> Self {
        Graphviz {
            criterion: "impurity".into(),
            max_depth: None,
            feature_names: Vec::new(),
            class_names: Vec::new(),
            symbolic_class_names: false,
            label: "all".into(),
            filled: false,
            leaves_parallel: false,
            impurity: true,
            node_ids: false,
            proportion: false,
            rotate: false,
            rounded: false,
            special_characters: false,
            precision: 3,
            fontname: "helvetica".into(),
        }
    }
}

/// The tree in DOT, which `dot -Tsvg` draws; scikit-learn's `export_graphviz`.
///
/// # Errors
/// Names of another number than there are features.
pub fn export_graphviz(tree: &Tree, options: &Graphviz) -> Result<String> {
    check_names("feature_names", options.feature_names.len(), tree.extent().features)?;
    let mut drawing = Drawing { tree, options, colors: Colors::of(tree), out: String::new() };
    drawing.head();
    let ranks = drawing.nodes();
    if options.leaves_parallel {
        for (_, nodes) in ranks {
            let _ = writeln!(drawing.out, "{{rank=same ; {}}} ;", nodes.join("; "));
        }
    }
    drawing.out.push('}');
    Ok(drawing.out)
}

/// `str()` of a number in Python.
fn python(value: f64) -> String {
    if value.is_infinite() {
        return if value > 0.0 { "inf".into() } else { "-inf".into() };
    }
    let (plain, power) = (format!("{value:?}"), value.abs());
    if power != 0.0 && !(1e-4..1e16).contains(&power) {
        let short = format!("{value:e}");
        let (digits, exponent) = short.split_once('e').unwrap_or((&short, "0"));
        let sign = if exponent.starts_with('-') { '-' } else { '+' };
        return format!("{digits}e{sign}{:0>2}", exponent.trim_start_matches('-'));
    }
    plain
}

/// `round(value, digits)` in Python: the nearest decimal.
fn round(value: f64, digits: usize) -> f64 {
    format!("{value:.digits$}").parse().unwrap_or(value)
}

/// `numpy.around`, which scales, rounds half to even and scales back.
fn around(value: f64, digits: usize) -> f64 {
    let scale = 10f64.powi(digits as i32);
    (value * scale).round_ties_even() / scale
}

struct Drawing<'a> {
    tree: &'a Tree,
    options: &'a Graphviz,
    colors: Colors,
    out: String,
}

impl Drawing<'_> {
    fn head(&mut self) {
        let options = self.options;
        self.out.push_str("digraph Tree {\nnode [shape=box");
        let style: Vec<&str> = [(options.filled, "filled"), (options.rounded, "rounded")]
            .iter()
            .filter_map(|&(set, name)| set.then_some(name))
            .collect();
        if !style.is_empty() {
            let _ = write!(self.out, ", style=\"{}\", color=\"black\"", style.join(", "));
        }
        let _ = writeln!(self.out, ", fontname=\"{}\"] ;", options.fontname);
        if options.leaves_parallel {
            self.out.push_str("graph [ranksep=equally, splines=polyline] ;\n");
        }
        let _ = writeln!(self.out, "edge [fontname=\"{}\"] ;", options.fontname);
        if options.rotate {
            self.out.push_str("rankdir=LR ;\n");
        }
    }

    /// Draws every node; which stand at the same depth, by the names of the depths.
    fn nodes(&mut self) -> std::collections::BTreeMap<String, Vec<String>> {
        let (tree, options) = (self.tree, self.options);
        let mut ranks = std::collections::BTreeMap::from([("leaves".to_owned(), Vec::new())]);
        let mut stack = vec![(0usize, None::<usize>, 0usize)];
        while let Some((node, parent, depth)) = stack.pop() {
            let (left, right) = (tree.children_left()[node], tree.children_right()[node]);
            let cropped = options.max_depth.is_some_and(|most| depth > most);
            let rank = if cropped || left < 0 { "leaves".to_owned() } else { depth.to_string() };
            ranks.entry(rank).or_default().push(node.to_string());
            let label = if cropped { "\"(...)\"".to_owned() } else { self.label(node) };
            let _ = write!(self.out, "{node} [label={label}");
            if options.filled {
                let color = if cropped { "#C0C0C0".to_owned() } else { self.colors.of_node(tree, node) };
                let _ = write!(self.out, ", fillcolor=\"{color}\"");
            }
            self.out.push_str("] ;\n");
            if let Some(parent) = parent {
                let _ = write!(self.out, "{parent} -> {node}");
                if parent == 0 && !cropped {
                    let (angle, answer) = if node == 1 { (45, "True") } else { (-45, "False") };
                    let angle = if options.rotate { -angle } else { angle };
                    let _ =
                        write!(self.out, " [labeldistance=2.5, labelangle={angle}, headlabel=\"{answer}\"]");
                }
                self.out.push_str(" ;\n");
            }
            if left >= 0 && !cropped {
                stack.push((right as usize, Some(node), depth + 1));
                stack.push((left as usize, Some(node), depth + 1));
            }
        }
        ranks
    }

    fn label(&self, node: usize) -> String {
        let (tree, options) = (self.tree, self.options);
        let [number, open, close, at_most, line, end, start] = if options.special_characters {
            ["&#35;", "<SUB>", "</SUB>", "&le;", "<br/>", ">", "<"]
        } else {
            ["#", "[", "]", "<=", "\\n", "\"", "\""]
        };
        let named = options.label == "all" || options.label == "root" && node == 0;
        let name = |text: &'static str| if named { text } else { "" };
        let escape = |text: &str| text.replace('"', "\\\"");
        let mut lines = Vec::new();
        if options.node_ids {
            lines.push(format!("{}{number}{node}", name("node ")));
        }
        if tree.children_left()[node] >= 0 {
            let feature = tree.feature()[node] as usize;
            let feature = match options.feature_names.get(feature) {
                Some(name) => escape(name),
                None => format!("x{open}{feature}{close}"),
            };
            lines.push(match tree.categories(node) {
                Some(codes) => format!("{feature} in {codes:?}"),
                None => {
                    let threshold = round(tree.threshold()[node], options.precision);
                    format!("{feature} {at_most} {}", python(threshold))
                }
            });
        }
        if options.impurity {
            let impurity = python(round(tree.impurity()[node], options.precision));
            let criterion = if named { format!("{} = ", options.criterion) } else { String::new() };
            lines.push(format!("{criterion}{impurity}"));
        }
        let samples = tree.n_node_samples()[node];
        let samples = if options.proportion {
            let percent = 100.0 * samples as f64 / tree.n_node_samples()[0] as f64;
            format!("{}%", python(round(percent, 1)))
        } else {
            samples.to_string()
        };
        lines.push(format!("{}{samples}", name("samples = ")));
        lines.push(format!("{}{}", name("value = "), self.value(node).replace('\n', line)));
        if let Some(class) = self.class(node, open, close) {
            lines.push(format!("{}{class}", name("class = ")));
        }
        format!("{start}{}{end}", lines.join(line))
    }

    fn value(&self, node: usize) -> String {
        let (extent, precision) = (self.tree.extent(), self.options.precision);
        let mut values = self.tree.value_of(node).to_vec();
        let counts = !self.options.proportion && extent.classes[0] != 1;
        if counts {
            let weight = self.tree.weighted_n_node_samples()[node];
            for share in &mut values {
                *share *= weight;
            }
        }
        let whole = counts && values.iter().all(|value| value.fract() == 0.0);
        let shown = |value: &f64| {
            if whole { format!("{value:.0}") } else { python(around(*value, precision)) }
        };
        if extent.width() == 1 {
            return shown(&values[0]);
        }
        let rows: Vec<String> = values
            .chunks_exact(extent.max_classes())
            .map(|row| format!("[{}]", row.iter().map(shown).collect::<Vec<_>>().join(", ")))
            .collect();
        if extent.outputs() == 1 { rows.concat() } else { format!("[{}]", rows.join("\n")) }
    }

    fn class(&self, node: usize, open: &str, close: &str) -> Option<String> {
        let (extent, options) = (self.tree.extent(), self.options);
        if extent.classes[0] == 1 || extent.outputs() != 1 {
            return None;
        }
        let class = argmax(self.tree.value_of(node));
        match options.class_names.get(class) {
            Some(name) => Some(name.replace('"', "\\\"")),
            None => options.symbolic_class_names.then(|| format!("y{open}{class}{close}")),
        }
    }
}

/// A hue for each class, or one hue between two bounds.
struct Colors {
    hues: Vec<[f64; 3]>,
    bounds: Option<(f64, f64)>,
}

impl Colors {
    fn of(tree: &Tree) -> Colors {
        let extent = tree.extent();
        let count = extent.classes[0];
        // Equally spaced hues of saturation 0.75 and value 0.9.
        let (chroma, shift) = (0.675, 0.225);
        let hues = (0..count)
            .map(|i| {
                let hue = (25.0 + 360.0 * i as f64 / count as f64).trunc() / 60.0;
                let x = chroma * (1.0 - (hue % 2.0 - 1.0).abs());
                let order = match hue as usize {
                    1 => [x, chroma, 0.0],
                    2 => [0.0, chroma, x],
                    3 => [0.0, x, chroma],
                    4 => [x, 0.0, chroma],
                    5 => [chroma, 0.0, x],
                    _ => [chroma, x, 0.0],
                };
                order.map(|part| (255.0 * (part + shift)).trunc())
            })
            .collect();
        let least_and_most = |values: &mut dyn Iterator<Item = f64>| {
            values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)))
        };
        let bounds = if extent.outputs() != 1 {
            Some(least_and_most(&mut tree.impurity().iter().map(|impurity| -impurity)))
        } else if count == 1 {
            let bounds = least_and_most(&mut tree.value().iter().copied());
            Some(bounds).filter(|(low, high)| low != high)
        } else {
            None
        };
        Colors { hues, bounds }
    }

    fn of_node(&self, tree: &Tree, node: usize) -> String {
        let value = tree.value_of(node);
        let (hue, strength) = match self.bounds {
            None => {
                let mut sorted = value.to_vec();
                sorted.sort_by(|a, b| b.total_cmp(a));
                let strength = match sorted[..] {
                    [first, second, ..] => (first - second) / (1.0 - second),
                    _ => 0.0,
                };
                (self.hues[argmax(value)], strength)
            }
            Some((low, high)) => {
                let value = if tree.extent().outputs() == 1 { value[0] } else { -tree.impurity()[node] };
                (self.hues[0], (value - low) / (high - low))
            }
        };
        let [r, g, b] = hue.map(|part| (strength * part + (1.0 - strength) * 255.0).round_ties_even() as u8);
        format!("#{r:02x}{g:02x}{b:02x}")
    }
}
