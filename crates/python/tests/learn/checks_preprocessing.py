"""The estimators of `barehand.preprocessing`."""

from checks import Checked

from barehand.preprocessing import LabelBinarizer, LabelEncoder, MaxAbsScaler, MinMaxScaler, Normalizer, StandardScaler

CHECKED = [
    Checked(LabelBinarizer()),
    Checked(LabelEncoder()),
    Checked(MaxAbsScaler()),
    Checked(MinMaxScaler()),
    Checked(Normalizer()),
    Checked(StandardScaler()),
    Checked(StandardScaler(with_mean=False)),
]
