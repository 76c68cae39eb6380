"""A short form of the judge's state: what status keeps stands between a person and the Events in ``kubectl describe``.

It is ``zlib1:``, and behind that base64 (RFC 4648) of zlib (RFC 1950) with the dictionary below. Releases before wrote
the JSON itself, which is read as well.
"""

from __future__ import annotations

import base64
import zlib

__all__ = ["pack", "unpack"]

PREFIX = "zlib1:"
#: A state of a megabyte would have hundreds of metrics; more is an attack on memory.
LONGEST = 2**20
#: What states have in common; zlib refers to it instead of repeating it. Statuses in clusters were packed with it, so
#: it never changes: another dictionary gets another prefix, and this one stays.
_DICTIONARY = (
    b'QueryFailed","TooManyBuckets","EdgesChanged","Gap","NoTraffic","no requests on either arm"]'
    b'"delay":"weight":2.0,"higher_is_worse":false,"failure_limit":"value_min":"value_max":"ceiling":0.05'
    b',"safe_absolute":0.001,"harm_absolute":0.001,"harm_ratio":1.05,"safe_ratio":1.25,"kind":"value"'
    b'[["judging",[0.005,0.01,0.025,0.05,0.075,0.1,0.25,0.5,0.75,1,2.5,5,7.5,10,30,60],[1,1,1,1],1000,'
    b'[["learning",[],[],0.0,[[[-2.079442,-2.079442,-2.079442,-2.079442],0],0,0,0,0]]],[0]],'
    b"[[[2],[0.3],[10]],[30],[[[[-2.590267,-2.367124,-2.367124,-2.590267,-3.283414]],[0.125]],"
    b"[[[-1.386294,-1.203973,-1.203973,-1.89712]],[0]],"
    b'{"version":2,"plan":{"metrics":[{"name":"cost","kind":"mean"},{"name":"latency","kind":"latency"},'
    b'{"name":"errors","kind":"count"}],"interval":5.0,"alpha_safe":0.01,"alpha_ceiling":"check_share":false,'
    b'"alpha_harm":0.01,"planned_ticks":120,"candidate_share":0.25},"begun":1700000000.0,"end":1700000000.0,'
    b'"settled":1700000000.0,"ticks":0,"weight":null,"harmful":["errors"],"breached":[],"notes":{"errors":'
    b'["ArmEmpty","no pod of the candidate arm reports over this window"]},"weight":0.25,"harmful":[],"breached":[],'
    b'"notes":{},"parts":[[[[0.01],[1000],[[2],[0.3],[10]],[1],[30]],[[0.18,0.18,0.16,0.14,0.13,0.11,0.1]],'
    b"[[[[-2.695628,-2.695628,-2.813411,-2.946942,-3.02105,-3.188104,-3.283414]],[0.125]],"
    b"[[[-1.386294,-0.9162907,-1.609438,-1.89712]],[0]],"
    b"[[0],[0],[0],[0],[0],[0],[0],[0],[0],[0],[0],[0],[0]],[0.2],[20],[0],[0],[0],[0],[0],[0],"
    b"[[-2.079442,-2.079442,-2.079442,-2.079442]],[0]]],[[[[-1.893444,-1.893444,-1.893444,-1.893444,-1.893444]],"
    b"[0.2472376]],[[[-60,-60,-60,-60,-60]],[0.2001848]],[[[60,60,60,60]],[0]]],[1],[0]]],"
    b'"share":[[[-1.89712,-1.89712,-1.89712,-1.89712,-1.89712],0.25],'
    b"[[-1.89712,-1.89712,-1.89712,-1.89712,-1.89712],0.25],0,0,0,0,0,0,0,0]}"
)


def pack(text: str) -> str:
    """The text, shorter; :func:`unpack` gives it back."""
    press = zlib.compressobj(level=9, zdict=_DICTIONARY)
    packed = press.compress(text.encode()) + press.flush()
    return PREFIX + base64.b64encode(packed).decode()


def unpack(text: str) -> str:
    """The text that was packed, or the same text where it was not. Raises ValueError for what is damaged."""
    if not text.startswith(PREFIX):
        return text
    packed = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    press = zlib.decompressobj(zdict=_DICTIONARY)
    try:
        plain = press.decompress(packed, LONGEST)
    except zlib.error as error:
        raise ValueError(f"it cannot be unpacked: {error}") from error
    if not press.eof:
        raise ValueError(f"it is not whole, or longer than {LONGEST} bytes")
    return plain.decode()
