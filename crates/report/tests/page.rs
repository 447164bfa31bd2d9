//! The page as text: what is in it, what must not be, and the runs nobody expects.

use std::fs;

use barehand_report::{
    ConfusionMatrix, Epoch, Error, Fact, Layer, Mistake, Picture, Report, Score, Step, Timing,
};
use serde_json::Value;

fn full() -> Report {
    let names = ["cat", "dog", "emu"].map(String::from).to_vec();
    Report {
        title: "A run".into(),
        created: "today".into(),
        summary: "In short.".into(),
        scores: vec![
            Score::share("Test accuracy", 0.9),
            Score::number("Test loss", 0.25),
            Score::seconds("Time", 75.0),
        ],
        epochs: (1..=3)
            .map(|epoch| Epoch {
                epoch,
                train_loss: 1.0 / epoch as f64,
                train_accuracy: Some(0.5),
                validation_loss: Some(0.7),
                validation_accuracy: Some(0.6),
                learning_rate: Some(0.001),
                seconds: Some(2.0),
                samples_per_second: Some(30_000.0),
                last_step: Some(epoch * 10),
            })
            .collect(),
        steps: (1..=30)
            .map(|step| Step { step, loss: 0.5, accuracy: None, learning_rate: Some(0.001) })
            .collect(),
        confusion: Some(
            ConfusionMatrix::new(names, vec![vec![8, 2, 0], vec![1, 9, 0], vec![0, 0, 0]]).unwrap(),
        ),
        mistakes: vec![
            mistake(0, 1, 1.5, Picture::new(2, 2, 1, vec![0, 80, 160, 240]).unwrap()),
            mistake(1, 0, 4.5, Picture::new(3, 1, 3, vec![7; 9]).unwrap()),
        ],
        timings: vec![
            Timing { name: "Forward".into(), seconds: 3.0 },
            Timing { name: "Backward".into(), seconds: 1.0 },
        ],
        model: vec![Layer {
            name: "layers.0".into(),
            kind: "Linear(4, 3)".into(),
            output_shape: "N × 3".into(),
            parameters: 1_500,
        }],
        configuration: vec![Fact::new("epochs", 3)],
        configuration_file: Some("epochs = 3".into()),
        environment: vec![Fact::new("threads", 2)],
    }
}

fn mistake(true_class: usize, predicted_class: usize, loss: f64, image: Picture) -> Mistake {
    Mistake { image, true_class, predicted_class, probability: 0.875, loss }
}

/// The JSON the script reads, parsed back.
fn data(page: &str) -> Value {
    let (_, after) = page.split_once("id=\"report-data\">").unwrap();
    serde_json::from_str(after.split_once("</script>").unwrap().0).unwrap()
}

fn sections(page: &str) -> Vec<&str> {
    page.split("<section id=\"").skip(1).map(|rest| rest.split_once('"').unwrap().0).collect()
}

#[test]
fn every_part_has_its_section_and_its_link() {
    let page = full().to_html();
    let all =
        ["curves", "confusion", "classes", "mistakes", "timings", "model", "configuration", "environment"];
    assert_eq!(sections(&page), all);
    for id in all {
        assert!(page.contains(&format!("<a href=\"#{id}\">")), "{id}");
        assert!(page.contains(&format!("aria-labelledby=\"{id}-title\"")), "{id}");
    }
    for text in [
        "<title>A run</title>",
        "<h1>A run</h1>",
        "<dd>90.00<span class=\"unit\">%</span></dd>",
        "<dd>0.2500</dd>",
        "<dd>1 <span class=\"unit\">min</span> 15 <span class=\"unit\">s</span></dd>",
        "1,500 parameters",
        "17 of 20 samples on the diagonal (85.00%)",
        "<small>80.0%</small>",
        "75.0%",
    ] {
        assert!(page.contains(text), "{text} is missing");
    }
    assert_eq!(page.matches("<table").count(), page.matches("<caption").count(), "a table without a caption");
    assert!(!page.contains("{{"), "a slot was left open");
}

#[test]
fn the_page_loads_nothing() {
    let page = full().to_html();
    assert!(page.contains("default-src 'none'"));
    for attribute in ["src=\"", "href=\""] {
        for rest in page.split(attribute).skip(1) {
            assert!(rest.starts_with("data:") || rest.starts_with('#'), "{attribute}{rest:.40}");
        }
    }
    for way in
        ["url(http", "@import", "fetch(", "XMLHttpRequest", "import(", "<iframe", "<link rel=\"stylesheet"]
    {
        assert!(!page.contains(way), "{way}");
    }
}

#[test]
fn an_empty_report_is_a_page_with_a_title() {
    let page = Report::default().to_html();
    assert!(page.contains("<h1>Training report</h1>"));
    assert!(sections(&page).is_empty());
    assert_eq!(data(&page)["epochs"]["epoch"], serde_json::json!([]));
}

#[test]
fn hostile_texts_stay_texts() {
    let hostile =
        "</script><script>alert(1)</script><!--<img src=x onerror=alert(1)> \"'&amp; {{style}} \u{2028}\0";
    let mut report = full();
    report.title = hostile.into();
    report.created = hostile.into();
    report.summary = hostile.into();
    report.scores[0].name = hostile.into();
    report.timings[0].name = hostile.into();
    report.model[0] =
        Layer { name: hostile.into(), kind: hostile.into(), output_shape: hostile.into(), parameters: 1 };
    report.configuration = vec![Fact::new(hostile, hostile)];
    report.configuration_file = Some(hostile.into());
    report.environment = vec![Fact::new(hostile, hostile)];
    let counts = report.confusion.as_ref().unwrap().counts().to_vec();
    report.confusion = Some(ConfusionMatrix::new(vec![hostile.into(); 3], counts).unwrap());

    let page = report.to_html();
    let calm = full().to_html();
    for tag in ["<script", "</script", "<img", "<!--", "<style", "onerror=\""] {
        assert_eq!(page.matches(tag).count(), calm.matches(tag).count(), "{tag}");
    }
    assert!(!page.contains('\0'));
    // What is shown is the text, whole; and the script reads the very same name.
    assert!(page.contains("&lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt;&lt;!--&lt;img"));
    assert!(page.contains("&quot;&#39;&amp;amp; {{style}}"));
    assert_eq!(data(&page)["confusion"]["classes"][0], hostile);
}

#[test]
fn the_same_report_gives_the_same_bytes() {
    assert_eq!(full().to_html(), full().to_html());
    // And so does one that went through JSON.
    let copy: Report = serde_json::from_str(&serde_json::to_string(&full()).unwrap()).unwrap();
    assert_eq!(copy, full());
    assert_eq!(copy.to_html(), full().to_html());
}

#[test]
fn losses_that_are_no_numbers_are_shown_and_leave_gaps() {
    let mut report = full();
    report.epochs[1].train_loss = f64::NAN;
    report.epochs[2].train_loss = f64::INFINITY;
    report.mistakes[0].loss = f64::NAN;
    report.timings[0].seconds = f64::NAN;
    let page = report.to_html();
    assert!(page.contains("not a finite number in 2 of 3 epochs, first in epoch 2"));
    assert_eq!(data(&page)["epochs"]["train_loss"], serde_json::json!([1.0, null, null]));
    assert!(page.contains(">NaN</td>") && page.contains(">∞</td>"));
    // A loss that is no number is the worst mistake.
    assert!(page.find("loss NaN").unwrap() < page.find("loss 4.500").unwrap());
    assert!(!page.contains("flex-grow:NaN") && !page.contains("--v:NaN"));

    let through_json: Report = serde_json::from_str(&serde_json::to_string(&report).unwrap()).unwrap();
    assert!(through_json.epochs[1].train_loss.is_nan());
    assert!(!full().to_html().contains("class=\"warning\""));
}

#[test]
fn one_epoch_or_a_thousand() {
    for count in [1, 1000] {
        let epochs = (1..=count).map(|epoch| Epoch { epoch, train_loss: 0.5, ..Epoch::default() }).collect();
        let page = Report { epochs, ..Report::default() }.to_html();
        assert_eq!(sections(&page), ["curves"]);
        assert_eq!(page.matches("<th scope=\"row\">").count() as u64, count);
        assert!(page.contains("data-chart=\"loss\"") && !page.contains("data-chart=\"accuracy\""));
        assert!(!page.contains("Validation loss"), "a column without any value");
        assert!(page.contains(if count == 1 { ">1 epoch<" } else { ">1,000 epochs<" }));
    }
}

#[test]
fn matrices_of_every_size() {
    for (classes, kind, cells) in
        [(1, "roomy", 1), (2, "roomy", 4), (15, "roomy", 225), (30, "legible", 900), (100, "dense", 10_000)]
    {
        let names = (0..classes).map(|class| class.to_string()).collect();
        let counts = (0..classes).map(|t| (0..classes).map(|p| u64::from(t == p) * 9).collect()).collect();
        let confusion = Some(ConfusionMatrix::new(names, counts).unwrap());
        let page = Report { confusion, ..Report::default() }.to_html();
        let (_, matrix) = page.split_once(&format!("class=\"matrix {kind}\"")).unwrap();
        let (matrix, _) = matrix.split_once("</table>").unwrap();
        let (_, body) = matrix.split_once("<tbody>").unwrap();
        assert_eq!(body.matches("<td").count(), cells);
        assert!(page.contains("No sample was confused."));
    }
    let names: Vec<String> = (0..500).map(|class| class.to_string()).collect();
    let confusion = Some(ConfusionMatrix::new(names, vec![vec![1; 500]; 500]).unwrap());
    let page = Report { confusion, ..Report::default() }.to_html();
    assert!(
        page.contains("A matrix of 500 classes is too large to read")
            && !page.contains("<table class=\"matrix")
    );
}

#[test]
fn class_scores_agree_with_scikit_learn() {
    // precision_recall_fscore_support(y_true, y_pred) of scikit-learn 1.9.1, for the matrix below; its 0.0 of a class
    // without prediction is our None, and counts as zero in the averages.
    let matrix = ConfusionMatrix::new(
        ["a", "b", "c"].map(String::from).to_vec(),
        vec![vec![3, 1, 0], vec![2, 4, 0], vec![1, 1, 0]],
    )
    .unwrap();
    let scores = matrix.class_scores();
    let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-15, "{a} {b}");
    close(scores[0].precision.unwrap(), 0.5);
    close(scores[0].recall.unwrap(), 0.75);
    close(scores[0].f1.unwrap(), 0.6);
    close(scores[1].precision.unwrap(), 2.0 / 3.0);
    close(scores[1].f1.unwrap(), 2.0 / 3.0);
    assert_eq!((scores[2].precision, scores[2].recall, scores[2].f1), (None, Some(0.0), Some(0.0)));
    assert_eq!([scores[0].support, scores[1].support, scores[2].support], [4, 6, 2]);
    close(matrix.macro_average().precision, (0.5 + 2.0 / 3.0) / 3.0);
    close(matrix.weighted_average().recall, 7.0 / 12.0);
    close(matrix.weighted_average().f1, (4.0 * 0.6 + 6.0 * 2.0 / 3.0) / 12.0);
    assert_eq!(matrix.top_confusions(2), [(1, 0, 2), (0, 1, 1)]);
    assert_eq!((matrix.correct(), matrix.total()), (7, 12));
}

#[test]
fn a_matrix_that_is_not_square_is_refused() {
    let names = || vec!["a".to_string(), "b".to_string()];
    for (classes, counts) in [
        (vec![], vec![]),
        (names(), vec![vec![1, 2]]),
        (names(), vec![vec![1, 2], vec![3]]),
        (names(), vec![vec![1; 3]; 2]),
    ] {
        assert!(matches!(ConfusionMatrix::new(classes, counts), Err(Error::Confusion(_))));
    }
    // Sums of such counts would not fit.
    assert!(ConfusionMatrix::new(names(), vec![vec![u64::MAX, 1], vec![0, 0]]).is_err());
    let text = ConfusionMatrix::new(names(), vec![vec![1, 2], vec![3]]).unwrap_err().to_string();
    assert_eq!(text, "confusion matrix: 2 classes need 2 columns, row 1 has 1");
}

#[test]
fn a_class_without_a_name_is_a_number() {
    let mut report = full();
    report.mistakes[0].predicted_class = 17;
    assert!(report.to_html().contains("taken for 17"));
    report.confusion = None;
    assert!(report.to_html().contains("A sample of class 1, taken for 0"));
}

#[test]
fn the_file_is_replaced_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.html");
    fs::write(&path, "an older report").unwrap();
    full().write(&path).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), full().to_html());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "a temporary file was left behind");

    let missing = folder.path().join("no such folder").join("report.html");
    let error = full().write(&missing).unwrap_err();
    assert!(matches!(error, Error::Write { .. }) && error.to_string().contains("no such folder"), "{error}");
    // A folder in the file's place: the rename fails, and cleans up.
    let taken = folder.path().join("taken");
    fs::create_dir(&taken).unwrap();
    assert!(full().write(&taken).is_err());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    assert!(full().write("/").is_err());
}
