//! Schedules against PyTorch's sequences.

use barehand_nn::schedule::{OneCycle, ReduceOnPlateau};
use barehand_nn::{Adam, Optimizer, Schedule, Scheduler, Sgd};
use serde_json::Value;

fn schedule(op: &str, options: &Value) -> Option<Schedule> {
    let number = |key: &str, default: f64| options[key].as_f64().unwrap_or(default);
    let count = |key: &str, default: u64| options[key].as_u64().unwrap_or(default);
    let counts = |key: &str| options[key].as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).collect();
    Some(match op {
        "step" => Schedule::Step { step_size: count("step_size", 0), gamma: number("gamma", 0.1) },
        "multi_step" => Schedule::MultiStep { milestones: counts("milestones"), gamma: number("gamma", 0.1) },
        "constant" => {
            Schedule::Constant { factor: number("factor", 1.0 / 3.0), total_iters: count("total_iters", 5) }
        }
        "exponential" => Schedule::Exponential { gamma: number("gamma", 0.0) },
        "polynomial" => {
            Schedule::Polynomial { total_iters: count("total_iters", 5), power: number("power", 1.0) }
        }
        "cosine_annealing" => {
            Schedule::CosineAnnealing { t_max: count("T_max", 0), eta_min: number("eta_min", 0.0) }
        }
        "linear" => Schedule::Linear {
            start_factor: number("start_factor", 1.0 / 3.0),
            end_factor: number("end_factor", 1.0),
            total_iters: count("total_iters", 5),
        },
        "swa" => Schedule::Swa {
            swa_lr: number("swa_lr", 0.0),
            anneal_epochs: count("anneal_epochs", 10),
            linear: options["anneal_strategy"] == "linear",
        },
        "sequential" => Schedule::Sequential {
            schedules: options["schedules"]
                .as_array()
                .unwrap()
                .iter()
                .map(|part| schedule(part["op"].as_str().unwrap(), &part["options"]).unwrap())
                .collect(),
            milestones: counts("milestones"),
        },
        "one_cycle" => {
            let default = OneCycle::default();
            Schedule::OneCycle(OneCycle {
                max_lr: number("max_lr", 0.0),
                total_steps: count("total_steps", 0),
                pct_start: number("pct_start", default.pct_start),
                linear: options["anneal_strategy"] == "linear",
                cycle_momentum: options["cycle_momentum"] != false,
                base_momentum: number("base_momentum", default.base_momentum),
                max_momentum: number("max_momentum", default.max_momentum),
                div_factor: number("div_factor", default.div_factor),
                final_div_factor: number("final_div_factor", default.final_div_factor),
                three_phase: options["three_phase"] == true,
            })
        }
        "reduce_on_plateau" => {
            let default = ReduceOnPlateau::default();
            Schedule::ReduceOnPlateau(ReduceOnPlateau {
                maximize: options["mode"] == "max",
                factor: number("factor", default.factor),
                patience: count("patience", default.patience),
                threshold: number("threshold", default.threshold),
                absolute: options["threshold_mode"] == "abs",
                cooldown: count("cooldown", 0),
                min_lr: number("min_lr", 0.0),
                eps: number("eps", default.eps),
            })
        }
        // Not here yet.
        "cosine_annealing_warm_restarts" => return None,
        other => panic!("{other} is not known"),
    })
}

#[test]
fn every_sequence_is_pytorchs() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/goldens/schedules.json");
    let golden: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let base = golden["lr"].as_f64().unwrap();
    let mut checked = 0;
    for case in golden["cases"].as_array().unwrap() {
        let Some(schedule) = schedule(case["op"].as_str().unwrap(), &case["options"]) else { continue };
        let adam = case["optimizer"] == "adam";
        let mut optimizer: Box<dyn Optimizer> = if adam {
            Box::new(Adam::builder(base).build().unwrap())
        } else {
            Box::new(Sgd::builder(base).momentum(0.9).build().unwrap())
        };
        let mut scheduler = Scheduler::new(schedule, base).unwrap();
        let rates = case["rates"].as_array().unwrap();
        for (step, rate) in rates.iter().enumerate() {
            scheduler.apply(&mut *optimizer);
            let close = |what: &str, ours: f64, theirs: &Value| {
                let theirs = theirs.as_f64().unwrap();
                let apart = (ours - theirs).abs();
                assert!(apart <= 1e-12, "{case}: {what} of step {step} is {ours:e}, PyTorch says {theirs:e}");
            };
            close("rate", optimizer.learning_rate(), rate);
            if let Some(momenta) = case["momenta"].as_array() {
                close("momentum", optimizer.momentum(), &momenta[step]);
            }
            // Half way the scheduler is saved as text, and another one continues.
            if step == rates.len() / 2 {
                scheduler = serde_json::from_str(&serde_json::to_string(&scheduler).unwrap()).unwrap();
            }
            let metric = case["metrics"].as_array().map(|metrics| metrics[step].as_f64().unwrap_or(f64::NAN));
            scheduler.step(metric).unwrap();
        }
        checked += 1;
    }
    assert!(checked >= 52, "{checked}");
}

#[test]
fn a_warm_up_leads_into_a_cosine() {
    let schedule = Schedule::warm_up_cosine(0.1, 10, 60, 0.001);
    assert!((schedule.learning_rate(0.1, 0) - 0.01).abs() < 1e-15);
    assert!((schedule.learning_rate(0.1, 10) - 0.1).abs() < 1e-15);
    assert!((schedule.learning_rate(0.1, 60) - 0.001).abs() < 1e-15);
}

#[test]
fn settings_that_define_no_sequence_are_refused() {
    let constant = || Schedule::Constant { factor: 0.5, total_iters: 1 };
    let refused = [
        Schedule::Step { step_size: 0, gamma: 0.1 },
        Schedule::CosineAnnealing { t_max: 0, eta_min: 0.0 },
        Schedule::Linear { start_factor: 0.0, end_factor: 1.0, total_iters: 5 },
        Schedule::Constant { factor: 1.5, total_iters: 5 },
        Schedule::Polynomial { total_iters: 0, power: 1.0 },
        Schedule::Sequential { schedules: vec![constant()], milestones: vec![3] },
        Schedule::Sequential { schedules: vec![constant(), constant(), constant()], milestones: vec![5, 3] },
        Schedule::OneCycle(OneCycle { total_steps: 0, ..OneCycle::default() }),
        Schedule::ReduceOnPlateau(ReduceOnPlateau { factor: 1.0, ..ReduceOnPlateau::default() }),
    ];
    for schedule in refused {
        assert!(Scheduler::new(schedule.clone(), 0.1).is_err(), "{schedule:?}");
    }
    let mut plateau = Scheduler::new(Schedule::ReduceOnPlateau(ReduceOnPlateau::default()), 0.1).unwrap();
    assert!(plateau.step(None).is_err(), "a plateau is seen in metrics");
}

#[test]
fn a_schedule_is_written_by_name() {
    let schedule: Schedule =
        serde_json::from_str(r#"{"kind": "one_cycle", "max_lr": 0.5, "total_steps": 9}"#).unwrap();
    assert_eq!(schedule, Schedule::OneCycle(OneCycle { max_lr: 0.5, total_steps: 9, ..OneCycle::default() }));
}
