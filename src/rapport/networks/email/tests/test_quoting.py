import pytest

from rapport.lib.tests.shared_data import shared_data
from rapport.networks.email.htmltext import to_text
from rapport.networks.email.quoting import is_forward, own_words

OWN = "Thank you, that helped.\n\nBest, Ivana"
INTRODUCTIONS = {
    "en": "On Tue, Nov 3, 2026 at 4:55 PM Alvara Help <help@alvara.example> wrote:",
    "en wrapped": "On Tue, Nov 3, 2026 at 4:55 PM Alvara Air Customer Help\n<help@alvara.example> wrote:",
    "de": "Am Di., 3. Nov. 2026 um 16:55 Uhr schrieb Alvara Help <help@alvara.example>:",
    "de Thunderbird": "Am 03.11.26 um 16:55 schrieb Alvara Help:",
    "fr": "Le mar. 3 nov. 2026 à 16:55, Alvara Help <help@alvara.example> a écrit :",
    "es": "El mar, 3 nov 2026 a las 16:55, Alvara Help (<help@alvara.example>)\nescribió:",
    "it": "Il giorno mar 3 nov 2026 alle ore 16:55 Alvara Help <help@alvara.example> ha scritto:",
    "pt": "Em ter., 3 de nov. de 2026 às 16:55, Alvara Help <help@alvara.example> escreveu:",
    "nl": "Op di 3 nov 2026 om 16:55 schreef Alvara Help <help@alvara.example>:",
    "hr": "uto, 3. stu 2026. u 16:55 Alvara Help <help@alvara.example> napisao je:",
    "hr Apple": "Dana 3. 11. 2026. u 16:55, Alvara Help je napisao/la:",
    "sr": "уто, 3. нов 2026. у 16:55 Alvara Help <help@alvara.example> је написао/ла:",
    "cs": "út 3. 11. 2026 v 16:55 odesílatel Alvara Help <help@alvara.example> napsal:",
    "pl": "wt., 3 lis 2026 o 16:55 Alvara Help <help@alvara.example> napisał(a):",
    "sv": "Den tis 3 nov. 2026 kl 16:55 skrev Alvara Help <help@alvara.example>:",
    "ru": "вт, 3 нояб. 2026 г. в 16:55, Alvara Help <help@alvara.example>:",
    "th": "ในวันที่ อ. 3 พ.ย. 2026 เวลา 16:55 Alvara Help <help@alvara.example> เขียนว่า:",
    "th Apple": "เมื่อ 3 พ.ย. 2569 เวลา 16:55 Alvara Help เขียนว่า:",
    "ja": "2026年11月3日(火) 16:55 Alvara Help <help@alvara.example>:",
    "zh": "Alvara Help <help@alvara.example> 于2026年11月3日周二 16:55写道：",
    "ko": "2026년 11월 3일 (화) 오후 4:55, Alvara Help <help@alvara.example>님이 작성:",
    "tr": "Alvara Help <help@alvara.example>, 3 Kas 2026 Sal, 16:55 tarihinde şunu yazdı:",
    "hu": "Alvara Help <help@alvara.example> ezt írta (időpont: 2026. nov. 3., K, 16:55):",
}
BLOCKS = {
    "en": "From: Alvara Help\nSent: Tuesday, November 3, 2026 4:55 PM\nTo: Ivana\nSubject: Re: Seat",
    "en bold": "*From:* Alvara Help\n*Sent:* Tuesday, November 3, 2026\n*To:* Ivana\n*Subject:* Re: Seat",
    "de": "Von: Alvara Help\nGesendet: Dienstag, 3. November 2026 16:55\nAn: Ivana\nBetreff: AW: Seat",
    "fr": "De : Alvara Help\nEnvoyé : mardi 3 novembre 2026 16:55\nÀ : Ivana\nObjet : Re: Seat",
    "es": "De: Alvara Help\nEnviado: martes, 3 de noviembre de 2026\nPara: Ivana\nAsunto: Re: Seat",
    "hr": "Šalje: Alvara Help\nPoslano: utorak, 3. studenoga 2026. 16:55\nPrima: Ivana\nPredmet: Re: Seat",
    "sr": "Od: Alvara Help\nDatum: 3. 11. 2026. 16:55\nZa: Ivana\nPredmet: Re: Seat",
    "th": "จาก: Alvara Help\nส่ง: วันอังคารที่ 3 พฤศจิกายน 2569\nถึง: Ivana\nเรื่อง: Re: Seat",
    "ja": "差出人: Alvara Help\n送信日時: 2026年11月3日 16:55\n宛先: Ivana\n件名: Re: Seat",
}


@pytest.mark.parametrize("language", INTRODUCTIONS)
@pytest.mark.parametrize("mark", ["> ", ""])
def test_what_was_quoted_goes(language: str, mark: str) -> None:
    quoted = "\n".join(f"{mark}{line}" for line in ("Dear Ivana,", "please try again.", "", "Mia"))
    assert own_words(f"{OWN}\n\n{INTRODUCTIONS[language]}\n\n{quoted}\n") == OWN


@pytest.mark.parametrize("language", BLOCKS)
@pytest.mark.parametrize("line", ["", "________________________________\n", "-----Original Message-----\n"])
def test_what_hangs_below_goes(language: str, line: str) -> None:
    assert own_words(f"{OWN}\n\n{line}{BLOCKS[language]}\n\nDear Ivana,\nplease try again.\n") == OWN


@pytest.mark.parametrize(
    "text",
    [
        "My husband wrote: call 0800 123 at 12:30 and ask for Ana. So I did:\n1. rang\n2. waited",
        "From: Zagreb\nTo: Split\nDate: 3 Nov\nI need a seat.",
        "The form asked\nFrom: Zagreb\nTo: Split\nand nothing else",
        "I paid on 3.11. and you wrote:\nwe refund you.\nWhere is it?",
        "> only what was quoted",
        "On 12 November I wrote to you.\nNobody answered.",
        "Two things:\n-- first\n-- second",
        "Sent from the shop in Ilica, it came broken.\nPlease help.\nIt was a gift.",
    ],
)
def test_what_only_looks_like_it_stays(text: str) -> None:
    assert own_words(text) == text


def test_answers_point_by_point_keep_their_questions() -> None:
    text = "On 3 Nov 2026, A <a@b.example> wrote:\n> When?\n\nYesterday.\n\n> Which?\n\nThe blue one.\n"
    assert own_words(text) == "> When?\n\nYesterday.\n\n> Which?\n\nThe blue one."


def test_an_answer_below_the_quotation_stands_alone() -> None:
    assert own_words("On 3/11/2026 Mia wrote:\n> Did it work?\nYes.") == "Yes."


@pytest.mark.parametrize(
    "signature",
    ["-- \nIvana\n+385 1 555", "Sent from my iPhone", "Von meinem iPhone gesendet", "ส่งจาก iPhone ของฉัน",
     "Enviado desde mi iPhone", "Envoyé de mon iPhone", "Poslano s mog Androida", "Get Outlook for iOS"],
)  # fmt: skip
def test_signatures_go(signature: str) -> None:
    assert own_words(f"It works.\n\n{signature}\n") == "It works."


def test_forwards_are_known_by_their_subject() -> None:
    assert all(map(is_forward, ["Fwd: x", "FW: x", "WG: x", "Proslijeđeno: x", " Tr : x"]))
    assert not any(map(is_forward, ["Re: Fwd: x", "Forward seat", "x", ""]))


HTML = {
    "gmail.html": "Hi. I am fine.\n\nThanks,\nAlex",
    "hotmail.html": "Hi. I am fine.\n\nThanks,\nAlex",
    "ms_outlook_2003.html": "Hi. I am fine.\n\nThanks,\n\nAlex",
    "ms_outlook_2007.html": "Hi. I am fine.\n\nThanks,\n\nAlex",
    "thunderbird.html": "Hi. I am fine.\n\nThanks,\nAlex",
    "windows_mail.html": "Hi. I am fine.\n\nThanks,\nAlex",
}


def test_recorded_html_of_many_programs() -> None:
    talon = shared_data("payloads/emails_talon")
    folder = talon / "html_replies"
    assert {one.name for one in folder.iterdir()} == set(HTML)
    found = {one.name: own_words(to_text(one.read_text(encoding="utf-8"))[0]) for one in folder.iterdir()}
    assert found == HTML
    olk = (talon / "OLK_SRC_BODY_SECTION.html").read_text(encoding="utf-8")
    assert own_words(to_text(olk)[0]) == "Reply"


def test_recorded_bodies_lose_nothing_that_was_said() -> None:
    """They have no delimiter before their signatures, so all of it stays."""
    folder = shared_data("payloads/emails_talon/signature")
    bodies = [one for one in folder.rglob("*") if one.is_file() and not one.name.endswith("_sender")]
    assert len(bodies) == 9
    for one in bodies:
        text = one.read_text(encoding="utf-8")
        assert len(own_words(text)) >= len(text.strip()) - 5
