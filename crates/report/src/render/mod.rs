//! The page from the report: the frame of `assets/report.html`, and one file for each of its sections.

// A page is made once a run; markup that reads as it will stand counts more than a few allocations.
#![allow(clippy::format_push_string, clippy::format_collect)]

mod classes;
mod confusion;
mod curves;
mod facts;
mod headline;
mod mistakes;
mod model;
mod timings;

use crate::{Report, escape};

const PAGE: &str = include_str!("../../assets/report.html");
const STYLE: &str = include_str!("../../assets/report.css");
/// The script, one file for each thing the page can do.
const SCRIPT: [&str; 3] = [
    include_str!("../../assets/chart.js"),
    include_str!("../../assets/matrix.js"),
    include_str!("../../assets/page.js"),
];

/// A part of the page under a heading; the navigation links to it.
struct Section {
    id: &'static str,
    title: &'static str,
    body: String,
}

impl Report {
    /// The page: one self-contained HTML text.
    pub fn to_html(&self) -> String {
        let sections: Vec<Section> = [
            curves::section(self),
            confusion::section(self),
            classes::section(self),
            mistakes::section(self),
            timings::section(self),
            model::section(self),
            facts::configuration(self),
            facts::environment(self),
        ]
        .into_iter()
        .flatten()
        .collect();

        fill(PAGE, |slot| match slot {
            "title" => escape::html(self.title()).into_owned(),
            "style" => STYLE.trim_end().into(),
            "navigation" => {
                sections.iter().map(|s| format!("<a href=\"#{}\">{}</a>", s.id, s.title)).collect()
            }
            "headline" => headline::headline(self),
            "sections" => sections.iter().map(Section::html).collect(),
            "data" => curves::data(self),
            "script" => SCRIPT.join("\n"),
            unknown => unreachable!("the page has no slot {unknown}"),
        })
    }

    fn title(&self) -> &str {
        if self.title.trim().is_empty() { "Training report" } else { &self.title }
    }

    /// Parameters of all layers.
    fn parameters(&self) -> u64 {
        self.model.iter().fold(0, |total, layer| total.saturating_add(layer.parameters))
    }

    /// The name of a class, or its number where the report has no name for it.
    fn class_name(&self, class: usize) -> String {
        let names = self.confusion.as_ref().map_or(&[][..], |matrix| matrix.classes());
        names.get(class).cloned().unwrap_or_else(|| class.to_string())
    }
}

impl Section {
    fn html(&self) -> String {
        let Section { id, title, body } = self;
        format!(
            "<section id=\"{id}\" aria-labelledby=\"{id}-title\">\n<h2 id=\"{id}-title\">{title}</h2>\n{body}</section>\n\n"
        )
    }
}

/// Replaces every `{{slot}}` of `template` in one pass: what is put in is never searched again.
fn fill(template: &str, value: impl Fn(&str) -> String) -> String {
    let mut page = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        let (slot, after) = after.split_once("}}").expect("the template closes its slots");
        page.push_str(before);
        page.push_str(&value(slot));
        rest = after;
    }
    page + rest
}
