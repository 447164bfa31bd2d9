//! One training run as one HTML file: it opens from disk, needs no network, and shows what happened.
//!
//! Fill in a [`Report`] and [`write`](Report::write) it. Every part is optional: what is left empty is left out of
//! the page. The tables are plain HTML, complete without scripts; a few lines of our own JavaScript draw the curves
//! and make the page answer to pointer and keyboard. The page forbids itself every network request
//! (`Content-Security-Policy`), escapes every text it is given, and is a pure function of the report: the same
//! report gives the same bytes.
//!
//! ```
//! use barehand_report::{ConfusionMatrix, Epoch, Report, Score};
//!
//! let report = Report {
//!     title: "Digits, a small convolutional network".into(),
//!     scores: vec![Score::share("Test accuracy", 0.9), Score::number("Test loss", 0.31)],
//!     epochs: vec![Epoch { epoch: 1, train_loss: 0.52, validation_loss: Some(0.35), ..Epoch::default() }],
//!     confusion: Some(ConfusionMatrix::new(vec!["0".into(), "1".into()], vec![vec![50, 4], vec![6, 40]])?),
//!     ..Report::default()
//! };
//! let page = report.to_html();
//! assert!(page.starts_with("<!doctype html>"));
//! # Ok::<(), barehand_report::Error>(())
//! ```

mod base64;
mod confusion;
mod error;
mod escape;
mod number;
mod picture;
mod render;
mod report;
mod write;

pub use confusion::{ClassAverages, ClassScores, ConfusionMatrix};
pub use error::Error;
pub use picture::Picture;
pub use report::{Epoch, Fact, Layer, Mistake, Report, Score, Step, Timing, Unit};
