//! What one wants to know first: the final scores, and the run in one line.

use crate::{Report, Score, Unit, escape, number};

pub(super) fn headline(report: &Report) -> String {
    let mut html = format!("<h1>{}</h1>\n", escape::html(report.title()));
    if !report.summary.is_empty() {
        html += &format!("<p class=\"summary\">{}</p>\n", escape::html(&report.summary));
    }
    let facts = in_one_line(report);
    if !facts.is_empty() {
        let items: String = facts.iter().map(|fact| format!("<li>{}</li>", escape::html(fact))).collect();
        html += &format!("<ul class=\"facts\">{items}</ul>\n");
    }
    if !report.scores.is_empty() {
        let tiles: String = report.scores.iter().map(tile).collect();
        html += &format!("<dl class=\"scores\">{tiles}</dl>\n");
    }
    if let Some(warning) = non_finite_losses(report) {
        html += &format!("<p class=\"warning\" role=\"note\">{}</p>\n", escape::html(&warning));
    }
    html
}

fn tile(score: &Score) -> String {
    let value = match score.unit {
        Unit::Share => number::percent(score.value, 2),
        Unit::Number => number::real(score.value),
        Unit::Seconds => number::seconds(score.value),
    };
    // Units are set smaller than digits.
    let set = match value.strip_suffix('%') {
        Some(digits) => format!("{digits}<span class=\"unit\">%</span>"),
        None => value
            .split(' ')
            .map(|word| {
                if word.chars().all(char::is_alphabetic) {
                    format!("<span class=\"unit\">{word}</span>")
                } else {
                    word.into()
                }
            })
            .collect::<Vec<_>>()
            .join(" "),
    };
    format!("<div><dt>{}</dt><dd>{set}</dd></div>", escape::html(&score.name))
}

fn in_one_line(report: &Report) -> Vec<String> {
    let mut facts = Vec::new();
    if !report.created.is_empty() {
        facts.push(report.created.clone());
    }
    if !report.epochs.is_empty() {
        let plural = if report.epochs.len() == 1 { "" } else { "s" };
        facts.push(format!("{} epoch{plural}", number::count(report.epochs.len() as u64)));
    }
    let seconds: f64 = report.epochs.iter().filter_map(|epoch| epoch.seconds).filter(|s| s.is_finite()).sum();
    if seconds > 0.0 {
        facts.push(format!("trained in {}", number::seconds(seconds)));
    }
    let parameters = report.parameters();
    if parameters > 0 {
        facts.push(format!("{} parameters", number::count(parameters)));
    }
    facts
}

fn non_finite_losses(report: &Report) -> Option<String> {
    let is_bad = |epoch: &&crate::Epoch| {
        !epoch.train_loss.is_finite() || epoch.validation_loss.is_some_and(|loss| !loss.is_finite())
    };
    let bad = report.epochs.iter().filter(is_bad).count();
    if let Some(first) = report.epochs.iter().find(is_bad) {
        return Some(format!(
            "The loss was not a finite number in {} of {} epochs, first in epoch {}. The curves have gaps there.",
            number::count(bad as u64),
            number::count(report.epochs.len() as u64),
            first.epoch
        ));
    }
    let first = report.steps.iter().find(|step| !step.loss.is_finite())?;
    Some(format!("The loss was not a finite number in step {}. The curve has gaps there.", first.step))
}
