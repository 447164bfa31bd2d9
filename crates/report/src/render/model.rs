//! The model, layer by layer.

use super::Section;
use crate::{Report, escape, number};

pub(super) fn section(report: &Report) -> Option<Section> {
    if report.model.is_empty() {
        return None;
    }
    let total = report.parameters();
    let mut body = String::from(
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Model\">\n<table class=\"model\">\n<caption \
         class=\"hidden\">Layers, shapes of their outputs and numbers of parameters</caption>\n<thead><tr>\
         <th scope=\"col\">Layer</th><th scope=\"col\">Kind</th><th scope=\"col\">Output shape</th>\
         <th scope=\"col\" class=\"number\">Parameters</th></tr></thead>\n<tbody>\n",
    );
    for layer in &report.model {
        let share = if total > 0 { layer.parameters as f64 / total as f64 } else { 0.0 };
        body += &format!(
            "<tr><th scope=\"row\"><code>{}</code></th><td>{}</td><td>{}</td><td class=\"number bar hit\" \
             style=\"--v:{share:.3}\">{}</td></tr>\n",
            escape::html(&layer.name),
            escape::html(&layer.kind),
            escape::html(&layer.output_shape),
            number::count(layer.parameters)
        );
    }
    body += &format!(
        "</tbody>\n<tfoot><tr><th scope=\"row\">Together</th><td></td><td></td><td class=\"number\">{}</td></tr></tfoot>\n\
         </table>\n</div>\n",
        number::count(total)
    );
    Some(Section { id: "model", title: "Model", body })
}
