"""The estimators of `barehand.preprocessing`."""

from barehand.preprocessing import StandardScaler
from checks import Checked

CHECKED = [Checked(StandardScaler())]
