from tests.real.fixtures import app_image, base_image, engine, instance, registry, sdk

__all__ = ["app_image", "base_image", "engine", "instance", "registry", "sdk"]
