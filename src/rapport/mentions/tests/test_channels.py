"""What channels hear becomes mentions: public messages of others, in the words they have now."""

from __future__ import annotations

import threading
import time

import pytest
from django.db import connection, transaction
from django.utils import timezone

from rapport.brands.models import Brand
from rapport.inbox.models import Message
from rapport.inbox.tests.making import make_brand, make_channel, make_contact, say
from rapport.mentions import matching
from rapport.mentions.hearing import catch_up, hear
from rapport.mentions.models import Denominator, Mention, Post, Unheard
from rapport.mentions.tests.making import change_query, heard, make_query


@pytest.fixture
def brand(db: None) -> Brand:
    return make_brand()


def test_public_messages_of_others_are_heard(brand: Brand) -> None:
    channel = make_channel(brand)
    ana = make_contact(channel, "Ana", "@ana")
    make_query(brand, "bag from:ana")
    message = say(channel, ana)
    say(channel, ana, visibility="private")
    say(channel, None, to=message)
    assert Unheard.objects.count() == 1
    assert catch_up() == 1
    assert catch_up() == 0
    mention = Mention.objects.select_related("post").get()
    assert mention.post.message_id == message.id
    assert (mention.post.external_id, mention.post.network) == (message.external_id, channel.network)
    assert mention.post.author_id_there == ana.external_id
    counted = Denominator.objects.get()
    assert (counted.source_key, counted.heard, counted.matched) == ("channels", 1, 1)


def test_nothing_is_noted_while_nobody_listens(brand: Brand) -> None:
    channel = make_channel(brand)
    say(channel, make_contact(channel))
    query = make_query(brand, "bag")
    query.state = "paused"
    query.save(update_fields=["state"])
    say(channel, make_contact(channel))
    assert not Unheard.objects.exists()


def test_an_edit_and_a_deletion_follow(brand: Brand) -> None:
    channel = make_channel(brand)
    make_query(brand, "bag")
    message = say(channel, make_contact(channel))
    catch_up()
    rows = Message.objects.filter(id=message.id)
    rows.update(text="Where is my suitcase?", edited_at=timezone.now())
    assert catch_up() == 1
    assert not Mention.objects.exists()
    rows.update(text="Where is my other bag?", edited_at=timezone.now())
    catch_up()
    assert Mention.objects.get().post.text == "Where is my other bag?"
    rows.update(like_count=3)
    assert not Unheard.objects.exists()
    rows.update(deleted_at=timezone.now())
    catch_up()
    assert not Post.objects.exists()


def test_what_a_stream_and_a_channel_heard_is_one_post(brand: Brand) -> None:
    channel = make_channel(brand)
    make_query(brand, "bag")
    message = say(channel, make_contact(channel))
    hear([heard(message.external_id, message.text, minutes=0)], source_key="source:1")
    assert Post.objects.get().message_id is None
    catch_up()
    assert Post.objects.get().message_id == message.id
    assert Mention.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_another_process_changes_a_query() -> None:
    brand = make_brand()
    query = make_query(brand, "aero")
    assert hear([heard("1", "aero")], source_key="source:1") == 1
    matcher = matching.current_matcher()
    assert matching.current_matcher() is matcher

    def change() -> None:
        change_query(query, "zeta")
        connection.close()

    there = threading.Thread(target=change)
    there.start()
    there.join()
    assert hear([heard("2", "aero"), heard("3", "zeta")], source_key="source:1") == 1
    assert set(Post.objects.values_list("external_id", flat=True)) == {"1", "3"}


@pytest.mark.django_db(transaction=True)
def test_a_query_that_changes_while_posts_are_stored_waits_for_them() -> None:
    """Else its look back could pass by what is committed behind it."""
    brand = make_brand()
    query = make_query(brand, "aero")
    order: list[str] = []
    began = threading.Event()

    def change() -> None:
        began.set()
        change_query(query, "zeta")
        order.append("changed")
        connection.close()

    there = threading.Thread(target=change)
    with transaction.atomic():
        hear([heard("1", "aero")], source_key="source:1")
        there.start()
        assert began.wait(10)
        with connection.cursor() as cursor:
            # Until the other connection is seen to wait for this one's lock.
            waits, until = 0, time.monotonic() + 20
            while not waits and time.monotonic() < until:
                cursor.execute(
                    "SELECT count(*) FROM pg_locks "
                    "WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
                )
                waits = cursor.fetchone()[0]
        assert waits
        order.append("stored")
    there.join()
    assert order == ["stored", "changed"]


def test_two_batches_side_by_side_take_different_notes(brand: Brand) -> None:
    channel = make_channel(brand)
    make_query(brand, "bag")
    ana = make_contact(channel)
    for _number in range(5):
        say(channel, ana)
    assert catch_up(limit=2) == 5
    assert Mention.objects.count() == 5


def test_a_message_that_cannot_be_heard_holds_up_no_other(
    brand: Brand, caplog: pytest.LogCaptureFixture
) -> None:
    channel = make_channel(brand)
    make_query(brand, "bag")
    ana = make_contact(channel)
    said = [say(channel, ana) for _number in range(5)]
    Message.objects.filter(id=said[2].id).update(facts={"title": ["no", "text"]})
    assert catch_up(limit=4) == 5
    assert not Unheard.objects.exists()
    assert set(Post.objects.values_list("message_id", flat=True)) == {
        one.id for one in said if one.id != said[2].id
    }
    assert f"message {said[2].id} cannot be heard" in caplog.text
