"""The records as a Parquet file: one typed row for each cell. Needs pyarrow, which is imported when it is written."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import replace

from harness.encoding import to_json
from harness.records import Record
from harness.report.model import RunInfo
from harness.report.rows import FIELDS, row
from harness.report.tabulate import build_report


def write_parquet(records: Iterable[Record], info: RunInfo) -> bytes:
    """Return the file; columns carry their meaning, and the schema what is known of the run.

    Raises ModuleNotFoundError without pa.
    """
    import pyarrow as pa
    from pyarrow import parquet

    kinds = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}
    fields = [pa.field(one.name, kinds[one.kind], metadata={"description": one.meaning}) for one in FIELDS]
    run = replace(info, missing=(), detection=None)  # thousands of names; `planned` says that some are missing
    schema = pa.schema(fields, metadata={"opencv-dnn-harness": to_json(run)})
    rows = [row(cell) for cell in build_report(records, info).cells]
    columns = [[values[place] for values in rows] for place in range(len(FIELDS))]
    arrays = [pa.array(column, field.type) for column, field in zip(columns, fields, strict=True)]
    file = io.BytesIO()
    parquet.write_table(pa.Table.from_arrays(arrays, schema=schema), file, compression="zstd")
    return file.getvalue()
