//! The worst mistakes, with their pictures.

use super::Section;
use crate::{Mistake, Report, escape, number};

/// A picture no larger than this is enlarged pixel by pixel: smoothing would invent what the model never saw.
const SMALL: usize = 96;

pub(super) fn section(report: &Report) -> Option<Section> {
    if report.mistakes.is_empty() {
        return None;
    }
    let mut mistakes: Vec<&Mistake> = report.mistakes.iter().collect();
    // By falling loss; a loss that is no number is the worst of all.
    let rank = |mistake: &Mistake| if mistake.loss.is_nan() { f64::INFINITY } else { mistake.loss };
    mistakes.sort_by(|a, b| rank(b).total_cmp(&rank(a)));

    let mut body = String::from(
        "<p class=\"lead\">Highest loss first. Struck out is what the model chose, with the probability it gave to it.</p>\n\
         <ol class=\"mistakes\">\n",
    );
    for mistake in mistakes {
        body += &card(report, mistake);
    }
    body += "</ol>\n";
    Some(Section { id: "mistakes", title: "Worst mistakes", body })
}

fn card(report: &Report, mistake: &Mistake) -> String {
    let picture = &mistake.image;
    let small = if picture.width().max(picture.height()) <= SMALL { " class=\"pixels\"" } else { "" };
    let truth = report.class_name(mistake.true_class);
    let choice = report.class_name(mistake.predicted_class);
    let (truth, choice) = (escape::html(&truth), escape::html(&choice));
    format!(
        "<li><figure><img{small} src=\"{}\" width=\"{}\" height=\"{}\" alt=\"A sample of class {truth}, taken for {choice}\">\
         <figcaption><span class=\"choice\"><s>{choice}</s></span><span class=\"truth\">is {truth}</span>\
         <span class=\"odds\">{} · loss {}</span></figcaption></figure></li>\n",
        picture.data_address(),
        picture.width(),
        picture.height(),
        number::percent(mistake.probability, 1),
        number::real(mistake.loss)
    )
}
