"""How good generated images are: judges that learn the classes from real images, and numbers beside their floors."""

from __future__ import annotations

from drift_cli.judging.beside import Beside
from drift_cli.judging.quality import ImageQuality, judge_images

__all__ = ["Beside", "ImageQuality", "judge_images"]
