"""Sends rows to a server with the clients that people use, and counts the answers whose bits differ.

    serving_clients.py ADDRESS MODEL ROWS.arrow [PROTOCOL...]

ROWS.arrow (an Arrow IPC file) holds what a request holds, and `expected`, what the batch answered. Rows go
one by one and in batches of mixed sizes. Protocols: curl (native JSON), oip-binary, oip-json, sagemaker-csv,
sagemaker-json; mlflow, of a server with `--invocations mlflow`.
"""

import csv
import io
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa

EXPECTED = "expected"


def table(path):
    with pa.memory_map(path) as source:
        return pa.ipc.open_file(source).read_all()


def cuts(count):
    """Where batches of mixed sizes begin and end."""
    draw = random.Random(5)
    start = 0
    while start < count:
        end = min(count, start + draw.choice([1, 2, 3, 7, 16, 100, 333]))
        yield start, end
        start = end


def records(rows):
    """Rows as dictionaries of what JSON has; instants as texts."""
    zulu = {
        name: [
            None if value is None else value.isoformat()
            for value in rows.column(name).to_pylist()
        ]
        for name in rows.column_names
        if pa.types.is_timestamp(rows.schema.field(name).type)
    }
    listed = rows.to_pylist()
    for name, texts in zulu.items():
        for record, text in zip(listed, texts):
            record[name] = text
    return listed


class Curl:
    """One curl, one connection, a request after the other."""

    def __init__(self, address, _model, rows):
        self.url = f"http://{address}/v1/predict"
        self.records = records(rows)

    def answers(self, pieces):
        with tempfile.TemporaryDirectory() as folder:
            config = []
            for number, (start, end) in enumerate(pieces):
                body = Path(folder, f"{number}.json")
                body.write_text(json.dumps({"records": self.records[start:end]}))
                config.append(
                    f'url = "{self.url}"\nheader = "content-type: application/json"\n'
                    f'data-binary = "@{body}"\nwrite-out = "\\n"\nfail-with-body\n'
                )
            run = subprocess.run(
                ["curl", "--silent", "--show-error", "-K", "-"],
                input="next\n".join(config).encode(),
                stdout=subprocess.PIPE,
                check=True,
            )
        for line in run.stdout.decode().splitlines():
            yield from (record["prediction"] for record in json.loads(line)["records"])


class Triton:
    """tritonclient[http]; binary is how it speaks unless told otherwise."""

    binary = True

    def __init__(self, address, model, rows):
        import tritonclient.http as http

        self.http, self.model = http, model
        self.client = http.InferenceServerClient(address)
        assert self.client.is_server_live() and self.client.is_model_ready(model)
        self.columns = []
        for tensor in self.client.get_model_metadata(model)["inputs"]:
            column = rows.column(tensor["name"]).combine_chunks()
            valid = column.is_valid().to_numpy(zero_copy_only=False)
            self.columns.append((tensor["name"], tensor["datatype"], values(column), valid))

    def answers(self, pieces):
        for start, end in pieces:
            inputs = []
            for name, datatype, column, valid in self.columns:
                self.add(inputs, name, datatype, column[start:end])
                if not valid[start:end].all():
                    self.add(inputs, f"{name}.valid", "BOOL", valid[start:end])
            outputs = None
            if not self.binary:
                outputs = [self.http.InferRequestedOutput("prediction", binary_data=False)]
            answer = self.client.infer(self.model, inputs, outputs=outputs)
            yield from answer.as_numpy("prediction")

    def add(self, inputs, name, datatype, array):
        tensor = self.http.InferInput(name, list(array.shape), datatype)
        tensor.set_data_from_numpy(array, binary_data=self.binary)
        inputs.append(tensor)


class TritonJson(Triton):
    binary = False


def values(column):
    """A column as NumPy has it, nulls as zeros."""
    kind = column.type
    if pa.types.is_string(kind):
        return np.array([text or "" for text in column.to_pylist()], dtype=np.object_)
    if pa.types.is_timestamp(kind):
        column = column.cast(pa.timestamp("us", "UTC")).cast(pa.int64())
    return column.fill_null(0).to_numpy(zero_copy_only=False)


class SageMaker:
    """boto3's sagemaker-runtime, with CSV."""

    def __init__(self, address, model, rows):
        import boto3
        from botocore.config import Config

        self.client = boto3.client(
            "sagemaker-runtime",
            endpoint_url=f"http://{address}",
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}),
        )
        self.model = model
        self.records = records(rows)
        try:
            self.invoke("text/csv", "late,early")
        except self.client.exceptions.ModelError as error:
            assert error.response["OriginalStatusCode"] == 400, error.response
        else:
            raise AssertionError("a wrong request was answered")

    def invoke(self, content_type, body):
        answer = self.client.invoke_endpoint(
            EndpointName=self.model, ContentType=content_type, Body=body
        )
        return answer["Body"].read()

    def answers(self, pieces):
        for start, end in pieces:
            body = io.StringIO()
            writer = csv.writer(body)
            for record in self.records[start:end]:
                writer.writerow("" if value is None else value for value in record.values())
            answer = self.invoke("text/csv", body.getvalue()).decode()
            yield from (float(line) for line in answer.splitlines())


class SageMakerJson(SageMaker):
    def answers(self, pieces):
        for start, end in pieces:
            body = json.dumps({"instances": self.records[start:end]})
            answer = json.loads(self.invoke("application/json", body))
            yield from (one["score"] for one in answer["predictions"])


class MLflow:
    """MLflow's own client of a scoring server, with the four shapes that its JSON has, in turns."""

    # It opens a connection for every request, and takes its time.
    ONE_BY_ONE = 1000

    def __init__(self, address, _model, rows):
        from mlflow.pyfunc.scoring_server.client import ScoringServerClient

        host, port = address.split(":")
        self.client = ScoringServerClient(host, int(port))
        self.client.wait_server_ready()
        assert self.client.get_version()
        self.frame = rows.to_pandas()
        self.records = records(rows)
        try:
            self.client.invoke(self.frame.head(1).drop(columns=self.frame.columns[0]))
        except Exception as error:
            assert "INVALID_PARAMETER_VALUE" in str(error), error
        else:
            raise AssertionError("a wrong request was answered")

    def answers(self, pieces):
        shapes = [self.split, self.listed("dataframe_records"), self.listed("instances"), self.columns]
        for number, (start, end) in enumerate(pieces):
            answer = self.client.invoke(shapes[number % len(shapes)](start, end))
            yield from answer.get_predictions().iloc[:, 0]

    def split(self, start, end):
        """What is missing is NaN there, of texts as well."""
        return self.frame.iloc[start:end]

    def listed(self, key):
        return lambda start, end: json.dumps({key: self.records[start:end]})

    def columns(self, start, end):
        rows = self.records[start:end]
        return json.dumps({"inputs": {name: [row[name] for row in rows] for name in rows[0]}})


PROTOCOLS = {
    "curl": Curl,
    "oip-binary": Triton,
    "oip-json": TritonJson,
    "sagemaker-csv": SageMaker,
    "sagemaker-json": SageMakerJson,
}
# Those that speak with a server as it is unless told otherwise.
USUAL = list(PROTOCOLS)
PROTOCOLS["mlflow"] = MLflow


def bits(numbers):
    return np.array(list(numbers), dtype=np.float64).astype(np.float32).view(np.uint32)


def main():
    address, model, path, *asked = sys.argv[1:]
    everything = table(path)
    expected = bits(everything.column(EXPECTED).to_pylist())
    rows = everything.drop_columns([EXPECTED])
    count = rows.num_rows
    differing = 0
    for name in asked or USUAL:
        client = PROTOCOLS[name](address, model, rows)
        single = min(count, getattr(client, "ONE_BY_ONE", count))
        for way, pieces in [
            ("one by one", [(row, row + 1) for row in range(single)]),
            ("in mixed batches", list(cuts(count))),
        ]:
            sent = pieces[-1][1]
            found = bits(client.answers(pieces))
            assert len(found) == sent, f"{name} {way}: {len(found)} answers for {sent} rows"
            wrong = int(np.count_nonzero(found != expected[:sent]))
            print(f"{name} {way}: {wrong} of {sent} rows differ", flush=True)
            differing += wrong
    sys.exit(1 if differing else 0)


if __name__ == "__main__":
    main()
