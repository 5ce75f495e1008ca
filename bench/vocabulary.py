"""Texts and names as people write them: eight languages, words by Zipf's law, two scripts without spaces."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass

from rapport.lib import terms
from rapport.lib.normalise import normalise

_SHARES = {"en": 45, "es": 15, "de": 10, "hr": 8, "fr": 7, "th": 6, "pt": 5, "ja": 4}
_WORDS = {
    "en": "the my is luggage lost refund where flight late please help order seat app login thanks broken again",
    "es": "el mi es maleta perdida reembolso dónde vuelo tarde por favor ayuda pedido asiento gracias roto otra vez",
    "de": "die mein ist Gepäck verloren Erstattung wo Flug verspätet bitte Hilfe Bestellung Sitzplatz danke kaputt",
    "hr": "je moja gdje prtljaga izgubljena povrat novca let kasni molim pomoć narudžba sjedalo hvala pokvareno opet",
    "fr": "le mon est bagage perdu remboursement où vol retard merci aide commande siège cassé encore",
    "pt": "a minha é bagagem perdida reembolso onde voo atrasado por favor ajuda pedido assento obrigado de novo",
}
_RUNS = {
    "th": (
        "เที่ยวบิน ล่าช้า กระเป๋า หาย ขอบคุณ มาก ค่ะ ครับ รอ นาน สนามบิน เมื่อวาน พนักงาน ช่วย ด้วย ตั๋ว คืนเงิน "
        "ที่นั่ง เลย ไม่ ยัง ได้ โทร สาย เช็คอิน ออนไลน์ แอป เข้า ไม่ได้ อีกแล้ว"
    ),
    "ja": (
        "荷物 が 届きません 返金 を お願いします 飛行機 遅れて います 座席 予約 の 変更 昨日 空港 で 電話 しても "
        "つながらない アプリ に ログイン できません ありがとう ございます まだ 連絡 ない ですか"
    ),
}
_FIRST = [
    "Ana",
    "Joe",
    "Mia",
    "Ivo",
    "Lena",
    "Tomás",
    "Zoë",
    "Marko",
    "Lucía",
    "Jürgen",
    "Noor",
    "Petra",
    "Hugo",
    "Inés",
    "Dora",
    "Karl",
    "Émile",
    "Nika",
    "Paulo",
    "Vera",
]
_LAST = [
    "Weber",
    "King",
    "Kovač",
    "Horvat",
    "García",
    "Müller",
    "Silva",
    "Dubois",
    "Babić",
    "Rossi",
    "Novak",
    "Lopes",
    "Martin",
    "Perić",
    "Schmidt",
]
_VOCABULARY = 20_000


@dataclass(frozen=True)
class Text:
    """``vector``: the literal of its terms, as search keeps them."""

    number: int
    lang: str
    text: str
    vector: str


def _made(chance: random.Random, accents: str) -> list[str]:
    syllables = [a + b for a in "bdfgklmnprstvz" for b in "aeiou" + accents]
    # Beyond the first few thousand words come codes and spellings that hardly anybody repeats.
    return [
        "".join(chance.choice(syllables) for _ in range(2 + n % 3)) + ("" if n < 3000 else str(n % 7))
        for n in range(_VOCABULARY)
    ]


def texts(count: int, *, seed: int = 11) -> list[Text]:
    """So many different texts, those of one language in a row."""
    chance = random.Random(seed)
    found: list[Text] = []
    total = sum(_SHARES.values())
    for lang, share in _SHARES.items():
        write = _writer(chance, lang)
        for _ in range(max(count * share // total, 1)):
            text = write()
            found.append(Text(len(found) + 1, lang, text, terms.vector([text])))
    return found


def _writer(chance: random.Random, lang: str) -> Callable[[], str]:
    """Writes another text of a language at each call, most of some fifteen words and a few of a hundred."""
    if lang in _RUNS:
        runs = _RUNS[lang].split()
        return lambda: "".join(chance.choices(runs, k=_length(chance, 10)))
    accents = {"es": "áó", "de": "äü", "hr": "", "fr": "éè", "pt": "ãç"}.get(lang, "")
    vocabulary = [*_WORDS[lang].split(), *_made(chance, accents)]
    weights = list(itertools.accumulate(1 / (rank + 2) for rank in range(len(vocabulary))))
    return lambda: " ".join(chance.choices(vocabulary, cum_weights=weights, k=_length(chance, 15)))


def _length(chance: random.Random, usual: int) -> int:
    return usual * 8 if chance.random() < 0.02 else max(3, round(chance.gauss(usual, usual / 3)))


def names() -> list[tuple[str, str, str]]:
    """Names with the two terms that search keeps of each."""
    return [
        (f"{first} {last}", normalise(first), normalise(last))
        for first, last in itertools.product(_FIRST, _LAST)
    ]


def known_words(found: list[Text]) -> list[str]:
    """The words that may be typed by their beginning."""
    known = {word for text in found for word in normalise(text.text).split()}
    known |= {word for _name, *both in names() for word in both}
    return sorted(filter(terms.may_go_on, known))
