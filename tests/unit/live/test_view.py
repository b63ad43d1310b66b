"""The live view: numbering, what is held, reconciling, resuming."""

from uuid import UUID

import msgspec
from ccserver.domain.stream import Change
from ccserver.live.view import Entry, LiveView
from hypothesis import given
from hypothesis import strategies as st

from tests.rig.owner import change

T = UUID(int=1)
PARIS, LYON = UUID(int=10), UUID(int=11)


class Recorder:
    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.blind: list[float | None] = []

    def changed(self, entries) -> None:
        self.entries.extend(entries)

    def blinded(self, since) -> None:
        self.blind.append(since)


def made(**options) -> tuple[LiveView, Recorder]:
    view, recorder = LiveView("e1", **options), Recorder()
    view.listen(recorder)
    return view, recorder


def held(view: LiveView, *topics: str) -> dict[tuple[str, str], bytes]:
    return {(c.topic, c.key): bytes(c.row) for t in topics for c, _ in view.rows(t)}


def test_each_change_has_the_next_number():
    view, heard = made()
    view.apply([change("agents", "a", {"n": 1}), change("agents", "b", {"n": 2})], 5.0)
    view.apply([change("agents", "a")], 6.0)
    assert [(e.seq, e.at, e.change.key) for e in heard.entries] == [
        (1, 5.0, "a"),
        (2, 5.0, "b"),
        (3, 6.0, "a"),
    ]
    assert view.as_of == 6.0


def test_an_entry_tells_where_the_row_was_and_where_it_is():
    view, heard = made()
    view.apply([change("agents", "a", {}, tenant=T, site=PARIS)], 1.0)
    view.apply([change("agents", "a", {"x": 1}, tenant=T, site=LYON)], 2.0)
    view.apply([change("agents", "a")], 3.0)
    scopes = [(e.before and e.before.site_id, e.scope and e.scope.site_id) for e in heard.entries]
    assert scopes == [(None, PARIS), (PARIS, LYON), (LYON, None)]


def test_deleting_what_nobody_saw_is_nothing():
    view, heard = made()
    view.apply([change("agents", "a")], 1.0)
    assert heard.entries == [] and view.seq == 0


def test_announcements_pass_and_are_not_held():
    view, heard = made()
    view.apply([change("users", "u", {}, tenant=T), change("agents", "x", {}, retain=False)], 1.0)
    view.apply([change("users", "u", None, tenant=T)], 1.0)
    assert len(heard.entries) == 3
    assert held(view, "users", "agents") == {}
    assert heard.entries[2].before is not None and heard.entries[2].scope is None


def test_a_row_does_not_keep_the_message_it_came_in():
    view, _ = made()
    big = memoryview(b'{"a":1}' + b" " * 1_000_000)
    view.apply([Change(topic="agents", key="a", row=msgspec.Raw(big[:7]))], 1.0)
    assert len(memoryview(view.row("agents", "a").row).obj) < 100


def test_reconciling_tells_only_differences_and_leaves_rows_of_nodes():
    view, heard = made()
    view.apply([change("agents", k, {"v": 1}) for k in "abc"], 1.0, "owner")
    view.apply([change("links", "bus", {"up": True})], 1.0, "node")
    heard.entries.clear()
    differences = view.reconcile([change("agents", "a", {"v": 1}), change("agents", "b", {"v": 2})], 2.0)
    assert differences == 2
    assert {(e.change.key, e.change.deleted) for e in heard.entries} == {("b", False), ("c", True)}
    assert set(held(view, "agents", "links")) == {("agents", "a"), ("agents", "b"), ("links", "bus")}


def test_reconciling_sees_that_a_row_moved_to_another_site():
    view, heard = made()
    view.apply([change("agents", "a", {}, tenant=T, site=PARIS)], 1.0, "owner")
    assert view.reconcile([change("agents", "a", {}, tenant=T, site=LYON)], 2.0) == 1
    assert heard.entries[-1].before.site_id == PARIS


def test_blindness_is_told_when_it_changes():
    view, heard = made()
    for since in (None, 5.0, 5.0, 3.0, None, None):
        view.set_blind(since)
    assert heard.blind == [5.0, 3.0, None]


def test_resuming_reaches_back_as_far_as_the_ring():
    view, _ = made(ring_entries=3)
    assert list(view.since(0)) == []
    assert view.since(1) is None
    for i in range(5):
        view.apply([change("agents", str(i), {})], 1.0)
    assert [e.seq for e in view.since(2)] == [3, 4, 5]
    assert [e.seq for e in view.since(4)] == [5]
    assert list(view.since(5)) == []
    assert view.since(1) is None and view.since(6) is None and view.since(-1) is None


def test_the_ring_is_bounded_in_bytes():
    view, _ = made(ring_bytes=5_000)
    for i in range(10):
        view.apply([change("agents", str(i), {"t": "x" * 2_000})], 1.0)
    assert view.since(0) is None
    assert [e.seq for e in view.since(8)] == [9, 10]


keys = st.sampled_from("abcde")
some = st.lists(st.tuples(keys, st.none() | st.integers(0, 3), st.sampled_from([PARIS, LYON])), max_size=12)


def agents(batch) -> list[Change]:
    return [change("agents", k, None if v is None else {"v": v}, site=s) for k, v, s in batch]


@given(st.lists(some, max_size=6), some)
def test_replaying_entries_from_anywhere_gives_the_rows(batches, last):
    view, _ = made()
    stages = [(0, {})]
    for batch in batches:
        view.apply(
            [change("agents", k, None if v is None else {"v": v}, site=s) for k, v, s in batch], 1.0, "owner"
        )
        stages.append((view.seq, held(view, "agents")))
    view.reconcile(agents(last), 2.0)
    truth = {("agents", k): v for k, v, _ in last}
    assert {k for k, v in truth.items() if v is not None} <= set(held(view, "agents")) <= set(truth)
    for seq, rows in stages:
        replayed = dict(rows)
        for entry in view.since(seq):
            key = entry.change.topic, entry.change.key
            if entry.scope is None:
                replayed.pop(key)
            else:
                replayed[key] = bytes(entry.change.row)
        assert replayed == held(view, "agents")
