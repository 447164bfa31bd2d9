//! Ctrl-C: the first asks training to stop after its step, the second ends the program.

use std::sync::atomic::{AtomicBool, Ordering};

use barehand::{Error, Result};

static ASKED: AtomicBool = AtomicBool::new(false);

/// Listens from now on.
pub fn listen() -> Result<()> {
    let handler = || {
        if ASKED.swap(true, Ordering::SeqCst) {
            std::process::exit(130);
        }
    };
    ctrlc::set_handler(handler).map_err(|error| Error::value("Ctrl-C handler", error.to_string()))
}

/// Whether Ctrl-C was pressed.
pub fn asked() -> bool {
    ASKED.load(Ordering::SeqCst)
}
