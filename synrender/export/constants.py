"""What is the same in all samples: it stands in the card once, and not in a column."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from synrender.dataset.record import RECORD_DTYPE
from synrender.export.columns import CREDIT_COLUMNS, Column, Schema, Value, to_values
from synrender.export.format import ExportPlan
from synrender.export.png_samples import Source, read_task_records
from synrender.system.workers import Workers

_KEPT = frozenset({"sample_idx", "model_id"})
"""Columns of the record that are always there."""

_ROWS_PER_TASK = 1000


def find_constants(plan: ExportPlan, workers: Workers) -> dict[str, Value]:
    """Values of the columns that are the same in all samples, and in all of their objects.

    Only columns of the record are looked at. Of one sample alone, nothing is constant.

    Args:
        plan: of the export, with all columns that there may be.
        workers: read the samples.

    Raises:
        UserError: a sample is damaged.
    """
    num_rows, schema = plan.num_rows, plan.schema
    if num_rows < 2:
        return {}
    starts = range(0, num_rows, _ROWS_PER_TASK)
    chunks = [range(k, min(k + _ROWS_PER_TASK, num_rows)) for k in starts]
    found = find_in_rows(plan.source, schema, chunks[0])
    rest = dataclasses.replace(schema, columns=tuple(c for c in schema.columns if c.name in found))
    for others in workers.map(find_in_rows, [(plan.source, rest, rows) for rows in chunks[1:]]):
        found = _keep_equal(found, others)
    return found


def find_in_rows(source: Source, schema: Schema, rows: range) -> dict[str, Value]:
    """Constants of some rows; runs in a worker."""
    columns = tuple(column for column in schema.columns if _is_of_record(column))
    is_list = {c.name: c.is_of_object and not schema.is_single for c in columns}
    schema, found = dataclasses.replace(schema, columns=columns), None
    for sample in read_task_records(source, rows):
        values = to_values(sample, schema, "")
        own = {c.name: v for c in columns for v in _find_only(values[c.name], is_list[c.name])}
        found = own if found is None else _keep_equal(found, own)
    return found or {}


def set_constants(schema: Schema, values: Mapping[str, object]) -> Schema:
    """The schema without the columns whose values are constant."""
    return dataclasses.replace(
        schema,
        columns=tuple(column for column in schema.columns if column.name not in values),
        constants=tuple((c, values[c.name]) for c in schema.columns if c.name in values),
    )


def _is_of_record(column: Column) -> bool:
    is_known = column.field in (RECORD_DTYPE.names or ()) or column.name in CREDIT_COLUMNS
    return is_known and column.name not in _KEPT


def _find_only(value: Value, is_list: bool) -> list[Value]:
    """The one value of a sample, or of all of its objects, in a list; none if they differ."""
    if not (is_list and isinstance(value, list)):
        return [value]
    return value[:1] if all(other == value[0] for other in value) else []


def _keep_equal(values: Mapping[str, Value], others: Mapping[str, Value]) -> dict[str, Value]:
    return {name: v for name, v in values.items() if name in others and others[name] == v}
