from django.apps import AppConfig


class BrandsConfig(AppConfig):
    name = "rapport.brands"
    label = "brands"
