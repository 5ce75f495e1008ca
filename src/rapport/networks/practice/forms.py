"""Forms of the practice network's pages. A person picks which demo customer to be."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from rapport.networks.practice.limits import IMAGE_TYPES, MAX_ALT, MAX_LENGTH, MAX_PICTURES
from rapport.networks.practice.models import Account, Chaos
from rapport.networks.practice.pictures import NewPicture


def _people() -> QuerySet[Account]:
    return Account.objects.filter(is_company=False).order_by("name")


class _AccountField(forms.ModelChoiceField):  # type: ignore[type-arg]  # generic in stubs only
    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.name} (@{obj.handle})"


def _offer(field: forms.Field, accounts: QuerySet[Account]) -> None:
    assert isinstance(field, _AccountField)
    field.queryset = accounts


class PostForm(forms.Form):
    """A new post, an answer, or a private message. Companies are answered for in the desk, not here."""

    author = _AccountField(queryset=Account.objects.none(), label=_("Post as"), empty_label=None)
    text = forms.CharField(
        label=_("What do you want to say?"),
        max_length=MAX_LENGTH,
        widget=forms.Textarea(attrs={"rows": 3, "maxlength": MAX_LENGTH}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _offer(self.fields["author"], _people())
        for number in range(1, MAX_PICTURES + 1):
            self.fields[f"picture_{number}"] = forms.FileField(
                label=_("Picture %(number)d") % {"number": number},
                required=False,
                widget=forms.FileInput(attrs={"accept": ",".join(IMAGE_TYPES)}),
            )
            self.fields[f"alt_{number}"] = forms.CharField(
                label=_("What picture %(number)d shows, for those who cannot see it") % {"number": number},
                required=False,
                max_length=MAX_ALT,
            )

    def words(self) -> list[forms.BoundField]:
        """The fields without those of the pictures."""
        return [one for one in self if not one.name.startswith(("picture_", "alt_"))]

    def picture_rows(self) -> list[tuple[forms.BoundField, forms.BoundField]]:
        """For each possible picture the field of the file and that of its description."""
        return [(self[f"picture_{one}"], self[f"alt_{one}"]) for one in range(1, MAX_PICTURES + 1)]

    def pictures(self) -> tuple[NewPicture, ...]:
        """What was chosen; for a valid form."""
        chosen = ((self.cleaned_data[f"picture_{one}"], one) for one in range(1, MAX_PICTURES + 1))
        return tuple(
            NewPicture(name=file.name or "", content=file.read(), alt=self.cleaned_data[f"alt_{one}"])
            for file, one in chosen
            if file
        )


class MessageForm(PostForm):
    """A private message from a customer to a company."""

    recipient = _AccountField(queryset=Account.objects.none(), label=_("To"), empty_label=None)
    field_order = ["author", "recipient", "text"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _offer(self.fields["recipient"], Account.objects.filter(is_company=True).order_by("name"))


class WeatherForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in stubs only
    class Meta:
        model = Chaos
        fields = [
            "outage",
            "duplicate_rate",
            "reorder_rate",
            "lost_response_rate",
            "slow_ms",
            "rate_limit",
            "ignore_idempotency",
        ]
