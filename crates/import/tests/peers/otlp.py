"""Reads the JSON of OTLP with the messages of OpenTelemetry, a request in each line, and says what is in it.

The JSON of OTLP has ids in hexadecimal where the JSON of protocol buffers has Base64; everything else is the same.
"""

import base64
import json
import sys

from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

IDS = {"traceId": 16, "spanId": 8, "parentSpanId": 8}


def with_base64(value):
    if isinstance(value, list):
        return [with_base64(item) for item in value]
    if not isinstance(value, dict):
        return value
    read = {key: with_base64(item) for key, item in value.items()}
    for key, size in IDS.items():
        if key in read:
            raw = bytes.fromhex(read[key])
            assert len(raw) == size, f"{key} has {len(raw)} bytes"
            read[key] = base64.b64encode(raw).decode()
    return read


def facts(request):
    spans = [span for resource in request.resource_spans for scope in resource.scope_spans for span in scope.spans]
    by_id = {span.span_id: span for span in spans}
    roots = [span for span in spans if not span.parent_span_id]
    assert len(roots) == 1 and len(by_id) == len(spans) and len({span.trace_id for span in spans}) == 1
    assert all(span.parent_span_id in by_id for span in spans if span.parent_span_id)
    assert all(0 < span.start_time_unix_nano <= span.end_time_unix_nano for span in spans)
    operations = {}
    tokens = 0
    for span in spans:
        attributes = {attribute.key: attribute.value for attribute in span.attributes}
        operation = attributes["gen_ai.operation.name"].string_value
        operations[operation] = operations.get(operation, 0) + 1
        if operation == "chat" and "gen_ai.usage.input_tokens" in attributes:
            tokens += attributes["gen_ai.usage.input_tokens"].int_value
    return {"trace": roots[0].trace_id.hex(), "operations": operations, "chat_input_tokens": tokens}


for line in open(sys.argv[1], encoding="utf-8"):
    # Unknown members are refused.
    print(json.dumps(facts(json_format.ParseDict(with_base64(json.loads(line)), ExportTraceServiceRequest()))))
