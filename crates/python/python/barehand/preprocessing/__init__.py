"""Features made fit for estimators."""

from barehand.preprocessing._label_binarizer import LabelBinarizer, label_binarize
from barehand.preprocessing._label_encoder import LabelEncoder
from barehand.preprocessing._max_abs_scaler import MaxAbsScaler
from barehand.preprocessing._min_max_scaler import MinMaxScaler
from barehand.preprocessing._normalizer import Normalizer
from barehand.preprocessing._standard_scaler import StandardScaler

__all__ = [
    "LabelBinarizer",
    "LabelEncoder",
    "MaxAbsScaler",
    "MinMaxScaler",
    "Normalizer",
    "StandardScaler",
    "label_binarize",
]
