//! What the `barehand` program is given: settings, trained models, numbers on its command line.

use barehand::nn::Module;
use barehand::tensor::Generator;
use barehand::{Tensor, lens, no_grad, threads};
use barehand_cli::readers::{
    Architecture, RunConfig, model_archive, optimizer, parse_input, read_model, schedule,
};

pub fn config(bytes: &[u8]) {
    let Ok(config) = RunConfig::parse("fuzz.toml", bytes) else { return };
    let text = config.to_toml().expect("what was read can be written");
    let again = RunConfig::parse("again.toml", text.as_bytes()).expect("it was just written");
    assert_eq!(again, config, "settings that are written again are others");
    let mut optimizer = optimizer(&config).expect("settings that were checked");
    if let Some((mut scheduler, _)) = schedule(&config, 1 << 20).expect("settings that were checked") {
        for _ in 0..3 {
            assert!(scheduler.step(Some(1.0)).expect("a step to go").is_finite(), "a rate that is none");
        }
        scheduler.apply(optimizer.as_mut());
    }
}

pub fn config_seeds() -> Vec<Vec<u8>> {
    let whole = RunConfig::default().to_toml().expect("the defaults have a text");
    let part = "model = \"cnn\"\nchannels = [4, 8]\nschedule = \"one-cycle\"\noptimizer = 'sgd'\nlr = 5e-2\nseed = 0x2a\n";
    vec![whole.into_bytes(), part.into(), b"# nothing\n[]".to_vec()]
}

/// The first byte says what follows: the file, or only the description of the network in its header.
pub fn model(bytes: &[u8]) {
    let Some((&kind, content)) = bytes.split_first() else { return };
    let file = if kind & 2 == 0 {
        content.to_vec()
    } else {
        let Ok(described) = std::str::from_utf8(content) else { return };
        let mut archive = model_archive_of(kind & 1);
        archive.metadata.insert("architecture".into(), described.into());
        archive.to_bytes().expect("allowed names")
    };
    let Ok((architecture, model)) = read_model("fuzz", &file) else { return };
    let written = write(&architecture, model.as_ref());
    let (same, again) = read_model("again", &written).expect("it was just written");
    assert!(write(&same, again.as_ref()) == written, "a model that is written again is another");
    let [channels, height, width] = architecture.image;
    let pixels = Tensor::<u8>::full([1, channels, height, width], 100);
    if let Ok(input) = architecture.transform().apply(&pixels) {
        let output = threads::with_num_threads(1, || no_grad(|| model.forward(&input)));
        assert_eq!(output.expect("an input that fits").shape(), [1, architecture.classes.len()]);
    }
}

fn write(architecture: &Architecture, model: &dyn Module) -> Vec<u8> {
    model_archive(architecture, model)
        .and_then(|archive| archive.to_bytes())
        .expect("what was read can be written")
}

/// A small network of each kind.
fn model_archive_of(kind: u8) -> barehand::tensor::safetensors::Archive {
    static ARCHIVES: std::sync::LazyLock<[barehand::tensor::safetensors::Archive; 2]> =
        std::sync::LazyLock::new(|| {
            ["mlp", "cnn"].map(|kind| {
                let described = serde_json::json!({
                    "model": kind, "hidden": [3], "channels": [2], "dropout": 0.0, "trained_on": "seed",
                    "image": [1, 6, 6], "classes": ["one", "two"], "mean": [0.25], "std": [0.5],
                });
                let architecture: Architecture = serde_json::from_value(described).expect("a description");
                let model = architecture.build(&mut Generator::new(0)).expect("a network");
                model_archive(&architecture, model.as_ref()).expect("it has a text")
            })
        });
    ARCHIVES[usize::from(kind)].clone()
}

pub fn model_seeds() -> Vec<Vec<u8>> {
    let seeds = [0, 1].map(|kind| {
        let archive = model_archive_of(kind);
        let file = archive.to_bytes().expect("allowed names");
        [[&[kind][..], &file].concat(), [&[kind | 2], archive.metadata["architecture"].as_bytes()].concat()]
    });
    seeds.concat()
}

/// The first byte says which block, every line is an input of it.
pub fn trace(bytes: &[u8]) {
    let Some((&number, lines)) = bytes.split_first() else { return };
    let Ok(text) = std::str::from_utf8(lines) else { return };
    let block = lens::blocks()[usize::from(number) % lens::blocks().len()];
    let inputs: Result<Vec<_>, _> = text.lines().map(|line| parse_input(line, "x")).collect();
    let Ok(inputs) = inputs else { return };
    if let Ok(trace) = lens::trace(block.name, &inputs) {
        let _ = trace.to_json().to_string();
        let _ = trace.to_text(true);
    }
}

pub fn trace_seeds() -> Vec<Vec<u8>> {
    let numbered = lens::blocks().iter().enumerate();
    let seeds = numbered.map(|(number, block)| {
        let lines = block
            .inputs
            .iter()
            .chain(block.options)
            .map(|input| format!("{}={}\n", input.name, input.default));
        [&[number as u8], lines.collect::<String>().as_bytes()].concat()
    });
    seeds.collect()
}
