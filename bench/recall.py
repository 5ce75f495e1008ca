"""Recall: customers' posts without the brand's handle, and how many of them a query for the brand still finds.

From posts to airlines, telecoms and other brands in the shared data every handle is taken away, so that nothing in
them addresses anybody; whom a post had addressed is the truth. The queries were written from what the brands are
called and sell, not from the posts.
"""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping

from bench.matching import shared_data
from bench.place import table
from rapport.listening.matcher import Matcher
from rapport.listening.parse import parse
from rapport.listening.post import Post
from rapport.listening.query import Query

_FILES = (
    "sentiment/airline_tweets.csv",
    "sentiment/telecom_complaints.csv",
    "support/twcs_5000.csv",
)
_HANDLE = re.compile(r"@(\w+)")
# Fewer posts to a brand say too little about its query.
_LEAST_POSTS = 40

# Brand: its handles; its query: names, misspellings, products; the plain list: what it is called.
_LOST = "flight OR flights OR flying OR airline OR plane OR gate OR luggage OR baggage OR boarding OR airport"
_PHONE = "phone OR service OR data OR network OR signal OR lte OR bill OR store OR customer OR internet OR coverage"
BRANDS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "United": (
        "united",
        f"\"united airlines\" OR unitedair* OR #united OR \"mileage plus\" OR mileageplus OR unitedfail OR #unitedairlines OR "
        f"(united NEAR/8 ({_LOST})) NOT (manchester OR \"united states\" OR \"united kingdom\")",
        ("united",),
    ),
    "US Airways": (
        "usairways",
        "\"us airways\" OR usairways OR \"us airway\" OR usair OR \"us air\" OR usairwaysfail OR \"dividend miles\"",
        ("us airways",),
    ),
    "American Airlines": (
        "americanair americanairlines",
        f"\"american airlines\" OR \"american air\" OR americanair* OR aadvantage OR \"american airline\" OR (american NEAR/6 ({_LOST})) "
        "OR raw:\"AA flight\" OR #americanairlines OR \"admirals club\"",
        ("american airlines",),
    ),
    "Southwest": (
        "southwestair southwest",
        f"\"southwest airlines\" OR southwestair* OR swa OR \"southwest air\" OR (southwest NEAR/8 ({_LOST})) OR \"rapid rewards\" OR "
        "rapidrewards OR \"companion pass\" OR \"early bird check\" OR luv OR #southwest",
        ("southwest",),
    ),
    "JetBlue": (
        "jetblue",
        "jetblue* OR \"jet blue\" OR jetblu OR trueblue OR \"true blue\" OR \"fleet's on fleek\" OR mosaic OR flyfi OR \"fly-fi\" OR #jetblue",
        ("jetblue",),
    ),
    "Virgin America": (
        "virginamerica",
        "\"virgin america\" OR virginamerica OR \"virgin flight\" OR \"elevate points\" OR (virgin NEAR/6 (flight OR flying OR seat OR airline)) "
        "NOT (virginatlantic OR \"virgin atlantic\" OR trains)",
        ("virgin america",),
    ),
    "Delta": (
        "delta deltaassist",
        f"\"delta airlines\" OR \"delta air\" OR skymiles OR \"delta one\" OR \"delta comfort\" OR (delta NEAR/8 ({_LOST})) OR deltaassist OR "
        "\"sky club\" OR skyclub",
        ("delta",),
    ),
    "British Airways": (
        "british_airways",
        "\"british airways\" OR britishairways OR \"british air\" OR \"executive club\" OR avios OR raw:\"BA flight\" OR raw:BA",
        ("british airways",),
    ),
    "AT&T": (
        "att attcares",
        "\"at&t\" OR att OR \"at & t\" OR uverse OR \"u-verse\" OR directv OR \"att uverse\" OR gophone OR \"at and t\"",
        ("at&t", "att"),
    ),
    "T-Mobile": (
        "tmobile tmobilehelp johnlegere",
        "tmobile OR \"t-mobile\" OR \"t mobile\" OR legere OR uncarrier OR \"un-carrier\" OR bingeon OR \"binge on\" OR metropcs OR "
        "\"simple choice\" OR magenta",
        ("t-mobile", "tmobile"),
    ),
    "Verizon": (
        "verizon vzwsupport verizonsupport verizonfios",
        "verizon* OR vzw OR fios OR go90 OR verison OR \"more everything\"",
        ("verizon",),
    ),
    "Comcast": (
        "comcast comcastcares xfinity",
        "comcast* OR xfinity OR xfinityx1 OR \"comcast business\" OR concast OR \"infinity wifi\"",
        ("comcast",),
    ),
    "Hulu": ("hulu hulu_support", "hulu* OR \"hulu plus\" OR #hulu", ("hulu",)),
    "Chipotle": (
        "chipotletweets",
        "chipot* OR chipolte OR chiptole OR chipoltle OR boorito OR burrito OR burritos OR guac OR guacamole OR queso OR sofritas OR barbacoa "
        "OR carnitas",
        ("chipotle",),
    ),
    "Tesco": (
        "tesco",
        "tesco* OR clubcard OR \"club card\" OR \"tesco express\" OR \"tesco extra\"",
        ("tesco",),
    ),
    "Amazon": (
        "amazonhelp amazon",
        "amazon* OR kindle OR alexa OR \"prime video\" OR \"prime day\" OR \"prime delivery\" OR firestick OR \"fire stick\" OR \"fire tv\" OR "
        "(prime NEAR/8 (delivery OR shipping OR order OR member OR membership OR account)) OR \"echo dot\"",
        ("amazon",),
    ),
    "Apple": (
        "applesupport apple",
        "apple OR iphone* OR ipad* OR macbook* OR ios OR ios11 OR \"ios 11\" OR imac OR airpods OR icloud OR itunes OR siri OR \"app store\" "
        "OR appstore OR \"apple watch\" OR \"high sierra\" OR imessage",
        ("apple",),
    ),
    "Sainsbury's": (
        "sainsburys",
        "sainsbury* OR \"sainsbury's\" OR sainsburies OR nectar OR \"nectar card\" OR \"taste the difference\"",
        ("sainsbury",),
    ),
    "Morrisons": ("morrisons", "morrison* OR morrisson* OR \"match & more\" OR \"nutmeg\"", ("morrisons",)),
    "M&S": (
        "marksandspencer",
        "\"marks & spencer\" OR \"marks and spencer\" OR \"m&s\" OR \"m & s\" OR \"marks and sparks\" OR marksandspencer OR sparks OR "
        "\"percy pig\" OR \"percy pigs\"",
        ("marks and spencer", "marks & spencer"),
    ),
    "Uber": (
        "uber_support uber",
        "uber* OR \"uber eats\" OR ubereats OR uberpool OR uberx OR (driver NEAR/6 (trip OR ride OR cancelled OR canceled OR fare OR charged))",
        ("uber",),
    ),
    "Spotify": (
        "spotifycares spotify",
        "spotif* OR \"discover weekly\" OR \"daily mix\" OR ((playlist OR playlists) NEAR/10 (app OR premium OR songs OR shuffle OR account)) "
        "OR (premium NEAR/6 (account OR student OR family OR music))",
        ("spotify",),
    ),
    "PlayStation": (
        "askplaystation playstation",
        "playstation* OR ps4 OR psn OR \"ps plus\" OR \"ps+\" OR \"ps vita\" OR psvr OR dualshock OR ps3",
        ("playstation",),
    ),
    "Xbox": (
        "xboxsupport xbox",
        "xbox* OR \"xbox one\" OR \"xbox live\" OR kinect OR gamertag OR \"game pass\" OR \"x box\" OR xb1",
        ("xbox",),
    ),
}  # fmt: skip


def posts() -> Iterator[tuple[set[str], str]]:
    """Each customer's post: the handles it had, and its text without any."""
    for name in _FILES:
        path = shared_data() / name
        if not path.exists():
            return
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if row.get("inbound", "True").lower() != "false":
                    handles = {handle.lower() for handle in _HANDLE.findall(row["text"])}
                    yield handles, _HANDLE.sub(" ", row["text"])


def run() -> str:
    """Measure, and return a section of Markdown; says so when there are no posts."""
    said = list(posts())
    if not said:
        print("recall: no posts; RAPPORT_SHARED_DATA says where the shared data are")
        return ""
    brand_of = {handle: brand for brand, (handles, _q, _w) in BRANDS.items() for handle in handles.split()}
    # Posts to several of them, or to none that is listed, are no clear truth.
    addressed = [({brand_of[one] for one in handles if one in brand_of}, text) for handles, text in said]
    truth = [(next(iter(brands)), text) for brands, text in addressed if len(brands) == 1]
    names = list(BRANDS)
    queries: Mapping[int, Query] = {number: parse(BRANDS[brand][1]) for number, brand in enumerate(names)}
    matcher = Matcher(queries)
    found = matcher.match_many(Post(str(n), text, lang="en") for n, (_brand, text) in enumerate(truth))
    ours: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    plain: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    posts_of: dict[str, int] = defaultdict(int)
    for (brand, text), matches in zip(truth, found, strict=True):
        posts_of[brand] += 1
        for match in matches:
            ours[names[match.query_id]][names[match.query_id] != brand] += 1
        low = text.lower()
        for name, (_handles, _query, words) in BRANDS.items():
            if any(word in low for word in words):
                plain[name][name != brand] += 1
    rows = []
    total = [0, 0, 0, 0, 0]
    for brand in sorted(names, key=lambda one: -posts_of[one]):
        if posts_of[brand] < _LEAST_POSTS:
            continue
        right, wrong = ours[brand]
        their_right, their_wrong = plain[brand]
        for at, value in enumerate((posts_of[brand], right, wrong, their_right, their_wrong)):
            total[at] += value
        rows.append(_row(brand, posts_of[brand], right, wrong, their_right, their_wrong))
    rows.append(_row("all", *total))
    section = (
        "## Recall without the handle\n\n"
        f"{total[0]:,} customers' posts to one brand each, airlines, telecoms and others, with every handle taken away. Recall: the "
        "share of a brand's posts that its query (`bench/recall.py`: names, misspellings, products) still finds. Precision: of all that the "
        "query finds among these posts, the share that was to the brand. Beside it a plain list: the brand's name, as letters anywhere.\n\n"
        + table(
            ["brand", "posts", "query: recall", "precision", "plain list: recall", "precision"], rows
        )
        + "\n\nLimit: most posts name nobody once their handle is gone (“my flight is late again”), so no query can find them. Words such as a "
        "product's name find more, and posts to others that mention it too.\n"
    )  # fmt: skip
    print(section)
    return section


def _row(brand: str, posts: int, right: int, wrong: int, their_right: int, their_wrong: int) -> list[str]:
    def share(part: int, whole: int) -> str:
        return f"{part / whole:.0%}" if whole else ""

    return [
        brand,
        f"{posts:,}",
        f"**{share(right, posts)}**",
        share(right, right + wrong),
        share(their_right, posts),
        share(their_right, their_right + their_wrong),
    ]
