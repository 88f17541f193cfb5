#!/bin/sh
# Everything that the image holds, below one folder: `docker/install.sh SOURCE PREFIX`. A test runs it without a container.
set -eu

source=$1
prefix=$2

python3 -m venv "$prefix/venv"
"$prefix/venv/bin/python" -m pip install --quiet --no-cache-dir --disable-pip-version-check \
  --constraint "$source/constraints/dev.txt" "$source[testing]"

# The emulator's own environment, which would else be made when its container starts, and need a network then.
KAFKA_BQ_CACHE="$prefix/cache" "$prefix/venv/bin/python" -P -c \
  'from airflow_kafka_bq.testing.bigquery.environment import ensure_environment; ensure_environment()'

# The examples as a DAG folder: the copy that the package carries.
examples=$("$prefix/venv/bin/python" -P -c \
  'from importlib.resources import files; print(files("airflow_kafka_bq").joinpath("example_dags"))')
mkdir -p "$prefix/dags" "$prefix/home"
cp "$examples"/*.py "$prefix/dags/"
cp "$source/docker/fill.py" "$prefix/fill.py"
