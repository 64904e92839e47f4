"""The bot's image, built once per worker."""

from tests.real.bot_image import context, image
from tests.real.fixtures import sdk

__all__ = ["context", "image", "sdk"]
