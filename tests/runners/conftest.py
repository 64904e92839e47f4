from tests.real.fixtures import base_image, engine, instance, log, registry, sdk

__all__ = ["base_image", "engine", "instance", "log", "registry", "sdk"]
