"""JupyterLab for the course: it opens on the README, asks no questions, and lists lessons, not what tools leave."""

from pathlib import Path

HERE = Path(__file__).resolve().parent

c = get_config()  # noqa: F821  (Jupyter's)
c.LabApp.app_settings_dir = str(HERE)  # overrides.json
c.LabApp.default_url = "/lab/tree/README.md"
c.ContentsManager.hide_globs = ["__pycache__", "*.pyc", "*.pyo", ".DS_Store", "*~", "*.egg-info"]
