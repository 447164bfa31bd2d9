//! Shows a block's numbers, step by step.
//!
//! Every block of the textbook is registered here under the name its field gives it, with its formula, its inputs and
//! options, and where to find it in the library. [`trace()`] runs the textbook twin, forward and backward, on the user's
//! numbers (or on the block's example) and hands back every named value on the way.
//!
//! ```
//! let inputs = [("x".to_owned(), serde_json::json!([2.0, 1.0, 0.1]))];
//! let trace = barehand_lens::trace("softmax", &inputs)?;
//! assert_eq!(trace.steps()[3].name, "p");
//! println!("{trace}");
//! # Ok::<(), barehand_lens::Error>(())
//! ```

mod arguments;
mod block;
mod blocks;
mod error;
mod registry;
mod report;

pub use barehand_textbook::Step;
pub use block::{Block, Input};
pub use error::Error;
pub use registry::{blocks, find, trace};
pub use report::Trace;
