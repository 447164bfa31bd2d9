//! barehand's side of `run.py`, and what `run.py` cannot do itself:
//!
//! - `barehand-worker` does the works on request (see `protocol`);
//! - `barehand-worker prepare WORK FILE` writes the data and the weights that all sides start from;
//! - `barehand-worker floors BYTES...` measures what the machine can do at best (see `floors`).
//!
//! The environment variable `BAREHAND_NUM_THREADS` says with how many threads.

mod floors;
mod operation;
mod operator;
mod optimizer_step;
mod training;

use barehand_bench_protocol::{Result, serve};
use barehand_tensor::{isa, threads};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => {
            let isa = isa::active().name();
            serve(&format!("barehand, {isa}, {} threads", threads::num_threads()), |work, file| {
                for load in [operation::load, operator::load, optimizer_step::load, training::load] {
                    if let Some(work) = load(work, file)? {
                        return Ok(Some(work));
                    }
                }
                Ok(None)
            })
        }
        ["prepare", work, file] => {
            for prepare in [operation::prepare, operator::prepare, optimizer_step::prepare, training::prepare]
            {
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
