//! Encoder and decoder together.

use super::attention_masks::AttentionMasks;
use super::transformer_options::TransformerOptions;
use crate::summary::observe;
use crate::{
    Float, Generator, LayerNorm, Parameters, Result, Tensor, TransformerDecoder, TransformerEncoder, init,
};

/// An encoder whose output, the memory, a decoder attends to, with a norm behind each (Vaswani et al. 2017;
/// `torch.nn.Transformer`). Embeddings and positions come before it, a linear layer over the vocabulary behind it.
///
/// ```
/// use barehand_nn::{AttentionMasks, Generator, Tensor, Transformer, TransformerOptions};
///
/// # fn main() -> barehand_nn::Result<()> {
/// let options = TransformerOptions::new(8, 2).dim_feedforward(16).batch_first(true);
/// let model = Transformer::<f32>::new(1, 1, &options, &mut Generator::new(0))?;
/// let (source, target) = (Tensor::ones([3, 7, 8]), Tensor::ones([3, 5, 8]));
/// let [none, causal] = [AttentionMasks::default(), AttentionMasks::causal()];
/// assert_eq!(model.forward(&source, &target, &none, &causal, &none)?.shape(), [3, 5, 8]);
/// # Ok(())
/// # }
/// ```
#[derive(Parameters)]
pub struct Transformer<T: Float = f32> {
    /// Of the source.
    pub encoder: TransformerEncoder<T>,
    /// Of the target.
    pub decoder: TransformerDecoder<T>,
}

impl<T: Float> Transformer<T> {
    /// So many layers of the encoder and of the decoder; all matrices begin as `xavier_uniform`.
    ///
    /// # Errors
    /// When a number is 0, the width is no multiple of the heads, or the share dropped is not in [0, 1].
    pub fn new(
        encoder_layers: usize,
        decoder_layers: usize,
        options: &TransformerOptions,
        generator: &mut Generator,
    ) -> Result<Self> {
        let norm = || -> LayerNorm<T> { options.norm() };
        let mut model = Transformer {
            encoder: TransformerEncoder::new(encoder_layers, options, generator)?.norm(norm()),
            decoder: TransformerDecoder::new(decoder_layers, options, generator)?.norm(norm()),
        };
        let mut outcome = Ok(());
        model.visit_parameters_mut(&mut |_, parameter| {
            if parameter.rank() > 1 && outcome.is_ok() {
                outcome = init::xavier_uniform(parameter.shape(), 1.0, generator)
                    .and_then(|drawn| parameter.set_data(&drawn));
            }
        });
        outcome?;
        Ok(model)
    }

    /// The decoder's output for a source and a target. The masks are the source's, the target's, and those of the
    /// target's attention to the memory.
    ///
    /// # Errors
    /// When shapes do not fit.
    pub fn forward(
        &self,
        source: &Tensor<T>,
        target: &Tensor<T>,
        source_masks: &AttentionMasks<T>,
        target_masks: &AttentionMasks<T>,
        memory_masks: &AttentionMasks<T>,
    ) -> Result<Tensor<T>> {
        let memory = self.encoder.encode(source, source_masks)?;
        observe(self, self.decoder.decode(target, &memory, target_masks, memory_masks))
    }
}
