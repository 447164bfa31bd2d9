//! Every reader on its valid seeds, on the same damaged in many ways, and on what once broke it.

use std::path::Path;

use barehand_fuzz_targets::{TARGETS, Target};

/// A stream of numbers, the same on every machine (splitmix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % below as u64) as usize
    }
}

/// What replaces a piece of a file: numbers at the edges of their types, and the signs of text formats.
const PIECES: [&[u8]; 12] = [
    b"",
    b"\0",
    b"\xff\xff\xff\xff\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff",
    b"\0\0\0\x80",
    b"0",
    b"-1",
    b"1e308",
    b"18446744073709551615",
    b"null",
    b"[[",
    b"\"",
];

#[test]
fn every_reader_takes_its_seeds_and_survives_their_damage() {
    for Target { name, run, seeds } in TARGETS {
        let mut numbers = Numbers(name.bytes().map(u64::from).sum());
        let seeds = seeds();
        assert!(!seeds.is_empty(), "{name} has no seeds");
        for seed in &seeds {
            run(seed);
            let rounds = (40_000 / seed.len().max(1)).clamp(10, 100);
            for _ in 0..rounds {
                run(&seed[..numbers.next(seed.len() + 1)]);
                let mut damaged = seed.clone();
                for _ in 0..=numbers.next(3) {
                    if damaged.is_empty() {
                        break;
                    }
                    let at = numbers.next(damaged.len());
                    if numbers.next(2) == 0 {
                        damaged[at] ^= 1 << numbers.next(8);
                    } else {
                        let end = damaged.len().min(at + numbers.next(5));
                        damaged.splice(at..end, PIECES[numbers.next(PIECES.len())].iter().copied());
                    }
                }
                run(&damaged);
            }
        }
    }
}

#[test]
fn what_once_broke_a_reader_breaks_it_no_more() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/regressions");
    let mut replayed = 0;
    for target in TARGETS {
        let Ok(inputs) = std::fs::read_dir(folder.join(target.name)) else { continue };
        for input in inputs {
            let path = input.unwrap().path();
            eprintln!("{}", path.display());
            (target.run)(&std::fs::read(path).unwrap());
            replayed += 1;
        }
    }
    assert!(replayed > 0, "no regressions in {}", folder.display());
}
