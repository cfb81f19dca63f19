"""Reports: records in, one self-contained page or one Markdown summary out. Records are the only source.

May not run anything, open a store, or import pytest, TensorFlow or cv2.
"""

from harness.report.html import write_html
from harness.report.markdown import write_markdown
from harness.report.model import RunInfo

__all__ = ["RunInfo", "write_html", "write_markdown"]
