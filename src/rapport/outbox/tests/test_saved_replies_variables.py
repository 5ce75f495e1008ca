from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rapport.lib.errors import Invalid
from rapport.outbox.saved_replies_variables import Variable, check, fill

NAMES = st.sampled_from(list(Variable))
PLAIN = st.text(st.characters(codec="utf-8", exclude_characters="{}"), max_size=20)
VALUES = st.dictionaries(
    NAMES, st.text(max_size=20) | st.sampled_from(["{{agent.name}}", "{{", "\\1", "|x}}"])
)
SPACE = st.sampled_from(["", " ", "  "])


@st.composite
def variables(draw: st.DrawFn) -> tuple[str, Variable, str]:
    """A variable as it may be written, what it names, and what stands for it when it is empty."""
    name, before, after = draw(NAMES), draw(SPACE), draw(SPACE)
    fallback = draw(st.none() | PLAIN.map(lambda text: text.replace("|", "")))
    inner = f"{before}{name}{after}" + ("" if fallback is None else f"|{fallback}")
    return "{{" + inner + "}}", name, (fallback or "").strip()


@given(st.lists(st.tuples(PLAIN, variables())), PLAIN, VALUES)
def test_every_variable_becomes_its_value_and_nothing_else_changes(
    parts: list[tuple[str, tuple[str, Variable, str]]], rest: str, values: dict[Variable, str]
) -> None:
    written = "".join(plain + one[0] for plain, one in parts) + rest
    check(written)
    filled = "".join(plain + (values.get(name) or fallback) for plain, (_w, name, fallback) in parts) + rest
    assert fill(written, values) == filled


@given(st.text(st.sampled_from("{}| .anmegt") | st.characters(codec="utf-8"), max_size=40))
def test_any_text_is_taken_or_refused_and_what_is_taken_holds_no_variable_that_stays(text: str) -> None:
    try:
        check(text)
    except Invalid:
        return
    assert "{{" not in fill(text, dict.fromkeys(Variable, "x"))


@pytest.mark.parametrize(
    "text",
    [
        "{{customer.name",
        "{{}}",
        "{{ }}",
        "{{customer}}",
        "{{customer.name.first}}",
        "{{Customer.Name}}",
        "{{customer.name||x}}",
        "{{customer.name|{{agent.name}}}}",
        "{{{{customer.name}}}}",
        "{{customer.name|" + "x" * 101 + "}}",
        "{% if x %}{{ settings.SECRET_KEY }}",
        "{{customer.__class__}}",
    ],
)
def test_what_is_no_variable_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        check(text)


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("Hi {{customer.first_name|there}}", "Hi there"),
        ("Hi {{ customer.first_name | dear customer }}", "Hi dear customer"),
        ("Hi {{customer.first_name}},", "Hi ,"),
        ("{agent.name} } }} {", "{agent.name} } }} {"),
        ("{{{agent.name}}}", "{{{customer.name}}}"),
    ],
)
def test_values_are_data_and_never_templates_again(text: str, filled: str) -> None:
    check(text)
    assert fill(text, {Variable.AGENT: "{{customer.name}}", Variable.NAME: "no"}) == filled
