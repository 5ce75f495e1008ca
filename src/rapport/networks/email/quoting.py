"""What somebody wrote, without what they quoted and without their signature. Pure.

Ours rather than a library's: see "Why our own quotation stripping" in this folder's README. The rules know
words of many languages but lean on form (a date, an address, a colon, ``>`` lines) so that a sentence which
merely contains "wrote:" stays. When in doubt the text is kept.
"""

from __future__ import annotations

import re
from itertools import pairwise

MAX_LINES = 5_000
_MAX_LINE = 400
_WINDOW = 4  # lines over which clients wrap "On … wrote:"

# The verb of "On … somebody wrote:", by language.
_WROTE = re.compile(
    r"(?<!\w)(?:wrote|writes"  # en
    r"|schrieb|geschrieben"  # de
    r"|a écrit|écrit"  # fr
    r"|escribió|escribio"  # es
    r"|ha scritto|scrive"  # it
    r"|escreveu"  # pt
    r"|schreef|heeft geschreven"  # nl
    r"|napisao je|je napisao|je napisala|napisao/la|napisala je|napisao|napisala|piše|pisao|pisala"  # hr, bs, sr
    r"|написао је|је написао|написао|написала"  # sr
    r"|napsal\(a\)|napsal|napsala|píše"  # cs
    r"|napísal\(a\)|napísal|napísala"  # sk
    r"|je napisal|napisal|je napisala"  # sl
    r"|napisał\(a\)|napisał|napisała|pisze"  # pl
    r"|skrev"  # sv, da, nb
    r"|kirjoitti"  # fi
    r"|kirjutas"  # et
    r"|rakstīja|parašė"  # lv, lt
    r"|ezt írta|írta"  # hu
    r"|a scris"  # ro
    r"|yazdı|şunu yazdı"  # tr
    r"|έγραψε"  # el
    r"|пишет|написал\(а\)|написал|написала|пише|написа"  # ru, uk, bg
    r"|menulis|đã viết"  # id, vi
    r")(?!\w)"
    r"|เขียนว่า|เขียน|ได้เขียน"  # th
    r"|書きました|のメール|写道|寫道|写了|님이 작성|작성"  # ja, zh, ko
    r"|כתב|كتب|لکھا|ने लिखा",  # he, ar, ur, hi
    re.IGNORECASE,
)
_LEAD = re.compile(
    r"^\W{0,5}(?:(?:On|Am|Le|El|Il|Em|Op|Dana|Dne|Dňa|Dnia|W dniu|Den|D\.|În|Pe|Στις|Vào|Pada|Kl\.?|A|U|"
    r"pon|uto|sri|čet|pet|sub|ned)[\s,.]|เมื่อ|(?:ใน)?วันที่|在|于|於|\d)",
    re.IGNORECASE,
)
_DATE = re.compile(r"\d{1,4}\s*[./\-年:]\s*\d{1,2}|\d{4}|\d{1,2}:\d{2}")
_BRACKETED = re.compile(r"<[^\s<>@]+@[^\s<>]+>")
_ADDRESS = re.compile(r"[^\s<>@]+@[^\s<>@]+")

_ORIGINAL = re.compile(
    r"^[\s>*]*[-_=—–]{2,}\s*(?:Original Message|Original Appointment|Forwarded message|Reply message|"
    r"Ursprüngliche Nachricht|Originalnachricht|Weitergeleitete Nachricht|"
    r"Message d['’]origine|Message original|Message transféré|"
    r"Mensaje original|Mensaje reenviado|Messaggio originale|Messaggio inoltrato|"
    r"Mensagem original|Mensagem encaminhada|Oorspronkelijk bericht|Doorgestuurd bericht|"
    r"Izvorna poruka|Originalna poruka|Izvorno sporočilo|Proslijeđena poruka|Prosleđena poruka|Оригинална порука|"
    r"Původní zpráva|Původní e-mail|Pôvodná správa|Wiadomość oryginalna|Oryginalna wiadomość|"
    r"Ursprungligt meddelande|Oprindelig meddelelse|Opprinnelig melding|Alkuperäinen viesti|"
    r"Eredeti üzenet|Mesaj original|Orijinal Mesaj|Исходное сообщение|Пересылаемое сообщение|"
    r"ข้อความเดิม|ข้อความต้นฉบับ|ข้อความที่ส่งต่อ|元のメッセージ|原始邮件|原始郵件|원본 메시지)"
    r"\s*[-_=—–]{2,}",
    re.IGNORECASE,
)
_ORIGINAL_DATED = re.compile(r"^[\s>]*-{2,5}\s*(?:On|Am|Le|El|Dana)\s.{5,200}:\s*-{0,5}\s*$")

_FORWARD = re.compile(
    r"\s*(?:fwd?|wg|tr|rv|enc|i|vb|vs|pd|fs|doorst|yml|i̇lt|přeposl|prosl|proslijeđeno|prosleđeno|ส่งต่อ|转发|轉寄|転送|전달)"
    r"\s*[:：]",
    re.IGNORECASE,
)

# The labels of a header block, by what they stand for.
_LABELS = {
    "from": "from von de da van od от від από från fra mittente expéditeur 发件人 寄件者 差出人 보낸사람 จาก feladó kimden lähettäjä pošiljatelj šalje od",
    "date": "sent date gesendet datum envoyé date enviado fecha data inviato verzonden poslano datum отправлено дата skickat sendt odesláno wysłano 发送时间 日期 寄件日期 送信日時 날짜 보낸날짜 ส่ง วันที่ ส่งเมื่อ elküldve gönderilen lähetetty στάλθηκε",
    "to": "to an à para a aan za komu do кому до till til címzett kime vastaanottaja prima 收件人 宛先 받는사람 ถึง προς",
    "subject": "subject betreff objet asunto oggetto assunto onderwerp predmet тема ämne emne předmět předmet temat tárgy konu aihe naslov 主题 主旨 件名 제목 เรื่อง หัวเรื่อง หัวข้อ θέμα",
    "cc": "cc kopie копия สำเนา 抄送 kopija dw udw kopi",
}
_LABEL_OF = {word: kind for kind, words in _LABELS.items() for word in words.split()}
_LABEL = re.compile(r"^[\s>*]*([^\W\d_][^:：\n]{0,18}?)\s*\*?\s*[:：]\*?(?=\s|$|[\u200e\w<\"'])")

_MOBILE = re.compile(
    r"^\W{0,3}(?:Sent (?:from|via|with) (?:my |the )?\S|Get Outlook for|Sent from Mail for Windows|"
    r"Von meinem \S+.{0,40} gesendet|Gesendet (?:von|mit) \S|Diese Nachricht wurde von meinem|"
    r"Envoyé de(?:puis)? mon \S|Envoyé à partir de|Télécharger Outlook|"
    r"Enviado (?:desde|do|de) m[ie]u? ?\S|Enviado desde (?:Outlook|Correo)|Obtener Outlook|"
    r"Inviato da(?:l mio)? \S|Verstuurd vanaf mijn|Verzonden vanaf mijn|"
    r"Poslano (?:s|sa|iz) (?:mog|mojeg|moga|aplikacije)|Poslato sa (?:mog|moje)|Odesláno z|Wysłane? z|"
    r"Skickat från|Sendt fra min|Lähetetty|Отправлено (?:с|из) |Надіслано з|"
    r"ส่งจาก|iPhone(?:から送信|에서 보냄)|发自我的|從我的)",
    re.IGNORECASE,
)


def is_forward(subject: str) -> bool:
    """Whether somebody passes a mail on; then what hangs below is what they want to show."""
    return _FORWARD.match(subject) is not None


def own_words(text: str) -> str:
    """What the sender wrote themselves; all of it when nothing else would be left."""
    lines = [line.rstrip() for line in text.replace("\r\n", "\n").split("\n")[:MAX_LINES]]
    lines = _to_history(lines)
    lines = _without_quotes(lines)
    lines = _without_signature(lines)
    found = _tidy(lines)
    return found or _tidy(text.split("\n")[:MAX_LINES])


def _to_history(lines: list[str]) -> list[str]:
    """Up to where the earlier mail hangs below as a whole. A mail that begins so is a forward: kept."""
    begun = False
    for index, line in enumerate(lines):
        if begun and not _is_quote(line) and _starts_history(lines, index):
            return lines[:index]
        # A name or an address before a forward says nothing of its own.
        begun = begun or (bool(line.strip()) and not _is_quote(line))
    return lines


def _starts_history(lines: list[str], index: int) -> bool:
    line = lines[index][:_MAX_LINE]
    if _ORIGINAL.match(line) or _ORIGINAL_DATED.match(line):
        return True
    if re.fullmatch(r"\s*[_-]{8,}\s*", line):
        after = next((at for at in range(index + 1, min(index + 4, len(lines))) if lines[at].strip()), None)
        return after is not None and _is_header_block(lines, after)
    if _is_header_block(lines, index):
        return True
    end = _attribution_from(lines, index)
    if end is None:
        return False
    joined = _joined(lines, index, end)
    if not (_LEAD.match(joined) or _BRACKETED.search(joined)) or not _DATE.search(joined):
        return False
    # With ">" lines below it is told apart there, because answers may stand between them.
    after = next((at for at in range(end, len(lines)) if lines[at].strip()), None)
    return after is not None and not _is_quote(lines[after])


def _is_header_block(lines: list[str], index: int) -> bool:
    """From:, Sent:, To:, Subject: in whatever order and language; three of them, one being the sender."""
    kinds: list[str] = []
    for line in lines[index : index + 8]:
        if not line.strip():
            if not kinds:
                return False
            continue
        match = _LABEL.match(line[:_MAX_LINE])
        label = match[1].strip(" *\u200e").lower() if match else ""
        kind = _LABEL_OF.get(label) or _LABEL_OF.get(label.replace(" ", ""))
        if kind is None and not kinds:
            return False
        if kind is not None:
            kinds.append(kind)
    return len(set(kinds)) >= 3 and "from" in kinds


def _attribution_from(lines: list[str], start: int) -> int | None:
    """The line after "On … wrote:", when it begins at ``start`` and nowhere else."""
    for end in range(start + 1, min(start + _WINDOW, len(lines)) + 1):
        if _attribution_start(lines, end) == start:
            return end
    return None


def _attribution_start(lines: list[str], end: int) -> int | None:
    """Where the "On … wrote:" begins that ends just before line ``end``; None if none does.

    Clients wrap it, and some put it right under the last words, so the line that begins as such a line
    does is taken, or else as little as will do.
    """
    if not lines[end - 1].rstrip().endswith((":", "：")):
        return None
    found = None
    for start in range(end - 1, max(end - _WINDOW, 0) - 1, -1):
        if not lines[start].strip() or _is_quote(lines[start]):
            break
        joined = _joined(lines, start, end)
        if len(joined) > _MAX_LINE:
            break
        if not _is_attribution(joined):
            continue
        if found is None or _LEAD.match(lines[start].strip()):
            found = start
    return found


def _is_attribution(joined: str) -> bool:
    if _DATE.search(joined) and _BRACKETED.search(joined):
        return True  # Japanese and Russian clients write no verb
    return bool(_WROTE.search(joined) and (_DATE.search(joined) or _ADDRESS.search(joined)))


def _joined(lines: list[str], start: int, end: int) -> str:
    return " ".join(line.strip() for line in lines[start:end])


def _is_quote(line: str) -> bool:
    return line.lstrip().startswith(">")


def _without_quotes(lines: list[str]) -> list[str]:
    """Without ``>`` lines and the line that introduces them; with them, where answers stand in between."""
    runs: list[tuple[bool, list[str]]] = []
    for line in lines:
        quoted = _is_quote(line)
        if (not line.strip() and runs) or (runs and runs[-1][0] == quoted):
            runs[-1][1].append(line)
        else:
            runs.append((quoted, [line]))
    quotes = sum(quoted for quoted, _ in runs)
    if not quotes:
        return lines
    cleaned = [
        (quoted, _before_attribution(run) if next_quoted and not quoted else run)
        for (quoted, run), next_quoted in _with_next(runs)
    ]
    own = [any(line.strip() for line in run) and not quoted for quoted, run in cleaned]
    after_first = own[[quoted for quoted, _ in cleaned].index(True) :]
    if quotes > 1 and sum(after_first) > 1:
        # Point by point: an answer without its question would say nothing.
        return [line for _, run in cleaned for line in run]
    return [line for quoted, run in cleaned if not quoted for line in run]


def _with_next(runs: list[tuple[bool, list[str]]]) -> list[tuple[tuple[bool, list[str]], bool]]:
    return [(one, after[0]) for one, after in pairwise(runs)] + [(runs[-1], False)]


def _before_attribution(run: list[str]) -> list[str]:
    """Without the words that introduce the quotation below."""
    filled = [index for index, line in enumerate(run) if line.strip()]
    if filled and (start := _attribution_start(run, filled[-1] + 1)) is not None:
        return run[:start]
    last = run[filled[-1]].rstrip() if filled else ""
    if last.endswith((":", "：")) and (_ADDRESS.search(last) and len(last) < 200):
        return run[: filled[-1]]
    return run


def _without_signature(lines: list[str]) -> list[str]:
    """Up to the delimiter ``-- `` (RFC 3676, 4.3) or what a phone adds of itself."""
    for index, line in enumerate(lines):
        if line.rstrip() in {"--", "—", "––"} and any(one.strip() for one in lines[:index]):
            return lines[:index]
        if (
            _MOBILE.match(line[:_MAX_LINE])
            and len(line) < 120
            and not any(one.strip() for one in lines[index + 2 :])
        ):
            return lines[:index]
    return lines


def _tidy(lines: list[str]) -> str:
    out: list[str] = []
    for line in lines:
        if line.strip() or (out and out[-1].strip()):
            out.append(line.rstrip())
    return "\n".join(out).strip("\n").strip()
