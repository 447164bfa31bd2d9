"""What estimators take from scikit-learn, for where scikit-learn is not installed.

The module names are scikit-learn's; so are rules and messages. Nothing here is used where scikit-learn can be imported.
"""
