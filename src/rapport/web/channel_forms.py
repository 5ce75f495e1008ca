"""Forms of connecting a channel: one made from a network's guide, one for what people choose about it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rapport.brands.hours import DAYS, day_in_words, read_day
from rapport.brands.models import Brand, Channel, ChannelRole, SignatureStyle
from rapport.channels.actions import ChannelOptions
from rapport.channels.rotation import OURS
from rapport.networks.base import Capabilities, Field, Guide
from rapport.staff.models import Team

_LONGEST = 10_000
# A form of so many fields is shown whole.
_SHORT = 6


class GuideForm(forms.Form):
    """What a network's guide asks for. Secrets are never written back into the page.

    ``login``: the network's own login comes next, so secrets may be left out where it stands in for them.
    ``kept``: names of secrets that are known, and stay when they are left empty.
    """

    def __init__(
        self,
        guide: Guide,
        data: Mapping[str, Any] | None = None,
        *,
        login: bool = False,
        known: Mapping[str, Any] | None = None,
        kept: Collection[str] = (),
    ) -> None:
        super().__init__(data, prefix="with")
        self.guide = guide
        for one in guide.fields:
            field = _form_field(one)
            instead = login and guide.oauth_optional and not guide.oauth
            if one.secret and (instead or one.name in OURS):
                field.required = False
            if one.secret and one.name in kept:
                field.required = False
                field.help_text = " ".join(
                    filter(None, [str(one.help), _("Leave it empty and it stays as it is.")])
                )
            if known and one.name in known and not one.secret:
                field.initial = _shown(one, known[one.name])
            self.fields[one.name] = field

    def values(self) -> dict[str, Any]:
        """What was typed, as the connector wants it."""
        return {one.name: _value(one, self.cleaned_data.get(one.name)) for one in self.guide.fields}

    def secrets_typed(self) -> bool:
        """Whether something was typed that is not written back."""
        return any(one.secret and self.data.get(self.add_prefix(one.name)) for one in self.guide.fields)

    def first(self) -> list[forms.BoundField]:
        """What everybody fills in; of a short form, all of it."""
        rest = self._rest()
        return [self[one.name] for one in self.guide.fields if one.name not in rest]

    def more(self) -> list[forms.BoundField]:
        """What most leave as it is."""
        rest = self._rest()
        return [self[one.name] for one in self.guide.fields if one.name in rest]

    def more_is_open(self) -> bool:
        """Whether something there is to be put right."""
        return any(field.errors for field in self.more())

    def _rest(self) -> set[str]:
        if len(self.guide.fields) <= _SHORT:
            return set()
        return {one.name for one in self.guide.fields if not one.required and one.name not in OURS}


def _form_field(one: Field) -> forms.Field:
    common: dict[str, Any] = {
        "label": one.label,
        "help_text": one.help,
        "required": one.required,
        "initial": _shown(one, one.default),
    }
    if one.name in OURS and one.secret:
        common["help_text"] = " ".join(
            filter(None, [str(one.help), _("Leave it empty and one is made, to be pasted at the network.")])
        )
    hint = {"placeholder": one.placeholder} if one.placeholder else {}
    match one.kind:
        case "secret":
            widget = forms.PasswordInput(
                render_value=False, attrs={"autocomplete": "new-password", "spellcheck": "false", **hint}
            )
            return forms.CharField(widget=widget, max_length=_LONGEST, **common | {"initial": None})
        case "url":
            return forms.URLField(
                assume_scheme="https", max_length=2000, widget=forms.URLInput(attrs=hint), **common
            )
        case "email":
            return forms.EmailField(widget=forms.EmailInput(attrs=hint), **common)
        case "number":
            return forms.IntegerField(widget=forms.NumberInput(attrs=hint), **common)
        case "choice":
            return forms.ChoiceField(choices=one.choices, **common)
        case "switch":
            return forms.BooleanField(**common | {"required": False})
        case "lines":
            area = forms.Textarea(attrs={"rows": 4, **hint})
            return forms.CharField(widget=area, max_length=_LONGEST, **common)
    return forms.CharField(
        max_length=2000, widget=forms.TextInput(attrs={"spellcheck": "false", **hint}), **common
    )


def _shown(one: Field, value: Any) -> Any:
    if one.kind == "lines" and isinstance(value, list | tuple):
        return "\n".join(str(line) for line in value)
    return value


def _value(one: Field, typed: Any) -> Any:
    if one.kind == "lines":
        return [line.strip() for line in str(typed or "").splitlines() if line.strip()]
    if one.kind == "switch":
        return bool(typed)
    if one.kind == "number":
        return typed
    return typed or ""


class OptionsForm(forms.Form):
    """What people choose about a channel; see :class:`~rapport.channels.actions.ChannelOptions`.

    ``connecting``: it is new, so its past can be asked for at once.
    """

    role = forms.ChoiceField(
        label=gettext_lazy("What is this account for?"), choices=ChannelRole.choices, initial=ChannelRole.MAIN
    )
    signature = forms.ChoiceField(
        label=gettext_lazy("How are replies signed?"),
        choices=SignatureStyle.choices,
        initial=SignatureStyle.INITIALS,
    )
    teams = forms.TypedMultipleChoiceField(
        label=gettext_lazy("Who may answer from it?"),
        coerce=int,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy(
            "Choose none, and everybody who may answer for the brand can. Leads and admins always can."
        ),
    )
    hide_deleted = forms.BooleanField(
        label=gettext_lazy("Hide the words of a message that its author deletes"),
        required=False,
        initial=True,
        help_text=gettext_lazy("That it was deleted is shown either way."),
    )
    polled = forms.BooleanField(
        label=gettext_lazy("Ask the network regularly what is new"),
        required=False,
        initial=True,
        help_text=gettext_lazy(
            "Also where the network tells us by itself: what it forgets is found within minutes."
        ),
    )
    streamed = forms.BooleanField(
        label=gettext_lazy("Listen to its live stream"), required=False, initial=True
    )
    backfill_since = forms.DateField(
        label=gettext_lazy("Fetch earlier messages since"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=gettext_lazy("Leave it empty to begin with today."),
    )

    def __init__(self, *args: Any, brand: Brand, can: Capabilities, connecting: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.brand = brand
        self.day_names = [f"hours_{day}" for day in DAYS]
        for day, label in DAYS.items():
            self.fields[f"hours_{day}"] = forms.CharField(label=str(label), required=False, max_length=100)
        teams = Team.objects.filter(brand=brand).values_list("id", "name")
        offered = self.fields["teams"]
        assert isinstance(offered, forms.MultipleChoiceField)
        offered.choices = list(teams)
        for name, wanted in (
            ("teams", bool(teams)),
            ("polled", can.poll),
            ("streamed", can.stream),
            ("backfill_since", can.history and connecting),
        ):
            if not wanted:
                del self.fields[name]

    def hours(self) -> list[forms.BoundField]:
        """The seven days, for the template."""
        return [self[name] for name in self.day_names]

    def clean(self) -> dict[str, Any]:
        found = super().clean() or self.cleaned_data
        hours = {}
        for day in DAYS:
            try:
                hours[day] = read_day(found.get(f"hours_{day}", ""))
            except ValueError as error:
                self.add_error(f"hours_{day}", str(error))
        found["hours"] = {day: spans for day, spans in hours.items() if spans}
        since = found.get("backfill_since")
        if since is not None and since > timezone.localdate():
            self.add_error("backfill_since", _("Choose a day in the past."))
        return found

    def options(self) -> ChannelOptions:
        """What was chosen. A choice that this network does not offer stays as it would be by itself."""
        found = self.cleaned_data
        return ChannelOptions(
            role=found["role"],
            signature=found["signature"],
            hours=found["hours"],
            team_ids=found.get("teams", []),
            hide_deleted=found["hide_deleted"],
            polled=found.get("polled", True),
            streamed=found.get("streamed", True),
        )

    def since(self) -> datetime | None:
        """From when on the past is wanted: that day's beginning where the brand is."""
        day = self.cleaned_data.get("backfill_since")
        return day_start(day, self.brand) if day else None


def day_start(day: Any, brand: Brand) -> datetime:
    """The first moment of a day where the brand is."""
    return datetime.combine(day, time(), tzinfo=ZoneInfo(brand.time_zone))


def options_of(channel: Channel) -> dict[str, Any]:
    """A channel's options as the form's initial values."""
    hours = {f"hours_{day}": day_in_words(channel.hours.get(day, [])) for day in DAYS}
    return hours | {
        "role": channel.role,
        "signature": channel.signature,
        "teams": list(channel.teams.values_list("id", flat=True)),
        "hide_deleted": channel.hide_deleted,
        "polled": channel.polled,
        "streamed": channel.streamed,
    }


class SinceForm(forms.Form):
    """From when on a channel's past is to be fetched."""

    since = forms.DateField(
        label=gettext_lazy("Fetch earlier messages since"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )


class ProfileForm(forms.Form):
    """Texts for the profiles of several channels. An empty one is left as it is on the network."""

    name = forms.CharField(label=gettext_lazy("Name"), required=False, max_length=200)
    bio = forms.CharField(
        label=gettext_lazy("Bio"),
        required=False,
        max_length=5000,
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    link = forms.URLField(label=gettext_lazy("Link"), required=False, max_length=1000, assume_scheme="https")
    hours = forms.CharField(label=gettext_lazy("Published hours"), required=False, max_length=500)
