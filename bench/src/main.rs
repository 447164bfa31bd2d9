//! barehand's side of `run.py`, and what `run.py` cannot do itself:
//!
//! - `barehand-worker` does the works on request (see `protocol`);
//! - `barehand-worker prepare WORK FILE` writes the data and the weights that all sides start from;
//! - `barehand-worker floors BYTES...` measures what the machine can do at best (see `floors`).
//!
//! The environment variable `BAREHAND_NUM_THREADS` says with how many threads.

mod floors;
mod operation;
mod training;

use barehand_bench_protocol::{Result, serve};
use barehand_tensor::{isa, threads};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => {
            let isa = isa::active().name();
            serve(&format!("barehand, {isa}, {} threads", threads::num_threads()), |work, file| match work {
                "one" => operation::load(file).map(Some),
                _ => training::load(work, file),
            })
        }
        ["prepare", "one", file] => operation::prepare(file),
        ["prepare", work, file] => training::prepare(work, file),
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
