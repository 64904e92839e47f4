from tests.real.fixtures import app_image, base_image, registry, sdk

__all__ = ["app_image", "base_image", "registry", "sdk"]
