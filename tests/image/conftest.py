"""The bot's image, built once per worker."""

from tests.real.bot_image import context, engine, image

__all__ = ["context", "engine", "image"]
