from django.apps import AppConfig


class MentionsConfig(AppConfig):
    name = "rapport.mentions"
    label = "mentions"
