//! Writes a report of a made-up training run, to see what one looks like:
//! `cargo run -p barehand-report --example sample_report -- report.html`.
//!
//! The numbers are generated, not measured. `-- report.html 100` makes it 100 classes, `-- report.html 2 1000`
//! two classes and 1,000 epochs, `-- report.html 3 hostile` a run that went wrong, with texts that try to break the page.

use std::{env, error::Error, f64::consts::PI};

use barehand_report::{ConfusionMatrix, Epoch, Fact, Layer, Mistake, Picture, Report, Score, Step, Timing};

const GARMENTS: [&str; 10] =
    ["T-shirt", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"];
const STEPS_PER_EPOCH: u64 = 469;

/// SplitMix64, so that every run of the example writes the same file.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in `[0, 1)`.
    fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// About normal, with mean 0 and deviation 1.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.share()).sum::<f64>() - 6.0
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.share() * limit as f64) as usize
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let path = arguments.first().map_or("report.html", String::as_str);
    let classes: usize = arguments.get(1).map_or(Ok(10), |text| text.parse())?;
    let report = match arguments.get(2).map(String::as_str) {
        Some("hostile") => gone_wrong(classes)?,
        Some(epochs) => sample(classes, epochs.parse()?)?,
        None => sample(classes, 20)?,
    };
    report.write(path)?;
    println!("wrote {path}");
    Ok(())
}

fn sample(classes: usize, epoch_count: u64) -> Result<Report, Box<dyn Error>> {
    let mut random = Random(7);
    let epochs = epochs(&mut random, epoch_count);
    let names: Vec<String> = match classes {
        2 => vec!["healthy".into(), "ill".into()],
        10 => GARMENTS.map(String::from).to_vec(),
        n => (0..n).map(|class| format!("class {class}")).collect(),
    };
    let confusion = ConfusionMatrix::new(names, confusion(&mut random, classes))?;
    let accuracy = confusion.correct() as f64 / confusion.total() as f64;
    Ok(Report {
        title: "Fashion-MNIST, a small convolutional network".into(),
        created: "3 March 2026, 14:05 UTC".into(),
        summary: "Two convolutions and two linear layers, trained with AdamW under a warm-up and a cosine. The numbers of \
                  this sample are made up."
            .into(),
        scores: vec![
            Score::share("Test accuracy", accuracy),
            Score::number("Test loss", 0.2317),
            Score::share("Macro F1", confusion.macro_average().f1),
            Score::share("Top-3 accuracy", 0.9941),
            Score::seconds("Training time", epochs.iter().filter_map(|e| e.seconds).sum()),
        ],
        steps: steps(&mut random, epochs.len() as u64),
        mistakes: (0..24).map(|rank| mistake(&mut random, classes, rank)).collect::<Result<_, _>>()?,
        timings: [("Forward", 58.4), ("Backward", 103.9), ("Optimizer", 7.21), ("Reading batches", 3.6), ("Validation", 11.8)]
            .map(|(name, seconds)| Timing { name: name.into(), seconds })
            .to_vec(),
        model: layers(),
        configuration: [
            ("data set", "fashion-mnist"),
            ("epochs", "20"),
            ("batch size", "128"),
            ("optimizer", "AdamW (β₁ 0.9, β₂ 0.999, ε 1e−8, weight decay 0.01)"),
            ("learning rate", "0.003, warm-up over 469 steps, then a cosine to 0"),
            ("loss", "cross entropy, label smoothing 0.05"),
            ("augmentation", "shift ≤ 2 pixels, mirror"),
            ("seed", "7"),
        ]
        .map(|(name, value)| Fact::new(name, value))
        .to_vec(),
        configuration_file: Some(
            "[data]\nname = \"fashion-mnist\"\nbatch_size = 128\n\n[train]\nepochs = 20\nseed = 7\n\n[optimizer]\nname = \
             \"adamw\"\nlearning_rate = 0.003\nweight_decay = 0.01\n"
                .into(),
        ),
        environment: vec![
            Fact::new("barehand", env!("CARGO_PKG_VERSION")),
            Fact::new("instruction set", "avx512"),
            Fact::new("threads", 8),
            Fact::new("system", "Linux, x86_64"),
        ],
        epochs,
        confusion: Some(confusion),
    })
}

/// Warm-up over the first epoch, then a cosine.
fn learning_rate(step: u64, total: u64) -> f64 {
    let warm_up = STEPS_PER_EPOCH as f64;
    let done = (step as f64 - warm_up) / (total as f64 - warm_up);
    0.003 * if done < 0.0 { step as f64 / warm_up } else { 0.5 * (1.0 + (PI * done).cos()) }
}

fn epochs(random: &mut Random, count: u64) -> Vec<Epoch> {
    (1..=count)
        .map(|epoch| {
            let age = epoch as f64;
            let train_loss = 0.15 + 0.52 * (-age / 4.5).exp() + 0.004 * random.normal();
            let validation_loss =
                0.222 + 0.33 * (-age / 3.0).exp() + 0.0016 * (age - 12.0).max(0.0) + 0.005 * random.normal();
            let seconds = 8.9 + if epoch == 1 { 1.4 } else { 0.0 } + 0.12 * random.normal();
            Epoch {
                epoch,
                train_loss,
                train_accuracy: Some(1.0 - 0.36 * train_loss),
                validation_loss: Some(validation_loss),
                validation_accuracy: Some(1.0 - 0.355 * validation_loss),
                learning_rate: Some(learning_rate(epoch * STEPS_PER_EPOCH, count * STEPS_PER_EPOCH)),
                seconds: Some(seconds),
                samples_per_second: Some(60_000.0 / seconds),
                last_step: Some(epoch * STEPS_PER_EPOCH),
            }
        })
        .collect()
}

fn steps(random: &mut Random, epochs: u64) -> Vec<Step> {
    (1..=epochs * STEPS_PER_EPOCH)
        .map(|step| {
            let age = step as f64 / STEPS_PER_EPOCH as f64;
            let mean = 0.15 + 0.52 * (-age / 4.5).exp() + 1.6 * (-age * 12.0).exp();
            let loss = mean * (0.16 * random.normal()).exp();
            Step {
                step,
                loss,
                accuracy: Some((1.0 - 0.36 * loss).max(0.1)),
                learning_rate: Some(learning_rate(step, epochs * STEPS_PER_EPOCH)),
            }
        })
        .collect()
}

fn confusion(random: &mut Random, classes: usize) -> Vec<Vec<u64>> {
    let mut counts = vec![vec![0; classes]; classes];
    for truth in 0..classes {
        let difficulty = 0.02 + 0.12 * random.share().powi(2);
        // Most mistakes go to one or two look-alikes.
        let twin = (truth + 2 + random.below(3)) % classes;
        for _ in 0..1000 {
            let choice = match random.share() {
                u if u > difficulty => truth,
                u if u < 0.7 * difficulty => twin,
                _ => random.below(classes),
            };
            counts[truth][choice] += 1;
        }
    }
    counts
}

/// A blurred blob on 28 × 28 grey pixels, or every sixth time a large colour picture.
fn mistake(random: &mut Random, classes: usize, rank: usize) -> Result<Mistake, barehand_report::Error> {
    let (width, height, channels) = if rank % 6 == 5 { (640, 480, 3) } else { (28, 28, 1) };
    let [x0, y0, x1, y1] = [0; 4].map(|_| 0.3 + 0.4 * random.share());
    let mut pixels = Vec::with_capacity(width * height * channels);
    for y in 0..height {
        for x in 0..width {
            let (u, v) = (x as f64 / width as f64, y as f64 / height as f64);
            let near = |a: f64, b: f64| (-((u - a).powi(2) + (v - b).powi(2)) / 0.02).exp();
            for channel in 0..channels {
                let light = near(x0, y0) + near(x1, y1) * (1.0 - 0.3 * channel as f64);
                pixels.push((light.min(1.0) * 255.0) as u8);
            }
        }
    }
    let true_class = random.below(classes);
    let probability = 1.0 - 0.02 * (rank as f64 + 1.0) * random.share();
    Ok(Mistake {
        image: Picture::new(width, height, channels, pixels)?,
        true_class,
        predicted_class: (true_class + 1 + random.below(classes.saturating_sub(1))) % classes,
        probability,
        loss: 9.0 / (1.0 + 0.12 * rank as f64),
    })
}

fn layers() -> Vec<Layer> {
    [
        ("layers.0", "Conv2d(1, 32, kernel 3)", "N × 32 × 26 × 26", 320),
        ("layers.1", "ReLU", "N × 32 × 26 × 26", 0),
        ("layers.2", "Conv2d(32, 64, kernel 3)", "N × 64 × 24 × 24", 18_496),
        ("layers.3", "ReLU", "N × 64 × 24 × 24", 0),
        ("layers.4", "MaxPool2d(2)", "N × 64 × 12 × 12", 0),
        ("layers.5", "Dropout(0.25)", "N × 64 × 12 × 12", 0),
        ("layers.6", "Flatten", "N × 9216", 0),
        ("layers.7", "Linear(9216, 128)", "N × 128", 1_179_776),
        ("layers.8", "ReLU", "N × 128", 0),
        ("layers.9", "Linear(128, 10)", "N × 10", 1_290),
    ]
    .map(|(name, kind, shape, parameters)| Layer {
        name: name.into(),
        kind: kind.into(),
        output_shape: shape.into(),
        parameters,
    })
    .to_vec()
}

/// A run that diverged, and whose texts are hostile to the page.
fn gone_wrong(classes: usize) -> Result<Report, Box<dyn Error>> {
    let hostile =
        "</script><script>window.broken=1</script><img src=x onerror=\"window.broken=1\">'\"&{{style}}";
    let mut report = sample(classes.max(2), 20)?;
    for epoch in &mut report.epochs {
        match epoch.epoch {
            6..9 => epoch.train_loss = f64::NAN,
            9 => epoch.train_loss = f64::INFINITY,
            _ => {}
        }
        epoch.validation_accuracy = None;
    }
    let matrix = report.confusion.take().ok_or("the sample has a matrix")?;
    let names = (0..matrix.classes().len()).map(|class| format!("{hostile} {class}")).collect();
    report.confusion = Some(ConfusionMatrix::new(names, matrix.counts().to_vec())?);
    report.title = hostile.into();
    report.summary = hostile.into();
    report.configuration_file = Some(hostile.into());
    report.environment.push(Fact::new(hostile, hostile));
    report.timings.push(Timing { name: hostile.into(), seconds: f64::NAN });
    report.scores.push(Score::number(hostile, f64::INFINITY));
    report.model.push(Layer { name: hostile.into(), kind: hostile.into(), ..Layer::default() });
    report.steps.truncate(5);
    Ok(report)
}
