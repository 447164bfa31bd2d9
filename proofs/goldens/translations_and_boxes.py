#!/usr/bin/env python3
"""BLEU by sacrebleu and COCO's detection scores by pycocotools, for the tests of crates/metrics.

    python3 proofs/goldens/translations_and_boxes.py

Writes crates/metrics/tests/goldens/translations_and_boxes.json.
"""

import contextlib
import io
import json
import platform
from pathlib import Path

import numpy as np
import sacrebleu
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from sacrebleu.metrics import BLEU

OUT = Path(__file__).resolve().parents[2] / "crates/metrics/tests/goldens/translations_and_boxes.json"
RNG = np.random.RandomState(3)
WORDS = "the a cat dog sat lay on under mat rug today".split()
NUMBERS = ["map", "map_50", "map_75", "map_small", "map_medium", "map_large",
           "mar_1", "mar_10", "mar_100", "mar_small", "mar_medium", "mar_large"]


def sentence(words):
    return [str(word) for word in RNG.choice(WORDS, words)]


def bleu(name, translations, references, smoothing="none", value=None, effective=False, max_order=4):
    scorer = BLEU(tokenize="none", force=True, smooth_method=smoothing, smooth_value=value,
                  effective_order=effective, max_ngram_order=max_order)
    most = max(map(len, references))
    # sacrebleu wants a list for the first references, one for the second, ...; None where a text has fewer.
    streams = [[" ".join(given[i]) if i < len(given) else None for given in references] for i in range(most)]
    score = scorer.corpus_score([" ".join(text) for text in translations], streams)
    return {
        "name": name, "translations": translations, "references": references, "smoothing": smoothing, "value": value,
        "effective": effective, "max_order": max_order, "bleu": score.score / 100,
        "precisions": [p / 100 for p in score.precisions], "brevity_penalty": score.bp,
        "length": score.sys_len, "reference_length": score.ref_len,
    }


def translations():
    texts = [sentence(n) for n in (7, 12, 5, 9)]
    # Each reference is the text with some words changed, dropped or added.
    near = lambda text: [w if RNG.rand() < 0.8 else str(RNG.choice(WORDS)) for w in text if RNG.rand() < 0.95]
    two = [[near(text), near(text) + sentence(1)] for text in texts]
    one = [[near(text)] for text in texts]
    far = [[["nothing", "like", "it"]], [["nor", "this"]]]
    short = ["the cat".split(), "a dog sat".split()]
    pairs = [["the cat".split()], ["a cat sat".split()]]
    return [
        bleu("two references", texts, two),
        bleu("one reference", texts, one),
        bleu("bigrams", texts, one, max_order=2),
        bleu("too short", [text[:3] for text in texts], one),
        bleu("nothing matches", texts[:2], far),
        *[bleu(f"short, {smoothing}", short, pairs, smoothing=smoothing, effective=effective)
          for smoothing in ("none", "exp", "floor", "add-k") for effective in (False, True)],
        bleu("add 0.5", short, pairs, smoothing="add-k", value=0.5),
        bleu("an empty translation", [[], texts[0]], [one[0], one[0]]),
    ]


def box(size):
    start, extent = RNG.rand(2) * 200, (0.3 + RNG.rand(2)) * size
    return [*start.round(1), *(start + extent).round(1)]


def detections(name, images, crowds=True, ties=False):
    """Random true boxes; most are detected, some twice or wide of the mark; some detections are of nothing."""
    data = []
    for _ in range(images):
        truth = [box(RNG.choice([15, 50, 150])) for _ in range(RNG.randint(0, 6))]
        kinds = RNG.randint(0, 3, len(truth))
        found, labels = [], []
        for rectangle, kind in zip(truth, kinds):
            for _ in range(RNG.choice([0, 1, 1, 1, 2])):
                size = max(rectangle[2] - rectangle[0], rectangle[3] - rectangle[1])
                moved = np.array(rectangle) + RNG.randn(4) * 0.06 * size
                found.append([*moved[:2].round(1), *np.maximum(moved[2:], moved[:2] + 1).round(1)])
                labels.append(int(kind) if RNG.rand() < 0.9 else int(RNG.randint(0, 3)))
        for _ in range(RNG.randint(0, 3)):
            found.append(box(40))
            labels.append(int(RNG.randint(0, 4)))
        scores = RNG.rand(len(found)).round(1 if ties else 3)
        crowd = (RNG.rand(len(truth)) < 0.15) if crowds else np.zeros(len(truth), bool)
        data.append({"boxes": found, "scores": scores.tolist(), "labels": labels, "true_boxes": truth,
                     "true_labels": kinds.tolist(), "crowd": crowd.tolist()})
    return {"name": name, "images": data, **coco(data)}


def coco(images):
    width = lambda b: [b[0], b[1], b[2] - b[0], b[3] - b[1]]
    truth, found = [], []
    for image, data in enumerate(images):
        for rectangle, label, crowd in zip(data["true_boxes"], data["true_labels"], data["crowd"]):
            b = width(rectangle)
            truth.append({"id": len(truth) + 1, "image_id": image, "category_id": label, "bbox": b,
                          "area": b[2] * b[3], "iscrowd": int(crowd)})
        for rectangle, label, score in zip(data["boxes"], data["labels"], data["scores"]):
            found.append({"image_id": image, "category_id": label, "bbox": width(rectangle), "score": score})
    classes = sorted({one["category_id"] for one in truth + found})
    with contextlib.redirect_stdout(io.StringIO()):
        ours = COCO()
        ours.dataset = {"images": [{"id": i} for i in range(len(images))], "annotations": truth,
                        "categories": [{"id": label} for label in classes]}
        ours.createIndex()
        evaluation = COCOeval(ours, ours.loadRes(found), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    precision = evaluation.eval["precision"][:, :, :, 0, -1]
    each = [precision[:, :, i][precision[:, :, i] > -1] for i in range(len(classes))]
    none = lambda value: None if value == -1 else float(value)
    return {
        "scores": {key: none(value) for key, value in zip(NUMBERS, evaluation.stats)}, "classes": classes,
        "map_per_class": [float(values.mean()) if len(values) else None for values in each],
    }


def main():
    golden = {
        "script": "proofs/goldens/translations_and_boxes.py",
        "versions": {"sacrebleu": sacrebleu.__version__, "numpy": np.__version__, "python": platform.python_version()},
        "translations": translations(),
        "boxes": [
            detections("a few images", 4, crowds=False),
            detections("crowds", 12),
            detections("equal scores", 12, ties=True),
        ],
    }
    OUT.write_text(json.dumps(golden, separators=(",", ":")).replace('{"name"', '\n{"name"') + "\n")
    print(f"{OUT}: {OUT.stat().st_size} bytes")


if __name__ == "__main__":
    main()
