//! Where the time went, and how it ran over the epochs.

use super::{Section, curves::chart};
use crate::{Report, Timing, escape, number};

pub(super) fn section(report: &Report) -> Option<Section> {
    let has_seconds = report.epochs.iter().any(|e| e.seconds.is_some());
    let has_rate = report.epochs.iter().any(|e| e.samples_per_second.is_some());
    if report.timings.is_empty() && !has_seconds && !has_rate {
        return None;
    }
    let mut body = String::new();
    if !report.timings.is_empty() {
        body += &parts(&report.timings);
    }
    if has_seconds || has_rate {
        body += "<div class=\"charts\">\n";
        if has_seconds {
            body += &chart("seconds", "Seconds per epoch", false);
        }
        if has_rate {
            body += &chart("samples_per_second", "Samples per second", false);
        }
        body += "</div>\n";
    }
    Some(Section { id: "timings", title: "Time", body })
}

fn parts(timings: &[Timing]) -> String {
    let countable = |timing: &Timing| if timing.seconds.is_finite() { timing.seconds.max(0.0) } else { 0.0 };
    let total: f64 = timings.iter().map(countable).sum();
    let share = |timing: &Timing| if total > 0.0 { countable(timing) / total } else { 0.0 };

    let bar: String =
        timings.iter().map(|timing| format!("<i style=\"flex-grow:{:.5}\"></i>", share(timing))).collect();
    let mut html = format!(
        "<div class=\"parts\">\n<div class=\"stack\" aria-hidden=\"true\">{bar}</div>\n<table class=\"numbers\">\n\
         <caption class=\"hidden\">Where the time went</caption>\n<thead><tr><th scope=\"col\">Part</th>\
         <th scope=\"col\">Time</th><th scope=\"col\">Share</th></tr></thead>\n<tbody>\n"
    );
    for timing in timings {
        html += &format!(
            "<tr><th scope=\"row\"><i class=\"key\"></i>{}</th><td>{}</td><td>{}</td></tr>\n",
            escape::html(&timing.name),
            number::seconds(timing.seconds),
            number::percent(share(timing), 1)
        );
    }
    html += &format!(
        "</tbody>\n<tfoot><tr><th scope=\"row\">Together</th><td>{}</td><td></td></tr></tfoot>\n</table>\n</div>\n",
        number::seconds(total)
    );
    html
}
