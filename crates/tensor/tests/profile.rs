//! The profiler. One test: a process has one profiler at a time.

use barehand_tensor::profile::{Phase, Profiler, Row, span};
use barehand_tensor::{Result, Tensor, no_grad};

fn calls(rows: &[Row], name: &str, phase: Phase) -> u64 {
    rows.iter().filter(|row| row.name == name && row.phase == phase).map(|row| row.calls).sum()
}

#[test]
fn a_profile_counts_each_operator_once_in_its_phase() -> Result<()> {
    let w = Tensor::<f32>::ones([3, 4]).requires_grad();
    let x = Tensor::<f32>::ones([2, 4]);
    let step = || x.linear(&w, None)?.relu()?.sum()?.backward();
    step()?;

    let profiler = Profiler::start()?;
    assert!(Profiler::start().unwrap_err().to_string().contains("another profiler"));
    for _ in 0..3 {
        step()?;
    }
    no_grad(|| x.linear(&w, None))?;
    // What runs inside a span belongs to it, and a failure is a call as well.
    let inner = span("outer", Phase::Update, |_: &Result<Tensor>| [7].into_iter().collect(), || x.relu());
    assert!(inner.is_ok() && x.linear(&w.reshape([4, 3])?, None).is_err());
    let profile = profiler.stop();

    let rows = &profile.rows;
    assert_eq!(calls(rows, "linear", Phase::Forward), 3);
    assert_eq!(calls(rows, "linear", Phase::Backward), 3);
    assert_eq!(calls(rows, "linear", Phase::Inference), 1);
    assert_eq!(calls(rows, "relu", Phase::Forward), 3, "the one inside the span is part of it");
    assert_eq!(calls(rows, "outer", Phase::Update), 1);
    let backward = rows.iter().find(|row| row.name == "linear" && row.phase == Phase::Backward).unwrap();
    assert_eq!(backward.shape, [2, 3]);
    assert!(rows.iter().find(|row| row.name == "outer").unwrap().shape == [7]);
    assert!(rows.windows(2).all(|pair| pair[0].seconds >= pair[1].seconds), "the dearest first");
    let sum: f64 = rows.iter().map(|row| row.seconds).sum();
    assert!(sum > 0.0 && (sum + profile.elsewhere() - profile.seconds).abs() < 1e-9);
    let by_phase = [Phase::Data, Phase::Forward, Phase::Backward, Phase::Update, Phase::Inference];
    assert!((by_phase.map(|phase| profile.phase(phase)).iter().sum::<f64>() - sum).abs() < 1e-12);
    let table = profile.to_string();
    assert!(
        table.starts_with("operator") && table.contains("2 x 3") && table.contains("elsewhere"),
        "{table}"
    );

    // Nothing is kept for the next one, and nothing is seen once it has stopped or was dropped.
    drop(Profiler::start()?);
    step()?;
    let rows = Profiler::start()?.stop().rows;
    assert!(rows.is_empty(), "{rows:?}");
    Ok(())
}
