"""The documentation's example of a classifier, which is the tests' too."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "digits_classifier.py"

spec = spec_from_file_location("digits_classifier", EXAMPLE)
example = module_from_spec(spec)
spec.loader.exec_module(example)

digits, trained = example.digits, example.digits_classifier
