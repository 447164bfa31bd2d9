//! barehand's side of `run.py`, and what `run.py` cannot do itself:
//!
//! - `barehand-worker` does the works on request (see `protocol`);
//! - `barehand-worker prepare WORK FILE` writes the data and the weights that all sides start from;
//! - `barehand-worker floors BYTES...` measures what the machine can do at best (see `floors`).
//!
//! The environment variable `BAREHAND_NUM_THREADS` says with how many threads.

mod estimator;
mod floors;
mod language;
mod logistic;
mod operation;
mod operator;
mod optimizer_step;
mod training;

use barehand_bench_protocol::{Result, Work, serve};
use barehand_tensor::{isa, threads};

/// What writes a work's file, and what reads it; each knows the names of its own works.
type Kind = (fn(&str, &str) -> Result<bool>, fn(&str, &str) -> Result<Option<Box<dyn Work>>>);

const KINDS: [Kind; 7] = [
    (estimator::prepare, estimator::load),
    (language::prepare, language::load),
    (logistic::prepare, logistic::load),
    (operation::prepare, operation::load),
    (operator::prepare, operator::load),
    (optimizer_step::prepare, optimizer_step::load),
    (training::prepare, training::load),
];

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => {
            let isa = isa::active().name();
            serve(&format!("barehand, {isa}, {} threads", threads::num_threads()), |work, file| {
                for (_, load) in KINDS {
                    if let Some(work) = load(work, file)? {
                        return Ok(Some(work));
                    }
                }
                Ok(None)
            })
        }
        ["prepare", work, file] => {
            for (prepare, _) in KINDS {
                if prepare(work, file)? {
                    return Ok(());
                }
            }
            Err(format!("no work is called {work}").into())
        }
        ["floors", footprints @ ..] => {
            println!("{}", floors::peak_flops(threads::num_threads()));
            for bytes in footprints {
                println!("{}", floors::bandwidth(bytes.parse()?, threads::num_threads()));
            }
            Ok(())
        }
        _ => Err(format!("not understood: {}", arguments.join(" ")).into()),
    }
}
