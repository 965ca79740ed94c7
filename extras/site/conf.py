"""How Sphinx makes the course's site. `build_site.py` gathers the pages, calls Sphinx with this file, and checks all.

Nothing here is fetched from elsewhere: theme, icons, search and fonts are served with the pages.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # for rendering.py

project = "Hands-On Deep Learning"
html_title = project
copyright = "text and figures: CC BY 4.0, code: MIT"
language = "en"

extensions = ["myst_nb", "rendering"]
root_doc = "index"
exclude_patterns = ["_*"]

nb_execution_mode = "off"  # the pages show the outputs that are committed
nb_ipywidgets_js = {}  # no notebook commits a widget, and these scripts would come from elsewhere
nb_merge_streams = True
nb_number_source_lines = False
myst_enable_extensions = ["amsmath", "dollarmath"]
myst_dmath_double_inline = True
myst_heading_anchors = 4

html_theme = "sphinx_book_theme"
html_static_path = [str(Path(__file__).parent / "_static")]
html_css_files = ["course.css"]
html_favicon = str(Path(__file__).parent / "_static" / "neuron.svg")
html_math_renderer = "mathml"
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_use_index = False
html_last_updated_fmt = None
html_scaled_image_link = False
html_permalinks_icon = "#"
html_context = {"default_mode": "auto"}

html_theme_options = {
    "logo": {"text": project},
    "home_page_in_toc": False,
    "show_navbar_depth": 1,
    "show_toc_level": 2,
    "secondary_sidebar_items": {"**": ["page-toc"], "index": []},  # the map takes its room
    "use_download_button": False,
    "use_fullscreen_button": False,
    "use_repository_button": True,
    "use_issues_button": False,
    "repository_branch": "main",
    "path_to_docs": "",
    "launch_buttons": {"colab_url": "https://colab.research.google.com"},
    "navigation_with_keys": False,
    "navbar_persistent": [],  # the search button has its place in the list of lessons
    "pygments_light_style": "a11y-light",
    "pygments_dark_style": "a11y-dark",
}


def setup(app):
    app.add_config_value("course_repository", "", "html", types=[str])
    app.connect("config-inited", address, priority=1)


def address(_, config):
    """The repository's address comes from build_site.py, which reads it where everything reads it: pyproject.toml."""
    config.html_theme_options["repository_url"] = config.course_repository
