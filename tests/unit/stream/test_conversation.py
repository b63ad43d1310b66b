"""What clients say: understood, refused in their language, counted; and the documents about it."""

import json
import re

import msgspec
import pytest
from ccserver.domain.access import TOPIC_ABILITY, Role
from ccserver.domain.board import AgentRow
from ccserver.web.stream import asyncapi
from ccserver.web.stream.hub import Hub
from ccserver.web.stream.protocol import MAX_BAD_MESSAGES, SENTENCES, CloseCode, ServerMessage
from ccserver.web.stream.session import MESSAGES_BURST
from ccserver.web.stream.ws import Conversation

from tests.rig.owner import change
from tests.rig.stream import TENANT, FakeScheduler, Page, actor

BAD = [
    ("", "malformed"),
    ("{", "malformed"),
    ("nonsense", "malformed"),
    ("[]", "malformed"),
    ("null", "malformed"),
    ("{}", "malformed"),
    ('"subscribe"', "malformed"),
    ('{"type":"what"}', "unknown_type"),
    ('{"type":"hello","protocol":1}', "unknown_type"),
    ('{"type":1}', "unknown_type"),
    ('{"type":"subscribe"}', "malformed"),
    ('{"type":"subscribe","topics":"agents"}', "malformed"),
    ('{"type":"subscribe","topics":[1]}', "malformed"),
    ('{"type":"subscribe","topics":["agents"],"seq":"1"}', "malformed"),
    ('{"type":"subscribe","topics":["agents"],"seq":1.5}', "malformed"),
    ('{"type":"subscribe","topics":' + json.dumps(["a"] * 100) + "}", "malformed"),
    ('{"type":"ping","id":{}}', "malformed"),
    ('{"type":"ping","id":"' + "x" * 200 + '"}', "malformed"),
    ('{"type":"subscribe","topics":["nothing"]}', "topic_unknown"),
    ('{"type":"subscribe","topics":["users"]}', "topic_forbidden"),
    ("[" * 2000, "malformed"),
    ('{"type":"ping","id":"\ud800"}', "malformed"),
]


@pytest.fixture
def page(hub: Hub) -> Page:
    return Page(hub, actor(Role.AGENT))


@pytest.fixture
def talk(hub: Hub, page: Page) -> Conversation:
    return Conversation(hub, page.client)


@pytest.mark.parametrize(("said", "code"), BAD)
def test_what_is_refused_is_told_and_changes_nothing(talk: Conversation, page: Page, said: str, code: str):
    talk.hear(said)
    answer = page.sink.frames[-1]
    assert (answer["type"], answer["code"]) == ("error", code)
    assert answer["message"] == SENTENCES[code]["fr"]
    assert page.client.topics == frozenset() and page.sink.closed is None


def test_the_sentence_is_in_the_language_of_the_session(hub: Hub):
    page = Page(hub, actor(locale="en"))
    Conversation(hub, page.client).hear("?")
    assert page.sink.frames[-1]["message"] == SENTENCES["malformed"]["en"]


def test_the_fifth_bad_message_closes(talk: Conversation, page: Page):
    for _ in range(MAX_BAD_MESSAGES - 1):
        talk.hear("?")
    talk.hear('{"type":"ping","id":7}')
    assert page.sink.frames[-1] == {"type": "pong", "id": 7}
    talk.hear("?")
    assert page.sink.closed is not None and page.sink.closed[0] is CloseCode.BAD_MESSAGES


def test_a_flood_is_refused(talk: Conversation, page: Page, scheduler: FakeScheduler):
    for _ in range(MESSAGES_BURST):
        talk.hear('{"type":"ping"}')
    assert page.sink.frames[-1] == {"type": "pong", "id": None}
    talk.hear('{"type":"ping"}')
    assert page.sink.frames[-1]["code"] == "too_many_messages"
    scheduler.advance(1)
    talk.hear('{"type":"ping"}')
    assert page.sink.frames[-1]["type"] == "pong"


def test_subscribing_and_resuming_by_message(talk: Conversation, page: Page, view):
    talk.hear('{"type":"subscribe","topics":["agents"],"epoch":null,"seq":null}')
    snapshot = page.sink.frames[-1]
    assert snapshot["type"] == "snapshot"
    talk.hear(
        json.dumps(
            {"type": "subscribe", "topics": ["agents"], "epoch": snapshot["epoch"], "seq": snapshot["seq"]}
        )
    )
    assert page.types()[-2:] == ["delta", "blind"]


def test_every_error_has_a_sentence_in_both_languages():
    assert all(set(sentences) == {"en", "fr"} for sentences in SENTENCES.values())


class TestDocuments:
    def test_every_reference_leads_somewhere(self):
        document = json.loads(msgspec.json.encode(asyncapi.document("1.0")))
        for reference in re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(document)):
            at = document
            for part in reference.split("/"):
                at = at[part]
            assert isinstance(at, dict)

    def test_what_the_hub_sends_is_what_the_document_says(self, hub: Hub, view, scheduler: FakeScheduler):
        page = Page(hub, actor()).subscribe("agents", "history")
        Conversation(hub, page.client).hear("?")
        Conversation(hub, page.client).hear('{"type":"ping","id":1}')
        view.apply([change("agents", "a", {"x": 1}, tenant=TENANT)], 1.0)
        view.set_blind(1.0)
        scheduler.advance(20)
        hub.drop_session(page.client.actor.session_id, "session_ended")
        seen = set()
        for frame in page.sink.frames:
            msgspec.convert(frame, ServerMessage)
            seen.add(frame["type"])
        assert seen == {m["type"] for m in asyncapi.protocol()["server_messages"]}

    def test_people_are_told_every_topic_and_close_code(self):
        told = asyncapi.protocol()
        assert [t["name"] for t in told["topics"]] == list(TOPIC_ABILITY)
        assert {c["code"] for c in told["close_codes"]} == {c.value for c in CloseCode}
        assert next(t["row"] for t in told["topics"] if t["name"] == "agents") == AgentRow.__name__
        assert all(m["meaning"] for m in told["client_messages"] + told["server_messages"])
