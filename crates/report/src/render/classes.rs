//! Precision, recall and F1 of every class.

use super::{Section, curves::value_cell};
use crate::{ClassAverages, Report, escape, number};

pub(super) fn section(report: &Report) -> Option<Section> {
    let matrix = report.confusion.as_ref()?;
    let mut body = String::from(
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Scores by class\">\n<table class=\"sortable numbers \
         classes\">\n<caption class=\"hidden\">Precision, recall, F1 and support of every class</caption>\n<thead><tr>\
         <th scope=\"col\">Class</th><th scope=\"col\">Precision</th><th scope=\"col\">Recall</th><th scope=\"col\">F1</th>\
         <th scope=\"col\">Support</th><th scope=\"col\">Predicted</th></tr></thead>\n<tbody>\n",
    );
    let percent = |share| number::percent(share, 2);
    for (name, scores) in matrix.classes().iter().zip(matrix.class_scores()) {
        body += &format!("<tr><th scope=\"row\">{}</th>", escape::html(name));
        body += &value_cell(scores.precision, percent);
        body += &value_cell(scores.recall, percent);
        // The bar makes the weak classes stand out.
        let bar =
            scores.f1.map_or(String::new(), |f1| format!("<td class=\"bar hit\" style=\"--v:{f1:.3}\""));
        let f1 = value_cell(scores.f1, percent);
        body += &if bar.is_empty() { f1 } else { f1.replacen("<td", &bar, 1) };
        for count in [scores.support, scores.predicted] {
            body += &format!("<td data-value=\"{count}\">{}</td>", number::count(count));
        }
        body += "</tr>\n";
    }
    body += "</tbody>\n<tfoot>\n";
    let total = number::count(matrix.total());
    for (name, mean) in
        [("Macro average", matrix.macro_average()), ("Weighted average", matrix.weighted_average())]
    {
        let ClassAverages { precision, recall, f1 } = mean;
        let cells: String = [precision, recall, f1].map(|v| format!("<td>{}</td>", percent(v))).concat();
        body += &format!("<tr><th scope=\"row\">{name}</th>{cells}<td>{total}</td><td>{total}</td></tr>\n");
    }
    body += "</tfoot>\n</table>\n</div>\n";
    if matrix.class_scores().iter().any(|scores| scores.precision.is_none() || scores.recall.is_none()) {
        body += "<p class=\"note\">– marks a score without a denominator: a class never predicted, or without samples. It counts \
                 as zero in the averages.</p>\n";
    }
    Some(Section { id: "classes", title: "Classes", body })
}
