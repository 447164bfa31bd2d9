//! What poolings over one and two dimensions share: sequences are images of one row.

use barehand_kernels::pool2d::Pool2dShape;

use crate::error::{Error, Result};
use crate::layout::Dims;

/// Sides of an image, of which a sequence has only the second: `missing` stands for the first.
pub(super) fn grid(sides: &[usize], missing: usize) -> [usize; 2] {
    match *sides {
        [height, width] => [height, width],
        [length] => [missing, length],
        _ => unreachable!("one or two dimensions"),
    }
}

/// The number of samples and of channels, and the sides, of (N, C, L) or (N, C, H, W).
pub(super) fn planes<const D: usize>(operation: &str, shape: &[usize]) -> Result<(usize, usize, [usize; 2])> {
    if shape.len() != D + 2 {
        let axes = if D == 1 { "(N, C, L)" } else { "(N, C, H, W)" };
        return Err(Error::shape(operation, format!("input of shape {shape:?} must be {axes}")));
    }
    Ok((shape[0], shape[1], grid(&shape[2..], 1)))
}

/// The shape of an output: that of the input, with other sides.
pub(super) fn with_sides<const D: usize>(shape: &[usize], sides: [usize; 2]) -> Dims {
    let mut output = Dims::from_slice(&shape[..2]);
    output.extend_from_slice(&sides[2 - D..]);
    output
}

/// The sides of what windows make of an image.
pub(super) fn pooled(operation: &str, s: &Pool2dShape) -> Result<[usize; 2]> {
    let sides = s.output().ok_or_else(|| {
        Error::shape(
            operation,
            format!(
                "windows of {:?} with stride {:?}, padding {:?} and dilation {:?} do not fit an image of {:?}; padding may be \
                 at most half a window",
                s.kernel, s.stride, s.padding, s.dilation, s.input
            ),
        )
    })?;
    check_addressable(operation, [s.batch, s.channels], [s.input, sides])?;
    Ok(sides)
}

/// Refuses planes that no memory has, of images or of what becomes of them, also where there is no plane.
pub(super) fn check_addressable(operation: &str, planes: [usize; 2], sides: [[usize; 2]; 2]) -> Result<()> {
    // Floats, which round but do not wrap.
    let product = |sizes: &[usize]| sizes.iter().map(|&size| (size as f64).max(1.0)).product::<f64>();
    let [image, output] = sides.map(|sides| product(&planes) * product(&sides));
    if image.max(output) * (size_of::<f64>() as f64) < (isize::MAX / 16) as f64 {
        return Ok(());
    }
    Err(Error::shape(
        operation,
        format!(
            "{planes:?} planes of {:?} that become {:?} are more elements than memory can address",
            sides[0], sides[1]
        ),
    ))
}
