"""``rapport import``, ``report`` and ``export`` as people and programs call them."""

from __future__ import annotations

import json
from pathlib import Path

from rapport.cli.tests.conftest import Instance

TWEETS = """tweet_id,author_id,inbound,created_at,text,response_tweet_id,in_response_to_tweet_id
1,acme,False,Tue Oct 31 22:10:00 +0000 2017,@100 Sorry!,,2
2,100,True,Tue Oct 31 22:00:00 +0000 2017,@acme Where is it?,1,
3,200,True,Wed Nov 01 22:00:00 +0000 2017,@acme Hello?,,
4,other,False,Wed Nov 01 22:00:00 +0000 2017,Good morning,,
nonsense
"""


def test_it_imports_reports_and_exports(instance: Instance, tmp_path: Path) -> None:
    file = tmp_path / "tweets.csv"
    file.write_text(TWEETS)
    summary = instance.json("import", str(file), "--format", "twcs")
    counts = ("rows", "new", "duplicates", "rejected", "brands", "channels", "conversations", "links")
    assert [summary[key] for key in counts] == [5, 4, 0, 1, 2, 2, 3, 1]
    rejected = [json.loads(line) for line in Path(summary["rejected_file"]).read_text().splitlines()]
    assert rejected == [{"line": 6, "reason": "1 columns instead of 7", "excerpt": "nonsense"}]
    again = instance.run("import", str(file), "--format", "twcs")
    assert "5 rows: 0 new, 4 already here, 0 of other brands, 1 rejected." in again

    rows = {row["brand"]: row for row in instance.json("report", "responses")}
    expected = {
        "conversations": 2, "answered": 1, "response_rate": 0.5, "first_response_median_s": 600.0,
        "first_response_p90_s": 600.0, "within_30m": 1.0, "within_60m": 1.0, "unanswered": 1,
    }  # fmt: skip
    assert {key: rows["acme"][key] for key in expected} == expected
    assert (rows["other"]["conversations"], rows["other"]["response_rate"]) == (0, None)
    by_day = instance.json("report", "responses", "--brand", "@ACME", "--by", "day", "--since", "2017-11-01")
    assert [(row["day"], row["conversations"]) for row in by_day] == [("2017-11-01", 1)]
    by_channel = instance.json("report", "responses", "--by", "channel", "--until", "2017-11-01T00:00Z")
    assert [(row["channel"], row["answered"]) for row in by_channel] == [("acme (file)", 1)]
    table = instance.run("report", "responses")
    assert "10m" in table
    assert "50%" in table

    exported = instance.run("export", "--brand", "acme", "--since", "2017-11-01")
    assert [json.loads(line)["id"] for line in exported.splitlines()] == ["3"]
    output = tmp_path / "out.csv"
    assert instance.run("export", "--format", "csv", "--output", str(output)) == ""
    assert len(output.read_text().splitlines()) == 5
    assert [one.name for one in tmp_path.iterdir() if one.name.startswith(".")] == []


def test_it_says_what_is_wrong_in_a_sentence(instance: Instance, tmp_path: Path) -> None:
    file = tmp_path / "tweets.csv"
    file.write_text(TWEETS)
    wrong = tmp_path / "wrong.csv"
    wrong.write_text("a,b\n1,2\n")
    run = instance.run
    assert "cannot be read: No such file" in run("import", "nowhere.csv", "--format", "twcs", code=1)
    assert "is a directory" in run("import", str(tmp_path), "--format", "twcs", code=1)
    assert "header lacks tweet_id" in run("import", str(wrong), "--format", "twcs", code=1)
    assert "Did you mean acme?" in run("import", str(file), "--format", "twcs", "--brand", "acmee", code=1)
    assert "--format" in run("import", str(file), code=2)
    assert "There are no brands yet" in run("report", "responses", "--brand", "acme", code=1)
    run("import", str(file), "--format", "twcs")
    assert "Did you mean acme?" in run("report", "responses", "--brand", "acmé", code=1)
    assert "is not a date" in run("report", "responses", "--since", "31.10.2017", code=2)
    backwards = ("report", "responses", "--since", "2017-11-02", "--until", "2017-11-01")
    assert "--until must be later" in run(*backwards, code=1)
    assert "cannot be written" in run("export", "--output", str(tmp_path / "no" / "where.jsonl"), code=1)
