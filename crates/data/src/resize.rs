//! Changes the size of an image, one axis after the other.

/// How the pixels of a resized image are mixed from the original's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Resize {
    /// The mean of the area that a new pixel covers, parts of pixels counted in part (OpenCV's `INTER_AREA`): the
    /// choice for shrinking.
    #[default]
    Area,
    /// A triangle around the new pixel's centre, as wide as the larger of the two pixel sizes (Pillow's `BILINEAR`,
    /// torchvision's with antialiasing).
    Bilinear,
}

/// Old pixels from `first` on, and their weights, which sum to 1.
struct Taps {
    first: usize,
    weights: Vec<f32>,
}

impl Resize {
    /// Resizes an image of interleaved channels, `(height, width, channels)`, from `from` to `to` (height, width). No
    /// size is 0.
    pub(crate) fn run(self, pixels: &[u8], channels: usize, from: [usize; 2], to: [usize; 2]) -> Vec<u8> {
        let [height, width] = from;
        let (down, across) = (self.taps(height, to[0]), self.taps(width, to[1]));

        // Rows first: (height, width) to (height, new width).
        let narrow = to[1] * channels;
        let mut rows = vec![0f32; height * narrow];
        for (out, row) in rows.chunks_exact_mut(narrow).zip(pixels.chunks_exact(width * channels)) {
            for (out, taps) in out.chunks_exact_mut(channels).zip(&across) {
                for (pixel, weight) in row[taps.first * channels..].chunks_exact(channels).zip(&taps.weights)
                {
                    out.iter_mut().zip(pixel).for_each(|(out, &p)| *out += weight * f32::from(p));
                }
            }
        }
        // Then columns.
        let mut resized = Vec::with_capacity(to[0] * narrow);
        let mut sum = vec![0f32; narrow];
        for taps in &down {
            sum.fill(0.0);
            for (row, weight) in rows[taps.first * narrow..].chunks_exact(narrow).zip(&taps.weights) {
                sum.iter_mut().zip(row).for_each(|(sum, p)| *sum += weight * p);
            }
            resized.extend(sum.iter().map(|&p| (p + 0.5) as u8));
        }
        resized
    }

    /// For every new pixel of an axis, what it is mixed from.
    fn taps(self, from: usize, to: usize) -> Vec<Taps> {
        let scale = from as f64 / to as f64;
        let mix = |i: usize| {
            let centre = (i as f64 + 0.5) * scale;
            let reach = match self {
                Resize::Area => scale / 2.0,
                Resize::Bilinear => scale.max(1.0),
            };
            let (low, high) = (centre - reach, centre + reach);
            let first = low.floor().max(0.0) as usize;
            let end = (high.ceil() as usize).clamp(first + 1, from);
            let first = first.min(end - 1);
            let weight = |old: usize| match self {
                Resize::Area => (high.min(old as f64 + 1.0) - low.max(old as f64)).max(0.0),
                Resize::Bilinear => (1.0 - ((old as f64 + 0.5 - centre) / reach).abs()).max(0.0),
            };
            let total: f64 = (first..end).map(weight).sum();
            Taps { first, weights: (first..end).map(|old| (weight(old) / total) as f32).collect() }
        };
        (0..to).map(mix).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(filter: Resize, pixels: &[u8], to: usize) -> Vec<u8> {
        let across = filter.run(pixels, 1, [1, pixels.len()], [1, to]);
        let down = filter.run(pixels, 1, [pixels.len(), 1], [to, 1]);
        assert_eq!(across, down, "both axes are treated alike");
        across
    }

    #[test]
    fn the_same_size_changes_nothing() {
        let pixels: Vec<u8> = (0..60).map(|i| (i * 37 % 256) as u8).collect();
        for filter in [Resize::Area, Resize::Bilinear] {
            assert_eq!(filter.run(&pixels, 3, [4, 5], [4, 5]), pixels);
        }
    }

    #[test]
    fn area_counts_parts_of_pixels() {
        // 3 to 2: (1 * 0 + 1/2 * 90) / 1.5 and (1/2 * 90 + 1 * 240) / 1.5
        assert_eq!(line(Resize::Area, &[0, 90, 240], 2), [30, 190]);
        assert_eq!(line(Resize::Area, &[10, 20, 30, 50], 2), [15, 40]);
        assert_eq!(line(Resize::Area, &[10, 200], 4), [10, 10, 200, 200]);
    }

    #[test]
    fn bilinear_agrees_with_torch() {
        // torch.nn.functional.interpolate(x, size, mode="bilinear", antialias=True)
        assert_eq!(line(Resize::Bilinear, &[0, 100], 4), [0, 25, 75, 100]);
        assert_eq!(line(Resize::Bilinear, &[10, 20, 40, 83, 160, 250], 3), [19, 69, 188]);
        assert_eq!(line(Resize::Bilinear, &[0, 90, 240, 30, 60], 2), [93, 90]);
    }

    #[test]
    fn channels_do_not_mix() {
        let pixels = [0, 100, 200, 50, 100, 250];
        assert_eq!(Resize::Area.run(&pixels, 3, [1, 2], [1, 1]), [25, 100, 225]);
    }
}
