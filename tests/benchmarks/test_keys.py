"""Clients of Google's take what is made here, and only for Google's hosts."""

from __future__ import annotations

import json
import ssl
import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from google.oauth2.service_account import Credentials

from airflow_kafka_bq.testing.kafka.jars import java
from benchmarks.keys import PASSWORD, made, write_account


def test_the_certificate_is_for_hosts_of_google_and_a_client_takes_it(tmp_path: Path) -> None:
    keys = made(tmp_path)
    certificate = x509.load_pem_x509_certificate(keys.authority.read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "*.googleapis.com" in names.get_values_for_type(x509.DNSName)
    assert keys.server.stat().st_mode & 0o077 == 0
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(keys.server)
    assert ssl.create_default_context(cafile=str(keys.authority)).cert_store_stats()["x509_ca"] == 1


@pytest.mark.kafka
def test_java_reads_the_store(tmp_path: Path) -> None:
    keytool = Path(java()).resolve().with_name("keytool")
    if not keytool.exists():
        pytest.skip("this Java has no keytool")
    line = [str(keytool), "-list", "-keystore", str(made(tmp_path).store), "-storepass", PASSWORD]
    assert "trustedCertEntry" in subprocess.run(line, capture_output=True, text=True, check=True).stdout


def test_a_service_account_gets_its_token_from_the_sink(tmp_path: Path) -> None:
    keys = made(tmp_path)
    write_account(keys, "demo", "http://127.0.0.1:9")
    assert Credentials.from_service_account_file(str(keys.account)).project_id == "demo"
    assert json.loads(keys.account.read_text())["token_uri"] == "http://127.0.0.1:9/token"
