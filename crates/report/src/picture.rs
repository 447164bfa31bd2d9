//! Pictures, and their way into the page: PNG bytes in a `data:` address.

use serde::{Deserialize, Serialize};

use crate::{Error, base64};

/// The longest side a picture keeps in the page; a larger one is averaged down in whole blocks.
const LONGEST_SIDE: usize = 320;

/// An 8-bit picture: rows from the top, pixels from the left, channels side by side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Picture {
    width: usize,
    height: usize,
    channels: usize,
    pixels: Vec<u8>,
}

#[derive(Deserialize)]
struct Unchecked {
    width: usize,
    height: usize,
    channels: usize,
    pixels: Vec<u8>,
}

impl TryFrom<Unchecked> for Picture {
    type Error = Error;

    fn try_from(picture: Unchecked) -> Result<Self, Error> {
        Picture::new(picture.width, picture.height, picture.channels, picture.pixels)
    }
}

impl Picture {
    /// A picture of `height × width × channels` bytes: 1 channel is grey, 2 grey and alpha, 3 RGB, 4 RGBA.
    ///
    /// # Errors
    /// A side is zero, `channels` is not 1 to 4, or `pixels` has another length.
    pub fn new(width: usize, height: usize, channels: usize, pixels: Vec<u8>) -> Result<Self, Error> {
        if !(1..=4).contains(&channels) {
            return Err(Error::Picture(format!("expected 1 to 4 channels, got {channels}")));
        }
        if width == 0 || height == 0 {
            return Err(Error::Picture(format!("expected at least one pixel, got {width} × {height}")));
        }
        let expected = width.checked_mul(height).and_then(|area| area.checked_mul(channels));
        if expected != Some(pixels.len()) {
            return Err(Error::Picture(format!(
                "{height} × {width} × {channels} (height, width, channels) does not fit {} bytes",
                pixels.len()
            )));
        }
        Ok(Picture { width, height, channels, pixels })
    }

    /// Pixels in a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Bytes in a pixel.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// The bytes, `height × width × channels`.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// `data:image/png;base64,...`
    pub(crate) fn data_address(&self) -> String {
        let block = self.width.max(self.height).div_ceil(LONGEST_SIDE);
        let png = if block > 1 { self.averaged(block).png() } else { self.png() };
        format!("data:image/png;base64,{}", base64::encode(&png))
    }

    /// Every block of `block × block` pixels (fewer at the right and lower edge) becomes its mean.
    fn averaged(&self, block: usize) -> Picture {
        let (width, height) = (self.width.div_ceil(block), self.height.div_ceil(block));
        let mut pixels = Vec::with_capacity(width * height * self.channels);
        for top in (0..self.height).step_by(block) {
            for left in (0..self.width).step_by(block) {
                let (bottom, right) = ((top + block).min(self.height), (left + block).min(self.width));
                let area = (bottom - top) * (right - left);
                for channel in 0..self.channels {
                    let sum: usize = (top..bottom)
                        .flat_map(|y| (left..right).map(move |x| y * self.width + x))
                        .map(|pixel| usize::from(self.pixels[pixel * self.channels + channel]))
                        .sum();
                    pixels.push(((sum + area / 2) / area) as u8);
                }
            }
        }
        Picture { width, height, channels: self.channels, pixels }
    }

    fn png(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, self.width as u32, self.height as u32);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_color(match self.channels {
            1 => png::ColorType::Grayscale,
            2 => png::ColorType::GrayscaleAlpha,
            3 => png::ColorType::Rgb,
            _ => png::ColorType::Rgba,
        });
        // The encoder refuses only sizes that `new` has ruled out, and a vector takes every byte.
        encoder
            .write_header()
            .and_then(|mut writer| writer.write_image_data(&self.pixels))
            .expect("a checked picture is encoded into memory");
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(bytes: &[u8]) -> (u32, u32, png::ColorType, Vec<u8>) {
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        pixels.truncate(info.buffer_size());
        (info.width, info.height, info.color_type, pixels)
    }

    #[test]
    fn every_channel_count_survives_the_way_through_png() {
        use png::ColorType::{Grayscale, GrayscaleAlpha, Rgb, Rgba};
        for (channels, color) in [(1, Grayscale), (2, GrayscaleAlpha), (3, Rgb), (4, Rgba)] {
            for (width, height) in [(1, 1), (28, 28), (3, 7), (320, 2)] {
                let pixels: Vec<u8> = (0..width * height * channels).map(|i| (i * 37 % 251) as u8).collect();
                let picture = Picture::new(width, height, channels, pixels.clone()).unwrap();
                let decoded = decode(&picture.png());
                assert_eq!(decoded, (width as u32, height as u32, color, pixels));
            }
        }
    }

    #[test]
    fn a_large_picture_is_averaged_in_blocks() {
        let picture = Picture::new(3, 2, 1, vec![0, 10, 7, 20, 31, 9]).unwrap().averaged(2);
        // (0 + 10 + 20 + 31) / 4 = 15.25; (7 + 9) / 2 = 8.
        assert_eq!((picture.width, picture.height, picture.pixels), (2, 1, vec![15, 8]));

        let wide = Picture::new(1000, 10, 3, vec![90; 30_000]).unwrap();
        let address = wide.data_address();
        assert!(address.starts_with("data:image/png;base64,iVBORw0KGgo"), "{address}");
        assert_eq!(wide.averaged(4).width, 250);
    }

    #[test]
    fn sizes_that_do_not_fit_are_refused() {
        for (width, height, channels, bytes) in
            [(2, 2, 1, 3), (0, 4, 1, 0), (1, 1, 5, 5), (1, 1, 0, 0), (usize::MAX, 2, 1, 1)]
        {
            assert!(Picture::new(width, height, channels, vec![0; bytes]).is_err());
        }
        assert!(
            serde_json::from_str::<Picture>(r#"{"width":2,"height":1,"channels":1,"pixels":[1]}"#).is_err()
        );
    }
}
