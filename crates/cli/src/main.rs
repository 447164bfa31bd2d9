//! The `barehand` program; what it does is in the library beside it.

fn main() -> std::process::ExitCode {
    barehand_cli::main()
}
