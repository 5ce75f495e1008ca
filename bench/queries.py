"""Boolean queries as people who watch brands write them, made with a seed: names, misspellings, products, exclusions,
NEAR, beginnings, fields, in nine languages.

Each brand has five queries. The first brands are among those that the shared posts talk about; the others are
invented, or are words of a language, as brands are (``Orange``, ``Gap``), which then need something beside them.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

PER_BRAND = 5

KNOWN = (
    "American Airlines", "United Airlines", "Delta", "Southwest Airlines", "JetBlue", "Virgin America", "US Airways",
    "Spotify", "Apple", "Amazon", "AirAsia", "McDonald's", "Nike", "Walmart", "T-Mobile", "Sprint", "Verizon", "Comcast",
    "Xbox", "PlayStation", "Hulu", "Netflix", "Uber", "Tesco", "Sainsbury's", "Chipotle", "Marks & Spencer", "Virgin Trains",
    "British Airways", "Adobe", "Dropbox", "AT&T", "Vodafone", "O2", "Microsoft", "Google", "Samsung", "Alaska Air",
    "Royal Bank", "Bank of America", "Three UK", "Morrisons", "Argos", "Asda", "Ask Seb", "Idea Cellular", "Airtel",
    "Vivo", "Oppo", "Honda", "Toyota", "Nissan", "Mazda", "Isuzu", "Lazada", "Shopee", "Grab", "Starbucks", "KFC",
    "Burger King", "Pizza Hut", "Movistar", "Telmex", "Orange", "Deutsche Bahn", "Lufthansa", "Ryanair", "Renfe", "SNCF",
    "ซัมซุง", "โตโยต้า", "ฮอนด้า", "มาม่า", "เซเว่น", "เอ็มเค", "ลาซาด้า", "อเมซอน", "موبايلي", "जियो",
)  # fmt: skip
_SYLLABLES = (
    "ba be bo bri ca ce clo co cra da de do dra el en fa fi flo ga gi glo ha he hy ka ki ko la le li lo lu ma me mi mo "
    "na ne no nu ora pa pe pi plo pro qua ra re ri ro sa se si so sta ta te ti to tri va ve vi vo wa wi xa xe za ze zo"
)  # fmt: skip
_ENDINGS = (
    "x",
    "n",
    "ra",
    "tec",
    "ly",
    "io",
    "soft",
    "air",
    "pay",
    "mart",
    "lab",
    "go",
    "tel",
    "",
    "",
    "",
    "s",
)

# For each language: what is sold; what goes wrong; what is said of something else of that name; small words.
_WORDS: dict[str, tuple[str, str, str, str]] = {
    "en": (
        "flight app phone battery delivery order account card bank plan store ticket seat luggage refund subscription "
        "router update screen charger playlist coffee burger shoes jacket insurance mortgage laptop headphones",
        "delay* cancel* broken late lost rude terrible refund* overcharg* crash* scam worst complain* \"customer service\" "
        "\"not working\" \"on hold\" disappoint* stolen faulty angry unacceptable slow",
        "job jobs hiring recipe movie river football lyrics giveaway coupon stock shares horoscope baby garden",
        "my the your new this",
    ),
    "es": (
        "vuelo aplicación teléfono batería pedido cuenta tarjeta banco tienda billete maleta reembolso factura pantalla",
        "retras* cancel* roto perdid* pésimo vergüenza estafa reclam* \"atención al cliente\" \"no funciona\" lento",
        "empleo receta película fútbol sorteo canción", "mi el tu nuevo",
    ),
    "fr": (
        "vol application téléphone batterie commande compte carte banque magasin billet bagage remboursement facture écran",
        "retard* annul* cassé perdu nul honte arnaque réclam* \"service client\" \"ne marche pas\" déçu*",
        "emploi recette film football concours chanson", "mon le ton nouveau",
    ),
    "de": (
        "flug app handy akku lieferung bestellung konto karte bank filiale ticket koffer erstattung rechnung bildschirm",
        "verspät* storn* kaputt verloren schlecht frech betrug beschwer* kundenservice \"geht nicht\" enttäusch*",
        "stellenangebot rezept film fußball gewinnspiel lied", "mein der dein neue",
    ),
    "it": (
        "volo app telefono batteria consegna ordine conto carta banca negozio biglietto bagaglio rimborso bolletta",
        "ritard* cancell* rotto perso pessimo vergogna truffa reclam* \"servizio clienti\" \"non funziona\" delus*",
        "lavoro ricetta film calcio concorso canzone", "mio il tuo nuovo",
    ),
    "pt": (
        "voo aplicativo celular bateria entrega pedido conta cartão banco loja passagem mala reembolso fatura tela",
        "atras* cancel* quebrado perdid* péssimo vergonha golpe reclam* \"não funciona\" atendimento decepcion*",
        "vaga receita filme futebol sorteio música", "meu o seu novo",
    ),
    "ar": (
        "رحلة تطبيق هاتف بطارية طلب حساب بطاقة بنك متجر تذكرة حقيبة فاتورة", "تأخير إلغاء مكسور ضاع سيء احتيال شكوى \"خدمة العملاء\"",
        "وظيفة وصفة فيلم مباراة", "هذا في من على",
    ),
    "hi": (
        "उड़ान ऐप फोन बैटरी ऑर्डर खाता कार्ड बैंक दुकान टिकट सामान बिल", "देरी रद्द टूटा खराब धोखा शिकायत \"ग्राहक सेवा\" बेकार",
        "नौकरी फिल्म क्रिकेट गाना", "मेरा यह नया",
    ),
    "th": (
        "เที่ยวบิน แอป โทรศัพท์ แบตเตอรี่ สั่งซื้อ บัญชี บัตร ธนาคาร ร้าน ตั๋ว กระเป๋า คืนเงิน รองเท้า กาแฟ", "ล่าช้า ยกเลิก พัง หาย แย่ โกง ร้องเรียน ช้ามาก ผิดหวัง",
        "สมัครงาน สูตรอาหาร หนัง ฟุตบอล แจก", "ของ ที่ ใหม่",
    ),
}  # fmt: skip
_BY_WEIGHT = ("en",) * 6 + ("es", "fr", "de", "it", "pt", "ar", "hi", "th", "th")


@dataclass(frozen=True)
class Brand:
    """A name and what belongs to it. ``plain`` names are words of a language."""

    name: str
    language: str
    plain: bool

    @property
    def handle(self) -> str:
        """The name as a handle or a hashtag."""
        return "".join(char for char in self.name if char.isalnum() or not char.isascii())


def sources(number: int, seed: int = 5) -> Iterator[str]:
    """So many queries, as text; more of them begin with the same ones."""
    brands: list[Brand] = []
    for place in range(number):
        if place % PER_BRAND == 0:
            brands.append(_brand(random.Random(f"{seed}-{len(brands)}"), len(brands)))
        yield _KINDS[place % PER_BRAND](random.Random(f"{seed}/{place}"), brands[-1], brands)


def _brand(chance: random.Random, number: int) -> Brand:
    language = chance.choice(_BY_WEIGHT)
    if number < len(KNOWN):
        return Brand(KNOWN[number], language, plain=False)
    if chance.random() < 0.1:
        return Brand(
            chance.choice(_WORDS[language][chance.choice((0, 2))].split()).title(), language, plain=True
        )
    name = "".join(chance.choices(_SYLLABLES.split(), k=chance.choice((2, 2, 3, 3, 4)))) + chance.choice(
        _ENDINGS
    )
    if chance.random() < 0.25:
        name += " " + chance.choice(_WORDS["en"][0].split())
    return Brand(name.title(), language, plain=False)


def _list(chance: random.Random, brand: Brand, column: int, most: int) -> list[str]:
    """Some words of the brand's language; phrases stay whole, and a third are also in English."""
    words = _pieces(_WORDS[brand.language][column])
    if chance.random() < 0.3:
        words += _pieces(_WORDS["en"][column])
    return chance.sample(words, min(len(words), chance.randint(2, most)))


def _pieces(words: str) -> list[str]:
    found = []
    for number, piece in enumerate(words.split('"')):
        found += [f'"{piece}"'] if number % 2 else piece.split()
    return found


def _either(parts: list[str]) -> str:
    return f"({' OR '.join(dict.fromkeys(parts))})" if len(set(parts)) > 1 else parts[0]


def _quoted(name: str) -> str:
    return f'"{name}"' if " " in name or "-" in name else name


def _misspelt(chance: random.Random, name: str) -> str:
    """One slip of the fingers: a letter left out, doubled or swapped."""
    at = chance.randrange(1, max(2, len(name) - 1))
    slip = chance.randrange(3)
    if slip == 0:
        wrong = name[:at] + name[at + 1 :]
    elif slip == 1:
        wrong = name[:at] + name[at] + name[at:]
    else:
        wrong = name[:at] + name[at : at + 2][::-1] + name[at + 2 :]
    return _quoted(" ".join(wrong.split()).strip("-&' "))


def _names(chance: random.Random, brand: Brand) -> list[str]:
    found = [_quoted(brand.name)]
    if brand.name.isascii() and len(brand.name) > 4 and not brand.plain:
        found += [_misspelt(chance, brand.name) for _ in range(chance.randint(1, 4))]
        if " " in brand.name:
            found.append(brand.handle)
    if chance.random() < 0.6:
        found.append(f"#{brand.handle}")
    if brand.name.isascii() and chance.random() < 0.6:
        found.append(f"@{brand.handle}")
    return found


def _named(chance: random.Random, brand: Brand, _brands: list[Brand]) -> str:
    """All that is said of the brand, without what has its name by chance, and without itself."""
    query = _either(_names(chance, brand))
    if brand.plain:
        query += f" AND {_either(_list(chance, brand, 0, 8))}"
    query += f" NOT {_either(_list(chance, brand, 2, 5))}"
    if brand.name.isascii() and chance.random() < 0.5:
        query += f" -from:{brand.handle}"
    return f"{query} -is:repost" if chance.random() < 0.3 else query


def _products(chance: random.Random, brand: Brand, _brands: list[Brand]) -> str:
    products = _list(chance, brand, 0, 10)
    query = f"{_either(_names(chance, brand)[:3])} AND {_either(products)}"
    if chance.random() < 0.3:
        query += f" lang:{brand.language}"
    return query


def _complaints(chance: random.Random, brand: Brand, _brands: list[Brand]) -> str:
    wrong = _list(chance, brand, 1, 10)
    if chance.random() < 0.5:
        operator = chance.choice(("NEAR/3", "NEAR/5", "NEAR/10", "ONEAR/4"))
        query = f"{_either([_quoted(brand.name)])} {operator} {_either(wrong)}"
        return f"{query} NOT {_either(_list(chance, brand, 2, 3))}" if chance.random() < 0.4 else query
    return f"{_either(_names(chance, brand))} ({' OR '.join(wrong)} OR 😡 OR 🤬)"


def _wanted(chance: random.Random, brand: Brand, _brands: list[Brand]) -> str:
    """A product by name, as a phrase in several ways, with facts of the post."""
    product = chance.choice([word for word in _WORDS[brand.language][0].split() if "*" not in word])
    small = chance.choice(_WORDS[brand.language][3].split())
    ways = [f'"{brand.name} {product}"', f'"{small} {brand.name} {product}"', f'"{product} {brand.name}"~3']
    if chance.random() < 0.3:
        ways.append(f'raw:"{brand.name}"')
    query = _either(ways)
    more = chance.random()
    if more < 0.2:
        return f"{query} (followers:>{chance.choice((100, 1000, 10000))} OR likes:>10)"
    return f"{query} has:question" if more < 0.4 else query


def _compared(chance: random.Random, brand: Brand, brands: list[Brand]) -> str:
    others = [_quoted(chance.choice(brands).name) for _ in range(chance.randint(1, 4))]
    verbs = ["vs", "better", "switch*", '"instead of"', "mejor", "besser", "mieux", "ดีกว่า"]
    query = f"{_quoted(brand.name)} AND {_either(others)}"
    return f"{query} AND {_either(chance.sample(verbs, 3))}" if chance.random() < 0.6 else query


_KINDS = (_named, _products, _complaints, _wanted, _compared)
