//! Learning-rate schedules: the rate of each step.

use barehand_textbook::learning_rate::{
    Anneal, OneCycle, ReduceOnPlateau, cosine_annealing, exponential_decay, linear_warmup, step_decay,
    swa_annealing, warmup_cosine,
};
use barehand_textbook::{Array, Trace};

use crate::arguments::Arguments;
use crate::block::{Block, Input, input};
use crate::error::Error;

const BASE: Input = input("lr", "the base rate", "0.1");
const STEPS: Input = input("steps", "how many rates to show", "10");

pub const BLOCKS: &[Block] = &[
    Block {
        name: "step_lr",
        section: "schedules",
        summary: "the rate falls by a factor every few steps",
        formula: "lr gamma^floor(t / step_size)",
        engine: Some("barehand::nn::Schedule::Step"),
        twin: "barehand::textbook::learning_rate::step_decay",
        inputs: &[BASE],
        options: &[
            STEPS,
            input("step_size", "steps between reductions", "3"),
            input("gamma", "the factor", "0.1"),
        ],
        run: |a, t| {
            let (base, size, gamma) = (a.number("lr")?, a.count("step_size")?, a.number("gamma")?);
            rates(a, t, "lr gamma^floor(t / step_size)", |step| step_decay(base, size, gamma, step))
        },
    },
    Block {
        name: "exponential_lr",
        section: "schedules",
        summary: "the rate falls by a factor every step",
        formula: "lr gamma^t",
        engine: Some("barehand::nn::Schedule::Exponential"),
        twin: "barehand::textbook::learning_rate::exponential_decay",
        inputs: &[BASE],
        options: &[STEPS, input("gamma", "the factor", "0.9")],
        run: |a, t| {
            let (base, gamma) = (a.number("lr")?, a.number("gamma")?);
            rates(a, t, "lr gamma^t", |step| exponential_decay(base, gamma, step))
        },
    },
    Block {
        name: "cosine_annealing_lr",
        section: "schedules",
        summary: "half a cosine from the base rate to the minimum",
        formula: "minimum + (lr - minimum) (1 + cos(pi t / period)) / 2",
        engine: Some("barehand::nn::Schedule::CosineAnnealing"),
        twin: "barehand::textbook::learning_rate::cosine_annealing",
        inputs: &[BASE],
        options: &[
            STEPS,
            input("period", "steps from top to bottom", "9"),
            input("minimum", "the lowest rate", "0.0"),
        ],
        run: |a, t| {
            let (base, minimum, period) = (a.number("lr")?, a.number("minimum")?, a.count("period")?);
            rates(a, t, "minimum + (lr - minimum) (1 + cos(pi t / period)) / 2", |step| {
                cosine_annealing(base, minimum, period, step)
            })
        },
    },
    Block {
        name: "linear_lr",
        section: "schedules",
        summary: "a linear warm-up",
        formula: "lr (start_factor + (1 - start_factor) t / warmup), lr afterwards",
        engine: Some("barehand::nn::Schedule::Linear"),
        twin: "barehand::textbook::learning_rate::linear_warmup",
        inputs: &[BASE],
        options: &[
            STEPS,
            input("warmup", "steps until the base rate", "5"),
            input("start_factor", "the first rate's share of the base rate", "0.3333333333333333"),
        ],
        run: |a, t| {
            let (base, warmup, start) = (a.number("lr")?, a.count("warmup")?, a.number("start_factor")?);
            rates(a, t, "lr (start_factor + (1 - start_factor) t / warmup)", |step| {
                linear_warmup(base, start, warmup, step)
            })
        },
    },
    Block {
        name: "warmup_cosine_lr",
        section: "schedules",
        summary: "a linear warm-up, then a cosine: the usual schedule of language models",
        formula: "lr (t + 1) / warmup, then half a cosine to the minimum",
        engine: Some("barehand::nn::Schedule::warm_up_cosine"),
        twin: "barehand::textbook::learning_rate::warmup_cosine",
        inputs: &[BASE],
        options: &[
            STEPS,
            input("warmup", "steps until the base rate", "3"),
            input("total", "steps until the minimum", "10"),
            input("minimum", "the lowest rate", "0.01"),
        ],
        run: |a, t| {
            let (base, minimum) = (a.number("lr")?, a.number("minimum")?);
            let (warmup, total) = (a.count("warmup")?, a.count("total")?);
            rates(a, t, "lr (t + 1) / warmup, then half a cosine", |step| {
                warmup_cosine(base, minimum, warmup, total, step)
            })
        },
    },
    Block {
        name: "swa_lr",
        section: "schedules",
        summary: "to the rate at which weights are averaged, and on at that rate",
        formula: "swa a + lr (1 - a), a = t / anneal_epochs or (1 - cos(pi t / anneal_epochs)) / 2",
        engine: Some("barehand::nn::Schedule::Swa"),
        twin: "barehand::textbook::learning_rate::swa_annealing",
        inputs: &[BASE],
        options: &[
            STEPS,
            input("swa", "the last rate", "0.01"),
            input("anneal_epochs", "steps from one to the other", "5"),
            input("anneal", "cosine or linear", "\"cosine\""),
        ],
        run: |a, t| {
            let (base, swa, epochs) = (a.number("lr")?, a.number("swa")?, a.count("anneal_epochs")?);
            let anneal = a.choice("anneal", &[("cosine", Anneal::Cosine), ("linear", Anneal::Linear)])?;
            rates(a, t, "swa a + lr (1 - a)", |step| swa_annealing(base, swa, epochs, anneal, step))
        },
    },
    Block {
        name: "one_cycle_lr",
        section: "schedules",
        summary: "up to a peak and down below the start",
        formula: "lr/div up to lr, down to lr/(div final_div)",
        engine: Some("barehand::nn::Schedule::OneCycle"),
        twin: "barehand::textbook::learning_rate::OneCycle",
        inputs: &[BASE],
        options: &[
            input("total_steps", "steps of the cycle", "10"),
            input("rising_share", "share of them that go up", "0.3"),
            input("div", "the start is lr / div", "25.0"),
            input("final_div", "the end is start / final_div", "10000.0"),
            input("anneal", "cosine or linear", "\"cosine\""),
        ],
        run: |a, t| {
            let cycle = OneCycle {
                maximum: a.number("lr")?,
                total_steps: a.count("total_steps")?,
                rising_share: a.number("rising_share")?,
                div: a.number("div")?,
                final_div: a.number("final_div")?,
                anneal: a.choice("anneal", &[("cosine", Anneal::Cosine), ("linear", Anneal::Linear)])?,
            };
            let rates = (0..cycle.total_steps).map(|step| cycle.at(step)).collect::<Result<Vec<f64>, _>>()?;
            t.section("one cycle");
            let _ = t.step("lr", "up along the anneal, then down", Array::vector(&rates));
            Ok(())
        },
    },
    Block {
        name: "reduce_lr_on_plateau",
        section: "schedules",
        summary: "the rate falls when the loss stops improving",
        formula: "lr = lr factor after more than `patience` epochs without improvement",
        engine: Some("barehand::nn::Schedule::ReduceOnPlateau"),
        twin: "barehand::textbook::learning_rate::ReduceOnPlateau",
        inputs: &[input("losses", "the loss of each epoch", "[1.0, 0.5, 0.5, 0.5, 0.5, 0.5, 0.4]"), BASE],
        options: &[
            input("factor", "what a reduction multiplies by", "0.1"),
            input("patience", "epochs without improvement that are tolerated", "2"),
            input("threshold", "an improvement is a loss below best (1 - threshold)", "0.0001"),
            input("cooldown", "epochs after a reduction in which none is counted", "0"),
            input("minimum", "the rate never falls below", "0.0"),
        ],
        run: |a, t| {
            let plateau = ReduceOnPlateau {
                base: a.number("lr")?,
                factor: a.number("factor")?,
                patience: a.count("patience")?,
                threshold: a.number("threshold")?,
                cooldown: a.count("cooldown")?,
                minimum: a.number("minimum")?,
            };
            t.section("reduce on plateau");
            let rates = plateau.rates(&a.vector("losses")?);
            let _ = t.step("lr", "the rate after each epoch", Array::vector(&rates));
            Ok(())
        },
    },
];

fn rates(a: &Arguments, t: &mut Trace, formula: &str, rate: impl Fn(usize) -> f64) -> Result<(), Error> {
    let rates: Vec<f64> = (0..a.count("steps")?).map(rate).collect();
    t.section("schedule");
    let _ = t.step("lr", formula, Array::vector(&rates));
    Ok(())
}
