//! Draws the family of the seven sigmoids, scaled to slope 1 at 0 and limits ±1, and the error function as it is often
//! printed, dashed: `cargo run -p barehand-textbook --example sigmoids > crates/nn/src/layers/sigmoids.svg`.

use std::fmt::Write;

use barehand_textbook::{Elementwise, Sigmoid};

/// What is drawn, in the order in which the curves lie at x = 2, and in which colour.
const CURVES: [(Sigmoid, &str, &str); 8] = [
    (Sigmoid::ErfPrinted, "erf(√(π/2) x), slope √2", "#999999"),
    (Sigmoid::Erf, "erf(√π/2 x)", "#d62728"),
    (Sigmoid::Tanh, "tanh x", "#1f77b4"),
    (Sigmoid::Gudermannian, "(2/π) gd(π/2 x)", "#2ca02c"),
    (Sigmoid::Algebraic, "x / √(1 + x²)", "#9467bd"),
    (Sigmoid::Arctangent, "(2/π) atan(π/2 x)", "#ff7f0e"),
    (Sigmoid::Softsign, "x / (1 + |x|)", "#8c564b"),
    (Sigmoid::Logistic, "the logistic function, scaled: tanh x", "#17becf"),
];

const SIZE: [f64; 2] = [640.0, 400.0];
const REACH: f64 = 4.0;

/// Pixels of a point.
fn at(x: f64, y: f64) -> (f64, f64) {
    let [width, height] = SIZE;
    (0.5 * (x / REACH + 1.0) * (width - 20.0) + 10.0, 0.5 * (1.0 - y / 1.1) * (height - 20.0) + 10.0)
}

/// The logistic function from -1 to 1 with slope 1; the others are so already.
fn scaled(curve: Sigmoid, x: f64) -> f64 {
    if curve == Sigmoid::Logistic { 2.0 * curve.value(2.0 * x) - 1.0 } else { curve.value(x) }
}

fn main() -> std::fmt::Result {
    let [width, height] = SIZE;
    let mut svg = String::new();
    writeln!(
        svg,
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" font-family="sans-serif" font-size="13" role="img" aria-label="The family of the seven sigmoids">"#
    )?;
    writeln!(svg, r#"<rect width="{width}" height="{height}" fill="white"/>"#)?;
    for (from, to) in [((-REACH, 0.0), (REACH, 0.0)), ((0.0, -1.1), (0.0, 1.1))] {
        let ((x1, y1), (x2, y2)) = (at(from.0, from.1), at(to.0, to.1));
        writeln!(svg, r#"<line x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}" stroke="black"/>"#)?;
    }
    for level in [-1.0, 1.0] {
        let ((x1, y1), (x2, _)) = (at(-REACH, level), at(REACH, level));
        writeln!(svg, r##"<line x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y1:.1}" stroke="#ccc"/>"##)?;
    }
    for (i, (curve, name, colour)) in CURVES.into_iter().enumerate() {
        let dashes = if curve == Sigmoid::ErfPrinted { r#" stroke-dasharray="5 4""# } else { "" };
        // The scaled logistic function is the hyperbolic tangent: dots on it.
        let dashes = if curve == Sigmoid::Logistic { r#" stroke-dasharray="2 8""# } else { dashes };
        let points: Vec<String> = (0..=160)
            .map(|i| REACH * (f64::from(i) / 80.0 - 1.0))
            .map(|x| at(x, scaled(curve, x)))
            .map(|(x, y)| format!("{x:.1},{y:.1}"))
            .collect();
        writeln!(
            svg,
            r#"<polyline points="{}" fill="none" stroke="{colour}" stroke-width="2"{dashes}/>"#,
            points.join(" ")
        )?;
        let y = 230.0 + 18.0 * i as f64;
        let x = width / 2.0 + 20.0;
        writeln!(
            svg,
            r#"<line x1="{x}" y1="{y}" x2="{}" y2="{y}" stroke="{colour}" stroke-width="2"{dashes}/>"#,
            x + 24.0
        )?;
        writeln!(svg, r#"<text x="{}" y="{}" fill="black">{name}</text>"#, x + 30.0, y + 4.0)?;
    }
    writeln!(svg, "</svg>")?;
    print!("{svg}");
    Ok(())
}
