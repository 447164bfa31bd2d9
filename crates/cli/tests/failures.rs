//! What goes wrong around the program: full disks, files that are none, files made to hurt, too little memory. Each time:
//! a message that names the cause, the right exit code, nothing half written.
#![cfg(unix)]

mod shell;

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use shell::{barehand, command, ended, json, names, refused, temporary, text};

/// A network whose checkpoints have some 400 kB.
const SMALL: [&str; 8] =
    ["train", "--hidden", "40", "--schedule", "constant", "--validation", "0.5", "--quiet"];

/// Trains one epoch into `run`, and two into `whole`.
fn prepare(here: &Path) {
    for (run, epochs) in [("run", "1"), ("whole", "2")] {
        json(&barehand(here, &[&SMALL[..], &["--epochs", epochs, "--out", run, "--json"]].concat()));
    }
}

/// The run as it was, and as good as any when there is room again.
fn intact(here: &Path, before: &[u8]) {
    assert!(fs::read(here.join("run/checkpoint.safetensors")).unwrap() == before, "the checkpoint changed");
    let left = names(&here.join("run"));
    assert!(!left.iter().any(temporary), "{left:?}");
    json(&barehand(here, &["train", "--resume", "run", "--epochs", "2", "--quiet", "--json"]));
    let model = |run: &str| fs::read(here.join(run).join("model.safetensors")).unwrap();
    assert!(model("run") == model("whole"), "the weights differ after a failure");
}

#[test]
fn a_file_that_may_not_grow_leaves_the_last_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    prepare(here);
    let before = fs::read(here.join("run/checkpoint.safetensors")).unwrap();
    // 100 or 200 kB, as the shell counts. The signal that comes with the limit is what the shell would have ignored too.
    let script = "trap '' XFSZ; ulimit -f 200; exec \"$0\" train --resume run --epochs 2 --quiet";
    let limited =
        Command::new("sh").args(["-c", script, env!("CARGO_BIN_EXE_barehand")]).current_dir(here).output();
    let limited = limited.unwrap();
    ended(&limited, 1, "run/checkpoint.safetensors: File too large");
    assert!(text(&limited.stderr).contains("barehand train --resume run"), "{}", text(&limited.stderr));
    intact(here, &before);
}

#[test]
fn a_full_disk_leaves_the_last_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    prepare(here);
    let before = fs::read(here.join("run/checkpoint.safetensors")).unwrap();
    let unshared = |flags: &str, script: &str| {
        let arguments = [flags, "sh", "-c", script, env!("CARGO_BIN_EXE_barehand")];
        Command::new("unshare").args(arguments).current_dir(here).output()
    };
    let allowed = |flags: &&str| {
        let probe = unshared(flags, "mkdir -p disk && mount -t tmpfs tmpfs disk");
        probe.is_ok_and(|probe| probe.status.success())
    };
    let Some(flags) = ["-m", "-rm"].into_iter().find(allowed) else {
        eprintln!("not tested: nobody may mount here, so the test above stands for this one");
        return;
    };
    // A small disk, seen by this process alone: the old files fit, a second checkpoint beside them does not.
    let script = "mount -t tmpfs -o size=800k tmpfs disk && cp -r run disk && rm disk/run/report.html && cd disk || exit 99
        \"$0\" train --resume run --epochs 2 --quiet
        code=$?; rm -r ../run && cp -r run ../run; exit $code";
    let output = unshared(flags, script).unwrap();
    ended(&output, 1, "run/checkpoint.safetensors: No space left on device");
    intact(here, &before);
}

#[test]
fn a_full_standard_output_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let full = || Stdio::from(fs::File::options().write(true).open("/dev/full").unwrap());
    let output = command(here, &["list"]).stdout(full()).stderr(Stdio::piped()).output().unwrap();
    ended(&output, 1, "standard output: No space left on device");
    // Not even the error can be said: the exit code can.
    let output = command(here, &["list"]).stdout(full()).stderr(full()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let settings = ["train", "--hidden", "4", "--epochs", "1", "--out", "run"];
    let output = command(here, &settings).stderr(full()).stdout(Stdio::piped()).output().unwrap();
    assert!(output.status.success(), "progress that nobody can see stopped the training");
}

/// Runs a command that must not wait for a pipe nobody writes to.
fn promptly(here: &Path, arguments: &[&str]) -> Output {
    let mut child = command(here, arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    for _ in 0..2000 {
        if child.try_wait().unwrap().is_some() {
            return child.wait_with_output().unwrap();
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    child.kill().unwrap();
    panic!("{arguments:?} waits");
}

#[test]
fn files_that_are_none_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    json(&barehand(here, &[&SMALL[..], &["--epochs", "1", "--out", "run", "--json"]].concat()));
    assert!(Command::new("mkfifo").arg(here.join("pipe.png")).status().unwrap().success());
    fs::create_dir(here.join("folder.png")).unwrap();
    for name in ["pipe.png", "folder.png", "/dev/zero"] {
        refused(&promptly(here, &["predict", "run", name]), &format!("{name}: not a regular file"));
        refused(&promptly(here, &["train", "--config", name]), &format!("{name}: not a regular file"));
    }
    refused(&barehand(here, &["predict", "run", "absent.png"]), "absent.png: No such file");
    refused(&barehand(here, &["train", "--out", "run/config.toml/inside"]), "run/config.toml/inside");
    // Every file of a run, replaced by a folder and by a pipe.
    for name in ["config.toml", "checkpoint.safetensors", "metrics.jsonl"] {
        let path = here.join("run").join(name);
        let kept = fs::read(&path).unwrap();
        for make in ["mkdir", "mkfifo"] {
            fs::remove_file(&path).unwrap();
            assert!(Command::new(make).arg(&path).status().unwrap().success());
            let output = promptly(here, &["train", "--resume", "run", "--epochs", "2"]);
            refused(&output, if name == "config.toml" { "run folder" } else { name });
            if make == "mkdir" {
                fs::remove_dir(&path).unwrap();
                fs::write(&path, &kept).unwrap();
            } else {
                fs::remove_file(&path).unwrap();
                fs::write(&path, &kept).unwrap();
            }
        }
    }
    json(&barehand(here, &["train", "--resume", "run", "--epochs", "2", "--json"]));
}

#[test]
fn data_that_cannot_be_read_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let packed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/embedded/fashion-mnist");
    let files = [
        "train-images-idx3-ubyte.gz",
        "train-labels-idx1-ubyte.gz",
        "t10k-images-idx3-ubyte.gz",
        "t10k-labels-idx1-ubyte.gz",
    ];
    for name in files {
        fs::copy(packed.join(name), here.join(name)).unwrap();
    }
    let train =
        || barehand(here, &["train", "--data", "mnist:.", "--epochs", "1", "--hidden", "4", "--json"]);
    json(&train());
    let whole = fs::read(here.join(files[0])).unwrap();
    fs::write(here.join(files[0]), &whole[..whole.len() / 2]).unwrap();
    refused(&train(), files[0]);
    let mut damaged = whole.clone();
    damaged[whole.len() / 2] ^= 0xff;
    fs::write(here.join(files[0]), &damaged).unwrap();
    refused(&train(), files[0]);
    fs::remove_file(here.join(files[0])).unwrap();
    fs::create_dir(here.join(files[0])).unwrap();
    refused(&train(), "train-images-idx3-ubyte");
    assert_eq!(names(&here.join("runs")), ["mlp-mnist-1"], "a refused run left a folder behind");
}

/// A safetensors file with this header.
fn safetensors(header: &str) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes()].concat()
}

#[test]
fn files_made_to_hurt_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    json(&barehand(here, &[&SMALL[..], &["--epochs", "1", "--out", "run", "--json"]].concat()));
    let deep = |open: &str, close: &str| format!("{}{}", open.repeat(100_000), close.repeat(100_000));
    let huge = "{\"x\":{\"dtype\":\"F32\",\"shape\":[1152921504606846976],\"data_offsets\":[0,4611686018427387904]}}";
    let models = [
        safetensors(huge),
        u64::MAX.to_le_bytes().to_vec(),
        (1u64 << 40).to_le_bytes().to_vec(),
        safetensors(&deep("{\"x\":", "}")),
        safetensors(&deep("[", "]")),
        safetensors(&format!(
            "{{\"__metadata__\":{{\"format\":\"barehand-image-classifier\",\"version\":\"1\",\"architecture\":\"{}\"}}}}",
            deep("[", "]")
        )),
    ];
    for (number, bytes) in models.iter().enumerate() {
        for name in ["model.safetensors", "checkpoint.safetensors"] {
            let kept = fs::read(here.join("run").join(name)).unwrap();
            fs::write(here.join("run").join(name), bytes).unwrap();
            let output = match name {
                "model.safetensors" => barehand(here, &["predict", "run", "any.png"]),
                _ => barehand(here, &["train", "--resume", "run", "--epochs", "2"]),
            };
            assert!(text(&output.stderr).len() < 2000, "case {number}: a message nobody can read");
            refused(&output, name);
            fs::write(here.join("run").join(name), kept).unwrap();
        }
    }
    let settings = [
        format!("hidden = {}", deep("[", "]")),
        deep("[a.", "]"),
        format!("{}1", "a.".repeat(100_000)),
        format!("a = {}", deep("{b = ", "}")),
        "hidden = [99999999999999999999]".into(),
        "x".repeat(2 << 20),
    ];
    for bytes in settings {
        fs::write(here.join("bad.toml"), bytes).unwrap();
        refused(&barehand(here, &["train", "--config", "bad.toml"]), "bad.toml");
    }
    // A picture of 100,000 x 100,000 pixels, as its header says (with the right checksum).
    let picture = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\x01\x86\xa0\0\x01\x86\xa0\x08\x02\0\0\0\x27\x30\x9c\x9f";
    fs::write(here.join("large.png"), picture).unwrap();
    refused(&barehand(here, &["predict", "run", "large.png"]), "large.png");
    // Numbers that a trace cannot be asked for.
    refused(&barehand(here, &["trace", "softmax", "--input", &"[".repeat(50_000)]), "trace");
    assert!(!here.join("runs").exists());
}

#[test]
fn images_that_do_not_fit_the_network_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    json(&barehand(here, &[&SMALL[..], &["--epochs", "1", "--out", "run", "--json"]].concat()));
    for class in ["one", "two"] {
        fs::create_dir_all(here.join("pictures").join(class)).unwrap();
        for number in 0..5 {
            let picture = image::GrayImage::from_pixel(6, 5, image::Luma([number * 40]));
            picture.save(here.join("pictures").join(class).join(format!("{number}.png"))).unwrap();
        }
    }
    refused(&barehand(here, &["evaluate", "run", "--data", "folder:pictures"]), "[3, 5, 6]");
    // Too small for two convolutions.
    let cnn =
        ["train", "--model", "cnn", "--data", "folder:pictures", "--channels", "4,4,4", "--validation", "0"];
    refused(&barehand(here, &cnn), "images must have 8 x 8 pixels at least");
    assert!(!here.join("runs").exists(), "a refused run left a folder behind");
}

#[test]
fn a_loss_that_is_not_a_number_stops_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let arguments =
        ["train", "--lr", "1e30", "--optimizer", "sgd", "--hidden", "8", "--out", "run", "--quiet"];
    refused(&barehand(here, &arguments), "the loss became");
    assert_eq!(names(&here.join("run")), [".lock", "config.toml", "metrics.jsonl"]);
}

#[test]
fn memory_that_is_not_there_is_refused_before_it_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let refuse = |arguments: &[&str], expected: &str| {
        let output = barehand(here, &[&["train"], arguments].concat());
        refused(&output, expected);
        assert!(text(&output.stderr).contains("needs about"), "{}", text(&output.stderr));
    };
    refuse(&["--memory-limit", "15MB"], "--memory-limit");
    refuse(&["--model", "cnn", "--batch-size", "4096", "--memory-limit", "500MB"], "lower --batch-size");
    refuse(&["--hidden", "4096,4096,4096", "--memory-limit", "300MB"], "lower --hidden");
    refuse(&["--hidden", "4611686018427387904"], "lower --hidden");
    refuse(&["--model", "cnn", "--channels", "9223372036854775807,2"], "lower --hidden or --channels");
    refused(&barehand(here, &["train", "--memory-limit", "much"]), "--memory-limit");
    assert!(!here.join("runs").exists(), "a refused run left a folder behind");
    // As many images as there are, not as many as were asked for.
    let whole = ["train", "--hidden", "4", "--epochs", "1", "--batch-size", "9223372036854775807", "--json"];
    assert_eq!(json(&barehand(here, &whole))["steps"], 1);
}

#[cfg(target_os = "linux")]
#[test]
fn the_memory_said_is_near_the_memory_taken() {
    let folder = tempfile::tempdir().unwrap();
    for (model, batch, optimizer) in [
        ("mlp", "64", "adamw"),
        ("mlp", "1024", "adamw"),
        ("mlp", "1024", "lbfgs"),
        ("cnn", "64", "adamw"),
        ("cnn", "256", "adamw"),
    ] {
        let settings = ["train", "--model", model, "--batch-size", batch, "--optimizer", optimizer];
        let settings = [&settings[..], &["--epochs", "1", "--validation", "0.8"]].concat();
        let trained = json(&barehand(folder.path(), &[&settings[..], &["--json", "--quiet"]].concat()));
        let bytes = |name: &str| trained["memory"][name].as_f64().unwrap();
        let ratio = bytes("total") / bytes("peak");
        println!("{model}, batch {batch}: {}, ratio {ratio:.2}", trained["memory"]);
        assert!((0.8..2.0).contains(&ratio), "{model}, batch {batch}: {}", trained["memory"]);
    }
}
