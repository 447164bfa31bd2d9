//! Names and values: the configuration and the machine.

use super::Section;
use crate::{Fact, Report, escape};

pub(super) fn configuration(report: &Report) -> Option<Section> {
    let mut body = table(&report.configuration, "Settings of the run");
    if let Some(file) = &report.configuration_file {
        let open = if report.configuration.is_empty() { " open" } else { "" };
        body += &format!(
            "<details{open}>\n<summary>The settings file</summary>\n<pre tabindex=\"0\"><code>{}</code></pre>\n</details>\n",
            escape::html(file)
        );
    }
    (!body.is_empty()).then_some(Section { id: "configuration", title: "Configuration", body })
}

pub(super) fn environment(report: &Report) -> Option<Section> {
    let body = table(&report.environment, "The machine and the build");
    (!body.is_empty()).then_some(Section { id: "environment", title: "Machine", body })
}

fn table(facts: &[Fact], caption: &str) -> String {
    if facts.is_empty() {
        return String::new();
    }
    let rows: String = facts
        .iter()
        .map(|fact| {
            format!(
                "<tr><th scope=\"row\">{}</th><td>{}</td></tr>\n",
                escape::html(&fact.name),
                escape::html(&fact.value)
            )
        })
        .collect();
    format!(
        "<table class=\"facts-table\">\n<caption class=\"hidden\">{caption}</caption>\n<tbody>\n{rows}</tbody>\n</table>\n"
    )
}
