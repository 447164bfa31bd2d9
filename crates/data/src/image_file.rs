//! PNG and JPEG files as tensors.

use std::io::Cursor;
use std::path::Path;

use barehand_tensor::{Error, Result, Tensor};
use image::error::{LimitError, LimitErrorKind};
use image::{DynamicImage, ImageDecoder, ImageError, ImageReader, Limits};

use crate::resize::Resize;
use crate::source::Source;

/// A picture file of more bytes than this is refused unread.
const LARGEST_FILE: u64 = 256 << 20;

/// A picture wider or higher than this is refused undecoded.
const LARGEST_SIDE: u32 = 1 << 14;

/// The memory that decoding may ask for.
const LARGEST_DECODED: u64 = 1 << 30;

/// No picture unpacks to more than this many times its file: deflate packs 1,032 bytes into one, and a block of a JPEG
/// takes a bit at least.
const LARGEST_RATIO: u64 = 2048;

/// The channels that an image is converted to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Channels {
    /// One: luma, `(0.299 R + 0.587 G + 0.114 B)` in Pillow's fixed-point arithmetic.
    Gray,
    /// Red, green, blue.
    Rgb,
}

/// How a picture becomes a tensor of bytes `(C, H, W)`.
///
/// In this order: turned upright as its EXIF data says, laid on white where it is transparent, converted to gray or
/// RGB, resized, inverted.
///
/// ```no_run
/// use barehand_data::ImageOptions;
/// // A photographed pencil drawing, as MNIST would have it: 28 x 28, light on dark.
/// let digit = ImageOptions::gray().size(28, 28).invert(true).read("seven.png")?;
/// assert_eq!(digit.shape(), [1, 28, 28]);
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ImageOptions {
    channels: Channels,
    size: Option<[usize; 2]>,
    resize: Resize,
    invert: bool,
}

impl ImageOptions {
    /// One channel, otherwise as it is in the file.
    pub fn gray() -> Self {
        ImageOptions { channels: Channels::Gray, size: None, resize: Resize::Area, invert: false }
    }

    /// Three channels, otherwise as it is in the file.
    pub fn rgb() -> Self {
        ImageOptions { channels: Channels::Rgb, ..Self::gray() }
    }

    /// The size to resize to; the aspect ratio is not kept.
    #[must_use]
    pub fn size(mut self, height: usize, width: usize) -> Self {
        self.size = Some([height, width]);
        self
    }

    /// How to resize (default: [`Resize::Area`]).
    #[must_use]
    pub fn resize(mut self, resize: Resize) -> Self {
        self.resize = resize;
        self
    }

    /// Whether to replace every pixel by 255 minus itself: data sets like MNIST are light on dark, paper is not.
    #[must_use]
    pub fn invert(mut self, invert: bool) -> Self {
        self.invert = invert;
        self
    }

    /// Reads the PNG or JPEG file at `path`, whatever its name ends in.
    ///
    /// # Errors
    /// The file cannot be read, is neither PNG nor JPEG, is damaged, or declares more pixels than 16,384 to a side or
    /// than its bytes can hold.
    pub fn read(&self, path: impl AsRef<Path>) -> Result<Tensor<u8>> {
        self.decode_source(Source::open(path.as_ref())?)
    }

    /// As [`ImageOptions::read`], from the content of the file.
    pub fn decode(&self, bytes: &[u8]) -> Result<Tensor<u8>> {
        self.decode_source(Source::of_bytes(bytes, "image")?)
    }

    fn decode_source(&self, mut source: Source<'_>) -> Result<Tensor<u8>> {
        let size = self.size;
        if size.is_some_and(|size| size.iter().any(|&n| n == 0 || n > LARGEST_SIDE as usize)) {
            let text = format!("cannot resize to {size:?}: sides are from 1 to {LARGEST_SIDE} pixels");
            return Err(Error::value("ImageOptions", text));
        }
        let bytes = source.read_up_to(LARGEST_FILE)?;
        source.expect_end()?;
        let image = upright(&bytes).map_err(|e| source.malformed(e.to_string()))?;
        let from = [image.height() as usize, image.width() as usize];
        if from.contains(&0) {
            return Err(source.malformed("the image has no pixels"));
        }

        let (mut pixels, channels) = match self.channels {
            Channels::Gray => (on_white(image, |rgb| [luma(rgb)]), 1),
            Channels::Rgb => (on_white(image, |rgb| rgb), 3),
        };
        let to = size.unwrap_or(from);
        if to != from {
            pixels = self.resize.run(&pixels, channels, from, to);
        }
        if self.invert {
            for pixel in &mut pixels {
                *pixel = 255 - *pixel;
            }
        }
        // From pixels of channels to channels of pixels.
        let planes = (0..channels).flat_map(|c| pixels.iter().skip(c).step_by(channels).copied()).collect();
        Tensor::from_vec(planes, [channels, to[0], to[1]])
    }
}

/// Decodes a picture and turns it as its EXIF data says.
fn upright(bytes: &[u8]) -> image::ImageResult<DynamicImage> {
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format()?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(LARGEST_SIDE);
    limits.max_image_height = Some(LARGEST_SIDE);
    limits.max_alloc = Some(LARGEST_DECODED);
    reader.limits(limits);
    let mut decoder = reader.into_decoder()?;
    // The limits hold for what the decoder works on, not for the picture that it gives.
    if decoder.total_bytes() > LARGEST_DECODED.min(bytes.len() as u64 * LARGEST_RATIO) {
        return Err(ImageError::Limits(LimitError::from_kind(LimitErrorKind::InsufficientMemory)));
    }
    let orientation = decoder.orientation()?;
    let mut image = DynamicImage::from_decoder(decoder)?;
    image.apply_orientation(orientation);
    Ok(image)
}

/// Every pixel, laid on white, through `convert`.
fn on_white<const C: usize>(image: DynamicImage, convert: impl Fn([u8; 3]) -> [u8; C]) -> Vec<u8> {
    if !image.color().has_alpha() {
        return image.into_rgb8().as_raw().as_chunks::<3>().0.iter().flat_map(|&rgb| convert(rgb)).collect();
    }
    let pixels = image.into_rgba8();
    let laid = pixels.as_raw().as_chunks::<4>().0.iter().flat_map(|&[r, g, b, alpha]| {
        let over =
            |c: u8| ((u32::from(c) * u32::from(alpha) + 255 * (255 - u32::from(alpha)) + 127) / 255) as u8;
        convert([over(r), over(g), over(b)])
    });
    laid.collect()
}

/// ITU-R 601 luma in 16-bit fixed point, as Pillow's `convert("L")`.
fn luma([r, g, b]: [u8; 3]) -> u8 {
    ((u32::from(r) * 19_595 + u32::from(g) * 38_470 + u32::from(b) * 7_471 + 0x8000) >> 16) as u8
}
