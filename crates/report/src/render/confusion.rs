//! The confusion matrix as a heat map, and the pairs most often confused.

use super::Section;
use crate::{ConfusionMatrix, Report, escape, number};

/// A matrix of up to this many classes shows count and percentage in every cell.
const ROOMY: usize = 15;
/// Up to this many, the count alone; beyond, colour alone, and the reading below the pointer.
const LEGIBLE: usize = 30;
/// Beyond this many a matrix is no longer a picture: the pairs below say more.
const MOST: usize = 200;

pub(super) fn section(report: &Report) -> Option<Section> {
    let matrix = report.confusion.as_ref()?;
    let (total, correct) = (matrix.total(), matrix.correct());
    let share = if total > 0 { number::percent(correct as f64 / total as f64, 2) } else { "–".into() };
    let mut body = format!(
        "<p class=\"lead\">{} of {} samples on the diagonal ({share}). Rows are true classes, columns what the model chose; \
         percentages are shares of the row.</p>\n",
        number::count(correct),
        number::count(total)
    );
    body += "<div class=\"side-by-side\">\n";
    if matrix.classes().len() <= MOST {
        body += &table(matrix);
    } else {
        body += &format!(
            "<p class=\"note\">A matrix of {} classes is too large to read; these are its most frequent mistakes.</p>\n",
            number::count(matrix.classes().len() as u64)
        );
    }
    body += &most_confused(matrix);
    body += "</div>\n";
    Some(Section { id: "confusion", title: "Confusion matrix", body })
}

fn table(matrix: &ConfusionMatrix) -> String {
    let classes = matrix.classes();
    let size = match classes.len() {
        n if n <= ROOMY => "roomy",
        n if n <= LEGIBLE => "legible",
        _ => "dense",
    };
    let longest = classes.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    let upright = if longest > 5 && size != "dense" { " upright" } else { "" };

    let mut html = format!(
        "<div class=\"matrix-frame\">\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Confusion matrix; arrow \
         keys read the cells\">\n<table class=\"matrix {size}{upright}\">\n<caption class=\"hidden\">Samples by true class (rows) \
         and predicted class (columns)</caption>\n<thead>\n<tr><td></td><th colspan=\"{}\" scope=\"colgroup\" \
         class=\"axis\">Predicted class</th></tr>\n<tr><th scope=\"col\" class=\"axis\">True class</th>",
        classes.len()
    );
    for name in classes {
        html += &format!("<th scope=\"col\"><span>{}</span></th>", escape::html(name));
    }
    html += "</tr>\n</thead>\n<tbody>\n";
    for (t, row) in matrix.counts().iter().enumerate() {
        let support: u64 = row.iter().sum();
        html += &format!("<tr><th scope=\"row\"><span>{}</span></th>", escape::html(&classes[t]));
        for (p, &count) in row.iter().enumerate() {
            html += &cell(count, support, t == p, size);
        }
        html += "</tr>\n";
    }
    html += "</tbody>\n</table>\n</div>\n<p class=\"readout needs-script\" aria-live=\"polite\">Point at a cell to read it.</p>\n";
    html += "<p class=\"scale\" aria-hidden=\"true\"><span>correct</span><i class=\"ramp hit\"></i><span>wrong</span>\
             <i class=\"ramp miss\"></i><span class=\"hint\">0 to 100% of the row, mistakes on a square-root scale</span></p>\n</div>\n";
    html
}

fn cell(count: u64, support: u64, diagonal: bool, size: &str) -> String {
    if count == 0 {
        // Most cells of a good model: kept short, and calm.
        return if size == "dense" { "<td></td>".into() } else { "<td>0</td>".into() };
    }
    let share = count as f64 / support as f64;
    // One mistake in a hundred must be visible, so mistakes go by the square root.
    let shade = if diagonal { share } else { share.sqrt() };
    let mut class = String::from(if diagonal { "hit" } else { "miss" });
    // Where the text must change sides: at 0.6 on dark pages, at 0.75 on light ones.
    if shade >= 0.75 {
        class += " full";
    } else if shade >= 0.6 {
        class += " strong";
    }
    let text = match size {
        "roomy" => format!("{}<small>{}</small>", number::count(count), number::percent(share, 1)),
        "legible" => number::count(count),
        _ => String::new(),
    };
    format!("<td class=\"{class}\" style=\"--v:{shade:.3}\">{text}</td>")
}

fn most_confused(matrix: &ConfusionMatrix) -> String {
    let pairs = matrix.top_confusions(10);
    if pairs.is_empty() {
        return "<p class=\"note\">No sample was confused.</p>\n".into();
    }
    let most = pairs[0].2 as f64;
    let mut html = String::from(
        "<div class=\"pairs\">\n<table>\n<caption>Most frequent mistakes</caption>\n<thead><tr><th scope=\"col\">True class</th>\
         <th scope=\"col\">Taken for</th><th scope=\"col\" class=\"number\">Count</th><th scope=\"col\" class=\"number\">Share</th></tr></thead>\n<tbody>\n",
    );
    for (t, p, count) in pairs {
        let support: u64 = matrix.counts()[t].iter().sum();
        html += &format!(
            "<tr><td>{}</td><td>{}</td><td class=\"number bar miss\" style=\"--v:{:.3}\">{}</td><td class=\"number\">{}</td></tr>\n",
            escape::html(&matrix.classes()[t]),
            escape::html(&matrix.classes()[p]),
            count as f64 / most,
            number::count(count),
            number::percent(count as f64 / support as f64, 2)
        );
    }
    html + "</tbody>\n</table>\n</div>\n"
}
