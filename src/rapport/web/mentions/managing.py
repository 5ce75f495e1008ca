"""What leads decide about mentions: what is muted, rules that open cases; and the brand's voice beside competitors'."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from rapport.brands.models import Brand
from rapport.inbox.models import Priority
from rapport.lib.errors import ActionError, Conflict, Invalid, NotAllowed, NotFound
from rapport.mentions import case_rules, mute_passes, muting, rule_failures
from rapport.mentions.case_rules import Asked
from rapport.mentions.models import CaseRule, MuteKind, Query, QueryKind
from rapport.mentions.stream_detail import choices
from rapport.mentions.voice import compare
from rapport.networks.registry import connectors
from rapport.staff.access import access_brand, brands_for, require
from rapport.staff.models import Team, User
from rapport.staff.permissions import Permission
from rapport.web.durations import precise
from rapport.web.numbers import whole_number
from rapport.web.text import language_name
from rapport.web.views.pages import DeskRequest, desk_view, status_of

_SHOWN = 500
VOICE_DAYS = (7, 30, 90)
# What a form offers besides what was heard already.
_LANGUAGES = ("en", "de", "es", "fr", "hr", "it", "ja", "nl", "pl", "pt", "th")


def _managed(user: User) -> list[Brand]:
    return list(brands_for(user, Permission.MANAGE_LISTENING))


@require_http_methods(["GET", "HEAD", "POST"])
@desk_view
def mutes(request: DeskRequest) -> HttpResponse:
    """What is muted, by whom; and muting more."""
    problem, status = "", 200
    if request.method == "POST":
        try:
            muting.add_mute(
                user=request.user,
                brand_id=whole_number(request.POST.get("brand", "")) or 0,
                kind=request.POST.get("kind", ""),
                value=request.POST.get("value", ""),
            )
            messages.success(request, _("It is muted."))
            return HttpResponseRedirect(reverse("mutes"))
        except (NotFound, NotAllowed):
            raise
        except ActionError as error:
            problem, status = str(error), status_of(error)
    managed = _managed(request.user)
    rows = list(muting.mutes_for(user=request.user)[: _SHOWN + 1])
    context = {
        "rows": rows[:_SHOWN],
        "cut": len(rows) > _SHOWN,
        "shown": _SHOWN,
        "passes": mute_passes.passes_for(user=request.user)[:_SHOWN],
        "managed": managed,
        "managed_ids": {one.pk for one in managed},
        "kinds": MuteKind.choices,
        "problem": problem,
        "typed": request.POST if problem else {},
    }
    return render(request, "web/mentions/mutes.html", context, status=status)


@require_POST
@desk_view
def unmute(request: DeskRequest, mute_id: int) -> HttpResponse:
    """Hear it again."""
    mute = muting.remove_mute(user=request.user, mute_id=mute_id)
    messages.success(request, _("“%(value)s” is heard again.") % {"value": mute.value})
    return HttpResponseRedirect(reverse("mutes"))


@require_safe
@desk_view
def rules(request: DeskRequest) -> HttpResponse:
    """The rules that open cases by themselves."""
    managed = _managed(request.user)
    found = list(case_rules.rules_for(user=request.user)[:_SHOWN])
    asked = Query.objects.in_bulk({query_id for one in found for query_id in one.asks.get("queries", [])})
    named = {query_id: one.name for query_id, one in asked.items()}
    failed = rule_failures.numbers_of([one.pk for one in found])
    there = {query_id for query_id, one in asked.items() if one.deleted_at is None}
    context = {
        "rows": [
            {
                "rule": one,
                "asks": _in_words(one, named),
                # It asks for queries of which none finds anything any more.
                "failed": failed.get(one.pk, 0),
                "stopped": bool(one.asks.get("queries")) and not there & set(one.asks["queries"]),
            }
            for one in found
        ],
        "managed": managed,
        "managed_ids": {one.pk for one in managed},
        "priorities": dict(Priority.choices),
    }
    return render(request, "web/mentions/rules.html", context)


def _in_words(rule: CaseRule, names: dict[int, str]) -> list[str]:
    asks = rule.asks
    kinds = dict(QueryKind.choices)
    known = connectors()
    words = []
    if asks.get("queries"):
        words.append(
            _("found by %(names)s") % {"names": ", ".join(names.get(one, "?") for one in asks["queries"])}
        )
    if asks.get("kinds"):
        words.append(
            _("about: %(kinds)s") % {"kinds": ", ".join(str(kinds.get(one, one)) for one in asks["kinds"])}
        )
    if asks.get("networks"):
        labels = [str(known[one].label) if one in known else one for one in asks["networks"]]
        words.append(_("on %(networks)s") % {"networks": ", ".join(labels)})
    if asks.get("langs"):
        words.append(_("in %(languages)s") % {"languages": ", ".join(map(language_name, asks["langs"]))})
    if asks.get("reach_from"):
        words.append(_("reach from %(number)s") % {"number": asks["reach_from"]})
    if asks.get("relevance_from"):
        words.append(_("relevance from %(number)s") % {"number": asks["relevance_from"]})
    return words


@dataclass
class _Form:
    """A rule as its form has it; numbers as they were typed."""

    name: str = ""
    kinds: list[str] | None = None
    queries: list[int] | None = None
    langs: list[str] | None = None
    networks: list[str] | None = None
    reach_from: str = ""
    relevance_from: str = ""
    team: int | None = None
    priority: int | None = None


def _form_of(rule: CaseRule) -> _Form:
    asks = rule.asks
    return _Form(
        name=rule.name,
        kinds=asks.get("kinds"),
        queries=asks.get("queries"),
        langs=asks.get("langs"),
        networks=asks.get("networks"),
        reach_from=str(asks.get("reach_from", "")),
        relevance_from=str(asks.get("relevance_from", "")),
        team=rule.team_id,
        priority=rule.priority,
    )


def _form_from(given: QueryDict) -> _Form:
    return _Form(
        name=given.get("name", ""),
        kinds=given.getlist("kind"),
        queries=[number for one in given.getlist("query") if (number := whole_number(one)) is not None],
        langs=given.getlist("lang"),
        networks=given.getlist("network"),
        reach_from=given.get("reach_from", "").strip(),
        relevance_from=given.get("relevance_from", "").strip(),
        team=whole_number(given.get("team", "")),
        priority=whole_number(given.get("priority", "")),
    )


def _number(typed: str) -> int | None:
    number = whole_number(typed)
    if typed and number is None:
        raise Invalid(_("Reach and relevance are whole numbers."))
    return number


@require_http_methods(["GET", "HEAD", "POST"])
@desk_view
def rule(request: DeskRequest, rule_id: int | None = None) -> HttpResponse:
    """Write a rule, or change one."""
    found = case_rules.access_rule(user=request.user, rule_id=rule_id) if rule_id is not None else None
    brand = found.brand if found is not None else _chosen(request)
    form = _form_of(found) if found is not None else _Form()
    problem, status = "", 200
    if request.method == "POST":
        form = _form_from(request.POST)
        try:
            case_rules.save_rule(user=request.user, brand_id=brand.pk, asked=_asked(form), rule_id=rule_id)
            messages.success(request, _("The rule is saved. It is asked of mentions that come from now on."))
            return HttpResponseRedirect(reverse("case-rules"))
        except Invalid as error:
            problem, status = str(error), status_of(error)
    reasons = rule_failures.reasons_of(found.pk) if found is not None else []
    known = choices(user=request.user)
    chosen = set(form.langs or [])
    langs = sorted({*known["langs"], *_LANGUAGES, *chosen})
    context = {
        "rule": found,
        "reasons": reasons,
        "failed": sum(one.number for one in reasons),
        "brand": brand,
        "form": form,
        "problem": problem,
        "kinds": QueryKind.choices,
        "queries": [one for one in known["queries"] if one.brand_id == brand.pk],
        "networks": sorted(
            (name, str(connectors()[name].label) if name in connectors() else name)
            for name in {
                *known["networks"],
                *brand.channels.values_list("network", flat=True),
                *(form.networks or []),
            }
        ),
        "langs": sorted(((one, language_name(one)) for one in langs), key=lambda one: one[1]),
        "teams": Team.objects.filter(brand=brand).order_by("name"),
        "priorities": list(reversed(Priority.choices)),
        "name_length": case_rules.NAME_LENGTH,
    }
    return render(request, "web/mentions/rule.html", context, status=status)


def _asked(form: _Form) -> Asked:
    return Asked(
        name=form.name,
        kinds=form.kinds or (),
        queries=form.queries or (),
        langs=form.langs or (),
        networks=form.networks or (),
        reach_from=_number(form.reach_from),
        relevance_from=_number(form.relevance_from),
        team_id=form.team,
        priority=form.priority,
    )


def _chosen(request: DeskRequest) -> Brand:
    """The brand that a new rule is for: the one that was named, or the only one."""
    slug = request.POST.get("brand") or request.GET.get("brand", "")
    if slug:
        return access_brand(request.user, slug, Permission.MANAGE_LISTENING)
    managed = _managed(request.user)
    if not managed:
        raise NotAllowed(_("Rules are saved by leads. Ask one of your team."))
    return managed[0]


@require_POST
@desk_view
def rule_act(request: DeskRequest, rule_id: int, what: str) -> HttpResponse:
    """Pause a rule, let it work again, try again what it could not do, or delete it."""
    if what == "again":
        return _tried_again(request, rule_id)
    if what == "delete":
        gone = case_rules.delete_rule(user=request.user, rule_id=rule_id)
        messages.success(request, _("“%(name)s” is deleted. The cases it opened stay.") % {"name": gone.name})
    elif what in {"pause", "resume"}:
        case_rules.set_active(user=request.user, rule_id=rule_id, active=what == "resume")
    else:
        raise NotFound(_("There is no such thing to do with a rule."))
    return HttpResponseRedirect(reverse("case-rules"))


def _tried_again(request: DeskRequest, rule_id: int) -> HttpResponse:
    try:
        number = case_rules.try_again(user=request.user, rule_id=rule_id)
    except Conflict as error:
        messages.error(request, str(error))
    else:
        said = ngettext(
            "%(n)s case is being tried again. What cannot be opened is listed here in a moment.",
            "%(n)s cases are being tried again. What cannot be opened is listed here in a moment.",
            number,
        )
        messages.success(request, said % {"n": number})
    return HttpResponseRedirect(reverse("case-rule", args=[rule_id]))


@require_safe
@desk_view
def voice(request: DeskRequest) -> HttpResponse:
    """The brand's and competitors' queries side by side."""
    brands = list(brands_for(request.user, Permission.VIEW_CASES))
    brand = next(
        (one for one in brands if one.slug == request.GET.get("brand")), brands[0] if brands else None
    )
    asked = whole_number(request.GET.get("days", ""))
    days = asked if asked in VOICE_DAYS else 30
    context: dict[str, Any] = {
        "brands": brands,
        "brand": brand,
        "days": days,
        "periods": [(n, ngettext("%(n)s day", "%(n)s days", n) % {"n": n}) for n in VOICE_DAYS],
    }
    if brand is not None:
        require(request.user, brand.pk, Permission.VIEW_CASES)
        zone = ZoneInfo(brand.time_zone)
        today = timezone.localtime(timezone=zone).date()
        dates = [today - timedelta(days=n) for n in reversed(range(days))]
        since = datetime.combine(dates[0], time(), tzinfo=zone)
        until = datetime.combine(today + timedelta(days=1), time(), tzinfo=zone)
        compared = compare(user=request.user, brand=brand, since=since, until=until, dates=dates)
        most = max((one.most for one in compared.voices), default=0)
        context |= {
            "compared": compared,
            "most": most,
            "rows": [
                {
                    "voice": one,
                    "languages": [
                        (language_name(code) if code else _("not known"), n) for code, n in one.languages
                    ],
                    "bars": [
                        {
                            "x": index,
                            "height": round(40 * n / most, 1) if most else 0,
                            "y": 40 - (round(40 * n / most, 1) if most else 0),
                        }
                        for index, n in enumerate(one.days)
                    ],
                }
                for one in compared.voices
            ],
            "first": dates[0],
            "last": dates[-1],
            "competitors": any(
                one.query and one.query.kind == QueryKind.COMPETITOR for one in compared.voices
            ),
            "median": precise(compared.answers.median_s),
            "p90": precise(compared.answers.p90_s),
        }
    return render(request, "web/mentions/voice.html", context)
