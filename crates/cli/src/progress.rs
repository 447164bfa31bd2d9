//! Progress of training: a bar on a terminal, one line an epoch elsewhere.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use barehand::train::{EpochRecord, Event};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Writes a line to standard error. Nobody may be there to read it; that stops no work.
pub fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Shows training on standard error, so that standard output stays free for results.
pub struct Progress {
    bar: Option<ProgressBar>,
    epochs: u64,
    quiet: bool,
}

impl Progress {
    /// `steps` in all, of which `done` were taken before.
    pub fn new(epochs: u64, steps: u64, done: u64, quiet: bool) -> Self {
        let bar = (!quiet && std::io::stderr().is_terminal()).then(|| {
            let bar = ProgressBar::with_draw_target(Some(steps), ProgressDrawTarget::stderr_with_hz(10));
            let template = "{msg}  {wide_bar}  {pos}/{len}  {prefix}  {elapsed} of {eta_total}";
            let style =
                ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
            let total = |state: &indicatif::ProgressState, out: &mut dyn std::fmt::Write| {
                // A failed write to the bar's own string has nobody to tell.
                let _ = write!(out, "~{}", seconds(state.duration()));
            };
            bar.set_style(style.with_key("eta_total", total).progress_chars("━╸─"));
            bar.set_position(done);
            bar.reset_eta();
            bar.enable_steady_tick(Duration::from_millis(250));
            bar
        });
        Progress { bar, epochs, quiet }
    }

    /// Follows one event.
    pub fn show(&mut self, event: &Event) {
        match (event, &self.bar) {
            (Event::Step(step), Some(bar)) => {
                bar.set_message(format!("epoch {}/{}", step.epoch, self.epochs));
                bar.set_prefix(format!(
                    "loss {:.4}  {:.0} images/s",
                    step.running_loss, step.samples_per_second
                ));
                bar.set_position(step.step);
            }
            (Event::Epoch(epoch), Some(bar)) => bar.suspend(|| say(&self.line(epoch))),
            (Event::Epoch(epoch), None) if !self.quiet => say(&self.line(epoch)),
            _ => {}
        }
    }

    fn line(&self, epoch: &EpochRecord) -> String {
        let width = self.epochs.to_string().len();
        let share = |x: Option<f64>| x.map_or(String::new(), |x| format!(" accuracy {:5.2} %", 100.0 * x));
        let validation = epoch.validation_loss.map_or(String::new(), |loss| {
            format!("  |  validation loss {loss:.4}{}", share(epoch.validation_accuracy))
        });
        format!(
            "epoch {:>width$}/{}  train loss {:.4}{}{validation}  |  lr {:.2e}  {:.0} images/s  {}",
            epoch.epoch,
            self.epochs,
            epoch.train_loss,
            share(epoch.train_accuracy),
            epoch.learning_rate,
            epoch.samples_per_second,
            seconds(Duration::from_secs_f64(epoch.seconds)),
        )
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// A duration as people say it.
pub fn seconds(duration: Duration) -> String {
    let s = duration.as_secs();
    match s {
        0..10 => format!("{:.1} s", duration.as_secs_f64()),
        10..100 => format!("{s} s"),
        100..6000 => format!("{} min {:02} s", s / 60, s % 60),
        _ => format!("{} h {:02} min", s / 3600, s / 60 % 60),
    }
}
