"""Reads a page of metrics from standard input; says names and types, and every label there is."""

import sys

from prometheus_client.parser import text_string_to_metric_families

for family in text_string_to_metric_families(sys.stdin.read()):
    labels = sorted({name for sample in family.samples for name in sample.labels})
    print(family.name, family.type, ",".join(labels))
