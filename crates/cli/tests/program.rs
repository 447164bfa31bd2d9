//! The real program, run as users run it.

mod shell;

use shell::{barehand, json, refused, text};

#[test]
fn train_evaluate_predict_report() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let trained =
        json(&barehand(here, &["train", "--epochs", "2", "--dropout", "0.1", "--out", "run", "--json"]));
    assert!(trained["accuracy"].as_f64().unwrap() > 0.7, "{trained}");
    for name in ["config.toml", "metrics.jsonl", "checkpoint.safetensors", "model.safetensors", "report.html"]
    {
        assert!(here.join("run").join(name).metadata().unwrap().len() > 0, "{name}");
    }

    let evaluated = json(&barehand(here, &["evaluate", "run", "--json"]));
    assert_eq!(evaluated["accuracy"], trained["accuracy"]);
    assert_eq!(evaluated["samples"], 1000);
    let table = barehand(here, &["evaluate", "run", "--part", "validation"]);
    assert!(text(&table.stdout).contains("Ankle boot"));

    // A picture out of the test set, as a user would have it on disk.
    let images = barehand::data::embedded().unwrap().test;
    let pixels = images.images.select(0, 3).unwrap().to_vec();
    image::GrayImage::from_raw(28, 28, pixels).unwrap().save(here.join("picture.png")).unwrap();
    let predicted = json(&barehand(here, &["predict", "run", "picture.png", "--json"]));
    let probabilities = predicted["predictions"][0]["probabilities"].as_object().unwrap();
    assert_eq!(probabilities.len(), 10);
    let sum: f64 = probabilities.values().map(|p| p.as_f64().unwrap()).sum();
    assert!((sum - 1.0).abs() < 1e-5);
    assert!(text(&barehand(here, &["predict", "run", "picture.png", "--top", "2"]).stdout).contains('%'));

    std::fs::remove_file(here.join("run/report.html")).unwrap();
    json(&barehand(here, &["report", "run", "--json"]));
    assert!(std::fs::read_to_string(here.join("run/report.html")).unwrap().starts_with("<!doctype html>"));

    // The configuration that was written back makes the same run again, bit for bit, also when nobody watches.
    json(&barehand(here, &["train", "--config", "run/config.toml", "--out", "again", "--json", "--quiet"]));
    let model = |run: &str| std::fs::read(here.join(run).join("model.safetensors")).unwrap();
    assert!(model("run") == model("again"));

    refused(&barehand(here, &["train", "--out", "run"]), "already holds a run");
    refused(&barehand(here, &["train", "--resume", "run", "--lr", "0.1"]), "--lr cannot change");
    std::fs::write(here.join("run/model.safetensors"), b"junk").unwrap();
    refused(&barehand(here, &["evaluate", "run"]), "model.safetensors");
}

#[test]
fn every_optimizer_learns_at_its_own_rate() {
    let folder = tempfile::tempdir().unwrap();
    for (optimizer, rate, reached) in [
        ("sgd", 0.05, 0.6),
        ("adagrad", 0.01, 0.6),
        ("adadelta", 1.0, 0.6),
        ("rmsprop", 0.001, 0.6),
        // It is made for gradients of all images.
        ("rprop", 0.001, 0.3),
        ("adam", 0.001, 0.6),
        ("adamw", 0.001, 0.6),
        ("nadam", 0.002, 0.6),
        ("radam", 0.001, 0.6),
        ("adamax", 0.002, 0.6),
        ("asgd", 0.1, 0.6),
        // As rprop.
        ("lbfgs", 1.0, 0.3),
    ] {
        let arguments = ["train", "--optimizer", optimizer, "--epochs", "2", "--hidden", "64"];
        // A cycle of momentum too, where there is one.
        let more = ["--schedule", "one-cycle", "--out", optimizer, "--json", "--quiet"];
        let trained = json(&barehand(folder.path(), &[&arguments[..], &more].concat()));
        assert!(trained["accuracy"].as_f64().unwrap() > reached, "{optimizer}: {trained}");
        let config = std::fs::read_to_string(folder.path().join(optimizer).join("config.toml")).unwrap();
        assert!(config.contains(&format!("\nlr = {rate:?}\n")), "{config}");
    }
}

#[test]
fn every_optimizer_goes_on_where_it_was_bit_for_bit() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let runs: [&[&str]; 14] = [
        &["sgd", "--dampening", "0.1"],
        &["sgd", "--nesterov"],
        &["adagrad", "--lr-decay", "0.01"],
        &["adadelta", "--rho", "0.8"],
        &["rmsprop", "--momentum", "0.5", "--centered", "--alpha", "0.9"],
        &["rprop", "--etas", "0.4,1.3", "--step-sizes", "1e-5,0.1"],
        &["adam", "--amsgrad", "--betas", "0.8,0.99"],
        &["nadam", "--momentum-decay", "0.01"],
        &["radam", "--eps", "1e-6"],
        &["adamax", "--betas", "0.8,0.99"],
        &["asgd", "--t0", "3", "--lambd", "0.001", "--alpha", "0.5"],
        &["adamw", "--weight-decay", "0.1"],
        &["lbfgs", "--max-iter", "3", "--history-size", "5"],
        &["lbfgs", "--max-iter", "2", "--line-search", "none", "--lr", "0.1", "--clip-norm", "1"],
    ];
    let small = ["--hidden", "8", "--validation", "0.9", "--schedule", "exponential", "--json", "--quiet"];
    for (number, options) in runs.iter().enumerate() {
        let (whole, parts) = (format!("whole-{number}"), format!("parts-{number}"));
        let start = [&["train", "--optimizer"], *options, &small].concat();
        json(&barehand(here, &[&start[..], &["--epochs", "3", "--out", &whole]].concat()));
        json(&barehand(here, &[&start[..], &["--epochs", "1", "--out", &parts]].concat()));
        let on = ["train", "--resume", &parts, "--epochs", "3", "--json", "--quiet"];
        json(&barehand(here, &on));
        for name in ["model.safetensors", "config.toml"] {
            let read = |run: &str| std::fs::read(here.join(run).join(name)).unwrap();
            assert!(read(&whole) == read(&parts), "{options:?}: {name} differs");
        }
    }
}

#[test]
fn a_convolutional_network_trains_with_every_schedule() {
    let folder = tempfile::tempdir().unwrap();
    for (number, schedule) in
        ["constant", "step", "exponential", "cosine", "one-cycle", "plateau"].iter().enumerate()
    {
        let run = format!("run-{number}");
        let arguments = [
            "train",
            "--model",
            "mlp",
            "--hidden",
            "16",
            "--schedule",
            schedule,
            "--epochs",
            "2",
            "--optimizer",
            "sgd",
            "--clip-norm",
            "1",
            "--dropout",
            "0.1",
            "--augment",
            "--out",
            &run,
            "--json",
            "--quiet",
        ];
        assert!(json(&barehand(folder.path(), &arguments))["accuracy"].as_f64().unwrap() > 0.3, "{schedule}");
    }
    let arguments = [
        "train",
        "--model",
        "cnn",
        "--channels",
        "4,8",
        "--hidden",
        "16",
        "--epochs",
        "1",
        "--out",
        "cnn",
        "--json",
    ];
    assert!(json(&barehand(folder.path(), &arguments))["accuracy"].as_f64().unwrap() > 0.3);
}

#[test]
fn a_profile_tells_what_the_steps_spent() {
    let folder = tempfile::tempdir().unwrap();
    let arguments =
        ["train", "--model", "cnn", "--epochs", "1", "--validation", "0.9", "--profile", "--json"];
    let output = barehand(folder.path(), &arguments);
    let trained = json(&output);
    let profile = &trained["profile"];
    let rows = profile["rows"].as_array().unwrap();
    let spent = |row: &serde_json::Value| row["seconds"].as_f64().unwrap();
    for (operator, phase) in [
        ("conv2d_relu", "forward"),
        ("conv2d_relu_max_pool2d", "backward"),
        ("linear", "backward"),
        ("cross_entropy", "forward"),
        ("adamw", "update"),
        ("batch", "data"),
        ("linear", "inference"),
    ] {
        let row = rows.iter().find(|row| row["operator"] == operator && row["phase"] == phase);
        assert!(row.is_some_and(|row| spent(row) > 0.0), "{operator} {phase}: {profile}");
    }
    let steps = trained["steps"].as_u64().unwrap();
    let losses = rows.iter().filter(|row| row["operator"] == "cross_entropy" && row["phase"] == "forward");
    assert_eq!(losses.map(|row| row["calls"].as_u64().unwrap()).sum::<u64>(), steps);
    let all = rows.iter().map(spent).sum::<f64>() + profile["elsewhere"].as_f64().unwrap();
    assert!((all / profile["seconds"].as_f64().unwrap() - 1.0).abs() < 1e-6, "{profile}");
    assert!(text(&output.stderr).contains("conv2d_relu"), "the table is shown too");
}

#[test]
fn trace_and_list_show_every_block() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let list = json(&barehand(here, &["list", "--json"]));
    let blocks = list["blocks"].as_array().unwrap();
    assert!(blocks.len() > 20);
    for block in blocks {
        let name = block["name"].as_str().unwrap();
        let trace = json(&barehand(here, &["trace", name, "--json"]));
        assert!(!trace["steps"].as_array().unwrap().is_empty(), "{name}");
    }
    let softmax = barehand(here, &["trace", "softmax", "--input", "[2.0, 1.0, 0.1]", "--full"]);
    assert!(text(&softmax.stdout).contains("0.6590011388859679"), "{}", text(&softmax.stdout));
    refused(&barehand(here, &["trace", "sofmax"]), "softmax");
    refused(&barehand(here, &["trace", "softmax", "--input", "[1,"]), "not JSON");
}

#[test]
fn mistakes_get_exit_code_2_and_a_reason() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    refused(&barehand(here, &["train", "--data", "imagenet"]), "imagenet");
    refused(&barehand(here, &["train", "--data", "mnist:/nowhere"]), "/nowhere");
    refused(&barehand(here, &["train", "--epochs", "0"]), "epochs = 0");
    refused(&barehand(here, &["train", "--optimizer", "sdg"]), "sgd");
    refused(&barehand(here, &["train", "--optimizer", "adam", "--rho", "0.5"]), "rho is no option of Adam");
    refused(&barehand(here, &["train", "--optimizer", "radam", "--betas", "0.5"]), "betas");
    refused(&barehand(here, &["train", "--optimizer", "bfgs"]), "lbfgs");
    refused(&barehand(here, &["train", "--history-size", "5"]), "history-size is no option of AdamW");
    refused(&barehand(here, &["train", "--config", "missing.toml"]), "missing.toml");
    std::fs::write(here.join("bad.toml"), "learning_rate = 0.1").unwrap();
    refused(&barehand(here, &["train", "--config", "bad.toml"]), "learning_rate");
    refused(&barehand(here, &["evaluate", "nothing"]), "not a run folder");
    refused(&barehand(here, &["predict", "nothing", "x.png"]), "not a run folder");
    assert!(!here.join("runs").exists(), "a refused run left a folder behind");
}

#[test]
fn every_command_explains_itself_with_examples() {
    let folder = tempfile::tempdir().unwrap();
    for command in ["train", "evaluate", "predict", "report", "trace", "list"] {
        let help = text(&barehand(folder.path(), &[command, "--help"]).stdout);
        assert!(help.contains("Examples:") && help.contains("--json"), "{command}: {help}");
    }
}
