"""scikit-learn's own tests of preprocessing."""

from own import Own

OWN = [
    Own(
        tests="sklearn.preprocessing.tests.test_data",
        replaced={"sklearn.preprocessing": ["MaxAbsScaler", "MinMaxScaler", "Normalizer", "StandardScaler"]},
        chosen="standard_scaler or min_max or minmax or max_abs or maxabs or normalizer or scaler",
        at_least=340,
    ),
    Own(
        tests="sklearn.preprocessing.tests.test_common",
        replaced={"sklearn.preprocessing": ["MaxAbsScaler", "MinMaxScaler", "StandardScaler"]},
        at_least=18,
    ),
    Own(
        tests="sklearn.preprocessing.tests.test_label",
        replaced={
            "sklearn.preprocessing": ["LabelEncoder"],
            "sklearn.preprocessing._label": ["LabelBinarizer", "LabelEncoder", "label_binarize"],
        },
        chosen="not multilabel_binarizer and not torch",
        at_least=28,
    ),
]
