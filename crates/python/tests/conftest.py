"""What has to be set before the first test imports SciPy: scikit-learn's checks with other arrays than NumPy's want it."""

import os

os.environ.setdefault("SCIPY_ARRAY_API", "1")
