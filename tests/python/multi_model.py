"""Asks a server of many models for the same row with boto3 and tritonclient, and compares what each model answers.

    multi_model.py ADDRESS ROW NAME...

ROW is a line of CSV without a header. Every NAME is a loaded model; `absent` is none.
"""

import csv
import sys

import boto3
import numpy as np
import tritonclient.http as http
from botocore.config import Config
from tritonclient.utils import InferenceServerException

ABSENT = "absent"
TYPES = {"FP64": np.float64, "FP32": np.float32, "INT64": np.int64, "INT32": np.int32}


class Boto:
    def __init__(self, address):
        self.client = boto3.client(
            "sagemaker-runtime",
            endpoint_url=f"http://{address}",
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}),
        )

    def ask(self, model, row):
        answer = self.client.invoke_endpoint(
            EndpointName="many", TargetModel=model, ContentType="text/csv", Body=row
        )
        return float(answer["Body"].read())

    def refuses(self, model, row):
        try:
            self.ask(model, row)
        except self.client.exceptions.ClientError as error:
            assert model in str(error), error
            return True
        return False


class Triton:
    def __init__(self, address):
        self.client = http.InferenceServerClient(address)
        assert self.client.is_server_live() and self.client.is_server_ready()

    def ask(self, model, row):
        assert self.client.is_model_ready(model)
        metadata = self.client.get_model_metadata(model)
        inputs = []
        for tensor, cell in zip(metadata["inputs"], next(csv.reader([row])), strict=True):
            kind = TYPES.get(tensor["datatype"], np.object_)
            given = http.InferInput(tensor["name"], [1], tensor["datatype"])
            given.set_data_from_numpy(np.array([cell]).astype(kind))
            inputs.append(given)
        answer = self.client.infer(model, inputs)
        return float(answer.as_numpy(metadata["outputs"][0]["name"])[0])

    def refuses(self, model, row):
        assert not self.client.is_model_ready(model)
        try:
            self.ask_anyway(model)
        except InferenceServerException as error:
            assert model in str(error), error
            return True
        return False

    def ask_anyway(self, model):
        given = http.InferInput("x", [1], "FP64")
        given.set_data_from_numpy(np.array([1.0]))
        self.client.infer(model, [given])


def main():
    address, row, *models = sys.argv[1:]
    clients = [Boto(address), Triton(address)]
    for model in models:
        boto, triton = (client.ask(model, row) for client in clients)
        print(f"{model}: {boto!r} {triton!r}")
        assert boto == triton, model
    assert all(client.refuses(ABSENT, row) for client in clients)


if __name__ == "__main__":
    main()
