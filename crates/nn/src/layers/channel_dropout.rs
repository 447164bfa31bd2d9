//! Dropout of whole channels.

use std::sync::Mutex;

use super::images::batched;
use crate::module::locked;
use crate::summary::observe_as;
use crate::{Error, Float, Generator, Module, Parameters, Result, Tensor};

/// In training, each channel of (N, C, L) or (N, C, H, W), or of one sample without N, becomes 0 as a whole with
/// probability `p` and the others grow by 1 / (1 - p); in evaluation nothing happens (Tompson et al. 2015;
/// `torch.nn.Dropout1d`, `torch.nn.Dropout2d`).
///
/// ```
/// use barehand_nn::{Dropout2d, Generator, Module, Tensor};
///
/// let dropout = Dropout2d::new(0.5, &mut Generator::new(0)).unwrap();
/// let dropped = dropout.forward(&Tensor::<f32>::ones([10, 8, 3, 3])).unwrap().to_vec();
/// assert!(dropped.chunks(9).all(|channel| channel == [0.0; 9] || channel == [2.0; 9]));
/// ```
#[derive(Debug, Parameters)]
#[module(named)]
pub struct ChannelDropout<const D: usize> {
    /// The share of channels dropped.
    #[module(skip)]
    pub p: f64,
    /// Whether channels are dropped.
    #[module(training)]
    pub training: bool,
    #[module(random)]
    generator: Mutex<Generator>,
}

/// Over sequences.
pub type Dropout1d = ChannelDropout<1>;

/// Over images.
pub type Dropout2d = ChannelDropout<2>;

impl<const D: usize> ChannelDropout<D> {
    const NAME: &'static str = if D == 1 { "Dropout1d" } else { "Dropout2d" };

    /// Drops channels with probability `p`; the layer's own generator is seeded from `generator`.
    ///
    /// # Errors
    /// When `p` is not in [0, 1].
    pub fn new(p: f64, generator: &mut Generator) -> Result<Self> {
        const { assert!(D == 1 || D == 2, "channels are dropped of sequences and images") };
        if !(0.0..=1.0).contains(&p) {
            return Err(Error::value(Self::NAME, format!("p = {p} is not a probability from 0 to 1")));
        }
        Ok(ChannelDropout { p, training: true, generator: Mutex::new(generator.fork()) })
    }
}

impl<const D: usize, T: Float> Module<T> for ChannelDropout<D> {
    fn forward(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        if x.rank() != D + 1 && x.rank() != D + 2 {
            let expected = if D == 1 { "(N, C, L) or (C, L)" } else { "(N, C, H, W) or (C, H, W)" };
            return Err(Error::shape(
                Self::NAME,
                format!("input of shape {:?} must be {expected}", x.shape()),
            ));
        }
        let y = if self.training && self.p > 0.0 {
            batched::<D, T>(x, |x| x.channel_dropout(self.p, &mut locked(&self.generator)))
        } else {
            Ok(x.clone())
        };
        observe_as(self, Self::NAME, y)
    }
}
