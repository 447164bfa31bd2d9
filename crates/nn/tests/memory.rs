//! What training is said to need, held against what it takes. One test in a process of its own: the memory it looks at is
//! everybody's.

use barehand_nn::models::{Cnn, Mlp};
use barehand_nn::{Adam, Generator, Module, Optimizer, Parameters, Tensor, cross_entropy, memory};
use barehand_tensor::memory::{held_bytes, trim};

type Build = fn(&mut Generator) -> Box<dyn Module>;

#[test]
fn the_estimate_is_near_what_training_takes() {
    let generator = || Generator::new(1);
    let models: [(&str, Build); 4] = [
        ("mlp", |g| Box::new(Mlp::builder(&[784, 512, 10]).build(g).unwrap())),
        ("deep mlp", |g| {
            Box::new(Mlp::builder(&[784, 256, 256, 256, 256, 10]).dropout(0.1).build(g).unwrap())
        }),
        ("cnn", |g| Box::new(Cnn::builder(1, [28, 28], 10).build(g).unwrap())),
        ("wide cnn", |g| Box::new(Cnn::builder(3, [16, 16], 10).channels(&[8, 64, 16]).build(g).unwrap())),
    ];
    for (name, build) in models {
        for batch in [64, 256, 1024] {
            trim();
            let before = held_bytes();
            let mut model = build(&mut generator());
            let shape = match name {
                "wide cnn" => [batch, 3, 16, 16],
                _ => [batch, 1, 28, 28],
            };
            model.eval();
            let said = memory(model.as_ref(), &shape, 2).unwrap();
            model.train();
            let mut optimizer = Adam::builder(1e-3).build().unwrap();
            trim();
            for _ in 0..2 {
                let x = Tensor::<f32>::ones(shape);
                let loss = cross_entropy(&model.forward(&x).unwrap(), &Tensor::zeros([batch])).unwrap();
                optimizer.step(&mut model, &loss.backward().unwrap()).unwrap();
            }
            // Recycled memory is never given back, so this is the peak.
            let taken = held_bytes() - before;
            let ratio = said.total() as f64 / taken as f64;
            println!(
                "{name}, batch {batch}: taken {:.1} MB, said {said}, ratio {ratio:.2}",
                taken as f64 / 1e6
            );
            assert!((0.8..2.0).contains(&ratio), "{name}, batch {batch}: {taken} bytes taken, said {said}");
        }
    }
}
