//! The average precision of detected boxes of one class at one threshold of overlap, as COCO counts it.
//!
//! ```text
//! IoU(a, b) = area of both / (area a + area b - area of both)        0 where they lie apart
//! detections by descending score each take the free true box that they overlap most, if IoU >= threshold
//! precision_i = right among the first i / i        recall_i = right among the first i / true boxes
//! AP = mean over r = 0, 0.01, ..., 1 of the best precision at any recall >= r
//! ```
//!
//! Boxes are x1, y1, x2, y2. Widths are `x2 - x1`, clamped at 0 for the overlap: without the clamp boxes that lie apart in both
//! directions overlap by the product of two negative numbers. pycocotools: `COCOeval`.

use crate::array::Array;
use crate::error::{Error, Result};
use crate::roc_auc::check_scores;
use crate::trace::Trace;

/// The intersection over union of each of the boxes `(D, 4)` and `(G, 4)`, as `(D, G)`.
pub fn box_iou(a: &Array, b: &Array, trace: &mut Trace) -> Result<Array> {
    for (name, boxes) in [("a", a), ("b", b)] {
        boxes.expect_rank("box_iou", name, 2)?;
        boxes.expect_shape("box_iou", name, &[boxes.shape()[0], 4])?;
        for i in 0..boxes.shape()[0] {
            let [x1, y1, x2, y2] = [0, 1, 2, 3].map(|c| boxes.get(&[i, c]));
            // Written so that NaN is refused too.
            if !(x1 <= x2 && y1 <= y2 && (x2 - x1).is_finite() && (y2 - y1).is_finite()) {
                return Err(Error::new("box_iou", format!("{name}: box {i} ends before it starts")));
            }
        }
    }
    trace.section("intersection over union");
    let shape = [a.shape()[0], b.shape()[0]];
    let area = |boxes: &Array, i: usize| {
        (boxes.get(&[i, 2]) - boxes.get(&[i, 0])) * (boxes.get(&[i, 3]) - boxes.get(&[i, 1]))
    };
    let both = Array::from_fn(&shape, |index| {
        let side = |low: usize, high: usize| {
            let start = a.get(&[index[0], low]).max(b.get(&[index[1], low]));
            (a.get(&[index[0], high]).min(b.get(&[index[1], high])) - start).max(0.0)
        };
        side(0, 2) * side(1, 3)
    });
    let both = trace.step("both", "max(0, width) max(0, height)", both);
    let iou = Array::from_fn(&shape, |index| {
        let both = both.get(index);
        let either = area(a, index[0]) + area(b, index[1]) - both;
        if both == 0.0 { 0.0 } else { both / either }
    });
    Ok(trace.step("IoU", "both / (area a + area b - both)", iou))
}

/// The average precision of boxes `(D, 4)` with scores `(D)` in one image with true boxes `(G, 4)`.
pub fn box_average_precision(
    boxes: &Array,
    scores: &[f64],
    truth: &Array,
    threshold: f64,
    trace: &mut Trace,
) -> Result<f64> {
    const OPERATION: &str = "box_average_precision";
    let iou = box_iou(boxes, truth, trace)?;
    let (detections, wanted) = (boxes.shape()[0], truth.shape()[0]);
    check_scores(OPERATION, detections, scores)?;
    if wanted == 0 || !(threshold > 0.0 && threshold <= 1.0) {
        let message =
            format!("{wanted} true boxes, threshold {threshold}: one or more, and (0, 1], expected");
        return Err(Error::new(OPERATION, message));
    }
    trace.section("matching");
    let mut order: Vec<usize> = (0..detections).collect();
    order.sort_by(|&i, &j| scores[j].partial_cmp(&scores[i]).unwrap_or(std::cmp::Ordering::Equal));
    let mut taken = vec![false; wanted];
    let mut right = Vec::new();
    for &i in &order {
        // Of equal overlaps the later box.
        let free = (0..wanted).filter(|&g| !taken[g] && iou.get(&[i, g]) >= threshold);
        let best = free.max_by(|&g, &h| iou.get(&[i, g]).total_cmp(&iou.get(&[i, h])));
        if let Some(best) = best {
            taken[best] = true;
        }
        right.push(f64::from(u8::from(best.is_some())));
    }
    let right = trace.step("right", "whether each takes a box, by descending score", Array::vector(&right));
    let mut found = 0.0;
    let found = right.map(|right| {
        found += right;
        found
    });
    let mut seen = 0.0;
    let precision = found.map(|found| {
        seen += 1.0;
        found / seen
    });
    let precision = trace.step("precision", "right so far / so far", precision);
    let recall = trace.step("recall", "right so far / true boxes", found.map(|found| found / wanted as f64));
    let best_from = |r: f64| {
        let reached = (0..detections).filter(|&i| recall[i] >= r);
        reached.map(|i| precision[i]).fold(0.0, f64::max)
    };
    let points: Vec<f64> = (0..=100).map(|r| best_from(f64::from(r) * 0.01)).collect();
    let points = trace.step("points", "best precision at recall >= 0, 0.01, ..., 1", Array::vector(&points));
    Ok(trace.number("AP", "mean points", points.sum() / 101.0))
}
