"""Who of those that wait may begin: the oldest first, as far as windows, limits and the order of groups let them.

Who waits for one thing does not block those who need another: who is frozen is not in the line, and a limit of one team
leaves the places of the others free.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase

from rollmodel.api.coordination import Groups, Limit, Scope
from rollmodel.plan.coordination.hold import Hold
from rollmodel.plan.coordination.rule_book import RuleBook, whose_name
from rollmodel.plan.coordination.standing import Standing, State
from rollmodel.plan.coordination.windows import freeze_at, is_open, opens_at
from rollmodel.plan.times import stamp

__all__ = ["answers", "closed"]

_NEVER = "no time is planned at which it may begin"


#: A place that a limit counts: whose rules, which limit of them, and which namespace or value of a label.
_Place = tuple[str, int, str]


def closed(book: RuleBook, one: Standing, now: datetime) -> Hold | None:
    """Why nothing of this object begins now, whoever else runs: a freeze, or no window."""
    for whose in ("", one.namespace):
        if (error := book.blocked.get(whose)) is not None:
            return Hold("RulesInvalid", f"the rules of {whose_name(whose)} are not understood: {error}")
    of_it = book.of(one)
    freezes = [freeze for _, rules in of_it for freeze in rules.freezes if _about(freeze, one)]
    windows = [(whose, [window for window in rules.windows if _about(window, one)]) for whose, rules in of_it]
    shut = [whose for whose, some in windows if some and not any(is_open(window, now) for window in some)]
    freeze = freeze_at(freezes, now)
    if freeze is None and not shut:
        return None
    opening = opens_at(freezes, [some for _, some in windows], now)
    until = _NEVER if opening is None else f"it may begin at {stamp(opening)}"
    if freeze is not None:
        return Hold("Frozen", f"rollouts are frozen: {freeze.reason}; {until}", opening)
    return Hold("OutsideWindow", f"it is outside the windows of {whose_name(shut[0])}; {until}", opening)


def answers(
    book: RuleBook, standings: Mapping[str, Standing], now: datetime, *, last: frozenset[str] = frozenset()
) -> dict[str, Hold | None]:
    """By the id of those who wait: None where it may begin, if all who may begin before it do.

    ``last`` are ids of those who were let, and have not begun: they come after the others.
    """
    taken: dict[_Place, list[Standing]] = defaultdict(list)
    for one in standings.values():
        if one.state is State.RUNNING:
            _take(book, one, taken)
    busy = _busy_groups(book, standings.values())
    found: dict[str, Hold | None] = {}
    waiting = ((uid, one) for uid, one in standings.items() if one.state is State.WAITING)
    for uid, one in sorted(waiting, key=lambda item: (item[0] in last, item[1].since or now, item[1].key)):
        hold = closed(book, one, now) or _after_others(book, one, busy, now) or _full(book, one, taken)
        if hold is None:
            _take(book, one, taken)
        found[uid] = hold
    return found


def _take(book: RuleBook, one: Standing, taken: dict[_Place, list[Standing]]) -> None:
    for place, _ in _places(book, one):
        taken[place].append(one)


def _full(book: RuleBook, one: Standing, taken: Mapping[_Place, list[Standing]]) -> Hold | None:
    exempt = {whose for whose, _ in book.of(one)}
    for place, most in _places(book, one):
        whose, _, which = place
        others = taken.get(place, [])
        if len(others) >= most and whose in exempt:
            names = ", ".join(sorted(other.key for other in others)[:3]) + (", …" if len(others) > 3 else "")
            where = f"{whose_name(whose)}, {which}" if which else whose_name(whose)
            return Hold(
                "TooManyRollouts", f"{len(others)} of {most} rollouts at once run or go first ({where}): {names}"
            )
    return None


def _places(book: RuleBook, one: Standing) -> Iterator[tuple[_Place, int]]:
    """The places that a rollout of it takes, with how many there are. Also who is exempt takes them."""
    for whose, rules in book.around(one):
        for number, limit in enumerate(rules.limits):
            if _about(limit, one) and (which := _which(limit, one)) is not None:
                yield (whose, number, which), limit.max_rollouts
        for number, groups in enumerate(rules.groups):
            if _about(groups, one) and groups.label in one.labels:
                yield (whose, -1 - number, f"{groups.label}={one.labels[groups.label]}"), 1


def _which(limit: Limit, one: Standing) -> str | None:
    """What a limit counts apart; None where it does not count this object."""
    if limit.per == "Namespace":
        return f"namespace {one.namespace}"
    if limit.label is None:
        return ""
    return f"{limit.label}={one.labels[limit.label]}" if limit.label in one.labels else None


def _busy_groups(book: RuleBook, standings: Iterable[Standing]) -> Mapping[_Place, Standing]:
    """By the group: the first object of it that later groups wait for."""
    found: dict[_Place, Standing] = {}
    for one in sorted(standings, key=lambda one: one.key):
        for whose, rules in book.around(one):
            for number, groups in enumerate(rules.groups):
                group = one.labels.get(groups.label)
                if group in groups.order and _about(groups, one) and _is_busy(groups, one):
                    found.setdefault((whose, number, str(group)), one)
    return found


def _is_busy(groups: Groups, one: Standing) -> bool:
    return one.state in {State.RUNNING, State.WAITING} or (
        one.state is State.TAKEN_BACK and groups.after_rollback == "Wait"
    )


def _after_others(book: RuleBook, one: Standing, busy: Mapping[_Place, Standing], now: datetime) -> Hold | None:
    """Why it waits for groups that come before its own."""
    for whose, rules in book.of(one):
        for number, groups in enumerate(rules.groups):
            group = one.labels.get(groups.label)
            earlier = groups.order[: groups.order.index(group)] if group in groups.order else []
            if not earlier or not _about(groups, one):
                continue
            for before in earlier:
                if (other := busy.get((whose, number, before))) is not None:
                    return Hold("EarlierGroup", f"group {group} comes after {before}: {_does(other)}")
            known = (one.since or now) + timedelta(seconds=groups.settle_seconds)
            if now < known:
                message = f"group {group} waits until {stamp(known)}, so that what comes for earlier groups goes first"
                return Hold("EarlierGroup", message, known.astimezone(UTC))
    return None


def _does(one: Standing) -> str:
    if one.state is State.TAKEN_BACK:
        return f"{one.key} was taken back, and has nothing better yet"
    return f"{one.key} {'has a rollout' if one.state is State.RUNNING else 'waits to begin'}"


def _about(scope: Scope, one: Standing) -> bool:
    if scope.namespaces is not None and not any(fnmatchcase(one.namespace, pattern) for pattern in scope.namespaces):
        return False
    return all(one.labels.get(key) == value for key, value in (scope.match_labels or {}).items())
