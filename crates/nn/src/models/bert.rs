//! BERT: a transformer that encodes text.

use barehand_tensor::{NamedTensors, concat};

use crate::summary::observe;
use crate::{
    Activation, AttentionMasks, Dropout, Embedding, Error, Float, Generator, LayerNorm, LearnedPositions,
    Parameters, Result, StateDict, Tensor, TransformerEncoder, TransformerOptions,
};

/// Embeddings of tokens, positions and segments, and post-norm encoder layers with GELU (Devlin et al. 2018).
///
/// ```
/// use barehand_nn::{Generator, Parameters, Tensor, models::{Bert, mean_pooling}};
///
/// # fn main() -> barehand_nn::Result<()> {
/// let mut bert: Bert = Bert::builder(100).hidden_size(8).layers(2).heads(2).intermediate_size(16).build(&mut Generator::new(0))?;
/// bert.eval();
/// let ids = Tensor::from([[1_i64, 5, 7, 2], [1, 9, 2, 0]]);
/// let real = ids.ne_scalar(0)?;
/// let hidden = bert.encode(&ids, Some(&real))?;
/// assert_eq!(hidden.shape(), [2, 4, 8]);
/// assert_eq!(mean_pooling(&hidden, &real)?.shape(), [2, 8]);
/// # Ok(())
/// # }
/// ```
#[derive(Parameters)]
pub struct Bert<T: Float = f32> {
    /// What the first layer gets.
    pub embeddings: BertEmbeddings<T>,
    /// The layers.
    pub encoder: TransformerEncoder<T>,
}

/// The sum of what a token, its position and its segment are, normalised.
#[derive(Parameters)]
pub struct BertEmbeddings<T: Float = f32> {
    /// (vocabulary, width)
    pub word_embeddings: Embedding<T>,
    /// (longest sequence, width)
    pub position_embeddings: LearnedPositions<T>,
    /// (segments, width)
    pub token_type_embeddings: Embedding<T>,
    /// Of the sum.
    pub layer_norm: LayerNorm<T>,
    dropout: Dropout,
}

impl Bert {
    /// A BERT over a vocabulary, to be: set options, then [`build`](BertBuilder::build) it. The defaults are BERT-base's.
    pub fn builder(vocabulary: usize) -> BertBuilder {
        BertBuilder {
            vocabulary,
            hidden_size: 768,
            layers: 12,
            heads: 12,
            intermediate_size: 3072,
            max_positions: 512,
            types: 2,
            layer_norm_eps: 1e-12,
            dropout: 0.1,
        }
    }
}

/// The options of a [`Bert`].
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct BertBuilder {
    vocabulary: usize,
    hidden_size: usize,
    layers: usize,
    heads: usize,
    intermediate_size: usize,
    max_positions: usize,
    types: usize,
    layer_norm_eps: f64,
    dropout: f64,
}

impl BertBuilder {
    /// The width. Default 768.
    pub fn hidden_size(mut self, width: usize) -> Self {
        self.hidden_size = width;
        self
    }

    /// Encoder layers. Default 12.
    pub fn layers(mut self, layers: usize) -> Self {
        self.layers = layers;
        self
    }

    /// Heads of attention. Default 12.
    pub fn heads(mut self, heads: usize) -> Self {
        self.heads = heads;
        self
    }

    /// The width inside the feed-forward parts. Default 3072.
    pub fn intermediate_size(mut self, width: usize) -> Self {
        self.intermediate_size = width;
        self
    }

    /// The longest sequence. Default 512.
    pub fn max_positions(mut self, tokens: usize) -> Self {
        self.max_positions = tokens;
        self
    }

    /// The share dropped in training. Default 0.1.
    pub fn dropout(mut self, p: f64) -> Self {
        self.dropout = p;
        self
    }

    /// The model, its weights drawn from `generator`: embeddings normal with standard deviation 0.02, the layers' as those
    /// of [`TransformerEncoder`].
    ///
    /// # Errors
    /// When a number is 0 (but that of layers), the heads do not divide the width, or the share is outside [0, 1].
    pub fn build<T: Float>(self, generator: &mut Generator) -> Result<Bert<T>> {
        let width = self.hidden_size;
        if [self.vocabulary, width, self.max_positions, self.intermediate_size].contains(&0) {
            return Err(Error::value("bert", format!("{self:?}: no number may be 0")));
        }
        let options = TransformerOptions::new(width, self.heads)
            .dim_feedforward(self.intermediate_size)
            .activation(Activation::GELU)
            .dropout(self.dropout)
            .layer_norm_eps(self.layer_norm_eps)
            .batch_first(true);
        let mut table = |rows: usize| LearnedPositions::new(rows, width, generator).weight;
        let words = Embedding::from_weight(table(self.vocabulary));
        let types = Embedding::from_weight(table(self.types));
        Ok(Bert {
            embeddings: BertEmbeddings {
                word_embeddings: words,
                position_embeddings: LearnedPositions::new(self.max_positions, width, generator),
                token_type_embeddings: types,
                layer_norm: LayerNorm::new([width]).eps(self.layer_norm_eps),
                dropout: Dropout::new(self.dropout, generator)?,
            },
            encoder: TransformerEncoder::new(self.layers, &options, generator)?,
        })
    }
}

impl<T: Float> Bert<T> {
    /// The vectors of all tokens, (N, L, width), for tokens (N, L) of one segment; `real` (N, L) is false at what fills up
    /// short sequences, to which nobody attends.
    ///
    /// # Errors
    /// When there are more tokens than positions, one is not in the vocabulary, or the shapes differ.
    pub fn encode(&self, ids: &Tensor<i64>, real: Option<&Tensor<bool>>) -> Result<Tensor<T>> {
        self.encode_segments(ids, &ids.zeros_like(), real)
    }

    /// [`encode`](Self::encode), with the segment of each token (N, L): 0 for the first sentence, 1 for the second.
    ///
    /// # Errors
    /// As there.
    pub fn encode_segments(
        &self,
        ids: &Tensor<i64>,
        segments: &Tensor<i64>,
        real: Option<&Tensor<bool>>,
    ) -> Result<Tensor<T>> {
        let parts = &self.embeddings;
        if ids.rank() != 2 || segments.shape() != ids.shape() {
            return Err(Error::shape(
                "bert",
                format!(
                    "tokens {:?} and segments {:?}: (N, L) twice expected",
                    ids.shape(),
                    segments.shape()
                ),
            ));
        }
        let words = parts.word_embeddings.forward(ids)?;
        let x = words.add(&parts.token_type_embeddings.forward(segments)?)?;
        let x = crate::Module::forward(&parts.layer_norm, &parts.position_embeddings.forward_from(&x, 0)?)?;
        let x = crate::Module::forward(&parts.dropout, &x)?;
        let key_padding = real.map(Tensor::not).transpose()?;
        observe(self, self.encoder.encode(&x, &AttentionMasks { key_padding, ..Default::default() }))
    }

    /// Takes the weights of a checkpoint with Hugging Face's names (`embeddings.word_embeddings.weight`,
    /// `encoder.layer.0.attention.self.query.weight`, ...), with or without `bert.` before them; the pooler and what lies
    /// behind it are left aside.
    ///
    /// # Errors
    /// When a tensor is missing or has another shape: nothing has been copied.
    pub fn load_hugging_face(&mut self, tensors: &NamedTensors) -> Result<()> {
        let find = |name: &str| -> Result<Tensor<T>> {
            let tensor = tensors.get(name).or_else(|| tensors.get(&format!("bert.{name}")));
            let tensor =
                tensor.ok_or_else(|| Error::value("load_hugging_face", format!("{name} is missing")))?;
            Ok(tensor.cast())
        };
        let mut state: StateDict<T> = Vec::new();
        for (ours, theirs) in [
            ("word_embeddings.weight", "word_embeddings.weight"),
            ("position_embeddings.weight", "position_embeddings.weight"),
            ("token_type_embeddings.weight", "token_type_embeddings.weight"),
            ("layer_norm.weight", "LayerNorm.weight"),
            ("layer_norm.bias", "LayerNorm.bias"),
        ] {
            state.push((format!("embeddings.{ours}"), find(&format!("embeddings.{theirs}"))?));
        }
        for layer in 0..self.encoder.layers.len() {
            let (here, there) = (format!("encoder.layers.{layer}"), format!("encoder.layer.{layer}"));
            for kind in ["weight", "bias"] {
                let part = |part: &str| find(&format!("{there}.attention.self.{part}.{kind}"));
                let packed = concat(&[&part("query")?, &part("key")?, &part("value")?], 0)?;
                state.push((format!("{here}.self_attn.in_proj_{kind}"), packed));
                for (ours, theirs) in [
                    ("self_attn.out_proj", "attention.output.dense"),
                    ("norm1", "attention.output.LayerNorm"),
                    ("linear1", "intermediate.dense"),
                    ("linear2", "output.dense"),
                    ("norm2", "output.LayerNorm"),
                ] {
                    state.push((format!("{here}.{ours}.{kind}"), find(&format!("{there}.{theirs}.{kind}"))?));
                }
            }
        }
        self.load_state_dict(&state)
    }
}

/// The mean of the vectors of real tokens, (N, L, width) to (N, width): the vector of a sentence. Where there is none it
/// is 0.
///
/// # Errors
/// When the shapes do not fit.
pub fn mean_pooling<T: Float>(hidden: &Tensor<T>, real: &Tensor<bool>) -> Result<Tensor<T>> {
    if hidden.rank() != 3 || real.shape() != &hidden.shape()[..2] {
        return Err(Error::shape(
            "mean_pooling",
            format!("{:?} with {:?} real: (N, L, width) and (N, L) expected", hidden.shape(), real.shape()),
        ));
    }
    let real: Tensor<T> = real.cast::<T>().unsqueeze(2)?;
    let count = real.sum_dim(1, false)?.clamp(1e-9, f64::INFINITY)?;
    hidden.mul(&real)?.sum_dim(1, false)?.div(&count)
}
