"""The page on which feeds are connected."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from rapport.networks.base import Field, Guide, Step

MAX_FEEDS = 50

GUIDE = Guide(
    about=_(
        "Blogs, forums, review sites, app stores and news alerts that publish a feed (RSS, Atom or JSON Feed). "
        "Every new entry becomes a message that can be read, assigned and passed on."
    ),
    needs=(_("The address of the feed, or of the page whose feed you want."),),
    steps=(
        Step(
            text=_(
                "Open the blog, the forum or the review page in your browser and copy its address. Rapport looks "
                "for the feed that the page names. Some sites show the feed's own address behind an orange symbol "
                "or the word RSS; that works too."
            )
        ),
        Step(
            text=_(
                "For news: make an alert for your brand's name at Google Alerts, choose “Deliver to: RSS feed”, "
                "and copy the address of the feed symbol beside it."
            ),
            url="https://www.google.com/alerts",
        ),
        Step(
            text=_(
                "For reviews in Apple's App Store, the address is "
                "https://itunes.apple.com/COUNTRY/rss/customerreviews/id=NUMBER/sortBy=mostRecent/xml with the "
                "country's two letters and the number in your app's address."
            )
        ),
        Step(text=_("Write one address on each line below.")),
    ),
    fields=(
        Field(
            name="feeds",
            label=_("Addresses"),
            help=_(
                "One on each line, at most 50. The address of a page is enough where the page names its feed."
            ),
            kind="lines",
            placeholder="https://forum.example.com/latest.rss",
        ),
        Field(
            name="name",
            label=_("Name"),
            help=_(
                "What the channel is called here, such as “Forums”. It stays the same channel as long as this stays "
                "the same, so that you can add and remove addresses later."
            ),
            required=False,
        ),
        Field(
            name="words",
            label=_("Only entries with one of these words"),
            help=_(
                "One word or name on each line, such as your brand's. Leave it empty to get every entry. Capital "
                "letters make no difference. Other entries are not stored."
            ),
            kind="lines",
            required=False,
        ),
        Field(
            name="user",
            label=_("User name"),
            help=_(
                "Only for feeds that are not public. It goes to the site of the address, and nowhere else."
            ),
            required=False,
        ),
        Field(name="password", label=_("Password"), kind="secret", required=False),
    ),
    costs=_("Nothing. Rapport asks each feed every 15 minutes, or as often as the feed itself says."),
    cannot=(
        _(
            "Nothing can be answered through a feed. Answer on the site itself; the case has a link to the entry."
        ),
        _("Feeds do not say when an entry was deleted, and few say that one was changed."),
        _("People have no ids in feeds: two people of one name on one site are taken for one."),
    ),
)
