//! `barehand trace`

use barehand::{Error, Result, lens};
use clap::Args;
use serde_json::Value;

use super::{print, print_json};

/// Show every number of a block on the way from its inputs to its gradients.
///
/// The block's textbook twin runs forward and backward in double precision on the inputs given, or on its own example
/// where none are given. `barehand list BLOCK` shows what a block takes.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  barehand trace softmax\n  barehand trace softmax --input '[2.0, 1.0, 0.1]'\n  \
                  barehand trace cross_entropy --input 'logits=[[2.0, 1.0, 0.1]]' --input 'targets=[0]'\n  \
                  barehand trace softmax --json"
)]
pub struct Arguments {
    /// The block, as `barehand list` names it.
    block: String,
    /// An input as NAME=JSON; the name may be left out for the block's first input. Repeat for more.
    #[arg(long = "input", short, value_name = "[NAME=]JSON")]
    inputs: Vec<String>,
    /// Print every digit instead of six.
    #[arg(long)]
    full: bool,
    /// Print one JSON object instead of text.
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let refuse = |error: lens::Error| Error::value("trace", error.to_string());
    let block = lens::find(&arguments.block).map_err(refuse)?;
    let inputs = arguments
        .inputs
        .iter()
        .map(|text| parse_input(text, block.inputs.first().map_or("x", |input| input.name)))
        .collect::<Result<Vec<_>>>()?;
    let trace = lens::trace(block.name, &inputs).map_err(refuse)?;
    if arguments.json { print_json(&trace.to_json()) } else { print(&trace.to_text(arguments.full)) }
}

/// `name=JSON`, or JSON for the input called `first`. A word that is not JSON is taken as a string.
pub fn parse_input(text: &str, first: &str) -> Result<(String, Value)> {
    let is_name = |name: &str| {
        !name.is_empty()
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            && !name.starts_with(|c: char| c.is_ascii_digit())
    };
    let (name, json) = match text.split_once('=') {
        Some((name, json)) if is_name(name.trim()) => (name.trim(), json),
        _ => (first, text),
    };
    let value = match serde_json::from_str(json) {
        Ok(value) => value,
        Err(_) if is_name(json.trim()) => Value::String(json.trim().to_string()),
        Err(error) => {
            return Err(Error::value("trace", format!("input {name}: \"{json}\" is not JSON ({error})")));
        }
    };
    Ok((name.to_string(), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_may_be_named_or_not() {
        assert_eq!(parse_input("[1, 2]", "x").unwrap(), ("x".into(), serde_json::json!([1, 2])));
        assert_eq!(parse_input("y = [1]", "x").unwrap(), ("y".into(), serde_json::json!([1])));
        assert_eq!(
            parse_input("reduction=sum", "x").unwrap(),
            ("reduction".into(), serde_json::json!("sum"))
        );
        assert!(parse_input("[1, 2", "x").unwrap_err().to_string().contains("not JSON"));
    }
}
