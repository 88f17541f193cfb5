"""A job file becomes a job: models are found beside it, functions by name, and nothing asks a server."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from airflow_kafka_bq.assembly import close
from airflow_kafka_bq.exceptions import AccessDeniedError, ConfigError, NotFoundError
from airflow_kafka_bq.jobfile import assemble, read
from airflow_kafka_bq.kafka import KafkaDeadLetterTopic, KafkaMemberSource, KafkaSource
from airflow_kafka_bq.pipeline.job import Job
from airflow_kafka_bq.pipeline.stopping import Stop

CLIENTS = """
kafka: {bootstrap.servers: "127.0.0.1:9"}
bigquery: {project: demo, api_endpoint: "http://127.0.0.1:9"}
"""
ORDERS = "topic: shop.orders\ntable: analytics.orders\n"
MODEL = "from pydantic import BaseModel\n\nclass Order(BaseModel):\n    order_id: str\n"
Assemble = Callable[..., Job]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder with a job file; what a test imports from it is forgotten again."""
    modules, path = set(sys.modules), list(sys.path)
    yield tmp_path
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        if name.startswith("shop_"):
            del sys.modules[name]


@pytest.fixture
def assembled(folder: Path) -> Iterator[Assemble]:
    jobs = []

    def put_together(text: str, *settings: str, clients: str = CLIENTS) -> Job:
        path = folder / "orders.yaml"
        path.write_text(ORDERS + clients + text, encoding="utf-8")
        jobs.append(assemble(read(path, settings), Stop()))
        return jobs[-1]

    yield put_together
    for job in jobs:
        close(job)


def columns(job: Job) -> list[str]:
    return [column.name for column in job.target.columns if not column.name.startswith("_")]


def test_copies_go_to_the_topic_that_the_job_names(assembled: Assemble) -> None:
    assert assembled("").copies is None
    assert isinstance(assembled("dead_letter_topic: shop.orders.dead").copies, KafkaDeadLetterTopic)


def test_a_job_is_put_together_without_a_request(assembled: Assemble) -> None:
    job = assembled("")
    assert str(job.target.table) == "demo.analytics.orders"
    assert columns(job) == ["payload"]
    assert job.config.group(job.target.table) == "kafka-bq.shop.orders.demo.analytics.orders"


def test_a_model_is_found_beside_the_file(folder: Path, assembled: Assemble) -> None:
    (folder / "shop_beside.py").write_text(MODEL, encoding="utf-8")
    assert columns(assembled("model: shop_beside:Order\n")) == ["order_id"]


def test_a_model_is_found_in_the_current_folder(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, assembled: Assemble
) -> None:
    elsewhere = tmp_path_factory.mktemp("current")
    (elsewhere / "shop_current.py").write_text(MODEL, encoding="utf-8")
    monkeypatch.chdir(elsewhere)
    assert columns(assembled("model: shop_current:Order\n")) == ["order_id"]
    assert folder != elsewhere


def test_the_folder_of_the_file_comes_before_the_current_one(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, assembled: Assemble
) -> None:
    elsewhere = tmp_path_factory.mktemp("current")
    (elsewhere / "shop_both.py").write_text(MODEL.replace("order_id", "other_id"), encoding="utf-8")
    (folder / "shop_both.py").write_text(MODEL, encoding="utf-8")
    monkeypatch.chdir(elsewhere)
    assert columns(assembled("model: shop_both:Order\n")) == ["order_id"]


def test_functions_are_named_in_the_same_way(folder: Path, assembled: Assemble) -> None:
    (folder / "shop_functions.py").write_text("def keep(table): return table\nclass Rows:\n    f = keep\n", "utf-8")
    job = assembled("filter: shop_functions:keep\ntransform: shop_functions:Rows.f\n")
    assert job.rules.filter is not None
    assert job.rules.transform is not None


def test_a_function_may_import_its_neighbours_when_it_runs(folder: Path, assembled: Assemble) -> None:
    """Not only while the model is imported: a transform is called much later."""
    (folder / "shop_neighbour.py").write_text("VALUE = 5\n", encoding="utf-8")
    lazy = "def keep(table):\n    import shop_neighbour\n    return shop_neighbour.VALUE\n"
    (folder / "shop_lazy.py").write_text(lazy, encoding="utf-8")
    job = assembled("transform: shop_lazy:keep\n")
    assert job.rules.transform is not None
    assert job.rules.transform(pa.table({})) == 5


@pytest.mark.parametrize(
    ("module", "name", "said"),
    [
        (None, "shop_none:Order", ("shop_none", "No module named 'shop_none'")),
        ("import shop_missing\n", "shop_broken:Order", ("shop_broken", "No module named 'shop_missing'")),
        ("raise RuntimeError('no licence')\n", "shop_broken:Order", ("shop_broken", "RuntimeError: no licence")),
        ("class Order(\n", "shop_broken:Order", ("shop_broken", "SyntaxError")),
        (MODEL, "shop_broken:Ordre", ("shop_broken", "has no 'Ordre'")),
        (MODEL, "shop_broken:Order.Line", ("shop_broken", "has no 'Order.Line'")),
    ],
)
@pytest.mark.parametrize("parameter", ["model", "transform", "filter"])
def test_what_cannot_be_imported_shows_parameter_module_and_reason(
    folder: Path, assembled: Assemble, parameter: str, module: str | None, name: str, said: tuple[str, ...]
) -> None:
    if module is not None:
        (folder / "shop_broken.py").write_text(module, encoding="utf-8")
    with pytest.raises(NotFoundError) as caught:
        assembled(f"{parameter}: {name}\n")
    assert [word for word in (f"{parameter}={name!r}", *said) if word not in caught.value.message] == []
    assert caught.value.exit_code == 3


def test_a_model_that_is_none_is_refused(folder: Path, assembled: Assemble) -> None:
    (folder / "shop_value.py").write_text("Order = 5\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="model: 5 is not a pydantic model"):
        assembled("model: shop_value:Order\n")


def test_outside_airflow_the_file_holds_the_brokers(assembled: Assemble) -> None:
    with pytest.raises(ConfigError, match="kafka: is missing") as caught:
        assembled("", clients="")
    assert "bootstrap.servers" in (caught.value.remedy or "")


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("kafka.enable.auto.commit=true", "enable.auto.commit must be false"),
        ("kafka.isolation.level=read_uncommitted", "isolation.level must be read_committed"),
        ("bigquery.projekt=x", "unknown setting 'projekt'"),
        ("bigquery.api_endpoint=localhost:9", "is not an address"),
        ("dedup_key=order_id", "dedup_key names the column 'order_id'"),
    ],
)
def test_a_setting_that_the_rooms_below_refuse(assembled: Assemble, setting: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        assembled("", setting)


@pytest.mark.filterwarnings("ignore:The load_credentials_from_file:DeprecationWarning")
def test_credentials_that_are_not_there(assembled: Assemble, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BIGQUERY_EMULATOR_HOST", raising=False)  # it would need none
    clients = 'kafka: {bootstrap.servers: "127.0.0.1:9"}\n'
    with pytest.raises((AccessDeniedError, ConfigError)):
        assembled("", f"bigquery.credentials_file={tmp_path / 'none.json'}", clients=clients)


def test_what_decides_about_rows_is_part_of_the_fingerprint(folder: Path, assembled: Assemble) -> None:
    (folder / "shop_one.py").write_text(MODEL, encoding="utf-8")
    (folder / "shop_two.py").write_text(MODEL + "    amount: int\n", encoding="utf-8")
    one, again, two = (assembled(f"model: shop_{name}:Order\n").fingerprint for name in ("one", "one", "two"))
    assert one == again != two


def test_a_job_that_joins_has_a_member_and_others_have_none(assembled: Assemble) -> None:
    member = assembled("assignment: subscribe\n").member
    assert isinstance(member, KafkaMemberSource)
    assert assembled("").member is None
    assert assembled("assignment: subscribe\nwindow: {from: 2026-01-01, to: 2026-01-02}\n").member is None


@pytest.mark.parametrize(("text", "kilobytes"), [("", "16384"), ("batch_bytes: 16MiB", "2048")])
def test_the_client_fetches_ahead_what_suits_the_batch(text: str, kilobytes: str, assembled: Assemble) -> None:
    job = assembled(f"assignment: subscribe\n{text}\n")
    name = "queued.max.messages.kbytes"
    assert isinstance(job.source, KafkaSource)
    assert isinstance(job.member, KafkaMemberSource)
    assert job.source._clients._for_consumer[name] == kilobytes
    assert job.member._joined._for_consumer[name] == kilobytes
