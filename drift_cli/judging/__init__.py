"""How good generated images are: judges that learn the classes from real images, and numbers with their floors."""

from __future__ import annotations

from drift_cli.judging.beside import Beside
from drift_cli.judging.jury import Jury
from drift_cli.judging.quality import ImageQuality, judge_images, judged

__all__ = ["Beside", "ImageQuality", "Jury", "judge_images", "judged"]
