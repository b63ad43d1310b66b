"""Any PBX model that the checks allow, for properties."""

from dataclasses import replace
from typing import Any

from ccserver.domain.pbx import (
    CODECS,
    EMERGENCY_NUMBERS,
    DestinationPbx,
    DidPbx,
    MobilePbx,
    PbxModel,
    PbxModelError,
    PhonePbx,
    RoutePbx,
    SchedulePbx,
    SitePbx,
    SpecialDayPbx,
    TrunkPbx,
    WeeklyHoursPbx,
)
from ccserver.domain.pbx_dialling import emergency_numbers
from ccserver.domain.pbx_phones import KINDS
from ccserver.domain.pbx_values import (
    ACCOUNT,
    DIAL_PREFIX,
    E164,
    E164_PREFIX,
    EXTENSION,
    SECRET,
    SLUG,
    TRUNK_SECRET,
)
from hypothesis import strategies as st

SLUGS = st.from_regex(SLUG, fullmatch=True).filter(lambda text: len(text) <= 32)
NUMBERS = st.from_regex(E164, fullmatch=True)
TEXTS = st.text(st.sampled_from("aZ é1;[]{}$,&\n\r\t\"'|\\<>=#@/.:-+*!%~_()\u2028"), max_size=30)
ADDRESSES = st.integers(1, 2**24 - 2).map(lambda n: f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}")
NETWORKS = st.integers(0, 2**16 - 1).map(lambda n: f"172.{n >> 8}.{n & 255}.0/24") | st.just("fd00:5::/64")
ZONES = st.sampled_from(
    ["Europe/Paris", "America/Martinique", "Indian/Reunion", "UTC", "America/Port-au-Prince"]
)
COUNTRIES = st.sampled_from(["FR", "RE", "BE", "IT", "US", "DE", "ES", "MC"])
CODEC_LISTS = st.lists(st.sampled_from(sorted(CODECS - {"g729"})), min_size=1, unique=True).map(tuple)
TIMES = st.lists(st.integers(0, 1440), min_size=2, max_size=2, unique=True).map(
    lambda pair: tuple(f"{m // 60:02}:{m % 60:02}" for m in sorted(pair))
)
HOURS = st.builds(
    lambda day, span: WeeklyHoursPbx(day=day, opens=span[0], closes=span[1]), st.integers(1, 7), TIMES
)
DAYS = st.builds(
    lambda date, hours: SpecialDayPbx(date=date.isoformat(), hours=tuple(hours)),
    st.dates(),
    st.lists(TIMES, max_size=2),
)
SCHEDULES = st.builds(
    SchedulePbx,
    id=st.uuids().map(str),
    zone=ZONES,
    hours=st.lists(HOURS, max_size=8).map(tuple),
    special_days=st.lists(DAYS, max_size=5, unique_by=lambda day: day.date).map(tuple),
)


def sites(slugs: list[str], trunks: list[TrunkPbx]) -> st.SearchStrategy[tuple[SitePbx, ...]]:
    """Sites that own the trunks that name them, with routes to any."""
    every = [trunk.slug for trunk in trunks]
    routes = (
        st.lists(
            st.builds(
                RoutePbx, prefix=st.from_regex(E164_PREFIX, fullmatch=True), trunk=st.sampled_from(every)
            ),
            max_size=4,
        )
        if every
        else st.just([])
    )
    return st.tuples(
        *(
            st.builds(
                SitePbx,
                id=st.uuids().map(str),
                slug=st.just(slug),
                zone=ZONES,
                country=COUNTRIES,
                area=st.from_regex(r"[0-9]{0,3}", fullmatch=True),
                caller_id=NUMBERS | st.just(""),
                trunks=st.just(tuple(trunk.slug for trunk in trunks if trunk.site == slug)),
                subnets=st.lists(NETWORKS, max_size=3, unique=True).map(tuple),
                codecs=CODEC_LISTS,
                allowed_prefixes=st.lists(
                    st.from_regex(r"\+[1-9][0-9]{0,5}", fullmatch=True), max_size=3, unique=True
                ).map(tuple),
                routes=routes.map(tuple),
            )
            for slug in slugs
        )
    )


def trunks(slugs: list[str]) -> st.SearchStrategy[list[TrunkPbx]]:
    """Trunks of these sites that can be told apart."""
    if not slugs:
        return st.just([])
    return st.lists(
        st.builds(
            TrunkPbx,
            slug=SLUGS,
            site=st.sampled_from(slugs),
            host=ADDRESSES,
            port=st.integers(1024, 65535),
            codecs=CODEC_LISTS,
            qualify_seconds=st.integers(0, 3600),
            mode=st.sampled_from(["peer", "register"]),
            transport=st.sampled_from(["udp", "tcp"]),
            username=st.from_regex(ACCOUNT, fullmatch=True),
            secret=st.from_regex(TRUNK_SECRET, fullmatch=True),
            from_domain=st.sampled_from(["", "provider.example", "10.0.0.1"]),
            addresses=st.just(()),
            number_format=st.sampled_from(["national", "e164", "digits"]),
            dial_prefix=st.from_regex(DIAL_PREFIX, fullmatch=True),
        ),
        max_size=4,
        unique_by=(lambda trunk: trunk.slug, lambda trunk: trunk.host),
    )


def destinations(slugs: list[str], extensions: list[str]) -> st.SearchStrategy[DestinationPbx]:
    """Anywhere that exists."""
    kinds: list[st.SearchStrategy[Any]] = [
        st.sampled_from([DestinationPbx(), DestinationPbx(target="voicemail")]),
        st.builds(
            DestinationPbx,
            target=st.just("number"),
            number=NUMBERS,
            site=st.sampled_from(slugs),
            relieved=st.booleans(),
        ),
    ]
    if extensions:
        kinds.append(
            st.builds(
                DestinationPbx,
                target=st.just("phone"),
                extension=st.sampled_from(extensions),
                colleagues=st.booleans(),
            )
        )
    return st.one_of(kinds)


@st.composite
def models(draw: st.DrawFn, base: PbxModel) -> PbxModel:
    """``base`` (ports, folders, accounts) with anything in it."""
    slugs = draw(st.lists(SLUGS, max_size=3, unique=True))
    lines = draw(trunks(slugs))
    places = draw(sites(slugs, lines))
    schedules = draw(st.lists(SCHEDULES, max_size=2, unique_by=lambda schedule: schedule.id))
    numbers = (
        draw(st.lists(st.from_regex(EXTENSION, fullmatch=True), max_size=6, unique=True)) if slugs else []
    )
    taken = set(EMERGENCY_NUMBERS).union(*(emergency_numbers(place.country) for place in places))
    numbers = [number for number in numbers if number not in taken]
    phones: list[PhonePbx] = []
    mobiles: list[MobilePbx] = []
    for extension in numbers:
        site = draw(st.sampled_from(slugs))
        if draw(st.integers(0, 4)) == 0:
            mobiles.append(MobilePbx(extension=extension, site=site, number=draw(NUMBERS)))
            continue
        phones.append(
            PhonePbx(
                extension=extension,
                secret=draw(st.from_regex(SECRET, fullmatch=True)),
                site=site,
                display_name=draw(TEXTS),
                kind=draw(st.sampled_from(KINDS)),
            )
        )
    dids = []
    for number in draw(st.lists(NUMBERS, max_size=4, unique=True)) if slugs else []:
        where = destinations(slugs, [phone.extension for phone in phones])
        first = st.one_of(where, st.just(DestinationPbx(target="unanswered")))
        dids.append(
            DidPbx(
                number=number,
                site=draw(st.sampled_from(slugs)),
                label=draw(TEXTS),
                opened=draw(first),
                closed=draw(first),
                unanswered=draw(where),
                ring_seconds=draw(st.integers(5, 120)),
                schedule=draw(st.sampled_from(["", *(schedule.id for schedule in schedules)])),
            )
        )
    try:
        return replace(
            base,
            sites=places,
            trunks=tuple(lines),
            phones=tuple(phones),
            mobiles=tuple(mobiles),
            schedules=tuple(schedules),
            dids=tuple(dids),
        )
    except PbxModelError as error:
        raise AssertionError(f"the strategy made what the model refuses: {error}") from error
