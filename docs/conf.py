"""Configuration of the site."""  # noqa: INP001 - read by Sphinx, not imported

import os
import sys
from importlib.metadata import version as installed_version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "datawal"
author = "the datawal authors"
project_copyright = "the datawal authors, MIT OR Apache-2.0"
version = release = installed_version("datawal")

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.doctest",
    "sphinx_design",
    "sphinx_copybutton",
    "datawal_docs",
]

root_doc = "index"
exclude_patterns = ["_build"]
nitpicky = True
# What the standard library documents is not linked: the site is built without a network.
nitpick_ignore_regex = [
    ("py:.*", r"(pathlib|collections|typing|os|types|datetime)\..*"),
    ("py:.*", r"(Path|Self|TypeAlias|NoReturn|OSError|StrEnum|IntEnum|enum\.\w+)"),
]
default_role = "literal"
rst_prolog = ""
smartquotes = False
python_maximum_signature_line_length = 100
# An implementation detail of these names would otherwise show in every signature.
autodoc_type_aliases = {"BytesLike": "BytesLike", "StrPath": "StrPath"}
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True}
add_module_names = False
toc_object_entries = False

doctest_global_setup = """
import tempfile
from pathlib import Path
scratch = Path(tempfile.mkdtemp(prefix="datawal-docs-"))
"""
doctest_global_cleanup = """
import shutil
shutil.rmtree(scratch)
"""

html_theme = "furo"
html_title = "datawal"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_favicon = "_static/mark.svg"
html_logo = "_static/mark.svg"
html_copy_source = False
html_show_sourcelink = False
html_last_updated_fmt = None
html_permalinks_icon = "#"
html_use_index = True
html_domain_indices = False
pygments_style = "tango"
pygments_dark_style = "github-dark"
copybutton_prompt_text = r"\$ |>>> |\.\.\. "
copybutton_prompt_is_regexp = True
copybutton_exclude = ".linenos, .gp, .go"

_LIGHT = {
    "font-stack--monospace": "ui-monospace, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace",
    "color-brand-primary": "#0b5d6b",
    "color-brand-content": "#0b5d6b",
    "color-brand-visited": "#0b5d6b",
    "dw-ink": "#1d2b33",
    "dw-soft": "#5a6b75",
    "dw-line": "#9fb0ba",
    "dw-paper": "#f5f8f9",
    "dw-header": "#d8e9f3",
    "dw-key": "#e3e6f8",
    "dw-payload": "#dff1e4",
    "dw-crc": "#f8ead2",
    "dw-good": "#1d7a46",
    "dw-good-bg": "#dff1e4",
    "dw-warn": "#8a5a00",
    "dw-warn-bg": "#f8ead2",
    "dw-bad": "#b3261e",
    "dw-bad-bg": "#fbe3e1",
}
_DARK = {
    "color-brand-primary": "#7cc7d6",
    "color-brand-content": "#7cc7d6",
    "color-brand-visited": "#7cc7d6",
    "dw-ink": "#e3e9ec",
    "dw-soft": "#9fb0ba",
    "dw-line": "#5d6d76",
    "dw-paper": "#1b2226",
    "dw-header": "#1f3d4d",
    "dw-key": "#2f3459",
    "dw-payload": "#1f4430",
    "dw-crc": "#4d3b1a",
    "dw-good": "#7fd6a2",
    "dw-good-bg": "#1f4430",
    "dw-warn": "#f0c36d",
    "dw-warn-bg": "#4d3b1a",
    "dw-bad": "#ff9d94",
    "dw-bad-bg": "#55231f",
}
html_theme_options = {
    "light_css_variables": _LIGHT,
    "dark_css_variables": _DARK,
    "sidebar_hide_name": False,
    "navigation_with_keys": True,
}

# Builds are compared byte by byte: nothing may depend on when or where they are made.
os.environ.setdefault("SOURCE_DATE_EPOCH", "0")
