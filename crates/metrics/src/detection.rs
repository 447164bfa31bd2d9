//! Mean average precision of detected boxes, as COCO counts it.

use std::collections::BTreeMap;

use barehand_tensor::{Error, Float, Result, Tensor};

use crate::binary_scores::{finite, reals, slice_of};

/// The thresholds of COCO: an intersection over union of 0.50, 0.55, ..., 0.95.
fn iou_thresholds() -> Vec<f64> {
    (0..10).map(|i| 0.5 + 0.05 * f64::from(i)).collect()
}

/// How many points the precision is read off at: recall 0, 0.01, ..., 1.
const RECALL_POINTS: usize = 101;

/// How many detections of a class count in an image: the cuts of COCO's mean average recall. Precision takes the last.
const DETECTIONS: [usize; 3] = [1, 10, 100];

/// Areas in square pixels: all, small, medium, large.
const AREAS: [(f64, f64); 4] = [(0.0, 1e10), (0.0, 1024.0), (1024.0, 9216.0), (9216.0, 1e10)];

/// Mean average precision over classes and thresholds of intersection over union, collected image by image.
///
/// In each image, for each class and threshold, detections are taken by descending score (equal ones in the order given), and
/// each takes the free true box that it overlaps most, if by the threshold at least; a second detection of the same box is
/// wrong. Over all images, precision at recall `r` is the best at any recall of at least `r`, and the average precision its
/// mean over `r` = 0, 0.01, ..., 1.
///
/// A true box marked as a crowd may take any number of detections, which then count neither as right nor as wrong; its
/// overlap with a detection is the share of the *detection* inside it. So it is with boxes outside the range of areas.
/// Source: pycocotools' `COCOeval`, whose numbers these are.
///
/// ```
/// use barehand_metrics::MeanAveragePrecision;
/// use barehand_tensor::Tensor;
/// let mut map = MeanAveragePrecision::new();
/// let (truth, boxes) = (Tensor::from([[10.0, 10.0, 60.0, 60.0f32]]), Tensor::from([[10.0, 10.0, 60.0, 55.0f32]]));
/// let class = Tensor::from_vec(vec![0i64], [1])?;
/// map.image(&boxes, &Tensor::from([0.9f32]), &class, &truth, &class, None, None)?;
/// let scores = map.compute();
/// assert_eq!((scores.map_50, scores.map), (1.0, 0.9)); // the overlap is 0.9, and not 0.95
/// # Ok::<(), barehand_tensor::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct MeanAveragePrecision {
    thresholds: Vec<f64>,
    images: usize,
    /// By class: what was found in each image that has any of it.
    classes: BTreeMap<i64, Vec<Image>>,
}

/// Detections and true boxes of one class in one image.
#[derive(Clone, Debug, Default)]
struct Image {
    /// By descending score.
    scores: Vec<f64>,
    detected: Vec<Rectangle>,
    truth: Vec<Rectangle>,
    /// Whether each true box is a crowd, and its area.
    crowd: Vec<bool>,
    areas: Vec<f64>,
}

/// x1, y1, x2, y2.
type Rectangle = [f64; 4];

/// COCO's twelve numbers, and the average precision of each class. NaN where there is no true box to find.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct DetectionScores {
    /// Mean average precision over all classes and thresholds.
    pub map: f64,
    /// At an intersection over union of 0.5.
    pub map_50: f64,
    /// At an intersection over union of 0.75.
    pub map_75: f64,
    /// Of boxes of less than 32 by 32 pixels.
    pub map_small: f64,
    /// Of boxes between.
    pub map_medium: f64,
    /// Of boxes of more than 96 by 96 pixels.
    pub map_large: f64,
    /// The largest recall, averaged over classes and thresholds, with one detection of a class in an image.
    pub mar_1: f64,
    /// With ten.
    pub mar_10: f64,
    /// With a hundred.
    pub mar_100: f64,
    /// With a hundred, of boxes of less than 32 by 32 pixels.
    pub mar_small: f64,
    /// With a hundred, of boxes between.
    pub mar_medium: f64,
    /// With a hundred, of boxes of more than 96 by 96 pixels.
    pub mar_large: f64,
    /// The classes that occur, ascending.
    pub classes: Vec<i64>,
    /// The average precision of each class over all thresholds.
    pub map_per_class: Vec<f64>,
    /// The recall of each class with a hundred detections.
    pub mar_100_per_class: Vec<f64>,
}

impl Default for MeanAveragePrecision {
    fn default() -> Self {
        MeanAveragePrecision { thresholds: iou_thresholds(), images: 0, classes: BTreeMap::new() }
    }
}

impl MeanAveragePrecision {
    /// No images yet; intersections over union of 0.50, 0.55, ..., 0.95.
    pub fn new() -> Self {
        Self::default()
    }

    /// Other thresholds of intersection over union; [`DetectionScores::map_50`] and `map_75` are NaN where theirs is missing.
    #[must_use]
    pub fn thresholds(mut self, thresholds: &[f64]) -> Self {
        self.thresholds = thresholds.to_vec();
        self
    }

    /// How many images were added.
    pub fn images(&self) -> usize {
        self.images
    }

    /// Adds an image: `D` detected boxes `(D, 4)` as x1, y1, x2, y2 with scores `(D)` and classes `(D)`, and `G` true boxes
    /// `(G, 4)` with classes `(G)`; which of them are crowds, `(G)`, and their areas, `(G)`, where those are not the boxes' own.
    ///
    /// # Errors
    /// The shapes differ from these, a number is not finite, or a box ends before it starts.
    pub fn image<T: Float>(
        &mut self,
        boxes: &Tensor<T>,
        scores: &Tensor<T>,
        labels: &Tensor<i64>,
        true_boxes: &Tensor<T>,
        true_labels: &Tensor<i64>,
        crowd: Option<&Tensor<bool>>,
        areas: Option<&Tensor<f64>>,
    ) -> Result<()> {
        const OPERATION: &str = "mean_average_precision";
        let detected = rectangles(OPERATION, boxes)?;
        let truth = rectangles(OPERATION, true_boxes)?;
        let expect = |what: &str, shape: &[usize], n: usize| {
            if shape == [n] {
                return Ok(());
            }
            Err(Error::shape(OPERATION, format!("expected {what} ({n}), one for each box, found {shape:?}")))
        };
        expect("scores", scores.shape(), detected.len())?;
        expect("classes", labels.shape(), detected.len())?;
        expect("true classes", true_labels.shape(), truth.len())?;
        let scores = reals(scores);
        let scores = slice_of(&scores);
        finite(OPERATION, "scores", scores)?;
        let crowd = match crowd {
            None => vec![false; truth.len()],
            Some(crowd) => {
                expect("crowds", crowd.shape(), truth.len())?;
                crowd.to_vec()
            }
        };
        let areas = match areas {
            None => truth.iter().map(area).collect(),
            Some(areas) => {
                expect("areas", areas.shape(), truth.len())?;
                finite(OPERATION, "areas", &areas.to_vec())?;
                areas.to_vec()
            }
        };
        let mut images: BTreeMap<i64, Image> = BTreeMap::new();
        let mut order: Vec<usize> = (0..detected.len()).collect();
        order.sort_by(|&a, &b| scores[b].partial_cmp(&scores[a]).unwrap_or(std::cmp::Ordering::Equal));
        let labels = labels.to_vec();
        for i in order {
            let image = images.entry(labels[i]).or_default();
            image.scores.push(scores[i]);
            image.detected.push(detected[i]);
        }
        for (i, label) in true_labels.to_vec().into_iter().enumerate() {
            let image = images.entry(label).or_default();
            image.truth.push(truth[i]);
            image.crowd.push(crowd[i]);
            image.areas.push(areas[i]);
        }
        for (label, image) in images {
            self.classes.entry(label).or_default().push(image);
        }
        self.images += 1;
        Ok(())
    }

    /// The scores of all images so far.
    pub fn compute(&self) -> DetectionScores {
        let most = DETECTIONS[DETECTIONS.len() - 1];
        let all: Vec<Vec<Curve>> = self.over_classes(AREAS[0], most);
        let precision = |curves: &[Vec<Curve>], threshold: Option<f64>| {
            mean_of(curves.iter().flat_map(|class| {
                class.iter().zip(&self.thresholds).filter_map(move |(curve, &at)| {
                    threshold.is_none_or(|wanted| (wanted - at).abs() < 1e-9).then_some(curve.precision)
                })
            }))
        };
        let recall = |curves: &[Vec<Curve>]| mean_of(curves.iter().flatten().map(|curve| curve.recall));
        let [small, medium, large] = [1, 2, 3].map(|i| self.over_classes(AREAS[i], most));
        let [one, ten] = [DETECTIONS[0], DETECTIONS[1]].map(|most| self.over_classes(AREAS[0], most));
        DetectionScores {
            map: precision(&all, None),
            map_50: precision(&all, Some(0.5)),
            map_75: precision(&all, Some(0.75)),
            map_small: precision(&small, None),
            map_medium: precision(&medium, None),
            map_large: precision(&large, None),
            mar_1: recall(&one),
            mar_10: recall(&ten),
            mar_100: recall(&all),
            mar_small: recall(&small),
            mar_medium: recall(&medium),
            mar_large: recall(&large),
            classes: self.classes.keys().copied().collect(),
            map_per_class: all
                .iter()
                .map(|class| mean_of(class.iter().map(|curve| curve.precision)))
                .collect(),
            mar_100_per_class: all
                .iter()
                .map(|class| mean_of(class.iter().map(|curve| curve.recall)))
                .collect(),
        }
    }

    fn over_classes(&self, areas: (f64, f64), most: usize) -> Vec<Vec<Curve>> {
        self.classes.values().map(|images| self.curves(images, areas, most)).collect()
    }

    /// Of one class, the average precision and the recall at each threshold.
    fn curves(&self, images: &[Image], areas: (f64, f64), most: usize) -> Vec<Curve> {
        let outside = |area: f64| area < areas.0 || area > areas.1;
        let ignored: Vec<Vec<bool>> = images
            .iter()
            .map(|image| {
                image.crowd.iter().zip(&image.areas).map(|(&crowd, &area)| crowd || outside(area)).collect()
            })
            .collect();
        let wanted = ignored.iter().flatten().filter(|ignored| !**ignored).count();
        let overlaps: Vec<Vec<f64>> = images.iter().map(|image| image.overlaps(most)).collect();
        let curve = |&threshold: &f64| {
            if wanted == 0 {
                return Curve { precision: f64::NAN, recall: f64::NAN };
            }
            // (score, whether right) of every detection that counts.
            let mut outcomes: Vec<(f64, bool)> = Vec::new();
            for ((image, ignored), overlaps) in images.iter().zip(&ignored).zip(&overlaps) {
                let matches = image.matches(ignored, overlaps, threshold, most);
                for (i, matched) in matches.into_iter().enumerate() {
                    match matched {
                        Some(truth) if ignored[truth] => {}
                        None if outside(area(&image.detected[i])) => {}
                        matched => outcomes.push((image.scores[i], matched.is_some())),
                    }
                }
            }
            outcomes.sort_by(|a, b| b.0.partial_cmp(&a.0).unwrap_or(std::cmp::Ordering::Equal));
            Curve::of(&outcomes, wanted)
        };
        self.thresholds.iter().map(curve).collect()
    }
}

/// The average precision and the largest recall of one class at one threshold.
struct Curve {
    precision: f64,
    recall: f64,
}

impl Curve {
    fn of(outcomes: &[(f64, bool)], wanted: usize) -> Curve {
        let mut right = 0usize;
        let (mut recalls, mut precisions) = (Vec::new(), Vec::new());
        for (i, &(_, hit)) in outcomes.iter().enumerate() {
            right += usize::from(hit);
            recalls.push(right as f64 / wanted as f64);
            precisions.push(right as f64 / (i + 1) as f64);
        }
        // The best precision at this recall or more.
        for i in (1..precisions.len()).rev() {
            precisions[i - 1] = precisions[i - 1].max(precisions[i]);
        }
        let at = |point: usize| {
            let recall = point as f64 * (1.0 / (RECALL_POINTS - 1) as f64);
            precisions.get(recalls.partition_point(|&reached| reached < recall)).copied().unwrap_or(0.0)
        };
        Curve {
            precision: (0..RECALL_POINTS).map(at).sum::<f64>() / RECALL_POINTS as f64,
            recall: recalls.last().copied().unwrap_or(0.0),
        }
    }
}

impl Image {
    /// The overlap of each of the first `most` detections with each true box.
    fn overlaps(&self, most: usize) -> Vec<f64> {
        let detected = self.detected.iter().take(most);
        let overlap = |detected| {
            self.truth.iter().zip(&self.crowd).map(move |(truth, &crowd)| overlap(detected, truth, crowd))
        };
        detected.flat_map(overlap).collect()
    }

    /// The true box that each of the first `most` detections takes.
    fn matches(&self, ignored: &[bool], overlaps: &[f64], threshold: f64, most: usize) -> Vec<Option<usize>> {
        let n = self.truth.len();
        // Boxes that count come first; among those that overlap equally the later one is taken.
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by_key(|&i| ignored[i]);
        let mut taken = vec![false; n];
        let count = self.detected.len().min(most);
        let mut matches = Vec::with_capacity(count);
        for i in 0..count {
            let (mut best, mut least) = (None, threshold.min(1.0 - 1e-10));
            for &truth in &order {
                if taken[truth] && !self.crowd[truth] {
                    continue;
                }
                if best.is_some_and(|best: usize| !ignored[best] && ignored[truth]) {
                    break;
                }
                let overlap = overlaps[i * n + truth];
                if overlap >= least {
                    (best, least) = (Some(truth), overlap);
                }
            }
            if let Some(truth) = best {
                taken[truth] = true;
            }
            matches.push(best);
        }
        matches
    }
}

fn area(rectangle: &Rectangle) -> f64 {
    (rectangle[2] - rectangle[0]) * (rectangle[3] - rectangle[1])
}

/// Intersection over union; over the detection's own area where the true box is a crowd. Boxes apart have none.
fn overlap(detected: &Rectangle, truth: &Rectangle, crowd: bool) -> f64 {
    let width = detected[2].min(truth[2]) - detected[0].max(truth[0]);
    let height = detected[3].min(truth[3]) - detected[1].max(truth[1]);
    if width <= 0.0 || height <= 0.0 {
        return 0.0;
    }
    let both = width * height;
    let union = if crowd { area(detected) } else { area(detected) + area(truth) - both };
    if union > 0.0 { both / union } else { 0.0 }
}

/// Boxes `(N, 4)`; `(0)` stands for none.
fn rectangles<T: Float>(operation: &str, boxes: &Tensor<T>) -> Result<Vec<Rectangle>> {
    if boxes.shape() == [0] {
        return Ok(Vec::new());
    }
    let [_, 4] = boxes.shape() else {
        let text = format!("expected boxes (N, 4) as x1, y1, x2, y2, found {:?}", boxes.shape());
        return Err(Error::shape(operation, text));
    };
    let boxes = reals(boxes);
    finite(operation, "boxes", slice_of(&boxes))?;
    let rectangle = |(i, corners): (usize, &[f64])| {
        let [x1, y1, x2, y2] = [0, 1, 2, 3].map(|c| corners[c]);
        if x2 < x1 || y2 < y1 {
            let text = format!("box {i} ends before it starts: {x1}, {y1}, {x2}, {y2}");
            return Err(Error::value(operation, text));
        }
        Ok([x1, y1, x2, y2])
    };
    slice_of(&boxes).chunks_exact(4).enumerate().map(rectangle).collect()
}

/// The mean of what is defined.
fn mean_of(values: impl Iterator<Item = f64>) -> f64 {
    let (mut sum, mut count) = (0.0, 0);
    values.filter(|value| !value.is_nan()).for_each(|value| {
        sum += value;
        count += 1;
    });
    if count == 0 { f64::NAN } else { sum / f64::from(count) }
}
