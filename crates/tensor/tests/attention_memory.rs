//! Attention's memory is linear in the length of the sequence, forward and backward; a test of its own, for memory is
//! counted for the whole process.

use barehand_tensor::{AttentionOptions, Causal, Generator, Tensor, memory};

const HEADS: usize = 16;
const WIDTH: usize = 16;

/// Bytes that a training step of attention over `length` tokens asked the system for.
fn bytes(length: usize) -> usize {
    memory::trim();
    let before = memory::held_bytes();
    let mut generator = Generator::new(1);
    let [q, k, v] =
        [0; 3].map(|_| Tensor::<f32>::randn([HEADS, length, WIDTH], &mut generator).requires_grad());
    let options = AttentionOptions { causal: Some(Causal::UpperLeft), ..Default::default() };
    let y = q.scaled_dot_product_attention(&k, &v, &options).unwrap();
    let gradients = y.sum().unwrap().backward().unwrap();
    assert_eq!(gradients.len(), 3);
    memory::held_bytes() - before
}

#[test]
fn memory_is_linear_in_the_length() {
    // The weights of the longer sequence alone would take 64 MiB. Queries, keys, values, outputs, gradients and what is
    // worked with are some dozen rows for each token and head.
    bytes(64);
    let (short, long) = (bytes(512), bytes(1024));
    assert!(long < 24 * (HEADS * 1024 * WIDTH * size_of::<f32>()), "{long}");
    assert!(long < 3 * short, "{short} for 512 tokens, {long} for 1024");
}
