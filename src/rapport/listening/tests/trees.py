"""Queries and posts made by hypothesis."""

from __future__ import annotations

from hypothesis import strategies as st

from rapport.listening.parse import parse
from rapport.listening.post import Post

WORDS = (
    "delta", "late", "luggage", "café", "où", "Čovječe", "straße", "Москва", "рейс", "πτήση", "أمتعة", "טיסה", "กระเป๋า",
    "ล่าช้า", "行李", "航空", "荷物", "삼성", "배송은", "at&t", "c++", "$5", "50%", "wi-fi", "don't", "it’s", "हिन्दी", "x1",
    "organi?ation", "lugg*", "दिल्ली*", "#lostbags", "#late*", "@aero", "@ana@example.social", "$AAPL", "😡", "🇭🇷",
    '"lost bag"', '"lost my bag"~3', '"🎉 lost 🇭🇷"~4', '"lost bag*"', 'raw:"AT&T"', 'raw:"it\\"s"', "lang:en", "lang:pt-br,hr",
    "is:reply", "is:repost,quote", "has:question", "has:media", "followers:>10", "likes:5..20", "from:ana",
    'author:"ana marić"', "to:aero", "site:example.com", 'url:"/flights"', "country:HR", 'title:"lost bag"',
    "after:2026-01-31", "before:2026-02-01", "network:mastodon",
)  # fmt: skip
NEARABLE = (
    "delta",
    "late",
    "lugg*",
    "行李",
    "กระเป๋า",
    "삼성",
    '"lost bag"',
    "😡",
    "(late OR delayed)",
    "caf?s",
)

_nears = st.builds(
    lambda left, operator, right: f"({left} {operator} {right})",
    st.sampled_from(NEARABLE),
    st.sampled_from(["NEAR/0", "NEAR/3", "ONEAR/2", "NEAR/5f"]),
    st.sampled_from(NEARABLE),
)
_parts = st.recursive(
    st.one_of(st.sampled_from(WORDS), st.sampled_from(WORDS), _nears),
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=4).map(lambda parts: f"({' '.join(parts)})"),
        st.lists(inner, min_size=2, max_size=4).map(lambda parts: f"({' OR '.join(parts)})"),
        inner.map(lambda part: f"NOT {part}"),
    ),
    max_leaves=8,
)
sources = st.builds(
    lambda option, anchor, rest: f"{option}{anchor} AND {rest}",
    st.sampled_from(["", "", "accents:exact ", "stem:en,hr "]),
    st.sampled_from(WORDS[:40]),
    _parts,
)
queries = sources.map(parse)


SAID = (
    "delta", "LATE", "lost", "my", "bag", "Luggage", "cafés", "cafe", "café", "Cafe\u0301", "où", "ou",
    "covjece", "Čovječe", "STRASSE", "Москва", "МОСКВА", "рейс", "πτήση", "أمتعة", "טיסה",
    "รอกระเป๋านานมากล่าช้า", "我的行李丢了", "航空公司", "荷物が", "삼성전자는", "배송은", "AT&T", "at&t", "C++,", "$5", "50%",
    "Wi-Fi", "don’t", "😡😡", "🇭🇷", "organisation", "organization", "#LostBags", "#late_again", "@aero",
    "@Ana@example.social", "$AAPL", "https://example.com/flights", "https://delta.com/late", "mail@delta.com",
    'it"s', "AT&T's", "?", "！", "Ｄｅｌｔａ", "dеltа", "iPhone은",
)  # fmt: skip
_said = st.lists(st.one_of(st.sampled_from(SAID), st.text(max_size=4)), max_size=14).map(" ".join)
posts = st.builds(
    Post,
    id=st.just("1"),
    text=_said,
    title=st.one_of(st.none(), st.just(""), _said),
    author=st.sampled_from([None, "ana", "Ana@example.social", "aero"]),
    author_name=st.sampled_from([None, "Ana Marić", "Aero"]),
    to=st.sampled_from([None, "aero"]),
    lang=st.sampled_from([None, "en", "pt-BR", "hr"]),
    network=st.sampled_from([None, "mastodon"]),
    country=st.sampled_from([None, "HR", "TH"]),
    url=st.sampled_from([None, "https://news.example.com/flights/1"]),
    tags=st.sampled_from([(), ("LostBags",)]),
    mentions=st.sampled_from([(), ("aero",)]),
    media=st.sampled_from([None, (), ("image",)]),
    is_reply=st.sampled_from([None, True, False]),
    is_repost=st.sampled_from([None, True, False]),
    is_quote=st.sampled_from([None, True, False]),
    followers=st.sampled_from([None, 5, 5000]),
    likes=st.sampled_from([None, 0, 10]),
)
