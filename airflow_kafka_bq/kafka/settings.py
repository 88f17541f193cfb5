"""The user's librdkafka settings made into those of the two clients: ours are forced, secrets stay secret.

Sources of the defaults: measurements with librdkafka 2.16 on a mock cluster and on Apache Kafka 4.3.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Literal

from airflow_kafka_bq.config.values import USUAL_BATCH_BYTES
from airflow_kafka_bq.exceptions import ConfigError

Settings = Mapping[str, Any]
IsolationLevel = Literal["read_committed", "read_uncommitted"]

_log = logging.getLogger(__name__)

MASK = "***"
# The client masks passwords in its own logs, but neither the token endpoint nor the SASL extensions.
_SECRET = re.compile(
    r"password|passphrase|secret|jaas|private\.key|key\.pem|\.key$|token\.endpoint|oauthbearer\.(config|extensions|assertion)"
    r"|credential|user\.info|access.?token",
    re.IGNORECASE,
)
_NOT_SECRET = frozenset({"ssl.key.location"})
_SHORTEST_SECRET = 4  # shorter values would blot out ordinary words of a message

REFUSED_OPPOSITES: Settings = MappingProxyType(
    {
        "enable.auto.commit": "false",  # it commits what was handed over, not what is in the table
        "enable.auto.offset.store": "false",
        "auto.offset.reset": "error",  # the client's own choice would skip or repeat data without a word
        "enable.partition.eof": "true",
    }
)
"""Forced; a setting that says the opposite is refused by name."""

_AHEAD_KILOBYTES, _LEAST_AHEAD_KILOBYTES = 16 * 1024, 1024
_OF_A_BATCH = 8

_CONSUMER_DEFAULTS: Settings = MappingProxyType(
    {
        "check.crcs": "true",
        "fetch.queue.backoff.ms": "10",  # the client's 1000 ms made a bounded queue 25 to 200 times slower
        "queued.max.messages.kbytes": str(_AHEAD_KILOBYTES),
        "queued.min.messages": "100000",
        "fetch.wait.max.ms": "100",
    }
)
_DEFAULTS: Settings = MappingProxyType({"socket.timeout.ms": "30000", "enable.metrics.push": "false"})
_FORCED: Settings = MappingProxyType({"allow.auto.create.topics": "false"})  # a misspelt topic must not appear

# What a client of the producing kind, as the admin client is, would only complain about.
_CONSUMER_ONLY = re.compile(
    r"group\.|session\.timeout|heartbeat\.|max\.poll|partition\.assignment|coordinator\.query|fetch\.|queued\."
    r"|check\.crcs|isolation\.level|enable\.auto\.|enable\.partition\.eof|auto\.offset\.reset|auto\.commit|offset\.store"
    r"|max\.partition\.fetch|consume\.callback|on_commit"
)
_PRODUCER_DEFAULTS: Settings = MappingProxyType(
    {
        "batch.size": "16384",  # a batch that is larger than the topic takes is refused, and sent again one by one
        "message.max.bytes": "104857600",  # what was read is sent; whether it is too large, the topic says
        "topic.metadata.propagation.max.ms": "5000",  # a topic that is not there is not waited for longer
    }
)
_PRODUCER_FORCED: Settings = MappingProxyType({"enable.idempotence": "true", "acks": "all"})
# What would have copies taken for kept that are not, or contradicts idempotence.
_PRODUCER_OVERRULED = re.compile(
    r"(request\.required\.)?acks$|transaction|delivery\.|message\.timeout|(message\.send\.max\.)?retries$|max\.in\.flight"
    r"|queuing\.strategy|dr_|on_delivery|enable\.gapless"
)
_REFUSED = {
    "default.topic.config": "put its settings beside the others",
    "stats_cb": "it is taken for following the fetch position",
    "statistics.interval.ms": "it follows from stall_timeout_seconds",
    "auto.commit.enable": "positions are committed after the MERGE, never by the client itself",
}


def consumer_settings(
    settings: Settings, *, group_id: str, isolation_level: IsolationLevel, client_id: str
) -> dict[str, Any]:
    """Settings of the consumer, without callbacks of ours.

    :param settings: the user's, with librdkafka's dotted names.
    :raises ConfigError: a setting contradicts what exactly-once needs, or ``isolation_level``.
    """
    _refuse(settings)
    for name, ours in (dict(REFUSED_OPPOSITES) | {"isolation.level": isolation_level}).items():
        if name in settings and not _same(settings[name], ours):
            raise ConfigError(
                f"the Kafka setting {name} must be {ours}, not {settings[name]!r}",
                remedy=_REMEDIES.get(name, f"remove {name} from the connection or the job file"),
            )
    if settings.get("group.id", group_id) != group_id:
        _log.warning(
            "Kafka setting group.id=%r is not used: the group of this job is %r", settings["group.id"], group_id
        )
    forced = {**REFUSED_OPPOSITES, **_FORCED, "isolation.level": isolation_level, "group.id": group_id}
    return {"client.id": client_id, **_DEFAULTS, **_CONSUMER_DEFAULTS, **settings, **forced}


def read_ahead(settings: Settings, batch_bytes: int) -> dict[str, Any]:
    """The settings, with a queue that suits batches of this bound unless they name one.

    What the client has fetched ahead lies in memory beside the batches, and takes more than twice its bytes. A fetch
    asks for no more than the queue takes, and comes on top of a queue that is nearly full.
    """
    kilobytes = _AHEAD_KILOBYTES
    if batch_bytes < USUAL_BATCH_BYTES:
        kilobytes = max(_LEAST_AHEAD_KILOBYTES, batch_bytes // _OF_A_BATCH // 1024)
    return {"queued.max.messages.kbytes": str(kilobytes), **settings}


def admin_settings(settings: Settings, *, client_id: str) -> dict[str, Any]:
    """Settings of the admin client: the user's without what only consumers know."""
    kept = {name: value for name, value in settings.items() if not _CONSUMER_ONLY.match(name)}
    return {"client.id": client_id, **_DEFAULTS, **kept, **_FORCED}


def producer_settings(settings: Settings, *, client_id: str, timeout_seconds: float) -> dict[str, Any]:
    """Settings of the client that copies dead letters: every replica in sync has what counts as acknowledged.

    :param timeout_seconds: after which a message counts as not delivered.
    :raises ConfigError: no broker is named.
    """
    brokers(settings)
    kept = {name: value for name, value in settings.items() if not _PRODUCER_OVERRULED.match(name)}
    limit = {"message.timeout.ms": str(max(1, round(timeout_seconds * 1000)))}
    return {**_PRODUCER_DEFAULTS, **admin_settings(kept, client_id=client_id), **_PRODUCER_FORCED, **limit}


def is_incremental(settings: Settings) -> bool:
    """Whether a member gives up and gets single partitions, as cooperative assignors and KIP-848 have it; else all."""
    if str(settings.get("group.protocol", "classic")).lower() == "consumer":
        return True
    return "cooperative" in str(settings.get("partition.assignment.strategy", ""))


def seconds_of(settings: Settings, name: str) -> float:
    """A time limit of membership, the client's default where the settings name none.

    :raises ConfigError: it is no number.
    """
    value = settings.get(name, _MEMBERSHIP_MS[name])
    try:
        return int(value) / 1000
    except (TypeError, ValueError):
        raise ConfigError(f"the Kafka setting {name} must be a number of milliseconds, not {value!r}") from None


def without_membership(settings: Settings) -> dict[str, Any]:
    """For a client that asks about a group which another client of ours has joined."""
    return {name: value for name, value in settings.items() if name not in _OF_A_MEMBER}


def masked(settings: Settings) -> dict[str, Any]:
    """The settings as they may be shown: values of secret ones replaced."""
    return {name: MASK if _is_secret(name) else value for name, value in settings.items()}


def redacted(text: str, settings: Settings) -> str:
    """``text`` without the values of secret settings, for messages that come from others."""
    secrets = [str(value) for name, value in settings.items() if _is_secret(name)]
    forms = {form for secret in secrets if len(secret) >= _SHORTEST_SECRET for form in _written(secret)}
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, MASK)
    return text


def _written(secret: str) -> Iterator[str]:
    """As it is, and as a repr or JSON writes what has quotes, lines or letters beyond ASCII."""
    yield secret
    yield repr(secret)[1:-1]
    yield repr(f"'{secret}\"")[3:-2]  # inside a text with both kinds of quotes
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]


def brokers(settings: Settings) -> str:
    """``bootstrap.servers`` or its old name, for messages.

    :raises ConfigError: neither is set.
    """
    found = settings.get("bootstrap.servers") or settings.get("metadata.broker.list")
    if not found:
        raise ConfigError(
            "the Kafka setting bootstrap.servers is missing",
            remedy='set it in the connection\'s extra or under "kafka" in the job file',
        )
    return str(found)


_MEMBERSHIP_MS = {"max.poll.interval.ms": 300_000, "session.timeout.ms": 45_000}
_OF_A_MEMBER = frozenset({"group.instance.id", "group.protocol", "group.remote.assignor", "max.poll.interval.ms"})
_REMEDIES = {"isolation.level": "set the job's isolation_level, and leave isolation.level out of the Kafka settings"}


def _refuse(settings: Settings) -> None:
    brokers(settings)
    for name, reason in _REFUSED.items():
        if name in settings:
            raise ConfigError(f"the Kafka setting {name} cannot be set here: {reason}")


def _is_secret(name: str) -> bool:
    return name not in _NOT_SECRET and _SECRET.search(name) is not None


def _same(value: object, wanted: str) -> bool:
    return str(value).strip().lower() in {wanted, *_SYNONYMS.get(wanted, ())}


_SYNONYMS = {"false": ("0", "f"), "true": ("1", "t")}
