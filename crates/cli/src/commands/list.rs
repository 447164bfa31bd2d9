//! `barehand list`

use barehand::{Error, Result, lens};
use clap::Args;
use serde_json::json;

use super::{print, print_json};

/// List every block: its formula, where it is, and its textbook twin.
#[derive(Args)]
#[command(after_help = "Examples:\n  barehand list\n  barehand list softmax\n  barehand list --json")]
pub struct Arguments {
    /// Only blocks whose name, section or summary contains this text.
    filter: Option<String>,
    /// Print one JSON object instead of text.
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let wanted = arguments.filter.as_deref().unwrap_or("").to_lowercase();
    let blocks: Vec<_> = lens::blocks()
        .iter()
        .filter(|block| {
            block.name.to_lowercase().contains(&wanted)
                || block.section.contains(&wanted)
                || block.summary.to_lowercase().contains(&wanted)
        })
        .collect();
    if arguments.json {
        return print_json(
            &json!({ "blocks": blocks.iter().map(|block| block.to_json()).collect::<Vec<_>>() }),
        );
    }
    if blocks.is_empty() {
        return Err(Error::value(
            "list",
            format!("no block's name, section or summary contains \"{wanted}\""),
        ));
    }
    let detailed = blocks.len() == 1;
    for block in blocks {
        print(&format!(
            "{}  ({})\n  {}\n  formula  {}",
            block.name, block.section, block.summary, block.formula
        ))?;
        print(&format!("  engine   {}\n  twin     {}", block.engine.unwrap_or("-"), block.twin))?;
        if detailed {
            for (kind, list) in [("input", block.inputs), ("option", block.options)] {
                for input in list {
                    print(&format!("  {kind:<8} {}: {} [{}]", input.name, input.about, input.default))?;
                }
            }
        }
        print("")?;
    }
    Ok(())
}
