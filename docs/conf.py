"""Configuration of the documentation: make docs."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

from reference_pages import write_pages  # noqa: E402

import synrender  # noqa: E402

project = "synrender"
author = "the synrender maintainers"
version = release = synrender.__version__
html_show_copyright = False
html_title = f"synrender {version}"
extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "sphinx_design",
]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
exclude_patterns = ["_build", "requirements*"]
html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["pictures.css"]
html_extra_path = ["llms.txt"]
copybutton_prompt_text = r"\$ |>>> |\.\.\. "
copybutton_prompt_is_regexp = True
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented_params"
autodoc_member_order = "bysource"
autodoc_mock_imports = ["bpy", "ray", "kornia_rs", "trimesh", "embreex"]
suppress_warnings = ["myst.header"]  # the changelog begins each version with the same headings

write_pages(HERE / "reference")
