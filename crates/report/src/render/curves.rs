//! Loss, accuracy and learning rate over the run: the charts' frames, their data, and the table of epochs.

use serde_json::{Value, json};

use super::Section;
use crate::{Epoch, Report, Step, escape, number};

/// More points than this a chart of a thousand pixels cannot show.
const MOST_STEPS: usize = 4000;

pub(super) fn section(report: &Report) -> Option<Section> {
    if report.epochs.is_empty() && report.steps.is_empty() {
        return None;
    }
    let epochs = &report.epochs;
    let steps = &report.steps;
    let has_accuracy = epochs.iter().any(|e| e.train_accuracy.is_some() || e.validation_accuracy.is_some())
        || steps.iter().any(|s| s.accuracy.is_some());
    let has_rate =
        epochs.iter().any(|e| e.learning_rate.is_some()) || steps.iter().any(|s| s.learning_rate.is_some());

    let mut body = controls(report);
    body += "<div class=\"charts\">\n";
    body += &chart("loss", "Loss", true);
    if has_accuracy {
        body += &chart("accuracy", "Accuracy", false);
    }
    if has_rate {
        body += &chart("learning_rate", "Learning rate", true);
    }
    body += "</div>\n";
    let block = steps_per_point(steps);
    if block > 1 {
        body += &format!(
            "<p class=\"note needs-script\">By step, each point is the mean of {block} steps.</p>\n"
        );
    }
    body += &table(epochs);
    Some(Section { id: "curves", title: "Curves", body })
}

/// The frame of a chart; the script draws into it.
pub(super) fn chart(name: &str, title: &str, scale: bool) -> String {
    let scale = if scale {
        format!(
            "<span class=\"switch\" role=\"group\" aria-label=\"{title}: vertical scale\">\
             <button type=\"button\" data-scale=\"linear\" aria-pressed=\"true\">linear</button>\
             <button type=\"button\" data-scale=\"log\" aria-pressed=\"false\">log</button></span>"
        )
    } else {
        String::new()
    };
    format!(
        "<figure class=\"chart\" data-chart=\"{name}\">\n<figcaption><h3>{title}</h3>{scale}</figcaption>\n\
         <div class=\"legend\"></div>\n<div class=\"plot\"></div>\n\
         <p class=\"hidden\" aria-live=\"polite\"></p>\n</figure>\n"
    )
}

fn controls(report: &Report) -> String {
    let mut html = String::from("<div class=\"controls needs-script\">\n");
    if !report.epochs.is_empty() && !report.steps.is_empty() {
        html += "<span class=\"switch\" role=\"group\" aria-label=\"Horizontal axis\">\
                 <button type=\"button\" data-axis=\"epoch\" aria-pressed=\"true\">by epoch</button>\
                 <button type=\"button\" data-axis=\"step\" aria-pressed=\"false\">by step</button></span>\n";
    }
    if !report.steps.is_empty() {
        html += "<label class=\"smoothing\">Smoothing <input type=\"range\" min=\"0\" max=\"0.99\" step=\"0.01\" \
                 value=\"0.9\"> <output>0.90</output></label>\n";
    }
    html += "<span class=\"hint\">Drag to zoom, double-click to see all.</span>\n\
             <button type=\"button\" class=\"reset\" hidden>Show all</button>\n</div>\n";
    html
}

fn table(epochs: &[Epoch]) -> String {
    type Column = (&'static str, fn(&Epoch) -> Option<f64>, fn(f64) -> String);
    let columns: [Column; 7] = [
        ("Training loss", |e| Some(e.train_loss), number::real),
        ("Validation loss", |e| e.validation_loss, number::real),
        ("Training accuracy", |e| e.train_accuracy, |v| number::percent(v, 2)),
        ("Validation accuracy", |e| e.validation_accuracy, |v| number::percent(v, 2)),
        ("Learning rate", |e| e.learning_rate, number::real),
        ("Time", |e| e.seconds, number::seconds),
        ("Samples/s", |e| e.samples_per_second, number::rate),
    ];
    if epochs.is_empty() {
        return String::new();
    }
    let columns: Vec<Column> =
        columns.into_iter().filter(|(_, value, _)| epochs.iter().any(|e| value(e).is_some())).collect();

    let mut html = String::from(
        "<details>\n<summary>All epochs as a table</summary>\n<div class=\"scroll tall\" tabindex=\"0\" role=\"region\" \
         aria-label=\"All epochs\">\n<table class=\"sortable numbers\">\n<caption class=\"hidden\">Loss, accuracy, learning \
         rate and time of every epoch</caption>\n<thead><tr><th scope=\"col\">Epoch</th>",
    );
    for (name, ..) in &columns {
        html += &format!("<th scope=\"col\">{name}</th>");
    }
    html += "</tr></thead>\n<tbody>\n";
    for epoch in epochs {
        html += &format!("<tr><th scope=\"row\">{}</th>", epoch.epoch);
        for (_, value, show) in &columns {
            html += &value_cell(value(epoch), *show);
        }
        html += "</tr>\n";
    }
    html + "</tbody>\n</table>\n</div>\n</details>\n"
}

/// A cell that sorts by its full value, and last where there is none.
pub(super) fn value_cell(value: Option<f64>, show: impl Fn(f64) -> String) -> String {
    match value {
        None => "<td class=\"none\" data-value=\"\">–</td>".into(),
        Some(v) if v.is_nan() => "<td class=\"none\" data-value=\"\">NaN</td>".into(),
        Some(v) if v.is_infinite() => {
            format!("<td data-value=\"{}Infinity\">{}</td>", if v < 0.0 { "-" } else { "" }, show(v))
        }
        Some(v) => format!("<td data-value=\"{v}\">{}</td>", show(v)),
    }
}

fn steps_per_point(steps: &[Step]) -> usize {
    steps.len().div_ceil(MOST_STEPS)
}

/// Neighbours averaged, so that at most `MOST_STEPS` points are left; a NaN makes its point NaN, a gap in the curve.
fn thinned(steps: &[Step]) -> Vec<Step> {
    let mean = |values: &mut dyn Iterator<Item = f64>| {
        let (sum, count) = values.fold((0.0, 0), |(sum, count), value| (sum + value, count + 1));
        (count > 0).then(|| sum / f64::from(count))
    };
    steps
        .chunks(steps_per_point(steps).max(1))
        .map(|block| {
            let last = &block[block.len() - 1];
            Step {
                step: last.step,
                loss: mean(&mut block.iter().map(|s| s.loss)).unwrap_or(f64::NAN),
                accuracy: mean(&mut block.iter().filter_map(|s| s.accuracy)),
                learning_rate: last.learning_rate,
            }
        })
        .collect()
}

/// Everything the script reads, as JSON that can stand in a script element.
pub(super) fn data(report: &Report) -> String {
    let epochs = &report.epochs;
    let steps = thinned(&report.steps);
    let of_epochs =
        |value: fn(&Epoch) -> Option<f64>| -> Vec<Value> { epochs.iter().map(|e| json!(value(e))).collect() };
    let of_steps =
        |value: fn(&Step) -> Option<f64>| -> Vec<Value> { steps.iter().map(|s| json!(value(s))).collect() };
    let data = json!({
        "epochs": {
            "epoch": of_epochs(|e| Some(e.epoch as f64)),
            "last_step": of_epochs(|e| e.last_step.map(|step| step as f64)),
            "train_loss": of_epochs(|e| Some(e.train_loss)),
            "train_accuracy": of_epochs(|e| e.train_accuracy),
            "validation_loss": of_epochs(|e| e.validation_loss),
            "validation_accuracy": of_epochs(|e| e.validation_accuracy),
            "learning_rate": of_epochs(|e| e.learning_rate),
            "seconds": of_epochs(|e| e.seconds),
            "samples_per_second": of_epochs(|e| e.samples_per_second),
        },
        "steps": {
            "step": of_steps(|s| Some(s.step as f64)),
            "loss": of_steps(|s| Some(s.loss)),
            "accuracy": of_steps(|s| s.accuracy),
            "learning_rate": of_steps(|s| s.learning_rate),
        },
        "confusion": report.confusion,
    });
    escape::json(&data)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thinning_keeps_the_mean_and_the_last_step() {
        let steps: Vec<Step> = (1..=8001)
            .map(|step| Step {
                step,
                loss: step as f64,
                accuracy: Some(0.5),
                learning_rate: Some(1.0 / step as f64),
            })
            .collect();
        let thin = thinned(&steps);
        assert_eq!((thin.len(), steps_per_point(&steps)), (2667, 3));
        assert_eq!(thin[0], Step { step: 3, loss: 2.0, accuracy: Some(0.5), learning_rate: Some(1.0 / 3.0) });
        assert_eq!(thin[2666].step, 8001);
        assert_eq!(thinned(&steps[..4000]), &steps[..4000]);
        assert!(thinned(&[]).is_empty());
    }
}
