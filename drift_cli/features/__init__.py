"""Feature maps φ of images, one file each, and the groups that a drift takes of them."""

from __future__ import annotations

from drift_cli.features.base import Encoder, Features, Maps
from drift_cli.features.classifier import Classifier
from drift_cli.features.groups import KINDS, groups
from drift_cli.features.masked_autoencoder import MaskedAutoencoder
from drift_cli.features.scattering import Scattering

__all__ = ["KINDS", "Classifier", "Encoder", "Features", "Maps", "MaskedAutoencoder", "Scattering", "groups"]
